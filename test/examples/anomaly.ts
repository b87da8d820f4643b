/** The example anomaly: a short run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printed, shortRun } from '../helpers/example.js';

const test = suite('anomaly');

test('six epochs: the error finds other digits better than the mean five, and the picture is whole', () => {
  const stdout = shortRun('anomaly', 6, [809, 404]);
  // Both were computed in float64, by counting pairs.
  assert.is(printed(stdout, 'distance to the mean five'), 0.78);
  assert.is(printed(stdout, 'distance to the nearest of 750'), 0.954);
  assert.ok(printed(stdout, 'error of the autoencoder') > 0.85, stdout);
});

test.run();
