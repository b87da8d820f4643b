/**
 * The arguments of a compiled step. A recording refers to fixed memory, so each tensor argument has
 * a slot with a tensor of its own, and the caller's tensor is copied into it.
 */
import type { Storage } from '../../device/storage.js';
import type { Tensor } from '../../tensor/tensor.js';
import { handle } from '../graph.js';
import { adopt } from '../lifetimes.js';
import { copyInto, copyOf } from './copies.js';
import type { Source } from './entries.js';

/** The slot's tensor, and the storage and version of the caller's that were last copied into it. */
interface Slot {
  readonly own: Tensor;
  storage: Storage;
  version: number;
}

export class Slots implements Source {
  now: readonly Tensor[] = [];
  readonly #slots: readonly Slot[];

  constructor(args: readonly Tensor[]) {
    this.#slots = args.map((caller) => {
      const { storage } = caller;
      return { own: copyOf(caller).keep(), storage, version: storage.version };
    });
  }

  get storages(): readonly Storage[] {
    return this.#slots.map(({ own }) => own.storage);
  }

  /**
   * Begins a call. Copies the arguments that have changed, and creates the tensors that the step
   * receives in their place. `beforeWrite` is called before a slot's memory is overwritten.
   */
  begin(args: readonly Tensor[], beforeWrite: (storage: Storage) => void): readonly Tensor[] {
    this.now = this.#slots.map((slot, i) => {
      const caller = args[i];
      const { storage } = caller;
      if (slot.storage !== storage || slot.version !== storage.version) {
        beforeWrite(slot.own.storage);
        copyInto(caller, slot.own.storage);
        slot.storage = storage;
        slot.version = storage.version;
      }
      const t = adopt(handle(slot.own.storage, slot.own.shape, false));
      t.madeBy = caller.madeBy;
      return t;
    });
    return this.now;
  }

  /**
   * Copies an in-place change of an argument, or of memory that an argument shares, to every tensor
   * that represents that argument: the caller's tensor and the copies that the step received.
   * Returns whether there was such a change.
   */
  passOn(changed: readonly Tensor[]): boolean {
    let found = false;
    for (const t of changed) {
      const caller = this.#slots.find(({ own }) => own.storage === t.storage)?.storage ?? t.storage;
      const slots = this.#slots.filter(({ storage }) => storage === caller);
      if (slots.length === 0) continue;
      found = true;
      for (const to of [caller, ...slots.map(({ own }) => own.storage)]) if (to !== t.storage) copyInto(t, to);
    }
    return found;
  }

  /** Releases the slots' tensors. */
  dispose(): void {
    for (const { own } of this.#slots) own.unkeep().release();
  }
}
