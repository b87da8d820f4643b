/** Pairs of pixels: cases by hand, and the number of pairs by a slow search. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { match } from '../../examples/contours/measures/match.js';
import { RandomState, ShapeError, ValueError } from '../../src/index.js';

const test = suite('contours/match');

const row = (text: string) => ({
  height: 1,
  width: text.length,
  data: Uint8Array.from(text, (c) => (c === '#' ? 1 : 0)),
});

/** One pixel of a map of 12×12. */
const single = (y: number, x: number) => {
  const data = new Uint8Array(144);
  data[y * 12 + x] = 1;
  return { height: 12, width: 12, data };
};

test('the distance is Euclidean, and the tolerance itself is near enough', () => {
  const cases: [dy: number, dx: number, tolerance: number, count: number][] = [
    [0, 0, 0, 1],
    [0, 1, 0.99, 0],
    [1, 0, 1, 1],
    // √2 = 1.414
    [1, 1, 1.41, 0],
    [1, -1, 1.42, 1],
    // 3² + 4² = 5²
    [3, -4, 5, 1],
    [-3, 4, 4.99, 0],
    // √18 = 4.24, √17 = 4.12 and √20 = 4.47
    [3, 3, 4.3, 1],
    [4, 1, 4.3, 1],
    [4, 2, 4.3, 0],
  ];
  for (const [dy, dx, tolerance, count] of cases)
    assert.is(match(single(5, 5), single(5 + dy, 5 + dx), tolerance).count, count, `${dy}, ${dx}, ${tolerance}`);
});

test('rows do not touch at the ends', () => {
  // The last pixel of row 0 and the first one of row 1 are 11 apart.
  assert.is(match(single(0, 11), single(1, 0), 2).count, 0);
});

test('a pixel takes its nearest partner, and gives it up for one more pair', () => {
  const near = match(row('..#..'), row('#.#.#'), 2);
  assert.equal([...near.a], [-1, -1, 2, -1, -1]);
  assert.equal([...near.b], [-1, -1, 2, -1, -1]);
  // Only 0–1, 2–1 and 2–3 are within 1. So 1 must go to 0, and 3 to 2.
  const all = match(row('#.#.'), row('.#.#'), 1);
  assert.equal([all.count, ...all.a], [2, 1, -1, 3, -1]);
  assert.equal([...all.b], [-1, 0, -1, 2]);
  // A chain: each pixel of a must take the partner to its right, except that the last has none.
  const chain = match(row('#.#.#.#.#'), row('.#.#.#.#.'), 1);
  assert.is(chain.count, 4);
});

test('one pixel matches one other', () => {
  const result = match(row('#####'), row('..#..'), 4);
  assert.equal([result.count, ...result.a], [1, -1, -1, 2, -1, -1]);
  assert.is(match(row('.....'), row('#####'), 4).count, 0);
  assert.is(match(row('#####'), row('.....'), 4).count, 0);
});

/** The largest number of pairs, by trying for each pixel of a all ways to move the others. */
function most(near: boolean[][]): number {
  const partner = new Map<number, number>();
  const place = (u: number, isTried: Set<number>): boolean =>
    near[u].some((isNear, v) => {
      if (!isNear || isTried.has(v)) return false;
      isTried.add(v);
      const owner = partner.get(v);
      if (owner !== undefined && !place(owner, isTried)) return false;
      partner.set(v, u);
      return true;
    });
  return near.filter((_, u) => place(u, new Set())).length;
}

/** The largest number of pairs, by all choices. For a few pixels only. */
const mostOfAll = (near: boolean[][], u = 0, taken: readonly number[] = []): number =>
  u === near.length
    ? taken.length
    : Math.max(
        mostOfAll(near, u + 1, taken),
        ...near[u].flatMap((isNear, v) =>
          isNear && !taken.includes(v) ? [mostOfAll(near, u + 1, [...taken, v])] : [],
        ),
      );

test('no matching of random sets has more pairs, and all pairs are legal', () => {
  const random = new RandomState(3);
  for (let k = 0; k < 400; k++) {
    const height = 1 + (k % 9);
    const width = 10 - (k % 7);
    const density = [0.08, 0.2, 0.45][k % 3];
    const tolerance = [0, 1, 1.5, 2.3, 3, 4.3][k % 6];
    const [a, b] = [0, 1].map(() => {
      const data = Uint8Array.from(random.rand(height * width), (v) => (v < density ? 1 : 0));
      return { height, width, data };
    });
    const set = (map: typeof a): number[] => [...map.data.keys()].filter((i) => map.data[i] === 1);
    const distance = (i: number, j: number): number =>
      Math.hypot(Math.floor(i / width) - Math.floor(j / width), (i % width) - (j % width));
    const near = set(a).map((i) => set(b).map((j) => distance(i, j) <= tolerance));
    const result = match(a, b, tolerance);
    assert.is(result.count, most(near), `pair ${k} of maps`);
    if (near.length <= 6) assert.is(result.count, mostOfAll(near), `pair ${k} of maps`);
    for (let i = 0; i < height * width; i++) {
      const j = result.a[i];
      if (j < 0) continue;
      assert.ok(a.data[i] === 1 && b.data[j] === 1 && result.b[j] === i && distance(i, j) <= tolerance);
    }
    assert.is(result.a.filter((j) => j >= 0).length, result.count);
    assert.is(result.b.filter((j) => j >= 0).length, result.count);
  }
});

test('a set moved by two pixels matches whole', () => {
  const random = new RandomState(8);
  const [height, width] = [120, 150];
  const a = { height, width, data: new Uint8Array(height * width) };
  const b = { height, width, data: new Uint8Array(height * width) };
  for (let k = 0; k < 1500; k++) {
    const [y, x] = [Math.floor(random.rand(1)[0] * height), Math.floor(random.rand(1)[0] * (width - 2))];
    a.data[y * width + x] = 1;
    b.data[y * width + x + 2] = 1;
  }
  assert.is(
    match(a, b, 2).count,
    a.data.reduce((sum, v) => sum + v, 0),
  );
});

test('bad arguments are errors', () => {
  assert.throws(
    () => match(row('#'), row('##'), 1),
    (e: Error) => e instanceof ShapeError && e.message === 'match: a and b must have the same size; got a=1×1, b=1×2',
  );
  for (const tolerance of [-1, 101, Number.NaN])
    assert.throws(
      () => match(row('#'), row('#'), tolerance),
      (e: Error) =>
        e instanceof ValueError && e.message === `match: tolerance must be 0 … 100 pixels; got tolerance=${tolerance}`,
    );
});

test.run();
