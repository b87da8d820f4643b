// The built package in Firefox: the checks of test/helpers on the wasm device with threads and
// without, and on gpu.js's WebGL 2 mode. Not part of npm test.
// Nothing drives the browser. It opens a page that runs by itself and posts its results. Not here:
// how Firefox is started (browser.mjs).
// usage: npm run firefox-check
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { isolation } from '../browser/isolation.mjs';
import { firefoxVersion, open } from './browser.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const silenceLimitMs = 60_000;
const trials = [
  {
    title: 'isolated page, wasm on two threads',
    page: 'isolated',
    name: 'wasm',
    options: { threads: 2 },
    opened: /^wasm \((simd|relaxed), 2 threads\)$/,
    goldenSteps: 60,
  },
  {
    title: 'page without isolation, wasm',
    page: 'open',
    name: 'wasm',
    options: { threads: 2 },
    opened: /^wasm \((simd|relaxed), 1 thread: .*isolated/,
    goldenSteps: 20,
    // The kernels are those of the isolated page.
    every: 5,
  },
  {
    title: 'gpu.js, webgl2',
    page: 'open',
    name: 'gpu',
    options: { mode: 'webgl2' },
    opened: /^gpu \(webgl2/,
    goldenSteps: 20,
  },
];
let passed = 0;
let failed = 0;
const pass = () => {
  passed++;
};
const fail = (what, error) => {
  failed++;
  console.log(`FAIL ${what}: ${error}`);
};

/** The page with all it needs, gpu.js too. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.mjs', import.meta.url))],
    absWorkingDir: repository,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return outputFiles[0].text;
}

/**
 * Serves the page at /isolated, with the headers of cross-origin isolation, and at /open. Passes
 * reports to `receive`.
 */
async function serve(script, receive) {
  const html = '<!doctype html><script type="module" src="/page.mjs"></script>';
  const server = createServer((request, response) => {
    if (request.method === 'POST') {
      let body = '';
      request.on('data', (part) => {
        body += part;
      });
      request.on('end', () => {
        response.end();
        receive(JSON.parse(body));
      });
      return;
    }
    const { pathname } = new URL(request.url, 'http://localhost');
    const text =
      pathname === '/page.mjs' ? script : pathname === '/isolated' || pathname === '/open' ? html : undefined;
    const headers = { 'Content-Type': text === html ? 'text/html' : 'text/javascript' };
    if (pathname !== '/open') Object.assign(headers, isolation);
    response.writeHead(text === undefined ? 204 : 200, headers).end(text);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

/** Runs a trial until its page is done, or Firefox ends, or nothing comes for a while. */
async function run({ title, page, opened, ...trial }, port, listen) {
  const start = performance.now();
  const before = { passed, failed };
  let timer;
  let browser;
  let over = false;
  await new Promise((finish) => {
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        fail(title, `nothing heard for ${silenceLimitMs / 1000} s`);
        finish();
      }, silenceLimitMs);
    };
    listen((report) => {
      wait();
      if (report.done) finish();
      else if (report.problem !== undefined) {
        fail(title, report.problem);
        finish();
      } else if (report.opened !== undefined) {
        const right = opened.test(report.opened) && report.isolated === (page === 'isolated');
        if (right) pass();
        else fail(title, `opened ${report.opened}, isolated: ${report.isolated}`);
      } else if (report.error === null) pass();
      else fail(`${title}: ${report.check}`, report.error);
    });
    wait();
    browser = open(`http://127.0.0.1:${port}/${page}?trial=${encodeURIComponent(JSON.stringify(trial))}`);
    browser.ended.then((why) => {
      if (!over) fail(title, `Firefox ended: ${why}`);
      finish();
    });
  });
  over = true;
  clearTimeout(timer);
  listen(() => {});
  const counted = { passed: passed - before.passed, failed: failed - before.failed };
  await browser.close();
  console.log(
    `${title}: ${counted.passed} passed, ${counted.failed} failed, ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
}

let server;
try {
  const version = firefoxVersion();
  for (const script of ['scripts/wasm.mjs', 'scripts/build.mjs'])
    execFileSync(process.execPath, [script], { cwd: repository, encoding: 'utf8' });
  let receive = () => {};
  server = await serve(await bundle(), (report) => receive(report));
  console.log(version);
  for (const trial of trials)
    await run(trial, server.address().port, (listener) => {
      receive = listener;
    });
} catch (error) {
  fail('Firefox', error.stack);
} finally {
  server?.closeAllConnections();
  server?.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
