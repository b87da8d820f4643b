/** Optimizers, schedules and clipping: re-exports only. */
export { Adagrad, type AdagradOptions } from './adagrad.js';
export { Adam, type AdamOptions, AdamW } from './adam.js';
export { Adamax, type AdamaxOptions } from './adamax.js';
export { clipGradNorm, clipGradValue } from './clip.js';
export { CyclicLR, type CyclicOptions, type MomentumCycle, OneCycleLR, type OneCycleOptions } from './cycles.js';
export { CosineWarmRestarts, ExponentialLR, LambdaLR, MultiStepLR, PolynomialLR, type RateFactor } from './decay.js';
export { NAdam, type NAdamOptions } from './nadam.js';
export {
  Optimizer,
  type OptimizerOptions,
  type OptimizerParams,
  type OptimizerState,
  type ParamGroup,
  type ParamState,
  type SavedParamState,
} from './optimizer.js';
export { type AnySchedule, type PlateauOptions, type PlateauState, ReduceLROnPlateau } from './plateau.js';
export { RAdam, type RAdamOptions } from './radam.js';
export { RMSprop, type RMSpropOptions } from './rmsprop.js';
export {
  CosineLR,
  Schedule,
  type Scheduled,
  type ScheduledGroup,
  type ScheduleState,
  StepLR,
  WarmupLR,
} from './schedule.js';
export { SGD, type SGDOptions } from './sgd.js';
