// The gpu device in a page, on software adapters: every check of test/helpers, and golden steps out of every bundle, whose kernels must survive it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { inPage } from './chromium.mjs';
import { check, counts, fail } from './report.mjs';

const golden = JSON.parse(readFileSync(new URL('../fixtures/cedn-golden.json', import.meta.url), 'utf8'));
const limitMs = 240_000;

/** Runs conform.mjs at a site on a device by name: a failed check for each row that fails, and one line for those that pass. */
export async function checkConformance(context, site, name, { steps, all = false }) {
  const title = `${site}, ${name}`;
  await check(`${title}: the page runs its checks and reports nothing else`, async () => {
    const start = performance.now();
    const { text, results } = await inPage(context, `open/${site}`, (call) =>
      call(limitMs, 'conform', { name, golden, steps, all }),
    );
    assert.match(text, new RegExp(`^gpu \\(${name}: .*SwiftShader.*, software\\)$`, 'i'));
    const wrong = results.filter(({ problem }) => problem !== null);
    for (const row of wrong) fail(`${title}: ${row.name}`, row.problem);
    counts.passed += results.length - wrong.length;
    return `${results.length - wrong.length} of ${results.length} rows pass in ${((performance.now() - start) / 1000).toFixed(1)} s on ${text}`;
  });
}

/** A lost WebGL context fails everything, and recover() brings training back. */
export const checkLoss = (context, site) =>
  check(`${site}, webgl2: a lost context is told, recovered, and trained on`, async () => {
    const { said, losses, undisturbed } = await inPage(context, `open/${site}`, (call) => call(limitMs, 'lose', {}), [
      /WebGL: CONTEXT_LOST_WEBGL|context lost/i,
    ]);
    assert.deepEqual(said, ['DeviceError', 'DeviceError', false, true, 'DeviceError']);
    assert.deepEqual(losses, undisturbed);
    return losses.join(', ');
  });
