/** What the page shows of pools and unpools, and its pictures. Numbers are worked out by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buffersIn, pictureOf, picturesOf, rangeOf } from '../../examples/web/worker/pictures.js';
import { levelsOf, readLevels, watchPools } from '../../examples/web/worker/pools.js';
import {
  MaxPool2d,
  MaxUnpool2d,
  Module,
  noGrad,
  type PoolIndices,
  poolIndices,
  type Tensor,
  tensor,
  UnpoolLike,
} from '../../src/index.js';

const test = suite('web/pools');

const black = pictureOf([0], { height: 1, width: 1, channels: 1, range: [0, 1] });
const greys = ({ pixels }: { pixels: ArrayLike<number> }) => Array.from(pixels).filter((_, i) => i % 4 === 0);

/** Pools, adds 1 to the values, and unpools. */
class PoolAndBack extends Module {
  pool: MaxPool2d;
  unpool: Module & { forward(x: Tensor, indices: PoolIndices): Tensor };
  constructor(pool: MaxPool2d, likePool: boolean) {
    super();
    this.pool = pool;
    this.unpool = likePool ? new UnpoolLike(pool) : new MaxUnpool2d();
  }
  forward(x: Tensor): Tensor {
    const [values, indices] = this.pool.forward(x);
    return this.unpool.forward(values.add(1), indices);
  }
}

// Two pictures of 2 × 4 with two channels. Picture 1, channel 0 is 0 1 9 2 / 5 3 4 8. Its windows
// of 2 × 2 have the maxima 5 at row 1, column 0 and 9 at row 0, column 2.
const channel = [0, 1, 9, 2, 5, 3, 4, 8];
const images = new Float32Array(32);
channel.forEach((value, i) => void (images[16 + 2 * i] = value));

for (const likePool of [false, true])
  test(`indices, values and unpooled values of ${likePool ? 'UnpoolLike' : 'MaxUnpool2d'} are right`, async () => {
    const model = new PoolAndBack(new MaxPool2d(2), likePool);
    const x = tensor(images, { shape: [2, 2, 4, 2] });
    const levels = noGrad(() => {
      const { passes } = watchPools(model, () => model.forward(x));
      return levelsOf(passes, 1, 0);
    });
    const [level] = await readLevels(levels, () => black);
    assert.equal([level.title, level.index, level.channel, level.pictures, level.channels], ['pool 1', 1, 0, 2, 2]);
    assert.equal([level.height, level.width, level.rows, level.columns], [2, 4, 1, 2]);
    assert.equal(
      [level.kernelSize, level.stride, level.padding],
      [
        [2, 2],
        [2, 2],
        [0, 0],
      ],
    );
    // Row 1, column 0 of 4 columns is 4, and row 0, column 2 is 2.
    assert.equal([...level.indices], [4, 2]);
    // 0 … 9 become 0 … 255: 1 is 28.3, 2 is 56.7, 3 is 85, 4 is 113.3, 5 is 141.7, 8 is 226.7.
    assert.equal(greys(level.before), [0, 28, 255, 57, 142, 85, 113, 227]);
    assert.equal(greys(level.pooled), [142, 255]);
    // 6 of 10 is 153.
    assert.equal(greys(level.unpooled), [0, 0, 255, 0, 153, 0, 0, 0]);
    // The model is as it was.
    assert.equal(Object.getOwnPropertyNames(model.pool).includes('forward'), false);
    assert.equal(Object.getOwnPropertyNames(model.unpool).includes('forward'), false);
  });

/** Two levels: 1 … 16 in 4 × 4 become 6 8 14 16, then 16, and go back. */
class Twice extends Module {
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();
  forward(x: Tensor): Tensor {
    const [h1, where1] = this.pool.forward(x);
    const [h2, where2] = this.pool.forward(h1);
    return this.unpool.forward(this.unpool.forward(h2, where2), where1);
  }
}

test('each pool has the result of its own unpool, also if layers are used twice', async () => {
  const model = new Twice();
  const x = tensor(
    Array.from({ length: 16 }, (_, i) => i + 1),
    { shape: [1, 4, 4, 1] },
  );
  const levels = await readLevels(
    noGrad(() => levelsOf(watchPools(model, () => model.forward(x)).passes, 0, 0)),
    () => black,
  );
  assert.equal(
    levels.map(({ title, height, rows, indices }) => [title, height, rows, [...indices]]),
    [
      ['pool 1', 4, 2, [5, 7, 13, 15]],
      ['pool 2', 2, 1, [3]],
    ],
  );
  assert.equal(greys(levels[0].unpooled), [...Array(15).fill(0), 255]);
  assert.equal(greys(levels[1].unpooled), [0, 0, 0, 255]);
});

test('padded windows that overlap tell where they begin', async () => {
  const model = new PoolAndBack(new MaxPool2d(3, { stride: 1, padding: [1, 0] }), false);
  const x = tensor([1, 2, 3, 4, 5, 6, 9, 8, 7], { shape: [1, 3, 3, 1] });
  const levels = noGrad(() => levelsOf(watchPools(model, () => model.forward(x)).passes, 0, 0));
  const [level] = await readLevels(levels, () => black);
  assert.equal(
    [level.kernelSize, level.stride, level.padding],
    [
      [3, 3],
      [1, 1],
      [1, 0],
    ],
  );
  // The first window sees rows 0 and 1, and the others row 2.
  assert.equal([...level.indices], [5, 6, 6]);
});

test('indices of every convention are shown as y · width + x', async () => {
  const x = tensor(images, { shape: [2, 2, 4, 2] });
  // The places 4 and 2 of picture 1, channel 0, and 0 and 2 of all others, in the ways of
  // TensorFlow, ONNX and PyTorch.
  const given = {
    tf: [0, 1, 4, 5, 8, 1, 4, 5],
    onnx: [0, 8, 2, 10, 20, 24, 18, 26],
    torch: [0, 0, 2, 2, 4, 0, 2, 2],
  } as const;
  for (const [convention, numbers] of Object.entries(given)) {
    const indices = poolIndices([...numbers], {
      shape: [2, 1, 2, 2],
      convention: convention as 'tf',
      inputShape: [2, 2, 4, 2],
      pool: { kernelSize: 2 },
    });
    const pooled = tensor(new Float32Array(8), { shape: [2, 1, 2, 2] });
    const [level] = await readLevels(levelsOf([{ before: x, pooled, indices, unpooled: x }], 1, 0), () => black);
    assert.equal([...level.indices], [4, 2], convention);
  }
});

test('a pool with fewer pictures and channels shows its last ones, and one without unpool none', async () => {
  const x = tensor(images, { shape: [2, 2, 4, 2] });
  const model = new PoolAndBack(new MaxPool2d(2), false);
  const passes = watchPools(model, () => model.forward(x)).passes;
  const [{ index, channel }] = levelsOf(passes, 7, 40);
  assert.equal([index, channel], [1, 1]);
  assert.equal(levelsOf([{ ...passes[0], unpooled: null }], 0, 0), []);
});

test('pictures are opaque, clamped, and black where there is nothing to show', async () => {
  const { width, height, pixels } = pictureOf([9, -1, 0, 1, -3, 2, 0.5], {
    height: 1,
    width: 2,
    channels: 3,
    range: [-1, 1],
    offset: 1,
  });
  assert.equal([width, height, [...pixels]], [2, 1, [0, 128, 255, 255, 0, 255, 191, 255]]);
  const constant = pictureOf([3, Number.NaN], { height: 1, width: 2, channels: 1, range: rangeOf([3, 3]) });
  assert.equal(greys(constant), [0, 0]);
  const rows = await picturesOf([
    { title: 'two', images: tensor([0, 1, 0.2, 0.4], { shape: [2, 1, 2, 1] }), range: [0, 1] },
  ]);
  assert.equal(
    rows[0].pictures.map((picture) => greys(picture)),
    [
      [0, 255],
      [51, 102],
    ],
  );
});

test('the memory of a picture that is sent twice is handed over once', () => {
  const { pixels } = black;
  assert.equal([...buffersIn({ rows: [{ a: black }, { b: [black] }], step: 3, none: null })], [pixels.buffer]);
});

test.run();
