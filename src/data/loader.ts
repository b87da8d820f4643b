/** Batches of indices. Not here: reading data. */
import { ValueError } from '../errors.js';
import type { RandomState } from '../tensor/random.js';

export interface BatchOptions {
  /** New order at each call. Default true. */
  shuffle?: boolean;
  /** Leave out a last batch that is not full. Default false. */
  dropLast?: boolean;
}

/** Index batches over [0, count). @units indices count from 0 @throws ValueError for a count or batch size below 1 @source torch.utils.data.DataLoader */
export function* batches(
  count: number,
  batchSize: number,
  random: RandomState,
  { shuffle = true, dropLast = false }: BatchOptions = {},
): Generator<Int32Array<ArrayBuffer>> {
  for (const [name, n] of Object.entries({ count, batchSize }))
    if (!Number.isInteger(n) || n < 1) throw new ValueError('batches', `${name} must be whole and at least 1`, `${name}=${n}`);
  const order = shuffle ? Int32Array.from(random.permutation(count)) : Int32Array.from({ length: count }, (_, i) => i);
  for (let at = 0; at < count; at += batchSize) {
    if (dropLast && at + batchSize > count) return;
    yield order.slice(at, at + batchSize);
  }
}
