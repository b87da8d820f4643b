/** Exact coverage of pixels, contours of labels, and outlines of objects. */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addLabel, contourOf, coverage, type Point } from '../../examples/contours/data/coverage.js';
import { drawOutline, outlineKinds, roundedRectangle } from '../../examples/contours/data/outlines.js';
import { FastRandom } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('contours/coverage');

const box = (top: number, left: number, bottom: number, right: number): Point[] => [
  [top, left],
  [top, right],
  [bottom, right],
  [bottom, left],
];
/** Rows of digits, as a list of labels. */
const labels = (...rows: string[]): Int32Array => Int32Array.from(rows.join(''), Number);
const rowsOf = (map: Float32Array, width: number): string[] =>
  Array.from({ length: map.length / width }, (_, y) => map.slice(y * width, (y + 1) * width).join(''));
/** The pixels of which half is covered, as labels of an image. */
function inside(points: readonly Point[], height: number, width: number): Int32Array {
  const out = new Int32Array(height * width);
  addLabel(out, width, coverage(points, height, width), 1);
  return out;
}

test('a box between pixels, by hand', () => {
  // Rows 1.5 … 4 and columns 0.25 … 2: row 1 is covered by a half, column 0 by three quarters.
  for (const points of [box(1.5, 0.25, 4, 2), box(1.5, 0.25, 4, 2).reverse()]) {
    const { top, left, height, width, data } = coverage(points, 9, 9);
    assert.equal([top, left, height, width], [1, 0, 3, 2]);
    assert.equal([...data], [0.375, 0.5, 0.75, 1, 0.75, 1]);
  }
});

test('a triangle, by hand', () => {
  // The half of a square of 2 pixels: below its diagonal from the top left to the bottom right.
  const triangle: Point[] = [
    [0, 0],
    [2, 0],
    [2, 2],
  ];
  assert.equal([...coverage(triangle, 2, 2).data], [0.5, 0, 1, 0.5]);
  // One edge crosses two pixels of its row: x = 2y, so the row's pixels keep 1/4 below the edge …
  const flat: Point[] = [
    [0, 0],
    [1, 0],
    [1, 2],
  ];
  // … of the right one, and 3/4 of the left one.
  assert.equal([...coverage(flat, 1, 2).data], [0.75, 0.25]);
});

test('what is outside the image is left out', () => {
  assert.equal([...coverage(box(-3, -2.5, 0.5, 9), 2, 2).data], [0.5, 0.5]);
  assert.equal([...coverage(box(-3, 1.5, 9, 4), 2, 2).data], [0.5, 0.5]);
  // An edge x = 4y − 2 enters from the left: inside is y > (x + 2) / 4.
  const entering: Point[] = [
    [0, -2],
    [1, -2],
    [1, 2],
  ];
  assert.equal([...coverage(entering, 1, 3).data], [0.375, 0.125]);
  for (const points of [box(-3, 0, -1, 2), box(0, 5, 2, 7), box(4, 0, 6, 2), box(0, -4, 2, -1)])
    assert.is(coverage(points, 2, 2).data.length, 0);
});

test('coverage is the share of a grid of points inside', () => {
  const [height, width, grid] = [9, 11, 40];
  fc.assert(
    fc.property(fc.nat(1e6), fc.constantFrom(...outlineKinds), (seed, kind) => {
      const random = new FastRandom(seed);
      const center: Point = [random.random() * height, random.random() * width];
      const points = drawOutline(kind, center, 1 + 4 * random.random(), random);
      const region = coverage(points, height, width);
      // A point is inside if the angles under which it sees the edges sum to a full turn.
      const isInside = (y: number, x: number): boolean => {
        let turns = 0;
        points.forEach(([y1, x1], i) => {
          const [y0, x0] = points[(i + 1) % points.length];
          turns += Math.atan2((x1 - x) * (y0 - y) - (y1 - y) * (x0 - x), (x1 - x) * (x0 - x) + (y1 - y) * (y0 - y));
        });
        return Math.abs(turns) > Math.PI;
      };
      for (let n = 0; n < 4; n++) {
        const [y, x] = [Math.floor(random.random() * height), Math.floor(random.random() * width)];
        let count = 0;
        const step = points.length > 100 ? 4 : 1;
        for (let i = step / 2; i < grid; i += step)
          for (let j = step / 2; j < grid; j += step) if (isInside(y + i / grid, x + j / grid)) count++;
        const [row, column] = [y - region.top, x - region.left];
        const within = row >= 0 && row < region.height && column >= 0 && column < region.width;
        const share = within ? region.data[row * region.width + column] : 0;
        assert.ok(Math.abs(share - (count * step ** 2) / grid ** 2) < (step > 1 ? 0.1 : 0.03), `${share}, ${count}`);
      }
    }),
    { numRuns: 60 },
  );
});

test('the sum of the coverage is the area', () => {
  for (const kind of outlineKinds)
    for (let seed = 0; seed < 20; seed++) {
      const points = drawOutline(kind, [40, 40], 30, new FastRandom(seed));
      const area = points.reduce((sum, [y1, x1], i) => {
        const [y0, x0] = points[(i + points.length - 1) % points.length];
        return sum + (x0 * y1 - x1 * y0) / 2;
      }, 0);
      const { data } = coverage(points, 80, 80);
      closeTo([data.reduce((sum, share) => sum + share, 0)], [Math.abs(area)], 2e-3);
      // An outline that crossed itself would have an area of two signs, or lie far outside.
      assert.ok(points.every(([y, x]) => Math.hypot(y - 40, x - 40) < 33));
      if (kind === 'disc') closeTo([Math.abs(area)], [Math.PI * 900], 0.3);
    }
});

test('a rounded rectangle has its sides and its area', () => {
  const points = roundedRectangle(10, 20, 4);
  for (const [axis, half] of [10, 20].entries())
    closeTo(
      [-1, 1].map((sign) => Math.max(...points.map((point) => sign * point[axis]))),
      [half, half],
      1e-12,
    );
  const moved = points.map(([y, x]): Point => [y + 12, x + 22]);
  // The area lacks a square with the circle's diameter as its side, less the circle.
  const area = 20 * 40 - (64 - 16 * Math.PI);
  closeTo([coverage(moved, 24, 44).data.reduce((sum, share) => sum + share, 0)], [area], 1e-4);
});

test('the outline of a square, by hand', () => {
  // Rows 1 … 4 and columns 2 … 5 are covered by a half at least, column 2 by exactly a half.
  assert.equal(rowsOf(contourOf(inside(box(1, 2.5, 5, 6.4), 7, 8), 7, 8), 8), [
    '00000000',
    '00111100',
    '00100100',
    '00100100',
    '00111100',
    '00000000',
    '00000000',
  ]);
});

test('the outline of a disc, by hand', () => {
  // The radius is 3 and the centre (4, 4). Row 1 has the distances 2 … 3 from it. Its pixel at the
  // distances a … a + 1 to the side is covered by the integral of √(9 − t²) − 2 over them: 0.94 for
  // a = 0, 0.58 for a = 1, and for a = 2, up to √5, 0.03. In row 2, from 1 to 2, a = 2 has 0.58 by
  // symmetry. So only the corners are missing.
  const disc = drawOutline('disc', [4, 4], 3, new FastRandom(0));
  const [edge, middle] = ['00111100', '01111110'];
  assert.equal(rowsOf(Float32Array.from(inside(disc, 8, 8)), 8), [
    '00000000',
    edge,
    middle,
    middle,
    middle,
    middle,
    edge,
    '00000000',
  ]);
  const sides = '01000010';
  assert.equal(rowsOf(contourOf(inside(disc, 8, 8), 8, 8), 8), [
    '00000000',
    edge,
    sides,
    sides,
    sides,
    sides,
    edge,
    '00000000',
  ]);
});

test('contours lie on the object in front, and the border of the image is none', () => {
  const map = labels('11100', '11220', '11220', '11100');
  // Where 1 meets 2, the pixels of 2 are contour. Where 1 meets the background, those of 1 are.
  assert.equal(rowsOf(contourOf(map, 4, 5), 5), ['00100', '00110', '00110', '00100']);
  assert.equal(rowsOf(contourOf(labels('111', '111'), 2, 3), 3), ['000', '000']);
  // Diagonal neighbours do not count.
  assert.equal(rowsOf(contourOf(labels('0111', '1111', '1111'), 3, 4), 4), ['0100', '1000', '0000']);
});

test.run();
