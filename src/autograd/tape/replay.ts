/**
 * Compares each later call of a step with its recording. An operation that matches the next entry
 * gets the recorded result, and its kernels run later, as part of the plan. At the first difference
 * the call leaves the recording. The kernels of the operations that matched so far run then, and
 * everything after them runs as usual.
 * Not here: when two operations match (entries.ts).
 */
import type { Operand, Plan } from '../../device/device.js';
import type { Storage } from '../../device/storage.js';
import { show } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { allocate } from '../../values/dtype.js';
import { sameShape } from '../../values/shape.js';
import { handle, isTracking, type Node, withTracking } from '../graph.js';
import { adopt, scoped } from '../lifetimes.js';
import type { Callback, EventKind, Outcome, WatchedEvent, Watcher } from '../watch.js';
import { Callbacks, callbacksFrom } from './callbacks.js';
import {
  alike,
  allFit,
  type CallbackEntry,
  type Contents,
  counterpart,
  type Entry,
  fits,
  type OpEntry,
  requirementsHold,
  type Seen,
  sameHooks,
  sameResults,
  sameRetaining,
  type UploadEntry,
} from './entries.js';
import { heldOf, renew, rescue } from './leaving.js';

const stillHeld = 'a tensor that it had released is in use (release() it in every call, or in none)';

const operand = ({ tensor, storage }: Seen): Operand => ({
  buffer: storage.buffer,
  shape: tensor.shape,
  dtype: tensor.dtype,
});

export class Replay implements Watcher {
  /** Why the call left the recording, or null if it has not. */
  broken: string | null = null;
  readonly #contents: Contents;
  readonly #plan: Plan;
  /** The index of the next entry. */
  #cursor = 0;
  /** The position in the plan up to which kernels have run. */
  #done = 0;
  /** What the program's functions returned in a backward() in which the call left the recording. */
  #returned: (readonly (Tensor | null)[])[] = [];

  constructor(contents: Contents, plan: Plan) {
    this.#contents = contents;
    this.#plan = plan;
  }

  /** Begins a call. */
  begin(): void {
    this.#cursor = 0;
    this.#done = 0;
    this.#returned = [];
  }

  /** Ends the call. `completed` is false if the step threw. `problem` is a reason to leave. */
  end(completed: boolean, problem: string | null): void {
    if (this.broken !== null) return;
    if (problem !== null) this.#leave(problem);
    else if (completed && this.#cursor < this.#contents.entries.length)
      this.#leave('it ended earlier than when it was recorded');
    else this.#catchUp();
  }

  // ---- watching

  ask<K extends EventKind>(event: WatchedEvent<K>): Outcome<K> | null;
  ask(event: WatchedEvent): Outcome<EventKind> | null {
    if (this.broken !== null) return null;
    // A switch, because a table of functions takes longer. Every operation of a call comes here.
    switch (event.kind) {
      case 'op':
        return this.#op(event);
      case 'upload':
        return this.#upload(event);
      case 'update':
        return this.#update(event);
      case 'backward':
        return this.#backward(event);
    }
  }

  /** Called only after the call has left the recording. */
  tell<K extends EventKind>(event: WatchedEvent<K>): void;
  tell(event: WatchedEvent): void {
    if (event.kind === 'update') this.#contents.slots.passOn(event.changed);
  }

  read(): void {
    if (this.broken === null) this.#catchUp();
  }

  refuse(what: string): void {
    if (this.broken === null) this.#leave(`it uses ${what}`);
  }

  /**
   * Called when a backward() runs as usual. If the call left the recording in one of the functions
   * that this backward() calls, the functions up to that one have run already.
   */
  callback({ grad, call }: Callback): readonly (Tensor | null)[] {
    return this.#returned.shift() ?? call(grad);
  }

  /** As callback(), but this backward() needs the values, so the function runs again. */
  recompute(_of: Tensor, _up: number, run: () => void): void {
    this.#returned.shift();
    run();
  }

  // ---- running the plan

  /** Runs the kernels of all operations that have matched so far. */
  #catchUp(): void {
    const to = this.#cursor === 0 ? 0 : this.#contents.entries[this.#cursor - 1].to;
    if (to <= this.#done) return;
    if (this.#done === 0) this.#contents.gradients.save(null, this.#plan);
    this.#plan.run(this.#done, to);
    this.#done = to;
  }

  /**
   * Leaves the recording because the call differs from it. Computes the operations that matched so
   * far; everything after them runs as usual.
   */
  #leave(reason: string): void {
    this.broken = reason;
    this.#catchUp();
    rescue(this.#contents, this.#cursor);
    const nodes = new Map<Node, Node>();
    for (const e of this.#contents.entries.slice(0, this.#cursor)) {
      // A new node saves the present versions, so the updates that followed it must increase the
      // versions once more.
      if (e.kind === 'update') for (const storage of e.changed) storage.touch();
      else if (e.kind === 'op') renew(e, nodes);
      else if (e.kind === 'backward' && e.options.retainGraph !== true)
        for (const node of e.walk.nodes) nodes.get(node)?.end();
    }
  }

  // ---- matching

  /**
   * The next entry, if it has this kind and `differs` returns null. Otherwise leaves the recording
   * for the reason that `differs` gives.
   */
  #next<K extends EventKind>(
    kind: K,
    differs: (entry: Extract<Entry, { kind: K }>) => string | null,
  ): Extract<Entry, { kind: K }> | null {
    const entry = this.#match(this.#cursor, kind, differs);
    if (entry !== null) this.#cursor++;
    return entry;
  }
  /** The entry at an index, under the same conditions. */
  #match<K extends EventKind>(
    index: number,
    kind: K,
    differs: (entry: Extract<Entry, { kind: K }>) => string | null,
  ): Extract<Entry, { kind: K }> | null {
    const entry: Entry | undefined = this.#contents.entries[index];
    const problem =
      entry === undefined
        ? 'it went on'
        : entry.kind !== kind
          ? `${entry.kind} became ${kind}`
          : heldOf(this.#contents, entry).length > 0
            ? stillHeld
            : differs(entry as Extract<Entry, { kind: K }>);
    if (problem === null) return entry as Extract<Entry, { kind: K }>;
    this.#leave(problem);
    return null;
  }

  /** Creates this call's own tensors over the memory of the recorded results. */
  #hand(entry: OpEntry | UploadEntry | CallbackEntry): Tensor[] {
    const now: Tensor[] = [];
    for (const { like, storage, requiresGrad } of entry.made) {
      const t = handle(storage, like.shape, requiresGrad);
      t.node = like.node;
      t.owner = like.owner;
      t.madeBy = like.madeBy;
      now.push(adopt(t));
    }
    entry.now = now;
    return now;
  }

  #op({ op, inputs, attrs }: WatchedEvent<'op'>): Tensor[] | null {
    const entry = this.#next('op', (e) => {
      if (e.op !== op) return `${e.op.name} became ${op.name}`;
      if (!allFit(e.inputs, inputs))
        return `${op.name} was given another tensor (pass what changes as an argument), or one frozen or unfrozen`;
      if (e.tracking !== isTracking()) return `${op.name} came under noGrad(), or out of it`;
      // The function in these attributes runs at the backward(), where its operations are compared.
      if (op.callsProgram) {
        e.attrs = attrs;
        return null;
      }
      if (alike(e.attrs, attrs) || this.#adjust(e, inputs, attrs)) return null;
      return `${op.name} was given another number, or was recorded for another shape`;
    });
    if (entry === null) return null;
    entry.given = inputs;
    return this.#hand(entry);
  }

  /**
   * Writes changed attributes of an operation into the plan. Only an operation without a graph node
   * qualifies, since no gradient depends on its attributes.
   */
  #adjust(entry: OpEntry, inputs: readonly Tensor[], attrs: unknown): boolean {
    if (entry.made[0].like.node !== null) return false;
    const call = entry.op.lower(inputs, attrs as never);
    if (call.kernel === 'view' || entry.call.kernel !== call.kernel || !alike(call.outputs, entry.call.outputs))
      return false;
    const operands = entry.inputs.map(operand);
    const buffers = entry.made.map(({ storage }) => storage.buffer);
    if (!this.#plan.rewrite(entry.from, call.kernel, operands, call.attrs, call.outputs, buffers)) return false;
    entry.attrs = attrs;
    return true;
  }

  #upload({ device, data, dtype, shape }: WatchedEvent<'upload'>): Tensor | null {
    const entry = this.#next('upload', ({ made: [{ like }] }) =>
      like.device === device && like.dtype === dtype && sameShape(like.shape, shape)
        ? null
        : `a tensor of ${show(like.shape)} became one of ${show(shape)}`,
    );
    if (entry === null) return null;
    const [{ storage }] = entry.made;
    this.#contents.gradients.save(storage, this.#plan);
    this.#plan.write(storage.buffer, data);
    return this.#hand(entry)[0];
  }

  #update({ kernel, inputs, attrs, changed }: WatchedEvent<'update'>): readonly Tensor[] | null {
    const entry = this.#next('update', (e) => {
      if (
        e.kernel !== kernel ||
        !allFit(e.inputs, inputs) ||
        e.changed.length !== changed.length ||
        !e.changed.every((storage, i) => storage === changed[i].storage)
      )
        return 'other tensors are updated';
      if (alike(e.attrs, attrs)) return null;
      const specs = changed.map(({ shape, dtype }) => ({ shape, dtype }));
      const buffers = e.changed.map((storage) => storage.buffer);
      if (!this.#plan.rewrite(e.from, kernel, e.inputs.map(operand), attrs as never, specs, buffers))
        return `${kernel} was given other numbers`;
      e.attrs = attrs;
      return null;
    });
    return entry === null ? null : changed;
  }

  #backward({ root, given, options }: WatchedEvent<'backward'>): Outcome<'backward'> | null {
    const { entries, gradients } = this.#contents;
    const callbacks = callbacksFrom(entries, this.#cursor);
    const last = callbacks.at(-1)?.end ?? this.#cursor;
    const entry = this.#match(last, 'backward', (e) => {
      if (!fits(e.root, root) || !alike(e.options, options)) return 'another tensor is differentiated';
      if (given === undefined ? e.given !== null : e.given === null || !fits(e.given, given))
        return 'another gradient is given to backward()';
      if (!requirementsHold(entries, this.#cursor))
        return 'a tensor was frozen or unfrozen between forward and backward';
      if (!sameRetaining(entries, this.#cursor, e.retaining)) return 'retainGrad() was called for other results';
      if (!sameHooks(entries, this.#cursor, e)) return 'hooks were added or removed';
      const odd = e.leaves.find(({ leaf, before }) => (counterpart(leaf).grad?.storage ?? null) !== before);
      return odd === undefined ? null : 'gradients are added to those of an earlier step (call zeroGrad() in the step)';
    });
    if (entry === null) return null;
    if (entry.writesSeed) this.#writeOne(entry.walk.seed);
    const calls = new Callbacks();
    try {
      if (!callbacks.every((c) => this.#repeat(c, calls))) return null;
    } finally {
      calls.end();
    }
    this.#returned = [];
    this.#cursor++;
    for (const { leaf: reference, gradient: storage, shape } of entry.leaves) {
      const leaf = counterpart(reference);
      leaf.grad?.release();
      // The next run of the plan changes the gradient. The new version shows this to all code that
      // compares versions.
      storage.touch();
      leaf.grad = handle(storage, shape, false);
      gradients.hand(reference.source === null ? leaf : null, leaf.grad);
    }
    return entry.walk;
  }

  /**
   * Calls a function of the program that a backward() calls. Returns whether the call is still in
   * the recording.
   */
  #repeat(entry: CallbackEntry, calls: Callbacks): boolean {
    if (heldOf(this.#contents, entry).length > 0) {
      this.#leave(stillHeld);
      return false;
    }
    this.#cursor++;
    const grad: Tensor | undefined = this.#hand(entry)[0];
    const results = scoped(
      () => withTracking(false, () => calls.call(entry, grad)),
      (made) => made.filter((t) => t !== null),
    );
    this.#returned.push(results);
    if (this.broken !== null) return false;
    if (this.#cursor === entry.end && sameResults(entry.results, results)) return true;
    this.#leave('a function that backward() calls returned another tensor, or ended earlier');
    return false;
  }

  /** Writes 1 into the gradient of a root, which the step may have changed in place. */
  #writeOne(seed: Storage): void {
    this.#contents.gradients.save(seed, this.#plan);
    this.#plan.write(seed.buffer, allocate(seed.dtype, 1).fill(1));
  }
}
