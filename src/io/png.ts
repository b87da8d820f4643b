/**
 * PNG images of 8 bits a channel, both ways. Not here: drawing (picture.ts), files, other formats.
 */
import { zlibSync } from 'fflate';
import { knownOptions, type OptionNames, shown } from '../arguments.js';
import { ShapeError, ValueError } from '../errors.js';
import { type Bytes, bytesFrom } from './bytes.js';
import { bad, type ColorType, colorTypes, readChunks, writeChunks } from './png-chunks.js';
import { samplesOf } from './png-pixels.js';

/** Pixels in rows from the top, channels innermost: grey, grey and alpha, RGB, or RGB and alpha. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** @shape [height · width · channels] */
  readonly data: Uint8Array | Uint8ClampedArray;
}

const pngImage: OptionNames<PngImage> = { width: 'value', height: 'value', channels: 'value', data: 'value' };

/** Color types by number of channels. */
const colors: Readonly<Record<1 | 2 | 3 | 4, ColorType>> = { 1: 0, 2: 4, 3: 2, 4: 6 };

/**
 * Writes an image as PNG.
 * @shape data [height · width · channels] → bytes
 * @units data in 0 … 255
 * @throws ShapeError if the sizes are not whole and positive, or do not fit the data; ValueError if
 * the data is not bytes
 */
export function encodePng(image: PngImage): Uint8Array<ArrayBuffer> {
  if (typeof image !== 'object' || image === null)
    throw new ValueError('encodePng', 'image must be { width, height, channels, data }', `image=${shown(image)}`);
  knownOptions('encodePng', image, pngImage);
  const { width, height, channels, data } = image;
  const kind = Object.prototype.toString.call(data);
  if (kind !== '[object Uint8Array]' && kind !== '[object Uint8ClampedArray]')
    throw new ValueError('encodePng', 'data must be a Uint8Array or a Uint8ClampedArray', `data=${shown(data)}`);
  const isWhole = [width, height].every((n) => Number.isInteger(n) && n > 0) && [1, 2, 3, 4].includes(channels);
  if (!isWhole || data.length !== width * height * channels)
    throw new ShapeError(
      'encodePng',
      'data must have height × width × channels elements',
      `${data.length} for ${[height, width, channels].map(shown).join(' × ')}`,
    );
  const header = new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 8, colors[channels], 0, 0, 0]);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  // Each row follows its filter, 0 for none.
  const row = width * channels;
  const rows = new Uint8Array(height * (row + 1));
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  return writeChunks([
    { type: 'IHDR', data: header },
    { type: 'IDAT', data: zlibSync(rows, { level: 3 }) },
    { type: 'IEND', data: new Uint8Array(0) },
  ]);
}

/** Looks up the colors of indices, with alpha if the palette has any. */
function look(indices: Uint8Array, palette: Uint8Array, alpha: Uint8Array | null): Uint8Array {
  const channels = alpha === null ? 3 : 4;
  const out = new Uint8Array(indices.length * channels);
  for (let i = 0; i < indices.length; i++) {
    const index = indices[i] as number;
    const from = index * 3;
    if (from >= palette.length) throw bad(`an index must lie in the palette of ${palette.length / 3}`, `${index}`);
    for (let c = 0; c < 3; c++) out[i * channels + c] = palette[from + c] as number;
    if (alpha !== null) out[i * channels + 3] = alpha[index] ?? 255;
  }
  return out;
}

/**
 * Reads a PNG of any kind. Palettes become colors, 16-bit values are rounded to 8 bits, and values
 * of fewer than 8 bits are widened. A single transparent color of a grey or RGB image is ignored.
 * @shape bytes → data [height · width · channels]
 * @units data in 0 … 255
 * @throws FormatError if the bytes are not a complete, valid PNG, or if it has more than 2²⁶
 * pixels; ValueError for an argument that is not bytes
 */
export function decodePng(bytes: Bytes): PngImage & { readonly data: Uint8Array } {
  const { header, palette, alpha, data } = readChunks(bytesFrom('decodePng', bytes));
  const { width, height, color } = header;
  const samples = samplesOf(header, data);
  if (color !== 3 || palette === null) return { width, height, channels: colorTypes[color].channels, data: samples };
  return { width, height, channels: alpha === null ? 3 : 4, data: look(samples, palette, alpha) };
}
