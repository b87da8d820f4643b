/**
 * Decides when a kernel call is launched. The result of some kernels is deferred until the next
 * kernel call. If the next kernel reads it and can be fused with it, both run together. Otherwise
 * the deferred result is computed first.
 * Not here: which kernels are deferred and which are fused (fusion.ts).
 */
import type { KernelAttrs, Operand, Spec } from '../device.js';
import { retained } from './arrays.js';
import { type Buffers, type GpuBuffer, isDeferred, ownBuffer } from './buffers.js';
import { canReadScalar, fuse } from './fusion.js';
import type { Vectors } from './launch.js';
import type { LaunchLists, RuledKernel } from './launch-lists.js';
import type { Computation } from './launcher.js';

export class Scheduler {
  readonly #buffers: Buffers;
  readonly #lists: LaunchLists;
  /** The result of the last kernel call, if it is deferred until the next one. */
  #deferred: GpuBuffer | null = null;

  constructor(buffers: Buffers, lists: LaunchLists) {
    this.#buffers = buffers;
    this.#lists = lists;
  }

  /**
   * The computation of a kernel call, with retained views. If the first input is deferred and can
   * be fused with the kernel, it computes both.
   */
  computationOf<K extends RuledKernel>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    vectors: Vectors,
  ): Computation {
    const buffers = inputs.map((t) => ownBuffer(t.buffer));
    const first = this.#buffers.content(kernel, buffers[0]);
    if (isDeferred(first)) {
      const fused = fuse(first, kernel, attrs, inputs);
      if (fused !== null) {
        this.#deferred = null;
        const others = buffers.slice(1).map((buffer) => this.#buffers.view(kernel, buffer));
        const views = [...first.views, ...others].map(retained);
        return { kernel, launches: this.#lists.ofFusion(first.launches, kernel, inputs, attrs, outputs, fused), views };
      }
    }
    // A scalar repeated by `expand` is read directly. The expanded array is never created.
    const operands: Spec[] = [];
    const views = buffers.map((buffer, k) => {
      const content = this.#buffers.content(kernel, buffer);
      const through = isDeferred(content) && content.kernel === 'expand' && canReadScalar(kernel, k);
      if (through && buffer === this.#deferred) this.#deferred = null;
      operands.push(through ? { shape: [], dtype: buffer.dtype } : inputs[k]);
      return retained(through ? content.views[0] : this.#buffers.view(kernel, buffer));
    });
    return { kernel, launches: this.#lists.ofCall(kernel, operands, attrs, outputs, vectors), views };
  }

  /** Leaves the result of a kernel call deferred until the next call. */
  defer(result: GpuBuffer): void {
    this.#deferred = result;
  }

  /** Computes the deferred result, because the kernel that now runs is not fused with it. */
  settle(): void {
    const deferred = this.#deferred;
    this.#deferred = null;
    if (deferred !== null && deferred.content !== null) this.#buffers.view('gpu', deferred);
  }

  /** Forgets the deferred result, because its inputs are lost. */
  abandon(): void {
    this.#deferred = null;
  }
}
