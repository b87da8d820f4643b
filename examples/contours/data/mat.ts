/**
 * Reads MATLAB files of level 5, as MATLAB's save -v6 and -v7 and scipy.io.savemat write them:
 * numeric and logical arrays, cells and structs, compressed or not, in both byte orders. Not here:
 * text, sparse arrays, objects, complex numbers, files of version 7.3 (which are HDF5), writing.
 * @source MathWorks, "MAT-File Format", chapter 1, Level 5 MAT-Files
 */
import { inflateSync } from 'node:zlib';
import { FormatError } from 'cedargrad';

/** Numbers of any numeric class. MATLAB's order: the first index runs fastest. */
export interface MatNumbers {
  readonly kind: 'numbers';
  readonly shape: readonly number[];
  /** Numbers of 64 bits are rounded to doubles. @shape [n], n = product of shape */
  readonly data: Float64Array;
  readonly isLogical: boolean;
}
/** A cell array. Its values are in MATLAB's order. */
export interface MatCell {
  readonly kind: 'cell';
  readonly shape: readonly number[];
  readonly values: readonly MatValue[];
}
/** An array of structs, each with its fields by name, in MATLAB's order. */
export interface MatStruct {
  readonly kind: 'struct';
  readonly shape: readonly number[];
  readonly elements: readonly ReadonlyMap<string, MatValue>[];
}
/** An array of a MATLAB file. */
export type MatValue = MatNumbers | MatCell | MatStruct;

const op = 'readMat';
const headerSize = 128;
/** The most bytes that one compressed element may have. */
const mostInflated = 2 ** 28;
/** The deepest nesting of cells and structs. A crafted file could otherwise exhaust the stack. */
const mostNested = 32;

/** Types of data elements. @source table 1-1 */
const Type = { matrix: 14, compressed: 15 } as const;
/** Classes of arrays. @source table 1-3 */
const Class = { cell: 1, struct: 2, firstNumeric: 6, lastNumeric: 15 } as const;
const otherClasses: Readonly<Record<number, string>> = { 3: 'object', 4: 'char', 5: 'sparse' };

type Read = (view: DataView, at: number, isLittle: boolean) => number;
/** The number types of data elements: their sizes in bytes, and how one is read. */
const numberTypes: Readonly<Record<number, readonly [size: number, read: Read]>> = {
  1: [1, (view, at) => view.getInt8(at)],
  2: [1, (view, at) => view.getUint8(at)],
  3: [2, (view, at, isLittle) => view.getInt16(at, isLittle)],
  4: [2, (view, at, isLittle) => view.getUint16(at, isLittle)],
  5: [4, (view, at, isLittle) => view.getInt32(at, isLittle)],
  6: [4, (view, at, isLittle) => view.getUint32(at, isLittle)],
  7: [4, (view, at, isLittle) => view.getFloat32(at, isLittle)],
  9: [8, (view, at, isLittle) => view.getFloat64(at, isLittle)],
  12: [8, (view, at, isLittle) => Number(view.getBigInt64(at, isLittle))],
  13: [8, (view, at, isLittle) => Number(view.getBigUint64(at, isLittle))],
};

/** A data element: its type and the bytes of its data. */
interface Element {
  readonly type: number;
  readonly bytes: Uint8Array;
}

const cutShort = (got: string): FormatError => new FormatError(op, 'the file must be whole', got, 'it is cut short');

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Reads data elements one after the other. */
class Elements {
  #at = 0;

  constructor(
    private readonly bytes: Uint8Array,
    readonly isLittle: boolean,
  ) {}

  get isAtEnd(): boolean {
    return this.#at >= this.bytes.length;
  }

  /** The next element. Of at most 4 bytes the data may stand in the second half of the tag. */
  next(): Element {
    const start = this.#at;
    if (start + 8 > this.bytes.length)
      throw cutShort(`${this.bytes.length - start} bytes where a tag of 8 bytes should be`);
    const view = viewOf(this.bytes);
    const first = view.getUint32(start, this.isLittle);
    if (first >>> 16 !== 0) {
      const size = first >>> 16;
      if (size > 4) throw new FormatError(op, 'a small element must have at most 4 bytes', `${size} bytes`);
      this.#at = start + 8;
      return { type: first & 0xffff, bytes: this.bytes.subarray(start + 4, start + 4 + size) };
    }
    const size = view.getUint32(start + 4, this.isLittle);
    const end = start + 8 + size;
    if (end > this.bytes.length)
      throw cutShort(`an element of ${size} bytes with ${this.bytes.length - start - 8} left`);
    // Data is padded to 8 bytes, but not after compressed elements.
    this.#at = first === Type.compressed ? end : Math.ceil(end / 8) * 8;
    return { type: first, bytes: this.bytes.subarray(start + 8, end) };
  }

  /** The numbers of the next element. */
  numbers(what: string): Float64Array {
    const { type, bytes } = this.next();
    const numberType = numberTypes[type];
    if (numberType === undefined)
      throw new FormatError(op, `${what} must be an element of numbers`, `an element of type ${type}`);
    const [size, read] = numberType;
    const view = viewOf(bytes);
    const out = new Float64Array(Math.floor(bytes.length / size));
    for (let i = 0; i < out.length; i++) out[i] = read(view, i * size, this.isLittle);
    return out;
  }

  /** The text of the next element, of one byte for each character. */
  text(what: string): string {
    return Array.from(this.numbers(what), (code) => String.fromCharCode(code)).join('');
  }
}

/** An array and its name. */
interface Named {
  readonly name: string;
  readonly value: MatValue;
}

/** The array of a matrix element. An empty one stands for an empty array of doubles. */
function readMatrix({ type, bytes }: Element, isLittle: boolean, depth: number): Named {
  if (type !== Type.matrix)
    throw new FormatError(op, 'an array must be a matrix element', `an element of type ${type}`);
  if (depth > mostNested) throw new FormatError(op, `arrays must be nested at most ${mostNested} deep`, 'a deeper one');
  if (bytes.length === 0)
    return { name: '', value: { kind: 'numbers', shape: [0, 0], data: new Float64Array(0), isLogical: false } };
  const elements = new Elements(bytes, isLittle);
  const [flags = 0] = elements.numbers('the flags of an array');
  const shape = [...elements.numbers('the dimensions of an array')];
  if (shape.length < 2 || shape.some((n) => n < 0))
    throw new FormatError(op, 'an array must have two dimensions or more, none negative', `[${shape.join(',')}]`);
  const name = elements.text('the name of an array');
  const kind = flags & 0xff;
  const count = shape.reduce((product, n) => product * n, 1);
  // Each part has a tag of 8 bytes at least, so a larger count cannot be true.
  if ((kind === Class.cell || kind === Class.struct) && count > bytes.length)
    throw cutShort(`${count} elements of '${name}' in ${bytes.length} bytes`);
  const part = (): MatValue => readMatrix(elements.next(), isLittle, depth + 1).value;
  if (kind === Class.cell) return { name, value: { kind: 'cell', shape, values: Array.from({ length: count }, part) } };
  if (kind === Class.struct) return { name, value: readStruct(elements, shape, count, part) };
  if (kind < Class.firstNumeric || kind > Class.lastNumeric)
    throw new FormatError(
      op,
      'arrays must be numeric, logical, cells or structs',
      `'${name}' of class ${otherClasses[kind] ?? kind}`,
    );
  if ((flags & 0x800) !== 0) throw new FormatError(op, 'numbers must be real', `'${name}', which is complex`);
  const data = elements.numbers(`the data of '${name}'`);
  if (data.length !== count)
    throw new FormatError(
      op,
      'an array must have as many numbers as its dimensions say',
      `${data.length} for [${shape.join(',')}] of '${name}'`,
    );
  return { name, value: { kind: 'numbers', shape, data, isLogical: (flags & 0x200) !== 0 } };
}

/** The structs of an array: the names of the fields, then the fields of each struct. */
function readStruct(elements: Elements, shape: number[], count: number, part: () => MatValue): MatStruct {
  const [length = 0] = elements.numbers('the length of field names');
  const text = elements.text('the field names');
  if (!(length > 0) || text.length % length !== 0)
    throw new FormatError(op, 'field names must have equal lengths', `${text.length} bytes in parts of ${length}`);
  const names = Array.from({ length: text.length / length }, (_, i) =>
    text.slice(i * length, (i + 1) * length).replace(/\0.*$/s, ''),
  );
  return {
    kind: 'struct',
    shape,
    elements: Array.from({ length: count }, () => new Map(names.map((name) => [name, part()]))),
  };
}

/** The bytes of a compressed element. */
function inflated(bytes: Uint8Array): Uint8Array {
  try {
    return inflateSync(bytes, { maxOutputLength: mostInflated });
  } catch (error) {
    throw new FormatError(op, 'a compressed element must be sound', (error as Error).message);
  }
}

/** The byte order of a file, by its header. */
function isLittleEndian(bytes: Uint8Array): boolean {
  const text = String.fromCharCode(...bytes.subarray(0, 116));
  if (text.startsWith('MATLAB 7.3') || text.startsWith('\x89HDF'))
    throw new FormatError(op, 'the file must be of level 5', 'a file of version 7.3', 'save it with -v7');
  if (bytes.length < headerSize) throw cutShort(`${bytes.length} bytes, of which the header has ${headerSize}`);
  const mark = String.fromCharCode(...bytes.subarray(126, 128));
  if (mark !== 'IM' && mark !== 'MI')
    throw new FormatError(op, "bytes 126 and 127 must be 'IM' or 'MI', as in a file of level 5", JSON.stringify(mark));
  const isLittle = mark === 'IM';
  const version = viewOf(bytes).getUint16(124, isLittle);
  if (version !== 0x0100)
    throw new FormatError(op, 'the version must be 0x0100', `0x${version.toString(16).padStart(4, '0')}`);
  return isLittle;
}

/**
 * The variables of a MATLAB file of level 5, by name.
 * @throws FormatError if the bytes are cut short or damaged, of another version, or hold text, a
 * sparse or complex array, or an object
 */
export function readMat(bytes: Uint8Array): Map<string, MatValue> {
  const isLittle = isLittleEndian(bytes);
  const elements = new Elements(bytes.subarray(headerSize), isLittle);
  const variables = new Map<string, MatValue>();
  while (!elements.isAtEnd) {
    const element = elements.next();
    const matrix = element.type === Type.compressed ? new Elements(inflated(element.bytes), isLittle).next() : element;
    const { name, value } = readMatrix(matrix, isLittle, 0);
    variables.set(name, value);
  }
  return variables;
}
