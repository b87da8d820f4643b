/**
 * The interface of random number generators, and the draws that both of the library's generators
 * share. Not here: the random bits and the normal numbers (random.ts, fast-random.ts).
 */
import { checkIsNumber, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { noteDraw } from './draws.js';

/**
 * A source of random numbers for every `{ random }` option: RandomState, FastRandom, or your own.
 */
export interface RandomGenerator {
  /** One uniform number in [0, 1). */
  random(): number;
  /** Uniform numbers in [0, 1). @shape → [size] */
  rand(size: number): Float64Array<ArrayBuffer>;
  /** Normal numbers of mean 0 and variance 1. @shape → [size] */
  randn(size: number): Float64Array<ArrayBuffer>;
  /** Uniform numbers in [low, high). @shape → [size] */
  uniform(low: number, high: number, size: number): Float64Array<ArrayBuffer>;
  /** Whole numbers in [low, high). @shape → [size] */
  randint(low: number, high: number, size: number): Int32Array<ArrayBuffer>;
  /** The numbers 0 … n − 1 in random order. @shape → [n] */
  permutation(n: number): Int32Array<ArrayBuffer>;
  /** Passes over the next `count` uniform numbers. Without it they are drawn one by one. */
  skip?(count: number): void;
}

const methods = ['random', 'rand', 'randn', 'uniform', 'randint', 'permutation'] as const;

/** Throws for a value that is not a generator, such as a seed or Math.random. */
export function checkGenerator(op: string, random: RandomGenerator): void {
  if (methods.some((method) => typeof random?.[method] !== 'function'))
    throw new ValueError(
      op,
      'random must be a generator of random numbers',
      `random=${shown(random)}`,
      'pass new RandomState(seed) or new FastRandom(seed)',
    );
}

export const checkSeed = (op: string, seed: number): void => {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff)
    throw new ValueError(op, 'seed must be whole and in [0, 4294967295]', `seed=${shown(seed)}`);
};

/** Refuses a saved state whose key is not `size` words of 32 bits. */
export function checkKey(op: string, state: { readonly key: ArrayLike<number> }, size: number): void {
  const key = (state as typeof state | null | undefined)?.key;
  const length = key?.length;
  if (length !== size) throw new ValueError(op, `key must have ${size} words`, `${length ?? 'no'} words`);
  // A Uint32Array can contain only 32-bit words. Skipping the check matters because a dropout mask
  // copies a state at every step.
  if (key instanceof Uint32Array) return;
  const wrong = Array.from(key as ArrayLike<number>).findIndex((word) => word !== word >>> 0);
  if (wrong >= 0)
    throw new ValueError(op, 'words of key must be whole and in [0, 2^32)', `key[${wrong}]=${shown(key?.[wrong])}`);
}

/** Passes over the next `count` uniform numbers of any generator. */
export function skipUniform(random: RandomGenerator, count: number): void {
  if (random.skip !== undefined) random.skip(count);
  else for (let i = 0; i < count; i++) random.random();
}

const checkCount = (op: string, name: string, n: number): void => {
  if (!Number.isSafeInteger(n) || n < 0)
    throw new ValueError(op, `${name} must be whole and not negative`, `${name}=${shown(n)}`);
};

/** Draws derived from random 32-bit words. */
export abstract class WordGenerator implements RandomGenerator {
  /** The class's name for messages, written out because minifiers rename classes. */
  protected abstract readonly title: string;
  /** The next word. @units [0, 2³²) */
  protected abstract next32(): number;
  /** Fills an array with normal numbers. */
  protected abstract fillNormal(out: Float64Array): void;
  /** Passes over the next `count` words. */
  protected abstract skip32(count: number): void;

  /** A whole number in [0, max] by masked rejection, as in legacy numpy. */
  #interval(max: number): number {
    if (max === 0) return 0;
    noteDraw(this);
    const mask = 0xffffffff >>> Math.clz32(max);
    let value = 0;
    do value = (this.next32() & mask) >>> 0;
    while (value > max);
    return value;
  }

  /**
   * One uniform number in [0, 1) with 53 random bits.
   * @source numpy.random.RandomState.random_sample
   */
  random(): number {
    noteDraw(this);
    return this.nextUniform();
  }

  /** As random(), for a draw that has been noted. */
  protected nextUniform(): number {
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
    checkCount(`${this.title}.rand`, 'size', size);
    const out = new Float64Array(size);
    noteDraw(this);
    for (let i = 0; i < size; i++) out[i] = this.nextUniform();
    return out;
  }

  /**
   * Passes over the next `count` uniform numbers, as if they had been drawn.
   * @throws ValueError when count is not whole and in [0, 2⁵²]
   */
  skip(count: number): void {
    const op = `${this.title}.skip`;
    checkCount(op, 'count', count);
    if (count > 2 ** 52) throw new ValueError(op, 'count must be at most 2^52', `count=${count}`);
    if (count === 0) return;
    noteDraw(this);
    this.skip32(2 * count);
  }

  /**
   * Normal numbers of mean 0 and variance 1.
   * @shape → [size]
   * @throws ValueError when size is not whole and not negative
   * @source numpy.random.RandomState.randn
   */
  randn(size: number): Float64Array<ArrayBuffer> {
    checkCount(`${this.title}.randn`, 'size', size);
    const out = new Float64Array(size);
    noteDraw(this);
    this.fillNormal(out);
    return out;
  }

  /**
   * Uniform numbers in [low, high).
   * @shape → [size]
   * @throws ValueError when a bound or their difference is not finite, or size is not whole and not
   * negative
   * @source numpy.random.RandomState.uniform
   */
  uniform(low: number, high: number, size: number): Float64Array<ArrayBuffer> {
    const op = `${this.title}.uniform`;
    checkCount(op, 'size', size);
    checkIsNumber(op, 'low', low);
    checkIsNumber(op, 'high', high);
    const range = high - low;
    if (!Number.isFinite(range))
      throw new ValueError(op, 'low, high and their difference must be finite', `low=${low}, high=${high}`);
    const out = new Float64Array(size);
    noteDraw(this);
    for (let i = 0; i < size; i++) out[i] = low + range * this.nextUniform();
    return out;
  }

  /**
   * Whole numbers in [low, high).
   * @shape → [size]
   * @throws ValueError when a bound does not fit int32, low is not less than high, or size is not
   * whole and not negative
   * @source numpy.random.RandomState.randint
   */
  randint(low: number, high: number, size: number): Int32Array<ArrayBuffer> {
    const op = `${this.title}.randint`;
    checkCount(op, 'size', size);
    if (!Number.isInteger(low) || !Number.isInteger(high) || low < -(2 ** 31) || high > 2 ** 31 || low >= high)
      throw new ValueError(
        op,
        'low must be less than high, both whole and within int32',
        `low=${shown(low)}, high=${shown(high)}`,
      );
    const out = new Int32Array(size);
    for (let i = 0; i < size; i++) out[i] = low + this.#interval(high - low - 1);
    return out;
  }

  /**
   * The numbers 0 … n − 1 in random order.
   * @shape → [n]
   * @throws ValueError when n is not whole and not negative
   * @source numpy.random.RandomState.permutation
   */
  permutation(n: number): Int32Array<ArrayBuffer> {
    checkCount(`${this.title}.permutation`, 'n', n);
    const out = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.#interval(i);
      const swap = out[i];
      out[i] = out[j];
      out[j] = swap;
    }
    return out;
  }
}
