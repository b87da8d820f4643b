/**
 * The test runner itself, on files that pass, fail, or only seem to pass
 * (test/helpers/runner-fixtures).
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('runner');
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

interface Run {
  readonly code: number | null;
  readonly output: string;
  readonly lastLine: string;
}

function run(...words: string[]): Run {
  const { status, stdout } = spawnSync(
    process.execPath,
    ['--import', 'tsx', path('./run.ts'), '--root', path('./helpers/runner-fixtures'), ...words],
    {
      cwd: path('..'),
      encoding: 'utf8',
    },
  );
  return { code: status, output: stdout, lastLine: stdout.trimEnd().split('\n').at(-1) ?? '' };
}

test('a passing file passes, and its output is not shown', () => {
  const { code, output, lastLine } = run('passing');
  assert.is(lastLine, '2 passed, 0 failed');
  assert.is(code, 0);
  assert.match(output, /^ok {3}test\/helpers\/runner-fixtures\/passing\.ts {2}2 passed {2}[\d.]+ s$/m);
  assert.not.match(output, /Total:/);
});

test('a failing test fails, and its output is shown', () => {
  const { code, output, lastLine } = run('failing');
  assert.is(lastLine, '1 passed, 1 failed');
  assert.is(code, 1);
  assert.match(output, 'a wrong sum');
});

const seemsToPass: Record<string, [lastLine: string, says: string]> = {
  empty: ['0 passed, 1 failed', 'uvu never closed'],
  'forgotten-run': ['0 passed, 1 failed', 'uvu never closed'],
  'no-test': ['0 passed, 1 failed', 'ran no test'],
  'before-throws': ['0 passed, 1 failed', '1 failed'],
  'late-rejection': ['1 passed, 1 failed', 'exit code 1'],
  'never-ends': ['0 passed, 1 failed', 'uvu never closed'],
  'two-turns': ['1 passed, 1 failed', 'forgotten by the exit code'],
};
for (const [name, [lastLine, says]] of Object.entries(seemsToPass))
  test(`${name} fails`, () => {
    const got = run(name);
    assert.is(got.lastLine, lastLine);
    assert.is(got.code, 1);
    assert.match(got.output, says);
  });

test('a word that matches no file fails, also beside one that does', () => {
  assert.is(run('no-such-file').lastLine, '0 passed, 1 failed');
  const { code, lastLine } = run('passing', 'no-such-file');
  assert.is(lastLine, '2 passed, 1 failed');
  assert.is(code, 1);
});

test('files add up', () => {
  assert.is(run('passing', 'failing').lastLine, '3 passed, 1 failed');
});

test.run();
