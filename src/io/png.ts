/** PNG in and out, 8 bits, grey or RGB. */
import { decode, encode } from 'fast-png';
import { FormatError, ValueError } from '../errors.js';

/** Pixels, row-major, channels last. */
export interface PngImage {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** @throws ValueError when data and size disagree */
export function encodePng({ width, height, channels, data }: PngImage): Uint8Array {
  if (data.length !== width * height * channels) throw new ValueError('encodePng', 'data must have width·height·channels bytes', `${data.length} for ${width}×${height}×${channels}`);
  return encode({ width, height, channels, depth: 8, data });
}

/** Grey and RGB of 8 bits; transparency is dropped. @throws FormatError for what is no such PNG */
export function decodePng(bytes: Uint8Array): PngImage {
  let image: ReturnType<typeof decode>;
  try {
    image = decode(bytes);
  } catch (error) {
    throw new FormatError('decodePng', 'the bytes must be a PNG', (error as Error).message);
  }
  const { width, height, channels, data } = image;
  if (image.depth !== 8 || image.palette !== undefined) throw new FormatError('decodePng', 'the PNG must have 8 bits per channel and no palette', `${image.depth} bits, ${channels} channels`);
  const kept = channels > 2 ? 3 : 1;
  const out = new Uint8Array(width * height * kept);
  for (let i = 0; i < width * height; i++) for (let c = 0; c < kept; c++) out[i * kept + c] = data[i * channels + c];
  return { width, height, channels: kept, data: out };
}
