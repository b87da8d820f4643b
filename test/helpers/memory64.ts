/**
 * Wasm devices whose memory has 64-bit addresses and whose arrays lie high up in it. What lies
 * below is never touched, so it takes no memory.
 */
import { totalmem } from 'node:os';
import { hasMemory64 } from '../../src/device/wasm/grant.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import { Memory } from '../../src/device/wasm/memory.js';
import { createWasmDevice } from '../../src/device/wasm/start.js';

const gibibyte = 2 ** 30;
/** Just before the first address that 32 bits do not reach. */
export const acrossEnd = 4 * gibibyte - 65536;
/** Just before the first address whose number of words is negative as a signed integer. */
export const acrossSign = 8 * gibibyte - 65536;

/**
 * Why no device can have arrays at an address, or null. Linux refuses a process more memory than
 * there is, even if it is not touched.
 */
export function outOfReach(address: number): string | null {
  if (!hasMemory64()) return 'this engine lacks memory64, which Node 24 has';
  const needed = address + 2 * gibibyte;
  return totalmem() > needed ? null : `this machine has less than ${Math.ceil(needed / gibibyte)} GiB`;
}

/** A wasm device none of whose arrays begins before the address `from`. */
export function wasmFrom(from: number, threads: number): Promise<WasmDevice> {
  class High extends Memory {
    constructor(...[grant, start]: ConstructorParameters<typeof Memory>) {
      super(grant, Math.max(start, from));
    }
  }
  return createWasmDevice({ threads, memory64: true }, High);
}
