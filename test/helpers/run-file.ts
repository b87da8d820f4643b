/**
 * Finds the test files. Runs one in a process of its own and judges it by uvu's output. The exit
 * code is not enough, because uvu exits 0 for a file that forgets `.run()` and for a `before` hook
 * that throws.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { sep } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const notTests =
  /^(run\.ts$|helpers\/|fixtures\/|fuzz\/|mutate\/|soak\/|browser\/|firefox\/|headlessgl\/|webgpu\/|package\/|judges\/|onnx\/|mpi\/)|\.d\.ts$/;

/** The test files below a folder, as paths from it with slashes. */
export const testFiles = (root: string): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll(sep, '/'))
    .filter((file) => file.endsWith('.ts') && !notTests.test(file))
    .sort();

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What went wrong beyond single tests; empty if nothing. */
  readonly problem: string;
  readonly output: string;
}

export interface RunOptions {
  /** The repository, or a copy of it. */
  readonly cwd: string;
  readonly timeLimitMs: number;
  /** Node's own options. By default those that run TypeScript. */
  readonly node?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** End the process, and all that it started, at its first failing test. Default false. */
  readonly stopAtFailure?: boolean;
}

/** What uvu prints for a failing test at once; the details follow at the end of its suite. */
const failureMark = '✘ ';

/**
 * Reads uvu's output. uvu prints a summary at each turn in which suites ran, and each summary
 * counts its own tests only.
 */
function judge(printed: string, code: number | null, stopped: string): Outcome {
  const text = stripVTControlCharacters(printed);
  const closings = [...text.matchAll(/^ {2}Total: +(\d+)\r?\n {2}Passed: +(\d+)\r?\n {2}Skipped: +(\d+)\r?$/gm)];
  const sum = (group: number): number => closings.reduce((n, closing) => n + Number(closing[group]), 0);
  const [total, passed, skipped] = [sum(1), sum(2), sum(3)];
  let problem = stopped;
  if (problem === '')
    if (closings.length === 0) problem = `uvu never closed: is .run() missing? (exit code ${code})`;
    else if (total === 0) problem = 'ran no test';
    else if (code !== 0 && total === passed) problem = `exit code ${code}`;
  return { passed, failed: total - passed + (problem === '' ? 0 : 1), skipped, problem, output: printed };
}

export function runFile(
  file: string,
  { cwd, timeLimitMs, node = ['--import', 'tsx'], env, stopAtFailure = false }: RunOptions,
): Promise<Outcome> {
  return new Promise((done) => {
    // With this condition, examples that import the package by name get its sources instead of a
    // build.
    const child = spawn(process.execPath, ['--conditions=cedargrad-source', ...node, file], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      detached: stopAtFailure,
    });
    const chunks: Buffer[] = [];
    let stopped = '';
    const stop = (why: string): void => {
      if (stopped !== '') return;
      stopped = why;
      if (!stopAtFailure || child.pid === undefined) child.kill('SIGKILL');
      else
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
    };
    const timer = setTimeout(() => stop(`stopped after ${timeLimitMs / 1000} s`), timeLimitMs);
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (stopAtFailure && chunk.includes(failureMark)) stop('stopped at a failing test');
    });
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      done({ passed: 0, failed: 1, skipped: 0, problem: error.message, output: '' });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      done(judge(Buffer.concat(chunks).toString(), code, stopped));
    });
  });
}
