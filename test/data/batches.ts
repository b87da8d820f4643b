import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { batches } from '../../src/data/index.js';
import { ValueError } from '../../src/errors.js';
import { RandomState } from '../../src/values/random.js';

const batching = suite('batches');

batching('every index once, in batches of the right size', () => {
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.integer({ min: 1, max: 12 }),
      fc.boolean(),
      fc.boolean(),
      (count, size, shuffle, dropLast) => {
        const all = [...batches(count, size, new RandomState(3), { shuffle, dropLast })];
        assert.equal(
          all.map((b) => b.length),
          Array.from({ length: dropLast ? Math.floor(count / size) : Math.ceil(count / size) }, (_, i) =>
            Math.min(size, count - i * size),
          ),
        );
        const flat = all.flatMap((b) => [...b]);
        assert.is(new Set(flat).size, flat.length);
        assert.ok(flat.every((i) => i >= 0 && i < count));
        if (!shuffle)
          assert.equal(
            flat,
            Array.from(flat, (_, i) => i),
          );
      },
    ),
  );
});

batching('the order is the generator’s next permutation', () => {
  const random = new RandomState(5);
  const orders = [1, 2].map(() => [...batches(10, 4, random)].flatMap((b) => [...b]));
  const same = new RandomState(5);
  assert.equal(orders, [[...same.permutation(10)], [...same.permutation(10)]]);
  [...batches(10, 4, random, { shuffle: false })];
  assert.equal(random.permutation(5), same.permutation(5));
});

batching('bad sizes are refused at the call', () => {
  const bad = (count: number, size: number, message: string) =>
    assert.throws(
      () => batches(count, size, new RandomState(0)),
      (e: unknown) => e instanceof ValueError && e.message === message,
    );
  bad(-1, 4, 'batches: count must be whole and not negative; got count=-1');
  bad(4, 0, 'batches: batchSize must be whole and positive; got batchSize=0');
});

batching.run();
