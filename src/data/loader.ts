/**
 * DataLoader: batches of tensors from a data set, epoch after epoch, and a position that can be
 * saved. Not here: how items become tensors (collate.ts), where items come from (sources.ts).
 */
import { checkDevice, checkFunction, knownOptions, type OptionNames, shown } from '../arguments.js';
import type { Device } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import { ValueError } from '../errors.js';
import { checkSeed } from '../values/generator.js';
import { mostElements } from '../values/shape.js';
import { type Batch, Collator } from './collate.js';
import type { Dataset } from './dataset.js';
import { drawSeed } from './sample-random.js';
import { type Fetched, type ItemSource, type Sampler, sourceOf } from './sources.js';

/** Options of DataLoader, for items T and batches B. */
export interface DataLoaderOptions<T, B = Batch<T>> {
  readonly batchSize: number;
  /** Draw a new order in each epoch. Default false. */
  readonly shuffle?: boolean;
  /** Leave out a last batch that is not full. Default false. */
  readonly dropLast?: boolean;
  /** Chooses the items of each batch in place of dropLast, as DistributedSampler does. */
  readonly sampler?: Sampler;
  /**
   * Of orders and random transforms. Default: drawn from manualSeed's generator, when the loader is
   * made.
   */
  readonly seed?: number;
  /** How many batches are requested before they are needed. Default 1. */
  readonly prefetch?: number;
  /**
   * Worker threads that make the items: 0, the default, makes them in this thread. For data sets of
   * image files and of modules (`moduleDataset`), in Node.
   */
  readonly workers?: number;
  /** Makes a batch of items, in place of stacking arrays. */
  readonly collate?: (items: T[]) => B | Promise<B>;
  /** Device of the batches. Default: the default device at the time of each batch. */
  readonly device?: Device;
}

const loaderOptions: OptionNames<DataLoaderOptions<unknown, unknown>> = {
  batchSize: 'value',
  shuffle: 'flag',
  dropLast: 'flag',
  sampler: 'value',
  seed: 'value',
  prefetch: 'value',
  workers: 'value',
  collate: 'value',
  device: 'value',
};

/** A position in the batches, as JSON. */
export interface LoaderState {
  readonly seed: number;
  readonly epoch: number;
  /** Batches of this epoch that were handed out. */
  readonly batch: number;
}
const loaderState: OptionNames<LoaderState> = { seed: 'value', epoch: 'value', batch: 'value' };

const op = 'DataLoader';
const mostPrefetched = 1024;
const mostWorkers = 64;

/**
 * Batches of tensors from a data set. Each `for await` over it is one epoch. It has a new order and
 * new random transforms, both determined by the seed and the number of the epoch.
 *
 * An item [x, y] gives a batch [X, Y], and a single array gives [X]. Plain objects give a plain
 * object. Arrays of a batch must have equal shapes. Numbers and Float64Arrays become float32.
 *
 * The items of the next batch are requested before the current one is handed out (`prefetch`). An
 * item's error is thrown at its batch, after those before it.
 *
 * A plain array of items may stand for a data set. Another iterable is read in its order, and
 * cannot be shuffled. Each epoch iterates over it anew.
 *
 * With `workers`, threads decode images and apply the transforms of this library; functions of your
 * own run in this thread. Batches are the same for any number of workers. The threads start with an
 * epoch and end with it, also when it is left early.
 *
 * Only one iteration may run at a time, because the position is that of one. Leaving a `for await`
 * early ends its epoch.
 * @shape items [...] → [batchSize, ...]; the last batch may be smaller
 * @throws ValueError for a batchSize that is not whole and positive, shuffle of an iterable, or an
 * unknown option; ShapeError, at the batch, if shapes of items differ
 * @source torch.utils.data.DataLoader; the state: torchdata's StatefulDataLoader
 */
export class DataLoader<T, B = Batch<T>> implements AsyncIterable<B> {
  readonly batchSize: number;
  readonly sampler: Sampler | undefined;
  readonly #source: ItemSource<T>;
  readonly #prefetch: number;
  readonly #collate: ((items: T[]) => B | Promise<B>) | undefined;
  readonly #device: Device | undefined;
  readonly #collator = new Collator();
  #state: LoaderState;
  /** Whether the next iteration is the rest of the state's epoch, not a new one. */
  #continues = true;
  #running = false;

  constructor(dataset: Dataset<T> | AsyncIterable<T> | Iterable<T>, options: DataLoaderOptions<T, B>) {
    knownOptions(op, options, loaderOptions as OptionNames<DataLoaderOptions<T, B>>);
    const { batchSize, shuffle = false, dropLast = false, prefetch = 1, workers = 0 } = options;
    const { collate, device, sampler } = options;
    checkWhole('batchSize', batchSize, 1);
    checkWhole('prefetch', prefetch, 0, mostPrefetched);
    checkWhole('workers', workers, 0, mostWorkers);
    if (collate !== undefined) checkFunction(op, 'collate', collate);
    if (device !== undefined) checkDevice(op, device);
    if (options.seed !== undefined) checkSeed(op, options.seed);
    if (sampler !== undefined) {
      checkFunction(op, "sampler's batches", sampler?.batches);
      checkFunction(op, "sampler's places", sampler.places);
      if (dropLast) throw new ValueError(op, 'a sampler takes the place of dropLast', 'both', 'leave out dropLast');
    }
    this.#source = sourceOf(op, dataset, { batchSize, shuffle, dropLast, workers, sampler });
    this.sampler = sampler;
    this.batchSize = batchSize;
    this.#prefetch = prefetch;
    this.#collate = collate;
    this.#device = device;
    this.#state = { seed: options.seed ?? drawSeed(), epoch: 0, batch: 0 };
  }

  /** Batches per epoch. Undefined for an iterable. */
  get length(): number | undefined {
    return this.#source.length;
  }

  /**
   * The position: after how many batches of which epoch. Between two epochs it is the beginning of
   * the next one.
   */
  stateDict(): LoaderState {
    return { ...this.#state };
  }

  /**
   * Continues after a saved position. The next iteration gives the rest of that epoch, with the
   * same batches as if it had not been interrupted. Nothing is left if the position is after the
   * last batch. Items before the position are not loaded, except those of an iterable, which must
   * be passed over.
   * @throws ValueError for a state that is not from `stateDict`, or during an iteration
   */
  loadStateDict(state: LoaderState): void {
    const at = 'DataLoader.loadStateDict';
    knownOptions(at, state, loaderState);
    const { seed, epoch, batch } = state;
    checkSeed(at, seed);
    checkWhole('epoch', epoch, 0, 2 ** 32 - 1, at);
    checkWhole('batch', batch, 0, this.length, at);
    if (this.#running) throw busy(at);
    this.#state = { seed, epoch, batch };
    this.#continues = true;
  }

  /** The batches of one epoch, or of the rest of one. */
  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    if (this.#running) throw busy(op);
    this.#running = true;
    const { seed, epoch, batch } = this.#continues
      ? this.#state
      : { seed: this.#state.seed, epoch: this.#state.epoch + 1, batch: 0 };
    this.#state = { seed, epoch, batch };
    this.#continues = false;
    const fetch = this.#source.open(seed, epoch, batch);
    try {
      const ahead: Fetched<T>[] = [];
      for (let handed = batch; ; ) {
        while (ahead.length <= this.#prefetch) {
          const next = fetch.next();
          if (next === undefined) break;
          ahead.push(next);
        }
        const fetched = ahead.shift();
        if (fetched === undefined) break;
        const items = fetched.items instanceof Promise ? await fetched.items : (fetched.items as readonly T[]);
        // An iterable ends with a batch that has no items.
        if (items.length === 0) break;
        const made = this.#make(items, fetched);
        const value = made instanceof Promise ? await made : made;
        this.#state = { seed, epoch, batch: ++handed };
        yield value;
      }
      this.#state = { seed, epoch: epoch + 1, batch: 0 };
      this.#continues = true;
    } finally {
      this.#running = false;
      await fetch.close();
    }
  }

  #make(items: readonly T[], { indexOf }: Fetched<T>): B | Promise<B> {
    if (this.#collate !== undefined) return this.#collate([...items]);
    return this.#collator.collate(items, this.#device ?? defaultDevice(), indexOf) as unknown as B;
  }
}

const busy = (op: string): ValueError =>
  new ValueError(
    op,
    'only one iteration may run at a time',
    'one that has not ended',
    'end it by break or its return(), or make a second DataLoader',
  );

function checkWhole(name: string, value: number, least: number, most = mostElements, at = op): void {
  if (!Number.isInteger(value) || value < least || value > most)
    throw new ValueError(at, `${name} must be whole and in [${least}, ${most}]`, `${name}=${shown(value)}`);
}
