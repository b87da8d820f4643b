/**
 * One row per way of calling an op: its input shapes, the domains of their values, and the call.
 * Gradient checks, device conformance and the completeness test use all rows. A row says how to
 * call an op. The results are in rows with `expected`, which known.ts makes.
 */

import type { Device, DType, Shape, Tensor } from 'cedargrad';
import * as c from 'cedargrad';
import { type Expected, knownCalls } from './known.js';

/**
 * The domain of values. 'distinct' is a shuffled, evenly spaced set without 0, so that no finite
 * difference crosses a tie or a kink. The inputs of a row have different sets. A list gives the
 * values, with 'int' or 'bool' for their type.
 */
export type Domain =
  | 'normal'
  | 'away'
  | 'positive'
  | 'unit'
  | 'distinct'
  | 'ties'
  | { readonly int: readonly number[] }
  | { readonly bool: readonly number[] }
  | readonly number[];
export interface Input {
  readonly shape: Shape;
  readonly domain: Domain;
  /** Whether no gradient flows to it, although its numbers are floats. */
  readonly constant?: boolean;
}
export interface Row {
  /** The exported function. */
  readonly op: string;
  /** The function and its variant; unique. */
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly fn: (...inputs: Tensor[]) => Tensor;
  /** Whether a gradient flows to every float input. */
  readonly differentiable: boolean;
  /** Whether the gradient can itself be differentiated, and depends on something. */
  readonly secondOrder: boolean;
  /** Between devices in float32. */
  readonly tolerance: { readonly relative: number; readonly absolute: number };
  /** Numbers from outside; without them devices are held to the reference device alone. */
  readonly expected?: Expected;
  /** As in known.ts. */
  readonly leavesIndices?: boolean;
}
type Settings = Partial<Pick<Row, 'differentiable' | 'secondOrder' | 'tolerance' | 'leavesIndices'>>;

const rows: Row[] = [];
function row(op: string, variant: string, inputs: readonly Input[], fn: Row['fn'], settings: Settings = {}): void {
  const name = variant === '' ? op : `${op} ${variant}`;
  rows.push({
    op,
    name,
    inputs,
    fn,
    differentiable: true,
    secondOrder: true,
    tolerance: { relative: 1e-5, absolute: 1e-6 },
    ...settings,
  });
}
const constant: Settings = { differentiable: false, secondOrder: false };
const of = (domain: Domain, ...shape: number[]): Input => ({ shape, domain });

function draw(
  domain: Domain,
  size: number,
  random: c.RandomState,
  input: number,
): { values: number[]; dtype: DType | 'float' } {
  const from = (make: (u: number, i: number) => number) => ({
    values: Array.from(random.rand(size), make),
    dtype: 'float' as const,
  });
  if (typeof domain !== 'string') {
    if ('int' in domain) return { values: [...domain.int], dtype: 'int32' };
    if ('bool' in domain) return { values: [...domain.bool], dtype: 'bool' };
    return { values: [...domain], dtype: 'float' };
  }
  switch (domain) {
    case 'normal':
      return { values: [...random.randn(size)], dtype: 'float' };
    case 'away':
      return from((u) => (u < 0.5 ? -1 : 1) * (0.3 + 3 * Math.abs(u - 0.5)));
    case 'positive':
      return from((u) => 0.5 + 2 * u);
    case 'unit':
      return from((u) => 0.1 + 0.8 * u);
    case 'ties':
      return from((u) => Math.floor(u * 3) - 1);
    case 'distinct': {
      const order = Array.from(random.rand(size), (u, i) => ({ u, i })).sort((a, b) => a.u - b.u);
      const values = new Array<number>(size);
      order.forEach(({ i }, rank) => {
        values[i] = (rank - size / 2) * 0.25 + 0.1 + 0.05 * input;
      });
      return { values, dtype: 'float' };
    }
  }
}

/**
 * A row's inputs on a device. The values are the same every time, and float32 and float64 have the
 * same ones.
 */
export function inputsOf(
  { name, inputs, differentiable }: Row,
  device: Device,
  dtype: 'float32' | 'float64',
  requiresGrad = differentiable,
): Tensor[] {
  const random = new c.RandomState([...name].reduce((h, ch) => (Math.imul(h, 31) + ch.charCodeAt(0)) >>> 0, 7));
  return inputs.map(({ shape, domain, constant }, i) => {
    const drawn = draw(
      domain,
      shape.reduce((a, b) => a * b, 1),
      random,
      i,
    );
    const isFloat = drawn.dtype === 'float';
    return c.tensor(Float32Array.from(drawn.values), {
      shape,
      device,
      dtype: drawn.dtype === 'float' ? dtype : drawn.dtype,
      requiresGrad: requiresGrad && isFloat && constant !== true,
    });
  });
}

// ---- two operands

const binary = { add: c.add, sub: c.sub, mul: c.mul, div: c.div, maximum: c.maximum, minimum: c.minimum };
for (const [op, f] of Object.entries(binary)) {
  const a = 'distinct';
  const b = op === 'div' ? 'away' : 'distinct';
  row(op, '', [of(a, 2, 3), of(b, 2, 3)], (x, y) => f(x, y));
  row(op, 'row', [of(a, 2, 3), of(b, 3)], (x, y) => f(x, y));
  row(op, 'column and row', [of(a, 3, 1), of(b, 1, 4)], (x, y) => f(x, y));
  row(op, 'middle axis', [of(a, 2, 1, 3), of(b, 2, 4, 3)], (x, y) => f(x, y));
  row(op, 'rank 0', [of(a, 2, 3), of(b)], (x, y) => f(x, y));
  row(op, 'scalar right', [of(a, 2, 3)], (x) => f(x, 1.7));
  row(op, 'scalar left', [of(b, 2, 3)], (x) => f(1.7, x));
  row(op, 'the same tensor twice', [of('away', 2, 3)], (x) => f(x, c.mul(x, 2)));
}
row(
  'add',
  'int32',
  [
    { shape: [2, 2], domain: { int: [1, -2, 3, 4] } },
    { shape: [2], domain: { int: [7, -9] } },
  ],
  c.add,
  constant,
);
row(
  'div',
  'int32 gives floats',
  [
    { shape: [3], domain: { int: [1, -2, 7] } },
    { shape: [3], domain: { int: [2, 3, -4] } },
  ],
  c.div,
  constant,
);
row('maximum', 'values with ties', [of('ties', 3, 4), of('ties', 3, 4)], c.maximum, constant);
row('pow', '', [of('positive', 2, 3), of('distinct', 2, 3)], c.pow);
row('pow', 'row', [of('positive', 2, 3), of('away', 3)], c.pow);
row('pow', 'squared', [of('away', 2, 3)], (x) => c.pow(x, 2));
row('pow', 'cubed', [of('away', 2, 3)], (x) => c.pow(x, 3));
row('pow', 'to 0', [of('away', 3)], (x) => c.pow(x, 0), { secondOrder: false });
row('pow', 'to 1', [of('away', 3)], (x) => c.pow(x, 1));
row('pow', 'root', [of('positive', 2, 3)], (x) => c.pow(x, 0.5));
row('pow', 'inverse', [of('away', 2, 3)], (x) => c.pow(x, -1));
row('pow', 'scalar left', [of('distinct', 2, 3)], (x) => c.pow(1.7, x));

for (const [op, f] of Object.entries({
  equal: c.equal,
  notEqual: c.notEqual,
  less: c.less,
  lessEqual: c.lessEqual,
  greater: c.greater,
  greaterEqual: c.greaterEqual,
})) {
  row(op, '', [of('ties', 3, 4), of('ties', 3, 4)], (x, y) => f(x, y), constant);
  row(op, 'row', [of('ties', 3, 4), of('ties', 4)], (x, y) => f(x, y), constant);
  row(
    op,
    'int32',
    [
      { shape: [3], domain: { int: [1, 2, 3] } },
      { shape: [3], domain: { int: [2, 2, 2] } },
    ],
    (x, y) => f(x, y),
    constant,
  );
  row(op, 'scalar right', [of('ties', 3, 4)], (x) => f(x, 0), constant);
  row(op, 'scalar left', [of('ties', 3, 4)], (x) => f(0, x), constant);
  row(op, 'NaN', [of([Number.NaN, 1, Number.NaN], 3), of([Number.NaN, Number.NaN, 1], 3)], (x, y) => f(x, y), constant);
}
const smooth: Settings = { tolerance: { relative: 3e-5, absolute: 3e-6 } };
for (const [op, f] of Object.entries({ fmod: c.fmod, remainder: c.remainder })) {
  // No quotient is near a whole number, where both functions jump.
  row(op, '', [of([5.3, -5.3, 7.9, -0.7, 2.6, 1.1], 2, 3), of([2, 2, -3, 1.5, -1.2, -0.4], 2, 3)], (x, y) => f(x, y));
  row(op, 'row', [of([5.3, -5.3, 7.9, -0.7, 2.6, 1.1], 2, 3), of([2, -3.3, 0.9], 3)], (x, y) => f(x, y));
  row(op, 'scalar right', [of([5.3, -5.3, 7.9, -0.7], 4)], (x) => f(x, 1.7), { secondOrder: false });
  row(op, 'negative scalar right', [of([5.3, -5.3, 7.9, -0.7], 4)], (x) => f(x, -1.7), { secondOrder: false });
  row(op, 'scalar left', [of([2, -3.3, 0.9, 5], 4)], (x) => f(-4.3, x));
  const whole: Input = { shape: [7], domain: { int: [7, -7, 7, -7, 6, -6, 5] } };
  const by: Input = { shape: [7], domain: { int: [3, 3, -3, -3, 2, -2, 0] } };
  row(op, 'int32', [whole, by], (x, y) => f(x, y), constant);
  row(op, 'int32 by a number', [whole], (x) => f(x, -4), constant);
}
row('atan2', '', [of('away', 2, 3), of('away', 2, 3)], c.atan2, smooth);
row('atan2', 'row', [of('away', 2, 3), of('away', 3)], c.atan2, smooth);
row('atan2', 'scalar right', [of('away', 2, 3)], (x) => c.atan2(x, -0.6), smooth);
row('atan2', 'scalar left', [of('away', 2, 3)], (x) => c.atan2(1.3, x), smooth);
const mask: Input = { shape: [2, 3], domain: { bool: [1, 0, 1, 0, 0, 1] } };
row('where', '', [mask, of('normal', 2, 3), of('normal', 2, 3)], c.where);
row('where', 'broadcast', [{ shape: [2, 1], domain: { bool: [1, 0] } }, of('normal', 3), of('normal', 2, 3)], c.where);
row('where', 'scalar else', [mask, of('normal', 2, 3)], (m, x) => c.where(m, x, 0.5));
row('where', 'scalar then', [mask, of('normal', 2, 3)], (m, x) => c.where(m, 0.5, x));

// ---- one operand

const unary: Record<string, [(x: Tensor) => Tensor, Domain]> = {
  neg: [c.neg, 'normal'],
  exp: [c.exp, 'normal'],
  log: [c.log, 'positive'],
  log1p: [c.log1p, 'positive'],
  sqrt: [c.sqrt, 'positive'],
  abs: [c.abs, 'away'],
  relu: [c.relu, 'away'],
  leakyRelu: [(x) => c.leakyRelu(x), 'away'],
  elu: [(x) => c.elu(x), 'away'],
  gelu: [(x) => c.gelu(x), 'normal'],
  silu: [c.silu, 'normal'],
  sigmoid: [c.sigmoid, 'normal'],
  tanh: [c.tanh, 'normal'],
  softplus: [(x) => c.softplus(x), 'normal'],
  erf: [c.erf, 'normal'],
  selu: [c.selu, 'away'],
  celu: [(x) => c.celu(x), 'away'],
  relu6: [c.relu6, 'away'],
  hardTanh: [(x) => c.hardTanh(x), 'distinct'],
  hardSigmoid: [c.hardSigmoid, 'normal'],
  hardSwish: [c.hardSwish, 'normal'],
  mish: [c.mish, 'normal'],
  softsign: [c.softsign, 'away'],
  logSigmoid: [c.logSigmoid, 'normal'],
  expm1: [c.expm1, 'normal'],
  sin: [c.sin, 'normal'],
  cos: [c.cos, 'normal'],
  tan: [c.tan, 'unit'],
  asin: [c.asin, 'unit'],
  acos: [c.acos, 'unit'],
  atan: [c.atan, 'normal'],
  sinh: [c.sinh, 'normal'],
  cosh: [c.cosh, 'normal'],
  asinh: [c.asinh, 'normal'],
  acosh: [(x) => c.acosh(x.add(1)), 'positive'],
  atanh: [c.atanh, 'unit'],
  log2: [c.log2, 'positive'],
  log10: [c.log10, 'positive'],
  reciprocal: [c.reciprocal, 'away'],
  square: [c.square, 'normal'],
  rsqrt: [c.rsqrt, 'positive'],
};
for (const [op, [f, domain]] of Object.entries(unary)) {
  row(op, '', [of(domain, 2, 3, 2)], (x) => f(x));
  row(op, 'rank 0', [of(domain)], (x) => f(x));
}
for (const [op, f] of Object.entries({ floor: c.floor, ceil: c.ceil, round: c.round, trunc: c.trunc })) {
  row(op, '', [of('distinct', 3, 4)], (x) => f(x.mul(0.97)), { secondOrder: false });
  const halves = [-3, -2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 0.49999997, 8388607.5, -8388607.5, 16777216];
  row(op, 'of halves', [of(halves, halves.length)], (x) => f(x), constant);
}
// 1570 and 7854 are near whole numbers of quarter turns.
const angles = [100, -100, 710, 1570.796, 7853.981, -9999.5, 10000, 8191.3, 3.1415927, -1.5707964, 6.2831855];
for (const [op, f] of Object.entries({ sin: c.sin, cos: c.cos }))
  row(op, 'of large angles', [of(angles, angles.length)], (x) => f(x), {
    ...constant,
    tolerance: { relative: 0, absolute: 1e-6 },
  });
row('tan', 'of large angles', [of([100, -100, 710, -9999.5, 10000, 8191.3], 6)], (x) => c.tan(x), constant);
row('square', 'int32', [{ shape: [3], domain: { int: [-7, 0, 70000] } }], (x) => c.square(x.minimum(4000)), constant);
for (const [op, f] of Object.entries({ isFinite: c.isFinite, isInf: c.isInf })) {
  row(op, '', [of([1, Number.NaN, Infinity, -Infinity, 3e38], 5)], (x) => f(x), constant);
  row(op, 'int32', [{ shape: [2], domain: { int: [-7, 0] } }], (x) => f(x), constant);
}
row('sign', '', [of('away', 2, 3)], c.sign, { secondOrder: false });
row('sign', 'of 0', [of([-2, 0, 3], 3)], c.sign, constant);
row('leakyRelu', 'slope 0.2', [of('away', 2, 3)], (x) => c.leakyRelu(x, 0.2));
row('elu', 'alpha 0.5', [of('away', 2, 3)], (x) => c.elu(x, 0.5));
row('celu', 'alpha 0.5', [of('away', 2, 3)], (x) => c.celu(x, 0.5));
row('hardTanh', 'own limits', [of('distinct', 3, 4)], (x) => c.hardTanh(x, -0.8, 0.7));
for (const [op, f, to] of [
  ['relu6', c.relu6, 6],
  ['hardSigmoid', c.hardSigmoid, 3],
  ['hardSwish', c.hardSwish, 3],
] as const)
  row(op, 'beyond the upper kink', [of('positive', 2, 3)], (x) => f(x.add(to)).mul(x));
row('gelu', 'by tanh', [of('normal', 2, 3)], (x) => c.gelu(x, { approximate: 'tanh' }));
row('softplus', 'beta 2', [of('normal', 2, 3)], (x) => c.softplus(x, { beta: 2 }));
row('softplus', 'threshold', [of('distinct', 3, 4)], (x) => c.softplus(x, { beta: 0.5, threshold: 0.25 }));
row('glu', '', [of('normal', 2, 6)], (x) => c.glu(x));
row('glu', 'axis 1 of 3', [of('normal', 2, 4, 3)], (x) => c.glu(x, 1));
row('prelu', '', [of('away', 2, 2, 3), of('normal', 3)], c.prelu);
row('prelu', 'one weight', [of('away', 2, 3), of('normal', 1)], c.prelu);
row('prelu', 'rank 0', [of('away'), of('normal')], c.prelu);
row('clamp', '', [of('distinct', 3, 4)], (x) => c.clamp(x, -0.8, 0.7));
row('clamp', 'below only', [of('distinct', 3, 4)], (x) => c.clamp(x, -0.8));
row('clamp', 'above only', [of('distinct', 3, 4)], (x) => c.clamp(x, undefined, 0.7));
const edge = [-200, -100, -89, -20, -1e-3, 0, 1e-3, 20, 89, 100, 200];
for (const [name, op] of Object.entries({
  sigmoid: c.sigmoid,
  softplus: c.softplus,
  tanh: c.tanh,
  silu: c.silu,
  gelu: c.gelu,
  erf: c.erf,
  selu: c.selu,
  celu: c.celu,
  mish: c.mish,
  softsign: c.softsign,
  logSigmoid: c.logSigmoid,
  hardSwish: c.hardSwish,
}))
  row(name, 'far values', [of(edge, edge.length)], (x) => op(x), constant);
row('elu', 'far values', [of(edge, edge.length)], (x) => c.elu(x), constant);
row('gelu', 'by tanh, far values', [of(edge, edge.length)], (x) => c.gelu(x, { approximate: 'tanh' }), constant);
row('softplus', 'beta 2, far values', [of(edge, edge.length)], (x) => c.softplus(x, { beta: 2 }), constant);
row('log', 'edges', [of([0, 1, -1, Number.POSITIVE_INFINITY], 4)], c.log, constant);
row('log1p', 'near 0', [of([1e-7, -1e-7, 1e-4, -0.5], 4)], c.log1p, constant);
row('relu', 'NaN stays', [of([Number.NaN, -1, 0, 2], 4)], (x) => c.relu(x), constant);
row('cast', 'to int32', [of([-1.5, -0.5, 0, 0.5, 1.99, 7], 6)], (x) => c.cast(x, 'int32'), constant);
row('cast', 'to bool', [of([-1.5, 0, 0.25], 3)], (x) => c.cast(x, 'bool'), constant);
row('cast', 'from int32', [{ shape: [3], domain: { int: [-7, 0, 7] } }], (x) => c.cast(x, 'float32'), constant);
row('cast', 'from bool', [mask], (x) => c.cast(x, 'float32'), constant);
row('cast', 'to the same dtype', [of('normal', 3)], (x) => c.cast(x, x.dtype).mul(x));
row('logicalNot', 'bool', [mask], c.logicalNot, constant);
row('logicalNot', 'float', [of([0, 1, -2], 3)], c.logicalNot, constant);
row('isNaN', '', [of([0, Number.NaN, Number.POSITIVE_INFINITY], 3)], c.isNaN, constant);

// ---- reductions

type Axes = number | number[] | undefined;
const axesCases: [string, Axes, boolean][] = [
  ['all', undefined, false],
  ['all, keepDims', undefined, true],
  ['axis 0', 0, false],
  ['axis -1', -1, false],
  ['axis 1, keepDims', 1, true],
  ['axes 0 and 2', [0, 2], false],
  ['axes 2 and 1, keepDims', [2, 1], true],
];
const reductions = {
  sum: c.sum,
  mean: c.mean,
  max: c.max,
  min: c.min,
  variance: c.variance,
  std: c.std,
  logsumexp: c.logsumexp,
};
for (const [op, f] of Object.entries(reductions))
  for (const [variant, axes, keepDims] of axesCases)
    row(op, variant, [of('distinct', 2, 3, 4)], (x) => f(x, axes, { keepDims }));
row('sum', 'int32', [{ shape: [2, 3], domain: { int: [1, 2, 3, 4, 5, -60] } }], (x) => c.sum(x, 1), constant);
row('sum', 'bool counts', [mask], (x) => c.sum(x), constant);
row('sum', 'no axes', [of('normal', 2, 3)], (x) => c.sum(x, []));
row('max', 'NaN wins', [of([1, Number.NaN, 3, 4, 5, 6], 2, 3)], (x) => c.max(x, 1), constant);
row('min', 'NaN wins', [of([1, Number.NaN, 3, 4, 5, 6], 2, 3)], (x) => c.min(x, 1), constant);
row('variance', 'population', [of('normal', 3, 4)], (x) => c.variance(x, 0, { correction: 0 }));
row('std', 'population', [of('normal', 3, 4)], (x) => c.std(x, 1, { correction: 0, keepDims: true }));
row('logsumexp', 'far values', [of([1000, 1001, -1000, -1001], 2, 2)], (x) => c.logsumexp(x, 1), constant);
row(
  'logsumexp',
  'infinite',
  [of([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY, 1, Number.NEGATIVE_INFINITY], 2, 2)],
  (x) => c.logsumexp(x, 1),
  constant,
);
for (const [op, f] of Object.entries({ argmax: c.argmax, argmin: c.argmin })) {
  row(op, 'flat', [of('distinct', 3, 4)], (x) => f(x), constant);
  row(op, 'flat, keepDims', [of('distinct', 3, 4)], (x) => f(x, undefined, { keepDims: true }), constant);
  row(op, 'axis 0', [of('distinct', 3, 4, 2)], (x) => f(x, 0), constant);
  row(op, 'axis 1, keepDims', [of('distinct', 3, 4, 2)], (x) => f(x, 1, { keepDims: true }), constant);
  row(op, 'axis -1 with ties', [of('ties', 4, 5)], (x) => f(x, -1), constant);
}
for (const [op, f] of Object.entries({ softmax: c.softmax, logSoftmax: c.logSoftmax })) {
  row(op, '', [of('normal', 3, 4)], (x) => f(x));
  row(op, 'axis 1 of 3', [of('normal', 2, 3, 2)], (x) => f(x, 1));
  row(op, 'far values', [of([1000, 1001, -1000, -1003], 2, 2)], (x) => f(x), constant);
}

// ---- movement

row('reshape', '', [of('normal', 2, 6)], (x) => c.reshape(x, [3, -1]).mul(x.reshape([3, 4])));
row('squeeze', 'all', [of('normal', 1, 3, 1)], (x) => c.squeeze(x));
row('squeeze', 'axis', [of('normal', 1, 3, 1)], (x) => c.squeeze(x, -1));
row('unsqueeze', '', [of('normal', 2, 3)], (x) => c.unsqueeze(x, 1));
row('unsqueeze', 'last', [of('normal', 2, 3)], (x) => c.unsqueeze(x, -1));
row('permute', '', [of('normal', 2, 3, 4)], (x) => c.permute(x, [2, 0, 1]));
row('permute', 'rank 4', [of('normal', 2, 3, 2, 2)], (x) => c.permute(x, [0, 3, 1, 2]));
row(
  'permute',
  'int32',
  [{ shape: [2, 3], domain: { int: [1, 2, 3, 4, 5, 6] } }],
  (x) => c.permute(x, [1, 0]),
  constant,
);
row('transpose', '', [of('normal', 2, 3, 4)], (x) => c.transpose(x));
row('transpose', 'axes', [of('normal', 2, 3, 4)], (x) => c.transpose(x, 0, 2));
row('expand', '', [of('normal', 2, 1, 3)], (x) => c.expand(x, [2, 4, 3]));
row('expand', 'new axis', [of('normal', 3)], (x) => c.expand(x, [2, -1]));
row('expand', 'from rank 0', [of('normal')], (x) => c.expand(x, [2, 3]));
row('slice', '', [of('normal', 4, 5)], (x) => c.slice(x, [1, 3], [0, -1]));
row('slice', 'steps', [of('normal', 5, 6)], (x) => c.slice(x, [0, null, 2], [1, 6, 3]));
row('slice', 'negative steps', [of('normal', 5, 6)], (x) => c.slice(x, [null, null, -2], [4, 0, -1]));
row('slice', 'null axis', [of('normal', 3, 4, 2)], (x) => c.slice(x, null, [-3, -1]));
row('flip', '', [of('normal', 3, 4)], (x) => c.flip(x, 0));
row('flip', 'axes', [of('normal', 2, 3, 2)], (x) => c.flip(x, [0, -1]));
row('pad', '', [of('normal', 2, 3)], (x) =>
  c.pad(x, [
    [1, 0],
    [2, 1],
  ]),
);
row('pad', 'value', [of('normal', 2, 2)], (x) =>
  c.pad(
    x,
    [
      [0, 1],
      [1, 1],
    ],
    -3,
  ),
);
row('pad', 'negative', [of('normal', 4, 5)], (x) =>
  c.pad(
    x.mul(x),
    [
      [-1, 2],
      [-2, -1],
    ],
    0.5,
  ),
);
for (const mode of ['reflect', 'replicate', 'circular'] as const) {
  row('pad', mode, [of('normal', 1, 3, 4, 2)], (x) =>
    c.pad(
      x.mul(x),
      [
        [0, 0],
        [1, 2],
        [3, 0],
        [0, 0],
      ],
      { mode },
    ),
  );
  row('pad', `${mode}, cut at one end`, [of('normal', 5, 4)], (x) =>
    c.pad(
      x.mul(x),
      [
        [-2, 2],
        [-1, 0],
      ],
      { mode },
    ),
  );
}
row('concat', '', [of('normal', 2, 3), of('normal', 1, 3)], (...x) => c.concat(x));
row('concat', 'axis 1 of three', [of('normal', 2, 1, 2), of('normal', 2, 2, 2), of('normal', 2, 3, 2)], (...x) =>
  c.concat(x, 1),
);
row('concat', 'last axis', [of('normal', 2, 2), of('normal', 2, 3)], (...x) => c.concat(x, -1));
row('stack', '', [of('normal', 2, 3), of('normal', 2, 3)], (...x) => c.stack(x));
row('stack', 'last axis', [of('normal', 2, 3), of('normal', 2, 3)], (...x) => c.stack(x, -1));
row('indexSelect', 'repeats', [of('normal', 4, 3)], (x) => c.indexSelect(x, [2, 0, 2, 3]));
row('indexSelect', 'axis 1', [of('normal', 2, 4, 2)], (x) => c.indexSelect(x, [3, 1, 1], 1));
row('indexSelect', 'tensor indices', [of('normal', 3, 2), { shape: [4], domain: { int: [0, 2, 2, 1] } }], (x, i) =>
  c.indexSelect(x, i),
);
const vectors = (values: number[], ...shape: number[]): Input => ({ shape, domain: { int: values } });
row('gatherNd', 'elements', [of('normal', 3, 4)], (x) =>
  c.gatherNd(x, [
    [2, 0],
    [0, 3],
    [2, 0],
    [1, 1],
  ]),
);
row('gatherNd', 'slices, batched', [of('normal', 2, 3, 2)], (x) => c.gatherNd(x, [[[1, 0]], [[0, 2]], [[1, 0]]]));
row('gatherNd', 'one vector', [of('normal', 2, 3, 2)], (x) => c.gatherNd(x, [1, 2]));
row('gatherNd', 'tensor indices', [of('normal', 3, 2, 2), vectors([2, 0, 0, 1, 2, 0, 1, 1], 2, 2, 2)], c.gatherNd);
row('gatherNd', 'tensor indices of one axis', [of('normal', 3, 2), vectors([2, 0, 2, 1], 4, 1)], c.gatherNd);
row(
  'gatherNd',
  'tensor indices, some outside',
  [of('normal', 3, 2, 2), vectors([2, 0, -1, 1, 0, 2, 3, 0, 1, 1], 5, 2)],
  c.gatherNd,
);
row(
  'gatherNd',
  'tensor indices of one axis, some outside',
  [of('normal', 3, 2), vectors([2, -1, 3, 0, 99], 5, 1)],
  c.gatherNd,
);
row(
  'scatterNd',
  'tensor indices, some outside',
  [of('normal', 5, 2), vectors([2, 0, -1, 1, 0, 2, 3, 0, 1, 1], 5, 2)],
  (updates, indices) => c.scatterNd(indices, updates, [3, 2, 2]),
);
row(
  'scatterNd',
  'tensor indices of one axis, some outside',
  [of('normal', 5, 2), vectors([2, -1, 3, 0, 99], 5, 1)],
  (updates, indices) => c.scatterNd(indices, updates, [3, 2]),
);
row('gatherNd', 'int32', [vectors([1, 2, 3, 4, 5, 6], 2, 3), vectors([1, 0, 0, 2], 2, 2)], c.gatherNd, constant);
row('scatterNd', 'elements, repeated', [of('normal', 4)], (updates) =>
  c.scatterNd(
    [
      [2, 0],
      [0, 3],
      [2, 0],
      [1, 1],
    ],
    updates,
    [3, 4],
  ),
);
row('scatterNd', 'slices, batched', [of('normal', 3, 1, 2)], (updates) =>
  c.scatterNd([[[1, 0]], [[0, 2]], [[1, 0]]], updates, [2, 3, 2]),
);
row('scatterNd', 'one vector', [of('normal', 2)], (updates) => c.scatterNd([1, 2], updates, [2, 3, 2]));
row(
  'scatterNd',
  'tensor indices',
  [of('normal', 2, 2, 2), vectors([2, 0, 0, 1, 2, 0, 1, 1], 2, 2, 2)],
  (updates, indices) => c.scatterNd(indices, updates, [3, 2, 2]),
);
row('scatterNd', 'tensor indices of one axis', [of('normal', 4, 2), vectors([2, 0, 2, 1], 4, 1)], (updates, indices) =>
  c.scatterNd(indices, updates, [3, 2]),
);
row(
  'scatterNd',
  'int32',
  [vectors([1, 2, 3], 3), vectors([1, 0, 0, 2, 1, 0], 3, 2)],
  (updates, indices) => c.scatterNd(indices, updates, [2, 3]),
  constant,
);
row('tile', '', [of('normal', 2, 3)], (x) => c.tile(x, [2, 3]));
row('tile', 'more repeats than axes', [of('normal', 3)], (x) => c.tile(x, [2, 1, 2]));
row('tile', 'more axes than repeats', [of('normal', 2, 2, 3)], (x) => c.tile(x, [2]));
row('tile', 'once', [of('normal', 2, 3)], (x) => c.tile(x, [1, 1]).mul(x));
row('repeatInterleave', '', [of('normal', 2, 3)], (x) => c.repeatInterleave(x, 2));
row('repeatInterleave', 'last axis', [of('normal', 2, 3)], (x) => c.repeatInterleave(x, 3, -1));
row('roll', '', [of('normal', 3, 4)], (x) => c.roll(x, 2));
row('roll', 'axes', [of('normal', 3, 4)], (x) => c.roll(x, [-1, 5], [0, 1]));
row('roll', 'by nothing', [of('normal', 3, 4)], (x) => c.roll(x, 4, 1).mul(x));
row('splitTensor', 'last part', [of('normal', 5, 2)], (x) => c.concat(c.splitTensor(x, 2).reverse()));
row('splitTensor', 'sizes', [of('normal', 2, 6)], (x) => {
  const [a, b, z] = c.splitTensor(x, [1, 3, 2], 1);
  return c.concat([z, a, b.mul(b)], 1);
});
row('chunk', '', [of('normal', 5, 2)], (x) => c.concat(c.chunk(x, 3).reverse()));
row('chunk', 'fewer than asked', [of('normal', 2, 6)], (x) => c.concat(c.chunk(x, 4, -1), 0));
row('unbind', '', [of('normal', 3, 2)], (x) => c.stack(c.unbind(x).reverse()));
row('unbind', 'last axis', [of('normal', 3, 2)], (x) => {
  const [a, b] = c.unbind(x, -1);
  return a.mul(b);
});
for (const [op, f] of Object.entries({ tril: c.tril, triu: c.triu })) {
  row(op, '', [of('normal', 3, 4)], (x) => f(x));
  row(op, 'diagonal above, batch', [of('normal', 2, 3, 3)], (x) => f(x, 1));
  row(op, 'diagonal below', [of('normal', 3, 2)], (x) => f(x, -1));
  row(op, 'int32', [{ shape: [2, 2], domain: { int: [1, 2, 3, 4] } }], (x) => f(x), constant);
  row(op, 'NaN elsewhere', [of([Number.NaN, Number.NaN, Number.NaN, Number.NaN], 2, 2)], (x) => f(x), constant);
}
row('meshgrid', '', [of('normal', 2), of('normal', 3)], (...x) => c.stack(c.meshgrid(x)));
row('meshgrid', 'of three', [of('normal', 2), of('normal', 3), of('normal', 2)], (...x) => c.stack(c.meshgrid(x)));
row('meshgrid', 'xy', [of('normal', 2), of('normal', 3)], (...x) => {
  const [a, b] = c.meshgrid(x, { indexing: 'xy' });
  return a.mul(b);
});
const places = (values: number[], ...shape: number[]): Input => ({ shape, domain: { int: values } });
row('oneHot', '', [places([2, 0, 3, 1, -1, 4], 2, 3)], (i) => c.oneHot(i, 4), constant);
row('oneHot', 'axis and dtype', [places([2, 0, 1], 3)], (i) => c.oneHot(i, 3, { axis: 0, dtype: 'int32' }), constant);
row('embedding', '', [of('normal', 4, 3)], (w) =>
  c.embedding(
    [
      [2, 0, 2],
      [3, 3, 1],
    ],
    w,
  ),
);
row('embedding', 'tensor', [places([2, 0, 2, 5], 2, 2), of('normal', 4, 3)], (i, w) => c.embedding(i, w));
row('gather', '', [of('normal', 3, 4)], (x) =>
  c.gather(x, [
    [2, 0, 1, 1],
    [0, 0, 2, 1],
  ]),
);
row('gather', 'axis 1 of 3', [of('normal', 2, 3, 2)], (x) =>
  c.gather(
    x,
    [
      [
        [2, 0],
        [2, 1],
      ],
      [
        [0, 0],
        [1, 1],
      ],
    ],
    1,
  ),
);
row('gather', 'shorter indices', [of('normal', 3, 4)], (x) => c.gather(x, [[3, 0, 3, 1, 2]], -1));
row('gather', 'tensor, some outside', [of('normal', 3, 2), places([2, -1, 3, 0, 1, 1], 3, 2)], (x, i) =>
  c.gather(x, i),
);
row('gather', 'int32', [places([1, 2, 3, 4], 2, 2), places([1, 1, 0, 1], 2, 2)], (x, i) => c.gather(x, i, 1), constant);
row(
  'gather',
  'bool',
  [{ shape: [2, 3], domain: { bool: [1, 0, 1, 0, 0, 1] } }, places([1, 2, 0, 1], 2, 2)],
  (x, i) => c.gather(x, i, 1),
  constant,
);
const twice = places([2, 0, 2, 1, 1, 1], 2, 3);
for (const [op, f] of Object.entries({ scatter: c.scatter, scatterAdd: c.scatterAdd })) {
  row(op, '', [of('normal', 3, 3), twice, of('normal', 2, 3)], (x, i, s) => f(x, i, s));
  row(op, 'axis 1, shorter indices', [of('normal', 3, 4), twice, of('normal', 3, 3)], (x, i, s) => f(x, i, s, 1));
  row(
    op,
    'axis 1 of 3',
    [of('normal', 2, 4, 2), places([3, 0, 3, 1, 1, 1, 0, 2], 2, 2, 2), of('normal', 2, 2, 2)],
    (x, i, s) => f(x, i, s, 1),
  );
  row(op, 'a number', [of('normal', 3, 3), twice], (x, i) => f(x, i, 1.5));
  row(op, 'some outside', [of('normal', 3, 2), places([2, -1, 3, 2], 2, 2), of('normal', 2, 2)], (x, i, s) =>
    f(x, i, s),
  );
  row(op, 'numbers', [of('normal', 3), of('normal', 4)], (x, s) => f(x, [1, 1, 0, 1], s));
}
row(
  'scatter',
  'int32',
  [places([1, 2, 3], 3), places([2, 0, 2], 3), places([2 ** 24 - 1, 8, 9], 3)],
  (x, i, s) => c.scatter(x, i, s),
  constant,
);
row('scatter', 'bool', [mask, places([2, 0], 2, 1)], (x, i) => c.scatter(x, i, 1, 1), constant);
row(
  'scatter',
  'NaN',
  [of([Number.NaN, 1, 2], 3), places([1, 1], 2), of([Number.NaN, 5], 2)],
  (x, i, s) => c.scatter(x, i, s),
  constant,
);
for (const reduction of ['sum', 'mean', 'prod', 'amax', 'amin'] as const) {
  row('scatterReduce', reduction, [of('distinct', 3, 3), twice, of('distinct', 2, 3)], (x, i, s) =>
    c.scatterReduce(x, i, s, reduction),
  );
  row(
    'scatterReduce',
    `${reduction}, axis 1, without self`,
    [of('distinct', 3, 4), twice, of('distinct', 2, 3)],
    (x, i, s) => c.scatterReduce(x, i, s, reduction, { axis: 1, includeSelf: false }),
  );
  row(
    'scatterReduce',
    `${reduction} of ties`,
    [of('ties', 2, 3), twice, of('ties', 2, 3)],
    (x, i, s) => c.scatterReduce(x, i.minimum(1), s, reduction),
    constant,
  );
  row(
    'scatterReduce',
    `${reduction} of extremes`,
    [of([1, -Infinity, Number.NaN, 0], 4), places([0, 1, 2, 3, 3], 5), of([Infinity, 2, 3, Number.NaN, 1], 5)],
    (x, i, s) => c.scatterReduce(x, i, s, reduction),
    constant,
  );
}
row('indexAdd', '', [of('normal', 3, 2), of('normal', 4, 2)], (x, s) => c.indexAdd(x, [2, 0, 2, 1], s));
row('indexAdd', 'axis 1, tensor', [of('normal', 2, 3), places([1, 1, -1], 3), of('normal', 2, 3)], (x, i, s) =>
  c.indexAdd(x, i, s, 1),
);
row(
  'indexAdd',
  'int32',
  [places([1, 2, 3], 3), places([2, 2], 2), places([5, 6], 2)],
  (x, i, s) => c.indexAdd(x, i, s),
  constant,
);
for (const [op, f] of Object.entries({
  sort: (...a: Parameters<typeof c.sort>) => c.sort(...a)[0],
  argsort: c.argsort,
})) {
  const settings = op === 'sort' ? {} : constant;
  const own = { ...settings, ...(op === 'sort' ? { secondOrder: false, leavesIndices: true } : {}) };
  row(op, '', [of('distinct', 3, 7)], (x) => f(x), own);
  row(op, 'descending, axis 0', [of('distinct', 5, 2)], (x) => f(x, 0, { descending: true }), own);
  row(op, 'middle axis', [of('distinct', 2, 8, 2)], (x) => f(x, 1), own);
  row(op, 'one element', [of('distinct', 3, 1)], (x) => f(x), own);
  row(op, 'ties', [of('ties', 4, 9)], (x) => f(x), constant);
  row(op, 'ties, descending', [of('ties', 4, 9)], (x) => f(x, -1, { descending: true }), constant);
  const extremes = [1, Number.NaN, Infinity, -Infinity, Number.NaN, Infinity, -1, -Infinity, 3e38];
  row(op, 'extremes', [of(extremes, 9)], (x) => f(x), constant);
  row(op, 'extremes, descending', [of(extremes, 9)], (x) => f(x, 0, { descending: true }), constant);
  row(op, 'int32', [places([5, -3, 5, 0, 16000000], 5)], (x) => f(x), constant);
  row(op, 'int32, descending', [places([5, -3, 5, 0, -16000000], 5)], (x) => f(x, 0, { descending: true }), constant);
  row(op, 'bool', [{ shape: [5], domain: { bool: [1, 0, 1, 0, 1] } }], (x) => f(x), constant);
}
row('topk', '', [of('distinct', 3, 6)], (x) => c.topk(x, 2)[0], { secondOrder: false, leavesIndices: true });
row('topk', 'squared', [of('distinct', 3, 6)], (x) => c.topk(x, 2)[0].mul(c.topk(x, 2)[0]), { leavesIndices: true });
row('topk', 'smallest, axis 0', [of('distinct', 5, 2)], (x) => c.topk(x, 3, 0, { largest: false })[0], {
  secondOrder: false,
  leavesIndices: true,
});
row('topk', 'indices of ties', [of('ties', 4, 9)], (x) => c.topk(x, 4)[1], constant);
for (const [op, f] of Object.entries({ cumsum: c.cumsum, cumprod: c.cumprod })) {
  const own = op === 'cumsum' ? { secondOrder: false } : {};
  row(op, '', [of('normal', 2, 7)], (x) => f(x), own);
  row(op, 'axis 0', [of('normal', 4, 3)], (x) => f(x, 0), own);
  row(op, 'reverse, middle axis', [of('normal', 2, 5, 2)], (x) => f(x, 1, { reverse: true }), own);
  row(op, 'exclusive', [of('normal', 2, 4)], (x) => f(x, 1, { exclusive: true }), own);
  row(op, 'exclusive, reverse', [of('normal', 5)], (x) => f(x, 0, { exclusive: true, reverse: true }), own);
  row(op, 'int32', [places([5, -3, 5, 1, 2], 5)], (x) => f(x), constant);
  row(op, 'NaN', [of([1, 2, Number.NaN, 4, -Infinity], 5)], (x) => f(x), constant);
}
row('cumprod', 'of zeros', [of([1, 0, 2, 0, 3], 5)], (x) => c.cumprod(x));
for (const [variant, axes, keepDims] of axesCases) {
  row('prod', variant, [of('distinct', 2, 3, 4)], (x) => c.prod(x, axes, { keepDims }), {
    tolerance: { relative: 1e-4, absolute: 1e-5 },
  });
  row('norm', variant, [of('distinct', 2, 3, 4)], (x) => c.norm(x, axes, { keepDims }));
  for (const [op, f] of Object.entries({ any: c.any, all: c.all }))
    row(op, variant, [of('ties', 2, 3, 4)], (x) => f(x, axes, { keepDims }), constant);
}
row('prod', 'of zeros', [of([0, 2, 3, 0, 5, 0, 2, 3, 4], 3, 3)], (x) => c.prod(x, 1));
row('prod', 'int32', [places([5, -3, 5, 1, 2], 5)], (x) => c.prod(x), constant);
row('prod', 'no axes', [of('normal', 2, 3)], (x) => c.prod(x, []).mul(x));
for (const p of [1, Infinity, -Infinity, 0, 3, 1.5, 0.5, -2]) {
  const flat = p === 1 || p === 0 || Math.abs(p) === Infinity;
  row('norm', `p ${p}`, [of('distinct', 3, 4)], (x) => c.norm(x, 1, { p }), flat ? { secondOrder: false } : {});
  row('norm', `p ${p}, zeros`, [of([0, 0, 0, 0, 3, -4], 2, 3)], (x) => c.norm(x, 1, { p }), constant);
}
row('einsum', 'product', [of('normal', 2, 3), of('normal', 3, 4)], (...x) => c.einsum('ij,jk->ik', ...x));
row('einsum', 'batch, both orders', [of('normal', 2, 3, 4), of('normal', 5, 2, 4)], (...x) =>
  c.einsum('bij,kbj->kbi', ...x),
);
row('einsum', 'three operands', [of('normal', 2, 3), of('normal', 3, 2), of('normal', 2, 2)], (...x) =>
  c.einsum('ab,bc,cd->da', ...x),
);
row('einsum', 'trace and sum', [of('normal', 3, 3, 2)], (...x) => c.einsum('iij->j', ...x), { secondOrder: false });
row('einsum', 'ellipsis', [of('normal', 2, 2, 3), of('normal', 1, 3, 2)], (...x) =>
  c.einsum('...ij,...jk->...ik', ...x),
);
row('einsum', 'outer product', [of('normal', 2), of('normal', 3)], (...x) => c.einsum('i,j', ...x));
row('einsum', 'rank 4', [of('normal', 2, 2, 3, 2), of('normal', 2, 2, 3, 2)], (...x) =>
  c.einsum('bqhd,bkhd->bhqk', ...x),
);
row('clone', '', [of('normal', 2, 3)], (x) => c.clone(x));
row('detach', '', [of('normal', 2, 3)], (x) => c.detach(x), constant);

// ---- products, convolution, pools

row('matmul', '', [of('normal', 3, 4), of('normal', 4, 2)], c.matmul);
row('matmul', 'vector left', [of('normal', 4), of('normal', 4, 2)], c.matmul);
row('matmul', 'vector right', [of('normal', 3, 4), of('normal', 4)], c.matmul);
row('matmul', 'two vectors', [of('normal', 4), of('normal', 4)], c.matmul);
row('matmul', 'batched', [of('normal', 2, 3, 4), of('normal', 2, 4, 2)], c.matmul);
row('matmul', 'broadcast batch right', [of('normal', 2, 3, 4), of('normal', 4, 2)], c.matmul);
row('matmul', 'broadcast batch left', [of('normal', 3, 4), of('normal', 2, 4, 2)], c.matmul);
row('matmul', 'broadcast both', [of('normal', 2, 1, 2, 3), of('normal', 3, 3, 2)], c.matmul);
row('matmul', 'long inner axis', [of('normal', 2, 130), of('normal', 130, 3)], c.matmul, { secondOrder: false });

const convolutions: [string, number[], number[], c.Conv2dOptions][] = [
  ['valid', [2, 4, 5, 2], [3, 2, 2, 3], { padding: 'valid' }],
  ['default padding', [1, 4, 4, 1], [2, 2, 1, 2], {}],
  ['same', [1, 4, 5, 2], [3, 3, 2, 2], { padding: 'same' }],
  ['same, even kernel', [1, 5, 4, 2], [2, 4, 2, 2], { padding: 'same' }],
  ['same, stride 2', [1, 5, 6, 2], [3, 3, 2, 2], { padding: 'same', stride: 2 }],
  ['same, stride [2,1], kernel [5,3]', [1, 6, 4, 1], [5, 3, 1, 2], { padding: 'same', stride: [2, 1] }],
  ['valid, stride 3 with an unreached edge', [1, 6, 8, 1], [2, 3, 1, 2], { padding: 'valid', stride: 3 }],
  ['padding 1', [1, 4, 4, 2], [3, 3, 2, 1], { padding: 1, stride: 2 }],
  [
    'asymmetric padding',
    [1, 4, 5, 1],
    [3, 3, 1, 2],
    {
      padding: [
        [0, 2],
        [1, 0],
      ],
    },
  ],
  ['dilation 2', [1, 6, 7, 1], [3, 2, 1, 2], { dilation: 2, padding: 'same' }],
  ['dilation [2,1], stride [1,2]', [1, 6, 6, 1], [2, 3, 1, 2], { dilation: [2, 1], stride: [1, 2] }],
  ['groups', [1, 4, 4, 4], [3, 3, 2, 6], { groups: 2, padding: 'same' }],
  ['depthwise', [1, 4, 4, 3], [3, 3, 1, 3], { groups: 3, padding: 'same' }],
  ['depthwise, multiplier 2', [1, 4, 4, 2], [2, 2, 1, 4], { groups: 2, stride: 2 }],
  ['1×1', [2, 3, 3, 3], [1, 1, 3, 2], {}],
  ['1×1, stride 2', [1, 5, 4, 2], [1, 1, 2, 2], { stride: 2 }],
  ['kernel over the whole image', [2, 3, 3, 2], [3, 3, 2, 2], {}],
];
for (const [variant, x, w, options] of convolutions) {
  row('conv2d', variant, [of('normal', ...x), of('normal', ...w)], (a, b) => c.conv2d(a, b, options));
  row(
    'conv2d',
    `${variant}, bias`,
    [of('normal', ...x), of('normal', ...w), of('normal', w[3])],
    (a, b, bias) => c.conv2d(a, b, { ...options, bias }),
    {
      secondOrder: false,
    },
  );
}
const transposed: [string, number[], number[], c.Conv2dTransposeOptions][] = [
  ['default', [1, 3, 3, 2], [3, 3, 2, 2], {}],
  ['same', [2, 3, 4, 2], [3, 3, 3, 2], { padding: 'same' }],
  ['same, stride 2', [1, 3, 3, 2], [3, 3, 2, 2], { padding: 'same', stride: 2 }],
  ['same, stride 2, outputSize', [1, 3, 3, 2], [3, 3, 2, 2], { padding: 'same', stride: 2, outputSize: [5, 6] }],
  ['same, stride 2, kernel 5', [1, 3, 2, 1], [5, 4, 2, 1], { padding: 'same', stride: 2, outputSize: [6, 3] }],
  ['valid, stride 2', [1, 2, 3, 2], [3, 2, 1, 2], { padding: 'valid', stride: 2 }],
  ['valid, stride 2, outputSize', [1, 2, 3, 1], [3, 2, 2, 1], { padding: 'valid', stride: 2, outputSize: [6, 7] }],
  ['padding 1, outputPadding 1', [1, 3, 3, 2], [3, 3, 2, 2], { padding: 1, stride: 2, outputPadding: 1 }],
  ['outputPadding [0,1]', [1, 2, 2, 1], [2, 2, 2, 1], { stride: 2, outputPadding: [0, 1] }],
  [
    'asymmetric padding',
    [1, 3, 3, 1],
    [3, 4, 2, 1],
    {
      stride: 2,
      padding: [
        [0, 1],
        [2, 1],
      ],
    },
  ],
  ['kernel smaller than stride', [1, 2, 2, 2], [2, 1, 1, 2], { stride: 3, padding: 'same' }],
  ['dilation 2', [1, 3, 3, 1], [2, 3, 2, 1], { dilation: 2, stride: 2, padding: 1, outputPadding: 1 }],
  ['groups', [1, 2, 3, 4], [3, 3, 1, 4], { groups: 2, stride: 2, padding: 'same' }],
  ['depthwise', [1, 3, 3, 3], [2, 2, 1, 3], { groups: 3, stride: 2 }],
];
for (const [variant, x, w, options] of transposed) {
  row('conv2dTranspose', variant, [of('normal', ...x), of('normal', ...w)], (a, b) => c.conv2dTranspose(a, b, options));
  const out = w[2] * (options.groups ?? 1);
  row(
    'conv2dTranspose',
    `${variant}, bias`,
    [of('normal', ...x), of('normal', ...w), of('normal', out)],
    (a, b, bias) => c.conv2dTranspose(a, b, { ...options, bias }),
    {
      secondOrder: false,
    },
  );
}

const pools: [string, number[], c.Pool2dOptions][] = [
  ['2×2', [2, 4, 4, 2], { kernelSize: 2 }],
  ['odd same', [1, 5, 3, 2], { kernelSize: 2, padding: 'same' }],
  ['odd valid', [1, 5, 3, 2], { kernelSize: 2, padding: 'valid' }],
  ['overlapping', [1, 5, 5, 2], { kernelSize: 3, stride: 2 }],
  ['overlapping same', [1, 4, 5, 2], { kernelSize: 3, stride: 2, padding: 'same' }],
  ['stride 1', [1, 4, 4, 1], { kernelSize: 2, stride: 1 }],
  ['stride 1 same', [1, 4, 3, 1], { kernelSize: 3, stride: 1, padding: 'same' }],
  ['rectangular', [1, 6, 5, 1], { kernelSize: [3, 2], stride: [3, 1] }],
  ['padding 1', [1, 4, 4, 1], { kernelSize: 3, stride: 2, padding: 1 }],
  [
    'asymmetric padding',
    [1, 4, 4, 1],
    {
      kernelSize: 3,
      stride: 2,
      padding: [
        [0, 1],
        [1, 0],
      ],
    },
  ],
  ['kernel smaller than stride', [1, 5, 6, 2], { kernelSize: 1, stride: 2 }],
  ['ceil mode', [1, 5, 6, 2], { kernelSize: [2, 3], stride: [2, 2], ceilMode: true }],
  ['ceil mode, padded', [2, 4, 6, 1], { kernelSize: [3, 4], stride: [2, 3], padding: 1, ceilMode: true }],
  ['ceil mode, kernel larger than the input', [1, 2, 3, 2], { kernelSize: 4, stride: 3, ceilMode: true }],
];
const dilatedPools: [string, number[], c.MaxPool2dOptions][] = [
  ['dilated', [1, 6, 5, 2], { kernelSize: 2, stride: 1, dilation: [3, 2] }],
  ['dilated, padded', [2, 5, 6, 1], { kernelSize: 3, stride: 2, padding: 1, dilation: 2 }],
  ['dilated, apart', [1, 7, 6, 2], { kernelSize: 2, stride: 3, dilation: 2, ceilMode: true }],
];
for (const [variant, shape, options] of pools) {
  row('maxPool2d', variant, [of('distinct', ...shape)], (x) => c.maxPool2d(x, options)[0]);
  row(
    'maxPool2d',
    `${variant}, indices`,
    [of('distinct', ...shape)],
    (x) => c.maxPool2d(x, options)[1].plane,
    constant,
  );
  row(
    'maxPool2d',
    `${variant}, indices of ties`,
    [of('ties', ...shape)],
    (x) => c.maxPool2d(x, options)[1].plane,
    constant,
  );
  row('avgPool2d', variant, [of('normal', ...shape)], (x) => c.avgPool2d(x, options));
  row(
    'avgPool2d',
    `${variant}, padding ${options.padding === 'same' ? 'counted' : 'not counted'}`,
    [of('normal', ...shape)],
    (x) => c.avgPool2d(x, { ...options, countIncludePad: options.padding === 'same' }),
  );
  row('maxUnpool2d', variant, [of('distinct', ...shape)], (x) => {
    const [values, indices] = c.maxPool2d(x, options);
    return c.maxUnpool2d(values.mul(2), indices);
  });
}
for (const [variant, shape, options] of dilatedPools) {
  row('maxPool2d', variant, [of('distinct', ...shape)], (x) => c.maxPool2d(x, options)[0]);
  const ties = [of('ties', ...shape)];
  row('maxPool2d', `${variant}, indices of ties`, ties, (x) => c.maxPool2d(x, options)[1].plane, constant);
  row('maxUnpool2d', variant, [of('distinct', ...shape)], (x) => c.maxUnpool2d(...c.maxPool2d(x.mul(x), options)));
}
row('avgPool2d', 'divisorOverride', [of('normal', 1, 5, 4, 2)], (x) =>
  c.avgPool2d(x, { kernelSize: 3, stride: 2, padding: 1, ceilMode: true, divisorOverride: -5 }),
);
row(
  'maxPool2d',
  'negative values, padded',
  [of([-1, -2, -3, -4], 1, 2, 2, 1)],
  (x) => c.maxPool2d(x, { kernelSize: 2, stride: 1, padding: 'same' })[0],
);
row(
  'maxPool2d',
  'NaN',
  [of([Number.NaN, 1, 2, 3, Number.NaN, 5, 6, 7, 9], 1, 3, 3, 1)],
  (x) => c.maxPool2d(x, { kernelSize: 2, stride: 1 })[0],
  constant,
);
row(
  'maxPool2d',
  'NaN, indices',
  [of([Number.NaN, 1, 2, 3, Number.NaN, 5, 6, 7, 9], 1, 3, 3, 1)],
  (x) => c.maxPool2d(x, { kernelSize: 2, stride: 1 })[1].plane,
  constant,
);
for (const nan of ['tf', 'ignore'] as const)
  row(
    'maxPool2d',
    `nan ${nan}`,
    [of('distinct', 1, 5, 5, 2)],
    (x) => c.maxPool2d(x, { kernelSize: 3, stride: 2, padding: 1, nan })[0],
  );

const adaptive: [string, number[], c.AdaptiveSize][] = [
  ['global', [2, 3, 4, 2], 1],
  ['divided', [1, 6, 4, 2], [3, 2]],
  ['uneven', [1, 5, 7, 2], 3],
  ['uneven height, even width', [2, 5, 4, 1], [2, 4]],
  ['larger', [1, 2, 3, 2], [3, 5]],
  ['kept width', [1, 4, 3, 2], [3, null]],
];
for (const [variant, shape, size] of adaptive) {
  row('adaptiveAvgPool2d', variant, [of('normal', ...shape)], (x) => c.adaptiveAvgPool2d(x.mul(x), size));
  row('adaptiveMaxPool2d', variant, [of('distinct', ...shape)], (x) => c.adaptiveMaxPool2d(x.mul(x), size)[0]);
  const ties = [of('ties', ...shape)];
  row('adaptiveMaxPool2d', `${variant}, indices`, ties, (x) => c.adaptiveMaxPool2d(x, size)[1].plane, constant);
  row('maxUnpool2d', `of an adaptive pool, ${variant}`, [of('distinct', ...shape)], (x) =>
    c.maxUnpool2d(...c.adaptiveMaxPool2d(x, size)).mul(x),
  );
}

const duplicates = ['add', 'first', 'last', 'max', 'mean'] as const;
/** Plane indices that a pool of some image finds, so that an input of a row holds them. */
const planeOf = (shape: readonly number[], options: c.MaxPool2dOptions, domain: Domain = 'distinct') => {
  const { values } = draw(
    domain,
    shape.reduce((a, b) => a * b),
    new c.RandomState(3),
    0,
  );
  const [, { plane, geometry }] = c.maxPool2d(c.tensor(values, { shape }), options);
  return { geometry, input: { shape: plane.shape, domain: { int: [...plane.dataSync()] } } };
};
for (const [variant, shape, options] of [...pools, ...dilatedPools])
  for (const policy of duplicates.slice(1)) {
    const { geometry, input } = planeOf(shape, options);
    row('maxUnpool2d', `${variant}, ${policy}`, [of('distinct', ...input.shape), input], (v, plane) =>
      c.maxUnpool2d(v, new c.PoolIndices(plane, shape, geometry), { duplicates: policy }),
    );
  }
for (const policy of duplicates) {
  row(
    'maxUnpool2d',
    `indices from elsewhere, ${policy}`,
    [of('distinct', 1, 2, 2, 2), { shape: [1, 2, 2, 2], domain: { int: [0, 11, 0, 11, 4, 3, 0, 2] } }],
    (v, plane) => c.maxUnpool2d(v, new c.PoolIndices(plane, [1, 3, 4, 2], null), { duplicates: policy }),
  );
  row(
    'maxUnpool2d',
    `ties and NaN, ${policy}`,
    [
      of([2, Number.NaN, 2, 5, 1, Number.NaN, 2, 5, -1, 3, -1, 5], 2, 2, 3, 1),
      { shape: [2, 2, 3, 1], domain: { int: [1, 1, 0, 0, 3, 3, 1, 1, 1, 2, 2, 0] } },
    ],
    (v, plane) => c.maxUnpool2d(v, new c.PoolIndices(plane, [2, 2, 2, 1], null), { duplicates: policy }),
    constant,
  );
}
row('maxUnpool2d', 'error, windows apart', [of('distinct', 1, 4, 4, 2)], (x) =>
  c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 2 }), { duplicates: 'error' }),
);
row('maxUnpool2d', 'outputSize', [of('distinct', 1, 5, 5, 1)], (x) =>
  c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 2, stride: 2 }), { outputSize: [5, 5] }),
);
row('maxUnpool2d', 'of 1 by 1', [of('distinct', 1, 1, 1, 1)], (x) =>
  c.maxUnpool2d(...c.maxPool2d(x, { kernelSize: 1 })),
);
const raw = Int32Array.of(0, 7, 4, 10, 13, 14);
row('maxUnpool2d', "PyTorch's form", [of('normal', 1, 2, 3, 1)], (v) =>
  c.maxUnpool2d(v, raw, { kernelSize: 2, stride: 2, outputSize: [3, 5] }),
);
row('maxUnpool2d', "TensorFlow Addons' form", [of('normal', 1, 2, 3, 1)], (v) =>
  c.maxUnpool2d(v, raw, { poolSize: [3, 2], strides: [2, 2], outputSize: [3, 5] }),
);
row('unpooling', '', [of('normal', 1, 2, 3, 1)], (v) => c.unpooling(v, [1, 3, 5, 1], raw));
row('unpooling', 'PoolIndices, max', [of('distinct', 1, 5, 4, 2)], (x) => {
  const [values, indices] = c.maxPool2d(x, { kernelSize: 2, padding: 'same' });
  return c.unpooling(values, x.shape, indices, { duplicates: 'max' });
});
for (const [variant, shape, options] of pools) {
  row(
    'maxPool2dWithArgmaxAndMask',
    variant,
    [of('distinct', ...shape)],
    (x) => c.maxPool2dWithArgmaxAndMask(x, options)[0],
  );
  row(
    'maxPool2dWithArgmaxAndMask',
    `${variant}, mask`,
    [of('ties', ...shape)],
    (x) => c.maxPool2dWithArgmaxAndMask(x, options)[2],
    constant,
  );
  const { input } = planeOf(shape, options);
  const bools = Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => ((i * 7) % 5 < 3 ? 1 : 0));
  row('unpoolByMask', variant, [of('normal', ...input.shape), { shape, domain: { bool: bools } }], (v, set) =>
    c.unpoolByMask(v, set, options),
  );
  row('unpoolByMask', `${variant}, argmax and mask`, [of('distinct', ...shape)], (x) => {
    const [values, argmax, counts] = c.maxPool2dWithArgmaxAndMask(x, options);
    return c.unpoolByMask(values, counts, { argmax });
  });
}

// ---- images to another size

const fills = ['copy', 'zeros'] as const;
for (const fill of fills) {
  row('upsample2d', `${fill}, scale 2`, [of('normal', 2, 3, 2, 2)], (x) => c.upsample2d(x, { scale: 2, fill }));
  row('upsample2d', `${fill}, scale [3,2]`, [of('normal', 1, 2, 3, 2)], (x) =>
    c.upsample2d(x, { scale: [3, 2], fill }),
  );
  row('upsample2d', `${fill}, scale [1,3] of 1×1`, [of('normal', 1, 1, 1, 1)], (x) =>
    c.upsample2d(x, { scale: [1, 3], fill }),
  );
  row('upsample2d', `${fill}, scale 1`, [of('normal', 1, 2, 3, 1)], (x) => c.upsample2d(x, { scale: 1, fill }).mul(x));
  row(
    'upsample2d',
    `${fill}, infinite values`,
    [of([Number.POSITIVE_INFINITY, 1, Number.NaN, -2], 1, 2, 2, 1)],
    (x) => c.upsample2d(x, { scale: 2, fill }),
    constant,
  );
}
row('upsample2d', 'default fill', [of('normal', 1, 2, 2, 1)], (x) => c.upsample2d(x, { scale: 2 }));
row('unPooling2x2ZeroFilled', '', [of('normal', 2, 2, 3, 2)], c.unPooling2x2ZeroFilled);
row('fixedUnpool2d', 'size 2', [of('normal', 2, 2, 3, 2)], (x) => c.fixedUnpool2d(x, { size: 2 }));
row('fixedUnpool2d', 'size [3,2]', [of('normal', 1, 2, 1, 2)], (x) => c.fixedUnpool2d(x, { size: [3, 2] }));
row('fixedUnpool2d', 'numbers', [of('normal', 2, 2, 3, 2)], (x) =>
  c.fixedUnpool2d(x, {
    matrix: [
      [0.5, 0.25, -1],
      [0.125, 0, 2],
    ],
  }),
);
row('fixedUnpool2d', 'learned matrix', [of('normal', 2, 2, 3, 2), of('normal', 2, 2)], (x, matrix) =>
  c.fixedUnpool2d(x, { matrix }),
);
row('fixedUnpool2d', 'learned matrix [3,2], size', [of('normal', 1, 1, 2, 3), of('normal', 3, 2)], (x, matrix) =>
  c.fixedUnpool2d(x, { matrix, size: [3, 2] }),
);
row('fixedUnpool2d', 'learned matrix of 1×1', [of('normal', 1, 1, 1, 1), of('normal', 1, 1)], (x, matrix) =>
  c.fixedUnpool2d(x, { matrix }),
);

const corners = { 'half-pixel': {}, 'align corners': { alignCorners: true }, legacy: { halfPixelCenters: false } };
const resizes: [string, number[], Pick<c.Resize2dOptions, 'size' | 'scale'>][] = [
  ['2×2 to 4×4', [1, 2, 2, 2], { size: [4, 4] }],
  ['3×5 to 7×4', [2, 3, 5, 2], { size: [7, 4] }],
  ['scale [3,2]', [1, 2, 3, 2], { scale: [3, 2] }],
  ['scale 0.5', [1, 5, 6, 1], { scale: 0.5 }],
  ['1×1 to 3×2', [1, 1, 1, 2], { size: [3, 2] }],
  ['4×5 to 1×1', [1, 4, 5, 2], { size: [1, 1] }],
  ['5×3 to 3×3', [1, 5, 3, 1], { size: [3, 3] }],
  ['to the same size', [1, 2, 3, 1], { size: [2, 3] }],
];
for (const [rule, corner] of Object.entries(corners))
  for (const method of ['bilinear', 'nearest'] as const)
    for (const [variant, shape, options] of resizes)
      row('resize2d', `${method}, ${rule}, ${variant}`, [of('normal', ...shape)], (x) => {
        const y = c.resize2d(x, { ...options, ...corner, method });
        return y === x ? y.mul(x) : y;
      });
const others2d: [string, number[], c.Resize2dOptions][] = [
  ...resizes.flatMap(([variant, shape, options]): [string, number[], c.Resize2dOptions][] => [
    [`bicubic, ${variant}`, shape, { ...options, method: 'bicubic' }],
    [`area, ${variant}`, shape, { ...options, method: 'area' }],
  ]),
  ['bicubic, corners', [1, 3, 4, 2], { size: [5, 3], method: 'bicubic', alignCorners: true }],
  ['bicubic, legacy', [1, 3, 4, 2], { size: [5, 3], method: 'bicubic', halfPixelCenters: false }],
  ...[-0.5, undefined].map((cubicCoefficient): [string, number[], c.Resize2dOptions] => [
    `bicubic, outside excluded, ${cubicCoefficient}`,
    [2, 4, 3, 1],
    { scale: [0.8, 1.7], method: 'bicubic', cubicCoefficient, excludeOutside: true, recomputeScaleFactor: false },
  ]),
  ...(['bilinear', 'nearest', 'bicubic'] as const).map((method): [string, number[], c.Resize2dOptions] => [
    `${method}, the scale as given`,
    [1, 3, 5, 2],
    { scale: [1.2, 0.7], method, recomputeScaleFactor: false },
  ]),
  ...(['half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'] as const).flatMap(
    (coordinateTransformation): [string, number[], c.Resize2dOptions][] => [
      [`bilinear, ${coordinateTransformation}`, [1, 4, 3, 2], { size: [1, 5], coordinateTransformation }],
      ...(['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'] as const).map(
        (nearestMode): [string, number[], c.Resize2dOptions] => [
          `${nearestMode}, ${coordinateTransformation}`,
          [1, 4, 3, 2],
          { size: [7, 2], method: 'nearest', coordinateTransformation, nearestMode },
        ],
      ),
    ],
  ),
];
for (const [variant, shape, options] of others2d)
  row('resize2d', variant, [of('normal', ...shape)], (x) => c.resize2d(x.mul(x), options));

for (const order of ['torch', 'tf'] as const) {
  row('pixelShuffle', `${order}, factor 2`, [of('normal', 2, 2, 3, 8)], (x) => c.pixelShuffle(x, 2, { order }));
  row('pixelShuffle', `${order}, factor 3`, [of('normal', 1, 1, 2, 9)], (x) => c.pixelShuffle(x, 3, { order }));
  row('pixelUnshuffle', `${order}, factor 2`, [of('normal', 2, 4, 6, 2)], (x) => c.pixelUnshuffle(x, 2, { order }));
  row('pixelUnshuffle', `${order}, factor 3`, [of('normal', 1, 3, 6, 2)], (x) => c.pixelUnshuffle(x, 3, { order }));
}
row('pixelShuffle', 'default order, factor 1', [of('normal', 1, 2, 2, 3)], (x) => c.pixelShuffle(x, 1).mul(2));
row('pixelUnshuffle', 'default order', [of('normal', 1, 2, 2, 1)], (x) => c.pixelUnshuffle(x, 2));

// ---- series: convolution, pools, sizes

const convolutions1d: [string, number[], number[], c.Conv1dOptions][] = [
  ['default padding', [2, 5, 2], [3, 2, 3], {}],
  ['same', [1, 6, 2], [3, 2, 2], { padding: 'same' }],
  ['same, even kernel, stride 2', [1, 7, 2], [4, 2, 2], { padding: 'same', stride: 2 }],
  ['valid, stride 3 with an unreached end', [1, 9, 1], [2, 1, 2], { padding: 'valid', stride: 3 }],
  ['asymmetric padding', [2, 5, 1], [3, 1, 2], { padding: [0, 2] }],
  ['dilation 2, stride 2', [1, 9, 2], [3, 2, 1], { dilation: 2, stride: 2, padding: 1 }],
  ['groups', [1, 5, 4], [3, 2, 6], { groups: 2, padding: 'same' }],
  ['depthwise', [2, 6, 3], [3, 1, 3], { groups: 3, padding: 'same' }],
  ['kernel 1', [2, 4, 3], [1, 3, 2], {}],
  ['kernel over the whole series', [2, 4, 2], [4, 2, 2], {}],
];
for (const [variant, x, w, options] of convolutions1d) {
  row('conv1d', variant, [of('normal', ...x), of('normal', ...w)], (a, b) => c.conv1d(a, b, options));
  row(
    'conv1d',
    `${variant}, bias`,
    [of('normal', ...x), of('normal', ...w), of('normal', w[2])],
    (a, b, bias) => c.conv1d(a, b, { ...options, bias }),
    { secondOrder: false },
  );
}
const transposed1d: [string, number[], number[], c.Conv1dTransposeOptions][] = [
  ['default', [2, 4, 2], [3, 3, 2], {}],
  ['same, stride 2', [1, 4, 2], [3, 2, 2], { padding: 'same', stride: 2 }],
  ['same, stride 2, outputSize', [1, 4, 1], [5, 2, 1], { padding: 'same', stride: 2, outputSize: 7 }],
  ['padding 1, outputPadding 1', [2, 4, 2], [3, 2, 2], { padding: 1, stride: 2, outputPadding: 1 }],
  ['asymmetric padding', [1, 4, 1], [4, 2, 1], { stride: 2, padding: [0, 1] }],
  ['kernel smaller than stride', [1, 3, 2], [2, 1, 2], { stride: 3, padding: 'same' }],
  ['dilation 2', [1, 4, 1], [3, 2, 1], { dilation: 2, stride: 2, padding: 1, outputPadding: 1 }],
  ['groups', [1, 4, 4], [3, 1, 4], { groups: 2, stride: 2 }],
];
for (const [variant, x, w, options] of transposed1d) {
  row('conv1dTranspose', variant, [of('normal', ...x), of('normal', ...w)], (a, b) => c.conv1dTranspose(a, b, options));
  row(
    'conv1dTranspose',
    `${variant}, bias`,
    [of('normal', ...x), of('normal', ...w), of('normal', w[1] * (options.groups ?? 1))],
    (a, b, bias) => c.conv1dTranspose(a, b, { ...options, bias }),
    { secondOrder: false },
  );
}

const pools1d: [string, number[], c.Pool1dOptions][] = [
  ['of 2', [2, 6, 2], { kernelSize: 2 }],
  ['odd same', [2, 5, 2], { kernelSize: 2, padding: 'same' }],
  ['overlapping', [1, 7, 2], { kernelSize: 3, stride: 2 }],
  ['stride 1 same', [1, 6, 2], { kernelSize: 3, stride: 1, padding: 'same' }],
  ['padding 1', [2, 6, 1], { kernelSize: 3, stride: 2, padding: 1 }],
  ['asymmetric padding', [1, 6, 1], { kernelSize: 3, stride: 2, padding: [0, 1] }],
  ['kernel smaller than stride', [1, 7, 2], { kernelSize: 1, stride: 2 }],
  ['ceil mode', [2, 6, 2], { kernelSize: 3, stride: 2, ceilMode: true }],
  ['ceil mode, padded', [1, 6, 2], { kernelSize: 4, stride: 3, padding: 1, ceilMode: true }],
];
for (const [variant, shape, options] of pools1d) {
  row('maxPool1d', variant, [of('distinct', ...shape)], (x) => c.maxPool1d(x, options)[0]);
  row(
    'maxPool1d',
    `${variant}, indices of ties`,
    [of('ties', ...shape)],
    (x) => c.maxPool1d(x, options)[1].plane,
    constant,
  );
  row('avgPool1d', variant, [of('normal', ...shape)], (x) => c.avgPool1d(x, options));
  row('avgPool1d', `${variant}, padding counted otherwise`, [of('normal', ...shape)], (x) =>
    c.avgPool1d(x, { ...options, countIncludePad: options.padding === 'same' }),
  );
  row('maxUnpool1d', variant, [of('distinct', ...shape)], (x) => {
    const [values, indices] = c.maxPool1d(x, options);
    return c.maxUnpool1d(values.mul(2), indices);
  });
  const [, { plane, geometry }] = c.maxPool1d(
    c.tensor(
      draw(
        'distinct',
        shape.reduce((a, b) => a * b),
        new c.RandomState(3),
        0,
      ).values,
      { shape },
    ),
    options,
  );
  const input: Input = { shape: plane.shape, domain: { int: [...plane.dataSync()] } };
  for (const policy of duplicates)
    row('maxUnpool1d', `${variant}, ${policy}`, [of('distinct', ...plane.shape), input], (v, found) =>
      c.maxUnpool1d(v, new c.PoolIndices(found, shape, geometry), { duplicates: policy }),
    );
}
for (const policy of duplicates)
  row(
    'maxUnpool1d',
    `indices from elsewhere, ${policy}`,
    [of('distinct', 1, 4, 2), { shape: [1, 4, 2], domain: { int: [0, 4, 0, 4, 3, 3, 0, 2] } }],
    (v, plane) => c.maxUnpool1d(v, new c.PoolIndices(plane, [1, 5, 2], null), { duplicates: policy }),
  );
for (const [variant, options] of [
  ['dilated', { kernelSize: 2, stride: 1, dilation: 3 }],
  ['dilated, padded', { kernelSize: 3, stride: 2, padding: 1, dilation: 2, ceilMode: true }],
] as const) {
  row('maxPool1d', variant, [of('distinct', 2, 7, 2)], (x) => c.maxPool1d(x, options)[0]);
  const ties = [of('ties', 2, 7, 2)];
  row('maxPool1d', `${variant}, indices of ties`, ties, (x) => c.maxPool1d(x, options)[1].plane, constant);
  row('maxUnpool1d', variant, [of('distinct', 2, 7, 2)], (x) => c.maxUnpool1d(...c.maxPool1d(x.mul(x), options)));
}
for (const [variant, length, size] of [
  ['global', 5, 1],
  ['divided', 6, 3],
  ['uneven', 7, 3],
  ['larger', 3, 5],
] as const) {
  const line = [2, length, 2];
  row('adaptiveAvgPool1d', variant, [of('normal', ...line)], (x) => c.adaptiveAvgPool1d(x.mul(x), size));
  row('adaptiveMaxPool1d', variant, [of('distinct', ...line)], (x) => c.adaptiveMaxPool1d(x.mul(x), size)[0]);
  const ties = [of('ties', ...line)];
  row('adaptiveMaxPool1d', `${variant}, indices`, ties, (x) => c.adaptiveMaxPool1d(x, size)[1].plane, constant);
  row('maxUnpool1d', `of an adaptive pool, ${variant}`, [of('distinct', ...line)], (x) =>
    c.maxUnpool1d(...c.adaptiveMaxPool1d(x, size)).mul(x),
  );
}
row('maxUnpool1d', 'outputSize', [of('distinct', 1, 5, 2)], (x) =>
  c.maxUnpool1d(...c.maxPool1d(x, { kernelSize: 2 }), { outputSize: 5 }),
);

for (const fill of fills) {
  row('upsample1d', `${fill}, scale 3`, [of('normal', 2, 3, 2)], (x) => c.upsample1d(x, { scale: 3, fill }));
  row('upsample1d', `${fill}, scale 1`, [of('normal', 1, 3, 1)], (x) => c.upsample1d(x, { scale: 1, fill }).mul(x));
}
const resizes1d: [string, number[], Pick<c.Resize1dOptions, 'size' | 'scale'>][] = [
  ['3 to 7', [2, 3, 2], { size: 7 }],
  ['5 to 3', [1, 5, 2], { size: 3 }],
  ['scale 2', [1, 3, 2], { scale: 2 }],
  ['1 to 3', [1, 1, 2], { size: 3 }],
  ['to the same length', [1, 4, 1], { size: 4 }],
];
for (const [rule, corner] of Object.entries(corners))
  for (const method of ['linear', 'nearest'] as const)
    for (const [variant, shape, options] of resizes1d)
      row('resize1d', `${method}, ${rule}, ${variant}`, [of('normal', ...shape)], (x) => {
        const y = c.resize1d(x, { ...options, ...corner, method });
        return y === x ? y.mul(x) : y;
      });
for (const [variant, options] of [
  ['cubic', { size: 7, method: 'cubic' }],
  ['cubic, outside excluded', { size: 3, method: 'cubic', cubicCoefficient: -0.5, excludeOutside: true }],
  ['area', { size: 3, method: 'area' }],
  ['the scale as given', { scale: 1.7, recomputeScaleFactor: false }],
  ['asymmetric, ceil', { size: 3, method: 'nearest', coordinateTransformation: 'asymmetric', nearestMode: 'ceil' }],
] as const)
  row('resize1d', variant, [of('normal', 2, 5, 2)], (x) => c.resize1d(x.mul(x), options));

// ---- normalisation

const norms: [string, string, number[], (x: Tensor, options?: c.AffineOptions) => Tensor, number[]?][] = [
  ['batchNorm', '', [3, 2, 4, 5], (x, o) => c.batchNorm(x, o)],
  ['batchNorm', 'eps 0.1', [7, 16], (x, o) => c.batchNorm(x, { ...o, eps: 0.1 })],
  ['groupNorm', 'two groups', [2, 3, 2, 6], (x, o) => c.groupNorm(x, 2, o)],
  ['groupNorm', 'one group', [2, 2, 3, 3], (x, o) => c.groupNorm(x, 1, o)],
  ['groupNorm', 'every channel', [2, 3, 3, 5], (x, o) => c.groupNorm(x, 5, o)],
  ['groupNorm', 'without positions', [3, 8], (x, o) => c.groupNorm(x, 2, o)],
  ['instanceNorm', '', [2, 3, 2, 3], (x, o) => c.instanceNorm(x, o)],
  ['instanceNorm', 'of a series', [2, 7, 4], (x, o) => c.instanceNorm(x, o)],
  ['layerNorm', 'last axis', [3, 2, 5], (x, o) => c.layerNorm(x, [5], o)],
  ['layerNorm', 'two axes', [4, 3, 3], (x, o) => c.layerNorm(x, [3, 3], o), [3, 3]],
];
const normTolerance = { tolerance: { relative: 1e-5, absolute: 5e-6 } };
for (const [op, variant, shape, norm, parameter = shape.slice(-1)] of norms) {
  row(op, variant, [of('normal', ...shape)], (x) => norm(x), normTolerance);
  row(
    op,
    variant === '' ? 'affine' : `${variant}, affine`,
    [of('normal', ...shape), of('normal', ...parameter), of('normal', ...parameter)],
    (x, weight, bias) => norm(x, { weight, bias }),
    normTolerance,
  );
}
row('groupNorm', 'weight alone', [of('normal', 2, 3, 4), of('normal', 4)], (x, weight) =>
  c.groupNorm(x, 2, { weight }),
);
row('layerNorm', 'bias alone', [of('normal', 2, 3, 4), of('normal', 4)], (x, bias) => c.layerNorm(x, [4], { bias }));

// ---- losses, dropout

/** Weights per class, and per column, to which no gradient flows. */
const ofClass: Input = { shape: [4], domain: 'positive', constant: true };
const ofColumn: Input = { shape: [1, 3], domain: 'positive', constant: true };
const labels: Input = { shape: [3], domain: { int: [2, 0, 3] } };
for (const reduction of ['mean', 'sum', 'none'] as const) {
  row('bceWithLogits', reduction, [of('normal', 2, 3), of('unit', 2, 3)], (x, z) =>
    c.bceWithLogits(x, z, { reduction }),
  );
  row('mse', reduction, [of('normal', 2, 3), of('normal', 2, 3)], (x, z) => c.mse(x, z, { reduction }));
  row('l1', reduction, [of('distinct', 2, 3), of('distinct', 2, 3)], (x, z) => c.l1(x, z, { reduction }));
  row(
    'crossEntropy',
    `classes, ${reduction}`,
    [of('normal', 3, 4), { shape: [3], domain: { int: [2, 0, 3] } }],
    (x, z) => c.crossEntropy(x, z, { reduction }),
  );
  row('crossEntropy', `probabilities, ${reduction}`, [of('normal', 3, 4), of('unit', 3, 4)], (x, z) =>
    c.crossEntropy(x, z, { reduction }),
  );
  row(
    'crossEntropy',
    `classes, weight, smoothing, ${reduction}`,
    [of('normal', 3, 4), labels, ofClass],
    (x, z, weight) => c.crossEntropy(x, z, { reduction, weight, labelSmoothing: 0.3, ignoreIndex: 0 }),
  );
  row(
    'crossEntropy',
    `probabilities, weight, smoothing, ${reduction}`,
    [of('normal', 3, 4), of('unit', 3, 4), ofClass],
    (x, z, weight) => c.crossEntropy(x, z, { reduction, weight, labelSmoothing: 0.3 }),
  );
  row('nll', reduction, [of('normal', 3, 4), labels, ofClass], (x, z, weight) => c.nll(x, z, { reduction, weight }));
  row('bce', reduction, [of('unit', 2, 3), of('unit', 2, 3)], (p, z) => c.bce(p, z, { reduction }));
  row('smoothL1', reduction, [of('distinct', 3, 4), of('distinct', 3, 4)], (x, z) => c.smoothL1(x, z, { reduction }));
  row('huber', reduction, [of('distinct', 3, 4), of('distinct', 3, 4)], (x, z) =>
    c.huber(x, z, { reduction, delta: 0.6 }),
  );
  row('klDiv', reduction, [of('normal', 2, 3), of('unit', 2, 3)], (x, t) => c.klDiv(x, t, { reduction }));
  row('klDiv', `logarithms, ${reduction}`, [of('normal', 2, 3), of('normal', 2, 3)], (x, t) =>
    c.klDiv(x, t, { reduction, logTarget: true }),
  );
  row('klNormal', reduction, [of('normal', 2, 3), of('normal', 2, 3)], (m, v) => c.klNormal(m, v, { reduction }));
  row('dice', reduction, [of('unit', 2, 2, 3, 2), of('unit', 2, 2, 3, 2)], (p, z) => c.dice(p, z, { reduction }));
  row('sigmoidFocal', reduction, [of('normal', 2, 3), of('unit', 2, 3)], (x, z) => c.sigmoidFocal(x, z, { reduction }));
}
row('klDiv', 'batchMean', [of('normal', 2, 3), of('unit', 2, 3)], (x, t) => c.klDiv(x, t, { reduction: 'batchMean' }));
row('klNormal', 'batchMean', [of('normal', 2, 3), of('normal', 2, 3)], (m, v) => c.klNormal(m, v));
row('dice', 'squared, of a series', [of('unit', 2, 4, 3), of('unit', 2, 4, 3)], (p, z) =>
  c.dice(p, z, { squared: true, smooth: 1 }),
);
row('sigmoidFocal', 'gamma 0.5', [of('normal', 2, 3), of('unit', 2, 3)], (x, z) =>
  c.sigmoidFocal(x, z, { gamma: 0.5, alpha: -1 }),
);
row('smoothL1', 'beta 0', [of('distinct', 3, 4), of('distinct', 3, 4)], (x, z) => c.smoothL1(x, z, { beta: 0 }));
row('smoothL1', 'beta 0.5', [of('distinct', 3, 4), of('distinct', 3, 4)], (x, z) => c.smoothL1(x, z, { beta: 0.5 }));
row('bce', 'weight', [of('unit', 2, 3), of('unit', 2, 3), ofColumn], (p, z, weight) => c.bce(p, z, { weight }));
row('bceWithLogits', 'weight', [of('normal', 2, 3), of('unit', 2, 3), ofColumn], (x, z, weight) =>
  c.bceWithLogits(x, z, { weight, posWeight: 3 }),
);
row(
  'crossEntropy',
  'classes of pixels',
  [of('normal', 1, 2, 2, 3), { shape: [1, 2, 2], domain: { int: [2, 0, 1, 1] } }],
  (x, z) => c.crossEntropy(x, z),
);
row('bceWithLogits', 'posWeight', [of('normal', 2, 3), of('unit', 2, 3)], (x, z) =>
  c.bceWithLogits(x, z, { posWeight: 10 }),
);
row(
  'bceWithLogits',
  'posWeight per channel',
  [of('normal', 2, 3), of('unit', 2, 3), of('positive', 3)],
  (x, z, posWeight) => c.bceWithLogits(x, z, { posWeight }),
);
row(
  'bceWithLogits',
  'far logits',
  [
    of(edge, edge.length),
    of(
      edge.map((_, i) => (i % 3) / 2),
      edge.length,
    ),
  ],
  (x, z) => c.bceWithLogits(x, z, { reduction: 'none' }),
  constant,
);
row('dropout', '', [of('normal', 4, 5)], (x) => c.dropout(x, { rate: 0.4, random: new c.RandomState(3) }));
row('dropout', 'rate 0', [of('normal', 3)], (x) => c.dropout(x, { rate: 0 }).mul(x));
row('dropout', 'not training', [of('normal', 3)], (x) => c.dropout(x, { training: false }).mul(x));
row('dropout2d', '', [of('normal', 2, 2, 3, 4)], (x) => c.dropout2d(x, { rate: 0.4, random: new c.RandomState(3) }));
row('dropout2d', 'not training', [of('normal', 1, 1, 2, 2)], (x) => c.dropout2d(x, { training: false }).mul(x));

// ---- rows with known numbers

const domainOf = (dtype: string, values: readonly number[]): Domain =>
  dtype === 'int32' ? { int: values } : dtype === 'bool' ? { bool: values } : values;
const nearKnown: Settings['tolerance'] = { relative: 2e-6, absolute: 2e-6 };
for (const { op, name, inputs, fn, expected, leavesIndices } of knownCalls)
  rows.push({
    op,
    name,
    inputs: inputs.map(({ shape, dtype, values }, i) => ({
      shape,
      domain: domainOf(dtype, values),
      constant: expected.gradients?.[i] === null,
    })),
    fn,
    differentiable: expected.gradients !== null,
    secondOrder: false,
    tolerance: nearKnown,
    expected,
    leavesIndices,
  });

export const opTable: readonly Row[] = rows;
