/** Measures a model on a set of batches: its mean loss and metrics. Not here: single metrics. */
import { checkFunction, checkRecord, knownOptions, type OptionNames, shown } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { isTensor } from '../autograd/graph.js';
import { DataLoader } from '../data/loader.js';
import { show, ValueError } from '../errors.js';
import { checkModel } from '../io/weights.js';
import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkGroup, MeanMetric, type Metric, type MetricFunction } from './metrics/metric.js';
import type { BatchSource, BatchTuple, TrainingGroup } from './run.js';

/** Options of `evaluate`. */
export interface EvaluateOptions<B extends BatchTuple> {
  readonly data: BatchSource<B>;
  /** The loss of a batch: a tensor with one element. */
  readonly loss?: NoInfer<(...batch: B) => Tensor>;
  /**
   * What metrics compare with a batch's last tensor. Default: the model's output for the batch's
   * first tensor.
   */
  readonly predict?: NoInfer<(...batch: B) => Tensor>;
  readonly metrics?: Readonly<Record<string, MetricFunction | Metric>>;
  /** The processes that have the parts of the data. All get the values of the whole. */
  readonly distributed?: TrainingGroup;
}

const evaluateOptions: OptionNames<EvaluateOptions<BatchTuple>> = {
  data: 'value',
  loss: 'value',
  predict: 'value',
  metrics: 'value',
  distributed: 'value',
};

/** What `evaluate` measures. */
export interface Evaluation {
  /** Mean over the samples. Missing without the option `loss`. */
  readonly loss?: number;
  readonly metrics: Readonly<Record<string, number>>;
  /** Number of samples. */
  readonly samples: number;
}

type Batches<B> = AsyncIterator<B> | Iterator<B>;

/** The batches of one epoch. @throws ValueError for what cannot be iterated */
export function batchesOf<B extends BatchTuple>(
  op: string,
  name: string,
  source: BatchSource<B>,
  epoch: number,
): Batches<B> {
  const all: unknown = typeof source === 'function' ? source(epoch) : source;
  const iterable = all as Partial<AsyncIterable<B> & Iterable<B>> | null | undefined;
  if (typeof iterable === 'object' && iterable !== null && !isTensor(iterable)) {
    const batches = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
    if (batches !== undefined) return batches;
  }
  throw new ValueError(
    op,
    `${name} must give batches: a DataLoader, an array of batches, or a function that returns one`,
    `${name}=${shown(all)}`,
    isTensor(all) ? 'put the tensors of a batch into an array: [[x, y]]' : '',
  );
}

/** The number of batches of an epoch, where the data says so. */
export function lengthOf<B extends BatchTuple>(data: BatchSource<B>): number | undefined {
  const length: unknown = typeof data === 'function' ? undefined : (data as { readonly length?: unknown }).length;
  return typeof length === 'number' ? length : undefined;
}

/** Checks that a value is a batch. */
export function checkBatch(op: string, name: string, batch: unknown): void {
  if (Array.isArray(batch) && batch.length > 0 && batch.every(isTensor)) return;
  const hint = isTensor(batch) ? 'a batch of one tensor is [x]' : 'a batch is a tuple of tensors, such as [x, y]';
  throw new ValueError(op, `${name} must give arrays of tensors`, shown(batch), hint);
}

/** Checks that a loss is one number. */
export function checkLoss(op: string, loss: unknown): void {
  if (isTensor(loss) && loss.size === 1) return;
  const got = isTensor(loss) ? `a tensor ${show(loss.shape)}` : shown(loss);
  const hint =
    loss instanceof Promise
      ? 'it must not be asynchronous: return the tensor, not its value'
      : "let the loss reduce to its mean: { reduction: 'mean' }";
  throw new ValueError(op, 'loss must return a tensor with one element', got, hint);
}

export const isMetric = (value: unknown): value is Metric =>
  typeof value === 'object' &&
  value !== null &&
  (['reset', 'update', 'compute'] as const).every((name) => typeof (value as Partial<Metric>)[name] === 'function');

/** Checks the option `metrics`. */
export function checkMetrics(op: string, metrics: Readonly<Record<string, MetricFunction | Metric>>): void {
  checkRecord(op, 'metrics', metrics, 'metrics');
  for (const [name, metric] of Object.entries(metrics)) {
    if (['loss', 'valLoss', 'lr', 'epoch', 'step', 'seconds'].includes(name))
      throw new ValueError(
        op,
        'a metric needs a name of its own',
        `metrics.${name}`,
        'the records have a value of this name',
      );
    if (typeof metric !== 'function' && !isMetric(metric))
      throw new ValueError(
        op,
        'a metric must be a function, or an object with reset, update and compute',
        `metrics.${name}=${shown(metric)}`,
      );
  }
}

/** Puts all modules into one mode, calls `fn`, and gives each module its own mode back. */
export async function inMode<R>(model: Module, training: boolean, fn: () => R | Promise<R>): Promise<R> {
  const modes = model.namedModules().map(([, module]) => [module, module.training] as const);
  model.train(training);
  try {
    return await fn();
  } finally {
    for (const [module, mode] of modes) module.training = mode;
  }
}

/** The model's output for the first tensor of a batch. */
export const outputOf =
  (op: string, model: Module) =>
  (...batch: BatchTuple): Tensor => {
    const output: unknown = (model.forward as unknown as (x: Tensor) => unknown)(batch[0] as Tensor);
    if (isTensor(output)) return output;
    throw new ValueError(
      op,
      'a model whose output is not one tensor needs the option predict',
      shown(output),
      'predict: (x) => …',
    );
  };

/**
 * The pass of evaluate. Arguments are checked. `owned` batches are released after use. A group's
 * processes have parts of the data, and all get the values of the whole.
 */
export async function measure<B extends BatchTuple>(
  op: string,
  model: Module,
  { data, loss, predict, metrics = {} }: EvaluateOptions<B>,
  owned: boolean,
  epoch = 1,
  group?: TrainingGroup,
): Promise<Evaluation> {
  const predictionOf = predict ?? outputOf(op, model);
  const measures = Object.entries(metrics).map(([name, metric]) => ({
    name,
    metric: typeof metric === 'function' ? new MeanMetric(metric) : metric,
  }));
  for (const { metric } of measures) metric.reset();
  let sum = 0;
  let samples = 0;
  const source = batchesOf(op, 'data', data, epoch);
  try {
    for (let next = await source.next(); next.done !== true; next = await source.next()) {
      const batch = next.value;
      checkBatch(op, 'data', batch);
      const weight = batch[0]?.shape[0] ?? 1;
      const results = noGrad(() => ({
        loss: loss === undefined ? undefined : loss(...batch),
        prediction: measures.length === 0 ? undefined : predictionOf(...batch),
      }));
      if (results.loss !== undefined) {
        checkLoss(op, results.loss);
        sum += (await results.loss.item()) * weight;
        results.loss.release();
      }
      samples += weight;
      if (measures.length > 0 && !isTensor(results.prediction))
        throw new ValueError(op, 'predict must return a tensor', shown(results.prediction));
      if (results.prediction !== undefined) {
        for (const { metric } of measures) await metric.update(results.prediction, batch.at(-1) as Tensor);
        if (!batch.includes(results.prediction)) results.prediction.release();
      }
      if (owned) for (const t of batch) t.release();
    }
  } finally {
    await source.return?.();
  }
  if (group !== undefined && group.size > 1) {
    [sum = 0, samples = 0] = group.sum('validation', [sum, samples]);
    for (const { name, metric } of measures) {
      if (metric.merge === undefined)
        throw new ValueError(op, 'a metric of several processes must have a method merge', `metrics.${name}`);
      metric.merge(group);
    }
  }
  if (samples === 0) throw new ValueError(op, 'data must have batches', 'none', 'is the data set empty?');
  const values: Record<string, number> = {};
  for (const { name, metric } of measures) values[name] = await metric.compute();
  return { ...(loss !== undefined && { loss: sum / samples }), metrics: values, samples };
}

/**
 * The mean loss of a model over batches, and metrics of its predictions. The model is in eval mode
 * meanwhile, and nothing is recorded.
 * @throws ValueError for unknown options, no batches, batches that are not arrays of tensors, or a
 * loss that is not one number
 * @source keras.Model.evaluate
 */
export async function evaluate<B extends BatchTuple>(model: Module, options: EvaluateOptions<B>): Promise<Evaluation> {
  const op = 'evaluate';
  checkModel(op, model);
  knownOptions(op, options, evaluateOptions as OptionNames<EvaluateOptions<B>>);
  for (const name of ['loss', 'predict'] as const)
    if (options[name] !== undefined) checkFunction(op, name, options[name]);
  if (options.metrics !== undefined) checkMetrics(op, options.metrics);
  const { data, distributed } = options;
  if (distributed !== undefined) checkGroup(op, distributed);
  return inMode(model, false, () => measure(op, model, options, data instanceof DataLoader, 1, distributed));
}
