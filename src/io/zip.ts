/**
 * Zip files in memory: the list of their entries, and the bytes of one. Names are only names: no
 * path is ever opened. Every length is checked against the file before memory is set aside for it.
 * Not here: numpy's arrays in them (npz.ts).
 * @source PKWARE APPNOTE 6.3.10, sections 4.3 to 4.5; RFC 1951
 */
import { FormatError } from '../errors.js';
import { crc32 } from './crc32.js';
import { quote } from './json.js';

/** One file within a zip file. */
export interface ZipEntry {
  readonly name: string;
  /** Its bytes as they are stored. */
  readonly packed: Uint8Array;
  readonly isDeflated: boolean;
  /** The number of bytes that it unpacks to. */
  readonly size: number;
  readonly crc: number;
}

/** The maximum number of bytes that one byte of deflated data expands to. */
const mostExpansion = 1032;
const endBytes = 22;
const mostComment = 65535;
const entryBytes = 46;
const localBytes = 30;
const [localMark, entryMark, endMark] = [0x04034b50, 0x02014b50, 0x06054b50];
const [end64Mark, locator64Mark] = [0x06064b50, 0x07064b50];
/** What stands in a field of 32 bits whose value is in a field of 64. */
const elsewhere = 0xffffffff;

const methods: Readonly<Record<number, string>> = {
  9: 'Deflate64',
  12: 'bzip2',
  14: 'LZMA',
  93: 'Zstandard',
  95: 'XZ',
};

interface Zip {
  readonly op: string;
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

const bad = ({ op }: Zip, rule: string, got: string, hint?: string): FormatError =>
  new FormatError(op, rule, got, hint);

/** A number of 64 bits. One that no file reaches becomes infinite. */
function wide({ view }: Zip, at: number): number {
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : Infinity;
}

/** Where the list of entries lies: it is named at the end of the file. */
function directoryOf(zip: Zip): { at: number; size: number; count: number; end: number } {
  const { bytes, view } = zip;
  let end = bytes.length - endBytes;
  const least = Math.max(0, end - mostComment);
  while (
    end >= least &&
    !(view.getUint32(end, true) === endMark && end + endBytes + view.getUint16(end + 20, true) === bytes.length)
  )
    end--;
  if (end < least)
    throw bad(
      zip,
      'a zip file must end with its directory',
      `${bytes.length} bytes`,
      'the file is cut short, or no zip',
    );
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 6, true) !== 0)
    throw bad(zip, 'a zip file must have one part', 'several');
  let found = {
    count: view.getUint16(end + 10, true),
    size: view.getUint32(end + 12, true),
    at: view.getUint32(end + 16, true),
    end,
  };
  const locator = end - 20;
  if (locator >= 0 && view.getUint32(locator, true) === locator64Mark) {
    const at = wide(zip, locator + 8);
    if (!(at + 56 <= locator) || view.getUint32(at, true) !== end64Mark)
      throw bad(zip, 'the 64-bit end must be where the zip says', `byte ${at}`);
    found = { count: wide(zip, at + 32), size: wide(zip, at + 40), at: wide(zip, at + 48), end: at };
  }
  if (!(found.at + found.size <= found.end) || !(found.count * entryBytes <= found.size))
    throw bad(
      zip,
      'the directory must lie within the file',
      `${found.count} entries in ${found.size} bytes from ${found.at}`,
    );
  return found;
}

/** The 64-bit fields of an entry, in place of those that say `elsewhere`. */
function widened(zip: Zip, name: string, from: number, to: number, fields: readonly number[]): number[] {
  if (!fields.includes(elsewhere)) return [...fields];
  for (let at = from; at + 4 <= to; ) {
    const id = zip.view.getUint16(at, true);
    const end = at + 4 + zip.view.getUint16(at + 2, true);
    if (end > to) break;
    if (id === 1) {
      let next = at + 4;
      return fields.map((field) => {
        if (field !== elsewhere) return field;
        if (next + 8 > end) throw bad(zip, 'the 64-bit sizes of an entry must be there', quote(name));
        next += 8;
        return wide(zip, next - 8);
      });
    }
    at = end;
  }
  return [...fields];
}

/** A name of UTF-8 bytes. */
function nameAt({ bytes, op }: Zip, at: number, length: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.slice(at, at + length));
  } catch {
    throw new FormatError(op, 'names must be UTF-8', `the name at byte ${at}`);
  }
}

/** The entry whose description begins at `at`, its place in the file, and where the next begins. */
function entryAt(zip: Zip, at: number, end: number): { entry: ZipEntry; from: number; to: number; next: number } {
  const { view, bytes } = zip;
  const isHere = at + entryBytes <= end && view.getUint32(at, true) === entryMark;
  const [nameLength, extraLength, commentLength] = isHere
    ? [view.getUint16(at + 28, true), view.getUint16(at + 30, true), view.getUint16(at + 32, true)]
    : [0, 0, 0];
  const extra = at + entryBytes + nameLength;
  const next = extra + extraLength + commentLength;
  if (!isHere || next > end) throw bad(zip, 'the directory must list every entry', `byte ${at}`);
  const name = nameAt(zip, at + entryBytes, nameLength);
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  if ((flags & 0x2041) !== 0) throw bad(zip, 'entries must not be encrypted', quote(name));
  if (method !== 0 && method !== 8)
    throw bad(zip, 'entries must be stored or deflated', `${quote(name)}: ${methods[method] ?? `method ${method}`}`);
  const [size, packedSize, from] = widened(zip, name, extra, extra + extraLength, [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ]) as [number, number, number];
  const isLocal = from + localBytes <= bytes.length && view.getUint32(from, true) === localMark;
  const localName = isLocal ? view.getUint16(from + 26, true) : 0;
  const start = from + localBytes + localName + (isLocal ? view.getUint16(from + 28, true) : 0);
  if (!isLocal || !(start + packedSize <= bytes.length))
    throw bad(zip, 'an entry must lie within the file', `${quote(name)}: ${packedSize} bytes from ${from}`);
  if (nameAt(zip, from + localBytes, localName) !== name)
    throw bad(zip, 'an entry must have one name', `${quote(name)} in the directory`);
  const isDeflated = method === 8;
  if (isDeflated ? size > packedSize * mostExpansion : size !== packedSize)
    throw bad(zip, 'sizes must be possible', `${quote(name)}: ${packedSize} bytes for ${size}`);
  const entry = {
    name,
    packed: bytes.subarray(start, start + packedSize),
    isDeflated,
    size,
    crc: view.getUint32(at + 16, true),
  };
  return { entry, from, to: start + packedSize, next };
}

/**
 * The entries of a zip file. Their bytes are views of the file's.
 * @throws FormatError for a file that is cut short or damaged, entries that overlap, have one name
 * twice, are encrypted or compressed by other methods
 */
export function zipEntries(op: string, bytes: Uint8Array): ZipEntry[] {
  const zip = { op, bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
  if (bytes.length < endBytes) throw bad(zip, 'a zip file must end with its directory', `${bytes.length} bytes`);
  const { at, size, count } = directoryOf(zip);
  const found: ReturnType<typeof entryAt>[] = [];
  let next = at;
  for (let i = 0; i < count; i++) {
    const one = entryAt(zip, next, at + size);
    found.push(one);
    next = one.next;
  }
  if (next !== at + size)
    throw bad(zip, 'the directory must list every entry', `${at + size - next} bytes after the last`);
  let end = 0;
  // Entries that share bytes are how a small file pretends to hold much.
  for (const { entry, from, to } of [...found].sort((a, b) => a.from - b.from)) {
    if (from < end || to > at) throw bad(zip, 'entries must not overlap', quote(entry.name));
    end = to;
  }
  const names = new Set<string>();
  for (const { entry } of found) {
    if (names.has(entry.name)) throw bad(zip, 'a name must not stand twice', quote(entry.name));
    names.add(entry.name);
  }
  return found.map(({ entry }) => entry);
}

/** The bytes of the compressed data that are inflated at once: they give at most 4 MiB. */
const pieceBytes = 4096;

/**
 * Unpacks an entry. `check` sees its first bytes, `startBytes` of them if it has so many, before
 * memory is set aside for the whole. It throws if they contradict the size.
 * @throws FormatError for damaged data, another size than the directory's, or a wrong checksum
 */
export async function unzip(
  op: string,
  { name, packed, isDeflated, size, crc }: ZipEntry,
  startBytes: number,
  check: (start: Uint8Array) => void,
): Promise<Uint8Array> {
  const data = isDeflated ? await inflated(op, name, packed, size, startBytes, check) : packed;
  if (!isDeflated) check(packed);
  if (crc32(data) !== crc) throw new FormatError(op, "an entry's checksum must be right", quote(name));
  return data;
}

/** Inflates an entry piece by piece, so that it stops soon after it is full. */
async function inflated(
  op: string,
  name: string,
  packed: Uint8Array,
  size: number,
  startBytes: number,
  check: (start: Uint8Array) => void,
): Promise<Uint8Array> {
  const { Inflate } = await import('./deflate.js');
  const rule = 'an entry must be as long as the directory says';
  const needed = Math.min(size, startBytes);
  let out = new Uint8Array(needed);
  let filled = 0;
  let isChecked = false;
  const waiting: Uint8Array[] = [];
  const add = (bytes: Uint8Array): void => {
    if (filled + bytes.length > size) throw new FormatError(op, rule, `${quote(name)}: more than ${size} bytes`);
    if (!isChecked) {
      const first = bytes.subarray(0, needed - filled);
      out.set(first, filled);
      filled += first.length;
      if (filled === needed) {
        check(out);
        isChecked = true;
        const whole = new Uint8Array(size);
        whole.set(out);
        out = whole;
      }
      if (first.length < bytes.length) add(bytes.subarray(first.length));
    } else {
      out.set(bytes, filled);
      filled += bytes.length;
    }
  };
  const inflater = new Inflate((bytes) => void waiting.push(bytes));
  for (let at = 0; at === 0 || at < packed.length; at += pieceBytes) {
    try {
      inflater.push(packed.subarray(at, at + pieceBytes), at + pieceBytes >= packed.length);
    } catch (error) {
      throw new FormatError(op, 'an entry must be sound deflated data', `${quote(name)}: ${(error as Error).message}`);
    }
    for (const bytes of waiting.splice(0)) add(bytes);
  }
  if (filled < size || !isChecked) throw new FormatError(op, rule, `${quote(name)}: ${filled} bytes for ${size}`);
  return out;
}
