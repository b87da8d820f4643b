/** Builds dist from src with the TypeScript compiler (tsconfig.build.json) and prints its size. */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const dist = join(repository, 'dist');

rmSync(dist, { recursive: true, force: true });
const compiler = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: repository, stdio: 'inherit' });
if (status !== 0) process.exit(1);

const files = readdirSync(dist, { recursive: true, encoding: 'utf8' });
const size = (ending) => {
  const chosen = files.filter((file) => file.endsWith(ending));
  const bytes = chosen.reduce((sum, file) => sum + statSync(join(dist, file)).size, 0);
  return `${chosen.length} ${ending} files, ${(bytes / 1024).toFixed(0)} KiB`;
};
console.log(`dist: ${size('.js')}; ${size('.d.ts')}`);
