/** Optimizers, schedules and clipping: re-exports only. */
export { Adam, type AdamOptions, AdamW } from './adam.js';
export { clipGradNorm, clipGradValue } from './clip.js';
export {
  Optimizer,
  type OptimizerOptions,
  type OptimizerParams,
  type OptimizerState,
  type ParamGroup,
  type ParamState,
} from './optimizer.js';
export { RMSprop, type RMSpropOptions } from './rmsprop.js';
export { CosineLR, Schedule, type Scheduled, type ScheduleState, StepLR, WarmupLR } from './schedule.js';
export { SGD, type SGDOptions } from './sgd.js';
