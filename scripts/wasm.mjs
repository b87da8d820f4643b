/**
 * Compiles the kernels of the wasm device (src/device/wasm/assembly, AssemblyScript) into
 * src/device/wasm/binary.ts, which is not committed. There is a baseline SIMD build and one with
 * relaxed multiply-add. Does nothing if the sources have not changed.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = fileURLToPath(new URL('..', import.meta.url));
const folder = join(repository, 'src/device/wasm');
const target = join(folder, 'binary.ts');

const filesOf = (name) =>
  readdirSync(join(folder, name))
    .sort()
    .map((file) => join(folder, name, file));
const sources = [
  ...filesOf('protocol'),
  ...filesOf('assembly'),
  fileURLToPath(import.meta.url),
  fileURLToPath(new URL('kernels.mjs', import.meta.url)),
];
const hash = createHash('sha256');
for (const file of sources)
  hash.update(file.slice(repository.length)).update('\0').update(readFileSync(file)).update('\0');
const stamp = `// ${hash.digest('hex')}`;
if (existsSync(target) && readFileSync(target, 'utf8').startsWith(stamp)) process.exit(0);

// The compiler is loaded only where it is needed.
const { compile, moduleOf } = await import('./kernels.mjs');
const simd = await compile(repository, 'simd');
const relaxed = await compile(repository, 'relaxed');
const part = `${target}.${process.pid}.part`;
writeFileSync(part, `${stamp}\n${moduleOf(simd, relaxed)}`);
renameSync(part, target);
console.log(
  `wasm kernels: simd ${(simd.length / 1024).toFixed(1)} kB, relaxed ${(relaxed.length / 1024).toFixed(1)} kB`,
);
