/** Callbacks of fit: progress, early stopping, checkpoints. Not here: reports and logs. */
import {
  checkIsNumber,
  checkNumber,
  checkRecord,
  checkText,
  knownOptions,
  type OptionNames,
  shown,
} from '../arguments.js';
import { ValueError } from '../errors.js';
import { writeFileAtomic } from '../io/files.js';
import { encodeWeights } from '../io/weights.js';
import { isNode } from '../platform.js';
import { checkMonitor, isBetter, type MonitorOptions, monitored } from './monitor.js';
import { Progress, type ProgressStream } from './progress.js';
import type { Callback, EpochRecord, Run } from './run.js';

/** Text for a number of any size. */
const brief = (value: number): string =>
  Math.abs(value) >= 1e-3 && Math.abs(value) < 1e5 ? value.toPrecision(4) : value.toExponential(3);

const recordNames: OptionNames<EpochRecord> = {
  epoch: 'value',
  step: 'value',
  loss: 'value',
  valLoss: 'value',
  metrics: 'value',
  lr: 'value',
  seconds: 'value',
};

/** One line about an epoch. @throws ValueError for what is no record */
export function describeEpoch(record: EpochRecord, epochs: number): string {
  const op = 'describeEpoch';
  knownOptions(op, record, recordNames);
  const { epoch, step, loss, valLoss, metrics, lr, seconds } = record;
  checkRecord(op, 'metrics', metrics, 'numbers');
  for (const [name, value] of Object.entries({ epochs, epoch, step, loss, lr, seconds, ...metrics }))
    checkIsNumber(op, name, value);
  if (valLoss !== undefined) checkIsNumber(op, 'valLoss', valLoss);
  const facts = [`loss ${brief(loss)}`];
  if (valLoss !== undefined) facts.push(`valLoss ${brief(valLoss)}`);
  for (const [name, value] of Object.entries(metrics)) facts.push(`${name} ${brief(value)}`);
  facts.push(`lr ${brief(lr)}`, `${seconds.toFixed(1)} s`);
  return `epoch ${String(epoch).padStart(String(epochs).length)}/${epochs}  ${facts.join('  ')}`;
}

/** Options of `progress`. */
export interface ProgressCallbackOptions {
  /** Default: standard error, or nothing outside Node. */
  readonly stream?: ProgressStream;
}

/**
 * Shows the progress of a run: a bar on a terminal, and one line for each epoch.
 * @throws ValueError for unknown options, or a stream without a method write
 * @source keras.callbacks.ProgbarLogger
 */
export function progress(options: ProgressCallbackOptions = {}): Callback {
  knownOptions('progress', options, { stream: 'value' });
  const { stream = isNode() ? process.stderr : undefined } = options;
  if (stream !== undefined && typeof (stream as ProgressStream | null)?.write !== 'function')
    throw new ValueError('progress', 'stream must have a method write', `stream=${shown(stream)}`);
  let bar: Progress | undefined;
  let first = 0;
  const end = (): void => {
    bar?.done();
    bar = undefined;
  };
  return {
    mainOnly: true,
    onEpochBegin: ({ stepsPerEpoch, epoch, epochs, step, history }) => {
      // In a log, a line for each epoch is enough.
      if (stepsPerEpoch === undefined || stream?.isTTY !== true) return;
      first = history.at(-1)?.step ?? 0;
      bar = new Progress(stepsPerEpoch, { stream, label: `epoch ${epoch}/${epochs}` });
      bar.update(Math.min(step - first, stepsPerEpoch));
    },
    onStepEnd: ({ step, stepsPerEpoch = Infinity }, loss) =>
      bar?.update(Math.min(step - first, stepsPerEpoch), { loss }),
    onEpochEnd: ({ epochs }, record) => {
      end();
      stream?.write(`${describeEpoch(record, epochs)}\n`);
    },
    onTrainEnd: ({ stopReason }) => {
      end();
      if (stopReason !== undefined) stream?.write(`stopped: ${stopReason}\n`);
    },
    onError: end,
  };
}

/** Options of `earlyStopping`. */
export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without an improvement after which the run ends. Default 1. */
  readonly patience?: number;
  /** An improvement must be greater than this. Default 0. */
  readonly minDelta?: number;
}

const earlyStoppingOptions: OptionNames<EarlyStoppingOptions> = {
  monitor: 'value',
  mode: 'value',
  patience: 'value',
  minDelta: 'value',
};

/**
 * Ends a run when the monitored value has not improved for `patience` epochs. The model keeps its
 * last weights; `checkpoint` saves the best ones.
 * @throws ValueError for unknown options, numbers out of range, or, after the first epoch, a name
 * that is neither a loss nor a metric of the run
 * @source keras.callbacks.EarlyStopping
 */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const op = 'earlyStopping';
  knownOptions(op, options, earlyStoppingOptions);
  const { patience = 1, minDelta = 0 } = options;
  checkMonitor(op, options);
  checkNumber(op, 'patience', patience, (v) => Number.isSafeInteger(v) && v >= 1, 'whole and at least 1');
  checkNumber(op, 'minDelta', minDelta, (v) => v >= 0 && v < Infinity, 'finite and not negative');
  let state: { best?: number; wait: number } = { wait: 0 };
  return {
    name: 'earlyStopping',
    onEpochEnd: (run, record) => {
      const { name, value, less } = monitored(op, record, options);
      if (isBetter(value, state.best, less, minDelta)) state = { best: value, wait: 0 };
      else state.wait++;
      if (state.wait >= patience)
        run.stop(`${name} has not improved for ${patience} epoch${patience === 1 ? '' : 's'}`);
    },
    stateDict: () => ({ ...state }),
    loadStateDict: (saved: typeof state) => {
      state = { ...saved };
    },
  };
}

/** Options of `checkpoint`. */
export interface CheckpointOptions extends MonitorOptions {
  /** Epochs from one checkpoint to the next. Default 1. */
  readonly everyEpochs?: number;
  /** Steps from one checkpoint to the next within an epoch. Default: none within an epoch. */
  readonly everySteps?: number;
}

const checkpointOptions: OptionNames<CheckpointOptions> = {
  monitor: 'value',
  mode: 'value',
  everyEpochs: 'value',
  everySteps: 'value',
};

/** Stores a file under a name, for pages. */
export type SaveFile = (name: string, bytes: Uint8Array<ArrayBuffer>) => void | Promise<void>;

/**
 * Saves a run while it goes on. `last.checkpoint` is the state from which fit can resume. It is
 * written after epochs, and when the run is stopped. `best.safetensors` holds the weights of the
 * epoch with the best monitored value (averaged ones, if fit averages them). `to` is a folder in
 * Node, or a function that stores a file. In a folder a file is replaced in one move, so a crash or
 * a full disk leaves the old one.
 * @throws ValueError for unknown options or numbers out of range; while the run goes on, the
 * system's error if a file cannot be written, which ends the run
 * @source keras.callbacks.ModelCheckpoint
 */
export function checkpoint(to: string | SaveFile, options: CheckpointOptions = {}): Callback {
  const op = 'checkpoint';
  knownOptions(op, options, checkpointOptions);
  if (typeof to !== 'function') checkText(op, 'to', to);
  if (to === '') throw new ValueError(op, 'to must name a folder', "to=''", "'.' is the current one");
  checkMonitor(op, options);
  const { everyEpochs = 1, everySteps } = options;
  for (const [name, value] of Object.entries({ everyEpochs, everySteps }))
    if (value !== undefined)
      checkNumber(op, name, value, (v) => Number.isSafeInteger(v) && v >= 1, 'whole and at least 1');
  const write: SaveFile =
    typeof to === 'function'
      ? to
      : (name, bytes) => writeFileAtomic(`${to.replace(/[/\\]+$/, '') || '/'}/${name}`, bytes);
  let best: number | undefined;
  /** The step of the last checkpoint. A stop in an epoch writes one only if there were more. */
  let savedStep = -1;
  const save = async (run: Run): Promise<void> => {
    await write('last.checkpoint', await run.checkpoint());
    savedStep = run.step;
  };
  return {
    name: 'checkpoint',
    mainOnly: true,
    runsLast: true,
    onStepEnd: async (run) => {
      if (everySteps !== undefined && run.step % everySteps === 0) await save(run);
    },
    onEpochEnd: async (run, record) => {
      const { value, less } = monitored(op, record, options);
      if (isBetter(value, best, less)) {
        await write('best.safetensors', await run.withAverages(() => encodeWeights(run.model)));
        best = value;
      }
      if (record.epoch % everyEpochs === 0 || record.epoch === run.epochs || run.stopReason !== undefined)
        await save(run);
    },
    onTrainEnd: async (run) => {
      if (run.step !== savedStep && run.step > 0) await save(run);
    },
    stateDict: () => ({ best }),
    loadStateDict: (saved: { best?: number }) => {
      best = saved.best;
    },
  };
}
