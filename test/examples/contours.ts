/** The example contours: a short run, one with files of BSDS500's layout, and mistakes. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng } from '../../src/io/index.js';
import { runExample } from '../helpers/example.js';

const test = suite('contours');
const out = mkdtempSync(join(tmpdir(), 'contours-'));
test.after(() => rmSync(out, { recursive: true }));

const example = (...args: string[]) => runExample('contours', ...args);
const small = ['--epochs', '1', '--width', '0.03', '--device', 'wasm', '--out', out];

test('it trains, compares three detectors, and saves weights and two whole pictures', () => {
  const { status, stdout, stderr } = example(...small, '--scenes', '3', '--held', '2');
  assert.equal([status, stderr], [0, '']);
  assert.match(stdout, /2 held-out images\n +ODS +OIS +AP +threshold\n/);
  for (const name of ['CEDN', 'Canny', 'Sobel'])
    assert.match(stdout, new RegExp(`^${name}( +[01]\\.\\d{3}){4}$`, 'm'), name);
  assert.equal(readdirSync(out).sort(), ['contours.png', 'contours.safetensors', 'photograph.png']);
  const picture = decodePng(readFileSync(join(out, 'contours.png')));
  // Two columns and five rows of 224 pixels and gaps of 6, below the title.
  assert.ok(picture.width > 2 * 230 && picture.width < 3 * 230, String(picture.width));
  assert.is(picture.height, 28 + 5 * 230 - 6 + 10);
  // Canny and Sobel do not depend on the short training.
  const ods = (name: string): number => Number(stdout.match(new RegExp(`^${name} +([01]\\.\\d{3})`, 'm'))?.[1]);
  assert.ok(ods('Canny') > 0.6 && ods('Sobel') > 0.6, stdout);
});

test('a folder of BSDS500 without training images is refused', () => {
  const { status, stderr } = example(...small, '--bsds', 'test/fixtures/bsds', '--encoder-rate', '0');
  // The small fixture has no training images.
  assert.is(status, 1);
  assert.match(stderr, /^contours: imageFolder: /);
});

test('--help is on stdout; mistakes are one line and exit 2', () => {
  const help = example('--help');
  assert.is(help.status, 0);
  assert.match(help.stdout, /--bsds DIR/);
  for (const [args, says] of [
    [['--width', '0'], /^contours: --width must be in \(0, 4\]; got '0'\n$/],
    [['--encoder-rate', '2'], /^contours: --encoder-rate must be in \[0, 1\]; got '2'\n$/],
    [['--dropout', '1'], /^contours: --dropout must be in \[0, 1\); got '1'\n$/],
    [['--scenes', '1.5'], /^contours: --scenes must be a whole number of at least 1; got '1.5'\n$/],
    [['--epoch', '2'], /^contours: Unknown option '--epoch'/],
  ] as const) {
    const { status, stderr } = example(...args, '--out', out);
    assert.is(status, 2, stderr);
    assert.match(stderr, says);
  }
});

test.run();
