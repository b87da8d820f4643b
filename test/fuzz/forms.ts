/**
 * Every exported op, creator, layer and optimizer, each with an arbitrary of valid arguments.
 * Arguments are plain data with described tensors in them (values.ts). A call may still be refused
 * if a geometry does not exist.
 */
import * as c from 'cedargrad';
import fc from 'fast-check';
import {
  axisOf,
  broadcastPair,
  count,
  type Described,
  dimension,
  options,
  shapeOf,
  sizeOf,
  tensorOf,
} from './values.js';

export interface Form {
  readonly name: string;
  readonly args: fc.Arbitrary<unknown[]>;
  // biome-ignore lint/suspicious/noExplicitAny: forms call functions of every type.
  readonly call: (...args: any[]) => unknown;
  /** What one float32 rounding may become, relative to the largest number of the result. */
  readonly slack: number;
  /** Whether the numbers may be anything: results are compared place by place. */
  readonly wild: boolean;
  /** Makes tensors of its own, such as parameters, that stay until they are collected. */
  readonly keeps: boolean;
}
const forms: Form[] = [];
type Settings = Partial<Pick<Form, 'call' | 'slack' | 'wild' | 'keeps'>>;
const exported = c as unknown as Record<string, Form['call']>;
function form(name: string, args: fc.Arbitrary<unknown[]>, settings: Settings = {}): void {
  forms.push({ name, args, call: exported[name], slack: 2e-5, wild: false, keeps: false, ...settings });
}
const tuple = <T extends unknown[]>(...of: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<unknown[]> =>
  fc.tuple(...of);

// ---- elementwise

for (const name of [
  'selu',
  'celu',
  'relu6',
  'hardTanh',
  'hardSigmoid',
  'hardSwish',
  'mish',
  'softsign',
  'logSigmoid',
  'exp',
  'log',
  'log1p',
  'sqrt',
  'abs',
  'sign',
  'neg',
  'relu',
  'gelu',
  'silu',
  'sigmoid',
  'tanh',
  'softplus',
  'erf',
  'isNaN',
  'logicalNot',
  'floor',
  'ceil',
  'round',
  'trunc',
  'expm1',
  'asin',
  'acos',
  'atan',
  'sinh',
  'cosh',
  'asinh',
  'acosh',
  'atanh',
  'log2',
  'log10',
  'reciprocal',
  'square',
  'rsqrt',
  'isFinite',
  'isInf',
])
  form(
    name,
    shapeOf(0, 4).chain((s) => tuple(tensorOf(s, 'extreme'))),
    { wild: true },
  );
// Of huge angles no digit is right on every device.
for (const name of ['sin', 'cos', 'tan'])
  form(
    name,
    shapeOf(0, 4).chain((s) => tuple(tensorOf(s))),
  );
form(
  'leakyRelu',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s), fc.constantFrom(0.01, 0.2, 0, 1))),
);
form(
  'elu',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s), fc.constantFrom(1, 0.5))),
);
form(
  'celu',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s), fc.constantFrom(0.5, 2))),
);
form(
  'hardTanh',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s), fc.constantFrom(-1.5, -0.25), fc.constantFrom(0.25, 2))),
);
form(
  'gelu',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s), options({ approximate: fc.constantFrom('none', 'tanh') }))),
);
form(
  'softplus',
  shapeOf(0, 3).chain((s) =>
    tuple(tensorOf(s), options({ beta: fc.constantFrom(0.5, 1, 3), threshold: fc.constantFrom(-1, 2, 20) })),
  ),
);
form(
  'glu',
  fc
    .tuple(shapeOf(0, 3), dimension)
    .chain(([s, half]) => tuple(tensorOf([...s, 2 * half]), fc.constantFrom(undefined, -1, s.length))),
);
form(
  'prelu',
  fc
    .tuple(shapeOf(0, 3), count, fc.boolean())
    .chain(([s, channels, one]) => tuple(tensorOf([...s, channels]), tensorOf([one ? 1 : channels]))),
);
form(
  'clamp',
  shapeOf(0, 3).chain((s) =>
    tuple(tensorOf(s), fc.constantFrom(-1.5, undefined, 0.25), fc.constantFrom(1.5, undefined, 0.5)),
  ),
);
form(
  'cast',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s, 'whole'), fc.constantFrom('int32', 'bool', 'float32'))),
  // From float64 a cast to float32 is another op, with a gradient of its own.
  { wild: true },
);
for (const name of [
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'fmod',
  'remainder',
  'atan2',
  'equal',
  'notEqual',
  'less',
  'lessEqual',
  'greater',
  'greaterEqual',
]) {
  form(
    name,
    broadcastPair.chain(([a, b]) => tuple(tensorOf(a, 'extreme'), tensorOf(b, 'extreme'))),
    { wild: true },
  );
  form(
    name,
    broadcastPair.chain(([a, b]) => tuple(tensorOf(a, 'whole', 'int32'), tensorOf(b, 'whole', 'int32'))),
  );
  form(
    name,
    shapeOf(0, 3).chain((s) =>
      fc.oneof(tuple(tensorOf(s), fc.constantFrom(1.7, -2, 3)), tuple(fc.constantFrom(1.7, -2, 3), tensorOf(s))),
    ),
  );
}
form(
  'pow',
  broadcastPair.chain(([a, b]) => tuple(tensorOf(a, 'positive'), tensorOf(b))),
  { slack: 1e-4 },
);
form(
  'pow',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s), fc.constantFrom(0, 1, 2, 3, -1, -2))),
  { slack: 1e-4, wild: true },
);
form(
  'where',
  broadcastPair.chain(([a, b]) =>
    tuple(tensorOf(a, fc.constantFrom(0, 1), 'bool'), tensorOf(b), fc.oneof(tensorOf(a), fc.constantFrom(0, 0.5))),
  ),
);

// ---- reductions

const reduced = (extra: Record<string, fc.Arbitrary<unknown>> = {}) =>
  shapeOf(1, 4, fc.oneof({ weight: 12, arbitrary: count }, fc.constantFrom(33, 65))).chain((s) =>
    tuple(
      tensorOf(s),
      fc.oneof(
        fc.constant(undefined),
        axisOf(s.length),
        fc.subarray(
          s.map((_, i) => i),
          { minLength: 1 },
        ),
      ),
      options({ keepDims: fc.boolean(), ...extra }),
    ),
  );
for (const name of ['sum', 'mean', 'max', 'min', 'logsumexp']) form(name, reduced());
for (const name of ['variance', 'std'])
  form(name, reduced({ correction: fc.constant(0) }), { slack: 2e-4, wild: true });
for (const name of ['argmax', 'argmin'])
  form(
    name,
    shapeOf(1, 4, count).chain((s) =>
      tuple(
        tensorOf(s, 'whole'),
        fc.oneof(fc.constant(undefined), axisOf(s.length)),
        options({ keepDims: fc.boolean() }),
      ),
    ),
  );
for (const name of ['softmax', 'logSoftmax'])
  form(
    name,
    shapeOf(1, 4, count).chain((s) => tuple(tensorOf(s), fc.oneof(fc.constant(undefined), axisOf(s.length)))),
  );

// ---- movement

form(
  'reshape',
  shapeOf(1, 4).chain((s) =>
    tuple(tensorOf(s), fc.constantFrom([sizeOf(s)], [...s].reverse(), [1, ...s], sizeOf(s) > 0 ? [-1, 1] : [0])),
  ),
);
form(
  'squeeze',
  shapeOf(0, 3).chain((s) => tuple(tensorOf([1, ...s, 1]), fc.constantFrom(undefined, 0, -1))),
);
form(
  'unsqueeze',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s), axisOf(s.length + 1))),
);
form(
  'permute',
  shapeOf(1, 4).chain((s) =>
    tuple(
      tensorOf(s),
      fc.shuffledSubarray(
        s.map((_, i) => i),
        { minLength: s.length },
      ),
    ),
  ),
);
form(
  'transpose',
  shapeOf(2, 4).chain((s) => tuple(tensorOf(s), axisOf(s.length), axisOf(s.length))),
);
form(
  'expand',
  broadcastPair.chain(([a, b]) =>
    a.length >= b.length ? tuple(tensorOf(b), fc.constant(a)) : tuple(tensorOf(a), fc.constant(b)),
  ),
);
form(
  'slice',
  shapeOf(1, 3, count).chain((s) => {
    const ends = s.map((n) =>
      fc.oneof(
        fc.constant(null),
        fc.tuple(fc.integer({ min: -n, max: n }), fc.integer({ min: -n, max: n })),
        fc.tuple(fc.constant(null), fc.constant(null), fc.constantFrom(-1, 2, -2, 3)),
      ),
    );
    return fc.tuple(tensorOf(s), ...ends);
  }),
);
form(
  'flip',
  shapeOf(1, 4).chain((s) =>
    tuple(
      tensorOf(s),
      fc.oneof(
        axisOf(s.length),
        fc.subarray(
          s.map((_, i) => i),
          { minLength: 1 },
        ),
      ),
    ),
  ),
);
form(
  'pad',
  shapeOf(1, 3).chain((s) =>
    tuple(
      tensorOf(s),
      fc.tuple(...s.map(() => fc.tuple(fc.integer({ min: -1, max: 3 }), fc.integer({ min: -1, max: 3 })))),
      fc.oneof(
        fc.constantFrom(0, -3, undefined),
        options({ mode: fc.constantFrom('constant', 'reflect', 'replicate', 'circular') }),
      ),
    ),
  ),
);
form(
  'concat',
  shapeOf(1, 3).chain((s) =>
    axisOf(s.length).chain((axis) => {
      const like = (n: number) => s.map((v, i) => (i === (axis + s.length) % s.length ? n : v));
      return tuple(
        fc
          .array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 })
          .chain((ns) => fc.tuple(...ns.map((n) => tensorOf(like(n))))),
        fc.constant(axis),
      );
    }),
  ),
);
form(
  'stack',
  shapeOf(0, 3).chain((s) =>
    tuple(
      fc.integer({ min: 1, max: 4 }).chain((n) => fc.tuple(...Array.from({ length: n }, () => tensorOf(s)))),
      axisOf(s.length + 1),
    ),
  ),
);
form(
  'indexSelect',
  shapeOf(1, 3, count).chain((s) =>
    axisOf(s.length).chain((axis) => {
      const index = fc.integer({ min: 0, max: s[(axis + s.length) % s.length] - 1 });
      return tuple(
        tensorOf(s),
        fc.oneof(
          fc.array(index, { minLength: 1, maxLength: 6 }),
          fc.integer({ min: 1, max: 6 }).chain((n) => tensorOf([n], index, 'int32')),
        ),
        fc.constant(axis),
      );
    }),
  ),
);
const vectors = (s: readonly number[]) =>
  fc.integer({ min: 1, max: s.length }).chain((depth) =>
    fc.array(fc.tuple(...s.slice(0, depth).map((n) => fc.integer({ min: 0, max: n - 1 }))), {
      minLength: 1,
      maxLength: 5,
    }),
  );
form(
  'gatherNd',
  shapeOf(1, 3, count).chain((s) => tuple(tensorOf(s), vectors(s))),
);
form(
  'scatterNd',
  shapeOf(1, 3, count).chain((s) =>
    vectors(s).chain((v) => tuple(fc.constant(v), tensorOf([v.length, ...s.slice(v[0].length)]), fc.constant(s))),
  ),
);
// ---- ops of importers and ports

const withAxis = (least = 1, most = 3): fc.Arbitrary<[number[], number]> =>
  shapeOf(least, most, count).chain((s) => fc.tuple(fc.constant(s), axisOf(s.length)));
form(
  'tile',
  shapeOf(0, 3, count).chain((s) => tuple(tensorOf(s), fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }))),
);
form(
  'repeatInterleave',
  withAxis().chain(([s, axis]) => tuple(tensorOf(s), fc.integer({ min: 1, max: 3 }), fc.constant(axis))),
);
form(
  'roll',
  withAxis().chain(([s, axis]) =>
    tuple(tensorOf(s), fc.integer({ min: -9, max: 9 }), fc.constantFrom(axis, undefined)),
  ),
);
for (const name of ['splitTensor', 'chunk'])
  form(
    name,
    withAxis().chain(([s, axis]) => tuple(tensorOf(s), fc.integer({ min: 1, max: 4 }), fc.constant(axis))),
  );
form(
  'unbind',
  withAxis().chain(([s, axis]) => tuple(tensorOf(s), fc.constant(axis))),
);
for (const name of ['tril', 'triu'])
  form(
    name,
    shapeOf(2, 4, count).chain((s) => tuple(tensorOf(s, 'extreme'), fc.integer({ min: -3, max: 3 }))),
    { wild: true },
  );
form(
  'meshgrid',
  fc
    .array(count, { minLength: 1, maxLength: 3 })
    .chain((sizes) =>
      tuple(fc.tuple(...sizes.map((n) => tensorOf([n]))), options({ indexing: fc.constantFrom('ij', 'xy') })),
    ),
);
form(
  'oneHot',
  shapeOf(0, 3).chain((s) => tuple(tensorOf(s, 'whole', 'int32'), fc.integer({ min: 1, max: 5 }))),
);
form(
  'embedding',
  fc
    .tuple(shapeOf(1, 2, count), count, count)
    .chain(([s, rows, d]) => tuple(tensorOf(s, 'whole', 'int32'), tensorOf([rows, d]))),
);
form(
  'gather',
  withAxis().chain(([s, axis]) =>
    tuple(tensorOf(s), tensorOf(s, fc.integer({ min: 0, max: 4 }), 'int32'), fc.constant(axis)),
  ),
);
for (const name of ['scatter', 'scatterAdd'])
  form(
    name,
    withAxis().chain(([s, axis]) =>
      tuple(tensorOf(s), tensorOf(s, fc.integer({ min: 0, max: 4 }), 'int32'), tensorOf(s), fc.constant(axis)),
    ),
  );
form(
  'scatterReduce',
  withAxis().chain(([s, axis]) =>
    tuple(
      tensorOf(s),
      tensorOf(s, fc.integer({ min: 0, max: 4 }), 'int32'),
      tensorOf(s),
      fc.constantFrom('sum', 'mean', 'amax', 'amin'),
      options({ includeSelf: fc.boolean() }).map((o) => ({ ...o, axis })),
    ),
  ),
);
form(
  'indexAdd',
  shapeOf(1, 3, count).chain((s) =>
    count.chain((n) => tuple(tensorOf(s), tensorOf([n], 'whole', 'int32'), tensorOf([n, ...s.slice(1)]))),
  ),
);
for (const name of ['sort', 'argsort'])
  form(
    name,
    withAxis().chain(([s, axis]) =>
      tuple(tensorOf(s, 'extreme'), fc.constant(axis), options({ descending: fc.boolean() })),
    ),
    { wild: true },
  );
form(
  'topk',
  withAxis().chain(([s, axis]) => tuple(tensorOf(s, 'extreme'), fc.constant(1), fc.constant(axis))),
  { wild: true },
);
for (const name of ['cumsum', 'cumprod'])
  form(
    name,
    withAxis().chain(([s, axis]) =>
      tuple(tensorOf(s), fc.constant(axis), options({ exclusive: fc.boolean(), reverse: fc.boolean() })),
    ),
  );
for (const name of ['any', 'all', 'prod'])
  form(
    name,
    withAxis().chain(([s, axis]) => tuple(tensorOf(s), fc.constant(axis), options({ keepDims: fc.boolean() }))),
  );
form(
  'norm',
  withAxis().chain(([s, axis]) =>
    tuple(tensorOf(s), fc.constant(axis), options({ p: fc.constantFrom(1, 2, 3, Infinity), keepDims: fc.boolean() })),
  ),
);
form(
  'einsum',
  fc
    .tuple(count, count, count)
    .chain(([i, j, k]) => tuple(fc.constant('ij,jk->ki'), tensorOf([i, j]), tensorOf([j, k]))),
);
for (const name of ['clone', 'detach'])
  form(
    name,
    shapeOf(0, 3).chain((s) => tuple(tensorOf(s, 'extreme'))),
    { wild: true },
  );

// ---- products, convolutions, pools

form(
  'matmul',
  fc
    .tuple(count, dimension, count, shapeOf(0, 2, count), fc.constantFrom('both', 'left', 'vector'))
    .chain(([m, k, n, batch, kind]) =>
      kind === 'both'
        ? tuple(tensorOf([...batch, m, k]), tensorOf([...batch, k, n]))
        : kind === 'left'
          ? tuple(tensorOf([...batch, m, k]), tensorOf([k, n]))
          : tuple(tensorOf([k]), tensorOf([k, n])),
    ),
);
const small = fc.integer({ min: 1, max: 3 });
const pair = fc.oneof(small, fc.tuple(small, small));
const padding = fc.oneof(
  fc.constantFrom('same', 'valid'),
  fc.integer({ min: 0, max: 2 }),
  fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
  fc.tuple(
    fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
    fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
  ),
);
const side = fc.oneof({ weight: 5, arbitrary: fc.integer({ min: 1, max: 7 }) }, fc.constantFrom(13, 18));
const batch = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 2 }) }, fc.constant(0));
const images = (depth = count) => fc.tuple(batch, side, side, depth);
const series = (depth = count) => fc.tuple(batch, side, depth);
const padding1d = fc.oneof(
  fc.constantFrom('same', 'valid'),
  fc.integer({ min: 0, max: 2 }),
  fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
);
for (const name of ['conv2d', 'conv2dTranspose'])
  form(
    name,
    fc
      .tuple(batch, side, side, count, count, fc.constantFrom(1, 1, 1, 2, 3), small, small)
      .chain(([n, h, w, i, o, groups, kh, kw]) => {
        const [weight, out] =
          name === 'conv2d' ? [[kh, kw, i, o * groups], o * groups] : [[kh, kw, o, i * groups], o * groups];
        const extra: Record<string, fc.Arbitrary<unknown>> = name === 'conv2d'
          ? {}
          : { outputPadding: fc.constantFrom(0, 1) };
        return tuple(
          tensorOf([n, h, w, i * groups]),
          tensorOf(weight),
          options({
            stride: pair,
            padding,
            dilation: pair,
            groups: fc.constant(groups),
            bias: tensorOf([out]),
            ...extra,
          }).map((made) => ({ ...made, groups })),
        );
      }),
    { slack: 5e-5 },
  );
for (const name of ['conv1d', 'conv1dTranspose'])
  form(
    name,
    fc.tuple(batch, side, count, count, fc.constantFrom(1, 1, 1, 2, 3), small).chain(([n, l, i, o, groups, k]) =>
      tuple(
        tensorOf([n, l, i * groups]),
        tensorOf(name === 'conv1d' ? [k, i, o * groups] : [k, o, i * groups]),
        options({
          stride: small,
          padding: padding1d,
          dilation: small,
          bias: tensorOf([o * groups]),
          ...(name === 'conv1d' ? {} : { outputPadding: fc.constantFrom(0, 1) }),
        }).map((made) => ({ ...made, groups })),
      ),
    ),
    { slack: 5e-5 },
  );
const window = { kernelSize: pair, stride: pair, padding, ceilMode: fc.boolean() };
const pooling = (extra: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ ...window, ...extra }, { requiredKeys: ['kernelSize'] }).map((made) => ({ ...made }));
form(
  'avgPool2d',
  images().chain((s) =>
    tuple(
      tensorOf(s),
      pooling({ countIncludePad: fc.boolean(), divisorOverride: fc.constantFrom(undefined, undefined, 3) }),
    ),
  ),
);
for (const name of ['maxPool2d', 'maxPool2dWithArgmaxAndMask'])
  form(
    name,
    images().chain((s) =>
      tuple(tensorOf(s, 'extreme'), pooling({ dilation: pair, nan: fc.constantFrom('propagate', 'tf', 'ignore') })),
    ),
    { wild: true },
  );
form(
  'adaptiveAvgPool2d',
  images().chain((s) => tuple(tensorOf(s), pair)),
);
form(
  'adaptiveMaxPool2d',
  images().chain((s) =>
    tuple(tensorOf(s, 'extreme'), pair, options({ nan: fc.constantFrom('propagate', 'tf', 'ignore') })),
  ),
  { wild: true },
);
form(
  'maxUnpool2d',
  images().chain((s) =>
    tuple(
      tensorOf(s),
      pooling({ dilation: pair }),
      options({ duplicates: fc.constantFrom('add', 'first', 'last', 'max', 'mean') }),
    ),
  ),
  {
    call: (x, window, more) => {
      const [v, i] = c.maxPool2d(x, window);
      return c.maxUnpool2d(v.mul(2), i, more);
    },
  },
);
form(
  'maxUnpool2d',
  images(small).chain((s) => {
    const shape = [s[0], s[1] * 2, s[2] * 2, s[3]];
    return tuple(
      tensorOf(s),
      tensorOf(s, fc.integer({ min: 0, max: shape[1] * shape[2] - 1 }), 'int32'),
      fc.record({
        kernelSize: fc.constant(2),
        stride: fc.constant(2),
        check: fc.constant('shape'),
        duplicates: fc.constantFrom('add', 'first', 'last', 'max', 'mean'),
      }),
    );
  }),
);
form(
  'unpooling',
  images(small).chain((s) => {
    const shape = [s[0], s[1] * 2, s[2] * 2, s[3]];
    return tuple(
      tensorOf(s),
      fc.constant(shape),
      tensorOf(s, fc.integer({ min: 0, max: shape[1] * shape[2] * shape[3] - 1 }), 'int32'),
      options({ duplicates: fc.constantFrom('add', 'first', 'last', 'max', 'mean') }),
    );
  }),
);
form(
  'unpoolByMask',
  images(small).chain((s) => tuple(tensorOf(s), fc.record({ kernelSize: fc.constant(2) }))),
  {
    call: (x, options) => {
      const [v, argmax, mask] = c.maxPool2dWithArgmaxAndMask(x, options);
      return c.unpoolByMask(v, mask, { argmax, ...options });
    },
  },
);
form(
  'upsample2d',
  images(small).chain((s) => tuple(tensorOf(s), fc.record({ scale: pair, fill: fc.constantFrom('copy', 'zeros') }))),
);
form(
  'unPooling2x2ZeroFilled',
  images(small).chain((s) => tuple(tensorOf(s))),
);
form(
  'fixedUnpool2d',
  images(small).chain((s) =>
    tuple(
      tensorOf(s),
      fc.oneof(
        fc.record({ size: pair }),
        fc.tuple(small, small).chain((m) => fc.record({ matrix: tensorOf(m) })),
      ),
    ),
  ),
);
form(
  'resize2d',
  images(small).chain((s) =>
    tuple(
      tensorOf(s),
      fc
        .tuple(
          fc.oneof(
            fc.record({ size: fc.tuple(side, side) }),
            fc.record({ scale: fc.oneof(pair, fc.constantFrom(0.5, 1.5)) }),
          ),
          fc.oneof(
            options({ method: fc.constantFrom('bilinear', 'nearest', 'bicubic'), alignCorners: fc.boolean() }),
            fc.record({
              method: fc.constantFrom('bilinear', 'nearest', 'bicubic'),
              coordinateTransformation: fc.constantFrom('pytorch_half_pixel', 'asymmetric'),
            }),
            fc.constant({ method: 'area' }),
          ),
        )
        .map(([a, b]) => ({ ...a, ...b })),
    ),
  ),
);
form(
  'pixelShuffle',
  fc
    .tuple(batch, side, side, small, small)
    .chain(([n, h, w, k, r]) =>
      tuple(tensorOf([n, h, w, k * r * r]), fc.constant(r), options({ order: fc.constantFrom('torch', 'tf') })),
    ),
);
form(
  'pixelUnshuffle',
  fc
    .tuple(batch, small, small, small, small)
    .chain(([n, h, w, k, r]) =>
      tuple(tensorOf([n, h * r, w * r, k]), fc.constant(r), options({ order: fc.constantFrom('torch', 'tf') })),
    ),
);

const window1d = { kernelSize: small, stride: small, padding: padding1d, ceilMode: fc.boolean() };
const pooling1d = (extra: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ ...window1d, ...extra }, { requiredKeys: ['kernelSize'] }).map((made) => ({ ...made }));
form(
  'avgPool1d',
  series().chain((s) => tuple(tensorOf(s), pooling1d({ countIncludePad: fc.boolean() }))),
);
form(
  'maxPool1d',
  series().chain((s) =>
    tuple(tensorOf(s, 'extreme'), pooling1d({ dilation: small, nan: fc.constantFrom('propagate', 'tf', 'ignore') })),
  ),
  { wild: true },
);
form(
  'adaptiveAvgPool1d',
  series().chain((s) => tuple(tensorOf(s), small)),
);
form(
  'adaptiveMaxPool1d',
  series().chain((s) =>
    tuple(tensorOf(s, 'extreme'), small, options({ nan: fc.constantFrom('propagate', 'tf', 'ignore') })),
  ),
  { wild: true },
);
form(
  'maxUnpool1d',
  series().chain((s) =>
    tuple(
      tensorOf(s),
      pooling1d({ dilation: small }),
      options({ duplicates: fc.constantFrom('add', 'first', 'last', 'max', 'mean') }),
    ),
  ),
  {
    call: (x, window, more) => {
      const [v, i] = c.maxPool1d(x, window);
      return c.maxUnpool1d(v.mul(2), i, more);
    },
  },
);
form(
  'maxUnpool1d',
  series(small).chain((s) =>
    tuple(
      tensorOf(s),
      tensorOf(s, fc.integer({ min: 0, max: s[1] * 2 - 1 }), 'int32'),
      fc.record({
        kernelSize: fc.constant(2),
        check: fc.constant('shape'),
        duplicates: fc.constantFrom('add', 'first', 'last', 'max', 'mean'),
      }),
    ),
  ),
);
form(
  'upsample1d',
  series(small).chain((s) => tuple(tensorOf(s), fc.record({ scale: small, fill: fc.constantFrom('copy', 'zeros') }))),
);
form(
  'resize1d',
  series(small).chain((s) =>
    tuple(
      tensorOf(s),
      fc
        .tuple(
          fc.oneof(fc.record({ size: side }), fc.record({ scale: fc.oneof(small, fc.constantFrom(0.5, 1.5)) })),
          options({ method: fc.constantFrom('linear', 'nearest', 'cubic'), alignCorners: fc.boolean() }),
        )
        .map(([a, b]) => ({ ...a, ...b })),
    ),
  ),
);

// ---- losses, dropout

const reduction = fc.constantFrom('mean', 'sum', 'none');
const divergence = fc.constantFrom('mean', 'batchMean', 'sum', 'none');
const labelSmoothing = fc.constantFrom(0, 0.1, 1);
const ofClasses = (s: readonly number[]) => ({
  weight: tensorOf([s[s.length - 1]], 'positive'),
  ignoreIndex: fc.constantFrom(-100, 0),
});
/** Away from 0 and 1, where the gradient of a cross entropy is as large as 1e12. */
const inside = fc.integer({ min: 16, max: 1008 }).map((n) => n / 1024);
const losses: Record<string, (s: number[]) => fc.Arbitrary<unknown[]>> = {
  mse: (s) => tuple(tensorOf(s), tensorOf(s), options({ reduction })),
  l1: (s) => tuple(tensorOf(s), tensorOf(s), options({ reduction })),
  bceWithLogits: (s) =>
    tuple(
      tensorOf(s),
      tensorOf(s, 'unit'),
      options({
        reduction,
        posWeight: fc.oneof(fc.constantFrom(1, 2.5), tensorOf([s[s.length - 1]], 'positive')),
        weight: fc.oneof(tensorOf([s[s.length - 1]], 'positive'), tensorOf(s, 'positive')),
      }),
    ),
  bce: (s) => tuple(tensorOf(s, inside), tensorOf(s, 'unit'), options({ reduction, weight: tensorOf(s, 'positive') })),
  smoothL1: (s) => tuple(tensorOf(s), tensorOf(s), options({ reduction, beta: fc.constantFrom(0, 0.3, 2) })),
  huber: (s) => tuple(tensorOf(s), tensorOf(s), options({ reduction, delta: fc.constantFrom(0.3, 2) })),
  klDiv: (s) =>
    fc.oneof(
      tuple(tensorOf(s), tensorOf(s, 'unit'), options({ reduction: divergence })),
      tuple(
        tensorOf(s),
        tensorOf(s),
        options({ reduction: divergence }).map((o) => ({ ...o, logTarget: true })),
      ),
    ),
  klNormal: (s) => tuple(tensorOf(s), tensorOf(s), options({ reduction: divergence })),
  sigmoidFocal: (s) =>
    tuple(
      tensorOf(s),
      tensorOf(s, 'unit'),
      options({ reduction, alpha: fc.constantFrom(-1, 0.75), gamma: fc.constantFrom(0, 0.5, 1, 2, 3) }),
    ),
  nll: (s) =>
    tuple(
      tensorOf(s),
      tensorOf(s.slice(0, -1), fc.integer({ min: 0, max: s[s.length - 1] - 1 }), 'int32'),
      options({ reduction, ...ofClasses(s) }),
    ),
  crossEntropy: (s) =>
    fc.oneof(
      tuple(tensorOf(s), tensorOf(s, 'unit'), options({ reduction, labelSmoothing, weight: ofClasses(s).weight })),
      tuple(
        tensorOf(s),
        tensorOf(s.slice(0, -1), fc.integer({ min: 0, max: s[s.length - 1] - 1 }), 'int32'),
        options({ reduction, labelSmoothing, ...ofClasses(s) }),
      ),
    ),
};
for (const [name, args] of Object.entries(losses)) form(name, shapeOf(1, 4, count).chain(args));
form(
  'dice',
  shapeOf(3, 4, count).chain((s) =>
    tuple(
      tensorOf(s, 'unit'),
      tensorOf(s, 'unit'),
      options({ reduction, smooth: fc.constantFrom(1, 0.1), squared: fc.boolean() }),
    ),
  ),
);
form(
  'dropout',
  shapeOf(0, 3).chain((s) =>
    tuple(tensorOf(s), options({ rate: fc.constantFrom(0, 0.5, 0.3), training: fc.boolean() })),
  ),
  { keeps: true },
);
form(
  'dropout2d',
  shapeOf(4, 4).chain((s) =>
    tuple(tensorOf(s), options({ rate: fc.constantFrom(0, 0.5, 0.3), training: fc.boolean() })),
  ),
  { keeps: true },
);

// ---- creation

for (const name of ['zeros', 'ones'])
  form(
    name,
    shapeOf(0, 4).chain((s) =>
      tuple(
        fc.constant(s),
        options({ dtype: fc.constantFrom('float32', 'int32', 'bool'), requiresGrad: fc.constant(false) }),
      ),
    ),
  );
for (const name of ['rand', 'randn'])
  form(
    name,
    shapeOf(0, 3).chain((s) => tuple(fc.constant(s), options({ requiresGrad: fc.boolean() }))),
    { keeps: true },
  );
form(
  'full',
  shapeOf(0, 3).chain((s) =>
    tuple(fc.constant(s), fc.constantFrom(0, 1), options({ dtype: fc.constantFrom('float32', 'int32', 'bool') })),
  ),
);
for (const name of ['zerosLike', 'onesLike'])
  form(
    name,
    shapeOf(0, 3).chain((s) => tuple(tensorOf(s))),
  );
form('eye', tuple(count, options({ dtype: fc.constantFrom('float32', 'int32') })), { call: (n, o) => c.eye(n, n, o) });
form('arange', tuple(fc.integer({ min: -5, max: 5 }), fc.integer({ min: 6, max: 40 }), fc.constantFrom(1, 2, 0.5, 3)));
form('linspace', tuple(fc.constantFrom(-1, 0), fc.constantFrom(1, 7), count));
form(
  'tensor',
  tuple(
    fc.array(fc.array(fc.constantFrom(1, -2, 0.5), { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 4 }),
    options({ dtype: fc.constantFrom('float32'), requiresGrad: fc.boolean() }),
  ),
);
form(
  'poolIndices',
  images(small).chain((s) =>
    tuple(
      tensorOf(s, fc.integer({ min: 0, max: 4 * s[1] * s[2] - 1 }), 'int32'),
      fc.constant([s[0], s[1] * 2, s[2] * 2, s[3]]),
    ),
  ),
);

// ---- layers: [arguments of the constructor, ...inputs]

function layer(name: string, args: fc.Arbitrary<unknown[]>, settings: Settings = {}): void {
  const Layer = exported[name] as unknown as new (...args: unknown[]) => { forward(...inputs: unknown[]): unknown };
  form(name, args, {
    call: (made: unknown[], ...inputs) => new Layer(...made).forward(...inputs),
    keeps: true,
    slack: 5e-5,
    ...settings,
  });
}
for (const name of [
  'CELU',
  'GELU',
  'Hardsigmoid',
  'Hardswish',
  'Hardtanh',
  'LogSigmoid',
  'Mish',
  'PReLU',
  'ReLU',
  'ReLU6',
  'SELU',
  'Sigmoid',
  'SiLU',
  'Softplus',
  'Softsign',
  'Tanh',
])
  layer(
    name,
    shapeOf(0, 3).chain((s) => tuple(fc.constant([]), tensorOf(s))),
  );
for (const name of ['ELU', 'LeakyReLU'])
  layer(
    name,
    shapeOf(0, 3).chain((s) => tuple(fc.tuple(fc.constantFrom(0.1, 1)), tensorOf(s))),
  );
layer(
  'GLU',
  fc.tuple(shapeOf(0, 2), small).chain(([s, half]) => tuple(fc.constant([]), tensorOf([...s, 2 * half]))),
);
layer(
  'Softmax',
  shapeOf(1, 3, count).chain((s) => tuple(fc.tuple(axisOf(s.length)), tensorOf(s))),
);
layer(
  'Embedding',
  fc
    .tuple(count, count, shapeOf(1, 2, count))
    .chain(([rows, d, s]) =>
      tuple(
        fc.tuple(fc.constant(rows), fc.constant(d), options({ paddingIndex: fc.constantFrom(0, -1) })),
        tensorOf(s, 'whole', 'int32'),
      ),
    ),
);
layer(
  'Linear',
  fc
    .tuple(count, count, shapeOf(0, 2))
    .chain(([i, o, s]) =>
      tuple(fc.tuple(fc.constant(i), fc.constant(o), options({ bias: fc.boolean() })), tensorOf([...s, i])),
    ),
);
for (const name of ['Conv2d', 'ConvTranspose2d'])
  layer(
    name,
    fc
      .tuple(batch, side, side, count, count)
      .chain(([n, h, w, i, o]) =>
        tuple(
          fc.tuple(
            fc.constant(i),
            fc.constant(o),
            pair,
            options({ stride: pair, padding, dilation: pair, bias: fc.boolean() }),
          ),
          tensorOf([n, h, w, i]),
        ),
      ),
  );
for (const name of ['Conv1d', 'ConvTranspose1d'])
  layer(
    name,
    fc
      .tuple(batch, side, count, count)
      .chain(([n, l, i, o]) =>
        tuple(
          fc.tuple(
            fc.constant(i),
            fc.constant(o),
            small,
            options({ stride: small, padding: padding1d, dilation: small, bias: fc.boolean() }),
          ),
          tensorOf([n, l, i]),
        ),
      ),
  );
layer(
  'Dropout',
  shapeOf(1, 3).chain((s) => tuple(fc.tuple(fc.constantFrom(0, 0.5)), tensorOf(s))),
);
layer(
  'Dropout2d',
  images().chain((s) => tuple(fc.tuple(fc.constantFrom(0, 0.5)), tensorOf(s))),
);
layer(
  'Flatten',
  shapeOf(2, 4).chain((s) => tuple(fc.constant([]), tensorOf(s))),
);
layer(
  'BatchNorm2d',
  images().chain((s) =>
    tuple(
      fc.tuple(
        fc.constant(s[3]),
        options({ eps: fc.constant(0.01), momentum: fc.constant(0.3), trackRunningStats: fc.boolean() }),
      ),
      tensorOf(s),
    ),
  ),
  { slack: 5e-4 },
);
layer(
  'InstanceNorm2d',
  images().chain((s) =>
    tuple(
      fc.tuple(
        fc.constant(s[3]),
        options({ eps: fc.constant(0.01), affine: fc.boolean(), trackRunningStats: fc.boolean() }),
      ),
      tensorOf(s),
    ),
  ),
  { slack: 5e-4 },
);
layer(
  'BatchNorm1d',
  fc
    .oneof(series(), fc.tuple(batch, count))
    .chain((s) =>
      tuple(
        fc.tuple(fc.constant(s[s.length - 1]), options({ eps: fc.constant(0.01), momentum: fc.constant(0.3) })),
        tensorOf(s),
      ),
    ),
  { slack: 5e-4 },
);
layer(
  'GroupNorm',
  fc
    .tuple(batch, side, side, small, small)
    .chain(([n, h, w, g, k]) =>
      tuple(
        fc.tuple(fc.constant(g), fc.constant(g * k), options({ eps: fc.constant(0.01) })),
        tensorOf([n, h, w, g * k]),
      ),
    ),
  { slack: 5e-4 },
);
layer(
  'LayerNorm',
  shapeOf(2, 4).chain((s) =>
    tuple(fc.tuple(fc.constant(s[s.length - 1]), options({ eps: fc.constant(0.01), bias: fc.boolean() })), tensorOf(s)),
  ),
  { slack: 5e-4 },
);
form(
  'instanceNorm',
  images().chain((s) => tuple(tensorOf(s), options({ eps: fc.constant(0.01) }))),
  { slack: 5e-4 },
);
form(
  'batchNorm',
  images().chain((s) => tuple(tensorOf(s), options({ eps: fc.constant(0.01) }))),
  { slack: 5e-4 },
);
form(
  'groupNorm',
  fc
    .tuple(batch, side, side, small, small)
    .chain(([n, h, w, g, k]) => tuple(tensorOf([n, h, w, g * k]), fc.constant(g), options({ eps: fc.constant(0.01) }))),
  { slack: 5e-4 },
);
form(
  'layerNorm',
  shapeOf(2, 4).chain((s) => tuple(tensorOf(s), fc.constant([s[s.length - 1]]), options({ eps: fc.constant(0.01) }))),
  { slack: 5e-4 },
);
const layerWindow = fc.tuple(pair, options({ stride: pair, padding, ceilMode: fc.boolean() }));
for (const name of ['AvgPool2d', 'MaxPool2d', 'MaxPool2dWithArgmaxAndMask'])
  layer(
    name,
    images().chain((s) => tuple(layerWindow, tensorOf(s))),
  );
for (const name of ['AdaptiveAvgPool2d', 'AdaptiveMaxPool2d'])
  layer(
    name,
    images().chain((s) => tuple(fc.tuple(pair), tensorOf(s))),
  );
for (const kind of ['Zero', 'Reflection', 'Replication', 'Circular']) {
  layer(
    `${kind}Pad2d`,
    images().chain((s) =>
      tuple(
        fc.tuple(
          fc.constantFrom(
            1,
            2,
            [1, 2],
            [
              [0, 1],
              [-1, 0],
            ],
          ),
        ),
        tensorOf(s),
      ),
    ),
  );
  layer(
    `${kind}Pad1d`,
    series().chain((s) => tuple(fc.tuple(fc.constantFrom(1, 2, [1, 2], [-1, 0])), tensorOf(s))),
  );
}
layer(
  'ConstantPad2d',
  images().chain((s) => tuple(fc.tuple(fc.constantFrom(1, [1, 2]), fc.constant(0.5)), tensorOf(s))),
);
layer(
  'ConstantPad1d',
  series().chain((s) => tuple(fc.tuple(fc.constantFrom(1, [1, 2]), fc.constant(0.5)), tensorOf(s))),
);
layer(
  'Upsample2d',
  images(small).chain((s) => tuple(fc.tuple(fc.record({ scale: pair })), tensorOf(s))),
);
layer(
  'Resize2d',
  images(small).chain((s) => tuple(fc.tuple(fc.record({ size: fc.tuple(side, side) })), tensorOf(s))),
);
const layerWindow1d = fc.tuple(small, options({ stride: small, padding: padding1d, ceilMode: fc.boolean() }));
for (const name of ['AvgPool1d', 'MaxPool1d'])
  layer(
    name,
    series().chain((s) => tuple(layerWindow1d, tensorOf(s))),
  );
for (const name of ['AdaptiveAvgPool1d', 'AdaptiveMaxPool1d'])
  layer(
    name,
    series().chain((s) => tuple(fc.tuple(small), tensorOf(s))),
  );
layer(
  'Upsample1d',
  series(small).chain((s) => tuple(fc.tuple(small), tensorOf(s))),
);
layer(
  'Resize1d',
  series(small).chain((s) => tuple(fc.tuple(fc.record({ size: side })), tensorOf(s))),
);
layer(
  'PixelShuffle',
  fc.tuple(batch, side, small).chain(([n, h, r]) => tuple(fc.tuple(fc.constant(r)), tensorOf([n, h, h, r * r]))),
);
layer(
  'PixelUnshuffle',
  fc.tuple(batch, small, small).chain(([n, h, r]) => tuple(fc.tuple(fc.constant(r)), tensorOf([n, h * r, r, 2]))),
);
for (const [name, target] of [
  ['MSELoss', 'moderate'],
  ['L1Loss', 'moderate'],
  ['BCEWithLogitsLoss', 'unit'],
  ['CrossEntropyLoss', 'unit'],
  ['SmoothL1Loss', 'moderate'],
  ['HuberLoss', 'moderate'],
  ['KLDivLoss', 'unit'],
  ['KLNormalLoss', 'moderate'],
  ['SigmoidFocalLoss', 'unit'],
] as const)
  layer(
    name,
    shapeOf(1, 3, count).chain((s) => tuple(fc.tuple(options({ reduction })), tensorOf(s), tensorOf(s, target))),
  );

layer(
  'BCELoss',
  shapeOf(1, 3, count).chain((s) => tuple(fc.tuple(options({ reduction })), tensorOf(s, inside), tensorOf(s, 'unit'))),
);
layer(
  'DiceLoss',
  shapeOf(3, 4, count).chain((s) =>
    tuple(fc.tuple(options({ reduction, smooth: fc.constant(1) })), tensorOf(s, 'unit'), tensorOf(s, 'unit')),
  ),
);
layer(
  'NLLLoss',
  shapeOf(1, 3, count).chain((s) =>
    tuple(
      fc.tuple(options({ reduction })),
      tensorOf(s),
      tensorOf(s.slice(0, -1), fc.integer({ min: 0, max: s[s.length - 1] - 1 }), 'int32'),
    ),
  ),
);

// ---- optimizers: two steps over Σ p²

function optimizer(name: string, settings: Record<string, fc.Arbitrary<unknown>>): void {
  const Made = exported[name] as unknown as new (params: c.Parameter[], options: unknown) => c.Optimizer;
  form(
    name,
    shapeOf(1, 2, count).chain((s) =>
      tuple(
        tensorOf(s),
        options({ lr: fc.constantFrom(0.1, 0.01), ...settings }).map((o) => ({ lr: 0.05, ...o })),
      ),
    ),
    {
      call: (x: c.Tensor, options) => {
        const p = new c.Parameter(c.clone(c.detach(x)));
        const optimizer = new Made([p], options);
        for (let i = 0; i < 2; i++) {
          optimizer.zeroGrad();
          p.mul(p).sum().backward();
          optimizer.step();
        }
        return p;
      },
      keeps: true,
      slack: 1e-4,
    },
  );
}
const decay = fc.constantFrom(0, 0.1);
optimizer('SGD', { momentum: fc.constantFrom(0, 0.9), weightDecay: decay });
optimizer('Adam', { weightDecay: decay, amsgrad: fc.boolean(), eps: fc.constant(1e-3) });
optimizer('AdamW', { weightDecay: decay, eps: fc.constant(1e-3) });
optimizer('RMSprop', { weightDecay: decay, eps: fc.constant(1e-3), momentum: fc.constantFrom(0, 0.9) });

optimizer('Adagrad', { weightDecay: decay, lrDecay: decay, eps: fc.constant(1e-3) });
optimizer('Adamax', { weightDecay: decay, eps: fc.constant(1e-3) });
optimizer('NAdam', { weightDecay: decay, decoupledWeightDecay: fc.boolean(), eps: fc.constant(1e-3) });
optimizer('RAdam', { weightDecay: decay, decoupledWeightDecay: fc.boolean(), betas: fc.constantFrom([0.9, 0.99]) });

export const allForms: readonly Form[] = forms;

/** Exports without a form. Every call, the programs or other tests use them. */
const elsewhere = new Set([
  'backward',
  'noGrad',
  'enableGrad',
  'grad',
  'compile',
  'customGrad',
  'checkpoint',
  'checkpointSequential',
  'gradcheck',
  'gradgradcheck',
  'device',
  'defaultDevice',
  'setDefaultDevice',
  'manualSeed',
  'getRngState',
  'setRngState',
  'clipGradNorm',
  'clipGradValue',
  'unpoolLike',
  'Tensor',
  'Parameter',
  'Module',
  'Optimizer',
  'PoolIndices',
  'RandomState',
  'FastRandom',
  'Sequential',
  'ModuleDict',
  'ModuleList',
  'Schedule',
  'StepLR',
  'CosineLR',
  'WarmupLR',
  'MultiStepLR',
  'ExponentialLR',
  'PolynomialLR',
  'CosineWarmRestarts',
  'LambdaLR',
  'OneCycleLR',
  'CyclicLR',
  'ReduceLROnPlateau',
  'FixedUnpool2d',
  'MaxPooling',
  'MaxUnpool1d',
  'MaxUnpool2d',
  'UnpoolByMask',
  'UnpoolLike',
]);
/** Exported functions and classes that have no form. */
export const missingForms = Object.entries(exported)
  .filter(
    ([name, value]) =>
      typeof value === 'function' &&
      !/Error$/.test(name) &&
      !elsewhere.has(name) &&
      !forms.some((f) => f.name === name),
  )
  .map(([name]) => name);
export type { Described };
