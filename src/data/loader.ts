/** Batches of indices for a training loop. Which arrays they index is the caller's business. */
import { knownOptions, type OptionNames } from '../arguments.js';
import { ValueError } from '../errors.js';
import { checkGenerator, type RandomGenerator } from '../tensor/generator.js';

/** Options of `batches`. */
export interface BatchOptions {
  /** Draw a new order. Default true. */
  readonly shuffle?: boolean;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
}

const batchOptions: OptionNames<BatchOptions> = { shuffle: 'flag', dropLast: 'flag' };

/**
 * The indices 0 … count − 1 in batches, each index once. The order is drawn when the first batch is taken, with nothing
 * drawn when `shuffle` is off.
 * @shape → [batchSize] each; the last may be shorter
 * @throws ValueError when count is not whole and not negative, or batchSize not whole and positive, or random is no generator
 * @source torch.utils.data.DataLoader
 */
export function batches(
  count: number,
  batchSize: number,
  random: RandomGenerator,
  options: BatchOptions = {},
): Generator<Int32Array<ArrayBuffer>> {
  knownOptions('batches', options, batchOptions);
  const { shuffle = true, dropLast = false } = options;
  if (!Number.isSafeInteger(count) || count < 0)
    throw new ValueError('batches', 'count must be whole and not negative', `count=${count}`);
  if (!Number.isSafeInteger(batchSize) || batchSize < 1)
    throw new ValueError('batches', 'batchSize must be whole and positive', `batchSize=${batchSize}`);
  if (shuffle) checkGenerator('batches', random);
  return generate();

  // A generator of its own, because the checks above must not wait for the first batch.
  function* generate(): Generator<Int32Array<ArrayBuffer>> {
    const order = shuffle ? random.permutation(count) : Int32Array.from({ length: count }, (_, i) => i);
    const end = dropLast ? count - (count % batchSize) : count;
    for (let i = 0; i < end; i += batchSize) yield order.slice(i, i + batchSize);
  }
}
