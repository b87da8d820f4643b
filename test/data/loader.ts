/** DataLoader: batches, order, position, prefetching, errors. Not here: data sets (dataset.ts). */
import { setTimeout as wait } from 'node:timers/promises';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  arrayDataset,
  DataLoader,
  type DataLoaderOptions,
  type Dataset,
  type HostArray,
  type LoaderState,
  mapDataset,
} from '../../src/data/index.js';
import { device, GraphError, manualSeed, Tensor } from '../../src/index.js';

const test = suite('DataLoader');

const numbers = (length: number): Dataset<number> => ({ length, item: (index) => index });
/** All batches of one epoch, as nested arrays. */
async function epoch(loader: AsyncIterable<readonly Tensor[]>): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const batch of loader) out.push(await Promise.all(batch.map((t) => t.array())));
  return out;
}
const flat = async (loader: AsyncIterable<readonly Tensor[]>): Promise<number[]> =>
  (await epoch(loader)).flat(2) as number[];
const message = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
};
const options = (given: object): DataLoaderOptions<never, never> => given as never;

test('arrays become tensors with a new first axis', async () => {
  const x = { data: Float32Array.from({ length: 12 }, (_, i) => i), shape: [3, 2, 2] };
  const loader = new DataLoader(arrayDataset(x, Int32Array.of(7, 8, 9), Uint8Array.of(1, 0, 1)), { batchSize: 2 });
  assert.is(loader.length, 2);
  const batches: [Tensor, Tensor, Tensor][] = [];
  for await (const batch of loader) batches.push(batch);
  assert.equal(
    batches.map((batch) => batch.map(({ shape, dtype }) => `${dtype} ${shape}`)),
    [
      ['float32 2,2,2', 'int32 2', 'bool 2'],
      ['float32 1,2,2', 'int32 1', 'bool 1'],
    ],
  );
  assert.equal(
    [...(await batches[0][0].data())],
    [0, 1, 2, 3, 4, 5, 6, 7],
    'an earlier batch keeps its values, although the memory it was put together in is used again',
  );
  assert.equal([...(await batches[1][0].data())], [8, 9, 10, 11]);
  assert.equal([...(await batches[0][1].data())], [7, 8]);
});

test('single arrays, numbers, tuples and objects', async () => {
  const one: HostArray = { data: Float64Array.of(0.1, 2), shape: [2] };
  const [array] = (await new DataLoader([one, one], { batchSize: 2 })[Symbol.asyncIterator]().next()).value as [Tensor];
  assert.equal([array.dtype, array.shape], ['float32', [2, 2]]);
  const [number] = (await new DataLoader([3, 4.5], { batchSize: 2 })[Symbol.asyncIterator]().next()).value as [Tensor];
  assert.equal([number.dtype, await number.array()], ['float32', [3, 4.5]]);
  const items = [1, 2].map((n) => ({ image: one, rest: [n, { deep: n * 10 }] as const }));
  for await (const batch of new DataLoader(items, { batchSize: 2 })) {
    assert.equal(batch.image.shape, [2, 2]);
    const [n, { deep }] = batch.rest;
    assert.equal(
      [await n.array(), await deep.array()],
      [
        [1, 2],
        [10, 20],
      ],
    );
  }
});

test('every item once, in batches of the right size', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        length: fc.integer({ min: 1, max: 30 }),
        batchSize: fc.integer({ min: 1, max: 12 }),
        shuffle: fc.boolean(),
        dropLast: fc.boolean(),
        prefetch: fc.nat(3),
      }),
      async ({ length, ...rest }) => {
        if (rest.dropLast && length < rest.batchSize) return;
        const loader = new DataLoader(numbers(length), rest);
        const sizes = (await epoch(loader)).map((batch) => (batch as number[][])[0].length);
        const count = rest.dropLast ? Math.floor(length / rest.batchSize) : Math.ceil(length / rest.batchSize);
        assert.is(sizes.length, count);
        assert.is(loader.length, count);
        const items = await flat(loader);
        assert.is(new Set(items).size, items.length);
        assert.is(items.length, rest.dropLast ? count * rest.batchSize : length);
        if (!rest.shuffle) assert.ok(items.every((n, i) => n === i));
      },
    ),
    { numRuns: 60 },
  );
});

test('each epoch has a new order, which the seed determines', async () => {
  const orders = async (seed: number) => {
    const loader = new DataLoader(numbers(20), { batchSize: 8, shuffle: true, seed });
    return [await flat(loader), await flat(loader)];
  };
  const [first, second] = await orders(3);
  assert.equal(await orders(3), [first, second]);
  assert.not.equal(first, second);
  assert.not.equal((await orders(4))[0], first);
});

test('manualSeed governs a loader without a seed', async () => {
  const order = async () => flat(new DataLoader(numbers(20), { batchSize: 8, shuffle: true }));
  manualSeed(1);
  const first = await order();
  const second = await order();
  manualSeed(1);
  assert.equal(await order(), first);
  assert.not.equal(second, first);
});

const noisy = (length: number): Dataset<HostArray> =>
  mapDataset(numbers(length), (item, random) => ({ data: Float32Array.of(item, random.random()), shape: [2] }));

test('random transforms are the same whatever is prefetched, and new in each epoch', async () => {
  const bits = async (prefetch: number) => {
    const loader = new DataLoader(noisy(10), { batchSize: 3, shuffle: true, seed: 5, prefetch });
    return [await epoch(loader), await epoch(loader)];
  };
  const first = await bits(0);
  assert.equal(await bits(1), first);
  assert.equal(await bits(5), first);
  const drawn = (all: unknown) => JSON.stringify(all).match(/0\.\d+/g) as string[];
  assert.is(new Set(drawn(first)).size, 20, 'twenty different draws in two epochs of ten');
});

test('a loaded state continues with the same batches, and loads no item before', async () => {
  for (let stop = 0; stop <= 8; stop++) {
    const whole = new DataLoader(noisy(10), { batchSize: 3, shuffle: true, seed: 5 });
    const expected = [...(await epoch(whole)), ...(await epoch(whole))];
    const loader = new DataLoader(noisy(10), { batchSize: 3, shuffle: true, seed: 5 });
    let state: LoaderState = loader.stateDict();
    const seen: unknown[] = [];
    while (seen.length < stop)
      for await (const [batch] of loader) {
        seen.push([await batch.array()]);
        state = JSON.parse(JSON.stringify(loader.stateDict()));
        if (seen.length === stop) break;
      }
    const asked: number[] = [];
    const source = noisy(10);
    const counting: typeof source = {
      length: 10,
      item(index, random) {
        asked.push(index);
        return source.item(index, random);
      },
    };
    const resumed = new DataLoader(counting, { batchSize: 3, shuffle: true, seed: 99 });
    resumed.loadStateDict(state);
    assert.equal(resumed.stateDict(), state);
    while (seen.length < 8) seen.push(...(await epoch(resumed)));
    assert.equal(seen, expected, `stopped after ${stop}`);
    assert.is(asked.length, expected.slice(stop).flat(2).length, 'only what was left is loaded');
  }
});

test('the state is the position', async () => {
  const loader = new DataLoader(numbers(5), { batchSize: 2, seed: 7 });
  const states: string[] = [];
  const note = () => states.push(Object.values(loader.stateDict()).join());
  note();
  for await (const _ of loader) note();
  note();
  for await (const _ of loader) {
    note();
    break;
  }
  note();
  for await (const _ of loader) note();
  // seed, epoch and batches handed out. Leaving an epoch early ends it when the next one begins.
  assert.equal(states, [
    '7,0,0',
    ...['7,0,1', '7,0,2', '7,0,3', '7,1,0'],
    ...['7,1,1', '7,1,1'],
    ...['7,2,1', '7,2,2', '7,2,3'],
  ]);
});

test('after the last batch of an epoch nothing is left of it', async () => {
  const loader = new DataLoader(numbers(4), { batchSize: 2, seed: 7 });
  loader.loadStateDict({ seed: 7, epoch: 3, batch: 2 });
  assert.equal(await epoch(loader), []);
  assert.equal(loader.stateDict(), { seed: 7, epoch: 4, batch: 0 });
  assert.is((await epoch(loader)).length, 2);
});

test('a state of something else is refused', async () => {
  const loader = new DataLoader(numbers(4), { batchSize: 2, seed: 7 });
  const loading = (state: unknown) => message(() => loader.loadStateDict(state as LoaderState));
  assert.is(
    await loading({ seed: 7, epoch: 0, batch: 3 }),
    'DataLoader.loadStateDict: batch must be whole and in [0, 2]; got batch=3',
  );
  assert.match(await loading({ seed: -1, epoch: 0, batch: 0 }), /^DataLoader.loadStateDict: seed must be whole/);
  assert.match(await loading({ seed: 1, epoch: 0 }), /batch must be whole and in \[0, 2\]; got batch=undefined$/);
  assert.match(await loading({ seed: 1, epoch: 0, batch: 0, step: 1 }), /options are seed, epoch, batch; got step=1/);
  for await (const _ of loader)
    assert.match(await loading({ seed: 1, epoch: 0, batch: 0 }), /^DataLoader.loadStateDict: only one iteration/);
  assert.equal(loader.stateDict(), { seed: 7, epoch: 1, batch: 0 });
});

test('the next batch is requested before the current one is handed out', async () => {
  const asked: number[] = [];
  const dataset: Dataset<number> = {
    length: 8,
    async item(index) {
      asked.push(index);
      await wait(1);
      return index;
    },
  };
  for (const prefetch of [0, 1, 2]) {
    asked.length = 0;
    const counts: number[] = [];
    for await (const _ of new DataLoader(dataset, { batchSize: 2, prefetch })) counts.push(asked.length);
    assert.equal(
      counts,
      [1, 2, 3, 4].map((n) => Math.min(n + prefetch, 4) * 2),
    );
  }
});

/** Runs work and returns the unhandled rejections that it left. */
async function unhandled(work: () => Promise<unknown>): Promise<unknown[]> {
  const seen: unknown[] = [];
  const note = (reason: unknown) => seen.push(reason);
  process.on('unhandledRejection', note);
  await work();
  await wait(20);
  process.off('unhandledRejection', note);
  return seen;
}

for (const isAsync of [false, true])
  test(`an error of ${isAsync ? 'an async' : 'a'} item is thrown at its batch`, async () => {
    const fail = (index: number): number => {
      if (index === 5) throw new Error('item 5 is bad');
      return index;
    };
    const dataset: Dataset<number> = { length: 8, item: isAsync ? async (index) => fail(index) : fail };
    const seen: number[][] = [];
    const left = await unhandled(async () => {
      const loader = new DataLoader(dataset, { batchSize: 2, prefetch: 3, seed: 1 });
      const error = await message(async () => {
        for await (const [batch] of loader) {
          await wait(5);
          seen.push((await batch.array()) as number[]);
        }
      });
      assert.is(error, 'item 5 is bad');
      assert.equal(loader.stateDict(), { seed: 1, epoch: 0, batch: 2 });
    });
    assert.equal(seen, [
      [0, 1],
      [2, 3],
    ]);
    assert.equal(left, []);
  });

test('leaving early drops the errors of later batches', async () => {
  const dataset: Dataset<number> = {
    length: 8,
    async item(index) {
      await wait(2);
      if (index > 1) throw new Error(`item ${index} is bad`);
      return index;
    },
  };
  const left = await unhandled(async () => {
    for await (const _ of new DataLoader(dataset, { batchSize: 2, prefetch: 2 })) break;
  });
  assert.equal(left, []);
});

test('differing shapes are refused, with the items’ indices', async () => {
  const image = (height: number, channels = 3): HostArray => ({
    data: new Float32Array(height * 4 * channels),
    shape: [height, 4, channels],
  });
  const label = { data: Int32Array.of(1), shape: [] };
  const first = async (items: unknown[], shuffle = false) =>
    message(async () => {
      for await (const _ of new DataLoader(items as HostArray[], { batchSize: 4, shuffle, seed: 2 }));
    });
  assert.is(
    await first([
      [image(4), label],
      [image(5), label],
    ]),
    'DataLoader: items of a batch must have the same shape; got [4,4,3] in item 0[0], [5,4,3] in item 1[0]; ' +
      'add a crop or resize: mapDataset(dataset, transforms.resize(64)), or transforms.randomCrop(64)',
  );
  assert.is(
    await first([image(4), image(4, 1)]),
    'DataLoader: items of a batch must have the same shape; got [4,4,3] in item 0, [4,4,1] in item 1; ' +
      'give all images the same channels: imageFolder(…, { channels: 3 })',
  );
  assert.match(await first([...Array(3).fill(image(4)), image(7)], true), /\[7,4,3\] in item 3|\[7,4,3\] in item 3,/);
  const series = (length: number): HostArray => ({ data: new Float32Array(length), shape: [length] });
  assert.is(
    await first([series(3), series(4)]),
    'DataLoader: items of a batch must have the same shape; got [3] in item 0, [4] in item 1',
  );
});

test('items of another form are refused', async () => {
  const of = async (...items: unknown[]) =>
    message(async () => {
      for await (const _ of new DataLoader(items as number[], { batchSize: 4 }));
    });
  assert.is(
    await of('a'),
    "DataLoader: an item must be a { data, shape }, a number, or a tuple or plain object of these; got item 0='a'; " +
      'pass collate for items of another form',
  );
  assert.is(
    await of(1, [1]),
    'DataLoader: items of a batch must have the same form; got 1 in item 0, a tuple of 1 in item 1',
  );
  assert.is(
    await of({ a: 1 }, { b: 1 }),
    'DataLoader: items of a batch must have the same form; got an object {a} in item 0, an object {b} in item 1',
  );
  const array = (data: HostArray['data'], shape = [data.length]): HostArray => ({ data, shape });
  assert.is(
    await of(array(new Float32Array(2)), array(new Int32Array(2))),
    'DataLoader: items of a batch must have the same form; got Float32Array [2] in item 0, Int32Array [2] in item 1',
  );
  assert.is(
    await of(array(new Float32Array(2)), array(new Float32Array(3), [2])),
    'DataLoader: data of item 1 must have as many elements as its shape; got 3 elements, shape=[2]',
  );
  assert.is(
    await of([1, array(Uint8Array.of(0, 1))], [2, array(Uint8Array.of(1, 200))]),
    'DataLoader: a Uint8Array holds booleans, 0 or 1; got 200 in item 1[1]; ' +
      'write other numbers as Float32Array.from(bytes, (byte) => byte / 255), or as Int32Array',
  );
});

test('a collate function makes batches of anything', async () => {
  const loader = new DataLoader(['a', 'b', 'c'], { batchSize: 2, collate: (items: string[]) => items.join('+') });
  const seen: string[] = [];
  for await (const batch of loader) seen.push(batch);
  assert.equal(seen, ['a+b', 'c']);
  const later = new DataLoader([1, 2], { batchSize: 2, collate: async (items) => items.length });
  for await (const batch of later) assert.is(batch, 2);
});

test('batches go to the given device', async () => {
  const reference = await device('reference');
  for await (const [batch] of new DataLoader([1, 2], { batchSize: 2, device: reference }))
    assert.is(batch.device, reference);
});

async function* count(to: number, log: string[] = []): AsyncGenerator<number> {
  try {
    for (let i = 0; i < to; i++) {
      log.push(`${i}`);
      yield i;
    }
  } finally {
    log.push('closed');
  }
}

test('an iterable is read in its order', async () => {
  const anew = { [Symbol.asyncIterator]: () => count(5) };
  const loader = new DataLoader(anew, { batchSize: 2 });
  assert.is(loader.length, undefined);
  const expected = [[[0, 1]], [[2, 3]], [[4]]];
  assert.equal(await epoch(loader), expected);
  assert.equal(await epoch(loader), expected, 'a second epoch begins anew');
  assert.equal(await epoch(new DataLoader(anew, { batchSize: 2, dropLast: true })), expected.slice(0, 2));
  assert.equal(await epoch(new DataLoader(new Set([1, 2, 3]), { batchSize: 2, prefetch: 0 })), [[[1, 2]], [[3]]]);
  loader.loadStateDict({ seed: 1, epoch: 2, batch: 1 });
  assert.equal(await epoch(loader), expected.slice(1));
});

test('an iterable is closed when its epoch is left', async () => {
  const log: string[] = [];
  for await (const _ of new DataLoader(count(50, log), { batchSize: 2 })) break;
  assert.is(log.at(-1), 'closed');
  assert.ok(log.length < 8, log.join());
});

test('an iterable is closed before the epoch ends, and its error is not lost', async () => {
  let closed = false;
  async function* slow(): AsyncGenerator<number> {
    try {
      yield* [1, 2, 3];
    } finally {
      await wait(5);
      closed = true;
      // biome-ignore lint/correctness/noUnsafeFinally: an error of closing is what is tested
      throw new Error('the tape is stuck');
    }
  }
  const error = await message(async () => {
    for await (const _ of new DataLoader(slow(), { batchSize: 1, prefetch: 0 })) break;
  });
  assert.equal([error, closed], ['the tape is stuck', true]);
});

test('an iterable that hangs does not keep an epoch from being left', async () => {
  async function* stuck(): AsyncGenerator<number> {
    yield 1;
    await new Promise(() => {});
  }
  for await (const _ of new DataLoader(stuck(), { batchSize: 1 })) break;
});

test('an iterable’s error is thrown at its batch', async () => {
  async function* failing(): AsyncGenerator<number> {
    yield* [0, 1, 2];
    throw new Error('the end of the tape');
  }
  const seen: unknown[] = [];
  const left = await unhandled(async () => {
    const loader = new DataLoader(failing(), { batchSize: 2, prefetch: 3 });
    assert.is(
      await message(async () => {
        for await (const [batch] of loader) {
          await wait(5);
          seen.push(await batch.array());
        }
      }),
      'the end of the tape',
    );
  });
  assert.equal([seen, left], [[[0, 1]], []]);
});

test('an iterator that cannot begin anew gives one epoch', async () => {
  const loader = new DataLoader(count(2), { batchSize: 2 });
  await epoch(loader);
  assert.is(
    await message(() => epoch(loader)),
    'DataLoader: a second epoch needs an iterable that can begin anew; got an iterator, which has been read; ' +
      'pass { [Symbol.asyncIterator]: () => read() }, where read is the generator function',
  );
});

test('two iterations at once are refused, and one after the other is not', async () => {
  const loader = new DataLoader(numbers(4), { batchSize: 2 });
  for await (const _ of loader)
    assert.is(
      await message(() => epoch(loader)),
      'DataLoader: only one iteration may run at a time; got one that has not ended; ' +
        'end it by break or its return(), or make a second DataLoader',
    );
  const peek = loader[Symbol.asyncIterator]();
  await peek.next();
  await peek.return();
  assert.is((await epoch(loader)).length, 2);
});

test('bad arguments are refused at the call', async () => {
  const made = (dataset: unknown, given: object) =>
    message(() => new DataLoader(dataset as Dataset<never>, options(given)));
  const two = numbers(2);
  assert.is(
    await made(two, { batchSize: 0 }),
    'DataLoader: batchSize must be whole and in [1, 2147483647]; got batchSize=0',
  );
  assert.is(
    await made(two, { batchSize: 1, prefetch: -1 }),
    'DataLoader: prefetch must be whole and in [0, 1024]; got prefetch=-1',
  );
  assert.match(await made(two, { batchSize: 1, drop_last: true }), /did you mean dropLast\?$/);
  assert.match(await made(two, { batchSize: 1, shuffle: 1 }), /shuffle must be true or false; got shuffle=1/);
  assert.match(await made(two, { batchSize: 1, seed: 1.5 }), /seed must be whole and in \[0, 4294967295\]/);
  assert.match(await made(two, { batchSize: 1, collate: 1 }), /collate must be a function; got collate=1/);
  assert.match(await made(two, { batchSize: 1, device: 'wasm' }), /^DataLoader: a device is needed/);
  assert.is(
    await made(two, { batchSize: 3, dropLast: true }),
    'DataLoader: with dropLast, a data set must fill a batch; got 2 items, batchSize=3',
  );
  assert.is(await made([], { batchSize: 3 }), 'DataLoader: a data set must have an item; got length=0');
  assert.match(await made('abc', { batchSize: 1 }), /dataset must be a data set, or an iterable of items; got/);
  assert.match(await made(Promise.resolve(two), { batchSize: 1 }), /; await it first$/);
  assert.match(await made({ length: -1, item() {} }, { batchSize: 1 }), /length of dataset must be whole and in/);
  assert.is(
    await made(new Set([1]), { batchSize: 1, shuffle: true }),
    'DataLoader: shuffle needs a data set with indices; got shuffle=true for a Set; ' +
      'collect the items in an array first, or shuffle where they are made',
  );
});

test('batches are the caller’s: they are not released by the loader', async () => {
  const kept: Tensor[] = [];
  for await (const [batch] of new DataLoader(numbers(6), { batchSize: 2 })) kept.push(batch);
  for (const t of kept) {
    assert.instance(t, Tensor);
    assert.is(t.released, false);
    t.release();
    assert.throws(
      () => t.dataSync(),
      (e: unknown) => e instanceof GraphError,
    );
  }
});

test.run();
