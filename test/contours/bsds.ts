/** Folders in the layout of BSDS500. Expected values come from fixtures/bsds/gen_bsds.py. */
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { annotators, bsdsFolder } from '../../examples/contours/data/bsds.js';
import { DataLoader } from '../../src/data/index.js';
import { FormatError, RandomState, ShapeError, ValueError } from '../../src/index.js';

const test = suite('contours/bsds');
const folder = fileURLToPath(new URL('../fixtures/bsds', import.meta.url));
const random = new RandomState(0);

interface Expected {
  readonly name: string;
  readonly shape: [height: number, width: number, channels: number];
  /** The lowest pixel at the left, as PIL decodes it. */
  readonly corner: readonly number[];
  /** Of each annotator the rows, a digit for each pixel. */
  readonly boundaries: readonly (readonly string[])[];
}
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<
  'test' | 'val',
  readonly Expected[]
>;

for (const split of ['test', 'val'] as const)
  test(`${split}: contours of ${split === 'test' ? '.mat files' : 'PNG images'}`, async () => {
    const data = await bsdsFolder(folder, split);
    assert.equal(
      data.names,
      expected[split].map(({ name }) => name),
    );
    assert.is(data.length, expected[split].length);
    for (const [i, { shape, corner, boundaries }] of expected[split].entries()) {
      const [image, contours] = await data.item(i, random);
      const [height, width] = shape;
      assert.equal(image.shape, shape);
      corner.forEach((level, c) => {
        // Decoders may differ by a level.
        const at = image.data[(height - 1) * width * 3 + c] * 255;
        assert.ok(Math.abs(at - level) < 1.5, `${at}, expected ${level}`);
      });
      assert.equal(contours.shape, [height, width, boundaries.length]);
      const rows = annotators(contours).map(({ data, shape }) => {
        assert.equal(shape, [height, width, 1]);
        return Array.from({ length: height }, (_, y) => data.slice(y * width, (y + 1) * width).join(''));
      });
      assert.equal(rows, boundaries);
    }
  });

test('a loader takes the items', async () => {
  const shapes: unknown[] = [];
  for await (const [image, contours] of new DataLoader(await bsdsFolder(folder, 'test'), { batchSize: 1 }))
    shapes.push([image.shape, contours.shape]);
  assert.equal(shapes, [
    [
      [1, 16, 20, 3],
      [1, 16, 20, 3],
    ],
    [
      [1, 20, 16, 3],
      [1, 20, 16, 1],
    ],
  ]);
});

const refused = async (work: Promise<unknown>, type: new (...args: never[]) => Error, message: RegExp) => {
  const error = await work.then(
    () => null,
    (error: Error) => error,
  );
  assert.ok(error instanceof type && message.test(error.message), String(error));
};

test('what is missing or does not fit is named', async () => {
  await refused(
    bsdsFolder(folder, 'all' as 'test'),
    ValueError,
    /split must be one of train, val, test; got split=all/,
  );
  await refused(bsdsFolder(folder, 'train'), ValueError, /imageFolder/);
  const copy = mkdtempSync(join(tmpdir(), 'bsds-'));
  try {
    cpSync(folder, copy, { recursive: true });
    const truth = join(copy, 'groundTruth/test');
    const data = await bsdsFolder(copy, 'test');
    copyFileSync(join(truth, '2002.mat'), join(truth, '1001.mat'));
    await refused(data.item(0, random) as Promise<unknown>, ShapeError, /got 20 × 16 for '1001' of 16 × 20/);
    writeFileSync(join(truth, '1001.mat'), readFileSync(join(truth, '2002.mat')).subarray(0, 500));
    await refused(data.item(0, random) as Promise<unknown>, FormatError, /1001\.mat': .*cut short/);
    writeFileSync(join(truth, '1001.mat'), readFileSync(join(truth, '2002.mat')).subarray(0, 128));
    await refused(data.item(0, random) as Promise<unknown>, FormatError, /cell array.*1001\.mat': no such variable/);
    rmSync(join(truth, '1001.mat'));
    await refused(data.item(0, random) as Promise<unknown>, FormatError, /neither .*1001\.mat' nor a folder .*1001'/);
    // The other image is not affected.
    assert.equal((await data.item(1, random))[1].shape, [20, 16, 1]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test('a .mat file goes before PNG images', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'bsds-'));
  try {
    cpSync(folder, copy, { recursive: true });
    cpSync(join(copy, 'groundTruth/test/1001.mat'), join(copy, 'groundTruth/val/3003.mat'));
    const [, contours] = await (await bsdsFolder(copy, 'val')).item(0, random);
    assert.equal(contours.shape, [16, 20, 3]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test.run();
