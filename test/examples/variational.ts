/** The example variational: a short run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printed, shortRun } from '../helpers/example.js';

const test = suite('variational');

test('two epochs: the bound is better than that of single pixels, and the picture is whole', () => {
  const stdout = shortRun('variational', 2, [1105, 652]);
  // The entropy of the pixels' means in each batch, computed in float64: 203.94255.
  assert.is(printed(stdout, 'each pixel alone by its mean'), 203.9);
  const own = printed(stdout, 'variational autoencoder');
  assert.ok(own > 100 && own < 175, stdout);
});

test.run();
