/**
 * Writing files so that no reader ever sees half of one. For Node; importing it is safe anywhere, because Node's modules are
 * loaded only when a file is written.
 */
import { DeviceError } from '../errors.js';

let written = 0;

/** Bundlers for browsers must not follow these imports, so the names are not literals. */
const load = async <M>(name: string): Promise<M> =>
  (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as M;

/**
 * Writes a file under a temporary name in the same directory and renames it into place, making the directory if need be:
 * the path holds the old bytes or the new ones, also after a crash.
 * @throws DeviceError outside Node; the system's own error when the disk refuses, and nothing is left behind then
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  if (typeof process === 'undefined' || process.versions?.node === undefined)
    throw new DeviceError('writeFileAtomic', 'files need Node', `path=${path}`);
  const fs = await load<typeof import('node:fs/promises')>('node:fs/promises');
  const { basename, dirname, join } = await load<typeof import('node:path')>('node:path');
  const directory = dirname(path);
  await fs.mkdir(directory, { recursive: true });
  const temporary = join(directory, `.${basename(path)}.${process.pid}.${written++}.tmp`);
  try {
    const file = await fs.open(temporary, 'w');
    try {
      await file.writeFile(bytes);
      // Without this a power cut may keep the rename and lose the bytes.
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}
