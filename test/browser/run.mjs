// The wasm device in a browser: the built package, bundled plain and minified, trains in Chromium with threads and without, to the losses it has in Node.
// usage: npm run browser-check   The environment's CHROMIUM may name the browser; default /usr/bin/chromium.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { train } from './train.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const dist = new URL('../../dist/', import.meta.url);
const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const trialLimitMs = 60_000;
const tolerance = 1e-4;

let passed = 0;
let failed = 0;
const check = async (name, fn) => {
  try {
    const note = await fn();
    passed++;
    console.log(`ok   ${name}${note ? `: ${note}` : ''}`);
    return true;
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}\n${error.stdout ?? ''}${error.stack}`);
    return false;
  }
};

/** Rejects when `promise` takes too long: a page whose thread never comes back answers nothing. */
const within = (ms, what, promise) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: no answer within ${ms / 1000} s`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/** The largest relative difference. */
const difference = (a, b) => Math.max(...a.map((v, i) => Math.abs(v - b[i]) / Math.abs(b[i])));
const assertSame = (a, b, what) => {
  for (const key of ['losses', 'weights']) {
    const differ = a[key].filter((v, i) => !Object.is(v, b[key][i])).length;
    assert.ok(a[key].length === b[key].length && differ === 0, `${what}: ${differ} of ${a[key].length} ${key} differ`);
  }
};

/** Bundles dist/index.js for a page. gpu.js stays outside: it is loaded only by its own device. */
async function bundle(options) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('index.js', dist))],
    absWorkingDir: repository,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
    ...options,
  });
  return outputFiles[0].text;
}

/** Serves /isolated/NAME/ and /open/NAME/ for every bundle NAME: the same page with the headers of cross-origin isolation and without. */
async function serve(bundles) {
  const own = (file) => readFileSync(new URL(file, import.meta.url), 'utf8');
  const files = { 'page.mjs': own('page.mjs'), 'train.mjs': own('train.mjs'), '': '<!doctype html><script type="module" src="page.mjs"></script>' };
  const server = createServer((request, response) => {
    const [, kind, name, file] = /^\/(isolated|open)\/(\w+)\/([\w.]*)$/.exec(request.url) ?? [];
    const body = file === 'cedargrad.mjs' ? bundles[name] : files[file];
    const headers = { 'Content-Type': file === '' ? 'text/html' : 'text/javascript' };
    if (kind === 'isolated') Object.assign(headers, { 'Cross-Origin-Opener-Policy': 'same-origin', 'Cross-Origin-Embedder-Policy': 'require-corp' });
    response.writeHead(body === undefined ? 204 : 200, headers).end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

/** What Node computes with the unbundled package. */
async function inNode() {
  const api = await import(new URL('index.js', dist));
  const { control } = await import(new URL('device/wasm/threads.js', dist));
  const simd = await api.device('wasm', { threads: 1, build: 'simd' });
  const want = {
    simd: await train(api, simd, false),
    reference: await train(api, await api.device('reference'), false),
  };
  await simd.close();
  return { want, ready: control.ready };
}

let browser;
let server;
try {
  const bundles = {};
  let want;
  let ready;
  const prepared = [
    await check('the package builds', () => {
      for (const script of ['scripts/wasm.mjs', 'scripts/build.mjs']) execFileSync(process.execPath, [script], { cwd: repository, encoding: 'utf8' });
    }),
    await check('it bundles for a page, plain and minified', async () => {
      bundles.plain = await bundle({ external: ['gpu.js', 'node:*'] });
      bundles.minified = await bundle({ external: ['gpu.js', 'node:*'], minify: true });
      return `${(bundles.plain.length / 1024).toFixed(0)} and ${(bundles.minified.length / 1024).toFixed(0)} KiB`;
    }),
    await check('the model learns in Node', async () => {
      ({ want, ready } = await inNode());
      const { losses } = want.simd;
      assert.ok(losses[11] < losses[0], `the loss does not fall: ${losses}`);
      assert.ok(difference(losses, want.reference.losses) < tolerance, `simd ${losses}, reference ${want.reference.losses}`);
      return `loss ${losses[0].toFixed(4)} → ${losses[11].toFixed(4)}`;
    }),
    await check('Chromium starts', async () => {
      assert.ok(existsSync(executablePath), `no browser at ${executablePath}: apt-get install -y chromium, or name one in CHROMIUM`);
      browser = await chromium.launch({ executablePath, args });
      return browser.version();
    }),
  ];
  // A browser's bundler knows nothing of Node's modules; the page above tells it to leave them alone, a user should not have to.
  await check('it bundles for a page without options', async () => void (await bundle({})));

  if (prepared.every(Boolean)) {
    server = await serve(bundles);

    /** Runs trials in a page of their own, and checks that nothing went wrong there unseen. */
    const inPage = async (path, trials) => {
      const page = await browser.newPage();
      try {
        const problems = [];
        page.on('pageerror', (error) => problems.push(String(error)));
        page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
        await page.goto(`http://127.0.0.1:${server.address().port}/${path}/`);
        await page
          .waitForFunction(() => globalThis.loaded, null, { timeout: trialLimitMs })
          .catch((error) => {
            throw new Error(`the page does not load: ${problems.join('; ') || error.message}`);
          });
        const results = [];
        for (const trial of trials)
          results.push(
            await within(
              trialLimitMs,
              JSON.stringify(trial),
              page.evaluate((t) => globalThis.trial(t), { ...trial, ready }),
            ),
          );
        assert.deepEqual(problems, [], 'the page reports errors');
        return results;
      } finally {
        await within(5000, 'closing the page', page.close()).catch(() => {});
      }
    };
    /** The same losses and weights plain and compiled, and the losses that they are in Node; how far off losses (relative) and weights are. */
    const judge = ({ runs }) => {
      assert.deepEqual(
        runs.map(({ mode }) => mode),
        ['plain', 'compiled'],
      );
      const [plain, compiled] = runs;
      assertSame(compiled, plain, 'compiled and plain');
      const notes = Object.entries(want).map(([name, { losses, weights }]) => {
        const off = difference(plain.losses, losses);
        assert.ok(off < tolerance, `${plain.losses}, in Node on ${name} ${losses}`);
        const apart = Math.max(...plain.weights.map((v, i) => Math.abs(v - weights[i])));
        return `${off.toExponential(0)} and ${apart.toExponential(0)} from Node's ${name}`;
      });
      return `losses and weights ${notes.join(', ')}`;
    };

    for (const name of Object.keys(bundles)) {
      // What each build computed on two threads, for the page that has one.
      const onTwo = {};
      for (const build of ['simd', 'relaxed'])
        await check(`${name} bundle, isolated page, ${build} build: two threads train, plain and compiled`, async () => {
          const [result] = await inPage(`isolated/${name}`, [{ options: { threads: 2, build } }]);
          assert.equal(result.isolated, true);
          assert.equal(result.text, `wasm (${build}, 2 threads)`);
          assert.equal(result.joined, 1, 'workers that joined');
          onTwo[build] = result.runs[0];
          return judge(result);
        });
      await check(`${name} bundle, isolated page: the workers join a loop that awaits nothing but losses`, async () => {
        const [result] = await inPage(`isolated/${name}`, [{ options: { threads: 2 }, modes: [], atOnce: true }]);
        assert.equal(result.joined, 1, 'workers that joined');
      });
      await check(`${name} bundle, isolated page: 'auto' picks wasm`, async () => {
        const [result] = await inPage(`isolated/${name}`, [{ name: 'auto' }]);
        assert.equal(result.name, 'wasm');
        assert.equal(result.threads, result.cores);
        judge(result);
        return result.text;
      });
      await check(`${name} bundle, page without isolation: one thread, which says why, and the same losses`, async () => {
        const results = await inPage(`open/${name}`, [{}, { options: { threads: 2, build: 'simd' } }, { options: { threads: 2, build: 'relaxed' } }]);
        for (const result of results) {
          assert.equal(result.isolated, false);
          assert.match(result.text, /^wasm \((simd|relaxed), 1 thread: .*isolated/);
          judge(result);
          assertSame(result.runs[0], onTwo[result.mode], `${result.mode}, one and two threads`);
        }
        return results[0].text;
      });
    }
  }
} catch (error) {
  failed++;
  console.log(`FAIL ${error.stack}`);
} finally {
  await within(10_000, 'closing Chromium', browser?.close() ?? Promise.resolve()).catch((error) => console.log(error.message));
  server?.closeAllConnections();
  server?.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
