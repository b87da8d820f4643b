/**
 * Pixel accuracy, intersection over union and F-measure over a whole set. Not here: their means
 * over the samples of a batch (overlap.ts).
 */
import { knownOptions } from '../../arguments.js';
import { noGrad } from '../../autograd/backward.js';
import { stack } from '../../autograd/ops/movement.js';
import { ShapeError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import {
  agreeing,
  checkOptions,
  compare,
  type FMeasureOptions,
  fMeasureOf,
  fMeasureOptions,
  intersectionOverUnion,
  type Measure,
  type OverlapOptions,
  overlapOptions,
} from './counts.js';
import { checkAny, checkGroup, type Metric, type MetricGroup } from './metric.js';

/** Counts over a set, per class. They are whole numbers on the host, so no digit is lost. */
abstract class SetMetric implements Metric {
  readonly #op: string;
  readonly #options: OverlapOptions;
  protected both: number[] = [];
  protected predicted: number[] = [];
  protected actual: number[] = [];
  protected agreeing = 0;
  protected total = 0;
  #samples = 0;

  constructor(op: string, options: OverlapOptions) {
    checkOptions(op, options);
    this.#op = op;
    this.#options = options;
  }
  reset(): void {
    this.both = [];
    this.predicted = [];
    this.actual = [];
    this.agreeing = 0;
    this.total = 0;
    this.#samples = 0;
  }
  async update(prediction: Tensor, target: Tensor): Promise<void> {
    const op = `${this.#op}.update`;
    const { perClass, perSample } = noGrad(() => {
      const comparison = compare(op, prediction, target, this.#options);
      const { both, predicted, actual, total } = comparison;
      return { perClass: stack([both, predicted, actual]), perSample: stack([agreeing(comparison), total]) };
    });
    const [, samples = 1, classes = 1] = perClass.shape;
    if (this.#samples > 0 && this.both.length !== classes)
      throw new ShapeError(
        op,
        'all batches must have as many classes',
        `${classes} classes after ${this.both.length}`,
        'call reset() before another set',
      );
    const [counts, sums] = await Promise.all([perClass.data(), perSample.data()]);
    perClass.release();
    perSample.release();
    if (this.#samples === 0) for (const list of [this.both, this.predicted, this.actual]) list.length = classes;
    [this.both, this.predicted, this.actual].forEach((list, kind) => {
      for (let k = 0; k < classes; k++)
        for (let n = 0; n < samples; n++) list[k] = (list[k] ?? 0) + (counts[(kind * samples + n) * classes + k] ?? 0);
    });
    for (let n = 0; n < samples; n++) {
      this.agreeing += sums[n] ?? 0;
      this.total += sums[samples + n] ?? 0;
    }
    this.#samples += samples;
  }
  merge(group: MetricGroup): void {
    checkGroup(`${this.#op}.merge`, group);
    const lists = [this.both, this.predicted, this.actual];
    const sums = group.sum(this.#op, [...lists.flat(), this.agreeing, this.total, this.#samples]);
    for (const list of lists) list.splice(0, list.length, ...sums.splice(0, list.length));
    [this.agreeing = 0, this.total = 0, this.#samples = 0] = sums;
  }
  compute(): number {
    checkAny(`${this.#op}.compute`, this.#samples);
    return this.value();
  }
  /** The measure of the counts so far. */
  protected abstract value(): number;

  /** The mean of a measure over the classes that occur, or 1 if none does. */
  protected mean(measure: Measure): number {
    const ratios = this.both.flatMap((both, k) => {
      const [predicted = 0, actual = 0] = [this.predicted[k], this.actual[k]];
      const below = measure.both * both + measure.predicted * predicted + measure.actual * actual;
      return below > 0 ? [(measure.over * both) / below] : [];
    });
    return ratios.length === 0 ? 1 : ratios.reduce((a, b) => a + b, 0) / ratios.length;
  }
}

/**
 * The share of all elements of a set that are predicted correctly, as in pixelAccuracy. It is 1 if
 * all of them are ignored.
 * @units 0 … 1
 * @throws as pixelAccuracy; ValueError for compute() before any update()
 * @source sklearn.metrics.accuracy_score of all elements together
 */
export class PixelAccuracy extends SetMetric {
  constructor(options: OverlapOptions = {}) {
    knownOptions('PixelAccuracy', options, overlapOptions);
    super('PixelAccuracy', options);
  }
  protected value(): number {
    return this.total === 0 ? 1 : this.agreeing / this.total;
  }
}

/**
 * Intersection over union of a set: TP/(TP + FP + FN) with counts over all samples, while iou is
 * the mean of each sample's own quotient. Of class numbers it is the mean over the classes that
 * occur, the mean IoU of segmentation. It is 1 if nothing is marked in any prediction and target.
 * @units 0 … 1
 * @throws as iou; ShapeError for another number of classes than in the batch before; ValueError for
 * compute() before any update()
 * @source Everingham et al. 2010, "The PASCAL VOC Challenge"; tf.keras.metrics.MeanIoU
 */
export class IoU extends SetMetric {
  constructor(options: OverlapOptions = {}) {
    knownOptions('IoU', options, overlapOptions);
    super('IoU', options);
  }
  protected value(): number {
    return this.mean(intersectionOverUnion);
  }
}

/**
 * F-measure of a set, with counts over all samples, while fMeasure is the mean of each sample's
 * own. Of class numbers it is the mean over the classes that occur.
 * @units 0 … 1
 * @throws as fMeasure; ShapeError for another number of classes than in the batch before;
 * ValueError for compute() before any update()
 * @source van Rijsbergen 1979, "Information Retrieval"; sklearn.metrics.fbeta_score
 */
export class FMeasure extends SetMetric {
  readonly #measure: Measure;

  constructor(options: FMeasureOptions = {}) {
    knownOptions('FMeasure', options, fMeasureOptions);
    const { beta = 1, ...rest } = options;
    super('FMeasure', rest);
    this.#measure = fMeasureOf('FMeasure', beta);
  }
  protected value(): number {
    return this.mean(this.#measure);
  }
}
