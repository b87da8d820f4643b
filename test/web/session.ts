/** The worker's session: training, requests in between, and memory. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cedn } from '../../examples/cedn-model.js';
import type { NetworkName } from '../../examples/web/protocol.js';
import { readSheet } from '../../examples/web/worker/digit-sheet.js';
import { loadDigitData } from '../../examples/web/worker/networks/digit-data.js';
import { cednData, loadDigits } from '../../src/data/index.js';
import { Adam, bceWithLogits, defaultDevice, tensor } from '../../src/index.js';
import { encodePng } from '../../src/io/index.js';
import { collected } from '../helpers/collect.js';
import { readAsset, settings, TestPage } from '../helpers/web-session.js';

const test = suite('web/session');

/** The losses of the miniature CEDN in a plain loop. The rate of each step is given. */
async function plainCedn(rates: readonly number[]): Promise<number[]> {
  const { x, y, xShape, yShape } = cednData();
  const [inputs, masks] = [tensor(x, { shape: xShape }), tensor(y, { shape: yShape })];
  const model = new Cedn(0).initHe(1);
  const optimizer = new Adam(model.parameters(), { form: 'tf', lr: 1 });
  const losses: number[] = [];
  for (const lr of rates) {
    optimizer.paramGroups[0].lr = lr;
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(inputs), masks, { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    losses.push(await loss.item());
  }
  return losses;
}

const layers = {
  cedn: { parameters: 19105, shape: [20, 20], rows: [12, 12, 12], channels: [16, 32] },
  digits: { parameters: 2629, shape: [28, 28], rows: [12, 12], channels: [8, 16] },
  'what-where': { parameters: 26465, shape: [28, 28], rows: [12, 12], channels: [16, 32] },
} as const;

for (const [network, want] of Object.entries(layers))
  test(`${network} opens, and 20 steps lower the loss`, async () => {
    const page = new TestPage();
    const ready = await page.open(settings(network as NetworkName));
    assert.equal([ready.parameters, ready.trains, ready.threads], [want.parameters, true, 1]);
    assert.match(ready.device, /^wasm/);
    assert.match(ready.summary, /conv1 Conv2d/);
    const first = page.answers.find((answer) => answer.type === 'rows');
    assert.is(first?.type === 'rows' && first.step, 0);
    assert.equal(first?.type === 'rows' && first.rows.map(({ pictures }) => pictures.length), want.rows);
    const losses = await page.steps(20);
    assert.is(losses.length, 20);
    assert.ok(losses[19] < 0.9 * losses[0], losses.join(' '));
    const shown = page.answers.findLast((answer) => answer.type === 'unpooling');
    assert.ok(shown?.type === 'unpooling' && shown.step === 20);
    assert.equal(
      shown.levels.map(({ channels }) => channels),
      [...want.channels],
    );
    const [level] = shown.levels;
    assert.equal([level.title, level.height, level.width], ['pool 1', ...want.shape]);
    assert.is(level.indices.length, level.rows * level.columns);
  });

test('the steps are those of a plain loop, also after the learning rate changes', async () => {
  const page = new TestPage();
  await page.open(settings('cedn', { learningRate: 3e-3 }));
  await page.steps(6);
  page.session.receive({ type: 'learning-rate', value: 1e-3 });
  await page.steps(6);
  assert.equal(page.losses, await plainCedn([...Array(6).fill(3e-3), ...Array(6).fill(1e-3)]));
});

test('a seed gives the same losses again, and another seed others', async () => {
  const page = new TestPage();
  for (const network of ['digits', 'what-where', 'cedn'] as const) {
    await page.open(settings(network));
    const losses = await page.steps(4);
    await page.open(settings(network));
    assert.equal(await page.steps(4), losses);
    await page.open(settings(network, { seed: 2 }));
    assert.not.equal(await page.steps(4), losses);
  }
});

test('the page has the digits of the example, rounded to 8 bits', async () => {
  const want = await loadDigits({ train: 1500, test: 300 });
  const got = readSheet(await readAsset('digits.png'));
  for (const part of ['train', 'test'] as const) {
    assert.is(got[part].length, want[part].images.length);
    assert.ok(got[part].every((ink, i) => Math.abs(ink - want[part].images[i]) <= 0.5 / 255 + 1e-6));
  }
  const other = encodePng({ width: 28, height: 28, channels: 1, data: new Uint8Array(784) });
  assert.throws(
    () => readSheet(other),
    /readSheet: the digits must be a grey picture of 28 × 50400 pixels; got 28 × 28/,
  );
});

test('batches of an epoch hold each digit once, and epochs have different orders', async () => {
  const data = await loadDigitData(readAsset, 1);
  const all = await data.training.data();
  const keyOf = (pixels: ArrayLike<number>, i: number) => Array.prototype.slice.call(pixels, i, i + 784).join();
  const keys = new Map(Array.from({ length: 1500 }, (_, i) => [keyOf(all, 784 * i), i]));
  const epochs: number[][] = [];
  for (let epoch = 0; epoch < 2; epoch++) {
    const seen: number[] = [];
    for (let step = 0; step < 30; step++) {
      const batch = await data.batch(30 * epoch + step)[0].data();
      for (let i = 0; i < 50; i++) seen.push(keys.get(keyOf(batch, 784 * i)) as number);
    }
    epochs.push(seen);
    assert.is(new Set(seen).size, keys.size);
  }
  assert.not.equal(epochs[0], epochs[1]);
  data.release();
});

test('start trains until pause, and progress tells every step once', async () => {
  const page = new TestPage();
  await page.open(settings('cedn'));
  assert.is((await page.ask({ type: 'start' }, 'state')).running, true);
  for (let i = 0; i < 3; i++) await page.next('progress');
  // Steps follow whose losses have not been told when the request comes.
  await new Promise((resolve) => setTimeout(resolve, 50));
  const state = page.ask({ type: 'pause' }, 'state');
  const last = page.next('unpooling');
  assert.is((await state).running, false);
  const { step } = await last;
  await new Promise((resolve) => setTimeout(resolve, 100));
  let next = 1;
  for (const answer of page.answers)
    if (answer.type === 'progress') {
      assert.is(answer.first, next);
      assert.ok(answer.stepTime > 0);
      next += answer.losses.length;
    }
  assert.is(next - 1, step);
  // When the page hears that the training has paused, it knows the last step.
  const types = page.answers.map((answer) => (answer.type === 'state' && !answer.running ? 'paused' : answer.type));
  assert.ok(types.lastIndexOf('progress') < types.indexOf('paused'), types.join(' '));
  assert.ok(step > 3, String(step));
  assert.equal(page.losses, await plainCedn(Array(step).fill(3e-3)));
});

test('refused requests leave a training going', async () => {
  const page = new TestPage();
  assert.match(await page.refusal({ type: 'start' }), /start: a network must be open; got none/);
  await page.open(settings('cedn'));
  await page.ask({ type: 'start' }, 'state');
  const messages = [
    await page.refusal({ type: 'open', settings: settings('cedn', { learningRate: 0 }) }),
    await page.refusal({ type: 'open', settings: settings('cedn', { seed: -1 }) }),
    await page.refusal({ type: 'open', settings: settings('cedn', { device: 'webgl2' }) }),
    await page.refusal({ type: 'open', settings: settings('nothing' as 'cedn') }),
    await page.refusal({ type: 'learning-rate', value: Number.NaN }),
    await page.refusal({ type: 'draw', pixels: new Float32Array(784) }),
    await page.refusal({ type: 'image', file: new Blob(['text']), name: 'notes.txt' }),
    await page.refusal({ type: 'save', format: 'zip' as 'onnx' }),
    await page.refusal({ type: 'inspect', index: -1, channel: 0 }),
  ];
  const rules = [
    /open: the learning rate must be a positive number; got 0/,
    /seed/,
    /webgl2/,
    /open: the network must be one of cedn, digits/,
    /learning-rate: the learning rate must be a positive number; got NaN/,
    /draw: the network must be about digits; got cedn/,
    /image: the network must take pictures of any size; got cedn/,
    /save: the format must be safetensors or onnx; got zip/,
    /inspect: index must be a whole number from 0 on; got -1/,
  ];
  rules.forEach((rule, i) => void assert.match(messages[i], rule));
  const { first } = await page.next('progress');
  assert.ok((await page.next('progress')).first > first);
  await page.pause();
  assert.equal(page.losses, await plainCedn(Array(page.losses.length).fill(3e-3)));
});

test('a loss that is not finite ends the training and says why', async () => {
  const page = new TestPage();
  await page.open(settings('cedn', { learningRate: 1e30 }));
  const refused = page.next('refused');
  page.session.receive({ type: 'start' });
  const { request, message } = await refused;
  assert.is(request, 'start');
  assert.match(message, /start: the loss must be finite; got (NaN|Infinity) in step \d+; reset, and choose a smaller/);
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(page.answers.at(-1), { type: 'state', running: false });
});

test('a device that ends in the middle is told, and open starts again', async () => {
  const page = new TestPage();
  await page.open(settings('cedn'));
  await page.ask({ type: 'start' }, 'state');
  const refused = page.next('refused');
  await defaultDevice().close();
  assert.match((await refused).message, /closed/);
  await page.open(settings('cedn'));
  assert.equal(await page.steps(2), await plainCedn([3e-3, 3e-3]));
});

/** The memory in use on the device, without garbage. */
async function memoryInUse(): Promise<readonly number[]> {
  for (let i = 0; i < 3; i++) await collected();
  const { tensors, bytes } = defaultDevice().memory();
  return [tensors, bytes];
}

test('memory stays as it is over steps and opens', async () => {
  const page = new TestPage();
  for (const network of ['cedn', 'digits', 'what-where'] as const) {
    await page.open(settings(network));
    await page.steps(4);
    const used = await memoryInUse();
    await page.ask({ type: 'start' }, 'state');
    while (page.losses.length < 60) await page.next('progress');
    await page.pause();
    if (network !== 'cedn') await page.ask({ type: 'draw', pixels: new Float32Array(784).fill(0.5) }, 'drawing');
    await page.steps(1);
    assert.equal(await memoryInUse(), used, network);
    for (let i = 0; i < 3; i++) await page.open(settings(network));
    await page.steps(4);
    assert.equal(await memoryInUse(), used, network);
    page.answers.length = 0;
  }
});

test.run();
