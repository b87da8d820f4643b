/** The page in Firefox, where a script in the page drives it (drive.mjs). */
import assert from 'node:assert/strict';
import { check, within } from '../browser/report.mjs';
import { firefoxVersion, open } from '../firefox/browser.mjs';
import { axe } from './access.mjs';
import { assertSame } from './files.mjs';
import { outputsInNode } from './predict.mjs';
import { read, serveSite } from './site.mjs';

const limitMs = 150_000;

export async function checkFirefox() {
  let receive = () => {};
  const script = `${axe}\n;{${read('test/web-page/drive.mjs')}}`;
  const { server, base } = await serveSite({ 'drive.mjs': script }, (report) => receive(report));
  for (const [device, expected] of [
    ['wasm', /wasm \((simd|relaxed), 1 thread/],
    ['webgl2', /gpu \(webgl2/],
  ])
    await check(`digits train in Firefox on ${device}`, async () => {
      const version = firefoxVersion();
      const reported = new Promise((done) => {
        receive = done;
      });
      const browser = open(`${base}/driven/?device=${device}`);
      try {
        const ended = browser.ended.then((why) => ({ problem: `Firefox ended: ${why}` }));
        const report = await within(limitMs, 'the page', Promise.race([reported, ended]));
        assert.equal(report.problem, undefined);
        const { runsOn, first, last, steps, violations, others, outputs, weights } = report;
        assert.match(runsOn, expected);
        assert.ok(steps >= 50 && last < 0.75 * first, `the loss went from ${first} to ${last} in ${steps} steps`);
        assert.deepEqual(violations, []);
        assert.deepEqual(others, []);
        const same = assertSame(outputs, await outputsInNode('digits.safetensors', Uint8Array.from(weights)));
        return `${version}. ${runsOn} Loss ${first} → ${last} in ${steps} steps; ${same}`;
      } finally {
        await browser.close();
      }
    });
  server.closeAllConnections();
  server.close();
}
