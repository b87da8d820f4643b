/**
 * The header of a safetensors file: which tensors it has, and where their bytes lie. Everything is
 * checked here against the length of the file. Not here: the bytes of the tensors (safetensors.ts,
 * tensor-file.ts).
 * @source github.com/huggingface/safetensors, "Format"
 */
import { FormatError } from '../errors.js';
import { type Shape, sizeOf } from '../values/shape.js';
import { type ElementName, elements } from './elements.js';
import { isObject, type Json, parseJson, quote } from './json.js';
import { type Skip, skippedNames } from './stored.js';

/** The names of the format for types of numbers. */
export const codes: Readonly<Record<ElementName, string>> = {
  bool: 'BOOL',
  int8: 'I8',
  int16: 'I16',
  int32: 'I32',
  int64: 'I64',
  uint8: 'U8',
  uint16: 'U16',
  uint32: 'U32',
  uint64: 'U64',
  float16: 'F16',
  bfloat16: 'BF16',
  float32: 'F32',
  float64: 'F64',
};
const names = new Map(Object.entries(codes).map(([name, code]) => [code, name as ElementName]));
export const metadataKey = '__metadata__';
/** The format's own limit on headers. */
const mostHeaderBytes = 100_000_000;
export const lengthBytes = 8;

/** One tensor that will be read. */
export interface Entry {
  readonly name: string;
  readonly element: ElementName;
  readonly shape: Shape;
  /** The number of elements. */
  readonly size: number;
  /** Where its bytes begin and end in the file. */
  readonly from: number;
  readonly to: number;
}

export interface Header {
  readonly entries: readonly Entry[];
  readonly metadata: Record<string, string>;
}

const areWhole = (value: Json | undefined): value is number[] =>
  Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0 && !Object.is(n, -0));

/** The length of the header, of the first 8 bytes of a file. @throws FormatError */
export function headerLength(op: string, first: Uint8Array, fileBytes: number): number {
  if (first.length < lengthBytes)
    throw new FormatError(op, 'a file must begin with the 8-byte length of its header', `${fileBytes} bytes`);
  const length = new DataView(first.buffer, first.byteOffset).getBigUint64(0, true);
  // Zip files begin with these bytes.
  const isZip = first[0] === 0x50 && first[1] === 0x4b && first[2] === 3 && first[3] === 4;
  if (length > mostHeaderBytes || Number(length) > fileBytes - lengthBytes)
    throw new FormatError(
      op,
      'the header must lie within the file',
      `${length} bytes of ${fileBytes - lengthBytes}`,
      isZip
        ? "this is a zip: PyTorch's .pt or numpy's .npz; loadNpz reads an .npz, and a .pt must be saved as safetensors there"
        : 'the file is cut short, or not safetensors',
    );
  return Number(length);
}

function readMetadata(op: string, value: Json | undefined): Record<string, string> {
  if (value === undefined) return {};
  if (!isObject(value)) throw new FormatError(op, 'metadata must be a JSON object', quote(value));
  for (const [key, text] of Object.entries(value))
    if (typeof text !== 'string') throw new FormatError(op, 'metadata must be text', `${quote(key)}: ${quote(text)}`);
  return value as Record<string, string>;
}

interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** Throws unless the tensors fill the file. */
function checkSpans(op: string, spans: readonly Span[], total: number): void {
  const rule = 'tensors must fill the file without gap or overlap';
  let end = 0;
  for (const { name, from, to } of [...spans].sort((a, b) => a.from - b.from || a.to - b.to)) {
    if (from !== end) throw new FormatError(op, rule, `${quote(name)} from byte ${from}, where ${end} was due`);
    end = to;
  }
  if (end !== total) throw new FormatError(op, rule, `${total - end} bytes after the last`);
}

/** The description of one tensor. Of a skipped one only the place is checked. */
function readEntry(
  op: string,
  name: string,
  entry: Json | undefined,
  total: number,
  isSkipped: boolean,
): { span: Span; element: ElementName; shape: Shape } {
  const bad = (rule: string, got: string, hint?: string) => new FormatError(op, rule, `${quote(name)}: ${got}`, hint);
  if (!isObject(entry)) throw bad('a tensor must be described by a JSON object', quote(entry));
  const element = typeof entry.dtype === 'string' ? names.get(entry.dtype) : undefined;
  if (element === undefined && !(isSkipped && typeof entry.dtype === 'string'))
    throw bad(
      `dtype must be one of ${[...names.keys()].join(', ')}`,
      quote(entry.dtype),
      typeof entry.dtype === 'string' ? `skip: [${quote(name)}] leaves it out` : '',
    );
  const { shape, data_offsets: range } = entry;
  if (!areWhole(shape)) throw bad('shape must be a list of whole, non-negative sizes', quote(shape));
  const [from, to, ...more] = areWhole(range) ? range : [];
  if (from === undefined || to === undefined || more.length > 0 || from > to || to > total)
    throw bad(`data_offsets must be a range within ${total} bytes`, quote(range));
  if (element !== undefined && sizeOf(shape) * elements[element].bytes !== to - from)
    throw bad(
      'data_offsets must span the bytes that dtype and shape need',
      `${to - from} bytes for ${element} ${quote(shape)}`,
    );
  return { span: { name, from, to }, element: element ?? 'uint8', shape };
}

/**
 * Reads the text of a header.
 * @throws FormatError for anything that is not well formed, or does not fit the file's length;
 * ValueError for a name of `skip` that the file does not have
 */
export function readHeader(op: string, text: Uint8Array, fileBytes: number, skip?: Skip): Header {
  const header = parseJson(op, 'the header', text);
  const start = lengthBytes + text.length;
  const found = Object.keys(header).filter((name) => name !== metadataKey);
  const skipped = skippedNames(op, skip, found);
  const read = found.map((name) => readEntry(op, name, header[name], fileBytes - start, skipped.has(name)));
  checkSpans(
    op,
    read.map(({ span }) => span),
    fileBytes - start,
  );
  const entries = read
    .filter(({ span }) => !skipped.has(span.name))
    .map(({ span: { name, from, to }, element, shape }) => ({
      name,
      element,
      shape,
      size: sizeOf(shape),
      from: start + from,
      to: start + to,
    }));
  return {
    entries,
    metadata: readMetadata(op, Object.hasOwn(header, metadataKey) ? header[metadataKey] : undefined),
  };
}
