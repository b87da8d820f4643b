/**
 * The page answers while it trains: the time from a click until the page has handled it, and until
 * the frame after that. Both are reported. The limit only tells a page that answers from one whose
 * own thread trains: without a GPU, the browser draws on the cores that train, and other programs
 * of the machine delay clicks too.
 */
import assert from 'node:assert/strict';
import { check } from '../browser/report.mjs';
import { choose, onPage, press } from './page.mjs';

const clicks = 30;
const limitMs = 1000;

/** Measures each click on the switch of the loss curve, from its time stamp. */
function measure() {
  globalThis.handled = [];
  globalThis.drawn = [];
  const later = (fn) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = fn;
    port2.postMessage(null);
  };
  addEventListener(
    'click',
    ({ target, timeStamp }) => {
      if (!target.matches('.check input')) return;
      // The handlers run before the next task, and the view changes in it or in the next frame.
      later(() => globalThis.handled.push(performance.now() - timeStamp));
      requestAnimationFrame(() => later(() => globalThis.drawn.push(performance.now() - timeStamp)));
    },
    { capture: true },
  );
}

/** The sorted delays of some clicks. */
async function clicked(page) {
  await page.evaluate(() => {
    globalThis.handled = [];
    globalThis.drawn = [];
  });
  for (let i = 0; i < clicks; i++) {
    await page.locator('.check input').click();
    await page.waitForTimeout(20 + (i % 7) * 10);
  }
  await page.waitForFunction((count) => globalThis.drawn.length === count, clicks);
  const delays = await page.evaluate(() => [globalThis.handled, globalThis.drawn]);
  return delays.map((list) => list.sort((a, b) => a - b));
}

const text = ([handled, drawn]) => {
  const at = (list, share) => `${list[Math.floor(share * (clicks - 1))].toFixed(0)} ms`;
  return [
    `handled after ${at(handled, 0.5)}, at most ${at(handled, 1)}`,
    `drawn after ${at(drawn, 0.5)}, at most ${at(drawn, 1)}`,
  ].join(', ');
};

export async function checkAnswers(context) {
  for (const network of ['digits', 'what-where'])
    await check(`the page answers while ${network} trains`, () =>
      onPage(context, {}, async (page) => {
        await choose(page, 'device', 'wasm');
        if (network !== 'digits') await choose(page, 'network', network);
        await page.evaluate(measure);
        const idle = await clicked(page);
        await press(page, 'Start');
        const training = await clicked(page);
        assert.ok(training[1].at(-1) < limitMs, `training: ${text(training)}; idle: ${text(idle)}`);
        return `${text(training)}; without training ${text(idle)}`;
      }),
    );
}
