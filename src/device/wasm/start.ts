/**
 * Starts a wasm device: checks the options, loads a build, creates the memory and starts the
 * threads.
 */
import { CedarError, DeviceError, ValueError } from '../../errors.js';
import { isNode } from '../../platform.js';
import { load } from './build.js';
import { createMemory } from './grant.js';
import { WasmDevice } from './index.js';
import { Memory } from './memory.js';
import type { Build, WasmOptions } from './options.js';
import type { Exports } from './queue.js';
import { cores, threadsMissing } from './threads.js';

const mostThreads = 64;

function checkThreads(threads: number, got: string): void {
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads))
    throw new ValueError('device', `threads must be whole and in [1, ${mostThreads}]`, got);
}

/**
 * The number of threads in CEDARGRAD_THREADS, if the platform has environment variables and this
 * one is set.
 */
function threadsAsked(): number | undefined {
  const text = typeof process === 'object' ? process.env?.CEDARGRAD_THREADS : undefined;
  if (text === undefined || text === '') return undefined;
  checkThreads(Number(text), `CEDARGRAD_THREADS='${text}'`);
  return Number(text);
}

/**
 * Starts a wasm device. Tests pass an allocator that puts guard bytes around every array. `note`
 * says why this device is used in place of a faster one.
 * @throws ValueError for a thread count out of range; DeviceError, with the engine's error as its
 * cause, if WebAssembly, its SIMD or the memory for it is missing or forbidden
 */
export async function createWasmDevice(
  { threads: asked = threadsAsked(), build, memory64 = false }: WasmOptions = {},
  Allocator = Memory,
  note: string | null = null,
): Promise<WasmDevice> {
  if (asked !== undefined) checkThreads(asked, `threads=${asked}`);
  if (build !== undefined && build !== 'simd' && build !== 'relaxed')
    throw new ValueError('device', "build must be 'simd' or 'relaxed'", `build=${build}`);
  const wanted = asked ?? Math.min(await cores(), mostThreads);
  const missing = wanted > 1 ? threadsMissing() : null;
  const notes = [note, missing].filter((reason) => reason !== null);
  try {
    return await open(missing === null ? wanted : 1, build, memory64, notes, Allocator);
  } catch (error) {
    if (error instanceof CedarError) throw error;
    let remedy = '';
    if (!isNode() && error instanceof WebAssembly.CompileError)
      remedy = "allow 'wasm-unsafe-eval' in the page's Content-Security-Policy, or ";
    // V8 reserves address space around a memory unless this is switched off.
    else if (isNode() && error instanceof RangeError)
      remedy = 'lift the limit on addresses (ulimit -v), start node with --disable-wasm-trap-handler, or ';
    const refused = new DeviceError(
      'device',
      'the wasm device must be able to start',
      String(error),
      `${remedy}use device('reference')`,
    );
    refused.cause = error;
    throw refused;
  }
}

async function open(
  threads: number,
  build: Build | undefined,
  memory64: boolean,
  notes: readonly string[],
  Allocator: typeof Memory,
): Promise<WasmDevice> {
  const shared = threads > 1;
  const { module, build: chosen } = await load(build, shared, memory64);
  const granted = createMemory(shared, memory64);
  const { memory, maximum, limited } = granted;
  const words = new Int32Array(memory.buffer);
  const instance = await WebAssembly.instantiate(module, {
    env: {
      memory,
      sleep: (at: number, value: number, ms: number) => void Atomics.wait(words, at, value, ms),
      abort: () => {
        throw new Error('abort');
      },
    },
  });
  const all = !limited ? notes : [...notes, `the system grants ${maximum / 2 ** 20} MiB of memory at most`];
  const note = all.length === 0 ? null : all.join('; ');
  const device = new WasmDevice(chosen, instance.exports as unknown as Exports, granted, threads, note, Allocator);
  const missing = await device.start(module);
  if (missing === null) return device;
  await device.close();
  return open(1, build, memory64, [...notes, missing], Allocator);
}
