/** Files that are whole or absent. Node only: its modules are loaded when called, so that a browser can load the rest of io. */

/** Writes beside the target and renames, so that no reader ever sees half a file; makes the directory. */
export async function writeFileAtomic(path: string, bytes: Uint8Array | string): Promise<void> {
  const { mkdir, rename, rm, writeFile } = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  await mkdir(dirname(path), { recursive: true });
  const part = `${path}.${process.pid}.part`;
  try {
    await writeFile(part, bytes);
    await rename(part, path);
  } catch (error) {
    await rm(part, { force: true });
    throw error;
  }
}
