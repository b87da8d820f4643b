/**
 * Follows docs/guide.md as a reader does, block by block. It writes the files and runs the commands
 * in a project with the built package, and opens the pages in Chromium. A page must compute what
 * the guide's program computes in Node. The project has no gpu.js, because the guide does not
 * install it. The build for pages contains it.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tsImport } from 'tsx/esm/api';
import { check, within } from './report.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const commandLimitMs = 120_000;
const pageLimitMs = 60_000;

/** The programs that `npx` runs in the guide, by name. */
const vite = join(dirname(require.resolve('vite/package.json')), 'bin/vite.js');
const npx = { vite, tsc: require.resolve('typescript/bin/tsc') };

/** Makes a project that contains only the packages that the guide's npm commands install. */
function makeProject() {
  const project = mkdtempSync(join(tmpdir(), 'cedargrad-guide-'));
  const modules = join(project, 'node_modules');
  for (const part of ['package.json', 'dist'])
    cpSync(join(repository, part), join(modules, 'cedargrad', part), { recursive: true });
  const { dependencies } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  for (const name of [...Object.keys(dependencies), '@types/node']) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(repository, 'node_modules', name), join(modules, name), 'junction');
  }
  writeFileSync(join(project, 'package.json'), '{ "name": "denoiser", "private": true, "type": "module" }');
  return project;
}

/** Runs a command of the guide, which must begin with node or npx. Returns what it prints. */
function run(project, command) {
  const [tool, name, ...args] = command.split(' ');
  const program = tool === 'npx' ? npx[name] : name;
  assert.ok(['node', 'npx'].includes(tool) && program !== undefined, `no rule for '${command}'`);
  return execFileSync(process.execPath, [program, ...args], {
    cwd: project,
    encoding: 'utf8',
    timeout: commandLimitMs,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function freePort() {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/**
 * Opens a page of the guide's own server, and returns what it shows and what problems it reports.
 * @param changes pairs of a text in headers.js and the text that replaces it during this visit
 */
async function visit({ browser, project }, folder, path, changes = []) {
  const headers = readFileSync(join(project, 'headers.js'), 'utf8');
  for (const [from] of changes) assert.ok(headers.includes(from), `headers.js lacks ${from}`);
  writeFileSync(
    join(project, 'headers.js'),
    changes.reduce((text, [from, to]) => text.replace(from, to), headers),
  );
  const port = await freePort();
  const server = spawn(process.execPath, ['serve.js', folder, String(port)], {
    cwd: project,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const page = await browser.newPage();
  const problems = [];
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => {
    if (!message.location().url.endsWith('/favicon.ico')) problems.push(`${message.type()}: ${message.text()}`);
  });
  try {
    const [line] = await within(commandLimitMs, 'serve.js', once(server.stdout, 'data'));
    await page.goto(`${String(line).trim()}${path}`);
    await page
      .waitForFunction(() => document.querySelector('p').textContent !== '', null, { timeout: pageLimitMs })
      .catch((error) => {
        throw new Error(`the page shows nothing: ${problems.join('; ') || error.message}`);
      });
    const pixels = await page.evaluate(() => {
      const { width, height } = document.querySelector('canvas');
      const { data } = document.querySelector('canvas').getContext('2d').getImageData(0, 0, width, height);
      return Array.from({ length: width * height }, (_, i) => data[4 * i]);
    });
    return { text: await page.textContent('p'), pixels, problems };
  } finally {
    await within(5000, 'closing the page', page.close()).catch(() => {});
    server.kill();
    writeFileSync(join(project, 'headers.js'), headers);
  }
}

const errorsIn = (text) => [...text.matchAll(/(?:noisy|denoised) (\d\.\d{6})/g)].map(([, digits]) => Number(digits));

/**
 * Checks that a page has the same picture and errors as the program in Node. Its text must match
 * the pattern `device`.
 */
function judge({ text, pixels }, want, device) {
  const errors = errorsIn(text);
  assert.equal(errors.length, 2, text);
  for (const [i, error] of errors.entries())
    assert.ok(Math.abs(error - want.errors[i]) <= 2e-6, `${text}; in Node ${want.errors}`);
  assert.equal(pixels.length, want.pixels.length);
  const off = pixels.filter((grey, i) => Math.abs(grey - want.pixels[i]) > 1);
  assert.deepEqual(off, [], 'pixels unlike those in Node');
  assert.match(text, device);
  return text;
}

/**
 * Follows the guide. dist/ must have been built.
 * @param context has the browser
 */
export async function checkGuide({ browser }) {
  const { blocksOf, textOf } = await tsImport('../helpers/documents.ts', import.meta.url);
  const { decodePng } = await import(new URL('../../dist/io/index.js', import.meta.url));
  const { blocks } = blocksOf(textOf('docs/guide.md'));
  const project = makeProject();
  const threads = availableParallelism() > 1 ? /wasm \(\w+, \d+ threads\)$/ : /wasm \(\w+, 1 thread\)$/;
  const want = {};
  /** The pages that can be opened after a command of the guide, by command. */
  const pages = new Map([
    ['node serve.js dist 8080', ['dist/index.html', 'dist/worker.html']],
    ['node serve.js site 8081', ['site/map.html']],
    ['node paths.js', ['site/index.html', 'site/worker.html']],
  ]);
  const opens = (path, device, changes, message) => async () => {
    const [folder, file] = path.split('/');
    const result = await visit({ browser, project }, folder, file, changes);
    if (message === undefined) assert.deepEqual(result.problems, [], 'the page reports');
    else assert.match(result.problems.join('\n'), message);
    return judge(result, want, device);
  };

  try {
    const follow = async (command) => {
      if (!command.startsWith('node serve.js '))
        await check(`guide: ${command}`, () => {
          const printed = run(project, command);
          if (command !== 'node evaluate.js') return;
          want.errors = errorsIn(printed);
          want.pixels = decodePng(readFileSync(join(project, 'denoised.png'))).data;
          assert.ok(want.errors[1] < want.errors[0] / 4, printed);
          return printed.trim();
        });
      for (const path of pages.get(command) ?? []) await check(`guide: ${path}`, opens(path, threads));
      pages.delete(command);
    };
    for (const { language, file, code } of blocks)
      if (file !== undefined) writeFileSync(join(project, file), code);
      else if (language === 'sh')
        for (const command of code.trim().split('\n'))
          if (!/^(npm|mkdir|cd) |^npx vite$/.test(command)) await follow(command);
    await check('guide: all files type-check', () => run(project, 'npx tsc'));
    await check('guide: it has all commands whose pages are opened', () => assert.deepEqual([...pages.keys()], []));

    const page = 'site/index.html';
    for (const name of ['webgl2', 'webgpu'])
      await check(
        `guide: ${name} under the guide's policy`,
        opens(`${page}?device=${name}`, new RegExp(`gpu \\(${name}`)),
      );
    await check(
      "guide: without 'wasm-unsafe-eval' auto takes reference",
      opens(page, /device: reference .*allow 'wasm-unsafe-eval'/, [[`"'wasm-unsafe-eval'", `, '']]),
    );
    if (availableParallelism() > 1) {
      const oneThread = /wasm \(\w+, 1 thread: a worker could not start\)$/;
      await check(
        'guide: without blob: one thread',
        opens(page, oneThread, [["worker-src 'self' blob:", "worker-src 'self'"]], /Creating a worker from 'blob:/),
      );
      await check(
        'guide: without isolation one thread',
        opens(page, /wasm \(\w+, 1 thread: the page is not cross-origin isolated/, [['require-corp', 'unsafe-none']]),
      );
      await check(
        'guide: under trusted types auto takes reference',
        opens(
          page,
          /device: reference /,
          [["default-src 'self'", "require-trusted-types-for 'script'; default-src 'self'"]],
          /TrustedScriptURL/,
        ),
      );
    }
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
}
