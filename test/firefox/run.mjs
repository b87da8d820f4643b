// The built package in Firefox: the checks of test/helpers on the wasm device with threads and
// without, and on gpu.js's WebGL 2 mode. Not part of npm test.
// Nothing drives the browser. It opens a page that runs by itself and posts its results. Headless
// Firefox has no WebGL without a GPU, so it runs under a virtual X server with Mesa's llvmpipe. On
// Debian, install with apt-get install -y firefox-esr xvfb xauth. The environment variable FIREFOX
// may name the browser. Its default is firefox-esr.
// usage: npm run firefox-check
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const firefox = process.env.FIREFOX || 'firefox-esr';
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
// Keeps a new profile from asking questions and from calling home.
const preferences = {
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'toolkit.telemetry.enabled': false,
};

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
    if (pathname !== '/open')
      Object.assign(headers, {
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
      });
    response.writeHead(text === undefined ? 204 : 200, headers).end(text);
  });
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return server;
}

/**
 * Opens an address in a Firefox of its own with a fresh profile. `close` ends it with all its
 * processes. `ended` gives the reason if it ends by itself.
 */
function open(address) {
  const profile = mkdtempSync(join(tmpdir(), 'firefox-'));
  writeFileSync(
    join(profile, 'user.js'),
    Object.entries(preferences)
      .map(([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});\n`)
      .join(''),
  );
  const child = spawn('xvfb-run', ['-a', firefox, '--no-remote', '--profile', profile, address], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
    env: { ...process.env, HOME: profile },
  });
  let said = '';
  child.stderr.on('data', (part) => {
    said += part;
  });
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('exit', (code) => resolve(`exit code ${code}: ${said.slice(-2000)}`));
  });
  const close = async () => {
    try {
      process.kill(-child.pid, 'SIGTERM');
      await Promise.race([ended, new Promise((late) => setTimeout(late, 3000))]);
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended already.
    }
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  return { ended, close };
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
  for (const program of [firefox, 'xvfb-run']) {
    const found = execFileSync('sh', ['-c', 'command -v "$1" || true', 'sh', program], { encoding: 'utf8' });
    assert.ok(found !== '', `no ${program}: apt-get install -y firefox-esr xvfb xauth, or name a browser in FIREFOX`);
  }
  for (const script of ['scripts/wasm.mjs', 'scripts/build.mjs'])
    execFileSync(process.execPath, [script], { cwd: repository, encoding: 'utf8' });
  let receive = () => {};
  server = await serve(await bundle(), (report) => receive(report));
  console.log(execFileSync(firefox, ['--version'], { encoding: 'utf8' }).trim());
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
