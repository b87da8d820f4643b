/**
 * Compiles the kernels of the wasm device (src/device/wasm/assembly, AssemblyScript) into src/device/wasm/binary.ts, which is not committed:
 * a baseline SIMD build and one with relaxed multiply-add. Does nothing when the sources have not changed since.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const most = 64 * 1024;
const repository = fileURLToPath(new URL('..', import.meta.url));
const folder = join(repository, 'src/device/wasm');
const target = join(folder, 'binary.ts');

const sources = [
  join(folder, 'opcodes.ts'),
  ...readdirSync(join(folder, 'assembly'))
    .sort()
    .map((file) => join(folder, 'assembly', file)),
  fileURLToPath(import.meta.url),
];
const hash = createHash('sha256');
for (const file of sources)
  hash.update(file.slice(repository.length)).update('\0').update(readFileSync(file)).update('\0');
const stamp = `// ${hash.digest('hex')}`;
if (existsSync(target) && readFileSync(target, 'utf8').startsWith(stamp)) process.exit(0);

const asc = await import('assemblyscript/asc');

async function compile(name, relaxed) {
  const out = [];
  const options = [
    'src/device/wasm/assembly/index.ts',
    '--baseDir',
    repository,
    '--outFile',
    `${name}.wasm`,
    '--runtime',
    'stub',
    '-O3',
    '--noAssert',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '16',
    '--maximumMemory',
    '65536',
    '--memoryBase',
    '4096',
    '--enable',
    ['threads', 'simd', 'bulk-memory', 'nontrapping-f2i', ...(relaxed ? ['relaxed-simd'] : [])].join(','),
  ];
  const { error, stderr } = await asc.main(options, {
    writeFile: (file, contents) => {
      if (file.endsWith('.wasm')) out.push(contents);
    },
  });
  if (error) {
    console.error(stderr.toString());
    throw error;
  }
  const bytes = Buffer.from(out[0]);
  if (bytes.length > most) throw new Error(`${name}: ${bytes.length} bytes, more than ${most}`);
  return bytes;
}

/** Where the limits of the imported memory say "shared": the one byte in which a build for one thread differs. */
function sharedFlag(bytes) {
  const name = Buffer.from('\x03env\x06memory\x02\x03', 'latin1');
  const at = bytes.indexOf(name);
  if (at < 0 || bytes.indexOf(name, at + 1) >= 0) throw new Error('the memory import was not found once');
  return at + name.length - 1;
}

const simd = await compile('simd', false);
const relaxed = await compile('relaxed', true);
const part = `${target}.${process.pid}.part`;
writeFileSync(
  part,
  `${stamp}
// Made by scripts/wasm.mjs; not committed. WebAssembly in base64, so that bundlers carry it like any module.
export const builds = {
  simd: { sharedFlag: ${sharedFlag(simd)}, base64: '${simd.toString('base64')}' },
  relaxed: { sharedFlag: ${sharedFlag(relaxed)}, base64: '${relaxed.toString('base64')}' },
} as const;
`,
);
renameSync(part, target);
console.log(
  `wasm kernels: simd ${(simd.length / 1024).toFixed(1)} kB, relaxed ${(relaxed.length / 1024).toFixed(1)} kB`,
);
