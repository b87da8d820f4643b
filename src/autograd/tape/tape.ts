/**
 * The recording of one step. The first call is recorded: the tape stores the inputs and outputs of
 * every operation. Each later call is compared with the recording. The tape returns the recorded
 * result for each operation, provided that the operation's inputs have the same state as in the
 * recording, and the kernels run later, as one plan.
 *
 * Every call gets its own tensors over the recorded memory. They end with the call, so a tensor
 * kept from one call can never show the values of another.
 *
 * This file begins and ends the calls and owns the memory. Not here: recording (recorder.ts),
 * comparing (replay.ts), the choice of the calls that use a tape (compile.ts), and how a device
 * records (device.ts, Plan).
 */
import type { Device, Plan } from '../../device/device.js';
import type { Storage } from '../../device/storage.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Watcher } from '../watch.js';
import type { Contents } from './entries.js';
import { Gradients, runQueued } from './gradients.js';
import { Recorder } from './recorder.js';
import { Replay } from './replay.js';
import { Slots } from './slots.js';

/** The hint in the error for reading a tensor that a step created and whose call has ended. */
export const stepEnded =
  'it was made in a compiled step, whose tensors end with the call: ' +
  'return it from the step, in arrays or plain objects';

export class Tape {
  readonly #contents: Contents;
  /** Null until the recording is finished. */
  #plan: Plan | null = null;
  /** The watcher of the call in progress, or of the last one. The first call records. */
  #call: Recorder | Replay;

  /** Starts recording. */
  constructor(device: Device, args: readonly Tensor[]) {
    // The slots are allocated before the recording begins, so their memory is not the plan's.
    const slots = new Slots(args);
    const held = new Map<Storage, number>();
    for (const storage of slots.storages) held.set(storage, 1);
    const recording = device.record?.();
    if (recording === undefined) throw new Error(`${device} does not record`);
    this.#contents = { device, entries: [], slots, gradients: new Gradients(), held, changed: new Set() };
    this.#call = new Recorder(this.#contents, recording);
  }

  /** The watcher of the call in progress. */
  get watcher(): Watcher {
    return this.#call;
  }

  /** Why the recording cannot be used (any longer), or null if it can. */
  get broken(): string | null {
    return this.#call.broken;
  }

  /** Begins a call. Returns the tensors that the step receives in place of its tensor arguments. */
  begin(args: readonly Tensor[]): readonly Tensor[] {
    const { slots, gradients } = this.#contents;
    gradients.begin();
    if (this.#plan !== null && this.#call instanceof Recorder) this.#call = new Replay(this.#contents, this.#plan);
    runQueued(this.#plan);
    const now = slots.begin(args, (storage) => gradients.save(storage, this.#plan));
    this.#call.begin();
    return now;
  }

  /** Ends a call. `completed` is false if the step threw. */
  end(completed: boolean): void {
    const problem = this.#keeps() ? 'it keeps a tensor that it made (return it instead)' : null;
    if (this.#call instanceof Recorder) this.#plan = this.#call.end(completed, problem);
    else this.#call.end(completed, problem);
    this.#contents.gradients.end(this.#contents.held);
  }

  /** Whether keep() exempts one of this call's tensors from release at the end of the call. */
  #keeps(): boolean {
    for (const t of this.#contents.slots.now) if (t.kept) return true;
    for (const e of this.#contents.entries) if ('now' in e) for (const t of e.now) if (t.kept) return true;
    return false;
  }

  /**
   * Whether the program holds a tensor in the plan's memory. The next call would change its values.
   */
  get occupied(): boolean {
    const gradients = this.#contents.gradients.counts();
    if (gradients === null) return true;
    for (const [storage, own] of this.#contents.held)
      if (storage.references > own && storage.references > own + (gradients.get(storage) ?? 0)) return true;
    return false;
  }

  /** Whether the step changes one of these tensors in place. */
  changes(tensors: readonly Tensor[]): boolean {
    return tensors.some((t) => this.#contents.changed.has(t.storage));
  }

  /** Releases all memory that the tape holds. */
  dispose(): void {
    const { entries, slots, held } = this.#contents;
    for (const entry of entries) {
      if ('made' in entry) for (const { storage } of entry.made) storage.release();
      else if (entry.kind === 'backward') for (const { gradient } of entry.leaves) gradient.release();
    }
    slots.dispose();
    entries.length = 0;
    held.clear();
    this.#plan?.dispose();
  }
}
