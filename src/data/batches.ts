/** Batches of indices for a training loop. Which arrays they index is the caller's business. */
import { knownOptions, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { checkGenerator, type RandomGenerator } from '../values/generator.js';
import { mostElements } from '../values/shape.js';

/** Options of `batches`. */
export interface BatchOptions {
  /** Draw a new order. Default true. */
  readonly shuffle?: boolean;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
}

const batchOptions: OptionNames<BatchOptions> = { shuffle: 'flag', dropLast: 'flag' };

/**
 * The indices 0 … count − 1 in batches, each index once. The order is drawn when the first batch is
 * taken. Without `shuffle` nothing is drawn.
 * @shape → [batchSize] each; the last may be shorter
 * @throws ValueError if count is not whole and in [0, 2³¹ − 1], batchSize is not whole and
 * positive, or random is not a generator
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
    throw new ValueError('batches', 'count must be whole and not negative', `count=${shown(count)}`);
  if (count > mostElements) throw new ValueError('batches', `count must be at most ${mostElements}`, `count=${count}`);
  if (!Number.isSafeInteger(batchSize) || batchSize < 1)
    throw new ValueError('batches', 'batchSize must be whole and positive', `batchSize=${shown(batchSize)}`);
  if (shuffle) checkGenerator('batches', random);
  return generate();

  // A separate generator function, because the checks above must run before the first batch is
  // taken.
  function* generate(): Generator<Int32Array<ArrayBuffer>> {
    const order = shuffle ? random.permutation(count) : Int32Array.from({ length: count }, (_, i) => i);
    const end = dropLast ? count - (count % batchSize) : count;
    for (let i = 0; i < end; i += batchSize) yield order.slice(i, i + batchSize);
  }
}
