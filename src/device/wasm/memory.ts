/**
 * The allocator of a wasm device. Freed blocks are reused, and the memory grows when it is full.
 * Addresses are in bytes here, and in words elsewhere. Not here: the memory itself (grant.ts).
 */
import { DeviceError } from '../../errors.js';
import { bytesOf, type DType } from '../../values/dtype.js';
import { DeviceBuffer } from '../device.js';
import { type Grant, hasMemory64, pageBytes } from './grant.js';

/** The maximum size of a block in bytes. Kernels compute the offsets in a block in 32 bits. */
const mostBlockBytes = 2 ** 32;
/** A bool takes a whole word in device memory, so that masks and numbers have the same layout. */
export const wordBytes = 4;

/**
 * Free memory. Small blocks are kept by size, large ones by address, so that adjacent ones can be
 * merged. The device has one arena, and each recorded plan has another.
 */
export class Arena {
  readonly small = new Map<number, number[]>();
  /** Sorted by address. No two ranges are adjacent. */
  readonly large: { address: number; size: number }[] = [];
  /** Number of free bytes. */
  pooled = 0;
  /** The end of the highest block that was ever taken. */
  reached = 0;
  /** The arena that gets blocks freed after this arena was dissolved. */
  heir: Arena | null = null;
}

export class WasmBuffer extends DeviceBuffer {
  freed = false;
  /** Whether its memory was given back while recorded commands still use it. */
  reused = false;
  /**
   * The share of elements that are not zero, as an estimate (density.ts). A kernel may choose its
   * algorithm by it.
   */
  density = 1;
  /** Increases whenever its values are overwritten. */
  version = 0;
  /**
   * How many recordings had begun when a convolution first read the present values as its weight.
   * Null if none has read them.
   */
  readSince: number | null = null;
  /** Size of its block in bytes. */
  readonly block: number;
  /** The address of its block in words, as commands contain it. */
  readonly address: number;

  constructor(
    dtype: DType,
    size: number,
    /** The address of its block in bytes. */
    readonly start: number,
    readonly arena: Arena,
  ) {
    super(dtype, size);
    this.block = blockSize(deviceBytes(dtype, size));
    this.address = start / wordBytes;
  }

  /** Called when its values are overwritten. */
  overwritten(): void {
    this.version++;
    this.readSince = null;
  }
}

/**
 * Blocks up to `largestSmall` have one of a few sizes and are cut from chunks. Larger ones have the
 * size requested.
 */
const smallest = 64;
const largestSmall = 16384;
const chunkBytes = 262144;

/**
 * The size that a request is rounded up to: a power of two for small requests, else whole cache
 * lines.
 */
export function blockSize(bytes: number): number {
  if (bytes <= smallest) return smallest;
  return bytes <= largestSmall ? 2 ** Math.ceil(Math.log2(bytes)) : Math.ceil(bytes / smallest) * smallest;
}

export class Memory {
  readonly common = new Arena();
  /** The arena from which new blocks are taken. */
  arena = this.common;
  readonly memory: WebAssembly.Memory;
  readonly #grant: Grant;
  #end: number;
  #words = new Int32Array(0);

  constructor(grant: Grant, start: number) {
    this.memory = grant.memory;
    this.#grant = grant;
    this.#end = Math.ceil(start / 64) * 64;
  }

  /** The whole memory as 32-bit words. It is a new view after growth. */
  get words(): Int32Array {
    if (this.#words.buffer !== this.memory.buffer) this.#words = new Int32Array(this.memory.buffer);
    return this.#words;
  }

  /**
   * Takes a block of blockSize(bytes) bytes. It comes from the given arena, else from the device's
   * arena, else from memory that was never used.
   */
  take(bytes: number, arena = this.arena): number {
    const size = blockSize(bytes);
    if (size > mostBlockBytes)
      throw new DeviceError('wasm', 'an array must fit 4 GiB', `${bytes} bytes`, 'use smaller batches');
    const arenas = arena === this.common ? [arena] : [arena, this.common];
    for (const from of arenas) {
      const address = size > largestSmall ? fit(from, size) : from.small.get(size)?.pop();
      if (address === undefined) continue;
      from.pooled -= size;
      arena.reached = Math.max(arena.reached, address + size);
      return address;
    }
    if (size > largestSmall) {
      arena.reached = this.#end + size;
      return this.#grow(size);
    }
    const chunk = this.take(chunkBytes, arena);
    for (let at = chunk + chunkBytes - size; at > chunk; at -= size) this.give(at, size, arena);
    return chunk;
  }

  /**
   * Takes a block that no command of the arena's plan uses, before or after. It comes from the end
   * of the arena if that was never used. It is given to the device's arena.
   */
  takeUnused(bytes: number, arena: Arena): number {
    const size = blockSize(bytes);
    const last = arena.large.at(-1);
    const end = last === undefined ? 0 : last.address + last.size;
    if (last === undefined || size <= largestSmall || end - size <= Math.max(last.address, arena.reached))
      return this.take(bytes, this.common);
    last.size -= size;
    arena.pooled -= size;
    return end - size;
  }

  give(address: number, size: number, from: Arena): void {
    let arena = from;
    while (arena.heir !== null) arena = arena.heir;
    arena.pooled += size;
    if (size > largestSmall) {
      join(arena, address, size);
      return;
    }
    const list = arena.small.get(size);
    if (list === undefined) arena.small.set(size, [address]);
    else list.push(address);
  }

  /**
   * Creates an arena for a plan. It takes over all large free ranges, so that they can merge, and
   * keeps the part that the plan uses.
   */
  lend(): Arena {
    const arena = new Arena();
    arena.large.push(...this.common.large.splice(0));
    arena.pooled = arena.large.reduce((sum, { size }) => sum + size, 0);
    this.common.pooled -= arena.pooled;
    return arena;
  }

  /** Returns the ranges that a plan's arena never used. */
  settle(arena: Arena): void {
    for (const range of arena.large.splice(0)) {
      const kept = Math.min(range.size, Math.max(0, arena.reached - range.address));
      arena.pooled -= range.size - kept;
      if (kept < range.size) this.give(range.address + kept, range.size - kept, this.common);
      if (kept > 0) arena.large.push({ address: range.address, size: kept });
    }
  }

  /**
   * Dissolves an arena. Its free blocks go to the device's arena, and so do its other blocks when
   * they are freed.
   */
  dissolve(arena: Arena): void {
    arena.heir = this.common;
    for (const [size, list] of arena.small) for (const address of list) this.give(address, size, this.common);
    for (const { address, size } of arena.large) this.give(address, size, this.common);
    arena.small.clear();
    arena.large.length = 0;
    arena.pooled = 0;
  }

  #grow(size: number): number {
    const { maximum, memory64, grow } = this.#grant;
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
          'use smaller batches, release() what is kept, ' +
            'or await a read (item(), data()) so that dropped tensors are collected' +
            (!memory64 && hasMemory64() ? "; device('wasm', { memory64: true }) has 16 GiB" : ''),
        );
      const most = maximum / pageBytes;
      if (have + missing > most) throw refused(`, of ${maximum}`);
      // Grows by more than requested, because growing is slow. Untouched pages use no memory.
      const generous = Math.min(Math.max(missing, Math.ceil(have / 4)), most - have);
      try {
        grow(generous);
      } catch {
        try {
          grow(missing);
        } catch (error) {
          throw refused(`: ${error}`);
        }
      }
    }
    this.#end = end;
    return address;
  }
}

/**
 * Cuts a block from the front of the first free range that is large enough. Returns its address, or
 * undefined if there is no such range.
 */
function fit({ large }: Arena, size: number): number | undefined {
  const at = large.findIndex((range) => range.size >= size);
  if (at < 0) return undefined;
  const range = large[at];
  const { address } = range;
  if (range.size === size) large.splice(at, 1);
  else {
    range.address += size;
    range.size -= size;
  }
  return address;
}

/** Frees a range and merges it with adjacent free ranges. */
function join({ large }: Arena, address: number, size: number): void {
  let low = 0;
  for (let high = large.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (large[middle].address < address) low = middle + 1;
    else high = middle;
  }
  const before = large[low - 1];
  const after = large[low];
  const joinsBefore = before !== undefined && before.address + before.size === address;
  const joinsAfter = after !== undefined && address + size === after.address;
  if (joinsBefore) {
    before.size += size + (joinsAfter ? after.size : 0);
    if (joinsAfter) large.splice(low, 1);
  } else if (joinsAfter) {
    after.address = address;
    after.size += size;
  } else large.splice(low, 0, { address, size });
}

export const deviceBytes = (dtype: DType, size: number): number =>
  size * (dtype === 'bool' ? wordBytes : bytesOf[dtype]);
