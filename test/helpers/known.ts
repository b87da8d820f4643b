/**
 * Calls whose numbers are known from outside: test/fixtures/expected.json has for each its inputs,
 * value and gradients, computed by PyTorch or numpy (gen_expected.py). The op table takes them as
 * rows. They guard what an op composed of others means; gradient checks and devices compare an op
 * with itself only. The completeness test demands such a call for every op and every option.
 */
import type { DType, Shape, Tensor } from 'cedargrad';
import * as c from 'cedargrad';
import stored from '../fixtures/expected.json' with { type: 'json' };

/** Numbers as the file has them: JSON lacks NaN and infinities, which are strings there. */
type Numbers = readonly (number | string)[];
interface Stored {
  readonly inputs: readonly { readonly shape: Shape; readonly dtype: string; readonly values: Numbers }[];
  readonly dtype: string;
  readonly shape: Shape;
  readonly values: Numbers;
  readonly gradients?: readonly (Numbers | null)[];
}
type Known = DType | 'float';

export interface Expected {
  /** 'float' stands for the inputs' own. */
  readonly dtype: Known;
  readonly shape: Shape;
  readonly values: readonly number[];
  /** One for each float input, for the gradient that `seedOf` gives; absent where there is none. */
  readonly gradients: readonly (readonly number[] | null)[] | null;
}
export interface KnownCall {
  readonly op: string;
  readonly name: string;
  readonly inputs: readonly { readonly shape: Shape; readonly dtype: Known; readonly values: readonly number[] }[];
  readonly fn: (...inputs: Tensor[]) => Tensor;
  /** The optional parameters and options that the call gives; it has all others by default. */
  readonly gives: readonly string[];
  /** It makes indices of its own, which no graph ends: they stay until they are collected. */
  readonly leavesIndices: boolean;
  readonly expected: Expected;
}

/** The gradient of a known call's result, as gen_expected.py has it. */
export const seedOf = (size: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => (((3 * i) % 7) - 2.5) / 4);

const cases = stored as unknown as Readonly<Record<string, Stored>>;
const numbers = (values: Numbers): number[] =>
  values.map((v) => Number(v === 'inf' ? Infinity : v === '-inf' ? -Infinity : v));

const calls: KnownCall[] = [];
/** Names of stored numbers that no call has used yet. */
const left = new Set(Object.keys(cases));
function known(op: string, variant: string, fn: KnownCall['fn'], gives = '', leavesIndices = false): void {
  const name = variant === '' ? op : `${op} ${variant}`;
  const found = cases[name];
  if (found === undefined) throw new Error(`expected.json has no '${name}'`);
  calls.push({
    op,
    name: `${op} known${variant === '' ? '' : `: ${variant}`}`,
    inputs: found.inputs.map(({ shape, dtype, values }) => ({ shape, dtype: dtype as Known, values: numbers(values) })),
    fn,
    gives: gives === '' ? [] : gives.split(' '),
    leavesIndices,
    expected: {
      dtype: found.dtype as Known,
      shape: found.shape,
      values: numbers(found.values),
      gradients: found.gradients?.map((g) => (g === null ? null : numbers(g))) ?? null,
    },
  });
  left.delete(name);
}
// ---- two operands

for (const [op, f] of Object.entries({ add: c.add, sub: c.sub, mul: c.mul, div: c.div })) {
  known(op, '', (a, b) => f(a, b));
  known(op, 'scalar right', (x) => f(x, 1.75));
  known(op, 'scalar left', (x) => f(1.75, x));
}
for (const [op, f] of Object.entries({ maximum: c.maximum, minimum: c.minimum })) {
  known(op, '', (a, b) => f(a, b));
  known(op, 'scalar right', (x) => f(x, 0.5));
}
known('add', 'int32', c.add);
known('div', 'int32', c.div);
known('pow', '', c.pow);
for (const p of [0, 1, 2, 3, -1, 0.5]) known('pow', `to ${p}`, (x) => c.pow(x, p));
known('pow', 'scalar left', (x) => c.pow(1.75, x));
for (const [op, f] of Object.entries({
  equal: c.equal,
  notEqual: c.notEqual,
  less: c.less,
  lessEqual: c.lessEqual,
  greater: c.greater,
  greaterEqual: c.greaterEqual,
})) {
  known(op, '', (a, b) => f(a, b));
  known(op, 'scalar left', (x) => f(0, x));
}
for (const [op, f] of Object.entries({ fmod: c.fmod, remainder: c.remainder })) {
  known(op, '', (a, b) => f(a, b));
  known(op, 'scalar right', (x) => f(x, -1.75));
  known(op, 'int32', (a, b) => f(a, b));
}
known('atan2', '', c.atan2);
known('where', '', c.where);
known('where', 'scalar', (m, x) => c.where(m, x, 0.5));

// ---- one operand

for (const [op, f] of Object.entries({
  neg: c.neg,
  exp: c.exp,
  log: c.log,
  log1p: c.log1p,
  sqrt: c.sqrt,
  abs: c.abs,
  sign: c.sign,
  silu: c.silu,
  sigmoid: c.sigmoid,
  tanh: c.tanh,
  erf: c.erf,
  selu: c.selu,
  relu6: c.relu6,
  hardSigmoid: c.hardSigmoid,
  hardSwish: c.hardSwish,
  mish: c.mish,
  softsign: c.softsign,
  logSigmoid: c.logSigmoid,
  floor: c.floor,
  ceil: c.ceil,
  round: c.round,
  trunc: c.trunc,
  expm1: c.expm1,
  sin: c.sin,
  cos: c.cos,
  tan: c.tan,
  asin: c.asin,
  acos: c.acos,
  atan: c.atan,
  sinh: c.sinh,
  cosh: c.cosh,
  asinh: c.asinh,
  acosh: c.acosh,
  atanh: c.atanh,
  log2: c.log2,
  log10: c.log10,
  reciprocal: c.reciprocal,
  square: c.square,
  rsqrt: c.rsqrt,
  isFinite: c.isFinite,
  isInf: c.isInf,
}))
  known(op, '', f);
known('relu', '', (x) => c.relu(x));
known('relu', 'inPlace', (x) => c.relu(x.mul(1), { inPlace: true }), 'inPlace');
known('gelu', '', (x) => c.gelu(x));
known('gelu', 'approximate', (x) => c.gelu(x, { approximate: 'tanh' }), 'approximate');
known('softplus', '', (x) => c.softplus(x));
known('softplus', 'beta', (x) => c.softplus(x, { beta: 2 }), 'beta');
known('softplus', 'threshold', (x) => c.softplus(x, { threshold: 3 }), 'threshold');
known('softplus', 'beta, threshold', (x) => c.softplus(x, { beta: 0.5, threshold: 1 }), 'beta threshold');
known('celu', '', (x) => c.celu(x));
known('celu', 'alpha', (x) => c.celu(x, 0.5), 'alpha');
known('hardTanh', '', (x) => c.hardTanh(x));
known('hardTanh', 'min, max', (x) => c.hardTanh(x, -2.5, 5), 'min max');
known('glu', '', (x) => c.glu(x));
known('glu', 'axis', (x) => c.glu(x, 0), 'axis');
known('prelu', '', c.prelu);
known('prelu', 'of one weight', c.prelu);
known('leakyRelu', '', (x) => c.leakyRelu(x));
known('leakyRelu', 'slope', (x) => c.leakyRelu(x, 0.25), 'slope');
known('elu', '', (x) => c.elu(x));
known('elu', 'alpha', (x) => c.elu(x, 0.5), 'alpha');
known('clamp', '', (x) => c.clamp(x, -0.5, 0.625), 'min max');
known('clamp', 'min', (x) => c.clamp(x, -0.5), 'min');
known('clamp', 'max', (x) => c.clamp(x, undefined, 0.5), 'max');
known('clamp', 'without limits', (x) => c.clamp(x));
known('cast', 'to int32', (x) => c.cast(x, 'int32'));
known('cast', 'to bool', (x) => c.cast(x, 'bool'));
known('cast', 'from bool', (x) => c.cast(x, 'float32'));
known('logicalNot', '', c.logicalNot);
known('isNaN', '', c.isNaN);
known('clone', '', c.clone);
known('detach', '', c.detach);

// ---- reductions

for (const [op, f] of Object.entries({ sum: c.sum, mean: c.mean, max: c.max, min: c.min, logsumexp: c.logsumexp })) {
  known(op, '', (x) => f(x));
  known(op, 'axis', (x) => f(x, 1), 'axes');
  known(op, 'axes, keepDims', (x) => f(x, [0, -1], { keepDims: true }), 'axes keepDims');
}
known('sum', 'bool', (x) => c.sum(x));
for (const [op, f] of Object.entries({ variance: c.variance, std: c.std })) {
  known(op, '', (x) => f(x));
  known(op, 'axis', (x) => f(x, 1), 'axes');
  known(op, 'correction, keepDims', (x) => f(x, 1, { correction: 0, keepDims: true }), 'axes correction keepDims');
}
for (const [op, f] of Object.entries({ argmax: c.argmax, argmin: c.argmin })) {
  known(op, '', (x) => f(x));
  known(op, 'axis', (x) => f(x, 0), 'axis');
  known(op, 'axis, keepDims', (x) => f(x, -1, { keepDims: true }), 'axis keepDims');
  known(op, 'keepDims', (x) => f(x, undefined, { keepDims: true }), 'keepDims');
}
for (const [op, f] of Object.entries({ softmax: c.softmax, logSoftmax: c.logSoftmax })) {
  known(op, '', (x) => f(x));
  known(op, 'axis', (x) => f(x, 1), 'axis');
}

// ---- movement

known('reshape', '', (x) => c.reshape(x, [3, -1]));
known('squeeze', '', (x) => c.squeeze(x));
known('squeeze', 'axis', (x) => c.squeeze(x, -1), 'axis');
known('unsqueeze', '', (x) => c.unsqueeze(x, -1));
known('permute', '', (x) => c.permute(x, [2, 0, 1]));
known('transpose', '', (x) => c.transpose(x));
known('transpose', 'axes', (x) => c.transpose(x, 0, 2), 'axis0 axis1');
known('transpose', 'first axis', (x) => c.transpose(x, 0), 'axis0');
known('expand', '', (x) => c.expand(x, [2, 4, -1]));
known('slice', '', (x) => c.slice(x, [1, -1], [0, 3]));
known('slice', 'steps', (x) => c.slice(x, [0, null, 2], [1, 6, 3]));
known('slice', 'backwards', (x) => c.slice(x, [null, null, -2], [4, 0, -1]));
known('slice', 'an axis whole', (x) => c.slice(x, null, [2]));
known('flip', '', (x) => c.flip(x, 0));
known('flip', 'axes', (x) => c.flip(x, [0, -1]));
const below: [number, number][] = [
  [1, 0],
  [2, 1],
];
const around: [number, number][] = [
  [0, 1],
  [1, 1],
];
known('pad', '', (x) => c.pad(x, below));
known('pad', 'value', (x) => c.pad(x, around, -3), 'value');
for (const [variant, pads] of [
  ['', [2, 3, 3, 1]],
  [' cut', [-1, 2, 3, -2]],
] as const)
  for (const mode of ['constant', 'reflect', 'replicate', 'circular'] as const)
    known(
      'pad',
      `${mode}${variant}`,
      (x) =>
        c.pad(
          x,
          [
            [0, 0],
            [pads[2], pads[3]],
            [pads[0], pads[1]],
            [0, 0],
          ],
          { mode, ...(mode === 'constant' ? { value: 1.5 } : {}) },
        ),
      mode === 'constant' ? 'mode value' : 'mode',
    );
known('concat', '', (...x) => c.concat(x));
known('concat', 'axis', (...x) => c.concat(x, 1), 'axis');
known('stack', '', (...x) => c.stack(x));
known('stack', 'axis', (...x) => c.stack(x, -1), 'axis');
known('indexSelect', '', (x) => c.indexSelect(x, [2, 0, 2, 3]));
known('indexSelect', 'axis', (x, i) => c.indexSelect(x, i, 1), 'axis');
known('gatherNd', '', c.gatherNd);
known('scatterNd', '', (i, u) => c.scatterNd(i, u, [3, 4]));
known('matmul', '', c.matmul);
known('matmul', 'of vectors', c.matmul);

// ---- ops of importers and ports

known('tile', '', (x) => c.tile(x, [2, 3]));
known('repeatInterleave', '', (x) => c.repeatInterleave(x, 2));
known('repeatInterleave', 'axis', (x) => c.repeatInterleave(x, 3, 1), 'axis');
known('roll', '', (x) => c.roll(x, 3));
known('roll', 'axes', (x) => c.roll(x, [-1, 2], [0, 1]), 'axes');
known('splitTensor', '', (x) => c.concat(c.splitTensor(x, 2).reverse()));
known('splitTensor', 'axis', (x) => c.concat(c.splitTensor(x, [1, 3], 1).reverse(), 1), 'axis');
known('chunk', '', (x) => c.concat(c.chunk(x, 2).reverse()));
known('chunk', 'axis', (x) => c.stack(c.chunk(x, 2, 1)), 'axis');
known('unbind', '', (x) => c.stack(c.unbind(x).reverse()));
known('unbind', 'axis', (x) => c.stack(c.unbind(x, 1)), 'axis');
for (const [op, f] of Object.entries({ tril: c.tril, triu: c.triu })) {
  known(op, '', (x) => f(x));
  known(op, 'diagonal', (x) => f(x, -1), 'diagonal');
}
known('meshgrid', '', (...x) => c.stack(c.meshgrid(x)));
known('meshgrid', 'indexing', (...x) => c.stack(c.meshgrid(x, { indexing: 'xy' })), 'indexing');
known('oneHot', '', (i) => c.oneHot(i, 4));
known('oneHot', 'axis, dtype', (i) => c.oneHot(i, 4, { axis: 0, dtype: 'int32' }), 'axis dtype');
known('embedding', '', (i, w) => c.embedding(i, w));
known('embedding', 'paddingIndex', (i, w) => c.embedding(i, w, { paddingIndex: -1 }), 'paddingIndex');
known('gather', '', (x, i) => c.gather(x, i));
known('gather', 'axis', (x, i) => c.gather(x, i, 1), 'axis');
for (const [op, f] of Object.entries({ scatter: c.scatter, scatterAdd: c.scatterAdd })) {
  known(op, '', (x, i, s) => f(x, i, s));
  known(op, 'axis', (x, i, s) => f(x, i, s, -1), 'axis');
}
for (const how of ['sum', 'mean', 'prod', 'amax', 'amin'] as const) {
  known('scatterReduce', how, (x, i, s) => c.scatterReduce(x, i, s, how));
  const options = { axis: 1, includeSelf: false };
  known(
    'scatterReduce',
    `${how} axis, includeSelf`,
    (x, i, s) => c.scatterReduce(x, i, s, how, options),
    'axis includeSelf',
  );
}
known('indexAdd', '', (x, i, s) => c.indexAdd(x, i, s));
known('indexAdd', 'axis', (x, i, s) => c.indexAdd(x, i, s, 1), 'axis');
known('sort', '', (x) => c.sort(x)[0], '', true);
known('sort', 'axis', (x) => c.sort(x, 0)[0], 'axis', true);
known('sort', 'descending', (x) => c.sort(x, 0, { descending: true })[0], 'axis descending', true);
known('argsort', '', (x) => c.argsort(x));
known('argsort', 'axis', (x) => c.argsort(x, 0), 'axis');
known('argsort', 'descending', (x) => c.argsort(x, -1, { descending: true }), 'axis descending');
known('topk', '', (x) => c.topk(x, 2)[0], '', true);
known('topk', 'axis, largest', (x) => c.topk(x, 2, 0, { largest: false })[0], 'axis largest', true);
known('topk', 'indices', (x) => c.topk(x, 2)[1]);
for (const [op, f] of Object.entries({ cumsum: c.cumsum, cumprod: c.cumprod })) {
  known(op, '', (x) => f(x));
  known(op, 'axis', (x) => f(x, 0), 'axis');
  known(op, 'reverse', (x) => f(x, 0, { reverse: true }), 'axis reverse');
  known(op, 'exclusive', (x) => f(x, 0, { exclusive: true }), 'axis exclusive');
}
known('prod', '', (x) => c.prod(x));
known('prod', 'of zeros', (x) => c.prod(x, 1), 'axes');
known('prod', 'axes, keepDims', (x) => c.prod(x, 0, { keepDims: true }), 'axes keepDims');
known('norm', '', (x) => c.norm(x));
known('norm', 'axes, keepDims', (x) => c.norm(x, 1, { keepDims: true }), 'axes keepDims');
for (const [name, p] of Object.entries({ 0: 0, 1: 1, 3: 3, 0.5: 0.5, '-2': -2, inf: Infinity, '-inf': -Infinity }))
  known('norm', `p ${name}`, (x) => c.norm(x, 0, { p }), 'axes p');
known('norm', 'of zeros', (x) => c.norm(x, 1), 'axes');
for (const [op, f] of Object.entries({ any: c.any, all: c.all })) {
  known(op, '', (x) => f(x));
  known(op, 'axes, keepDims', (x) => f(x, 1, { keepDims: true }), 'axes keepDims');
}
known('einsum', '', (...x) => c.einsum('bij,bjk,k->ib', ...x));
known('einsum', 'implicit', (...x) => c.einsum('iia,b', ...x));
known('einsum', 'ellipsis', (...x) => c.einsum('...ij,...jk->k...i', ...x));
known('einsum', 'ellipsis of two ranks', (...x) => c.einsum('...i,...i->...', ...x));
known('einsum', 'ellipsis, implicit', (...x) => c.einsum('j...,ji', ...x));

// ---- convolution

known('conv2d', '', (x, w) => c.conv2d(x, w));
known(
  'conv2d',
  'bias, stride, padding',
  (x, w, bias) => c.conv2d(x, w, { bias, stride: 2, padding: 1 }),
  'bias stride padding',
);
known('conv2d', 'same', (x, w) => c.conv2d(x, w, { padding: 'same' }), 'padding');
known('conv2d', 'dilation, groups', (x, w) => c.conv2d(x, w, { dilation: [2, 1], groups: 2 }), 'dilation groups');
known('conv2dTranspose', '', (x, w) => c.conv2dTranspose(x, w));
known(
  'conv2dTranspose',
  'bias, stride, padding, outputPadding',
  (x, w, bias) => c.conv2dTranspose(x, w, { bias, stride: 2, padding: 1, outputPadding: [1, 0] }),
  'bias stride padding outputPadding',
);
known(
  'conv2dTranspose',
  'dilation, groups',
  (x, w) => c.conv2dTranspose(x, w, { dilation: [2, 1], groups: 2 }),
  'dilation groups',
);
known('conv2dTranspose', 'same', (x, w) => c.conv2dTranspose(x, w, { stride: 2, padding: 'same' }), 'stride padding');
known(
  'conv2dTranspose',
  'outputSize',
  (x, w) => c.conv2dTranspose(x, w, { stride: 2, outputSize: [5, 5] }),
  'stride outputSize',
);

// ---- convolution of series

known('conv1d', '', (x, w) => c.conv1d(x, w));
known(
  'conv1d',
  'bias, stride, padding',
  (x, w, bias) => c.conv1d(x, w, { bias, stride: 2, padding: 1 }),
  'bias stride padding',
);
known('conv1d', 'padding of two sides', (x, w) => c.conv1d(x, w, { padding: [2, 1] }), 'padding');
known('conv1d', 'same', (x, w) => c.conv1d(x, w, { padding: 'same' }), 'padding');
known('conv1d', 'dilation, groups', (x, w) => c.conv1d(x, w, { dilation: 2, groups: 2 }), 'dilation groups');
known('conv1dTranspose', '', (x, w) => c.conv1dTranspose(x, w));
known(
  'conv1dTranspose',
  'bias, stride, padding, outputPadding',
  (x, w, bias) => c.conv1dTranspose(x, w, { bias, stride: 3, padding: 1, outputPadding: 2 }),
  'bias stride padding outputPadding',
);
known(
  'conv1dTranspose',
  'padding of two sides',
  (x, w) => c.conv1dTranspose(x, w, { stride: 2, padding: [1, 0] }),
  'stride padding',
);
known(
  'conv1dTranspose',
  'dilation, groups',
  (x, w) => c.conv1dTranspose(x, w, { dilation: 2, groups: 2 }),
  'dilation groups',
);
known('conv1dTranspose', 'same', (x, w) => c.conv1dTranspose(x, w, { stride: 2, padding: 'same' }), 'stride padding');
known(
  'conv1dTranspose',
  'outputSize',
  (x, w) => c.conv1dTranspose(x, w, { stride: 2, outputSize: 9 }),
  'stride outputSize',
);

// ---- pools and what undoes them

known('maxPool2d', '', (x) => c.maxPool2d(x, { kernelSize: 2 })[0]);
known('maxPool2d', 'indices', (x) => c.maxPool2d(x, { kernelSize: 2 })[1].plane);
known(
  'maxPool2d',
  'stride, padding',
  (x) => c.maxPool2d(x, { kernelSize: 3, stride: [2, 1], padding: 1 })[0],
  'stride padding',
);
known(
  'maxPool2d',
  'indices, same',
  (x) => c.maxPool2d(x, { kernelSize: [3, 2], stride: 2, padding: 'same' })[1].plane,
  'stride padding',
);
known('maxPool2d', 'NaN', (x) => c.maxPool2d(x, { kernelSize: 2, stride: 1 })[0], 'stride');
known('maxPool2d', 'nan ignore', (x) => c.maxPool2d(x, { kernelSize: 2, stride: 1, nan: 'ignore' })[0], 'stride nan');
known('maxPool2d', 'nan tf', (x) => c.maxPool2d(x, { kernelSize: 2, stride: 1, nan: 'tf' })[0], 'stride nan');
known('maxPool2dWithArgmaxAndMask', '', (x) => c.maxPool2dWithArgmaxAndMask(x, { kernelSize: 2 })[0]);
known(
  'maxPool2dWithArgmaxAndMask',
  'mask',
  (x) => c.maxPool2dWithArgmaxAndMask(x, { kernelSize: 3, stride: 1, padding: 0 })[2],
  'stride padding',
);
known(
  'maxPool2dWithArgmaxAndMask',
  'nan',
  (x) => c.maxPool2dWithArgmaxAndMask(x, { kernelSize: 2, stride: 1, nan: 'ignore' })[0],
  'stride nan',
);
known('avgPool2d', '', (x) => c.avgPool2d(x, { kernelSize: 2 }));
known(
  'avgPool2d',
  'stride, padding',
  (x) => c.avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1 }),
  'stride padding',
);
known(
  'avgPool2d',
  'countIncludePad',
  (x) => c.avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1, countIncludePad: false }),
  'stride padding countIncludePad',
);
known('avgPool2d', 'same', (x) => c.avgPool2d(x, { kernelSize: 2, padding: 'same' }), 'padding');
const half = { kernelSize: [3, 4], stride: [2, 3], padding: 1, ceilMode: true } as const;
known('maxPool2d', 'ceilMode', (x) => c.maxPool2d(x, half)[0], 'stride padding ceilMode');
known('maxPool2d', 'ceilMode, indices', (x) => c.maxPool2d(x, half)[1].plane, 'stride padding ceilMode');
const behind = { kernelSize: 2, stride: 3, padding: 1, ceilMode: true };
known('maxPool2d', 'ceilMode, padding behind', (x) => c.maxPool2d(x, behind)[0], 'stride padding ceilMode');
known('avgPool2d', 'ceilMode, padding behind', (x) => c.avgPool2d(x, behind), 'stride padding ceilMode');
const holes = { kernelSize: [2, 3], stride: [2, 1], padding: 1, dilation: [3, 2] } as const;
known('maxPool2d', 'dilation', (x) => c.maxPool2d(x, holes)[0], 'stride padding dilation');
known('maxPool2d', 'dilation, indices', (x) => c.maxPool2d(x, holes)[1].plane, 'stride padding dilation');
known(
  'maxPool2d',
  'dilation, ceilMode, small',
  (x) => c.maxPool2d(x, { kernelSize: 3, stride: 3, dilation: 2, ceilMode: true })[0],
  'stride dilation ceilMode',
);
known(
  'maxPool2dWithArgmaxAndMask',
  'dilation, ceilMode',
  (x) => c.maxPool2dWithArgmaxAndMask(x, { kernelSize: 2, stride: 2, dilation: 2, ceilMode: true })[0],
  'stride dilation ceilMode',
);
known('avgPool2d', 'ceilMode', (x) => c.avgPool2d(x, half), 'stride padding ceilMode');
known(
  'avgPool2d',
  'ceilMode, countIncludePad',
  (x) => c.avgPool2d(x, { ...half, countIncludePad: false }),
  'stride padding ceilMode countIncludePad',
);
known(
  'avgPool2d',
  'divisorOverride',
  (x) => c.avgPool2d(x, { ...half, divisorOverride: 5 }),
  'stride padding ceilMode divisorOverride',
);
for (const [variant, size] of [
  ['', [3, 2]],
  ['global', 1],
  ['larger', 7],
  ['kept', [null, 3]],
] as const) {
  known('adaptiveAvgPool2d', variant, (x) => c.adaptiveAvgPool2d(x, size));
  known('adaptiveMaxPool2d', variant, (x) => c.adaptiveMaxPool2d(x, size)[0]);
  known('adaptiveMaxPool2d', `${variant} indices`, (x) => c.adaptiveMaxPool2d(x, size)[1].plane);
}
for (const nan of ['propagate', 'ignore'] as const) {
  known('adaptiveMaxPool2d', `nan ${nan}`, (x) => c.adaptiveMaxPool2d(x, 2, { nan })[0], 'nan');
  known('adaptiveMaxPool2d', `nan ${nan}, indices`, (x) => c.adaptiveMaxPool2d(x, 2, { nan })[1].plane, 'nan');
}
known('maxUnpool2d', 'of a pool with ceilMode', (x) =>
  c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 2, stride: 2, ceilMode: true })),
);
known('maxUnpool2d', 'of a dilated pool', (x) =>
  c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 2, stride: 3, dilation: 2 })),
);
known('maxUnpool2d', '', (x) => c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 2 })));
known(
  'maxUnpool2d',
  'outputSize',
  (x) => c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 2 }), { outputSize: [5, 5] }),
  'outputSize',
);
known('maxUnpool2d', 'overlapping', (x) => c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 3, stride: 1 })));
known(
  'maxUnpool2d',
  'kernelSize',
  (v) => c.maxUnpool2d(v, Int32Array.of(0, 9, 4, 18, 15, 22), { kernelSize: 2 }),
  'kernelSize',
);
known(
  'maxUnpool2d',
  'kernelSize, stride, padding',
  (v) => c.maxUnpool2d(v, Int32Array.of(3, 2, 7, 8), { kernelSize: 3, stride: 2, padding: 1 }),
  'kernelSize stride padding',
);
known(
  'maxUnpool2d',
  'kernelSize, convention, check',
  (v) => c.maxUnpool2d(v, Int32Array.of(6, 1, 8, 15), { kernelSize: 2, convention: 'tf', check: 'shape' }),
  'kernelSize convention check',
);
known('maxUnpool2d', 'poolSize', (v) => c.maxUnpool2d(v, Int32Array.of(8, 3, 4, 15), { poolSize: 2 }), 'poolSize');
known(
  'maxUnpool2d',
  'poolSize, strides',
  (v) => c.maxUnpool2d(v, Int32Array.of(5, 3, 13, 15), { poolSize: 3, strides: 2 }),
  'poolSize strides',
);
known(
  'maxUnpool2d',
  'poolSize, strides, valid',
  (v) => c.maxUnpool2d(v, Int32Array.of(6, 3, 11, 24), { poolSize: 3, strides: 2, padding: 'valid' }),
  'poolSize strides padding',
);
const repeated = Int32Array.of(0, 5, 0, 5, 4, 3, 0, 2);
for (const duplicates of ['max', 'mean'] as const)
  known(
    'maxUnpool2d',
    duplicates,
    (v) => {
      const { shape, device } = v;
      const indices = c.poolIndices(repeated, { shape, convention: 'torch', inputShape: [1, 2, 3, 1], device });
      return c.maxUnpool2d(v, indices, { duplicates });
    },
    'duplicates',
    true,
  );
known('unpooling', '', (v) => c.unpooling(v, [1, 2, 4, 2], Int32Array.of(8, 1, 4, 15)));
known('unpooling', 'add', (v) => c.unpooling(v, [1, 2, 3, 1], repeated));
for (const duplicates of ['first', 'last', 'max', 'mean'] as const)
  known('unpooling', duplicates, (v) => c.unpooling(v, [1, 2, 3, 1], repeated, { duplicates }), 'duplicates');
known(
  'unpooling',
  'convention',
  (v) => c.unpooling(v, [1, 2, 4, 2], Int32Array.of(4, 0, 2, 7), { convention: 'torch' }),
  'convention',
);
known(
  'unpoolByMask',
  'ceilMode',
  (v, m) => c.unpoolByMask(v, m, { kernelSize: 3, stride: 2, ceilMode: true }),
  'kernelSize stride ceilMode',
);
known('unpoolByMask', 'kernelSize', (v, m) => c.unpoolByMask(v, m, { kernelSize: 2 }), 'kernelSize');
known(
  'unpoolByMask',
  'stride, padding',
  (v, m) => c.unpoolByMask(v, m, { kernelSize: 3, stride: 1, padding: 1 }),
  'kernelSize stride padding',
);
known('unpoolByMask', 'argmax', (v, m) => c.unpoolByMask(v, m, { argmax: Int32Array.of(8, 1, 8, 15) }), 'argmax');
known(
  'unpoolByMask',
  'argmax, convention',
  (v, m) => c.unpoolByMask(v, m, { argmax: Int32Array.of(4, 0, 2, 7), convention: 'torch' }),
  'argmax convention',
);
known(
  'unpoolByMask',
  'argmax, duplicates',
  (v, m) => c.unpoolByMask(v, m, { argmax: repeated, duplicates: 'max' }),
  'argmax duplicates',
);

// ---- pools of series and what undoes them

known('maxPool1d', '', (x) => c.maxPool1d(x, { kernelSize: 2 })[0]);
known('maxPool1d', 'indices', (x) => c.maxPool1d(x, { kernelSize: 2 })[1].plane);
known(
  'maxPool1d',
  'stride, padding',
  (x) => c.maxPool1d(x, { kernelSize: 3, stride: 2, padding: 1 })[0],
  'stride padding',
);
known(
  'maxPool1d',
  'indices, padding',
  (x) => c.maxPool1d(x, { kernelSize: 3, stride: 2, padding: [1, 1] })[1].plane,
  'stride padding',
);
known(
  'maxPool1d',
  'indices, same',
  (x) => c.maxPool1d(x, { kernelSize: 4, stride: 3, padding: 'same' })[1].plane,
  'stride padding',
);
known('maxPool1d', 'NaN', (x) => c.maxPool1d(x, { kernelSize: 2, stride: 1 })[0], 'stride');
known('maxPool1d', 'nan ignore', (x) => c.maxPool1d(x, { kernelSize: 2, stride: 1, nan: 'ignore' })[0], 'stride nan');
known('maxPool1d', 'nan tf', (x) => c.maxPool1d(x, { kernelSize: 2, stride: 1, nan: 'tf' })[0], 'stride nan');
known('avgPool1d', '', (x) => c.avgPool1d(x, { kernelSize: 2 }));
known(
  'avgPool1d',
  'stride, padding',
  (x) => c.avgPool1d(x, { kernelSize: 3, stride: 2, padding: 1 }),
  'stride padding',
);
known(
  'avgPool1d',
  'countIncludePad',
  (x) => c.avgPool1d(x, { kernelSize: 3, stride: 2, padding: 1, countIncludePad: false }),
  'stride padding countIncludePad',
);
known('avgPool1d', 'same', (x) => c.avgPool1d(x, { kernelSize: 2, padding: 'same' }), 'padding');
const halfLine = { kernelSize: 4, stride: 3, padding: 1, ceilMode: true };
known('maxPool1d', 'ceilMode', (x) => c.maxPool1d(x, halfLine)[0], 'stride padding ceilMode');
known('maxPool1d', 'ceilMode, indices', (x) => c.maxPool1d(x, halfLine)[1].plane, 'stride padding ceilMode');
const holedLine = { kernelSize: 3, stride: 2, padding: 1, dilation: 2 };
known('maxPool1d', 'dilation', (x) => c.maxPool1d(x, holedLine)[0], 'stride padding dilation');
known('maxPool1d', 'dilation, indices', (x) => c.maxPool1d(x, holedLine)[1].plane, 'stride padding dilation');
known('avgPool1d', 'ceilMode', (x) => c.avgPool1d(x, halfLine), 'stride padding ceilMode');
for (const [variant, size] of [
  ['', 3],
  ['global', 1],
  ['larger', 9],
] as const) {
  known('adaptiveAvgPool1d', variant, (x) => c.adaptiveAvgPool1d(x, size));
  known('adaptiveMaxPool1d', variant, (x) => c.adaptiveMaxPool1d(x, size)[0]);
  known('adaptiveMaxPool1d', `${variant} indices`, (x) => c.adaptiveMaxPool1d(x, size)[1].plane);
}
known('adaptiveMaxPool1d', 'nan ignore', (x) => c.adaptiveMaxPool1d(x, 2, { nan: 'ignore' })[0], 'nan');
known('maxUnpool1d', '', (x) => c.maxUnpool1d(...c.maxPool1d(x, { kernelSize: 2 })));
known(
  'maxUnpool1d',
  'outputSize',
  (x) => c.maxUnpool1d(...c.maxPool1d(x, { kernelSize: 2 }), { outputSize: 5 }),
  'outputSize',
);
known('maxUnpool1d', 'overlapping', (x) => c.maxUnpool1d(...c.maxPool1d(x, { kernelSize: 3, stride: 1 })));
known(
  'maxUnpool1d',
  'kernelSize',
  // PyTorch lists the indices of each channel together.
  (v) => c.maxUnpool1d(v, Int32Array.of(1, 0, 2, 3, 4, 5), { kernelSize: 2 }),
  'kernelSize',
);
known(
  'maxUnpool1d',
  'kernelSize, stride, padding',
  (v) => c.maxUnpool1d(v, Int32Array.of(1, 2, 4), { kernelSize: 3, stride: 2, padding: 1 }),
  'kernelSize stride padding',
);
known(
  'maxUnpool1d',
  'kernelSize, outputSize',
  (v) => c.maxUnpool1d(v, Int32Array.of(1, 3, 5), { kernelSize: 2, outputSize: 7 }),
  'kernelSize outputSize',
);
known(
  'maxUnpool1d',
  'kernelSize, convention, check',
  (v) => c.maxUnpool1d(v, Int32Array.of(6, 1, 0, 7), { kernelSize: 2, convention: 'tf', check: 'shape' }),
  'kernelSize convention check',
);
known('maxUnpool1d', 'poolSize', (v) => c.maxUnpool1d(v, Int32Array.of(2, 1, 6, 5), { poolSize: 2 }), 'poolSize');
known(
  'maxUnpool1d',
  'poolSize, strides',
  (v) => c.maxUnpool1d(v, Int32Array.of(1, 3), { poolSize: 3, strides: 2 }),
  'poolSize strides',
);
known(
  'maxUnpool1d',
  'poolSize, strides, valid',
  (v) => c.maxUnpool1d(v, Int32Array.of(0, 4), { poolSize: 3, strides: 2, padding: 'valid' }),
  'poolSize strides padding',
);
for (const duplicates of ['add', 'first', 'last', 'max', 'mean'] as const)
  known(
    'maxUnpool1d',
    duplicates,
    (v) => {
      const { shape, device } = v;
      const indices = c.poolIndices(Int32Array.of(0, 3, 0, 3, 2), {
        shape,
        convention: 'torch',
        inputShape: [1, 4, 1],
        device,
      });
      return c.maxUnpool1d(v, indices, duplicates === 'add' ? {} : { duplicates });
    },
    duplicates === 'add' ? '' : 'duplicates',
    true,
  );

// ---- images to another size

known('upsample2d', '', (x) => c.upsample2d(x, { scale: [2, 3] }));
known('upsample2d', 'zeros', (x) => c.upsample2d(x, { scale: [2, 3], fill: 'zeros' }), 'fill');
known('unPooling2x2ZeroFilled', '', c.unPooling2x2ZeroFilled);
known('fixedUnpool2d', 'size', (x) => c.fixedUnpool2d(x, { size: [3, 2] }), 'size');
known('fixedUnpool2d', 'matrix', (x, matrix) => c.fixedUnpool2d(x, { matrix }), 'matrix');
known('resize2d', '', (x) => c.resize2d(x, { size: [5, 4] }), 'size');
known('resize2d', 'scale', (x) => c.resize2d(x, { scale: [2, 1.5] }), 'scale');
known('resize2d', 'alignCorners', (x) => c.resize2d(x, { size: [5, 4], alignCorners: true }), 'size alignCorners');
known('resize2d', 'nearest', (x) => c.resize2d(x, { size: [5, 4], method: 'nearest' }), 'size method');
known(
  'resize2d',
  'nearest, legacy',
  (x) => c.resize2d(x, { size: [5, 4], method: 'nearest', halfPixelCenters: false }),
  'size method halfPixelCenters',
);
known('resize2d', 'legacy', (x) => c.resize2d(x, { size: [5, 4], halfPixelCenters: false }), 'size halfPixelCenters');
known('resize2d', 'bicubic', (x) => c.resize2d(x, { size: [5, 4], method: 'bicubic' }), 'size method');
known(
  'resize2d',
  'bicubic, alignCorners',
  (x) => c.resize2d(x, { size: [5, 4], method: 'bicubic', alignCorners: true }),
  'size method alignCorners',
);
known('resize2d', 'area', (x) => c.resize2d(x, { size: [2, 4], method: 'area' }), 'size method');
known('resize2d', 'area, scale', (x) => c.resize2d(x, { scale: 0.6, method: 'area' }), 'scale method');
for (const method of ['bilinear', 'bicubic', 'nearest'] as const)
  known(
    'resize2d',
    `${method}, scale as given`,
    (x) => c.resize2d(x, { scale: [1.7, 0.6], method, recomputeScaleFactor: false }),
    'scale method recomputeScaleFactor',
  );
for (const coordinateTransformation of ['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'] as const) {
  known(
    'resize2d',
    `ONNX ${coordinateTransformation}`,
    (x) => c.resize2d(x, { scale: [0.8, 1.7], coordinateTransformation, recomputeScaleFactor: false }),
    'scale coordinateTransformation recomputeScaleFactor',
  );
  for (const nearestMode of ['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const)
    known(
      'resize2d',
      `ONNX ${coordinateTransformation}, ${nearestMode}`,
      (x) => c.resize2d(x, { size: [1, 8], method: 'nearest', coordinateTransformation, nearestMode }),
      'size method coordinateTransformation nearestMode',
    );
}
for (const excludeOutside of [false, true])
  known(
    'resize2d',
    `ONNX cubic ${excludeOutside}`,
    (x) =>
      c.resize2d(x, {
        ...{ scale: [0.8, 1.7], method: 'bicubic', recomputeScaleFactor: false },
        ...{ cubicCoefficient: -0.5, excludeOutside },
      }),
    'scale method recomputeScaleFactor cubicCoefficient excludeOutside',
  );
for (const [op, f] of Object.entries({ pixelShuffle: c.pixelShuffle, pixelUnshuffle: c.pixelUnshuffle })) {
  known(op, '', (x) => f(x, 2));
  known(op, 'tf', (x) => f(x, 2, { order: 'tf' }), 'order');
}

// ---- series to another size

known('upsample1d', '', (x) => c.upsample1d(x, { scale: 3 }));
known('upsample1d', 'zeros', (x) => c.upsample1d(x, { scale: 3, fill: 'zeros' }), 'fill');
known('resize1d', '', (x) => c.resize1d(x, { size: 5 }), 'size');
known('resize1d', 'scale', (x) => c.resize1d(x, { scale: 1.5 }), 'scale');
known('resize1d', 'alignCorners', (x) => c.resize1d(x, { size: 5, alignCorners: true }), 'size alignCorners');
known('resize1d', 'nearest', (x) => c.resize1d(x, { size: 5, method: 'nearest' }), 'size method');
known(
  'resize1d',
  'nearest, legacy',
  (x) => c.resize1d(x, { size: 5, method: 'nearest', halfPixelCenters: false }),
  'size method halfPixelCenters',
);
known('resize1d', 'legacy', (x) => c.resize1d(x, { size: 5, halfPixelCenters: false }), 'size halfPixelCenters');

known('resize1d', 'area', (x) => c.resize1d(x, { size: 3, method: 'area' }), 'size method');
known(
  'resize1d',
  'scale as given',
  (x) => c.resize1d(x, { scale: 1.7, recomputeScaleFactor: false }),
  'scale recomputeScaleFactor',
);
known(
  'resize1d',
  'ONNX asymmetric, ceil',
  (x) => c.resize1d(x, { size: 8, method: 'nearest', coordinateTransformation: 'asymmetric', nearestMode: 'ceil' }),
  'size method coordinateTransformation nearestMode',
);
known(
  'resize1d',
  'ONNX cubic',
  (x) =>
    c.resize1d(x, {
      ...{ scale: 0.8, method: 'cubic', recomputeScaleFactor: false },
      ...{ cubicCoefficient: -0.5, excludeOutside: true },
    }),
  'scale method recomputeScaleFactor cubicCoefficient excludeOutside',
);

// ---- losses, dropout

for (const [variant, options] of [
  ['', undefined],
  ['sum', { reduction: 'sum' }],
  ['none', { reduction: 'none' }],
] as const) {
  const gives = options === undefined ? '' : 'reduction';
  known('bceWithLogits', variant, (x, z) => c.bceWithLogits(x, z, options), gives);
  known('mse', variant, (x, z) => c.mse(x, z, options), gives);
  known('l1', variant, (x, z) => c.l1(x, z, options), gives);
  known('crossEntropy', variant, (x, k) => c.crossEntropy(x, k, options), gives);
  known('crossEntropy', `probabilities ${variant}`.trim(), (x, z) => c.crossEntropy(x, z, options), gives);
}
known('crossEntropy', 'ignoreIndex', (x, k) => c.crossEntropy(x, k, { ignoreIndex: 1 }), 'ignoreIndex');
for (const [variant, more, gives] of [
  ['', {}, ''],
  [' sum', { reduction: 'sum' }, ' reduction'],
  [' none', { reduction: 'none' }, ' reduction'],
] as const)
  for (const target of ['', 'probabilities ']) {
    known(
      'crossEntropy',
      `${target}weight${variant}`,
      (x, z, weight) => c.crossEntropy(x, z, { weight, ...more }),
      `weight${gives}`,
    );
    known(
      'crossEntropy',
      `${target}weight, labelSmoothing${variant}`,
      (x, z, weight) => c.crossEntropy(x, z, { weight, labelSmoothing: 0.25, ...more }),
      `weight labelSmoothing${gives}`,
    );
  }
for (const target of ['', 'probabilities ', 'constant probabilities '])
  known(
    'crossEntropy',
    `${target}labelSmoothing`,
    (x, z) => c.crossEntropy(x, z, { labelSmoothing: 0.25 }),
    'labelSmoothing',
  );
known(
  'crossEntropy',
  'weight, labelSmoothing, ignoreIndex',
  (x, k, weight) => c.crossEntropy(x, k, { weight, labelSmoothing: 0.25, ignoreIndex: 0 }),
  'weight labelSmoothing ignoreIndex',
);
known('nll', 'weight', (x, k, weight) => c.nll(x, k, { weight }), 'weight');
known('nll', 'ignoreIndex', (x, k) => c.nll(x, k, { ignoreIndex: 0 }), 'ignoreIndex');
known(
  'nll',
  'weight, ignoreIndex of pixels',
  (x, k, weight) => c.nll(x, k, { weight, ignoreIndex: 1 }),
  'weight ignoreIndex',
);
known('bce', 'of certain chances', (p, z) => c.bce(p, z, { reduction: 'none' }), 'reduction');
known('bce', 'weight', (p, z, weight) => c.bce(p, z, { weight, reduction: 'none' }), 'weight reduction');
known('smoothL1', 'beta', (x, z) => c.smoothL1(x, z, { beta: 0.5, reduction: 'none' }), 'beta reduction');
known('smoothL1', 'beta of 0', (x, z) => c.smoothL1(x, z, { beta: 0, reduction: 'none' }), 'beta reduction');
known('huber', 'delta', (x, z) => c.huber(x, z, { delta: 0.5, reduction: 'none' }), 'delta reduction');
known('klDiv', 'target', (x, t) => c.klDiv(x, t));
known('klDiv', 'batchMean', (x, t) => c.klDiv(x, t, { reduction: 'batchMean' }), 'reduction');
known(
  'klDiv',
  'logTarget, batchMean',
  (x, t) => c.klDiv(x, t, { reduction: 'batchMean', logTarget: true }),
  'reduction logTarget',
);
known('klNormal', '', (m, v) => c.klNormal(m, v));
known('klNormal', 'by distributions', (m, v) => c.klNormal(m, v, { reduction: 'batchMean' }), 'reduction');
known('dice', 'squared', (p, z) => c.dice(p, z, { squared: true }), 'squared');
known('dice', 'smooth', (p, z) => c.dice(p, z, { smooth: 1 }), 'smooth');
known('sigmoidFocal', 'alpha', (x, z) => c.sigmoidFocal(x, z, { alpha: 0.75 }), 'alpha');
known('sigmoidFocal', 'without alpha', (x, z) => c.sigmoidFocal(x, z, { alpha: -1 }), 'alpha');
known('sigmoidFocal', 'gamma', (x, z) => c.sigmoidFocal(x, z, { gamma: 0.5 }), 'gamma');
known('sigmoidFocal', 'gamma 0', (x, z) => c.sigmoidFocal(x, z, { gamma: 0 }), 'gamma');
for (const [variant, options] of [
  ['', undefined],
  ['sum', { reduction: 'sum' }],
  ['none', { reduction: 'none' }],
] as const) {
  const gives = options === undefined ? '' : 'reduction';
  known('smoothL1', variant, (x, z) => c.smoothL1(x, z, options), gives);
  known('huber', variant, (x, z) => c.huber(x, z, options), gives);
  known('bce', variant, (p, z) => c.bce(p, z, options), gives);
  known('nll', variant, (x, k) => c.nll(x, k, options), gives);
  known('klDiv', variant, (x, t) => c.klDiv(x, t, options), gives);
  known(
    'klDiv',
    `logTarget ${variant}`.trim(),
    (x, t) => c.klDiv(x, t, { ...options, logTarget: true }),
    `logTarget ${gives}`.trim(),
  );
  const reduction = options?.reduction ?? 'mean';
  known('klNormal', reduction, (m, v) => c.klNormal(m, v, { reduction }), 'reduction');
  known('dice', variant, (p, z) => c.dice(p, z, options), gives);
  known('sigmoidFocal', variant, (x, z) => c.sigmoidFocal(x, z, options), gives);
}
known('bceWithLogits', 'weight', (x, z, weight) => c.bceWithLogits(x, z, { weight }), 'weight');
known(
  'bceWithLogits',
  'weight, posWeight',
  (x, z, weight, posWeight) => c.bceWithLogits(x, z, { weight, posWeight, reduction: 'none' }),
  'weight posWeight reduction',
);
known('bceWithLogits', 'posWeight', (x, z) => c.bceWithLogits(x, z, { posWeight: 2.5 }), 'posWeight');
known('bceWithLogits', 'posWeight per channel', (x, z, posWeight) => c.bceWithLogits(x, z, { posWeight }), 'posWeight');
known('dropout', '', (x) => {
  c.manualSeed(3);
  return c.dropout(x);
});
known('dropout', 'rate, random', (x) => c.dropout(x, { rate: 0.25, random: new c.RandomState(5) }), 'rate random');
known('dropout', 'not training', (x) => c.dropout(x, { training: false }), 'training');
known('dropout2d', '', (x) => {
  c.manualSeed(3);
  return c.dropout2d(x);
});
known('dropout2d', 'rate, random', (x) => c.dropout2d(x, { rate: 0.25, random: new c.RandomState(5) }), 'rate random');
known('dropout2d', 'not training', (x) => c.dropout2d(x, { training: false }), 'training');

// ---- normalisation

for (const [op, f] of Object.entries({
  batchNorm: c.batchNorm,
  instanceNorm: c.instanceNorm,
  groupNorm: (x: Tensor, options?: c.AffineOptions) => c.groupNorm(x, 2, options),
  layerNorm: (x: Tensor, options?: c.AffineOptions) => c.layerNorm(x, [4], options),
})) {
  known(op, '', (x) => f(x));
  known(op, 'weight, bias', (x, weight, bias) => f(x, { weight, bias }), 'weight bias');
  known(op, 'eps', (x) => f(x, { eps: 0.5 }), 'eps');
}

if (left.size > 0) throw new Error(`expected.json has numbers that no call here uses: ${[...left].join(', ')}`);
export const knownCalls: readonly KnownCall[] = calls;
