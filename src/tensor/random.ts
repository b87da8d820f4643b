/**
 * numpy's legacy random numbers (`numpy.random.RandomState`, MT19937), so that data, weights and masks repeat on every
 * machine and match arrays made by numpy. Not here: numpy's newer Generator, or anything fit for cryptography.
 */
import { ValueError } from '../errors.js';
import type { DType, TypedArray } from './dtype.js';

const SIZE = 624;
const SHIFT = 397;

/** Everything that decides what a generator draws next. */
export interface RandomSnapshot {
  readonly key: Uint32Array;
  readonly position: number;
  /** The second value of the last polar pair, not yet handed out. */
  readonly cached: number | undefined;
}

const checkCount = (op: string, name: string, n: number): void => {
  if (!Number.isSafeInteger(n) || n < 0)
    throw new ValueError(op, `${name} must be whole and not negative`, `${name}=${n}`);
};

/**
 * numpy's `RandomState`, draw for draw. Uniform and whole numbers are equal to the last bit. Normal values need a logarithm,
 * which is rounded correctly here; numpy calls the C library's, whose last bit is wrong about once in a thousand times, so
 * about one normal value in two thousand differs from numpy's in its last bit of 53 (and hardly ever in float32).
 * @source numpy.random.RandomState; Matsumoto and Nishimura 1998, "Mersenne Twister"
 */
export class RandomState {
  private readonly key = new Uint32Array(SIZE);
  private position = SIZE;
  private cached: number | undefined;

  /** @throws ValueError when the seed is not a whole number in [0, 2³² − 1] */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
      throw new ValueError('RandomState', 'seed must be whole and in [0, 4294967295]', `seed=${seed}`);
    const key = this.key;
    key[0] = seed;
    for (let i = 1; i < SIZE; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
  }

  private twist(): void {
    const key = this.key;
    const mix = (i: number, next: number, far: number) => {
      const y = (key[i] & 0x80000000) | (key[next] & 0x7fffffff);
      key[i] = key[far] ^ (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
    };
    for (let i = 0; i < SIZE - SHIFT; i++) mix(i, i + 1, i + SHIFT);
    for (let i = SIZE - SHIFT; i < SIZE - 1; i++) mix(i, i + 1, i + SHIFT - SIZE);
    mix(SIZE - 1, 0, SHIFT - 1);
    this.position = 0;
  }

  private next32(): number {
    if (this.position === SIZE) this.twist();
    let y = this.key[this.position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** A whole number in [0, max] by masked rejection, the way legacy numpy draws one. */
  private interval(max: number): number {
    if (max === 0) return 0;
    const mask = 0xffffffff >>> Math.clz32(max);
    let value = 0;
    do value = (this.next32() & mask) >>> 0;
    while (value > max);
    return value;
  }

  private gauss(): number {
    if (this.cached !== undefined) {
      const value = this.cached;
      this.cached = undefined;
      return value;
    }
    let x = 0;
    let y = 0;
    let square = 0;
    do {
      x = 2 * this.random() - 1;
      y = 2 * this.random() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * exactLog(square)) / square);
    this.cached = factor * x;
    return factor * y;
  }

  /**
   * One uniform number in [0, 1) with 53 random bits.
   * @source numpy.random.RandomState.random_sample
   */
  random(): number {
    const high = this.next32() >>> 5;
    const low = this.next32() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /**
   * Uniform numbers in [0, 1).
   * @shape → [size]
   * @throws ValueError when size is not whole and not negative
   * @source numpy.random.RandomState.rand
   */
  rand(size: number): Float64Array<ArrayBuffer> {
    checkCount('RandomState.rand', 'size', size);
    const out = new Float64Array(size);
    for (let i = 0; i < size; i++) out[i] = this.random();
    return out;
  }

  /**
   * Normal numbers of mean 0 and variance 1, by the polar method.
   * @shape → [size]
   * @throws ValueError when size is not whole and not negative
   * @source numpy.random.RandomState.randn
   */
  randn(size: number): Float64Array<ArrayBuffer> {
    checkCount('RandomState.randn', 'size', size);
    const out = new Float64Array(size);
    for (let i = 0; i < size; i++) out[i] = this.gauss();
    return out;
  }

  /**
   * Uniform numbers in [low, high).
   * @shape → [size]
   * @throws ValueError when a bound or their difference is not finite, or size is not whole and not negative
   * @source numpy.random.RandomState.uniform
   */
  uniform(low: number, high: number, size: number): Float64Array<ArrayBuffer> {
    checkCount('RandomState.uniform', 'size', size);
    const range = high - low;
    if (!Number.isFinite(range))
      throw new ValueError(
        'RandomState.uniform',
        'low, high and their difference must be finite',
        `low=${low}, high=${high}`,
      );
    const out = new Float64Array(size);
    for (let i = 0; i < size; i++) out[i] = low + range * this.random();
    return out;
  }

  /**
   * Whole numbers in [low, high).
   * @shape → [size]
   * @throws ValueError when a bound does not fit int32, low is not less than high, or size is not whole and not negative
   * @source numpy.random.RandomState.randint
   */
  randint(low: number, high: number, size: number): Int32Array<ArrayBuffer> {
    checkCount('RandomState.randint', 'size', size);
    if (!Number.isInteger(low) || !Number.isInteger(high) || low < -(2 ** 31) || high > 2 ** 31 || low >= high)
      throw new ValueError(
        'RandomState.randint',
        'low must be less than high, both whole and within int32',
        `low=${low}, high=${high}`,
      );
    const out = new Int32Array(size);
    for (let i = 0; i < size; i++) out[i] = low + this.interval(high - low - 1);
    return out;
  }

  /**
   * The numbers 0 … n − 1 in random order.
   * @shape → [n]
   * @throws ValueError when n is not whole and not negative
   * @source numpy.random.RandomState.permutation
   */
  permutation(n: number): Int32Array<ArrayBuffer> {
    checkCount('RandomState.permutation', 'n', n);
    const out = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.interval(i);
      const swap = out[i];
      out[i] = out[j];
      out[j] = swap;
    }
    return out;
  }

  /**
   * A copy of the state, for checkpoints.
   * @source numpy.random.RandomState.get_state
   */
  getState(): RandomSnapshot {
    return { key: this.key.slice(), position: this.position, cached: this.cached };
  }

  /**
   * Goes back to a state that `getState` gave.
   * @throws ValueError when it is not such a state
   * @source numpy.random.RandomState.set_state
   */
  setState(state: RandomSnapshot): void {
    if (state.key.length !== SIZE || !Number.isInteger(state.position) || state.position < 0 || state.position > SIZE)
      throw new ValueError(
        'RandomState.setState',
        `key must have ${SIZE} words and position lie in [0, ${SIZE}]`,
        `${state.key.length} words, position=${state.position}`,
      );
    this.key.set(state.key);
    this.position = state.position;
    this.cached = state.cached;
  }
}

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
 * The natural logarithm of x in (0, 1), rounded correctly: engines' Math.log is wrong in its last bit for 7 % of arguments,
 * and not the same everywhere. With x = m·2ᵉ and c the grid point nearest m, log x = e·ln 2 + log c + 2 artanh s,
 * s = (m − c)/(m + c); every term carries its rounding error along.
 */
function exactLog(x: number): number {
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

let global = new RandomState(0);

/**
 * Starts the generator that everything unseeded draws from anew.
 * @throws ValueError when the seed is not a whole number in [0, 2³² − 1]
 * @source torch.manual_seed
 */
export function manualSeed(seed: number): void {
  global = new RandomState(seed);
}

/**
 * The generator that initialisers, dropout and loaders use when given none. It starts from seed 0, not from the clock as
 * PyTorch's does: a program repeats its results until it asks for others with `manualSeed`.
 */
export const globalRandom = (): RandomState => global;

/** A dropout mask still to be drawn: for each of the next `length` uniform numbers u, `scale` where u ≥ rate, else 0. A device may draw it itself, to the same bits. */
export class Mask {
  constructor(
    readonly random: RandomState,
    readonly length: number,
    readonly rate: number,
    readonly scale: number,
  ) {}

  draw(dtype: 'float32' | 'float64'): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
    const { random, length, rate, scale } = this;
    const mask = dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
    for (let i = 0; i < length; i++) mask[i] = random.random() >= rate ? scale : 0;
    return mask;
  }
}

/** Values from the host, whether they are there or still to be drawn. */
export const valuesOf = (data: TypedArray | Mask, dtype: DType): TypedArray =>
  data instanceof Mask ? data.draw(dtype === 'float64' ? dtype : 'float32') : data;
