/**
 * Numbers in host memory with their shape, as data sets give them. Not here: tensors, which live on
 * a device, and the making of batches (collate.ts).
 */
import { shown } from '../arguments.js';
import { ShapeError, show, ValueError } from '../errors.js';
import type { DType } from '../values/dtype.js';
import { checkShape, type Shape, sizeOf } from '../values/shape.js';

/**
 * Numbers in host memory with their shape. An image is [H,W,C], float32 in 0 … 1. A Uint8Array
 * holds booleans, 0 or 1.
 */
export interface HostArray {
  /** Row-major, as many numbers as the shape has elements. */
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
  readonly shape: Shape;
}

/** The array types that a HostArray can have, by their tags, and the dtype of a tensor of each. */
const dtypes: Readonly<Record<string, DType>> = {
  '[object Float32Array]': 'float32',
  // As in tensor(): devices lack float64, all but the reference device.
  '[object Float64Array]': 'float32',
  '[object Int32Array]': 'int32',
  '[object Uint8Array]': 'bool',
};

const tagOf = (value: unknown): string => Object.prototype.toString.call(value);

/** The dtype of tensors of this array, or undefined if a HostArray cannot have it. */
export function dtypeOf(data: unknown): DType | undefined {
  // The usual arrays need no tag. An array from another frame is not an instance of these classes.
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Int32Array) return 'int32';
  return ArrayBuffer.isView(data) ? dtypes[tagOf(data)] : undefined;
}

/** Whether a value has the form of a HostArray. Its contents are not checked. */
export const isHostArray = (value: unknown): value is HostArray =>
  typeof value === 'object' &&
  value !== null &&
  ArrayBuffer.isView((value as HostArray).data) &&
  Array.isArray((value as HostArray).shape);

/** Checks that a value is a HostArray, with as many numbers as its shape has elements. */
export function checkHostArray(op: string, name: string, value: unknown): asserts value is HostArray {
  if (!isHostArray(value))
    throw new ValueError(
      op,
      `${name} must be { data, shape }, a typed array with its shape`,
      `${name}=${shown(value)}`,
      typeof value === 'object' && value !== null && 'dataSync' in value
        ? 'of a tensor pass { data: await tensor.data(), shape: tensor.shape }'
        : '',
    );
  if (dtypeOf(value.data) === undefined)
    throw new ValueError(
      op,
      `data of ${name} must be a Float32Array, Float64Array, Int32Array or Uint8Array`,
      `data=${shown(value.data)}`,
      'convert it, for example with Float32Array.from(data)',
    );
  checkShape(op, value.shape, `shape of ${name}`);
  if (value.data.length !== sizeOf(value.shape))
    throw new ShapeError(
      op,
      `data of ${name} must have as many elements as its shape`,
      `${value.data.length} elements, shape=${show(value.shape)}`,
    );
}
