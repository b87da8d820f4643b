/**
 * Losses as modules, against the functional operations, and what they hold; losses at the edges of
 * their ranges. Not here: the numbers of the operations (test/ops/known.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('losses as modules');

const same = (a: c.Tensor, b: c.Tensor): void => {
  assert.equal(a.shape, b.shape);
  assert.equal([...a.dataSync()], [...b.dataSync()]);
};
/** Numbers in (0, 1). */
const chances = (...shape: number[]): c.Tensor => c.rand(shape).mul(0.9).add(0.05);

test('losses are their operations, with and without options', () => {
  const [a, b] = [c.randn([3, 2]), chances(3, 2)];
  const classes = c.tensor([0, 1, 1], { dtype: 'int32' });
  same(new c.SmoothL1Loss().forward(a, b), c.smoothL1(a, b));
  same(
    new c.SmoothL1Loss({ beta: 0.2, reduction: 'sum' }).forward(a, b),
    c.smoothL1(a, b, { beta: 0.2, reduction: 'sum' }),
  );
  same(new c.HuberLoss().forward(a, b), c.huber(a, b));
  same(
    new c.HuberLoss({ delta: 0.2, reduction: 'none' }).forward(a, b),
    c.huber(a, b, { delta: 0.2, reduction: 'none' }),
  );
  same(new c.BCELoss().forward(b, b), c.bce(b, b));
  same(new c.NLLLoss().forward(a, classes), c.nll(a, classes));
  same(new c.NLLLoss({ ignoreIndex: 0 }).forward(a, classes), c.nll(a, classes, { ignoreIndex: 0 }));
  same(
    new c.CrossEntropyLoss({ labelSmoothing: 0.1 }).forward(a, classes),
    c.crossEntropy(a, classes, { labelSmoothing: 0.1 }),
  );
  same(new c.KLDivLoss().forward(a, b), c.klDiv(a, b));
  same(
    new c.KLDivLoss({ logTarget: true, reduction: 'batchMean' }).forward(a, a.mul(2)),
    c.klDiv(a, a.mul(2), { logTarget: true, reduction: 'batchMean' }),
  );
  same(new c.KLNormalLoss().forward(a, b), c.klNormal(a, b));
  same(new c.KLNormalLoss({ reduction: 'mean' }).forward(a, b), c.klNormal(a, b, { reduction: 'mean' }));
  same(new c.SigmoidFocalLoss().forward(a, b), c.sigmoidFocal(a, b));
  same(new c.SigmoidFocalLoss({ alpha: -1, gamma: 1 }).forward(a, b), c.sigmoidFocal(a, b, { alpha: -1, gamma: 1 }));
  const [p, z] = [chances(2, 3, 3, 2), c.rand([2, 3, 3, 2])];
  same(new c.DiceLoss().forward(p, z), c.dice(p, z));
  same(
    new c.DiceLoss({ smooth: 1, squared: true, reduction: 'none' }).forward(p, z),
    c.dice(p, z, { smooth: 1, squared: true, reduction: 'none' }),
  );
});

test('a weight is a buffer: it is saved, moves with the loss, and outlives backward()', () => {
  const classes = c.tensor([0, 1, 1], { dtype: 'int32' });
  const made: [c.Module & { weight: c.Tensor | null }, (loss: never, dtype: c.DType) => c.Tensor][] = [
    [
      new c.CrossEntropyLoss({ weight: c.tensor([1, 3]) }),
      (loss: c.CrossEntropyLoss, dtype) => loss.forward(c.ones([3, 2], { dtype, requiresGrad: true }), classes),
    ],
    [
      new c.NLLLoss({ weight: c.tensor([1, 3]) }),
      (loss: c.NLLLoss, dtype) => loss.forward(c.ones([3, 2], { dtype, requiresGrad: true }), classes),
    ],
    [
      new c.BCELoss({ weight: c.tensor([1, 3]) }),
      (loss: c.BCELoss, dtype) =>
        loss.forward(c.full([3, 2], 0.5, { dtype, requiresGrad: true }), c.ones([3, 2], { dtype })),
    ],
    [
      new c.BCEWithLogitsLoss({ weight: c.tensor([1, 3]) }),
      (loss: c.BCEWithLogitsLoss, dtype) =>
        loss.forward(c.ones([3, 2], { dtype, requiresGrad: true }), c.ones([3, 2], { dtype })),
    ],
  ];
  for (const [loss, run] of made) {
    assert.equal(Object.keys(loss.stateDict()), ['weight']);
    assert.equal(loss.parameters(), []);
    for (let i = 0; i < 3; i++) run(loss as never, 'float32').backward();
    loss.to('float64');
    run(loss as never, 'float64').backward();
    assert.equal([...(loss.weight as c.Tensor).dataSync()], [1, 3]);
  }
  assert.equal(new c.CrossEntropyLoss().stateDict(), {});
});

test('losses in a training loop leave no device memory behind', () => {
  const [x, z] = [c.rand([2, 3, 3, 2]).keep(), c.rand([2, 3, 3, 2]).keep()];
  const classes = c.zeros([2, 3, 3], { dtype: 'int32' }).keep();
  const weight = c.tensor([1, 2]).keep();
  const w = new c.Parameter(c.ones([2]));
  // Single elements are left to the collector.
  const beyondSingles = (): number => {
    const { bytes, tensors } = c.defaultDevice().memory();
    return bytes - 4 * tensors;
  };
  const losses: ((y: c.Tensor) => c.Tensor)[] = [
    (y) => c.crossEntropy(y, classes, { weight, labelSmoothing: 0.1 }),
    (y) => c.crossEntropy(y, z, { weight, labelSmoothing: 0.1 }),
    (y) => c.nll(y, classes, { weight }),
    (y) => c.bceWithLogits(y, z, { weight, posWeight: weight }),
    (y) => c.bce(y.sigmoid(), z, { weight }),
    (y) => c.smoothL1(y, z),
    (y) => c.huber(y, z),
    (y) => c.klDiv(y, z),
    (y) => c.klDiv(y, z, { logTarget: true }),
    (y) => c.klNormal(y, y.mul(2)),
    (y) => c.dice(y.sigmoid(), z),
    (y) => c.dice(y.sigmoid(), z, { squared: true }),
    (y) => c.sigmoidFocal(y, z),
  ];
  for (const loss of losses) {
    const step = (): void => {
      loss(x.mul(w)).backward();
      w.clearGrad();
    };
    for (let i = 0; i < 3; i++) step();
    const before = beyondSingles();
    for (let i = 0; i < 10; i++) step();
    const more = beyondSingles() - before;
    assert.ok(more <= 0, `${loss}: ${more} bytes`);
  }
});

test('bce is finite for certain probabilities that are wrong, and NaN outside [0, 1]', () => {
  const p = c.tensor([0, 1, 0, 1], { requiresGrad: true });
  const loss = c.bce(p, c.tensor([1, 0, 0, 1]), { reduction: 'none' });
  assert.equal([...loss.dataSync()], [100, 100, 0, 0]);
  loss.sum().backward();
  closeTo((p.grad as c.Tensor).dataSync(), [-1e12, 1e12, 0, 0], 1e-6);
  for (const wrong of [-0.1, 1.1, Number.NaN])
    for (const target of [0, 0.5, 1])
      assert.ok(Number.isNaN(c.bce(c.tensor([wrong]), c.tensor([target])).itemSync()), `${wrong}, ${target}`);
});

test('klDiv has nothing to add where the target is 0, and is NaN for a negative target', () => {
  const x = c.tensor([-Infinity, -1, -Infinity], { requiresGrad: true });
  const t = c.tensor([0, 0, 0.5], { requiresGrad: true });
  const loss = c.klDiv(x, t, { reduction: 'none' });
  assert.equal([...loss.dataSync()], [0, 0, Infinity]);
  c.klDiv(x, t).backward();
  assert.equal([...(x.grad as c.Tensor).dataSync()].slice(0, 2), [-0, -0]);
  assert.equal([...(t.grad as c.Tensor).dataSync()].slice(0, 2), [0, 0]);
  const logs = c.klDiv(c.tensor([-1, -Infinity]), c.tensor([-Infinity, -Infinity]), {
    logTarget: true,
    reduction: 'none',
  });
  assert.equal([...logs.dataSync()], [0, 0]);
  assert.ok(Number.isNaN(c.klDiv(c.tensor([-1]), c.tensor([-0.5])).itemSync()));
});

test('huber and smoothL1 of infinite errors are infinite, with a gradient of the limit', () => {
  for (const [loss, slope] of [
    [(x: c.Tensor) => c.huber(x, c.zeros([3]), { delta: 0.5, reduction: 'sum' }), 0.5],
    [(x: c.Tensor) => c.smoothL1(x, c.zeros([3]), { beta: 0.5, reduction: 'sum' }), 1],
  ] as const) {
    const x = c.tensor([Infinity, -Infinity, 3e38], { requiresGrad: true });
    const y = loss(x);
    assert.is(y.itemSync(), Infinity);
    y.backward();
    assert.equal([...(x.grad as c.Tensor).dataSync()], [slope, -slope, slope]);
  }
});

test('crossEntropy: an ignored row adds nothing by smoothing, whatever its logits are', () => {
  const x = c.tensor(
    [
      [0, 0],
      [Number.NaN, Infinity],
    ],
    { requiresGrad: true },
  );
  const loss = c.crossEntropy(x, c.tensor([1, -100], { dtype: 'int32' }), { labelSmoothing: 0.5 });
  closeTo([loss.itemSync()], [Math.LN2], 1e-6);
  // By hand: the row's target is [1/4, 3/4].
  loss.backward();
  closeTo((x.grad as c.Tensor).dataSync().slice(0, 2), [0.25, -0.25], 1e-6);
});

test('two empty masks have no loss by Dice, and a mask that is missed has all of it', () => {
  const none = c.zeros([1, 2, 2, 1]);
  assert.is(c.dice(none, none).itemSync(), 0);
  closeTo([c.dice(none, c.ones([1, 2, 2, 1])).itemSync()], [1], 1e-5);
});

test('the focal loss of saturated logits has finite gradients for every gamma', () => {
  for (const gamma of [0, 0.5, 1, 2, 5]) {
    const x = c.tensor([200, -200, 200, -200], { requiresGrad: true });
    c.sigmoidFocal(x, c.tensor([1, 0, 0, 1]), { gamma, alpha: -1, reduction: 'sum' }).backward();
    closeTo((x.grad as c.Tensor).dataSync(), [0, 0, 1, -1], 1e-6, `gamma ${gamma}`);
  }
});

test('they print what they were made with', () => {
  for (const [layer, text] of [
    [new c.SmoothL1Loss(), 'SmoothL1Loss(beta=1)'],
    [new c.HuberLoss({ reduction: 'sum' }), 'HuberLoss(reduction=sum, delta=1)'],
    [new c.CrossEntropyLoss({ labelSmoothing: 0.1 }), 'CrossEntropyLoss(labelSmoothing=0.1)'],
    [new c.NLLLoss({ ignoreIndex: 255 }), 'NLLLoss(ignoreIndex=255)'],
    [new c.BCELoss(), 'BCELoss()'],
    [new c.KLDivLoss({ reduction: 'batchMean', logTarget: true }), 'KLDivLoss(reduction=batchMean, logTarget=true)'],
    [new c.KLNormalLoss({ reduction: 'sum' }), 'KLNormalLoss(reduction=sum)'],
    [new c.DiceLoss({ squared: true }), 'DiceLoss(smooth=0.00001, squared=true)'],
    [new c.SigmoidFocalLoss(), 'SigmoidFocalLoss(alpha=0.25, gamma=2)'],
  ] as const)
    assert.is(String(layer), text);
});

test.run();
