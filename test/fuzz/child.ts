/**
 * One part of the fuzzing in a process of its own. It prints the next seed before it runs, and the
 * outcome afterwards. run.ts watches it.
 */
import fc from 'fast-check';
import { missingForms } from './forms.js';
import { parts } from './parts.js';

const [part, first, runs] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
if (missingForms.length > 0) throw new Error(`no form in test/fuzz/forms.ts for ${missingForms.join(', ')}`);
const property = await parts[part]();
const say = (message: unknown): void => {
  process.send?.(message);
};
let stopped = false;
process.on('message', () => {
  stopped = true;
});
for (let seed = first; !stopped; seed++) {
  say({ seed });
  const details = await fc.check(property, {
    seed,
    numRuns: runs,
    interruptAfterTimeLimit: 30_000,
    markInterruptAsFailure: false,
  });
  const failure = details.failed ? `${details.errorInstance}\n${await fc.asyncDefaultReportMessage(details)}` : null;
  say({ seed, runs: details.numRuns, failure });
  // Collections and messages get their turn.
  await new Promise((resolve) => setImmediate(resolve));
  if (process.send === undefined && failure !== null) console.log(failure);
}
process.exit(0);
