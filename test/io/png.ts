import { readFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { decode, encode } from 'fast-png';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, ShapeError, ValueError } from '../../src/errors.js';
import { decodePng, encodePng } from '../../src/io/png.js';
import * as written from '../helpers/png.js';

const png = suite('png');

png('round trip of every number of channels', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.constantFrom(1, 2, 3, 4) as fc.Arbitrary<1 | 2 | 3 | 4>,
      fc.nat(255),
      (width, height, channels, seed) => {
        const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37 + seed) % 256);
        assert.equal(decodePng(encodePng({ width, height, channels, data })), { width, height, channels, data });
      },
    ),
  );
  const clamped = new Uint8ClampedArray([1, 2, 3]);
  assert.equal(decodePng(encodePng({ width: 1, height: 1, channels: 3, data: clamped })).data, new Uint8Array(clamped));
});

png('other depths become 8 bits', () => {
  assert.equal(
    decodePng(encode({ width: 3, height: 1, channels: 1, depth: 16, data: new Uint16Array([0, 32896, 65535]) })).data,
    new Uint8Array([0, 128, 255]),
  );
  // 10 pixels of 1 bit in 2 bytes a row, of 4 bits in 5.
  assert.equal(
    decodePng(encode({ width: 10, height: 1, channels: 1, depth: 1, data: new Uint8Array([0b10100000, 0b01000000]) }))
      .data,
    new Uint8Array([255, 0, 255, 0, 0, 0, 0, 0, 0, 255]),
  );
  assert.equal(
    decodePng(encode({ width: 3, height: 2, channels: 1, depth: 4, data: new Uint8Array([0x0f, 0x10, 0xf0, 0x20]) }))
      .data,
    new Uint8Array([0, 255, 17, 255, 0, 34]),
  );
});

/*
 * A 3 × 1 image with the palette red, green, blue and the pixels 2 0 1. Python 3.11's zlib and
 * struct wrote it, with the chunks IHDR(3, 1, 8, 3), PLTE, IDAT(compress(00 02 00 01)), IEND.
 */
png('a palette becomes colours', () => {
  const bytes = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAMAAAABCAMAAAAsPuSGAAAACVBMVEX/AAAA/wAAAP8tSs2KAAAADElEQVR4nGNgYmAEAAALAARUlc6MAAAAAElFTkSuQmCC',
    'base64',
  );
  assert.equal(decodePng(bytes), {
    width: 3,
    height: 1,
    channels: 3,
    data: new Uint8Array([0, 0, 255, 255, 0, 0, 0, 255, 0]),
  });
});

png('sizes that do not fit are refused', () => {
  assert.throws(
    () => encodePng({ width: 2, height: 2, channels: 3, data: new Uint8Array(4) }),
    (e: unknown) =>
      e instanceof ShapeError &&
      e.message === 'encodePng: data must have height × width × channels elements; got 4 for 2 × 2 × 3',
  );
  assert.throws(
    () => encodePng({ width: 0, height: 2, channels: 1, data: new Uint8Array(0) }),
    (e: unknown) => e instanceof ShapeError,
  );
});

png('damage is never anything but a FormatError', () => {
  const sound = encodePng({
    width: 8,
    height: 6,
    channels: 3,
    data: Uint8Array.from({ length: 144 }, (_, i) => (i * 31) % 256),
  });
  const tolerate = (bytes: Uint8Array) => {
    try {
      decodePng(bytes);
    } catch (error) {
      assert.instance(error, FormatError);
    }
  };
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(sound.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 }),
      (changes) => {
        const bytes = sound.slice();
        for (const [at, value] of changes) bytes[at] = value;
        tolerate(bytes);
      },
    ),
    { numRuns: 1000 },
  );
  for (let cut = 0; cut < sound.length; cut++)
    assert.throws(
      () => decodePng(sound.subarray(0, cut)),
      (e: unknown) => e instanceof FormatError,
      `cut at ${cut}`,
    );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), tolerate));
  tolerate(readFileSync(new URL(import.meta.url)));
});

/** The message of a refusal, which must be a FormatError. */
function refusal(bytes: Uint8Array): string {
  try {
    decodePng(bytes);
  } catch (error) {
    assert.instance(error, FormatError);
    return (error as Error).message;
  }
  throw new Error('it was read');
}

const kinds = [
  [0, [1, 2, 4, 8, 16]],
  [2, [8, 16]],
  [3, [1, 2, 4, 8]],
  [4, [8, 16]],
  [6, [8, 16]],
] as const;
for (const [color, depths] of kinds)
  for (const depth of depths)
    for (const interlaced of [false, true])
      png(`color type ${color} of ${depth} bits${interlaced ? ', interlaced' : ''}, is read`, () => {
        const channels = written.channelsOf(color);
        const most = 2 ** depth - 1;
        const sizes = fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }));
        fc.assert(
          fc.property(sizes, fc.nat(1000), fc.integer({ min: 1, max: 4 }), ([width, height], seed, pieces) => {
            const sample = (y: number, x: number, c: number): number =>
              Math.imul(y * 7919 + x * 104729 + c * 31 + seed, 2654435761) >>> (32 - depth);
            const palette = Array.from({ length: 3 * 2 ** Math.min(depth, 8) }, (_, i) => (i * 37 + seed) % 256);
            const alpha = seed % 2 === 0 ? [seed % 256, 9] : [];
            const image = decodePng(
              written.png({ width, height, depth, color, interlaced }, sample, {
                filter: (row) => (row + seed) % 5,
                between:
                  color !== 3
                    ? []
                    : [written.chunk('PLTE', palette), ...(alpha.length > 0 ? [written.chunk('tRNS', alpha)] : [])],
                pieces,
              }),
            );
            const want: number[] = [];
            for (let y = 0; y < height; y++)
              for (let x = 0; x < width; x++)
                if (color === 3) {
                  const index = sample(y, x, 0);
                  want.push(...palette.slice(3 * index, 3 * index + 3));
                  if (alpha.length > 0) want.push(alpha[index] ?? 255);
                } else for (let c = 0; c < channels; c++) want.push(Math.round((sample(y, x, c) * 255) / most));
            assert.is(image.channels, color !== 3 ? channels : alpha.length > 0 ? 4 : 3);
            assert.equal([...image.data], want);
          }),
          { numRuns: 30 },
        );
      });

png('what encodePng writes is read by another decoder, and is what another encoder writes', () => {
  for (const channels of [1, 2, 3, 4] as const) {
    const data = Uint8Array.from({ length: 6 * 5 * channels }, (_, i) => (i * 37) % 256);
    const image = { width: 6, height: 5, channels, data };
    assert.equal(new Uint8Array(decode(encodePng(image), { checkCrc: true }).data), data);
    assert.equal(new Uint8Array(encodePng(image)), new Uint8Array(encode({ ...image, depth: 8 })));
  }
});

const kind = { width: 4, height: 3, depth: 8, color: 0, interlaced: false };
const head = written.header(kind);
const end = written.chunk('IEND');
const rows = written.scanlines(
  kind,
  (y, x) => y * 4 + x,
  () => 0,
);
const data = written.chunk('IDAT', deflateSync(rows));
const wrongSum = deflateSync(rows);
wrongSum[wrongSum.length - 1] ^= 1;
const colored = written.header({ ...kind, color: 3, depth: 2 });
const indices = written.chunk('IDAT', deflateSync(Buffer.from([0, 0, 0, 0, 0, 0b00011011])));

const flaws: Record<string, [Buffer, RegExp]> = {
  'image data that is too short': [
    written.file(head, written.chunk('IDAT', deflateSync(rows.subarray(0, 10))), end),
    /image data must hold every pixel and no more; got 10 bytes for 15$/,
  ],
  'image data that is too long': [
    written.file(head, written.chunk('IDAT', deflateSync(Buffer.concat([rows, rows]))), end),
    /image data must hold every pixel and no more; got more than 15 bytes$/,
  ],
  'image data of another image': [
    written.file(written.header({ ...kind, width: 60_000, height: 1000 }), data, end),
    /image data must hold every pixel and no more; got \d+ compressed bytes for 60001000$/,
  ],
  'a wrong Adler checksum': [
    written.file(head, written.chunk('IDAT', wrongSum), end),
    /the image data's checksum must be right; got/,
  ],
  'no zlib stream': [
    written.file(head, written.chunk('IDAT', [1, 2, 3, 4, 5, 6, 7, 8]), end),
    /sound zlib stream; got/,
  ],
  'a cut zlib stream': [
    written.file(head, written.chunk('IDAT', deflateSync(rows).subarray(0, 9)), end),
    /image data must|sound zlib stream/,
  ],
  'a wrong chunk checksum': [
    written.file(head, Buffer.concat([data.subarray(0, -1), Buffer.from([data[data.length - 1] ^ 1])]), end),
    /a chunk's checksum must be right; got IDAT$/,
  ],
  'an unknown filter': [
    written.file(head, written.chunk('IDAT', deflateSync(Buffer.from(rows.map((v, i) => (i === 5 ? 5 : v))))), end),
    /a filter must be 0 to 4; got 5$/,
  ],
  'a missing palette': [written.file(colored, indices, end), /an image of color type 3 must have a palette; got none$/],
  'an index beyond the palette': [
    written.file(colored, written.chunk('PLTE', [1, 2, 3, 4, 5, 6]), indices, end),
    /an index must lie in the palette of 2; got [23]$/,
  ],
  'a palette of half a color': [
    written.file(colored, written.chunk('PLTE', [1, 2, 3, 4]), indices, end),
    /a palette must have 1 to 4 colors of 3 bytes; got 4 bytes$/,
  ],
  'a palette of a grey image': [
    written.file(head, written.chunk('PLTE', [1, 2, 3]), data, end),
    /a grey image must have no palette; got color type 0$/,
  ],
  'a palette behind the data': [
    written.file(written.header({ ...kind, color: 2 }), data, written.chunk('PLTE', [1, 2, 3]), end),
    /PLTE must come once, before the image data; got/,
  ],
  'more alphas than colors': [
    written.file(colored, written.chunk('PLTE', [1, 2, 3]), written.chunk('tRNS', [1, 2]), indices, end),
    /a tRNS chunk must fit the color type or the palette before it; got 2 bytes$/,
  ],
  'a second header': [written.file(head, head, data, end), /IHDR must come once; got a second one$/],
  'another first chunk': [written.file(written.chunk('gAMA', [0, 0, 0, 1]), head, data, end), /IHDR must be the first/],
  'an unknown critical chunk': [
    written.file(head, written.chunk('CgBI', [1]), data, end),
    /critical chunks must be IHDR, PLTE, IDAT or IEND; got CgBI$/,
  ],
  'a chunk between image data': [
    written.file(head, data, written.chunk('tEXt', [65, 0, 66]), data, end),
    /IDAT chunks must follow each other; got tEXt between them$/,
  ],
  'data after the end': [
    Buffer.concat([written.file(head, data, end), Buffer.from('more')]),
    /a chunk must be whole; got/,
  ],
  'a chunk after the end': [
    written.file(head, data, end, written.chunk('tEXt', [65, 0, 66])),
    /IEND must be the last chunk; got tEXt$/,
  ],
  'no end': [written.file(head, data), /IEND must be the last chunk; got IDAT; the file is cut short$/],
  'no image data': [written.file(head, end), /IDAT must be there; got no image data$/],
  'a depth that the color type lacks': [
    written.file(written.header({ ...kind, color: 2, depth: 4 }), data, end),
    /color type and depth must be among the fifteen of the format; got color type 2, 4 bits$/,
  ],
  'an unknown interlace method': [
    written.file(written.chunk('IHDR', [0, 0, 0, 4, 0, 0, 0, 3, 8, 0, 0, 0, 2]), data, end),
    /the interlace method 0 or 1; got 0, 0 and 2$/,
  ],
  'no PNG': [
    Buffer.from('GIF89a, which is no PNG file at all'),
    /a file must begin with the PNG signature; got 35 bytes$/,
  ],
};
for (const [name, [bytes, says]] of Object.entries(flaws))
  png(`${name} is refused`, () => {
    const message = refusal(bytes);
    assert.match(message, /^decodePng: /);
    assert.match(message, says);
  });

png('an ancillary chunk of any name and content is passed over, a profile that is no zlib stream too', () => {
  const image = decodePng(
    written.file(head, written.chunk('iCCP', [65, 0, 0, 1, 2, 3]), written.chunk('zzZz', [1]), data, end),
  );
  assert.equal([...image.data], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

png('an enormous image is refused before memory is taken', () => {
  assert.match(
    refusal(written.file(written.header({ ...kind, width: 2 ** 31 - 1, height: 1 }), data, end)),
    /^decodePng: an image must have 1 to 67108864 pixels; got 2147483647 × 1$/,
  );
  // 8192 × 8192 in 16 bits and four channels would take 512 MiB; this file has 80 bytes.
  const before = process.memoryUsage().arrayBuffers;
  refusal(written.file(written.header({ ...kind, width: 8192, height: 8192, depth: 16, color: 6 }), data, end));
  assert.ok(process.memoryUsage().arrayBuffers - before < 1e6);
});

png('a small file that inflates to very much is refused as soon as the image is full', () => {
  const bomb = deflateSync(Buffer.alloc(200_000_000));
  const start = performance.now();
  const before = process.memoryUsage().arrayBuffers;
  refusal(written.file(head, written.chunk('IDAT', bomb), end));
  assert.ok(performance.now() - start < 1000, `${performance.now() - start} ms`);
  assert.ok(process.memoryUsage().arrayBuffers - before < 40e6, `${process.memoryUsage().arrayBuffers - before} bytes`);
});

png('an ArrayBuffer is read, and what is no bytes is refused with a hint', () => {
  const bytes = written.file(head, data, end);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  assert.equal(decodePng(buffer), decodePng(bytes));
  for (const [value, says] of [
    [null, 'got null'],
    [undefined, 'got undefined'],
    ['picture.png', "got 'picture.png'; read the file first: await readFile(path) of 'node:fs/promises'"],
    [Promise.resolve(bytes), 'got a Promise; await it first'],
    [new Blob(), 'got a Blob; pass await blob.arrayBuffer()'],
  ])
    assert.throws(
      () => decodePng(value as unknown as Uint8Array),
      (e: unknown) =>
        e instanceof ValueError && e.message === `decodePng: bytes must be a Uint8Array or an ArrayBuffer; ${says}`,
    );
});

png.run();
