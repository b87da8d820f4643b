/**
 * Reads the golden fixtures in test/fixtures: OP.json names cases and tensors, and OP.bin has their
 * bytes. PyTorch 1.13.1 computed them.
 */
import { readFileSync } from 'node:fs';

const directory = new URL('../fixtures/', import.meta.url);
const arrays = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array };

export interface FixtureTensor {
  readonly shape: number[];
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}
export interface FixtureCase<A> {
  readonly name: string;
  readonly attrs: A;
  readonly tensors: Record<string, FixtureTensor>;
}
interface Stored<A> {
  readonly file: string;
  readonly cases: {
    name: string;
    attrs: A;
    tensors: Record<string, { dtype: keyof typeof arrays; shape: number[]; offset: number }>;
  }[];
}

/** Every case of one op. */
export function readFixtures<A>(op: string): FixtureCase<A>[] {
  const stored = JSON.parse(readFileSync(new URL(`${op}.json`, directory), 'utf8')) as Stored<A>;
  const bytes = Uint8Array.from(readFileSync(new URL(stored.file, directory)));
  return stored.cases.map(({ name, attrs, tensors }) => ({
    name,
    attrs,
    tensors: Object.fromEntries(
      Object.entries(tensors).map(([key, { dtype, shape, offset }]) => [
        key,
        {
          shape,
          data: new arrays[dtype](
            bytes.buffer,
            offset,
            shape.reduce((a, b) => a * b, 1),
          ),
        },
      ]),
    ),
  }));
}
