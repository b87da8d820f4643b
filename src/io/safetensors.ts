/** The safetensors format: a JSON header and raw little-endian arrays. Not here: files. */
import { FormatError, show } from '../errors.js';
import { bytesOf, type DType, type TypedArray } from '../tensor/dtype.js';
import { type Shape, sizeOf } from '../tensor/shape.js';

/** One array of a file. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly data: TypedArray;
}

const names: Record<DType, string> = { float32: 'F32', float64: 'F64', int32: 'I32', bool: 'BOOL' };
const fail = (rule: string, got: string, hint = ''): FormatError => new FormatError('safetensors', rule, got, hint);

/**
 * The bytes of a file that holds these tensors.
 * @throws FormatError when data and shape disagree
 * @source huggingface/safetensors, format
 */
export function encodeSafetensors(tensors: Readonly<Record<string, StoredTensor>>, metadata?: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  let size = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    if (data.length !== sizeOf(shape)) throw fail('data must have as many elements as its shape', `${name}: ${data.length} for ${show(shape)}`);
    header[name] = { dtype: names[dtype], shape, data_offsets: [size, size + data.byteLength] };
    size += data.byteLength;
  }
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text + ' '.repeat((8 - (new TextEncoder().encode(text).length % 8)) % 8));
  const out = new Uint8Array(8 + json.length + size);
  new DataView(out.buffer).setBigUint64(0, BigInt(json.length), true);
  out.set(json, 8);
  let at = 8 + json.length;
  for (const { data } of Object.values(tensors)) {
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

function view(bytes: ArrayBuffer, dtype: DType): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(bytes);
    case 'float64':
      return new Float64Array(bytes);
    case 'int32':
      return new Int32Array(bytes);
    case 'bool':
      return new Uint8Array(bytes);
  }
}

/**
 * Reads such bytes, wherever they lie in their buffer. Arrays are copies.
 * @throws FormatError for a header or offsets that cannot be, or an unknown dtype
 * @source huggingface/safetensors, format
 */
export function decodeSafetensors(bytes: Uint8Array): { tensors: Record<string, StoredTensor>; metadata: Record<string, string> } {
  if (bytes.length < 8) throw fail('a file has at least 8 bytes', `${bytes.length}`);
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
  if (length > bytes.length - 8) throw fail('the header must lie in the file', `a header of ${length} bytes in a file of ${bytes.length}`);
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length)));
  } catch (error) {
    throw fail('the header must be JSON', (error as Error).message);
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw fail('the header must be an object', JSON.stringify(header).slice(0, 40));
  const body = bytes.subarray(8 + length);
  const tensors: Record<string, StoredTensor> = {};
  const { __metadata__: metadata = {}, ...entries } = header as Record<string, unknown>;
  if (typeof metadata !== 'object' || metadata === null || !Object.values(metadata).every((v) => typeof v === 'string')) throw fail('__metadata__ must map names to strings', JSON.stringify(metadata).slice(0, 40));
  const spans: [number, number][] = [];
  for (const [name, entry] of Object.entries(entries)) {
    const { dtype: code, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const dtype = (Object.keys(names) as DType[]).find((d) => names[d] === code);
    if (dtype === undefined) throw fail('dtype must be F32, F64, I32 or BOOL', `${name}: ${JSON.stringify(code)}`);
    const whole = (v: unknown): v is number[] => Array.isArray(v) && v.every((n) => Number.isSafeInteger(n) && n >= 0);
    if (!whole(shape) || !whole(offsets) || offsets.length !== 2) throw fail('shape and data_offsets must be lists of whole numbers', `${name}: ${JSON.stringify(entry).slice(0, 80)}`);
    const [start, end] = offsets;
    if (end > body.length || end - start !== sizeOf(shape) * bytesOf[dtype]) throw fail('offsets must fit shape and file', `${name}: [${start},${end}] for ${show(shape)} ${dtype} in ${body.length} bytes`);
    spans.push([start, end]);
    tensors[name] = { dtype, shape, data: view(Uint8Array.from(body.subarray(start, end)).buffer, dtype) };
  }
  spans.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  let at = 0;
  for (const [start, end] of spans) {
    if (start !== at) throw fail('arrays must follow one another without gap or overlap', `an array at ${start}, expected ${at}`);
    at = end;
  }
  if (at !== body.length) throw fail('arrays must fill the file', `${body.length - at} bytes left over`);
  return { tensors, metadata: metadata as Record<string, string> };
}
