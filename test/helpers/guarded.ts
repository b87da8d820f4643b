/**
 * Devices that detect when a kernel reads or writes outside of its arrays. Not here: any check of
 * results (conformance.ts).
 *
 * On wasm every array and temporary is between guard bytes. The guards, the array itself and the
 * unused rest of its block are filled with one word at first. A write outside changes a guard,
 * which the next flush detects. A read outside gives other results with another filling, so the
 * same work must be done with two fillings. On reference an index outside throws.
 */
import type { DeviceBuffer, KernelAttrs, KernelName, Operand, Spec } from '../../src/device/device.js';
import { type ReferenceBuffer, ReferenceDevice } from '../../src/device/reference/index.js';
import type { Grant } from '../../src/device/wasm/grant.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import { type Arena, blockSize, Memory } from '../../src/device/wasm/memory.js';
import type { WasmOptions } from '../../src/device/wasm/options.js';
import { createWasmDevice } from '../../src/device/wasm/start.js';
import { allocate, type DType, type TypedArray } from '../../src/values/dtype.js';
import type { HostData } from '../../src/values/host-data.js';
import { sizeOf } from '../../src/values/shape.js';

/** One word is NaN as a float32, and as an index it is far outside of any array. The other is 0. */
export const fillings = { nan: 0x7fc5a5a5, zero: 0 } as const;

/**
 * The size of a guard on either side: more than a row of a small image, and a multiple of cache
 * lines, so that the alignment of arrays does not change.
 */
const guardBytes = 4096;

interface Block {
  /** Of the array, between the guards. */
  readonly address: number;
  readonly bytes: number;
  /** What the allocator gave for all of it. */
  readonly start: number;
  readonly size: number;
  freedInto: Arena | null;
}

class GuardedMemory extends Memory {
  readonly #blocks = new Map<number, Block>();
  readonly #freed = new Set<Block>();
  /** The allocator takes and gives for itself too. */
  #inside = false;

  constructor(
    grant: Grant,
    start: number,
    readonly filling: number,
  ) {
    super(grant, start);
  }

  override take(bytes: number, arena = this.arena): number {
    if (this.#inside) return super.take(bytes, arena);
    const size = blockSize(bytes + 2 * guardBytes);
    this.#inside = true;
    const start = super.take(size, arena);
    this.#inside = false;
    const address = start + guardBytes;
    this.words.fill(this.filling, start / 4, (start + size) / 4);
    // Guards are whole words: lists of 16-bit numbers may fill the last one.
    this.#blocks.set(address, { address, bytes: Math.ceil(bytes / 4) * 4, start, size, freedInto: null });
    return address;
  }

  /**
   * A block is free again only when no command can use it: after a flush of the queued ones, and at
   * the end of a recording.
   */
  override give(address: number, size: number, from: Arena): void {
    const block = this.#blocks.get(address);
    if (this.#inside || block === undefined) {
      super.give(address, size, from);
      return;
    }
    this.#blocks.delete(address);
    block.freedInto = from;
    this.#freed.add(block);
  }

  /** After a flush. @throws an Error that names the first array with a changed guard */
  check(): void {
    const words = this.words;
    const look = (block: Block, from: number, to: number): void => {
      for (let at = from; at < to; at += 4)
        if (words[at / 4] !== this.filling) {
          const { address, bytes } = block;
          const where =
            at < address ? `${address - at} bytes before` : `${at - address - bytes} bytes after the end of`;
          words.fill(this.filling, from / 4, to / 4);
          throw new Error(`a kernel wrote ${where} an array of ${bytes} bytes`);
        }
    };
    for (const blocks of [this.#blocks.values(), this.#freed])
      for (const block of blocks) {
        look(block, block.start, block.address);
        look(block, block.address + block.bytes, block.start + block.size);
      }
    if (this.arena !== this.common) return;
    for (const block of this.#freed) {
      const into = block.freedInto as Arena;
      if (into !== this.common && into.heir === null) continue;
      this.#freed.delete(block);
      super.give(block.start, block.size, into);
    }
  }
}

/**
 * A wasm device whose arrays lie between guards; every flush checks them. No array begins before
 * the address `from`.
 */
export async function guardedWasm(options: WasmOptions, filling: keyof typeof fillings, from = 0): Promise<WasmDevice> {
  const made: GuardedMemory[] = [];
  class Allocator extends GuardedMemory {
    constructor(grant: Grant, start: number) {
      super(grant, Math.max(start, from), fillings[filling]);
      made.push(this);
    }
  }
  const on = await createWasmDevice(options, Allocator);
  const flush = on.flush;
  on.flush = () => {
    flush.call(on);
    made[made.length - 1].check();
  };
  return on;
}

/** The array, but an index that is none of its own throws. */
function indexed(array: TypedArray): TypedArray {
  const check = (key: string | symbol): void => {
    if (typeof key !== 'string' || String(Number(key)) !== key) {
      if (key === 'undefined') throw new Error('an element was asked for at no index');
      return;
    }
    const index = Number(key);
    if (!(Number.isInteger(index) && index >= 0 && index < array.length))
      throw new Error(`element ${key} of an array of ${array.length} was asked for`);
  };
  return new Proxy(array, {
    get(target, key) {
      check(key);
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' && key !== 'constructor' ? value.bind(target) : value;
    },
    set(target, key, value) {
      check(key);
      return Reflect.set(target, key, value, target);
    },
  });
}

/**
 * A reference device on which a kernel throws if it reads or writes an element that does not exist.
 */
export class GuardedReference extends ReferenceDevice {
  override upload(data: HostData, dtype: DType): ReferenceBuffer {
    const buffer = super.upload(data, dtype);
    buffer.data = indexed(buffer.data as TypedArray);
    return buffer;
  }

  override run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[] {
    const made = into ?? outputs.map(({ shape, dtype }) => this.upload(allocate(dtype, sizeOf(shape)), dtype));
    return super.run(kernel, inputs, attrs, outputs, made);
  }
}
