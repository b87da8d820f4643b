import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ShapeError, ValueError } from '../../src/errors.js';
import { Picture } from '../../src/io/picture.js';
import { decodePng } from '../../src/io/png.js';

const picture = suite('picture');
const pixel = (p: Picture, x: number, y: number) => [
  ...p.data.subarray((y * p.width + x) * 3, (y * p.width + x) * 3 + 3),
];
/** The picture as rows of `#` where it is not white. */
const rows = (p: Picture) =>
  Array.from({ length: p.height }, (_, y) =>
    Array.from({ length: p.width }, (_, x) => (pixel(p, x, y).every((v) => v === 255) ? '.' : '#')).join(''),
  );

picture('draws text dot by dot', () => {
  assert.equal(rows(new Picture(11, 7).text(0, 0, 'L1')), [
    '#.......#..',
    '#......##..',
    '#.......#..',
    '#.......#..',
    '#.......#..',
    '#.......#..',
    '#####..###.',
  ]);
  assert.is(Picture.textWidth('L1'), 11);
  assert.is(Picture.textWidth('', 2), 0);
  assert.equal(rows(new Picture(5, 7).text(0, 0, 'é')), rows(new Picture(5, 7).text(0, 0, '?')));
});

picture('every letter and digit has a form of its own', () => {
  const forms = Array.from({ length: 95 }, (_, i) =>
    rows(new Picture(5, 7).text(0, 0, String.fromCharCode(32 + i))).join(),
  );
  assert.is(new Set(forms).size, 95);
});

picture('scales an image by repeating pixels, clamped to its range', () => {
  const p = new Picture(5, 4).image(
    1,
    0,
    { data: [9, -1, 0, 1, 5], offset: 1, height: 2, width: 2, min: -1, max: 1 },
    2,
  );
  assert.equal(
    [pixel(p, 0, 0), pixel(p, 1, 0), pixel(p, 2, 1), pixel(p, 3, 1), pixel(p, 1, 2), pixel(p, 4, 3)],
    [
      [255, 255, 255],
      [0, 0, 0],
      [0, 0, 0],
      [128, 128, 128],
      [255, 255, 255],
      [255, 255, 255],
    ],
  );
  assert.equal(
    pixel(new Picture(1, 1).image(0, 0, { data: [1, 0, 0.2], height: 1, width: 1, channels: 3 }), 0, 0),
    [255, 0, 51],
  );
});

picture('what lies outside is left out', () => {
  const p = new Picture(3, 3)
    .rect(-5, -5, 6, 6)
    .line(-10, 2, 20, 2)
    .text(2, -3, 'W')
    .image(2, 0, { data: new Float32Array(16), height: 4, width: 4 });
  assert.equal(rows(p), ['#.#', '..#', '###']);
});

picture('lines join their ends', () => {
  assert.equal(rows(new Picture(4, 3).line(0, 1, 3, 1)), ['....', '####', '....']);
  const p = new Picture(3, 3).line(0, 0, 2, 2);
  assert.equal(
    [0, 1, 2].map((i) => pixel(p, i, i)[0]),
    [0, 0, 0],
  );
});

picture('a chart stays in its rectangle and shows its curves', () => {
  const red = [255, 0, 0] as const;
  const values = Array.from({ length: 50 }, (_, i) => Math.exp(-i / 5));
  for (const log of [false, true]) {
    const p = new Picture(260, 180).lineChart(
      20,
      20,
      220,
      140,
      [{ values, label: 'train', color: red }, { values: [] }, { values: [NaN, 0, -1, 2] }],
      {
        title: 'Loss',
        xLabel: 'step',
        yLabel: 'nats',
        log,
      },
    );
    const drawn = rows(p);
    assert.ok(
      drawn.every((row, y) =>
        y < 20 || y >= 160 ? !row.includes('#') : !row.slice(0, 20).includes('#') && !row.slice(240).includes('#'),
      ),
    );
    assert.ok(p.data.some((_, i) => i % 3 === 0 && p.data[i] === 255 && p.data[i + 1] === 0 && p.data[i + 2] === 0));
  }
  for (const values of [[], [3], [0, 0], [1e-12, 1e12], [NaN]])
    for (const log of [false, true]) new Picture(200, 100).lineChart(0, 0, 200, 100, [{ values }], { log });
});

picture('becomes a PNG', () => {
  const p = new Picture(7, 5, [1, 2, 3]);
  assert.equal(decodePng(p.toPng()), { width: 7, height: 5, channels: 3, data: p.data });
});

picture('bad sizes are refused', () => {
  assert.throws(
    () => new Picture(0, 5),
    (e: unknown) =>
      e instanceof ValueError && e.message === 'Picture: sizes must be whole and positive; got width=0, height=5',
  );
  assert.throws(
    () => new Picture(5, 5).image(0, 0, { data: [1], height: 2, width: 1 }),
    (e: unknown) =>
      e instanceof ShapeError &&
      e.message === 'Picture.image: data must reach offset + height × width × channels; got 1 elements for 2',
  );
  assert.throws(
    () => new Picture(5, 5).image(0, 0, { data: [1], height: 1, width: 1 }, 0.5),
    (e: unknown) => e instanceof ValueError,
  );
});

picture.run();
