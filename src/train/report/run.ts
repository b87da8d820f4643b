/** What a report reads of a run, and the callback that it is. Not here: the run itself (run.ts). */
import type { Callback, Run } from '../run.js';

/** What a report reads of a run. */
export type ReportRun = Pick<
  Run,
  | 'model'
  | 'optimizer'
  | 'epochs'
  | 'step'
  | 'stepsPerEpoch'
  | 'history'
  | 'warnings'
  | 'warn'
  | 'data'
  | 'validation'
  | 'predict'
  | 'stopReason'
  | 'config'
>;

/** The hooks of a report. */
export interface ReportCallback extends Callback {
  onTrainBegin(run: ReportRun): Promise<void>;
  onStepEnd(run: ReportRun, loss: number): Promise<void> | undefined;
  onEpochEnd(run: ReportRun, record: Run['history'][number]): Promise<void>;
  onTrainEnd(run: ReportRun): Promise<void>;
  stateDict(): unknown;
  loadStateDict(state: unknown): void;
}
