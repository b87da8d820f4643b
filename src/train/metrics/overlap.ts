/**
 * Pixel accuracy, intersection over union and F-measure as functions: the mean over the samples of
 * a batch, computed on the device. Not here: the same over a set (overlap-sets.ts), and the counts
 * (counts.ts).
 */
import { knownOptions } from '../../arguments.js';
import { noGrad } from '../../autograd/backward.js';
import type { Tensor } from '../../tensor/tensor.js';
import {
  agreeing,
  type Counts,
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

/** The dtype of a metric of a prediction. */
const dtypeFor = ({ dtype }: Tensor): 'float32' | 'float64' => (dtype === 'float64' ? dtype : 'float32');

/** above/below, and 1 where both are 0. */
function quotients(above: Tensor, below: Tensor, dtype: 'float32' | 'float64'): Tensor {
  const divisor = below.cast(dtype);
  return above
    .cast(dtype)
    .div(divisor.where(divisor.greater(0), 1))
    .where(divisor.greater(0), 1);
}

/** The mean over the samples of the mean over the classes that occur. */
function meanOverlap(counts: Counts, { over, both, predicted, actual }: Measure, dtype: 'float32' | 'float64'): Tensor {
  const shared = counts.both.cast(dtype);
  const below = counts.predicted
    .cast(dtype)
    .mul(predicted)
    .add(counts.actual.cast(dtype).mul(actual))
    .add(shared.mul(both));
  const occurs = below.greater(0);
  const ratio = shared.mul(over).div(below.where(occurs, 1));
  return quotients(ratio.sum(1), occurs.sum(1), dtype).mean();
}

/**
 * The share of elements that are predicted correctly, as a mean over the samples of the batch. An
 * element of a mask is correct if it is marked in the prediction and in the target, or in neither.
 * A prediction is marked where it is greater than the threshold, and a target where it is greater
 * than 0.5. Of class numbers, the largest channel is the prediction. A sample all of whose elements
 * are ignored counts as 1.
 * @shape prediction [N,…], target, as prediction → scalar; or [N,…,K] and [N,…] int32 → scalar
 * @units 0 … 1
 * @gradient none
 * @throws ShapeError when shapes do not fit; ValueError for options out of range, or that do not go
 * with such a target
 * @source Long, Shelhamer and Darrell 2015, "Fully Convolutional Networks for Semantic
 * Segmentation"; sklearn.metrics.accuracy_score
 */
export function pixelAccuracy(prediction: Tensor, target: Tensor, options: OverlapOptions = {}): Tensor {
  const op = 'pixelAccuracy';
  knownOptions(op, options, overlapOptions);
  checkOptions(op, options);
  return noGrad(() => {
    const comparison = compare(op, prediction, target, options);
    return quotients(agreeing(comparison), comparison.total, dtypeFor(prediction)).mean();
  });
}

/**
 * Intersection over union, the Jaccard index |P ∩ T| / |P ∪ T| = TP/(TP + FP + FN), as a mean over
 * the samples of the batch. P and T are the elements marked in the prediction and in the target, as
 * in pixelAccuracy. A sample in which nothing is marked on either side counts as 1, because the
 * prediction is right. Of class numbers it is the mean over the classes that occur in the sample's
 * prediction or target.
 * @shape prediction [N,…], target, as prediction → scalar; or [N,…,K] and [N,…] int32 → scalar
 * @units 0 … 1
 * @gradient none
 * @throws as pixelAccuracy
 * @source Jaccard 1912; Everingham et al. 2010, "The PASCAL VOC Challenge";
 * sklearn.metrics.jaccard_score
 */
export function iou(prediction: Tensor, target: Tensor, options: OverlapOptions = {}): Tensor {
  const op = 'iou';
  knownOptions(op, options, overlapOptions);
  checkOptions(op, options);
  return noGrad(() =>
    meanOverlap(compare(op, prediction, target, options), intersectionOverUnion, dtypeFor(prediction)),
  );
}

/**
 * The F-measure (1+β²)·precision·recall/(β²·precision + recall) = (1+β²)·TP/((1+β²)·TP + β²·FN +
 * FP), as a mean over the samples of the batch. With beta 1 it is the Dice coefficient. Marked
 * elements, empty samples and class numbers are treated as in iou.
 * @shape prediction [N,…], target, as prediction → scalar; or [N,…,K] and [N,…] int32 → scalar
 * @units 0 … 1
 * @gradient none
 * @throws as pixelAccuracy; ValueError for a beta that is not positive
 * @source van Rijsbergen 1979, "Information Retrieval"; sklearn.metrics.fbeta_score
 */
export function fMeasure(prediction: Tensor, target: Tensor, options: FMeasureOptions = {}): Tensor {
  const op = 'fMeasure';
  knownOptions(op, options, fMeasureOptions);
  const { beta = 1, ...rest } = options;
  const measure = fMeasureOf(op, beta);
  checkOptions(op, rest);
  return noGrad(() => meanOverlap(compare(op, prediction, target, rest), measure, dtypeFor(prediction)));
}
