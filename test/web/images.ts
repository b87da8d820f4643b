/** Pictures of the user's: sizes in headers, limits, refusals, and contours. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { suppress } from '../../examples/contours/measures/suppress.js';
import { predictContours } from '../../examples/contours/predict.js';
import { sizeInHeader } from '../../examples/web/worker/image-size.js';
import { fitted, readImage } from '../../examples/web/worker/images.js';
import { encodePng, loadWeights } from '../../src/io/index.js';
import { Cedn } from '../../src/models/index.js';
import { decodeSimply, readAsset, settings, TestPage } from '../helpers/web-session.js';

const test = suite('web/images');

/** Bytes of hexadecimal digits, with zeros up to a length. */
const hex = (digits: string, length = 0): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(Math.max(length, digits.replaceAll(' ', '').length / 2));
  (digits.match(/[0-9a-f]{2}/g) ?? []).forEach((byte, i) => void (bytes[i] = Number.parseInt(byte, 16)));
  return bytes;
};

test('the size is read from the header', () => {
  // The formats' specifications, by hand: 300 is 12c, 200 is c8.
  const headers = {
    png: '89504e470d0a1a0a 0000000d 49484452 0000012c 000000c8',
    gif: '474946383961 2c01 c800',
    // An APP0 segment of 16 bytes, a Huffman table, and a progressive frame.
    jpeg: 'ffd8 ffe0 0010 4a46494600 0101 0000 0100 0100 00 ffc4 0004 0000 ff ffc2 0011 08 00c8 012c 03',
    webp: '52494646 00000000 57454250 56503820 00000000 000000 9d012a 2c01 c800',
    'webp extended': '52494646 00000000 57454250 56503858 0a000000 00000000 2b0100 c70000',
    // 299 + 199 · 2^14 is 31c12b.
    'webp lossless': '52494646 00000000 57454250 5650384c 00000000 2f 2bc13100',
  };
  for (const [name, digits] of Object.entries(headers)) assert.equal(sizeInHeader(hex(digits, 60)), [300, 200], name);
  assert.equal(sizeInHeader(encodePng({ width: 3, height: 2, channels: 1, data: new Uint8Array(6) })), [3, 2]);
  const photograph = readFileSync(new URL('../fixtures/bsds/images/test/1001.jpg', import.meta.url));
  const [width, height] = sizeInHeader(photograph) as [number, number];
  assert.ok(width > 8 && height > 8 && width < 1000 && height < 1000, `${width} × ${height}`);
  for (const none of [new Uint8Array(), new TextEncoder().encode('Just some text in a file, no picture.')])
    assert.is(sizeInHeader(none), null);
});

test('a picture keeps its proportions', () => {
  assert.equal(fitted(5472, 3648, 512), [512, 341]);
  assert.equal(fitted(3648, 5472, 512), [341, 512]);
  assert.equal(fitted(100, 80, 512), [100, 80]);
  assert.equal(fitted(100_000, 10, 512), [512, 1]);
});

test('a picture beyond the limits is refused before it is decoded', async () => {
  const decode = () => {
    throw new Error('it was decoded');
  };
  // 20000 × 20000 pixels, in a file of 60 bytes.
  const large = new Blob([hex('89504e470d0a1a0a 0000000d 49484452 00004e20 00004e20', 60)]);
  const refusal = async (file: Blob, name: string): Promise<string> =>
    readImage(file, name, 512, decode).then(
      () => '',
      (error: Error) => error.message,
    );
  assert.match(await refusal(large, 'a.png'), /at most 100 megapixels; got a\.png of 20000 × 20000 pixels/);
  assert.match(await refusal(new Blob([new Uint8Array(2 ** 26 + 1)]), 'b.png'), /at most 64 MB; got b\.png/);
  const text = new Blob(['Just some text in a file, no picture.'], { type: 'text/plain' });
  assert.match(
    await refusal(text, 'c.txt'),
    /image: the file must be a picture that this browser can read; got c\.txt \(text\/plain, 37 bytes\); choose a PNG/,
  );
});

test('contours are found in a picture, which is scaled down, and bad pictures change nothing', async () => {
  const page = new TestPage();
  const ready = await page.open(settings('contours'));
  assert.equal([ready.trains, ready.takesImages, ready.draws], [false, true, false]);
  assert.match(await page.refusal({ type: 'start' }), /start: the network must be one that trains here; got contours/);
  assert.match(await page.refusal({ type: 'image', file: new Blob(['text']), name: 'a.txt' }), /a\.txt/);
  const tiny = encodePng({ width: 4, height: 4, channels: 1, data: new Uint8Array(16) });
  assert.match(
    await page.refusal({ type: 'image', file: new Blob([tiny]), name: 'tiny.png' }),
    /at least 16 pixels on each side; got 4 × 4/,
  );

  // A disc, in 600 × 500 pixels: every second one is taken.
  const [width, height] = [600, 500];
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    Math.hypot((i % width) - 300, Math.floor(i / width) - 250) < 150 ? 200 : 40,
  );
  const file = new Blob([encodePng({ width, height, channels: 1, data })]);
  const { name, rows, note } = await page.ask({ type: 'image', file, name: 'disc.png' }, 'image');
  assert.equal([name, note], ['disc.png', 'Scaled down from 600 × 500 to 300 × 250 pixels.']);
  assert.equal(
    rows.map(({ pictures: [{ width, height }] }) => [width, height]),
    Array(3).fill([300, 250]),
  );

  const { picture } = await decodeSimply(file, 512);
  const model = new Cedn({ width: 1 / 16 });
  await loadWeights(model, await readAsset('contours.safetensors'));
  const input = Float32Array.from({ length: 300 * 250 * 3 }, (_, i) => picture.pixels[4 * Math.floor(i / 3)] / 255);
  const map = await predictContours(model, { data: input, shape: [250, 300, 3] });
  const greys = rows[1].pictures[0].pixels.filter((_, i) => i % 4 === 0);
  assert.equal([...greys], [...new Uint8ClampedArray(map.data.map((p) => 255 * p))]);
  const thin = rows[2].pictures[0].pixels.filter((_, i) => i % 4 === 0);
  assert.equal([...thin], [...new Uint8ClampedArray(suppress(map).data.map((p) => 255 * p))]);
});

test('a drawing is rebuilt, and a bad one is refused', async () => {
  const page = new TestPage();
  for (const [network, rows] of [
    ['digits', 2],
    ['what-where', 4],
  ] as const) {
    await page.open(settings(network));
    const pixels = new Float32Array(784);
    pixels[28 * 5 + 7] = 0.6;
    pixels[28 * 5 + 8] = 7;
    const drawing = await page.ask({ type: 'draw', pixels }, 'drawing');
    assert.is(drawing.rows.length, rows);
    const [first] = drawing.rows[0].pictures;
    // 0.6 · 255 is 153, and ink has at most 1.
    assert.equal([first.pixels[4 * 147], first.pixels[4 * 148], first.pixels[0]], [153, 255, 0]);
    for (const { pictures } of drawing.rows) assert.equal([pictures[0].width, pictures[0].height], [28, 28]);
    for (const bad of [new Float32Array(3), new Float32Array(784).fill(Number.NaN)])
      assert.match(await page.refusal({ type: 'draw', pixels: bad }), /draw: a drawing must be 28 × 28 finite numbers/);
  }
});

test.run();
