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
