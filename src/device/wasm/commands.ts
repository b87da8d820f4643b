/**
 * Commands for the kernels. A command is a sequence of words in a queue in WebAssembly memory. All
 * threads execute the queue when it is flushed. Addresses are in words (protocol/command.ts).
 */
import type { KernelAttrs, KernelName, Spec } from '../device.js';
import type { WasmBuffer } from './memory.js';
import type { Opcode } from './protocol/command.js';

/** An operand or result of a kernel. */
export interface WasmOperand extends Spec {
  readonly buffer: WasmBuffer;
}

/** Memory for what commands compute from a buffer that does not change. */
export interface Derived {
  /** In words. */
  readonly address: number;
  /**
   * The address of a word that is not 0 if the contents must be computed. The commands that do this
   * set it to 0.
   */
  readonly stale: number;
}

/** The services that a kernel's encoder uses. */
export interface Encoder {
  /**
   * Writes a command. The chunks of a parallel one are distributed among threads, `grain` chunks at
   * a time. The result must not depend on the distribution. The command is skipped if the word at
   * the address `condition` is 0 when its turn comes.
   */
  emit(opcode: Opcode, parallel: boolean, words: readonly number[], grain?: number, condition?: number): void;
  /**
   * Allocates bytes that stay valid until the kernel's last command has run. Returns the address
   * in words.
   */
  temporary(bytes: number): number;
  /**
   * Allocates bytes that keep their contents from one run of a plan to the next, for what is
   * computed from the values of `from`. Null if these are expected to change at every run, and
   * outside of recordings.
   */
  derived(from: WasmBuffer, bytes: number): Derived | null;
}

/** An encoder whose commands run only if the word at an address is not 0. */
export const onlyIf = (to: Encoder, condition: number): Encoder => ({
  emit: (opcode, parallel, words, grain) => to.emit(opcode, parallel, words, grain, condition),
  temporary: (bytes) => to.temporary(bytes),
  derived: (from, bytes) => to.derived(from, bytes),
});

/** One function per kernel, which writes its commands. */
export type Family<K extends KernelName> = {
  readonly [N in K]: (
    to: Encoder,
    inputs: readonly WasmOperand[],
    attrs: KernelAttrs[N],
    outputs: readonly WasmOperand[],
  ) => void;
};

const asFloat = new Float32Array(1);
const asWord = new Int32Array(asFloat.buffer);
/** The bits of a number as a float32. Commands contain numbers in this form. */
export function bits(value: number): number {
  asFloat[0] = value;
  return asWord[0];
}
/** Work of fewer element visits than this is not worth waking another thread. */
export const worthSharing = 16384;

/**
 * The number of chunks that a thread takes at a time. It aims at some ten microseconds of work, but
 * divides the work into at least eight takes. `work` is the total number of element visits.
 */
export const grainOf = (work: number, chunks: number): number =>
  Math.max(1, Math.min(Math.ceil(chunks / 8), Math.floor((worthSharing * chunks) / Math.max(work, 1))));
