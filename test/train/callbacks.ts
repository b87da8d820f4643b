/** The callbacks of fit: progress, early stopping, checkpoints. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { arrayDataset, DataLoader } from '../../src/data/index.js';
import {
  Adam,
  Conv2d,
  CosineLR,
  Dropout,
  FastRandom,
  manualSeed,
  mse,
  ReduceLROnPlateau,
  Sequential,
  type Tensor,
} from '../../src/index.js';
import { encodeWeights, loadWeights } from '../../src/io/index.js';
import {
  type Callback,
  checkpoint,
  type EpochRecord,
  ExponentialMovingAverage,
  earlyStopping,
  fit,
  type Metric,
  progress,
  type Run,
} from '../../src/train/index.js';
import { throws } from '../helpers/refusals.js';

const test = suite('train/callbacks');
const folder = mkdtempSync(join(tmpdir(), 'callbacks-'));
test.after(() => rmSync(folder, { recursive: true }));

const random = new FastRandom(1);
const images = { data: Float32Array.from(random.rand(10 * 16)), shape: [10, 4, 4, 1] };

/** A model with dropout on ten random images, whose last batch is smaller. */
function made() {
  manualSeed(3);
  const model = new Sequential(new Conv2d(1, 4, 3, { padding: 'same' }), new Dropout(0.25), new Conv2d(4, 1, 1));
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const ema = new ExponentialMovingAverage(model, { decay: 0.5 });
  return { model, optimizer, ema, schedule: new CosineLR(optimizer, { total: 5 }) };
}
const lossOf =
  (model: Sequential) =>
  (x: Tensor): Tensor =>
    mse(model.forward(x) as Tensor, x);

/** Four epochs of three steps, with everything that a checkpoint must hold. */
const run = (
  m: ReturnType<typeof made>,
  callbacks: Callback[],
  more: { resume?: string; epochs?: number; metrics?: Record<string, Metric> } = {},
) =>
  fit(m.model, {
    data: new DataLoader(arrayDataset(images), { batchSize: 4, shuffle: true, seed: 5 }),
    validation: new DataLoader(arrayDataset(images), { batchSize: 5 }),
    loss: lossOf(m.model),
    optimizer: m.optimizer,
    schedule: m.schedule,
    ema: m.ema,
    epochs: 4,
    callbacks,
    ...more,
  });
const timeless = (history: readonly EpochRecord[]) => history.map((record) => ({ ...record, seconds: 0 }));

test('a run that is stopped anywhere and resumed has the bits of one that was not', async () => {
  const whole = made();
  const expected = await run(whole, [earlyStopping({ patience: 9 }), checkpoint(join(folder, 'whole'))]);
  const weights = await encodeWeights(whole.model);
  const best = readFileSync(join(folder, 'whole/best.safetensors'));
  // Stops in an epoch, at its last step, at the first step, and in the last epoch.
  for (const at of [5, 6, 1, 11]) {
    const to = join(folder, `stop-${at}`);
    const first = made();
    const stopped = await run(first, [
      earlyStopping({ patience: 9 }),
      checkpoint(to),
      {
        onStepEnd: (r) => {
          if (r.step === at) r.stop('enough');
        },
      },
    ]);
    assert.is(stopped.step, at);
    const second = made();
    const callbacks = [earlyStopping({ patience: 9 }), checkpoint(to)];
    const result = await run(second, callbacks, { resume: join(to, 'last.checkpoint') });
    assert.equal(result.losses, expected.losses, `stopped at ${at}`);
    assert.equal(timeless(result.history), timeless(expected.history));
    assert.is(Buffer.compare(await encodeWeights(second.model), weights), 0);
    assert.is(Buffer.compare(readFileSync(join(to, 'best.safetensors')), best), 0);
    assert.equal(readdirSync(to).sort(), ['best.safetensors', 'last.checkpoint']);
  }
});

test('a finished run resumes with more epochs, and does nothing without', async () => {
  const to = join(folder, 'more');
  const short = made();
  await run(short, [checkpoint(to)], { epochs: 2 });
  const path = join(to, 'last.checkpoint');
  const same = await run(made(), [], { epochs: 2, resume: path });
  assert.is(same.history.length, 2);
  const longer = await run(made(), [checkpoint(to)], { resume: path });
  const whole = await run(made(), []);
  assert.equal(longer.losses, whole.losses);
});

test('checkpoints within an epoch, and data that is no loader', async () => {
  const to = join(folder, 'steps');
  const batches = Array.from({ length: 5 }, (_, i): [Tensor] => {
    const x = new FastRandom(i);
    return [new Conv2d(1, 1, 1).weight.detach().reshape([1, 1, 1, 1]).expand([2, 4, 4, 1]).mul(x.random()).keep()];
  });
  const train = (m: ReturnType<typeof made>, more: object) =>
    fit(m.model, { data: batches, loss: lossOf(m.model), optimizer: m.optimizer, epochs: 2, ...more });
  const whole = await train(made(), {});
  let copy: Uint8Array | undefined;
  await train(made(), {
    callbacks: [checkpoint((name, bytes) => void (name === 'last.checkpoint' && (copy ??= bytes)), { everySteps: 3 })],
  });
  const resumed = await train(made(), { resume: copy });
  assert.equal(resumed.losses, whole.losses);
  assert.not.ok(existsSync(to));
});

test('best.safetensors has the averaged weights of the best epoch', async () => {
  const m = made();
  const seen: Record<number, Uint8Array> = {};
  const files: Record<string, Uint8Array> = {};
  const keep: Callback = {
    onEpochEnd: async (r: Run, { epoch }) => {
      seen[epoch] = await r.withAverages(() => encodeWeights(r.model));
    },
  };
  const { history } = await run(m, [keep, checkpoint((name, bytes) => void (files[name] = bytes))]);
  const values = history.map(({ valLoss }) => valLoss as number);
  const best = values.indexOf(Math.min(...values)) + 1;
  assert.is(Buffer.compare(files['best.safetensors'], seen[best]), 0);
  await loadWeights(made().model, files['best.safetensors']);
});

test('early stopping waits for `patience` epochs, and knows metrics', async () => {
  const m = made();
  const values = [3, 2, 2.5, 1.95, 2.2, 2.1, 0];
  const train = (sign: number, options: Parameters<typeof earlyStopping>[0]) => {
    let epoch = 0;
    const mine = { reset: () => {}, update: () => {}, compute: () => sign * (values[epoch++] as number) };
    return run(m, [earlyStopping(options)], { epochs: 7, metrics: { mine } });
  };
  // Metrics grow by default, so the negated values improve in epochs 1, 2 and 4.
  assert.is((await train(-1, { monitor: 'mine', patience: 2 })).history.length, 6);
  assert.is((await train(1, { monitor: 'mine', mode: 'min', patience: 2 })).history.length, 6);
  // 1.95 is no improvement of more than 0.1, so the wait begins after epoch 2.
  const stopped = await train(1, { monitor: 'mine', mode: 'min', patience: 2, minDelta: 0.1 });
  assert.is(stopped.history.length, 4);
  assert.is(stopped.stopReason, 'mine has not improved for 2 epochs');
  assert.is((await train(-1, { monitor: 'mine' })).history.length, 3);
});

test('a plateau schedule is driven and resumed', async () => {
  const m = made();
  const schedule = new ReduceLROnPlateau(m.optimizer, { patience: 0, factor: 0.5, threshold: 10 });
  const options = { data: new DataLoader(arrayDataset(images), { batchSize: 10 }), loss: lossOf(m.model) };
  const { history } = await fit(m.model, { ...options, optimizer: m.optimizer, schedule, epochs: 3 });
  // No loss is better by a threshold of 10 times the best, so each epoch after the first halves.
  assert.equal(
    history.map(({ lr }) => lr),
    [0.01, 0.01, 0.005],
  );
});

test('progress writes one line for each epoch, and a bar on a terminal', async () => {
  const lines: string[] = [];
  await run(made(), [progress({ stream: { write: (text) => lines.push(text) } })]);
  assert.is(lines.length, 4);
  assert.match(lines[0], /^epoch 1\/4 {2}loss \d\S+ {2}valLoss \d\S+ {2}lr 0\.01000 {2}\d+\.\d s\n$/);
  let shown = '';
  const terminal = { write: (text: string) => (shown += text), isTTY: true, columns: 100 };
  const stop: Callback = { onStepEnd: (r) => void (r.step === 4 && r.stop('enough')) };
  await run(made(), [progress({ stream: terminal }), stop]);
  assert.match(shown, /epoch 1\/4 .*3\/3/);
  assert.match(shown, /stopped: enough\n$/);
});

test('the bar ends when the run fails', async () => {
  let shown = '';
  const terminal = { write: (text: string) => (shown += text), isTTY: true, columns: 100 };
  const fail: Callback = {
    onStepEnd: () => {
      throw new Error('mine');
    },
  };
  await run(made(), [progress({ stream: terminal }), fail]).then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'mine'),
  );
  assert.match(shown, /epoch 1/);
});

test('a folder that cannot be written ends the run, and the old files stay', async () => {
  const to = join(folder, 'kept');
  mkdirSync(to);
  writeFileSync(join(to, 'last.checkpoint'), 'old');
  // A folder at the place of the file fails for the superuser, too.
  mkdirSync(join(to, 'best.safetensors'));
  await throws(() => run(made(), [checkpoint(to)]), /writeFileAtomic: path must name a plain file/);
  assert.is(readFileSync(join(to, 'last.checkpoint'), 'utf8'), 'old');
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const failed = await run(made(), [checkpoint(file)]).catch((error: NodeJS.ErrnoException) => error);
  assert.ok(failed instanceof Error && /ENOTDIR|EEXIST/.test(failed.message), String(failed));
  if (process.getuid?.() !== 0) {
    const readOnly = join(folder, 'readonly');
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o500);
    const refused = await run(made(), [checkpoint(readOnly)]).catch((error: Error) => error);
    assert.match(String(refused), /EACCES/);
  }
});

test('mistakes are refused by name', async () => {
  const cases: [() => unknown, RegExp][] = [
    [() => progress({ steam: 1 } as never), /did you mean stream/],
    [() => progress({ stream: {} as never }), /stream must have a method write/],
    [() => earlyStopping({ patience: 0 }), /patience must be whole and at least 1/],
    [() => earlyStopping({ minDelta: -1 }), /minDelta must be finite and not negative/],
    [() => earlyStopping({ mode: 'auto' as never }), /mode must be 'min' or 'max'/],
    [() => earlyStopping({ restoreBest: true } as never), /options are monitor, mode, patience, minDelta/],
    [() => checkpoint(''), /to must name a folder/],
    [() => checkpoint(7 as never), /to must be text/],
    [() => checkpoint('a', { everySteps: 0 }), /everySteps must be whole and at least 1/],
    [() => checkpoint('a', { monitor: 1 as never }), /monitor must be text/],
    [() => run(made(), [earlyStopping({ monitor: 'psnr' })]), /monitor must be one of loss, valLoss; got 'psnr'/],
    [() => run(made(), [checkpoint('a'), checkpoint('b')]), /callbacks with a state must have different names/],
  ];
  for (const [call, says] of cases) await throws(call, says);
});

test.run();
