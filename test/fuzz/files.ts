/** Files cut short or with bytes changed: FormatError, or a sound result. */
import * as c from 'cedargrad';
import { decodePng, decodeSafetensors, encodePng, encodeSafetensors, type StoredTensor } from 'cedargrad/io';
import fc from 'fast-check';
import { must } from '../helpers/conformance.js';

const stored = fc
  .tuple(
    fc.constantFrom('float32' as const, 'float64' as const, 'int32' as const, 'bool' as const),
    fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  )
  .map(([dtype, shape]): StoredTensor => {
    const size = shape.reduce((a, b) => a * b, 1);
    const Values = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array }[dtype];
    return {
      dtype,
      shape,
      data: Values.from(Array.from({ length: size }, (_, i) => (dtype === 'bool' ? i % 2 : i - 2))),
    } as StoredTensor;
  });
const safetensors = fc
  .tuple(
    fc.dictionary(fc.string({ minLength: 1, maxLength: 6 }), stored, { maxKeys: 4 }),
    fc.dictionary(fc.string({ maxLength: 4 }), fc.string({ maxLength: 4 }), { maxKeys: 2 }),
  )
  .map(([tensors, metadata]) => encodeSafetensors(tensors, metadata));
const png = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 3, 4), fc.nat(255))
  .map(([width, height, channels, fill]) =>
    encodePng({
      width,
      height,
      channels,
      data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37 + fill) & 255),
    } as Parameters<typeof encodePng>[0]),
  );

/** One change of a file: bytes set, bytes put in, bytes taken out, or the end cut off. */
interface Change {
  readonly kind: 'set' | 'insert' | 'remove' | 'cut';
  readonly at: number;
  readonly byte: number;
}
const change: fc.Arbitrary<Change> = fc.record({
  kind: fc.constantFrom('set', 'set', 'set', 'insert', 'remove', 'cut'),
  at: fc.nat(),
  byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 0x22, 0x2c, 0x5b, 0x7b, 0x7d, 255)),
});
function changed(bytes: Uint8Array, changes: readonly Change[]): Uint8Array {
  let out = [...bytes];
  for (const { kind, at, byte } of changes) {
    const place = out.length === 0 ? 0 : at % out.length;
    if (kind === 'set') out[place] = byte;
    else if (kind === 'insert') out.splice(place, 0, byte);
    else if (kind === 'remove') out.splice(place, 1);
    else out = out.slice(0, place);
  }
  return Uint8Array.from(out);
}

function decoded(kind: 'safetensors' | 'png', bytes: Uint8Array): void {
  try {
    if (kind === 'png') {
      const { width, height, channels, data } = decodePng(bytes);
      must(data.length === width * height * channels, `${width}×${height}×${channels} with ${data.length} bytes`);
      return;
    }
    const { tensors } = decodeSafetensors(bytes);
    for (const { shape, data } of Object.values(tensors) as StoredTensor[])
      must(
        shape.every((n) => Number.isInteger(n) && n >= 0) && shape.reduce((a, b) => a * b, 1) === data.length,
        `shape [${shape}] with ${data.length} elements`,
      );
  } catch (error) {
    if (!(error instanceof c.FormatError)) throw error;
  }
}

const mutated = (kind: 'safetensors' | 'png', whole: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(fc.constant(kind), whole, fc.array(change, { maxLength: 4 }));
export const files = fc.asyncProperty(
  fc.oneof(mutated('safetensors', safetensors), mutated('png', png)),
  async ([kind, bytes, changes]) => decoded(kind, changed(bytes, changes)),
);
