/**
 * JPEG files in Node: values against PIL's (test/fixtures/gen_jpeg.py), orientation, and files that
 * are cut short or damaged. Not here: folders of files (image-folder.ts).
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodeJpeg, inspectJpeg } from '../../src/data/jpeg.js';
import { FormatError } from '../../src/errors.js';

const test = suite('jpeg');

interface Case {
  readonly name: string;
  readonly file: string;
  readonly shape: [height: number, width: number, channels: number];
  readonly pixels: string;
}
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/jpeg.json', import.meta.url), 'utf8'));
const fileOf = (name: string): Buffer => Buffer.from((cases.find((c) => c.name === name) as Case).file, 'base64');

for (const { name, file, shape, pixels } of cases)
  test(`${name}: pixels as PIL decodes them`, async () => {
    const { width, height, channels, data } = await decodeJpeg(Buffer.from(file, 'base64'));
    assert.equal([height, width, channels], shape);
    const expected = Buffer.from(pixels, 'base64');
    let most = 0;
    expected.forEach((value, i) => {
      most = Math.max(most, Math.abs(value - data[i]));
    });
    // Decoders round differently, and libjpeg interpolates colors that were stored at half size.
    assert.ok(most <= (name === 'halved colors' ? 24 : 3), `${most} levels apart`);
  });

test('the size as it is stored, and the number of colors, are read', () => {
  for (const { name } of cases) {
    const { height, width, components } = inspectJpeg(fileOf(name));
    assert.equal([height, width, components], [10, 13, name === 'grey' ? 1 : 3], name);
  }
});

test('the orientation is read, whatever the order of bytes', () => {
  const file = fileOf('orientation 6');
  assert.is(inspectJpeg(file).orientation, 6);
  assert.is(inspectJpeg(fileOf('baseline')).orientation, 1);
  // The same directory with the least byte first: one entry, tag 0x0112, type 3, count 1, value 8.
  const exif = [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0];
  const segment = [0xff, 0xe1, 0, 2 + 6 + exif.length, ...Buffer.from('Exif\0\0'), ...exif];
  const plain = fileOf('baseline');
  const with8 = Buffer.concat([plain.subarray(0, 2), Buffer.from(segment), plain.subarray(2)]);
  assert.is(inspectJpeg(with8).orientation, 8);
  // The TIFF header begins at byte 12. A directory that lies outside, or is empty, says nothing.
  const damaged = (at: number, value: number): Buffer => {
    const copy = Buffer.from(with8);
    copy[at] = value;
    return copy;
  };
  const directory = 12 + 4;
  const count = 12 + 8;
  assert.equal(
    [damaged(directory, 200), damaged(count, 0), damaged(count, 99), damaged(count + 10, 9)].map(
      (file) => inspectJpeg(file).orientation,
    ),
    [1, 1, 8, 1],
  );
});

async function messageOf(bytes: Uint8Array): Promise<string> {
  try {
    await decodeJpeg(bytes);
  } catch (error) {
    assert.instance(error, FormatError, `${error}`);
    return (error as Error).message;
  }
  return 'no error';
}

for (const name of ['baseline', 'progressive', 'grey', 'orientation 6'])
  test(`${name}: cut short anywhere, it is refused`, async () => {
    const file = fileOf(name);
    for (let length = 0; length < file.length; length++) {
      const message = await messageOf(file.subarray(0, length));
      assert.match(
        message,
        /^decodeJpeg: a JPEG must (be whole|begin)/,
        `${length} of ${file.length} bytes: ${message}`,
      );
    }
  });

test('with an end put after the cut, it is refused as well', async () => {
  const file = fileOf('baseline');
  const end = file.subarray(-2);
  // From the last fifth on the entropy-coded data are cut.
  for (let length = Math.floor(file.length * 0.9); length < file.length - 8; length++)
    assert.is.not(await messageOf(Buffer.concat([file.subarray(0, length), end])), 'no error', `${length} bytes`);
});

test('damage never throws anything but a FormatError', async () => {
  const file = fileOf('progressive');
  for (let at = 2; at < file.length; at++) {
    const damaged = Buffer.from(file);
    damaged[at] ^= 0x55;
    await messageOf(damaged);
  }
});

test('an image with too many pixels is refused before it is decoded', async () => {
  const file = Buffer.from(fileOf('baseline'));
  const frame = file.indexOf(Buffer.from([0xff, 0xc0]));
  file.writeUInt16BE(65000, frame + 5);
  file.writeUInt16BE(65000, frame + 7);
  assert.is(await messageOf(file), 'decodeJpeg: an image must have 1 to 67108864 pixels; got 4225000000');
});

test('bytes after the end are ignored', async () => {
  assert.is(await messageOf(Buffer.concat([fileOf('baseline'), Buffer.alloc(100)])), 'no error');
});

test.run();
