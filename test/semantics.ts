/**
 * Exact numbers that define the layers: window arithmetic, convolution and its transpose, pooling
 * with argmax, unpooling, sigmoid cross entropy, dropout. The numbers come from hand arithmetic,
 * from PyTorch and from TensorFlow. Tests run in float64 on the reference device.
 * test/device/*conformance.ts compares the other devices with it. Not here: unpooling by a fixed
 * matrix and resizing (test/ops/resize.ts), optimizers (test/optim), the golden runs
 * (test/cedn.ts).
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { cednData, cednWeights } from '../src/data/index.js';
import {
  bceWithLogits,
  conv2d,
  conv2dTranspose,
  device,
  dropout,
  MaxPool2d,
  type MaxUnpool2dOptions,
  maxPool2d,
  maxPool2dWithArgmaxAndMask,
  maxUnpool2d,
  type NanPolicy,
  type Padding,
  PoolIndices,
  poolIndices,
  RandomState,
  type Shape,
  ShapeError,
  type Tensor,
  tensor,
  unpoolByMask,
  unpooling,
  unpoolLike,
  ValueError,
} from '../src/index.js';
import { window2d } from '../src/values/window.js';
import { closeTo } from './helpers/close.js';
import { f64, is, randn, range, rows } from './helpers/values.js';

const test = suite('semantics');
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const dot = (a: Tensor, b: Tensor): number => a.mul(b).sum().itemSync();
const nine = f64(range(1, 9), [3, 3, 1, 1]);

// ---- windows and padding

const axis = (n: number, kernel: number, stride: number, padding: Padding, dilation = 1) =>
  window2d('test', n, 1, { kernelSize: [kernel, 1], stride: [stride, 1], dilation: [dilation, 1], padding }).height;

test('SAME pads', () => {
  for (const [n, k, s, before, after] of [
    [4, 3, 2, 0, 1],
    [5, 3, 2, 1, 1],
    [5, 2, 2, 0, 1],
    [4, 5, 2, 1, 2],
  ]) {
    const window = axis(n, k, s, 'same');
    assert.equal([window.before, window.after, window.output], [before, after, Math.ceil(n / s)]);
  }
});
test('SAME: ceil(n/s) windows, the odd pad behind, no more than needed', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      (n, k, s, d) => {
        const { output, before, after } = axis(n, k, s, 'same', d);
        const total = Math.max((Math.ceil(n / s) - 1) * s + (k - 1) * d + 1 - n, 0);
        assert.equal([output, before, after], [Math.ceil(n / s), Math.floor(total / 2), total - Math.floor(total / 2)]);
      },
    ),
  );
});
test('VALID and explicit padding', () => {
  assert.is(axis(7, 3, 2, 'valid').output, 3);
  assert.is(axis(8, 3, 2, 'valid').output, 3);
  assert.is(axis(9, 3, 1, 'valid', 2).output, 5);
  assert.is(axis(4, 3, 2, 1).output, 2);
  assert.equal(
    [
      axis(4, 3, 2, [
        [2, 0],
        [0, 0],
      ]).before,
      axis(4, 3, 2, [
        [2, 0],
        [0, 0],
      ]).output,
    ],
    [2, 2],
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      (n, k, s, d) => {
        fc.pre((k - 1) * d + 1 <= n);
        assert.is(axis(n, k, s, 'valid', d).output, Math.ceil((n - (k - 1) * d) / s));
      },
    ),
  );
});

// ---- convolution

test('conv2d', () => {
  const x = f64(range(1, 16), [1, 4, 4, 1]);
  is(conv2d(x, nine, { padding: 'same' }), '111 178 217 145/231 348 393 252/363 528 573 360/197 274 295 175');
  is(conv2d(x, nine, { padding: 'same', stride: 2 }), '348 252/274 175');
  is(
    conv2d(f64(range(1, 25), [1, 5, 5, 1]), nine, { padding: 'same', stride: 2 }),
    '128 241 184/441 681 453/320 457 280',
  );
});
test('groups are convolutions side by side; depthwise is one group per channel', () => {
  const x = randn(1, [2, 5, 6, 4]);
  const w = randn(2, [3, 3, 2, 6]);
  const whole = conv2d(x, w, { groups: 2, padding: 'same', dilation: 2 });
  const part = (g: number): Tensor =>
    conv2d(x.slice(null, null, null, [2 * g, 2 * g + 2]), w.slice(null, null, null, [3 * g, 3 * g + 3]), {
      padding: 'same',
      dilation: 2,
    });
  for (const g of [0, 1])
    closeTo(whole.slice(null, null, null, [3 * g, 3 * g + 3]).dataSync(), part(g).dataSync(), 1e-12);
  const depthwise = conv2d(x, randn(3, [3, 3, 1, 4]), { groups: 4, stride: 2 });
  closeTo(
    depthwise.slice(null, null, null, [2, 3]).dataSync(),
    conv2d(x.slice(null, null, null, [2, 3]), randn(3, [3, 3, 1, 4]).slice(null, null, null, [2, 3]), {
      stride: 2,
    }).dataSync(),
    1e-12,
  );
});
test('a dilated convolution is one with zeros between the weights', () => {
  const x = randn(4, [1, 7, 7, 2]);
  const w = randn(5, [2, 2, 2, 3]);
  const spread = f64(new Float64Array(9 * 6), [3, 3, 2, 3]).dataSync();
  for (let y = 0; y < 2; y++)
    for (let z = 0; z < 2; z++)
      for (let i = 0; i < 6; i++) spread[(y * 2 * 3 + z * 2) * 6 + i] = w.dataSync()[(y * 2 + z) * 6 + i];
  closeTo(conv2d(x, w, { dilation: 2 }).dataSync(), conv2d(x, f64(spread, [3, 3, 2, 3])).dataSync(), 1e-12);
});
test("error: input channels must equal weight's", () => {
  assert.throws(
    () => conv2d(randn(1, [2, 8, 8, 3]), randn(1, [3, 3, 4, 8])),
    (e: Error) =>
      e instanceof ShapeError &&
      e.message.startsWith("conv2d: input channels must equal weight's; got input [2,8,8,3], weight [3,3,4,8]"),
  );
});

// ---- transposed convolution

test('conv2dTranspose', () => {
  const x = f64([1, 2, 3, 4], [1, 2, 2, 1]);
  is(conv2dTranspose(x, nine, { padding: 'same' }), '23 33/53 63');
  is(
    conv2dTranspose(x, nine, { padding: 'same', stride: 2, outputSize: [4, 4] }),
    '1 2 5 4/4 5 14 10/10 14 36 24/12 15 34 20',
  );
  is(conv2dTranspose(x, nine, { padding: 'same', stride: 2 }), '1 2 5 4/4 5 14 10/10 14 36 24/12 15 34 20');
  is(conv2dTranspose(x, nine, { padding: 'same', stride: 2, outputSize: [3, 3] }), '5 14 10/14 36 24/15 34 20');
  is(
    conv2dTranspose(x, nine, { padding: 'valid', stride: 2, outputSize: [5, 5] }),
    '1 2 5 4 6/4 5 14 10 12/10 14 36 24 30/12 15 34 20 24/21 24 55 32 36',
  );
  is(
    conv2dTranspose(x, nine, { padding: 'valid', stride: 2 }),
    '1 2 5 4 6/4 5 14 10 12/10 14 36 24 30/12 15 34 20 24/21 24 55 32 36',
  );
});
test('an impossible size names the valid range', () => {
  const x = f64([1, 2, 3, 4], [1, 2, 2, 1]);
  assert.throws(
    () => conv2dTranspose(x, nine, { padding: 'same', stride: 2, outputSize: [6, 6] }),
    (e: Error) =>
      e instanceof ShapeError &&
      /^conv2dTranspose: outputSize must be one whose convolution gives the input's size; got height 6; height may be 3 to 4\b/.test(
        e.message,
      ),
  );
  assert.throws(
    () => conv2dTranspose(x, nine, { padding: 'same', stride: 2, outputSize: [4, 2] }),
    /width may be 3 to 4/,
  );
  assert.throws(
    () => conv2dTranspose(x, nine, { padding: 'valid', stride: 2, outputSize: [7, 5] }),
    /height may be 5 to 6/,
  );
});
test("every size in the range is one whose convolution gives the input's size, and none outside is", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 2 }),
      fc.constantFrom<Padding>('same', 'valid', 1, [
        [0, 1],
        [0, 0],
      ]),
      (n, k, s, d, padding) => {
        const x = f64(new Float64Array(n), [1, n, 1, 1]);
        const w = f64(new Float64Array(k), [k, 1, 1, 1]);
        // 'same' and pads of height only: width 1 with kernel 1 stays as it is.
        const heightOnly: Padding = padding === 1 ? [1, 0] : padding;
        for (let size = 1; size <= (n + 1) * s + 2 * k * d; size++) {
          let back: number | undefined;
          try {
            back = conv2d(f64(new Float64Array(size), [1, size, 1, 1]), w, {
              stride: [s, 1],
              dilation: [d, 1],
              padding: heightOnly,
            }).shape[1];
          } catch (e) {
            assert.instance(e, ShapeError);
          }
          const ask = () =>
            conv2dTranspose(x, w, { stride: [s, 1], dilation: [d, 1], padding: heightOnly, outputSize: [size, 1] });
          if (back === n) assert.equal(ask().shape, [1, size, 1, 1]);
          else assert.throws(ask, (e: Error) => e instanceof ShapeError);
        }
      },
    ),
    { numRuns: 60 },
  );
});

const geometry = fc.record({
  seed: fc.integer({ min: 0, max: 1000 }),
  batch: fc.integer({ min: 1, max: 2 }),
  size: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
  kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  channels: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 3 })),
  groups: fc.integer({ min: 1, max: 2 }),
  padding: fc.oneof(
    fc.constant<Padding>('same'),
    fc.constant<Padding>('valid'),
    fc.tuple(
      fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
      fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
    ) as fc.Arbitrary<Padding>,
  ),
});
test('the transposed convolution is the adjoint, for generated geometries', () => {
  let seen = 0;
  fc.assert(
    fc.property(
      geometry,
      ({
        seed,
        batch,
        size: [h, w],
        kernel: [kh, kw],
        stride,
        dilation,
        channels: [inner, outer],
        groups,
        padding,
      }) => {
        const image = randn(seed, [batch, h, w, inner * groups]);
        const weight = randn(seed + 1, [kh, kw, inner, outer * groups]);
        let y: Tensor;
        try {
          y = conv2d(image, weight, { stride, dilation, padding, groups });
        } catch (e) {
          assert.instance(e, ShapeError, 'only a kernel that does not fit');
          return;
        }
        seen++;
        const small = randn(seed + 2, y.shape);
        const back = conv2dTranspose(small, weight, { stride, dilation, padding, groups, outputSize: [h, w] });
        assert.equal(back.shape, image.shape);
        closeTo([dot(back, image)], [dot(small, y)], 1e-11);
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(seen > 150, `${seen} geometries`);
});
test('stride 1, SAME, odd kernel: equals the convolution with flipped, swapped weights', () => {
  for (const [kh, kw] of [
    [3, 3],
    [5, 1],
    [1, 3],
    [7, 5],
  ]) {
    const x = randn(kh, [2, 5, 6, 3]);
    const weight = randn(kw + 10, [kh, kw, 2, 3]);
    closeTo(
      conv2dTranspose(x, weight, { padding: 'same' }).dataSync(),
      conv2d(x, weight.flip([0, 1]).permute([0, 1, 3, 2]), { padding: 'same' }).dataSync(),
      1e-12,
    );
  }
});
test("PyTorch's form: outputPadding, (n−1)s − 2p + d(k−1) + outputPadding + 1", () => {
  const x = randn(1, [1, 3, 4, 1]);
  const weight = randn(2, [3, 2, 1, 1]);
  assert.equal(conv2dTranspose(x, weight, { stride: 2, padding: 1, outputPadding: [1, 0] }).shape, [
    1,
    2 * 2 - 2 + 2 + 1 + 1,
    3 * 2 - 2 + 1 + 0 + 1,
    1,
  ]);
  assert.equal(conv2dTranspose(x, weight, { stride: 3, dilation: 2, outputPadding: 2 }).shape, [
    1,
    2 * 3 + 4 + 2 + 1,
    3 * 3 + 2 + 2 + 1,
    1,
  ]);
  assert.throws(
    () => conv2dTranspose(x, weight, { stride: 2, outputPadding: 2 }),
    (e: Error) => e instanceof ValueError && /outputPadding must be smaller than stride or dilation/.test(e.message),
  );
});

// ---- max pooling

const pool = (values: number[], requiresGrad = false): [Tensor, Tensor, PoolIndices] => {
  const x = f64(values, [1, 3, 3, 1], requiresGrad);
  return [x, ...maxPool2d(x, { kernelSize: 2, stride: 1, padding: 'valid' })];
};
test('ties: the first in row-major order of the window', () => {
  const [, indices] = maxPool2d(f64(new Float64Array(16), [1, 4, 4, 1]), { kernelSize: 2 });
  assert.equal([...indices.dataSync()], [0, 2, 8, 10]);
  const [, , overlapping] = pool([0, 7, 0, 7, 7, 7, 0, 7, 0]);
  assert.equal([...overlapping.dataSync()], [1, 1, 3, 4]);
});
test("ties decide the golden run: first wins gives the published step's 45,100,401.14, last wins 43,700,701.28", () => {
  const data = cednData();
  const [c1, c2, c3, d2, d1, b1, b2, b3, e2, e1] = cednWeights(42).map(({ shape, data: values }) => f64(values, shape));
  const half = { kernelSize: 2 };
  /** In a mirrored image the last of a window comes first. */
  const lastWins = (x: Tensor): [Tensor, PoolIndices] => {
    const [values, { plane, geometry }] = maxPool2d(x.flip([1, 2]), half);
    const cells = x.shape[1] * x.shape[2] - 1;
    return [values.flip([1, 2]), new PoolIndices(plane.flip([1, 2]).mul(-1).add(cells), x.shape, geometry)];
  };
  const loss = (pool2: (x: Tensor) => [Tensor, PoolIndices]): number => {
    const conv = (x: Tensor, weight: Tensor, bias: Tensor): Tensor =>
      conv2d(x, weight, { bias, padding: 'same' }).relu();
    const [h1, where1] = pool2(conv(f64(data.x, data.xShape), c1, b1));
    const [h2, where2] = pool2(conv(h1, c2, b2));
    const up = conv2dTranspose(maxUnpool2d(conv(h2, c3, b3), where2), d2, { bias: e2, padding: 'same' }).relu();
    return bceWithLogits(
      conv2dTranspose(maxUnpool2d(up, where1), d1, { bias: e1, padding: 'same' }),
      f64(data.y, data.yShape),
      {
        reduction: 'sum',
      },
    ).itemSync();
  };
  closeTo([loss((x) => maxPool2d(x, half)), loss(lastWins)], [45_100_401.14, 43_700_701.28], 0.005 / 43e6);
});
test('indices in the batch may exceed what a float counts: they are converted where they are read', async () => {
  const on = await device('gpu', { mode: 'cpu' });
  // Two images of 4096 × 4096: the last cell of the second is beyond 2^24.
  const plane = tensor(Int32Array.of(5, 2 ** 24 - 1), { shape: [2, 1, 1, 1], device: on });
  const indices = new PoolIndices(plane, [2, 4096, 4096, 1], null);
  assert.equal([...(await indices.to('tf-batch').data())], [5, 2 ** 25 - 1]);
  assert.equal([...(await indices.to('onnx').data())], [5, 2 ** 25 - 1]);
  await on.close();
});
const everyConvention = ['torch', 'tf', 'tf-batch', 'onnx', 'window'] as const;
test('conventions: B2 H3 W4 C2, element b1 y2 x1 c1 is 19, 43, 9, 45 and 1', () => {
  const shape = [2, 3, 4, 2];
  const at = ((1 * 3 + 2) * 4 + 1) * 2 + 1;
  // A pool of 1 × 1 windows with stride 1 has an index for every element.
  const [, indices] = maxPool2d(f64(range(1, 48), shape), { kernelSize: 1, stride: 1 });
  assert.is(indices.to('tf').dataSync()[at], 19);
  assert.is(indices.to('tf-batch').dataSync()[at], 43);
  assert.is(indices.to('torch').dataSync()[at], 9);
  assert.is(indices.to('onnx').dataSync()[at], 45);
  assert.is(indices.convention, 'torch');
  assert.is(String(indices.to('tf')), "PoolIndices([2,3,4,2] into [2,3,4,2], 'tf')");
  // The element is the largest of its image and channel. Window (1, 0) of the 2 × 2 windows begins
  // at row 2, column 0.
  const x = new Float64Array(48);
  x[at] = 1;
  const [, pooled] = maxPool2d(f64(x, shape), { kernelSize: 2, padding: 'same' });
  assert.is(pooled.dataSync()[((1 * 2 + 1) * 2 + 0) * 2 + 1], 9);
  assert.is(pooled.to('window').dataSync()[((1 * 2 + 1) * 2 + 0) * 2 + 1], 1);
});
test('conventions convert without loss', () => {
  const pool = { kernelSize: [3, 2], stride: 2, padding: 'same' } as const;
  const [, indices] = maxPool2d(randn(3, [2, 6, 5, 3]), pool);
  for (const convention of everyConvention) {
    const given = indices.to(convention);
    const back = poolIndices(given.dataSync(), { shape: given.shape, convention, inputShape: [2, 6, 5, 3], pool });
    assert.is(back.convention, convention);
    for (const other of everyConvention) assert.equal(back.to(other).dataSync(), indices.to(other).dataSync());
  }
});
test('backward adds at the argmax', () => {
  const [x, y] = pool([1, 2, 3, 4, 5, 6, 7, 9, 8], true);
  y.backward(f64([1, 2, 3, 4], [1, 2, 2, 1]));
  is(x.grad as Tensor, '0 0 0/0 1 2/0 7 0');
});
test('the mask counts how often each element is a maximum', () => {
  const x = f64([1, 2, 3, 4, 5, 6, 7, 9, 8], [1, 3, 3, 1], true);
  const [values, argmax, mask] = maxPool2dWithArgmaxAndMask(x, { kernelSize: 2, stride: 1, padding: 'valid' });
  is(values, '5 6/9 9');
  assert.equal([...argmax.dataSync()], [4, 5, 7, 7]);
  is(mask, '0 0 0/0 1 1/0 2 0');
  assert.not(mask.requiresGrad);
  values.backward(f64([1, 2, 3, 4], [1, 2, 2, 1]));
  is(x.grad as Tensor, '0 0 0/0 1 2/0 7 0');
});
test('NaN policies: tf, propagate (the default), ignore', () => {
  const first = [nan, 1, 2, 3, 4, 5, 6, 7, 9];
  const second = [1, nan, 2, 3, 4, 5, 6, 7, 9];
  const all = (v: number): number[] => new Array(9).fill(v);
  const table: [NanPolicy, number[], number[], number][] = [
    ['tf', first, [nan, 5, 7, 9], 0],
    ['tf', second, [4, nan, 7, 9], 4],
    ['tf', all(nan), all(nan).slice(5), 0],
    ['tf', all(-inf), all(-inf).slice(5), 0],
    ['propagate', first, [nan, 5, 7, 9], 0],
    ['propagate', second, [nan, nan, 7, 9], 1],
    ['propagate', all(nan), all(nan).slice(5), 4],
    ['propagate', all(-inf), all(-inf).slice(5), 0],
    ['ignore', first, [4, 5, 7, 9], 4],
    ['ignore', second, [4, 5, 7, 9], 4],
    ['ignore', all(nan), all(-inf).slice(5), 0],
    ['ignore', all(-inf), all(-inf).slice(5), 0],
  ];
  for (const [policy, values, want, index] of table)
    for (const options of policy === 'propagate' ? [{}, { nan: policy }] : [{ nan: policy }]) {
      const [y, indices] = maxPool2d(f64(values, [1, 3, 3, 1]), {
        kernelSize: 2,
        stride: 1,
        padding: 'valid',
        ...options,
      });
      assert.equal([...y.dataSync()], want, `${policy} of ${values}`);
      assert.is(indices.dataSync()[0], index, `${policy} of ${values}`);
    }
});
test('padding never wins, whatever the policy', () => {
  for (const policy of ['tf', 'propagate', 'ignore'] as const) {
    const [padded, indices] = maxPool2d(f64([-5, -6, -7, -8], [1, 2, 2, 1]), {
      kernelSize: 3,
      stride: 2,
      padding: 1,
      nan: policy,
    });
    assert.equal([padded.itemSync(), ...indices.dataSync()], [-5, 0]);
  }
});

// ---- unpooling

test('sizes come from the indices', () => {
  for (const [shape, options] of [
    [[2, 7, 5, 3], { kernelSize: 2, padding: 'same' }],
    [[1, 7, 5, 2], { kernelSize: 2, padding: 'valid' }],
    [[1, 9, 8, 1], { kernelSize: [3, 2], stride: [3, 1] }],
    [[1, 6, 6, 1], { kernelSize: 3, stride: 2, padding: 1 }],
  ] as const) {
    const x = randn(1, shape);
    const [values, indices] = maxPool2d(x, options);
    const y = maxUnpool2d(values, indices);
    assert.equal(y.shape, shape);
    // Every cell is 0 or a whole number of times its own maximum: nothing is out of place.
    const [xs, ys] = [x.dataSync(), y.dataSync()];
    for (let i = 0; i < ys.length; i++)
      assert.ok(Math.abs(ys[i] / xs[i] - Math.round(ys[i] / xs[i])) < 1e-12, `element ${i}: ${ys[i]} of ${xs[i]}`);
    closeTo([y.sum().itemSync()], [values.sum().itemSync()], 1e-12);
  }
});
test('outputSize: larger by less than what would give another window, never smaller', () => {
  const [values, indices] = maxPool2d(randn(2, [1, 4, 4, 1]), { kernelSize: 2 });
  assert.equal(maxUnpool2d(values, indices, { outputSize: [5, 5] }).shape, [1, 5, 5, 1]);
  assert.equal(
    maxUnpool2d(values, indices, { outputSize: [5, 5] })
      .slice(null, [0, 4], [0, 4])
      .dataSync(),
    maxUnpool2d(values, indices).dataSync(),
  );
  // Only one axis grows, and to as much as there are images.
  for (const outputSize of [
    [5, 4],
    [4, 5],
  ] as const) {
    const pooled = maxPool2d(randn(2, [5, 4, 4, 1]), { kernelSize: 2 });
    assert.equal(maxUnpool2d(...pooled, { outputSize }).shape, [5, ...outputSize, 1]);
  }
  assert.throws(
    () => maxUnpool2d(values, indices, { outputSize: [6, 4] }),
    (e: Error) => e instanceof ShapeError && /height may be 4 to 5/.test(e.message),
  );
  assert.throws(() => maxUnpool2d(values, indices, { outputSize: [4, 3] }), /width may be 4 to 5/);
});
test('default sizes where the pool is named: H·s and (H−1)s + k as TensorFlow Addons, (H−1)s − 2p + k as PyTorch', () => {
  const shape = [1, 3, 2, 1];
  const corners = (stride: number, width: number): number[] =>
    [0, 1, 2].flatMap((y) => [y * stride * width, y * stride * width + stride]);
  const v = f64(range(1, 6), shape);
  const size = (options: MaxUnpool2dOptions, width: number, stride: number): Shape =>
    maxUnpool2d(v, Int32Array.from(corners(stride, width)), options).shape;
  assert.equal(size({ poolSize: 2, strides: 2, padding: 'same' }, 4, 2), [1, 6, 4, 1]);
  assert.equal(size({ poolSize: 3, strides: 2, padding: 'VALID' }, 5, 2), [1, 7, 5, 1]);
  assert.equal(size({ kernelSize: 3, stride: 2 }, 5, 2), [1, 7, 5, 1]);
  assert.equal(size({ kernelSize: 2 }, 4, 2), [1, 6, 4, 1]);
  // Windows at −1, 1, 3: their second cells stand at rows and columns 0, 2, 4.
  assert.equal(size({ kernelSize: 3, stride: 2, padding: 1 }, 3, 2), [1, 5, 3, 1]);
});
test("PyTorch's outputSize lies strictly between default − s and default + s", () => {
  const v = f64([1], [1, 1, 1, 1]);
  const options = { kernelSize: 4, stride: 3, convention: 'torch' } as const;
  for (const size of [2, 3, 4, 5, 6])
    assert.equal(maxUnpool2d(v, [[[[0]]]], { ...options, outputSize: [size, 4] }).shape, [1, size, 4, 1]);
  for (const size of [1, 7])
    assert.throws(
      () => maxUnpool2d(v, [[[[0]]]], { ...options, outputSize: [size, 4] }),
      (e: Error) =>
        e instanceof ShapeError &&
        /^maxUnpool2d: outputSize must be less than a stride away .*; got height \d; height may be 2 to 6 for/.test(
          e.message,
        ),
    );
});
test('duplicates: every policy, and its gradient', () => {
  const raw = { shape: [1, 2, 2, 1], convention: 'torch', inputShape: [1, 4, 4, 1] } as const;
  for (const [duplicates, at1, gradient] of [
    ['add', 40, '2 7 2 6'],
    ['last', 30, '0 7 2 6'],
    ['first', 10, '2 7 0 6'],
    ['max', 30, '0 7 2 6'],
    ['mean', 20, '1 7 1 6'],
  ] as const) {
    const v = f64([10, 20, 30, 40], [1, 2, 2, 1], true);
    const y = maxUnpool2d(v, poolIndices([1, 6, 1, 5], raw), { duplicates });
    is(y, `0 ${at1} 0 0/0 40 20 0/0 0 0 0/0 0 0 0`);
    y.backward(f64(range(1, 16), [1, 4, 4, 1]));
    is(v.grad as Tensor, gradient);
  }
  const v = f64([10, 20, 30, 40], [1, 2, 2, 1]);
  is(maxUnpool2d(v, poolIndices([1, 6, 1, 5], raw)), '0 40 0 0/0 40 20 0/0 0 0 0/0 0 0 0');
  assert.throws(
    () => maxUnpool2d(v, poolIndices([1, 6, 1, 5], raw), { duplicates: 'error' }),
    (e: Error) =>
      e instanceof ValueError && /got 1 at \(n 0, y 0, x 0, c 0\) and at \(n 0, y 1, x 0, c 0\)/.test(e.message),
  );
  is(maxUnpool2d(v, poolIndices([1, 6, 0, 5], raw), { duplicates: 'error' }), '30 10 0 0/0 40 20 0/0 0 0 0/0 0 0 0');
});
test('max: the first of equals, and NaN above all', () => {
  const raw = { shape: [1, 1, 3, 1], convention: 'torch', inputShape: [1, 1, 2, 1] } as const;
  const grad = (values: number[]): number[] => {
    const v = f64(values, [1, 1, 3, 1], true);
    maxUnpool2d(v, poolIndices([1, 1, 1], raw), { duplicates: 'max' })
      .sum()
      .backward();
    return [...(v.grad as Tensor).dataSync()];
  };
  assert.equal(grad([5, 7, 7]), [0, 1, 0]);
  assert.equal(grad([5, nan, nan]), [0, 1, 0]);
  assert.equal(grad([-3, -2, -3]), [0, 1, 0]);
});
test("the layer of TensorFlow Addons: its own tests' cases", () => {
  is(maxUnpool2d(f64([13, 4], [1, 1, 2, 1]), Int32Array.of(1, 6), { poolSize: 2 }), '0 13 0 0/0 0 4 0');
  const channels = Int32Array.of(0, 3, 4, 7, 8, 11, 12, 15);
  is(
    maxUnpool2d(f64(range(1, 8), [1, 4, 2, 1]), channels, { poolSize: [2, 1], strides: [2, 1] }),
    '1 0 0 2 3 0 0 4 5 0 0 6 7 0 0 8',
  );
  // Indices that no pool made.
  const elsewhere = { poolSize: 2, check: 'shape' } as const;
  is(
    maxUnpool2d(f64(range(1, 8), [1, 2, 2, 2]), channels, { ...elsewhere, strides: [2, 1] }),
    '1 0 0 2 3 0 0 4 5 0 0 6 7 0 0 8',
  );
  is(
    maxUnpool2d(f64(range(1, 8), [1, 2, 4, 1]), Int32Array.of(0, 5, 10, 13, 19, 20, 27, 31), elsewhere),
    '1 0 0 0 0 2 0 0/0 0 3 0 0 4 0 0/0 0 0 5 6 0 0 0/0 0 0 7 0 0 0 8',
  );
  const batch = rows('2 23 8 9 12 15 40 43 44 47 72 75 80 79 62 65 0 1 30 7 14 35 42 21 68 69 50 51 56 5 86 63');
  for (const [padding, width] of [
    ['SAME', 12],
    ['VALID', 11],
  ] as const) {
    const y = maxUnpool2d(f64(range(1, 32), [2, 2, 4, 2]), Int32Array.from(batch), {
      ...elsewhere,
      strides: [2, 3],
      padding,
    });
    assert.equal(y.shape, [2, 4, width, 2]);
    const want = new Float64Array(y.size);
    batch.forEach((index, i) => {
      want[(i < 16 ? 0 : 4 * width * 2) + index] = i + 1;
    });
    assert.equal(y.dataSync(), want);
  }
  const square = f64(rows('1 2 4 3 8 6 7 5 9 10 12 11 13 16 15 14'), [1, 4, 4, 1]);
  for (const padding of ['same', 'valid'] as const) {
    const [values, indices] = maxPool2d(square, { kernelSize: 2, padding });
    assert.equal(
      [[...values.dataSync()], [...indices.to('tf').dataSync()]],
      [
        [8, 7, 16, 15],
        [4, 6, 13, 14],
      ],
    );
    is(maxUnpool2d(values, indices.to('tf').dataSync(), { poolSize: 2, padding }), '0 0 0 0/8 0 7 0/0 0 0 0/0 16 15 0');
  }
  const [sparse, at] = maxPool2d(square, { kernelSize: 2, stride: 4, padding: 'same' });
  is(maxUnpool2d(sparse, at.to('tf').dataSync(), { poolSize: 2, strides: 4 }), '0 0 0 0/8 0 0 0/0 0 0 0/0 0 0 0');
  const x = f64(rows('1 2 4 3 8 6 7 5 9 10 12 11 13 16 15 14 20 18 17 19'), [1, 4, 5, 1]);
  const [values, indices] = maxPool2d(x, { kernelSize: [2, 3], stride: 2, padding: 'valid' });
  is(values, '7 10/20 19');
  const form = { poolSize: [2, 3], strides: 2, padding: 'VALID' } as const;
  for (const given of [
    indices,
    indices.to('tf').dataSync(),
    [...indices.to('tf').dataSync()],
    indices.to('tf').ndarray(),
  ])
    is(maxUnpool2d(values, given, form), '0 0 0 0 0 0 7 0 0 10 0 0 0 0 0 0 20 0 0 19');
});
test("PyTorch's documented cases", () => {
  const [four, at] = maxPool2d(f64(range(1, 16), [1, 4, 4, 1]), { kernelSize: 2, stride: 2 });
  is(maxUnpool2d(four, at.dataSync(), { kernelSize: 2, stride: 2 }), '0 0 0 0/0 6 0 8/0 0 0 0/0 14 0 16');
  const [wide, places] = maxPool2d(f64(range(1, 20), [1, 4, 5, 1]), { kernelSize: 2, stride: 2 });
  const form = { kernelSize: 2, stride: 2 } as const;
  is(
    maxUnpool2d(wide, places.dataSync(), { ...form, outputSize: [4, 5] }),
    '0 0 0 0 0/0 7 0 9 0/0 0 0 0 0/0 17 0 19 0',
  );
  // An older version documented the indices of 4 × 4 read as those of 5 × 5, which gives a tilted
  // picture. With the indices of the pool the picture is straight.
  is(maxUnpool2d(four, at, { ...form, outputSize: [5, 5] }), '0 0 0 0 0/0 6 0 8 0/0 0 0 0 0/0 14 0 16 0/0 0 0 0 0');
  assert.throws(
    () => maxUnpool2d(four, at.dataSync(), { ...form, outputSize: [5, 5] }),
    /an index must lie in its own window/,
  );
  is(
    maxUnpool2d(four, at.dataSync(), { ...form, outputSize: [5, 5], check: 'shape' }),
    '0 0 0 0 0/6 0 8 0 0/0 0 0 14 0/16 0 0 0 0/0 0 0 0 0',
  );
});
test('the layer of TensorFlow Addons: the cases it gets wrong', () => {
  const form = { poolSize: [2, 3], strides: [3, 2], padding: 'same' } as const;
  const x = randn(5, [2, 7, 5, 3]);
  // Indices that include the batch, sizes that the stride does not divide, windows that overlap,
  // and kernels that are not square.
  const [values, indices] = maxPool2d(x, { kernelSize: form.poolSize, stride: form.strides, padding: 'same' });
  const want = maxUnpool2d(values, indices);
  for (const convention of ['tf', 'tf-batch'] as const) {
    const raw = indices.to(convention).dataSync();
    assert.equal(maxUnpool2d(values, raw, { ...form, convention, outputSize: [7, 5] }).dataSync(), want.dataSync());
    assert.throws(
      () => maxUnpool2d(values, raw, { ...form, convention }),
      /an index must lie in its own window|an index must be in/,
    );
  }
  assert.throws(
    () => maxUnpool2d(values, indices, { ...form, poolSize: 3 }),
    (e: Error) => e instanceof ValueError && /the options must describe the pool that made the indices/.test(e.message),
  );
});
test('the posted function scatters per image, whatever the windows', () => {
  const [values, indices] = maxPool2d(randn(7, [2, 5, 5, 2]), { kernelSize: 3, stride: 2, padding: 1 });
  const want = maxUnpool2d(values, indices).dataSync();
  assert.equal(unpooling(values, [2, 5, 5, 2], indices).dataSync(), want);
  assert.equal(unpooling(values, [2, 5, 5, 2], indices.to('tf').dataSync()).dataSync(), want);
  assert.equal(
    unpooling(values, [2, 5, 5, 2], indices.to('tf-batch').dataSync(), { convention: 'tf-batch' }).dataSync(),
    want,
  );
  assert.throws(() => unpooling(values, [2, 6, 6, 2], indices), /the output must have the shape of the pool's input/);
});
test('odd sizes do not tilt', () => {
  const [values, indices] = maxPool2d(f64(range(1, 9), [1, 3, 3, 1]), { kernelSize: 2, stride: 2, padding: 'same' });
  is(values, '5 6/8 9');
  assert.equal([...indices.dataSync()], [4, 5, 7, 8]);
  is(maxUnpool2d(values, indices), '0 0 0/0 5 6/0 8 9');
});
test('indices with the batch in them, and those of another convention', () => {
  const x = f64([1, 5, 2, 3, 9, 4, 8, 7], [2, 2, 2, 1]);
  const [values, indices] = maxPool2d(x, { kernelSize: 2 });
  is(maxUnpool2d(values, indices), '0 5/0 0 9 0/0 0');
  const flat = indices.to('tf-batch').dataSync();
  assert.equal([...flat], [1, 4]);
  const again = poolIndices(flat, { shape: values.shape, convention: 'tf-batch', inputShape: x.shape });
  is(maxUnpool2d(values, again), '0 5/0 0 9 0/0 0');
  assert.throws(
    () => poolIndices(flat, { shape: values.shape, convention: 'tf', inputShape: x.shape }),
    (e: Error) =>
      e instanceof ValueError &&
      /^poolIndices: an index must be in \[0, 3\].*'tf'; got 4 at \(n 1, y 0, x 0, c 0\).*; it is legal as 'tf-batch' or 'onnx': wrong convention\?$/.test(
        e.message,
      ),
  );
});

test('unpool by mask: a value goes to every masked cell of its window, or to its argmax', () => {
  const x = f64([1, 2, 3, 4], [1, 2, 2, 1], true);
  const mask = f64([1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 0], [1, 4, 4, 1]);
  const y = unpoolByMask(x, mask, { kernelSize: 2 });
  is(y, '1 0 0 2/0 1 0 0/0 0 4 4/0 0 4 0');
  y.backward(f64(range(1, 16), [1, 4, 4, 1]));
  is(x.grad as Tensor, '7 4 0 38');
  is(unpoolByMask(x, mask, { argmax: Int32Array.of(5, 3, 8, 14) }), '0 0 0 2/0 1 0 0/0 0 0 0/0 0 4 0');
});
test('the mask gives the size: odd ones round-trip with argmax and mask, or with the mask alone', () => {
  for (const options of [
    { kernelSize: 2, padding: 'same' },
    { kernelSize: [2, 3], padding: 'same' },
    { kernelSize: 2 },
  ] as const) {
    const x = randn(9, [2, 5, 7, 2]);
    const [values, argmax, mask] = maxPool2dWithArgmaxAndMask(x, options);
    const want = maxUnpool2d(values, argmax).dataSync();
    assert.equal(unpoolByMask(values, mask, { argmax }).dataSync(), want);
    assert.equal(unpoolByMask(values, mask, { argmax: argmax.to('tf').dataSync() }).dataSync(), want);
    assert.equal(unpoolByMask(values, mask.greater(0), options).dataSync(), want);
  }
});
test('what-where: the pooled values unpooled by their own indices, level by level', () => {
  const x = randn(4, [2, 7, 6, 3]);
  const [pool1, pool2] = [new MaxPool2d(2, { padding: 'same' }), new MaxPool2d(3, { stride: 2, padding: 1 })];
  const [unpool1, unpool2] = [unpoolLike(pool1), unpoolLike(pool2)];
  const [what1, where1] = pool1.forward(x);
  const [what2, where2] = pool2.forward(what1);
  assert.equal(unpool2.forward(what2).dataSync(), maxUnpool2d(what2, where2).dataSync());
  assert.equal(
    unpool1.forward(unpool2.forward(what2)).dataSync(),
    maxUnpool2d(maxUnpool2d(what2, where2), where1).dataSync(),
  );
  assert.equal(unpool1.forward(what1).shape, x.shape);
});

// ---- sigmoid cross entropy

const bce = (x: number, z: number, posWeight?: number): [number, number] => {
  const logit = f64([x], [1], true);
  const loss = bceWithLogits(logit, f64([z], [1]), { reduction: 'sum', posWeight });
  loss.backward();
  return [loss.itemSync(), (logit.grad as Tensor).itemSync()];
};
test('sigmoid cross entropy', () => {
  for (const [x, z, want] of [
    [0, 0, 0.693147],
    [0, 1, 0.693147],
    [1, 1, 0.313262],
    [-1, 1, 1.313262],
    [100, 0, 100],
    [2, 0.25, 1.626928],
  ])
    closeTo([bce(x, z)[0]], [want], 5e-7);
  closeTo([bce(2, 0.25)[1]], [0.630797], 5e-7);
  closeTo(bce(0, 1, 10), [6.931472, -5], 5e-7);
});
test('the gradient at 0 is 0.5 − z, not −z', () => {
  for (const z of [0, 0.25, 1]) closeTo([bce(0, z)[1]], [0.5 - z], 1e-15);
});
test('no logit overflows, in float32 either', () => {
  const logits = tensor([-1e5, -1000, -89, 89, 1000, 1e5], { requiresGrad: true });
  const loss = bceWithLogits(logits, tensor([1, 1, 1, 0, 0, 0]), { reduction: 'none' });
  assert.equal([...loss.dataSync()], [1e5, 1000, 89, 89, 1000, 1e5]);
  loss.sum().backward();
  assert.equal([...(logits.grad as Tensor).dataSync()], [-1, -1, -1, 1, 1, 1]);
});
test('reductions, and posWeight per channel', () => {
  const x = f64([0, 1, -1, 2], [2, 2]);
  const z = f64([0, 1, 1, 0.25], [2, 2]);
  const each = bceWithLogits(x, z, { reduction: 'none' });
  assert.equal(each.shape, [2, 2]);
  const sum = each.sum().itemSync();
  closeTo(
    [bceWithLogits(x, z, { reduction: 'sum' }).itemSync(), bceWithLogits(x, z).itemSync()],
    [sum, sum / 4],
    1e-15,
  );
  const weighted = bceWithLogits(x, z, { reduction: 'none', posWeight: f64([3, 5], [2]) }).dataSync();
  closeTo(weighted, [bce(0, 0, 3)[0], bce(1, 1, 5)[0], bce(-1, 1, 3)[0], bce(2, 0.25, 5)[0]], 1e-12);
});

// ---- dropout

/** A generator that gives prepared numbers. */
class Prepared extends RandomState {
  #next = 0;
  constructor(readonly draws: readonly number[]) {
    super(0);
  }
  override random(): number {
    return this.draws[this.#next++];
  }
}
test('keep when u ≥ rate, scale by 1/(1 − rate)', () => {
  const draws = [0, 0.2, 0.49, 0.5, 0.75, 0.999];
  const x = tensor(new Array(6).fill(1), { requiresGrad: true });
  const y = dropout(x, { rate: 0.5, random: new Prepared(draws) });
  assert.equal([...y.dataSync()], [0, 0, 0, 2, 2, 2]);
  y.sum().backward();
  assert.equal([...(x.grad as Tensor).dataSync()], [0, 0, 0, 2, 2, 2]);
});
test('rate 0 and eval are the identity and draw nothing; a rate outside [0, 1) is an error', () => {
  const x = tensor([1, 2, 3]);
  const random = new RandomState(9);
  assert.equal(dropout(x, { rate: 0, random }).dataSync(), x.dataSync());
  assert.equal(dropout(x, { training: false, random }).dataSync(), x.dataSync());
  assert.is(random.random(), new RandomState(9).random());
  for (const rate of [-0.1, 1, 1.5, nan])
    assert.throws(
      () => dropout(x, { rate }),
      (e: Error) => e instanceof ValueError && /^dropout: rate must be in \[0, 1\); got rate=/.test(e.message),
    );
});

test.run();
