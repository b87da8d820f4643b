/**
 * Checks the wasm device in a page, with threads and without. Losses must be near those in Node.
 */
import assert from 'node:assert/strict';
import { inPage } from './chromium.mjs';
import { assertNear, assertSame } from './losses.mjs';
import { check } from './report.mjs';

const trialLimitMs = 60_000;

/** Runs `trial` of page.mjs in one page, once for each set of options in `list`. */
export const trials = (context, path, list) =>
  inPage(context, path, async (call) => {
    const results = [];
    for (const trial of list) results.push(await call(trialLimitMs, 'trial', { ...trial, ready: context.ready }));
    return results;
  });

/**
 * Checks that the plain and the compiled run have the same losses and weights, near those in Node.
 */
function judge({ runs }, want) {
  assert.deepEqual(
    runs.map(({ mode }) => mode),
    ['plain', 'compiled'],
  );
  const [plain, compiled] = runs;
  assertSame(compiled, plain, 'compiled and plain');
  return assertNear(plain, want);
}

/**
 * Checks a site with page.mjs, by its name.
 * @param context has the browser, the server, and the results in Node
 */
export async function checkWasm(context, site) {
  const { want } = context;
  // What each build computed on two threads. The page without isolation must compute the same on
  // one thread.
  const onTwo = {};
  for (const build of ['simd', 'relaxed'])
    await check(`${site} bundle, isolated page, ${build} build: two threads train, plain and compiled`, async () => {
      const [result] = await trials(context, `isolated/${site}`, [{ options: { threads: 2, build } }]);
      assert.equal(result.isolated, true);
      assert.equal(result.text, `wasm (${build}, 2 threads)`);
      assert.equal(result.joined, 1, 'workers that joined');
      onTwo[build] = result.runs[0];
      return judge(result, want);
    });
  await check(`${site} bundle, isolated page: the workers join a loop that awaits nothing but losses`, async () => {
    const [result] = await trials(context, `isolated/${site}`, [{ options: { threads: 2 }, modes: [], atOnce: true }]);
    assert.equal(result.joined, 1, 'workers that joined');
  });
  await check(`${site} bundle, isolated page: 'auto' picks wasm, not the software adapters`, async () => {
    const [result] = await trials(context, `isolated/${site}`, [{ name: 'auto' }]);
    assert.equal(result.name, 'wasm');
    assert.equal(result.threads, result.cores);
    judge(result, want);
    return result.text;
  });
  await check(`${site} bundle, page without isolation: one thread, which says why, and the same losses`, async () => {
    const results = await trials(context, `open/${site}`, [
      {},
      { options: { threads: 2, build: 'simd' } },
      { options: { threads: 2, build: 'relaxed' } },
    ]);
    for (const result of results) {
      assert.equal(result.isolated, false);
      assert.match(result.text, /^wasm \((simd|relaxed), 1 thread: .*isolated/);
      judge(result, want);
      assertSame(result.runs[0], onTwo[result.mode], `${result.mode}, one and two threads`);
    }
    return results[0].text;
  });
}
