/**
 * Conversion between nested arrays or npm `ndarray`s and flat data. Not here: devices, or the
 * Tensor itself.
 */
import ndarray, { type NdArray } from 'ndarray';
import { shown } from '../arguments.js';
import { ShapeError, show, ValueError } from '../errors.js';
import type { DType, TypedArray } from './dtype.js';
import { checkShape, type Shape, sizeOf, stridesOf } from './shape.js';

/** A number or boolean, or nested lists of them whose lengths are equal at each depth. */
export type Nested = number | boolean | readonly Nested[];

/** The maximum depth. Without it, an array that contains itself would be walked forever. */
const mostDepth = 64;

/** Where a list or leaf is, for messages: `[1][0]`. */
const positionOf = (path: readonly number[]): string =>
  path.length === 0 ? 'the top' : path.map((i) => `[${i}]`).join('');

/**
 * Flattens nested lists in row-major order. Booleans become 0 and 1, and `isBool` says whether all
 * leaves were booleans.
 * @shape nested → data [n], n = product of shape
 * @throws ShapeError if lists at one depth differ in length or kind; ValueError for a leaf that is
 * neither number nor boolean
 */
export function fromNested(op: string, value: Nested): { data: number[]; shape: number[]; isBool: boolean } {
  const shape: number[] = [];
  for (let v = value; Array.isArray(v); v = v[0]) {
    if (shape.length === mostDepth)
      throw new ValueError(
        op,
        `nested arrays must be at most ${mostDepth} deep`,
        'deeper ones',
        'does one hold itself?',
      );
    shape.push(v.length);
  }
  const data: number[] = [];
  let booleans = 0;
  const path: number[] = [];
  const ragged = (got: string) =>
    new ShapeError(
      op,
      'nested arrays must have equal lengths at each depth',
      `${got} at ${positionOf(path)}`,
      `the first elements have shape ${show(shape)}`,
    );

  const walk = (v: Nested): void => {
    const depth = path.length;
    if (Array.isArray(v)) {
      if (depth >= shape.length || v.length !== shape[depth]) throw ragged(`length ${v.length}`);
      // Uses indices, because forEach skips holes.
      for (let i = 0; i < v.length; i++) {
        path.push(i);
        walk(v[i]);
        path.pop();
      }
      return;
    }
    if (typeof v !== 'number' && typeof v !== 'boolean')
      throw new ValueError(op, 'nested arrays must hold numbers or booleans', `${shown(v)} at ${positionOf(path)}`);
    if (depth < shape.length) throw ragged(`a ${typeof v}`);
    if (typeof v === 'boolean') booleans++;
    data.push(Number(v));
  };
  walk(value);
  return { data, shape, isBool: data.length > 0 && booleans === data.length };
}

/**
 * The inverse of `fromNested`. bool gives booleans, and rank 0 gives a bare value.
 * @shape data [n], n = product of shape → nested
 */
export function toNested(data: TypedArray, shape: Shape, dtype: DType): Nested {
  const strides = stridesOf(shape);
  const build = (axis: number, offset: number): Nested => {
    if (axis === shape.length) return dtype === 'bool' ? data[offset] !== 0 : data[offset];
    return Array.from({ length: shape[axis] }, (_, i) => build(axis + 1, offset + i * strides[axis]));
  };
  return build(0, 0);
}

/**
 * A typed array that can represent every value of an ndarray's data. A Uint8Array would mean bool
 * here, so bytes become int32.
 */
function denseLike(data: NdArray['data'], size: number): TypedArray {
  if (data instanceof Float32Array) return new Float32Array(size);
  const small = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array];
  return small.some((type) => data instanceof type) ? new Int32Array(size) : new Float64Array(size);
}

/**
 * A dense row-major copy of an ndarray with any stride and offset. Integers up to 32 bits become
 * int32, except uint32; uint32 and plain arrays become float64.
 * @shape nd [...shape] → data [n], n = product of shape
 * @throws ValueError if an element is not a number
 */
export function fromNdarray(nd: NdArray): { data: TypedArray; shape: number[] } {
  const shape = [...nd.shape];
  checkShape('fromNdarray', shape);
  const data = denseLike(nd.data, sizeOf(shape));
  const source = nd.data as NdArray['data'] & ArrayLike<number>;
  const read =
    typeof (source as { get?: unknown }).get === 'function'
      ? (i: number) => (source as unknown as { get(i: number): number }).get(i)
      : (i: number) => source[i];
  let at = 0;
  const walk = (axis: number, offset: number): void => {
    if (axis < shape.length) {
      for (let i = 0; i < shape[axis]; i++) walk(axis + 1, offset + i * nd.stride[axis]);
      return;
    }
    const v = read(offset);
    if (typeof v !== 'number')
      throw new ValueError('fromNdarray', 'elements must be numbers', `${shown(v)} at element ${at}`);
    data[at++] = v;
  };
  walk(0, nd.offset);
  return { data, shape };
}

/**
 * An ndarray over the same memory. Writing to it writes to `data`. bool is bytes of 0 and 1.
 * @shape data [n], n = product of shape → nd [...shape]
 * @throws ShapeError if the array does not have as many elements as the shape
 */
export function toNdarray<D extends TypedArray>(data: D, shape: Shape): NdArray<D> {
  if (data.length !== sizeOf(shape))
    throw new ShapeError(
      'toNdarray',
      'data must have as many elements as shape',
      `${data.length} elements, shape=${show(shape)}`,
    );
  return ndarray(data, [...shape]);
}

type AnyTypedArray =
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Int8Array
  | Int16Array
  | Uint16Array;
/** The data that tensor() accepts. */
export type TensorData = Nested | AnyTypedArray | NdArray;

const isTypedArray = (data: TensorData): data is AnyTypedArray =>
  ArrayBuffer.isView(data) && !(data instanceof DataView);
const isNdarray = (data: object): data is NdArray => 'stride' in data && 'offset' in data && 'data' in data;

/** Data, shape and default dtype of any input. */
export function parse(op: string, data: TensorData): { data: ArrayLike<number>; shape: number[]; dtype: DType } {
  if (isTypedArray(data)) {
    if (typeof (data as ArrayLike<unknown>)[0] === 'bigint')
      throw new ValueError(op, 'elements must be numbers', shown(data), 'convert with Float64Array.from(data, Number)');
    const dtype = data instanceof Float32Array || data instanceof Float64Array ? 'float32' : 'int32';
    return { data, shape: [data.length], dtype };
  }
  if (typeof data === 'object' && data !== null && isNdarray(data)) {
    const dense = fromNdarray(data);
    return { data: dense.data, shape: [...dense.shape], dtype: parse(op, dense.data).dtype };
  }
  if (typeof data !== 'number' && typeof data !== 'boolean' && !Array.isArray(data))
    throw new ValueError(op, 'data must be a number, a nested array, a typed array or an ndarray', shown(data));
  const nested = fromNested(op, data as Nested);
  return { data: nested.data, shape: [...nested.shape], dtype: nested.isBool ? 'bool' : 'float32' };
}
