/**
 * Compiles the kernels of the wasm device (src/device/wasm/assembly, AssemblyScript) into
 * src/device/wasm/binary.ts and, for memory with 64-bit addresses, binary64.ts. Both are not
 * committed. Each has a baseline SIMD build and one with relaxed multiply-add. Does nothing if the
 * sources have not changed.
 * usage: npm run wasm
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const repository = fileURLToPath(new URL('..', import.meta.url));
const folder = join(repository, 'src/device/wasm');

/** The first line of a module that was compiled from the present sources. */
function stampOf() {
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
  return `// ${hash.digest('hex')}`;
}

/** Writes one of the two modules. */
async function make({ memory64, target, stamp }) {
  // The compiler is loaded only where it is needed.
  const { compile, moduleOf } = await import('./kernels.mjs');
  const simd = await compile(repository, 'simd', memory64);
  const relaxed = await compile(repository, 'relaxed', memory64);
  const part = `${target}.${process.pid}.part`;
  writeFileSync(part, `${stamp}\n${moduleOf(simd, relaxed)}`);
  renameSync(part, target);
  const kilobytes = ({ length }) => `${(length / 1024).toFixed(1)} kB`;
  console.log(
    `wasm kernels${memory64 ? ', 64-bit memory' : ''}: simd ${kilobytes(simd)}, relaxed ${kilobytes(relaxed)}`,
  );
}

if (!isMainThread) await make(workerData);
else {
  const stamp = stampOf();
  // The two modules are compiled side by side.
  for (const [name, memory64] of [
    ['binary.ts', false],
    ['binary64.ts', true],
  ]) {
    const target = join(folder, name);
    if (existsSync(target) && readFileSync(target, 'utf8').startsWith(stamp)) continue;
    new Worker(fileURLToPath(import.meta.url), { workerData: { memory64, target, stamp } });
  }
}
