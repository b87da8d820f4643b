/** Dropout of a process that has a part of each batch. Several processes for real: test/mpi. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { dropout, dropout2d, FastRandom, manualSeed, ones, type Tensor } from '../../src/index.js';
import { setBatchPart } from '../../src/values/batch-part.js';

const test = suite('masks of parts of a batch');
const alone = { rank: 0, size: 1 };
test.after.each(() => setBatchPart(alone));

/** What a process draws for some samples of [2,3,2]: a mask, and one of whole channels. */
function drawn(part: typeof alone, samples: number): [Tensor, Tensor] {
  setBatchPart(part);
  manualSeed(3);
  const x = ones([samples, 2, 3, 2]);
  const random = new FastRandom(4);
  return [dropout(x, { rate: 0.5 }), dropout2d(x, { rate: 0.5, random })];
}

test('a sample has the same mask in a part and in the whole batch', () => {
  const whole = drawn(alone, 6).map((mask) => mask.dataSync());
  for (let rank = 0; rank < 3; rank++)
    drawn({ rank, size: 3 }, 2).forEach((mask, i) => {
      // Two samples of 2·3·2 numbers.
      assert.equal(mask.dataSync(), whole[i].slice(24 * rank, 24 * (rank + 1)), `rank ${rank}, mask ${i}`);
    });
});

test('all ranks go on with the same random numbers', () => {
  const next = (part: typeof alone, samples: number): unknown => {
    drawn(part, samples);
    setBatchPart(alone);
    return dropout(ones([50]), { rate: 0.5 }).dataSync();
  };
  const want = next(alone, 6);
  for (let rank = 0; rank < 3; rank++) assert.equal(next({ rank, size: 3 }, 2), want, `rank ${rank}`);
});

test.run();
