/**
 * The safetensors format, reading and writing. It works on bytes in memory only. Not here: the
 * header (safetensors-header.ts), files (tensor-file.ts, weights.ts); what is in a checkpoint is up
 * to the caller. Typed arrays are assumed to be little-endian, as on every platform today.
 * @source github.com/huggingface/safetensors, "Format"
 */
import { checkRecord, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { type Bytes, bytesFrom } from './bytes.js';
import { arrayFor, bytesIn, elements, type HalfName, readElements, toHalf, writtenAs } from './elements.js';
import { hasLoneSurrogate, quote } from './json.js';
import { codes, type Entry, headerLength, lengthBytes, metadataKey, readHeader } from './safetensors-header.js';
import { checkSkip, checkStored, type Skip, type StoredTensor } from './stored.js';

/** Options of what writes safetensors. */
export interface SafetensorsWriteOptions {
  /** Writes floats in 16 bits, rounded to the nearest, in place of their own dtype. */
  dtype?: 'float16' | 'bfloat16';
}

/** Options of what reads safetensors. */
export interface SafetensorsReadOptions {
  /** The tensors to leave out: their names, or a function that says so of a name. */
  skip?: Skip;
}

export const writeOptions: OptionNames<SafetensorsWriteOptions> = { dtype: 'value' };
export const readOptions: OptionNames<SafetensorsReadOptions> = { skip: 'value' };

/** Checks the option `dtype` of what writes. */
export function checkHalf(op: string, dtype: unknown): asserts dtype is HalfName | undefined {
  if (dtype !== undefined && dtype !== 'float16' && dtype !== 'bfloat16')
    throw new ValueError(
      op,
      'dtype must be float16 or bfloat16',
      `dtype=${shown(dtype)}`,
      'without it every tensor keeps its own',
    );
}

/** Half of a surrogate pair would be written as U+FFFD, and two such names as one. */
function checkUnicode(op: string, text: string): void {
  if (hasLoneSurrogate(text)) throw new ValueError(op, 'names and metadata must be well-formed Unicode', quote(text));
}

/** Checks metadata that will be written. */
function checkMetadata(op: string, metadata: Record<string, string> | undefined): void {
  if (metadata !== undefined) checkRecord(op, 'metadata', metadata, 'text');
  for (const [key, text] of Object.entries(metadata ?? {})) {
    if (typeof text !== 'string')
      throw new ValueError(op, 'metadata must be text', `${key}: ${shown(text)}`, 'write it as JSON');
    checkUnicode(op, key);
    checkUnicode(op, text);
  }
}

/**
 * Writes named tensors, and text to go with them, as one safetensors file. Wider types come first,
 * so that every tensor is aligned in the file. `dtype` writes the floats in 16 bits.
 * @throws ShapeError if data and shape disagree; ValueError for something that is not a stored
 * tensor, the reserved name `__metadata__`, an array of another dtype, bool data other than 0 and
 * 1, metadata that is not text, text with half of a surrogate pair, or a number too large for
 * `dtype`
 * @source safetensors.serialize
 */
export function encodeSafetensors(
  tensors: Record<string, StoredTensor>,
  metadata?: Record<string, string>,
  options: SafetensorsWriteOptions = {},
): Uint8Array<ArrayBuffer> {
  return encodeFor('encodeSafetensors', tensors, metadata, options);
}

/** As encodeSafetensors. Its errors name the function that the program has called. */
export function encodeFor(
  op: string,
  tensors: Record<string, StoredTensor>,
  metadata: Record<string, string> | undefined,
  options: SafetensorsWriteOptions,
): Uint8Array<ArrayBuffer> {
  checkRecord(op, 'tensors', tensors, 'stored tensors');
  knownOptions(op, options, writeOptions);
  const { dtype: half } = options;
  checkHalf(op, half);
  for (const [name, stored] of Object.entries(tensors)) {
    if (name === metadataKey) throw new ValueError(op, `the name ${metadataKey} is reserved`, name);
    checkUnicode(op, name);
    checkStored(op, name, stored);
  }
  checkMetadata(op, metadata);
  const entries = Object.entries(tensors).map(([name, { dtype, shape, data }]) => {
    const element = writtenAs(dtype, half);
    const bytes = element === 'float16' || element === 'bfloat16' ? toHalf(op, name, data, element) : bytesIn(data);
    return { name, element, shape, bytes };
  });
  const offsets = new Map<string, number>();
  let total = 0;
  for (const { name, bytes } of entries.toSorted((a, b) => elements[b.element].bytes - elements[a.element].bytes)) {
    offsets.set(name, total);
    total += bytes.length;
  }

  const header = Object.fromEntries([
    ...(metadata === undefined ? [] : [[metadataKey, metadata] as const]),
    ...entries.map(({ name, element, shape, bytes }) => {
      const start = offsets.get(name) as number;
      return [name, { dtype: codes[element], shape, data_offsets: [start, start + bytes.length] }] as const;
    }),
  ]);
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(lengthBytes + headerBytes + total);
  new DataView(out.buffer).setBigUint64(0, BigInt(headerBytes), true);
  out.fill(0x20, lengthBytes, lengthBytes + headerBytes);
  out.set(text, lengthBytes);
  for (const { name, bytes } of entries) out.set(bytes, lengthBytes + headerBytes + (offsets.get(name) as number));
  return out;
}

/** What to do about a number that int32 cannot represent. */
export const skipHint = (name: string): string => `skip: [${quote(name)}] leaves the tensor out`;

/** The tensor of an entry, of its bytes. */
export function storedOf(op: string, { name, element, shape, size }: Entry, bytes: Uint8Array): StoredTensor {
  const data = arrayFor(element, size);
  readElements(bytes, element, data, { op, label: quote(name), first: 0, hint: skipHint(name) });
  return { dtype: elements[element].dtype, shape, data };
}

/**
 * Reads a safetensors file. All entries of the header are checked against the bytes before anything
 * is created. The arrays are copies, so the bytes may be part of a larger buffer at any offset.
 * F16 and BF16 are read as float32. Integers of any width are read as int32, if they fit.
 * @throws FormatError if the bytes are not a well-formed file, or contain a dtype that this library
 * lacks or a number that int32 cannot represent; ValueError for an argument that is not bytes, or a
 * name of `skip` that the file does not have
 * @source safetensors.deserialize
 */
export function decodeSafetensors(
  file: Bytes,
  options: SafetensorsReadOptions = {},
): {
  tensors: Record<string, StoredTensor>;
  metadata: Record<string, string>;
} {
  return decodeFor('decodeSafetensors', file, options);
}

/** As decodeSafetensors. Its errors name the function that the program has called. */
export function decodeFor(
  op: string,
  file: Bytes,
  options: SafetensorsReadOptions = {},
): ReturnType<typeof decodeSafetensors> {
  const bytes = bytesFrom(op, file);
  knownOptions(op, options, readOptions);
  checkSkip(op, options.skip);
  const length = headerLength(op, bytes, bytes.length);
  const text = bytes.subarray(lengthBytes, lengthBytes + length);
  const { entries, metadata } = readHeader(op, text, bytes.length, options.skip);
  const tensors = entries.map((entry) => [entry.name, storedOf(op, entry, bytes.subarray(entry.from, entry.to))]);
  return { tensors: Object.fromEntries(tensors), metadata };
}
