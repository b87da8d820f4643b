/**
 * The random generator of one sample, and the seeds of everything else that a data set draws. Not
 * here: how generators make numbers (values/).
 */
import { FastRandom } from '../values/fast-random.js';
import type { RandomGenerator } from '../values/generator.js';
import { globalRandom } from '../values/random.js';

/**
 * Mixes the bits of a 32-bit word. Different words give different results.
 * @source Appleby, MurmurHash3 (fmix32)
 */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * A generator whose state is a hash of whole numbers. Each of its four words depends on all of
 * them. Two lists that differ in one number have no word in common.
 */
export function hashedRandom(...numbers: readonly number[]): FastRandom {
  const key = new Uint32Array(4);
  for (let lane = 0; lane < 4; lane++) {
    let word = Math.imul(lane + 1, 0x9e3779b9);
    for (const number of numbers) word = mix((word ^ number) + 0x6a09e667);
    key[lane] = word;
  }
  // All bits 0 are no state.
  if (key.every((word) => word === 0)) key[0] = 1;
  const random = new FastRandom(0);
  random.setState({ key });
  return random;
}

/** A seed from the default generator, which manualSeed governs. */
export const drawSeed = (): number => Math.floor(globalRandom().random() * 2 ** 32);

/**
 * The generator of one sample. It depends on the loader's seed, the epoch and the index only. The
 * state is made when the first number is drawn, so a sample that draws nothing costs nothing.
 */
export class SampleRandom implements RandomGenerator {
  #made: FastRandom | undefined;

  constructor(
    private readonly seed: number,
    private readonly epoch: number,
    private readonly index: number,
  ) {}

  get #random(): FastRandom {
    this.#made ??= hashedRandom(this.seed, this.epoch, this.index);
    return this.#made;
  }

  /** The state after the draws so far, or undefined if there were none. */
  get key(): Uint32Array | undefined {
    return this.#made?.getState().key;
  }
  /** Continues after draws that another thread has made. */
  set key(key: Uint32Array | undefined) {
    if (key !== undefined) this.#random.setState({ key });
  }

  random(): number {
    return this.#random.random();
  }
  rand(size: number): Float64Array<ArrayBuffer> {
    return this.#random.rand(size);
  }
  randn(size: number): Float64Array<ArrayBuffer> {
    return this.#random.randn(size);
  }
  uniform(low: number, high: number, size: number): Float64Array<ArrayBuffer> {
    return this.#random.uniform(low, high, size);
  }
  randint(low: number, high: number, size: number): Int32Array<ArrayBuffer> {
    return this.#random.randint(low, high, size);
  }
  permutation(n: number): Int32Array<ArrayBuffer> {
    return this.#random.permutation(n);
  }
}
