/**
 * Builds dist from src with the TypeScript compiler (tsconfig.build.json), and from dist the bundle
 * for pages without a bundler. Prints the sizes of both.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const repository = fileURLToPath(new URL('..', import.meta.url));
const dist = join(repository, 'dist');

rmSync(dist, { recursive: true, force: true });
const compiler = fileURLToPath(import.meta.resolve('typescript/bin/tsc'));
const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
  cwd: repository,
  stdio: 'inherit',
});
if (status !== 0) process.exit(1);
chmodSync(join(dist, 'cli/main.js'), 0o755);

const size = (directory, ending) => {
  const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith(ending));
  const bytes = files.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);
  return `${files.length} ${ending} files, ${(bytes / 1024).toFixed(0)} KiB`;
};
console.log(`dist: ${size(dist, '.js')}; ${size(dist, '.d.ts')}`);

// The bundle includes all dependencies. The devices and gpu.js are files of their own, which are
// loaded when they are needed. Identifiers are kept, because toString() and summary() of a model
// print the names of the user's own classes.
const browser = join(dist, 'browser');
await build({
  entryPoints: { cedargrad: join(dist, 'browser.js') },
  outdir: browser,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'browser',
  target: 'es2022',
  minifyWhitespace: true,
  minifySyntax: true,
  logLevel: 'warning',
});
console.log(`dist/browser: ${size(browser, '.js')}`);
