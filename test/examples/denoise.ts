/** The example denoise: a short run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printed, shortRun } from '../helpers/example.js';

const test = suite('denoise');

test('two epochs: noise is removed, and the picture is whole', () => {
  const stdout = shortRun('denoise', 2, [807, 312]);
  // Noise of standard deviation 0.2 is 20·log10(1 / 0.2) dB. Limits to 0 … 1 hardly change it.
  assert.ok(Math.abs(printed(stdout, 'noisy') - 13.98) < 0.05, stdout);
  // The mean of nine pixels divides the noise by 3, which is 9.54 dB, and blurs.
  const filtered = printed(stdout, 'filtered by the mean of 3x3');
  assert.ok(filtered > 20 && filtered < 13.98 + 9.54, stdout);
  assert.ok(printed(stdout, 'autoencoder with max-unpooling') > 19, stdout);
});

test.run();
