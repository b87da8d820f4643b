/** How tensors and devices print themselves. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { defaultDevice, tensor, zeros } from '../../src/index.js';

const test = suite('tensor');

test('prints as numpy does, inside tensor(…)', () => {
  assert.is(String(tensor([[1, 2.5]])), 'tensor([[1. , 2.5]])');
  assert.is(String(tensor([true, false])), 'tensor([ True, False], dtype=bool)');
  assert.is(String(tensor([1], { requiresGrad: true })), 'tensor([1.], requiresGrad=true)');
});

test('blank lines between blocks carry no spaces', () => {
  const lines = String(zeros([2, 1, 1])).split('\n');
  assert.equal(lines, ['tensor([[[0.]],', '', '        [[0.]]])']);
});

test('a released tensor prints that it is', () => {
  const t = zeros([2]);
  t.release();
  assert.is(String(t), 'tensor(released, shape=[2])');
});

test('a device prints its name and mode', () => assert.is(String(defaultDevice()), 'reference (plain)'));

test.run();
