/**
 * The safetensors format, reading and writing, for the data types of this library. It works on
 * bytes in memory only. Files are in files.ts, and the contents of a checkpoint are up to the
 * caller. Typed arrays are assumed to be little-endian, as on every platform today.
 * @source github.com/huggingface/safetensors, "Format"
 */
import { checkRecord, isTensorLike, knownOptions, type OptionNames, shown } from '../arguments.js';
import { FormatError, ShapeError, show, ValueError } from '../errors.js';
import { allocate, bytesOf, checkDType, type DType, type TypedArray } from '../values/dtype.js';
import { checkShape, type Shape, sizeOf } from '../values/shape.js';
import { type Bytes, bytesFrom } from './bytes.js';
import { flawOf, hasLoneSurrogate } from './json.js';

/** One tensor of a file. */
export interface StoredTensor {
  readonly dtype: DType;
  readonly shape: Shape;
  /** @shape [n], n = product of shape */
  readonly data: TypedArray;
}

const storedTensor: OptionNames<StoredTensor> = { dtype: 'value', shape: 'value', data: 'value' };

const codes: Record<DType, string> = { float32: 'F32', float64: 'F64', int32: 'I32', bool: 'BOOL' };
const dtypes = new Map(Object.entries(codes).map(([dtype, code]) => [code, dtype as DType]));
const metadataKey = '__metadata__';
/** The format's own limit on headers. */
const mostHeaderBytes = 100_000_000;
const lengthBytes = 8;

const bytesIn = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** Half of a surrogate pair would be written as U+FFFD, and two such names as one. */
function checkUnicode(op: string, text: string): void {
  if (hasLoneSurrogate(text))
    throw new ValueError(op, 'names and metadata must be well-formed Unicode', JSON.stringify(text).slice(0, 80));
}

/** Checks a tensor that will be written. */
function checkStored(op: string, name: string, stored: StoredTensor): void {
  if (name === metadataKey) throw new ValueError(op, `the name ${metadataKey} is reserved`, name);
  checkUnicode(op, name);
  if (typeof stored !== 'object' || stored === null || !ArrayBuffer.isView(stored.data)) {
    const hasData = typeof stored === 'object' && stored !== null && 'data' in stored && !isTensorLike(stored);
    throw new ValueError(
      op,
      'a stored tensor must be { dtype, shape, data } with a typed array as data',
      hasData ? `${name}.data=${shown(stored.data)}` : `${name}=${shown(stored)}`,
      'of a tensor t store { dtype: t.dtype, shape: t.shape, data: await t.data() }',
    );
  }
  knownOptions(op, stored, storedTensor);
  const { dtype, shape, data } = stored;
  checkDType(op, dtype, `${name}.dtype`);
  checkShape(op, shape, `${name}.shape`);
  if (data.length !== sizeOf(shape))
    throw new ShapeError(
      op,
      'data must have as many elements as shape',
      `${name}: ${data.length} elements, shape=${show(shape)}`,
    );
  if (allocate(dtype, 0).constructor !== data.constructor)
    throw new ValueError(op, 'data must be of its dtype', `${name}: ${data.constructor.name} for ${dtype}`);
  if (dtype === 'bool' && data.some((v) => v > 1))
    throw new ValueError(op, 'bool data must be 0 or 1', `${name}: ${data.find((v) => v > 1)}`);
}

/**
 * Writes named tensors, and text to go with them, as one safetensors file. Wider types come first,
 * so that every tensor is aligned in the file.
 * @throws ShapeError if data and shape disagree; ValueError for something that is not a stored
 * tensor, the reserved name `__metadata__`, an array of another dtype, bool data other than 0 and
 * 1, metadata that is not text, or text with half of a surrogate pair
 * @source safetensors.serialize
 */
export function encodeSafetensors(
  tensors: Record<string, StoredTensor>,
  metadata?: Record<string, string>,
): Uint8Array<ArrayBuffer> {
  const op = 'encodeSafetensors';
  checkRecord(op, 'tensors', tensors, 'stored tensors');
  const entries = Object.entries(tensors);
  for (const [name, stored] of entries) checkStored(op, name, stored);
  const offsets = new Map<string, number>();
  let total = 0;
  for (const [name, { data }] of entries.toSorted((a, b) => bytesOf[b[1].dtype] - bytesOf[a[1].dtype])) {
    offsets.set(name, total);
    total += data.byteLength;
  }
  if (metadata !== undefined) checkRecord(op, 'metadata', metadata, 'text');
  for (const [key, text] of Object.entries(metadata ?? {})) {
    if (typeof text !== 'string')
      throw new ValueError(op, 'metadata must be text', `${key}: ${shown(text)}`, 'write it as JSON');
    checkUnicode(op, key);
    checkUnicode(op, text);
  }

  const header = Object.fromEntries([
    ...(metadata === undefined ? [] : [[metadataKey, metadata] as const]),
    ...entries.map(([name, { dtype, shape, data }]) => {
      const start = offsets.get(name) as number;
      return [name, { dtype: codes[dtype], shape, data_offsets: [start, start + data.byteLength] }] as const;
    }),
  ]);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(lengthBytes + headerBytes + total);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, lengthBytes, lengthBytes + headerBytes);
  out.set(text, lengthBytes);
  for (const [name, { data }] of entries)
    out.set(bytesIn(data), lengthBytes + headerBytes + (offsets.get(name) as number));
  return out;
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const bad = (rule: string, got: string, hint?: string): FormatError =>
  new FormatError('decodeSafetensors', rule, got, hint);
const isObject = (value: Json): value is { [key: string]: Json } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const areWhole = (value: Json | undefined): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0 && !Object.is(n, -0));
const quote = (value: Json | undefined): string => (JSON.stringify(value) ?? 'nothing').slice(0, 80);

function readHeader(bytes: Uint8Array): { header: { [key: string]: Json }; start: number } {
  if (bytes.length < lengthBytes)
    throw bad('a file must begin with the 8-byte length of its header', `${bytes.length} bytes`);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  // Zip files begin with these bytes.
  const isZip = bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
  if (length > mostHeaderBytes || Number(length) > bytes.length - lengthBytes)
    throw bad(
      'the header must lie within the file',
      `${length} bytes of ${bytes.length - lengthBytes}`,
      isZip
        ? "this is a zip file, such as PyTorch's .pt or numpy's .npz: save it there as safetensors"
        : 'the file is cut short, or not safetensors',
    );
  const start = lengthBytes + Number(length);
  let text: string;
  let header: Json;
  try {
    // Copied because a browser's decoder refuses shared memory.
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.slice(lengthBytes, start));
    header = JSON.parse(text);
  } catch (error) {
    throw bad('the header must be JSON in UTF-8', (error as Error).message);
  }
  const flaw = flawOf(text);
  if (flaw !== null) throw bad(flaw.rule, flaw.got);
  if (!isObject(header)) throw bad('the header must be a JSON object', quote(header));
  return { header, start };
}

function readMetadata(value: Json | undefined): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) throw bad('metadata must be a JSON object', quote(value));
  for (const [key, text] of Object.entries(value))
    if (typeof text !== 'string') throw bad('metadata must be text', `${quote(key)}: ${quote(text)}`);
  return value as Record<string, string>;
}

/**
 * Reads a safetensors file. All entries of the header are checked against the bytes before anything
 * is created. The arrays are copies, so the bytes may be part of a larger buffer at any offset.
 * @throws FormatError if the bytes are not a well-formed file, or contain a dtype that this library
 * lacks; ValueError for an argument that is not bytes
 * @source safetensors.deserialize
 */
export function decodeSafetensors(file: Bytes): {
  tensors: Record<string, StoredTensor>;
  metadata: Record<string, string>;
} {
  const bytes = bytesFrom('decodeSafetensors', file);
  const { header, start } = readHeader(bytes);
  const total = bytes.length - start;
  const spans: { name: string; from: number; to: number }[] = [];
  const tensors = Object.entries(header)
    .filter(([name]) => name !== metadataKey)
    .map(([name, entry]): [string, StoredTensor] => {
      const label = quote(name);
      if (!isObject(entry)) throw bad('a tensor must be described by a JSON object', `${label}: ${quote(entry)}`);
      const dtype = typeof entry.dtype === 'string' ? dtypes.get(entry.dtype) : undefined;
      if (dtype === undefined)
        throw bad(`dtype must be one of ${[...dtypes.keys()].join(', ')}`, `${label}: ${quote(entry.dtype)}`);
      const { shape, data_offsets: range } = entry;
      if (!areWhole(shape)) throw bad('shape must be a list of whole, non-negative sizes', `${label}: ${quote(shape)}`);
      const [from, to, ...more] = areWhole(range) ? range : [];
      if (from === undefined || to === undefined || more.length > 0 || from > to || to > total)
        throw bad(`data_offsets must be a range within ${total} bytes`, `${label}: ${quote(range)}`);
      const size = sizeOf(shape);
      if (size * bytesOf[dtype] !== to - from)
        throw bad(
          'data_offsets must span the bytes that dtype and shape need',
          `${label}: ${to - from} bytes for ${dtype} ${quote(shape)}`,
        );
      spans.push({ name, from, to });
      const data = allocate(dtype, size);
      bytesIn(data).set(bytes.subarray(start + from, start + to));
      if (dtype === 'bool' && data.some((v) => v > 1)) throw bad('BOOL bytes must be 0 or 1', label);
      return [name, { dtype, shape, data }];
    });
  let end = 0;
  for (const { name, from, to } of spans.sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end)
      throw bad(
        'tensors must fill the file without gap or overlap',
        `${quote(name)} from byte ${from}, where ${end} was due`,
      );
    end = to;
  }
  if (end !== total)
    throw bad('tensors must fill the file without gap or overlap', `${total - end} bytes after the last`);
  return {
    tensors: Object.fromEntries(tensors),
    metadata: readMetadata(Object.hasOwn(header, metadataKey) ? header[metadataKey] : undefined),
  };
}
