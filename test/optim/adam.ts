/**
 * Adam and AdamW compared with the specification's numbers and with PyTorch's
 * (test/fixtures/adam.*, PyTorch 1.13.1).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Adam, AdamW, type DType, Parameter, tensor } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';
import { readFixtures } from '../helpers/fixtures.js';

const test = suite('optim/adam');

function oneStep(form: 'torch' | 'tf', gradient: number): number {
  const p = new Parameter(tensor([1], { dtype: 'float64' }));
  const optimizer = new Adam([p], { form });
  p.grad = tensor([gradient], { dtype: 'float64' });
  optimizer.step();
  return p.itemSync();
}

test('the two forms differ by where epsilon stands', () => {
  closeTo([oneStep('tf', 1e-8), oneStep('torch', 1e-8)], [0.99996934657, 0.9995], 1e-12);
  closeTo([oneStep('tf', 0.1), oneStep('torch', 0.1)], [0.999000003162, 0.9990000001], 1e-12);
});

interface Attrs {
  optimizer: 'Adam' | 'AdamW';
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  amsgrad: boolean;
}
const fixtures = readFixtures<Attrs>('adam');
assert.is(fixtures.length, 7);
for (const { name, attrs, tensors } of fixtures) {
  for (const form of ['torch', 'tf'] as const)
    for (const [dtype, suffix, tolerance] of [
      ['float64', 'f64', 1e-9],
      ['float32', 'f32', 1e-5],
    ] as [DType, string, number][]) {
      const want = tensors[`${form === 'torch' ? 'p' : 'p_tf1'}_${suffix}`];
      if (want === undefined) continue;
      test(`PyTorch's ${name}, ${form}, ${dtype}`, () => {
        const p = new Parameter(tensor(tensors.p0.data, { dtype }));
        const { lr, betas, eps, amsgrad } = attrs;
        const optimizer = new (attrs.optimizer === 'AdamW' ? AdamW : Adam)([p], {
          lr,
          betas,
          eps,
          amsgrad,
          form,
          weightDecay: attrs.weight_decay,
        });
        const size = p.size;
        for (let t = 0; t < tensors.grads.shape[0]; t++) {
          optimizer.zeroGrad();
          p.grad = tensor(tensors.grads.data.slice(t * size, (t + 1) * size), { dtype });
          optimizer.step();
          closeTo(p.dataSync(), want.data.slice(t * size, (t + 1) * size), tolerance, `step ${t + 1}`);
        }
      });
    }
}

test("defaults: PyTorch's form, 1e-3, 0.9, 0.999, 1e-8", () => {
  const { lr, betas, eps, form } = new Adam([new Parameter(tensor([1]))]).paramGroups[0];
  assert.equal([lr, betas, eps, form], [1e-3, [0.9, 0.999], 1e-8, 'torch']);
});
test('both forms over steps with changing gradients, from their formulas', () => {
  const gradients = [0.3, -2, 1e-7, 5, 0];
  for (const form of ['torch', 'tf'] as const) {
    const p = new Parameter(tensor([1], { dtype: 'float64' }));
    const optimizer = new Adam([p], { form, lr: 0.01 });
    let [want, m, v] = [1, 0, 0];
    gradients.forEach((g, i) => {
      optimizer.zeroGrad();
      p.grad = tensor([g], { dtype: 'float64' });
      optimizer.step();
      m = 0.9 * m + (1 - 0.9) * g;
      v = 0.999 * v + (1 - 0.999) * g * g;
      const [c1, c2] = [1 - 0.9 ** (i + 1), 1 - 0.999 ** (i + 1)];
      want -=
        form === 'tf'
          ? ((0.01 * Math.sqrt(c2)) / c1) * (m / (Math.sqrt(v) + 1e-8))
          : 0.01 * (m / c1 / (Math.sqrt(v / c2) + 1e-8));
      closeTo([p.itemSync()], [want], 1e-14, `${form}, step ${i + 1}`);
    });
  }
});

test('a parameter that joins later corrects its moments by its own count of steps', () => {
  for (const form of ['torch', 'tf'] as const) {
    const [early, late] = [1, 1].map((v) => new Parameter(tensor([v], { dtype: 'float64' })));
    const optimizer = new Adam([early, late], { form, lr: 0.1, eps: 0 });
    for (const parameters of [[early], [early, late]]) {
      optimizer.zeroGrad();
      for (const p of parameters) p.grad = tensor([2], { dtype: 'float64' });
      optimizer.step();
    }
    // Under a constant gradient every step is lr long, the first like the second.
    closeTo([early.itemSync(), late.itemSync()], [0.8, 0.9], 1e-12, form);
  }
});

test('AdamW decays by 0.01 unless told otherwise, Adam not at all', () => {
  const p = new Parameter(tensor([1]));
  assert.is(new AdamW([p]).paramGroups[0].weightDecay, 0.01);
  assert.is(new Adam([p]).paramGroups[0].weightDecay, 0);
});

test('options out of range', () => {
  const p = new Parameter(tensor([1]));
  assert.throws(() => new Adam([p], { betas: [1, 0.9] }), /^Adam: beta1 must be in \[0, 1\); got beta1=1$/);
  assert.throws(() => new Adam([p], { eps: -1 }), /Adam: eps must be finite and not negative; got eps=-1/);
  assert.throws(() => new AdamW([p], { weightDecay: -1 }), /AdamW: weightDecay/);
  assert.throws(() => new Adam([p], { form: 'keras' as 'tf' }), /Adam: form must be 'torch' or 'tf'; got form=keras/);
});

test.run();
