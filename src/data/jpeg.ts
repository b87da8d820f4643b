/**
 * JPEG files: the check that a file is whole, the orientation that a camera has noted, and decoding
 * in Node by jpeg-js. Not here: decoding in pages (decode.ts).
 * @source ITU-T T.81, annex B (markers); CIPA DC-008 (Exif 2.32), 4.5 and 4.6.4
 */
import { DeviceError, FormatError } from '../errors.js';
import { mostPixels } from '../io/png-chunks.js';
import { load } from '../platform.js';

/** Pixels in rows from the top, channels innermost, as decoders give them. */
export interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** @shape [height · width · channels] @units 0 … 255 */
  readonly data: Uint8Array | Uint8ClampedArray;
}

const bad = (rule: string, got: string): FormatError => new FormatError('decodeJpeg', rule, got);
const cut = (bytes: Uint8Array): FormatError =>
  bad('a JPEG must be whole', `${bytes.length} bytes without the marker of its end: the file is cut short`);

const Marker = { start: 0xd8, end: 0xd9, scan: 0xda, exif: 0xe1, firstRestart: 0xd0, lastRestart: 0xd7 } as const;

export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === Marker.start;

/** The position of the next marker's code. Fill and stuffed bytes and restarts are no markers. */
function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(0xff, from); at >= 0; at = bytes.indexOf(0xff, at + 1)) {
    const code = bytes[at + 1] ?? 0;
    const isRestart = code >= Marker.firstRestart && code <= Marker.lastRestart;
    if (code !== 0 && code !== 0xff && !isRestart) return at + 1;
  }
  throw cut(bytes);
}

/** What the segments of a JPEG say about it. */
export interface JpegFacts {
  /** 1 … 8, as in Exif; 1 if the file says nothing. */
  readonly orientation: number;
  /** The size as it is stored, before it is turned. 0 if the file does not say. */
  readonly height: number;
  readonly width: number;
  /** The number of colors that are stored: 1 is grey. */
  readonly components: number;
}

/**
 * Walks the segments of a file to its end. Decoders fill the missing part of a file that is cut
 * short with grey, so this must be checked.
 * @throws FormatError if the file is no JPEG, or is cut short
 */
export function inspectJpeg(bytes: Uint8Array): JpegFacts {
  if (!isJpeg(bytes)) throw bad('a JPEG must begin with its marker', `${bytes.length} bytes`);
  let orientation = 1;
  let frame = { height: 0, width: 0, components: 0 };
  for (let at = nextMarker(bytes, 2); bytes[at] !== Marker.end; at = nextMarker(bytes, at)) {
    const code = bytes[at] ?? 0;
    const length = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    if (length < 2 || at + 1 + length > bytes.length) throw cut(bytes);
    const segment = bytes.subarray(at + 3, at + 1 + length);
    if (code === Marker.exif) orientation = orientationOf(segment) ?? orientation;
    // The frame headers SOF0 … SOF15, but not the tables DHT, JPG and DAC.
    if (code >= 0xc0 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc && segment.length >= 6)
      frame = { height: sizeAt(segment, 1), width: sizeAt(segment, 3), components: segment[5] as number };
    at += 1 + length;
  }
  return { orientation, ...frame };
}

const sizeAt = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** The tag Orientation of an Exif segment, or undefined if it has none. */
function orientationOf(segment: Uint8Array): number | undefined {
  const begin = 6;
  if (segment.length < begin + 8 || String.fromCharCode(...segment.subarray(0, 4)) !== 'Exif') return undefined;
  const view = new DataView(segment.buffer, segment.byteOffset + begin, segment.length - begin);
  const little = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, little);
  if (directory + 2 > view.byteLength) return undefined;
  const count = view.getUint16(directory, little);
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > view.byteLength) return undefined;
    const [tag, type] = [view.getUint16(entry, little), view.getUint16(entry + 2, little)];
    const value = view.getUint16(entry + 8, little);
    if (tag === 0x0112 && type === 3) return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}

/** Turns and mirrors an image, so that it stands as the camera's orientation says. */
export function orient({ width, height, channels, data }: Decoded, orientation: number): Decoded {
  if (orientation === 1) return { width, height, channels, data };
  // For each orientation: whether rows and columns change places, and which axes of the stored
  // image then run backwards.
  const isTurned = orientation >= 5;
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBottom = [3, 4, 6, 7].includes(orientation);
  const [outWidth, outHeight] = isTurned ? [height, width] : [width, height];
  const out = new Uint8Array(data.length);
  let to = 0;
  for (let y = 0; y < outHeight; y++)
    for (let x = 0; x < outWidth; x++) {
      const [column, row] = isTurned ? [y, x] : [x, y];
      const fromX = fromRight ? width - 1 - column : column;
      const fromY = fromBottom ? height - 1 - row : row;
      const from = (fromY * width + fromX) * channels;
      for (let c = 0; c < channels; c++) out[to++] = data[from + c] as number;
    }
  return { width: outWidth, height: outHeight, channels, data: out };
}

type JpegJs = typeof import('jpeg-js');
let jpegJs: Promise<JpegJs> | undefined;

/** jpeg-js, loaded at its first use. Node gives a CommonJS module as the default export. */
function decoder(): Promise<JpegJs> {
  jpegJs ??= load<JpegJs & { default?: JpegJs }>('jpeg-js').then(
    (module) => module.default ?? module,
    (error: Error) => {
      jpegJs = undefined;
      throw new DeviceError(
        'decodeJpeg',
        'the npm package jpeg-js must be installed',
        error.message.replace(/\n.*/s, ''),
        'npm install jpeg-js',
      );
    },
  );
  return jpegJs;
}

/**
 * Decodes a JPEG in Node, turned as its Exif orientation says.
 * @throws FormatError if the file is damaged, cut short or has more than 2²⁶ pixels; DeviceError
 * without jpeg-js
 */
export async function decodeJpeg(bytes: Uint8Array): Promise<Decoded> {
  const { orientation, height, width } = inspectJpeg(bytes);
  const pixels = height * width;
  if (pixels > mostPixels) throw bad(`an image must have 1 to ${mostPixels} pixels`, `${pixels}`);
  const { decode } = await decoder();
  let image: { width: number; height: number; data: Uint8Array };
  try {
    image = decode(bytes, {
      useTArray: true,
      formatAsRGBA: false,
      tolerantDecoding: false,
      maxResolutionInMP: mostPixels / 1e6 + 1,
      // Its coefficients take 12 bytes a pixel.
      maxMemoryUsageInMB: 4096,
    });
  } catch (error) {
    throw bad('a JPEG must be sound', (error as Error).message);
  }
  return orient({ width: image.width, height: image.height, channels: 3, data: image.data }, orientation);
}
