/**
 * Pictures of the user's: checks before they are decoded, and decoding by the browser. The browser
 * knows more formats than the library, and turns a photograph as its Exif orientation says. Not
 * here: what a network makes of them.
 */
import { FormatError, ValueError } from 'cedargrad';
import type { Picture } from '../protocol.js';
import { sizeInHeader } from './image-size.js';

/** Limits of what is decoded. A photograph of 100 megapixels takes 400 MB. */
const mostBytes = 2 ** 26;
const mostPixels = 1e8;
/** How much of a file is searched for the size. */
const headerBytes = 2 ** 20;

/** A picture that was scaled down, and the size that it had. */
export interface Decoded {
  readonly picture: Picture;
  readonly width: number;
  readonly height: number;
}

/** Decodes a picture and scales it down, so that no side is longer than `longest`. */
export type Decode = (file: Blob, longest: number) => Promise<Decoded>;

/** The size that keeps the proportions and has no side longer than `longest`. */
export function fitted(width: number, height: number, longest: number): [width: number, height: number] {
  const factor = Math.min(1, longest / Math.max(width, height));
  return [Math.max(1, Math.round(width * factor)), Math.max(1, Math.round(height * factor))];
}

const what = (file: Blob, name: string): string =>
  `${name} (${file.type === '' ? 'unknown type' : file.type}, ${file.size} bytes)`;

/**
 * Decodes a picture by `decode`, after checks that need no memory.
 * @throws ValueError for a file or a picture that is too large; FormatError for no picture
 */
export async function readImage(file: Blob, name: string, longest: number, decode: Decode): Promise<Decoded> {
  if (file.size > mostBytes)
    throw new ValueError('image', `a picture's file must have at most ${mostBytes / 2 ** 20} MB`, what(file, name));
  const size = sizeInHeader(new Uint8Array(await file.slice(0, headerBytes).arrayBuffer()));
  if (size !== null && size[0] * size[1] > mostPixels)
    throw new ValueError(
      'image',
      `a picture must have at most ${mostPixels / 1e6} megapixels`,
      `${name} of ${size[0]} × ${size[1]} pixels`,
      'make it smaller',
    );
  try {
    return await decode(file, longest);
  } catch (error) {
    const refused = new FormatError(
      'image',
      'the file must be a picture that this browser can read',
      what(file, name),
      'choose a PNG, JPEG, GIF or WebP file',
    );
    refused.cause = error;
    throw refused;
  }
}

/** Decodes by the browser, in a page or a worker. */
export const decodeInBrowser: Decode = async (file, longest) => {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  const { width, height } = bitmap;
  const [toWidth, toHeight] = fitted(width, height, longest);
  let source: ImageBitmap | OffscreenCanvas = bitmap;
  // Browsers skip pixels when they draw a picture at less than half its size. So it is halved until
  // less than half is left to do.
  for (;;) {
    const isLast: boolean = source.width <= 2 * toWidth && source.height <= 2 * toHeight;
    const canvas: OffscreenCanvas = isLast
      ? new OffscreenCanvas(toWidth, toHeight)
      : new OffscreenCanvas(Math.ceil(source.width / 2), Math.ceil(source.height / 2));
    const context = canvas.getContext('2d', { willReadFrequently: isLast });
    if (context === null) throw new Error('no 2d context');
    // What is transparent in the file becomes white.
    context.fillStyle = 'white';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(source, 0, 0, canvas.width, canvas.height);
    if (source === bitmap) bitmap.close();
    source = canvas;
    if (isLast) {
      const pixels = new Uint8ClampedArray(context.getImageData(0, 0, toWidth, toHeight).data);
      return { picture: { width: toWidth, height: toHeight, pixels }, width, height };
    }
  }
};
