/**
 * The digits on the device: batches in an order that the seed gives, and the held-out digits that
 * are shown.
 */
import { FastRandom, type Tensor, tensor } from 'cedargrad';
import { counts, readSheet, side } from '../digit-sheet.js';
import type { ReadAsset, Trained } from './network.js';

const batchSize = 50;
const perEpoch = counts.train / batchSize;
const shownDigits = 12;

/** The data of a network that learns to rebuild digits. */
export class DigitData implements Pick<Trained, 'batch' | 'examples' | 'range' | 'release'> {
  readonly range = [0, 1] as const;
  /** @shape [1500,28,28,1] */
  readonly training: Tensor;
  /** Held-out digits, of which no two neighbours are the same digit. @shape [12,28,28,1] */
  readonly examples: Tensor;
  #epoch = -1;
  #order = new Int32Array();
  #batch: Tensor | null = null;

  constructor(
    images: { readonly train: Float32Array; readonly test: Float32Array },
    private readonly seed: number,
  ) {
    this.training = tensor(images.train, { shape: [counts.train, side, side, 1] });
    // The digits come in the order 0, 1, … 9, 0, …, so this stride shows all of them.
    const stride = 11 * side * side;
    const shown = new Float32Array(shownDigits * side * side);
    for (let i = 0; i < shownDigits; i++)
      shown.set(images.test.subarray(i * stride, i * stride + side * side), i * side * side);
    this.examples = tensor(shown, { shape: [shownDigits, side, side, 1] });
  }

  batch(step: number): readonly Tensor[] {
    const epoch = Math.floor(step / perEpoch);
    if (epoch !== this.#epoch) {
      // Each pair of seed and epoch should have an order of its own. A product by an odd number
      // keeps different epochs different.
      this.#order = new FastRandom((this.seed ^ Math.imul(epoch, 0x9e3779b1)) >>> 0).permutation(counts.train);
      this.#epoch = epoch;
    }
    const from = (step % perEpoch) * batchSize;
    this.#batch?.release();
    this.#batch = this.training.indexSelect(this.#order.subarray(from, from + batchSize));
    return [this.#batch];
  }

  release(): void {
    for (const t of [this.training, this.examples, this.#batch]) t?.release();
  }
}

/** Loads the digits. */
export const loadDigitData = async (read: ReadAsset, seed: number): Promise<DigitData> =>
  new DigitData(readSheet(await read('digits.png')), seed);

/** A drawn digit on the device. @shape [784] → [1,28,28,1] */
export const drawn = (pixels: Float32Array): Tensor =>
  tensor(
    pixels.map((ink) => Math.min(Math.max(ink, 0), 1)),
    { shape: [1, side, side, 1] },
  );

/** The training of a network that rebuilds its inputs. `rebuild` runs it on some digits. */
export const rebuilding = (data: DigitData, loss: (x: Tensor) => Tensor, rebuild: (x: Tensor) => Tensor): Trained => ({
  adam: {},
  batch: (step) => data.batch(step),
  loss,
  examples: data.examples,
  forward: () => rebuild(data.examples),
  rows: (output) => [
    { title: 'Inputs, which are the targets', images: data.examples, range: data.range },
    { title: 'Outputs', images: output, range: data.range },
  ],
  range: data.range,
  release: () => data.release(),
});
