/**
 * Many steps of a generator at once, in logarithmic time. It serves generators whose next state is
 * a linear function of the bits of the present one. Not here: the generators (fast-random.ts).
 */

/** The images of the single bits of a state, one after another. */
type Matrix = Int32Array;

export class Jump {
  readonly #words: number;
  /** The matrix of 2^i steps at index i. */
  readonly #powers: Matrix[] = [];

  /** `step` gives the state that follows a state of so many 32-bit words. */
  constructor(words: number, step: (state: Int32Array) => ArrayLike<number>) {
    this.#words = words;
    const one = new Int32Array(32 * words * words);
    for (let bit = 0; bit < 32 * words; bit++) {
      const state = new Int32Array(words);
      state[bit >> 5] = 1 << (bit & 31);
      one.set(step(state), bit * words);
    }
    this.#powers.push(one);
  }

  /** Advances a state by a whole number of steps. */
  advance(state: Int32Array, steps: number): void {
    for (let i = 0, left = steps; left > 0; i++, left = Math.floor(left / 2))
      if (left % 2 === 1) state.set(this.#image(this.#power(i), state));
  }

  #power(i: number): Matrix {
    while (this.#powers.length <= i) {
      const last = this.#powers[this.#powers.length - 1];
      const words = this.#words;
      const next = new Int32Array(last.length);
      for (let at = 0; at < last.length; at += words) next.set(this.#image(last, last.subarray(at, at + words)), at);
      this.#powers.push(next);
    }
    return this.#powers[i];
  }

  #image(matrix: Matrix, state: Int32Array): Int32Array {
    const words = this.#words;
    const out = new Int32Array(words);
    for (let bit = 0; bit < 32 * words; bit++) {
      if (((state[bit >> 5] >>> (bit & 31)) & 1) === 0) continue;
      for (let w = 0; w < words; w++) out[w] ^= matrix[bit * words + w];
    }
    return out;
  }
}
