/** ODS, OIS and AP: cases by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ImageCounts } from '../../examples/contours/measures/evaluate.js';
import { areaUnder, bestOf, summarise } from '../../examples/contours/measures/summarise.js';
import { ValueError } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('contours/summarise');

const counts = (
  thresholds: number[],
  matchedTruth: number[],
  truth: number[],
  matchedPrediction: number[],
  prediction: number[],
): ImageCounts => ({
  thresholds: Float64Array.from(thresholds),
  matchedTruth: Float64Array.from(matchedTruth),
  truth: Float64Array.from(truth),
  matchedPrediction: Float64Array.from(matchedPrediction),
  prediction: Float64Array.from(prediction),
});

const point = (threshold: number, recall: number, precision: number) => ({
  threshold,
  recall,
  precision,
  f: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall),
});

const at = [0.25, 0.5, 0.75];
// Recalls 0.8, 0.6, 0.2 and precisions 0.4, 0.75, 1: F is 8/15, 2/3, 1/3.
const first = counts(at, [8, 6, 2], [10, 10, 10], [8, 6, 2], [20, 8, 2]);
// Recall 0.9 and precisions 0.3, 0.5, 0.9: F is 0.45, 9/14, 0.9.
const second = counts(at, [9, 9, 9], [10, 10, 10], [9, 9, 9], [30, 18, 10]);

test('the curve has the counts of all images together', () => {
  const { curve } = summarise([first, second]);
  closeTo(
    curve.map(({ threshold }) => threshold),
    at,
    0,
  );
  closeTo(
    curve.map(({ recall }) => recall),
    [17 / 20, 15 / 20, 11 / 20],
    1e-15,
  );
  closeTo(
    curve.map(({ precision }) => precision),
    [17 / 50, 15 / 26, 11 / 12],
    1e-15,
  );
  // Where both counts of matches are the same m, F is 2·m / (truth + prediction).
  closeTo(
    curve.map(({ f }) => f),
    [34 / 70, 30 / 46, 22 / 32],
    1e-15,
  );
});

test('OIS takes each image at its own best threshold', () => {
  // Image 1 at 0.5 and image 2 at 0.75: 6 + 9 matches of 20, and of 8 + 10 predicted pixels.
  const { ois, images } = summarise([first, second]);
  closeTo([ois.recall, ois.precision, ois.f], [15 / 20, 15 / 18, 30 / 38], 1e-15);
  assert.is(images.length, 2);
  assert.is(images[1].f, 0.9);
  // On the lines to the neighbours of 0.5 the score of image 1 only falls.
  closeTo([images[0].f, images[0].threshold], [2 / 3, 0.5], 1e-14);
});

test('of thresholds with equal scores OIS takes the first', () => {
  // Recall and precision change places between the two, and F stays 2·(1/2)·1 / (3/2) = 2/3.
  const { ois } = summarise([counts([0.3, 0.6], [4, 2], [4, 4], [4, 2], [8, 2])]);
  assert.equal([ois.recall, ois.precision], [1, 0.5]);
});

test('the best score lies on a line between two points', () => {
  // From recall 1, precision 0 to recall 0, precision 1 F is 2·d·(1 − d). It is largest at d = 0.5.
  // Of the places i/99, 49/99 and 50/99 are nearest.
  const best = bestOf([point(0.2, 1, 0), point(0.6, 0, 1)]);
  closeTo([best.f], [(2 * 49 * 50) / 99 ** 2], 1e-14);
  assert.ok(Math.abs(best.threshold - 0.4) < 0.4 / 99, `${best.threshold}`);
  closeTo([best.recall + best.precision], [1], 1e-14);
  // ODS is that of the pooled curve. Between its points 2 and 3 the precision is
  // 15/26 + d·(11/12 − 15/26), and the recall is 0.75 − 0.2·d.
  const steps = Array.from({ length: 100 }, (_, i) => {
    const [p, r] = [15 / 26 + (i / 99) * (11 / 12 - 15 / 26), 0.75 - (0.2 * i) / 99];
    return (2 * p * r) / (p + r);
  });
  const { ods } = summarise([first, second]);
  closeTo([ods.f], [Math.max(...steps)], 1e-14);
  assert.ok(ods.f > 22 / 32 + 0.005);
  closeTo([ods.threshold], [0.5 + (0.25 * steps.indexOf(Math.max(...steps))) / 99], 1e-12);
});

test('a curve of one point is its own best', () => {
  assert.equal(bestOf([point(0.5, 0.3, 0.6)]), point(0.5, 0.3, 0.6));
});

test('the area is a sum over the recalls 0, 0.01 … 1', () => {
  // 51 recalls, 0.5 … 1, at which the precision falls evenly from 0.8 to 0.4: 51 · 0.6 / 100.
  closeTo([areaUnder([point(0.2, 1, 0.4), point(0.6, 0.5, 0.8)])], [0.306], 1e-14);
  // A second point at recall 0.5 counts for nothing.
  closeTo([areaUnder([point(0.2, 1, 0.4), point(0.6, 0.5, 0.8), point(0.7, 0.5, 0.1)])], [0.306], 1e-14);
  // All 101 recalls with precision 1.
  closeTo([areaUnder([point(0.2, 1, 1), point(0.6, 0, 1)])], [1.01], 1e-14);
  // Three points: 0.2 … 0.5 from 1 to 0.7 is 31 · 0.85. 0.51 … 0.6 is 10 recalls of 0.7 − 0.02·k,
  // k = 1 … 10: 7 − 0.02 · 55.
  const three = [point(0.1, 0.6, 0.5), point(0.5, 0.5, 0.7), point(0.9, 0.2, 1)];
  closeTo([areaUnder(three)], [(31 * 0.85 + 7 - 1.1) / 100], 1e-14);
  assert.is(areaUnder([point(0.2, 0.5, 1), point(0.6, 0.5, 1)]), 0);
  assert.is(areaUnder([]), 0);
});

test('no contours at all give 0, not NaN', () => {
  const nothing = summarise([counts([0.5, 0.6], [0, 0], [0, 0], [0, 0], [0, 0])]);
  const zero = { recall: 0, precision: 0, f: 0 };
  assert.equal([nothing.ods, nothing.ois, nothing.ap], [{ threshold: 0.5, ...zero }, zero, 0]);
  const noTruth = summarise([counts([0.5], [0], [0], [0], [5])]);
  const noPrediction = summarise([counts([0.5], [0], [5], [0], [0])]);
  assert.equal([noTruth.ods.f, noPrediction.ods.f], [0, 0]);
});

test('bad arguments are errors', () => {
  const refuses = (run: () => unknown, message: string) =>
    assert.throws(run, (e: Error) => e instanceof ValueError && e.message === message);
  refuses(() => summarise([]), 'summarise: there must be at least one image; got none');
  refuses(
    () => summarise([first, counts([0.25, 0.5], [0, 0], [0, 0], [0, 0], [0, 0])]),
    'summarise: all images must have the same thresholds; got other ones in image 1 than in image 0',
  );
  refuses(() => bestOf([]), 'bestOf: the curve must have at least one point; got none');
});

test.run();
