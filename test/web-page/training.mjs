/** Training in the page on each device, without and with the headers of isolation. */
import assert from 'node:assert/strict';
import { launch } from '../browser/chromium.mjs';
import { check } from '../browser/report.mjs';
import { choose, onPage, press, settled, train } from './page.mjs';

const steps = 50;

/** Trains on one device. gpu.js may be loaded by its devices only. */
async function trains(page, loaded, device, network, expected) {
  if (network !== 'digits') await choose(page, 'network', network);
  const isGpuJs = (file) => /gpu-browser/.test(file);
  assert.ok(![...loaded].some(isGpuJs), 'gpu.js was loaded before its device was chosen');
  if (device !== 'auto') await choose(page, 'device', device);
  const runsOn = await page.getByText('Runs on').textContent();
  assert.match(runsOn, expected);
  const { first, last, steps: done } = await train(page, steps);
  assert.ok(done >= steps && last < 0.75 * first, `the loss went from ${first} to ${last} in ${done} steps`);
  assert.equal([...loaded].some(isGpuJs), device.startsWith('webg'), 'gpu.js is loaded');
  return `${runsOn} Loss ${first} → ${last} in ${done} steps`;
}

export async function checkTraining(context) {
  for (const [host, device, network, expected] of [
    ['isolated', 'wasm', 'digits', /wasm \((simd|relaxed), \d+ threads?\)/],
    ['open', 'wasm', 'cedn', /wasm \((simd|relaxed), 1 thread/],
    ['isolated', 'auto', 'what-where', /wasm/],
    ['open', 'webgl2', 'cedn', /gpu \(webgl2/],
    ['isolated', 'webgpu', 'cedn', /gpu \(webgpu/],
  ])
    await check(`${network} trains on ${device}, ${host}`, () =>
      onPage(context, { host }, (page, loaded) => trains(page, loaded, device, network, expected)),
    );

  await check('without the headers the page says so, and links to an explanation', () =>
    onPage(context, { host: 'open' }, async (page) => {
      assert.match(await page.locator('#device-wasm-about').textContent(), /^One thread: the host sends no isolation/);
      const link = page.getByRole('link', { name: /headers/ });
      assert.equal(await link.getAttribute('href'), './docs/pages/guide.html#headers-and-threads');
    }),
  );

  await check('pause stops, step takes one step, reset begins anew with the same losses', () =>
    onPage(context, {}, async (page) => {
      const step = () => page.locator('.numbers dd').first().textContent().then(Number);
      await page.fill('#seed', '5');
      await page.press('#seed', 'Enter');
      await press(page, 'Reset');
      await page.waitForFunction(() => !/next Reset/.test(document.body.textContent));
      const losses = [];
      for (let round = 0; round < 2; round++) {
        await press(page, 'Step');
        await page.waitForFunction(() => document.querySelector('.numbers dd').textContent === '1');
        losses.push(await page.locator('.numbers dd').nth(1).textContent());
        await press(page, 'Start');
        await page.waitForFunction(() => Number(document.querySelector('.numbers dd').textContent) > 10);
        await press(page, 'Pause');
        await settled(page);
        const paused = await step();
        await page.waitForTimeout(500);
        assert.equal(await step(), paused, 'steps after pause');
        await press(page, 'Reset');
        await page.waitForFunction(() => document.querySelector('.numbers dd').textContent === '0');
      }
      assert.equal(losses[0], losses[1]);
      return `loss of step 1 with seed 5: ${losses[0]}`;
    }),
  );

  await check('a device that is missing is disabled, with the reason', async () => {
    const browser = await launch({ adapters: false });
    try {
      return await onPage({ ...context, browser }, {}, async (page) => {
        const radio = page.locator('#device-webgpu');
        assert.ok(await radio.isDisabled());
        const about = await page.locator('#device-webgpu-about').textContent();
        assert.match(about, /WebGPU/);
        return about;
      });
    } finally {
      await browser.close();
    }
  });
}
