/**
 * The types of numbers in files of safetensors and numpy, and how each becomes an array of one of
 * this library's dtypes. Not here: the formats themselves (safetensors.ts, npy.ts).
 * @source IEEE 754-2019, 3.6 (binary16); cloud.google.com/tpu/docs/bfloat16
 */
import { FormatError, ValueError } from '../errors.js';
import { allocate, type DType, isFloat, type TypedArray } from '../values/dtype.js';

/** A type of numbers in a file, by its common name. */
export type ElementName =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | 'float16'
  | 'bfloat16'
  | 'float32'
  | 'float64';

/** The dtype that each type is read as, and the bytes of one element in the file. */
export const elements: Readonly<Record<ElementName, { readonly dtype: DType; readonly bytes: number }>> = {
  bool: { dtype: 'bool', bytes: 1 },
  int8: { dtype: 'int32', bytes: 1 },
  int16: { dtype: 'int32', bytes: 2 },
  int32: { dtype: 'int32', bytes: 4 },
  int64: { dtype: 'int32', bytes: 8 },
  uint8: { dtype: 'int32', bytes: 1 },
  uint16: { dtype: 'int32', bytes: 2 },
  uint32: { dtype: 'int32', bytes: 4 },
  uint64: { dtype: 'int32', bytes: 8 },
  float16: { dtype: 'float32', bytes: 2 },
  bfloat16: { dtype: 'float32', bytes: 2 },
  float32: { dtype: 'float32', bytes: 4 },
  float64: { dtype: 'float64', bytes: 8 },
};

/** Types whose bytes, in little-endian order, are those of the typed array. */
export const isPlain = (name: ElementName): boolean =>
  name === 'bool' || name === 'int32' || name === 'float32' || name === 'float64';

/** Whether a sound file can have values of this type that the dtype cannot represent. */
export const canFail = (name: ElementName): boolean =>
  name === 'bool' || name === 'int64' || name === 'uint32' || name === 'uint64';

export const bytesIn = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer as ArrayBuffer, array.byteOffset, array.byteLength);

// ---- floats of 16 bits

/** A float of 16 bits: the bits of its fraction, and the exponent of its smallest normal number. */
interface Half {
  readonly fraction: number;
  readonly least: number;
}
const halves: Readonly<Record<'float16' | 'bfloat16', Half>> = {
  float16: { fraction: 10, least: -14 },
  bfloat16: { fraction: 7, least: -126 },
};
export type HalfName = keyof typeof halves;

const word = new DataView(new ArrayBuffer(8));

/**
 * The bits of the nearest float of 16 bits, ties to even, rounded once. Too large a number gives
 * the bits of an infinity.
 */
function halfBits(value: number, { fraction, least }: Half): number {
  const infinity = 0x7fff & (-1 << fraction);
  word.setFloat64(0, value);
  const sign = (word.getUint16(0) >> 15) << 15;
  if (Number.isNaN(value)) return sign | infinity | (1 << (fraction - 1));
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return sign | infinity;
  const exponent = Math.max(((word.getUint16(0) >> 4) & 0x7ff) - 1023, least);
  // The scaling is by a power of two, so it is exact.
  const scaled = magnitude * 2 ** (fraction - exponent);
  const below = Math.floor(scaled);
  const rest = scaled - below;
  const count = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  // The leading bit of a normal number adds one to the exponent field. Rounding up may add another.
  return sign | Math.min((exponent - least) * 2 ** fraction + count, infinity);
}

/** The number that bits of a float16 stand for. */
function fromFloat16(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 31
      ? fraction === 0
        ? Infinity
        : Number.NaN
      : exponent === 0
        ? fraction * 2 ** -24
        : (1024 + fraction) * 2 ** (exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

let float16Values: Float32Array | undefined;
/** Every float16 by its bits. Looking a number up is several times faster than computing it. */
const float16Table = (): Float32Array => {
  float16Values ??= Float32Array.from({ length: 65536 }, (_, bits) => fromFloat16(bits));
  return float16Values;
};

/**
 * Writes float32 or float64 numbers as floats of 16 bits, little-endian.
 * @throws ValueError for a finite number that would become an infinity
 */
export function toHalf(op: string, label: string, data: TypedArray, name: HalfName): Uint8Array<ArrayBuffer> {
  const half = halves[name];
  const infinity = 0x7fff & (-1 << half.fraction);
  const out = new Uint16Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    const bits = halfBits(value, half);
    if ((bits & 0x7fff) === infinity && Number.isFinite(value))
      throw new ValueError(
        op,
        `${name} must be able to hold every number`,
        `${label}[${i}]=${value}`,
        name === 'float16' ? "dtype: 'bfloat16' holds larger numbers" : 'leave dtype out',
      );
    out[i] = bits;
  }
  return bytesIn(out) as Uint8Array<ArrayBuffer>;
}

// ---- reading

/** Where elements come from, for messages. */
export interface Place {
  readonly op: string;
  /** The quoted name of the tensor, or ''. */
  readonly label: string;
  /** The index of the first of the elements within the tensor. */
  readonly first: number;
  /** What to do about a number that int32 cannot represent. */
  readonly hint: string;
}

const tooLarge = ({ op, label, first, hint }: Place, name: ElementName, i: number, value: bigint | number) =>
  new FormatError(op, `${name} is read as int32, so its values must fit`, `${label}[${first + i}]=${value}`, hint);

/** Reads numbers of 8 bytes as int32. */
function readWide(view: DataView, out: TypedArray, little: boolean, name: ElementName, place: Place): void {
  const [low, high] = little ? [0, 4] : [4, 0];
  for (let i = 0; i < out.length; i++) {
    const value = view.getInt32(8 * i + low, little);
    const sign = view.getInt32(8 * i + high, little);
    const fits = name === 'int64' ? sign === value >> 31 : sign === 0 && value >= 0;
    if (!fits)
      throw tooLarge(
        place,
        name,
        i,
        name === 'int64' ? view.getBigInt64(8 * i, little) : view.getBigUint64(8 * i, little),
      );
    out[i] = value;
  }
}

/** Reads elements of one or two bytes, and uint32. */
function readNarrow(view: DataView, out: TypedArray, little: boolean, name: ElementName, place: Place): void {
  const n = out.length;
  if (name === 'int8') for (let i = 0; i < n; i++) out[i] = view.getInt8(i);
  else if (name === 'uint8') for (let i = 0; i < n; i++) out[i] = view.getUint8(i);
  else if (name === 'int16') for (let i = 0; i < n; i++) out[i] = view.getInt16(2 * i, little);
  else if (name === 'uint16') for (let i = 0; i < n; i++) out[i] = view.getUint16(2 * i, little);
  else if (name === 'float16') {
    const table = float16Table();
    for (let i = 0; i < n; i++) out[i] = table[view.getUint16(2 * i, little)] as number;
  } else if (name === 'bfloat16') {
    const bits = new Uint32Array(out.buffer, out.byteOffset, n);
    for (let i = 0; i < n; i++) bits[i] = view.getUint16(2 * i, little) << 16;
  } else
    for (let i = 0; i < n; i++) {
      const value = view.getUint32(4 * i, little);
      if (value > 0x7fffffff) throw tooLarge(place, name, i, value);
      out[i] = value;
    }
}

/**
 * Reads `out.length` elements from the beginning of `bytes` into an array of their dtype.
 * @throws FormatError for a number that int32 cannot represent, or a bool other than 0 and 1
 */
export function readElements(
  bytes: Uint8Array,
  name: ElementName,
  out: TypedArray,
  place: Place,
  isLittle = true,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isPlain(name) && (isLittle || name === 'bool')) {
    bytesIn(out).set(bytes.subarray(0, out.byteLength));
    if (name === 'bool') checkBools(out, place);
  } else if (name === 'int64' || name === 'uint64') readWide(view, out, isLittle, name, place);
  else if (name === 'float64') for (let i = 0; i < out.length; i++) out[i] = view.getFloat64(8 * i, isLittle);
  else if (name === 'float32' || name === 'int32') {
    // Copied as bits, so that the payload of a NaN stays.
    const bits = new Int32Array(out.buffer, out.byteOffset, out.length);
    for (let i = 0; i < out.length; i++) bits[i] = view.getInt32(4 * i, isLittle);
  } else readNarrow(view, out, isLittle, name, place);
}

/** Checks bytes that were read as bool. @throws FormatError for one other than 0 and 1 */
export function checkBools(out: ArrayLike<number>, { op, label, first }: Omit<Place, 'hint'>): void {
  for (let i = 0; i < out.length; i++)
    if ((out[i] as number) > 1)
      throw new FormatError(op, 'bool bytes must be 0 or 1', `${label}[${first + i}]=${out[i]}`);
}

/** An array for `size` elements, of the dtype that a type is read as. */
export const arrayFor = (name: ElementName, size: number): TypedArray => allocate(elements[name].dtype, size);

/** The type in which a dtype is written, if floats are written as `half`. */
export const writtenAs = (dtype: DType, half: HalfName | undefined): ElementName =>
  half !== undefined && isFloat(dtype) ? half : dtype;
