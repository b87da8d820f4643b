/**
 * Checks data sets of images in a page: files that a user has picked, addresses, the formats that
 * the browser decodes, batches of them, and what is refused there. Not here: the decoder that Node
 * uses (test/data).
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inPage } from './chromium.mjs';
import { check } from './report.mjs';

const limitMs = 60_000;
/** Between the browser's JPEG decoder and the one that made the expected pixels. @units 0 … 255 */
const mostDifference = 2;
const refused = {
  path: /^DeviceError: imageFolder: a folder needs Node; .*; pass a list of File objects or URLs$/,
  workers: /^DeviceError: DataLoader: worker threads of a loader need Node; got workers=2; leave out workers/,
  missing: /^FormatError: imageFolder: every image must be readable; got 'none\.png'.* an empty file; /,
  cut: /^FormatError: readImage: .* got 'cut\.jpg': a JPEG must be whole; got 400 bytes /,
  text: /^FormatError: readImage: .* got 'text\.png': the browser must know the format; got bytes 104 101 /,
  photographs: /^DeviceError: photographs: the photographs are files, which need Node; got a browser$/,
  none: /^ValueError: imageFolder: source must list an image .*; got 1 file of other kinds \(\.txt\)$/,
};
const jpegs = JSON.parse(readFileSync(new URL('../fixtures/jpeg.json', import.meta.url), 'utf8'));

export async function checkData(context) {
  await check('dist/browser: reads images of picked files and addresses, and makes batches of them', () =>
    inPage(context, 'open/published', async (call) => {
      const { refusals, differences, ...read } = await call(limitMs, 'images', { jpegs, address: 'photo.jpg' });
      assert.deepEqual(read, {
        files: ['a/1.jpg', 'b/2.png', 'b/3.webp'],
        classes: ['a', 'b'],
        batches: [{ shape: [3, 8, 8, 3], labels: [0, 1, 1] }],
        drawn: [102, 51, 0],
        remote: [jpegs[0].shape, jpegs[0].shape],
        picked: ['b/2.png'],
      });
      for (const { name } of jpegs)
        assert.ok(differences[name] <= mostDifference, `the JPEG '${name}' differs by ${differences[name]}`);
      for (const [what, says] of Object.entries(refused)) assert.match(refusals[what], says);
      return `${jpegs.length} JPEGs, ${Object.keys(refused).length} refusals`;
    }),
  );
}
