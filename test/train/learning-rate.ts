/**
 * findLearningRate: it leaves everything as it was, and its rates and suggestion are those that
 * arithmetic by hand gives for losses made up beforehand.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DataLoader } from '../../src/data/index.js';
import {
  Adam,
  BatchNorm2d,
  Conv2d,
  compile,
  Dropout,
  device,
  FastRandom,
  getRngState,
  Linear,
  Module,
  manualSeed,
  mse,
  noGrad,
  RandomState,
  randn,
  SGD,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';
import { type FindLearningRateOptions, findLearningRate, learningRatePicture } from '../../src/train/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('learning rate');
const wasm = await device('wasm');
setDefaultDevice(wasm);

class Network extends Module {
  readonly conv = new Conv2d(1, 2, 3, { padding: 1 });
  readonly norm = new BatchNorm2d(2);
  readonly drop = new Dropout(0.3);
  readonly fast = new Dropout(0.3, { random: new FastRandom(3) });
  readonly own = new Dropout(0.3, { random: new RandomState(4) });
  readonly out = new Conv2d(2, 1, 3, { padding: 1 });

  forward(x: Tensor): Tensor {
    return this.out.forward(
      this.own.forward(this.fast.forward(this.drop.forward(this.norm.forward(this.conv.forward(x))))),
    );
  }
}

/** A loader of two batches an epoch with a position, as DataLoader has. */
class Loader {
  epoch = 0;
  batch = 0;
  readonly #batches: readonly (readonly [Tensor])[];

  constructor() {
    this.#batches = [0, 1, 2].map(() => [randn([2, 4, 4, 1])]);
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<readonly [Tensor]> {
    for (; this.batch < this.#batches.length; ) yield this.#batches[this.batch++];
    this.epoch++;
    this.batch = 0;
  }
  stateDict(): { epoch: number; batch: number } {
    return { epoch: this.epoch, batch: this.batch };
  }
  loadStateDict({ epoch, batch }: { epoch: number; batch: number }): void {
    this.epoch = epoch;
    this.batch = batch;
  }
}

const bits = (tensors: Readonly<Record<string, Tensor | null>>): Record<string, number[] | null> =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, t === null ? null : [...t.dataSync()]]));

function made() {
  manualSeed(7);
  const model = new Network();
  const optimizer = new Adam([
    { params: model.conv.parameters(), lr: 0.01 },
    { params: [...model.norm.parameters(), ...model.out.parameters()], lr: 0.02 },
  ]);
  const data = new Loader();
  const loss = (x: Tensor): Tensor => mse(model.forward(x), x);
  const step = (x: Tensor): Tensor => {
    optimizer.zeroGrad();
    const result = loss(x);
    result.backward();
    optimizer.step();
    return result;
  };
  /** Everything that training depends on. */
  const state = () => {
    const { groups, state: moments } = optimizer.stateDict();
    return {
      tensors: bits(model.stateDict()),
      grads: bits(Object.fromEntries(model.namedParameters().map(([name, p]) => [name, p.grad]))),
      modes: model.namedModules().map(([, module]) => module.training),
      groups,
      moments: Object.values(moments).map((own) => ({ step: own.step, ...bits(own.tensors) })),
      random: [
        getRngState(),
        (model.fast.random as FastRandom).getState(),
        (model.own.random as RandomState).getState(),
      ],
      data: data.stateDict(),
    };
  };
  return { model, data, options: { data, loss, optimizer }, loss, step, state };
}

const messageOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'nothing was thrown',
    (error: Error) => error.message,
  );

const x = () => tensor([...Array(16).keys()], { shape: [1, 4, 4, 1] });

for (const trainedBefore of [true, false])
  test(`everything is as before, ${trainedBefore ? 'in the middle of a run' : 'before a run'}`, async () => {
    const [searched, plain] = [made(), made()];
    const input = x();
    for (const run of [searched, plain]) {
      manualSeed(9);
      if (trainedBefore) for (let i = 0; i < 3; i++) run.step(input);
      run.model.drop.eval();
      for await (const _ of run.data) break;
      manualSeed(11);
    }
    const before = searched.state();
    const { rates } = await findLearningRate(searched.model, { ...searched.options, steps: 12 });
    assert.is(rates.length, 12);
    assert.equal(searched.state(), before);
    // The run continues with the same bits. The default generator is shared by both.
    manualSeed(11);
    const after = [1, 2, 3].map(() => searched.step(input).itemSync());
    const end = searched.state();
    manualSeed(11);
    assert.equal(
      after,
      [1, 2, 3].map(() => plain.step(input).itemSync()),
    );
    assert.equal(plain.state(), end);
  });

test('also after an error, and with a compiled step before and after', async () => {
  const run = made();
  const compiled = compile(run.step);
  const input = x();
  for (let i = 0; i < 4; i++) compiled(input);
  const before = run.state();
  let calls = 0;
  const failing = findLearningRate(run.model, {
    ...run.options,
    loss: (batch) => {
      if (++calls === 3) throw new Error('no more');
      return run.loss(batch);
    },
  });
  assert.is(await messageOf(failing), 'no more');
  assert.equal(run.state(), before);
  for (let i = 0; i < 4; i++) compiled(input);
  assert.is(compiled.mode, 'compiled', compiled.reason);
});

test('a DataLoader gives the batches that it would have given', async () => {
  const items = [1, 2, 3, 4, 5].map((v) => ({ data: Float32Array.of(v), shape: [1] }));
  const loaders = [1, 2].map(
    () =>
      new DataLoader(
        items.map((item) => [item] as const),
        { batchSize: 2, shuffle: true, seed: 3 },
      ),
  );
  const [data, other] = loaders;
  const model = new Linear(1, 1);
  const options = { data, loss: (input: Tensor) => model.forward(input).sum(), optimizer: new SGD(model.parameters()) };
  const { rates } = await findLearningRate(model, { ...options, to: 1e-3, steps: 8 });
  assert.is(rates.length, 8);
  const epochs = async (loader: typeof data): Promise<number[]> => {
    const seen: number[] = [];
    for (let epoch = 0; epoch < 2; epoch++) for await (const [input] of loader) seen.push(...input.dataSync());
    return seen;
  };
  assert.equal(await epochs(data), await epochs(other));
});

test('data may be a function, which gets the number of the epoch', async () => {
  const epochs: number[] = [];
  const data = (epoch: number): [Tensor][] => {
    epochs.push(epoch);
    return [[tensor([1])], [tensor([2])]];
  };
  await madeUp([5, 4, 3, 2, 1], { data });
  assert.equal(epochs, [1, 2, 3]);
});

test('memory is as before', async () => {
  const { model, options: most } = made();
  const options = { ...most, steps: 5 };
  await findLearningRate(model, options);
  await findLearningRate(model, options);
  const before = wasm.memory().tensors;
  await findLearningRate(model, options);
  // The graph of the last step ends with the next backward(), and losses are single elements.
  assert.ok(wasm.memory().tensors - before < 12, `${wasm.memory().tensors} after ${before}`);
});

/** A search whose losses are made up. The rate has no effect. */
function madeUp(values: readonly number[], options: Partial<FindLearningRateOptions<[Tensor]>> = {}) {
  const model = new Linear(1, 1);
  let i = 0;
  const loss = (): Tensor => model.weight.sum().mul(0).add(values[i++]);
  return findLearningRate(model, {
    data: [[tensor([1])]],
    loss,
    optimizer: new SGD(model.parameters()),
    from: 0.001,
    to: 1,
    steps: values.length,
    smoothing: 0,
    ...options,
  });
}

test('rates are geometric, and the suggestion is the steepest descent', async () => {
  const { rates, losses, smoothed, suggestion } = await madeUp([8, 8, 7, 4, 3, 3, 4]);
  closeTo(rates, [0.001, 0.001 * 10 ** 0.5, 0.01, 0.01 * 10 ** 0.5, 0.1, 0.1 * 10 ** 0.5, 1], 1e-12);
  assert.equal(losses, [8, 8, 7, 4, 3, 3, 4]);
  assert.equal(smoothed, losses);
  // Differences over two steps: −1 at 1, −4 at 2, −4 at 3, −1 at 4. The first of equal ones counts.
  assert.is(suggestion, rates[2]);
});

test('the loss is smoothed without bias', async () => {
  const { smoothed } = await madeUp([8, 4, 6], { smoothing: 0.5 });
  // (4·8 + …) by hand: averages 4, 4, 5 over 1 − 0.5ⁿ.
  closeTo(smoothed, [8, 4 / 0.75, 5 / 0.875], 1e-12);
});

test('a fall after a peak is no suggestion, and no fall gives none', async () => {
  const peak = await madeUp([4, 4, 3, 2, 2, 7, 3, 3]);
  assert.is(peak.rates.length, 8);
  assert.is(peak.suggestion, peak.rates[2]);
  assert.is((await madeUp([1, 1, 1, 1])).suggestion, undefined);
  assert.is((await madeUp([1, 1.1, 1.2, 1.3])).suggestion, undefined);
  assert.is((await madeUp([2, 1])).suggestion, undefined);
});

test('the search stops when the loss diverges', async () => {
  assert.equal((await madeUp([4, 3, 2, 8, 9, 1, 1])).losses, [4, 3, 2, 8, 9]);
  assert.equal((await madeUp([-4, -5, 9, 10.5, 1])).losses, [-4, -5, 9, 10.5]);
  for (const bad of [Number.NaN, Infinity, -Infinity]) {
    const { rates, losses, smoothed, suggestion } = await madeUp([4, 3, 2, bad, 1, 1]);
    assert.equal(losses, [4, 3, 2]);
    assert.is(rates.length, 3);
    assert.ok([...smoothed, suggestion].every(Number.isFinite));
  }
});

test('what is wrong is refused by name', async () => {
  assert.match(
    await messageOf(madeUp([Number.NaN, 1])),
    /^findLearningRate: the first loss must be finite; got NaN; lo/,
  );
  assert.match(
    await messageOf(madeUp([1, 1], { data: [] })),
    /data must have batches in every epoch; got none in epoch 1; pas/,
  );
  const once = (function* () {
    yield [tensor([1])] as const;
  })();
  assert.match(
    await messageOf(madeUp([1, 1], { data: once })),
    /got none in epoch 2; pass an array, a loader or a func/,
  );
  assert.match(
    await messageOf(madeUp([1, 1], { data: [tensor([1])] as never })),
    /data must give arrays of tensors; got a Tensor; a batch of/,
  );
  assert.match(
    await messageOf(madeUp([1, 1], { loss: () => 3 as never })),
    /loss must return a tensor with one element; got 3/,
  );
  const wide = randn([2], { requiresGrad: true });
  assert.match(
    await messageOf(madeUp([1, 1], { loss: () => wide.mul(1) })),
    /got a tensor \[2\]; let the loss reduce to its/,
  );
  assert.match(
    await messageOf(madeUp([1, 1], { to: 0.0001 })),
    /to must be finite and greater than from=0.001; got to=/,
  );
  assert.match(
    await messageOf(madeUp([1, 1], { optimizer: {} as never })),
    /optimizer must have stateDict and loadStateDict; got/,
  );
});

test('a picture', async () => {
  const found = await madeUp([8, 8, 7, 4, 3, 30, 4]);
  const { width, height, data } = learningRatePicture(found);
  assert.equal([width, height], [640, 400]);
  assert.ok(new Set(data).size > 10);
  learningRatePicture(await madeUp([1, 1]), { width: 200, height: 100 });
  assert.throws(() => learningRatePicture(found, { width: 5 }), /^learningRatePicture: width must be whole and in/);
  assert.throws(() => learningRatePicture({} as never), /^learningRatePicture: rates must be an array of numbers/);
});

test('it finds a rate with which training works', async () => {
  manualSeed(5);
  const model = new Linear(8, 1);
  const truth = randn([8, 1]);
  const batches = Array.from({ length: 10 }, () => {
    const input = randn([16, 8]);
    return [input, noGrad(() => input.matmul(truth))] as const;
  });
  const loss = (input: Tensor, target: Tensor): Tensor => mse(model.forward(input), target);
  const optimizer = new SGD(model.parameters());
  const { suggestion, losses } = await findLearningRate(model, { data: batches, loss, optimizer });
  assert.ok(suggestion !== undefined && suggestion > 0.005 && suggestion < 0.5, `${suggestion}`);
  optimizer.paramGroups[0].lr = suggestion;
  let last = Infinity;
  for (const [input, target] of [...batches, ...batches, ...batches]) {
    optimizer.zeroGrad();
    const result = loss(input, target);
    result.backward();
    optimizer.step();
    last = result.itemSync();
  }
  assert.ok(last < losses[0] / 20, `${last} after ${losses[0]}`);
});

test.run();
