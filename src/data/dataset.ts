/**
 * Data sets whose items have an index, and new ones made of others: arrays, a function of each
 * item, parts and joins. Not here: batches of items (loader.ts), images (image-folder.ts).
 */
import { checkFunction, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ShapeError, ValueError } from '../errors.js';
import { checkSeed, type RandomGenerator } from '../values/generator.js';
import { mostElements, type Shape, sizeOf } from '../values/shape.js';
import { checkHostArray, type HostArray, isHostArray } from './host-array.js';
import { concatRemote, mapRemote, type Remote, subsetRemote } from './remote.js';
import { hashedRandom } from './sample-random.js';

/**
 * Items by index. An item is a HostArray, a number, or a tuple or plain object of these.
 * @source torch.utils.data.Dataset (map-style)
 */
export interface Dataset<T> {
  readonly length: number;
  /**
   * The item at an index. `random` is a generator for this item alone. It depends on the loader's
   * seed, the epoch and the index only, so that prefetching, worker threads and resuming give the
   * same bits.
   */
  item(index: number, random: RandomGenerator): T | Promise<T>;
  /** How worker threads make the same items. Absent where they cannot. */
  readonly remote?: Remote;
}

/** Whether a value has the form of a Dataset. */
export const isDataset = (value: unknown): value is Dataset<unknown> =>
  typeof value === 'object' &&
  value !== null &&
  typeof (value as Dataset<unknown>).item === 'function' &&
  typeof (value as Dataset<unknown>).length === 'number';

/** Checks that a value is a Dataset with a sound length. */
export function checkDataset(op: string, value: unknown, name = 'dataset'): asserts value is Dataset<unknown> {
  if (!isDataset(value))
    throw new ValueError(
      op,
      `${name} must have a length and a method item(index, random)`,
      `${name}=${shown(value)}`,
      value instanceof Promise ? 'await it first' : '',
    );
  const { length } = value;
  if (!Number.isInteger(length) || length < 0 || length > mostElements)
    throw new ValueError(op, `length of ${name} must be whole and in [0, ${mostElements}]`, `length=${shown(length)}`);
}

/** Checks the index of an item. */
export function checkIndex(op: string, index: number, length: number, name = 'index'): void {
  if (!Number.isInteger(index) || index < 0 || index >= length)
    throw new ValueError(op, `${name} must be whole and in [0, ${length - 1}]`, `${name}=${shown(index)}`);
}

/** What `arrayDataset` takes for one part of its items. */
export type ArrayOfSamples = HostArray | HostArray['data'] | readonly number[];

/** An array with one sample along its first axis. */
function samplesOf(op: string, name: string, given: ArrayOfSamples): HostArray {
  let array: unknown = given;
  if (Array.isArray(given)) {
    const wrong = Array.from(given).findIndex((value) => typeof value !== 'number');
    if (wrong >= 0) throw new ValueError(op, `${name} must hold numbers`, `${name}[${wrong}]=${shown(given[wrong])}`);
    array = { data: Float32Array.from(given), shape: [given.length] };
  } else if (ArrayBuffer.isView(given) && !isHostArray(given))
    array = { data: given, shape: [(given as Float32Array).length] };
  checkHostArray(op, name, array);
  if (array.shape.length === 0) throw new ShapeError(op, `${name} must have an axis of samples`, 'shape=[]');
  return array;
}

/**
 * A data set of arrays in memory, whose first axis counts the samples. The item at i is the tuple
 * of the arrays' parts at i. A typed array without a shape, or a list of numbers, gives one number
 * per sample. Nothing is copied, so a later change of an array changes the items.
 * @shape each [N, …] → items [[…], …]
 * @throws ShapeError if there is no array, or they differ in the number of samples; ValueError for
 * anything that is not an array of numbers
 * @source torch.utils.data.TensorDataset
 */
export function arrayDataset<const A extends readonly ArrayOfSamples[]>(
  ...arrays: A
): Dataset<{ -readonly [K in keyof A]: HostArray }> {
  const op = 'arrayDataset';
  if (arrays.length === 0) throw new ValueError(op, 'an array is needed', 'no argument');
  const parts = arrays.map((given, i) => {
    const { data, shape } = samplesOf(op, `array ${i}`, given);
    const inner: Shape = Object.freeze(shape.slice(1));
    return { data, inner, size: sizeOf(inner), count: shape[0] as number };
  });
  const length = parts[0]?.count ?? 0;
  const other = parts.findIndex(({ count }) => count !== length);
  if (other > 0)
    throw new ShapeError(
      op,
      'arrays must have the same number of samples along the first axis',
      `${length} in array 0, ${parts[other]?.count} in array ${other}`,
    );
  return {
    length,
    item(index) {
      checkIndex(op, index, length);
      return parts.map(({ data, inner, size }) => ({
        data: data.subarray(index * size, (index + 1) * size),
        shape: inner,
      })) as { -readonly [K in keyof A]: HostArray };
    },
  };
}

/** A function of an item and of the sample's generator. */
export type ItemFunction<T, U> = (item: T, random: RandomGenerator) => U | Promise<U>;

/** Calls a function with a value, or with what it is a promise of. */
export const after = <T, U>(value: T | Promise<T>, then: (value: T) => U | Promise<U>): U | Promise<U> =>
  value instanceof Promise ? value.then(then) : then(value);

/**
 * A data set whose items are `fn(item, random)` of another's. `random` is the sample's own
 * generator, so random transforms repeat with the loader's seed. `fn` must not write into the
 * item's arrays, which may be parts of larger ones.
 * @throws ValueError if dataset is not a data set, or fn is not a function
 * @source tf.data.Dataset.map
 */
export function mapDataset<T, const U>(dataset: Dataset<T>, fn: ItemFunction<T, U>): Dataset<U> {
  const op = 'mapDataset';
  checkDataset(op, dataset);
  checkFunction(op, 'fn', fn);
  return {
    length: dataset.length,
    item: (index, random) => after(dataset.item(index, random), (item) => fn(item, random)),
    remote: mapRemote(dataset.remote, fn as ItemFunction<unknown, unknown>),
  };
}

/**
 * The items of a data set at the given indices, in their order. An index may occur several times.
 * @throws ValueError if dataset is not a data set, or an index is not one of its items
 * @source torch.utils.data.Subset
 */
export function subset<T>(dataset: Dataset<T>, indices: ArrayLike<number>): Dataset<T> {
  const op = 'subset';
  checkDataset(op, dataset);
  if (!Array.isArray(indices) && !(ArrayBuffer.isView(indices) && 'length' in indices))
    throw new ValueError(op, 'indices must be an array of numbers', `indices=${shown(indices)}`);
  for (let i = 0; i < indices.length; i++) checkIndex(op, indices[i] as number, dataset.length, `indices[${i}]`);
  return part(op, dataset, Int32Array.from(indices));
}

function part<T>(op: string, dataset: Dataset<T>, indices: Int32Array<ArrayBuffer>): Dataset<T> {
  const { length } = indices;
  return {
    length,
    item(index, random) {
      checkIndex(op, index, length);
      return dataset.item(indices[index] as number, random);
    },
    remote: subsetRemote(dataset.remote, indices),
  };
}

/** Options of `split`. */
export interface SplitOptions {
  /** Default 0, so that a program always splits in the same way. */
  readonly seed?: number;
  /** Draw which items go where. Default true; false keeps their order, as series need it. */
  readonly shuffle?: boolean;
}
const splitOptions: OptionNames<SplitOptions> = { seed: 'value', shuffle: 'flag' };

/** The number of items of each part. Shares below 1 are rounded so that all items are used. */
function countsOf(op: string, length: number, parts: readonly number[]): number[] {
  if (!Array.isArray(parts) || parts.length === 0)
    throw new ValueError(op, 'parts must be shares or counts, as in [0.8, 0.2]', `parts=${shown(parts)}`);
  const wrong = parts.findIndex((n) => typeof n !== 'number' || !(n >= 0) || n > mostElements);
  if (wrong >= 0)
    throw new ValueError(op, 'a part must be a share or a count', `parts[${wrong}]=${shown(parts[wrong])}`);
  const sum = parts.reduce((total, n) => total + n, 0);
  if (parts.every(Number.isInteger) && sum !== 1) {
    if (sum > length) throw new ValueError(op, `there are ${length} items`, `parts=${shown(parts)}, together ${sum}`);
    return [...parts];
  }
  if (Math.abs(sum - 1) > 1e-6)
    throw new ValueError(op, 'shares must add up to 1', `parts=${shown(parts)}, together ${sum}`);
  // A share such as 0.7 · 10 may come out a little below the whole number that it stands for.
  const counts = parts.map((share) => Math.floor(share * length + 1e-6));
  let left = length - counts.reduce((total, n) => total + n, 0);
  for (let i = 0; left > 0; i = (i + 1) % parts.length) {
    if ((parts[i] as number) === 0) continue;
    counts[i] = (counts[i] as number) + 1;
    left--;
  }
  return counts;
}

/**
 * Splits a data set at random into parts without common items. Parts are shares that add up to 1,
 * or counts. What shares leave over by rounding goes one by one to the first parts. Counts may
 * leave items out.
 * @throws ValueError if the parts are neither shares nor counts, there are too few items, or the
 * seed is not a whole number in [0, 2³² − 1]
 * @source torch.utils.data.random_split
 */
export function split<T, const P extends readonly number[]>(
  dataset: Dataset<T>,
  parts: P,
  options: SplitOptions = {},
): { -readonly [K in keyof P]: Dataset<T> } {
  const op = 'split';
  checkDataset(op, dataset);
  knownOptions(op, options, splitOptions);
  const { seed = 0, shuffle = true } = options;
  checkSeed(op, seed);
  const counts = countsOf(op, dataset.length, parts);
  const order = shuffle
    ? hashedRandom(seed, 0x73706c74).permutation(dataset.length)
    : Int32Array.from({ length: dataset.length }, (_, i) => i);
  let from = 0;
  return counts.map((count) => {
    from += count;
    return part(op, dataset, order.slice(from - count, from));
  }) as { -readonly [K in keyof P]: Dataset<T> };
}

/**
 * Several data sets one after the other.
 * @throws ValueError if there is none, or one is not a data set
 * @source torch.utils.data.ConcatDataset
 */
export function concatDatasets<T>(datasets: readonly Dataset<T>[]): Dataset<T> {
  const op = 'concatDatasets';
  if (!Array.isArray(datasets) || datasets.length === 0)
    throw new ValueError(op, 'datasets must be a list of data sets', `datasets=${shown(datasets)}`);
  const list: readonly Dataset<T>[] = Array.from(datasets);
  list.forEach((dataset, i) => {
    checkDataset(op, dataset, `datasets[${i}]`);
  });
  const length = list.reduce((sum, dataset) => sum + dataset.length, 0);
  if (length > mostElements) throw new ValueError(op, `there must be at most ${mostElements} items`, `${length}`);
  return {
    length,
    item(index, random) {
      checkIndex(op, index, length);
      let at = index;
      for (const dataset of list) {
        if (at < dataset.length) return dataset.item(at, random);
        at -= dataset.length;
      }
      throw new ValueError(op, 'the length of a data set must not change', `index=${index}`);
    },
    remote: concatRemote(list),
  };
}
