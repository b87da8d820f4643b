/**
 * The page in Chromium, as checks use it. Each opened page is watched: it must write nothing to the
 * console, and ask no other host for anything.
 */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './site.mjs';

const limitMs = 60_000;
export const pictures = join(repository, 'out/web-page');
mkdirSync(pictures, { recursive: true });

/** Makes `greysOf(canvas)` global in the page. It gives the grey values of a canvas, 0 … 255. */
const defineGreys = () => {
  globalThis.greysOf = (canvas) => {
    // A browser warns where a page's own canvas is read often, so a copy is read.
    const { width, height } = canvas;
    const copy = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    return Array.from({ length: width * height }, (_, i) => data[4 * i]);
  };
};

/** Waits until a canvas shows these grey values. */
export const untilShown = (page, selector, greys) =>
  page.waitForFunction(
    ([name, want]) => {
      const shown = globalThis.greysOf(document.querySelector(name));
      return want.every((value, i) => Math.abs(value - shown[i]) <= 1);
    },
    [selector, greys],
  );

/** Waits until a canvas shows something else than these grey values, by more than 20 levels. */
export const untilChanged = (page, selector, greys) =>
  page.waitForFunction(
    ([name, before]) => {
      const shown = globalThis.greysOf(document.querySelector(name));
      return before.some((value, i) => Math.abs(value - shown[i]) > 20);
    },
    [selector, greys],
  );

/**
 * Opens the page for `use(page, loaded)`. `loaded` has the path of each file that the page has
 * asked for.
 */
export async function onPage({ browser, base, loaded: all }, options, use) {
  const { host = 'isolated', width = 1280, height = 900, colorScheme = 'light' } = options;
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, acceptDownloads: true });
  const problems = [];
  const loaded = new Set();
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (url.origin === base) loaded.add(url.pathname.slice(`/${host}/`.length));
    else if (!['data:', 'blob:'].includes(url.protocol)) problems.push(`asked for ${url}`);
  });
  context.on('console', (message) => problems.push(`${message.type()}: ${message.text()}`));
  context.on('weberror', (error) => problems.push(String(error.error())));
  await context.addInitScript(defineGreys);
  const page = await context.newPage();
  page.setDefaultTimeout(limitMs);
  try {
    await page.goto(`${base}/${host}/`);
    await opened(page);
    const note = await use(page, loaded);
    assert.deepEqual(problems, [], 'the page reports');
    return note;
  } catch (error) {
    await page.screenshot({ path: join(pictures, 'failed.png'), fullPage: true }).catch(() => {});
    throw new Error(`${error.message}; the page reports ${JSON.stringify(problems)}`, { cause: error });
  } finally {
    await context.close();
    for (const file of loaded) all.add(file);
  }
}

/** Waits until a network is open. */
export const opened = (page) =>
  page.waitForFunction(
    () =>
      document.querySelector('main')?.getAttribute('aria-busy') === 'false' &&
      document.querySelector('#device-auto') !== null &&
      /Runs on/.test(document.body.textContent),
  );

/** Chooses by a radio button, and waits until the network is open. */
export async function choose(page, group, name) {
  await page.check(`#${group}-${name}`);
  // The page shows in its next frame that it is opening the network.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await opened(page);
}

/** A number of the training, such as 'Step'. */
export const numberOf = (page, name) =>
  page.evaluate((wanted) => {
    const term = [...document.querySelectorAll('.numbers dt')].find(({ textContent }) => textContent === wanted);
    return Number(term.nextElementSibling.textContent);
  }, name);

export const press = (page, name) => page.getByRole('button', { name, exact: true }).click();

/** Trains for at least so many steps, and pauses. Returns the losses at the beginning and end. */
export async function train(page, steps) {
  await press(page, 'Step');
  await page.waitForFunction(() => document.querySelector('.numbers dd').textContent !== '0');
  const first = await numberOf(page, 'Loss');
  await press(page, 'Start');
  await page.waitForFunction((n) => Number(document.querySelector('.numbers dd').textContent) >= n, steps);
  await press(page, 'Pause');
  // The step that was under way when the button was pressed is shown last.
  await settled(page);
  return { first, last: await numberOf(page, 'Loss'), steps: await numberOf(page, 'Step') };
}

/** Waits until a training has paused and shows its last step everywhere. */
export const settled = (page) =>
  page.waitForFunction(() => {
    if (![...document.querySelectorAll('button')].some(({ textContent }) => textContent === 'Start')) return false;
    const step = document.querySelector('.numbers dd').textContent;
    return [...document.querySelectorAll('.help')].some(({ textContent }) =>
      textContent.startsWith(`The network after ${step} step`),
    );
  });

/**
 * Waits for a message in the page, and dismisses it. Returns its text.
 * @param look is called before it is dismissed
 */
export async function message(page, pattern, look = () => {}) {
  const shown = page.locator('.message', { hasText: pattern });
  const text = await shown.locator('p').textContent();
  await look();
  await shown.getByRole('button').click();
  await shown.waitFor({ state: 'detached' });
  return text;
}

export const shoot = (page, name) => page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
