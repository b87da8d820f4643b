/**
 * Elementwise kernels: tables of functions, and the loops that apply them. Math.max and Math.min
 * propagate NaN, as the contract demands.
 */
import { broadcastStrides, type Shape, sameShape } from '../../values/shape.js';
import type { ArithmeticFn, BinaryFn, ComparisonFn, UnaryFn, UnaryGradFn } from '../device.js';
import { type Family, type HostArray, offsets } from './array.js';
import { erf, pow, roundEven, sigmoid, softplus } from './special.js';

const unaryFns: Record<UnaryFn, (x: number, alpha: number, beta: number) => number> = {
  neg: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  abs: Math.abs,
  sign: Math.sign,
  relu: (x) => Math.max(x, 0),
  leakyRelu: (x, alpha) => (x > 0 ? x : alpha * x),
  elu: (x, alpha) => (x > 0 ? x : alpha * Math.expm1(x)),
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  silu: (x) => x * sigmoid(x),
  sigmoid,
  tanh: Math.tanh,
  softplus,
  erf,
  clamp: (x, alpha, beta) => Math.min(Math.max(x, alpha), beta),
  logicalNot: (x) => Number(x === 0),
  isNaN: (x) => Number(Number.isNaN(x)),
  floor: Math.floor,
  ceil: Math.ceil,
  round: roundEven,
  trunc: Math.trunc,
  expm1: Math.expm1,
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
};

/** The derivatives of activations, at the output y or at the input x. */
const slopes: Record<UnaryGradFn, (v: number) => number> = {
  sigmoid: (y) => y * (1 - y),
  tanh: (y) => 1 - y * y,
  softplus: sigmoid,
  silu: (x) => sigmoid(x) * (1 + x * (1 - sigmoid(x))),
};

const comparisonFns: Record<ComparisonFn, (a: number, b: number) => number> = {
  equal: (a, b) => Number(a === b),
  notEqual: (a, b) => Number(a !== b),
  less: (a, b) => Number(a < b),
  lessEqual: (a, b) => Number(a <= b),
  greater: (a, b) => Number(a > b),
  greaterEqual: (a, b) => Number(a >= b),
};

const binaryFns: Record<BinaryFn, (a: number, b: number) => number> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  pow,
  maximum: Math.max,
  minimum: Math.min,
  // The remainder of int32 by 0 is NaN here, which the array stores as 0.
  fmod: (a, b) => a % b,
  atan2: Math.atan2,
  ...comparisonFns,
};

const [least, most] = [-(2 ** 31), 2 ** 31 - 1];

/**
 * The functions for which int32 arithmetic differs from rounded double arithmetic. Sums and
 * differences wrap when they are stored.
 */
const int32Fns: Partial<Record<ArithmeticFn, (a: number, b: number) => number>> = { mul: Math.imul };

const binaryFn = (fn: BinaryFn, output: HostArray): ((a: number, b: number) => number) => {
  const f = binaryFns[fn];
  if (output.dtype === 'int32') return (int32Fns as Partial<Record<BinaryFn, typeof f>>)[fn] ?? f;
  return output.dtype === 'bool' ? (a, b) => Number(f(a, b) !== 0) : f;
};

const broadcastOffsets = (from: Shape, to: Shape): Int32Array => offsets(to, broadcastStrides(from, to));

export const elementwise: Family<'unary' | 'binary' | 'binaryScalar' | 'where' | 'gate' | 'unaryGrad' | 'cast'> = {
  unary([{ data: x }], { fn, alpha, beta }, [{ data: y }]) {
    const f = unaryFns[fn];
    for (let i = 0; i < y.length; i++) y[i] = f(x[i], alpha, beta);
  },

  binary([a, b], { fn }, [c]) {
    const f = binaryFn(fn, c);
    const { data: x } = a;
    const { data: y } = b;
    const { data: z } = c;
    if (sameShape(a.shape, b.shape)) {
      for (let i = 0; i < z.length; i++) z[i] = f(x[i], y[i]);
      return;
    }
    const xAt = broadcastOffsets(a.shape, c.shape);
    const yAt = broadcastOffsets(b.shape, c.shape);
    for (let i = 0; i < z.length; i++) z[i] = f(x[xAt[i]], y[yAt[i]]);
  },

  binaryScalar([a], { fn, scalar, reverse }, [c]) {
    const f = binaryFn(fn, c);
    // With a float32 operand the number is rounded to float32 too, so that an element 0.1 equals
    // 0.1.
    const type = fn in comparisonFns ? a.dtype : c.dtype;
    const s = type === 'float32' ? Math.fround(scalar) : scalar;
    const { data: x } = a;
    const { data: y } = c;
    if (reverse) for (let i = 0; i < y.length; i++) y[i] = f(s, x[i]);
    else for (let i = 0; i < y.length; i++) y[i] = f(x[i], s);
  },

  where([condition, a, b], _attrs, [c]) {
    const conditionAt = broadcastOffsets(condition.shape, c.shape);
    const aAt = broadcastOffsets(a.shape, c.shape);
    const bAt = broadcastOffsets(b.shape, c.shape);
    for (let i = 0; i < c.data.length; i++)
      c.data[i] = condition.data[conditionAt[i]] !== 0 ? a.data[aAt[i]] : b.data[bAt[i]];
  },

  gate([{ data: g }, { data: x }], { slope }, [{ data: y }]) {
    for (let i = 0; i < y.length; i++) y[i] = slope !== 0 ? (x[i] > 0 ? g[i] : slope * g[i]) : x[i] <= 0 ? 0 : g[i];
  },

  unaryGrad([{ data: g }, { data: v }], { fn }, [{ data: y }]) {
    const slope = slopes[fn];
    for (let i = 0; i < y.length; i++) y[i] = g[i] * slope(v[i]);
  },

  cast([{ data: x }], _attrs, [{ data: y, dtype }]) {
    if (dtype === 'bool') for (let i = 0; i < y.length; i++) y[i] = Number(x[i] !== 0);
    else if (dtype === 'int32') for (let i = 0; i < y.length; i++) y[i] = Math.min(Math.max(x[i], least), most);
    else y.set(x);
  },
};
