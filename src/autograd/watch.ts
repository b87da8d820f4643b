/**
 * The watcher, which sees every operation that creates or changes a tensor. compile's tape is one.
 * Not here: the operations (graph.ts, backward.ts) and the tape (tape.ts).
 */
import type { Device, HostData, KernelName } from '../device/device.js';
import type { Storage } from '../device/storage.js';
import type { Tensor } from '../tensor/tensor.js';
import type { DType } from '../values/dtype.js';
import type { Shape } from '../values/shape.js';
import type { Call, Node, Op } from './graph.js';

/** The nodes that a backward walk visited, and the gradient of the root that it started from. */
export interface Walk {
  readonly nodes: readonly Node[];
  readonly seed: Storage;
}

/**
 * Observes every operation; compile's tape implements it. `apply`, `place`, `update` and `backward`
 * are called before the work and may return a recorded result; null or false means that the caller
 * must do the work. Their past-tense partners then report the work that was done.
 */
export interface Watcher {
  apply(op: Op<never>, inputs: readonly Tensor[], attrs: unknown): Tensor[] | null;
  applied(op: Op<never>, inputs: readonly Tensor[], attrs: unknown, plan: Call, outputs: readonly Tensor[]): void;
  place(device: Device, data: HostData, dtype: DType, shape: Shape): Tensor | null;
  placed(t: Tensor): void;
  update(kernel: KernelName, inputs: readonly Tensor[], attrs: unknown, changed: readonly Tensor[]): boolean;
  updated(kernel: KernelName, inputs: readonly Tensor[], attrs: unknown, changed: readonly Tensor[]): void;
  backward(root: Tensor, given: Tensor | undefined, options: object): boolean;
  /**
   * `before` maps each leaf that received a gradient to the storage of its earlier gradient, or to
   * null.
   */
  walked(
    root: Tensor,
    given: Tensor | undefined,
    options: object,
    walk: Walk,
    before: ReadonlyMap<Tensor, Storage | null>,
  ): void;
  /** Called before values are read. The watcher must compute them by then. */
  read(): void;
  /** Reports an operation that cannot be recorded. */
  refuse(what: string): void;
}
let watcher: Watcher | null = null;

export const watching = (): Watcher | null => watcher;
export function setWatcher(w: Watcher | null): void {
  watcher = w;
}

/** Runs fn without the watcher. */
export function hidden<T>(fn: () => T): T {
  const before = watcher;
  watcher = null;
  try {
    return fn();
  } finally {
    watcher = before;
  }
}
