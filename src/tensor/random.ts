/**
 * numpy's legacy random numbers (`numpy.random.RandomState`, MT19937), so that data, weights and masks repeat on every
 * machine and match arrays made by numpy. Not here: numpy's newer Generator, or anything fit for cryptography.
 */
import { ValueError } from '../errors.js';
import type { DType, TypedArray } from './dtype.js';
import { exactLog } from './exact-log.js';
import { checkKey, checkSeed, type RandomGenerator, WordGenerator } from './generator.js';

const SIZE = 624;
const SHIFT = 397;

/** Everything that decides what a RandomState draws next. */
export interface RandomSnapshot {
  readonly key: Uint32Array;
  readonly position: number;
  /** The second value of the last polar pair, not yet handed out. */
  readonly cached: number | undefined;
}

/** A RandomSnapshot, also after JSON: its key as plain numbers, no cached value as null or not at all. */
export interface SavedRandom {
  readonly key: ArrayLike<number>;
  readonly position: number;
  readonly cached?: number | null;
}

/**
 * numpy's `RandomState`, draw for draw. Uniform and whole numbers are equal to the last bit. Normal values need a logarithm,
 * which is rounded correctly here; numpy calls the C library's, whose last bit is wrong about once in a thousand times, so
 * about one normal value in two thousand differs from numpy's in its last bit of 53 (and hardly ever in float32).
 * @source numpy.random.RandomState; Matsumoto and Nishimura 1998, "Mersenne Twister"
 */
export class RandomState extends WordGenerator {
  protected override readonly title = 'RandomState';
  private readonly key = new Uint32Array(SIZE);
  private position = SIZE;
  private cached: number | undefined;

  /** @throws ValueError when the seed is not a whole number in [0, 2³² − 1] */
  constructor(seed: number) {
    super();
    checkSeed('RandomState', seed);
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

  protected override next32(): number {
    if (this.position === SIZE) this.twist();
    let y = this.key[this.position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  /** The polar method, one number a call. */
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

  protected override fillNormal(out: Float64Array): void {
    for (let i = 0; i < out.length; i++) out[i] = this.gauss();
  }

  /**
   * A copy of the state, for checkpoints.
   * @source numpy.random.RandomState.get_state
   */
  getState(): RandomSnapshot {
    return { key: this.key.slice(), position: this.position, cached: this.cached };
  }

  /**
   * Goes back to a state that `getState` gave; the words may come as plain numbers, as from JSON.
   * @throws ValueError when it is not such a state
   * @source numpy.random.RandomState.set_state
   */
  setState(state: SavedRandom): void {
    const op = 'RandomState.setState';
    const { key, position, cached } = state;
    checkKey(op, key, SIZE);
    if (!Number.isInteger(position) || position < 0 || position > SIZE)
      throw new ValueError(op, `position must be whole and in [0, ${SIZE}]`, `position=${position}`);
    if (cached !== undefined && cached !== null && !Number.isFinite(cached))
      throw new ValueError(op, 'cached must be a finite number or absent', `cached=${cached}`);
    this.key.set(key);
    this.position = position;
    this.cached = cached ?? undefined;
  }
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
 * The state of the default generator. With it, `setRngState` goes on exactly where a run was left: the same dropout
 * masks, `rand`, `randn` and initial values follow.
 * @source torch.get_rng_state
 */
export const getRngState = (): RandomSnapshot => global.getState();

/**
 * Puts the default generator into a state that `getRngState` gave; the words may come as plain numbers, as from JSON.
 * @throws ValueError when it is not such a state
 * @source torch.set_rng_state
 */
export const setRngState = (state: SavedRandom): void => global.setState(state);

/**
 * The generator that initialisers, dropout and loaders use when given none. It starts from seed 0, not from the clock as
 * PyTorch's does: a program repeats its results until it asks for others with `manualSeed`.
 */
export const globalRandom = (): RandomState => global;

/** A dropout mask still to be drawn: for each of the next `length` uniform numbers u, `scale` where u ≥ rate, else 0. A device may draw it itself, to the same bits. */
export class Mask {
  constructor(
    readonly random: RandomGenerator,
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
