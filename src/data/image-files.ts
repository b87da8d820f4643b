/**
 * The files of a data set of images: found in a folder, or given as paths, File objects and URLs.
 * Not here: decoding (decode.ts), items (image-folder.ts).
 */
import { shown } from '../arguments.js';
import { DeviceError, FormatError, ValueError } from '../errors.js';
import { type BlobLike, isNode, load, type UrlLike } from '../platform.js';

type Fs = typeof import('node:fs/promises');
type Path = typeof import('node:path');

/** A folder's path or file URL, or a list of files. */
export type ImageSource = string | UrlLike | readonly (string | UrlLike | BlobLike)[] | ArrayLike<BlobLike>;

/** One file. */
export interface ImageFile {
  /** Its path from the folder, with slashes; for a list, its name or address. */
  readonly name: string;
  /** A path or URL, which worker threads can open too, or the bytes themselves. */
  readonly from: string | BlobLike;
}

/** Endings that are read by default. */
export const endings = (): readonly string[] =>
  isNode() ? ['png', 'jpg', 'jpeg'] : ['png', 'jpg', 'jpeg', 'webp', 'gif', 'bmp', 'avif'];

const isUrl = (text: string): boolean => /^(https?|data|blob|file):/i.test(text);

/** The folder part of a name, without the last slash, and a name without its ending. */
export const folderOf = (name: string): string => name.slice(0, Math.max(name.lastIndexOf('/'), 0));
export const withoutEnding = (name: string): string => name.replace(/\.[^./]*$/, '');
const endingOf = (name: string): string => /\.([^./]*)$/.exec(name)?.[1]?.toLowerCase() ?? '';

/** Compares by code units, so that the order is the same on every machine. */
export const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : 0;

const hasEnding = (name: string, wanted: readonly string[]): boolean => wanted.includes(endingOf(name));
const isHidden = (name: string): boolean => /(^|\/)\.[^/]*$/.test(name);

/** All files below a folder. Hidden ones are left out, and links are followed. */
async function filesBelow(folder: string): Promise<ImageFile[]> {
  const fs = await load<Fs>('node:fs/promises');
  const { join } = await load<Path>('node:path');
  const files: ImageFile[] = [];
  const walk = async (directory: string, prefix: string, above: readonly string[]): Promise<void> => {
    // A link may lead to a folder above it.
    const real = await fs.realpath(directory);
    if (above.includes(real)) return;
    for (const entry of await fs.readdir(directory, { withFileTypes: true })) {
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      const kind = entry.isSymbolicLink() ? await fs.stat(path).catch(() => null) : entry;
      if (kind?.isDirectory()) await walk(path, `${prefix}${entry.name}/`, [...above, real]);
      else if (kind?.isFile()) files.push({ name: prefix + entry.name, from: path });
    }
  };
  await walk(folder, '', []);
  return files;
}

/** What a folder holds that is no image, for messages. */
function otherKinds(files: readonly ImageFile[]): string {
  if (files.length === 0) return 'no file';
  const kinds = [...new Set(files.map(({ name }) => `.${endingOf(name)}`))].sort().slice(0, 5);
  return `${files.length} ${files.length === 1 ? 'file' : 'files'} of other kinds (${kinds.join(', ')})`;
}

async function filesInFolder(
  op: string,
  option: string,
  source: string | UrlLike,
  wanted: readonly string[],
): Promise<ImageFile[]> {
  const shownPath = source instanceof URL ? `'${source.href}'` : shown(source);
  if (!isNode())
    throw new DeviceError(op, 'a folder needs Node', `${option}=${shownPath}`, 'pass a list of File objects or URLs');
  const isFile = source instanceof URL ? source.protocol === 'file:' : !/^(https?|data|blob):/i.test(source);
  if (!isFile || source === '' || String(source).includes('\0'))
    throw new ValueError(
      op,
      `${option} must be a folder, or a list of files`,
      `${option}=${shownPath}`,
      isFile ? '' : 'put the addresses of images in a list',
    );
  const { fileURLToPath } = await load<typeof import('node:url')>('node:url');
  const { resolve } = await load<Path>('node:path');
  const folder = resolve(source instanceof URL || source.startsWith('file:') ? fileURLToPath(source) : source);
  const fs = await load<Fs>('node:fs/promises');
  const found = await fs.stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw error;
  });
  if (found === null) throw new ValueError(op, `the folder ${option} must exist`, shownPath, `looked in ${folder}`);
  if (!found.isDirectory())
    throw new ValueError(op, `${option} must be a folder`, `${shownPath}, a file`, 'put single files in a list');
  const all = await filesBelow(folder);
  const files = all.filter(({ name }) => hasEnding(name, wanted));
  if (files.length === 0)
    throw new ValueError(
      op,
      `the folder ${option} must hold an image (${wanted.join(', ')})`,
      `${shownPath} with ${otherKinds(all)}`,
    );
  return files.sort(byName);
}

/** The name of one file of a list. A file chosen with its folder has its path from that folder. */
function nameOf(file: string | URL | Blob): string {
  const text = file instanceof URL ? file.href : file;
  // The text of a data URL is the file itself.
  if (typeof text === 'string')
    return /^(data|blob):/i.test(text) ? '' : isUrl(text) ? text : text.replaceAll('\\', '/');
  const { webkitRelativePath, name } = text as Partial<File>;
  return webkitRelativePath ? webkitRelativePath.replace(/^[^/]*\//, '') : (name ?? '');
}

/** An address with its escapes resolved, if they are sound. */
function decoded(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

/** The paths of addresses and paths in a list, from the folder that they have in common. */
function relativeNames(names: readonly string[]): string[] {
  const paths = names.map((name) => (/^(https?|file):/i.test(name) ? decoded(name.replace(/[?#].*$/, '')) : name));
  let common = folderOf(paths[0] ?? '');
  for (const path of paths) while (common !== '' && !path.startsWith(`${common}/`)) common = folderOf(common);
  return common === '' ? paths : paths.map((path) => path.slice(common.length + 1));
}

async function filesInList(
  op: string,
  option: string,
  list: readonly (string | UrlLike | BlobLike)[],
  wanted: readonly string[],
): Promise<ImageFile[]> {
  const wrong = Array.from(list).findIndex(
    (file) => !((typeof file === 'string' && file !== '') || file instanceof URL || file instanceof Blob),
  );
  if (wrong >= 0)
    throw new ValueError(
      op,
      `${option} must list paths, URLs or File objects`,
      `${option}[${wrong}]=${shown(list[wrong])}`,
    );
  const isText = list.some((file) => !(file instanceof Blob));
  const plain = Array.from(list, nameOf);
  const names = isText ? relativeNames(plain) : plain;
  const resolve = isNode() ? (await load<Path>('node:path')).resolve : (path: string) => path;
  const files = Array.from(list, (file, i): ImageFile => {
    const name = names[i] || plain[i] || `file ${i}`;
    if (file instanceof Blob) return { name, from: file };
    const text = String(file);
    return { name, from: isUrl(text) ? text : resolve(text) };
  });
  // A folder that was chosen in a page comes with all its files. An address needs no ending.
  const images = files.filter(
    ({ name, from }) =>
      typeof from === 'string' || endingOf(name) === '' || (hasEnding(name, wanted) && !isHidden(name)),
  );
  if (images.length === 0)
    throw new ValueError(
      op,
      `${option} must list an image (${wanted.join(', ')})`,
      files.length === 0 ? 'an empty list' : otherKinds(files),
    );
  return images.sort(byName);
}

/** The image files of a source, sorted by name. `option` is its name in messages. */
export async function imageFiles(
  op: string,
  option: string,
  source: ImageSource,
  wanted: readonly string[],
): Promise<ImageFile[]> {
  if (typeof source === 'string' || source instanceof URL) return filesInFolder(op, option, source, wanted);
  if (Array.isArray(source)) return filesInList(op, option, source, wanted);
  if (Object.prototype.toString.call(source) === '[object FileList]')
    return filesInList(op, option, Array.from(source as ArrayLike<File>), wanted);
  throw new ValueError(op, `${option} must be a folder, or a list of files`, `${option}=${shown(source)}`);
}

/** The bytes of a file. @throws the system's error, or FormatError for an answer that is no file */
export async function readBytes({ from }: ImageFile): Promise<Uint8Array> {
  if (typeof from !== 'string') return new Uint8Array(await from.arrayBuffer());
  if (isNode() && (!isUrl(from) || from.startsWith('file:'))) {
    const { readFile } = await load<Fs>('node:fs/promises');
    return readFile(from.startsWith('file:') ? new URL(from) : from);
  }
  const response = await fetch(from);
  if (!response.ok)
    throw new FormatError('fetch', 'an address must answer with a file', `status ${response.status} for ${from}`);
  return new Uint8Array(await response.arrayBuffer());
}
