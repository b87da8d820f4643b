/** Files: weights that leave the page and come back, pictures, and files that are refused. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { encodePng } from 'cedargrad/io';
import { check } from '../browser/report.mjs';
import { choose, message, numberOf, onPage, press, shoot, train, untilChanged, untilShown } from './page.mjs';
import { outputsInNode } from './predict.mjs';

const file = (name, buffer, mimeType = '') => ({ name, mimeType, buffer: Buffer.from(buffer) });

/** Downloads the weights. */
async function download(page, format) {
  const [saved] = await Promise.all([page.waitForEvent('download'), press(page, `Download ${format}`)]);
  const text = await message(page, 'Saved');
  const bytes = readFileSync(await saved.path());
  return { name: saved.suggestedFilename(), bytes, text };
}

/** The grey values of all pictures of the row of outputs. @units 0 … 255 */
export const outputs = (page) =>
  page.evaluate(() =>
    [...document.querySelectorAll('.strip[aria-label^="Outputs"] canvas')].flatMap(globalThis.greysOf),
  );

/** The largest difference between what the page shows and what Node computes. */
export function assertSame(shown, computed) {
  assert.equal(shown.length, computed.length);
  // A picture has whole numbers of 255 levels, and devices differ in the last bits.
  const most = shown.reduce((worst, value, i) => Math.max(worst, Math.abs(value - 255 * computed[i])), 0);
  assert.ok(most <= 0.51, `the page and Node differ by ${most} of 255`);
  return `largest difference ${most.toFixed(2)} of 255 levels`;
}

export async function checkFiles(context) {
  const kept = {};
  await check('weights from the page give the same predictions in Node, and load again', () =>
    onPage(context, {}, async (page) => {
      await choose(page, 'device', 'wasm');
      await train(page, 50);
      const shown = await outputs(page);
      const notes = [];
      for (const format of ['safetensors', 'ONNX']) {
        const { name, bytes } = await download(page, format);
        assert.equal(name, `digits.${format.toLowerCase()}`);
        kept[name] = bytes;
        notes.push(`${name}: ${assertSame(shown, await outputsInNode(name, bytes))}`);
        await press(page, 'Reset');
        await untilChanged(page, '.strip[aria-label^="Outputs"] canvas', shown.slice(0, 784));
        await page.setInputFiles('#weights-file', file(name, bytes));
        await message(page, `Loaded the weights of ${name}`);
        await untilShown(page, '.strip[aria-label^="Outputs"] canvas', shown.slice(0, 784));
      }
      return notes.join('; ');
    }),
  );

  await check('bad weights give a message, and the training goes on', () =>
    onPage(context, {}, async (page) => {
      await choose(page, 'network', 'cedn');
      await press(page, 'Start');
      const notes = [];
      for (const [bad, expected] of [
        [file('digits.safetensors', kept['digits.safetensors']), /conv1|squeeze|widen/],
        [file('digits.onnx', kept['digits.onnx']), /conv1|squeeze|widen/],
        [file('notes.txt', 'some words'), /must end in \.safetensors or \.onnx/],
        [file('notes.safetensors', 'some words'), /safetensors/],
        [file('notes.onnx', 'some words'), /[Oo]nnx|ONNX/],
      ]) {
        const before = await numberOf(page, 'Step');
        await page.setInputFiles('#weights-file', bad);
        const look = () => notes.length === 0 && shoot(page, 'cedn-refused-weights');
        notes.push(await message(page, expected, look));
        await page.waitForFunction((n) => Number(document.querySelector('.numbers dd').textContent) > n, before + 3);
      }
      return `\n     ${notes.join('\n     ')}`;
    }),
  );

  await check('bad numbers give a message, and the former ones stay', () =>
    onPage(context, {}, async (page) => {
      for (const [field, value] of [
        ['learning-rate', '-1'],
        ['learning-rate', 'fast'],
        ['learning-rate', ''],
        ['seed', '1.5'],
        ['seed', '4294967296'],
      ]) {
        await page.fill(`#${field}`, value);
        await page.press(`#${field}`, 'Enter');
        assert.match(await page.locator(`#${field}-rule`).textContent(), /^Give .* is still used\.$/);
        assert.equal(await page.getAttribute(`#${field}`, 'aria-invalid'), 'true');
      }
      await shoot(page, 'digits-wrong-numbers');
      await page.fill('#seed', '7');
      await page.press('#seed', 'Enter');
      assert.equal(await page.locator('#seed-rule').count(), 0);
      await page.getByText('The new seed counts from the next Reset on').waitFor();
    }),
  );

  await check('a loss that is not finite stops the training with a message', () =>
    onPage(context, {}, async (page) => {
      await choose(page, 'network', 'cedn');
      await page.fill('#learning-rate', '1e30');
      await page.press('#learning-rate', 'Enter');
      await press(page, 'Start');
      const text = await message(page, 'must be finite');
      await page.getByRole('button', { name: 'Start', exact: true }).waitFor();
      return text;
    }),
  );

  await check('contours of pictures: PNG, 20 megapixels, and what is no picture', () =>
    onPage(context, {}, async (page) => {
      await choose(page, 'network', 'contours');
      const pixels = (width, height) =>
        Uint8Array.from({ length: width * height }, (_, i) =>
          Math.hypot((i % width) - 60, i / width - 60) < 40 ? 220 : 30,
        );
      const png = (width, height) => encodePng({ width, height, channels: 1, data: pixels(width, height) });
      await page.setInputFiles('#image-file', file('disc.png', png(160, 120), 'image/png'));
      await page.locator('.wide .figures figure').nth(2).waitFor();
      const size = await page
        .locator('.wide canvas')
        .first()
        .evaluate(({ width, height }) => [width, height]);
      assert.deepEqual(size, [160, 120]);
      await shoot(page, 'contours');
      await page.setInputFiles('#image-file', file('words.png', 'these are words', 'image/png'));
      const refused = await message(page, 'must be a picture');
      await page.setInputFiles('#image-file', file('large.png', png(5000, 4000), 'image/png'));
      const note = page.getByText('Scaled down from 5000 × 4000');
      await note.waitFor();
      return `${refused}; ${await note.textContent()}`;
    }),
  );
}
