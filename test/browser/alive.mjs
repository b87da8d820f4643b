/**
 * Checks that a page stays alive while it trains on its main thread, and that the collector frees
 * the tensors that it drops. Not here: what runs in the page (alive-page.mjs).
 */
import assert from 'node:assert/strict';
import { inPage } from './chromium.mjs';
import { check } from './report.mjs';

const limitMs = 120_000;
const longestGapMs = 100;
/**
 * No frame can come during a step. On a slow machine the time between two frames may be as long as
 * this many steps.
 */
const mostSteps = 2;
/**
 * Other work on the machine may delay a frame, so a measurement that fails is repeated, up to this
 * number of attempts.
 */
const attempts = 3;
const MB = 2 ** 20;

const limit = ({ longestStep }) => Math.max(longestGapMs, mostSteps * longestStep);

/**
 * Checks a site with page.mjs, by its name. Its training page is cross-origin isolated, so that
 * threads can run.
 */
export async function checkAlive(context, site) {
  for (const name of ['w1', 'w3'])
    await check(`${site}: animation frames come while ${name} trains on the main thread`, async () => {
      let last;
      for (let i = 0; i < attempts && (last === undefined || last.gap > limit(last)); i++)
        last = await inPage(context, `isolated/${site}`, (call) =>
          call(limitMs, 'frames', { name, threads: 2, ms: 3000 }),
        );
      assert.ok(last.frames > 30 && last.steps > 30, JSON.stringify(last));
      assert.ok(last.gap <= limit(last), `${last.gap} ms between two frames, ${last.longestStep} ms in a step`);
      return `${last.frames} frames, ${last.steps} steps, longest gap ${last.gap.toFixed(0)} ms`;
    });
  for (const [bytes, count] of [
    [200_000, 6000],
    [25 * MB, 100],
  ])
    await check(`${site}: batches of ${(bytes / MB).toFixed(1)} MB that are dropped are collected`, async () => {
      const most = await inPage(context, `open/${site}`, (call) => call(limitMs, 'dropped', { bytes, count }));
      assert.ok(most < 1000 * MB, `${most / MB} MB held`);
      return `${(most / MB).toFixed(0)} MB at most, of ${((bytes * count) / MB).toFixed(0)} MB made`;
    });
}
