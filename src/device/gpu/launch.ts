/**
 * The interface between a kernel family and the device: launches, and helpers that write the source
 * text of gpu.js kernels. Sizes are constants in this text, so index arithmetic can be unrolled for
 * a shape. Kernels are strings, because bundlers, minifiers and coverage tools rewrite functions.
 * Inputs and outputs are flat arrays.
 *
 * Every number in a gpu.js kernel is a float32, also an index, so integers are exact up to 2^24. A
 * GPU's division may be off by some units in the last place, so `floorDiv` and `unravel` divide
 * integers, not `/` and `%`. NaN tests use `isNumber`, because shader compilers may fold `x !== x`.
 *
 * gpu.js treats a variable as an integer if it is initialised with an integer literal and
 * incremented by `++` somewhere. `integer` makes the index of an inner loop such a variable, so
 * that reads need no conversion (measured: a convolution takes half the time).
 */
import { sizeOf } from '../../values/shape.js';
import type { KernelAttrs, KernelName, Spec } from '../device.js';

/** float32 represents all integers exactly up to this limit. */
export const integerLimit = 2 ** 24;

/**
 * An argument of a launch: an array (an input of the kernel by position, or the result of an
 * earlier launch), or a number that may change from call to call.
 */
export type Arg = { readonly input: number } | { readonly result: number } | number;

/**
 * One gpu.js call. Element `i` of its output is `value` after `body` has run. With four values,
 * thread `i` computes four elements from 4·i on. `args` have the names used in the text.
 */
export interface Launch {
  /** Elements of the output. */
  readonly size: number;
  readonly args: Readonly<Record<string, Arg>>;
  readonly body: string;
  readonly values: readonly string[];
  /**
   * Names of arrays that are read from an offset even if it is 0. A parameter has offset 0 until
   * the first optimizer step, and another one afterwards. Its kernels then need not be compiled
   * again.
   */
  readonly alwaysShifted?: readonly string[];
  /** The number of loop iterations per thread. Absent if it is always small. */
  readonly iterations?: number;
}

/**
 * A mode's support for vectors of four elements. 'memory': a thread can write four elements, and
 * they are read as numbers. 'textures': a result of vectors can only be read as vectors, four
 * elements for the cost of one; `packed` and `unpacked` convert. 'none': no vectors.
 */
export type Vectors = 'none' | 'memory' | 'textures';

/**
 * The rule that gives the launches of a kernel call, in order. The result of the last one contains
 * the outputs, concatenated, as numbers.
 */
export type LaunchRule<K extends KernelName> = (
  inputs: readonly Spec[],
  attrs: KernelAttrs[K],
  outputs: readonly Spec[],
  vectors: Vectors,
) => Launch[];
export type LaunchRules<K extends KernelName> = { readonly [Name in K]: LaunchRule<Name> };

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

/** Code that reads an operand of the output's shape at an index, or one that is a single number. */
export const readAt = (name: string, operand: Spec, index = 'i'): string =>
  `${name}[${sizeOf(operand.shape) === 1 ? '0' : index}]`;

/** Converts numbers to vectors. */
export const packed = (size: number, from: Arg): Launch => ({
  ...launch(size, { a: from }, 'const j = i * 4;', 'a[j]', 'a[j + 1]', 'a[j + 2]', 'a[j + 3]'),
  alwaysShifted: ['a'],
});
/** Converts vectors to numbers. */
export const unpacked = (size: number, from: Arg): Launch =>
  launch(
    size,
    { a: from },
    'const q = Math.floor(i * 0.25); const r = i - q * 4; const v = a[q];',
    '(r === 0 ? v[0] : (r === 1 ? v[1] : (r === 2 ? v[2] : v[3])))',
  );

/**
 * Code that computes one element: statements, and an expression for the value after them. `i` is
 * the element's index, and the program's own variables begin with `y`.
 */
export type Program = readonly [body: string, value: string];

/**
 * Appends a program to a launch. The program is applied to each element of the launch's result,
 * which it reads as the variable `made`. Its own inputs are numbered after those of the launch.
 */
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

/**
 * The source text of a kernel. Arrays named in `shifted` are read from an offset, which is an
 * additional number argument. `integers` says whether it may have integer variables.
 */
export function source({ args, body, values }: Launch, shifted: readonly string[] = [], integers = true): string {
  const shift = (text: string): string =>
    shifted.reduce((t, name) => t.replaceAll(new RegExp(`\\b${name}\\[`, 'g'), `${name}[${name}At + `), text);
  const parameters = [...Object.keys(args), ...shifted.map((name) => `${name}At`)].join(', ');
  const value = values.length === 1 ? values[0] : `[${values.join(', ')}]`;
  const statements = shift(integers ? body : withoutIntegers(body));
  return `function (${parameters}) { const i = this.thread.x; ${statements} return ${shift(value)}; }`;
}

/** Code that tests whether x is not NaN. */
export const isNumber = (x: string): string => `(${x} > 0 || ${x} <= 0)`;

const isPowerOfTwo = (n: number): boolean => (n & (n - 1)) === 0;
/**
 * For integers x up to this limit, x / d rounded down is floor((x + 0.5) · (1 / d)), although 1 / d
 * is rounded. Larger ones need a correction.
 */
const plainLimit = 2 ** 21;

/**
 * Code for an integer variable. `name++` must follow somewhere. On WebGL gpu.js does not convert
 * the value, so `source` makes the variable a float again.
 */
export const integer = (name: string, value: string): string => `let ${name} = 0; ${name} = ${value};`;
const withoutIntegers = (text: string): string => text.replaceAll(/let (\w+) = 0; \1 = /g, 'let $1 = ');

/**
 * Code for x / d, rounded down, for an integer |x| below 2^21, or for any integer x if d is a power
 * of two.
 */
export const floorDiv = (x: string, d: number): string =>
  d === 1 ? x : isPowerOfTwo(d) ? `Math.floor((${x}) * ${1 / d})` : `Math.floor((${x} + 0.5) * ${1 / d})`;

/**
 * Code that sets `q` to x / d, rounded down, for an integer x from 0 to `limit`, and `r` to the
 * remainder.
 */
function divide(x: string, d: number, limit: number, q: string, r: string): string {
  if (d === 1) return `const ${q} = ${x}; const ${r} = 0;`;
  if (limit <= plainLimit || isPowerOfTwo(d)) return `const ${q} = ${floorDiv(x, d)}; const ${r} = ${x} - ${q} * ${d};`;
  return `let ${q} = Math.floor(${x} * ${1 / d});
    if (${q} * ${d} > ${x}) { ${q} = ${q} - 1; } if (${x} - ${q} * ${d} >= ${d}) { ${q} = ${q} + 1; }
    const ${r} = ${x} - ${q} * ${d};`;
}

/** Code that splits the index `from` over row-major sizes into `${name}0`, `${name}1`, … */
export function unravel(sizes: readonly number[], name: string, from = 'i'): string {
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

/**
 * Nested loops with fixed bounds around a body. Their variables are `name` followed by the axis
 * number.
 */
export const loops = (sizes: readonly number[], name: string, body: string): string =>
  sizes.reduceRight(
    (inner, size, axis) => `for (let ${name}${axis} = 0; ${name}${axis} < ${size}; ${name}${axis}++) { ${inner} }`,
    body,
  );
