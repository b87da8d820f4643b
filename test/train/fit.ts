/**
 * fit against loops by hand, bit for bit. Not here: checkpoints of killed processes
 * (test/train/kills.ts), callbacks (test/train/callbacks.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  BatchNorm2d,
  Conv2d,
  CosineLR,
  clipGradNorm,
  clipGradValue,
  Dropout,
  device,
  FastRandom,
  manualSeed,
  mse,
  noGrad,
  randn,
  Sequential,
  setDefaultDevice,
  type Tensor,
} from '../../src/index.js';
import { encodeWeights } from '../../src/io/index.js';
import { type Callback, evaluate, type FitOptions, fit } from '../../src/train/index.js';
import { throws } from '../helpers/refusals.js';

const test = suite('train/fit');

type Pair = [Tensor, Tensor];

const shape = [4, 6, 6, 2];
/** Batches of noise and its absolute values. The last one is smaller. */
function batchesOf(seed: number, count = 5): Pair[] {
  const random = new FastRandom(seed);
  return Array.from({ length: count }, (_, i) => {
    const x = randn(i === count - 1 ? [3, ...shape.slice(1)] : shape, { random });
    return [x, x.abs()];
  });
}

function made(lr = 0.01) {
  manualSeed(3);
  const model = new Sequential(
    new Conv2d(2, 5, 3, { padding: 'same' }),
    new BatchNorm2d(5),
    new Dropout(0.25),
    new Conv2d(5, 2, 3, { padding: 'same' }),
  );
  return { model, optimizer: new Adam(model.parameters(), { lr }) };
}
const output = (model: Sequential, x: Tensor): Tensor => model.forward(x) as Tensor;

/** A loop as a user writes it. */
async function byHand(
  { model, optimizer }: ReturnType<typeof made>,
  data: readonly Pair[],
  epochs: number,
  extra: { clip?: () => void; afterEpoch?: () => void; accumulate?: number } = {},
) {
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let i = 0; i < data.length; i += extra.accumulate ?? 1) {
      const group = data.slice(i, i + (extra.accumulate ?? 1));
      optimizer.zeroGrad();
      let sum = 0;
      for (const [x, y] of group) {
        const loss = mse(output(model, x), y);
        (group.length === 1 ? loss : loss.div(group.length)).backward();
        sum += await loss.item();
      }
      extra.clip?.();
      optimizer.step();
      losses.push(sum / group.length);
    }
    extra.afterEpoch?.();
  }
  return { losses, weights: await encodeWeights(model) };
}

const devices = [await device('reference'), await device('wasm')];
for (const on of devices) {
  const same = async (
    epochs: number,
    options: Partial<FitOptions<Pair>> = {},
    extra: (m: ReturnType<typeof made>) => Parameters<typeof byHand>[3] = () => ({}),
  ): Promise<void> => {
    setDefaultDevice(on);
    const data = batchesOf(1);
    const expected = made();
    const hand = await byHand(expected, data, epochs, extra(expected));
    const own = made();
    const loss = (x: Tensor, y: Tensor): Tensor => mse(output(own.model, x), y);
    const result = await fit(own.model, { data, loss, optimizer: own.optimizer, epochs, ...options });
    assert.equal(result.losses, hand.losses);
    assert.equal(await encodeWeights(own.model), hand.weights);
    assert.is(result.step, hand.losses.length);
    setDefaultDevice(devices[0]);
  };

  test(`${on.name}: a run has the losses and weights of a loop by hand`, () => same(3));
  test(`${on.name}: without compile, too`, () => same(3, { compile: false }));
  test(`${on.name}: gradients of two batches make one step; the last step has one`, () =>
    same(3, { accumulate: 2 }, () => ({ accumulate: 2 })));
  test(`${on.name}: clipping by value, then by norm`, () =>
    same(3, { clipNorm: 0.02, clipValue: 0.01 }, ({ model }) => ({
      clip: () => {
        clipGradValue(model.parameters(), 0.01);
        clipGradNorm(model.parameters(), 0.02);
      },
    })));
}

test('the mean loss of an epoch weighs batches by their samples', async () => {
  const data = batchesOf(1, 2);
  const { model, optimizer } = made(0);
  const { history, losses } = await fit(model, {
    data,
    loss: (x, y) => mse(output(model, x), y),
    optimizer,
    epochs: 1,
  });
  // Four samples, then three.
  assert.is(history[0].loss, (losses[0] * 4 + losses[1] * 3) / 7);
});

test('validation is in eval mode without a graph, and each module keeps its mode', async () => {
  const data = batchesOf(1, 2);
  const validation = batchesOf(2, 2);
  const { model, optimizer } = made();
  const [, norm] = model.children();
  norm.eval();
  const modes: boolean[] = [];
  const { history } = await fit(model, {
    data,
    validation,
    loss: (x, y) => {
      modes.push(model.children()[2].training);
      return mse(output(model, x), y);
    },
    optimizer,
    epochs: 1,
    metrics: {
      first: (prediction, target) => {
        assert.is(prediction.requiresGrad, false);
        return mse(prediction, target);
      },
    },
  });
  assert.equal(modes, [true, true, false, false]);
  assert.is(norm.training, false);
  assert.is(model.training, true);
  model.eval();
  let expected = 0;
  for (const [x, y] of validation) expected += (await noGrad(() => mse(output(model, x), y)).item()) * x.shape[0];
  assert.is(history[0].valLoss, expected / 7);
  assert.is(history[0].metrics.first, expected / 7);
  const measured = await evaluate(model, { data: validation, loss: (x, y) => mse(output(model, x), y) });
  assert.equal(measured, { loss: expected / 7, metrics: {}, samples: 7 });
});

test('a model in eval mode is trained in training mode, and is in eval mode afterwards', async () => {
  const { model, optimizer } = made();
  model.eval();
  let training = false;
  const loss = (x: Tensor, y: Tensor): Tensor => {
    training = model.children()[2].training;
    return mse(output(model, x), y);
  };
  await fit(model, { data: batchesOf(1, 1), loss, optimizer, epochs: 1 });
  assert.is(training, true);
  assert.equal([...new Set(model.namedModules().map(([, m]) => m.training))], [false]);
});

test('metrics that accumulate are reset for each epoch', async () => {
  const { model, optimizer } = made();
  const calls: string[] = [];
  const count = {
    reset: () => void calls.push('reset'),
    update: async () => void calls.push('update'),
    compute: async () => calls.length,
  };
  const data = batchesOf(1, 2);
  const { history } = await fit(model, {
    data,
    validation: data,
    loss: (x, y) => mse(output(model, x), y),
    optimizer,
    epochs: 2,
    metrics: { count },
  });
  assert.equal(calls, ['reset', 'update', 'update', 'reset', 'update', 'update']);
  assert.equal(
    history.map(({ metrics }) => metrics.count),
    [3, 6],
  );
});

test('schedules step after epochs or steps, and the record has the rate that was used', async () => {
  const rates = async (scheduleEvery?: 'step'): Promise<number[]> => {
    const { model, optimizer } = made(0.1);
    const schedule = new CosineLR(optimizer, { total: 4 });
    const options = { data: batchesOf(1, 2), optimizer, schedule, ...(scheduleEvery && { scheduleEvery }), epochs: 2 };
    const { history } = await fit(model, { ...options, loss: (x, y) => mse(output(model, x), y) });
    return [...history.map(({ lr }) => lr), optimizer.paramGroups[0].lr];
  };
  const cosine = (count: number): number => 0.05 * (1 + Math.cos((Math.PI * count) / 4));
  assert.equal(await rates(), [cosine(0), cosine(1), cosine(2)]);
  assert.equal(
    await rates('step'),
    [cosine(2), cosine(4), cosine(4)].map((rate, i) => (i === 0 ? cosine(2) : rate)),
  );
});

test('a schedule that needs a metric gets the validation loss', async () => {
  const { model, optimizer } = made();
  const seen: (number | undefined)[] = [];
  const schedule = {
    needsMetric: true,
    step: (metric?: number) => void seen.push(metric),
    stateDict: () => null,
    loadStateDict: () => {},
  };
  const data = batchesOf(1, 2);
  const loss = (x: Tensor, y: Tensor): Tensor => mse(output(model, x), y);
  const { history } = await fit(model, { data, validation: data, loss, optimizer, schedule, epochs: 2 });
  assert.equal(
    seen,
    history.map(({ valLoss }) => valLoss),
  );
});

test('hooks are called in order, awaited, and those that run last come last', async () => {
  const { model, optimizer } = made();
  const calls: string[] = [];
  const logged = (name: string, runsLast = false): Callback => {
    const log =
      (hook: string) =>
      async (run: { epoch: number; step: number }): Promise<void> => {
        await new Promise((done) => setTimeout(done, 1));
        calls.push(`${name} ${hook} ${run.epoch} ${run.step}`);
      };
    return {
      runsLast,
      onTrainBegin: log('train'),
      onEpochBegin: log('epoch'),
      onStepEnd: log('step'),
      onEpochEnd: log('end'),
      onTrainEnd: log('done'),
    };
  };
  const loss = (x: Tensor, y: Tensor): Tensor => mse(output(model, x), y);
  const callbacks = [logged('last', true), logged('a')];
  await fit(model, { data: batchesOf(1, 2), loss, optimizer, epochs: 2, callbacks });
  const once = ['train 1 0', 'epoch 1 0', 'step 1 1', 'step 1 2', 'end 1 2', 'epoch 2 2', 'step 2 3', 'step 2 4'];
  const expected = [...once, 'end 2 4', 'done 2 4'].flatMap((call) => [`a ${call}`, `last ${call}`]);
  assert.equal(calls, expected);
});

test('a signal or stop() ends the run after the step, and onTrainEnd is called', async () => {
  for (const how of ['signal', 'stop'] as const) {
    const { model, optimizer } = made();
    const controller = new AbortController();
    let ended = false;
    const result = await fit(model, {
      data: batchesOf(1),
      loss: (x, y) => mse(output(model, x), y),
      optimizer,
      epochs: 3,
      signal: controller.signal,
      callbacks: [
        {
          onStepEnd: (run) => {
            if (run.step === 7) how === 'signal' ? controller.abort() : run.stop('enough');
          },
          onTrainEnd: () => {
            ended = true;
          },
        },
      ],
    });
    assert.is(result.step, 7);
    assert.is(result.history.length, 1);
    assert.is(result.stopReason, how === 'signal' ? 'aborted' : 'enough');
    assert.ok(ended);
  }
});

test('an error of the loss or a callback reaches the caller, after onError', async () => {
  for (const where of ['loss', 'callback', 'validation'] as const) {
    const { model, optimizer } = made();
    let seen: unknown;
    let steps = 0;
    const error = new Error('mine');
    const run = fit(model, {
      data: batchesOf(1),
      validation: batchesOf(1),
      loss: (x, y) => {
        if (where === 'loss' && ++steps === 4) throw error;
        if (where === 'validation' && !model.training) throw error;
        return mse(output(model, x), y);
      },
      optimizer,
      epochs: 2,
      callbacks: [
        {
          onStepEnd: () => {
            if (where === 'callback') throw error;
          },
          onError: (_run, e) => {
            seen = e;
          },
        },
      ],
    });
    let thrown: unknown;
    await run.catch((e) => {
      thrown = e;
    });
    assert.is(thrown, error, where);
    assert.is(seen, error, where);
    assert.is(model.training, true);
  }
});

test('a loss that is not finite ends the run with its step', async () => {
  const { model, optimizer } = made();
  let steps = 0;
  const loss = (x: Tensor, y: Tensor): Tensor => {
    const value = mse(output(model, x), y);
    return ++steps === 3 ? value.mul(Number.NaN) : value;
  };
  await throws(
    () => fit(model, { data: batchesOf(1), loss, optimizer, epochs: 2, compile: false }),
    /fit: the loss must be finite; got NaN in step 3, epoch 1; lower the learning rate/,
  );
});

test('data may be a function of the epoch, or asynchronous', async () => {
  const { model, optimizer } = made();
  const epochs: number[] = [];
  const all = batchesOf(1, 2);
  async function* later(): AsyncGenerator<Pair> {
    for (const batch of all) {
      await new Promise((done) => setTimeout(done, 1));
      yield batch;
    }
  }
  const loss = (x: Tensor, y: Tensor): Tensor => mse(output(model, x), y);
  const data = (epoch: number) => {
    epochs.push(epoch);
    return later();
  };
  const { step } = await fit(model, { data, loss, optimizer, epochs: 3 });
  assert.equal(epochs, [1, 2, 3]);
  assert.is(step, 6);
  await throws(
    () => fit(model, { data: later(), loss, optimizer, epochs: 2 }),
    /fit: data must have batches in every epoch; got none in epoch 2/,
  );
});

test('mistakes are refused before anything is trained', async () => {
  const { model, optimizer } = made();
  const loss = (x: Tensor, y: Tensor): Tensor => mse(output(model, x), y);
  const data = batchesOf(1, 1);
  const good = { data, loss, optimizer, epochs: 1 };
  const numbers = () => model.parameters().map((p) => [...p.dataSync()]);
  const before = numbers();
  const cases: [Record<string, unknown>, RegExp][] = [
    [{ epoch: 3 }, /did you mean epochs/],
    [{ epochs: 0 }, /epochs must be whole and at least 1/],
    [{ loss: 'mse' }, /loss must be a function/],
    [
      { loss: (x: Tensor, y: Tensor) => mse(output(model, x), y, { reduction: 'none' }) },
      /tensor with one element; got a tensor \[3,6,6,2\]/,
    ],
    [
      { loss: async () => 1, compile: false },
      /loss must return a tensor with one element; got a Promise; it must not be asynchronous/,
    ],
    [{ optimizer: { lr: 1 } }, /optimizer must be an optimizer/],
    [{ data: data[0][0] }, /data must give batches.*put the tensors of a batch/],
    [{ data: 7 }, /data must give batches/],
    [{ data: [data[0][0]] }, /data must give arrays of tensors; got a Tensor; a batch of one tensor is \[x\]/],
    [{ data: [] }, /data must have batches in every epoch; got none in epoch 1/],
    [{ metrics: { a: mse } }, /metrics are measured on validation data/],
    [{ metrics: { loss: mse }, validation: data }, /a metric needs a name of its own; got metrics.loss/],
    [{ metrics: { a: 'psnr' }, validation: data }, /a metric must be a function.*metrics.a='psnr'/],
    [{ accumulate: 1.5 }, /accumulate must be whole/],
    [{ clipNorm: 0 }, /clipNorm must be a positive number/],
    [{ scheduleEvery: 'batch' }, /scheduleEvery must be 'epoch' or 'step'/],
    [{ schedule: 'cosine' }, /schedule must be a schedule/],
    [{ ema: 0.99 }, /ema must be an ExponentialMovingAverage/],
    [{ signal: new AbortController() }, /signal must be an AbortSignal/],
    [{ callbacks: {} }, /callbacks must be an array/],
    [{ callbacks: [{ onEpoch: () => {} }] }, /did you mean onEpochEnd|options are name/],
    [{ callbacks: [{ onStepEnd: 1 }] }, /onStepEnd must be a function/],
    [{ callbacks: [{ stateDict: () => 1 }] }, /a callback with stateDict needs a name/],
    [{ compile: 'no' }, /compile must be true or false/],
    [{ generators: { a: 1 } }, /a generator must have getState and setState/],
  ];
  for (const [change, says] of cases) await throws(() => fit(model, { ...good, ...change } as never), says);
  await throws(() => fit({} as never, good), /model must be a Module/);
  // Batch norm's statistics may change, because the loss is called before its result is refused.
  assert.equal(numbers(), before);
});

test.run();
