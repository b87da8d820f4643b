/** The one memory of a wasm device, and its allocator: size classes, freed blocks reused, growth up to the 4 GiB that 32-bit addresses reach. */
import { DeviceError } from '../../errors.js';
import { bytesOf, type DType } from '../../tensor/dtype.js';
import { DeviceBuffer } from '../device.js';

const pageBytes = 65536;
const mostPages = 65536;
/** Bool takes a whole word in device memory, so that masks and numbers line up. */
const wordBytes = 4;

/** Where blocks come from: the device's own, or that of one recorded plan. */
export class Arena {
  readonly free = new Map<number, number[]>();
  pooled = 0;
  /** Every block a plan's arena took, with its size: what disposing gives back. */
  readonly blocks: (readonly [address: number, bytes: number])[] = [];
}

export class WasmBuffer extends DeviceBuffer {
  freed = false;
  /** Mostly zeros, as far as is known: kernels may choose by it how they compute, never what. */
  sparse = false;
  /** Size of its block. */
  readonly block: number;

  constructor(
    dtype: DType,
    size: number,
    readonly address: number,
    readonly arena: Arena,
  ) {
    super(dtype, size);
    this.block = blockSize(deviceBytes(dtype, size));
  }
}

/** Rounds up to one of eight sizes between powers of two, 64 bytes at least: little is lost, and freed blocks fit again. */
export function blockSize(bytes: number): number {
  if (bytes <= 64) return 64;
  const step = Math.max(64, 2 ** (Math.floor(Math.log2(bytes - 1)) - 2));
  return Math.ceil(bytes / step) * step;
}

export class Memory {
  readonly common = new Arena();
  /** Where new blocks are taken. */
  arena = this.common;
  #end: number;
  #bytes = new Uint8Array(0);
  #words = new Int32Array(0);

  constructor(
    readonly memory: WebAssembly.Memory,
    start: number,
  ) {
    this.#end = Math.ceil(start / 64) * 64;
  }

  /** The whole memory as bytes; a new view after growth. */
  get bytes(): Uint8Array {
    if (this.#bytes.buffer !== this.memory.buffer || this.#bytes.length === 0) this.#bytes = new Uint8Array(this.memory.buffer);
    return this.#bytes;
  }
  /** The whole memory as 32-bit words. */
  get words(): Int32Array {
    if (this.#words.buffer !== this.memory.buffer || this.#words.length === 0) this.#words = new Int32Array(this.memory.buffer);
    return this.#words;
  }

  /** Takes a block of at least `bytes`; its size is blockSize(bytes). */
  take(bytes: number, arena = this.arena): number {
    const size = blockSize(bytes);
    const own = arena.free.get(size)?.pop();
    if (own !== undefined) {
      arena.pooled -= size;
      return own;
    }
    const spare = arena === this.common ? undefined : this.common.free.get(size)?.pop();
    if (spare !== undefined) {
      this.common.pooled -= size;
      arena.blocks.push([spare, size]);
      return spare;
    }
    const grown = this.#grow(size);
    if (arena !== this.common) arena.blocks.push([grown, size]);
    return grown;
  }

  give(address: number, size: number, arena: Arena): void {
    const list = arena.free.get(size);
    if (list === undefined) arena.free.set(size, [address]);
    else list.push(address);
    arena.pooled += size;
  }

  /** Hands a plan's blocks back to the device. */
  dissolve(arena: Arena): void {
    for (const [address, size] of arena.blocks) this.give(address, size, this.common);
    arena.blocks.length = 0;
    arena.free.clear();
    arena.pooled = 0;
  }

  #grow(size: number): number {
    const address = this.#end;
    const end = address + size;
    const missing = Math.ceil((end - this.memory.buffer.byteLength) / pageBytes);
    if (missing > 0) {
      const have = this.memory.buffer.byteLength / pageBytes;
      const refused = (why: string) =>
        new DeviceError(
          'wasm',
          'memory must fit',
          `${size} more bytes, ${address} in use or pooled${why}`,
          'use smaller batches, release tensors that are kept, or train on another device',
        );
      if (have + missing > mostPages) throw refused(`, of ${mostPages * pageBytes}`);
      // Some more than asked for, because growing is slow; what is not touched costs nothing.
      const generous = Math.min(Math.max(missing, Math.ceil(have / 4)), mostPages - have);
      try {
        this.memory.grow(generous);
      } catch {
        try {
          this.memory.grow(missing);
        } catch (error) {
          throw refused(`: ${error}`);
        }
      }
    }
    this.#end = end;
    return address;
  }
}

export const deviceBytes = (dtype: DType, size: number): number => size * (dtype === 'bool' ? wordBytes : bytesOf[dtype]);
