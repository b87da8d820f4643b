/**
 * What a metric is, and the metric that averages a function. Not here: the metrics themselves (the
 * other files of this folder).
 */
import { checkFunction, checkNumber, shown } from '../../arguments.js';
import { checkTensor, isTensor } from '../../autograd/graph.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';

/** A metric as a function: the mean over the samples of a batch. */
export type MetricFunction = (prediction: Tensor, target: Tensor) => Tensor | number | Promise<number>;

/** A metric that is accumulated over the batches of a data set. */
export interface Metric {
  /** Forgets everything. */
  reset(): void;
  /** Adds a batch. */
  update(prediction: Tensor, target: Tensor): void | Promise<void>;
  /** Adds what the other processes have seen. Needed with several processes. */
  merge?(group: MetricGroup): void;
  /** The metric of everything since reset(). */
  compute(): number | Promise<number>;
}

/** The processes that have seen the parts of a data set. */
export interface MetricGroup {
  readonly rank: number;
  readonly size: number;
  /** The sums over all ranks. `place` names the call. */
  sum(place: string, values: readonly number[]): number[];
  /** Sums an array in place. */
  sumInPlace(values: Float64Array): void;
}

/** Checks that a value is a group of processes. */
export function checkGroup(op: string, group: MetricGroup): void {
  if (typeof group?.sum !== 'function' || typeof group.sumInPlace !== 'function')
    throw new ValueError(
      op,
      'group must be a group of processes',
      `group=${shown(group)}`,
      'pass await distributed() of cedargrad/distributed',
    );
}

/** Refuses a value that was asked for before any batch. Without this it would be 0/0. */
export function checkAny(op: string, count: number): void {
  if (count === 0) throw new ValueError(op, 'there must be samples', 'none since reset()', 'call update() first');
}

/** Checks that a prediction is a tensor whose first axis counts the samples. */
export function checkSamples(op: string, prediction: unknown, target: unknown): void {
  for (const [name, value] of Object.entries({ prediction, target })) {
    checkTensor(op, name, value);
    if (value.rank === 0)
      throw new ShapeError(op, 'the first axis must count the samples', `${name}=${show(value.shape)}`);
  }
}

/**
 * The mean of a metric function over all samples of a set. A batch counts in proportion to its
 * samples.
 * @throws ValueError if fn is not a function, if it gives something other than a number or a
 * tensor, or for compute() before any update()
 * @source torchmetrics.MeanMetric
 */
export class MeanMetric implements Metric {
  readonly #fn: MetricFunction;
  #sum = 0;
  #count = 0;

  constructor(fn: MetricFunction) {
    checkFunction('MeanMetric', 'fn', fn);
    this.#fn = fn;
  }
  reset(): void {
    this.#sum = 0;
    this.#count = 0;
  }
  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const op = 'MeanMetric.update';
    checkSamples(op, prediction, target);
    const result: unknown = this.#fn(prediction, target);
    const value: unknown = isTensor(result) ? await result.item() : await result;
    if (typeof value !== 'number')
      throw new ValueError(op, 'the metric must be a number or a tensor with one element', shown(value));
    const [samples = 1] = prediction.shape;
    this.#sum += value * samples;
    this.#count += samples;
  }
  merge(group: MetricGroup): void {
    checkGroup('MeanMetric.merge', group);
    [this.#sum = 0, this.#count = 0] = group.sum('MeanMetric', [this.#sum, this.#count]);
  }
  compute(): number {
    checkAny('MeanMetric.compute', this.#count);
    return this.#sum / this.#count;
  }
}

/** Checks that a number is finite and positive. */
export const checkPositive = (op: string, name: string, value: number): void =>
  checkNumber(op, name, value, (v) => v > 0 && v < Infinity, 'finite and positive');
