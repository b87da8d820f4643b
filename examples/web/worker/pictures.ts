/** Tensors as pictures that a page can show. Not here: pictures of the user's (images.ts). */
import { noGrad } from 'cedargrad';
import type { Picture, Row } from '../protocol.js';
import type { TensorRow } from './networks/network.js';

/** How the values of one image become a picture. */
export interface PictureOptions {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** The value that is black, and the one that is white. Values beyond are clamped. */
  readonly range: readonly [low: number, high: number];
  /** Where the image begins among the values. Default 0. */
  readonly offset?: number;
}

/**
 * One image as an opaque picture: grey for one channel, else its first three channels. NaN becomes
 * black. If `range` is empty, all is black.
 * @shape values [H · W · C] from the offset on
 */
export function pictureOf(values: ArrayLike<number>, options: PictureOptions): Picture {
  const { height, width, channels, range, offset = 0 } = options;
  const [low, high] = range;
  const factor = high > low ? 255 / (high - low) : 0;
  const pixels = new Uint8ClampedArray(height * width * 4);
  for (let i = 0, from = offset; i < pixels.length; i += 4, from += channels) {
    for (let c = 0; c < 3; c++) pixels[i + c] = factor * (values[from + (channels === 1 ? 0 : c)] - low);
    pixels[i + 3] = 255;
  }
  return { height, width, pixels };
}

/** The least and the largest value. */
export function rangeOf(values: ArrayLike<number>): [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]);
    high = Math.max(high, values[i]);
  }
  return [low, high];
}

/** Reads rows of images, with one read for each row. */
export const picturesOf = (rows: readonly TensorRow[]): Promise<Row[]> =>
  Promise.all(
    rows.map(async ({ title, images, range }) => {
      const [count, height, width, channels] = images.shape;
      const values = await images.data();
      const size = height * width * channels;
      const pictures = Array.from({ length: count }, (_, i) =>
        pictureOf(values, { height, width, channels, range, offset: i * size }),
      );
      return { title, pictures };
    }),
  );

/** Computes rows without a graph, reads them, and releases them. */
export async function readRows(make: () => readonly TensorRow[]): Promise<Row[]> {
  const rows = noGrad(make);
  const pictures = await picturesOf(rows);
  for (const { images } of rows) images.release();
  return pictures;
}

/**
 * The memory of all pictures in a value, each once. A message that hands it over needs no copy of
 * it.
 */
export function buffersIn(value: unknown, found = new Set<ArrayBuffer>()): Set<ArrayBuffer> {
  if (ArrayBuffer.isView(value)) found.add(value.buffer as ArrayBuffer);
  else if (typeof value === 'object' && value !== null)
    for (const content of Object.values(value)) buffersIn(content, found);
  return found;
}
