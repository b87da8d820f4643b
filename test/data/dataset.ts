/** Data sets made of arrays and of other data sets. Not here: batches (loader.ts). */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  arrayDataset,
  concatDatasets,
  type Dataset,
  type HostArray,
  mapDataset,
  split,
  subset,
} from '../../src/data/index.js';
import { hashedRandom, SampleRandom } from '../../src/data/sample-random.js';
import { ShapeError, ValueError } from '../../src/errors.js';
import { manualSeed } from '../../src/index.js';

const test = suite('data sets');
const random = new SampleRandom(0, 0, 0);

/** The numbers 0 … length − 1 as items. */
const numbers = (length: number): Dataset<number> => ({ length, item: (index) => index });
const itemsOf = <T>(dataset: Dataset<T>): (T | Promise<T>)[] =>
  Array.from({ length: dataset.length }, (_, i) => dataset.item(i, random));

const refused = (call: () => unknown, error: new (...args: never[]) => Error, message: string): void => {
  try {
    call();
  } catch (thrown) {
    assert.instance(thrown, error);
    assert.is((thrown as Error).message, message);
    return;
  }
  assert.unreachable(`taken: ${call}`);
};

test('arrays give tuples of their parts', () => {
  const x: HostArray = { data: Float32Array.from([1, 2, 3, 4, 5, 6]), shape: [3, 2] };
  const dataset = arrayDataset(x, Int32Array.from([7, 8, 9]), [0.5, 1.5, 2.5]);
  assert.is(dataset.length, 3);
  const [image, label, number] = dataset.item(1, random) as [HostArray, HostArray, HostArray];
  assert.equal([image.shape, label.shape, number.shape], [[2], [], []]);
  assert.equal([...image.data], [3, 4]);
  assert.instance(label.data, Int32Array);
  assert.equal([...label.data, ...number.data], [8, 1.5]);
  x.data[2] = 30;
  assert.is((dataset.item(1, random) as HostArray[])[0].data[0], 30, 'the data are not copied');
});

test('arrays that do not fit are refused', () => {
  refused(
    () => arrayDataset(new Float32Array(3), new Float32Array(4)),
    ShapeError,
    'arrayDataset: arrays must have the same number of samples along the first axis; got 3 in array 0, 4 in array 1',
  );
  refused(
    () => arrayDataset({ data: new Float32Array(3), shape: [2, 2] }),
    ShapeError,
    'arrayDataset: data of array 0 must have as many elements as its shape; got 3 elements, shape=[2,2]',
  );
  refused(
    () => arrayDataset(new Int16Array(3) as never),
    ValueError,
    'arrayDataset: data of array 0 must be a Float32Array, Float64Array, Int32Array or Uint8Array; ' +
      'got data=an Int16Array; convert it, for example with Float32Array.from(data)',
  );
  refused(() => arrayDataset(), ValueError, 'arrayDataset: an array is needed; got no argument');
  refused(
    () => arrayDataset([1, 2]).item(2, random),
    ValueError,
    'arrayDataset: index must be whole and in [0, 1]; got index=2',
  );
});

test('a function of each item gets the generator of the sample', async () => {
  const given: unknown[] = [];
  const doubled = mapDataset(numbers(3), (item, r) => {
    given.push(r);
    return item * 2;
  });
  assert.equal(itemsOf(doubled), [0, 2, 4]);
  assert.ok(given.every((r) => r === random));
  const later = mapDataset({ length: 2, item: async (index) => index } as Dataset<number>, (item) => item + 1);
  assert.equal(await Promise.all(itemsOf(later)), [1, 2]);
});

test('a part has the items of its indices', () => {
  assert.equal(itemsOf(subset(numbers(5), [4, 0, 4])), [4, 0, 4]);
  assert.equal(itemsOf(subset(numbers(5), new Int32Array(0))), []);
  refused(
    () => subset(numbers(5), [1, 5]),
    ValueError,
    'subset: indices[1] must be whole and in [0, 4]; got indices[1]=5',
  );
});

// PyTorch: [len(s) for s in torch.utils.data.random_split(range(n), shares)] (1.13 and later).
for (const [length, parts, counts] of [
  [10, [0.8, 0.2], [8, 2]],
  [7, [0.5, 0.3, 0.2], [4, 2, 1]],
  [11, [0.25, 0.25, 0.25, 0.25], [3, 3, 3, 2]],
  [10, [0.7, 0.2, 0.1], [7, 2, 1]],
  [5, [1], [5]],
  [5, [1, 0], [5, 0]],
  [10, [6, 3], [6, 3]],
] as const)
  test(`${length} items split by ${parts.join(', ')}`, () => {
    const all = split(numbers(length), parts) as Dataset<number>[];
    assert.equal(
      all.map((part) => part.length),
      counts,
    );
    const items = all.flatMap(itemsOf);
    assert.is(new Set(items).size, items.length, 'no item is in two parts');
  });

test('a split repeats, and depends on its seed alone', () => {
  const order = (seed?: number) => split(numbers(50), [0.5, 0.5], { seed }).flatMap(itemsOf).join();
  manualSeed(1);
  const first = order();
  manualSeed(2);
  assert.is(order(), first);
  assert.is(order(0), first);
  assert.is.not(order(1), first);
  assert.equal(split(numbers(4), [2, 2], { shuffle: false }).map(itemsOf), [
    [0, 1],
    [2, 3],
  ]);
});

test('what is no split is refused', () => {
  refused(
    () => split(numbers(5), [0.5, 0.4]),
    ValueError,
    'split: shares must add up to 1; got parts=[0.5,0.4], together 0.9',
  );
  refused(() => split(numbers(5), [4, 2]), ValueError, 'split: there are 5 items; got parts=[4,2], together 6');
  refused(
    () => split(numbers(5), 0.8 as never),
    ValueError,
    'split: parts must be shares or counts, as in [0.8, 0.2]; got parts=0.8',
  );
  refused(() => split(numbers(5), [2, -1]), ValueError, 'split: a part must be a share or a count; got parts[1]=-1');
});

test('several data sets follow each other', () => {
  const joined = concatDatasets([numbers(2), numbers(0), numbers(3)]);
  assert.equal(itemsOf(joined), [0, 1, 0, 1, 2]);
  refused(() => joined.item(5, random), ValueError, 'concatDatasets: index must be whole and in [0, 4]; got index=5');
  refused(
    () => concatDatasets([]),
    ValueError,
    'concatDatasets: datasets must be a list of data sets; got datasets=[]',
  );
});

test('a sample’s generator depends on seed, epoch and index', () => {
  const draws = (...given: [number, number, number]) => new SampleRandom(...given).rand(4).join();
  assert.is(draws(1, 2, 3), draws(1, 2, 3));
  const others = [draws(1, 2, 3), draws(0, 2, 3), draws(1, 3, 3), draws(1, 2, 4), draws(3, 2, 1), draws(2, 1, 3)];
  assert.is(new Set(others).size, others.length);
  // By hand: 4 words × 4000 samples. No word occurs twice at one place.
  const keys = Array.from({ length: 4000 }, (_, i) => hashedRandom(5, i >> 6, i & 63).getState().key);
  for (let lane = 0; lane < 4; lane++) assert.ok(new Set(keys.map((key) => key[lane])).size > 3995);
});

test('a sample’s draws are uniform over neighbouring samples', () => {
  let sum = 0;
  let product = 0;
  const first = Array.from({ length: 4000 }, (_, i) => new SampleRandom(0, 0, i).random());
  first.forEach((u, i) => {
    sum += u;
    product += (u - 0.5) * ((first[i + 1] ?? 0.5) - 0.5);
  });
  // The mean's standard deviation is 1/√(12·4000) = 0.0046, the covariance's (1/12)/√4000 = 0.0013.
  assert.ok(Math.abs(sum / 4000 - 0.5) < 0.02, `${sum / 4000}`);
  assert.ok(Math.abs(product / 4000) < 0.006, `${product / 4000}`);
});

test('a sample’s generator draws as its state says', () => {
  const sample = new SampleRandom(1, 2, 3);
  assert.is(sample.key, undefined);
  const same = hashedRandom(1, 2, 3);
  assert.equal(
    [sample.random(), ...sample.randn(2), ...sample.uniform(1, 2, 2), ...sample.randint(0, 9, 3)],
    [same.random(), ...same.randn(2), ...same.uniform(1, 2, 2), ...same.randint(0, 9, 3)],
  );
  const other = new SampleRandom(0, 0, 0);
  other.key = sample.key;
  assert.equal(other.permutation(9), same.permutation(9));
});

test.run();
