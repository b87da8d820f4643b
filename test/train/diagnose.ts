/** The callback `diagnostics`, in runs of fit. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { arrayDataset, DataLoader } from '../../src/data/index.js';
import {
  bceWithLogits,
  Conv2d,
  compile,
  device,
  Linear,
  Module,
  manualSeed,
  mse,
  noGrad,
  RandomState,
  ReLU,
  relu,
  Sequential,
  SGD,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.js';
import { encodeWeights } from '../../src/io/index.js';
import { type Callback, diagnostics, type FitOptions, fit, type Run } from '../../src/train/index.js';

const test = suite('train/diagnose');
setDefaultDevice(await device('wasm'));

type Batch = [Tensor, Tensor];
const random = new RandomState(1);
const numbers = (shape: readonly number[]): Tensor =>
  tensor(random.randn(shape.reduce((a, b) => a * b, 1)), { shape, dtype: 'float32' });

/** Trains a model on fixed batches and returns the warnings. */
async function warnings<B extends Tensor[]>(model: Module, batch: B, more: Partial<FitOptions<B>> = {}, options = {}) {
  const result = await fit(model, {
    data: [batch],
    loss: (...given: Tensor[]) => mse((model.forward as (x: Tensor) => Tensor)(given[0]), given.at(-1) as Tensor),
    optimizer: new SGD(model.parameters(), { lr: 0 }),
    epochs: 2,
    callbacks: [diagnostics(options)],
    ...more,
  } as FitOptions<B>);
  return [...result.warnings];
}

/** Makes every output of a layer negative. */
function kill<M extends Conv2d | Linear>(layer: M, channels?: number): M {
  const bias = layer.bias as Tensor;
  noGrad(() =>
    bias.assign(tensor(Array.from({ length: bias.size }, (_, i) => (i < (channels ?? bias.size) ? -1e3 : 1)))),
  );
  return layer;
}

class Branches extends Module {
  readonly first = new Linear(3, 4);
  readonly second = new Linear(4, 4);
  readonly last = new Sequential(new Linear(4, 4), new ReLU(), new Linear(4, 1));

  forward(x: Tensor): Tensor {
    return this.last.forward(relu(this.second.forward(relu(this.first.forward(x))))) as Tensor;
  }
}

test('a dead ReLU is named: layers, and calls of relu in the forward of a module', async () => {
  manualSeed(1);
  const batch: Batch = [numbers([8, 3]), numbers([8, 1])];
  const sound = new Branches();
  assert.equal(
    (await warnings(sound, batch)).filter((w) => w.includes('ReLU')),
    [],
  );
  const layer = new Branches();
  kill(layer.last[0] as Linear);
  assert.is(
    (await warnings(layer, batch))[0],
    'after epoch 1, the ReLU in last.1 gives only zeros for a whole batch; lower the learning rate, or use LeakyReLU',
  );
  const called = new Branches();
  kill(called.second);
  assert.match((await warnings(called, batch))[0], /^after epoch 1, the ReLU in the model, relu 2 gives only zeros/);
  const named = new Sequential(called);
  assert.match((await warnings(named, batch))[0], /the ReLU in 0, relu 2 gives only zeros/);
});

test('each sign is reported once, and the model is as before', async () => {
  manualSeed(1);
  const model = new Branches();
  kill(model.first);
  const batch: Batch = [numbers([8, 3]), numbers([8, 1])];
  const found = await warnings(model, batch, { epochs: 4 });
  assert.is(found.filter((w) => w.includes('the model gives only')).length, 1, found.join('\n'));
  for (const [, module] of model.namedModules()) assert.not.ok(Object.hasOwn(module, 'forward'));
});

test('half of the channels', async () => {
  manualSeed(1);
  const made = (dead: number): Module =>
    new Sequential(kill(new Conv2d(1, 4, 3), dead), new ReLU(), new Conv2d(4, 1, 1));
  const signs = async (dead: number, size: number): Promise<string[]> =>
    (await warnings(made(dead), [numbers([2, size, size, 1]), numbers([2, size - 2, size - 2, 1])] as Batch)).filter(
      (w) => w.includes('ReLU'),
    );
  assert.equal(await signs(2, 10), ['after epoch 1, 2 of 4 channels of the ReLU in 1 give only zeros']);
  assert.equal(await signs(1, 10), []);
  // Of 2·5·5 values a sparse channel could have none.
  assert.equal(await signs(2, 7), []);
});

// ---- constant predictions

/** A model that gives the same prediction for every batch. */
class Fixed extends Module {
  readonly weight = new Linear(1, 1);
  readonly #output: Tensor;

  constructor(output: Tensor) {
    super();
    this.#output = output;
  }
  forward(): Tensor {
    return this.#output.add(this.weight.bias?.sum().mul(0) as Tensor);
  }
}
const column = (values: readonly number[]): Tensor =>
  tensor(values as number[], { shape: [values.length, 1], dtype: 'float32' });
/** The warnings for a prediction and a target. */
const signs = (prediction: readonly number[], target: readonly number[]): Promise<string[]> =>
  warnings(new Fixed(column(prediction)), [column(target), column(target)] as Batch);

test('a prediction that is one number', async () => {
  assert.equal(await signs([2, 2, 2, 2], [1, 2, 3, 4]), [
    'after epoch 2, the model predicts no better than one number would: squared error 1.50, variance of the target 1.25',
  ]);
  // Not constant, but its covariance with the target is 0.
  assert.is((await signs([5, 3, 3, 5], [1, 2, 3, 4])).length, 1);
});

test('a prediction that follows its target, whatever its scale', async () => {
  assert.equal(await signs([1.1, 2, 2.9, 4.2], [1, 2, 3, 4]), []);
  assert.equal(await signs([10, 10.1, 10.2, 10.3], [1, 2, 3, 4]), []);
  assert.equal(await signs([-3, 3, -3, 3], [0, 1, 0, 1]), []);
});

test('the mean image for every sample', async () => {
  const pair = (first: readonly number[], second: readonly number[]): Tensor =>
    tensor([...first, ...second], { shape: [2, 3], dtype: 'float32' });
  const target = pair([1, 0, 9], [0, 1, 8]);
  const judged = (model: Module): Promise<string[]> => warnings(model, [target, target] as Batch);
  assert.equal(await judged(new Fixed(pair([0.5, 0.5, 8.5], [0.5, 0.5, 8.5]))), [
    'after epoch 2, the model gives nearly the same output for every sample of a batch',
  ]);
  assert.equal(await judged(new Fixed(pair([0.6, 0.4, 8.6], [0.4, 0.6, 8.4]))), []);
});

test('rare marks: logits are judged by cross entropy', async () => {
  const rare = Array.from({ length: 200 }, (_, i) => (i === 0 ? 1 : 0));
  assert.is(
    (
      await signs(
        rare.map(() => -5.3),
        rare,
      )
    ).length,
    1,
  );
  // One spurious outlier hides the correlation, but the cross entropy is far below 1/200·log…
  const logits = rare.map((t, i) => (t === 1 ? 3 : i === 7 ? -400 : -8));
  assert.equal(await signs(logits, rare), []);
});

test('a constant target is no sign, and a prediction with NaN is another', async () => {
  assert.equal(await signs([1, 1, 1], [1, 1, 1]), []);
  const nan = await warnings(new Fixed(column([Number.NaN, 1, 2])), [column([1, 2, 3]), column([1, 2, 3])] as Batch, {
    loss: () => zeros([1], { requiresGrad: true }).sum(),
  });
  assert.equal(nan, ['after epoch 1, 1 of 3 predicted values are not finite']);
});

test('one class for everything', async () => {
  const classes = async (rows: readonly (readonly number[])[], target: readonly number[]) => {
    const numbers32 = tensor(target as number[], { dtype: 'int32' });
    const model = new Fixed(tensor(rows.flat(), { shape: [rows.length, 2], dtype: 'float32' }));
    return warnings(model, [column(target), numbers32] as Batch, { loss: () => model.forward().sum() });
  };
  const found = await classes(
    [
      [1, 2],
      [0, 3],
      [1, 5],
    ],
    [0, 1, 1],
  );
  assert.equal(found, ['after epoch 2, the model predicts class 1 for a whole batch']);
  assert.equal(
    await classes(
      [
        [1, 2],
        [3, 0],
        [1, 5],
      ],
      [0, 1, 1],
    ),
    [],
  );
  assert.equal(
    await classes(
      [
        [1, 2],
        [0, 3],
        [1, 5],
      ],
      [1, 1, 1],
    ),
    [],
  );
});

test('one look is not enough, except the last', async () => {
  const model = new Linear(1, 1, { bias: false });
  noGrad(() => model.weight.assign(zeros([1, 1])));
  const x = column([1, 2, 3, 4]);
  const seen: string[][] = [];
  const heal: Callback = {
    onEpochEnd: (run: Run) => {
      seen.push([...run.warnings]);
      if (run.epoch === 1) noGrad(() => model.weight.assign(tensor([[1]])));
    },
  };
  assert.equal(await warnings(model, [x], { callbacks: [diagnostics(), heal], epochs: 3 }), []);
  noGrad(() => model.weight.assign(zeros([1, 1])));
  assert.is((await warnings(model, [x], { epochs: 1 })).length, 1);
  noGrad(() => model.weight.assign(zeros([1, 1])));
  const stop: Callback = { onEpochEnd: () => {}, onStepEnd: (run) => run.stop('enough') };
  assert.is((await warnings(model, [x], { callbacks: [stop, diagnostics()], epochs: 3 })).length, 1);
});

// ---- the batch

test('the run has the same bits with and without', async () => {
  const images = { data: Float32Array.from(random.rand(10 * 16)), shape: [10, 4, 4, 1] };
  const train = async (callbacks: Callback[], validated: boolean) => {
    manualSeed(3);
    const model = new Sequential(new Conv2d(1, 2, 3, { padding: 'same' }), new ReLU(), new Conv2d(2, 1, 1));
    const { losses, history } = await fit(model, {
      data: new DataLoader(arrayDataset(images), { batchSize: 4, shuffle: true, seed: 5 }),
      ...(validated && { validation: new DataLoader(arrayDataset(images), { batchSize: 5, shuffle: true, seed: 6 }) }),
      loss: (x) => mse(model.forward(x) as Tensor, x),
      optimizer: new SGD(model.parameters(), { lr: 0.1 }),
      epochs: 3,
      callbacks,
    });
    return { losses, history: history.map((r) => ({ ...r, seconds: 0 })), weights: [...(await encodeWeights(model))] };
  };
  for (const validated of [true, false])
    assert.equal(await train([diagnostics()], validated), await train([], validated));
});

test('a batch can be given, and is needed with a function or a generator', async () => {
  const [x, y] = [column([1, 2, 3]), column([3, 1, 2])];
  const model = kill(new Linear(1, 1));
  const chain = new Sequential(model, new ReLU());
  const data = (): [Tensor, Tensor][] => [[x, y]];
  assert.equal(await warnings(chain, [x, y] as Batch, { data } as never), [
    'after epoch 1, diagnostics have no batch to look at, because taking one would disturb the run; pass one',
  ]);
  assert.match(
    (await warnings(chain, [x, y] as Batch, { data } as never, { batch: [x, y] }))[0],
    /the ReLU in 1 gives only/,
  );
  assert.not.ok(x.released || y.released);
});

test('a loss that is not finite is named with its step and epoch', async () => {
  const model = new Linear(1, 1);
  const x = column([1, 2, 3]);
  let calls = 0;
  let seen: readonly string[] = [];
  const look: Callback = { onError: (run) => void (seen = run.warnings) };
  const failing = fit(model, {
    data: [[x], [x]],
    loss: (input) =>
      model
        .forward(input)
        .sum()
        .mul(++calls === 4 ? Number.NaN : 1),
    optimizer: new SGD(model.parameters(), { lr: 0 }),
    epochs: 5,
    compile: false,
    callbacks: [diagnostics(), look],
  });
  assert.match(await failing.then(String, (error: Error) => error.message), /^fit: the loss must be finite/);
  assert.ok(seen.includes('the loss is NaN in step 4 of epoch 2'), `${seen}`);
});

test('a validation loss that is not finite', async () => {
  const model = new Linear(1, 1);
  const x = column([1, 2, 3]);
  const found = await warnings(model, [x], { validation: [[column([1, 2, Infinity])]] });
  assert.match(found[0], /^after epoch 1, the validation loss is (NaN|Infinity)$/);
});

test('after a resume nothing is reported again', async () => {
  const x = column([1, 2, 3]);
  const chain = new Sequential(kill(new Linear(1, 1)), new ReLU());
  let saved = new Uint8Array();
  const keep: Callback = {
    runsLast: true,
    onEpochEnd: async (run: Run) => {
      saved = await run.checkpoint();
    },
  };
  const first = await warnings(chain, [x], { callbacks: [diagnostics(), keep] });
  const again = await warnings(chain, [x], { resume: saved, epochs: 4, callbacks: [diagnostics()] });
  assert.is(first.length, 2);
  assert.equal(again, first);
});

test('a compiled prediction works, unseen', async () => {
  const x = column([1, 2, 3]);
  const chain = new Sequential(kill(new Linear(1, 1)), new ReLU());
  const predict = compile((input: Tensor) => chain.forward(input) as Tensor);
  const found = await warnings(chain, [x], { predict: predict as never, epochs: 5 });
  assert.ok(
    found.some((w) => w.includes('no better than one number')),
    `${found}`,
  );
});

test('segmentation that has learnt nothing but the share of marks', async () => {
  manualSeed(2);
  const model = new Sequential(new Conv2d(1, 1, 3, { padding: 'same' }));
  const x = numbers([2, 8, 8, 1]);
  const y = numbers([2, 8, 8, 1]).greater(1).cast('float32');
  const conv = model[0] as Conv2d;
  noGrad(() => {
    conv.weight.assign(zeros(conv.weight.shape));
    conv.bias?.assign(tensor([-1.7]));
  });
  const found = await warnings(model, [x, y] as Batch, {
    loss: (a, b) => bceWithLogits(model.forward(a) as Tensor, b),
  });
  assert.match(found[0], /^after epoch 2, the model predicts no better than one number would/);
});

test('bad options are refused', () => {
  assert.throws(() => diagnostics({ batch: [] }), /^diagnostics: batch must be an array of tensors; got batch=\[\]/);
  assert.throws(() => diagnostics({ everyEpochs: 0 }), /^diagnostics: everyEpochs must be whole and at least 1/);
});

test.run();
