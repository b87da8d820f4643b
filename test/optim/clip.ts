/** Clipping by norm. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { clipGradNorm, defaultDevice, Parameter, tensor } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('optim/clip');

function made(): [Parameter, Parameter, Parameter] {
  const [a, b, none] = [new Parameter(tensor([0, 0])), new Parameter(tensor([0])), new Parameter(tensor([0]))];
  a.grad = tensor([3, -4]);
  b.grad = tensor([12]);
  return [a, b, none];
}

test('scales all gradients by one factor and returns the norm before', () => {
  const params = made();
  const { reads } = defaultDevice().counters;
  const norm = clipGradNorm(params, 1.3);
  assert.is(defaultDevice().counters.reads, reads);
  assert.equal(norm.shape, []);
  assert.is(norm.itemSync(), 13);
  closeTo([...(params[0].grad?.dataSync() ?? []), params[1].grad?.itemSync() ?? 0], [0.3, -0.4, 1.2], 1e-6);
  assert.is(params[2].grad, null);
});

test('the divisor is the norm plus 1e-6, which shows in tiny gradients', () => {
  const p = new Parameter(tensor([0], { dtype: 'float64' }));
  p.grad = tensor([1e-6], { dtype: 'float64' });
  clipGradNorm([p], 5e-7);
  // 1e-6 · 5e-7 / (1e-6 + 1e-6)
  assert.ok(Math.abs((p.grad?.itemSync() ?? 0) / 2.5e-7 - 1) < 1e-12, `${p.grad?.itemSync()}`);
});

test('leaves short gradients alone', () => {
  const params = made();
  assert.is(clipGradNorm(params, 100).itemSync(), 13);
  assert.equal([...(params[0].grad?.dataSync() ?? [])], [3, -4]);
});

test('other norms', () => {
  assert.is(clipGradNorm(made(), 1, { normType: 1 }).itemSync(), 19);
  assert.is(clipGradNorm(made(), 1, { normType: Number.POSITIVE_INFINITY }).itemSync(), 12);
  closeTo([clipGradNorm(made(), 1, { normType: 3 }).itemSync()], [Math.cbrt(27 + 64 + 1728)], 1e-6);
});

test('gradients that share a storage are scaled once', () => {
  const [a, b] = [new Parameter(tensor([1])), new Parameter(tensor([1]))];
  a.add(b).mul(3).sum().backward();
  clipGradNorm([a, b], Math.sqrt(2));
  closeTo([a.grad?.itemSync() ?? 0, b.grad?.itemSync() ?? 0], [1, 1], 1e-5);
});

test('no gradient gives 0; NaN spreads; bad numbers are errors', () => {
  assert.is(clipGradNorm([new Parameter(tensor([1]))], 1).itemSync(), 0);
  const params = made();
  params[1].grad = tensor([Number.NaN]);
  assert.ok(Number.isNaN(clipGradNorm(params, 1).itemSync()));
  assert.ok(Number.isNaN(params[0].grad?.dataSync()[0]));
  assert.throws(
    () => clipGradNorm(made(), Number.NaN),
    /clipGradNorm: maxNorm must be a number and not negative; got maxNorm=NaN/,
  );
  assert.throws(() => clipGradNorm([], 1), /there must be parameters/);
});

test('leaves no memory behind', () => {
  const params = made();
  const { tensors } = defaultDevice().memory();
  for (let i = 0; i < 10; i++) clipGradNorm(params, 1).release();
  assert.is(defaultDevice().memory().tensors, tensors);
});

test.run();
