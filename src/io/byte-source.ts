/**
 * Where the bytes of a file come from: a path, an address or memory. A path is read piece by piece,
 * so that a large file is never in memory as a whole. Not here: writing (files.ts), formats.
 */
import { shown } from '../arguments.js';
import { DeviceError, FormatError, ValueError } from '../errors.js';
import { isNode, load, type UrlLike } from '../platform.js';
import { type Bytes, bytesFrom } from './bytes.js';

/** What stands for a file: a path in Node, an address, or the file's bytes. */
export type Source = string | UrlLike | Bytes;

const missing = 'there must be a file to read';

/** Whether a source is an address to fetch. Text is a path in Node, unless it begins with http. */
const isAddress = (source: string | UrlLike): boolean =>
  source instanceof URL ? source.protocol !== 'file:' : !isNode() || /^https?:/.test(String(source));

/** Refuses what cannot stand for a file. Returns its bytes, or undefined for a name. */
function checkSource(op: string, source: Source): Uint8Array | undefined {
  if (typeof source !== 'string' && !(source instanceof URL))
    return bytesFrom(op, source as Bytes, 'source must be a path, an address, a Uint8Array or an ArrayBuffer');
  if (source === '' || String(source).includes('\0'))
    throw new ValueError(op, 'source must name a file', `source=${shown(source)}`);
  return undefined;
}

async function fetched(op: string, source: string | UrlLike): Promise<Uint8Array> {
  const rule = 'the address must answer with a file';
  const answer = await fetch(source as string).catch((error: Error) => {
    throw new DeviceError(op, rule, `${source}: ${error.message}`);
  });
  if (!answer.ok) throw new DeviceError(op, rule, `${source}: ${answer.status} ${answer.statusText}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** The result of a call of the file system. Its complaint that there is no file becomes ours. */
async function ofFile<T>(op: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'].includes(code ?? '')) throw error;
    throw new FormatError(op, missing, message);
  }
}

/**
 * The bytes of a file that a path, an address or bytes stand for. Text is a path in Node, unless it
 * begins with http: or https:. In a page it is an address.
 * @throws DeviceError for an address that does not answer with a file; FormatError for a path at
 * which there is none; ValueError for anything else
 */
export async function bytesAt(op: string, source: Source): Promise<Uint8Array> {
  const bytes = checkSource(op, source);
  if (bytes !== undefined) return bytes;
  const name = source as string | UrlLike;
  if (isAddress(name)) return fetched(op, name);
  const { readFile } = await load<typeof import('node:fs/promises')>('node:fs/promises');
  return ofFile(op, readFile(name as string));
}

/** A file whose parts can be read in any order. */
export interface ByteSource {
  /** Its length in bytes. */
  readonly size: number;
  /** Fills `target` with the bytes from `at` on. */
  readInto(target: Uint8Array, at: number): Promise<void>;
  close(): Promise<void>;
}

const inMemory = (bytes: Uint8Array): ByteSource => ({
  size: bytes.length,
  readInto: async (target, at) => target.set(bytes.subarray(at, at + target.length)),
  close: async () => {},
});

/** Node reads at most 2^31 − 1 bytes at once. */
const mostAtOnce = 2 ** 30;

/**
 * Opens a file for reading parts. Only a plain file at a path is read piece by piece. Others are
 * read as a whole: pipes have no positions.
 * @throws as bytesAt
 */
export async function openSource(op: string, source: Source): Promise<ByteSource> {
  const isName = checkSource(op, source) === undefined;
  if (!isName || isAddress(source as string)) return inMemory(await bytesAt(op, source));
  const { open } = await load<typeof import('node:fs/promises')>('node:fs/promises');
  const file = await ofFile(op, open(source as string));
  const status = await file.stat();
  if (!status.isFile()) {
    await file.close();
    return inMemory(await bytesAt(op, source));
  }
  return {
    size: status.size,
    async readInto(target, at) {
      for (let done = 0; done < target.length; ) {
        const length = Math.min(mostAtOnce, target.length - done);
        const { bytesRead } = await file.read(target, done, length, at + done);
        if (bytesRead === 0)
          throw new FormatError(op, 'a file must not become shorter while it is read', `${source}: ${at + done} bytes`);
        done += bytesRead;
      }
    },
    close: () => file.close(),
  };
}

/**
 * The file of another name in the folder of a path or address. The name may come from a file's
 * content, so it must be a plain name that leads nowhere else.
 * @throws FormatError for any other name
 */
export function besides(op: string, source: string | UrlLike, name: string): string | UrlLike {
  if (!/^[^/\\:\0]+$/.test(name) || /^\.+$/.test(name.trim()))
    throw new FormatError(op, 'a file may only name files of its own folder', JSON.stringify(name).slice(0, 80));
  if (source instanceof URL || isAddress(source)) {
    const here = (globalThis as { location?: { href: string } }).location?.href;
    return new URL(encodeURIComponent(name), new URL(String(source), here));
  }
  const folder = (source as string).replace(process.platform === 'win32' ? /[^/\\]*$/ : /[^/]*$/, '');
  return folder + name;
}
