/**
 * numpy's legacy random numbers (`numpy.random.RandomState`, MT19937), so that data, weights and
 * masks are the same on every machine and equal arrays created by numpy. Not here: numpy's newer
 * Generator, or numbers for cryptography.
 */
import { shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { noteDraw } from './draws.js';
import { exactLog } from './exact-log.js';
import { checkKey, checkSeed, type RandomGenerator, WordGenerator } from './generator.js';

const keySize = 624;
const keyShift = 397;

/** The complete state of a RandomState. */
export interface RandomSnapshot {
  readonly key: Uint32Array;
  readonly position: number;
  /** The second value of the last polar pair, if it has not been returned yet. */
  readonly cached: number | undefined;
}

/**
 * A RandomSnapshot that may have been stored as JSON. Its key may be plain numbers, and its cached
 * value null or absent.
 */
export interface SavedRandom {
  readonly key: ArrayLike<number>;
  readonly position: number;
  readonly cached?: number | null;
}

/**
 * numpy's `RandomState`, draw for draw. Uniform and whole numbers are equal to the last bit. Normal
 * values need a logarithm, which is rounded correctly here. numpy calls the C library's logarithm,
 * whose last bit is wrong about once in a thousand times. So about one normal value in two thousand
 * differs from numpy's in its last bit of 53 (and hardly ever in float32).
 * @source numpy.random.RandomState; Matsumoto and Nishimura 1998, "Mersenne Twister"
 */
export class RandomState extends WordGenerator {
  protected override readonly title = 'RandomState';
  readonly #key = new Uint32Array(keySize);
  #position = keySize;
  #cached: number | undefined;

  /** @throws ValueError when the seed is not a whole number in [0, 2³² − 1] */
  constructor(seed: number) {
    super();
    checkSeed('RandomState', seed);
    const key = this.#key;
    key[0] = seed;
    for (let i = 1; i < keySize; i++) key[i] = Math.imul(1812433253, key[i - 1] ^ (key[i - 1] >>> 30)) + i;
  }

  #twist(): void {
    const key = this.#key;
    const mix = (i: number, next: number, far: number) => {
      const y = (key[i] & 0x80000000) | (key[next] & 0x7fffffff);
      key[i] = key[far] ^ (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
    };
    for (let i = 0; i < keySize - keyShift; i++) mix(i, i + 1, i + keyShift);
    for (let i = keySize - keyShift; i < keySize - 1; i++) mix(i, i + 1, i + keyShift - keySize);
    mix(keySize - 1, 0, keyShift - 1);
    this.#position = 0;
  }

  protected override next32(): number {
    if (this.#position === keySize) this.#twist();
    let y = this.#key[this.#position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** Only the words that the state consists of are computed, so this takes linear time. */
  protected override skip32(count: number): void {
    let left = count;
    while (left > 0) {
      if (this.#position === keySize) this.#twist();
      const step = Math.min(left, keySize - this.#position);
      this.#position += step;
      left -= step;
    }
  }

  /** The polar method, returning one number per call. */
  #gauss(): number {
    if (this.#cached !== undefined) {
      const value = this.#cached;
      this.#cached = undefined;
      return value;
    }
    let x = 0;
    let y = 0;
    let square = 0;
    do {
      x = 2 * this.nextUniform() - 1;
      y = 2 * this.nextUniform() - 1;
      square = x * x + y * y;
    } while (square >= 1 || square === 0);
    const factor = Math.sqrt((-2 * exactLog(square)) / square);
    this.#cached = factor * x;
    return factor * y;
  }

  protected override fillNormal(out: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.#gauss();
  }

  /**
   * A copy of the state, for checkpoints.
   * @source numpy.random.RandomState.get_state
   */
  getState(): RandomSnapshot {
    return { key: this.#key.slice(), position: this.#position, cached: this.#cached };
  }

  /**
   * Restores a state from `getState`. Its words may also be plain numbers, as after JSON.
   * @throws ValueError for an invalid state
   * @source numpy.random.RandomState.set_state
   */
  setState(state: SavedRandom): void {
    const op = 'RandomState.setState';
    checkKey(op, state, keySize);
    const { key, position, cached } = state;
    if (!Number.isInteger(position) || position < 0 || position > keySize)
      throw new ValueError(op, `position must be whole and in [0, ${keySize}]`, `position=${shown(position)}`);
    if (cached !== undefined && cached !== null && !Number.isFinite(cached))
      throw new ValueError(op, 'cached must be a finite number or absent', `cached=${shown(cached)}`);
    this.#key.set(key);
    this.#position = position;
    this.#cached = cached ?? undefined;
  }
}

let global = new RandomState(0);

/**
 * Restarts the default generator, which supplies all draws for which no generator is given.
 * @throws ValueError when the seed is not a whole number in [0, 2³² − 1]
 * @source torch.manual_seed
 */
export function manualSeed(seed: number): void {
  checkSeed('manualSeed', seed);
  global = new RandomState(seed);
}

/**
 * The state of the default generator. With it, `setRngState` continues a run exactly where it
 * stopped, with the same dropout masks, `rand`, `randn` and initial values.
 * @source torch.get_rng_state
 */
export const getRngState = (): RandomSnapshot => global.getState();

/**
 * Restores a state of the default generator from `getRngState`. Its words may also be plain
 * numbers, as after JSON.
 * @throws ValueError for an invalid state
 * @source torch.set_rng_state
 */
export const setRngState = (state: SavedRandom): void => global.setState(state);

/**
 * The default generator of initialisers, dropout and loaders. It starts from seed 0, not from the
 * clock as PyTorch's does. So a program repeats its results until it calls `manualSeed` with
 * another seed.
 */
export const globalRandom = (): RandomState => global;

/**
 * A dropout mask that is not drawn yet. For each of the next `length` uniform numbers u it is
 * `scale` if u ≥ rate, else 0. A device may draw it itself, with the same bits.
 */
export class Mask {
  constructor(
    readonly random: RandomGenerator,
    readonly length: number,
    readonly rate: number,
    readonly scale: number,
  ) {
    noteDraw(random);
  }

  draw(dtype: 'float32' | 'float64'): Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> {
    const { random, length, rate, scale } = this;
    const mask = dtype === 'float64' ? new Float64Array(length) : new Float32Array(length);
    for (let i = 0; i < length; i++) mask[i] = random.random() >= rate ? scale : 0;
    return mask;
  }
}
