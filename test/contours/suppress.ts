/** Non-maximum suppression of maps: ridges by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { suppress } from '../../examples/contours/measures/suppress.js';
import { RandomState, ShapeError, ValueError } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('contours/suppress');

/** A map from a function of row and column. */
const mapOf = (height: number, width: number, value: (y: number, x: number) => number) => ({
  height,
  width,
  data: Float32Array.from({ length: height * width }, (_, i) => value(Math.floor(i / width), i % width)),
});

/** A ridge by the distance from its middle: 0.75, and 0.5 beside it. */
const profile = (distance: number): number => [0.75, 0.5][Math.abs(distance)] ?? 0;

test('of a ridge its middle line is left, in four directions', () => {
  const places: ((y: number, x: number) => number)[] = [
    (_, x) => x - 10,
    (y) => y - 12,
    (y, x) => y - x,
    (y, x) => y + x - 20,
  ];
  for (const [k, place] of places.entries()) {
    const map = mapOf(24, 21, (y, x) => profile(place(y, x)));
    const { height, width, data } = suppress(map, { border: 0 });
    assert.equal([height, width], [24, 21]);
    for (let y = 3; y < 18; y++)
      for (let x = 3; x < 18; x++)
        assert.is(data[y * 21 + x], place(y, x) === 0 ? 0.75 : 0, `direction ${k}, row ${y}, column ${x}`);
  }
});

test('a blur joins a ragged line', () => {
  // The line is in column 10 in even rows, and in column 11 in odd ones.
  const map = mapOf(24, 24, (y, x) => (x === 10 + (y % 2) ? 1 : 0));
  const row = (y: number): number[] => [
    ...suppress(map, { blur: 1, border: 0 }).data.subarray(y * 24 + 8, y * 24 + 14),
  ];
  // [1,2,1]/4 along columns makes both columns 0.5. Along rows it gives 0.125, 0.375, 0.375, 0.125.
  for (const y of [8, 9, 12, 13]) assert.equal(row(y), [0, 0, 0.375, 0.375, 0, 0], `row ${y}`);
});

test('a pixel is compared only with places within the radius', () => {
  const values: Record<number, number> = { 10: 0.75, 11: 0.25, 12: 0.5, 13: 0.25 };
  const map = mapOf(24, 24, (_, x) => values[x] ?? 0);
  const row = (radius: number): number[] => [
    ...suppress(map, { radius, border: 0 }).data.subarray(12 * 24 + 9, 12 * 24 + 15),
  ];
  assert.equal(row(1), [0, 0.75, 0, 0.5, 0, 0]);
  assert.equal(row(2), [0, 0.75, 0, 0, 0, 0]);
  assert.equal(row(0), [0, 0.75, 0.25, 0.5, 0.25, 0]);
});

test('a pixel that lacks less than the factor stays', () => {
  // 0.5 · 1.01 is 0.505.
  for (const [higher, isKept] of [
    [0.504, true],
    [0.506, false],
  ] as const) {
    const map = mapOf(24, 24, (_, x) => (x === 10 ? higher : x === 11 ? 0.5 : 0));
    assert.is(suppress(map, { border: 0 }).data[12 * 24 + 11], isKept ? 0.5 : 0);
    assert.is(suppress(map, { border: 0, factor: 1 }).data[12 * 24 + 11], 0);
  }
});

test('the border is damped in proportion to the distance, in corners twice', () => {
  const flat = suppress(mapOf(14, 12, () => 0.5));
  const at = (y: number, x: number): number => flat.data[y * 12 + x];
  closeTo([at(0, 6), at(1, 6), at(4, 6), at(5, 6), at(8, 6)], [0, 0.1, 0.4, 0.5, 0.5], 1e-7);
  closeTo([at(13, 6), at(12, 6), at(7, 11), at(7, 10), at(7, 6)], [0, 0.1, 0, 0.1, 0.5], 1e-7);
  // Distances 1 and 2: 0.5 · 1/5 · 2/5.
  closeTo([at(1, 2), at(12, 9)], [0.04, 0.04], 1e-7);
  // Half of four rows is 2.
  const low = suppress(mapOf(4, 12, () => 0.5));
  closeTo([...low.data.subarray(12, 16)], [0, 0.125, 0.25, 0.25], 1e-7);
  assert.equal([...suppress(mapOf(1, 3, () => 0.5)).data], [0.5, 0.5, 0.5]);
});

test('every pixel keeps its value or becomes 0, and the map given does not change', () => {
  const values = new RandomState(5).rand(40 * 30);
  const map = mapOf(40, 30, (y, x) => values[y * 30 + x]);
  const before = map.data.slice();
  const { data } = suppress(map, { border: 0 });
  assert.ok(data.every((v, i) => v === 0 || v === before[i]));
  const kept = data.filter((v) => v > 0).length;
  assert.ok(kept > 200 && kept < 700, `${kept} of 1200`);
  assert.equal(map.data, before);
});

test('bad arguments are errors', () => {
  const map = mapOf(2, 2, () => 0);
  const refuses = (run: () => unknown, kind: typeof ValueError | typeof ShapeError, message: string) =>
    assert.throws(run, (e: Error) => e instanceof kind && e.message === message);
  refuses(
    () => suppress({ ...map, height: 3 }),
    ShapeError,
    'suppress: map must have one number for each pixel; got 4 numbers, map=3×2',
  );
  refuses(
    () => suppress(map, { radius: 0.5 }),
    ValueError,
    'suppress: radius must be a whole number from 0 on; got radius=0.5',
  );
  refuses(
    () => suppress(map, { blur: -1 }),
    ValueError,
    'suppress: blur must be a whole number from 0 on; got blur=-1',
  );
  refuses(
    () => suppress(map, { border: -1 }),
    ValueError,
    'suppress: border must be a whole number from 0 on; got border=-1',
  );
  refuses(
    () => suppress(map, { factor: 0.9 }),
    ValueError,
    'suppress: factor must be at least 1 and finite; got factor=0.9',
  );
});

test.run();
