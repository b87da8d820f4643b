/** What the examples do with wrong flags, folders, signals and readers that go away. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng, decodeSafetensors } from '../../src/io/index.js';

const test = suite('command lines');
const repository = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-command-'));
test.after(() => rmSync(folder, { recursive: true }));

const command = (name: string, args: readonly string[]): string[] => [
  '--conditions=cedargrad-source',
  '--import',
  'tsx',
  `examples/${name}.ts`,
  ...args,
];
const set = { cwd: repository, encoding: 'utf8', timeout: 60_000 } as const;

test('wrong numbers and folders are one line and exit 2, before any training', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  for (const [name, args, says] of [
    ['cedn', ['--lr', '-1'], "--lr must be a positive number; got '-1'"],
    ['cedn', ['--seed', '-1'], "--seed must be a whole number from 0 to 4294967295; got '-1'"],
    ['cedn', ['--steps', '-5'], "--steps must be a whole number of at least 1; got '-5'"],
    ['cedn', ['--steps', '99999999999999999999'], "--steps must be at most 1000000000; got '99999999999999999999'"],
    ['digits', ['--epochs', '-.5'], "--epochs must be a whole number of at least 1; got '-.5'"],
    ['what-where', ['--epochs', '1e30'], "--epochs must be at most 1000000000; got '1e30'"],
    ['cedn', ['--out', file], `--out must name a directory that can be written; got '${file}': ENOTDIR`],
    ['digits', ['--out', join(file, 'x')], '--out must name a directory that can be written; got'],
    ['series', ['--epoch', '1'], "Unknown option '--epoch'"],
    [
      'what-where',
      ['--out', '/proc/nowhere/x'],
      "--out must name a directory that can be written; got '/proc/nowhere/x': ENOENT",
    ],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(process.execPath, command(name, args), set);
    assert.equal([status, stdout, stderr.trimEnd().split('\n').length], [2, '', 1], stderr);
    assert.ok(stderr.startsWith(`${name}: ${says}`), stderr);
  }
});

const cedn = (out: string, steps: number): string[] =>
  command('cedn', ['--json', '--device', 'wasm', '--steps', String(steps), '--out', out]);

/** Both files of a run are there and whole. */
function checkSaved(out: string): void {
  assert.equal(readdirSync(out).sort(), ['cedn.png', 'cedn.safetensors']);
  decodePng(readFileSync(join(out, 'cedn.png')));
  decodeSafetensors(readFileSync(join(out, 'cedn.safetensors')));
}

/** Starts a run that would take long, waits for its first step, and lets it meet something. */
async function interrupted(
  out: string,
  meet: (child: ReturnType<typeof spawn>) => void,
): Promise<{ code: number | null; said: string; ms: number }> {
  const child = spawn(process.execPath, cedn(out, 1_000_000), { cwd: repository, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  await once(child.stdout, 'data');
  child.stdout.resume();
  const start = performance.now();
  meet(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000);
  const [code] = await once(child, 'close');
  clearTimeout(timer);
  return { code, said, ms: performance.now() - start };
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)
  test(`${signal} ends a run after its step, and what was made is saved`, async () => {
    const out = join(folder, signal);
    const { code: got, said } = await interrupted(out, (child) => child.kill(signal));
    assert.is(got, code, said);
    assert.match(said, `cedn: ${signal}: saving after this step; once more to end at once`);
    checkSaved(out);
  });

test('a reader that goes away ends a run quietly, and what was made is saved', async () => {
  const out = join(folder, 'pipe');
  const { code, said } = await interrupted(out, (child) => child.stdout?.destroy());
  assert.is(code, 141, said);
  assert.not.match(said, /EPIPE|Unhandled| at /);
  checkSaved(out);
});

test('a full disk behind stdout is one line and exit 1, and what was made is saved', () => {
  const out = join(folder, 'full');
  const { status, stderr } = spawnSync(process.execPath, cedn(out, 20), {
    ...set,
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
  });
  assert.is(status, 1, stderr);
  assert.match(stderr, /^cedn: stdout: ENOSPC/m);
  assert.not.match(stderr, /Unhandled| at /);
  checkSaved(out);
});

test.run();
