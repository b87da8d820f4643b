/** Progress and diagnostics of training loops. */
export { beatsConstantPredictor, constantPredictorLoss, ReluWatch } from './diagnostics.js';
export { Progress, type ProgressOptions, type ProgressStream, type ProgressValues } from './progress.js';
