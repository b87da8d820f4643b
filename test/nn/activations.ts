/**
 * Activations without a kernel, and those with options, as modules, against the functional
 * operations. Not here: the numbers of the operations (test/ops/known.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../../src/index.js';

const test = suite('activations as modules');

const same = (a: c.Tensor, b: c.Tensor): void => {
  assert.equal(a.shape, b.shape);
  assert.equal([...a.dataSync()], [...b.dataSync()]);
};
test('activations are their operations', () => {
  const x = c.randn([2, 4]).mul(4);
  same(new c.CELU().forward(x), c.celu(x));
  same(new c.CELU(0.5).forward(x), c.celu(x, 0.5));
  same(new c.SELU().forward(x), c.selu(x));
  same(new c.ReLU6().forward(x), c.relu6(x));
  same(new c.Hardtanh().forward(x), c.hardTanh(x));
  same(new c.Hardtanh(-2, 3).forward(x), c.hardTanh(x, -2, 3));
  same(new c.Hardsigmoid().forward(x), c.hardSigmoid(x));
  same(new c.Hardswish().forward(x), c.hardSwish(x));
  same(new c.Mish().forward(x), c.mish(x));
  same(new c.Softsign().forward(x), c.softsign(x));
  same(new c.LogSigmoid().forward(x), c.logSigmoid(x));
  same(new c.GLU().forward(x), c.glu(x));
  same(new c.GLU(0).forward(x), c.glu(x, 0));
  same(new c.GELU().forward(x), c.gelu(x));
  same(new c.GELU({ approximate: 'tanh' }).forward(x), c.gelu(x, { approximate: 'tanh' }));
  same(new c.Softplus({ beta: 2, threshold: 3 }).forward(x), c.softplus(x, { beta: 2, threshold: 3 }));
  same(x.gelu({ approximate: 'tanh' }), c.gelu(x, { approximate: 'tanh' }));
  same(x.softplus({ beta: 2 }), c.softplus(x, { beta: 2 }));
});

test('the approximate gelu has finite gradients at any number', () => {
  const x = c.tensor([3e38, 1e20, -1e20, -3e38, -40], { requiresGrad: true });
  c.gelu(x, { approximate: 'tanh' }).sum().backward();
  assert.equal([...(x.grad as c.Tensor).dataSync()].map(Math.abs), [1, 1, 0, 0, 0]);
});

test('PReLU learns its weight', () => {
  const layer = new c.PReLU(2, { init: 0.5 });
  assert.equal([...layer.weight.dataSync()], [0.5, 0.5]);
  assert.equal([...new c.PReLU().weight.dataSync()], [0.25]);
  const x = c.tensor([
    [-2, 3],
    [4, -6],
    [-1, Infinity],
  ]);
  assert.equal([...layer.forward(x).dataSync()], [-1, 3, 4, -3, -0.5, Infinity]);
  layer.forward(x).sum().backward();
  assert.equal([...(layer.weight.grad as c.Tensor).dataSync()], [-3, -6]);
  assert.equal(Object.keys(layer.stateDict()), ['weight']);
  assert.throws(() => layer.forward(c.ones([2, 3])), /prelu: weight must hold one number, or one per channel/);
});

test('they print what they were made with', () => {
  for (const [layer, text] of [
    [new c.PReLU(3), 'PReLU(3)'],
    [new c.CELU(0.5), 'CELU(0.5)'],
    [new c.Hardtanh(0, 2), 'Hardtanh(min=0, max=2)'],
    [new c.GLU(1), 'GLU(axis=1)'],
    [new c.GELU(), 'GELU()'],
    [new c.GELU({ approximate: 'tanh' }), 'GELU(approximate=tanh)'],
    [new c.Softplus(), 'Softplus()'],
    [new c.Softplus({ beta: 2, threshold: 20 }), 'Softplus(beta=2, threshold=20)'],
  ] as const)
    assert.is(String(layer), text);
});

test.run();
