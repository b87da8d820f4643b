/**
 * Elementwise kernels. Each function is a short program, and each kind of kernel is a template
 * around it. Not here: the functions that need more than one expression (functions.ts,
 * trigonometry.ts).
 */
import { broadcastStrides, collapse, sizeOf } from '../../values/shape.js';
import type { BinaryFn, KernelAttrs, Spec, UnaryFn, UnaryGradFn } from '../device.js';
import { erf, exp, expm1, log, log1p, pow, sigmoid, softplus, tanh } from './functions.js';
import {
  type Arg,
  dot,
  input,
  inputs,
  isNumber,
  type LaunchRules,
  launch,
  type Program,
  readAt,
  unravel,
} from './launch.js';
import { atan2, curves, fmod, roundings } from './trigonometry.js';

/** Programs in x. They may also use the number arguments alpha, beta, inf and nan. */
const unary: Record<UnaryFn, Program> = {
  neg: ['', '-x'],
  exp: [exp('y', 'x'), 'y'],
  log: [log('y', 'x'), 'y'],
  log1p: [log1p('y', 'x'), 'y'],
  sqrt: ['', '(x >= 0 ? Math.sqrt(x) : nan)'],
  abs: ['', 'Math.abs(x)'],
  sign: ['', '(x > 0 ? 1 : (x < 0 ? -1 : x))'],
  // For NaN the value is x + x. With x in its place, compilers turn the expression into max(x, 0),
  // which may give 0 for NaN.
  relu: ['', '(x > 0 ? x : (x <= 0 ? 0 : x + x))'],
  leakyRelu: ['', '(x > 0 ? x : alpha * x)'],
  elu: [expm1('y', 'x'), '(x > 0 ? x : alpha * y)'],
  gelu: [`const s = x * ${Math.SQRT1_2}; ${erf('y', 's')}`, '0.5 * x * (1 + y)'],
  silu: [sigmoid('y', 'x'), 'x * y'],
  sigmoid: [sigmoid('y', 'x'), 'y'],
  tanh: [tanh('y', 'x'), 'y'],
  softplus: [softplus('y', 'x'), 'y'],
  erf: [erf('y', 'x'), 'y'],
  // For NaN the value is x + x, as in relu: else compilers turn it into min(max(x, alpha), beta).
  clamp: ['', '(x < alpha ? alpha : (x > beta ? beta : (x >= alpha ? x : x + x)))'],
  logicalNot: ['', '(x === 0 ? 1 : 0)'],
  isNaN: ['', `(${isNumber('x')} ? 0 : 1)`],
  ...roundings,
  ...curves,
};

/** The derivatives of activations at v, which is either their output y or their input x. */
const slopes: Record<UnaryGradFn, Program> = {
  sigmoid: ['const y = v;', 'y * (1 - y)'],
  tanh: ['const y = v;', '(1 - y * y)'],
  softplus: [`const x = v; ${sigmoid('y', 'x')}`, 'y'],
  silu: [`const x = v; ${sigmoid('y', 'x')}`, '(y * (1 + x * (1 - y)))'],
};

/** The larger or smaller of p and q; NaN if either is NaN. */
const extreme = (sign: '>' | '<'): string => `(${isNumber('p')} ? (${isNumber('q')} ? (p ${sign} q ? p : q) : q) : p)`;

/** Programs in p and q. They may also use the number arguments inf and nan. */
const binary: Record<BinaryFn, Program> = {
  add: ['', 'p + q'],
  sub: ['', 'p - q'],
  mul: ['', 'p * q'],
  div: ['', 'p / q'],
  pow: [pow('y', 'p', 'q'), 'y'],
  maximum: ['', extreme('>')],
  minimum: ['', extreme('<')],
  fmod: [fmod('y', 'p', 'q'), 'y'],
  atan2: [atan2('y', 'p', 'q'), 'y'],
  equal: ['', '(p === q ? 1 : 0)'],
  notEqual: ['', '(p === q ? 0 : 1)'],
  less: ['', '(p < q ? 1 : 0)'],
  lessEqual: ['', '(p <= q ? 1 : 0)'],
  greater: ['', '(p > q ? 1 : 0)'],
  greaterEqual: ['', '(p >= q ? 1 : 0)'],
};
/** Small integer powers are computed as products, which are exact where a GPU's pow is not. */
const powers: Readonly<Record<number, string>> = {
  [-2]: '1 / (p * p)',
  [-1]: '1 / p',
  2: 'p * p',
  3: 'p * p * p',
  4: 'p * p * p * p',
};

/** Those of the number arguments that a program uses: `values`, inf and nan. */
const numbers = ([body, value]: Program, values: Readonly<Record<string, number>>): Record<string, Arg> => {
  const all: Readonly<Record<string, number>> = { inf: Infinity, nan: Number.NaN, ...values };
  return Object.fromEntries(
    Object.entries(all).filter(([name]) => new RegExp(`\\b${name}\\b`).test(`${body} ${value}`)),
  );
};

/** The result of a remainder by 0. int32 has no NaN. */
const undefinedAs = ({ dtype }: Spec): Record<string, number> => (dtype === 'int32' ? { nan: 0 } : {});

/** Expressions that read broadcast operands at the output's index. */
function reads(operands: readonly Spec[], output: Spec, names: readonly string[]): { prelude: string; at: string[] } {
  const walk = collapse(
    output.shape,
    operands.map((t) => broadcastStrides(t.shape, output.shape)),
  );
  return { prelude: unravel(walk.sizes, 'c'), at: names.map((n, k) => `${n}[${dot('c', walk.strides[k])}]`) };
}

/** The gradient of relu and leakyRelu at x, for the incoming gradient v. */
const gate = (v: string, x: string): string =>
  `(${x} > 0 ? ${v} : (slope === 0 ? (${isNumber(x)} ? 0 : ${v}) : slope * ${v}))`;

/** Rewrites an elementwise program so that it reads the element `made` of another launch. */
const ofMade = ([body, value]: Program, variable: string): Program => {
  const renamed = (text: string): string => text.replaceAll(new RegExp(`\\b${variable}\\b`, 'g'), 'made');
  return [renamed(body), renamed(value)];
};
/** A program to append to a launch, with the arguments that it adds. */
export interface Epilogue {
  readonly program: Program;
  readonly args: Readonly<Record<string, Arg>>;
}
/**
 * Kernels that can be appended to another launch (fusion.ts). `extra` is the number of that
 * launch's inputs.
 */
export const epilogues = {
  unary: ({ fn, alpha, beta }: KernelAttrs['unary']): Epilogue => ({
    program: ofMade(unary[fn], 'x'),
    args: numbers(unary[fn], { alpha, beta }),
  }),
  gate: ({ slope }: KernelAttrs['gate'], extra: number): Epilogue => ({
    program: ['', gate('made', 'gateBy[i]')],
    args: { gateBy: input(extra), slope },
  }),
};

export const elementwise: LaunchRules<'unary' | 'binary' | 'binaryScalar' | 'where' | 'gate' | 'unaryGrad' | 'cast'> = {
  unary: ([x], { fn, alpha, beta }) => {
    const program = unary[fn];
    return [
      launch(
        sizeOf(x.shape),
        { a: input(0), ...numbers(program, { alpha, beta }) },
        `const x = a[i]; ${program[0]}`,
        program[1],
      ),
    ];
  },
  binary: (operands, { fn }, [y]) => {
    const { prelude, at } = reads(operands, y, ['a', 'b']);
    const program = binary[fn];
    return [
      launch(
        sizeOf(y.shape),
        { ...inputs('a', 'b'), ...numbers(program, undefinedAs(y)) },
        `${prelude} const p = ${at[0]}; const q = ${at[1]}; ${program[0]}`,
        program[1],
      ),
    ];
  },
  binaryScalar: ([x], { fn, scalar, reverse }, [y]) => {
    const power = fn === 'pow' && !reverse ? powers[scalar] : undefined;
    if (power !== undefined) return [launch(sizeOf(x.shape), inputs('a'), 'const p = a[i];', power)];
    const program = binary[fn];
    return [
      launch(
        sizeOf(x.shape),
        { a: input(0), s: Math.fround(scalar), ...numbers(program, undefinedAs(y)) },
        `const p = ${reverse ? 's' : 'a[i]'}; const q = ${reverse ? 'a[i]' : 's'}; ${program[0]}`,
        program[1],
      ),
    ];
  },
  where: (operands, _, [y]) => {
    const { prelude, at } = reads(operands, y, ['k', 'a', 'b']);
    return [
      launch(
        sizeOf(y.shape),
        inputs('k', 'a', 'b'),
        `${prelude} let r = ${at[2]}; if (${at[0]} !== 0) { r = ${at[1]}; }`,
        'r',
      ),
    ];
  },
  gate: ([g, x], { slope }) => [
    launch(sizeOf(x.shape), { ...inputs('g', 'a'), slope }, `const v = ${readAt('g', g)};`, gate('v', 'a[i]')),
  ],
  unaryGrad: ([g, x], { fn }) => {
    const [body, slope] = slopes[fn];
    return [launch(sizeOf(x.shape), inputs('g', 'a'), `const v = a[i]; ${body}`, `${readAt('g', g)} * ${slope}`)];
  },
  cast: ([x], _, [y]) => {
    // The largest float32 below 2³¹, since the result is stored as a float32 on this device.
    const down = '(x < 2147483520 ? Math.floor(x) : 2147483520)';
    const up = '(x > -2147483648 ? Math.ceil(x) : -2147483648)';
    // Between −1 and 1 the result is 0, where ceil would give −0.
    const truncated = `(x >= 1 ? ${down} : (x <= -1 ? ${up} : 0))`;
    const value = y.dtype === 'int32' ? truncated : y.dtype === 'bool' ? '(x === 0 ? 0 : 1)' : 'x';
    return [launch(sizeOf(x.shape), inputs('a'), 'const x = a[i];', value)];
  },
};
