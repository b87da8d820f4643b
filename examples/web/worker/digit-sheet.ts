/**
 * The picture in which the page's digits are stored: 28 pixels wide, one digit below the other, the
 * training digits first. Not here: who writes it (../digits-asset.ts).
 */
import { FormatError } from 'cedargrad';
import { decodePng } from 'cedargrad/io';

/** Side of a digit. @units pixels */
export const side = 28;
/** How many digits there are. They are as many as in the example digits. */
export const counts = { train: 1500, test: 300 } as const;

/** @shape images [count · 28 · 28] @units 0 (paper) … 1 (ink) */
export interface DigitImages {
  readonly train: Float32Array;
  readonly test: Float32Array;
}

/**
 * Reads the digits of a sheet.
 * @throws FormatError if it is not such a picture
 */
export function readSheet(bytes: Uint8Array): DigitImages {
  const { width, height, channels, data } = decodePng(bytes);
  const wanted = side * (counts.train + counts.test);
  if (width !== side || height !== wanted || channels !== 1)
    throw new FormatError(
      'readSheet',
      `the digits must be a grey picture of ${side} × ${wanted} pixels`,
      `${width} × ${height} with ${channels} channels`,
    );
  const images = Float32Array.from(data, (ink) => ink / 255);
  const split = counts.train * side * side;
  return { train: images.subarray(0, split), test: images.subarray(split) };
}
