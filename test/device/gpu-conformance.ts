/**
 * Compares the gpu device with the reference device in float32, by the checks of
 * test/helpers/conformance.ts. gpu.js runs in three ways: in its cpu mode, in its WebAssembly mode,
 * and in the cpu mode where every kernel call returns a promise, as on WebGPU. The last one has no
 * synchronous reads.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Device, device, type GpuOptions } from '../../src/index.js';
import { collectedFrom } from '../helpers/collect.js';
import { checks, endGraphs } from '../helpers/conformance.js';

const reference = await device('reference');
const ways: Readonly<Record<string, GpuOptions>> = {
  'gpu, cpu': { mode: 'cpu' },
  'gpu, webasm': { mode: 'webasm' },
  'gpu, cpu, asynchronous': { mode: 'cpu', asyncMode: true },
};

for (const [way, options] of Object.entries(ways)) {
  const test = suite(way);
  let tested: Device;
  test.before(async () => {
    tested = await device('gpu', options);
  });
  test.after(() => tested?.close());
  for (const { name, run } of checks) test(name, () => run(tested, reference));
  test('all memory is given back, and no more than was taken', async () => {
    endGraphs(reference);
    await collectedFrom(tested);
    await tested.sync();
    const { tensors, bytes, arrays = 0 } = tested.memory();
    assert.equal({ tensors, bytes, arrays }, { tensors: 0, bytes: 0, arrays: 0 });
  });
  test.run();
}
