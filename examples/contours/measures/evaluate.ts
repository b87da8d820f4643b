/**
 * The counts of one image for the benchmark of BSDS500, for each threshold. Not here: precision,
 * recall and the figures of a set of images (summarise.ts).
 */
import { ValueError } from 'cedargrad';
import { type BinaryMap, type ContourMap, checkMap, checkSameSize, type PixelMap } from './maps.js';
import { match } from './match.js';
import { thin } from './thin.js';

/** Options of `evaluate`. */
export interface EvaluateOptions {
  /** The probabilities from which on a pixel is a contour, rising. Default: 0.01, 0.02 … 0.99. */
  readonly thresholds?: readonly number[];
  /** How far apart a pair may be. Default: 0.0075 times the diagonal. @units pixels */
  readonly tolerance?: number;
  /** Whether contours are thinned after the threshold. Default: true. */
  readonly thinned?: boolean;
}

/** What was counted in one image. Each list has one number for each threshold. */
export interface ImageCounts {
  readonly thresholds: Float64Array;
  /** Pixels of the annotators that were matched, over all annotators. `cntR` in the source. */
  readonly matchedTruth: Float64Array;
  /** Pixels of the annotators, over all annotators. `sumR` in the source. */
  readonly truth: Float64Array;
  /** Predicted pixels that were matched to at least one annotator. `cntP` in the source. */
  readonly matchedPrediction: Float64Array;
  /** Predicted pixels. `sumP` in the source. */
  readonly prediction: Float64Array;
}

/** The benchmark's 99 thresholds: 0.01, 0.02 … 0.99. */
export const defaultThresholds: readonly number[] = Array.from({ length: 99 }, (_, k) => (k + 1) / 100);

const countOf = (data: PixelMap['data']): number => {
  let count = 0;
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) count++;
  return count;
};

/**
 * Checks that thresholds rise, and that each is above 0 and at most 1.
 *
 * @throws ValueError if not, or if there is none
 */
export function checkThresholds(op: string, name: string, thresholds: readonly number[]): void {
  const wrong = thresholds.findIndex((t, k) => !(t > (k === 0 ? 0 : thresholds[k - 1]) && t <= 1));
  if (thresholds.length > 0 && wrong < 0) return;
  const got = wrong < 0 ? 'none' : `${name}[${wrong}]=${thresholds[wrong]}`;
  throw new ValueError(op, `${name} must rise, be above 0 and at most 1`, got);
}

/** The four counts of a set of predicted pixels. */
function countsOf(predicted: BinaryMap, truths: readonly BinaryMap[], tolerance: number): readonly number[] {
  const isMatched = new Uint8Array(predicted.data.length);
  let matchedTruth = 0;
  let truthCount = 0;
  for (const truth of truths) {
    const matching = match(predicted, truth, tolerance);
    matchedTruth += matching.count;
    truthCount += countOf(truth.data);
    for (let i = 0; i < isMatched.length; i++) if (matching.a[i] >= 0) isMatched[i] = 1;
  }
  return [matchedTruth, truthCount, countOf(isMatched), countOf(predicted.data)];
}

/**
 * Compares a predicted map with the contours of each annotator, at each threshold.
 *
 * A threshold is rounded to float32, as the probabilities are. So 0.07 in a map reaches 0.07.
 *
 * @param prediction probabilities, 0 … 1
 * @param truths one map for each annotator, of the size of `prediction`; every nonzero number is a
 * contour. They are not thinned.
 * @throws ShapeError if the maps' sizes are wrong or differ
 * @throws ValueError if there is no annotator, a probability is outside of 0 … 1, or an option is
 * out of range
 * @source BSDS500 bench/benchmarks/evaluation_bdry_image.m
 */
export function evaluate(
  prediction: ContourMap,
  truths: readonly PixelMap[],
  options: EvaluateOptions = {},
): ImageCounts {
  checkMap('evaluate', 'prediction', prediction);
  const { height, width, data } = prediction;
  const { thresholds = defaultThresholds, thinned = true } = options;
  const { tolerance = 0.0075 * Math.hypot(height, width) } = options;
  checkThresholds('evaluate', 'thresholds', thresholds);
  if (truths.length === 0) throw new ValueError('evaluate', 'truths must have at least one map', 'none');
  truths.forEach((truth, g) => {
    checkMap('evaluate', `truths[${g}]`, truth);
    checkSameSize('evaluate', 'prediction', prediction, `truths[${g}]`, truth);
  });
  const wrong = data.findIndex((v) => v < 0 || v > 1);
  if (wrong >= 0)
    throw new ValueError('evaluate', 'prediction must be in 0 … 1', `prediction[${wrong}]=${data[wrong]}`);

  // Sets of bytes need no check for NaN in each matching.
  const sets = truths.map((truth) => ({ height, width, data: Uint8Array.from(truth.data, (v) => (v === 0 ? 0 : 1)) }));
  const lists = Array.from({ length: 4 }, () => new Float64Array(thresholds.length));
  let counts: readonly number[] = [];
  let before = -1;
  thresholds.forEach((threshold, k) => {
    const least = Math.fround(threshold);
    const reached = new Uint8Array(data.length);
    let count = 0;
    for (let i = 0; i < data.length; i++)
      if (data[i] >= least) {
        reached[i] = 1;
        count++;
      }
    // Thresholds rise. So the same number of pixels means the same pixels.
    if (count !== before) {
      const map = { height, width, data: reached };
      counts = countsOf(thinned ? thin(map) : map, sets, tolerance);
    }
    before = count;
    counts.forEach((value, i) => {
      lists[i][k] = value;
    });
  });
  const [matchedTruth, truth, matchedPrediction, predicted] = lists;
  return {
    thresholds: Float64Array.from(thresholds),
    matchedTruth,
    truth,
    matchedPrediction,
    prediction: predicted,
  };
}
