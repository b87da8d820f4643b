/**
 * Checks the built package in Chromium, with bundlers and without. It tests the wasm device with
 * threads and without, the gpu device on software adapters, data sets of images, the report of a
 * run, and the pages of docs/guide.md.
 * usage: npm run browser-check
 * CHROMIUM in the environment may name the browser. The default is /usr/bin/chromium.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { checkAlive } from './alive.mjs';
import { conforming, published, training } from './bundles.mjs';
import { launch, serve } from './chromium.mjs';
import { checkData } from './data.mjs';
import { checkConformance, checkLoss } from './gpu.mjs';
import { checkGuide } from './guide.mjs';
import { inNode } from './losses.mjs';
import { checkPublished } from './published.mjs';
import { check, fail, finish } from './report.mjs';
import { checkTrainingReport } from './training-report.mjs';
import { checkWasm } from './wasm.mjs';

const repository = fileURLToPath(new URL('../..', import.meta.url));
const dist = new URL('../../dist/', import.meta.url);
const goldenSteps = 20;
const bundleSteps = 5;

const sites = {};
const context = {};
const bundled = (name, make) =>
  check(`${name} bundles for a page`, async () => {
    sites[name] = await make();
    const sizes = Object.values(sites[name]).map((text) => text.length / 1024);
    return `${sizes.length} files, ${sizes.reduce((a, b) => a + b).toFixed(0)} KiB`;
  });

async function prepare() {
  const done = [
    await check('the package builds', () => {
      for (const script of ['scripts/wasm.mjs', 'scripts/build.mjs'])
        execFileSync(process.execPath, [script], { cwd: repository, encoding: 'utf8' });
      sites.published = published();
    }),
  ];
  for (const minify of [false, true]) {
    const form = minify ? 'minified' : 'plain';
    done.push(await bundled(form, () => training(minify)));
    for (const tool of ['esbuild', 'vite']) done.push(await bundled(`${tool}-${form}`, () => conforming(tool, minify)));
  }
  done.push(
    await check('the model learns in Node', async () => {
      context.want = await inNode(await import(new URL('index.js', dist)));
      const entries = ['index.js', 'data/index.js', 'io/index.js', 'models/index.js', 'train/index.js'];
      const modules = await Promise.all(entries.map((file) => import(new URL(file, dist))));
      // Two entry points have a checkpoint. The first of them is that of cedargrad.
      const names = modules.map((module) => Object.keys(module));
      names[0] = names[0].map((name) => (name === 'checkpoint' ? 'gradientCheckpoint' : name));
      context.exports = names.flat();
      // The position of the word in which the wasm device counts the workers that have joined.
      context.ready = (await import(new URL('device/wasm/protocol/control.js', dist))).Control.ready;
    }),
    await check('Chromium starts', async () => {
      context.browser = await launch();
      return context.browser.version();
    }),
  );
  return done.every(Boolean);
}

try {
  if (await prepare()) {
    context.server = await serve(sites);
    for (const site of ['plain', 'minified']) await checkWasm(context, site);
    await checkAlive(context, 'minified');
    await checkPublished(context);
    await checkData(context);
    await checkTrainingReport(context);
    await checkGuide(context);
    await checkConformance(context, 'esbuild-plain', 'webgpu', { steps: goldenSteps, every: 1 });
    // Firefox runs every check on WebGL2.
    await checkConformance(context, 'esbuild-plain', 'webgl2', { steps: goldenSteps, every: 5 });
    await checkLoss(context, 'esbuild-plain');
    for (const site of ['esbuild-minified', 'vite-plain', 'vite-minified'])
      await checkConformance(context, site, 'webgl2', { steps: bundleSteps });
    await checkConformance(context, 'vite-minified', 'webgpu', { steps: bundleSteps });
  }
} catch (error) {
  fail('the checks in Chromium', error.stack);
}
await finish(context);
