/**
 * Bytes of an image file to a HostArray [H,W,C] of float32 in 0 … 1. PNG is decoded by this library
 * everywhere, JPEG by jpeg-js in Node, and in a page the browser decodes all formats but PNG. Not
 * here: where the bytes come from (image-files.ts).
 */
import { shown } from '../arguments.js';
import { FormatError, ValueError } from '../errors.js';
import { decodePng } from '../io/png.js';
import { isNode } from '../platform.js';
import type { HostArray } from './host-array.js';
import { type Decoded, decodeJpeg, inspectJpeg, isJpeg } from './jpeg.js';

/** Channels of an image: grey, RGB, or RGB and alpha. */
export type Channels = 1 | 3 | 4;

const isPng = (bytes: Uint8Array): boolean => bytes[0] === 0x89 && bytes[1] === 0x50;

/** The formats that Node does not decode, by their first bytes, for messages. */
const others: readonly (readonly [name: string, starts: RegExp])[] = [
  ['a GIF', /^GIF8/],
  ['a WebP', /^RIFF....WEBP/s],
  ['a BMP', /^BM/],
  ['a TIFF', /^(II\*\0|MM\0\*)/],
  ['an AVIF or HEIC', /^....ftyp(avif|avis|heic|heix|mif1)/s],
];

function kindOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'an empty file';
  const start = String.fromCharCode(...bytes.subarray(0, 16));
  return others.find(([, starts]) => starts.test(start))?.[0] ?? `bytes ${[...bytes.subarray(0, 4)].join(' ')} …`;
}

/** Decodes by the browser, which also turns the image as its Exif orientation says. */
async function decodeInPage(bytes: Uint8Array<ArrayBuffer>): Promise<Decoded> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes]), {
      imageOrientation: 'from-image',
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch (error) {
    throw new FormatError('decodeImage', 'the browser must know the format', kindOf(bytes), (error as Error).message);
  }
  const { width, height } = bitmap;
  const canvas =
    typeof OffscreenCanvas === 'undefined'
      ? Object.assign(document.createElement('canvas'), { width, height })
      : new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true }) as CanvasRenderingContext2D;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return { width, height, channels: 4, data: context.getImageData(0, 0, width, height).data };
}

/**
 * Decodes an image file of a format that the platform knows.
 * @throws FormatError if the file is damaged or of another format
 */
export async function decodeImage(bytes: Uint8Array): Promise<Decoded> {
  if (isPng(bytes)) return decodePng(bytes);
  if (isNode()) {
    if (isJpeg(bytes)) return decodeJpeg(bytes);
    throw new FormatError('decodeImage', 'an image must be PNG or JPEG', kindOf(bytes), 'a page reads other formats');
  }
  if (isJpeg(bytes)) inspectJpeg(bytes);
  return decodeInPage(bytes as Uint8Array<ArrayBuffer>);
}

/** Checks a number of channels. */
export function checkChannels(op: string, name: string, channels: unknown): asserts channels is Channels {
  if (channels !== 1 && channels !== 3 && channels !== 4)
    throw new ValueError(op, `${name} must be 1, 3 or 4`, `${name}=${shown(channels)}`);
}

/** byte / 255, rounded to float32. */
const levels = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** The grey of a color. @source ITU-R BT.601, as in PIL's convert('L') */
export const luma = (red: number, green: number, blue: number): number => 0.299 * red + 0.587 * green + 0.114 * blue;

/**
 * Pixels as float32 with the channels that were asked for. Grey becomes RGB by repetition, and RGB
 * grey by its luma (ITU-R BT.601). Alpha is dropped, or 1 if there was none. Colors under
 * transparent pixels stay as the file has them.
 * @shape [height · width · channels] → [H,W,C]
 * @units 0 … 255 → 0 … 1
 */
export function toHostArray({ width, height, channels: given, data }: Decoded, channels: Channels): HostArray {
  const pixels = width * height;
  const out = new Float32Array(pixels * channels);
  const isGrey = given <= 2;
  const hasAlpha = given === 2 || given === 4;
  if (given === channels) for (let i = 0; i < out.length; i++) out[i] = levels[data[i] as number] as number;
  else
    for (let i = 0, from = 0, to = 0; i < pixels; i++, from += given, to += channels) {
      const red = data[from] as number;
      const green = isGrey ? red : (data[from + 1] as number);
      const blue = isGrey ? red : (data[from + 2] as number);
      if (channels === 1) out[to] = isGrey ? (levels[red] as number) : luma(red, green, blue) / 255;
      else {
        out[to] = levels[red] as number;
        out[to + 1] = levels[green] as number;
        out[to + 2] = levels[blue] as number;
        if (channels === 4) out[to + 3] = hasAlpha ? (levels[data[from + given - 1] as number] as number) : 1;
      }
    }
  return { data: out, shape: [height, width, channels] };
}
