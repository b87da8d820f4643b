/**
 * The natural logarithm, rounded correctly, so that random numbers are the same on every machine.
 * Not here: the generators that use it.
 */

/**
 * Fractional bits of the fixed-point logarithms, and of their leading parts. The latter have so few
 * bits that their sums are exact.
 */
const fractionBits = 120n;
const headBits = 40n;
/** The grid points c/128 cover mantissas in [√½, √2]. */
const firstPoint = 90;
const lastPoint = 182;

/** log(p/q) · 2¹²⁰ = 2 artanh((p − q)/(p + q)) · 2¹²⁰ by its series. */
function fixedLog(p: bigint, q: bigint): bigint {
  const top = p - q;
  const bottom = p + q;
  let power = (top << (fractionBits + 1n)) / bottom;
  let sum = 0n;
  for (let k = 1n; power !== 0n && power !== -1n; k += 2n) {
    sum += power / k;
    power = (power * top * top) / (bottom * bottom);
  }
  return sum;
}

/** Splits a fixed-point number into a short leading part and the rest. */
function split(value: bigint): [number, number] {
  const head = (value >> (fractionBits - headBits)) << (fractionBits - headBits);
  const unit = 2 ** -Number(fractionBits);
  return [Number(head) * unit, Number(value - head) * unit];
}

interface LogTable {
  readonly head: Float64Array;
  readonly tail: Float64Array;
  readonly ln2Head: number;
  readonly ln2Tail: number;
}
let logTable: LogTable | undefined;

/**
 * Computes the table at its first use (in less than a millisecond). It is exact by construction, so
 * no table of constants must be trusted.
 */
function makeLogTable(): LogTable {
  const head = new Float64Array(lastPoint - firstPoint + 1);
  const tail = new Float64Array(lastPoint - firstPoint + 1);
  for (let c = firstPoint; c <= lastPoint; c++)
    [head[c - firstPoint], tail[c - firstPoint]] = split(fixedLog(BigInt(c), 128n));
  const [ln2Head, ln2Tail] = split(fixedLog(2n, 1n));
  return { head, tail, ln2Head, ln2Tail };
}

/**
 * The natural logarithm of x in (0, 1], rounded correctly. Engines' Math.log is wrong in its last
 * bit for 7 % of arguments, and differs between engines. With x = m·2ᵉ and c the grid point nearest
 * to m, log x = e·ln 2 + log c + 2 artanh s, where s = (m − c)/(m + c). The rounding error of every
 * term is tracked.
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
  // Dekker's exact product s·sum gives the rounding error of the quotient.
  const s1 = 134217729 * s - (134217729 * s - s);
  const s2 = s - s1;
  const t1 = 134217729 * sum - (134217729 * sum - sum);
  const t2 = sum - t1;
  const product = s * sum;
  const productError = s2 * t2 - (product - s1 * t1 - s2 * t1 - s1 * t2);
  const sError = (difference - product - productError - s * sumError) / sum;
  const square = s * s;
  const series = s * square * (2 / 3 + square * (2 / 5 + square * (2 / 7 + square * (2 / 9))));
  const large = e * logTable.ln2Head + logTable.head[index - firstPoint];
  const high = large + 2 * s;
  const highError = large === 0 ? 0 : 2 * s - (high - large);
  return high + (highError + (2 * sError + series + (e * logTable.ln2Tail + logTable.tail[index - firstPoint])));
}
