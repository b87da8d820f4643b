/** What optimizers share, and SGD and RMSprop against loops by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  AdamW,
  Conv2d,
  defaultDevice,
  Flatten,
  type GraphError,
  Linear,
  MaxPool2d,
  manualSeed,
  mse,
  type Optimizer,
  Parameter,
  RandomState,
  ReLU,
  RMSprop,
  type RMSpropOptions,
  randn,
  Sequential,
  SGD,
  type SGDOptions,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../src/index.js';
import { closeTo } from '../helpers/close.js';
import { collected } from '../helpers/collect.js';

const test = suite('optim/optimizer');
const parameter = (values: number[]): Parameter => new Parameter(tensor(values, { dtype: 'float64' }));
const give = (p: Tensor, values: ArrayLike<number>): void => {
  p.grad = tensor(Float64Array.from(values), { dtype: 'float64' });
};
const gradients = Array.from({ length: 6 }, (_, t) => new RandomState(t).randn(3));

function trained(optimizer: Optimizer, p: Parameter): Tensor {
  for (const g of gradients) {
    optimizer.zeroGrad();
    give(p, g);
    optimizer.step();
  }
  return p;
}

const sgdCases: Partial<SGDOptions>[] = [
  {},
  { weightDecay: 0.1 },
  { momentum: 0.9 },
  { momentum: 0.9, dampening: 0.3, weightDecay: 0.05 },
  { momentum: 0.8, nesterov: true },
];
for (const options of sgdCases)
  test(`SGD ${JSON.stringify(options)}`, () => {
    const { momentum = 0, dampening = 0, weightDecay = 0, nesterov = false } = options;
    const want = [1, -2, 3];
    const velocity = [0, 0, 0];
    gradients.forEach((gradient, t) => {
      for (let i = 0; i < 3; i++) {
        const g = gradient[i] + weightDecay * want[i];
        velocity[i] = t === 0 ? g : momentum * velocity[i] + (1 - dampening) * g;
        want[i] -= 0.1 * (momentum === 0 ? g : nesterov ? g + momentum * velocity[i] : velocity[i]);
      }
    });
    const p = parameter([1, -2, 3]);
    closeTo(trained(new SGD([p], { lr: 0.1, ...options }), p).dataSync(), want, 1e-13);
  });

const rmspropCases: Partial<RMSpropOptions>[] = [
  {},
  { alpha: 0.5, eps: 1e-3, weightDecay: 0.1 },
  { momentum: 0.9 },
  { centered: true },
  { centered: true, momentum: 0.5 },
];
for (const options of rmspropCases)
  test(`RMSprop ${JSON.stringify(options)}`, () => {
    const { alpha = 0.99, eps = 1e-8, momentum = 0, weightDecay = 0, centered = false } = options;
    const want = [1, -2, 3];
    const [square, mean, velocity] = [
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ];
    for (const gradient of gradients)
      for (let i = 0; i < 3; i++) {
        const g = gradient[i] + weightDecay * want[i];
        square[i] = alpha * square[i] + (1 - alpha) * g * g;
        mean[i] = alpha * mean[i] + (1 - alpha) * g;
        const step = g / (Math.sqrt(centered ? square[i] - mean[i] ** 2 : square[i]) + eps);
        velocity[i] = momentum * velocity[i] + step;
        want[i] -= 0.01 * velocity[i];
      }
    const p = parameter([1, -2, 3]);
    closeTo(trained(new RMSprop([p], options), p).dataSync(), want, 1e-12);
  });

test('centered RMSprop stays finite under a constant gradient', () => {
  const p = new Parameter(tensor([1]));
  const optimizer = new RMSprop([p], { centered: true, alpha: 0.5 });
  for (let i = 0; i < 100; i++) {
    p.grad = tensor([0.1]);
    optimizer.step();
    assert.ok(!Number.isNaN(p.itemSync()));
  }
});

test('groups have options of their own, which may change between steps', () => {
  const [a, b, c] = [parameter([1]), parameter([1]), parameter([1])];
  const optimizer = new SGD([{ params: [a] }, { params: [b], lr: 0.5 }], { lr: 0.1 });
  optimizer.addParamGroup({ params: [c], lr: 1 });
  assert.equal(
    optimizer.paramGroups.map((g) => g.lr),
    [0.1, 0.5, 1],
  );
  const step = (): void => {
    for (const p of [a, b, c]) give(p, [1]);
    optimizer.step();
  };
  step();
  closeTo(
    [a, b, c].map((p) => p.itemSync()),
    [0.9, 0.5, 0],
    1e-15,
  );
  optimizer.paramGroups[0].lr = 0.4;
  step();
  closeTo(
    [a, b, c].map((p) => p.itemSync()),
    [0.5, 0, -1],
    1e-15,
  );
});

test('a parameter without a gradient is left alone', () => {
  const [a, b] = [parameter([1]), parameter([1])];
  const optimizer = new Adam([a, b], { weightDecay: 0.1 });
  give(a, [1]);
  optimizer.step();
  assert.is(b.itemSync(), 1);
  assert.equal(Object.keys(optimizer.stateDict().state), ['0']);
  optimizer.zeroGrad();
  assert.is(a.grad, null);
});

test('mistakes are errors that say so', () => {
  const p = parameter([1]);
  const message = (make: () => unknown): string => {
    try {
      make();
    } catch (error) {
      return (error as GraphError).message;
    }
    return 'no error';
  };
  assert.match(
    message(() => new Adam([])),
    'Adam: there must be parameters; got an empty list',
  );
  assert.match(
    message(() => new Adam([{ params: [] }])),
    'Adam: a group must have parameters',
  );
  assert.match(
    message(() => new SGD([p, p])),
    'SGD: a parameter must stand in one group, once; got a second Parameter [1]',
  );
  assert.match(
    message(() => new SGD([{ params: [p] }, { params: [p] }])),
    'once',
  );
  assert.match(
    message(() => new SGD([p.mul(2)])),
    'SGD: parameters must be leaves',
  );
  assert.match(
    message(() => new SGD([tensor([1], { dtype: 'int32' })])),
    'SGD: parameters must be float32 or float64',
  );
  assert.is(
    message(() => new Adam([p], { lr: Number.NaN })),
    'Adam: lr must be finite and not negative; got lr=NaN',
  );
  assert.is(
    message(() => new SGD([p], { lr: -1 })),
    'SGD: lr must be finite and not negative; got lr=-1',
  );
  assert.match(
    message(() => new SGD([{ params: [p], lr: Number.POSITIVE_INFINITY }])),
    'lr=Infinity',
  );
  assert.match(
    message(() => new SGD([p], { nesterov: true })),
    'SGD: nesterov needs momentum and no dampening',
  );
  assert.match(
    message(() => new RMSprop([p], { alpha: 1 })),
    'RMSprop: alpha must be in [0, 1); got alpha=1',
  );
});

test('a rate that has become NaN, or a gradient that does not fit, changes nothing', () => {
  const [a, b] = [parameter([1]), parameter([1])];
  const optimizer = new SGD([{ params: [a] }, { params: [b] }]);
  give(a, [1]);
  give(b, [1]);
  optimizer.paramGroups[1].lr = Number.NaN;
  assert.throws(
    () => optimizer.step(),
    (e: Error) => e instanceof ValueError && e.message === 'SGD: lr must be finite and not negative; got lr=NaN',
  );
  optimizer.paramGroups[1].lr = 0.1;
  give(b, [1, 2]);
  assert.throws(
    () => optimizer.step(),
    (e: Error) =>
      e instanceof ShapeError &&
      e.message ===
        "SGD: a gradient must have its parameter's shape and dtype; got gradient [2] float64, parameter [1] float64",
  );
  assert.equal([a.itemSync(), b.itemSync()], [1, 1]);
});

const makers: [string, (p: Tensor[]) => Optimizer][] = [
  ['Adam', (p) => new Adam(p, { lr: 0.01 })],
  ['AdamW amsgrad', (p) => new AdamW(p, { amsgrad: true })],
  ['SGD', (p) => new SGD(p, { lr: 0.01, momentum: 0.9 })],
  ['RMSprop', (p) => new RMSprop(p, { centered: true, momentum: 0.9 })],
];
const small = () => new Sequential(new Conv2d(1, 2, 3), new ReLU(), new MaxPool2d(2), new Flatten(), new Linear(8, 2));
function train(model: Sequential, optimizer: Optimizer, x: Tensor, y: Tensor): void {
  optimizer.zeroGrad();
  mse(model.forward(x), y).backward();
  optimizer.step();
}

for (const [name, make] of makers)
  test(`${name}: training continues to the bit from a state dictionary`, () => {
    manualSeed(3);
    const [x, y] = [randn([4, 6, 6, 1]), randn([4, 2])];
    const [first, second] = [small(), small()];
    const optimizer = make(first.parameters());
    for (let i = 0; i < 5; i++) train(first, optimizer, x, y);
    optimizer.paramGroups[0].lr = 0.02;
    second.loadStateDict(first.stateDict());
    const resumed = make(second.parameters());
    train(small(), make(small().parameters()), x, y);
    resumed.loadStateDict(optimizer.stateDict());
    assert.is(resumed.paramGroups[0].lr, 0.02);
    for (let i = 0; i < 5; i++) {
      train(first, optimizer, x, y);
      train(second, resumed, x, y);
    }
    for (const [i, p] of first.parameters().entries())
      assert.equal([...second.parameters()[i].dataSync()], [...p.dataSync()]);
  });

test('a dictionary shares no options with an optimizer, neither the one that gave nor the one that took it', () => {
  const [from, to] = [new Adam([parameter([1])]), new Adam([parameter([1])])];
  const dict = from.stateDict();
  const betas = dict.groups[0].options.betas as [number, number];
  to.loadStateDict(dict);
  betas[0] = 0.5;
  assert.equal(from.paramGroups[0].betas, [0.9, 0.999]);
  assert.equal(to.paramGroups[0].betas, [0.9, 0.999]);
});

test('loadStateDict checks everything before it changes anything', () => {
  const [a, b] = [parameter([1, 2]), parameter([3])];
  const optimizer = new Adam([a, b]);
  give(a, [1, 1]);
  give(b, [1]);
  optimizer.step();
  const dict = optimizer.stateDict();
  const before = dict.state[0].tensors.m.dataSync();
  const rejects = (bad: typeof dict, pattern: RegExp): void => {
    assert.throws(
      () => optimizer.loadStateDict(bad),
      (e: Error) => e instanceof ValueError && (pattern.test(e.message) || assert.unreachable(e.message)),
    );
    assert.equal([...optimizer.stateDict().state[0].tensors.m.dataSync()], [...before]);
    assert.is(optimizer.paramGroups[0].lr, 1e-3);
  };
  const group = dict.groups[0];
  rejects(
    { ...dict, groups: [group, group] },
    /Adam.loadStateDict: groups must have as many parameters as here; got groups of \[2,2\]/,
  );
  rejects({ ...dict, groups: [{ ...group, options: { ...group.options, lr: Number.NaN } }] }, /lr=NaN/);
  rejects({ ...dict, state: { ...dict.state, 7: dict.state[0] } }, /parameter numbers must be in \[0, 1\]; got 7/);
  rejects(
    { groups: [{ ...group, options: { ...group.options, lr: 5 } }], state: { ...dict.state, 1: dict.state[0] } },
    /m \[2\] float64, parameter \[1\] float64/,
  );
  rejects(
    { ...dict, state: { 0: { step: 1, tensors: { m: dict.state[0].tensors.m } } } },
    /the state of a parameter must be \(m, v\); got parameter 0: \(m\)/,
  );
  rejects({ ...dict, state: { 0: { ...dict.state[0], step: 1.5 } } }, /step must be whole/);
  rejects({ ...dict, groups: [{ ...group, options: { ...group.options, amsgrad: true } }] }, /\(m, v, vmax\)/);
});

for (const [name, make] of makers)
  test(`${name}: device memory is flat over 200 steps without awaiting`, async () => {
    const model = small();
    const optimizer = make(model.parameters());
    const [x, y] = [randn([4, 6, 6, 1]), zeros([4, 2])];
    const counts: number[] = [];
    for (let i = 1; i <= 300; i++) {
      train(model, optimizer, x, y);
      if (i % 100 > 0) continue;
      // Single elements are left to the collector.
      await collected();
      counts.push(defaultDevice().memory().tensors);
    }
    assert.ok(Math.max(...counts) - Math.min(...counts) < 10, `arrays after 100, 200 and 300 steps: ${counts}`);
  });

test.run();
