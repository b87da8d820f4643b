/**
 * Progress and diagnostics of training loops.
 * @module cedargrad/train
 */
export { beatsConstantPredictor, constantPredictorLoss, ReluWatch } from './diagnostics.js';
export { Progress, type ProgressOptions, type ProgressStream, type ProgressValues } from './progress.js';
