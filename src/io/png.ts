/** PNG images of 8 bits a channel, both ways, by fast-png. Not here: drawing (picture.ts), files, other formats. */
import { convertIndexedToRgb, type DecodedPng, decode, encode, hasPngSignature } from 'fast-png';
import { FormatError, ShapeError } from '../errors.js';

/** Pixels in rows from the top, channels innermost: grey, grey and alpha, RGB, or RGB and alpha. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** @shape [height · width · channels] */
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** Larger images are refused before memory is set aside for them. */
const MAX_PIXELS = 2 ** 26;

/**
 * Writes an image as PNG.
 * @shape data [height · width · channels] → bytes
 * @units data in 0 … 255
 * @throws ShapeError when the sizes are not whole and positive or do not fit the data
 */
export function encodePng(image: PngImage): Uint8Array {
  const { width, height, channels, data } = image;
  const whole = [width, height].every((n) => Number.isInteger(n) && n > 0) && [1, 2, 3, 4].includes(channels);
  if (!whole || data.length !== width * height * channels)
    throw new ShapeError(
      'encodePng',
      'data must have height × width × channels elements',
      `${data.length} for ${height} × ${width} × ${channels}`,
    );
  return encode({ width, height, channels, depth: 8, data });
}

const bad = (rule: string, got: string): FormatError => new FormatError('decodePng', rule, got);

/** Greys of 1, 2 or 4 bits are packed in bytes, each row beginning a new one. */
function unpack({ width, height, depth, data }: DecodedPng): Uint8Array {
  const out = new Uint8Array(width * height);
  const rowBytes = Math.ceil((width * depth) / 8);
  const max = 2 ** depth - 1;
  for (let i = 0; i < out.length; i++) {
    const bit = (i % width) * depth;
    const byte = data[Math.floor(i / width) * rowBytes + (bit >> 3)];
    out[i] = (((byte >> (8 - depth - (bit & 7))) & max) * 255) / max;
  }
  return out;
}

/**
 * Reads a PNG. Palettes become colours; 16-bit values are rounded to 8 bits and fewer than 8 are widened.
 * @shape bytes → data [height · width · channels]
 * @units data in 0 … 255
 * @throws FormatError when the bytes are not a whole, sound PNG, or of more than 2²⁶ pixels
 */
export function decodePng(bytes: Uint8Array): PngImage & { readonly data: Uint8Array } {
  if (!hasPngSignature(bytes) || bytes.length < 33)
    throw bad('a file must begin with the PNG signature and header', `${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const pixels = view.getUint32(16) * view.getUint32(20);
  if (pixels === 0 || pixels > MAX_PIXELS)
    throw bad(`an image must have 1 to ${MAX_PIXELS} pixels`, `${view.getUint32(16)} × ${view.getUint32(20)}`);
  try {
    const png = decode(bytes, { checkCrc: true });
    const { width, height, depth } = png;
    let data: Uint8Array;
    if (png.palette) data = convertIndexedToRgb(png);
    else if (depth < 8) data = unpack(png);
    else data = depth === 16 ? Uint8Array.from(png.data, (v) => Math.round(v / 257)) : Uint8Array.from(png.data);
    const channels = data.length / (width * height);
    if (channels !== 1 && channels !== 2 && channels !== 3 && channels !== 4)
      throw bad('data must have height × width × channels elements', `${data.length} for ${height} × ${width}`);
    return { width, height, channels, data };
  } catch (error) {
    if (error instanceof FormatError) throw error;
    // fast-png reports damage by whatever error its readers run into.
    throw bad('the file must be a sound PNG', error instanceof Error ? error.message : String(error));
  }
}
