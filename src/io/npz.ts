/**
 * numpy's files of several arrays by name, `.npz`: zip files of `.npy`. Not here: one array
 * (npy.ts), the zip format (zip.ts).
 * @source numpy.savez, numpy.load
 */
import { checkFlag, checkNumber, checkRecord, knownOptions, type OptionNames, shown } from '../arguments.js';
import { FormatError, ValueError } from '../errors.js';
import { bytesAt, type Source } from './byte-source.js';
import { type Bytes, bytesFrom } from './bytes.js';
import { checkPath, writeFileAtomic } from './files.js';
import { hasLoneSurrogate, quote } from './json.js';
import {
  checkNpyOptions,
  mostStartBytes,
  type NpyOptions,
  npyArray,
  npyBytes,
  npyOptions,
  readNpyHeader,
} from './npy.js';
import { checkSkip, type Skip, type StoredTensor, skippedNames } from './stored.js';
import { unzip, zipEntries } from './zip.js';

/** Options of what writes several arrays. */
export interface NpzWriteOptions extends NpyOptions {
  /** Whether to deflate the arrays, as numpy.savez_compressed. Default false. */
  compressed?: boolean;
}
/** Options of what reads several arrays. */
export interface NpzReadOptions {
  /** The arrays to leave out: their names, or a function that says so of a name. */
  skip?: Skip;
  /**
   * The maximum number of bytes that all arrays together may unpack to. Default 100 times the file,
   * but not less than 256 MiB.
   */
  maxBytes?: number;
}

const writeOptions: OptionNames<NpzWriteOptions> = { ...npyOptions, compressed: 'flag' };
const readOptions: OptionNames<NpzReadOptions> = { skip: 'value', maxBytes: 'value' };
const extension = '.npy';
const leastLimit = 2 ** 28;
const usualExpansion = 100;
/** A zip file with longer ones would need fields that fflate does not write. */
const [mostBytes, mostEntries, mostNameBytes] = [0xfffffffe, 65534, 65535];

async function decode(op: string, bytes: Uint8Array, options: NpzReadOptions): Promise<Record<string, StoredTensor>> {
  const limit = options.maxBytes ?? Math.max(usualExpansion * bytes.length, leastLimit);
  const entries = zipEntries(op, bytes);
  const nameOf = (file: string): string => (file.endsWith(extension) ? file.slice(0, -extension.length) : file);
  const names = entries.map(({ name }) => nameOf(name));
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new FormatError(op, 'a name must not stand twice', quote(twice));
  const skipped = skippedNames(op, options.skip, names);
  const wanted = entries.filter(({ name }) => !skipped.has(nameOf(name)));
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  if (total > limit)
    throw new FormatError(op, `arrays must unpack to at most ${limit} bytes`, `${total} bytes`, 'raise maxBytes');
  const arrays: [string, StoredTensor][] = [];
  for (const entry of wanted) {
    const name = nameOf(entry.name);
    const label = quote(name);
    if (!entry.name.endsWith(extension))
      throw new FormatError(op, 'every file of an .npz must be an .npy', label, `skip: [${label}] leaves it out`);
    const data = await unzip(op, entry, mostStartBytes, (start) => void readNpyHeader(op, label, start, entry.size));
    arrays.push([name, npyArray(op, label, data, `skip: [${label}] leaves the array out`)]);
  }
  return Object.fromEntries(arrays);
}

function checkReadOptions(op: string, options: NpzReadOptions): void {
  knownOptions(op, options, readOptions);
  checkSkip(op, options.skip);
  const { maxBytes } = options;
  if (maxBytes !== undefined)
    checkNumber(op, 'maxBytes', maxBytes, (v) => Number.isSafeInteger(v) && v > 0, 'whole and positive');
}

/**
 * Reads the arrays of an `.npz`, stored or compressed, by name. Each is read as decodeNpy does. A
 * small file that would unpack to very much is refused (`maxBytes`).
 * @throws FormatError for a damaged file, an array that this library cannot represent, or too many
 * bytes; ValueError for a wrong argument, or a name of `skip` that the file does not have
 * @source numpy.load
 */
export async function decodeNpz(file: Bytes, options: NpzReadOptions = {}): Promise<Record<string, StoredTensor>> {
  const op = 'decodeNpz';
  const bytes = bytesFrom(op, file);
  checkReadOptions(op, options);
  return decode(op, bytes, options);
}

/**
 * Reads the arrays of an `.npz` file by name. `source` is a path in Node, an address, or the file's
 * bytes.
 * @throws FormatError for a missing file, and as decodeNpz; DeviceError for an address that does
 * not answer
 * @source numpy.load
 */
export async function loadNpz(source: Source, options: NpzReadOptions = {}): Promise<Record<string, StoredTensor>> {
  const op = 'loadNpz';
  checkReadOptions(op, options);
  return decode(op, await bytesAt(op, source), options);
}

async function encode(
  op: string,
  arrays: Record<string, StoredTensor>,
  options: NpzWriteOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  checkRecord(op, 'arrays', arrays, 'stored tensors');
  knownOptions(op, options, writeOptions);
  checkNpyOptions(op, options);
  const { compressed = false } = options;
  checkFlag(op, 'compressed', compressed);
  const files: Record<string, Uint8Array> = {};
  let total = 0;
  for (const [name, stored] of Object.entries(arrays)) {
    if (hasLoneSurrogate(name)) throw new ValueError(op, 'names must be well-formed Unicode', quote(name));
    const nameBytes = new TextEncoder().encode(name + extension).length;
    if (nameBytes > mostNameBytes)
      throw new ValueError(op, `names must have at most ${mostNameBytes} bytes`, shown(nameBytes));
    const bytes = npyBytes(op, name, stored, options.dtype);
    files[name + extension] = bytes;
    total += bytes.length + 2 * nameBytes + 100;
  }
  const count = Object.keys(files).length;
  if (total > mostBytes || count > mostEntries)
    throw new ValueError(
      op,
      'an .npz must be smaller than 4 GiB, with fewer than 65535 arrays',
      `${count} arrays in ${total} bytes`,
      'write several files, or safetensors',
    );
  const { zipSync } = await import('./deflate.js');
  // The same arrays give the same bytes at any time of day.
  return zipSync(files, { level: compressed ? 6 : 0, mtime: new Date(1980, 0, 1) });
}

/**
 * Writes arrays by name as numpy's `.npz`, stored or compressed. Numbered names, 'arr_0' and so on,
 * are what numpy gives to arrays without a name.
 * @throws ShapeError if data and shape disagree; ValueError for something that is not a stored
 * tensor, a name with half of a surrogate pair, or a number too large for `dtype`
 * @source numpy.savez, numpy.savez_compressed
 */
export async function encodeNpz(
  arrays: Record<string, StoredTensor>,
  options: NpzWriteOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  return encode('encodeNpz', arrays, options);
}

/**
 * Writes arrays by name to an `.npz` file, in one move. Node only.
 * @throws as encodeNpz and writeFileAtomic
 * @source numpy.savez, numpy.savez_compressed
 */
export async function saveNpz(
  path: string,
  arrays: Record<string, StoredTensor>,
  options: NpzWriteOptions = {},
): Promise<void> {
  checkPath('saveNpz', path);
  await writeFileAtomic(path, await encode('saveNpz', arrays, options));
}
