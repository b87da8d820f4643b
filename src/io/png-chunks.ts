/**
 * The structure of a PNG file: chunks, their order and their checksums, both ways. Not here: what
 * the image data means (png-pixels.ts).
 * @source W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", sections 5 and 11
 */
import { FormatError } from '../errors.js';
import { crc32 } from './crc32.js';

export type ColorType = 0 | 2 | 3 | 4 | 6;

/** The image header. */
export interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits a sample. */
  readonly depth: number;
  readonly color: ColorType;
  readonly interlaced: boolean;
}

/** The parts of a file that make the pixels. */
export interface PngParts {
  readonly header: Header;
  /** Red, green and blue of each color. @shape [colors · 3] */
  readonly palette: Uint8Array | null;
  /** Alpha of the palette's first colors. @shape [at most colors] */
  readonly alpha: Uint8Array | null;
  /** The compressed image data. */
  readonly data: readonly Uint8Array[];
}

/**
 * Samples a pixel and legal depths by color type: grey, RGB, palette, grey and alpha, RGB and
 * alpha.
 */
export const colorTypes: Readonly<Record<ColorType, { channels: 1 | 2 | 3 | 4; depths: readonly number[] }>> = {
  0: { channels: 1, depths: [1, 2, 4, 8, 16] },
  2: { channels: 3, depths: [8, 16] },
  3: { channels: 1, depths: [1, 2, 4, 8] },
  4: { channels: 2, depths: [8, 16] },
  6: { channels: 4, depths: [8, 16] },
};

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Larger images are refused before memory is set aside for them. */
export const mostPixels = 2 ** 26;

export const bad = (rule: string, got: string, hint?: string): FormatError =>
  new FormatError('decodePng', rule, got, hint);

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array;
}

/** The chunks of a file, each whole and with the right checksum. */
function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  if (bytes.length < signature.length || signature.some((byte, i) => bytes[i] !== byte))
    throw bad('a file must begin with the PNG signature', `${bytes.length} bytes`);
  const view = viewOf(bytes);
  for (let at = signature.length; at < bytes.length; ) {
    const left = bytes.length - at - 12;
    const length = left < 0 ? 0 : view.getUint32(at);
    if (length > left)
      throw bad('a chunk must be whole', `${left} bytes for ${length} at byte ${at}`, 'the file is cut short');
    const typed = bytes.subarray(at + 4, at + 8 + length);
    const type = String.fromCharCode(...typed.subarray(0, 4));
    if (!/^[A-Za-z]{4}$/.test(type))
      throw bad("a chunk's type must be four letters", `bytes ${typed.subarray(0, 4).join(' ')}`);
    if (crc32(typed) !== view.getUint32(at + 8 + length)) throw bad("a chunk's checksum must be right", type);
    yield { type, data: typed.subarray(4) };
    at += 12 + length;
  }
}

function readHeader(data: Uint8Array): Header {
  if (data.length !== 13) throw bad('IHDR must have 13 bytes', `${data.length}`);
  const view = viewOf(data);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  const [depth, color] = [view.getUint8(8), view.getUint8(9)];
  const [compression, filter, interlace] = [view.getUint8(10), view.getUint8(11), view.getUint8(12)];
  const pixels = width * height;
  if (pixels === 0 || pixels > mostPixels)
    throw bad(`an image must have 1 to ${mostPixels} pixels`, `${width} × ${height}`);
  if (!Object.hasOwn(colorTypes, color) || !colorTypes[color as ColorType].depths.includes(depth))
    throw bad('color type and depth must be among the fifteen of the format', `color type ${color}, ${depth} bits`);
  if (compression !== 0 || filter !== 0 || interlace > 1)
    throw bad(
      'compression and filter method must be 0, and the interlace method 0 or 1',
      `${compression}, ${filter} and ${interlace}`,
    );
  return { width, height, depth, color: color as ColorType, interlaced: interlace === 1 };
}

function checkPalette({ color, depth }: Header, data: Uint8Array): void {
  if (color === 0 || color === 4) throw bad('a grey image must have no palette', `color type ${color}`);
  const most = color === 3 ? 2 ** depth : 256;
  if (data.length % 3 !== 0 || data.length === 0 || data.length > 3 * most)
    throw bad(`a palette must have 1 to ${most} colors of 3 bytes`, `${data.length} bytes`);
}

function checkTransparency({ color }: Header, palette: Uint8Array | null, data: Uint8Array): void {
  if (color === 4 || color === 6) throw bad('an image with alpha must have no tRNS chunk', `color type ${color}`);
  if (color === 3 ? data.length * 3 > (palette?.length ?? 0) : data.length !== (color === 0 ? 2 : 6))
    throw bad('a tRNS chunk must fit the color type or the palette before it', `${data.length} bytes`);
}

/** Reads and checks the structure of a file. @throws FormatError for any flaw */
export function readChunks(bytes: Uint8Array): PngParts {
  let header: Header | null = null;
  let palette: Uint8Array | null = null;
  let transparency: Uint8Array | null = null;
  const data: Uint8Array[] = [];
  let before = '';
  for (const chunk of chunksOf(bytes)) {
    const { type } = chunk;
    if (before === 'IEND') throw bad('IEND must be the last chunk', type);
    if (header === null) {
      if (type !== 'IHDR') throw bad('IHDR must be the first chunk', type);
      header = readHeader(chunk.data);
    } else if (type === 'PLTE') {
      if (palette !== null || data.length > 0) throw bad('PLTE must come once, before the image data', 'another place');
      checkPalette(header, chunk.data);
      palette = chunk.data;
    } else if (type === 'tRNS') {
      if (transparency !== null || data.length > 0)
        throw bad('tRNS must come once, before the image data', 'another place');
      checkTransparency(header, palette, chunk.data);
      transparency = chunk.data;
    } else if (type === 'IDAT') {
      if (data.length > 0 && before !== 'IDAT')
        throw bad('IDAT chunks must follow each other', `${before} between them`);
      data.push(chunk.data);
    } else if (type === 'IEND') {
      if (chunk.data.length > 0) throw bad('IEND must be empty', `${chunk.data.length} bytes`);
    } else if (type === 'IHDR') throw bad('IHDR must come once', 'a second one');
    // A capital letter marks chunks that no decoder may skip.
    else if (/^[A-Z]/.test(type)) throw bad('critical chunks must be IHDR, PLTE, IDAT or IEND', type);
    before = type;
  }
  if (header === null || before !== 'IEND')
    throw bad('IEND must be the last chunk', before === '' ? 'no chunk' : before, 'the file is cut short');
  if (data.length === 0) throw bad('IDAT must be there', 'no image data');
  if (header.color === 3 && palette === null) throw bad('an image of color type 3 must have a palette', 'none');
  return { header, palette, alpha: header.color === 3 ? transparency : null, data };
}

/** A whole file of these chunks. */
export function writeChunks(chunks: readonly Chunk[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(chunks.reduce((sum, { data }) => sum + 12 + data.length, signature.length));
  const view = viewOf(out);
  out.set(signature);
  let at = signature.length;
  for (const { type, data } of chunks) {
    view.setUint32(at, data.length);
    for (let i = 0; i < 4; i++) out[at + 4 + i] = type.charCodeAt(i);
    out.set(data, at + 8);
    view.setUint32(at + 8 + data.length, crc32(out.subarray(at + 4, at + 8 + data.length)));
    at += 12 + data.length;
  }
  return out;
}
