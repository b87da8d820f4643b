/** Arrays of a device as the program sees them in place. Numbers by hand. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { device, tensor } from '../../src/index.js';

for (const name of ['reference', 'wasm'] as const) {
  const test = suite(`map on ${name}`);
  test('shows the results of all kernels so far, and what is written there is read by the next', async () => {
    const on = await device(name);
    const x = tensor([1, 2, 3], { device: on });
    const y = x.mul(2);
    const view = on.map?.(y.storage.buffer);
    assert.equal([...(view ?? [])], [2, 4, 6]);
    view?.set([10, 20, 30]);
    assert.equal([...y.add(x).dataSync()], [11, 22, 33]);
    await on.close();
  });
  test.run();
}
