/**
 * What a kernel family hands to the device: gpu.js kernels as source text, with sizes written into it, and the arguments of each call.
 * Text survives every bundler, minifier and instrumenter, and lets index arithmetic be unrolled for a shape. Flat arrays in and out.
 *
 * Every number in a gpu.js kernel is a float32, indexes too, so they are exact up to 2^24; and a GPU's division may be off by some units in the last place,
 * so whole numbers are divided by `floorDiv` and not by `/` and `%`. NaN tests are written as `isNumber`: shader compilers may fold `x !== x`.
 * A variable that begins as a whole literal and is somewhere counted up by `++` is an integer to gpu.js: `whole` makes one of an inner loop's index, which
 * then needs no conversion at every read (measured: a convolution takes half the time).
 */
import type { KernelAttrs, KernelName, Spec } from '../device.js';

/** float32 counts whole numbers exactly up to here. */
export const wholeLimit = 2 ** 24;

/** An array argument: an input of the kernel by position, or the result of an earlier launch; or a number that may change from call to call. */
export type Arg = { readonly input: number } | { readonly result: number } | number;

/**
 * One gpu.js call. Its output's element `i` is `value` after `body` has run; or, with four values, thread `i` makes the elements from 4·i on.
 * `args` are named as the text names them.
 */
export interface Launch {
  /** Elements of the output. */
  readonly size: number;
  readonly args: Readonly<Record<string, Arg>>;
  readonly body: string;
  readonly values: readonly string[];
  /** Arrays that are always read from an offset: parameters, which the first optimizer step moves, so that their kernels stay the same. */
  readonly moving?: readonly string[];
  /** How often its loops turn in one thread, where that may be very often. */
  readonly turns?: number;
}

/**
 * What a mode makes of vectors, four elements in one. 'memory': a thread can make four elements, and what it made is read as numbers. 'textures': a result
 * of vectors can only be read as vectors, four elements at a time for the price of one; `packed` and `unpacked` lead there and back.
 */
export type Vectors = 'none' | 'memory' | 'textures';

/** Launches in order; the last one's result holds the outputs, one after the other, as numbers. */
export type Planner<K extends KernelName> = (
  inputs: readonly Spec[],
  attrs: KernelAttrs[K],
  outputs: readonly Spec[],
  vectors: Vectors,
) => Launch[];
export type Planners<K extends KernelName> = { readonly [Name in K]: Planner<Name> };

export const input = (i: number): Arg => ({ input: i });
/** Inputs by name, in order. */
export const inputs = (...names: readonly string[]): Record<string, Arg> =>
  Object.fromEntries(names.map((name, k) => [name, input(k)]));

export const launch = (
  size: number,
  args: Readonly<Record<string, Arg>>,
  body: string,
  ...values: readonly string[]
): Launch => ({ size, args, body, values });

/** Numbers to vectors. */
export const packed = (size: number, from: Arg): Launch => ({
  ...launch(size, { a: from }, 'const j = i * 4;', 'a[j]', 'a[j + 1]', 'a[j + 2]', 'a[j + 3]'),
  moving: ['a'],
});
/** Vectors to numbers. */
export const unpacked = (size: number, from: Arg): Launch =>
  launch(
    size,
    { a: from },
    'const q = Math.floor(i * 0.25); const r = i - q * 4; const v = a[q];',
    '(r === 0 ? v[0] : (r === 1 ? v[1] : (r === 2 ? v[2] : v[3])))',
  );

/** Statements and the value after them, in terms of `made`; names that begin with `y` are its own, and `i` is the element's index. */
export type Program = readonly [body: string, value: string];

/** Runs a program on every element `made` that a launch makes. Its own inputs are numbered after the launch's. */
export function andThen(first: Launch, args: Readonly<Record<string, Arg>>, program: Program): Launch {
  const lanes = first.values.length;
  const ofLane = (text: string, lane: number): string =>
    lanes === 1
      ? text
      : text.replaceAll(/\b(made|y\w*)\b/g, `$1${lane}`).replaceAll(/\bi\b/g, `(i * ${lanes} + ${lane})`);
  const bodies = first.values.map(
    (value, lane) => `const ${ofLane('made', lane)} = ${value}; ${ofLane(program[0], lane)}`,
  );
  return {
    ...first,
    args: { ...first.args, ...args },
    body: `${first.body} ${bodies.join(' ')}`,
    values: first.values.map((_, lane) => ofLane(program[1], lane)),
  };
}

/** A kernel's text; arrays named in `shifted` are read from an offset on, which is a number argument of its own. `integers`: whether it may have integer variables. */
export function source({ args, body, values }: Launch, shifted: readonly string[] = [], integers = true): string {
  const shift = (text: string): string =>
    shifted.reduce((t, name) => t.replaceAll(new RegExp(`\\b${name}\\[`, 'g'), `${name}[${name}At + `), text);
  const parameters = [...Object.keys(args), ...shifted.map((name) => `${name}At`)].join(', ');
  const value = values.length === 1 ? values[0] : `[${values.join(', ')}]`;
  return `function (${parameters}) { const i = this.thread.x; ${shift(integers ? body : withoutIntegers(body))} return ${shift(value)}; }`;
}

/** Code: whether x is a number at all. */
export const isNumber = (x: string): string => `(${x} > 0 || ${x} <= 0)`;

const isPowerOfTwo = (n: number): boolean => (n & (n - 1)) === 0;
/** Up to here half a step keeps a product by a rounded reciprocal on the right side of every whole number. */
const plainLimit = 2 ** 21;

/** Code: an integer variable; somewhere after it `name++` must follow. On WebGL gpu.js does not convert the value, and it must stay a float: see `source`. */
export const whole = (name: string, value: string): string => `let ${name} = 0; ${name} = ${value};`;
const withoutIntegers = (text: string): string => text.replaceAll(/let (\w+) = 0; \1 = /g, 'let $1 = ');

/** Code: x / d, rounded down, for a whole |x| below 2^21, or any x that a power of two divides exactly. */
export const floorDiv = (x: string, d: number): string =>
  d === 1 ? x : isPowerOfTwo(d) ? `Math.floor((${x}) * ${1 / d})` : `Math.floor((${x} + 0.5) * ${1 / d})`;

/** Code that sets `q` to x / d, rounded down, for a whole x from 0 to `limit`, and `r` to the remainder. */
function divide(x: string, d: number, limit: number, q: string, r: string): string {
  if (d === 1) return `const ${q} = ${x}; const ${r} = 0;`;
  if (limit <= plainLimit || isPowerOfTwo(d)) return `const ${q} = ${floorDiv(x, d)}; const ${r} = ${x} - ${q} * ${d};`;
  return `let ${q} = Math.floor(${x} * ${1 / d}); if (${q} * ${d} > ${x}) { ${q} = ${q} - 1; } if (${x} - ${q} * ${d} >= ${d}) { ${q} = ${q} + 1; } const ${r} = ${x} - ${q} * ${d};`;
}

/** Code that splits the index `from` over row-major sizes into `${name}0`, `${name}1`, … */
export function split(sizes: readonly number[], name: string, from = 'i'): string {
  const lines: string[] = [];
  let rest = from;
  let limit = sizes.reduce((a, b) => a * b, 1);
  for (let axis = sizes.length - 1; axis > 0; axis--) {
    const quotient = axis === 1 ? `${name}0` : `${name}rest${axis}`;
    lines.push(divide(rest, sizes[axis], limit, quotient, `${name}${axis}`));
    rest = quotient;
    limit /= sizes[axis];
  }
  if (sizes.length === 1) lines.push(`const ${name}0 = ${from};`);
  return lines.join(' ');
}

/** Code for Σ index·stride. */
export const dot = (name: string, strides: readonly number[], offset = 0): string => {
  const terms = strides
    .map((s, axis) => (s === 0 ? '' : s === 1 ? `${name}${axis}` : `${name}${axis} * (${s})`))
    .filter((t) => t !== '');
  return terms.length === 0 ? String(offset) : offset === 0 ? terms.join(' + ') : `(${offset}) + ${terms.join(' + ')}`;
};

/** Nested loops of fixed bounds around a body; `name` numbers their variables. */
export const loops = (sizes: readonly number[], name: string, body: string): string =>
  sizes.reduceRight(
    (inner, size, axis) => `for (let ${name}${axis} = 0; ${name}${axis} < ${size}; ${name}${axis}++) { ${inner} }`,
    body,
  );
