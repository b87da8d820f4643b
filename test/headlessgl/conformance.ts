/**
 * The checks of test/helpers/conformance.ts and the golden runs in the gpu device's headless GL
 * mode, in Node.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import { type Device, device } from '../../src/index.js';
import { checks } from '../helpers/conformance.js';
import { goldenChecks } from '../helpers/golden.js';

const golden = JSON.parse(readFileSync(new URL('../fixtures/cedn-golden.json', import.meta.url), 'utf8'));
const reference = await device('reference');
const test = suite('headless GL');
let tested: Device;
test.before(async () => {
  tested = await device('gpu', { mode: 'headlessgl' });
});
test.after(() => tested?.close());
for (const { name, run } of [...checks, ...goldenChecks(golden, 20)]) test(name, () => run(tested, reference));
test.run();
