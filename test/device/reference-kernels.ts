/**
 * Tests the reference device's kernels on numbers small enough to check by hand, and against
 * independent naive loops. Not here: operations and gradients (autograd tests).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type {
  KernelAttrs,
  KernelName,
  NanPolicy,
  PickPolicy,
  Spec,
  UnaryFn,
  UnaryGradFn,
} from '../../src/device/device.js';
import { ReferenceDevice } from '../../src/device/reference/index.js';
import { DeviceError } from '../../src/errors.js';
import { allocate, type DType } from '../../src/values/dtype.js';
import { type Shape, sizeOf } from '../../src/values/shape.js';
import { type Conv2dGeometry, type Padding, type Pool2dGeometry, window2d } from '../../src/values/window.js';

interface Values extends Spec {
  readonly values: readonly number[];
}

const test = suite('reference kernels');
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

const of = (shape: Shape, values: readonly number[], dtype: DType = 'float64'): Values => ({ shape, dtype, values });
const line = (...values: number[]): Values => of([values.length], values);
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const spec = (shape: Shape, dtype: DType = 'float64'): Spec => ({ shape, dtype });

/** Runs one kernel on a fresh device and reads every output. */
function run<K extends KernelName>(
  kernel: K,
  inputs: readonly Values[],
  attrs: KernelAttrs[K],
  ...outputs: Spec[]
): number[][] {
  const device = new ReferenceDevice();
  const operands = inputs.map(({ shape, dtype, values }) => {
    const data = allocate(dtype, values.length);
    data.set(values);
    return { shape, dtype, buffer: device.upload(data, dtype) };
  });
  return device.run(kernel, operands, attrs, outputs).map((buffer) => Array.from(device.readSync(buffer)));
}

function near(got: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.is(got.length, expected.length);
  got.forEach((value, i) => {
    const scale = Math.max(1, Math.abs(expected[i]));
    assert.ok(
      Math.abs(value - expected[i]) <= tolerance * scale,
      `element ${i}: got ${value}, expected ${expected[i]}`,
    );
  });
}

interface ConvOptions {
  batch?: number;
  channels?: readonly [number, number];
  groups?: number;
  kernel?: readonly [number, number];
  stride?: readonly [number, number];
  dilation?: readonly [number, number];
}

function convGeometry(height: number, width: number, padding: Padding, options: ConvOptions = {}): Conv2dGeometry {
  const { batch = 1, channels = [1, 1], groups = 1, kernel = [3, 3], stride = [1, 1], dilation = [1, 1] } = options;
  return {
    ...window2d('test', height, width, { kernelSize: kernel, stride, dilation, padding }),
    batch,
    inChannels: channels[0],
    outChannels: channels[1],
    groups,
  };
}

const shapesOf = (g: Conv2dGeometry) => ({
  x: [g.batch, g.height.input, g.width.input, g.inChannels],
  weight: [g.height.kernel, g.width.kernel, g.inChannels / g.groups, g.outChannels],
  y: [g.batch, g.height.output, g.width.output, g.outChannels],
});

function conv(
  geometry: Conv2dGeometry,
  x: readonly number[],
  weight: readonly number[],
  bias?: readonly number[],
): number[] {
  const shapes = shapesOf(geometry);
  const inputs = [of(shapes.x, x), of(shapes.weight, weight), ...(bias === undefined ? [] : [line(...bias)])];
  return run('conv2d', inputs, { geometry }, spec(shapes.y))[0];
}

function inputGrad(
  geometry: Conv2dGeometry,
  g: readonly number[],
  weight: readonly number[],
  bias?: readonly number[],
): number[] {
  const shapes = shapesOf(geometry);
  const inputs = [of(shapes.y, g), of(shapes.weight, weight), ...(bias === undefined ? [] : [line(...bias)])];
  return run('conv2dInputGrad', inputs, { geometry }, spec(shapes.x))[0];
}

function weightGrad(geometry: Conv2dGeometry, x: readonly number[], g: readonly number[]): number[] {
  const shapes = shapesOf(geometry);
  return run('conv2dWeightGrad', [of(shapes.x, x), of(shapes.y, g)], { geometry }, spec(shapes.weight))[0];
}

function poolGeometry(
  height: number,
  width: number,
  padding: Padding,
  kernel: readonly [number, number],
  stride: readonly [number, number],
  batch = 1,
  channels = 1,
): Pool2dGeometry {
  return {
    ...window2d('test', height, width, { kernelSize: kernel, stride, dilation: [1, 1], padding }),
    batch,
    channels,
  };
}

function maxPool(geometry: Pool2dGeometry, x: readonly number[], nan: NanPolicy = 'propagate'): number[][] {
  const shape = [geometry.batch, geometry.height.output, geometry.width.output, geometry.channels];
  return run(
    'maxPool2d',
    [of([geometry.batch, geometry.height.input, geometry.width.input, geometry.channels], x)],
    { geometry, nan },
    spec(shape),
    spec(shape, 'int32'),
  );
}

const unary = (fn: UnaryFn, x: readonly number[], alpha = 0, beta = 0): number[] =>
  run('unary', [line(...x)], { fn, alpha, beta }, spec([x.length]))[0];

/** Returns a generator of numbers in [−1, 1), which are the same on every run. */
function noise(seed: number): (size: number) => number[] {
  let state = seed;
  return (size) =>
    Array.from({ length: size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state / 2 ** 31;
    });
}

/** Computes a convolution by its definition, in seven loops. A value in the padding is 0. */
function naiveConv(geometry: Conv2dGeometry, x: readonly number[], weight: readonly number[]): number[] {
  const { batch, height: h, width: w, inChannels, outChannels, groups } = geometry;
  const y: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < h.output; oy++)
      for (let ox = 0; ox < w.output; ox++)
        for (let o = 0; o < outChannels; o++) {
          const perGroup = inChannels / groups;
          const group = Math.floor((o * groups) / outChannels);
          let sum = 0;
          for (let i = 0; i < perGroup; i++)
            for (let ky = 0; ky < h.kernel; ky++)
              for (let kx = 0; kx < w.kernel; kx++) {
                const iy = oy * h.stride - h.before + ky * h.dilation;
                const ix = ox * w.stride - w.before + kx * w.dilation;
                const inside = iy >= 0 && iy < h.input && ix >= 0 && ix < w.input;
                const value = inside ? x[((n * h.input + iy) * w.input + ix) * inChannels + group * perGroup + i] : 0;
                sum += value * weight[((ky * w.kernel + kx) * perGroup + i) * outChannels + o];
              }
          y.push(sum);
        }
  return y;
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

const geometries: readonly Conv2dGeometry[] = [
  convGeometry(5, 6, 'same', { batch: 2, channels: [3, 4] }),
  convGeometry(5, 6, 'valid', { channels: [4, 2], kernel: [2, 3] }),
  convGeometry(7, 5, 'same', { channels: [2, 3], stride: [2, 2] }),
  convGeometry(7, 8, 'valid', { batch: 2, channels: [2, 2], stride: [3, 2] }),
  convGeometry(8, 9, 1, { channels: [1, 5], dilation: [2, 3] }),
  convGeometry(
    6,
    6,
    [
      [2, 0],
      [1, 3],
    ],
    { channels: [3, 1], kernel: [4, 3], stride: [2, 1] },
  ),
  convGeometry(6, 5, 'same', { channels: [4, 6], groups: 2 }),
  convGeometry(6, 5, 'same', { batch: 2, channels: [4, 4], groups: 4 }),
  convGeometry(7, 7, 2, { channels: [3, 6], groups: 3, stride: [2, 3], dilation: [2, 1] }),
  convGeometry(4, 4, 'same', { channels: [9, 3], groups: 3, kernel: [5, 5] }),
  convGeometry(3, 3, 'valid', { batch: 3, channels: [5, 7], kernel: [1, 1] }),
  convGeometry(3, 3, 'same', { channels: [1, 1], kernel: [1, 1], stride: [2, 2] }),
];

test('conv2d', () => {
  const weight = range(1, 9);
  assert.equal(
    conv(convGeometry(4, 4, 'same'), range(1, 16), weight),
    [111, 178, 217, 145, 231, 348, 393, 252, 363, 528, 573, 360, 197, 274, 295, 175],
  );
  assert.equal(conv(convGeometry(4, 4, 'same', { stride: [2, 2] }), range(1, 16), weight), [348, 252, 274, 175]);
  assert.equal(
    conv(convGeometry(5, 5, 'same', { stride: [2, 2] }), range(1, 25), weight),
    [128, 241, 184, 441, 681, 453, 320, 457, 280],
  );
});

test('transposed convolution is the input gradient of conv2d', () => {
  const weight = range(1, 9);
  const x = [1, 2, 3, 4];
  assert.equal(inputGrad(convGeometry(2, 2, 'same'), x, weight), [23, 33, 53, 63]);
  assert.equal(
    inputGrad(convGeometry(4, 4, 'same', { stride: [2, 2] }), x, weight),
    [1, 2, 5, 4, 4, 5, 14, 10, 10, 14, 36, 24, 12, 15, 34, 20],
  );
  assert.equal(
    inputGrad(convGeometry(3, 3, 'same', { stride: [2, 2] }), x, weight),
    [5, 14, 10, 14, 36, 24, 15, 34, 20],
  );
  assert.equal(
    inputGrad(convGeometry(5, 5, 'valid', { stride: [2, 2] }), x, weight),
    [1, 2, 5, 4, 6, 4, 5, 14, 10, 12, 10, 14, 36, 24, 30, 12, 15, 34, 20, 24, 21, 24, 55, 32, 36],
  );
});

test('convolutions agree with the naive loop, and their gradients are adjoint', () => {
  geometries.forEach((geometry, seed) => {
    const shapes = shapesOf(geometry);
    const next = noise(seed + 1);
    const x = next(sizeOf(shapes.x));
    const weight = next(sizeOf(shapes.weight));
    const g = next(sizeOf(shapes.y));
    const y = conv(geometry, x, weight);
    near(y, naiveConv(geometry, x, weight), 1e-13);
    const inner = dot(y, g);
    near([dot(x, inputGrad(geometry, g, weight)), dot(weight, weightGrad(geometry, x, g))], [inner, inner], 1e-13);
  });
});

test('a bias is added once per pixel', () => {
  const geometry = convGeometry(2, 2, 'same', { channels: [2, 3] });
  const zeros = new Array<number>(54).fill(0);
  assert.equal(conv(geometry, range(1, 8), zeros, [1, 2, 3]), [1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3]);
  assert.equal(inputGrad(geometry, range(1, 12), zeros, [4, 5]), [4, 5, 4, 5, 4, 5, 4, 5]);
});

test('a zero does not hide a NaN or an infinity, and padding meets no weight', () => {
  const geometry = convGeometry(1, 1, 'valid', { kernel: [1, 1] });
  for (const value of [nan, inf]) {
    assert.equal(conv(geometry, [0], [value]), [nan]);
    assert.equal(conv(geometry, [value], [0]), [nan]);
    assert.equal(inputGrad(geometry, [0], [value]), [nan]);
    assert.equal(weightGrad(geometry, [value], [0]), [nan]);
  }
  assert.equal(conv(convGeometry(1, 1, 'same'), [2], [nan, nan, nan, nan, 3, nan, nan, nan, nan]), [6]);
});

test('sums accumulate in double and are rounded once', () => {
  const values = [2 ** 24, 1, 1, 1, 1];
  assert.equal(run('reduce', [of([5], values, 'float32')], { fn: 'sum', axes: [0] }, spec([], 'float32')), [
    [2 ** 24 + 4],
  ]);
  const ones = of([5, 1], [1, 1, 1, 1, 1], 'float32');
  assert.equal(
    run(
      'matmul',
      [of([1, 5], values, 'float32'), ones],
      { transposeA: false, transposeB: false },
      spec([1, 1], 'float32'),
    ),
    [[2 ** 24 + 4]],
  );
  const geometry = convGeometry(1, 1, 'valid', { channels: [5, 1], kernel: [1, 1] });
  assert.equal(
    run(
      'conv2d',
      [of([1, 1, 1, 5], values, 'float32'), of([1, 1, 5, 1], [1, 1, 1, 1, 1], 'float32')],
      { geometry },
      spec([1, 1, 1, 1], 'float32'),
    ),
    [[2 ** 24 + 4]],
  );
});

test('maxPool2d: ties go to the first, NaN to the last NaN', () => {
  const geometry = poolGeometry(3, 3, 'valid', [2, 2], [1, 1]);
  assert.equal(maxPool(geometry, new Array<number>(9).fill(0)), [
    [0, 0, 0, 0],
    [0, 1, 3, 4],
  ]);
  assert.equal(maxPool(geometry, [nan, 1, 2, 3, 4, 5, 6, 7, 9]), [
    [nan, 5, 7, 9],
    [0, 5, 7, 8],
  ]);
  assert.equal(maxPool(geometry, [1, nan, 2, 3, 4, 5, 6, 7, 9]), [
    [nan, nan, 7, 9],
    [1, 1, 7, 8],
  ]);
  assert.equal(maxPool(geometry, new Array<number>(9).fill(nan)), [
    [nan, nan, nan, nan],
    [4, 5, 7, 8],
  ]);
  assert.equal(maxPool(geometry, new Array<number>(9).fill(-inf)), [
    [-inf, -inf, -inf, -inf],
    [0, 1, 3, 4],
  ]);
});

test('windows with gaps, the first one beside the padding', () => {
  const along = { input: 5, output: 4, kernel: 2, stride: 1, dilation: 2, before: 1, after: 1 };
  const across = { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };
  // The four windows hold the cells −1 and 1, 0 and 2, 1 and 3, 2 and 4. Cell −1 is padding.
  assert.equal(maxPool({ batch: 1, channels: 1, height: across, width: along }, [5, 1, 4, 2, 3]), [
    [1, 5, 2, 4],
    [1, 0, 3, 2],
  ]);
});

test('NaN by policy: tf keeps one that comes first, ignore none', () => {
  const geometry = poolGeometry(3, 3, 'valid', [2, 2], [1, 1]);
  const table: readonly [
    x: readonly number[],
    tf: readonly [number[], number[]],
    ignore: readonly [number[], number[]],
  ][] = [
    [
      [nan, 1, 2, 3, 4, 5, 6, 7, 9],
      [
        [nan, 5, 7, 9],
        [0, 5, 7, 8],
      ],
      [
        [4, 5, 7, 9],
        [4, 5, 7, 8],
      ],
    ],
    [
      [1, nan, 2, 3, 4, 5, 6, 7, 9],
      [
        [4, nan, 7, 9],
        [4, 1, 7, 8],
      ],
      [
        [4, 5, 7, 9],
        [4, 5, 7, 8],
      ],
    ],
    [
      new Array<number>(9).fill(nan),
      [
        [nan, nan, nan, nan],
        [0, 1, 3, 4],
      ],
      [
        [-inf, -inf, -inf, -inf],
        [0, 1, 3, 4],
      ],
    ],
    [
      new Array<number>(9).fill(-inf),
      [
        [-inf, -inf, -inf, -inf],
        [0, 1, 3, 4],
      ],
      [
        [-inf, -inf, -inf, -inf],
        [0, 1, 3, 4],
      ],
    ],
  ];
  for (const [x, tf, ignore] of table) {
    assert.equal(maxPool(geometry, x, 'tf'), tf);
    assert.equal(maxPool(geometry, x, 'ignore'), ignore);
  }
});

test('the first cell inside is the one that counts as first', () => {
  const geometry = poolGeometry(3, 3, 1, [2, 2], [2, 2]);
  // The four windows hold cell 0, cells 1 and 2, cells 3 and 6, and cells 4, 5, 7 and 8.
  const x = [nan, nan, 2, 3, nan, 5, nan, 7, 9];
  assert.equal(maxPool(geometry, x, 'tf'), [
    [nan, nan, 3, nan],
    [0, 1, 3, 4],
  ]);
  assert.equal(maxPool(geometry, x, 'ignore'), [
    [-inf, 2, 3, 9],
    [0, 2, 3, 8],
  ]);
  assert.equal(maxPool(geometry, x), [
    [nan, nan, nan, nan],
    [0, 1, 6, 4],
  ]);
});

test('padding never wins, and the index counts in the plane', () => {
  const geometry = poolGeometry(2, 2, 1, [2, 2], [2, 2]);
  assert.equal(maxPool(geometry, [-1, -2, -3, -inf]), [
    [-1, -2, -3, -inf],
    [0, 1, 2, 3],
  ]);
  // The shape is [2, 3, 4, 2]. The largest element is in image 1 and channel 1, at row 2 and column
  // 1. Its index in the plane is 2·4 + 1 = 9, and does not depend on the image and the channel.
  const x = new Array<number>(48).fill(0);
  x[((3 + 2) * 4 + 1) * 2 + 1] = 1;
  const [, indices] = maxPool(poolGeometry(3, 4, 'same', [2, 2], [2, 2], 2, 2), x);
  assert.is(indices[((2 + 1) * 2 + 0) * 2 + 1], 9);
});

test('the gradient accumulates at the argmax', () => {
  const geometry = poolGeometry(3, 3, 'valid', [2, 2], [1, 1]);
  const [, indices] = maxPool(geometry, [1, 2, 3, 4, 5, 6, 7, 9, 8]);
  const [x] = run(
    'maxUnpool2d',
    [of([1, 2, 2, 1], [1, 2, 3, 4]), of([1, 2, 2, 1], indices, 'int32')],
    { geometry },
    spec([1, 3, 3, 1]),
  );
  assert.equal(x, [0, 0, 0, 0, 1, 2, 0, 7, 0]);
});

test('duplicates add', () => {
  const [y] = run(
    'maxUnpool2d',
    [of([1, 2, 2, 1], [10, 20, 30, 40]), of([1, 2, 2, 1], [1, 6, 1, 5], 'int32')],
    { geometry: null },
    spec([1, 4, 4, 1]),
  );
  assert.equal(y, [0, 40, 0, 0, 0, 40, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  const [grad] = run(
    'planeGather',
    [of([1, 4, 4, 1], range(1, 16)), of([1, 2, 2, 1], [1, 6, 1, 5], 'int32')],
    {},
    spec([1, 2, 2, 1]),
  );
  assert.equal(grad, [2, 7, 2, 6]);
});

test('which of several values a cell takes', () => {
  const picked = (
    pick: PickPolicy,
    values: readonly number[],
    indices: readonly number[],
    channels = 1,
    batch = 1,
  ): number[] => {
    const shape = [batch, 1, values.length / channels / batch, channels];
    return run(
      'unpoolPick',
      [of(shape, values), of(shape, indices, 'int32')],
      { pick, geometry: null, pixels: 8 },
      spec(shape, 'bool'),
    )[0];
  };
  assert.equal(picked('first', [10, 20, 30, 40], [1, 6, 1, 5]), [1, 1, 0, 1]);
  assert.equal(picked('last', [10, 20, 30, 40], [1, 6, 1, 5]), [0, 1, 1, 1]);
  assert.equal(picked('max', [10, 20, 30, 40], [1, 6, 1, 5]), [0, 1, 1, 1]);
  assert.equal(picked('max', [7, 9, 9, 8], [2, 2, 2, 2]), [0, 1, 0, 0]);
  assert.equal(picked('max', [-0, 0], [2, 2]), [1, 0]);
  assert.equal(picked('max', [inf, nan, 3, nan], [2, 2, 2, 2]), [0, 1, 0, 0]);
  // Values of different channels or images never compete for a cell.
  assert.equal(picked('first', [1, 2, 3, 4], [3, 3, 3, 3], 2), [1, 1, 0, 0]);
  assert.equal(picked('last', [1, 2, 3, 4], [3, 3, 3, 3], 1, 2), [0, 1, 0, 1]);
  // A value whose index lies outside of the plane is never picked.
  for (const pick of ['first', 'last', 'max'] as const)
    assert.equal(picked(pick, [1, 2, 3, 4], [-1, 8, 0, -1]), [0, 0, 1, 0]);
});

test('indices outside give 0 and add nothing', () => {
  const [y] = run(
    'maxUnpool2d',
    [of([2, 1, 2, 1], [1, 2, 4, 8]), of([2, 1, 2, 1], [2, 0, -1, 1], 'int32')],
    { geometry: null },
    spec([2, 1, 2, 1]),
  );
  assert.equal(y, [2, 0, 0, 8]);
  assert.equal(
    run(
      'planeGather',
      [of([2, 1, 2, 1], [1, 2, 4, 8]), of([2, 1, 2, 1], [2, 0, -1, 1], 'int32')],
      {},
      spec([2, 1, 2, 1]),
    ),
    [[0, 1, 0, 8]],
  );
  const [x, indices] = [of([2, 2], [1, 2, 4, 8]), of([3], [2, 1, -1], 'int32')];
  assert.equal(run('indexSelect', [x, indices], { axis: 1 }, spec([2, 3])), [[0, 2, 0, 0, 8, 0]]);
  assert.equal(run('indexAdd', [of([2, 3], range(1, 6)), indices], { axis: 1 }, spec([2, 2])), [[0, 2, 0, 5]]);
});

test('odd sizes return to their own places', () => {
  const geometry = poolGeometry(3, 3, 'same', [2, 2], [2, 2]);
  const [values, indices] = maxPool(geometry, range(1, 9));
  assert.equal(values, [5, 6, 8, 9]);
  assert.equal(indices, [4, 5, 7, 8]);
  const [y] = run(
    'maxUnpool2d',
    [of([1, 2, 2, 1], values), of([1, 2, 2, 1], indices, 'int32')],
    { geometry },
    spec([1, 3, 3, 1]),
  );
  assert.equal(y, [0, 0, 0, 0, 5, 6, 0, 8, 9]);
});

test('each image unpools into itself', () => {
  const [y] = run(
    'maxUnpool2d',
    [of([2, 1, 1, 1], [5, 9]), of([2, 1, 1, 1], [1, 0], 'int32')],
    { geometry: null },
    spec([2, 2, 2, 1]),
  );
  assert.equal(y, [0, 5, 0, 0, 9, 0, 0, 0]);
});

test('avgPool2d divides by a number or by the cells inside, and its gradient is adjoint', () => {
  const geometry = poolGeometry(2, 2, 1, [2, 2], [1, 1]);
  const x = of([1, 2, 2, 1], [4, 8, 12, 16]);
  assert.equal(run('avgPool2d', [x], { geometry, divisor: 4 }, spec([1, 3, 3, 1])), [[1, 3, 2, 4, 10, 6, 3, 7, 4]]);
  assert.equal(run('avgPool2d', [x], { geometry, divisor: 0 }, spec([1, 3, 3, 1])), [[4, 6, 8, 8, 10, 12, 12, 14, 16]]);
  const next = noise(3);
  const wide = poolGeometry(5, 4, 'same', [3, 2], [2, 1], 2, 3);
  for (const divisor of [6, 0, -3]) {
    const input = of([2, 5, 4, 3], next(120));
    const g = of([2, 3, 4, 3], next(72));
    const [y] = run('avgPool2d', [input], { geometry: wide, divisor }, spec(g.shape));
    const [grad] = run('avgPool2dGrad', [g], { geometry: wide, divisor }, spec(input.shape));
    near([dot(grad, input.values)], [dot(y, g.values)], 1e-13);
  }
});

test('sigmoid cross entropy with logits', () => {
  const loss = (x: number, z: number, posWeight = 1) =>
    run('bceWithLogits', [line(x), line(z)], { posWeight }, spec([1]))[0][0];
  near(
    [loss(0, 0), loss(0, 1), loss(1, 1), loss(-1, 1), loss(100, 0), loss(2, 0.25)],
    [0.693147, 0.693147, 0.313262, 1.313262, 100, 1.626928],
    5e-7,
  );
  near([loss(0, 1, 10)], [6.931472], 5e-7);
  near([unary('sigmoid', [2])[0] - 0.25], [0.630797], 5e-7);
});

test('Adam: the two forms place epsilon differently', () => {
  const step = (form: 'torch' | 'tf', g: number) => {
    const attrs = {
      form,
      lr: 1e-3,
      beta1: 0.9,
      beta2: 0.999,
      eps: 1e-8,
      weightDecay: 0,
      decoupled: false,
      amsgrad: false,
      step: 1,
    };
    return run('adam', [line(1), line(g), line(0), line(0)], attrs, spec([1]), spec([1]), spec([1]))[0][0];
  };
  near(
    [step('tf', 1e-8), step('torch', 1e-8), step('tf', 0.1), step('torch', 0.1)],
    [0.99996934657, 0.9995, 0.999000003162, 0.9990000001],
    6e-13,
  );
});

test('Adam: weight decay joins the gradient, or shrinks the parameter; amsgrad keeps the largest v', () => {
  const attrs = {
    form: 'torch',
    lr: 0.1,
    beta1: 0,
    beta2: 0,
    eps: 0,
    weightDecay: 0.5,
    decoupled: false,
    amsgrad: false,
    step: 1,
  } as const;
  const outputs = [spec([1]), spec([1]), spec([1])];
  assert.equal(run('adam', [line(2), line(3), line(0), line(0)], attrs, ...outputs), [[1.9], [4], [16]]);
  near(
    run('adam', [line(2), line(3), line(0), line(0)], { ...attrs, decoupled: true }, ...outputs).flat(),
    [1.8, 3, 9],
    1e-15,
  );
  const kept = run(
    'adam',
    [line(2), line(4), line(0), line(0), line(64)],
    { ...attrs, weightDecay: 0, amsgrad: true },
    ...outputs,
    spec([1]),
  );
  near(kept.flat(), [2 - 0.1 * (4 / 8), 4, 16, 64], 1e-15);
});

test('unary functions have their known values', () => {
  // The values of erf and log1p are those of Python's math.erf and math.log1p.
  near(
    unary('erf', [0, 0.1, 0.5, 1, 2, 2.999, 3, 4, 5, 7, inf, -1]),
    [
      0, 0.1124629160182849, 0.5204998778130465, 0.8427007929497149, 0.9953222650189527, 0.9999777698314002,
      0.9999779095030014, 0.9999999845827421, 0.9999999999984626, 1, 1, -0.8427007929497149,
    ],
    1e-15,
  );
  near(unary('log1p', [1e-12, 1]), [9.999999999995e-13, Math.LN2], 1e-16);
  near(unary('gelu', [0, 1, -1, 2, 10]), [0, 0.8413447460685429, -0.15865525393145707, 1.9544997361036416, 10], 1e-15);
  near(unary('silu', [0, 1, -1]), [0, 0.7310585786300049, -0.2689414213699951], 1e-15);
  near(unary('softplus', [0, 1000, -1000]), [Math.LN2, 1000, 0], 0);
  near(unary('sigmoid', [0, 1000, -1000]), [0.5, 1, 0], 0);
  near(unary('elu', [1, -1], 2), [1, 2 * Math.expm1(-1)], 0);
  assert.equal(unary('leakyRelu', [2, -2], 0.25), [2, -0.5]);
  assert.equal(unary('clamp', [-5, 0.5, 5], -1, 1), [-1, 0.5, 1]);
  assert.equal(unary('clamp', [0], 2, 1), [1]);
  assert.equal(unary('sign', [-3, 0, 3]), [-1, 0, 1]);
  assert.equal(unary('logicalNot', [0, 2]), [1, 0]);
  assert.equal(unary('isNaN', [nan, 1]), [1, 0]);
  const keepNaN: readonly UnaryFn[] = [
    'neg',
    'exp',
    'log',
    'sqrt',
    'abs',
    'sign',
    'relu',
    'leakyRelu',
    'elu',
    'gelu',
    'silu',
    'sigmoid',
    'tanh',
    'softplus',
    'erf',
    'clamp',
  ];
  for (const fn of keepNaN) assert.equal(unary(fn, [nan], 0, 1), [nan], fn);
});

test('binary functions broadcast, wrap in int32 and follow C where JavaScript does not', () => {
  const [c] = run('binary', [of([2, 1], [10, 20]), of([3], [1, 2, 3])], { fn: 'sub' }, spec([2, 3]));
  assert.equal(c, [9, 8, 7, 19, 18, 17]);
  assert.equal(run('binary', [line(1, nan), line(nan, 1)], { fn: 'maximum' }, spec([2])), [[nan, nan]]);
  assert.equal(run('binary', [line(1, 1, -1, 2, nan), line(nan, inf, inf, 3, 0)], { fn: 'pow' }, spec([5])), [
    [1, 1, 1, 8, 1],
  ]);
  assert.equal(
    run('binary', [of([1], [65537], 'int32'), of([1], [65537], 'int32')], { fn: 'mul' }, spec([1], 'int32')),
    [[131073]],
  );
  assert.equal(
    run('binary', [of([1], [2147483647], 'int32'), of([1], [1], 'int32')], { fn: 'add' }, spec([1], 'int32')),
    [[-2147483648]],
  );
  assert.equal(run('binary', [line(1, 2, nan), line(2, 2, nan)], { fn: 'notEqual' }, spec([3], 'bool')), [[1, 0, 1]]);
  assert.equal(run('binaryScalar', [line(1, 2)], { fn: 'sub', scalar: 5, reverse: true }, spec([2])), [[4, 3]]);
  assert.equal(
    run('binaryScalar', [of([1], [0.1], 'float32')], { fn: 'equal', scalar: 0.1, reverse: false }, spec([1], 'bool')),
    [[1]],
  );
  assert.equal(run('where', [of([2, 1], [1, 0], 'bool'), line(1, 2), of([], [7])], {}, spec([2, 2])), [[1, 2, 7, 7]]);
  assert.equal(run('gate', [line(1, 2, 3), line(1, 0, -1)], { slope: 0.5 }, spec([3])), [[1, 1, 1.5]]);
  // The incoming gradient is 2. At the output 1/2 the slopes of sigmoid and tanh are ¼ and ¾. At
  // the input 0 those of softplus and silu are ½. At the input 1 the slope of silu is s·(2 − s)
  // with s = 1/(1 + 1/e).
  const slope = (fn: UnaryGradFn, v: number): number => run('unaryGrad', [line(2), line(v)], { fn }, spec([1]))[0][0];
  assert.equal([slope('sigmoid', 0.5), slope('tanh', 0.5), slope('softplus', 0), slope('silu', 0)], [0.5, 1.5, 1, 1]);
  assert.ok(Math.abs(slope('silu', 1) - 2 * 0.9276705118714867) < 1e-6);
  assert.equal(run('cast', [line(-1.7, 2.9)], {}, spec([2], 'int32')), [[-1, 2]]);
  assert.equal(run('cast', [line(0, 0.5, nan)], {}, spec([3], 'bool')), [[0, 1, 1]]);
});

test('reductions keep axis order, propagate NaN and take the first of equals', () => {
  const x = of([2, 2, 3], range(1, 12));
  assert.equal(run('reduce', [x], { fn: 'sum', axes: [1] }, spec([2, 3])), [[5, 7, 9, 17, 19, 21]]);
  assert.equal(run('reduce', [x], { fn: 'sum', axes: [0, 2] }, spec([2])), [[30, 48]]);
  assert.equal(run('reduce', [x], { fn: 'min', axes: [0, 1, 2] }, spec([])), [[1]]);
  assert.equal(run('reduce', [of([2, 2], [1, nan, 3, 4])], { fn: 'max', axes: [1] }, spec([2])), [[nan, 4]]);
  assert.equal(run('reduce', [of([0, 2], [])], { fn: 'sum', axes: [0] }, spec([2])), [[0, 0]]);
  assert.equal(run('argReduce', [of([2, 3], [1, 3, 3, nan, 9, nan])], { fn: 'argmax', axis: 1 }, spec([2], 'int32')), [
    [1, 0],
  ]);
  assert.equal(run('argReduce', [of([2, 2], [5, 1, 2, 1])], { fn: 'argmin', axis: 0 }, spec([2], 'int32')), [[1, 0]]);
});

test('movement', () => {
  const x = of([2, 3], range(1, 6));
  assert.equal(run('permute', [x], { axes: [1, 0] }, spec([3, 2])), [[1, 4, 2, 5, 3, 6]]);
  assert.equal(run('expand', [of([2, 1], [1, 2])], {}, spec([2, 2, 2])), [[1, 1, 2, 2, 1, 1, 2, 2]]);
  assert.equal(run('slice', [x], { starts: [1, 2], steps: [-1, -2] }, spec([2, 2])), [[6, 4, 3, 1]]);
  assert.equal(run('embed', [of([2, 2], [6, 4, 3, 1])], { starts: [1, 2], steps: [-1, -2], value: 9 }, spec([2, 3])), [
    [1, 9, 3, 4, 9, 6],
  ]);
  assert.equal(run('concat', [x, of([2, 1], [7, 8])], { axis: 1 }, spec([2, 4])), [[1, 2, 3, 7, 4, 5, 6, 8]]);
  assert.equal(run('split', [x], { axis: 1, starts: [0, 2] }, spec([2, 2]), spec([2, 1])), [
    [1, 2, 4, 5],
    [3, 6],
  ]);
  // The parts may be empty, may come in any order, and need not cover the axis.
  const block = of([2, 3, 2], range(1, 12));
  const parts = [spec([2, 1, 2]), spec([2, 0, 2]), spec([2, 1, 2])];
  assert.equal(run('split', [block], { axis: 1, starts: [2, 1, 0] }, ...parts), [[5, 6, 11, 12], [], [1, 2, 7, 8]]);
  assert.equal(run('split', [x], { axis: 0, starts: [0, 1] }, spec([1, 3]), spec([1, 3])), [
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const indices = of([3], [2, 0, 2], 'int32');
  assert.equal(run('indexSelect', [x, indices], { axis: 1 }, spec([2, 3])), [[3, 1, 3, 6, 4, 6]]);
  assert.equal(run('indexAdd', [x, indices], { axis: 1 }, spec([2, 4])), [[2, 0, 4, 0, 5, 0, 10, 0]]);
});

test('matmul transposes either side and broadcasts the batch', () => {
  const a = of([2, 3], range(1, 6));
  const aT = of([3, 2], [1, 4, 2, 5, 3, 6]);
  const b = of([2, 3, 1], [1, 1, 1, 1, 0, -1]);
  const bT = of([2, 1, 3], b.values);
  for (const transposeA of [false, true])
    for (const transposeB of [false, true])
      assert.equal(
        run('matmul', [transposeA ? aT : a, transposeB ? bT : b], { transposeA, transposeB }, spec([2, 2, 1])),
        [[6, 15, -2, -2]],
      );
});

test('an empty result takes no time, however long the axis that is summed', () => {
  const empty: Values = { shape: [0, 2 ** 31 - 1], dtype: 'float64', values: [] };
  assert.equal(run('reduce', [empty], { fn: 'sum', axes: [1] }, spec([0])), [[]]);
});

test('the device counts what it holds and what it was asked', async () => {
  const device = new ReferenceDevice();
  const data = Float32Array.of(1, 2);
  const buffer = device.upload(data, 'float32');
  data[0] = 9;
  const [sum] = device.run('reduce', [{ shape: [2], dtype: 'float32', buffer }], { fn: 'sum', axes: [0] }, [spec([])]);
  const copy = await device.read(buffer);
  copy[0] = 9;
  assert.equal(Array.from(device.readSync(buffer)), [1, 2]);
  assert.equal(device.counters, { kernels: 1, uploads: 1, reads: 2 });
  assert.equal(device.memory(), { tensors: 2, bytes: 16, pooled: 0 });
  device.free(buffer);
  device.free(buffer);
  device.free(sum.remains);
  device.free(sum);
  assert.equal(device.memory(), { tensors: 0, bytes: 0, pooled: 0 });
  assert.throws(
    () => device.readSync(buffer),
    (error: unknown) =>
      error instanceof DeviceError && error.message.startsWith('read: the buffer must not have been freed'),
  );
});

test.run();
