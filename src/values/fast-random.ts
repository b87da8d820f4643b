/**
 * Random numbers for noise: xoshiro128++, and normal numbers by the ziggurat method. They are the
 * same on every machine, but differ from those of other libraries. Not here: numpy's numbers
 * (random.ts), or numbers for cryptography.
 */
import { ValueError } from '../errors.js';
import { exactLog } from './exact-log.js';
import { checkKey, checkSeed, WordGenerator } from './generator.js';
import { Jump } from './jump.js';

/** The complete state of a FastRandom. */
export interface FastRandomSnapshot {
  /** @shape [4] */
  readonly key: Uint32Array;
}

const layers = 256;
/**
 * The start of the tail, exp(−x²/2) there, and the area of each layer. With these values 256 layers
 * end exactly at x = 0.
 */
const tailStart = 3.6541528853610088;
const tailHeight = 0.0012602859304985975;
const layerArea = 0.004928673233974655;

interface Ziggurat {
  /**
   * The width of each layer, then 0. The first layer is a rectangle with the area of the tail.
   * @shape [257]
   */
  readonly widths: Float64Array;
  /** exp(−x²/2) at the width of each layer, then 1. @shape [257] */
  readonly heights: Float64Array;
}
let ziggurat: Ziggurat | undefined;
/** Steps of the generator taken together. It is made when numbers are first passed over. */
let jump: Jump | undefined;

/**
 * Computes the table by arithmetic, √ and the exact logarithm only, so that every engine gets the
 * same one.
 */
function makeZiggurat(): Ziggurat {
  const widths = new Float64Array(layers + 1);
  const heights = new Float64Array(layers + 1);
  widths[0] = layerArea / tailHeight;
  widths[1] = tailStart;
  heights[1] = tailHeight;
  for (let i = 2; i < layers; i++) {
    heights[i] = heights[i - 1] + layerArea / widths[i - 1];
    widths[i] = Math.sqrt(-2 * exactLog(heights[i]));
  }
  heights[layers] = 1;
  return { widths, heights };
}

/** The next seed of SplitMix64, and its output. @source Steele, Lea and Flood 2014 */
function splitMix64(seed: bigint): { next: bigint; output: bigint } {
  const next = BigInt.asUintN(64, seed + 0x9e3779b97f4a7c15n);
  let z = next;
  z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
  z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
  return { next, output: z ^ (z >> 31n) };
}

/**
 * A generator for noise and augmentation, with the methods of `RandomState`. Normal numbers take a
 * quarter of RandomState's time. They are the same on every machine, to the last bit, but differ
 * from numpy's.
 * @source Blackman and Vigna 2021, "Scrambled Linear Pseudorandom Number Generators"
 * (xoshiro128++); Marsaglia and Tsang 2000, "The Ziggurat Method", with the layer and the value
 * from different bits (Doornik 2005)
 */
export class FastRandom extends WordGenerator {
  protected override readonly title = 'FastRandom';
  readonly #key = new Int32Array(4);

  /** @throws ValueError when the seed is not a whole number in [0, 2³² − 1] */
  constructor(seed: number) {
    super();
    checkSeed('FastRandom', seed);
    const first = splitMix64(BigInt(seed));
    const second = splitMix64(first.next);
    for (const [i, { output }] of [first, second].entries()) {
      this.#key[2 * i] = Number(output & 0xffffffffn);
      this.#key[2 * i + 1] = Number(output >> 32n);
    }
  }

  protected override next32(): number {
    const key = this.#key;
    const a = key[0];
    const b = key[1];
    const c = key[2] ^ a;
    const d = key[3] ^ b;
    const sum = (a + key[3]) | 0;
    key[0] = a ^ d;
    key[1] = b ^ c;
    key[2] = c ^ (b << 9);
    key[3] = (d << 11) | (d >>> 21);
    return (((sum << 7) | (sum >>> 25)) + a) >>> 0;
  }

  protected override skip32(count: number): void {
    jump ??= new Jump(4, (state) => {
      const random = new FastRandom(0);
      random.#key.set(state);
      random.next32();
      return random.#key;
    });
    jump.advance(this.#key, count);
  }

  protected override fillNormal(out: Float64Array): void {
    ziggurat ??= makeZiggurat();
    const { widths, heights } = ziggurat;
    for (let i = 0; i < out.length; ) {
      // Bits 0 to 7 choose the layer and bit 8 the sign. 20 other bits and a second word form a
      // number of 52 bits.
      const word = this.next32();
      const layer = word & 0xff;
      let x = ((word >>> 12) * 4294967296 + this.next32()) * 2 ** -52 * widths[layer];
      if (x >= widths[layer + 1]) {
        if (layer === 0) x = this.#tail();
        else {
          const y = heights[layer] + this.nextUniform() * (heights[layer + 1] - heights[layer]);
          // The point is under the curve if y < exp(−x²/2).
          if (-2 * exactLog(y) <= x * x) continue;
        }
      }
      out[i++] = word & 0x100 ? -x : x;
    }
  }

  /** A normal number beyond tailStart. @source Marsaglia 1964 */
  #tail(): number {
    let x = 0;
    let y = 0;
    do {
      x = -exactLog(1 - this.nextUniform()) / tailStart;
      y = -exactLog(1 - this.nextUniform());
    } while (2 * y <= x * x);
    return tailStart + x;
  }

  /** A copy of the state, for checkpoints. */
  getState(): FastRandomSnapshot {
    return { key: new Uint32Array(this.#key) };
  }

  /**
   * Restores a state from `getState`. Its words may also be plain numbers, as after JSON.
   * @throws ValueError for an invalid state
   */
  setState(state: { readonly key: ArrayLike<number> }): void {
    checkKey('FastRandom.setState', state, 4);
    const { key } = state;
    // All bits 0 would stay so for ever.
    if (Array.from(key).every((word) => word === 0))
      throw new ValueError('FastRandom.setState', 'a word of key must not be 0', 'key=[0,0,0,0]');
    this.#key.set(key);
  }
}
