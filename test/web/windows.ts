/** Windows of a pool and their maxima on the page, by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Unpooling } from '../../examples/web/protocol.js';
import { exampleDigit, side, stroke } from '../../examples/web/ui/pen.js';
import { cellAt, describe, maximumAt, windowAt } from '../../examples/web/ui/windows.js';

const test = suite('web/windows');

const picture = { width: 1, height: 1, pixels: new Uint8ClampedArray(4) };
/** A pool of 4 × 4 windows with padding 1, from 14 × 14 to 4 × 4, as what-where has it. */
const level: Unpooling = {
  title: 'pool 2',
  index: 0,
  channel: 0,
  pictures: 1,
  channels: 1,
  input: picture,
  height: 14,
  width: 14,
  rows: 4,
  columns: 4,
  kernelSize: [4, 4],
  stride: [4, 4],
  padding: [1, 1],
  // The maximum of the window in row 1, column 2 is at y = 5, x = 9.
  indices: Int32Array.from({ length: 16 }, (_, i) => (i === 6 ? 5 * 14 + 9 : 0)),
  before: picture,
  pooled: picture,
  unpooled: picture,
};

test('a window inside has its full size', () => {
  assert.equal(windowAt(level, { row: 1, column: 2 }), { x: 7, y: 3, width: 4, height: 4 });
});

test('windows at the border lose what is outside', () => {
  assert.equal(windowAt(level, { row: 0, column: 0 }), { x: 0, y: 0, width: 3, height: 3 });
  assert.equal(windowAt(level, { row: 3, column: 3 }), { x: 11, y: 11, width: 3, height: 3 });
});

test('an index is row · width + column', () => {
  assert.equal(maximumAt(level, { row: 1, column: 2 }), { x: 9, y: 5 });
  assert.is(
    describe(level, { row: 1, column: 2 }),
    'Window in row 1, column 2: its maximum is in row 5, column 9. Index 79 = 5 · 14 + 9.',
  );
});

test('a place belongs to the window around it, and places outside to the nearest', () => {
  assert.equal(cellAt(level, 9.5, 5.5), { row: 1, column: 2 });
  assert.equal(cellAt(level, 2.9, 3.1), { row: 1, column: 0 });
  assert.equal(cellAt(level, -5, 99), { row: 3, column: 0 });
});

test('a stroke inks its pixels, and nothing far from it', () => {
  const ink = new Float32Array(side * side);
  stroke(ink, [4.5, 10.5], [20.5, 10.5]);
  for (let x = 4; x <= 20; x++) assert.is(ink[10 * side + x], 1, `column ${x}`);
  assert.is(ink[13 * side + 12], 0);
  assert.is(ink[10 * side + 24], 0);
  assert.ok(ink.every((value) => value >= 0 && value <= 1));
});

test('a stroke that leaves the pad stays inside of it', () => {
  const ink = new Float32Array(side * side);
  stroke(ink, [-10, 14], [40, 14]);
  assert.is(ink[14 * side], 1);
  assert.is(ink[14 * side + side - 1], 1);
  assert.is(ink.filter((value) => value > 0).length % side, 0);
});

test('example digits differ, leave a margin, and return', () => {
  const digits = Array.from({ length: 5 }, (_, i) => exampleDigit(i).join());
  assert.is(new Set(digits).size, 5);
  assert.is(exampleDigit(5).join(), digits[0]);
  const border = exampleDigit(0).filter((_, i) => i % side === 0 || i < side);
  assert.ok(border.every((value) => value === 0));
});

test.run();
