/** The parts of batches that ranks take. The numbers are by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DataLoader, type Sampler } from '../../src/data/index.js';
import { DistributedSampler, ProcessGroup } from '../../src/distributed/index.js';

const test = suite('DistributedSampler');

/** A rank of several, as far as a sampler knows it. */
const rankOf = (rank: number, size: number): ProcessGroup =>
  Object.defineProperties(new ProcessGroup(null), { rank: { value: rank }, size: { value: size } });

const epoch = async (loader: DataLoader<number>): Promise<number[][]> => {
  const all: number[][] = [];
  for await (const [batch] of loader as unknown as AsyncIterable<[{ data(): Promise<Float32Array> }]>)
    all.push([...(await batch.data())]);
  return all;
};
const items = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const parts = (count: number, batchSize: number, size: number, last: 'pad' | 'cut'): Promise<number[][][]> =>
  Promise.all(
    items(size).map((rank) =>
      epoch(
        new DataLoader(
          items(count).map((i) => [i] as unknown as number),
          { batchSize, seed: 1, sampler: new DistributedSampler(rankOf(rank, size), { last }) },
        ),
      ),
    ),
  );

test('each rank takes its part of every batch, in order', async () => {
  assert.equal(await parts(8, 4, 2, 'pad'), [
    [
      [0, 1],
      [4, 5],
    ],
    [
      [2, 3],
      [6, 7],
    ],
  ]);
});

test('a last batch is padded from the beginning, or cut', async () => {
  assert.equal(
    (await parts(7, 4, 2, 'pad')).map((batches) => batches[1]),
    [
      [4, 5],
      [6, 0],
    ],
  );
  assert.equal(
    (await parts(7, 4, 2, 'cut')).map((batches) => batches[1]),
    [[4], [5]],
  );
  // One item is left over, which is not enough for two ranks.
  assert.equal(
    (await parts(5, 4, 2, 'cut')).map((batches) => batches.length),
    [1, 1],
  );
});

test('all ranks together have the shuffled batches of one process, anew in each epoch', async () => {
  const loader = (sampler?: Sampler) =>
    new DataLoader(
      items(12).map((i) => [i] as unknown as number),
      { batchSize: 4, shuffle: true, seed: 9, ...(sampler && { sampler }) },
    );
  const whole = loader();
  const ranks = [loader(new DistributedSampler(rankOf(0, 2))), loader(new DistributedSampler(rankOf(1, 2)))];
  const orders: string[] = [];
  for (let i = 0; i < 3; i++) {
    const expected = await epoch(whole);
    const [first = [], second = []] = await Promise.all(ranks.map(epoch));
    assert.equal(
      first.map((part, batch) => [...part, ...(second[batch] ?? [])]),
      expected,
    );
    orders.push(String(expected));
  }
  assert.is(new Set(orders).size, 3);
});

test('a position that one number of ranks saved goes on with another', async () => {
  const loader = (rank: number, size: number) =>
    new DataLoader(
      items(12).map((i) => [i] as unknown as number),
      { batchSize: 4, shuffle: true, seed: 9, sampler: new DistributedSampler(rankOf(rank, size)) },
    );
  const saved = loader(1, 2);
  for await (const _ of saved) break;
  const [alone, other] = [loader(0, 1), loader(3, 4)];
  alone.loadStateDict(saved.stateDict());
  other.loadStateDict(saved.stateDict());
  const [rest, last] = [await epoch(alone), await epoch(other)];
  assert.is(rest.length, 2);
  assert.equal(
    last,
    rest.map((batch) => batch.slice(3)),
  );
});

test('sizes that do not fit are refused', () => {
  const sampler = (last?: 'cut') => new DistributedSampler(rankOf(0, 4), { last });
  const make = (count: number, batchSize: number, options: object) => () =>
    new DataLoader(items(count), { batchSize, ...options });
  assert.throws(make(8, 6, { sampler: sampler() }), /batchSize must divide by the number of ranks; got batchSize=6, 4/);
  assert.throws(make(3, 4, { sampler: sampler('cut') }), /each rank must get an item; got 3 items, 4 ranks/);
  assert.throws(make(8, 4, { sampler: sampler(), dropLast: true }), /a sampler takes the place of dropLast/);
  assert.throws(make(8, 4, { sampler: {} }), /^DataLoader: sampler's batches must be a function/);
  assert.throws(
    () => new DataLoader(new Set([1, 2]), { batchSize: 2, sampler: new DistributedSampler(rankOf(0, 1)) }),
    /a sampler needs a data set with indices/,
  );
});

test.run();
