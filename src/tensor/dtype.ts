/** Data types and their typed arrays. */
import { ValueError } from '../errors.js';

export type DType = 'float32' | 'float64' | 'int32' | 'bool';
export type TypedArray =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Bytes of one element. */
export const bytesOf: Record<DType, number> = { float32: 4, float64: 8, int32: 4, bool: 1 };

/** A zero-filled typed array for a dtype; bool is stored as 0 or 1 in bytes. */
export function allocate(dtype: DType, size: number): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(size);
    case 'float64':
      return new Float64Array(size);
    case 'int32':
      return new Int32Array(size);
    case 'bool':
      return new Uint8Array(size);
  }
}

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/** Whether a dtype has this very number; floats round, which counts as having it. */
export const holds = (dtype: DType, value: number): boolean =>
  isFloat(dtype) || (dtype === 'bool' ? value === 0 || value === 1 : value === (value | 0));

/** A constant that an integer dtype would change in silence is an error. */
export function checkHolds(op: string, dtype: DType, value: number): void {
  if (holds(dtype, value)) return;
  const rule = dtype === 'bool' ? 'bool holds 0 and 1' : 'int32 holds whole numbers in [-2^31, 2^31)';
  throw new ValueError(op, rule, `${value}`, "pass dtype: 'float32'");
}

/** Most ops have no meaning, or no gradient, for whole numbers. */
export function checkFloat(op: string, dtype: DType): void {
  if (!isFloat(dtype))
    throw new ValueError(op, 'the input must be float32 or float64', `dtype=${dtype}`, "convert with cast('float32')");
}

/** The type two operands meet in: bool < int32 < float32 < float64. */
const order: readonly DType[] = ['bool', 'int32', 'float32', 'float64'];
export const promote = (a: DType, b: DType): DType => (order.indexOf(a) > order.indexOf(b) ? a : b);
