/** Weights that the worker saves and loads, in both formats. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cedn } from '../../examples/cedn-model.js';
import { DigitAutoencoder } from '../../examples/digits-model.js';
import { type Answer, weightFormats } from '../../examples/web/protocol.js';
import { WhatWhere } from '../../examples/what-where-model.js';
import { cednData } from '../../src/data/index.js';
import { Adam, bceWithLogits, type Module, noGrad, sigmoid, type Tensor, tensor } from '../../src/index.js';
import { importOnnx, loadWeights } from '../../src/io/index.js';
import { settings, TestPage } from '../helpers/web-session.js';

const test = suite('web/weights');

const fresh = {
  cedn: () => new Cedn(0),
  digits: () => new DigitAutoencoder(),
  'what-where': () => new WhatWhere(),
} as const;

const blob = (bytes: Uint8Array<ArrayBuffer>): Blob => new Blob([bytes]);
/** The pictures of the last row that was shown, which are the outputs. */
function shownOutputs(answers: readonly Answer[]): number[][] {
  const last = answers.findLast((answer) => answer.type === 'rows');
  if (last?.type !== 'rows') throw new Error('no rows');
  return (last.rows.at(-1)?.pictures ?? []).map(({ pixels }) => [...pixels]);
}
/** The inputs of the networks that rebuild digits, as the page was sent them. */
function shownDigits(answers: readonly Answer[]): Tensor {
  const last = answers.findLast((answer) => answer.type === 'rows');
  if (last?.type !== 'rows') throw new Error('no rows');
  const values = last.rows[0].pictures.flatMap(({ pixels }) => [...pixels].filter((_, i) => i % 4 === 0));
  return tensor(
    values.map((v) => v / 255),
    { shape: [12, 28, 28, 1] },
  );
}

for (const network of ['cedn', 'digits', 'what-where'] as const)
  for (const format of weightFormats)
    test(`${network} and ${format}: weights that were saved give the same outputs in Node and in the page`, async () => {
      const page = new TestPage();
      await page.open(settings(network));
      await page.steps(8);
      const outputs = shownOutputs(page.answers);
      const { name, bytes } = await page.ask({ type: 'save', format }, 'saved');
      assert.is(name, `${network}.${format}`);

      // Node, with the library alone.
      const model: Module & { forward(x: Tensor): Tensor } = fresh[network]();
      if (format === 'safetensors') await loadWeights(model, bytes);
      else model.loadStateDict((await importOnnx(bytes)).stateDict());
      const { x, xShape } = cednData();
      const computed =
        network === 'cedn'
          ? noGrad(() => sigmoid(model.forward(tensor(x, { shape: xShape }))))
          : noGrad(() => model.forward(shownDigits(page.answers)));
      const want = new Uint8ClampedArray((await computed.data()).map((value) => 255 * value));
      assert.equal(
        outputs.flatMap((pixels) => pixels.filter((_, i) => i % 4 === 0)),
        [...want],
      );

      // Another training in the page, which then goes on.
      await page.open(settings(network, { seed: 9 }));
      await page.steps(4);
      assert.not.equal(shownOutputs(page.answers), outputs);
      const shown = page.next('unpooling');
      await page.ask({ type: 'load', file: blob(bytes), name }, 'loaded');
      await shown;
      assert.equal(shownOutputs(page.answers), outputs);
      const losses = await page.steps(4);
      assert.ok(losses[0] < page.losses[0], losses.join(' '));
      assert.not.equal(shownOutputs(page.answers), outputs);
    });

test('weights of another model are refused, nothing changes, and the training goes on', async () => {
  const other = new TestPage();
  await other.open(settings('what-where'));
  const page = new TestPage();
  await page.open(settings('digits'));
  const outputs = shownOutputs(page.answers);
  for (const format of weightFormats) {
    const { bytes, name } = await other.ask({ type: 'save', format }, 'saved');
    const message = await page.refusal({ type: 'load', file: blob(bytes), name });
    assert.match(
      message,
      /names, shapes and dtypes must be the module's; got .*conv1\.weight \[5,5,1,16\] float32 for/,
    );
    const half = await page.refusal({ type: 'load', file: blob(bytes.subarray(0, 300)), name });
    assert.ok(half.length > 20 && half.length < 410, half);
    await page.refusal({ type: 'load', file: new Blob(['no weights']), name });
  }
  const text = await page.refusal({ type: 'load', file: new Blob(['text']), name: 'notes.txt' });
  assert.match(text, /load: the name of weights must end in \.safetensors or \.onnx; got notes\.txt/);
  const huge = await page.refusal({
    type: 'load',
    file: new Blob([new Uint8Array(2 ** 26 + 1)]),
    name: 'large.onnx',
  });
  assert.match(huge, /load: a file of weights must have at most 64 MB; got large\.onnx with 64 MB/);
  await page.ask({ type: 'inspect', index: 0, channel: 0 }, 'unpooling');
  assert.equal(shownOutputs(page.answers), outputs);

  const same = new TestPage();
  await same.open(settings('digits'));
  assert.equal(await page.steps(5), await same.steps(5));
});

test('weights that are loaded while a training runs are in its next step', async () => {
  const page = new TestPage();
  await page.open(settings('cedn'));
  await page.steps(30);
  const { bytes, name } = await page.ask({ type: 'save', format: 'safetensors' }, 'saved');
  // All of its batches are the same, so this loss tells the weights.
  const [loss] = await page.steps(1);
  await page.open(settings('cedn', { seed: 3 }));
  page.answers.length = 0;
  await page.ask({ type: 'start' }, 'state');
  await page.next('progress');
  await page.ask({ type: 'load', file: blob(bytes), name }, 'loaded');
  await page.next('progress');
  await page.pause();
  const at = page.losses.indexOf(loss);
  assert.ok(at > 2 && at < page.losses.length, `${loss} among ${page.losses.join(' ')}`);
  // The moments begin anew, so the steps after it do not depend on those before.
  assert.equal(page.losses.slice(at, at + 4), await losses(bytes, 4));
});

/** The losses of a plain loop that begins with these weights. */
async function losses(weights: Uint8Array, count: number): Promise<number[]> {
  const { x, y, xShape, yShape } = cednData();
  const model = new Cedn(0);
  await loadWeights(model, weights);
  const optimizer = new Adam(model.parameters(), { form: 'tf', lr: 3e-3 });
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    optimizer.zeroGrad();
    const output = model.forward(tensor(x, { shape: xShape }));
    const loss = bceWithLogits(output, tensor(y, { shape: yShape }), { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    found.push(await loss.item());
  }
  return found;
}

test.run();
