/** The loss curve of the page: its means by hand, and that its length is bounded. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { emptyCurve, mostPoints, pointsOf, withLosses } from '../../examples/web/ui/losses.js';

const test = suite('web/losses');

const range = (count: number, from = 1): number[] => Array.from({ length: count }, (_, i) => from + i);

test('few steps have a point each', () => {
  assert.equal(pointsOf(withLosses(emptyCurve, [4, 2, 3])), [
    [1, 2, 3],
    [4, 2, 3],
  ]);
  assert.equal(pointsOf(emptyCurve), [[], []]);
});

test('one step too many makes points of two steps, the last of one', () => {
  const curve = withLosses(emptyCurve, range(mostPoints + 1));
  assert.is(curve.binSize, 2);
  const [steps, means] = pointsOf(curve);
  // Steps 1 and 2 have the losses 1 and 2, and so on. The last step is alone.
  assert.equal(steps.slice(0, 2), [1.5, 3.5]);
  assert.equal(means.slice(0, 2), [1.5, 3.5]);
  assert.is(steps.at(-1), mostPoints + 1);
  assert.is(means.at(-1), mostPoints + 1);
});

test('each point is the mean of its steps, however the losses arrive', () => {
  const count = 5 * mostPoints + 3;
  const atOnce = withLosses(emptyCurve, range(count));
  let oneByOne = emptyCurve;
  for (const loss of range(count)) oneByOne = withLosses(oneByOne, [loss]);
  for (const curve of [atOnce, oneByOne]) {
    assert.is(curve.binSize, 8);
    assert.is(curve.steps, count);
    // The mean of the whole numbers of a point is its middle, which is its step.
    const [steps, means] = pointsOf(curve);
    means.forEach((mean, i) => {
      assert.ok(Math.abs(mean - steps[i]) < 1e-9, `${mean} at ${steps[i]}`);
    });
  }
});

test('the last point grows until it is full', () => {
  const curve = withLosses(emptyCurve, [...Array(2 * mostPoints).fill(0), 6]);
  assert.is(curve.binSize, 4);
  assert.is(curve.means.at(-1), 6);
  const more = withLosses(curve, [0, 0]);
  assert.is(more.means.at(-1), 2);
});

test('memory stays bounded', () => {
  let curve = emptyCurve;
  for (let i = 0; i < 200; i++) curve = withLosses(curve, Array(1000).fill(1));
  assert.ok(curve.means.length <= mostPoints);
  assert.is(curve.steps, 200_000);
  assert.ok(curve.means.every((mean) => mean === 1));
});

test.run();
