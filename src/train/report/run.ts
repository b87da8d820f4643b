/**
 * What a report reads of a run, and the callback that it is. Not here: the run itself and the other
 * callbacks.
 */
import type { Module } from '../../nn/module.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ReportData, ReportEpoch } from './data.js';

type Batches = Iterable<readonly Tensor[]> | AsyncIterable<readonly Tensor[]>;

/** What a report reads of a run. The run that `fit` gives to callbacks fits. */
export interface ReportRun {
  readonly model: Module;
  readonly optimizer: { readonly paramGroups: readonly { readonly lr: number }[] };
  readonly epochs: number;
  /** The number of steps so far. */
  readonly step: number;
  readonly stepsPerEpoch: number | undefined;
  readonly history: readonly ReportEpoch[];
  readonly warnings: readonly string[];
  warn(message: string): void;
  readonly data?: Batches;
  readonly validation?: Batches;
  /** The output of the model for a batch, in eval mode and without a graph. */
  predict(...batch: readonly Tensor[]): Tensor | Promise<Tensor>;
  readonly stopReason: string | undefined;
  readonly config?: unknown;
  readonly best?: ReportData['best'];
}

/** The callback that `report` returns. It has a state, which goes into checkpoints as JSON. */
export interface ReportCallback {
  readonly name: string;
  onTrainBegin(run: ReportRun): Promise<void>;
  onStepEnd(run: ReportRun, loss: number): Promise<void> | undefined;
  onEpochEnd(run: ReportRun, record: ReportEpoch): Promise<void>;
  onTrainEnd(run: ReportRun): Promise<void>;
  stateDict(): unknown;
  loadStateDict(state: unknown): void;
}
