/** Commands for the kernels: words written into a queue in WebAssembly memory, which all threads walk when it is flushed. */
import type { KernelAttrs, KernelName, Spec } from '../device.js';
import type { WasmBuffer } from './memory.js';
import type { Opcode } from './opcodes.js';

/** An input or output of a kernel. */
export interface WasmOperand extends Spec {
  readonly buffer: WasmBuffer;
}

/** What a kernel's encoder is given besides its operands. */
export interface Encoder {
  /** Writes a command. A parallel one is shared out among threads, `grain` chunks at a time; what is computed must not depend on it. */
  emit(opcode: Opcode, parallel: boolean, words: readonly number[], grain?: number): void;
  /** Bytes that hold until the kernel's last command has run; the address. */
  temporary(bytes: number): number;
}

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
/** A number as the bits of a float32: how commands carry numbers. */
export function bits(value: number): number {
  asFloat[0] = value;
  return asWord[0];
}
const asDouble = new Float64Array(1);
const asWords = new Int32Array(asDouble.buffer);
/** A number as the two words of a float64. */
export function doubleBits(value: number): [number, number] {
  asDouble[0] = value;
  return [asWords[0], asWords[1]];
}

/** Work below this many element visits is not worth waking another thread for. */
export const worthSharing = 16384;

/** How many chunks to take at a time, for some ten microseconds of work but at least eight takes: of all the work, in element visits, and its chunks. */
export const grainOf = (work: number, chunks: number): number =>
  Math.max(1, Math.min(Math.ceil(chunks / 8), Math.floor((worthSharing * chunks) / Math.max(work, 1))));
