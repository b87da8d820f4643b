/** Runs this folder's Python scripts, with a Python that has PyTorch. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPython } from '../../scripts/find-python.js';

const scripts = fileURLToPath(new URL('pytorch/', import.meta.url));

/**
 * Runs a script with a request on its standard input, and returns the folder that it wrote to. The
 * folder is deleted when this process ends.
 */
export function runPython(script: string, request: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'cedargrad-judges-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const { status, stderr } = spawnSync(findPython() as string, [join(scripts, script), folder], {
    input: JSON.stringify(request),
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`${script} failed:\n${stderr}`);
  return folder;
}
