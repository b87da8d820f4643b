/**
 * The calls that TensorFlow.js judges: families of calls, each with a generator of geometries. Not
 * here: the source of TensorFlow.js and the comparison of results (tensorflow.ts).
 */
import fc from 'fast-check';
import type { Tensor } from '../../src/index.js';
import * as c from '../../src/index.js';

/** A tensor of TensorFlow.js, as far as it is used here. */
export interface TfTensor {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
  reshape(shape: readonly number[]): TfTensor;
}
type TfOp = (...args: unknown[]) => TfTensor;
/** TensorFlow.js, as far as it is used here. */
export interface Tf {
  readonly [op: string]: TfOp;
}

type Shape = readonly number[];
/** Where an input's values lie. */
export type Domain = 'normal' | 'positive' | 'away' | 'unit' | { readonly below: number };

export interface Case {
  readonly inputs: readonly { readonly shape: Shape; readonly domain: Domain }[];
  readonly tf: (tf: Tf, ...inputs: TfTensor[]) => TfTensor | readonly TfTensor[];
  readonly ours: (...inputs: Tensor[]) => Tensor | readonly Tensor[];
  /**
   * The reason why no gradient is compared: 'none' if neither library has one, else what
   * TensorFlow.js lacks.
   */
  readonly noGradient?: string;
  /** Whether results are sums of products, whose rounding is that of the largest. */
  readonly accumulates?: boolean;
  /** The geometry, for messages. */
  readonly what: string;
}
export interface Family {
  /** The functions here. */
  readonly name: string;
  readonly cases: fc.Arbitrary<Case>;
  /** How many, as a share of the usual number. */
  readonly share: number;
}

const families: Family[] = [];
function family<T>(
  name: string,
  geometry: fc.Arbitrary<T>,
  make: (g: T) => Omit<Case, 'what'> | null,
  share = 1,
): void {
  const cases = geometry
    .map((g): Case | null => {
      const made = make(g);
      return made === null ? null : { ...made, what: JSON.stringify(g) };
    })
    .filter((made): made is Case => made !== null);
  families.push({ name, cases, share });
}
const size = (most: number, least = 1): fc.Arbitrary<number> => fc.integer({ min: least, max: most });
const pairOf = (most: number): fc.Arbitrary<[number, number]> => fc.tuple(size(most), size(most));
const normal = (...shape: number[]) => ({ shape, domain: 'normal' as Domain });

// ---- windows

type Pads = readonly [readonly [number, number], readonly [number, number]];
const named = fc.constantFrom('same' as const, 'valid' as const);
const explicit = fc.tuple(fc.tuple(size(2, 0), size(2, 0)), fc.tuple(size(2, 0), size(2, 0)));
const tfPads = (padding: 'same' | 'valid' | Pads): unknown =>
  typeof padding === 'string' ? padding : [[0, 0], padding[0], padding[1], [0, 0]];
const spans = (kernel: number, dilation: number): number => (kernel - 1) * dilation + 1;
/** Whether a window fits into a padded image. */
const fits = (image: Shape, kernel: Shape, dilation: Shape, padding: 'same' | 'valid' | Pads): boolean =>
  padding === 'same' ||
  [0, 1].every((i) => {
    const pads = padding === 'valid' ? [0, 0] : padding[i];
    return spans(kernel[i], dilation[i]) <= image[i] + pads[0] + pads[1];
  });
const noDilatedGradient = 'TensorFlow.js has no gradient with dilation';

const convolution = fc.record({
  batch: size(3),
  image: pairOf(9),
  channels: size(4),
  out: size(4),
  kernel: pairOf(4),
  stride: pairOf(3),
  dilation: pairOf(3),
  padding: fc.oneof(named, explicit),
});
family(
  'conv2d',
  convolution,
  ({ batch, image, channels, out, kernel, stride, dilation: asked, padding }) => {
    // TensorFlow.js takes a stride or a dilation, not both.
    const dilation: [number, number] = stride.every((s) => s === 1) ? asked : [1, 1];
    if (!fits(image, kernel, dilation, padding)) return null;
    return {
      inputs: [normal(batch, ...image, channels), normal(...kernel, channels, out)],
      tf: (tf, x, w) => tf.conv2d(x, w, stride, tfPads(padding), 'NHWC', dilation),
      ours: (x, w) => c.conv2d(x, w, { stride, dilation, padding }),
      noGradient: dilation.some((d) => d > 1) ? noDilatedGradient : undefined,
      accumulates: true,
    };
  },
  2,
);
family(
  'conv2d, depthwise',
  convolution,
  ({ batch, image, channels, out, kernel, stride, dilation: asked, padding }) => {
    const dilation: [number, number] = stride.every((s) => s === 1) ? asked : [1, 1];
    if (!fits(image, kernel, dilation, padding)) return null;
    return {
      inputs: [normal(batch, ...image, channels), normal(...kernel, channels, out)],
      tf: (tf, x, w) => tf.depthwiseConv2d(x, w, stride, tfPads(padding), 'NHWC', dilation),
      ours: (x, w) =>
        c.conv2d(x, w.reshape([...kernel, 1, channels * out]), { stride, dilation, padding, groups: channels }),
      noGradient: dilation.some((d) => d > 1) ? noDilatedGradient : undefined,
      accumulates: true,
    };
  },
);
family(
  'conv2dTranspose',
  fc.record({ ...shapeOfTranspose() }),
  ({ batch, image, channels, out, kernel, stride, padding, extra }) => {
    const outputSize = [0, 1].map((i) => {
      const least = padding === 'same' ? (image[i] - 1) * stride[i] + 1 : (image[i] - 1) * stride[i] + kernel[i];
      return least + (extra[i] % stride[i]);
    }) as [number, number];
    return {
      inputs: [normal(batch, ...image, channels), normal(...kernel, out, channels)],
      tf: (tf, x, w) => tf.conv2dTranspose(x, w, [batch, ...outputSize, out], stride, padding),
      ours: (x, w) => c.conv2dTranspose(x, w, { stride, padding, outputSize }),
      accumulates: true,
    };
  },
);
function shapeOfTranspose() {
  return {
    batch: size(3),
    image: pairOf(5),
    channels: size(3),
    out: size(3),
    kernel: pairOf(4),
    stride: pairOf(3),
    padding: named,
    extra: fc.tuple(size(2, 0), size(2, 0)),
  };
}

const pool = fc.record({
  batch: size(3),
  image: pairOf(9),
  channels: size(3),
  kernel: pairOf(4),
  stride: pairOf(4),
  padding: fc.oneof(named, explicit),
});
/** Whether the window fits, and cannot hold nothing but padding, which is an error here. */
const poolable = (image: Shape, kernel: Shape, padding: 'same' | 'valid' | Pads): boolean =>
  fits(image, kernel, [1, 1], padding) &&
  (typeof padding === 'string' || padding.every((pads, i) => pads.every((n) => n < kernel[i])));
family('maxPool2d', pool, ({ batch, image, channels, kernel, stride, padding }) => {
  if (!poolable(image, kernel, padding)) return null;
  return {
    inputs: [normal(batch, ...image, channels)],
    tf: (tf, x) => tf.maxPool(x, kernel, stride, tfPads(padding)),
    ours: (x) => c.maxPool2d(x, { kernelSize: kernel, stride, padding })[0],
  };
});
family('avgPool2d', pool, ({ batch, image, channels, kernel, stride, padding }) => {
  if (!poolable(image, kernel, padding)) return null;
  return {
    inputs: [normal(batch, ...image, channels)],
    tf: (tf, x) => tf.avgPool(x, kernel, stride, tfPads(padding)),
    ours: (x) => c.avgPool2d(x, { kernelSize: kernel, stride, padding, countIncludePad: false }),
    noGradient: padding === 'valid' ? undefined : "TensorFlow.js's gradient counts padding that its mean leaves out",
    accumulates: true,
  };
});
family(
  'maxPool2d with indices',
  fc.record({ ...poolShape(), padding: named, withBatch: fc.boolean() }),
  ({ batch, image, channels, kernel, stride, padding, withBatch }) => {
    if (!fits(image, kernel, [1, 1], padding)) return null;
    return {
      inputs: [normal(batch, ...image, channels)],
      tf: (tf, x) => {
        const { result, indexes } = tf.maxPoolWithArgmax(x, kernel, stride, padding, withBatch) as unknown as {
          result: TfTensor;
          indexes: TfTensor;
        };
        return [result, indexes];
      },
      ours: (x) => {
        const [values, indices] = c.maxPool2d(x, { kernelSize: kernel, stride, padding });
        const counted = indices.to(withBatch ? 'tf-batch' : 'tf').dataSync();
        return [values, c.tensor(Int32Array.from(counted), { shape: values.shape, device: x.device })];
      },
      noGradient: 'TensorFlow.js has no gradient of maxPoolWithArgmax',
    };
  },
);
function poolShape() {
  return { batch: size(3), image: pairOf(9), channels: size(3), kernel: pairOf(4), stride: pairOf(4) };
}

family(
  'resize2d',
  fc.record({
    batch: size(2),
    image: pairOf(7),
    channels: size(3),
    to: pairOf(12),
    method: fc.constantFrom('bilinear' as const, 'nearest' as const),
    rule: fc.constantFrom('legacy' as const, 'alignCorners' as const, 'halfPixelCenters' as const),
  }),
  ({ batch, image, channels, to, method, rule }) => {
    // TensorFlow.js's CPU backend passes halfPixelCenters over for nearest.
    if (method === 'nearest' && rule === 'halfPixelCenters') return null;
    const [alignCorners, halfPixelCenters] = [rule === 'alignCorners', rule === 'halfPixelCenters'];
    return {
      inputs: [normal(batch, ...image, channels)],
      tf: (tf, x) => {
        const { resizeBilinear, resizeNearestNeighbor } = tf.image as unknown as Tf;
        return (method === 'bilinear' ? resizeBilinear : resizeNearestNeighbor)(x, to, alignCorners, halfPixelCenters);
      },
      ours: (x) => c.resize2d(x, { size: to, method, alignCorners, halfPixelCenters }),
      noGradient: halfPixelCenters
        ? "TensorFlow.js's gradient passes halfPixelCenters over"
        : method === 'bilinear' && image[0] !== image[1]
          ? "TensorFlow.js's gradient has height and width exchanged"
          : method === 'nearest' && batch > 1
            ? "TensorFlow.js's gradient of nearest reads the wrong image of a batch"
            : method === 'nearest' && alignCorners && image.some((n, i) => n === 1 && to[i] > 1)
              ? "TensorFlow.js's gradient does not end for an image of one row or column"
              : undefined,
      accumulates: true,
    };
  },
);

family(
  'upsample2d',
  fc.record({ image: pairOf(4), channels: size(3), scale: pairOf(3) }),
  ({ image, channels, scale }) => ({
    inputs: [normal(1, ...image, channels)],
    tf: (tf, x) => {
      const to = image.map((n, i) => n * scale[i]);
      return (tf.image as unknown as Tf).resizeNearestNeighbor(x, to);
    },
    ours: (x) => c.upsample2d(x, { scale }),
    accumulates: true,
  }),
  0.2,
);

// ---- elementwise and broadcasting

const shape = fc.array(size(5), { minLength: 0, maxLength: 4 });
const unary: readonly (readonly [
  ours: string,
  tf: string,
  domain: Domain,
  fn: (x: Tensor) => Tensor,
  settings?: Partial<Case>,
])[] = [
  ['relu', 'relu', 'away', c.relu],
  ['elu', 'elu', 'away', (x) => c.elu(x)],
  ['sigmoid', 'sigmoid', 'normal', c.sigmoid],
  ['tanh', 'tanh', 'normal', c.tanh],
  ['exp', 'exp', 'normal', c.exp],
  ['log', 'log', 'positive', c.log],
  ['log1p', 'log1p', 'positive', c.log1p],
  ['sqrt', 'sqrt', 'positive', c.sqrt],
  ['abs', 'abs', 'away', c.abs],
  ['neg', 'neg', 'normal', c.neg],
  ['sign', 'sign', 'away', c.sign],
  ['softplus', 'softplus', 'normal', c.softplus],
  ['erf', 'erf', 'normal', c.erf],
];
for (const [ours, name, domain, fn, settings] of unary)
  family(
    ours,
    shape,
    (s) => ({ inputs: [{ shape: s, domain }], tf: (tf, x) => tf[name](x), ours: fn, ...settings }),
    0.1,
  );
family(
  'leakyRelu',
  fc.tuple(shape, fc.constantFrom(0.01, 0.2, 1)),
  ([s, slope]) => ({
    inputs: [{ shape: s, domain: 'away' }],
    tf: (tf, x) => tf.leakyRelu(x, slope),
    ours: (x) => c.leakyRelu(x, slope),
  }),
  0.1,
);
family(
  'clamp',
  fc.tuple(shape, fc.constantFrom(-1, -0.5, 0), fc.constantFrom(0.25, 1)),
  ([s, low, high]) => ({
    inputs: [normal(...s)],
    tf: (tf, x) => tf.clipByValue(x, low, high),
    ours: (x) => c.clamp(x, low, high),
  }),
  0.1,
);

const unsummed = 'TensorFlow.js does not sum this gradient over repeated axes';
/**
 * Two shapes that broadcast. Both derive from a common shape, and either may have 1 at some axes or
 * lack leading axes.
 */
const broadcastable = fc
  .array(fc.tuple(size(4), fc.constantFrom('both', 'both', 'left', 'right')), { minLength: 0, maxLength: 4 })
  .chain((axes) =>
    fc.tuple(size(axes.length, 0), fc.boolean()).map(([cut, left]): [number[], number[]] => {
      const a = axes.map(([n, who]) => (who === 'right' ? 1 : n));
      const b = axes.map(([n, who]) => (who === 'left' ? 1 : n));
      return left ? [a.slice(cut), b] : [a, b.slice(cut)];
    }),
  );
const binary: readonly (readonly [string, string, Domain, Domain, (a: Tensor, b: Tensor) => Tensor])[] = [
  ['add', 'add', 'normal', 'normal', c.add],
  ['sub', 'sub', 'normal', 'normal', c.sub],
  ['mul', 'mul', 'normal', 'normal', c.mul],
  ['div', 'div', 'normal', 'away', c.div],
  ['pow', 'pow', 'positive', 'normal', c.pow],
  ['maximum', 'maximum', 'normal', 'normal', c.maximum],
  ['minimum', 'minimum', 'normal', 'normal', c.minimum],
];
for (const [ours, name, left, right, fn] of binary)
  family(
    ours,
    broadcastable,
    ([a, b]) => ({
      inputs: [
        { shape: a, domain: left },
        { shape: b, domain: right },
      ],
      tf: (tf, x, y) => tf[name](x, y),
      ours: fn,
      noGradient: /imum$/.test(name) && a.join() !== b.join() ? unsummed : undefined,
      accumulates: true,
    }),
    0.5,
  );
for (const [ours, fn] of Object.entries({
  equal: c.equal,
  notEqual: c.notEqual,
  less: c.less,
  lessEqual: c.lessEqual,
  greater: c.greater,
  greaterEqual: c.greaterEqual,
}))
  family(
    ours,
    broadcastable,
    ([a, b]) => ({
      inputs: [
        { shape: a, domain: { below: 3 } },
        { shape: b, domain: { below: 3 } },
      ],
      tf: (tf, x, y) => tf[ours](x, y),
      ours: fn,
      noGradient: 'none',
    }),
    0.1,
  );
family(
  'where',
  broadcastable,
  ([a, b]) => {
    const condition = Uint8Array.from({ length: a.reduce((n, m) => n * m, 1) }, (_, i) => (i % 3 === 0 ? 1 : 0));
    return {
      inputs: [normal(...a), normal(...b)],
      tf: (tf, x, y) => tf.where(tf.tensor(condition, a, 'bool'), x, y),
      ours: (x, y) => c.where(c.tensor(condition, { shape: a, dtype: 'bool', device: x.device }), x, y),
      noGradient: a.join() === b.join() ? undefined : unsummed,
      accumulates: true,
    };
  },
  0.3,
);

// ---- reductions

const reduced = fc.array(size(5), { minLength: 1, maxLength: 4 }).chain((s) =>
  fc.record({
    shape: fc.constant(s),
    axes: fc.subarray(
      s.map((_, i) => i),
      { minLength: 1 },
    ),
    keepDims: fc.boolean(),
  }),
);
for (const [ours, name, fn] of [
  ['sum', 'sum', c.sum],
  ['mean', 'mean', c.mean],
  ['max', 'max', c.max],
  ['min', 'min', c.min],
  ['logsumexp', 'logSumExp', c.logsumexp],
] as const)
  family(
    ours,
    reduced,
    ({ shape: s, axes, keepDims }) => ({
      inputs: [normal(...s)],
      tf: (tf, x) => tf[name](x, axes, keepDims),
      ours: (x) => fn(x, axes, { keepDims }),
      accumulates: true,
    }),
    0.3,
  );
family(
  'variance',
  reduced,
  ({ shape: s, axes, keepDims }) => ({
    inputs: [normal(...s)],
    tf: (tf, x) => (tf.moments(x, axes, keepDims) as unknown as { variance: TfTensor }).variance,
    ours: (x) => c.variance(x, axes, { keepDims, correction: 0 }),
    accumulates: true,
  }),
  0.3,
);
for (const [ours, name, fn] of [
  ['argmax', 'argMax', c.argmax],
  ['argmin', 'argMin', c.argmin],
] as const)
  family(
    ours,
    reduced,
    ({ shape: s, axes }) => ({
      inputs: [{ shape: s, domain: { below: 4 } }],
      tf: (tf, x) => tf[name](x, axes[0]),
      ours: (x) => fn(x, axes[0]),
      noGradient: 'none',
    }),
    0.2,
  );
for (const [ours, name, fn] of [
  ['softmax', 'softmax', c.softmax],
  ['logSoftmax', 'logSoftmax', c.logSoftmax],
] as const)
  family(
    ours,
    fc.array(size(6), { minLength: 1, maxLength: 4 }),
    (s) => ({ inputs: [normal(...s)], tf: (tf, x) => tf[name](x), ours: (x) => fn(x), accumulates: true }),
    0.3,
  );

// ---- products

/** Whether one shape, less its leading ones, is the end of the other. */
function isTail(a: Shape, b: Shape): boolean {
  const bare = (s: Shape): string =>
    s.slice(s.findIndex((n) => n !== 1) === -1 ? s.length : s.findIndex((n) => n !== 1)).join();
  const [x, y] = [`,${bare(a)}`, `,${bare(b)}`];
  return x === ',' || y === ',' || x.endsWith(y) || y.endsWith(x);
}
family(
  'matmul',
  fc.record({ batch: broadcastable, m: size(6), k: size(6), n: size(6), left: fc.boolean(), right: fc.boolean() }),
  ({ batch: [a, b], m, k, n, left, right }) => {
    // For other shapes TensorFlow.js's CPU backend takes the wrong matrices, because it counts them
    // modulo the number of each side.
    if (!isTail(a, b)) return null;
    return {
      inputs: [normal(...a, ...(left ? [k, m] : [m, k])), normal(...b, ...(right ? [n, k] : [k, n]))],
      tf: (tf, x, y) => tf.matMul(x, y, left, right),
      noGradient: a.join() === b.join() ? undefined : unsummed,
      ours: (x, y) => c.matmul(left ? x.transpose() : x, right ? y.transpose() : y),
      accumulates: true,
    };
  },
);

// ---- movement

const ranked = fc.array(size(4), { minLength: 1, maxLength: 4 });
family(
  'permute',
  ranked.chain((s) =>
    fc.tuple(
      fc.constant(s),
      fc.shuffledSubarray(
        s.map((_, i) => i),
        { minLength: s.length },
      ),
    ),
  ),
  ([s, axes]) => ({ inputs: [normal(...s)], tf: (tf, x) => tf.transpose(x, axes), ours: (x) => c.permute(x, axes) }),
  0.2,
);
family(
  'flip',
  ranked.chain((s) => fc.tuple(fc.constant(s), fc.subarray(s.map((_, i) => i)))),
  ([s, axes]) => ({ inputs: [normal(...s)], tf: (tf, x) => tf.reverse(x, axes), ours: (x) => c.flip(x, axes) }),
  0.1,
);
family(
  'pad',
  ranked.chain((s) => fc.tuple(fc.constant(s), fc.tuple(...s.map(() => fc.tuple(size(2, 0), size(2, 0)))))),
  ([s, pads]) => ({
    inputs: [normal(...s)],
    tf: (tf, x) => tf.pad(x, pads, 0.5),
    ours: (x) => c.pad(x, pads, 0.5),
  }),
  0.2,
);
family(
  'slice',
  ranked.chain((s) =>
    fc.tuple(
      fc.constant(s),
      fc.tuple(...s.map((n) => size(n - 1, 0).chain((from) => fc.tuple(fc.constant(from), size(n - from))))),
    ),
  ),
  ([s, ranges]) => ({
    inputs: [normal(...s)],
    tf: (tf, x) =>
      tf.slice(
        x,
        ranges.map(([from]) => from),
        ranges.map(([, count]) => count),
      ),
    ours: (x) => c.slice(x, ...ranges.map(([from, count]): c.Range => [from, from + count])),
  }),
  0.2,
);
family(
  'concat',
  ranked.chain((s) =>
    fc.tuple(fc.constant(s), size(s.length - 1, 0), fc.array(size(3), { minLength: 1, maxLength: 3 })),
  ),
  ([s, axis, sizes]) => ({
    inputs: sizes.map((n) => normal(...s.map((m, i) => (i === axis ? n : m)))),
    tf: (tf, ...all) => tf.concat(all, axis),
    ours: (...all) => c.concat(all, axis),
  }),
  0.2,
);
family(
  'pixelShuffle',
  fc.record({ batch: size(2), image: pairOf(4), channels: size(3), factor: size(3, 2) }),
  ({ batch, image, channels, factor }) => ({
    inputs: [normal(batch, ...image, channels * factor * factor)],
    tf: (tf, x) => tf.depthToSpace(x, factor, 'NHWC'),
    ours: (x) => c.pixelShuffle(x, factor, { order: 'tf' }),
    noGradient: 'TensorFlow.js has no gradient of depthToSpace',
  }),
  0.2,
);
const vectors = fc.array(size(4), { minLength: 1, maxLength: 3 }).chain((s) =>
  size(s.length).chain((depth) =>
    fc.record({
      shape: fc.constant(s),
      indices: fc.array(fc.tuple(...s.slice(0, depth).map((n) => size(n - 1, 0))), { minLength: 1, maxLength: 6 }),
    }),
  ),
);
family(
  'gatherNd',
  vectors,
  ({ shape: s, indices }) => ({
    inputs: [normal(...s)],
    tf: (tf, x) => tf.gatherND(x, tf.tensor(indices, undefined, 'int32')),
    ours: (x) => c.gatherNd(x, indices),
    noGradient: 'TensorFlow.js has no gradient of gatherND',
  }),
  0.3,
);
family(
  'scatterNd',
  vectors,
  ({ shape: s, indices }) => ({
    inputs: [normal(indices.length, ...s.slice(indices[0].length))],
    tf: (tf, x) => tf.scatterND(tf.tensor(indices, undefined, 'int32'), x, s),
    ours: (x) => c.scatterNd(indices, x, s),
    noGradient: 'TensorFlow.js has no gradient of scatterND',
    accumulates: true,
  }),
  0.3,
);

// ---- losses

const reductions = fc.constantFrom('mean' as const, 'sum' as const, 'none' as const);
/** TensorFlow.js's numbers for its reductions. */
const tfReduction = { none: 0, mean: 1, sum: 2 };
const losses = (tf: Tf): Tf => tf.losses as unknown as Tf;
family(
  'bceWithLogits',
  fc.tuple(ranked, reductions),
  ([s, reduction]) => ({
    inputs: [{ shape: s, domain: 'unit' }, normal(...s)],
    tf: (tf, z, x) => losses(tf).sigmoidCrossEntropy(z, x, undefined, 0, tfReduction[reduction]),
    ours: (z, x) => c.bceWithLogits(x, z, { reduction }),
    accumulates: true,
  }),
  0.2,
);
family(
  'mse',
  fc.tuple(ranked, reductions),
  ([s, reduction]) => ({
    inputs: [normal(...s), normal(...s)],
    tf: (tf, t, p) => losses(tf).meanSquaredError(t, p, undefined, tfReduction[reduction]),
    ours: (t, p) => c.mse(p, t, { reduction }),
    accumulates: true,
  }),
  0.2,
);
family(
  'l1',
  fc.tuple(ranked, reductions),
  ([s, reduction]) => ({
    inputs: [normal(...s), normal(...s)],
    tf: (tf, t, p) => losses(tf).absoluteDifference(t, p, undefined, tfReduction[reduction]),
    ours: (t, p) => c.l1(p, t, { reduction }),
    accumulates: true,
  }),
  0.2,
);

export const tensorflowFamilies: readonly Family[] = families;
