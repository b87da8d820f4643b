/**
 * Writes PNG files of every kind, valid or with chosen defects, by Node's zlib and one bit at a
 * time. So the decoder gets files from another encoder than the library's.
 */
import { deflateSync } from 'node:zlib';

/** Where samples come from: row, column, channel → a whole number of `depth` bits. */
export type Sample = (y: number, x: number, channel: number) => number;

export interface PngKind {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha. */
  readonly color: number;
  readonly interlaced: boolean;
}

export const channelsOf = (color: number): number => [1, 0, 3, 1, 2, 0, 4][color];

function crc32(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (-(crc & 1) & 0xedb88320);
  }
  return ~crc >>> 0;
}

/** A chunk with the right length and checksum. */
export function chunk(type: string, data: ArrayLike<number> = []): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length);
  out.write(type, 4, 'latin1');
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + data.length)), 8 + data.length);
  return out;
}

export const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
export const file = (...chunks: readonly Buffer[]): Buffer => Buffer.concat([signature, ...chunks]);

export function header({ width, height, depth, color, interlaced }: PngKind): Buffer {
  const data = Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, depth, color, 0, 0, interlaced ? 1 : 0]);
  data.writeUInt32BE(width);
  data.writeUInt32BE(height, 4);
  return chunk('IHDR', data);
}

/** The seven passes of Adam7, as the specification's 8 × 8 picture has them. */
const adam7 = ['16462646', '77777777', '56565656', '77777777', '36463646', '77777777', '56565656', '77777777'];

/** Rows with their filters, before compression. `filter` chooses one for each row written. */
export function scanlines(kind: PngKind, sample: Sample, filter: (row: number) => number): Buffer {
  const { width, height, depth, color, interlaced } = kind;
  const channels = channelsOf(color);
  const step = Math.max(1, (channels * depth) / 8);
  const out: Uint8Array[] = [];
  let written = 0;
  for (let pass = 1; pass <= (interlaced ? 7 : 1); pass++) {
    let above = new Uint8Array(0);
    for (let y = 0; y < height; y++) {
      let bits = '';
      for (let x = 0; x < width; x++)
        if (!interlaced || adam7[y % 8][x % 8] === String(pass))
          for (let c = 0; c < channels; c++) bits += sample(y, x, c).toString(2).padStart(depth, '0');
      if (bits === '') continue;
      bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, '0');
      const row = Uint8Array.from((bits.match(/.{8}/g) as string[]).map((byte) => Number.parseInt(byte, 2)));
      const kindOfFilter = filter(written++);
      const filtered = row.map((value, i) => {
        const a = i < step ? 0 : row[i - step];
        const b = above[i] ?? 0;
        const c = i < step ? 0 : (above[i - step] ?? 0);
        const p = a + b - c;
        const nearest = [a, b, c].sort((m, n) => Math.abs(p - m) - Math.abs(p - n))[0];
        return value - [0, a, b, (a + b) >> 1, nearest][kindOfFilter];
      });
      out.push(Buffer.from([kindOfFilter]), filtered);
      above = row;
    }
  }
  return Buffer.concat(out);
}

/** A whole file, its image data cut into pieces. */
export function png(
  kind: PngKind,
  sample: Sample,
  {
    filter = () => 0,
    between = [],
    pieces = 1,
  }: { filter?: (row: number) => number; between?: readonly Buffer[]; pieces?: number } = {},
): Buffer {
  const data = deflateSync(scanlines(kind, sample, filter));
  const size = Math.ceil(data.length / pieces);
  const parts = Array.from({ length: pieces }, (_, i) => chunk('IDAT', data.subarray(i * size, (i + 1) * size)));
  return file(header(kind), ...between, ...parts, chunk('IEND'));
}
