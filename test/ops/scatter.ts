/**
 * gatherNd and scatterNd: the examples of TensorFlow's documentation, and any shapes compared with
 * loops by hand. The op table covers gradients and other devices. Not here: misuse
 * (test/errors.ts).
 */
import fc from 'fast-check';
import ndarray from 'ndarray';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gatherNd, RandomState, type Shape, scatterNd, type Tensor, tensor } from '../../src/index.js';
import { sizeOf } from '../helpers/values.js';

const test = suite('ops/scatter');
const is = (got: Tensor, shape: Shape, values: readonly number[]): void => {
  assert.equal(got.shape, shape);
  assert.equal([...got.dataSync()], values);
};
const ints = (values: number[], shape: Shape): Tensor => tensor(values, { dtype: 'int32', shape });

// The letters of tf.gather_nd's documentation: a0 = 1, b0 = 2, …, a1 = 5, …
const square = tensor([
  [1, 2],
  [3, 4],
]);
const cube = tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [2, 2, 2] });

test("tf.gather_nd's examples", () => {
  const pairs = [
    [0, 0],
    [1, 1],
  ];
  is(gatherNd(square, pairs), [2], [1, 4]);
  is(gatherNd(square, [[1], [0]]), [2, 2], [3, 4, 1, 2]);
  is(gatherNd(cube, [[1]]), [1, 2, 2], [5, 6, 7, 8]);
  is(
    gatherNd(cube, [
      [0, 1],
      [1, 0],
    ]),
    [2, 2],
    [3, 4, 5, 6],
  );
  is(
    gatherNd(cube, [
      [0, 0, 1],
      [1, 0, 1],
    ]),
    [2],
    [2, 6],
  );
  is(gatherNd(square, [[[0, 0]], [[0, 1]]]), [2, 1], [1, 2]);
  is(gatherNd(square, [[[1]], [[0]]]), [2, 1, 2], [3, 4, 1, 2]);
  is(gatherNd(cube, [[[1]], [[0]]]), [2, 1, 2, 2], [5, 6, 7, 8, 1, 2, 3, 4]);
});
test("tf.scatter_nd's examples", () => {
  is(scatterNd([[4], [3], [1], [7]], tensor([9, 10, 11, 12]), [8]), [8], [0, 11, 0, 10, 9, 0, 0, 12]);
  const block = [5, 6, 7, 8].flatMap((v) => [v, v, v, v]);
  const zero = new Array(16).fill(0);
  is(
    scatterNd([[0], [2]], tensor([...block, ...block], { shape: [2, 4, 4] }), [4, 4, 4]),
    [4, 4, 4],
    [...block, ...zero, ...block, ...zero],
  );
});
test('repeated vectors add, in row-major order; int32 stays int32', () => {
  is(scatterNd([[1], [6], [1], [5]], tensor([10, 20, 30, 40]), [8]), [8], [0, 40, 0, 0, 0, 40, 20, 0]);
  const y = scatterNd(
    [
      [0, 1],
      [0, 1],
    ],
    tensor(Int32Array.of(2, 3)),
    [1, 2],
  );
  assert.is(y.dtype, 'int32');
  is(y, [1, 2], [0, 5]);
});
test('indices come as nested arrays, typed arrays, an ndarray or a tensor', () => {
  const strided = ndarray(Int32Array.of(9, 1, 9, 0, 9, 1, 9, 1), [2, 2], [4, 2], 1);
  for (const indices of [
    [
      [1, 0],
      [1, 1],
    ],
    strided,
    ints([1, 0, 1, 1], [2, 2]),
  ])
    is(gatherNd(square, indices), [2], [3, 4]);
  is(gatherNd(square, Int32Array.of(1, 0)), [], [3]);
  is(gatherNd(tensor([1, 2, 3]), ints([2], [1])), [], [3]);
  is(scatterNd(Uint8Array.of(1), tensor(7), [3]), [3], [0, 7, 0]);
  is(scatterNd(ints([1], [1]), tensor(7), [3]), [3], [0, 7, 0]);
});
test('no vectors at all', () => {
  is(gatherNd(square, ndarray(new Int32Array(0), [0, 1])), [0, 2], []);
  is(gatherNd(square, ints([], [0, 2])), [0], []);
  is(scatterNd(ints([], [0, 1]), tensor([], { shape: [0, 2] }), [2, 2]), [2, 2], [0, 0, 0, 0]);
});
test("a tensor's vectors outside give 0 and add nothing, even where their parts make a row that exists", () => {
  const indices = ints([0, 1, 0, 2, 1, -1, -1, 3, 1, 0, 2, 0], [6, 2]);
  is(gatherNd(square, indices), [6], [2, 0, 0, 0, 3, 0]);
  const updates = tensor([1, 10, 100, 1000, 10000, 100000], { requiresGrad: true });
  const y = scatterNd(indices, updates, [2, 2]);
  is(y, [2, 2], [0, 1, 10000, 0]);
  y.backward(square);
  is(updates.grad as Tensor, [6], [2, 0, 0, 0, 3, 0]);
});
test('the tensor of indices is left alone', () => {
  for (const [values, shape] of [
    [[1, 0, 1], [3]],
    [
      [1, 0, 1],
      [3, 1],
    ],
  ] as const) {
    const indices = ints([...values], shape);
    if (shape.length === 1) is(gatherNd(tensor(new Float32Array(8), { shape: [2, 2, 2] }), indices), [], [0]);
    else is(gatherNd(square, indices), [3, 2], [3, 4, 1, 2, 3, 4]);
    assert.not(indices.released);
  }
});
test('the gradients are each other', () => {
  const indices = [[1], [0], [1]];
  const x = tensor([1, 2], { requiresGrad: true });
  gatherNd(x, indices).backward(tensor([1, 10, 100]));
  is(x.grad as Tensor, [2], [10, 101]);
  const updates = tensor([1, 2, 3], { requiresGrad: true });
  scatterNd(indices, updates, [2]).backward(tensor([5, 7]));
  is(updates.grad as Tensor, [3], [7, 5, 7]);
});

test('any shapes, by loops', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 0, maxLength: 2 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 0, max: 999 }),
      fc.boolean(),
      (shape, lead, wanted, seed, onDevice) => {
        const depth = Math.min(wanted, shape.length);
        const random = new RandomState(seed);
        const rest = shape.slice(depth);
        const count = sizeOf(lead);
        const inner = sizeOf(rest);
        const vectors = Array.from({ length: count }, () =>
          shape.slice(0, depth).map((n) => Math.floor(random.random() * n)),
        );
        const row = (vector: readonly number[]): number => vector.reduce((at, v, k) => at * shape[k] + v, 0);
        const flat = ints(vectors.flat(), [...lead, depth]);
        const indices = onDevice ? flat : ndarray(flat.dataSync(), [...lead, depth]);
        const x = tensor(random.randn(sizeOf(shape)), { shape, dtype: 'float64' });
        const source = [...x.dataSync()];
        is(
          gatherNd(x, indices),
          [...lead, ...rest],
          vectors.flatMap((v) => source.slice(row(v) * inner, (row(v) + 1) * inner)),
        );
        // Whole numbers add exactly in any order.
        const updates = tensor(
          Array.from({ length: count * inner }, (_, i) => i + 1),
          { shape: [...lead, ...rest], dtype: 'float64' },
        );
        const want = new Array<number>(sizeOf(shape)).fill(0);
        vectors.forEach((v, j) => {
          for (let i = 0; i < inner; i++) want[row(v) * inner + i] += j * inner + i + 1;
        });
        is(scatterNd(indices, updates, shape), shape, want);
      },
    ),
    { numRuns: 200 },
  );
});

test.run();
