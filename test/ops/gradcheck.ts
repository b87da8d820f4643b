/**
 * First and second derivatives of every differentiable row of the op table compared with finite
 * differences, in float64 on the reference device. The gradients of rows with known numbers come
 * from elsewhere (known.ts). Not here: any value.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Device, device, gradcheck, gradgradcheck, tensor } from '../../src/index.js';
import { inputsOf, opTable } from '../helpers/op-table.js';

const test = suite('gradcheck');
const reference: Device = await device('reference');

for (const row of opTable.filter(({ expected }) => expected === undefined)) {
  if (row.differentiable) test(row.name, () => void gradcheck(row.fn, inputsOf(row, reference, 'float64')));
  if (row.secondOrder)
    test(`${row.name}: second order`, () => void gradgradcheck(row.fn, inputsOf(row, reference, 'float64')));
}

test('gradcheck rejects a wrong gradient, naming input and element', () => {
  const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
  assert.throws(
    () => gradcheck((t) => t.mul(t.detach()), [x]),
    (e: Error) => e.constructor.name === 'GraphError' && /input 0, element 0/.test(e.message),
  );
});
test('gradgradcheck rejects a gradient that its graph takes for constant', () => {
  const x = tensor([1, 2], { dtype: 'float64', requiresGrad: true });
  assert.throws(() => gradgradcheck((t) => t.mul(t.detach()), [x]), /input 1, element 0/);
});
test('gradcheck asks for float64 inputs that require a gradient', () => {
  assert.throws(() => gradcheck((t) => t.mul(2), [tensor([1], { requiresGrad: true })]), /float64/);
  assert.throws(() => gradcheck((t) => t.mul(2), [tensor([1], { dtype: 'float64' })]), /require a gradient/);
});

test.run();
