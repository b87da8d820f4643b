/**
 * Writing files so that no reader ever sees half of one. For Node; importing it is safe anywhere,
 * because Node's modules are loaded only when a file is written.
 */
import { shown } from '../arguments.js';
import { DeviceError, ValueError } from '../errors.js';
import { isNode, load } from '../platform.js';
import { type Bytes, bytesFrom } from './bytes.js';

type Fs = typeof import('node:fs/promises');
type Path = typeof import('node:path');
type SystemError = NodeJS.ErrnoException;

const op = 'writeFileAtomic';

/** The result of a file system call, or null if the file does not exist. */
const ifThere = <T>(answer: Promise<T>): Promise<T | null> =>
  answer.catch((error: SystemError) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });

/**
 * Makes a directory and those above it. Node's recursive mkdir never returns where the system keeps
 * answering "no such file", as in /proc.
 */
async function makeDirectory(directory: string, fs: Fs, { dirname }: Path): Promise<void> {
  const missing: string[] = [];
  for (let at = directory; (await ifThere(fs.stat(at))) === null && dirname(at) !== at; at = dirname(at))
    missing.unshift(at);
  for (const at of missing)
    await fs.mkdir(at).catch((error: SystemError) => {
      if (error.code !== 'EEXIST') throw error;
    });
}

/** The file that a path leads to through symbolic links, whether it exists or not. */
async function targetOf(path: string, fs: Fs, names: Path): Promise<string> {
  const existing = await ifThere(fs.realpath(path));
  if (existing !== null) return existing;
  const directory = names.dirname(path);
  await makeDirectory(directory, fs, names);
  const plain = names.join(await fs.realpath(directory), names.basename(path));
  const isLink = (await ifThere(fs.lstat(plain)))?.isSymbolicLink() === true;
  return isLink ? targetOf(names.resolve(names.dirname(plain), await fs.readlink(plain)), fs, names) : plain;
}

/**
 * A name beside the target that no other thread, process or machine uses. It contains only a few
 * letters of the target's name, because the length of names is limited.
 */
const temporaryFor = (target: string, { basename, dirname, join }: Path): string =>
  join(dirname(target), `.${[...basename(target)].slice(0, 16).join('')}.${crypto.randomUUID()}.tmp`);

async function write(path: string, bytes: Uint8Array | string): Promise<void> {
  const fs = await load<Fs>('node:fs/promises');
  const names = await load<Path>('node:path');
  const target = await targetOf(path, fs, names);
  const old = await ifThere(fs.stat(target));
  if (old !== null && !old.isFile())
    throw new ValueError(
      op,
      'path must name a plain file, or none that exists',
      `path='${path}', ${old.isDirectory() ? 'a directory' : 'a device, pipe or socket'}`,
      'only a plain file can be replaced as a whole',
    );
  const temporary = temporaryFor(target, names);
  // 'wx' fails where the name exists, and does not follow a link that somebody put there.
  const file = await fs.open(temporary, 'wx', old === null ? 0o666 : old.mode & 0o600);
  try {
    try {
      await file.writeFile(bytes);
      if (old !== null) {
        // Only the superuser may change a file's owner. For others the writer owns the new file.
        await file.chown(old.uid, old.gid).catch(() => {});
        await file.chmod(old.mode & 0o7777);
      }
      // Without this, a power failure could keep the rename and lose the bytes.
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
}

/** Refuses what cannot be the path of a file. @throws DeviceError outside Node */
export function checkPath(op: string, path: unknown): void {
  if (!isNode()) throw new DeviceError(op, 'files need Node', `path=${shown(path)}`);
  const isFolder = typeof path === 'string' && (process.platform === 'win32' ? /[/\\]$/ : /\/$/).test(path);
  if (typeof path !== 'string' || path === '' || path.includes('\0') || isFolder)
    throw new ValueError(op, 'path must name a file', `path=${shown(path)}`);
}

/**
 * Writes a file atomically: the path has either the old bytes or the new ones, even after a crash,
 * and when several threads and processes write it at once. The bytes go to a temporary file in the
 * same directory, which is then renamed. Missing directories are created.
 * A symbolic link stays, and the file that it leads to is replaced. The new file has the mode of
 * the old one and, where the system allows it, the owner. Other hard links keep the old bytes. A
 * process that is killed while it writes leaves its temporary file, `.NAME.UUID.tmp`, which may be
 * deleted.
 * @throws DeviceError outside Node; ValueError if the path does not name a plain file, or the
 * content is neither bytes nor text; else the system's error with its `code`, naming `path`. After
 * an error no temporary file is left.
 */
export async function writeFileAtomic(path: string, bytes: Bytes | string): Promise<void> {
  checkPath(op, path);
  const content =
    typeof bytes === 'string' ? bytes : bytesFrom(op, bytes, 'bytes must be text, a Uint8Array or an ArrayBuffer');
  try {
    await write(path, content);
  } catch (error) {
    const { code, errno, syscall, message } = error as SystemError;
    if (syscall === undefined) throw error;
    // Omits the names of temporary files, which mean nothing to the caller.
    const [reason] = message.split(',');
    throw Object.assign(new Error(`${reason}, ${op} '${path}'`, { cause: error }), { code, errno, syscall, path });
  }
}
