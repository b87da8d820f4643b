/**
 * Starts Chromium with software adapters for WebGL2 and WebGPU, and serves the sites that it
 * visits. The default path is that of the Debian package.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { chromium } from 'playwright-core';
import { isolation } from './isolation.mjs';
import { within } from './report.mjs';

const executablePath = process.env.CHROMIUM || '/usr/bin/chromium';
const args = [
  '--headless',
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const software = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-unsafe-swiftshader',
  '--use-angle=swiftshader',
];
const loadLimitMs = 60_000;

/** Starts Chromium. Without `adapters` it has no WebGPU. */
export async function launch({ adapters = true } = {}) {
  assert.ok(
    existsSync(executablePath),
    `no browser at ${executablePath}: apt-get install -y chromium, or name one in CHROMIUM`,
  );
  return chromium.launch({ executablePath, args: adapters ? [...args, ...software] : args });
}

/**
 * Serves every site at two addresses, /isolated/SITE/ and /open/SITE/. Only the first has the
 * headers of cross-origin isolation. Each address is a page that runs the site's page.js. A site
 * maps the path of each file to its text or bytes.
 */
export async function serve(sites) {
  const server = createServer((request, response) => {
    const [, kind, site, file] = /^\/(isolated|open)\/([\w-]+)\/([\w./-]*)$/.exec(request.url) ?? [];
    const body = file === '' ? '<!doctype html><script type="module" src="page.js"></script>' : sites[site]?.[file];
    const headers = { 'Content-Type': file === '' ? 'text/html' : 'text/javascript' };
    if (kind === 'isolated') Object.assign(headers, isolation);
    response.writeHead(body === undefined ? 204 : 200, headers).end(body);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return server;
}

/**
 * Opens a new page for `use(call, loaded)`. Checks that the page reports no error and writes
 * nothing to its console. `loaded` is a list of the files that the page has loaded, and grows while
 * it loads more.
 */
export async function inPage({ browser, server }, path, use) {
  const page = await browser.newPage();
  try {
    const problems = [];
    const loaded = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('request', (request) => loaded.push(request.url().split('/').at(-1)));
    await page.goto(`http://127.0.0.1:${server.address().port}/${path}/`);
    await page
      .waitForFunction(() => globalThis.loaded, null, { timeout: loadLimitMs })
      .catch((error) => {
        throw new Error(`the page does not load: ${problems.join('; ') || error.message}`);
      });
    /** Calls a global function of the page by name. */
    const call = (limitMs, name, argument) =>
      within(
        limitMs,
        `${name} ${JSON.stringify(argument).slice(0, 200)}`,
        page.evaluate(([n, a]) => globalThis[n](a), [name, argument]),
      );
    const result = await use(call, loaded);
    assert.deepEqual(problems, [], 'the page reports');
    return result;
  } finally {
    await within(5000, 'closing the page', page.close()).catch(() => {});
  }
}
