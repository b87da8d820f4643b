/** Thinning: cases by hand, and what it must not change in random sets. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { thin } from '../../examples/contours/measures/thin.js';
import { RandomState, ShapeError, ValueError } from '../../src/index.js';

const test = suite('contours/thin');

/** A set of pixels from rows of text, in which # is a pixel of the set. */
const drawn = (...rows: string[]) => ({
  height: rows.length,
  width: rows[0].length,
  data: Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0)),
});

const rowsOf = ({ width, data }: { width: number; data: ArrayLike<number> }): string[] => {
  const text = Array.from(data, (v) => (v === 0 ? '.' : '#')).join('');
  return text.match(new RegExp(`.{${width}}`, 'g')) ?? [];
};

test('a square of four pixels keeps its lower left one', () => {
  // Subiteration 1 removes the other three: each has one part of neighbours and min(n1, n2) = 2.
  // The lower left has an eastern neighbour x1 and a northern one x3, so that G3 keeps it.
  assert.equal(rowsOf(thin(drawn('....', '.##.', '.##.', '....'))), ['....', '....', '.#..', '....']);
});

test('lines, single pixels and rings one pixel wide stay', () => {
  for (const rows of [
    ['#'],
    ['#####'],
    ['#....', '.#...', '..#..', '...##'],
    ['.###.', '#...#', '#...#', '.###.'],
    ['#.#', '...', '#.#'],
  ])
    assert.equal(rowsOf(thin(drawn(...rows))), rows);
});

test('a rectangle with a tail becomes what scikit-image’s manual shows for thin', () => {
  const square = drawn('.#.....', '..###..', '..###..', '..###..', '..###..', '..###..', '.......');
  const rows = ['.#.....', '..#....', '...#...', '...#...', '...#...', '.......', '.......'];
  assert.equal(rowsOf(thin(square)), rows);
});

test('a bar three pixels high becomes its middle line, at the map’s border too', () => {
  const rows = rowsOf(thin(drawn('#########', '#########', '#########')));
  // Each end loses a pixel or two. Between them only the middle row is left.
  assert.equal([rows[0], rows[2]], ['.........', '.........']);
  assert.match(rows[1], /^\.{0,2}#{5,}\.{0,2}$/);
});

/** Number of connected parts of the pixels whose number is `value`, with 4 or 8 neighbours. */
function parts(map: { height: number; width: number; data: ArrayLike<number> }, value: 0 | 1, count: 4 | 8): number {
  // Around the map is one more ring of empty pixels, which belongs to the outside.
  const [height, width] = [map.height + 2, map.width + 2];
  const at = (y: number, x: number): number =>
    y < 1 || x < 1 || y > map.height || x > map.width ? 0 : map.data[(y - 1) * map.width + x - 1];
  const isSeen = new Set<number>();
  let found = 0;
  for (let start = 0; start < height * width; start++) {
    if (isSeen.has(start) || at(Math.floor(start / width), start % width) !== value) continue;
    found++;
    const stack = [start];
    isSeen.add(start);
    for (let cell = stack.pop(); cell !== undefined; cell = stack.pop()) {
      const [y, x] = [Math.floor(cell / width), cell % width];
      for (let dy = -1; dy <= 1; dy++)
        for (let dx = -1; dx <= 1; dx++) {
          const [y2, x2] = [y + dy, x + dx];
          if ((count === 4 && dy * dx !== 0) || y2 < 0 || x2 < 0 || y2 >= height || x2 >= width) continue;
          const next = y2 * width + x2;
          if (isSeen.has(next) || at(y2, x2) !== value) continue;
          isSeen.add(next);
          stack.push(next);
        }
    }
  }
  return found;
}

test('random sets keep their parts and holes, and thinning twice changes nothing', () => {
  const random = new RandomState(1);
  for (let k = 0; k < 60; k++) {
    const density = 0.3 + 0.65 * (k / 60);
    const data = Uint8Array.from(random.rand(13 * 17), (v) => (v < density ? 1 : 0));
    const map = { height: 13, width: 17, data };
    const thinned = thin(map);
    assert.ok(thinned.data.every((v, i) => v <= data[i]));
    assert.is(parts(thinned, 1, 8), parts(map, 1, 8), `parts of set ${k}`);
    assert.is(parts(thinned, 0, 4), parts(map, 0, 4), `holes of set ${k}`);
    assert.equal(thin(thinned).data, thinned.data);
  }
});

test('numbers other than 0 are in the set, and the map given does not change', () => {
  const map = { height: 1, width: 3, data: new Float32Array([0, 0.25, 1]) };
  assert.equal([...thin(map).data], [0, 1, 1]);
  assert.equal([...map.data], [0, 0.25, 1]);
});

test('bad maps are errors', () => {
  assert.throws(
    () => thin({ height: 2, width: 2, data: new Uint8Array(3) }),
    (e: Error) =>
      e instanceof ShapeError && e.message === 'thin: map must have one number for each pixel; got 3 numbers, map=2×2',
  );
  assert.throws(() => thin({ height: 0, width: 2, data: new Uint8Array(0) }), /thin: map must have whole sizes/);
  assert.throws(
    () => thin({ height: 1, width: 1, data: new Float32Array([Number.NaN]) }),
    (e: Error) => e instanceof ValueError && e.message === 'thin: map must be finite; got map[0]=NaN',
  );
});

test.run();
