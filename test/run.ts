/**
 * The test runner: every test file in its own process, two at a time, and one count of tests at the end.
 *
 * uvu exits 0 for a file that forgets `.run()` and for a `before` hook that throws, so its exit code is not enough: what it says when it closes is read and counted here.
 * usage: npm test [-- WORD...]   runs the files whose path contains one of the words
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';

const timeLimitMs = 300_000;
const repository = fileURLToPath(new URL('..', import.meta.url));
const notTests =
  /^(run\.ts$|helpers\/|fixtures\/|fuzz\/|soak\/|browser\/|firefox\/|headlessgl\/|webgpu\/|package\/)|\.d\.ts$/;

interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What went wrong beyond single tests; empty if nothing. */
  readonly problem: string;
  readonly output: string;
}

/** Reads what uvu printed. It closes once for each turn in which suites were run, and each closing counts its own tests only. */
function judge(printed: string, code: number | null, timedOut: boolean): Outcome {
  const text = stripVTControlCharacters(printed);
  const closings = [...text.matchAll(/^ {2}Total: +(\d+)\r?\n {2}Passed: +(\d+)\r?\n {2}Skipped: +(\d+)\r?$/gm)];
  const sum = (group: number): number => closings.reduce((n, closing) => n + Number(closing[group]), 0);
  const [total, passed, skipped] = [sum(1), sum(2), sum(3)];
  let problem = '';
  if (timedOut) problem = `stopped after ${timeLimitMs / 1000} s`;
  else if (closings.length === 0) problem = `uvu never closed: is .run() missing? (exit code ${code})`;
  else if (total === 0) problem = 'ran no test';
  else if (code !== 0 && total === passed) problem = `exit code ${code}`;
  return { passed, failed: total - passed + (problem === '' ? 0 : 1), skipped, problem, output: printed };
}

function runFile(file: string): Promise<Outcome> {
  return new Promise((done) => {
    // The condition lets examples that import the package by name find its sources instead of a build.
    const child = spawn(process.execPath, ['--conditions=cedargrad-source', '--import', 'tsx', file], {
      cwd: repository,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const chunks: Buffer[] = [];
    const printed = (): string => Buffer.concat(chunks).toString();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, timeLimitMs);
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      done({ passed: 0, failed: 1, skipped: 0, problem: error.message, output: '' });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      done(judge(printed(), code, timedOut));
    });
  });
}

const { values, positionals: words } = parseArgs({ options: { root: { type: 'string' } }, allowPositionals: true });
const root = resolve(values.root ?? join(repository, 'test'));
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll(sep, '/'))
  .filter((file) => file.endsWith('.ts') && !notTests.test(file))
  .sort();
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
    const outcome = await runFile(path);
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
