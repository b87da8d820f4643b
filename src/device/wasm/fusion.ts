/**
 * What one kernel call knows of the calls before it: relu's gradient is fused with the unpooling
 * whose result it overwrites. Not here: which buffers are mostly zeros (density.ts).
 */
import type { KernelAttrs, KernelName } from '../device.js';
import type { WasmOperand } from './commands.js';
import type { WasmBuffer } from './memory.js';
import { Opcode } from './protocol/command.js';
import type { Queue } from './queue.js';

/**
 * Fuses relu's gradient with the unpooling before it. The unpooling kernel then applies the gate
 * while it writes.
 */
export class Fusion {
  readonly #queue: Queue;
  /** The last unpooling, if it is in the queue and no later command reads its result. */
  #unpooled: { readonly buffer: WasmBuffer; readonly position: number; readonly run: number } | null = null;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  /** Fuses a kernel call with the unpooling before it. Returns whether it did. */
  fuse(kernel: KernelName, inputs: readonly WasmOperand[], attrs: unknown, output: WasmOperand | undefined): boolean {
    const unpooled = this.#unpooled;
    if (unpooled === null) return false;
    if (unpooled.run !== this.#queue.runs) {
      this.#unpooled = null;
      return false;
    }
    if (
      kernel === 'gate' &&
      inputs[0].buffer === unpooled.buffer &&
      output?.buffer === unpooled.buffer &&
      (attrs as KernelAttrs['gate']).slope === 0
    ) {
      this.#queue.setLastWord(unpooled.position, inputs[1].buffer.address);
      this.#unpooled = null;
      return true;
    }
    if (inputs.some(({ buffer }) => buffer === unpooled.buffer)) this.#unpooled = null;
    return false;
  }

  /** Remembers an unpooling whose commands begin at a position in the queue. */
  follow(kernel: KernelName, [output]: readonly WasmOperand[], position: number): void {
    if (
      kernel === 'maxUnpool2d' &&
      this.#queue.used > position &&
      this.#queue.opcodeAt(position) === Opcode.maxUnpool2d
    )
      this.#unpooled = { buffer: output.buffer, position, run: this.#queue.runs };
  }
}
