/** Values that the host gives to a device. Not here: random numbers (random.ts). */
import { allocate, type DType, type TypedArray } from './dtype.js';
import { Mask } from './random.js';

/** One number, repeated. A device fills its memory with it, so the host needs no array. */
export class Repeated {
  constructor(
    readonly length: number,
    readonly value: number,
  ) {}
}

export type HostData = TypedArray | Mask | Repeated;

/** The values as an array for a dtype. A mask is drawn now. */
export function valuesOf(data: HostData, dtype: DType): TypedArray {
  if (data instanceof Repeated) return allocate(dtype, data.length).fill(data.value);
  return data instanceof Mask ? data.draw(dtype === 'float64' ? dtype : 'float32') : data;
}
