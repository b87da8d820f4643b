/** The counts of one image: cases by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { evaluate, type ImageCounts } from '../../examples/contours/measures/evaluate.js';
import { ShapeError, ValueError } from '../../src/index.js';

const test = suite('contours/evaluate');

/** A map of one row, 0 except at the places given. */
const row = (width: number, values: Readonly<Record<number, number>>) => {
  const data = new Float32Array(width);
  for (const [x, value] of Object.entries(values)) data[Number(x)] = value;
  return { height: 1, width, data };
};

const lists = (counts: ImageCounts): number[][] =>
  [counts.matchedTruth, counts.truth, counts.matchedPrediction, counts.prediction].map((list) => [...list]);

test('counts of two annotators at five thresholds', () => {
  const prediction = row(9, { 1: 0.9, 4: 0.5, 8: 0.2 });
  const truths = [row(9, { 1: 1, 5: 1 }), row(9, { 2: 1 })];
  const counts = evaluate(prediction, truths, { thresholds: [0.1, 0.3, 0.4, 0.6, 0.95], tolerance: 1 });
  // At 0.1 the pixels 1, 4 and 8 are predicted. 1 and 4 match 1 and 5, and 1 also matches 2 of the
  // second annotator. From 0.3 on 8 is missing, from 0.6 on 4, and at 0.95 all.
  assert.equal(lists(counts), [
    [3, 3, 3, 2, 0],
    [3, 3, 3, 3, 3],
    [2, 2, 2, 1, 0],
    [3, 2, 2, 1, 0],
  ]);
  assert.equal([...counts.thresholds], [0.1, 0.3, 0.4, 0.6, 0.95]);
});

test('a pixel that reaches the threshold is a contour, in float32 too', () => {
  const truth = row(1, { 0: 1 });
  const thresholds = Array.from({ length: 100 }, (_, k) => (k + 1) / 100);
  for (const [k, threshold] of thresholds.entries()) {
    const counts = evaluate(row(1, { 0: threshold }), [truth], { thresholds });
    assert.is(
      counts.prediction.reduce((sum, v) => sum + v, 0),
      k + 1,
      `${threshold}`,
    );
  }
});

test('the defaults are 99 thresholds and 0.0075 of the diagonal', () => {
  // The diagonal is 500, so the tolerance is 3.75 pixels.
  const map = (x: number) => {
    const data = new Float32Array(300 * 400);
    data[200 * 400 + x] = 1;
    return { height: 300, width: 400, data };
  };
  const near = evaluate(map(100), [map(103)]);
  assert.equal(
    [...near.thresholds],
    Array.from({ length: 99 }, (_, k) => (k + 1) / 100),
  );
  assert.equal(lists(near), Array(4).fill(Array(99).fill(1)));
  assert.is(evaluate(map(100), [map(104)], { thresholds: [0.5] }).matchedTruth[0], 0);
});

test('contours are thinned, and those of annotators are not', () => {
  // A bar 3 high and 30 wide becomes one line, of at most 30 pixels.
  const bar = { height: 3, width: 30, data: new Float32Array(90).fill(1) };
  const thin = evaluate(bar, [bar], { thresholds: [0.5], tolerance: 0 });
  assert.ok(thin.prediction[0] <= 30 && thin.prediction[0] >= 26, `${thin.prediction[0]}`);
  assert.equal([thin.truth[0], thin.matchedTruth[0]], [90, thin.prediction[0]]);
  assert.equal(lists(evaluate(bar, [bar], { thresholds: [0.5], tolerance: 0, thinned: false })), [
    [90],
    [90],
    [90],
    [90],
  ]);
});

test('bad arguments are errors', () => {
  const map = row(2, { 0: 1 });
  const refuses = (run: () => unknown, kind: typeof ValueError | typeof ShapeError, message: string) =>
    assert.throws(run, (e: Error) => e instanceof kind && e.message === message);
  refuses(() => evaluate(map, []), ValueError, 'evaluate: truths must have at least one map; got none');
  refuses(
    () => evaluate(map, [map, row(3, {})]),
    ShapeError,
    'evaluate: prediction and truths[1] must have the same size; got prediction=1×2, truths[1]=1×3',
  );
  refuses(
    () => evaluate(row(2, { 1: 1.5 }), [map]),
    ValueError,
    'evaluate: prediction must be in 0 … 1; got prediction[1]=1.5',
  );
  const rule = 'evaluate: thresholds must rise, be above 0 and at most 1; got';
  refuses(() => evaluate(map, [map], { thresholds: [] }), ValueError, `${rule} none`);
  refuses(() => evaluate(map, [map], { thresholds: [0] }), ValueError, `${rule} thresholds[0]=0`);
  refuses(() => evaluate(map, [map], { thresholds: [0.5, 0.5] }), ValueError, `${rule} thresholds[1]=0.5`);
  refuses(() => evaluate(map, [map], { thresholds: [0.5, 1.1] }), ValueError, `${rule} thresholds[1]=1.1`);
});

test.run();
