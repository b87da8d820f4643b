/**
 * Prints arrays exactly as numpy's `array2string(a, separator=', ')` does with its default options
 * (precision 8, threshold 1000, 3 edge items, 75 columns). Not here: other options, and complex,
 * string or object arrays.
 */
import type { DType, TypedArray } from '../values/dtype.js';
import { type Shape, sizeOf, stridesOf } from '../values/shape.js';

/** The most digits after the point (numpy's precision). */
const mostDigits = 8;
/** An array with more elements is summarized (numpy's threshold). */
const mostElements = 1000;
/** The elements printed at each end of a summarized axis (numpy's edgeitems). */
const edgeItems = 3;
const lineWidth = 75;
const separator = ', ';

/** A decimal number 0.d₁d₂… × 10^point. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

function parse(text: string): Decimal {
  const [mantissa, exponent = '0'] = text.split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const digits = (whole + fraction).replace(/^0+(?=.)/, '');
  return { digits, point: Number(exponent) + digits.length - fraction.length };
}

/**
 * Rounds to `count` digits, ties to even. 101 digits represent a value exactly enough to detect
 * every tie of a double.
 */
function roundTo(x: number, count: number): Decimal {
  const { digits, point } = parse(x.toExponential(100));
  if (count < 0) return { digits: '', point };
  const kept = digits.slice(0, count);
  const rest = digits.slice(count);
  const half = `5${'0'.repeat(rest.length - 1)}`;
  const up = rest > half || (rest === half && Number(kept.at(-1) ?? '0') % 2 === 1);
  if (!up) return { digits: kept, point };
  const raised = String(BigInt(`1${kept}`) + 1n);
  return raised.startsWith('2')
    ? { digits: `1${'0'.repeat(count)}`, point: point + 1 }
    : { digits: raised.slice(1), point };
}

/**
 * The fewest digits that identify this value among all values of its dtype, without trailing zeros.
 */
function shortest(x: number, dtype: DType): Decimal {
  let { digits, point } = parse(String(x));
  if (dtype === 'float32') {
    const names = (d: Decimal) => Math.fround(Number(`0.${d.digits}e${d.point}`)) === x;
    for (let p = 1; p <= 9; p++) {
      const nearest = roundTo(x, p);
      // Next to a power of two, only the neighbouring number above may identify the value.
      const above = { digits: String(BigInt(nearest.digits) + 1n), point: nearest.point };
      if (!names(nearest) && !names(above)) continue;
      ({ digits, point } = names(nearest) ? nearest : above);
      break;
    }
  }
  return { digits: digits.replace(/0+$/, ''), point };
}

const signOf = (x: number): string => (x < 0 || Object.is(x, -0) ? '-' : '');

/** Whole and fractional digits of a number written without exponent. */
function positional(x: number, dtype: DType): [string, string] {
  const size = Math.abs(x);
  if (size === 0) return [`${signOf(x)}0`, ''];
  let { digits, point } = shortest(size, dtype);
  if (digits.length - point > mostDigits) ({ digits, point } = roundTo(size, point + mostDigits));
  // numpy prints the digits of the exact value before the point, not zeros.
  if (digits.length < point) ({ digits, point } = roundTo(size, point));
  const whole = point > 0 ? digits.slice(0, point) : '0';
  const fraction = point > 0 ? digits.slice(point) : digits === '' ? '' : '0'.repeat(-point) + digits;
  return [signOf(x) + whole, fraction.replace(/0+$/, '')];
}

/**
 * Leading digit, fraction and exponent of a number in scientific notation. At least `least` digits
 * follow the point.
 */
function scientific(x: number, dtype: DType, least = 0): [string, string, number] {
  const size = Math.abs(x);
  if (size === 0) return [`${signOf(x)}0`, ''.padEnd(least, '0'), 0];
  let { digits, point } = shortest(size, dtype);
  if (digits.length - 1 > mostDigits) {
    ({ digits, point } = roundTo(size, mostDigits + 1));
    digits = digits.slice(0, mostDigits + 1).replace(/0+$/, '');
  }
  // After the shortest digits, numpy prints those of the exact value, not zeros.
  if (digits.length - 1 < least) ({ digits, point } = roundTo(size, least + 1));
  return [signOf(x) + digits[0], digits.slice(1), point - 1];
}

type Printer = (x: number) => string;

const longest = (texts: readonly string[]): number => texts.reduce((n, text) => Math.max(n, text.length), 0);

/** Widths are computed from all printed values, so that columns line up. */
function floatPrinter(values: readonly number[], dtype: DType): Printer {
  const finite = values.filter(Number.isFinite);
  const sizes = finite.filter((x) => x !== 0).map(Math.abs);
  const max = sizes.reduce((a, b) => Math.max(a, b), 0);
  const min = sizes.reduce((a, b) => Math.min(a, b), Infinity);
  const ratio = dtype === 'float32' ? Math.fround(max / min) : max / min;
  const withExponent = sizes.length > 0 && (max >= 1e8 || min < 0.0001 || ratio > 1000);

  let left = 0;
  let right = 0;
  let print: Printer = String;
  if (withExponent) {
    const parts = finite.map((x) => scientific(x, dtype));
    left = longest(parts.map((p) => p[0]));
    const precision = longest(parts.map((p) => p[1]));
    const exponentSize = Math.max(2, longest(parts.map((p) => String(Math.abs(p[2])))));
    right = exponentSize + 2 + precision;
    print = (x) => {
      const [whole, fraction, exponent] = scientific(x, dtype, precision);
      const digits = String(Math.abs(exponent)).padStart(exponentSize, '0');
      return `${whole.padStart(left)}.${fraction}e${exponent < 0 ? '-' : '+'}${digits}`;
    };
  } else if (finite.length > 0) {
    const parts = finite.map((x) => positional(x, dtype));
    left = longest(parts.map((p) => p[0]));
    right = longest(parts.map((p) => p[1]));
    print = (x) => {
      const [whole, fraction] = positional(x, dtype);
      return `${whole.padStart(left)}.${fraction.padEnd(right)}`;
    };
  }
  if (finite.length < values.length) left = Math.max(left, (values.includes(-Infinity) ? 4 : 3) - right - 1);
  const width = left + right + 1;
  return (x) => (Number.isFinite(x) ? print(x) : (Number.isNaN(x) ? 'nan' : x > 0 ? 'inf' : '-inf').padStart(width));
}

function printerOf(values: readonly number[], dtype: DType, rank: number): Printer {
  switch (dtype) {
    case 'bool':
      return (x) => (x === 0 ? 'False' : rank === 0 ? 'True' : ' True');
    case 'int32': {
      const width = longest(values.map(String));
      return (x) => String(x).padStart(width);
    }
    default:
      return floatPrinter(values, dtype);
  }
}

/**
 * An array as text, as numpy prints it.
 * @shape data [n], n = product of shape
 * @source numpy.array2string(a, separator=', ')
 */
export function formatArray(data: TypedArray, shape: Shape, dtype: DType): string {
  const size = sizeOf(shape);
  if (size === 0) return '[]';
  const summarize = size > mostElements;
  const strides = stridesOf(shape);
  /** The indices printed along an axis. −1 stands for the dots. */
  const shown = shape.map((n) =>
    summarize && n > 2 * edgeItems ? [0, 1, 2, -1, n - 3, n - 2, n - 1] : Array.from({ length: n }, (_, i) => i),
  );

  const values: number[] = [];
  const collect = (axis: number, offset: number): void => {
    if (axis === shape.length) values.push(data[offset]);
    else for (const i of shown[axis]) if (i >= 0) collect(axis + 1, offset + i * strides[axis]);
  };
  collect(0, 0);
  const print = printerOf(values, dtype, shape.length);

  const write = (axis: number, offset: number, indent: string, width: number): string => {
    if (axis === shape.length) return print(data[offset]);
    const inner = `${indent} `;
    const parts = shown[axis].map((i) =>
      i < 0 ? '...' : write(axis + 1, offset + i * strides[axis], inner, width - 1),
    );
    if (axis < shape.length - 1) return `[${parts.join(`,${'\n'.repeat(shape.length - 1 - axis)}${indent}`)}]`;
    const lines: string[] = [];
    let line = indent;
    parts.forEach((part, i) => {
      if (line.length + part.length > width - 1 && line.length > indent.length) {
        lines.push(line.trimEnd());
        line = indent;
      }
      line += i < parts.length - 1 ? part + separator : part;
    });
    lines.push(line);
    return `[${lines.join('\n').slice(indent.length)}]`;
  };
  return write(0, 0, ' ', lineWidth);
}
