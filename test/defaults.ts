/**
 * Defaults of layers, losses, optimizers, schedules and initialisers when no option is given,
 * compared with PyTorch's numbers (test/fixtures/defaults.json, made by gen_expected.py). Somebody
 * who ports a model relies on the defaults, and with a changed one it would train differently
 * without any error. Not here: the defaults of ops (test/ops/known.ts), the options themselves (the
 * tests of each class).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../src/index.js';
import stored from './fixtures/defaults.json' with { type: 'json' };
import { closeTo } from './helpers/close.js';
import { seedOf } from './helpers/known.js';

const test = suite('defaults');
const dtype = 'float64';
const { optimizers, schedules, layers, losses, init } = stored;

type Make = (parameters: c.Parameter[]) => c.Optimizer<c.OptimizerOptions>;
const made: Record<keyof typeof optimizers.after, Make> = {
  SGD: (p) => new c.SGD(p),
  'SGD momentum': (p) => new c.SGD(p, { momentum: 0.9 }),
  RMSprop: (p) => new c.RMSprop(p),
  'RMSprop momentum, centered': (p) => new c.RMSprop(p, { momentum: 0.9, centered: true }),
  Adam: (p) => new c.Adam(p),
  AdamW: (p) => new c.AdamW(p),
  'Adam amsgrad': (p) => new c.Adam(p, { amsgrad: true }),
};
for (const [name, make] of Object.entries(made))
  test(`${name} steps as PyTorch's`, () => {
    const p = new c.Parameter(c.tensor(optimizers.start, { dtype }));
    const optimizer = make([p]);
    optimizers.gradients.forEach((gradient, i) => {
      p.grad = c.tensor(gradient, { dtype });
      optimizer.step();
      closeTo(p.dataSync(), optimizers.after[name as keyof typeof made][i], 1e-12, `after step ${i + 1}`);
    });
  });

const scheduled = {
  StepLR: (o: c.SGD) => new c.StepLR(o, { every: 2 }),
  CosineLR: (o: c.SGD) => new c.CosineLR(o, { total: 6 }),
  WarmupLR: (o: c.SGD) => new c.WarmupLR(o, { steps: 4 }),
};
for (const [name, make] of Object.entries(scheduled))
  test(`${name} has PyTorch's rates`, () => {
    const optimizer = new c.SGD([new c.Parameter(c.zeros([1]))], { lr: 0.5 });
    const schedule = make(optimizer);
    const rates = schedules[name as keyof typeof scheduled].map(() => {
      const { lr } = optimizer.paramGroups[0];
      schedule.step();
      return lr;
    });
    closeTo(rates, schedules[name as keyof typeof scheduled], 1e-12, 'rates');
  });

interface StoredLayer {
  readonly shape: readonly number[];
  readonly input: readonly number[];
  readonly value: readonly number[];
  readonly gradient: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly buffers?: { readonly running_mean: readonly number[]; readonly running_var: readonly number[] };
  readonly evaluated?: readonly number[];
}
const layered: Record<keyof typeof layers, () => c.Module> = {
  BatchNorm2d: () => new c.BatchNorm2d(2),
  GroupNorm: () => new c.GroupNorm(2, 4),
  LeakyReLU: () => new c.LeakyReLU(),
  ELU: () => new c.ELU(),
  Softmax: () => new c.Softmax(),
  MaxPool2d: () => new c.MaxPool2d(2),
  AvgPool2d: () => new c.AvgPool2d(2),
};
for (const [name, make] of Object.entries(layered))
  test(`${name} computes as PyTorch's`, () => {
    const want: StoredLayer = layers[name as keyof typeof layers];
    const layer = make();
    // Parameters are float32, so the input is, too.
    const x = c.tensor([...want.input], { shape: [...want.shape], requiresGrad: true });
    const forward = (): c.Tensor => {
      const out = (layer as unknown as { forward(x: c.Tensor): c.Tensor | [c.Tensor, c.PoolIndices] }).forward(x);
      return Array.isArray(out) ? out[0] : out;
    };
    const y = forward();
    closeTo(y.dataSync(), want.value, 1e-6, 'value');
    y.backward(c.tensor(seedOf(y.size), { shape: y.shape }));
    closeTo((x.grad as c.Tensor).dataSync(), want.gradient, 2e-6, 'gradient');
    for (const [key, gradient] of Object.entries(want.parameters))
      closeTo((layer as unknown as Record<string, c.Parameter>)[key].grad?.dataSync() ?? [], gradient, 1e-6, key);
    if (want.buffers === undefined) return;
    const { runningMean, runningVar } = layer as c.BatchNorm2d;
    closeTo((runningMean as c.Tensor).dataSync(), want.buffers.running_mean, 1e-6, 'running mean');
    closeTo((runningVar as c.Tensor).dataSync(), want.buffers.running_var, 1e-6, 'running variance');
    layer.eval();
    closeTo(forward().dataSync(), want.evaluated ?? [], 1e-6, 'value in evaluation');
  });

const lossed = {
  BCEWithLogitsLoss: new c.BCEWithLogitsLoss(),
  MSELoss: new c.MSELoss(),
  L1Loss: new c.L1Loss(),
  CrossEntropyLoss: new c.CrossEntropyLoss(),
};
for (const [name, loss] of Object.entries(lossed))
  test(`${name} is PyTorch's`, () => {
    const x = c.tensor(losses.input, { shape: [3, 4], dtype });
    const target =
      name === 'CrossEntropyLoss'
        ? c.tensor(losses.classes, { dtype: 'int32' })
        : c.tensor(losses.target, { shape: [3, 4], dtype });
    closeTo([loss.forward(x, target).itemSync()], [losses.value[name as keyof typeof lossed]], 1e-12, 'loss');
  });

test('Dropout drops half, by the numbers that numpy draws', () => {
  c.manualSeed(3);
  const y = new c.Dropout().forward(c.ones([4]));
  // numpy.random.RandomState(3).rand(4): 0.55, 0.71, 0.29, 0.51.
  assert.equal([...y.dataSync()], [2, 2, 0, 2]);
});

const size = init.shape.reduce((a, b) => a * b);
for (const name of ['normal', 'kaimingNormal', 'xavierNormal'] as const)
  test(`init.${name} has PyTorch's mean and deviation`, () => {
    const { mean, std } = init.spread[name];
    const drawn = new c.RandomState(7).randn(size);
    c.manualSeed(7);
    const weight = c.init[name](c.zeros(init.shape, { dtype }));
    closeTo(
      weight.dataSync(),
      drawn.map((v) => mean + std * v),
      1e-12,
      'weight',
    );
  });
for (const name of ['uniform', 'kaimingUniform', 'xavierUniform'] as const)
  test(`init.${name} has PyTorch's bounds`, () => {
    const { low, high } = init.spread[name];
    const drawn = new c.RandomState(7).rand(size);
    c.manualSeed(7);
    const weight = c.init[name](c.zeros(init.shape, { dtype }));
    closeTo(
      weight.dataSync(),
      drawn.map((u) => low + (high - low) * u),
      1e-12,
      'weight',
    );
  });
test("init.gain is PyTorch's", () => {
  for (const [name, value] of Object.entries(init.gain))
    closeTo([c.init.gain(name as keyof typeof init.gain)], [value], 1e-15, name);
});

test.run();
