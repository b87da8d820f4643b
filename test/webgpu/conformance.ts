/** The checks of test/helpers/conformance.ts and the golden runs on the gpu device's WebGPU mode, in Node. */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import { create, globals } from 'webgpu';
import { type Device, device } from '../../src/index.js';
import { checks } from '../helpers/conformance.js';
import { goldenChecks } from '../helpers/golden.js';

const golden = JSON.parse(readFileSync(new URL('../fixtures/cedn-golden.json', import.meta.url), 'utf8'));
const reference = await device('reference');
const test = suite('WebGPU in Node');
let tested: Device;
test.before(async () => {
  Object.assign(globalThis, globals);
  const root = globalThis as { navigator?: object };
  root.navigator ??= {};
  Object.defineProperty(root.navigator, 'gpu', { value: create([]), configurable: true });
  tested = await device('gpu', { mode: 'webgpu' });
});
test.after(async () => {
  await tested?.close();
  // gpu.js's typings leave it out.
  const { WebGPUContext } = (await import('gpu.js')) as unknown as { WebGPUContext: { destroy(): Promise<void> } };
  await WebGPUContext.destroy();
});
for (const { name, run } of [...checks, ...goldenChecks(golden, 20)]) test(name, () => run(tested, reference));
test.run();
