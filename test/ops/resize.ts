/**
 * Exact numbers for unpooling by a fixed matrix, upsampling and resizing, and properties of any
 * picture. Tests run in float64 on the reference device. The op table covers gradients and other
 * devices. Not here: unpooling by indices (test/semantics.ts), misuse (test/errors.ts).
 */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  fixedUnpool2d,
  maxPool2d,
  pixelShuffle,
  pixelUnshuffle,
  type Resize2dOptions,
  resize2d,
  type Tensor,
  unPooling2x2ZeroFilled,
  upsample2d,
} from '../../src/index.js';
import { closeTo } from '../helpers/close.js';
import { f64, is, randn, range } from '../helpers/values.js';

const test = suite('ops/resize');
const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

const square = (requiresGrad = false): Tensor => f64([1, 2, 3, 4], [1, 2, 2, 1], requiresGrad);
const sizes = fc.tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }));

// ---- unpooling by a fixed matrix

/** The printout's input: three rows of six pixels of six channels, filled with 1, 2 and 3. */
const printout = (): Tensor =>
  f64(
    range(0, 3 * 36 - 1).map((i) => Math.floor(i / 36) + 1),
    [1, 3, 6, 6],
  );

test('the zero-filled unpooling of the printout: (1,3,6,6) to (1,6,12,6), odd rows and columns zero, the sum kept', () => {
  const x = printout();
  assert.is(x.sum().itemSync(), 216);
  for (const y of [
    unPooling2x2ZeroFilled(x),
    fixedUnpool2d(x, { size: 2 }),
    upsample2d(x, { scale: 2, fill: 'zeros' }),
  ]) {
    assert.equal(y.shape, [1, 6, 12, 6]);
    assert.is(y.sum().itemSync(), 216);
    assert.equal(y.slice(null, [0, null, 2], [0, null, 2]).dataSync(), x.dataSync());
    assert.is(y.slice(null, [1, null, 2]).abs().sum().itemSync(), 0);
    assert.is(y.slice(null, null, [1, null, 2]).abs().sum().itemSync(), 0);
    assert.equal(maxPool2d(y, { kernelSize: 2 })[0].dataSync(), x.dataSync());
  }
});
test('fixed unpooling is the Kronecker product, with the gradients of input and matrix', () => {
  const x = square(true);
  const matrix = f64([0.5, 0.25, 0.125, 0], [2, 2], true);
  const y = fixedUnpool2d(x, { matrix });
  is(y, '.5 .25 1 .5/.125 0 .25 0/1.5 .75 2 1/.375 0 .5 0');
  y.backward(f64(range(1, 16), [1, 4, 4, 1]));
  is(x.grad as Tensor, '1.625 3.375/8.625 10.375');
  is(matrix.grad as Tensor, '78 88/118 128');
});
test('a matrix of numbers, of any size; the default is 1 at [0,0]', () => {
  const x = randn(1, [2, 3, 2, 3]);
  const matrix = [
    [1, 2, 3],
    [-1, 0, 0.5],
  ];
  const y = fixedUnpool2d(x, { matrix, size: [2, 3] });
  assert.equal(y.shape, [2, 6, 6, 3]);
  const [got, from] = [y.dataSync(), x.dataSync()];
  for (let n = 0; n < 2; n++)
    for (let r = 0; r < 6; r++)
      for (let s = 0; s < 6; s++)
        for (let k = 0; k < 3; k++)
          assert.is(
            got[((n * 6 + r) * 6 + s) * 3 + k],
            from[((n * 3 + Math.floor(r / 2)) * 2 + Math.floor(s / 3)) * 3 + k] * matrix[r % 2][s % 3],
          );
  assert.equal(
    fixedUnpool2d(x, { size: [2, 3] }).dataSync(),
    fixedUnpool2d(x, {
      matrix: [
        [1, 0, 0],
        [0, 0, 0],
      ],
    })
      .add(0)
      .dataSync(),
  );
});

// ---- upsampling

test('upsampling with copies and with zeros, and the gradients', () => {
  const upstream = f64(range(1, 16), [1, 4, 4, 1]);
  const copied = square(true);
  const y = upsample2d(copied, { scale: 2 });
  is(y, '1 1 2 2/1 1 2 2/3 3 4 4/3 3 4 4');
  y.backward(upstream);
  is(copied.grad as Tensor, '14 22/46 54');
  const spread = square(true);
  const z = upsample2d(spread, { scale: 2, fill: 'zeros' });
  is(z, '1 0 2 0/0 0 0 0/3 0 4 0/0 0 0 0');
  z.backward(upstream);
  is(spread.grad as Tensor, '1 3/9 11');
  is(upsample2d(square(), { scale: [3, 2] }), '1 1 2 2/1 1 2 2/1 1 2 2/3 3 4 4/3 3 4 4/3 3 4 4');
  is(upsample2d(square(), { scale: [1, 3], fill: 'zeros' }), '1 0 0 2 0 0/3 0 0 4 0 0');
});
test('zeros are zeros beside values that are not finite', () => {
  const x = f64([infinity, nan, -infinity, 1], [1, 2, 2, 1]);
  const want = [infinity, 0, nan, 0, 0, 0, 0, 0, -infinity, 0, 1, 0, 0, 0, 0, 0];
  for (const y of [unPooling2x2ZeroFilled(x), fixedUnpool2d(x, { size: 2 })]) assert.equal([...y.dataSync()], want);
});
test('pooling by the same size undoes upsampling, for any size and scale', () => {
  fc.assert(
    fc.property(sizes, sizes, fc.integer({ min: 0, max: 999 }), ([h, w], [sh, sw], seed) => {
      const x = randn(seed, [2, h, w, 2]);
      assert.equal(
        upsample2d(x, { scale: [sh, sw] })
          .slice(null, [sh - 1, null, sh], [sw - 1, null, sw])
          .dataSync(),
        x.dataSync(),
      );
      closeTo(
        upsample2d(x, { scale: [sh, sw], fill: 'zeros' })
          .sum([1, 2])
          .dataSync(),
        x.sum([1, 2]).dataSync(),
        1e-12,
      );
      assert.equal(maxPool2d(upsample2d(x, { scale: [sh, sw] }), { kernelSize: [sh, sw] })[0].dataSync(), x.dataSync());
    }),
    { numRuns: 50 },
  );
});

// ---- resizing

const corners = { legacy: { halfPixelCenters: false }, alignCorners: { alignCorners: true }, halfPixel: {} };

test('bilinear, 2×2 to 4×4, under the three corner rules', () => {
  for (const [options, row0, column0] of [
    [corners.legacy, '1 1.5 2 2', '1 2 3 3'],
    [corners.alignCorners, '1 1.3333333333333333 1.6666666666666667 2', '1 1.6666666666666667 2.3333333333333333 3'],
    [corners.halfPixel, '1 1.25 1.75 2', '1 1.5 2.5 3'],
    [{ halfPixelCenters: true, alignCorners: false }, '1 1.25 1.75 2', '1 1.5 2.5 3'],
  ] as const) {
    const y = resize2d(square(), { size: [4, 4], ...options });
    assert.equal(y.shape, [1, 4, 4, 1]);
    is(y.slice(null, [0, 1]), row0);
    is(y.slice(null, null, [0, 1]), column0);
  }
});
test('nearest, 3 to 5, under the three corner rules', () => {
  for (const [options, want] of [
    [corners.legacy, '1 1 2 2 3'],
    [corners.alignCorners, '1 2 2 3 3'],
    [corners.halfPixel, '1 1 2 3 3'],
  ] as const) {
    is(resize2d(f64([1, 2, 3], [1, 1, 3, 1]), { size: [1, 5], method: 'nearest', ...options }), want, 0);
    is(resize2d(f64([1, 2, 3], [1, 3, 1, 1]), { size: [5, 1], method: 'nearest', ...options }), want, 0);
  }
});

/**
 * One axis computed by hand, in floats, while the op computes in fractions. Gives the source
 * coordinate and then the two pixels around it, or the nearest one.
 */
function byHand(
  line: readonly number[],
  output: number,
  { alignCorners = false, halfPixelCenters = !alignCorners, method }: Resize2dOptions,
): number[] {
  const n = line.length;
  return range(0, output - 1).map((i) => {
    const scale = alignCorners && output > 1 ? (n - 1) / (output - 1) : n / output;
    const at = halfPixelCenters ? (i + 0.5) * scale - 0.5 : i * scale;
    // Quarters of a millionth stand for what the division may have lost at a tie.
    if (method === 'nearest')
      return line[Math.min(Math.floor(at + (alignCorners || halfPixelCenters ? 0.5 : 0) + 2.5e-7), n - 1)];
    const inside = Math.max(at, 0);
    const low = Math.floor(inside);
    return line[low] + (line[Math.min(low + 1, n - 1)] - line[low]) * (inside - low);
  });
}
test('any size to any other: rows and columns by hand', () => {
  fc.assert(
    fc.property(
      sizes,
      fc.tuple(fc.integer({ min: 1, max: 13 }), fc.integer({ min: 1, max: 13 })),
      fc.constantFrom(...Object.values(corners)),
      fc.constantFrom('bilinear' as const, 'nearest' as const),
      ([h, w], size, corner, method) => {
        const options: Resize2dOptions = { ...corner, method };
        const x = randn(h * 7 + w, [1, h, w, 1]);
        const pixels = [...x.dataSync()];
        const columns = range(0, w - 1).map((k) =>
          byHand(
            range(0, h - 1).map((r) => pixels[r * w + k]),
            size[0],
            options,
          ),
        );
        const want = range(0, size[0] - 1).flatMap((r) =>
          byHand(
            columns.map((column) => column[r]),
            size[1],
            options,
          ),
        );
        closeTo(resize2d(x, { size, ...options }).dataSync(), want, 1e-12);
      },
    ),
    { numRuns: 300 },
  );
});
test('whole ratios are exact: nearest by k copies, and a flat picture stays flat', () => {
  for (const k of [2, 3, 5, 7, 9, 11, 49]) {
    const x = f64(range(1, 93), [1, 1, 93, 1]);
    const copies = upsample2d(x, { scale: [1, k] }).dataSync();
    for (const corner of [corners.legacy, corners.halfPixel])
      assert.equal(resize2d(x, { scale: [1, k], method: 'nearest', ...corner }).dataSync(), copies, `${k} copies`);
    for (const corner of Object.values(corners))
      assert.equal(
        new Set(resize2d(f64(new Float64Array(12).fill(0.1), [1, 3, 4, 1]), { scale: k, ...corner }).dataSync()).size,
        1,
      );
  }
});
test('the size stays: the picture itself; a scale is rounded down to a size', () => {
  const x = randn(4, [2, 3, 5, 2]);
  for (const corner of Object.values(corners)) {
    assert.is(resize2d(x, { size: [3, 5], ...corner }), x);
    assert.is(resize2d(x, { scale: 1, method: 'nearest', ...corner }), x);
  }
  assert.equal(resize2d(x, { scale: [0.5, 1.5] }).shape, [2, 1, 7, 2]);
  // Every second pixel, with no neighbour read: a NaN between them does not show.
  is(resize2d(f64([1, nan, 3, nan], [1, 1, 4, 1]), { size: [1, 2], halfPixelCenters: false }), '1 3', 0);
});
test("the examples of ONNX's operator Resize", () => {
  const x = f64(range(1, 16), [1, 4, 4, 1]);
  const scaled = { scale: 0.8, method: 'bicubic', recomputeScaleFactor: false } as const;
  is(
    resize2d(x, scaled),
    '1.47119141 2.78125 4.08251953/6.71142578 8.02148438 9.32275391/11.91650391 13.2265625 14.52783203',
    1e-8,
  );
  is(
    resize2d(x, { ...scaled, cubicCoefficient: -0.5, excludeOutside: true }),
    '1.36812675 2.6695014 4.0133367/6.57362535 7.875 9.2188353/11.94896657 13.25034122 14.59417652',
    1e-7,
  );
});
test("PyTorch copies an axis that keeps its size under a linear rule, ONNX's rule does not", () => {
  const x = f64([1, 2, 4], [1, 1, 3, 1]);
  const given = { scale: [1, 1.2], recomputeScaleFactor: false } as const;
  assert.is(resize2d(x, given), x);
  // Positions (i + ½)/1.2 − ½ = −1/12, 3/4, 19/12.
  is(resize2d(x, { ...given, coordinateTransformation: 'half_pixel' }), `1 1.75 ${2 + (2 * 7) / 12}`);
  // PyTorch's numbers of interpolate(mode='nearest') and 'bicubic'.
  is(resize2d(x, { ...given, method: 'nearest', halfPixelCenters: false }), '1 1 2', 0);
  is(resize2d(x, { ...given, method: 'bicubic' }), '0.9474826388888893 1.5625000000000004 3.262876157407406');
});
test('the gradient adds to every pixel what it gave', () => {
  const x = f64([1, 2], [1, 1, 2, 1], true);
  resize2d(x, { size: [1, 4] }).backward(f64([1, 10, 100, 1000], [1, 1, 4, 1]));
  is(x.grad as Tensor, `${1 + 7.5 + 25} ${2.5 + 75 + 1000}`);
  const y = f64([1, 2, 3], [1, 1, 3, 1], true);
  resize2d(y, { size: [1, 5], method: 'nearest' }).backward(f64([1, 10, 100, 1000, 10000], [1, 1, 5, 1]));
  is(y.grad as Tensor, '11 100 11000', 0);
});

// ---- pixels and channels

test("pixelShuffle: PyTorch's order keeps a colour's channels together, TensorFlow's a pixel's colours", () => {
  // Two colours, one pixel: channels 0 … 7.
  const x = f64(range(0, 7), [1, 1, 1, 8]);
  is(pixelShuffle(x, 2), '0 4 1 5/2 6 3 7', 0);
  is(pixelShuffle(x, 2, { order: 'tf' }), '0 1 2 3/4 5 6 7', 0);
  // The example of tf.nn.depth_to_space: channels 1 … 12 become
  // [[[[1,2,3],[4,5,6]],[[7,8,9],[10,11,12]]]].
  const deep = f64(range(1, 12), [1, 1, 1, 12]);
  assert.equal(pixelShuffle(deep, 2, { order: 'tf' }).shape, [1, 2, 2, 3]);
  is(pixelShuffle(deep, 2, { order: 'tf' }), '1 2 3 4 5 6/7 8 9 10 11 12', 0);
  // Its other example, a 2 × 2 image of four channels.
  is(pixelShuffle(f64(range(1, 16), [1, 2, 2, 4]), 2, { order: 'tf' }), '1 2 5 6/3 4 7 8/9 10 13 14/11 12 15 16', 0);
});
test('pixelUnshuffle undoes pixelShuffle of the same order', () => {
  for (const order of ['torch', 'tf'] as const)
    for (const r of [1, 2, 3]) {
      const x = randn(r, [2, 2, 3, 2 * r * r]);
      const y = pixelShuffle(x, r, { order });
      assert.equal(y.shape, [2, 2 * r, 3 * r, 2]);
      assert.equal(pixelUnshuffle(y, r, { order }).dataSync(), x.dataSync());
    }
});

test.run();
