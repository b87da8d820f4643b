/** ExponentialMovingAverage against PyTorch's numbers (test/fixtures/gen_metrics.py). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  BatchNorm2d,
  compile,
  device,
  Linear,
  Module,
  manualSeed,
  mse,
  noGrad,
  ones,
  randn,
  Sequential,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';
import { ExponentialMovingAverage } from '../../src/train/index.js';
import stored from '../fixtures/metrics.json' with { type: 'json' };
import { closeTo, sameBits } from '../helpers/close.js';

const { ema: known } = stored.cases;
const test = suite('exponential moving average');

/** The parameters of the fixture, in PyTorch's order. */
class Pair extends Module {
  readonly weight = tensor(known.start[0], { dtype: 'float64' }).keep();
  readonly bias = tensor(known.start[1], { dtype: 'float64' }).keep();
  override forward(): never {
    throw new Error('not called');
  }
  override namedParameters(): never {
    return [
      ['weight', this.weight],
      ['bias', this.bias],
    ] as never;
  }
  override namedBuffers(): [string, Tensor][] {
    return [];
  }
}

for (const warmup of [false, true])
  test(`averages are PyTorch's${warmup ? ', with warm-up' : ''}`, () => {
    const model = new Pair();
    const ema = new ExponentialMovingAverage(model, { decay: 0.9, warmup });
    for (let step = 0; step < 5; step++) {
      [model.weight, model.bias].forEach((p, i) => {
        p.assign(p.mul(0.5).add(step * 0.25 - i));
      });
      ema.update();
    }
    const { count, tensors } = ema.stateDict();
    const [weight, bias] = warmup ? known.warmup : known.plain;
    assert.is(count, 5);
    assert.is(ema.count, 5);
    closeTo(tensors.weight.dataSync(), weight, 1e-14);
    closeTo(tensors.bias.dataSync(), bias, 1e-14);
  });

const normed = (): Module => new Sequential(new BatchNorm2d(2), new BatchNorm2d(2, { affine: false }));
const values = (tensors: Readonly<Record<string, Tensor>>): Record<string, number[]> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, [...t.dataSync()]]));

test('buffers are copied, and unchanged weights stay as they are', () => {
  manualSeed(1);
  const model = normed();
  for (const p of model.parameters()) noGrad(() => p.assign(randn(p.shape)));
  const ema = new ExponentialMovingAverage(model, { decay: 0.9 });
  (model.forward as (x: Tensor) => Tensor)(randn([2, 3, 3, 2]));
  ema.update();
  assert.equal(values(ema.stateDict().tensors), values(model.stateDict()));
});

test('apply puts the averages in, and the weights back', async () => {
  manualSeed(2);
  const model = normed();
  const ema = new ExponentialMovingAverage(model, { decay: 0.5 });
  for (const t of [...model.parameters(), ...model.buffers()]) noGrad(() => t.assign(randn(t.shape)));
  const own = values(model.stateDict());
  const averages = values(ema.stateDict().tensors);
  assert.not.equal(own, averages);
  const seen = await ema.apply(async () => {
    await Promise.resolve();
    const now = values(model.stateDict());
    noGrad(() => model.parameters()[0].assign(ones([2])));
    return now;
  });
  assert.equal(seen, averages);
  assert.equal(values(model.stateDict()), own);
  assert.is(await ema.apply(() => 5), 5);
});

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );

test('apply puts the weights back when fn throws, at once or later', async () => {
  const model = new Linear(2, 2);
  const ema = new ExponentialMovingAverage(model);
  noGrad(() => model.weight.assign(ones([2, 2])));
  const throwing = () => {
    throw new Error('no');
  };
  assert.is(await messageOf(ema.apply(throwing)), 'no');
  sameBits(model.weight.dataSync(), [1, 1, 1, 1]);
  assert.is(await messageOf(ema.apply(() => Promise.reject(new Error('later')))), 'later');
  sameBits(model.weight.dataSync(), [1, 1, 1, 1]);
});

test('update and apply within apply are refused', async () => {
  const ema = new ExponentialMovingAverage(new Linear(2, 2));
  const within = (fn: () => unknown): Promise<string> => messageOf(ema.apply(fn));
  assert.match(await within(() => ema.update()), /update: the model must have its own weights; got update\(\) within/);
  assert.match(
    await within(() => ema.apply(() => 1)),
    /apply: the model must have its own weights; got apply\(\) with/,
  );
  ema.update();
  assert.is(ema.count, 1);
});

test('a state is restored to the bit', () => {
  manualSeed(3);
  const model = normed();
  const [first, second] = [1, 2].map(() => new ExponentialMovingAverage(model, { decay: 0.7, warmup: true }));
  const train = (): void => {
    for (const t of [...model.parameters(), ...model.buffers()]) noGrad(() => t.assign(randn(t.shape)));
  };
  train();
  first.update();
  second.loadStateDict(first.stateDict());
  train();
  first.update();
  second.update();
  assert.is(second.count, 2);
  assert.equal(values(second.stateDict().tensors), values(first.stateDict().tensors));
});

test('a state that does not fit changes nothing', () => {
  const ema = new ExponentialMovingAverage(new Linear(2, 2));
  const before = values(ema.stateDict().tensors);
  const refused = (state: unknown, message: RegExp): void => {
    assert.throws(() => ema.loadStateDict(state as never), message);
    assert.is(ema.count, 0);
    assert.equal(values(ema.stateDict().tensors), before);
  };
  const { tensors } = ema.stateDict();
  refused({ count: 1.5, tensors }, /^ExponentialMovingAverage.loadStateDict: count must be whole and not negative/);
  refused({ count: 1, tensors: { weight: ones([2, 2]) } }, /got missing bias/);
  refused({ count: 1, tensors: { ...tensors, bias: ones([3]) } }, /got bias \[3\] float32 for \[2\] float32/);
  refused({ count: 1, tensors: 3 }, /a state must be an object of tensors by name; got 3/);
});

test('beside a compiled step memory is flat and the step stays compiled', async () => {
  const wasm = await device('wasm');
  setDefaultDevice(wasm);
  manualSeed(4);
  const model = new Sequential(new Linear(4, 4), new Linear(4, 4));
  const optimizer = new Adam(model.parameters(), { lr: 0.1 });
  const ema = new ExponentialMovingAverage(model, { decay: 0.99 });
  const plain = model.parameters().map((p) => [...p.dataSync()]);
  const [x, y] = [randn([3, 4]), randn([3, 4])];
  const step = compile((input: Tensor, target: Tensor) => {
    const loss = mse(model.forward(input), target);
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  let early = 0;
  for (let i = 0; i < 60; i++) {
    step(x, y).release();
    ema.update();
    // The same in plain JavaScript.
    model.parameters().forEach((p, k) => {
      const [now, average] = [p.dataSync(), plain[k]];
      for (let j = 0; j < average.length; j++) average[j] += (now[j] - average[j]) * (1 - 0.99);
    });
    if (i === 20) early = wasm.memory().tensors;
  }
  assert.is(step.mode, 'compiled', step.reason);
  assert.is(wasm.memory().tensors, early);
  const { tensors } = ema.stateDict();
  Object.values(tensors).forEach((t, k) => {
    closeTo(t.dataSync(), plain[k], 1e-5);
  });
  await ema.apply(() => undefined);
  step(x, y);
  assert.is(step.mode, 'compiled', step.reason);
});

test.run();
