/**
 * Checks the gpu device in a page, on software adapters. One bundle runs the checks of
 * test/helpers. The others run only golden steps, because a bundler may break the kernels.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inPage } from './chromium.mjs';
import { check, counts, fail } from './report.mjs';

const golden = JSON.parse(readFileSync(new URL('../fixtures/cedn-golden.json', import.meta.url), 'utf8'));
const limitMs = 600_000;

/**
 * Runs conform.mjs at a site on a device by name. Each of its checks that fails is reported by
 * itself, and one line counts those that pass.
 */
export async function checkConformance(context, site, name, { steps, every }) {
  const title = `${site}, ${name}`;
  await check(`${title}: the page runs its checks and reports nothing else`, async () => {
    const start = performance.now();
    const { text, results } = await inPage(context, `open/${site}`, (call) =>
      call(limitMs, 'conform', { name, golden, steps, every }),
    );
    assert.match(text, new RegExp(`^gpu \\(${name}: .*SwiftShader.*, software\\)$`, 'i'));
    const wrong = results.filter(({ problem }) => problem !== null);
    for (const row of wrong) fail(`${title}: ${row.name}`, row.problem);
    counts.passed += results.length - wrong.length;
    return `${results.length - wrong.length} of ${results.length} rows pass in ${((performance.now() - start) / 1000).toFixed(1)} s on ${text}`;
  });
}

/**
 * Checks that everything fails once a WebGL context is lost, and that training can go on after
 * recover().
 */
export const checkLoss = (context, site) =>
  check(`${site}, webgl2: a lost context is told, recovered, and trained on`, async () => {
    const { said, losses, undisturbed } = await inPage(context, `open/${site}`, (call) => call(limitMs, 'lose', {}));
    assert.deepEqual(said, ['DeviceError', 'DeviceError', false, true, 'DeviceError']);
    assert.deepEqual(losses, undisturbed);
    return losses.join(', ');
  });
