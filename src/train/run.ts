/**
 * What a training run consists of: its options, its records, and what its callbacks see. Types
 * only. Not here: the loop (fit.ts).
 */

import type { Module } from '../nn/module.js';
import type { AbortSignalLike, UrlLike } from '../platform.js';
import type { Tensor } from '../tensor/tensor.js';
import type { AnyOptimizer, Stateful, StatefulGenerator, StatefulTensors } from './checkpoint-file.js';
import type { Metric, MetricFunction } from './metrics/metric.js';

/** A batch is a tuple of tensors, such as [x, y]. Their first axis counts the samples. */
export type BatchTuple = Tensor[];

/**
 * Batches of an epoch: a DataLoader, an array, or anything that can be iterated once per epoch. A
 * function is called at the begin of each epoch, with the epoch's number from 1.
 */
export type BatchSource<B extends BatchTuple> =
  | Iterable<readonly [...B]>
  | AsyncIterable<readonly [...B]>
  | ((epoch: number) => Iterable<readonly [...B]> | AsyncIterable<readonly [...B]>);

/** A learning-rate schedule. One that needs a metric gets the validation loss at its step. */
export interface ScheduleLike extends Stateful {
  /** Takes a step. A schedule that follows a metric needs its value. */
  step(metric?: number): void;
  readonly needsMetric?: boolean;
}

/**
 * Several processes that train together, as `distributed()` of cedargrad/distributed gives them.
 * Every rank must call the same methods in the same order.
 */
export interface TrainingGroup {
  readonly rank: number;
  readonly size: number;
  /** The sums over all ranks. `place` names the call. */
  sum(place: string, values: readonly number[]): number[];
  /** As sum. What it returns waits for the sums. */
  startSum(place: string, values: readonly number[]): () => number[];
  /** Sums an array in place. */
  sumInPlace(values: Float64Array): void;
  /** Gives every rank the bytes of rank 0. */
  broadcast(bytes: Uint8Array): Uint8Array;
  /** Throws if a rank passes another text. */
  checkSame(what: string, text: string): void;
  /** An averager of gradients. */
  averager(params: readonly Tensor[]): TrainingAverager;
}

/** Averages gradients over the processes of a group. */
export interface TrainingAverager {
  /**
   * Runs the backward pass of a loss times `weight`. With `reduce`, all gradients are then summed
   * over the processes.
   */
  backward(loss: Tensor, options: { weight: number; reduce: boolean }): void;
  /** Ends the use of the averager. */
  dispose(): void;
}

/** What is measured after an epoch. */
export interface EpochRecord {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Steps so far, in all epochs. */
  readonly step: number;
  /** Mean training loss over the epoch's samples. */
  readonly loss: number;
  /** Mean loss over the validation samples. Missing without validation. */
  readonly valLoss?: number;
  /** Metrics of the validation samples. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Learning rate of the first group in the epoch's last step. */
  readonly lr: number;
  /** Time for the epoch, with validation. @units seconds */
  readonly seconds: number;
}

/** What a finished run returns. */
export interface RunResult {
  /** One record for each finished epoch. */
  readonly history: readonly EpochRecord[];
  /** Loss of each step. */
  readonly losses: readonly number[];
  /** Steps so far. A step is an update of the parameters. */
  readonly step: number;
  readonly warnings: readonly string[];
  /** Why the run ended before its last epoch. */
  readonly stopReason: string | undefined;
}

/** A run in progress, as its callbacks see it. */
export interface Run extends RunResult {
  readonly model: Module;
  readonly optimizer: AnyOptimizer;
  /** The number of epochs at which the run ends. */
  readonly epochs: number;
  /** The present epoch, from 1. */
  readonly epoch: number;
  /** Steps of one epoch, if the data says how many batches there are. */
  readonly stepsPerEpoch: number | undefined;
  /** The validation data, if there is any. */
  readonly validation: BatchSource<BatchTuple> | undefined;
  readonly data: BatchSource<BatchTuple>;
  /** What the program says about the run: the option `config` of fit. */
  readonly config: unknown;
  /** Adds a warning. The same warning counts once. */
  warn(message: string): void;
  /** Ends the run after the present step, or after the present hook. */
  stop(reason: string): void;
  /** The prediction for a batch, in eval mode, without a graph, with averaged weights if any. */
  predict(...batch: BatchTuple): Promise<Tensor>;
  /** Runs `fn` with the averaged weights in the model, if the run averages them. */
  withAverages<R>(fn: () => R | Promise<R>): Promise<R>;
  /** The state of the run as the bytes of a checkpoint. */
  checkpoint(): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Functions that fit calls during a run. All are optional, and fit waits for those that return a
 * promise.
 */
export interface Callback {
  /** Names the state in a checkpoint. Needed with stateDict. */
  readonly name?: string;
  /**
   * Whether the hooks run after those of all other callbacks, so that a checkpoint has their state.
   */
  readonly runsLast?: boolean;
  /**
   * Whether, of several processes, only rank 0 calls the hooks, because they print, draw or save.
   */
  readonly mainOnly?: boolean;
  /** Before the first step, and after a checkpoint has been restored. */
  onTrainBegin?(run: Run): void | Promise<void>;
  /** Before the first step of an epoch. */
  onEpochBegin?(run: Run): void | Promise<void>;
  /** After each update of the parameters. */
  onStepEnd?(run: Run, loss: number): void | Promise<void>;
  /** After validation. */
  onEpochEnd?(run: Run, record: EpochRecord): void | Promise<void>;
  /** After the last epoch, and after a run that was stopped. */
  onTrainEnd?(run: Run): void | Promise<void>;
  /** When the run ends by an error, which fit throws afterwards. */
  onError?(run: Run, error: unknown): void | Promise<void>;
  /** State for a checkpoint: numbers, text, flags, typed arrays, arrays and plain objects. */
  stateDict?(): unknown;
  /** Restores a state from a checkpoint. */
  loadStateDict?(state: never): void;
}

/** Options of `fit`. */
export interface FitOptions<B extends BatchTuple> {
  /** Batches to train on. */
  readonly data: BatchSource<B>;
  /** The loss of a batch: a tensor with one element. It calls the model. */
  readonly loss: NoInfer<(...batch: B) => Tensor>;
  readonly optimizer: AnyOptimizer;
  /** Number of epochs. A resumed run counts those before. */
  readonly epochs: number;
  /** Batches to validate on after each epoch. */
  readonly validation?: BatchSource<B>;
  /**
   * What metrics and reports compare with a batch's last tensor. Default: the model's output for
   * the batch's first tensor.
   */
  readonly predict?: NoInfer<(...batch: B) => Tensor>;
  /** Measures of the validation data by name. */
  readonly metrics?: Readonly<Record<string, MetricFunction | Metric>>;
  readonly schedule?: ScheduleLike;
  /** When the schedule takes a step. Default 'epoch'. */
  readonly scheduleEvery?: 'epoch' | 'step';
  /** Batches per step. Their losses are averaged. Default 1. */
  readonly accumulate?: number;
  /** Greatest norm of all gradients together; see clipGradNorm. Default: no limit. */
  readonly clipNorm?: number;
  /** Greatest absolute value of a gradient's element; see clipGradValue. Default: no limit. */
  readonly clipValue?: number;
  /** Whether to compile the step. Default true. A loss that reads tensors cannot be compiled. */
  readonly compile?: boolean;
  /** Averages of the weights. They are validated and saved as the best model. */
  readonly ema?: StatefulTensors & {
    /** Adds the present weights to the averages. */
    update(): void;
    /** Runs `fn` with the averages in the model. */
    apply<R>(fn: () => R | Promise<R>): Promise<R>;
  };
  readonly callbacks?: readonly Callback[];
  /**
   * The processes that train together. Gradients, losses and metrics are averaged over them. The
   * loaders need a DistributedSampler.
   */
  readonly distributed?: TrainingGroup;
  /** Ends the run after the present step when it is aborted. */
  readonly signal?: AbortSignalLike;
  /** A checkpoint to go on from: a path, an address or bytes. */
  readonly resume?: string | UrlLike | Uint8Array;
  /** Generators that `loss` draws from, by name, for checkpoints. */
  readonly generators?: Readonly<Record<string, StatefulGenerator>>;
  /** What the program wants its report to say about the run. */
  readonly config?: unknown;
}

/** What a checkpoint of fit holds besides its parts. */
export interface SavedRun {
  readonly epoch: number;
  readonly batch: number;
  readonly step: number;
  readonly lossSum: number;
  readonly samples: number;
  readonly history: readonly EpochRecord[];
  readonly losses: Float64Array;
  readonly warnings: readonly string[];
  readonly validation: unknown;
  readonly callbacks: Readonly<Record<string, unknown>>;
}
