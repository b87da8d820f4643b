/**
 * numpy's format of one array, `.npy`, reading and writing. Not here: several arrays in a zip file
 * (npz.ts), Python's literals (python-literal.ts).
 * @source numpy.lib.format, "Format Version 1.0" to 3.0
 */
import { knownOptions, type OptionNames, shown } from '../arguments.js';
import { FormatError, show, ValueError } from '../errors.js';
import type { TypedArray } from '../values/dtype.js';
import { type Shape, sizeOf } from '../values/shape.js';
import { bytesAt, type Source } from './byte-source.js';
import { type Bytes, bytesFrom } from './bytes.js';
import { arrayFor, bytesIn, type ElementName, elements, readElements, toHalf, writtenAs } from './elements.js';
import { checkPath, writeFileAtomic } from './files.js';
import { type Literal, parseLiteral } from './python-literal.js';
import { checkStored, type StoredTensor } from './stored.js';

/** Options of what writes numpy's files. */
export interface NpyOptions {
  /** Writes floats in 16 bits, rounded to the nearest, in place of their own dtype. */
  dtype?: 'float16';
}
export const npyOptions: OptionNames<NpyOptions> = { dtype: 'value' };

/** numpy itself refuses headers of more than 10,000 bytes by default. */
const mostHeaderBytes = 65535;
/** numpy's own limit. */
const mostAxes = 64;
const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** The bytes of a file that are enough to read its header. */
export const mostStartBytes = 12 + mostHeaderBytes;

const types: Readonly<Record<ElementName, string | undefined>> = {
  bool: 'b1',
  int8: 'i1',
  int16: 'i2',
  int32: 'i4',
  int64: 'i8',
  uint8: 'u1',
  uint16: 'u2',
  uint32: 'u4',
  uint64: 'u8',
  float16: 'f2',
  bfloat16: undefined,
  float32: 'f4',
  float64: 'f8',
};
const byType = new Map(Object.entries(types).map(([name, type]) => [type, name as ElementName]));

/** Kinds of numpy's types that have no counterpart here. */
const others: Readonly<Record<string, string>> = {
  c: 'complex numbers',
  O: 'Python objects',
  S: 'bytes',
  a: 'bytes',
  U: 'text',
  V: 'raw bytes',
  M: 'dates',
  m: 'differences of dates',
  f: 'floats of another size',
};

/** What a header says, and where the data begins. */
interface NpyHeader {
  readonly element: ElementName;
  readonly isLittle: boolean;
  readonly isFortran: boolean;
  readonly shape: Shape;
  readonly start: number;
}

/** Refusals that name the array, where it is one of several. */
type Refuse = (rule: string, got: string, hint?: string) => FormatError;
const refuser =
  (op: string, label: string): Refuse =>
  (rule, got, hint) =>
    new FormatError(op, rule, label === '' ? got : `${label}: ${got}`, hint);

/** The type of the elements, and whether they are little-endian. */
function readType(bad: Refuse, descr: Literal | undefined): { element: ElementName; isLittle: boolean } {
  const rule = `descr must be one of ${[...byType.keys()].filter((type) => type !== undefined).join(', ')}`;
  if (Array.isArray(descr)) throw bad(rule, 'a structured type', 'save each field there as an array of its own');
  const [, order, type = ''] = typeof descr === 'string' ? (/^([<>|])?(\w+)(?:\[\w+\])?$/.exec(descr) ?? []) : [];
  const element = byType.get(type);
  if (element === undefined) {
    const kind = others[type.charAt(0)];
    throw bad(rule, shown(descr), kind === undefined ? '' : `${kind} cannot be read`);
  }
  if ((order === '|' || order === undefined) && elements[element].bytes > 1)
    throw bad('a type of several bytes must have a byte order', shown(descr));
  return { element, isLittle: order !== '>' };
}

/** Where the header's text begins and ends. */
function spanOf(bad: Refuse, start: Uint8Array, fileBytes: number): { from: number; to: number; version: number } {
  if (magic.some((byte, i) => start[i] !== byte))
    throw bad(
      "a file must begin with numpy's signature",
      `${Math.min(fileBytes, 6)} other bytes`,
      start[0] === 0x50 && start[1] === 0x4b ? 'this is a zip: an .npz, which loadNpz and decodeNpz read' : '',
    );
  const version = start[6] as number;
  if (fileBytes < 12) throw bad('the header must lie within the file', `${fileBytes} bytes`);
  if (version < 1 || version > 3 || start[7] !== 0)
    throw bad('the version must be 1.0, 2.0 or 3.0', `${version}.${start[7]}`);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const from = version === 1 ? 10 : 12;
  if (length > mostHeaderBytes) throw bad(`the header must have at most ${mostHeaderBytes} bytes`, `${length} bytes`);
  if (from + length > fileBytes)
    throw bad('the header must lie within the file', `${length} bytes of ${fileBytes - from}`);
  return { from, to: from + length, version };
}

/**
 * Reads the header of a file of `fileBytes` from its first bytes. The data that it describes must
 * fill the rest of the file.
 * @throws FormatError for anything else, and for types that this library lacks
 */
export function readNpyHeader(op: string, label: string, start: Uint8Array, fileBytes: number): NpyHeader {
  const bad = refuser(op, label);
  const { from, to, version } = spanOf(bad, start, fileBytes);
  let header: Literal;
  try {
    // Copied because a browser's decoder refuses shared memory.
    const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1', { fatal: true }).decode(start.slice(from, to));
    header = parseLiteral(text);
  } catch (error) {
    throw bad('the header must be a dictionary of Python', (error as Error).message);
  }
  const keys = header instanceof Map ? [...header.keys()].sort().join(', ') : shown(header);
  if (!(header instanceof Map) || keys !== 'descr, fortran_order, shape')
    throw bad('the header must have descr, fortran_order and shape', keys === '' ? 'none' : keys.slice(0, 80));
  const { element, isLittle } = readType(bad, header.get('descr'));
  const isFortran = header.get('fortran_order');
  if (typeof isFortran !== 'boolean') throw bad('fortran_order must be True or False', shown(isFortran));
  const shape = header.get('shape');
  const isShape = (value: Literal | undefined): value is number[] =>
    Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0 && !Object.is(n, -0));
  if (!isShape(shape)) throw bad('shape must be a tuple of whole, non-negative sizes', shown(shape));
  if (shape.length > mostAxes) throw bad(`an array must have at most ${mostAxes} axes`, `${shape.length} axes`);
  if (sizeOf(shape) * elements[element].bytes !== fileBytes - to)
    throw bad(
      'the data must be as long as descr and shape need',
      `${fileBytes - to} bytes for ${element} ${show(shape)}`,
      'the file is cut short, or has more than one array',
    );
  return { element, isLittle, isFortran, shape, start: to };
}

/** Row-major data of column-major data. */
function rowMajor(data: TypedArray, shape: Shape, out: TypedArray): TypedArray {
  const rank = shape.length;
  const strides = shape.map((_, axis) => sizeOf(shape.slice(0, axis)));
  const index = new Array<number>(rank).fill(0);
  let from = 0;
  for (let i = 0; i < data.length; i++) {
    out[i] = data[from] as number;
    for (let axis = rank - 1; axis >= 0; axis--) {
      from += strides[axis] as number;
      index[axis] = (index[axis] as number) + 1;
      if (index[axis] !== shape[axis]) break;
      from -= (strides[axis] as number) * (shape[axis] as number);
      index[axis] = 0;
    }
  }
  return out;
}

/** The array of a whole file. `label` names it where it is one of several. */
export function npyArray(op: string, label: string, bytes: Uint8Array, hint: string): StoredTensor {
  const { element, isLittle, isFortran, shape, start } = readNpyHeader(op, label, bytes, bytes.length);
  const size = sizeOf(shape);
  const data = arrayFor(element, size);
  const place = { op, label: label === '' ? 'data' : label, first: 0, hint };
  readElements(bytes.subarray(start), element, data, place, isLittle);
  const { dtype } = elements[element];
  return { dtype, shape, data: isFortran && shape.length > 1 ? rowMajor(data, shape, arrayFor(element, size)) : data };
}

/**
 * Reads an array of numpy, of versions 1.0 to 3.0, in either byte order and either order of the
 * axes. float16 is read as float32. Integers of any width are read as int32, if they fit.
 * @shape that of the array; Fortran order is converted to row-major order
 * @throws FormatError if the bytes are not a well-formed file, or hold complex numbers, text,
 * objects or structures, or a number that int32 cannot represent; ValueError for an argument that
 * is not bytes
 * @source numpy.load
 */
export function decodeNpy(file: Bytes): StoredTensor {
  return npyArray('decodeNpy', '', bytesFrom('decodeNpy', file), '');
}

/** Checks the options of what writes. */
export function checkNpyOptions(op: string, { dtype }: NpyOptions): void {
  if (dtype !== undefined && dtype !== 'float16')
    throw new ValueError(op, 'dtype must be float16', `dtype=${shown(dtype)}`, 'without it every array keeps its own');
}

/** As encodeNpy, for any function that the program has called. */
export function npyBytes(
  op: string,
  label: string,
  stored: StoredTensor,
  half: 'float16' | undefined,
): Uint8Array<ArrayBuffer> {
  checkStored(op, label, stored);
  const { dtype, shape, data } = stored;
  const element = writtenAs(dtype, half);
  const body = element === 'float16' ? toHalf(op, label, data, element) : bytesIn(data);
  const order = elements[element].bytes > 1 ? '<' : '|';
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${order}${types[element]}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // numpy leaves room for the first size to grow in place, to 21 digits.
  const room = shape.length === 0 ? 0 : 21 - `${shape[0]}`.length;
  const version = 10 + text.length + room + 1 + 63 > mostHeaderBytes ? 2 : 1;
  const from = version === 1 ? 10 : 12;
  const start = Math.ceil((from + text.length + room + 1) / 64) * 64;
  const out = new Uint8Array(start + body.length);
  out.set([...magic, version, 0]);
  const view = new DataView(out.buffer);
  if (version === 1) view.setUint16(8, start - from, true);
  else view.setUint32(8, start - from, true);
  out.set(new TextEncoder().encode(text.padEnd(start - from - 1) + '\n'), from);
  out.set(body, start);
  return out;
}

/**
 * Writes an array as numpy's `.npy`, version 1.0, little-endian and row-major.
 * @shape any
 * @throws ShapeError if data and shape disagree; ValueError for something that is not a stored
 * tensor, or a number too large for `dtype`
 * @source numpy.save
 */
export function encodeNpy(array: StoredTensor, options: NpyOptions = {}): Uint8Array<ArrayBuffer> {
  return encode('encodeNpy', array, options);
}

function encode(op: string, array: StoredTensor, options: NpyOptions): Uint8Array<ArrayBuffer> {
  knownOptions(op, options, npyOptions);
  checkNpyOptions(op, options);
  return npyBytes(op, 'array', array, options.dtype);
}

/**
 * Reads the array of an `.npy` file. `source` is a path in Node, an address, or the file's bytes.
 * @throws FormatError for a missing or damaged file, and as decodeNpy; ValueError for a wrong
 * argument; DeviceError for an address that does not answer
 * @source numpy.load
 */
export async function loadNpy(source: Source): Promise<StoredTensor> {
  return npyArray('loadNpy', '', await bytesAt('loadNpy', source), '');
}

/**
 * Writes an array to an `.npy` file, in one move. Node only.
 * @throws as encodeNpy and writeFileAtomic
 * @source numpy.save
 */
export async function saveNpy(path: string, array: StoredTensor, options: NpyOptions = {}): Promise<void> {
  checkPath('saveNpy', path);
  await writeFileAtomic(path, encode('saveNpy', array, options));
}
