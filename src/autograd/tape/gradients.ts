/**
 * The gradients in a plan's memory that leaves may still hold. The next run of the plan overwrites
 * them, so they are saved first, and each tensor over that memory is known here.
 * Not here: the gradients that a recording computes (BackwardEntry in entries.ts).
 */
import type { Plan } from '../../device/device.js';
import type { Storage } from '../../device/storage.js';
import type { Tensor } from '../../tensor/tensor.js';
import { copyOf } from './copies.js';

/**
 * A gradient in the plan's memory, and the leaf that received it. `leaf` is null for a result of
 * the step.
 */
interface Handed {
  readonly leaf: Tensor | null;
  readonly gradient: Tensor;
}

const gradientEnded =
  "it was a gradient of an earlier call of a compiled step: clone() it before the step's next call, or return it";

export class Gradients {
  /** Tensors from outside the step that receive gradients in it. */
  readonly #leaves = new Set<Tensor>();
  /** Gradients of the current call, and those of earlier calls. */
  #handed: Handed[] = [];
  #earlier: Handed[] = [];

  /** Begins a call. */
  begin(): void {
    const earlier: Handed[] = [];
    for (const list of [this.#earlier, this.#handed]) for (const h of list) if (!h.gradient.released) earlier.push(h);
    this.#earlier = earlier;
    this.#handed = [];
  }

  /** Registers a leaf from outside the step that backward() gives a gradient to. */
  addLeaf(leaf: Tensor): void {
    this.#leaves.add(leaf);
  }

  /** Registers the gradient that a leaf received. */
  hand(leaf: Tensor | null, gradient: Tensor): void {
    this.#handed.push({ leaf, gradient });
  }

  /**
   * Ends a call. Registers the gradients that the step itself assigned to leaves in place of the
   * ones they received, as gradient clipping does. `held` contains the storages of the plan.
   */
  end(held: ReadonlyMap<Storage, number>): void {
    for (const leaf of this.#leaves) {
      const gradient = leaf.grad;
      if (gradient === null || gradient.released || this.#handed.some((h) => h.gradient === gradient)) continue;
      if (held.has(gradient.storage)) this.#handed.push({ leaf, gradient });
    }
  }

  /**
   * Saves the gradients of earlier calls before their memory (or only the storage `written`) is
   * overwritten. A leaf that still has such a gradient gets a copy. The original tensor ends, even
   * if the program holds it elsewhere.
   */
  save(written: Storage | null, plan: Plan | null): void {
    for (const { leaf, gradient } of this.#earlier) {
      if (gradient.released || (written !== null && gradient.storage !== written)) continue;
      if (leaf?.grad === gradient) leaf.grad = copyOf(gradient);
      gradient.release();
      gradient.hint = gradientEnded;
      // The host writes `written` immediately, and the queued copy must read it before that.
      if (written !== null) runQueued(plan);
    }
  }

  /**
   * The number of live gradients over each storage. Null if the program keeps one of them, which no
   * later call may overwrite.
   */
  counts(): ReadonlyMap<Storage, number> | null {
    const counts = new Map<Storage, number>();
    for (const list of [this.#earlier, this.#handed])
      for (const { gradient } of list) {
        if (gradient.released) continue;
        if (gradient.kept) return null;
        counts.set(gradient.storage, (counts.get(gradient.storage) ?? 0) + 1);
      }
    return counts;
  }
}

/**
 * Runs the commands that the device has queued. The host writes a plan's input buffers immediately,
 * and queued commands may still read them.
 */
export const runQueued = (plan: Plan | null): void => plan?.run(0, 0);
