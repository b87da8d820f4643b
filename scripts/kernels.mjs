/**
 * Compiles the kernels of the wasm device, which are AssemblyScript, in a copy of the repository.
 * Not here: when it is done, and the output's path (wasm.mjs).
 */
import asc from 'assemblyscript/asc';

const most = 80 * 1024;

/**
 * Makes AssemblyScript compile for memory with 64-bit addresses. The compiler has this target, but
 * its command line has no option for it, and it declares the memory with 32-bit addresses.
 */
class Target64 {
  constructor() {
    const { program, binaryen } = this;
    const { options, module } = program;
    options.target = 2;
    module.sizeType = options.sizeTypeRef;
    const emitted = binaryen.wrapModule(module.ref);
    module.setMemory = (initial, maximum, segments, _target, exportName, name, shared) => {
      const data = segments.map(({ buffer, offset }) => ({
        data: buffer,
        offset: emitted.i64.const(BigInt(offset.toString())),
      }));
      emitted.setMemory(initial, maximum, exportName, data, shared, true, name);
    };
  }
}

/**
 * The bytes of one build: 'simd' is the baseline, 'relaxed' has relaxed multiply-add. With
 * `memory64`, addresses have 64 bits.
 */
export async function compile(repository, name, memory64 = false) {
  const out = [];
  const options = [
    'src/device/wasm/assembly/index.ts',
    '--baseDir',
    repository,
    '--outFile',
    `${name}.wasm`,
    '--runtime',
    'stub',
    '-O2',
    '--noAssert',
    '--importMemory',
    '--sharedMemory',
    '--initialMemory',
    '16',
    '--maximumMemory',
    memory64 ? '262144' : '65536',
    '--memoryBase',
    '4096',
    '--enable',
    [
      'threads',
      'simd',
      'bulk-memory',
      'nontrapping-f2i',
      ...(name === 'relaxed' ? ['relaxed-simd'] : []),
      ...(memory64 ? ['memory64'] : []),
    ].join(','),
  ];
  const { error, stderr } = await asc.main(options, {
    transforms: memory64 ? [Target64] : [],
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
 * The position of the byte whose bits say that the imported memory is shared (2), and whether its
 * addresses have 64 bits (4). A build for one thread differs in this byte only.
 */
function memoryFlags(bytes) {
  const name = Buffer.from('\x03env\x06memory\x02', 'latin1');
  const at = bytes.indexOf(name);
  if (at < 0 || bytes.indexOf(name, at + 1) >= 0) throw new Error('the memory import was not found once');
  return at + name.length;
}

/** The text of a module with two builds, src/device/wasm/binary.ts or binary64.ts. */
export function moduleOf(simd, relaxed) {
  const build = (bytes) => `{ memoryFlags: ${memoryFlags(bytes)}, base64: '${bytes.toString('base64')}' }`;
  return `// Made by scripts/wasm.mjs; not committed.
// The WebAssembly is base64 text, so that bundlers need no loader for it.
export const builds = {
  simd: ${build(simd)},
  relaxed: ${build(relaxed)},
} as const;
`;
}
