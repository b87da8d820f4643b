/**
 * The names of PyTorch's functions in this library. There is a row for each name of its operator
 * database that exists here, and a second one if a layer and a function share that name. Images
 * arrive with channels first and are permuted, so that gradients come back with channels first. Not
 * here: calls that are not claimed (torch-rules.ts).
 */

import type { DType, Reduction, Tensor } from '../../src/index.js';
import * as c from '../../src/index.js';
import type { Arguments } from './calls.js';

export interface TorchOp {
  /** Its name in PyTorch's operator database, with its variant. */
  readonly torch: string;
  /** The names of the functions or classes here that it judges. */
  readonly ours: readonly string[];
  /** PyTorch's parameters, in order. */
  readonly parameters: readonly string[];
  /** Whether results are sums of many products, whose rounding is that of the largest. */
  readonly accumulates: boolean;
  /** Which of the calls the row judges. Default all. */
  readonly judges?: (a: Arguments) => boolean;
  readonly call: (a: Arguments) => Tensor | readonly Tensor[];
}

const ops: TorchOp[] = [];
function row(
  torch: string,
  ours: string,
  parameters: string,
  call: TorchOp['call'],
  { accumulates = false, judges }: { accumulates?: boolean; judges?: TorchOp['judges'] } = {},
): void {
  ops.push({ torch, ours: ours.split(' '), parameters: parameters.split(' '), accumulates, judges, call });
}
const sums = { accumulates: true };
/** The name under which this library exports a function. */
const nameOf = (fn: unknown): string => Object.entries(c).find(([, value]) => value === fn)?.[0] ?? '';

/** Channels last, from channels first. */
const last = (x: Tensor): Tensor => x.permute([0, 2, 3, 1]);
/** Channels first, from channels last. */
const first = (x: Tensor): Tensor => x.permute([0, 3, 1, 2]);
/** Runs fn channels last; images without a batch are a batch of one. */
const overImages = (x: Tensor, fn: (x: Tensor) => Tensor): Tensor =>
  x.rank === 3 ? first(fn(last(x.unsqueeze(0)))).squeeze(0) : first(fn(last(x)));
/** A rank-r tensor whose axis 1 goes to the end. */
const channelsToEnd = (x: Tensor): Tensor =>
  x.rank < 3 ? x : x.permute([0, ...x.shape.slice(2).map((_, i) => i + 2), 1]);
const channelsFromEnd = (x: Tensor): Tensor =>
  x.rank < 3 ? x : x.permute([0, x.rank - 1, ...x.shape.slice(2).map((_, i) => i + 1)]);

const dtypes: Readonly<Record<string, DType>> = {
  float32: 'float32',
  float64: 'float64',
  int64: 'int32',
  int32: 'int32',
  bool: 'bool',
};
const asked = (a: Arguments): DType | undefined => (a.has('dtype') ? dtypes[a.text('dtype', '')] : undefined);
const cast = (x: Tensor, dtype: DType | undefined): Tensor => (dtype === undefined ? x : x.cast(dtype));

// ---- one tensor

const unary: Readonly<Record<string, (x: Tensor) => Tensor>> = {
  abs: c.abs,
  exp: c.exp,
  log: c.log,
  log1p: c.log1p,
  sqrt: c.sqrt,
  neg: c.neg,
  sign: c.sign,
  tanh: c.tanh,
  sigmoid: c.sigmoid,
  erf: c.erf,
  isnan: c.isNaN,
  logical_not: c.logicalNot,
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
  isfinite: c.isFinite,
  isinf: c.isInf,
  clone: c.clone,
  'nn.functional.relu': c.relu,
  'nn.functional.silu': c.silu,
  'nn.functional.selu': c.selu,
  'nn.functional.relu6': c.relu6,
  'nn.functional.hardsigmoid': c.hardSigmoid,
  'nn.functional.hardswish': c.hardSwish,
  'nn.functional.mish': c.mish,
  'nn.functional.softsign': c.softsign,
  'nn.functional.logsigmoid': c.logSigmoid,
};
for (const [name, fn] of Object.entries(unary)) row(name, nameOf(fn), 'input', (a) => fn(a.tensor('input')));
row('nn.functional.gelu', 'gelu', 'input', (a) =>
  c.gelu(a.tensor('input'), { approximate: a.text('approximate', 'none') as 'none' | 'tanh' }),
);
row('nn.functional.celu', 'celu', 'input alpha', (a) => c.celu(a.tensor('input'), a.number('alpha', 1)));
row('nn.functional.hardtanh', 'hardTanh', 'input min_val max_val', (a) =>
  c.hardTanh(a.tensor('input'), a.number('min_val', -1), a.number('max_val', 1)),
);
row('nn.functional.glu', 'glu', 'input dim', (a) => c.glu(a.tensor('input'), a.number('dim', -1)));
row('nn.functional.prelu', 'prelu', 'input weight', (a) => {
  const x = a.tensor('input');
  // Channels are on axis 1 there.
  const y = c.prelu(x.rank < 2 ? x : x.transpose(1, -1), a.tensor('weight'));
  return x.rank < 2 ? y : y.transpose(1, -1);
});
row('nn.functional.leaky_relu', 'leakyRelu', 'input negative_slope', (a) =>
  c.leakyRelu(a.tensor('input'), a.number('negative_slope', 0.01)),
);
row('nn.functional.elu', 'elu', 'input alpha', (a) => c.elu(a.tensor('input'), a.number('alpha', 1)));
row('nn.functional.softplus', 'softplus', 'input beta threshold', (a) =>
  c.softplus(a.tensor('input'), { beta: a.number('beta', 1), threshold: a.number('threshold', 20) }),
);
row('clamp', 'clamp', 'input min max', (a) =>
  c.clamp(a.tensor('input'), a.number('min', -Infinity), a.number('max', Infinity)),
);
for (const [name, dtype] of Object.entries({ float: 'float32', double: 'float64', int: 'int32', bool: 'bool' }))
  row(name, 'cast', 'input', (a) => c.cast(a.tensor('input'), dtype as DType));
row('nn.functional.dropout', 'dropout', 'input p training', (a) =>
  c.dropout(a.tensor('input'), { rate: a.number('p', 0.5), training: a.flag('training', true) }),
);

// ---- two operands

const operand = (a: Arguments, name: string): c.Operand => {
  const v = a.get(name);
  return typeof v === 'object' ? a.tensor(name) : Number(v);
};
const binary: Readonly<Record<string, (a: c.Operand, b: c.Operand) => Tensor>> = {
  mul: c.mul,
  'div.no_rounding_mode': c.div,
  true_divide: c.div,
  pow: c.pow,
  maximum: c.maximum,
  minimum: c.minimum,
  fmod: c.fmod,
  remainder: c.remainder,
  atan2: c.atan2,
  'max.binary': c.maximum,
  'min.binary': c.minimum,
  eq: c.equal,
  ne: c.notEqual,
  lt: c.less,
  le: c.lessEqual,
  gt: c.greater,
  ge: c.greaterEqual,
};
for (const [name, fn] of Object.entries(binary))
  row(name, nameOf(fn), 'input other', (a) => fn(operand(a, 'input'), operand(a, 'other')));
const scaled = (a: Arguments): c.Operand => {
  const [other, alpha] = [operand(a, 'other'), a.number('alpha', 1)];
  if (alpha === 1) return other;
  return typeof other === 'number' ? other * alpha : other.mul(alpha);
};
row('add', 'add', 'input other', (a) => c.add(operand(a, 'input'), scaled(a)));
row('sub', 'sub', 'input other', (a) => c.sub(operand(a, 'input'), scaled(a)));
row('rsub', 'sub', 'input other', (a) => {
  const alpha = a.number('alpha', 1);
  return c.sub(operand(a, 'other'), alpha === 1 ? operand(a, 'input') : a.tensor('input').mul(alpha));
});
const reversed = { __radd__: c.add, __rsub__: c.sub, __rmul__: c.mul, __rdiv__: c.div };
for (const [name, fn] of Object.entries(reversed))
  row(name, nameOf(fn), 'input other', (a) => fn(operand(a, 'other'), operand(a, 'input')));
row('where', 'where', 'input condition other', (a) =>
  c.where(a.tensor('condition'), operand(a, 'input'), operand(a, 'other')),
);

// ---- products

row('matmul', 'matmul', 'input other', (a) => c.matmul(a.tensor('input'), a.tensor('other')), sums);
row('__rmatmul__', 'matmul', 'input other', (a) => c.matmul(a.tensor('other'), a.tensor('input')), sums);
for (const [name, second] of Object.entries({ mm: 'mat2', bmm: 'mat2', mv: 'vec', dot: 'other' }))
  row(name, 'matmul', `input ${second}`, (a) => c.matmul(a.tensor('input'), a.tensor(second)), sums);
for (const name of ['addmm', 'addmv', 'baddbmm'])
  row(
    name,
    'matmul',
    'input left right',
    (a) => {
      const product = c.matmul(a.tensor('left'), a.tensor('right')).mul(a.number('alpha', 1));
      return product.add(a.tensor('input').mul(a.number('beta', 1)));
    },
    sums,
  );
row(
  'nn.functional.linear',
  'matmul',
  'input weight bias',
  (a) => {
    const y = c.matmul(a.tensor('input'), a.tensor('weight').transpose());
    return a.has('bias') ? y.add(a.tensor('bias')) : y;
  },
  sums,
);

// ---- reductions

const keep = (a: Arguments): { keepDims: boolean } => ({ keepDims: a.flag('keepdim') });
/** None and the empty list mean every axis. */
const axes = (a: Arguments): number[] | undefined => {
  const list = a.list('dim');
  return list?.length === 0 ? undefined : list;
};
row('sum', 'sum', 'input dim keepdim', (a) => c.sum(cast(a.tensor('input'), asked(a)), axes(a), keep(a)), sums);
row('mean', 'mean', 'input dim keepdim', (a) => c.mean(cast(a.tensor('input'), asked(a)), axes(a), keep(a)), sums);
row('amax', 'max', 'input dim keepdim', (a) => c.max(a.tensor('input'), axes(a), keep(a)));
row('amin', 'min', 'input dim keepdim', (a) => c.min(a.tensor('input'), axes(a), keep(a)));
row('max.reduction_no_dim', 'max', 'input', (a) => c.max(a.tensor('input')));
row('min.reduction_no_dim', 'min', 'input', (a) => c.min(a.tensor('input')));
for (const [name, value, index] of [
  ['max.reduction_with_dim', c.max, c.argmax],
  ['min.reduction_with_dim', c.min, c.argmin],
] as const)
  row(name, `${nameOf(value)} ${nameOf(index)}`, 'input dim keepdim', (a) => [
    value(a.tensor('input'), a.number('dim', 0), keep(a)),
    index(a.tensor('input'), a.number('dim', 0), keep(a)),
  ]);
for (const [name, fn] of Object.entries({ argmax: c.argmax, argmin: c.argmin }))
  row(name, name, 'input dim keepdim', (a) => fn(a.tensor('input'), axes(a)?.[0], keep(a)));
row('logsumexp', 'logsumexp', 'input dim keepdim', (a) => c.logsumexp(a.tensor('input'), axes(a), keep(a)), sums);
for (const [name, fn] of Object.entries({
  softmax: c.softmax,
  'softmax.with_dtype': c.softmax,
  log_softmax: c.logSoftmax,
  'log_softmax.dtype': c.logSoftmax,
}))
  row(name, nameOf(fn), 'input dim', (a) => fn(cast(a.tensor('input'), asked(a)), a.number('dim', -1)));
/** std and var may have their `unbiased` in the place of dim. */
const spread = (a: Arguments, fn: typeof c.std): Tensor => {
  const inPlaceOfDim = typeof a.get('dim') === 'boolean';
  const unbiased = inPlaceOfDim ? a.flag('dim') : a.flag('unbiased', true);
  return fn(a.tensor('input'), inPlaceOfDim ? undefined : axes(a), {
    ...keep(a),
    correction: a.number('correction', unbiased ? 1 : 0),
  });
};
const average = (a: Arguments): Tensor =>
  c.mean(a.tensor('input'), typeof a.get('dim') === 'boolean' ? undefined : axes(a), keep(a));
row('std', 'std', 'input dim', (a) => spread(a, c.std), sums);
row('var', 'variance', 'input dim', (a) => spread(a, c.variance), sums);
row('std_mean', 'std mean', 'input dim', (a) => [spread(a, c.std), average(a)], sums);
row('var_mean', 'variance mean', 'input dim', (a) => [spread(a, c.variance), average(a)], sums);

// ---- movement

for (const name of ['reshape', 'view'])
  row(name, 'reshape', 'input shape', (a) => c.reshape(a.tensor('input'), a.list('shape') ?? []));
row('ravel', 'reshape', 'input', (a) => c.reshape(a.tensor('input'), [-1]));
row('flatten', 'reshape', 'input start_dim end_dim', (a) => {
  const { shape, rank } = a.tensor('input');
  const at = (name: string, fallback: number): number => (a.number(name, fallback) + rank) % Math.max(rank, 1);
  const [from, to] = [at('start_dim', 0), at('end_dim', -1)];
  const size = shape.slice(from, to + 1).reduce((x, y) => x * y, 1);
  return c.reshape(a.tensor('input'), [...shape.slice(0, from), size, ...shape.slice(to + 1)]);
});
row('squeeze', 'squeeze', 'input dim', (a) =>
  c.squeeze(a.tensor('input'), a.has('dim') ? a.number('dim', 0) : undefined),
);
row('unsqueeze', 'unsqueeze', 'input dim', (a) => c.unsqueeze(a.tensor('input'), a.number('dim', 0)));
row('permute', 'permute', 'input dims', (a) => c.permute(a.tensor('input'), a.list('dims') ?? []));
row('transpose', 'transpose', 'input dim0 dim1', (a) =>
  c.transpose(a.tensor('input'), a.number('dim0', 0), a.number('dim1', 1)),
);
row('T', 'permute', 'input', (a) => {
  const x = a.tensor('input');
  return c.permute(
    x,
    x.shape.map((_, i) => x.rank - 1 - i),
  );
});
for (const name of ['t', 'mT']) row(name, 'transpose', 'input', (a) => c.transpose(a.tensor('input')));
for (const name of ['expand', 'broadcast_to'])
  row(name, 'expand', 'input shape', (a) => c.expand(a.tensor('input'), a.list('shape') ?? []));
row('expand_as', 'expand', 'input other', (a) => c.expand(a.tensor('input'), a.tensor('other').shape));
row('flip', 'flip', 'input dims', (a) => c.flip(a.tensor('input'), a.list('dims') ?? []));
row('flipud', 'flip', 'input', (a) => c.flip(a.tensor('input'), 0));
row('fliplr', 'flip', 'input', (a) => c.flip(a.tensor('input'), 1));
row('cat', 'concat', 'tensors dim', (a) => c.concat(a.tensors('tensors'), a.number('dim', 0)));
row('stack', 'stack', 'tensors dim', (a) => c.stack(a.tensors('tensors'), a.number('dim', 0)));
row('index_select', 'indexSelect', 'input dim index', (a) =>
  c.indexSelect(a.tensor('input'), a.tensor('index'), a.number('dim', 0)),
);
row('tile', 'tile', 'input dims', (a) => c.tile(a.tensor('input'), a.list('dims') ?? []));
row('repeat', 'tile', 'input repeats', (a) => c.tile(a.tensor('input'), a.list('repeats') ?? []));
row('roll', 'roll', 'input shifts dims', (a) => {
  const shifts = a.list('shifts') ?? [];
  const dims = a.has('dims') ? (a.list('dims') ?? []) : undefined;
  return dims === undefined || dims.length === 0
    ? c.roll(a.tensor('input'), shifts.length === 1 ? shifts[0] : shifts)
    : c.roll(a.tensor('input'), shifts, dims);
});
row('chunk', 'chunk', 'input chunks dim', (a) => c.chunk(a.tensor('input'), a.number('chunks', 1), a.number('dim', 0)));
row('split', 'splitTensor', 'input split_size_or_sections dim', (a) =>
  c.splitTensor(a.tensor('input'), a.number('split_size_or_sections', 1), a.number('dim', 0)),
);
row('split_with_sizes', 'splitTensor', 'input split_sizes dim', (a) =>
  c.splitTensor(a.tensor('input'), a.list('split_sizes') ?? [], a.number('dim', 0)),
);
row('any', 'any', 'input dim keepdim', (a) => c.any(a.tensor('input'), axes(a), keep(a)));
row('all', 'all', 'input dim keepdim', (a) => c.all(a.tensor('input'), axes(a), keep(a)));
row('argsort', 'argsort', 'input dim descending', (a) =>
  c.argsort(a.tensor('input'), a.number('dim', -1), { descending: a.flag('descending') }),
);
row('unbind', 'unbind', 'input dim', (a) => c.unbind(a.tensor('input'), a.number('dim', 0)));
row('tril', 'tril', 'input diagonal', (a) => c.tril(a.tensor('input'), a.number('diagonal', 0)));
row('triu', 'triu', 'input diagonal', (a) => c.triu(a.tensor('input'), a.number('diagonal', 0)));
row('gather', 'gather', 'input dim index', (a) => c.gather(a.tensor('input'), a.tensor('index'), a.number('dim', 0)));
row('scatter_add', 'scatterAdd', 'input dim index src', (a) =>
  c.scatterAdd(a.tensor('input'), a.tensor('index'), a.tensor('src'), a.number('dim', 0)),
);
for (const how of ['sum', 'mean', 'prod', 'amax', 'amin'] as const)
  row(`scatter_reduce.${how}`, 'scatterReduce', 'input dim index src reduce include_self', (a) =>
    c.scatterReduce(a.tensor('input'), a.tensor('index'), a.tensor('src'), how, {
      axis: a.number('dim', 0),
      includeSelf: a.flag('include_self', true),
    }),
  );
row('index_add', 'indexAdd', 'input dim index source alpha', (a) => {
  const alpha = a.number('alpha', 1);
  const source = a.tensor('source');
  return c.indexAdd(a.tensor('input'), a.tensor('index'), alpha === 1 ? source : source.mul(alpha), a.number('dim', 0));
});
row('cumsum', 'cumsum', 'input dim', (a) => c.cumsum(cast(a.tensor('input'), asked(a)), a.number('dim', 0)), sums);
row('cumprod', 'cumprod', 'input dim', (a) => c.cumprod(cast(a.tensor('input'), asked(a)), a.number('dim', 0)), sums);
row('prod', 'prod', 'input dim keepdim', (a) => c.prod(cast(a.tensor('input'), asked(a)), axes(a), keep(a)), sums);
row(
  'linalg.vector_norm',
  'norm',
  'input ord dim keepdim',
  (a) => c.norm(a.tensor('input'), axes(a), { ...keep(a), p: a.number('ord', 2) }),
  sums,
);
row('sort', 'sort', 'input dim descending stable', (a) =>
  c.sort(a.tensor('input'), a.number('dim', -1), { descending: a.flag('descending') }),
);
row('topk', 'topk', 'input k dim largest sorted', (a) =>
  c.topk(a.tensor('input'), a.number('k', 1), a.number('dim', -1), { largest: a.flag('largest', true) }),
);
/** One axis cut, the others whole. */
const cut = (x: Tensor, dim: number, range: c.Range): Tensor =>
  c.slice(x, ...x.shape.map((_, i) => (i === (dim + x.rank) % x.rank ? range : null)));
row('slice', 'slice', 'input dim start end step', (a) => {
  const end = a.has('end') ? a.number('end', 0) : null;
  return cut(a.tensor('input'), a.number('dim', 0), [a.number('start', 0), end, a.number('step', 1)]);
});
row('narrow', 'slice', 'input dim start length', (a) => {
  const x = a.tensor('input');
  const dim = a.number('dim', 0);
  const start = a.number('start', 0);
  const from = start < 0 ? start + (x.shape.at(dim) as number) : start;
  return cut(x, dim, [from, from + a.number('length', 0)]);
});
row('select', 'slice', 'input dim index', (a) => {
  const x = a.tensor('input');
  const dim = a.number('dim', 0);
  const index = a.number('index', 0);
  const at = index < 0 ? index + (x.shape.at(dim) as number) : index;
  return cut(x, dim, [at, at + 1]).squeeze(dim);
});
for (const name of [
  'constant_pad_nd',
  ...['constant', 'reflect', 'replicate', 'circular'].map((m) => `nn.functional.pad.${m}`),
])
  row(name, 'pad', name === 'constant_pad_nd' ? 'input pad value' : 'input pad mode value', (a) => {
    const x = a.tensor('input');
    // PyTorch counts pairs from the last axis.
    const list = a.list('pad') ?? [];
    const pads = x.shape.map((_, i): [number, number] => {
      const at = 2 * (x.rank - 1 - i);
      return [list[at] ?? 0, list[at + 1] ?? 0];
    });
    const mode = name === 'constant_pad_nd' ? 'constant' : (a.text('mode', 'constant') as c.PadOptions['mode']);
    return c.pad(x, pads, mode === 'constant' ? a.number('value', 0) : { mode });
  });

// ---- making tensors

const options = (a: Arguments): { dtype?: DType } => ({ dtype: asked(a) });
row('zeros', 'zeros', 'shape', (a) => c.zeros(a.list('shape') ?? [], options(a)));
row('ones', 'ones', 'shape', (a) => c.ones(a.list('shape') ?? [], options(a)));
row('full_like', 'full', 'input fill_value', (a) =>
  c.full(a.tensor('input').shape, a.number('fill_value', 0), { dtype: asked(a) ?? a.tensor('input').dtype }),
);
row('zeros_like', 'zerosLike', 'input', (a) => cast(c.zerosLike(a.tensor('input')), asked(a)));
row('ones_like', 'onesLike', 'input', (a) => cast(c.onesLike(a.tensor('input')), asked(a)));
row('eye', 'eye', 'n m', (a) => c.eye(a.number('n', 0), a.has('m') ? a.number('m', 0) : undefined, options(a)));
row('arange', 'arange', 'start end step', (a) =>
  c.arange(a.number('start', 0), a.has('end') ? a.number('end', 0) : undefined, a.number('step', 1), options(a)),
);
row('linspace', 'linspace', 'start end steps', (a) =>
  c.linspace(a.number('start', 0), a.number('end', 0), a.number('steps', 0), options(a)),
);

// ---- images

const padding = (a: Arguments): c.Padding =>
  typeof a.get('padding') === 'string' ? (a.text('padding', '') as c.Padding) : a.pair('padding', 0);
row(
  'nn.functional.conv2d',
  'conv2d',
  'input weight bias stride padding dilation groups',
  (a) =>
    overImages(a.tensor('input'), (x) =>
      c.conv2d(x, a.tensor('weight').permute([2, 3, 1, 0]), {
        bias: a.optionalTensor('bias'),
        stride: a.pair('stride', 1),
        padding: padding(a),
        dilation: a.pair('dilation', 1),
        groups: a.number('groups', 1),
      }),
    ),
  sums,
);
row(
  'nn.functional.conv_transpose2d',
  'conv2dTranspose',
  'input weight bias stride padding output_padding groups dilation',
  (a) =>
    overImages(a.tensor('input'), (x) =>
      c.conv2dTranspose(x, a.tensor('weight').permute([2, 3, 1, 0]), {
        bias: a.optionalTensor('bias'),
        stride: a.pair('stride', 1),
        padding: a.pair('padding', 0),
        outputPadding: a.pair('output_padding', 0),
        dilation: a.pair('dilation', 1),
        groups: a.number('groups', 1),
      }),
    ),
  sums,
);
row(
  'nn.functional.avg_pool2d',
  'avgPool2d',
  'input kernel_size stride padding ceil_mode count_include_pad divisor_override',
  (a) => {
    const kernelSize = a.pair('kernel_size', 1);
    return overImages(a.tensor('input'), (x) =>
      c.avgPool2d(x, {
        kernelSize,
        stride: (a.list('stride')?.length ?? 0) === 0 ? undefined : a.pair('stride', 1),
        padding: a.pair('padding', 0),
        ceilMode: a.flag('ceil_mode'),
        countIncludePad: a.flag('count_include_pad', true),
        divisorOverride: a.has('divisor_override') ? a.number('divisor_override', 1) : undefined,
      }),
    );
  },
  sums,
);
row('nn.functional.max_pool2d', 'maxPool2d PoolIndices', 'input kernel_size stride padding dilation ceil_mode', (a) => {
  let plane: Tensor | undefined;
  const values = overImages(a.tensor('input'), (x) => {
    const [found, indices] = c.maxPool2d(x, {
      kernelSize: a.pair('kernel_size', 1),
      stride: (a.list('stride')?.length ?? 0) === 0 ? undefined : a.pair('stride', 1),
      padding: a.pair('padding', 0),
      dilation: a.pair('dilation', 1),
      ceilMode: a.flag('ceil_mode'),
    });
    plane = indices.plane;
    return found;
  });
  return a.flag('return_indices') ? [values, first(plane as Tensor).reshape(values.shape)] : values;
});
const adaptiveSize = (a: Arguments): c.AdaptiveSize => {
  const size = a.get('output_size');
  return (Array.isArray(size) ? [size[0] ?? null, size[1] ?? null] : Number(size)) as c.AdaptiveSize;
};
row(
  'nn.functional.adaptive_avg_pool2d',
  'adaptiveAvgPool2d',
  'input output_size',
  (a) => overImages(a.tensor('input'), (x) => c.adaptiveAvgPool2d(x, adaptiveSize(a))),
  sums,
);
row('nn.functional.adaptive_max_pool2d', 'adaptiveMaxPool2d', 'input output_size return_indices', (a) => {
  let plane: Tensor | undefined;
  const values = overImages(a.tensor('input'), (x) => {
    const [found, indices] = c.adaptiveMaxPool2d(x, adaptiveSize(a));
    plane = indices.plane;
    return found;
  });
  return a.flag('return_indices') ? [values, first(plane as Tensor).reshape(values.shape)] : values;
});
for (const name of ['nn.functional.max_unpool2d', 'nn.functional.max_unpool2d.grad'])
  row(name, 'maxUnpool2d poolIndices', 'input indices kernel_size stride padding output_size', (a) => {
    const size = a.list('output_size')?.slice(-2) as [number, number] | undefined;
    const indices = a.tensor('indices');
    return overImages(a.tensor('input'), (x) =>
      c.maxUnpool2d(x, last(indices.rank === 3 ? indices.unsqueeze(0) : indices), {
        kernelSize: a.pair('kernel_size', 1),
        stride: (a.list('stride')?.length ?? 0) === 0 ? undefined : a.pair('stride', 1),
        padding: a.pair('padding', 0),
        outputSize: size,
        check: 'shape',
      }),
    );
  });
const resized = (a: Arguments, method: c.Resize2dOptions['method'], alignCorners?: boolean): Tensor => {
  const scale = a.list('scale_factor');
  const size =
    scale === undefined
      ? { size: a.pair('size', 1) }
      : { scale: [scale[0], scale.at(-1) as number] as const, recomputeScaleFactor: false };
  // PyTorch's nearest is the legacy rule: the pixel that begins before the place.
  const rule = method === 'nearest' ? { halfPixelCenters: false } : { alignCorners };
  return overImages(a.tensor('input'), (x) => c.resize2d(x, { ...size, method, ...rule }));
};
const ofRank =
  (rank: number) =>
  (a: Arguments): boolean =>
    a.tensor('input').rank === rank;
for (const name of ['nn.functional.interpolate.nearest', 'nn.functional.upsample_nearest'])
  row(name, 'resize2d', 'input size scale_factor', (a) => resized(a, 'nearest', false), { judges: ofRank(4) });
row(
  'nn.functional.interpolate.bilinear',
  'resize2d',
  'input size scale_factor mode align_corners',
  (a) => resized(a, 'bilinear', a.flag('align_corners')),
  sums,
);
row(
  'nn.functional.interpolate.bicubic',
  'resize2d',
  'input size scale_factor mode align_corners',
  (a) => resized(a, 'bicubic', a.flag('align_corners')),
  sums,
);
row('nn.functional.interpolate.area', 'resize2d', 'input size scale_factor mode', (a) => resized(a, 'area'), {
  ...sums,
  judges: ofRank(4),
});
row(
  'nn.functional.upsample_bilinear',
  'resize2d',
  'input size scale_factor',
  (a) => resized(a, 'bilinear', true),
  sums,
);
row('nn.functional.pixel_shuffle', 'pixelShuffle', 'input upscale_factor', (a) =>
  overImages(a.tensor('input'), (x) => c.pixelShuffle(x, a.number('upscale_factor', 1))),
);
row('nn.functional.pixel_unshuffle', 'pixelUnshuffle', 'input downscale_factor', (a) =>
  overImages(a.tensor('input'), (x) => c.pixelUnshuffle(x, a.number('downscale_factor', 1))),
);

// ---- series

/** The length of a call's parameter: a number, or a list of one. */
const lengthIn = (a: Arguments, name: string, fallback: number): number => a.list(name)?.[0] ?? fallback;
const strideIn = (a: Arguments): number | undefined => a.list('stride')?.[0];
/** Runs fn channels last; a series without a batch is a batch of one. */
const overSeries = (x: Tensor, fn: (x: Tensor) => Tensor): Tensor =>
  x.rank === 2 ? swapped(fn(swapped(x.unsqueeze(0)))).squeeze(0) : swapped(fn(swapped(x)));
const swapped = (x: Tensor): Tensor => x.permute([0, 2, 1]);
row(
  'nn.functional.conv1d',
  'conv1d',
  'input weight bias stride padding dilation groups',
  (a) =>
    overSeries(a.tensor('input'), (x) =>
      c.conv1d(x, a.tensor('weight').permute([2, 1, 0]), {
        bias: a.optionalTensor('bias'),
        stride: lengthIn(a, 'stride', 1),
        padding:
          typeof a.get('padding') === 'string' ? (a.text('padding', '') as c.Padding1d) : lengthIn(a, 'padding', 0),
        dilation: lengthIn(a, 'dilation', 1),
        groups: a.number('groups', 1),
      }),
    ),
  sums,
);
row(
  'nn.functional.conv_transpose1d',
  'conv1dTranspose',
  'input weight bias stride padding output_padding groups dilation',
  (a) =>
    overSeries(a.tensor('input'), (x) =>
      c.conv1dTranspose(x, a.tensor('weight').permute([2, 1, 0]), {
        bias: a.optionalTensor('bias'),
        stride: lengthIn(a, 'stride', 1),
        padding: lengthIn(a, 'padding', 0),
        outputPadding: lengthIn(a, 'output_padding', 0),
        dilation: lengthIn(a, 'dilation', 1),
        groups: a.number('groups', 1),
      }),
    ),
  sums,
);
row(
  'nn.functional.avg_pool1d',
  'avgPool1d',
  'input kernel_size stride padding ceil_mode count_include_pad',
  (a) =>
    overSeries(a.tensor('input'), (x) =>
      c.avgPool1d(x, {
        kernelSize: lengthIn(a, 'kernel_size', 1),
        stride: strideIn(a),
        padding: lengthIn(a, 'padding', 0),
        ceilMode: a.flag('ceil_mode'),
        countIncludePad: a.flag('count_include_pad', true),
      }),
    ),
  sums,
);
row('nn.functional.max_pool1d', 'maxPool1d PoolIndices', 'input kernel_size stride padding dilation ceil_mode', (a) => {
  let plane: Tensor | undefined;
  const values = overSeries(a.tensor('input'), (x) => {
    const [found, indices] = c.maxPool1d(x, {
      kernelSize: lengthIn(a, 'kernel_size', 1),
      stride: strideIn(a),
      padding: lengthIn(a, 'padding', 0),
      dilation: lengthIn(a, 'dilation', 1),
      ceilMode: a.flag('ceil_mode'),
    });
    plane = indices.plane;
    return found;
  });
  return a.flag('return_indices') ? [values, swapped(plane as Tensor).reshape(values.shape)] : values;
});
row(
  'nn.functional.adaptive_avg_pool1d',
  'adaptiveAvgPool1d',
  'input output_size',
  (a) => overSeries(a.tensor('input'), (x) => c.adaptiveAvgPool1d(x, lengthIn(a, 'output_size', 1))),
  sums,
);
row('nn.functional.adaptive_max_pool1d', 'adaptiveMaxPool1d', 'input output_size return_indices', (a) => {
  let plane: Tensor | undefined;
  const values = overSeries(a.tensor('input'), (x) => {
    const [found, indices] = c.adaptiveMaxPool1d(x, lengthIn(a, 'output_size', 1));
    plane = indices.plane;
    return found;
  });
  return a.flag('return_indices') ? [values, swapped(plane as Tensor).reshape(values.shape)] : values;
});
for (const name of ['nn.functional.max_unpool1d', 'nn.functional.max_unpool1d.grad'])
  row(name, 'maxUnpool1d poolIndices', 'input indices kernel_size stride padding output_size', (a) => {
    const indices = a.tensor('indices');
    return overSeries(a.tensor('input'), (x) =>
      c.maxUnpool1d(x, swapped(indices.rank === 2 ? indices.unsqueeze(0) : indices), {
        kernelSize: lengthIn(a, 'kernel_size', 1),
        stride: strideIn(a),
        padding: lengthIn(a, 'padding', 0),
        outputSize: a.list('output_size')?.at(-1),
        check: 'shape',
      }),
    );
  });
const resizedSeries = (a: Arguments, options: Omit<c.Resize1dOptions, 'size' | 'scale'>): Tensor => {
  const [scale] = a.list('scale_factor') ?? [];
  const size = scale === undefined ? { size: lengthIn(a, 'size', 1) } : { scale, recomputeScaleFactor: false };
  return overSeries(a.tensor('input'), (x) => c.resize1d(x, { ...size, ...options }));
};
row(
  'nn.functional.interpolate.linear',
  'resize1d',
  'input size scale_factor mode align_corners',
  (a) => resizedSeries(a, { alignCorners: a.flag('align_corners') }),
  sums,
);
row(
  'nn.functional.interpolate.area',
  'resize1d',
  'input size scale_factor mode',
  (a) => resizedSeries(a, { method: 'area' }),
  { ...sums, judges: ofRank(3) },
);
for (const name of ['nn.functional.interpolate.nearest', 'nn.functional.upsample_nearest']) {
  const rule = { method: 'nearest', halfPixelCenters: false } as const;
  row(name, 'resize1d', 'input size scale_factor', (a) => resizedSeries(a, rule), { judges: ofRank(3) });
  row(
    name,
    'upsample1d',
    'input size scale_factor',
    (a) => overSeries(a.tensor('input'), (x) => c.upsample1d(x, { scale: lengthIn(a, 'scale_factor', 1) })),
    { judges: (a) => ofRank(3)(a) && Number.isInteger(a.list('scale_factor')?.[0]) },
  );
}

// ---- norms

/**
 * Batch normalisation does not depend on how the spatial axes are divided. So any number of them is
 * treated as an image of height 1.
 */
const asImage = (x: Tensor): Tensor => {
  const [batch, channels, ...rest] = x.shape;
  return last(x.reshape([batch, channels, 1, rest.reduce((n, size) => n * size, 1)]));
};
row(
  'nn.functional.batch_norm',
  'BatchNorm2d',
  'input running_mean running_var weight bias training momentum eps',
  (a) => {
    const x = a.tensor('input');
    const channels = x.shape[1];
    const layer = new c.BatchNorm2d(channels, { eps: a.number('eps', 1e-5), affine: a.has('weight') });
    layer.train(a.flag('training'));
    // The layer's own are float32 on the default device.
    const of = { dtype: x.dtype, device: x.device };
    Object.assign(layer, { runningMean: c.zeros([channels], of), runningVar: c.ones([channels], of) });
    const buffers = { runningMean: 'running_mean', runningVar: 'running_var' };
    return first(layered(layer, a, buffers, asImage(x))).reshape(x.shape);
  },
  sums,
);
row(
  'nn.functional.batch_norm',
  'BatchNorm1d',
  'input running_mean running_var weight bias training momentum eps',
  (a) => {
    const x = a.tensor('input');
    const channels = x.shape[1];
    const layer = new c.BatchNorm1d(channels, { eps: a.number('eps', 1e-5), affine: a.has('weight') });
    layer.train(a.flag('training'));
    const of = { dtype: x.dtype, device: x.device };
    Object.assign(layer, { runningMean: c.zeros([channels], of), runningVar: c.ones([channels], of) });
    const buffers = { runningMean: 'running_mean', runningVar: 'running_var' };
    return channelsFromEnd(layered(layer, a, buffers, channelsToEnd(x)));
  },
  { ...sums, judges: (a) => [2, 3].includes(a.tensor('input').rank) },
);
row(
  'nn.functional.group_norm',
  'GroupNorm',
  'input num_groups weight bias eps',
  (a) => {
    const x = a.tensor('input');
    const layer = new c.GroupNorm(a.number('num_groups', 1), x.shape[1], {
      eps: a.number('eps', 1e-5),
      affine: a.has('weight'),
    });
    return channelsFromEnd(layered(layer, a, {}, channelsToEnd(x)));
  },
  sums,
);
row(
  'nn.functional.layer_norm',
  'LayerNorm',
  'input normalized_shape weight bias eps',
  (a) => {
    const layer = new c.LayerNorm(a.list('normalized_shape') ?? [], {
      eps: a.number('eps', 1e-5),
      affine: a.has('weight'),
    });
    return layered(layer, a, {}, a.tensor('input'));
  },
  sums,
);
/** Runs a layer with the call's tensors in the places of its own, so that gradients reach them. */
function layered(
  layer: c.BatchNorm1d | c.BatchNorm2d | c.InstanceNorm2d | c.GroupNorm | c.LayerNorm,
  a: Arguments,
  buffers: Readonly<Record<string, string>>,
  x: Tensor,
): Tensor {
  const places: Readonly<Record<string, string>> = { weight: 'weight', bias: 'bias', ...buffers };
  for (const [field, name] of Object.entries(places))
    if (a.has(name)) Object.assign(layer, { [field]: a.tensor(name) });
  return layer.forward(x);
}

const affine = (a: Arguments): c.AffineOptions => ({
  weight: a.optionalTensor('weight'),
  bias: a.optionalTensor('bias'),
  eps: a.number('eps', 1e-5),
});
row(
  'nn.functional.batch_norm',
  'batchNorm',
  'input running_mean running_var weight bias training momentum eps',
  (a) => {
    const x = a.tensor('input');
    return first(c.batchNorm(asImage(x), affine(a))).reshape(x.shape);
  },
  // By running statistics only the layer normalises.
  { ...sums, judges: (a) => a.flag('training') },
);
row(
  'nn.functional.group_norm',
  'groupNorm',
  'input num_groups weight bias eps',
  (a) => channelsFromEnd(c.groupNorm(channelsToEnd(a.tensor('input')), a.number('num_groups', 1), affine(a))),
  sums,
);
row(
  'nn.functional.layer_norm',
  'layerNorm',
  'input normalized_shape weight bias eps',
  (a) => c.layerNorm(a.tensor('input'), a.list('normalized_shape') ?? [], affine(a)),
  sums,
);

row(
  'nn.functional.instance_norm',
  'instanceNorm',
  'input running_mean running_var weight bias use_input_stats momentum eps',
  (a) => channelsFromEnd(c.instanceNorm(channelsToEnd(a.tensor('input')), affine(a))),
  // By running statistics only the layer normalises.
  { ...sums, judges: (a) => a.flag('use_input_stats', true) },
);
row(
  'nn.functional.instance_norm',
  'InstanceNorm2d',
  'input running_mean running_var weight bias use_input_stats momentum eps',
  (a) => {
    const x = a.tensor('input');
    const channels = x.shape[1];
    const trackRunningStats = a.has('running_mean');
    const layer = new c.InstanceNorm2d(channels, { eps: a.number('eps', 1e-5), trackRunningStats });
    layer.train(a.flag('use_input_stats', true));
    const of = { dtype: x.dtype, device: x.device };
    const buffers = { runningMean: 'running_mean', runningVar: 'running_var' };
    if (trackRunningStats)
      Object.assign(layer, { runningMean: c.zeros([channels], of), runningVar: c.ones([channels], of) });
    return first(layered(layer, a, buffers, asImage(x))).reshape(x.shape);
  },
  sums,
);

// ---- losses

const reduction = (a: Arguments): { reduction: Reduction } => ({ reduction: a.text('reduction', 'mean') as Reduction });
row(
  'nn.functional.mse_loss',
  'mse',
  'input target',
  (a) => c.mse(a.tensor('input'), a.tensor('target'), reduction(a)),
  sums,
);
row(
  'nn.functional.l1_loss',
  'l1',
  'input target',
  (a) => c.l1(a.tensor('input'), a.tensor('target'), reduction(a)),
  sums,
);
row(
  'nn.functional.binary_cross_entropy_with_logits',
  'bceWithLogits',
  'input target',
  (a) =>
    c.bceWithLogits(a.tensor('input'), a.tensor('target'), {
      ...reduction(a),
      posWeight: a.optionalTensor('pos_weight'),
      weight: a.optionalTensor('weight'),
    }),
  sums,
);
row(
  'nn.functional.cross_entropy',
  'crossEntropy',
  'input target',
  (a) => {
    const [x, target] = [a.tensor('input'), a.tensor('target')];
    return c.crossEntropy(channelsToEnd(x), target.dtype === 'int32' ? target : channelsToEnd(target), {
      ...reduction(a),
      ignoreIndex: a.has('ignore_index') ? a.number('ignore_index', 0) : undefined,
      weight: a.optionalTensor('weight'),
      labelSmoothing: a.number('label_smoothing', 0),
    });
  },
  sums,
);
row(
  'nn.functional.nll_loss',
  'nll',
  'input target',
  (a) =>
    c.nll(channelsToEnd(a.tensor('input')), a.tensor('target'), {
      ...reduction(a),
      ignoreIndex: a.has('ignore_index') ? a.number('ignore_index', 0) : undefined,
      weight: a.optionalTensor('weight'),
    }),
  sums,
);
row(
  'nn.functional.binary_cross_entropy',
  'bce',
  'input target',
  (a) => c.bce(a.tensor('input'), a.tensor('target'), { ...reduction(a), weight: a.optionalTensor('weight') }),
  sums,
);
row(
  'nn.functional.smooth_l1_loss',
  'smoothL1',
  'input target',
  (a) => c.smoothL1(a.tensor('input'), a.tensor('target'), { ...reduction(a), beta: a.number('beta', 1) }),
  sums,
);
row(
  'nn.functional.huber_loss',
  'huber',
  'input target',
  (a) => c.huber(a.tensor('input'), a.tensor('target'), { ...reduction(a), delta: a.number('delta', 1) }),
  sums,
);
row(
  'nn.functional.kl_div',
  'klDiv',
  'input target',
  (a) => {
    const how = a.text('reduction', 'mean');
    return c.klDiv(a.tensor('input'), a.tensor('target'), {
      reduction: how === 'batchmean' ? 'batchMean' : (how as Reduction),
      logTarget: a.flag('log_target'),
    });
  },
  sums,
);

export const torchOps: readonly TorchOp[] = ops;
