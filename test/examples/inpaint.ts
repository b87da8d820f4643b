/** The example inpaint: a short run. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printed, shortRun } from '../helpers/example.js';

const test = suite('inpaint');

test('three epochs: the network corrects the means, and the picture is whole', () => {
  const stdout = shortRun('inpaint', 3, [767, 952]);
  assert.ok(printed(stdout, 'network') > printed(stdout, 'means') + 1, stdout);
});

test.run();
