/**
 * Gradient hooks: when they are called, what they get, and what their results change. Numbers by
 * hand. Not here: hooks under compile (compile-callbacks.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { GraphError, grad, gradcheck, noGrad, ShapeError, type Tensor, tensor, ValueError } from '../../src/index.js';

const test = suite('autograd/hooks');
const leaf = (values: number[]): Tensor => tensor(values, { requiresGrad: true });
const read = (t: Tensor | null): number[] => [...(t as Tensor).dataSync()];

test('a hook of a leaf gets the whole gradient of the pass, once', () => {
  const x = leaf([1, 2]);
  const seen: number[][] = [];
  x.registerHook((g) => {
    seen.push(read(g));
  });
  // Three edges lead to x: 2x + 3.
  x.mul(x).add(x.mul(3)).sum().backward();
  assert.equal(seen, [[5, 7]]);
  assert.equal(read(x.grad), [5, 7]);
  x.mul(10).sum().backward();
  assert.equal(seen, [
    [5, 7],
    [10, 10],
  ]);
  assert.equal(read(x.grad), [15, 17]);
});

test('a hook of a result gets its gradient before the gradient rule does, and may replace it', () => {
  const x = leaf([1, 2]);
  const y = x.mul(x);
  y.retainGrad();
  y.registerHook((g) => g.mul(10));
  y.add(y).sum().backward();
  assert.equal(read(y.grad), [20, 20]);
  assert.equal(read(x.grad), [40, 80]);
});

test('hooks are called in order, each with the result of the one before; null and nothing leave it', () => {
  const x = leaf([1]);
  const seen: number[] = [];
  const look = (g: Tensor): void => {
    seen.push(g.itemSync());
  };
  x.registerHook(look);
  x.registerHook((g) => g.add(1));
  x.registerHook(look);
  x.registerHook(() => null);
  x.registerHook((g) => g.mul(2));
  x.mul(3).sum().backward();
  assert.equal(seen, [3, 4]);
  assert.equal(read(x.grad), [8]);
});

test('what registerHook returns removes that hook only, and twice does nothing', () => {
  const x = leaf([1]);
  const double = (g: Tensor): Tensor => g.mul(2);
  const remove = x.registerHook(double);
  x.registerHook(double);
  const run = (): number => {
    x.clearGrad();
    x.mul(1).sum().backward();
    return (x.grad as Tensor).itemSync();
  };
  assert.is(run(), 4);
  remove();
  remove();
  assert.is(run(), 2);
});

test('a hook that removes itself is called once', () => {
  const x = leaf([1]);
  let calls = 0;
  const remove = x.registerHook(() => {
    calls++;
    remove();
  });
  for (let i = 0; i < 2; i++) x.mul(1).sum().backward();
  assert.is(calls, 1);
  assert.is(x.hooks, null);
});

test('hooks of a root, and of a root that is a leaf', () => {
  const x = leaf([3]);
  x.registerHook((g) => g.mul(5));
  x.backward(tensor([2]));
  assert.equal(read(x.grad), [10]);
  const y = leaf([1, 1]);
  const loss = y.sum();
  loss.registerHook((g) => g.mul(7));
  loss.backward();
  assert.equal(read(y.grad), [7, 7]);
});

test("a replaced gradient is not written into: it may be the hook's own tensor", () => {
  const x = leaf([1, -2]);
  const own = tensor([3, 4]);
  const y = x.mul(1);
  y.registerHook(() => own);
  // The gradient of relu may reuse the memory of its incoming gradient.
  const z = x.relu();
  z.registerHook(() => own);
  y.add(z).sum().backward();
  assert.equal(read(own), [3, 4]);
  assert.equal(read(x.grad), [6, 4]);
});

test('grad() calls hooks, too', () => {
  const x = leaf([2]);
  const y = x.mul(x);
  y.registerHook((g) => g.mul(3));
  x.registerHook((g) => g.add(1));
  assert.equal(
    grad(y.mul(1), [y, x]).map((g) => g.itemSync()),
    [3, 13],
  );
  assert.is(x.grad, null);
});

test('with createGraph, the operations of a hook are recorded', () => {
  const x = tensor([2], { dtype: 'float64', requiresGrad: true });
  const y = x.mul(x);
  y.registerHook((g) => g.mul(x));
  // The hook turns dy/dx = 2x into 2x²; the derivative of that is 4x.
  const [first] = grad(y, [x], { createGraph: true });
  assert.is(first.itemSync(), 8);
  assert.is(grad(first, [x])[0].itemSync(), 8);
  x.registerHook((g) => g.mul(x));
  const [second] = grad(x.mul(x), [x], { createGraph: true });
  assert.is(second.itemSync(), 8);
});

test('the gradient ends with the hook, unless it is kept', () => {
  const x = leaf([1, 2]);
  const y = x.mul(2);
  const seen: Tensor[] = [];
  y.registerHook((g) => {
    seen.push(g, g.clone().keep());
  });
  y.sum().backward();
  assert.throws(() => seen[0].dataSync(), /a released tensor cannot be read/);
  assert.equal(read(seen[1]), [1, 1]);
  assert.equal(read(x.grad), [2, 2]);
});

test('memory stays flat over steps with hooks', () => {
  const x = leaf([1, 2, 3]);
  x.registerHook((g) => g.mul(2));
  const step = (): number => {
    x.clearGrad();
    const y = x.mul(x);
    y.registerHook((g) => g.add(1));
    const loss = y.sum();
    loss.backward();
    loss.release();
    return x.device.memory().tensors;
  };
  for (let i = 0; i < 3; i++) step();
  const before = step();
  for (let i = 0; i < 5; i++) step();
  assert.ok(step() <= before, `${step()} ${before}`);
});

test('gradcheck sees the gradient after hooks', () => {
  const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
  const honest = (t: Tensor): Tensor => {
    const y = t.mul(t);
    y.registerHook((g) => g.mul(1));
    return y;
  };
  assert.ok(gradcheck(honest, [x]));
  const wrong = (t: Tensor): Tensor => {
    const y = t.mul(t);
    if (y.requiresGrad) y.registerHook((g) => g.mul(1.5));
    return y;
  };
  assert.throws(() => gradcheck(wrong, [x]), /must agree with finite differences/);
});

test('mistakes are errors that say so', () => {
  const x = leaf([1]);
  const fails = (hook: unknown, kind: new (...a: never[]) => Error, says: RegExp): void => {
    const remove = x.registerHook(hook as never);
    try {
      x.mul(1).sum().backward();
      assert.unreachable();
    } catch (error) {
      assert.instance(error, kind);
      assert.match((error as Error).message, says);
    }
    remove();
  };
  fails(() => 2, ValueError, /^registerHook: a hook must return a tensor, or nothing; got 2$/);
  fails(async () => {}, ValueError, /got a Promise; hooks are synchronous/);
  fails(() => tensor([1, 2]), ShapeError, /^registerHook: .* shape and dtype; got \[2\] float32 for \[1\] float32$/);
  fails(() => tensor([1], { dtype: 'int32' }), ShapeError, /got \[1\] int32 for \[1\] float32/);
  assert.throws(() => x.registerHook(1 as never), /^registerHook: fn must be a function; got fn=1$/);
  assert.throws(
    () => tensor([1]).registerHook(() => {}),
    (error: Error) =>
      error instanceof GraphError && /^registerHook: the tensor must require a gradient; got/.test(error.message),
  );
  assert.throws(() => noGrad(() => x.mul(2).registerHook(() => {})), /must require a gradient/);
});

test('a hook of a leaf is called as soon as its gradient is complete, not at the end of the pass', () => {
  const [first, second] = [leaf([2]), leaf([3])];
  const order: string[] = [];
  const note = (name: string) => (): void => {
    order.push(name);
  };
  first.registerHook(note('first'));
  second.registerHook(note('second'));
  const early = second.mul(7);
  const y = first.mul(5);
  y.registerHook(note('y'));
  // Two edges lead to `second`. The walk passes the last of them after y and `first`.
  y.mul(second).add(early).sum().backward();
  assert.equal(order, ['y', 'first', 'second']);
  order.length = 0;
  const z = first.mul(5);
  z.registerHook(note('z'));
  z.mul(second).sum().backward();
  assert.equal(order, ['second', 'z', 'first']);
});

test.run();
