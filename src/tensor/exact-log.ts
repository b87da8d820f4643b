/**
 * The natural logarithm, rounded correctly, so that random numbers are the same on every machine. Not
 * here: the generators that call it.
 */

/** Fractional bits of the fixed-point logarithms, and of their leading parts: few enough that sums of those are exact. */
const BITS = 120n;
const HEAD = 40n;
/** Grid points c/128 cover mantissas in [√½, √2]. */
const FIRST = 90;
const LAST = 182;

/** log(p/q) · 2¹²⁰ = 2 artanh((p − q)/(p + q)) · 2¹²⁰ by its series. */
function fixedLog(p: bigint, q: bigint): bigint {
  const top = p - q;
  const bottom = p + q;
  let power = (top << (BITS + 1n)) / bottom;
  let sum = 0n;
  for (let k = 1n; power !== 0n && power !== -1n; k += 2n) {
    sum += power / k;
    power = (power * top * top) / (bottom * bottom);
  }
  return sum;
}

/** Splits a fixed-point number into a short leading part and the rest. */
function split(value: bigint): [number, number] {
  const head = (value >> (BITS - HEAD)) << (BITS - HEAD);
  const unit = 2 ** -Number(BITS);
  return [Number(head) * unit, Number(value - head) * unit];
}

interface LogTable {
  readonly head: Float64Array;
  readonly tail: Float64Array;
  readonly ln2Head: number;
  readonly ln2Tail: number;
}
let logTable: LogTable | undefined;

/** Computed on first use (under a millisecond): exact by construction, with no table of constants to trust. */
function makeLogTable(): LogTable {
  const head = new Float64Array(LAST - FIRST + 1);
  const tail = new Float64Array(LAST - FIRST + 1);
  for (let c = FIRST; c <= LAST; c++) [head[c - FIRST], tail[c - FIRST]] = split(fixedLog(BigInt(c), 128n));
  const [ln2Head, ln2Tail] = split(fixedLog(2n, 1n));
  return { head, tail, ln2Head, ln2Tail };
}

/**
 * The natural logarithm of x in (0, 1], rounded correctly: engines' Math.log is wrong in its last bit for 7 % of arguments,
 * and not the same everywhere. With x = m·2ᵉ and c the grid point nearest m, log x = e·ln 2 + log c + 2 artanh s,
 * s = (m − c)/(m + c); every term carries its rounding error along.
 */
export function exactLog(x: number): number {
  logTable ??= makeLogTable();
  let m = x;
  let e = 0;
  for (; m < Math.SQRT1_2; e--) m *= 2;
  const index = Math.round(m * 128);
  const c = index / 128;
  const difference = m - c;
  const sum = m + c;
  const virtual = sum - m;
  const sumError = m - (sum - virtual) + (c - virtual);
  const s = difference / sum;
  // Dekker's exact product s·sum, to find what the quotient lost.
  const s1 = 134217729 * s - (134217729 * s - s);
  const s2 = s - s1;
  const t1 = 134217729 * sum - (134217729 * sum - sum);
  const t2 = sum - t1;
  const product = s * sum;
  const productError = s2 * t2 - (product - s1 * t1 - s2 * t1 - s1 * t2);
  const sError = (difference - product - productError - s * sumError) / sum;
  const square = s * s;
  const series = s * square * (2 / 3 + square * (2 / 5 + square * (2 / 7 + square * (2 / 9))));
  const large = e * logTable.ln2Head + logTable.head[index - FIRST];
  const high = large + 2 * s;
  const highError = large === 0 ? 0 : 2 * s - (high - large);
  return high + (highError + (2 * sError + series + (e * logTable.ln2Tail + logTable.tail[index - FIRST])));
}
