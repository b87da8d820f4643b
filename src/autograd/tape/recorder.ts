/**
 * Records one call of a step. The operations run as usual. Each one becomes an entry with its
 * inputs, its outputs and its positions in the device's plan.
 * Not here: the comparison of later calls with the entries (entries.ts, replay.ts).
 */
import type { Plan, Recording } from '../../device/device.js';
import type { Storage } from '../../device/storage.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isTracking, type Node } from '../graph.js';
import { type Callback, type EventKind, type Outcome, type WatchedEvent, type Watcher, withWatcher } from '../watch.js';
import {
  type BackwardEntry,
  type CallbackEntry,
  type Contents,
  type Entry,
  hookCount,
  type Made,
  type OpEntry,
  type Reference,
  requirementsHold,
  type Seen,
  type Source,
  type Span,
  type UploadEntry,
} from './entries.js';

/** For each kind of event, the method that adds an entry for it. */
type Writers = { readonly [K in EventKind]: (event: WatchedEvent<K>, outcome: Outcome<K>) => void };

export class Recorder implements Watcher {
  /** Why the recording cannot be used, or null if it can. */
  broken: string | null = null;
  readonly #contents: Contents;
  readonly #recording: Recording;
  /** The position in the plan where the next entry begins. */
  #start = 0;
  /** Whether a function that a backward() called is running. */
  #inCallback = false;
  readonly #origins = new Map<Tensor, { readonly source: Source; readonly index: number }>();
  /** The graph nodes that the step created. */
  readonly #nodes = new Set<Node>();
  /** The storages of results that the program had not released at the last operation. */
  #live: Storage[] = [];
  /** The storages that it has released since the last entry. */
  #ended: Storage[] = [];
  /** Memory that does not belong to the plan. */
  readonly #outside = new Set<Storage>();
  readonly #writers: Writers = {
    op: (event, outputs) => this.#op(event, outputs),
    upload: (_, tensor) => this.#upload(tensor),
    update: (event) => this.#update(event),
    backward: (event, walk) => this.#backward(event, walk),
  };

  constructor(contents: Contents, recording: Recording) {
    this.#contents = contents;
    this.#recording = recording;
  }

  /** Begins the call. The tensors in `slots` are the step's arguments. */
  begin(): void {
    const { slots } = this.#contents;
    slots.now.forEach((t, index) => {
      this.#origins.set(t, { source: slots, index });
    });
  }

  /** Ends the call. `completed` is false if the step threw. `problem` is a reason to give up. */
  end(completed: boolean, problem: string | null): Plan {
    if (!completed) this.broken ??= 'it threw';
    this.broken ??= problem;
    return this.#recording.end();
  }

  // ---- watching

  /** Nothing is recorded yet, so every operation runs. */
  ask<K extends EventKind>(event: WatchedEvent<K>): null;
  ask(event: WatchedEvent): null {
    // The gradient that backward() gets may be memory from outside, which the functions that it
    // calls see before backward() itself is an entry.
    if (event.kind === 'backward' && event.given !== undefined) this.#seen(event.given);
    this.#reuse();
    return null;
  }

  tell<K extends EventKind>(event: WatchedEvent<K>, outcome: Outcome<K>): void {
    if (this.#inCallback && event.kind === 'backward') this.refuse('a backward() in a hook');
    this.#writers[event.kind](event, outcome);
  }

  /** Every operation has run already. */
  read(): void {}

  refuse(what: string): void {
    this.broken ??= `it uses ${what}`;
  }

  callback({ kind: which, of, grad, call }: Callback): readonly (Tensor | null)[] {
    if (!this.#accepts([grad])) return call(grad);
    const storage = grad.storage.retain();
    if (!this.#outside.has(storage)) this.#hold(storage);
    const entry = this.#called(which, of, 0, [{ like: grad, storage, requiresGrad: grad.requiresGrad }], [grad]);
    this.#origins.set(grad, { source: entry, index: 0 });
    const results = this.#within(entry, () => call(grad));
    entry.results = results.map((t) => (t === null ? null : this.#seen(t)));
    // Replays hold what functions returned until the end of the backward().
    this.#live = this.#live.filter((storage) => results.every((t) => t?.storage !== storage));
    return results;
  }

  recompute(of: Tensor, up: number, run: () => void): void {
    if (!this.#origins.has(of)) this.refuse('a checkpoint that was made outside of it');
    if (this.#accepts([])) this.#within(this.#called('recompute', of, up, [], []), run);
    else run();
  }

  /** Adds the entry of a function of the program that a backward() calls. */
  #called(
    which: CallbackEntry['which'],
    of: Tensor,
    up: number,
    made: readonly Made[],
    now: readonly Tensor[],
  ): CallbackEntry {
    const entry: CallbackEntry = {
      kind: 'callback',
      which,
      of: this.#reference(of),
      up,
      made,
      now,
      results: [],
      end: 0,
      ...this.#span(),
    };
    this.#add(entry);
    return entry;
  }

  /** Records the operations of a function that a backward() calls. */
  #within<T>(entry: CallbackEntry, fn: () => T): T {
    this.#inCallback = true;
    try {
      return withWatcher(this, fn);
    } finally {
      this.#inCallback = false;
      entry.end = this.#contents.entries.length;
    }
  }

  // ---- entries

  /**
   * Lets the operations that follow use the memory of results that only the recording holds by now.
   */
  #reuse(): void {
    const { held } = this.#contents;
    this.#live = this.#live.filter((storage) => {
      if (storage.references > (held.get(storage) ?? 0)) return true;
      this.#recording.reuse(storage.buffer);
      this.#ended.push(storage);
      return false;
    });
  }
  #add(entry: Entry): void {
    this.#contents.entries.push(entry);
    this.#start = entry.to;
    this.#ended = [];
  }
  #span(): Span {
    return { from: this.#start, to: this.#recording.position(), ended: this.#ended };
  }
  #hold(storage: Storage): void {
    const { held } = this.#contents;
    held.set(storage, (held.get(storage) ?? 0) + 1);
  }
  #reference(tensor: Tensor): Reference {
    return { tensor, ...(this.#origins.get(tensor) ?? { source: null, index: 0 }) };
  }
  #seen(tensor: Tensor): Seen {
    const reference = this.#reference(tensor);
    if (reference.source === null) this.#outside.add(tensor.storage);
    return { ...reference, storage: tensor.storage, requiresGrad: tensor.requiresGrad };
  }
  #made(like: Tensor, isView: boolean): Made {
    const storage = like.storage.retain();
    if (!isView || this.#contents.held.has(storage)) this.#hold(storage);
    return { like, storage, requiresGrad: like.requiresGrad };
  }
  /** Whether an entry may be added for these results. Tensors of another device are refused. */
  #accepts(results: readonly Tensor[]): boolean {
    if (this.broken !== null) return false;
    const odd = results.find((t) => t.device !== this.#contents.device);
    if (odd !== undefined) this.refuse(`a tensor on ${odd.device}`);
    return odd === undefined;
  }

  #op({ op, inputs, attrs }: WatchedEvent<'op'>, outputs: readonly Tensor[]): void {
    if (!this.#accepts(outputs)) return;
    const call = op.lower(inputs, attrs as never);
    const entry: OpEntry = {
      kind: 'op',
      op,
      inputs: inputs.map((t) => this.#seen(t)),
      attrs,
      call,
      tracking: isTracking(),
      made: outputs.map((t) => this.#made(t, call.kernel === 'view')),
      now: outputs,
      given: inputs,
      ...this.#span(),
    };
    if (call.kernel !== 'view') this.#live.push(...outputs.map((t) => t.storage));
    outputs.forEach((t, index) => {
      this.#origins.set(t, { source: entry, index });
      if (t.node !== null) this.#nodes.add(t.node);
    });
    this.#add(entry);
  }

  #upload(tensor: Tensor): void {
    if (!this.#accepts([tensor])) return;
    const entry: UploadEntry = { kind: 'upload', made: [this.#made(tensor, false)], now: [tensor], ...this.#span() };
    this.#origins.set(tensor, { source: entry, index: 0 });
    this.#add(entry);
  }

  #update({ kernel, inputs, attrs, changed }: WatchedEvent<'update'>): void {
    if (this.#contents.slots.passOn(changed))
      this.refuse('an argument that changes in place (use the tensor from outside the step)');
    if (!this.#accepts(changed)) return;
    const storages = changed.map((t) => t.storage);
    for (const storage of storages) this.#contents.changed.add(storage);
    const seen = inputs.map((t) => this.#seen(t));
    this.#add({ kind: 'update', kernel, inputs: seen, attrs, changed: storages, ...this.#span() });
  }

  #backward({ root, given, options }: WatchedEvent<'backward'>, walk: Outcome<'backward'>): void {
    const { entries, gradients } = this.#contents;
    // What a backward() releases, its replay does not, because it visits no nodes.
    this.#live = [];
    if (!this.#accepts([root])) return;
    if (options.createGraph === true) this.refuse('createGraph');
    else if (walk.nodes.some((node) => !this.#nodes.has(node))) this.refuse('a graph that was made outside of it');
    else if (!requirementsHold(entries, entries.length))
      this.refuse('a requiresGrad that changes between forward and backward');
    if (this.broken !== null) return;
    const seenGiven = given === undefined ? null : this.#seen(given);
    const leaves: BackwardEntry['leaves'] = [...walk.before].map(([leaf, before]) => {
      const gradient = leaf.grad as Tensor;
      const storage = gradient.storage.retain();
      if (!this.#outside.has(storage)) this.#hold(storage);
      const reference = this.#reference(leaf);
      const outer = reference.source === null ? leaf : null;
      if (outer !== null) gradients.addLeaf(outer);
      gradients.hand(outer, gradient);
      return { leaf: reference, before, gradient: storage, shape: gradient.shape };
    });
    const results = entries.flatMap((e) => (e.kind === 'op' ? e.now : []));
    const called = entries.flatMap((e) => (e.kind === 'callback' ? e.made : []));
    const hooked = [...results, ...walk.before.keys()].filter((t) => t.hooks !== null);
    this.#add({
      kind: 'backward',
      root: this.#seen(root),
      given: seenGiven,
      options: { ...options },
      walk,
      writesSeed:
        given === undefined &&
        (leaves.some(({ gradient }) => gradient === walk.seed) || called.some(({ storage }) => storage === walk.seed)),
      retaining: new Set(results.filter((t) => t.retainsGrad)),
      hooks: new Map(hooked.map((t) => [t, hookCount(t)])),
      leaves,
      ...this.#span(),
    });
  }
}
