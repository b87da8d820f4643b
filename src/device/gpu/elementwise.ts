/** Elementwise kernels: one expression each, safe at extremes, in one template per operand count. */
import { broadcastStrides, collapse, sizeOf } from '../../tensor/shape.js';
import type { BinaryFn, Spec, UnaryFn } from '../device.js';
import { dot, input, type Planners, source, split } from './launch.js';

// Maclaurin near 0; Abramowitz & Stegun 7.1.26 beyond 1, where its 1.5e-7 is small against the value.
const erf = (x: string): string => {
  const q = `(${x}) * (${x})`;
  const series = [76204800, -6894720, 685440, -75600, 9360, -1320, 216, -42, 10, -3, 1].reduce(
    (inner, d) => (inner === '' ? `1 / ${d}` : `(${inner}) * ${q} + 1 / (${d})`),
    '',
  );
  const t = `(1 / (1 + 0.3275911 * Math.abs(${x})))`;
  const tail = `1 - ((((1.061405429 * ${t} - 1.453152027) * ${t} + 1.421413741) * ${t} - 0.284496736) * ${t} + 0.254829592) * ${t} * Math.exp(-(${q}))`;
  return `(Math.abs(${x}) < 1 ? 1.1283791670955126 * (${x}) * (${series}) : ((${x}) < 0 ? -(${tail}) : ${tail}))`;
};

/** In terms of x, alpha and beta. */
const unary: Record<UnaryFn, string> = {
  neg: '-x',
  exp: 'Math.exp(x)',
  log: 'Math.log(x)',
  log1p: 'Math.log1p(x)',
  sqrt: 'Math.sqrt(x)',
  abs: 'Math.abs(x)',
  sign: '(x > 0 ? 1 : (x < 0 ? -1 : x * 0))',
  relu: '(x > 0 || x !== x ? x : 0)',
  leakyRelu: '(x > 0 ? x : alpha * x)',
  elu: '(x > 0 ? x : alpha * Math.expm1(x))',
  gelu: `0.5 * x * (1 + ${erf('(x * 0.7071067811865476)')})`,
  silu: 'x / (1 + Math.exp(-x))',
  sigmoid: '1 / (1 + Math.exp(-x))',
  // GL's tanh is NaN from about 90 on.
  tanh: 'Math.tanh(x > 20 ? 20 : (x < -20 ? -20 : x))',
  softplus: '(x > 0 ? x : 0) + Math.log1p(Math.exp(-Math.abs(x))) + (x !== x ? x : 0)',
  erf: erf('x'),
  clamp: '(x < alpha ? alpha : (x > beta ? beta : x))',
  logicalNot: '(x === 0 ? 1 : 0)',
  isNaN: '(x !== x ? 1 : 0)',
};

/** In terms of p and q. */
const binary: Record<BinaryFn, string> = {
  add: 'p + q',
  sub: 'p - q',
  mul: 'p * q',
  div: 'p / q',
  pow: '(p === 1 || q === 0 ? 1 : Math.pow(p, q))',
  maximum: '(p !== p || q !== q ? p + q : Math.max(p, q))',
  minimum: '(p !== p || q !== q ? p + q : Math.min(p, q))',
  equal: '(p === q ? 1 : 0)',
  notEqual: '(p !== q ? 1 : 0)',
  less: '(p < q ? 1 : 0)',
  lessEqual: '(p <= q ? 1 : 0)',
  greater: '(p > q ? 1 : 0)',
  greaterEqual: '(p >= q ? 1 : 0)',
};

/** Reads of broadcast operands at the output's index, as expressions. */
function reads(inputs: readonly Spec[], output: Spec, names: readonly string[]): { prelude: string; at: string[] } {
  const walk = collapse(
    output.shape,
    inputs.map((t) => broadcastStrides(t.shape, output.shape)),
  );
  return { prelude: split(walk.sizes, 'c'), at: names.map((n, k) => `${n}[${dot('c', walk.strides[k])}]`) };
}

export const elementwise: Pick<Planners, 'unary' | 'binary' | 'binaryScalar' | 'where' | 'gate' | 'cast' | 'bceWithLogits' | 'bceWithLogitsGrad'> = {
  unary: ([x], { fn, alpha, beta }) => [
    { source: source('a, alpha, beta', `const x = a[i]; return ${unary[fn]};`), size: sizeOf(x.shape), args: [input(0), alpha, beta] },
  ],
  binary: (inputs, { fn }, [y]) => {
    const { prelude, at } = reads(inputs, y, ['a', 'b']);
    return [
      { source: source('a, b', `${prelude} const p = ${at[0]}; const q = ${at[1]}; return ${binary[fn]};`), size: sizeOf(y.shape), args: [input(0), input(1)] },
    ];
  },
  binaryScalar: ([x], { fn, scalar, reverse }) => [
    {
      source: source('a, s', `const p = ${reverse ? 's' : 'a[i]'}; const q = ${reverse ? 'a[i]' : 's'}; return ${binary[fn]};`),
      size: sizeOf(x.shape),
      args: [input(0), Math.fround(scalar)],
    },
  ],
  where: (inputs, _, [y]) => {
    const { prelude, at } = reads(inputs, y, ['k', 'a', 'b']);
    return [
      {
        source: source('k, a, b', `${prelude} let r = ${at[2]}; if (${at[0]} !== 0) { r = ${at[1]}; } return r;`),
        size: sizeOf(y.shape),
        args: [input(0), input(1), input(2)],
      },
    ];
  },
  gate: ([g], { slope }) => [
    {
      source: source('g, a, s', 'let r = 0; if (a[i] > 0) { r = g[i]; } else if (s !== 0) { r = s * g[i]; } return r;'),
      size: sizeOf(g.shape),
      args: [input(0), input(1), slope],
    },
  ],
  cast: ([x], _, [y]) => {
    const whole = '(x !== x ? 0 : (x < 0 ? Math.ceil(x) : Math.floor(x)))';
    const value = y.dtype === 'int32' ? whole : y.dtype === 'bool' ? '(x !== 0 ? 1 : 0)' : 'x';
    return [{ source: source('a', `const x = a[i]; return ${value};`), size: sizeOf(x.shape), args: [input(0)] }];
  },
  bceWithLogits: ([x], { posWeight }) => [
    {
      source: source(
        'a, t, w',
        'const x = a[i]; const z = t[i]; const n = Math.log1p(Math.exp(-Math.abs(x))); return (1 - z) * x + (1 + (w - 1) * z) * (n + (x < 0 ? -x : 0));',
      ),
      size: sizeOf(x.shape),
      args: [input(0), input(1), posWeight],
    },
  ],
  bceWithLogitsGrad: ([g], { posWeight }) => [
    {
      source: source(
        'g, a, t, w',
        'const x = a[i]; const z = t[i]; const e = Math.exp(-Math.abs(x)); return g[i] * ((1 + (w - 1) * z) * (x < 0 ? e : 1) / (1 + e) - w * z);',
      ),
      size: sizeOf(g.shape),
      args: [input(0), input(1), input(2), posWeight],
    },
  ],
};
