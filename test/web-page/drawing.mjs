/** Drawing a digit by mouse and by keys, and looking at the windows of unpooling. */
import assert from 'node:assert/strict';
import { check } from '../browser/report.mjs';
import { choose, onPage, press, shoot, train, untilShown } from './page.mjs';

const greys = (locator) => locator.evaluate((canvas) => globalThis.greysOf(canvas));
const difference = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

export async function checkDrawing(context) {
  await check('a digit drawn by mouse is rebuilt from what and where', () =>
    onPage(context, {}, async (page) => {
      await choose(page, 'network', 'what-where');
      await train(page, 60);
      const pad = page.locator('.pad');
      await pad.scrollIntoViewIfNeeded();
      const box = await pad.boundingBox();
      const at = (x, y) => [box.x + (x / 28) * box.width, box.y + (y / 28) * box.height];
      await page.mouse.move(...at(9, 7));
      await page.mouse.down();
      for (const point of [at(19, 7), at(12, 22)]) await page.mouse.move(...point, { steps: 5 });
      await page.mouse.up();
      await page.locator('.drawing figure').nth(3).waitFor();
      // The drawing that is shown last is the whole one.
      const drawn = await greys(pad.locator('canvas'));
      await untilShown(page, '.drawing .figures canvas', drawn);
      const shown = page.locator('.drawing .figures canvas');
      const rebuilt = difference(drawn, await greys(shown.nth(1)));
      const whatAlone = difference(drawn, await greys(shown.nth(2)));
      assert.ok(drawn[7 * 28 + 14] > 200, 'no ink where the mouse was');
      assert.ok(rebuilt < whatAlone, `mean error ${rebuilt} from both, ${whatAlone} from what alone`);
      await shoot(page, 'what-where-drawn');
      return `mean error ${rebuilt.toFixed(1)} from what and where, ${whatAlone.toFixed(1)} from what alone, of 255`;
    }),
  );

  await check('the keyboard alone trains, draws, chooses and reads windows', () =>
    onPage(context, {}, async (page) => {
      const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
      const tabTo = async (wanted) => {
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press('Tab');
          if (await page.evaluate((s) => document.activeElement.matches(s), wanted)) return;
        }
        throw new Error(`Tab does not reach ${wanted}; it is at ${await focused()}`);
      };
      await tabTo('button.main');
      await page.keyboard.press('Enter');
      await page.waitForFunction(() => Number(document.querySelector('.numbers dd').textContent) > 5);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: 'Start' }).waitFor();
      await tabTo('.pad');
      await page.keyboard.press('Space');
      for (let i = 0; i < 6; i++) await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Space');
      await page.keyboard.press('ArrowRight');
      await page.locator('.drawing figure').nth(1).waitFor();
      const ink = await greys(page.locator('.pad canvas'));
      assert.ok(ink[17 * 28 + 14] > 200 && ink[17 * 28 + 20] === 0, 'the pen did not draw a line downwards');
      await tabTo('.mask');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowDown');
      const text = await page.getByText(/^Window in row/).textContent();
      const [, row, column, index] =
        /^Window in row 1, column 1: its maximum is in row (\d+), column (\d+)\. Index (\d+)/.exec(text).map(Number);
      assert.ok([2, 3].includes(row) && [2, 3].includes(column) && index === row * 28 + column, text);
      return text;
    }),
  );

  await check('another pool, picture and channel are shown', () =>
    onPage(context, {}, async (page) => {
      await page.selectOption('#level', { value: '1' });
      await page.selectOption('#picture', { value: '3' });
      await page.selectOption('#channel', { value: '5' });
      await press(page, 'Step');
      const size = await page
        .locator('.maps canvas')
        .first()
        .evaluate(({ width, height }) => [width, height]);
      assert.deepEqual(size, [14, 14]);
      assert.deepEqual(
        await page.evaluate(() => ['level', 'picture', 'channel'].map((id) => document.getElementById(id).value)),
        ['1', '3', '5'],
      );
    }),
  );
}
