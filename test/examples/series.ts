/** The example series: a short run, and mistakes on its command line. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng } from '../../src/io/index.js';

const test = suite('series');
const repository = fileURLToPath(new URL('../..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'series-'));
test.after(() => rmSync(out, { recursive: true }));

const example = (...args: string[]) =>
  spawnSync(process.execPath, ['--conditions=cedargrad-source', '--import', 'tsx', 'examples/series.ts', ...args], {
    cwd: repository,
    encoding: 'utf8',
  });

test('three epochs: the autoencoder beats the moving average, and the picture is whole', () => {
  const { status, stdout, stderr } = example('--epochs', '3', '--out', out);
  assert.equal([status, stderr], [0, '']);
  const errors = [...stdout.matchAll(/^epoch \d: mean squared error (\S+)$/gm)].map(([, error]) => Number(error));
  assert.is(errors.length, 3);
  assert.ok(errors[2] < errors[0] / 2, stdout);
  const [, own, baseline] = stdout.match(/autoencoder (0\.\d{4}), moving average (0\.\d{4})$/m) ?? [];
  assert.ok(Number(own) > 0.93 && Number(own) > Number(baseline) + 0.1, stdout);
  // The baseline does not depend on the training.
  assert.ok(Math.abs(Number(baseline) - 0.809) < 0.001, stdout);
  assert.equal(readdirSync(out), ['series.png']);
  const { width, height, channels } = decodePng(readFileSync(join(out, 'series.png')));
  assert.equal([width, height, channels], [900, 440, 3]);
});

test('mistakes are one line and exit 2', () => {
  for (const [args, message] of [
    [['--epochs', '0'], "--epochs must be a whole number of at least 1; got '0'"],
    [['--out', ''], "--out must name a directory; got ''"],
    [['--epoch', '1'], "Unknown option '--epoch'"],
  ] as const) {
    const { status, stdout, stderr } = example(...args);
    assert.equal([status, stdout, stderr.trimEnd().split('\n').length], [2, '', 1], stderr);
    assert.ok(stderr.startsWith(`series: ${message}`), stderr);
  }
});

test.run();
