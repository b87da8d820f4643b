/**
 * The unfinished work of a device, and its first failure that no call has thrown yet. A rejection
 * of this work is never unhandled.
 */
import type { DeviceError } from '../../errors.js';
import { awake } from './adapters.js';

export class Pending {
  readonly #work = new Set<Promise<unknown>>();
  #failure: DeviceError | null = null;

  /** Tracks a promise until it settles. Keeps its failure if `isCurrent` is true by then. */
  add(work: Promise<unknown>, isCurrent: () => boolean): void {
    this.#work.add(work);
    work.then(
      () => this.#work.delete(work),
      (error) => {
        this.#work.delete(work);
        if (isCurrent()) this.fail(error);
      },
    );
  }

  /** Keeps a failure for the next call that can throw it, unless there is an earlier one. */
  fail(failure: DeviceError): void {
    this.#failure ??= failure;
  }

  /** Drops the kept failure, or drops it only if it is `thrown`, which a call is about to throw. */
  drop(thrown: unknown = this.#failure): void {
    if (this.#failure === thrown) this.#failure = null;
  }

  /** Throws the kept failure, if there is one. It is thrown once. */
  throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** Resolves when all work has settled, also work that was added meanwhile. */
  async settled(): Promise<void> {
    while (this.#work.size > 0) await awake(Promise.allSettled(this.#work));
  }
}
