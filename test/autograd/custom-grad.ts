/**
 * customGrad: values, gradients of the program's own, second order, lifetimes, and what it refuses.
 * Not here: customGrad under compile (compile-callbacks.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type CustomBackward,
  type CustomForward,
  customGrad,
  defaultDevice,
  device,
  GraphError,
  grad,
  gradcheck,
  gradgradcheck,
  noGrad,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
} from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('autograd/custom-grad');
const f64 = (values: number[]): Tensor => tensor(values, { dtype: 'float64', requiresGrad: true });
const read = (t: Tensor | null): number[] => [...(t as Tensor).dataSync()];

/** eˣ with its gradient from the saved result. */
const exponential = customGrad(
  ([x], save) => {
    const y = x.exp();
    save(y);
    return y;
  },
  (g, [y]) => g.mul(y),
);
/** x·y with its gradients from the saved inputs. */
const product = customGrad<[Tensor, Tensor]>(
  ([x, y], save) => {
    save(x, y);
    return x.mul(y);
  },
  (g, [x, y], needs) => [needs[0] ? g.mul(y) : null, needs[1] ? g.mul(x) : null],
);
/** Leaves the value and turns the gradient round. */
const reverse = customGrad(
  ([x]) => x,
  (g) => g.mul(-0.5),
);

test('the value is what forward computes, and the gradient what backward returns', () => {
  const x = f64([1, 2]);
  const y = reverse(x);
  assert.equal(read(y), [1, 2]);
  y.mul(3).sum().backward();
  assert.equal(read(x.grad), [-1.5, -1.5]);
});

test('a gradient that is right passes gradcheck, of both orders, and a wrong one does not', () => {
  const x = f64([0.3, -0.7]);
  const y = f64([1.5, 2]);
  assert.ok(gradcheck((t) => exponential(t), [x]));
  assert.ok(gradgradcheck((t) => exponential(t), [x]));
  assert.ok(gradcheck((a, b) => product(a, b), [x, y]));
  assert.ok(gradgradcheck((a, b) => product(a, b).mul(a), [x, y]));
  assert.throws(() => gradcheck((t) => reverse(t), [x]), /must agree with finite differences/);
});

test('saved tensors that are neither inputs nor the result count as constants', () => {
  const square = customGrad(
    ([x], save) => {
      save(x.mul(2));
      return x.mul(x);
    },
    (g, [slope]) => g.mul(slope),
  );
  const x = f64([3]);
  const [first] = grad(square(x), [x], { createGraph: true });
  assert.is(first.itemSync(), 6);
  // 2x is constant, so the gradient does not depend on x.
  assert.is(first.requiresGrad, false);
});

test('gradients flow into what is before, and stop at inputs that need none', () => {
  const x = f64([2]);
  const constant = tensor([5], { dtype: 'float64' });
  const seen: (readonly boolean[])[] = [];
  const f = customGrad<[Tensor, Tensor]>(
    ([a, b]) => a.mul(b),
    (g, _, needs) => {
      seen.push(needs);
      return [g.mul(5), null];
    },
  );
  f(x.mul(x), constant).sum().backward();
  assert.equal(read(x.grad), [20]);
  assert.equal(seen, [[true, false]]);
  assert.is(f(constant, constant).requiresGrad, false);
  assert.is(noGrad(() => f(x, constant)).requiresGrad, false);
});

test('save may be called more than once, and with tensors from outside', () => {
  const outside = tensor([10], { dtype: 'float64' });
  const f = customGrad(
    ([x], save) => {
      save(x);
      save(outside, x.neg());
      return x.mul(x);
    },
    (g, [x, ten, negative]) => g.mul(x.add(ten).add(negative)),
  );
  const x = f64([3]);
  for (let i = 0; i < 2; i++) f(x).sum().backward();
  assert.equal(read(x.grad), [20]);
  assert.equal(read(outside), [10]);
});

test('what forward makes ends with the graph, and at once without a graph', () => {
  const x = f64([1, 2]);
  const kept: Tensor[] = [];
  const f = customGrad(
    ([t], save) => {
      const [a, b, y] = [t.mul(2), t.mul(3), t.mul(4)];
      kept.push(a, b, y);
      save(b);
      return y;
    },
    (g, [b]) => g.mul(b),
  );
  const y = f(x);
  assert.equal(
    kept.map((t) => t.released),
    [true, false, false],
  );
  y.sum().backward();
  x.mul(2).sum().backward();
  assert.equal(
    kept.map((t) => t.released),
    [true, true, true],
  );
  assert.ok(y.released);
  const z = f(tensor([1, 2], { dtype: 'float64' }));
  assert.equal(
    kept.slice(3).map((t) => t.released),
    [true, true, true],
  );
  assert.equal(read(z), [4, 8]);
});

test('a saved value that changes in place is refused', () => {
  const x = f64([1]);
  const y = product(x, x);
  noGrad(() => x.assign(tensor([2], { dtype: 'float64' })));
  assert.throws(
    () => y.backward(),
    /backward: a value saved for the gradient must not change in place; got customGrad/,
  );
});

test('it runs on other devices', async () => {
  const wasm = await device('wasm', { threads: 1 });
  const x = tensor([0.5, -1], { device: wasm, requiresGrad: true });
  exponential(x).sum().backward();
  closeTo(await (x.grad as Tensor).data(), [Math.exp(0.5), Math.exp(-1)], 1e-6);
  await wasm.close();
  assert.is(defaultDevice().name, 'reference');
});

test('mistakes are errors that say so', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const identity: CustomForward<readonly Tensor[]> = ([t]) => t;
  const fails = (
    forward: unknown,
    backward: unknown,
    kind: new (...a: never[]) => Error,
    message: string,
    inputs = [x],
  ): void => {
    try {
      customGrad(
        forward as typeof identity,
        backward as CustomBackward,
      )(...inputs)
        .sum()
        .backward();
      assert.unreachable(message);
    } catch (error) {
      assert.instance(error, kind);
      assert.is((error as Error).message, message);
    }
  };
  const pass = (g: Tensor): Tensor => g;
  fails(1, pass, ValueError, 'customGrad: forward must be a function; got forward=1');
  fails(identity, undefined, ValueError, 'customGrad: backward must be a function; got backward=undefined');
  fails(identity, pass, ValueError, 'customGrad: there must be inputs; got none; pass tensors', []);
  fails(identity, pass, ValueError, 'customGrad: inputs[0] must be a tensor; got inputs[0]=1; wrap it with tensor()', [
    1 as never,
  ]);
  fails(
    () => 2,
    pass,
    ValueError,
    'customGrad: the result of forward must be a tensor; got the result of forward=2; wrap it with tensor()',
  );
  fails(async () => x, pass, GraphError, 'customGrad: forward must be synchronous; got a Promise');
  fails(
    ([t]: Tensor[], save: (v: unknown) => void) => {
      save(3);
      return t;
    },
    pass,
    ValueError,
    'customGrad: saved[0] must be a tensor; got saved[0]=3; wrap it with tensor()',
  );
  fails(identity, () => {}, ValueError, 'customGrad: gradients must be tensors or null; got gradient 0=undefined');
  fails(
    identity,
    async (g: Tensor) => g,
    ValueError,
    'customGrad: gradients must be tensors or null; got gradient 0=a Promise',
  );
  fails(
    identity,
    (g: Tensor) => [g, g],
    ShapeError,
    'customGrad: backward must give a gradient or null for each input; got 2 for 1 inputs',
  );
  fails(
    identity,
    (g: Tensor) => g.sum(),
    ShapeError,
    "customGrad: a gradient must have its input's shape and dtype; got gradient 0=[] float32, the input is [2] float32",
  );
});

test.run();
