/**
 * The test runner. It runs every test file in its own process, two at a time, and counts all tests.
 * WORD limits it to files whose path contains one of the words. Not here: how one file is run and
 * judged (helpers/run-file.ts).
 * usage: npm test [-- WORD...]
 */
import { availableParallelism } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runFile, testFiles } from './helpers/run-file.js';

const timeLimitMs = 600_000;
const repository = fileURLToPath(new URL('..', import.meta.url));

const { values, positionals: words } = parseArgs({ options: { root: { type: 'string' } }, allowPositionals: true });
const root = resolve(values.root ?? join(repository, 'test'));
const files = testFiles(root);
/** A word may also begin with the folder of the tests, as in test/errors. */
const named = (file: string): string => `test/${file}`;
const chosen = words.length === 0 ? files : files.filter((file) => words.some((word) => named(file).includes(word)));

let passed = 0;
let failed = 0;
for (const word of words.length === 0 ? [''] : words)
  if (!files.some((file) => named(file).includes(word))) {
    console.log(`FAIL no test file matches '${word}'`);
    failed++;
  }

const queue = [...chosen];
async function work(): Promise<void> {
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    const path = join(root, file);
    const start = performance.now();
    const outcome = await runFile(path, { cwd: repository, timeLimitMs });
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    passed += outcome.passed;
    failed += outcome.failed;
    const counts = [`${outcome.passed} passed`];
    if (outcome.failed > 0) counts.push(`${outcome.failed} failed`);
    if (outcome.skipped > 0) counts.push(`${outcome.skipped} skipped`);
    if (outcome.problem !== '') counts.push(outcome.problem);
    console.log(
      `${outcome.failed > 0 ? 'FAIL' : 'ok  '} ${relative(repository, path).replaceAll(sep, '/')}  ${counts.join(', ')}  ${seconds} s`,
    );
    if (outcome.failed > 0) console.log(outcome.output);
  }
}
await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, work));

console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
