/**
 * Training: the loop `fit`, its callbacks, checkpoints, metrics, reports and diagnostics.
 * @module cedargrad/train
 */
export { type AnomalyOptions, detectAnomaly } from './anomaly.js';
export {
  type CheckpointOptions,
  checkpoint,
  describeEpoch,
  type EarlyStoppingOptions,
  earlyStopping,
  type ProgressCallbackOptions,
  progress,
  type SaveFile,
} from './callbacks.js';
export {
  type AnyOptimizer,
  type CheckpointParts,
  encodeCheckpoint,
  loadCheckpoint,
  type Stateful,
  type StatefulGenerator,
  type StatefulTensors,
  saveCheckpoint,
} from './checkpoint-file.js';
export { type DiagnosticsOptions, diagnostics } from './diagnose.js';
export { beatsConstantPredictor, constantPredictorLoss, ReluWatch } from './diagnostics.js';
export {
  ExponentialMovingAverage,
  type ExponentialMovingAverageOptions,
  type ExponentialMovingAverageState,
} from './ema.js';
export { type EvaluateOptions, type Evaluation, evaluate } from './evaluate.js';
export { fit } from './fit.js';
export {
  type FindLearningRateOptions,
  type FoundLearningRate,
  findLearningRate,
  type LearningRatePictureOptions,
  learningRatePicture,
} from './learning-rate.js';
export { csvLog, type JsonLogOptions, jsonLog, type SaveText } from './logs.js';
export type { FMeasureOptions, OverlapOptions } from './metrics/counts.js';
export { type PsnrOptions, psnr, SSIMLoss, type SsimOptions, ssim, ssimLoss } from './metrics/images.js';
export { MeanMetric, type Metric, type MetricFunction, type MetricGroup } from './metrics/metric.js';
export { fMeasure, iou, pixelAccuracy } from './metrics/overlap.js';
export { FMeasure, IoU, PixelAccuracy } from './metrics/overlap-sets.js';
export { RocAuc, rocAuc } from './metrics/roc-auc.js';
export type { MonitorOptions } from './monitor.js';
export { Progress, type ProgressOptions, type ProgressStream, type ProgressValues } from './progress.js';
export type {
  ReportData,
  ReportFilters,
  ReportLayer,
  ReportLoss,
  ReportOutputs,
  ReportPictures,
  ReportSamples,
} from './report/data.js';
export { renderReport } from './report/render.js';
export { type ReportOptions, type ReportSink, report } from './report/report.js';
export type {
  BatchSource,
  BatchTuple,
  Callback,
  EpochRecord,
  FitOptions,
  Run,
  RunResult,
  ScheduleLike,
  TrainingAverager,
  TrainingGroup,
} from './run.js';
export { type StopRequest, stopOnSignals } from './signals.js';
