/** Data types and their typed arrays. */
import { shown } from '../arguments.js';
import { DeviceError, ValueError } from '../errors.js';

export type DType = 'float32' | 'float64' | 'int32' | 'bool';
export type TypedArray =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/** Bytes of one element. */
export const bytesOf: Record<DType, number> = { float32: 4, float64: 8, int32: 4, bool: 1 };

const arrays = { float32: Float32Array, float64: Float64Array, int32: Int32Array, bool: Uint8Array };

/** Checks that a value names a data type. */
export function checkDType(op: string, dtype: unknown, name = 'dtype'): asserts dtype is DType {
  if (typeof dtype !== 'string' || !Object.hasOwn(bytesOf, dtype))
    throw new ValueError(op, `dtype must be one of ${Object.keys(bytesOf).join(', ')}`, `${name}=${shown(dtype)}`);
}

/**
 * A zero-filled typed array for a dtype. bool is stored as 0 or 1 in bytes.
 * @throws ValueError for an unknown dtype; DeviceError if the host's memory does not suffice
 */
export function allocate(dtype: DType, size: number): TypedArray {
  checkDType('tensor', dtype);
  try {
    return new arrays[dtype](size);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DeviceError('tensor', "the host's memory must fit", `${size * bytesOf[dtype]} more bytes`);
  }
}

export const isFloat = (dtype: DType): boolean => dtype === 'float32' || dtype === 'float64';

/** Whether a dtype can represent a number. Floats round, which counts as representing it. */
export const holds = (dtype: DType, value: number): boolean =>
  isFloat(dtype) || (dtype === 'bool' ? value === 0 || value === 1 : value === (value | 0));

/** Throws for a constant that an integer dtype would silently change. */
export function checkHolds(op: string, dtype: DType, value: number): void {
  if (holds(dtype, value)) return;
  const rule = dtype === 'bool' ? 'bool holds 0 and 1' : 'int32 holds whole numbers in [-2^31, 2^31)';
  throw new ValueError(op, rule, `${value}`, "pass dtype: 'float32'");
}

/**
 * Throws for a dtype that is not float. Most ops have no meaning, or no gradient, for whole
 * numbers.
 */
export function checkFloat(op: string, dtype: DType): void {
  if (!isFloat(dtype))
    throw new ValueError(op, 'the input must be float32 or float64', `dtype=${dtype}`, "convert with cast('float32')");
}

/** The order that decides the common dtype of two operands: bool < int32 < float32 < float64. */
const order: readonly DType[] = ['bool', 'int32', 'float32', 'float64'];
export const promote = (a: DType, b: DType): DType => (order.indexOf(a) > order.indexOf(b) ? a : b);
