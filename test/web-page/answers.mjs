/** The page answers while it trains: the time from a click to the frame that shows its effect. */
import assert from 'node:assert/strict';
import { check } from '../browser/report.mjs';
import { choose, onPage, press } from './page.mjs';

const clicks = 30;
const limitMs = 50;

/** Measures each click on the page, from its time stamp to the frame after it was handled. */
function measure() {
  globalThis.delays = [];
  addEventListener(
    'click',
    ({ timeStamp }) => {
      // The page draws its changes in the next frame. The task after that frame ends the answer.
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => globalThis.delays.push(performance.now() - timeStamp);
        port2.postMessage(null);
      });
    },
    { capture: true },
  );
}

/** The sorted delays of some clicks. */
async function clicked(page) {
  await page.evaluate(() => {
    globalThis.delays = [];
  });
  for (let i = 0; i < clicks; i++) {
    await page.locator('.check input').click();
    await page.waitForTimeout(20 + (i % 7) * 10);
  }
  await page.waitForFunction((count) => globalThis.delays.length === count, clicks);
  return (await page.evaluate(() => globalThis.delays)).sort((a, b) => a - b);
}

const text = (delays) => {
  const at = (share) => `${delays[Math.floor(share * (clicks - 1))].toFixed(0)} ms`;
  return `median ${at(0.5)}, 90 % ${at(0.9)}, largest ${at(1)}`;
};

export async function checkAnswers(context) {
  for (const network of ['digits', 'what-where'])
    await check(`the page answers within ${limitMs} ms while ${network} trains`, () =>
      onPage(context, {}, async (page) => {
        await choose(page, 'device', 'wasm');
        if (network !== 'digits') await choose(page, 'network', network);
        await page.evaluate(measure);
        const idle = await clicked(page);
        await press(page, 'Start');
        const training = await clicked(page);
        // Other programs of this machine may delay some clicks, so the limit is for the median.
        assert.ok(training[clicks / 2] < limitMs, `training: ${text(training)}; idle: ${text(idle)}`);
        return `${text(training)}; without training ${text(idle)}`;
      }),
    );
}
