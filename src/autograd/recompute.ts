/**
 * Saved values that a backward pass computes again, because the forward pass did not keep them.
 * Not here: checkpoint(), which decides what is not kept and how it is computed (checkpoint.ts).
 */
import type { Tensor } from '../tensor/tensor.js';
import type { Node } from './graph.js';

/** A part of the graph whose saved values are computed again. */
export interface Recomputation {
  /** The part inside of which this one is, or null. */
  readonly parent: Recomputation | null;
  /** The lowest id of its nodes. */
  readonly first: number;
  /** The highest id of its nodes. */
  readonly last: number;
  /** Computes the saved values, which stay until drop(). */
  restore(): void;
  /** Calls the program's function again and nothing else, when compile replays a recording. */
  repeat(): void;
  drop(): void;
}

/** Runs a part: the recomputation of the tensor `of`, or the one `up` levels around that. */
export type RunPart = (part: Recomputation, of: Tensor, up: number) => void;

/** The recomputations of one backward pass. */
export class Restorer {
  readonly #active = new Set<Recomputation>();
  readonly #run: RunPart;

  constructor(run: RunPart) {
    this.#run = run;
  }

  /** Restores the saved values of a node that backward is about to visit. */
  prepare(node: Node): void {
    this.dropFrom(node.id + 1);
    for (const t of node.saved) if (t.released && t.recomputation !== null) this.#begin(t.recomputation, t, 0);
  }

  /** Runs a part, unless it has run. The part around it comes first, because it has the inputs. */
  #begin(part: Recomputation, of: Tensor, up: number): void {
    if (this.#active.has(part)) return;
    if (part.parent !== null) this.#begin(part.parent, of, up + 1);
    this.add(part);
    this.#run(part, of, up);
  }

  /** Adds a part that runs now. */
  add(part: Recomputation): void {
    this.#active.add(part);
  }

  /** Drops the values of the parts whose nodes all have this id or a higher one. */
  dropFrom(id: number): void {
    for (const part of this.#active)
      if (part.first >= id) {
        part.drop();
        this.#active.delete(part);
      }
  }
}
