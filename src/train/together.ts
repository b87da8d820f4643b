/**
 * What fit does when several processes train together: they begin from one state, average their
 * gradients and losses, and stop together. Alone, nothing is sent. Not here: how processes
 * communicate (distributed/), the loop (fit.ts).
 */
import { className } from '../arguments.js';
import { deviceOf } from '../io/weights.js';
import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { version } from '../version.js';
import type { AnyOptimizer } from './checkpoint-file.js';
import type { TrainingAverager, TrainingGroup } from './run.js';

/** The losses of the batches of a step, averaged over all processes, and their samples. */
export interface StepLosses {
  readonly values: readonly number[];
  readonly samples: readonly number[];
  /** Whether a process wants the run to stop. */
  readonly stops: boolean;
}

export class Together {
  readonly #group: TrainingGroup | undefined;
  readonly #averager: TrainingAverager | undefined;
  /** Gives the samples of each batch of the step on all ranks, as soon as they are known. */
  #totals: () => readonly number[] = () => [];
  #own: readonly number[] = [];

  constructor(group: TrainingGroup | undefined, optimizer: AnyOptimizer) {
    if (group === undefined || group.size === 1) return;
    this.#group = group;
    this.#averager = group.averager(optimizer.paramGroups.flatMap(({ params }) => params));
  }

  /** The processes, or undefined for one alone. */
  get group(): TrainingGroup | undefined {
    return this.#group;
  }
  get isMain(): boolean {
    return (this.#group?.rank ?? 0) === 0;
  }

  /** Checks that all ranks have the same model and will take the same steps. */
  checkSame(model: Module, optimizer: AnyOptimizer, plan: () => Readonly<Record<string, unknown>>): void {
    if (this.#group === undefined) return;
    const device = deviceOf(model);
    const lines = [
      `cedargrad ${version}`,
      `device ${device.name}, ${device.mode}`,
      ...Object.entries(model.stateDict()).map(([name, t]) => `${name} [${t.shape.join(',')}] ${t.dtype}`),
      ...optimizer.paramGroups.map(
        ({ params, ...options }) => `${className(optimizer)} of ${params.length} parameters ${JSON.stringify(options)}`,
      ),
      ...Object.entries(plan()).map(([name, value]) => `${name} ${value}`),
    ];
    this.#group.checkSame('model, optimizer and run', lines.join('\n'));
  }

  /** Gives all ranks the bytes of rank 0's state. Undefined if there is nothing to restore here. */
  async state(bytes: () => Promise<Uint8Array>): Promise<Uint8Array | undefined> {
    if (this.#group === undefined) return undefined;
    const all = this.#group.broadcast(this.isMain ? await bytes() : new Uint8Array(0));
    return this.isMain ? undefined : all;
  }

  /** Begins a step of at most `most` batches with so many samples each. */
  begin(samples: readonly number[], most: number): void {
    this.#own = samples;
    const sums = this.#group?.startSum(
      'step',
      Array.from({ length: most }, (_, i) => samples[i] ?? 0),
    );
    let totals: readonly number[] | undefined;
    this.#totals = () => {
      totals ??= sums === undefined ? samples : sums().filter((n) => n > 0);
      return totals;
    };
  }

  /** Backpropagates the loss of batch `i` of a step. */
  backward(loss: Tensor, i: number): void {
    const own = this.#own;
    if (this.#averager === undefined) {
      (own.length === 1 ? loss : loss.div(own.length)).backward();
      return;
    }
    const totals = this.#totals();
    // The share of this rank's samples in the batch, so that the mean is that of all samples.
    const weight = (own[i] as number) / (totals[i] as number) / totals.length;
    this.#averager.backward(loss, { weight, reduce: i === own.length - 1 });
  }

  /** Ends a step. The losses are those of this rank's batches. */
  end(losses: readonly number[], most: number, stops: boolean): StepLosses {
    const samples = this.#totals();
    if (this.#group === undefined) return { values: losses, samples, stops };
    const parts = Array.from({ length: most }, (_, i) => (losses[i] ?? 0) * (this.#own[i] ?? 0));
    const sums = this.#group.sum('loss', [...parts, Number(stops)]);
    return { values: samples.map((n, i) => (sums[i] as number) / n), samples, stops: (sums[most] as number) > 0 };
  }

  /** Whether any process wants the run to stop. */
  agree(place: string, stops: boolean): boolean {
    return this.#group === undefined ? stops : (this.#group.sum(place, [Number(stops)])[0] as number) > 0;
  }

  dispose(): void {
    this.#averager?.dispose();
  }
}
