/**
 * The backward pass: accumulation, shared subgraphs, tracking modes, graphs that are used again,
 * gradients of gradients, and deep graphs.
 * Not here: the gradient rules of ops (test/ops/gradcheck.ts), lifetimes (lifetimes.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { apply, type Op, view } from '../../src/autograd/graph.js';
import { ReferenceDevice } from '../../src/device/reference/index.js';
import * as c from '../../src/index.js';
import {
  enableGrad,
  GraphError,
  grad,
  noGrad,
  Parameter,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../../src/index.js';
import { closeTo } from '../helpers/close.js';
import { inputsOf, opTable, type Row } from '../helpers/op-table.js';

const test = suite('backward');
const leaf = (values: number[], shape: number[] = [values.length]): Tensor =>
  tensor(values, { shape, dtype: 'float64', requiresGrad: true });
const gradOf = (t: Tensor): number[] => [...(t.grad as Tensor).dataSync()];

test('gradients add up over backwards, until set to null', () => {
  const x = leaf([1, 2]);
  assert.is(x.grad, null);
  x.mul(x).sum().backward();
  assert.equal(gradOf(x), [2, 4]);
  x.mul(3).sum().backward();
  assert.equal(gradOf(x), [5, 7]);
  x.grad = null;
  x.sum().backward();
  assert.equal(gradOf(x), [1, 1]);
});
test('accumulating does not change a gradient that was handed out', () => {
  const x = leaf([1, 2]);
  x.sum().backward();
  const first = (x.grad as Tensor).clone();
  x.sum().backward();
  assert.equal([...first.dataSync()], [1, 1]);
  assert.equal(gradOf(x), [2, 2]);
});
test('one gradient that reaches two leaves is not shared between them', () => {
  const [a, b] = [leaf([1, 2]), leaf([3, 4])];
  a.add(b).sum().backward();
  a.mul(2).sum().backward();
  assert.equal(
    [gradOf(a), gradOf(b)],
    [
      [3, 3],
      [1, 1],
    ],
  );
});
test('what was joined gets its part of the gradient, in one kernel, and none where none is wanted', () => {
  const on = new ReferenceDevice();
  const part = (width: number, requiresGrad: boolean): Tensor => zeros([2, width], { device: on, requiresGrad });
  const g = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], { shape: [2, 6], device: on });
  for (const [wanted, kernels] of [
    [[true, true, true], 2],
    [[true, false, true], 2],
    [[false, true, false], 2],
  ] as const) {
    const parts = [part(1, wanted[0]), part(2, wanted[1]), part(3, wanted[2])];
    const before = on.counters.kernels;
    c.concat(parts, 1).backward(g);
    assert.is(on.counters.kernels - before, kernels);
    const whole = [
      [1, 7],
      [2, 3, 8, 9],
      [4, 5, 6, 10, 11, 12],
    ];
    assert.equal(
      parts.map((t) => (t.grad === null ? null : gradOf(t))),
      whole.map((values, i) => (wanted[i] ? values : null)),
    );
  }
});
test('the gradient of what was joined can be differentiated', () => {
  const [a, b] = [leaf([1, 2]), leaf([3])];
  // Σ joined³: 3·x² first, then 6·x.
  const joined = c.concat([a, b]);
  const first = grad(joined.mul(joined).mul(joined).sum(), [a, b], { createGraph: true });
  assert.equal(
    first.map((t) => [...t.dataSync()]),
    [[3, 12], [27]],
  );
  first[0].sum().add(first[1].sum()).backward();
  assert.equal([gradOf(a), gradOf(b)], [[6, 12], [18]]);
});
test('a leaf used many times, and as both operands', () => {
  const x = leaf([2, 3]);
  x.mul(x).add(x).sub(x.mul(0.5)).sum().backward();
  assert.equal(gradOf(x), [4.5, 6.5]);
});
test('a diamond: each shared node is walked once, after all that use it', () => {
  const x = leaf([0.5]);
  const shared = x.exp();
  const left = shared.mul(2);
  const right = shared.mul(shared).mul(left);
  left.add(right).sum().backward();
  // 2eˣ + 2e³ˣ
  closeTo(gradOf(x), [2 * Math.exp(0.5) + 6 * Math.exp(1.5)], 1e-12);
});
test('a ladder of diamonds costs as much as its nodes, not its paths', () => {
  const x = leaf([1]);
  let y: Tensor = x;
  for (let i = 0; i < 60; i++) y = y.mul(0.5).add(y.mul(0.5));
  y.backward();
  assert.equal(gradOf(x), [1]);
});
test('a scalar root that is a leaf', () => {
  const x = leaf([3]);
  x.backward();
  assert.equal(gradOf(x), [1]);
});
test('an upstream gradient for what is no scalar', () => {
  const x = leaf([1, 2, 3]);
  x.mul(x).backward(tensor([1, 0, -1], { dtype: 'float64' }));
  assert.equal(gradOf(x), [2, 0, -6]);
});
test('only leaves that require a gradient get one', () => {
  const x = leaf([1, 2]);
  const fixed = tensor([3, 4], { dtype: 'float64' });
  const y = x.mul(fixed);
  y.sum().backward();
  assert.equal([fixed.grad, y.grad], [null, null]);
  assert.equal(gradOf(x), [3, 4]);
});
test('retainGrad fills the gradient of a result', () => {
  const x = leaf([1, 2]);
  const y = x.mul(2).retainGrad();
  y.mul(y).sum().backward();
  assert.equal(
    [gradOf(y), gradOf(x)],
    [
      [4, 8],
      [8, 16],
    ],
  );
});
test('retainGrad keeps the gradient from being overwritten by the one before it', () => {
  const x = leaf([1, -1]);
  const y = x.relu().retainGrad();
  y.mul(2).sum().backward();
  // PyTorch 1.13: y.grad [2, 2], x.grad [2, 0].
  assert.equal(
    [gradOf(y), gradOf(x)],
    [
      [2, 2],
      [2, 0],
    ],
  );
});
test('a gradient that nobody else holds is overwritten, so that a chain needs no second array', () => {
  const device = new ReferenceDevice();
  const run = device.run.bind(device);
  let inPlace = 0;
  device.run = (kernel, inputs, attrs, outputs, into) => {
    if (into !== undefined) inPlace++;
    return run(kernel, inputs, attrs, outputs, into);
  };
  const x = tensor([1, -2], { device, requiresGrad: true });
  x.relu()
    .relu()
    .relu()
    .backward(tensor([1, 1], { device }).keep());
  // The gradient that was given stays as it is; the two that follow are made in its copy's place.
  assert.is(inPlace, 2);
});
test('a gradient that two operations are handed is overwritten by neither', () => {
  const [a, b] = [leaf([1, -1]), leaf([-1, 1])];
  a.relu().add(b.relu()).sum().backward();
  assert.equal(
    [gradOf(a), gradOf(b)],
    [
      [1, 0],
      [0, 1],
    ],
  );
});
test('cast: the gradient comes back in the dtype of the input', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  x.cast('float64').mul(0.1).sum().backward();
  assert.is((x.grad as Tensor).dtype, 'float32');
  assert.equal(gradOf(x), [Math.fround(0.1), Math.fround(0.1)]);
});
test('mixed dtypes: each operand gets its own', () => {
  const a = tensor([1, 2], { requiresGrad: true });
  const b = leaf([3, 4]);
  a.mul(b).sum().backward();
  assert.equal([(a.grad as Tensor).dtype, (b.grad as Tensor).dtype], ['float32', 'float64']);
  assert.equal(
    [gradOf(a), gradOf(b)],
    [
      [3, 4],
      [1, 2],
    ],
  );
});
test('indices and comparisons carry no gradient', () => {
  const x = leaf([1, 4, 2, 3], [1, 2, 2, 1]);
  const [values, indices] = c.maxPool2d(x, { kernelSize: 2 });
  assert.equal(
    [values.requiresGrad, indices.plane.requiresGrad, x.greater(0).requiresGrad, x.argmax().requiresGrad],
    [true, false, false, false],
  );
});

// ---- modes

test('noGrad records nothing; enableGrad inside it does', () => {
  const x = leaf([1, 2]);
  const y = noGrad(() => x.mul(2));
  assert.not.ok(y.requiresGrad);
  const z = noGrad(() => {
    const inner = enableGrad(() => x.mul(3));
    assert.ok(inner.requiresGrad);
    return inner;
  });
  z.sum().backward();
  assert.equal(gradOf(x), [3, 3]);
  assert.ok(x.mul(2).requiresGrad, 'recording is on again');
});
test('noGrad ends when fn throws', () => {
  const x = leaf([1]);
  assert.throws(() =>
    noGrad(() => {
      throw new Error('inside');
    }),
  );
  assert.ok(x.mul(2).requiresGrad);
});
test('detach cuts the graph and shares the values', () => {
  const x = leaf([1, 2]);
  const y = x.mul(x);
  const cut = y.detach();
  assert.not.ok(cut.requiresGrad);
  x.mul(cut).sum().backward();
  assert.equal(gradOf(x), [1, 4]);
});
test('a Parameter is a leaf that requires a gradient, and can be frozen', () => {
  const p = new Parameter(zeros([2]));
  assert.ok(p.requiresGrad && p.node === null);
  p.requiresGrad = false;
  assert.not.ok(p.mul(2).requiresGrad);
});

// ---- graphs used again

test('retainGraph: the graph serves twice', () => {
  const x = leaf([1, 2]);
  const loss = x.mul(x).sum();
  loss.backward(undefined, { retainGraph: true });
  loss.backward();
  assert.equal(gradOf(x), [4, 8]);
  assert.throws(
    () => loss.backward(),
    (e: Error) => e instanceof GraphError,
  );
});
test('retainGraph: two losses on one graph', () => {
  const x = leaf([1, 2]);
  const shared = x.exp();
  shared.sum().backward(undefined, { retainGraph: true });
  shared.mul(shared).sum().backward();
  const want = [1, 2].map((v) => Math.exp(v) + 2 * Math.exp(2 * v));
  closeTo(gradOf(x), want, 1e-12);
});
test('grad() returns gradients and leaves grad alone; zeros where there is no path; inner results too', () => {
  const [x, unused] = [leaf([1, 2]), leaf([5])];
  const y = x.mul(3);
  const [gx, gu, gy] = grad(y.mul(y).sum(), [x, unused, y]);
  assert.equal([...gx.dataSync()], [18, 36]);
  assert.equal([...gu.dataSync()], [0]);
  assert.equal([...gy.dataSync()], [6, 12]);
  assert.equal([x.grad, y.grad, unused.grad], [null, null, null]);
});
test('grad() fills the grad of results that asked for it, as PyTorch does, be they inputs or not', () => {
  for (const asked of [false, true]) {
    const x = leaf([1, 2]);
    const y = x.mul(3).retainGrad();
    const found = grad(y.mul(y).sum(), asked ? [x, y] : [x]);
    // PyTorch 1.13: y.grad [6, 12] both times, x.grad None.
    assert.equal([gradOf(y), x.grad], [[6, 12], null]);
    assert.equal(
      found.map((g) => [...g.dataSync()]),
      asked
        ? [
            [18, 36],
            [6, 12],
          ]
        : [[18, 36]],
    );
  }
});
test('grad() with an upstream gradient', () => {
  const x = leaf([1, 2]);
  const [g] = grad(x.mul(x), [x], { gradOutput: tensor([1, 10], { dtype: 'float64' }) });
  assert.equal([...g.dataSync()], [2, 40]);
});

// ---- gradients of gradients

test('createGraph: x³ three times', () => {
  const x = leaf([2]);
  const [first] = grad(x.pow(3).sum(), [x], { createGraph: true });
  const [second] = grad(first.sum(), [x], { createGraph: true });
  const [third] = grad(second.sum(), [x]);
  closeTo([first.itemSync(), second.itemSync(), third.itemSync()], [12, 12, 6], 1e-12);
});
test('createGraph: a gradient penalty through convolution and pooling reaches the weights', () => {
  const random = new c.RandomState(1);
  const x = leaf([...random.randn(25)], [1, 5, 5, 1]);
  const w = leaf([...random.randn(18)], [3, 3, 1, 2]);
  const penalty = (weight: Tensor): Tensor => {
    const score = c
      .maxPool2d(c.conv2d(x, weight, { padding: 'same' }).tanh(), { kernelSize: 2, padding: 'same' })[0]
      .sum();
    const [g] = grad(score, [x], { createGraph: true });
    return g.mul(g).sum().sqrt().sub(1).pow(2);
  };
  penalty(w).backward();
  const at = (i: number, shift: number): number =>
    penalty(
      leaf(
        Array.from(w.dataSync(), (v, j) => (j === i ? v + shift : v)),
        [3, 3, 1, 2],
      ),
    ).itemSync();
  closeTo(
    gradOf(w),
    Array.from({ length: 18 }, (_, i) => (at(i, 1e-6) - at(i, -1e-6)) / 2e-6),
    1e-6,
  );
});
test('createGraph with backward(): grad itself is part of a graph', () => {
  const x = leaf([3]);
  x.mul(x).mul(x).backward(undefined, { createGraph: true });
  const g = x.grad as Tensor;
  assert.ok(g.requiresGrad);
  const [second] = grad(g, [x]);
  closeTo([second.itemSync()], [18], 1e-12);
});

// ---- refusals

/** An op over the identity kernel with a backward rule of the test's own. */
const wrongly = (gradient: (g: Tensor) => Tensor | readonly Tensor[]): ((x: Tensor) => Tensor) => {
  const op: Op<null> = {
    name: 'wrong',
    lower: ([x]) => view(x.shape, x),
    backward: ({ grad: g }) => [gradient(g)].flat(),
  };
  return (x) => apply(op, [x], null);
};
test('a backward rule that leaves a gradient out is refused', () => {
  for (const [gradients, count] of [
    [[], 0],
    [[undefined as unknown as Tensor], 1],
  ] as const)
    assert.throws(
      () =>
        wrongly(() => gradients)(leaf([1, 2]))
          .sum()
          .backward(),
      (e: Error) =>
        e instanceof ShapeError &&
        e.message ===
          `backward: a backward rule must give a gradient or null for each input; got ${count} from wrong, of 1 inputs`,
    );
});
test('a backward rule that gives another shape or dtype is refused', () => {
  const refused = (got: string) => (e: Error) =>
    e instanceof ShapeError &&
    e.message ===
      `backward: a gradient must have its input's shape and dtype; got wrong's gradient of input 0=${got}; the input is [2] float64: the op's backward rule is wrong`;
  assert.throws(
    () =>
      wrongly((g) => g.reshape([2, 1]))(leaf([1, 2]))
        .sum()
        .backward(),
    refused('[2,1] float64'),
  );
  assert.throws(
    () =>
      wrongly((g) => g.sum())(leaf([1, 2]))
        .sum()
        .backward(),
    refused('[] float64'),
  );
  assert.throws(
    () =>
      wrongly((g) => g.cast('float32'))(leaf([1, 2]))
        .sum()
        .backward(),
    refused('[2] float32'),
  );
});
test('a released tensor cannot be differentiated', () => {
  const x = leaf([1, 2]);
  const y = x.add(1).sum();
  y.release();
  assert.throws(
    () => y.backward(),
    (e: Error) => e instanceof GraphError && /released tensor cannot be read; got sum/.test(e.message),
  );
  assert.is(x.grad, null);
});
test('what is no function is refused at once, and a result that holds itself', () => {
  const refused = (text: string) => (e: Error) => e instanceof ValueError && e.message === text;
  assert.throws(() => noGrad(5 as unknown as () => void), refused('noGrad: fn must be a function; got fn=5'));
  assert.throws(
    () => enableGrad({} as unknown as () => void),
    refused('enableGrad: fn must be a function; got fn=an object {}'),
  );
  const x = leaf([1, 2]);
  const before = x.device.memory().tensors;
  assert.throws(
    () =>
      noGrad(() => {
        const list: unknown[] = [x.mul(2)];
        list.push(list);
        return list;
      }),
    refused(
      'noGrad: a result must not hold itself; got a cycle of 1; return its tensors in an array or a plain object',
    ),
  );
  assert.is(x.device.memory().tensors, before);
  // One object in two places is no cycle.
  const pair = noGrad(() => {
    const inner = { y: x.mul(2) };
    return [inner, inner];
  });
  assert.equal([...pair[1].y.dataSync()], [2, 4]);
});
test('options in the place of the gradient are refused', () => {
  const loss = leaf([1, 2]).sum();
  assert.throws(
    () => loss.backward({ retainGraph: true } as unknown as Tensor),
    (e: Error) =>
      e instanceof ValueError &&
      e.message ===
        'backward: grad must be a tensor; got grad=an object {retainGraph}; options come second: backward(undefined, { retainGraph: true })',
  );
  assert.throws(
    () => grad(leaf([1]), leaf([1]) as unknown as Tensor[]),
    (e: Error) =>
      e instanceof ValueError && /^grad: inputs must be an array of tensors; got inputs=a Tensor/.test(e.message),
  );
  assert.throws(
    () => grad(5 as unknown as Tensor, [leaf([1])]),
    (e: Error) => e instanceof ValueError && /^grad: output must be a tensor; got output=5/.test(e.message),
  );
});

// ---- depth

test('an input that changes in place before backward is refused, or its gradient stays what it was', () => {
  const reference = c.defaultDevice();
  const gradients = (row: Row, changed: number): string => {
    const inputs = inputsOf(row, reference, 'float64');
    const y = row.fn(...inputs);
    const x = inputs[changed];
    if (changed >= 0) noGrad(() => void x.assign(x.mul(-0.75).add(0.3).cast(x.dtype)));
    y.backward(tensor(new c.RandomState(11).randn(y.size), { shape: y.shape, dtype: 'float64' }));
    return inputs.map((t) => (t.grad === null ? '' : [...t.grad.dataSync()].join())).join(' | ');
  };
  for (const row of opTable) {
    if (!row.differentiable) continue;
    const want = gradients(row, -1);
    for (let k = 0; k < row.inputs.length; k++)
      try {
        assert.is(gradients(row, k), want, `${row.name}, input ${k}`);
      } catch (error) {
        if (!(error instanceof GraphError)) throw error;
      }
  }
});

test('10,000 operations in a chain do not overflow the stack', () => {
  const x = leaf([1, 2]);
  let y: Tensor = x;
  for (let i = 0; i < 10_000; i++) y = i % 2 === 0 ? y.mul(1.0001) : y.add(0.5);
  y.sum().backward();
  closeTo(gradOf(x), [1.0001 ** 5000, 1.0001 ** 5000], 1e-9);
});

test.run();
