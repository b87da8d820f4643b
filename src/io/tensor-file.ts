/**
 * The tensors of safetensors files that are read one by one, from one file or from several with an
 * index. A file at a path is never in memory as a whole. Not here: what is done with the tensors
 * (weights.ts, torch.ts), the header (safetensors-header.ts).
 * @source huggingface.co/docs/transformers, "Sharded checkpoints"
 */
import { knownOptions } from '../arguments.js';
import { FormatError } from '../errors.js';
import type { UrlLike } from '../platform.js';
import { type ByteSource, besides, openSource, type Source } from './byte-source.js';
import { arrayFor, bytesIn, canFail, checkBools, elements, isPlain, readElements } from './elements.js';
import { isObject, parseJson, quote } from './json.js';
import { readOptions, type SafetensorsReadOptions, skipHint } from './safetensors.js';
import { type Entry, headerLength, lengthBytes, readHeader } from './safetensors-header.js';
import { checkSkip, type Skip, type StoredTensor, skippedNames } from './stored.js';

/** A tensor of an open file. */
export interface FileEntry extends Entry {
  readonly source: ByteSource;
}

/** Open files of tensors. */
export interface TensorFile {
  readonly entries: readonly FileEntry[];
  readonly metadata: Record<string, string>;
  close(): Promise<void>;
}

/** The bytes that are converted at once. */
const pieceBytes = 2 ** 22;
/** As the format's limit on headers. */
const mostIndexBytes = 100_000_000;

/** Reads a tensor. @throws FormatError for a value that its dtype cannot represent */
export async function readTensor(op: string, entry: FileEntry): Promise<StoredTensor> {
  const { source, name, element, shape, size, from } = entry;
  const data = arrayFor(element, size);
  const place = { op, label: quote(name), hint: skipHint(name) };
  if (isPlain(element)) {
    await source.readInto(bytesIn(data), from);
    if (element === 'bool') checkBools(data, { ...place, first: 0 });
  } else {
    const { bytes } = elements[element];
    const piece = new Uint8Array(Math.min(size * bytes, pieceBytes));
    for (let first = 0; first < size; first += pieceBytes / bytes) {
      const part = data.subarray(first, first + pieceBytes / bytes);
      const read = piece.subarray(0, part.length * bytes);
      await source.readInto(read, from + first * bytes);
      readElements(read, element, part, { ...place, first });
    }
  }
  return { dtype: elements[element].dtype, shape, data };
}

/** Reads the tensors whose values can be wrong, and forgets them. @throws as readTensor */
export async function checkValues(op: string, entries: readonly FileEntry[]): Promise<void> {
  for (const entry of entries) if (canFail(entry.element)) await readTensor(op, entry);
}

/** Opens one safetensors file. */
async function openOne(op: string, from: Source, skip: Skip | undefined): Promise<TensorFile> {
  const source = await openSource(op, from);
  try {
    const first = new Uint8Array(Math.min(lengthBytes, source.size));
    await source.readInto(first, 0);
    const text = new Uint8Array(headerLength(op, first, source.size));
    await source.readInto(text, lengthBytes);
    const { entries, metadata } = readHeader(op, text, source.size, skip);
    return { entries: entries.map((entry) => ({ ...entry, source })), metadata, close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The file of each tensor, as an index says. */
async function readIndex(op: string, from: string | UrlLike): Promise<Map<string, string>> {
  const source = await openSource(op, from);
  try {
    if (source.size > mostIndexBytes)
      throw new FormatError(op, `an index must have at most ${mostIndexBytes} bytes`, `${source.size} bytes`);
    const text = new Uint8Array(source.size);
    await source.readInto(text, 0);
    const { weight_map: map } = parseJson(op, 'the index', text);
    if (!isObject(map))
      throw new FormatError(op, 'the weight_map of an index must be an object of files by tensor', quote(map));
    for (const [name, file] of Object.entries(map))
      if (typeof file !== 'string')
        throw new FormatError(op, 'the weight_map of an index must name files', `${quote(name)}: ${quote(file)}`);
    return new Map(Object.entries(map as Record<string, string>));
  } finally {
    await source.close();
  }
}

/** Opens the files of an index, all in its own folder. Files of skipped tensors stay closed. */
async function openIndexed(op: string, from: string | UrlLike, skip: Skip | undefined): Promise<TensorFile> {
  const index = await readIndex(op, from);
  const paths = new Map([...new Set(index.values())].map((file) => [file, besides(op, from, file)]));
  const skipped = skippedNames(op, skip, [...index.keys()]);
  const wanted = [...index].filter(([name]) => !skipped.has(name));
  const opened: TensorFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened) await file.close();
  };
  try {
    const entries = new Map<string, FileEntry>();
    for (const file of new Set(wanted.map(([, file]) => file))) {
      const one = await openOne(op, paths.get(file) as string | UrlLike, (name) => skipped.has(name));
      opened.push(one);
      for (const entry of one.entries) {
        if (index.get(entry.name) !== file)
          throw new FormatError(
            op,
            'every tensor must be in the file that the index names',
            `${quote(entry.name)} in ${quote(file)}, by the index in ${quote(index.get(entry.name) ?? 'none')}`,
          );
        entries.set(entry.name, entry);
      }
    }
    const absent = wanted.find(([name]) => !entries.has(name));
    if (absent !== undefined)
      throw new FormatError(
        op,
        'every tensor must be in the file that the index names',
        `${quote(absent[0])}, which ${quote(absent[1])} lacks`,
      );
    const metadata = Object.assign({}, ...opened.map((file) => file.metadata)) as Record<string, string>;
    return { entries: wanted.map(([name]) => entries.get(name) as FileEntry), metadata, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Opens a safetensors file, or several by the path or address of their index, which ends in
 * `.index.json`.
 * @throws FormatError for what is missing, damaged or not safetensors
 */
export async function openTensors(op: string, source: Source, skip: Skip | undefined): Promise<TensorFile> {
  checkSkip(op, skip);
  const name = typeof source === 'string' || source instanceof URL ? String(source) : '';
  return name.replace(/[?#].*$/, '').endsWith('.index.json')
    ? openIndexed(op, source as string | UrlLike, skip)
    : openOne(op, source, skip);
}

/**
 * Reads the tensors of a safetensors file, or of several by their index. `source` is a path in
 * Node, an address, or the file's bytes. An index, whose name ends in `.index.json`, needs a path
 * or an address. It may name only files of its own folder.
 * @throws FormatError for a missing or damaged file, a dtype that this library lacks, or a number
 * that int32 cannot represent; ValueError for a wrong argument, or a name of `skip` that the file
 * does not have; DeviceError for an address that does not answer
 * @source safetensors.torch.load_file
 */
export async function loadSafetensors(
  source: Source,
  options: SafetensorsReadOptions = {},
): Promise<{ tensors: Record<string, StoredTensor>; metadata: Record<string, string> }> {
  const op = 'loadSafetensors';
  knownOptions(op, options, readOptions);
  const file = await openTensors(op, source, options.skip);
  try {
    const tensors: [string, StoredTensor][] = [];
    for (const entry of file.entries) tensors.push([entry.name, await readTensor(op, entry)]);
    return { tensors: Object.fromEntries(tensors), metadata: file.metadata };
  } finally {
    await file.close();
  }
}
