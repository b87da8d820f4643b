/**
 * Makes the file of digits that the page loads. It runs in Node, while the page is built or served.
 * Not here: its layout, which the worker reads (worker/digit-sheet.ts).
 */
import { loadDigits } from 'cedargrad/data';
import { encodePng } from 'cedargrad/io';
import { counts, side } from './worker/digit-sheet.js';

/** The bytes of digits.png. */
export async function digitsPng(): Promise<Uint8Array<ArrayBuffer>> {
  const { train, test } = await loadDigits(counts);
  const data = Uint8Array.from([...train.images, ...test.images], (ink) => Math.round(255 * ink));
  return encodePng({ width: side, height: data.length / side, channels: 1, data });
}
