/** The example cedn: the published run against numpy's losses, and a short run that learns. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng, decodeSafetensors } from '../../src/io/index.js';
import { type Golden, relative } from '../helpers/golden.js';

const test = suite('examples/cedn');
const repository = fileURLToPath(new URL('../..', import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'cedn-'));
test.after(() => rmSync(out, { recursive: true }));
const golden: Golden = JSON.parse(readFileSync(new URL('../fixtures/cedn-golden.json', import.meta.url), 'utf8'));

/** What a run prints: its steps, and its lines for people. */
function run(...args: string[]): { steps: { step: number; loss: number; lossAfter: number }[]; said: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...['--conditions=cedargrad-source', '--import', 'tsx', 'examples/cedn.ts', '--json'],
      ...['--device', 'wasm', '--out', out, ...args],
    ],
    { cwd: repository, encoding: 'utf8' },
  );
  assert.is(status, 0, stderr);
  const lines = stdout.trimEnd().split('\n');
  return { steps: lines.map((line) => JSON.parse(line)), said: stderr };
}

test('--published: the losses are those of numpy to 1e-4, and warnings say why nothing is learnt', () => {
  const [first, ...want] = golden.losses_after_steps_0_10['seed_lr1_keep.5_mask_RandomState7'].f64;
  const { steps, said } = run('--published');
  const got = steps.map(({ lossAfter }) => lossAfter);
  assert.ok(relative(got, want) < 1e-4, `${got}`);
  const before = Number(said.match(/^step 0 {3}loss (.*)$/m)?.[1]);
  assert.ok(relative([before], [first]) < 1e-4, said);
  assert.match(said, 'warning: every ReLU of deconv2 is dead');
  assert.match(said, "is the constant predictor's (3327.0): the model has learnt nothing of its input");
});

test('25 steps: without dropout, a loss after a step is the loss of the next, and both files are whole', () => {
  const { steps, said } = run('--steps', '25');
  assert.is(steps.length, 25);
  steps.slice(1).forEach(({ loss }, i) => {
    assert.is(loss, steps[i].lossAfter);
  });
  assert.ok(steps[24].lossAfter < 3200, `${steps[24].lossAfter}`);
  assert.not.match(said, 'warning');
  assert.equal(readdirSync(out).sort(), ['cedn.png', 'cedn.safetensors']);
  const { width, height } = decodePng(readFileSync(join(out, 'cedn.png')));
  assert.equal([width, height], [575, 525]);
  decodeSafetensors(readFileSync(join(out, 'cedn.safetensors')));
});

test.run();
