/**
 * Compiles the kernels of the wasm device, which are AssemblyScript, in a copy of the repository.
 * Not here: when it is done, and the output's path (wasm.mjs).
 */
import asc from 'assemblyscript/asc';

const most = 80 * 1024;

/** The bytes of one build: 'simd' is the baseline, 'relaxed' has relaxed multiply-add. */
export async function compile(repository, name) {
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
    ['threads', 'simd', 'bulk-memory', 'nontrapping-f2i', ...(name === 'relaxed' ? ['relaxed-simd'] : [])].join(','),
  ];
  const { error, stderr } = await asc.main(options, {
    writeFile: (file, contents) => {
      if (file.endsWith('.wasm')) out.push(contents);
    },
  });
  if (error) {
    error.message += `\n${stderr}`;
    throw error;
  }
  const bytes = Buffer.from(out[0]);
  if (bytes.length > most) throw new Error(`${name}: ${bytes.length} bytes, more than ${most}`);
  return bytes;
}

/**
 * The position of the byte that says that the imported memory is shared. A build for one thread
 * differs in this byte only.
 */
function sharedFlag(bytes) {
  const name = Buffer.from('\x03env\x06memory\x02\x03', 'latin1');
  const at = bytes.indexOf(name);
  if (at < 0 || bytes.indexOf(name, at + 1) >= 0) throw new Error('the memory import was not found once');
  return at + name.length - 1;
}

/** The text of src/device/wasm/binary.ts. */
export function moduleOf(simd, relaxed) {
  const build = (bytes) => `{ sharedFlag: ${sharedFlag(bytes)}, base64: '${bytes.toString('base64')}' }`;
  return `// Made by scripts/wasm.mjs; not committed.
// The WebAssembly is base64 text, so that bundlers need no loader for it.
export const builds = {
  simd: ${build(simd)},
  relaxed: ${build(relaxed)},
} as const;
`;
}
