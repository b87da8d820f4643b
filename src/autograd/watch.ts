/**
 * Watching. While a watcher is installed, it sees every operation that creates or changes a tensor,
 * as one event. `watched` is the only place that passes events on. It asks the watcher for a
 * recorded outcome, and if there is none, it does the work and tells the watcher the outcome.
 * compile installs its tape as the watcher of a step, and detectAnomaly installs one that looks for
 * NaN and infinities.
 * Not here: the operations that are watched (graph.ts, backward.ts), and the tape (tape/).
 */
import type { Device, KernelName } from '../device/device.js';
import type { Storage } from '../device/storage.js';
import type { Tensor } from '../tensor/tensor.js';
import type { DType } from '../values/dtype.js';
import type { HostData } from '../values/host-data.js';
import type { Shape } from '../values/shape.js';
import type { Node, Op } from './graph.js';

/** What a backward pass did. */
export interface Walk {
  /** The nodes that it visited. */
  readonly nodes: readonly Node[];
  /** The gradient of the root. */
  readonly seed: Storage;
  /**
   * Each leaf that received a gradient, with the storage of its earlier gradient, or null if it had
   * none.
   */
  readonly before: ReadonlyMap<Tensor, Storage | null>;
}

interface Events {
  /** A call of an op. */
  op: { readonly op: Op<never>; readonly inputs: readonly Tensor[]; readonly attrs: unknown };
  /** A copy of values from the host to a device. */
  upload: { readonly device: Device; readonly data: HostData; readonly dtype: DType; readonly shape: Shape };
  /** A kernel that overwrites the values of the tensors in `changed`. */
  update: {
    readonly kernel: KernelName;
    readonly inputs: readonly Tensor[];
    readonly attrs: unknown;
    readonly changed: readonly Tensor[];
  };
  /** A call of backward(). `given` is the gradient that the program passed to it. */
  backward: {
    readonly root: Tensor;
    readonly given: Tensor | undefined;
    readonly options: { readonly retainGraph?: boolean; readonly createGraph?: boolean };
  };
}
interface Outcomes {
  op: Tensor[];
  upload: Tensor;
  /** The tensors that were changed. */
  update: readonly Tensor[];
  backward: Walk;
}
export type EventKind = keyof Events;
/** An operation that is about to run. */
export type WatchedEvent<K extends EventKind = EventKind> = { [P in K]: { readonly kind: P } & Events[P] }[K];
export type Outcome<K extends EventKind> = Outcomes[K];

/** A function of the program that a backward pass is about to call. */
export interface Callback {
  /** 'hooks' for the hooks of a tensor, 'rule' for the gradient rule of an op that calls it. */
  readonly kind: 'hooks' | 'rule';
  /** The tensor that has the hooks, or the output of the op. */
  readonly of: Tensor;
  readonly grad: Tensor;
  /** Calls the function. Hooks give one gradient, or null if they leave it. */
  readonly call: (grad: Tensor) => readonly (Tensor | null)[];
}

export interface Watcher {
  /** The recorded outcome of an operation. Null if the operation must run. */
  ask<K extends EventKind>(event: WatchedEvent<K>): Outcome<K> | null;
  /** Reports the outcome of an operation that ran. */
  tell<K extends EventKind>(event: WatchedEvent<K>, outcome: Outcome<K>): void;
  /** Called before values are read. The watcher must compute them by then. */
  read(): void;
  /** Reports an operation that cannot be recorded. */
  refuse(what: string): void;
  /** Calls a function of the program within a backward(), whose other work is not watched. */
  callback(callback: Callback): readonly (Tensor | null)[];
  /**
   * Calls the function of a checkpoint again within a backward(). The checkpoint is the
   * recomputation of the tensor `of`, or the one `up` levels around that. `run` calls the function.
   */
  recompute?(of: Tensor, up: number, run: () => void): void;
  /** Reports the gradients that the gradient rule of a node gave for the gradient `grad`. */
  differentiated?(node: Node, grad: Tensor, grads: readonly (Tensor | null)[]): void;
}

let current: Watcher | null = null;

/** The watcher installed now, or null. */
export const watching = (): Watcher | null => current;

/**
 * Installs a watcher for work that goes on across awaits. Returns a function that removes it. No
 * other watcher may be installed.
 */
export function installWatcher(watcher: Watcher): () => void {
  current = watcher;
  return () => {
    current = null;
  };
}

/** Installs a watcher, or none, while `fn` runs. */
export function withWatcher<T>(watcher: Watcher | null, fn: () => T): T {
  const before = current;
  current = watcher;
  try {
    return fn();
  } finally {
    current = before;
  }
}

/**
 * The outcome of an operation: the recorded one, or that of `work`. Operations inside `work` are
 * part of the event and are not watched. A caller checks first whether a watcher is installed.
 * Without one it does the work directly, because creating the event takes time. For the same reason
 * `work` gets the event, so that it need not be a closure.
 */
export function watched<K extends EventKind>(
  watcher: Watcher,
  event: WatchedEvent<K>,
  work: (event: WatchedEvent<K>) => Outcome<K>,
): Outcome<K> {
  const known = watcher.ask(event);
  if (known !== null) return known;
  const outcome = withWatcher(null, () => work(event));
  watcher.tell(event, outcome);
  return outcome;
}
