/**
 * Where a DataLoader's items come from: a data set by index, in an order that each epoch draws, or
 * an iterable. An item is requested before it is needed, and its error is kept for its batch. Not
 * here: batches of tensors (collate.ts), positions (loader.ts).
 */
import { shown } from '../arguments.js';
import { DeviceError, ValueError } from '../errors.js';
import { isNode } from '../platform.js';
import { checkDataset, type Dataset, isDataset } from './dataset.js';
import { Pool } from './pool.js';
import type { Remote } from './remote.js';
import { hashedRandom, SampleRandom } from './sample-random.js';

/** Items of one batch. */
export interface Fetched<T> {
  /** A rejection counts as handled, so the batch may also be dropped. */
  readonly items: readonly T[] | Promise<readonly T[]>;
  /** The index in the data set of the item at a position in the batch. */
  indexOf(position: number): number;
}

/** One epoch of requests. */
export interface Fetch<T> {
  /** Requests the next batch. Undefined after the last; an iterable ends with an empty batch. */
  next(): Fetched<T> | undefined;
  /** Ends the epoch, whether all was read or not. */
  close(): void | Promise<void>;
}

export interface ItemSource<T> {
  /** Batches per epoch, if they are known. */
  readonly length: number | undefined;
  /** Begins an epoch after the given number of batches. */
  open(seed: number, epoch: number, batch: number): Fetch<T>;
}

/** Chooses the items of each batch, as when several processes share the batches. */
export interface Sampler {
  /** The number of batches of an epoch of so many items. */
  batches(count: number, batchSize: number): number;
  /** The places, in the order of the epoch, of the items of a batch. */
  places(batch: number, count: number, batchSize: number): readonly number[];
}

interface Batching {
  readonly batchSize: number;
  readonly sampler: Sampler | undefined;
  readonly shuffle: boolean;
  readonly dropLast: boolean;
  /** Threads that make the items; 0 makes them here. */
  readonly workers: number;
}

const ignore = (): void => {};
const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';

/** The stream of random numbers from which the order of an epoch is drawn, among those of items. */
const orderStream = 0x6f726472;

/** A data set by index. */
class IndexedSource<T> implements ItemSource<T> {
  readonly length: number;
  readonly #count: number;

  constructor(
    op: string,
    private readonly dataset: Dataset<T>,
    private readonly batching: Batching,
  ) {
    const { batchSize, dropLast, sampler } = batching;
    const count = dataset.length;
    if (count === 0) throw new ValueError(op, 'a data set must have an item', 'length=0');
    if (dropLast && count < batchSize)
      throw new ValueError(
        op,
        'with dropLast, a data set must fill a batch',
        `${count} ${count === 1 ? 'item' : 'items'}, batchSize=${batchSize}`,
      );
    if (batching.workers > 0) checkRemote(op, dataset, batching.workers);
    this.#count = dropLast ? count - (count % batchSize) : count;
    this.length = sampler?.batches(count, batchSize) ?? Math.ceil(this.#count / batchSize);
  }

  open(seed: number, epoch: number, batch: number): Fetch<T> {
    const { dataset } = this;
    const { batchSize, shuffle, workers, sampler } = this.batching;
    const pool = workers > 0 ? new Pool(dataset.remote as Remote, workers, seed, epoch) : undefined;
    const item = (index: number) =>
      pool === undefined ? dataset.item(index, new SampleRandom(seed, epoch, index)) : (pool.item(index) as Promise<T>);
    const order = shuffle ? hashedRandom(seed, epoch, orderStream, 1).permutation(dataset.length) : undefined;
    /** The places in the order of a batch's items. */
    const placesOf = (batch: number): readonly number[] => {
      if (sampler !== undefined) return sampler.places(batch, dataset.length, batchSize);
      const from = batch * batchSize;
      return Array.from({ length: Math.min(batchSize, this.#count - from) }, (_, i) => from + i);
    };
    let at = batch;
    return {
      next: () => {
        if (at >= this.length) return undefined;
        const indices = placesOf(at++).map((place) => order?.[place] ?? place);
        return { items: requested(indices, item), indexOf: (position) => indices[position] as number };
      },
      close: () => pool?.close(),
    };
  }
}

/** Checks that worker threads can make the items of a data set. */
function checkRemote(op: string, dataset: Dataset<unknown>, workers: number): void {
  if (!isNode())
    throw new DeviceError(
      op,
      'worker threads of a loader need Node',
      `workers=${workers}`,
      'leave out workers: the browser decodes images in threads of its own',
    );
  if (dataset.remote === undefined)
    throw new ValueError(
      op,
      'worker threads need a data set that they can make themselves',
      `workers=${workers} for ${shown(dataset)}`,
      'begin with imageFolder, or export the data set from a module and pass moduleDataset(url)',
    );
}

/** Requests all items at once. */
function requested<T>(
  indices: readonly number[],
  item: (index: number) => T | Promise<T>,
): readonly T[] | Promise<readonly T[]> {
  const items: (T | Promise<T>)[] = [];
  let failure: Promise<never> | undefined;
  let pending = false;
  try {
    for (const index of indices) {
      const value = item(index);
      pending ||= isPromise(value);
      items.push(value);
    }
  } catch (error) {
    failure = Promise.reject(error);
    failure.catch(ignore);
  }
  if (!pending) return failure ?? (items as T[]);
  const all = Promise.all(items);
  all.catch(ignore);
  return failure ?? all;
}

/** An iterable, read in its order. */
class StreamSource<T> implements ItemSource<T> {
  readonly length = undefined;
  #opened = false;

  constructor(
    private readonly op: string,
    private readonly source: AsyncIterable<T> | Iterable<T>,
    private readonly batching: Batching,
  ) {
    if (batching.workers > 0)
      throw new ValueError(op, 'worker threads need a data set with indices', `workers=${batching.workers}`);
    if (batching.sampler !== undefined)
      throw new ValueError(op, 'a sampler needs a data set with indices', `sampler for ${shown(source)}`);
    if (batching.shuffle)
      throw new ValueError(
        op,
        'shuffle needs a data set with indices',
        `shuffle=true for ${shown(source)}`,
        'collect the items in an array first, or shuffle where they are made',
      );
  }

  open(_seed: number, _epoch: number, batch: number): Fetch<T> {
    const { source } = this;
    const { batchSize, dropLast } = this.batching;
    const iterator =
      Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : (source as Iterable<T>)[Symbol.iterator]();
    if ((iterator as unknown) === source && this.#opened)
      throw new ValueError(
        this.op,
        'a second epoch needs an iterable that can begin anew',
        'an iterator, which has been read',
        'pass { [Symbol.asyncIterator]: () => read() }, where read is the generator function',
      );
    this.#opened = true;
    let ended = false;
    let isReading = false;
    let before: Promise<unknown> | undefined;
    const take = async (count: number): Promise<T[]> => {
      const items: T[] = [];
      while (items.length < count && !ended) {
        isReading = true;
        try {
          const step = await iterator.next();
          if (step.done) ended = true;
          else items.push(await step.value);
        } catch (error) {
          ended = true;
          throw error;
        } finally {
          isReading = false;
        }
      }
      return items;
    };
    const passOver = async (): Promise<void> => {
      for (let i = 0; i < batch && !ended; i++) await take(batchSize);
    };
    let read = batch;
    return {
      next: () => {
        const from = read++ * batchSize;
        const items = (before ?? passOver()).then(async () => {
          const taken = await take(batchSize);
          return dropLast && taken.length < batchSize ? [] : taken;
        });
        // After an error there is nothing more, so whoever waits for the next batch gets none.
        before = items.catch(ignore);
        return { items, indexOf: (position) => from + position };
      },
      async close() {
        if (ended) return;
        ended = true;
        const returned = (async () => iterator.return?.(undefined))();
        // A read that has begun may never end, and the iterable would answer only after it.
        if (isReading) returned.catch(ignore);
        else await returned;
      },
    };
  }
}

/** The source of a data set, a list of items, or another iterable. */
export function sourceOf<T>(
  op: string,
  given: Dataset<T> | AsyncIterable<T> | Iterable<T>,
  batching: Batching,
): ItemSource<T> {
  if (isDataset(given)) {
    checkDataset(op, given);
    return new IndexedSource(op, given as Dataset<T>, batching);
  }
  if (Array.isArray(given) || (ArrayBuffer.isView(given) && 'length' in given)) {
    const list = given as ArrayLike<T>;
    return new IndexedSource(op, { length: list.length, item: (index) => list[index] as T }, batching);
  }
  if (typeof given === 'object' && given !== null && (Symbol.asyncIterator in given || Symbol.iterator in given))
    return new StreamSource(op, given, batching);
  throw new ValueError(
    op,
    'dataset must be a data set, or an iterable of items',
    `dataset=${shown(given)}`,
    (given as unknown) instanceof Promise
      ? 'await it first'
      : 'pass { length, item(index, random) }, a list of items or an (async) iterable',
  );
}
