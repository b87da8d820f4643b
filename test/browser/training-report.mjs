/**
 * Checks the report of a run in Chromium, on a phone and on a desktop, in light and dark: no error,
 * no horizontal scrolling, values at the cursor by mouse, touch and keyboard, readable colors,
 * reloading. A report that is made in a page is checked in dist/browser. Not here: what the page
 * says (test/train/report-page.ts).
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inPage } from './chromium.mjs';
import { check } from './report.mjs';

const dist = new URL('../../dist/', import.meta.url);
const limitMs = 30_000;
const heights = 900;
const epochs = 12;
const stepsPerEpoch = 20;

/** The loss of a step: 1 at the first, 1/240 at the last. */
const lossOf = (step) => 1 / step;

/** A report with everything that a report can show, as its callback collects it. */
async function dataOf(encodePng, status) {
  const png = (shade) =>
    Buffer.from(encodePng({ width: 1, height: 1, channels: 1, data: Uint8Array.of(shade) })).toString('base64');
  const row = (count, shade) => ({ kind: 'image', width: 1, height: 1, items: new Array(count).fill(png(shade)) });
  const steps = Array.from({ length: epochs * stepsPerEpoch }, (_, i) => i + 1);
  const long = 'a_name_without_any_space_that_is_longer_than_a_phone_is_wide_0123456789';
  return {
    title: `Denoising of ${long}`,
    status,
    stopReason: `${long} did not improve`,
    epochs: 100_000,
    step: steps.length,
    started: '2026-11-30T10:43:00.000Z',
    updated: '2026-11-30T11:02:30.000Z',
    resumed: [40, 100, 160],
    losses: steps.map((step) => ({ step, mean: lossOf(step), least: lossOf(step), greatest: lossOf(step), lr: 0.001 })),
    history: Array.from({ length: epochs }, (_, i) => ({
      epoch: i + 1,
      step: (i + 1) * stepsPerEpoch,
      loss: 2 / (i + 1),
      valLoss: 3 / (i + 1),
      metrics: { psnr: 10 + i, [long]: 0.5 },
      lr: 0.001,
      seconds: 4000,
    })),
    best: { epoch: 12, monitor: long, value: 0.25 },
    samples: {
      inputs: row(8, 10),
      targets: row(8, 20),
      outputs: [1, 2, 4, 8, 12].map((epoch) => ({ epoch, pictures: row(8, 100 + epoch) })),
    },
    filters: { layer: long, shape: [3, 3, 3, 64], pictures: row(64, 200) },
    layers: [
      { name: long, type: 'Conv2d', called: true, output: [1, 1024, 1024, 64], parameters: 1e9, multiplyAdds: 1e12 },
      { name: 'decoder', type: 'Linear', called: false, parameters: 12, multiplyAdds: 0 },
    ],
    config: { optimizer: { name: 'Adam', [long]: long }, list: new Array(50).fill(0.5) },
    environment: { device: 'wasm (simd, 2 threads)', 'runs on': long },
    warnings: [`${long} is NaN`],
  };
}

/** Runs in the page: texts and lines whose contrast with what lies behind them is too low. */
function paleParts() {
  const parse = (color) => {
    const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { rgb, a } = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const contrast = (element, color) => {
    const [low, high] = [light(parse(color).rgb), light(behind(element))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const pale = [];
  let checked = 0;
  const require = (element, color, least) => {
    checked++;
    const found = contrast(element, color);
    if (found < least)
      pale.push(`${element.tagName}.${element.getAttribute('class')} '${element.textContent.slice(0, 20)}': ${found}`);
  };
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== '');
    if (style.display === 'none' || element.closest('script') !== null) continue;
    if (element.tagName === 'text') require(element, style.fill, 4.5);
    else if (hasText) require(element, style.color, 4.5);
    if (element.classList.contains('line')) require(element, style.stroke, 3);
  }
  return { pale, checked };
}

/** Opens a file in a new page, and checks that the page reports nothing and asks for nothing. */
async function open(browser, file, options, use) {
  const page = await browser.newPage(options);
  try {
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
    page.on('request', (request) => {
      if (!/^(data:|file:.*\.html$)/.test(request.url())) problems.push(`asks for ${request.url()}`);
    });
    page.setDefaultTimeout(limitMs);
    await page.goto(pathToFileURL(file).href);
    const result = await use(page);
    assert.deepEqual(problems, [], 'the page reports');
    return result;
  } finally {
    await page.close().catch(() => {});
  }
}

const overflowOf = (page) => page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
const legendOf = (page) =>
  page.evaluate(() => document.querySelector('#chart-loss .legend').textContent.replace(/\s+/g, ' '));

/** Points at the middle of the loss chart, where step 120 is, the last of epoch 6. */
async function checkValues(page, hasTouch) {
  const middle = 'step 120, epoch 6 training, each step 0.008333 training, epoch mean 0.3333 validation 0.5';
  const last = 'step 240, epoch 12 training, each step 0.004167 training, epoch mean 0.1667 validation 0.25';
  assert.equal(await legendOf(page), last);
  const plot = page.locator('#chart-loss .frame.linear .plot');
  await plot.scrollIntoViewIfNeeded();
  const { x, y, width, height } = await plot.boundingBox();
  if (hasTouch) await page.touchscreen.tap(x + width / 2, y + height / 2);
  else await page.mouse.move(x + width / 2, y + height / 2);
  assert.equal(await legendOf(page), middle);
  // The marks lie on the curves: validation is 0.5, between 1/240 and 3.
  const mark = await page.locator('#chart-loss .frame.linear .mark.validation').boundingBox();
  const margin = 0.05 * (3 - 1 / 240);
  const expected = y + height * (1 - (0.5 - 1 / 240 + margin) / (3 - 1 / 240 + 2 * margin));
  assert.ok(Math.abs(mark.y + mark.height / 2 - expected) < 1, `${mark.y + mark.height / 2}, not ${expected}`);
  if (!hasTouch) {
    await page.mouse.move(0, 0);
    assert.equal(await legendOf(page), last);
  }
}

/**
 * Reaches the loss chart by the tabulator alone, and reads it by the arrow keys. They go on from
 * step 120, at which the pointer was last.
 */
async function checkKeyboard(page) {
  const focused = () => page.evaluate(() => `${document.activeElement.id}.${document.activeElement.className}`);
  await page.evaluate(() => document.activeElement.blur());
  for (let i = 0; i < 10 && (await focused()) !== 'chart-loss-log.use-log'; i++) await page.keyboard.press('Tab');
  assert.equal(await focused(), 'chart-loss-log.use-log');
  await page.keyboard.press('Space');
  assert.ok(await page.locator('#chart-loss .frame.log').isVisible());
  assert.ok(!(await page.locator('#chart-loss .frame.linear').isVisible()));
  await page.keyboard.press('Tab');
  assert.equal(await focused(), '.scrub');
  await page.keyboard.press('ArrowLeft');
  assert.match(await legendOf(page), /^step 119, epoch 6 training, each step 0\.008403/);
  const spoken = await page.evaluate(() => document.activeElement.getAttribute('aria-valuetext'));
  assert.match(
    spoken,
    /^step 119, epoch 6: training, each step 0\.008403, training, epoch mean 0\.3333, validation 0\.5$/,
  );
  await page.keyboard.press('Tab');
  assert.match(await legendOf(page), /^step 240/);
}

async function checkReload(browser, file, write) {
  await open(browser, file, { viewport: { width: 1440, height: heights } }, async (page) => {
    await page.clock.install();
    await page.reload();
    write('Before');
    await page.clock.runFor(60_000);
    assert.notEqual(await page.title(), 'Before', 'it reloads unasked');
    await page.locator('summary').click();
    await page.locator('#live').check();
    await page.evaluate(() => scrollTo(0, 700));
    write('After');
    await Promise.all([page.waitForEvent('load'), page.clock.runFor(20_000)]);
    assert.equal(await page.title(), 'After');
    assert.ok(await page.locator('#live').isChecked(), 'the box is still ticked');
    assert.ok(await page.locator('#numbers table').first().isVisible(), 'the table is still open');
    assert.equal(await page.evaluate(() => scrollY), 700);
  });
}

export async function checkTrainingReport(context) {
  const folder = mkdtempSync(join(tmpdir(), 'cedargrad-report-'));
  const file = join(folder, 'report.html');
  try {
    const { renderReport } = await import(new URL('train/index.js', dist));
    const { encodePng } = await import(new URL('io/index.js', dist));
    writeFileSync(file, renderReport(await dataOf(encodePng, 'stopped')));
    for (const [width, colorScheme] of [
      [375, 'light'],
      [375, 'dark'],
      [1440, 'light'],
      [1440, 'dark'],
    ])
      await check(`report: readable at ${width} pixels, ${colorScheme}`, () => {
        const hasTouch = width < 500;
        const options = { viewport: { width, height: heights }, colorScheme, hasTouch };
        return open(context.browser, file, options, async (page) => {
          assert.equal(await overflowOf(page), 0, 'scrolls sideways');
          await checkValues(page, hasTouch);
          await checkKeyboard(page);
          await page.evaluate(() => {
            for (const fold of document.querySelectorAll('details')) fold.open = true;
          });
          assert.equal(await overflowOf(page), 0, 'scrolls sideways with open tables');
          const { pale, checked } = await page.evaluate(paleParts);
          assert.deepEqual(pale, []);
          assert.ok(checked > 300, `${checked} texts and lines`);
          return `${checked} texts and lines have contrast`;
        });
      });
    await check('report: shows everything without a script', () =>
      open(
        context.browser,
        file,
        { viewport: { width: 375, height: heights }, javaScriptEnabled: false },
        async (page) => {
          assert.ok(await page.locator('#chart-loss .frame.linear .plot').isVisible());
          assert.ok(!(await page.locator('#chart-loss .scrub').isVisible()));
          await page.locator('#chart-loss-log').check();
          assert.ok(await page.locator('#chart-loss .frame.log .plot').isVisible());
        },
      ),
    );
    await check('report: an open page reloads itself if its reader wants, and stays where it is', async () => {
      const data = await dataOf(encodePng, 'running');
      const write = (title) => writeFileSync(file, renderReport({ ...data, title }));
      write('First');
      await checkReload(context.browser, file, write);
    });
    await check('report: dist/browser writes one in a page', () =>
      inPage(context, 'open/published', async (call) => {
        const { pages, title, values, refusal } = await call(limitMs, 'reported', {});
        assert.equal(pages, 3);
        assert.equal(title, 'From a page');
        assert.match(values, /^step 2, epoch 1/);
        assert.match(refusal, /^DeviceError: report: files need Node; got path='report.html'; pass \{ write: /);
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
