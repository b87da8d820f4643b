/**
 * The figures of the benchmark of BSDS500 for a set of images: ODS, OIS and AP. Not here: the
 * counts of an image (evaluate.ts).
 */
import { ValueError } from 'cedargrad';
import type { ImageCounts } from './evaluate.js';

/** Precision, recall and their harmonic mean. */
export interface Score {
  readonly precision: number;
  readonly recall: number;
  /** 2·precision·recall / (precision + recall), and 0 if both are 0. */
  readonly f: number;
}

/** A score, and the threshold at which it was reached. */
export interface ScoreAt extends Score {
  readonly threshold: number;
}

/** The figures of a set of images. */
export interface Summary {
  /** The scores of the set at each threshold, from the counts of all images together. */
  readonly curve: readonly ScoreAt[];
  /** Optimal dataset scale: the best score with one threshold for all images. */
  readonly ods: ScoreAt;
  /** Optimal image scale: the score with the best threshold of each image. */
  readonly ois: Score;
  /** Average precision: the area below the curve of precision over recall. */
  readonly ap: number;
  /** The best score of each image alone, in the order of the images. */
  readonly images: readonly ScoreAt[];
}

/** fmeasure of the source. */
const fOf = (recall: number, precision: number): number => {
  const sum = precision + recall;
  return (2 * precision * recall) / (sum + (sum === 0 ? 1 : 0));
};

/** The share of `matched` in `all`, and 0 if there is none: cnt ./ (sum + (sum==0)). */
const share = (matched: number, all: number): number => matched / (all + (all === 0 ? 1 : 0));

const score = (matchedTruth: number, truth: number, matchedPrediction: number, prediction: number): Score => {
  const recall = share(matchedTruth, truth);
  const precision = share(matchedPrediction, prediction);
  return { precision, recall, f: fOf(recall, precision) };
};

const curveOf = (counts: ImageCounts): ScoreAt[] =>
  Array.from(counts.thresholds, (threshold, k) => ({
    threshold,
    ...score(counts.matchedTruth[k], counts.truth[k], counts.matchedPrediction[k], counts.prediction[k]),
  }));

/**
 * The best score on the lines between neighbouring points of a curve. Each line is looked at in 100
 * places. Between two points, precision and recall change linearly with the threshold. Of equal
 * scores the first is taken.
 *
 * @throws ValueError if the curve is empty
 * @source maxF in BSDS500 bench/benchmarks/collect_eval_bdry.m
 */
export function bestOf(curve: readonly ScoreAt[]): ScoreAt {
  if (curve.length === 0) throw new ValueError('bestOf', 'the curve must have at least one point', 'none');
  let [best] = curve;
  for (let k = 1; k < curve.length; k++)
    for (let i = 0; i < 100; i++) {
      const d = i / 99;
      const between = (name: 'threshold' | 'recall' | 'precision'): number =>
        curve[k][name] * d + curve[k - 1][name] * (1 - d);
      const [recall, precision] = [between('recall'), between('precision')];
      const f = fOf(recall, precision);
      if (f > best.f) best = { threshold: between('threshold'), recall, precision, f };
    }
  return best;
}

/**
 * The area below a curve of precision over recall: the sum of the precisions at the recalls
 * 0, 0.01 … 1, divided by 100. Between points of the curve, precision is interpolated linearly.
 * Outside of the curve's recalls it is 0. Of points with the same recall, the first counts. A curve
 * with fewer than two recalls has area 0. There are 101 recalls, so a perfect curve that begins at
 * recall 0 has area 1.01.
 *
 * @source Area_PR in BSDS500 bench/benchmarks/collect_eval_bdry.m
 */
export function areaUnder(curve: readonly Score[]): number {
  const firsts = new Map<number, number>();
  for (const { recall, precision } of curve) if (!firsts.has(recall)) firsts.set(recall, precision);
  const points = [...firsts].sort(([r1], [r2]) => r1 - r2);
  let sum = 0;
  for (let i = 0; i <= 100; i++) {
    const at = i / 100;
    const after = points.findIndex(([recall]) => recall >= at);
    if (after < 0 || (after === 0 && points[0][0] !== at)) continue;
    const [recall, precision] = points[after];
    const [recall0, precision0] = points[Math.max(after - 1, 0)];
    sum += recall === at ? precision : precision0 + ((at - recall0) / (recall - recall0)) * (precision - precision0);
  }
  return points.length > 1 ? sum / 100 : 0;
}

/**
 * The figures of a set of images from what `evaluate` counted in each.
 *
 * @throws ValueError if there is no image, or the images' thresholds differ
 * @source BSDS500 bench/benchmarks/collect_eval_bdry.m
 */
export function summarise(counts: readonly ImageCounts[]): Summary {
  if (counts.length === 0) throw new ValueError('summarise', 'there must be at least one image', 'none');
  const { thresholds } = counts[0];
  const other = counts.findIndex(
    (image) => image.thresholds.length !== thresholds.length || image.thresholds.some((t, k) => t !== thresholds[k]),
  );
  if (other >= 0)
    throw new ValueError(
      'summarise',
      'all images must have the same thresholds',
      `other ones in image ${other} than in image 0`,
    );

  const sumOf = (name: Exclude<keyof ImageCounts, 'thresholds'>): Float64Array =>
    thresholds.map((_, k) => counts.reduce((sum, image) => sum + image[name][k], 0));
  const curve = curveOf({
    thresholds,
    matchedTruth: sumOf('matchedTruth'),
    truth: sumOf('truth'),
    matchedPrediction: sumOf('matchedPrediction'),
    prediction: sumOf('prediction'),
  });

  const images: ScoreAt[] = [];
  const best: [number, number, number, number] = [0, 0, 0, 0];
  for (const image of counts) {
    const own = curveOf(image);
    images.push(bestOf(own));
    // The counts at the image's best threshold, without interpolation. Of equal ones the first.
    let at = 0;
    own.forEach(({ f }, k) => {
      if (f > own[at].f) at = k;
    });
    best[0] += image.matchedTruth[at];
    best[1] += image.truth[at];
    best[2] += image.matchedPrediction[at];
    best[3] += image.prediction[at];
  }
  return { curve, ods: bestOf(curve), ois: score(...best), ap: areaUnder(curve), images };
}
