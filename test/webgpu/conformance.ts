/**
 * Runs the checks of test/helpers/conformance.ts and the golden runs on the gpu device's WebGPU
 * mode, in Node. EVERY in the environment leaves all but one in so many out.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import { type Device, device } from '../../src/index.js';
import { checks } from '../helpers/conformance.js';
import { goldenChecks, launchCheck, mostLaunches } from '../helpers/golden.js';

const golden = JSON.parse(readFileSync(new URL('../fixtures/cedn-golden.json', import.meta.url), 'utf8'));
const reference = await device('reference');
const test = suite('WebGPU in Node');
let tested: Device;
test.before(async () => {
  tested = await device('webgpu');
});
test.after(() => tested?.close());
const every = Number(process.env.EVERY ?? 1);
const some = checks.filter((_, i) => i % every === 0);
for (const { name, run } of [...some, ...goldenChecks(golden, 20), launchCheck(mostLaunches.webgpu)])
  test(name, () => run(tested, reference));
test.run();
