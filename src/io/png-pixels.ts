/**
 * Converts a PNG's compressed image data to samples of 8 bits. This inflates the data, undoes the
 * filters and puts the passes of an interlaced image in place. Not here: chunks (png-chunks.ts).
 * @source W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", sections 7 to 10
 */
import { Unzlib } from 'fflate';
import { FormatError } from '../errors.js';
import { bad, colorTypes, type Header } from './png-chunks.js';

/** The first pixel of a pass, and the distance between its pixels. */
interface Pass {
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}
const whole: readonly Pass[] = [{ x: 0, y: 0, stepX: 1, stepY: 1 }];
/** Adam7. */
const interlaced: readonly Pass[] = [
  { x: 0, y: 0, stepX: 8, stepY: 8 },
  { x: 4, y: 0, stepX: 8, stepY: 8 },
  { x: 0, y: 4, stepX: 4, stepY: 8 },
  { x: 2, y: 0, stepX: 4, stepY: 4 },
  { x: 0, y: 2, stepX: 2, stepY: 4 },
  { x: 1, y: 0, stepX: 2, stepY: 2 },
  { x: 0, y: 1, stepX: 1, stepY: 2 },
];

/** The maximum number of bytes that one byte of deflated data expands to. */
const mostExpansion = 1032;

function adler32(bytes: Uint8Array): number {
  let a = 1;
  let b = 0;
  for (let i = 0; i < bytes.length; ) {
    // The sums of this many bytes stay below 2^32.
    for (const end = Math.min(i + 5552, bytes.length); i < end; i++) {
      a += bytes[i];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}

/** Inflates a zlib stream that must give exactly `size` bytes. */
function inflate(parts: readonly Uint8Array[], size: number): Uint8Array {
  const given = parts.reduce((sum, part) => sum + part.length, 0);
  const rule = 'image data must hold every pixel and no more';
  if (size > given * mostExpansion) throw bad(rule, `${given} compressed bytes for ${size}`);
  const out = new Uint8Array(size);
  // The inflater gets one piece at a time, so that it stops soon after the image is full.
  const piece = Math.min(Math.max(size >> 4, 1 << 10), 1 << 18);
  let filled = 0;
  const inflater = new Unzlib((bytes) => {
    if (filled + bytes.length > size) throw bad(rule, `more than ${size} bytes`);
    out.set(bytes, filled);
    filled += bytes.length;
  });
  try {
    for (const part of parts)
      for (let at = 0; at < part.length; at += piece) inflater.push(part.subarray(at, at + piece));
    inflater.push(new Uint8Array(0), true);
  } catch (error) {
    if (error instanceof FormatError) throw error;
    throw bad('image data must be a sound zlib stream', (error as Error).message);
  }
  if (filled < size) throw bad(rule, `${filled} bytes for ${size}`);
  const end = parts.flatMap((part) => [...part.subarray(-4)]).slice(-4);
  const sum = end.reduce((value, byte) => value * 256 + byte, 0);
  if (sum !== adler32(out)) throw bad("the image data's checksum must be right", `${sum} for ${adler32(out)}`);
  return out;
}

/** Undoes the filter of one row in place. `above` is where the row above begins, or −1. */
function unfilter(raw: Uint8Array, filter: number, at: number, above: number, length: number, step: number): void {
  if (filter > 4) throw bad('a filter must be 0 to 4', `${filter}`);
  if (filter === 0) return;
  for (let i = 0; i < length; i++) {
    const left = i < step ? 0 : raw[at + i - step];
    const up = above < 0 ? 0 : raw[above + i];
    if (filter === 1) raw[at + i] += left;
    else if (filter === 2) raw[at + i] += up;
    else if (filter === 3) raw[at + i] += (left + up) >> 1;
    else {
      const corner = i < step || above < 0 ? 0 : raw[above + i - step];
      const toLeft = Math.abs(up - corner);
      const toUp = Math.abs(left - corner);
      const toCorner = Math.abs(left + up - 2 * corner);
      raw[at + i] += toLeft <= toUp && toLeft <= toCorner ? left : toUp <= toCorner ? up : corner;
    }
  }
}

/**
 * Takes samples of any depth from a row. Grey is scaled to 8 bits, indices into a palette are not.
 */
function unpack(row: Uint8Array, raw: Uint8Array, at: number, depth: number, isIndex: boolean): void {
  if (depth === 8) row.set(raw.subarray(at, at + row.length));
  else if (depth === 16)
    for (let i = 0; i < row.length; i++) row[i] = Math.round((raw[at + 2 * i] * 256 + raw[at + 2 * i + 1]) / 257);
  else {
    const most = 2 ** depth - 1;
    const factor = isIndex ? 1 : 255 / most;
    for (let i = 0; i < row.length; i++) {
      const bit = i * depth;
      row[i] = ((raw[at + (bit >> 3)] >> (8 - depth - (bit & 7))) & most) * factor;
    }
  }
}

/**
 * Samples of 8 bits; for a palette, the indices.
 * @shape → [height · width · channels]
 * @throws FormatError when the data is damaged, or not as long as the image needs
 */
export function samplesOf(header: Header, data: readonly Uint8Array[]): Uint8Array {
  const { width, height, depth, color } = header;
  const { channels } = colorTypes[color];
  const passes = (header.interlaced ? interlaced : whole)
    .map((pass) => ({
      ...pass,
      columns: Math.ceil((width - pass.x) / pass.stepX),
      rows: Math.ceil((height - pass.y) / pass.stepY),
    }))
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
  const rowBytes = (columns: number): number => Math.ceil((columns * channels * depth) / 8);
  const size = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + rowBytes(columns)), 0);
  const raw = inflate(data, size);
  const out = new Uint8Array(width * height * channels);
  const step = Math.max(1, (channels * depth) / 8);
  let at = 0;
  for (const { x, y, stepX, stepY, columns, rows } of passes) {
    const length = rowBytes(columns);
    const row = new Uint8Array(columns * channels);
    for (let j = 0; j < rows; j++, at += length + 1) {
      unfilter(raw, raw[at], at + 1, j === 0 ? -1 : at - length, length, step);
      unpack(row, raw, at + 1, depth, color === 3);
      const to = ((y + j * stepY) * width + x) * channels;
      if (stepX === 1) out.set(row, to);
      else
        for (let i = 0; i < row.length; i++) {
          const channel = i % channels;
          out[to + (i - channel) * stepX + channel] = row[i];
        }
    }
  }
  return out;
}
