/** The example contours: a short run, one with files of BSDS500's layout, and mistakes. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'jpeg-js';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { decodePng, encodePng, encodeTorch, loadWeights } from '../../src/io/index.js';
import { Cedn, Vgg16 } from '../../src/models/index.js';
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

/** Writes an image with a bright square, and what two annotators drew, in BSDS500's layout. */
function writeImage(folder: string, part: string, name: string): void {
  const [height, width] = [230, 250];
  const pixels = Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width] as const);
  const inside = (y: number, x: number, margin: number): boolean =>
    Math.max(Math.abs(y - 110), Math.abs(x - 120)) <= 50 - margin;
  const colors = pixels.flatMap(([y, x]) => (inside(y, x, 0) ? [220, 200, 180, 255] : [20, 30, 40, 255]));
  const drawn = Uint8Array.from(pixels, ([y, x]) => (inside(y, x, 0) && !inside(y, x, 1) ? 255 : 0));
  const contours = join(folder, 'groundTruth', part, name);
  for (const path of [join(folder, 'images', part), contours]) mkdirSync(path, { recursive: true });
  const { data } = encode({ width, height, data: Buffer.from(colors) }, 95);
  writeFileSync(join(folder, 'images', part, `${name}.jpg`), data);
  for (const annotator of [1, 2])
    writeFileSync(join(contours, `${annotator}.png`), encodePng({ width, height, channels: 1, data: drawn }));
}

test('it trains on a folder of BSDS500 with a frozen encoder of torchvision', async () => {
  const folder = join(out, 'bsds');
  const images = { train: ['100'], test: ['200', '201'] };
  for (const [part, names] of Object.entries(images)) for (const name of names) writeImage(folder, part, name);
  const given = new Vgg16({ width: 0.03, size: 32, classes: 2 });
  const flatten = { 'classifier.0': [Math.round(512 * 0.03), 1, 1] } as const;
  writeFileSync(join(out, 'vgg16.safetensors'), await encodeTorch(given, { flatten }));
  const encoder = ['--encoder', join(out, 'vgg16.safetensors'), '--encoder-rate', '0'];
  const { status, stdout, stderr } = example(...small, '--bsds', folder, ...encoder);
  assert.equal([status, stderr], [0, '']);
  assert.match(stdout, /2 held-out images\n +ODS/);
  const trained = new Cedn({ width: 0.03 });
  await loadWeights(trained, join(out, 'contours.safetensors'));
  trained.features.parameters().forEach((p, i) => {
    assert.equal(p.dataSync(), given.features.parameters()[i].dataSync());
  });
  // The images of the fixture are for tests of its reader. None of them are for training.
  const none = example(...small, '--bsds', 'test/fixtures/bsds');
  assert.is(none.status, 1);
  assert.match(none.stderr, /^contours: imageFolder: /);
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
