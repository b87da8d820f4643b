/**
 * The entries of a recording, one per operation, and the comparison of a later call's operations
 * with them.
 * Not here: how entries are made (recorder.ts), and what happens when they match (replay.ts).
 */
import type { Device, KernelName } from '../../device/device.js';
import type { Storage } from '../../device/storage.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type Shape, sameShape } from '../../values/shape.js';
import type { Call, Op } from '../graph.js';
import type { Callback, Walk, WatchedEvent } from '../watch.js';
import type { Gradients } from './gradients.js';
import type { Slots } from './slots.js';

/**
 * The origin of tensors that are new in every call: an entry of the recording, or the step's
 * arguments.
 */
export interface Source {
  /** The tensors of the current call. */
  now: readonly Tensor[];
}
/** Refers to a tensor of the recorded call. It leads to the counterpart in the current call. */
export interface Reference {
  readonly tensor: Tensor;
  /** Null for a tensor from outside the step. Such a tensor is its own counterpart. */
  readonly source: Source | null;
  readonly index: number;
}
/** A tensor that a recorded operation read, with its state at that time. */
export interface Seen extends Reference {
  readonly storage: Storage;
  readonly requiresGrad: boolean;
}
/** A tensor that the step created. `like` is the tensor of the recorded call. */
export interface Made {
  readonly like: Tensor;
  readonly storage: Storage;
  readonly requiresGrad: boolean;
}

/** The positions in the plan before and after an entry. */
export interface Span {
  readonly from: number;
  readonly to: number;
  /**
   * The storages that the program had released before the entry. The commands from here on use
   * their memory for other arrays.
   */
  readonly ended: readonly Storage[];
}
export interface OpEntry extends Span, Source {
  readonly kind: 'op';
  readonly op: Op<never>;
  readonly inputs: readonly Seen[];
  attrs: unknown;
  readonly call: Call;
  readonly tracking: boolean;
  readonly made: readonly Made[];
  /** The inputs in the current call. */
  given: readonly Tensor[];
}
export interface UploadEntry extends Span, Source {
  readonly kind: 'upload';
  readonly made: readonly [Made];
}
export interface UpdateEntry extends Span {
  readonly kind: 'update';
  readonly kernel: KernelName;
  readonly inputs: readonly Seen[];
  attrs: unknown;
  readonly changed: readonly Storage[];
}
export interface BackwardEntry extends Span {
  readonly kind: 'backward';
  readonly root: Seen;
  readonly given: Seen | null;
  readonly options: WatchedEvent<'backward'>['options'];
  readonly walk: Walk;
  /**
   * Whether backward() created the gradient of the root, and a leaf received it as its gradient.
   * The step may then change it in place.
   */
  readonly writesSeed: boolean;
  /** The results of the recorded call on which retainGrad() was called. */
  readonly retaining: ReadonlySet<Tensor>;
  /** The number of hooks of each result and leaf of the recorded call that had some. */
  readonly hooks: ReadonlyMap<Tensor, number>;
  readonly leaves: readonly {
    readonly leaf: Reference;
    /** The storage of its earlier gradient, or null if it had none. */
    readonly before: Storage | null;
    readonly gradient: Storage;
    readonly shape: Shape;
  }[];
}
/**
 * A function of the program that a backward pass called. The entries of the function's operations
 * follow, then those of other functions of the same pass, and then the entry of the pass itself.
 */
export interface CallbackEntry extends Span, Source {
  readonly kind: 'callback';
  /** 'recompute' for the function of a checkpoint. */
  readonly which: Callback['kind'] | 'recompute';
  readonly of: Reference;
  /** Of a checkpoint: how many levels around the one of the tensor `of` it is. */
  readonly up: number;
  /** The gradient that the function got. None of a checkpoint. */
  readonly made: readonly Made[];
  /** What the function returned. */
  results: readonly (Seen | null)[];
  /** The index of the entry after those of the function's operations. */
  end: number;
}
export type Entry = OpEntry | UploadEntry | UpdateEntry | CallbackEntry | BackwardEntry;

/** What a recording consists of besides the device's plan. The recorder fills it. */
export interface Contents {
  readonly device: Device;
  readonly entries: Entry[];
  readonly slots: Slots;
  readonly gradients: Gradients;
  /** How many references the recording holds to each storage in the plan's memory. */
  readonly held: Map<Storage, number>;
  /** The storages that the step changes in place. */
  readonly changed: Set<Storage>;
}

// ---- comparison

/**
 * Compares plain data by value: numbers, text, arrays and plain objects. Attributes consist of
 * these.
 */
export function alike(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!alike(a[i], b[i])) return false;
    return true;
  }
  // Loops count the keys, because this runs for every operation of every call and Object.keys
  // allocates an array.
  let excess = 0;
  for (const key in a) {
    if (!alike((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])) return false;
    excess++;
  }
  for (const _ in b) excess--;
  return excess === 0;
}

export const counterpart = ({ tensor, source, index }: Reference): Tensor =>
  source === null ? tensor : source.now[index];

/**
 * Whether a tensor can take the place of the recorded one. If a gradient is recorded, only the
 * counterpart can, because the gradient flows to it. Otherwise any tensor with the same values can.
 * Reading a released tensor throws, as it does everywhere.
 */
export const fits = (seen: Seen, now: Tensor): boolean =>
  now.storage === seen.storage &&
  now.requiresGrad === seen.requiresGrad &&
  (now === counterpart(seen) || (!seen.requiresGrad && sameShape(now.shape, seen.tensor.shape)));

export function allFit(before: readonly Seen[], now: readonly Tensor[]): boolean {
  if (before.length !== now.length) return false;
  for (let i = 0; i < before.length; i++) if (!fits(before[i], now[i])) return false;
  return true;
}

/**
 * Whether the inputs of the first `count` operations still require a gradient if, and only if, they
 * did when the operations were applied.
 */
export function requirementsHold(entries: readonly Entry[], count: number): boolean {
  for (let i = 0; i < count; i++) {
    const e = entries[i];
    if (e.kind !== 'op') continue;
    for (let k = 0; k < e.inputs.length; k++) if (e.given[k].requiresGrad !== e.inputs[k].requiresGrad) return false;
  }
  return true;
}

/** Whether retainGrad() was called on the same results of the first `count` operations. */
export function sameRetaining(entries: readonly Entry[], count: number, retaining: ReadonlySet<Tensor>): boolean {
  for (let i = 0; i < count; i++) {
    const e = entries[i];
    if (e.kind !== 'op') continue;
    for (let k = 0; k < e.now.length; k++) if (e.now[k].retainsGrad !== retaining.has(e.made[k].like)) return false;
  }
  return true;
}

export const hookCount = ({ hooks }: Tensor): number => (hooks === null ? 0 : hooks.length);

/**
 * Whether as many hooks belong to each result of the first `count` operations, and to each leaf, as
 * in the recording.
 */
export function sameHooks(entries: readonly Entry[], count: number, { hooks, leaves }: BackwardEntry): boolean {
  for (let i = 0; i < count; i++) {
    const e = entries[i];
    if (e.kind !== 'op') continue;
    for (let k = 0; k < e.now.length; k++) if (hookCount(e.now[k]) !== (hooks.get(e.made[k].like) ?? 0)) return false;
  }
  return leaves.every(({ leaf }) => hookCount(counterpart(leaf)) === (hooks.get(leaf.tensor) ?? 0));
}

/** Whether a function of the program returned what it returned in the recording. */
export const sameResults = (before: readonly (Seen | null)[], now: readonly (Tensor | null)[]): boolean =>
  before.length === now.length &&
  before.every((seen, i) => {
    const t = now[i] ?? null;
    return seen === null || t === null ? seen === t : fits(seen, t);
  });
