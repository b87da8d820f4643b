/**
 * The data of generated calls. Plain data describes the tensors, so that they can be made on any
 * device, printed and shrunk. The arbitraries here draw them. Not here: the calls (forms.ts).
 */
import * as c from 'cedargrad';
import fc from 'fast-check';

/** A tensor as data. Floats are the device's own float type unless `exact` names one. */
export class Described {
  constructor(
    readonly shape: readonly number[],
    readonly kind: 'float' | 'int32' | 'bool',
    readonly values: readonly number[],
  ) {}

  on(device: c.Device, float: 'float32' | 'float64' = 'float32', requiresGrad = true): c.Tensor {
    const isFloat = this.kind === 'float';
    return c.tensor(Float32Array.from(this.values), {
      shape: [...this.shape],
      dtype: this.kind === 'float' ? float : this.kind,
      device,
      requiresGrad: isFloat && requiresGrad,
    });
  }
  [fc.toStringMethod](): string {
    const values = this.values.map((v) => (Object.is(v, -0) ? '-0' : String(v)));
    return `${this.kind}[${this.shape}](${values.length > 24 ? `${values.slice(0, 24)}…` : values})`;
  }
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/**
 * Between −3 and 3, on a grid that float32 represents exactly, and never 0. So sums do not depend
 * on the order of additions.
 */
const moderate = fc.integer({ min: -3072, max: 3072 }).map((n) => (n === 0 ? 0.5 : n / 1024));
const extreme = fc.oneof(
  { weight: 3, arbitrary: moderate },
  fc.constantFrom(0, -0, 1, -1, 1e-30, -1e-20, 1e4, -88, 89, 3e38, -3e38, Infinity, -Infinity, Number.NaN),
);
const positive = fc.integer({ min: 1, max: 3072 }).map((n) => n / 1024);
const unit = fc.integer({ min: 0, max: 1024 }).map((n) => n / 1024);
const whole = fc.integer({ min: -9, max: 9 });
export const domains = { moderate, extreme, positive, unit, whole };
export type Domain = keyof typeof domains;

/**
 * A described tensor. Beyond a limit its values repeat, because the size of a large tensor matters
 * more than its values.
 */
export function tensorOf(
  shape: readonly number[],
  domain: Domain | fc.Arbitrary<number> = 'moderate',
  kind: Described['kind'] = 'float',
) {
  const size = sizeOf(shape);
  const value = typeof domain === 'string' ? domains[domain] : domain;
  const drawn = Math.min(size, 60);
  return fc.array(value, { minLength: drawn, maxLength: drawn }).map(
    (some) =>
      new Described(
        shape,
        kind,
        Array.from({ length: size }, (_, i) => some[(i + Math.floor(i / 60) * 7) % drawn]),
      ),
  );
}

/** Mostly small; at times beyond one SIMD vector and its tail; at times nothing. */
export const dimension = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 2, arbitrary: fc.constantFrom(7, 8, 9, 16, 17, 33) },
  { weight: 1, arbitrary: fc.constant(0) },
);
export const count = fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 5 }) }, fc.constantFrom(8, 17));
export const shapeOf = (minLength: number, maxLength: number, each = dimension): fc.Arbitrary<number[]> =>
  fc.array(each, { minLength, maxLength }).filter((shape) => sizeOf(shape) <= 4000);

/** Two shapes that broadcast to one. */
export const broadcastPair = shapeOf(0, 4).chain((shape) =>
  fc
    .tuple(
      fc.integer({ min: 0, max: shape.length }),
      fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
      fc.boolean(),
    )
    .map(([drop, ones, swap]): [number[], number[]] => {
      const other = shape.map((n, i) => (ones[i] ? 1 : n)).slice(drop);
      return swap ? [other, shape] : [shape, other];
    }),
);

export const axisOf = (rank: number): fc.Arbitrary<number> => fc.integer({ min: -rank, max: rank - 1 });
/** An object with each of the fields or without it. */
export const options = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<object> =>
  fc.record(fields, { requiredKeys: [] }).map((made) => ({ ...made }));
