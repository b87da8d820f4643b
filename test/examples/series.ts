/** The example series: a short run, and one that is interrupted. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { interruptedRun, printed, shortRun } from '../helpers/example.js';

const test = suite('series');

test('three epochs: the autoencoder beats the moving average, and the picture is whole', () => {
  const stdout = shortRun('series', 3, [900, 440]);
  const losses = [...stdout.matchAll(/^epoch \d\/3 {2}loss (\S+)/gm)].map(([, loss]) => Number(loss));
  assert.is(losses.length, 3);
  assert.ok(losses[2] < losses[0] / 2, stdout);
  // The baseline does not depend on the training.
  assert.ok(Math.abs(printed(stdout, 'moving average') - 0.809) < 0.001, stdout);
  assert.ok(printed(stdout, 'autoencoder') > 0.93, stdout);
});

test('Ctrl-C ends a run after its step, and what was made is saved', () => interruptedRun('series', [900, 440]));

test.run();
