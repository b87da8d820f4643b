/** The example digits: a short run. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng } from '../../src/io/index.js';

const test = suite('digits');
const repository = fileURLToPath(new URL('../..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'digits-'));
test.after(() => rmSync(out, { recursive: true }));

test('three epochs: held-out digits are rebuilt better than by both baselines, and the picture is whole', () => {
  const args = ['examples/digits.ts', '--epochs', '3', '--device', 'wasm', '--out', out];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=cedargrad-source', '--import', 'tsx', ...args],
    { cwd: repository, encoding: 'utf8' },
  );
  assert.equal([status, stderr], [0, '']);
  const errorOf = (name: string): number => Number(stdout.match(new RegExp(`^ {2}${name} +(0\\.\\d{5})`, 'm'))?.[1]);
  assert.ok(errorOf('autoencoder with max-unpooling') < 0.041, stdout);
  // Both were computed in float64, pixel by pixel.
  assert.is(errorOf('bilinear upsampling of 7x7'), 0.04122);
  assert.is(errorOf('the mean training image'), 0.06638);
  assert.equal(readdirSync(out), ['digits.png']);
  const { width, height, channels } = decodePng(readFileSync(join(out, 'digits.png')));
  assert.equal([width, height, channels], [1094, 212, 3]);
});

test.run();
