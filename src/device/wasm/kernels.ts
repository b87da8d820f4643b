/** The encoders of all kernels. Not here: what they write (one file per family). */
import type { KernelAttrs, KernelName } from '../device.js';
import { adam } from './adam.js';
import type { Encoder, Family, WasmOperand } from './commands.js';
import { conv } from './conv.js';
import { elementwise } from './elementwise.js';
import { loss } from './loss.js';
import { matmul } from './matmul.js';
import { movement } from './movement.js';
import { norm } from './norm.js';
import { pool } from './pool.js';
import { reduce } from './reduce.js';

/** One encoder per kernel. The compiler rejects a table that lacks one. */
export const encoders: Family<KernelName> = {
  ...elementwise,
  ...reduce,
  ...movement,
  ...matmul,
  ...conv,
  ...pool,
  ...norm,
  ...loss,
  ...adam,
};

/** Writes the commands of a kernel call. */
export function encode<K extends KernelName>(
  kernel: K,
  to: Encoder,
  inputs: readonly WasmOperand[],
  attrs: KernelAttrs[K],
  outputs: readonly WasmOperand[],
): void {
  (encoders[kernel] as Family<K>[K])(to, inputs, attrs, outputs);
}
