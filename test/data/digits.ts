import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DataLoader, digits as digitSets, loadDigits } from '../../src/data/index.js';
import { FormatError, ValueError } from '../../src/errors.js';

const digits = suite('digits');
const pixels = 784;

digits('balanced, in range, and the same on every call', async () => {
  const a = await loadDigits({ train: 200, test: 50 });
  assert.equal([a.height, a.width, a.train.count, a.test.count], [28, 28, 200, 50]);
  assert.is(a.train.images.length, 200 * pixels);
  for (let digit = 0; digit < 10; digit++) {
    assert.is(a.train.labels.filter((l) => l === digit).length, 20);
    assert.is(a.test.labels.filter((l) => l === digit).length, 5);
  }
  assert.ok(a.train.images.every((v) => v >= 0 && v <= 1));
  assert.ok(a.train.images.some((v) => v > 0.9));
  assert.equal((await loadDigits({ train: 200, test: 50 })).train, a.train);
});

digits('held-out digits are in no training set, and do not change with its size', async () => {
  const large = await loadDigits({ train: 8400, test: 200 });
  const small = await loadDigits({ train: 13, test: 200 });
  assert.equal(small.test, large.test);
  assert.equal(small.train.images, large.train.images.subarray(0, 13 * pixels));
  const key = (images: Float32Array, i: number) => images.subarray(i * pixels, (i + 1) * pixels).join();
  const seen = new Set(Array.from({ length: 8400 }, (_, i) => key(large.train.images, i)));
  for (let i = 0; i < 200; i++) assert.not(seen.has(key(large.test.images, i)));
});

digits('a handful of digits, or none', async () => {
  assert.equal([...(await loadDigits({ train: 3, test: 1 })).train.labels], [0, 1, 2]);
  assert.is((await loadDigits({ train: 0, test: 0 })).train.count, 0);
});

digits('as data sets', async () => {
  const { train, test } = await digitSets({ train: 30, test: 10 });
  assert.equal([train.length, test.length], [30, 10]);
  const sets = await loadDigits({ train: 30, test: 10 });
  for await (const [images, labels] of new DataLoader(test, { batchSize: 10 })) {
    assert.equal([images.shape, images.dtype, labels.dtype], [[10, 28, 28, 1], 'float32', 'int32']);
    assert.equal(await images.data(), sets.test.images);
    assert.equal(await labels.data(), sets.test.labels);
  }
  try {
    await digitSets({ train: -1, test: 0 });
    assert.unreachable();
  } catch (error) {
    assert.is((error as Error).message, 'digits: counts must be whole and not negative; got train=-1, test=0');
  }
});

digits('more than there are is refused', async () => {
  const refused = async (counts: { train: number; test: number }, message: RegExp) => {
    try {
      await loadDigits(counts);
    } catch (error) {
      assert.instance(error, ValueError);
      assert.match((error as Error).message, message);
      assert.not.instance(error, FormatError);
      return;
    }
    assert.unreachable();
  };
  await refused(
    { train: 20000, test: 10 },
    /^loadDigits: there are \d+ images of digit 0; got train=20000, test=10; 2001 would be needed$/,
  );
  await refused({ train: 1.5, test: 0 }, /^loadDigits: counts must be whole and not negative; got train=1.5, test=0$/);
});

digits.run();
