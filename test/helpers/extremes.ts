/**
 * Rows at the limits of float32: NaN, infinities, zeros, huge and tiny numbers. Every NaN and every
 * infinity must be at the same position as on the reference device. Not here: subnormal numbers,
 * which devices may treat as 0.
 */
import * as c from 'cedargrad';
import type { Domain, Row } from './op-table.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
const rows: Row[] = [];
/** One row over equally long lists of values. */
function row(
  op: string,
  variant: string,
  inputs: readonly Domain[],
  shape: readonly number[],
  fn: Row['fn'],
  tolerance = { relative: 1e-5, absolute: 1e-6 },
): void {
  rows.push({
    op,
    name: `${op} ${variant}`,
    inputs: inputs.map((domain) => ({ shape, domain })),
    fn,
    differentiable: false,
    secondOrder: false,
    tolerance,
  });
}

// Tiny values have a row of their own with almost no absolute tolerance. For them f(x) is about x,
// or far from 0, so an absolute tolerance would hide errors.
const extreme = [nan, infinity, 0, 1e-30, 1, 20, 88, 1e4, 3e38].flatMap((x) =>
  x === 0 || Number.isNaN(x) ? [x] : [x, -x],
);
const tiny = [1e-30, -1e-30, 1e-20, -1e-20, 1e-10, -1e-10, 1e-5, -1e-5];
const near = { relative: 1e-5, absolute: 1e-37 };
for (const [op, f] of Object.entries({
  exp: c.exp,
  log: c.log,
  log1p: c.log1p,
  sqrt: c.sqrt,
  tanh: c.tanh,
  sigmoid: c.sigmoid,
  softplus: c.softplus,
  relu: c.relu,
  leakyRelu: c.leakyRelu,
  elu: c.elu,
  gelu: c.gelu,
  silu: c.silu,
  erf: c.erf,
  abs: c.abs,
  sign: c.sign,
  isNaN: c.isNaN,
  selu: c.selu,
  celu: c.celu,
  clamp: (x: c.Tensor) => c.clamp(x, -2, 0.5),
  relu6: c.relu6,
  hardTanh: c.hardTanh,
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
  isFinite: c.isFinite,
  isInf: c.isInf,
})) {
  row(op, 'of extremes', [extreme], [extreme.length], (x) => f(x));
  row(op, 'of tiny values', [tiny], [tiny.length], (x) => f(x), near);
}

for (const [variant, values, tolerance] of [
  ['extremes', extreme, undefined],
  ['tiny values', tiny, near],
] as const) {
  row(
    'gelu',
    `by tanh, of ${variant}`,
    [values],
    [values.length],
    (x) => c.gelu(x, { approximate: 'tanh' }),
    tolerance,
  );
  row('softplus', `beta 2, of ${variant}`, [values], [values.length], (x) => c.softplus(x, { beta: 2 }), tolerance);
  row('prelu', `of ${variant}`, [values], [values.length], (x) => c.prelu(x, x.fullLike(0.25, [1])), tolerance);
}

// Of the larger extremes no digit of an angle is right on every device.
const angles = [nan, infinity, -infinity, 0, 1e-30, 1, -1, 20, 88, -88, 1e4, -1e4];
for (const [op, f] of Object.entries({ sin: c.sin, cos: c.cos, tan: c.tan })) {
  row(op, 'of extremes', [angles], [angles.length], (x) => f(x));
  row(op, 'of tiny values', [tiny], [tiny.length], (x) => f(x), near);
}
const inverses = [nan, infinity, -infinity, 1e-30, 1, -1, 20, 1e4, 1e-5];
row('reciprocal', 'of extremes', [inverses], [inverses.length], (x) => c.reciprocal(x));
row('square', 'of extremes', [inverses], [inverses.length], (x) => c.square(x));
row('rsqrt', 'of extremes', [inverses], [inverses.length], (x) => c.rsqrt(x));
// The remainder is exact for any quotient, so there is no tolerance.
const exact = { relative: 0, absolute: 0 };
const dividends = [nan, 1, infinity, 1, -1, 0, 5, -5, 5, -5, 3e38, 1e30, 12345678, 1e-3, 7, -7];
const divisors = [1, nan, 2, infinity, -infinity, 3, 0, 3, -3, 2.5, 7, 1e-5, 0.1, 1e30, 7, 7];
for (const [op, f] of Object.entries({ fmod: c.fmod, remainder: c.remainder }))
  row(op, 'of extremes', [dividends, divisors], [dividends.length], (x, y) => f(x, y), exact);
const ups = [nan, 1, infinity, -infinity, infinity, 1, -1, 0, -0, 0, -0, 1, 0, 3e38, 1e-30, 1e30];
const rights = [1, nan, infinity, infinity, -infinity, infinity, -infinity, 1, 1, -1, -1, 0, 0, 3e38, 1e30, -1e-30];
row('atan2', 'of extremes', [ups, rights], [ups.length], c.atan2);

const bases = [-2, -2, -2, -2, -1.5, -1, -1, 0, 0, 0, 0, nan, nan, 1, 2, 2, infinity, -infinity, -infinity, -8, 10, 10];
const exponents = [3, 2, -1, 0, 5, 1e4, 7, 0, 2, -1, -2, 0, 1, nan, infinity, -infinity, -1, 3, 2, 1 / 3, 38, 39];
row('pow', 'of extremes', [bases, exponents], [bases.length], c.pow, { relative: 1e-4, absolute: 1e-6 });
for (const exponent of [0, 2, 3, -1, -2, 0.5])
  row('pow', `of extremes to ${exponent}`, [[...new Set(bases)]], [new Set(bases).size], (x) => c.pow(x, exponent));
row('pow', 'of a negative base and whole exponents', [[-3, -2, -1, 0, 1, 2, 3, 4]], [8], (x) => c.pow(-1.5, x));

const left = [nan, 1, nan, infinity, -infinity, infinity, 0, 1, -1, 0, 3e38, infinity, 1, -1];
const right = [1, nan, nan, 1, 1, -infinity, 0, 0, 0, -5, 1e-5, infinity, infinity, 3e38];
for (const [op, f] of Object.entries({
  add: c.add,
  sub: c.sub,
  mul: c.mul,
  div: c.div,
  maximum: c.maximum,
  minimum: c.minimum,
})) {
  row(op, 'of extremes', [left, right], [left.length], (x, y) => f(x, y));
  row(op, 'of extremes and 0', [left], [left.length], (x) => f(x, 0));
}

const holed = [1, nan, 3, -infinity, 5, -6, nan, nan, infinity, -1, -2, -3];
for (const [op, f] of Object.entries({ max: c.max, min: c.min, sum: c.sum, argmax: c.argmax, argmin: c.argmin }))
  for (const [variant, axis] of [
    ['of rows with NaN', 1],
    ['of columns with NaN', 0],
    ['of all with NaN', undefined],
  ] as const)
    row(op, variant, [holed], [4, 3], (x) => f(x, axis));
const all = new Array<number>(16).fill(nan);
const image = [-infinity, 2, nan, 4, 1, -infinity, 7, nan, nan, -1, -2, -3, infinity, 5, 6, -infinity];
for (const [variant, options] of [
  ['2×2', { kernelSize: 2 }],
  ['overlapping, padded', { kernelSize: 3, stride: 2, padding: 1 }],
] as const)
  for (const nan of ['propagate', 'tf', 'ignore'] as const) {
    row('maxPool2d', `${variant}, NaN: ${nan}`, [image], [1, 4, 4, 1], (x) => c.maxPool2d(x, { ...options, nan })[0]);
    row(
      'maxPool2d',
      `${variant}, NaN: ${nan}, indices`,
      [image],
      [1, 4, 4, 1],
      (x) => c.maxPool2d(x, { ...options, nan })[1].plane,
    );
    row(
      'maxPool2d',
      `${variant}, nothing but NaN: ${nan}`,
      [all],
      [1, 4, 4, 1],
      (x) => c.maxPool2d(x, { ...options, nan })[0],
    );
    row(
      'maxPool2d',
      `${variant}, nothing but NaN: ${nan}, indices`,
      [all],
      [1, 4, 4, 1],
      (x) => c.maxPool2d(x, { ...options, nan })[1].plane,
    );
  }

export const extremes: readonly Row[] = rows;
