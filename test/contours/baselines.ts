/** Sobel's and Canny's contours of steps between two greys. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { canny, sobel } from '../../examples/contours/baselines.js';
import { RandomState, ShapeError, ValueError } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('contours/baselines');

/** An image from the colour of each pixel. */
const imageOf = (height: number, width: number, color: (y: number, x: number) => number[]) => ({
  data: Float32Array.from(
    Array.from({ length: height * width }, (_, i) => color(Math.floor(i / width), i % width)).flat(),
  ),
  shape: [height, width, 3],
});
const grey = (v: number): number[] => [v, v, v];

/**
 * The gradient on both sides of a step of height 1 after the blur: the blurred step's difference
 * over two pixels is the sum of the Gaussian's weights at 0 and 1.
 */
const stepOf = (sigma: number): number => {
  const r = Math.ceil(3 * sigma);
  const weight = (i: number): number => (Math.abs(i) > r ? 0 : Math.exp(-(i ** 2) / (2 * sigma ** 2)));
  let sum = 0;
  for (let i = -r; i <= r; i++) sum += weight(i);
  return (weight(0) + weight(1)) / sum;
};

test('sobel: both pixels at a step have the root of its gradient, and others 0', () => {
  for (const sigma of [Math.SQRT2, 0.7]) {
    const columns = sobel(
      imageOf(24, 32, (_, x) => grey(x < 16 ? 0.2 : 0.7)),
      { sigma },
    );
    const rows = sobel(
      imageOf(32, 24, (y) => grey(y < 16 ? 0.7 : 0.2)),
      { sigma },
    );
    const want = Math.sqrt(0.5 * stepOf(sigma));
    for (let i = 0; i < 32; i++) {
      const expected = i === 15 || i === 16 ? want : 0;
      closeTo([columns.data[12 * 32 + i], rows.data[i * 24 + 12]], [expected, expected], 1e-6, `place ${i}`);
    }
  }
  const { height, width } = sobel(imageOf(3, 4, () => grey(1)));
  assert.equal([height, width], [3, 4]);
});

test('grey is the luma, and an even image has no contours', () => {
  const green = sobel(
    imageOf(24, 32, (_, x) => [0.5, x < 16 ? 0 : 1, 0.5]),
    { border: 0 },
  );
  closeTo([green.data[12 * 32 + 15]], [Math.sqrt(0.587 * stepOf(Math.SQRT2))], 1e-4);
  const even = imageOf(9, 11, () => [0.25, 0.5, 1]);
  assert.ok(sobel(even).data.every((v) => v < 1e-3));
  assert.ok(canny(even).data.every((v) => v === 0));
});

/** The highest of 0.01 … 0.99 that is at most the root of `high`. */
const levelOf = (high: number): number => Math.fround(Math.floor(100 * Math.sqrt(high)) / 100);

test('canny: a step is a line of one pixel, at the highest level that its gradient reaches', () => {
  const { data } = canny(imageOf(24, 32, (_, x) => grey(x < 16 ? 0.2 : 0.7)));
  const level = levelOf(0.5 * stepOf(Math.SQRT2));
  for (let y = 0; y < 24; y++) {
    const row = [...data.subarray(y * 32, y * 32 + 32)];
    assert.equal(
      row.filter((v) => v > 0),
      [level],
      `row ${y}`,
    );
    assert.ok(row[15] > 0 || row[16] > 0);
  }
});

test('canny: a weak line needs a strong one that it is connected with', () => {
  // Below row 12 the grey falls from 0.5 to `end` between the columns 40 and 80.
  const ramp = (start: number, end: number) => (y: number, x: number) =>
    grey(y < 12 ? 0 : start + (end - start) * Math.min(Math.max((x - 40) / 40, 0), 1));
  const lineAt = (color: (y: number, x: number) => number[], x: number): number => {
    const { data } = canny(imageOf(24, 120, color));
    return Math.max(...[10, 11, 12, 13].map((y) => data[y * 120 + x]));
  };
  const step = stepOf(Math.SQRT2);
  // Alone it has its own gradient.
  assert.is(
    lineAt(() => grey(0), 110),
    0,
  );
  assert.is(lineAt(ramp(0.15, 0.15), 110), levelOf(0.15 * step));
  // Its gradient is at least 0.4·high for high up to 0.15 / 0.4 = 0.375, and the strong line has
  // 0.5.
  assert.is(lineAt(ramp(0.5, 0.15), 110), levelOf(0.375 * step));
  assert.is(lineAt(ramp(0.5, 0.15), 10), levelOf(0.5 * step));
  // Here 0.25 / 0.4 = 0.625 is more than the strong line has.
  assert.is(lineAt(ramp(0.5, 0.25), 110), levelOf(0.5 * step));
  // A gap of thirty columns without a step separates it from the strong line.
  const gap = (y: number, x: number): number[] => grey(y < 12 ? 0 : x < 40 ? 0.5 : x < 70 ? 0 : 0.15);
  assert.is(lineAt(gap, 110), levelOf(0.15 * step));
});

test('canny: lower levels have the contours of higher ones, and levels can be chosen', () => {
  const values = new RandomState(2).rand(30 * 40);
  const noise = imageOf(30, 40, (y, x) => grey(values[y * 40 + x]));
  const all = canny(noise, { sigma: 1 }).data;
  const some = canny(noise, { sigma: 1, levels: [0.2, 0.4] }).data;
  assert.ok(some.some((v) => v === Math.fround(0.2)) && some.some((v) => v === Math.fround(0.4)));
  const lower = (v: number): number => (v >= Math.fround(0.4) ? 0.4 : v >= Math.fround(0.2) ? 0.2 : 0);
  assert.equal(some, all.map(lower));
});

test('bad arguments are errors', () => {
  const image = imageOf(2, 2, () => grey(0));
  const refuses = (run: () => unknown, kind: typeof ValueError | typeof ShapeError, message: string) =>
    assert.throws(run, (e: Error) => e instanceof kind && e.message === message);
  refuses(
    () => sobel({ data: new Float32Array(4), shape: [2, 2, 1] }),
    ShapeError,
    'sobel: the image must have the shape [height,width,3]; got [2,2,1]',
  );
  refuses(() => canny(image, { sigma: 0 }), ValueError, 'canny: sigma must be above 0 and at most 20; got sigma=0');
  refuses(
    () => canny(image, { levels: [0.5, 0.4] }),
    ValueError,
    'canny: levels must rise, be above 0 and at most 1; got levels[1]=0.4',
  );
  refuses(
    () => sobel(imageOf(2, 2, () => grey(2))),
    ValueError,
    'sobel: the image must be in 0 … 1; got element 0 is 2',
  );
});

test.run();
