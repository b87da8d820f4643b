/**
 * What a report reads of a run, and the callback that it is. Not here: the run itself and the other
 * callbacks.
 */
import type { Module } from '../../nn/module.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { ReportData, ReportEpoch } from './data.js';

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
  /** Adds a warning. */
  warn(message: string): void;
  readonly data?: Iterable<readonly Tensor[]> | AsyncIterable<readonly Tensor[]>;
  readonly validation?: Iterable<readonly Tensor[]> | AsyncIterable<readonly Tensor[]>;
  /** The output of the model for a batch, in eval mode and without a graph. */
  predict(...batch: readonly Tensor[]): Tensor | Promise<Tensor>;
  readonly stopReason: string | undefined;
  readonly config?: unknown;
  readonly best?: ReportData['best'];
}

/** The callback that `report` returns. It has a state, which goes into checkpoints as JSON. */
export interface ReportCallback {
  readonly name: string;
  /** Takes the samples and writes the first report. */
  onTrainBegin(run: ReportRun): Promise<void>;
  /** Notes the loss. Writes the report if it is old. */
  onStepEnd(run: ReportRun, loss: number): Promise<void> | undefined;
  /** Draws the outputs for the samples and writes the report. */
  onEpochEnd(run: ReportRun, record: ReportEpoch): Promise<void>;
  /** Writes the last report and releases the samples. */
  onTrainEnd(run: ReportRun): Promise<void>;
  /** What a resumed run needs, as JSON. */
  stateDict(): unknown;
  /** @throws ValueError that names the first field that is wrong */
  loadStateDict(state: unknown): void;
}
