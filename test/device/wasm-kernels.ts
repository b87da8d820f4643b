/**
 * Tests the fast paths of the wasm device's kernels, which the small rows of the op table do not
 * reach:
 * - convolutions of large and odd shapes by tiles, by Winograd, over lists of nonzero values, and
 *   depthwise
 * - reductions, pooling and elementwise kernels that threads share
 * - dropout masks
 * Shapes and numbers are drawn from a fixed seed. Results are compared with the reference device,
 * and bit for bit between one thread and two, and with memory of 64-bit addresses where the engine
 * has it. Every array lies between guard bytes, with another filling on either wasm device
 * (test/helpers/guarded.ts).
 * The tolerance is 1e-5 relative plus 3e-6 of the operands' scale, unless a test says otherwise.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { KernelAttrs, KernelName, Spec } from '../../src/device/device.js';
import type { WasmBuffer } from '../../src/device/wasm/memory.js';
import { type Device, device, dropout, ones, RandomState, type Shape } from '../../src/index.js';
import { allocate, type TypedArray } from '../../src/values/dtype.js';
import { type Conv2dGeometry, type Padding, window2d } from '../../src/values/window.js';
import { sameBits } from '../helpers/close.js';
import { guardedWasm } from '../helpers/guarded.js';
import { acrossSign, outOfReach } from '../helpers/memory64.js';

const test = suite('wasm kernels');
const reference = await device('reference');
let one: Device;
let two: Device;
let wide: Device | null = null;
test.before(async () => {
  // The fillings differ. A read outside of an array, or before a write, gives different bits on the
  // two devices.
  one = await guardedWasm({ threads: 1 }, 'nan');
  two = await guardedWasm({ threads: 2 }, 'zero');
  if (outOfReach(acrossSign) === null) wide = await guardedWasm({ threads: 2, memory64: true }, 'zero', acrossSign);
  // The second thread takes part only after it has started.
  await new Promise((resolve) => setTimeout(resolve, 200));
});
test.after(async () => {
  await one?.close();
  await two?.close();
  await wide?.close();
});

const random = new RandomState(17);
const pick = <T>(list: readonly T[]): T => list[Math.floor(random.random() * list.length)];
const sizeOf = (shape: Shape): number => shape.reduce((a, b) => a * b, 1);

interface Input {
  readonly data: TypedArray;
  readonly spec: Spec;
  /** Whether the buffer is marked on the wasm device as mostly zeros. */
  readonly sparse?: boolean;
}
const dense = (...shape: number[]): Input => ({
  data: Float32Array.from(random.randn(sizeOf(shape))),
  spec: { shape, dtype: 'float32' },
});
const sparse = (...shape: number[]): Input => ({
  data: Float32Array.from(random.randn(sizeOf(shape)), (v) => (random.random() < 0.25 ? v : 0)),
  spec: { shape, dtype: 'float32' },
  sparse: true,
});
const indices = (limit: number, ...shape: number[]): Input => ({
  data: Int32Array.from(random.rand(sizeOf(shape)), (u) => Math.floor(u * limit)),
  spec: { shape, dtype: 'int32' },
});

function run<K extends KernelName>(
  on: Device,
  kernel: K,
  inputs: readonly Input[],
  attrs: KernelAttrs[K],
  outputs: readonly Spec[],
): TypedArray[] {
  const operands = inputs.map(({ data, spec, sparse: hint }) => {
    const buffer = on.upload(data, spec.dtype);
    if (hint === true && on !== reference) (buffer as WasmBuffer).density = 0.1;
    return { ...spec, buffer };
  });
  const results = on.run(kernel, operands, attrs, outputs);
  const values = results.map((buffer) => on.readSync(buffer));
  for (const { buffer } of operands) on.free(buffer);
  for (const buffer of results) on.free(buffer);
  return values;
}

/** Runs a kernel on the three devices and compares the results. */
function check<K extends KernelName>(
  what: string,
  kernel: K,
  inputs: readonly Input[],
  attrs: KernelAttrs[K],
  outputs: readonly Spec[],
  scale = 1,
): void {
  const want = run(reference, kernel, inputs, attrs, outputs);
  const alone = run(one, kernel, inputs, attrs, outputs);
  const shared = run(two, kernel, inputs, attrs, outputs);
  if (wide !== null)
    for (const [n, values] of run(wide, kernel, inputs, attrs, outputs).entries())
      sameBits(values, alone[n], `${what}, 64-bit memory`);
  want.forEach((values, n) => {
    assert.is(alone[n].length, values.length);
    for (let i = 0; i < values.length; i++) {
      const [got, expected] = [alone[n][i], values[i]];
      if (!Object.is(shared[n][i], got))
        throw new Error(`${what}: element ${i} is ${got} on one thread, ${shared[n][i]} on two`);
      if (
        !(
          Object.is(got, expected) ||
          got === expected ||
          Math.abs(got - expected) <= 3e-6 * scale + 1e-5 * Math.abs(expected)
        )
      )
        throw new Error(`${what}: element ${i} is ${got}, on reference ${expected}`);
    }
  });
}

/**
 * Where a convolution gets numbers that are not finite or are nearly too large for float32.
 * `inputs` are the inputs and the incoming gradient. `everywhere` adds the weights.
 */
type Special = 'nowhere' | 'inputs' | 'everywhere';

/**
 * Checks a convolution and its two gradients. With `thin`, the operands that may be sparse are
 * sparse. `tolerance` is the error that is allowed, as a multiple of a direct convolution's.
 */
function checkConvolution(geometry: Conv2dGeometry, thin: boolean, special: Special, tolerance = 1): void {
  const { batch, height, width, inChannels, outChannels, groups } = geometry;
  const image: Shape = [batch, height.input, width.input, inChannels];
  const result: Shape = [batch, height.output, width.output, outChannels];
  const weights: Shape = [height.kernel, width.kernel, inChannels / groups, outChannels];
  const make = thin ? sparse : dense;
  const [x, w, g] = [make(...image), dense(...weights), make(...result)];
  const plain = dense(...image);
  // If a weight is not finite, a kernel may choose another path before it reads any input.
  if (special === 'everywhere') w.data[w.data.length >> 1] = Number.NaN;
  const what = JSON.stringify({ geometry, thin, special });
  if (special !== 'nowhere') {
    plain.data[plain.data.length >> 1] = Number.POSITIVE_INFINITY;
    x.data[0] = 3e38;
    g.data[g.data.length - 1] = Number.NEGATIVE_INFINITY;
  }
  const of = (shape: Shape): Spec[] => [{ shape, dtype: 'float32' }];
  const depth = tolerance * Math.sqrt(height.kernel * width.kernel);
  const sums = tolerance * Math.sqrt(batch * height.output * width.output);
  check(
    `conv2d ${what}`,
    'conv2d',
    [x, w, dense(outChannels)],
    { geometry },
    of(result),
    depth * Math.sqrt(inChannels / groups),
  );
  check(
    `conv2dInputGrad ${what}`,
    'conv2dInputGrad',
    [g, w, dense(inChannels)],
    { geometry },
    of(image),
    depth * Math.sqrt(outChannels / groups),
  );
  check(`conv2dWeightGrad ${what}`, 'conv2dWeightGrad', [plain, g], { geometry }, of(weights), sums);
  if (!thin) return;
  const full = dense(...result);
  if (special !== 'nowhere') full.data[full.data.length >> 1] = Number.NaN;
  check(`conv2dWeightGrad of a sparse x ${what}`, 'conv2dWeightGrad', [x, full], { geometry }, of(weights), sums);
}

const paddings: readonly Padding[] = [
  'same',
  'valid',
  1,
  [2, 0],
  [
    [2, 0],
    [0, 1],
  ],
];
function geometry(
  batch: number,
  h: number,
  w: number,
  channels: readonly [number, number],
  kernel: readonly [number, number],
  rest: Partial<{ stride: [number, number]; dilation: [number, number]; groups: number }>,
): Conv2dGeometry | null {
  const { stride = [1, 1], dilation = [1, 1], groups = 1 } = rest;
  try {
    const window = window2d('test', h, w, { kernelSize: kernel, stride, dilation, padding: pick(paddings) });
    return { batch, inChannels: channels[0], outChannels: channels[1], groups, ...window };
  } catch {
    return null;
  }
}

test('convolutions of every kind: odd channels, strides, dilation, groups, tiny and wide images', () => {
  let done = 0;
  while (done < 120) {
    const groups = pick([1, 1, 1, 2, 3]);
    const channels = [pick([1, 2, 3, 5, 16, 17]) * groups, pick([1, 2, 3, 4, 8, 17, 40]) * groups] as const;
    const shape = [pick([1, 2, 9]), pick([1, 5, 9]), pick([1, 6, 13, 70])] as const;
    const rest = {
      stride: [pick([1, 1, 2, 3]), pick([1, 2, 3])] as [number, number],
      dilation: [pick([1, 2]), pick([1, 1, 2])] as [number, number],
      groups,
    };
    const made = geometry(...shape, channels, [pick([1, 2, 3, 5]), pick([1, 3, 5])], rest);
    if (made === null) continue;
    checkConvolution(made, false, 'nowhere');
    done++;
  }
});

const specials: readonly Special[] = ['nowhere', 'inputs', 'nowhere', 'everywhere'];

test('3×3 convolutions by Winograd, where a number is not finite too', () => {
  for (let i = 0; i < 24; i++) {
    const made = geometry(
      pick([3, 5]),
      pick([16, 17, 19]),
      pick([21, 32, 34]),
      [pick([20, 36, 64]), pick([16, 20, 48])],
      [3, 3],
      {},
    ) as Conv2dGeometry;
    // Its greatest error is three times a direct convolution's (docs/decisions/0008).
    checkConvolution(made, false, specials[i % 4], 3);
  }
});

test('convolutions over lists of what is not zero, where a number is not finite too', () => {
  for (let i = 0; i < 24; i++) {
    const made = geometry(
      pick([1, 3]),
      pick([5, 10, 13]),
      pick([10, 33]),
      [pick([16, 17, 32, 40]), pick([8, 20, 32, 64])],
      pick([
        [3, 3],
        [1, 1],
        [5, 5],
        [2, 3],
      ] as const),
      {
        dilation: pick([
          [1, 1],
          [2, 2],
        ] as [number, number][]),
        stride: pick([
          [1, 1],
          [1, 1],
          [2, 2],
        ] as [number, number][]),
      },
    );
    if (made !== null) checkConvolution(made, true, specials[i % 4]);
  }
  // Their weights have more than a megabyte, so that threads share the columns.
  // An unpooled x writes the gradient of the first directly, and of the second by way of a part.
  for (const channels of [
    [96, 112],
    [100, 110],
  ] as const)
    for (const special of ['nowhere', 'inputs'] as const)
      checkConvolution(geometry(2, 7, 11, channels, [5, 5], {}) as Conv2dGeometry, true, special);
});

test('convolutions of few pixels by a large weight, where a number is not finite too', () => {
  for (const [[h, w], channels, kernel, rest] of [
    [[3, 5], [62, 301], [3, 3], {}],
    [[3, 5], [62, 301], [3, 3], { dilation: [2, 1] }],
    [[7, 6], [96, 72], [5, 5], { stride: [2, 3] }],
    [[2, 3], [700, 210], [1, 1], {}],
    [[7, 7], [64, 160], [7, 7], {}],
  ] as const)
    for (const special of ['nowhere', 'inputs', 'everywhere'] as const) {
      const options = rest as Parameters<typeof geometry>[5];
      // Their sums are longer than those of the other tests.
      checkConvolution(geometry(2, h, w, channels, kernel, options) as Conv2dGeometry, false, special, 2);
    }
});

test('depthwise convolutions, and one channel to one', () => {
  for (let i = 0; i < 40; i++) {
    const channels = pick([1, 4, 7, 16, 19, 33]);
    const made = geometry(
      pick([1, 2, 9]),
      pick([1, 5, 13]),
      pick([5, 14, 33]),
      [channels, channels],
      pick([
        [3, 3],
        [1, 4],
        [5, 5],
      ] as const),
      {
        groups: channels,
        stride: pick([
          [1, 1],
          [2, 1],
          [3, 2],
        ] as [number, number][]),
        dilation: pick([
          [1, 1],
          [2, 1],
        ] as [number, number][]),
      },
    );
    if (made !== null) checkConvolution(made, false, 'nowhere');
  }
});

test('reductions that threads share', () => {
  for (const [shape, axes] of [
    [[70_001], [0]],
    [[3, 40_000], [1]],
    [
      [5, 40, 40, 17],
      [0, 1, 2],
    ],
    [[40, 33, 40], [1]],
    [
      [9, 50, 7, 11],
      [0, 2],
    ],
  ] as const)
    for (const fn of ['sum', 'max', 'min'] as const) {
      const kept = shape.filter((_, i) => !(axes as readonly number[]).includes(i));
      check(`${fn} of ${shape} over ${axes}`, 'reduce', [dense(...shape)], { fn, axes }, [
        { shape: kept, dtype: 'float32' },
      ]);
    }
  check('argmax', 'argReduce', [dense(30, 40, 50)], { fn: 'argmax', axis: 1 }, [{ shape: [30, 50], dtype: 'int32' }]);
});

test('elementwise kernels on long arrays and broadcasts', () => {
  const shape = [41, 1031];
  const spec: Spec[] = [{ shape, dtype: 'float32' }];
  for (const fn of ['exp', 'sigmoid', 'tanh', 'softplus', 'gelu', 'relu', 'erf'] as const)
    check(fn, 'unary', [dense(...shape)], { fn, alpha: 0, beta: 0 }, spec);
  // These inputs exceed the range of the exponential on both sides, in every lane of a vector.
  const far: Input = {
    data: Float32Array.from({ length: 4000 }, (_, i) => (i - 2000) / 10),
    spec: { shape: [4000], dtype: 'float32' },
  };
  for (const fn of ['exp', 'sigmoid', 'silu', 'tanh', 'softplus', 'gelu', 'erf'] as const)
    check(`${fn} far out`, 'unary', [far], { fn, alpha: 0, beta: 0 }, [far.spec]);
  for (const fn of ['sigmoid', 'tanh', 'softplus', 'silu'] as const)
    check(`gradient of ${fn}`, 'unaryGrad', [dense(...shape), dense(...shape)], { fn }, spec);
  for (const other of [shape, [1031], [41, 1], [1]])
    check(`mul by ${other}`, 'binary', [dense(...shape), dense(...other)], { fn: 'mul' }, spec);
  check('bceWithLogits', 'bceWithLogits', [dense(...shape), dense(...shape)], { posWeight: 2.5 }, spec);
  check(
    'bceWithLogitsGrad',
    'bceWithLogitsGrad',
    [dense(...shape), dense(...shape), dense(...shape)],
    { posWeight: 2.5 },
    spec,
  );
});

test('pools, unpooling and gathers on images that threads share', () => {
  for (const channels of [3, 17, 32])
    for (const [kernel, stride] of [
      [2, 2],
      [3, 2],
      [2, 3],
    ] as const) {
      const window = window2d('test', 23, 30, {
        kernelSize: [kernel, kernel],
        stride: [stride, stride],
        dilation: [1, 1],
        padding: 'same',
      });
      const made = { batch: 4, channels, ...window };
      const small = [4, window.height.output, window.width.output, channels];
      const large = [4, 23, 30, channels];
      const float = (shape: Shape): Spec => ({ shape, dtype: 'float32' });
      const x = dense(...large);
      const holed: Input = { ...x, data: Float32Array.from(x.data, (v) => (v > 1 ? Number.NaN : v)) };
      for (const nan of ['propagate', 'tf', 'ignore'] as const)
        for (const image of [x, holed])
          check(`maxPool2d ${nan}`, 'maxPool2d', [image], { geometry: made, nan }, [
            float(small),
            { shape: small, dtype: 'int32' },
          ]);
      const [values, where] = run(reference, 'maxPool2d', [x], { geometry: made, nan: 'propagate' }, [
        float(small),
        { shape: small, dtype: 'int32' },
      ]);
      const pooled: Input[] = [
        { data: values, spec: float(small) },
        { data: where, spec: { shape: small, dtype: 'int32' } },
      ];
      check('maxUnpool2d', 'maxUnpool2d', pooled, { geometry: made }, [float(large)]);
      check(
        'maxUnpool2d by any indices',
        'maxUnpool2d',
        [pooled[0], indices(23 * 30, ...small)],
        { geometry: null },
        [float(large)],
        4,
      );
      check('planeGather', 'planeGather', [x, pooled[1]], {}, [float(small)]);
      // These indices lie outside of the plane, some of them outside of the whole memory. Kernels
      // must not access those places.
      const far: Input = {
        ...pooled[1],
        data: Int32Array.from(where, (v, i) =>
          i % 7 === 0 ? pick([-1, 23 * 30, 2 ** 31 - 1, -(2 ** 31), 2 ** 28, -5000]) : v,
        ),
      };
      check('planeGather, some outside', 'planeGather', [x, far], {}, [float(small)]);
      check('maxUnpool2d, some outside', 'maxUnpool2d', [pooled[0], far], { geometry: null }, [float(large)], 4);
      for (const which of ['first', 'last', 'max'] as const)
        for (const [at, known] of [
          [pooled[1], made],
          [indices(23 * 30, ...small), null],
          [far, null],
        ] as const) {
          const attrs = { pick: which, geometry: known, pixels: 23 * 30 };
          check(`unpoolPick ${which}`, 'unpoolPick', [pooled[0], at], attrs, [{ shape: small, dtype: 'bool' }]);
        }
      check('avgPool2d', 'avgPool2d', [x], { geometry: made, divisor: 7 }, [float(small)]);
      check('avgPool2dGrad', 'avgPool2dGrad', [pooled[0]], { geometry: made, divisor: 0 }, [float(large)]);
    }
});

test('rows by index on arrays that threads share, where some indices lie outside', () => {
  for (const [outer, length, count, inner] of [
    [1, 700, 500, 130],
    [9, 40, 60, 33],
    [50, 30, 40, 1],
  ]) {
    const some = indices(length, count);
    for (let i = 0; i < count; i += 5) some.data[i] = pick([-1, length, 2 ** 31 - 1, -(2 ** 31), -700]);
    const float = (rows: number): Spec => ({ shape: [outer, rows, inner], dtype: 'float32' });
    check('indexSelect', 'indexSelect', [dense(outer, length, inner), some], { axis: 1 }, [float(count)]);
    check('indexAdd', 'indexAdd', [dense(outer, count, inner), some], { axis: 1 }, [float(length)], 4);
  }
});

test('columns joined and split, of few arrays and more, narrow and wide ones', () => {
  const widths = [1, 2, 3, 4, 5, 6, 15, 16, 17, 130, 1100];
  for (let i = 0; i < 60; i++) {
    const inner = pick([1, 1, 3]);
    const parts = Array.from({ length: pick([2, 2, 3, 4, 5, 9]) }, () => pick(i % 5 === 0 ? [0, ...widths] : widths));
    const total = parts.reduce((a, b) => a + b, 0);
    const outer = pick([1, 2, 63, Math.ceil(70_000 / (Math.max(total, 1) * inner))]);
    const what = `${parts} of ${outer} × ${inner}`;
    const make = i % 7 === 0 ? (...shape: number[]) => indices(1000, ...shape) : dense;
    const narrow = parts.map((n) => make(outer, n, inner));
    const wide = make(outer, total, inner);
    const starts = parts.map((_, k) => parts.slice(0, k).reduce((a, b) => a + b, 0));
    check(`concat of ${what}`, 'concat', narrow, { axis: 1 }, [wide.spec]);
    const left = parts.map((_, k) => k).filter((k) => i % 3 > 0 || k !== 1);
    const some = { axis: 1, starts: left.map((k) => starts[k]) };
    check(
      `split into ${left.length} of ${what}`,
      'split',
      [wide],
      some,
      left.map((k) => narrow[k].spec),
    );
  }
});

test('rows joined and cut apart, of widths that are copied by sixteens and others', () => {
  for (const [left, right] of [
    [16, 16],
    [32, 16],
    [3, 16],
    [48, 128],
  ]) {
    const [a, b] = [dense(700, left), dense(700, right)];
    const joined: Spec = { shape: [700, left + right], dtype: 'float32' };
    check(`concat ${left} and ${right}`, 'concat', [a, b], { axis: 1 }, [joined]);
    const cut = { starts: [0, left], steps: [1, 1] };
    check(`slice ${right} of ${left + right}`, 'slice', [dense(...joined.shape)], cut, [b.spec]);
  }
});

test('normalisation of many shapes: moments, application, gradients', () => {
  const of = (...shape: number[]): Spec => ({ shape, dtype: 'float32' });
  for (let i = 0; i < 40; i++) {
    const [inner, groups] = [pick([1, 1, 2, 3, 4, 5, 16, 17, 33]), pick([1, 2, 3, 4, 8, 16, 19])];
    const grouping = { outer: pick([1, 1, 2, 5]), positions: pick([1, 2, 7, 65, 700]), groups, inner };
    if (i % 8 === 7) Object.assign(grouping, { outer: 900, positions: 1 });
    const { outer, positions } = grouping;
    if (positions * inner < 2) continue;
    const columns = groups * inner;
    const what = JSON.stringify(grouping);
    const x = dense(outer, positions, columns);
    const [statistic, single, list] = [of(2, outer, groups), of(outer, groups), of(columns)];
    const [mean, variance] = run(reference, 'moments', [x], { grouping }, [statistic, single]);
    const given = [
      { data: mean, spec: statistic },
      { data: variance, spec: single },
    ];
    check(`variance ${what}`, 'moments', [x], { grouping }, [statistic, single], 2);
    const [scale, shift, g] = [dense(columns), dense(columns), dense(outer, positions, columns)];
    // If a group has only a few elements, which are nearly equal, its gradients are as large as one
    // over their standard deviation.
    const steep = 1 / Math.sqrt(Math.min(...variance) + 1e-5);
    const attrs = { grouping, eps: 1e-5 };
    check(`plain ${what}`, 'normalize', [x, ...given], attrs, [x.spec], 8 + steep);
    check(`affine ${what}`, 'normalize', [x, ...given, scale, shift], attrs, [x.spec], 8 + steep);
    const long = Math.sqrt(outer * positions);
    for (const fixed of [false, true]) {
      const more = { ...attrs, fixed };
      check(`gradient ${what}`, 'normalizeGrad', [g, x, ...given], more, [x.spec], (8 + steep) * (1 + steep));
      const wanted = [x.spec, list, list];
      check(
        `gradients ${what}`,
        'normalizeGrad',
        [g, x, ...given, scale],
        more,
        wanted,
        (8 + steep) * (1 + steep) + 8 * long,
      );
    }
  }
});

test('products of matrices', () => {
  for (let i = 0; i < 24; i++) {
    const [m, k, n] = [pick([1, 17, 100]), pick([1, 33, 300]), pick([1, 5, 40])];
    const [transposeA, transposeB] = [pick([true, false]), pick([true, false])];
    const a = transposeA ? [2, k, m] : [2, m, k];
    const b = transposeB ? [n, k] : [k, n];
    check(
      `${a}·${b} ${transposeA} ${transposeB}`,
      'matmul',
      [dense(...a), dense(...b)],
      { transposeA, transposeB },
      [{ shape: [2, m, n], dtype: 'float32' }],
      Math.sqrt(k),
    );
  }
});

test('masks are drawn to the same bits, and leave the generator where the host does', () => {
  for (const [skip, size, rate] of [
    [0, 1, 0.5],
    [1, 5, 0.5],
    [3, 312, 0.3],
    [7, 1000, 0.1],
    [0, 624, 0.5],
    [11, 30_003, 0.77],
  ] as const) {
    const [host, own] = [new RandomState(3), new RandomState(3)];
    // A random number takes two words of the generator, which makes its words in blocks. After an
    // odd number of words, the two words of some number lie in different blocks.
    for (const state of [host, own]) state.randint(0, 256, skip);
    const want = dropout(ones([size], { device: reference }), { rate, random: host }).dataSync();
    const got = dropout(ones([size], { device: two }), { rate, random: own }).dataSync();
    assert.equal(got, want);
    assert.is(own.random(), host.random());
  }
});

test('a mask compares all 53 bits of what is drawn with the rate', () => {
  // The rate equals the number that is drawn for one element. The element is kept, because its
  // number is not below the rate. For all other elements the first bits decide.
  for (const skip of [0, 1])
    for (let k = 0; k < 12; k++) {
      const generator = (): RandomState => {
        const state = new RandomState(29);
        state.randint(0, 256, skip);
        return state;
      };
      const rate = generator().rand(k + 1)[k];
      // Elements are drawn four at a time. If the size is no multiple of four, the last ones are
      // drawn one at a time.
      for (const size of [12, k + 1]) {
        const masked = (limit: number): TypedArray =>
          dropout(ones([size], { device: two }), { rate: limit, random: generator() }).dataSync();
        assert.ok(masked(rate)[k] > 0, `element ${k} of ${size} at rate ${rate}`);
        assert.is(masked(rate + 2 ** -53)[k], 0, `element ${k} of ${size} at a rate one step above ${rate}`);
      }
    }
});

test('sums over no products are exactly 0', () => {
  for (const [channels, kernel, groups] of [
    [3, 3, 1],
    [8, 3, 1],
    [16, 5, 1],
    [6, 3, 2],
    [16, 3, 16],
  ] as const) {
    const window = window2d('test', 12, 13, {
      kernelSize: [kernel, kernel],
      stride: [1, 1],
      dilation: [1, 1],
      padding: 'same',
    });
    const geometry = { batch: 2, inChannels: channels, outChannels: channels, groups, ...window };
    const image: Shape = [2, 12, 13, channels];
    const zero: Input = { ...dense(...image), data: new Float32Array(sizeOf(image)) };
    const weight = dense(kernel, kernel, channels / groups, channels);
    const all: [string, TypedArray][] = [one, two].flatMap((on) => [
      ['conv2d', run(on, 'conv2d', [zero, weight], { geometry }, [zero.spec])[0]],
      ['conv2dInputGrad', run(on, 'conv2dInputGrad', [zero, weight], { geometry }, [zero.spec])[0]],
      ['conv2dWeightGrad', run(on, 'conv2dWeightGrad', [zero, dense(...image)], { geometry }, [weight.spec])[0]],
    ]);
    for (const [kernelName, values] of all)
      assert.ok(
        values.every((v) => v === 0),
        `${kernelName} of ${channels} channels`,
      );
  }
});

test('3×3 convolutions with one infinity, wherever it lies in the tiles', () => {
  const window = window2d('test', 16, 21, { kernelSize: [3, 3], stride: [1, 1], dilation: [1, 1], padding: 'same' });
  // This geometry has enough products for Winograd to be chosen.
  const geometry = { batch: 3, inChannels: 16, outChannels: 32, groups: 1, ...window };
  const weight = dense(3, 3, 16, 32);
  const result: Spec = { shape: [3, 16, 21, 32], dtype: 'float32' };
  for (let i = 0; i < 20; i++) {
    const image = dense(3, 16, 21, 16);
    const [y, x] = i < 16 ? [4 + (i >> 2), 6 + (i % 4)] : [i % 2 === 0 ? 0 : 15, i < 18 ? 0 : 20];
    image.data[(y * 21 + x) * 16 + (i % 16)] = i % 3 === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    check(`infinity at ${y}, ${x}`, 'conv2d', [image, weight], { geometry }, [result], 12);
  }
});

test('3×3 convolutions with the least float at the edge of a tile', () => {
  const window = window2d('test', 16, 21, { kernelSize: [3, 3], stride: [1, 1], dilation: [1, 1], padding: 'same' });
  const geometry = { batch: 3, inChannels: 16, outChannels: 32, groups: 1, ...window };
  const weight = { ...dense(3, 3, 16, 32), data: new Float32Array(9 * 16 * 32).fill(0.25) };
  // Tiles begin at odd rows and columns, the first of them one before the image. The loops put the
  // least float into the first column of each tile in turn. Its neighbour is just small enough for
  // Winograd, but their difference overflows. The convolution itself does not overflow.
  // A thread takes several tiles together. If one of them is unfit for Winograd, the thread
  // computes all of them directly. So the test must also reach the first tile that a thread takes.
  // No other tile of that thread contains the least float there, so this tile alone must be found
  // unfit.
  const [corner, neighbour] = [-3.4028234e38, 1.3e36];
  for (let y = 1; y < 13; y++)
    for (let x = 1; x < 17; x += 2) {
      const image = dense(3, 16, 21, 16);
      for (let n = 0; n < 3; n++) {
        image.data[((n * 16 + y) * 21 + x) * 16] = corner;
        image.data[((n * 16 + y) * 21 + x + 2) * 16] = neighbour;
      }
      const [got] = run(one, 'conv2d', [image, weight], { geometry }, [{ shape: [3, 16, 21, 32], dtype: 'float32' }]);
      for (let n = 0; n < 3; n++) {
        const near = got[((n * 16 + y + 1) * 21 + x + 1) * 32];
        // All other terms of the sum are smaller than its rounding error.
        assert.ok(Math.abs(near / (0.25 * (corner + neighbour)) - 1) < 1e-6, `corner ${n}, ${y}, ${x}: ${near}`);
      }
    }
});

test('3×3 convolutions of zeros to many channels without a bias are exactly 0', () => {
  // The 512 columns are 32 blocks. For each block the kernel must take zeros in place of the bias.
  const window = window2d('test', 16, 21, { kernelSize: [3, 3], stride: [1, 1], dilation: [1, 1], padding: 'same' });
  const geometry = { batch: 1, inChannels: 16, outChannels: 512, groups: 1, ...window };
  const zero: Input = { ...dense(1, 16, 21, 16), data: new Float32Array(16 * 21 * 16) };
  const result: Spec = { shape: [1, 16, 21, 512], dtype: 'float32' };
  const [got] = run(two, 'conv2d', [zero, dense(3, 3, 16, 512)], { geometry }, [result]);
  assert.ok(got.every((v) => v === 0));
});

test('means of windows of more than 16 cells', () => {
  for (const channels of [3, 8, 17])
    for (const divisor of [30, 0, -7]) {
      const window = window2d('test', 14, 15, { kernelSize: [5, 6], stride: [2, 3], dilation: [1, 1], padding: 2 });
      const geometry = { batch: 2, channels, ...window };
      const small: Shape = [2, window.height.output, window.width.output, channels];
      const large: Shape = [2, 14, 15, channels];
      const float = (shape: Shape): Spec[] => [{ shape, dtype: 'float32' }];
      check('avgPool2d', 'avgPool2d', [dense(...large)], { geometry, divisor }, float(small));
      check('avgPool2dGrad', 'avgPool2dGrad', [dense(...small)], { geometry, divisor }, float(large));
    }
});

test("Adam's kernel over parameters that threads share", () => {
  for (const form of ['torch', 'tf'] as const)
    for (const amsgrad of [false, true])
      for (const decoupled of [false, true]) {
        const sizes = [5, 70_001, 1, 40_000];
        const parts = amsgrad ? 5 : 4;
        const inputs = sizes.flatMap((size) =>
          Array.from({ length: parts }, (_, k) => {
            const drawn = dense(size);
            // Moments of squares are never negative.
            return k < 3 ? drawn : { ...drawn, data: Float32Array.from(drawn.data, (v) => v * v) };
          }),
        );
        const outputs = sizes.flatMap((size) =>
          Array.from({ length: parts - 1 }, (): Spec => ({ shape: [size], dtype: 'float32' })),
        );
        const attrs = {
          form,
          lr: 0.01,
          beta1: 0.9,
          beta2: 0.99,
          eps: 1e-3,
          weightDecay: 0.1,
          decoupled,
          amsgrad,
          step: 3,
        };
        check(`adam ${form} ${amsgrad} ${decoupled}`, 'adam', inputs, attrs, outputs);
      }
});

test('a freed buffer is refused', () => {
  const buffer = one.upload(allocate('float32', 4), 'float32');
  one.free(buffer);
  assert.throws(
    () => one.readSync(buffer),
    /^read: the buffer must not have been freed; got a freed float32 buffer of 4 elements/,
  );
});

test.run();
