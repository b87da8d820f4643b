/**
 * Accessibility by axe-core, at narrow and wide pages, dark and light, and pictures of the page to
 * look at.
 */
import assert from 'node:assert/strict';
import { check } from '../browser/report.mjs';
import { choose, onPage, press, shoot, train } from './page.mjs';
import { read } from './site.mjs';

export const axe = String(read('node_modules/axe-core/axe.min.js'));

/** What axe finds, as texts. */
export const violations = () =>
  globalThis.axe
    .run(document, { resultTypes: ['violations'] })
    .then((result) =>
      result.violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => `${id} at ${target}: ${failureSummary}`),
      ),
    );

async function audit(page) {
  await page.evaluate(axe);
  assert.deepEqual(await page.evaluate(violations), []);
  const { wide, over } = await page.evaluate(() => ({
    wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    over: [...document.querySelectorAll('main *')]
      .filter((element) => !element.closest('pre') && element.getBoundingClientRect().right > innerWidth + 1)
      .map(({ tagName, className }) => `${tagName} ${className}`),
  }));
  assert.ok(wide <= 0, `the page is ${wide} pixels too wide`);
  assert.deepEqual(over, [], 'what reaches out of the page');
}

export async function checkAccess(context) {
  for (const width of [375, 1280, 2560])
    for (const colorScheme of ['light', 'dark'])
      await check(`axe finds nothing at ${width} pixels, ${colorScheme}`, () =>
        onPage(
          context,
          { width, height: 900, colorScheme, host: width === 375 ? 'open' : 'isolated' },
          async (page) => {
            await audit(page);
            await choose(page, 'network', 'what-where');
            await press(page, 'Example digit');
            await train(page, 20);
            await page.locator('.drawing figure').nth(3).waitFor();
            await page.click('summary');
            await page.setInputFiles('#weights-file', {
              name: 'notes.txt',
              mimeType: '',
              buffer: Buffer.from('words'),
            });
            await page.locator('.message.problem').waitFor();
            await audit(page);
            await shoot(page, `what-where-${width}-${colorScheme}`);
            for (const network of ['contours', 'cedn']) {
              await choose(page, 'network', network);
              await audit(page);
              await shoot(page, `${network}-${width}-${colorScheme}`);
            }
          },
        ),
      );
}
