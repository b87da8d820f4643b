import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { encode } from 'fast-png';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FormatError, ShapeError } from '../../src/errors.js';
import { decodePng, encodePng } from '../../src/io/png.js';

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
 * A 3 × 1 image of palette red, green, blue, pixels 2 0 1: written by Python 3.11's zlib and struct,
 * chunks IHDR(3, 1, 8, 3), PLTE, IDAT(compress(00 02 00 01)), IEND.
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

png('an enormous image is refused before memory is taken', () => {
  const bytes = encodePng({ width: 1, height: 1, channels: 1, data: new Uint8Array(1) });
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(16, 2 ** 31 - 1);
  assert.throws(
    () => decodePng(bytes),
    (e: unknown) =>
      e instanceof FormatError &&
      e.message === 'decodePng: an image must have 1 to 67108864 pixels; got 2147483647 × 1',
  );
});

png.run();
