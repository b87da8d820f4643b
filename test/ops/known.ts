/**
 * Every call of known.ts compared with its numbers from PyTorch or numpy, in float64 on the
 * reference device. test/device/conformance.ts compares the other devices with the same numbers in
 * float32.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Device, device, type Tensor, tensor } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';
import { seedOf } from '../helpers/known.js';
import { inputsOf, opTable } from '../helpers/op-table.js';

const test = suite('known numbers');
const reference: Device = await device('reference');
const tolerance = 1e-12;

for (const row of opTable) {
  const { expected } = row;
  if (expected === undefined) continue;
  test(row.name, () => {
    const inputs = inputsOf(row, reference, 'float64');
    const y = row.fn(...inputs);
    if (expected.dtype !== 'float') assert.is(y.dtype, expected.dtype);
    assert.equal(y.shape, expected.shape);
    closeTo(y.dataSync(), expected.values, tolerance, 'value');
    assert.is(y.requiresGrad, expected.gradients !== null, 'whether a gradient flows');
    if (expected.gradients === null) return;
    y.backward(tensor(seedOf(y.size), { shape: y.shape, dtype: y.dtype, device: reference }));
    expected.gradients.forEach((want, i) => {
      if (want !== null) closeTo((inputs[i].grad as Tensor).dataSync(), want, tolerance, `gradient of input ${i}`);
    });
  });
}
test.run();
