/**
 * One stretch of training, of a new run or a resumed one: it builds all parts from the
 * configuration, trains, and says what happened. Not here: how a new run is chosen (train.ts).
 */
import { DataLoader } from '../data/loader.js';
import type { Device } from '../device/device.js';
import { type DeviceName, defaultDevice, device, setDefaultDevice } from '../device/select.js';
import type { ConvAutoencoder } from '../models/autoencoder.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  checkpoint,
  csvLog,
  type EpochRecord,
  ExponentialMovingAverage,
  earlyStopping,
  fit,
  jsonLog,
  progress,
  type RunResult,
  report,
  type StopRequest,
} from '../train/index.js';
import { manualSeed } from '../values/random.js';
import type { RunConfig } from './config.js';
import { type Item, RunSource } from './dataset.js';
import type { Output } from './output.js';
import { lossOf, makeModel, makeOptimizer, makeSchedule, metricsOf, perOf } from './parts.js';
import { type RunFiles, type RunImages, titleOf, writtenConfig } from './run-folder.js';

/** Opens a device, makes it the default for `use`, and closes it. */
export async function onDevice<R>(name: DeviceName, use: (on: Device) => Promise<R>): Promise<R> {
  const on = await device(name);
  const before = defaultDevice();
  setDefaultDevice(on);
  try {
    return await use(on);
  } finally {
    setDefaultDevice(before);
    await on.close();
  }
}

/** The best epoch of a history, by the loss that checkpoints watch. */
export function bestOf(
  history: readonly EpochRecord[],
): { readonly epoch: number; readonly monitor: 'valLoss' | 'loss'; readonly value: number } | undefined {
  const monitor = history[0]?.valLoss === undefined ? 'loss' : 'valLoss';
  const values = history.map((record) => record[monitor] ?? Number.NaN);
  const value = Math.min(...values.filter(Number.isFinite));
  const epoch = history[values.indexOf(value)]?.epoch;
  return epoch === undefined ? undefined : { epoch, monitor, value };
}

export interface Session {
  readonly run: string;
  readonly files: RunFiles;
  readonly config: RunConfig;
  readonly images: RunImages;
  readonly workers: number;
  readonly out: Output;
  readonly stop: StopRequest;
  /** Whether to go on from the checkpoint. */
  readonly resumes: boolean;
  /** Is called when all parts are sound, before the first step. */
  readonly onBegin?: () => Promise<void>;
}

export function loaderOf(
  images: ReturnType<RunSource['measured']>,
  { batchSize, seed }: RunConfig,
  { shuffle = false, workers = 0 }: { readonly shuffle?: boolean; readonly workers?: number } = {},
): DataLoader<Item, Tensor[]> {
  return new DataLoader<Item, Tensor[]>(images, { batchSize, seed, shuffle, workers });
}

/** Trains, and returns the exit code. */
export async function train(session: Session): Promise<number> {
  const { run, files, config, images, workers, out, stop, resumes, onBegin } = session;
  manualSeed(config.seed);
  const model: ConvAutoencoder = makeModel(config);
  const optimizer = makeOptimizer(config.optimizer, model.parameters());
  const { schedule, ema, earlyStopping: stopping, clipNorm } = config;
  const source = await RunSource.open(config, workers);
  const data = loaderOf(source.training(images.training), config, { shuffle: true, workers });
  const validation = images.validation.length > 0 ? source.measured(images.validation) : undefined;
  const result: RunResult = await fit<Tensor[]>(model, {
    data,
    ...(validation !== undefined && { validation: loaderOf(validation, config), metrics: metricsOf(config) }),
    loss: lossOf(config, model),
    optimizer,
    epochs: config.epochs,
    ...(schedule !== null && { schedule: makeSchedule(schedule, optimizer), scheduleEvery: perOf(schedule) }),
    ...(ema !== null && { ema: new ExponentialMovingAverage(model, { decay: ema }) }),
    ...(clipNorm !== null && { clipNorm }),
    signal: stop.signal,
    config: writtenConfig(run, config),
    ...(resumes && { resume: files.last }),
    callbacks: [
      ...(onBegin === undefined ? [] : [{ onTrainBegin: onBegin }]),
      ...(out.isJson ? [] : [progress({ stream: process.stdout })]),
      report(files.report, { title: titleOf(run) }),
      csvLog(files.log),
      ...(stopping === null ? [] : [earlyStopping(stopping)]),
      checkpoint(run),
      // It tells of an epoch when its checkpoint is saved.
      ...(out.isJson ? [jsonLog({ stream: process.stdout })] : []),
    ],
  });
  for (const { file, reason } of source.skipped) out.warn(`skipped ${file}: ${reason}`);
  if (!out.isJson) for (const message of result.warnings) out.warn(message);
  tellEnd(run, result, out, stop);
  return stop.exitCode ?? 0;
}

function tellEnd(run: string, result: RunResult, out: Output, stop: StopRequest): void {
  const { history, step, stopReason } = result;
  const best = bestOf(history);
  const isStopped = stop.exitCode !== undefined;
  if (best !== undefined) out.tell(`best epoch: ${best.epoch}, ${best.monitor} ${best.value.toPrecision(4)}`);
  const event = {
    event: 'result',
    run,
    epochs: history.length,
    step,
    best: best ?? null,
    stopReason: stopReason ?? null,
  };
  const saved = step > 0 ? `saved in ${run}` : `nothing to save yet in ${run}`;
  out.tell(isStopped ? `${saved}; go on with: cedargrad resume ${run}` : saved, event);
}
