/**
 * Worker threads of a DataLoader: the same items as without, errors, and the end of the threads.
 * Not here: how fast they are.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  arrayDataset,
  concatDatasets,
  DataLoader,
  type Dataset,
  type HostArray,
  imageFolder,
  mapDataset,
  moduleDataset,
  subset,
  transforms,
} from '../../src/data/index.js';
import { FormatError } from '../../src/errors.js';
import type { Tensor } from '../../src/index.js';
import { encodePng } from '../../src/io/index.js';

const test = suite('workers');
const { compose, noise, paired, randomCrop } = transforms;
const module = new URL('../fixtures/dataset-module.ts', import.meta.url);
const root = mkdtempSync(join(tmpdir(), 'cedargrad-workers-'));
test.after(() => rmSync(root, { recursive: true }));
const jpegs: { file: string }[] = JSON.parse(readFileSync(new URL('../fixtures/jpeg.json', import.meta.url), 'utf8'));
for (let i = 0; i < 4; i++) writeFileSync(join(root, `${i}.jpg`), Buffer.from(jpegs[i].file, 'base64'));
writeFileSync(
  join(root, '4.png'),
  encodePng({ width: 12, height: 11, channels: 1, data: Uint8Array.from({ length: 132 }, (_, i) => i) }),
);

async function valuesOf(loader: AsyncIterable<readonly Tensor[]>): Promise<number[][]> {
  const out: number[][] = [];
  for await (const batch of loader) for (const tensor of batch) out.push([...(await tensor.data())]);
  return out;
}
const threads = (): number => process.getActiveResourcesInfo().filter((name) => name.includes('MessagePort')).length;
const message = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
};

test('items are the same as without threads, to the bit', async () => {
  const images = await imageFolder(root, { targets: root, targetChannels: 1 });
  const moved = mapDataset(images, paired(compose([randomCrop(8), noise(0.1)]), { interpolation: 'nearest' }));
  const more = concatDatasets([subset(moved, [4, 0, 0]), moved]);
  // A function of one's own runs here, and continues with the sample's generator.
  const own = mapDataset(more, ([image, target], random) => [image, target, random.random()] as const);
  for (const dataset of [moved, more, own] as Dataset<readonly [HostArray, HostArray]>[]) {
    const options = { batchSize: 3, shuffle: true, seed: 4 };
    const alone = new DataLoader(dataset, options);
    const helped = new DataLoader(dataset, { ...options, workers: 2 });
    assert.equal(await valuesOf(helped as never), await valuesOf(alone as never));
    if (dataset !== moved) continue;
    assert.equal(await valuesOf(helped as never), await valuesOf(alone as never), 'a second epoch');
  }
});

test('a bad file is named, and nothing is left behind', async () => {
  const folder = mkdtempSync(join(root, 'bad-'));
  writeFileSync(join(folder, 'a.jpg'), Buffer.from(jpegs[0].file, 'base64'));
  writeFileSync(join(folder, 'b.jpg'), Buffer.from(jpegs[0].file, 'base64').subarray(0, 300));
  const images = await imageFolder(folder);
  let thrown: unknown;
  try {
    await valuesOf(new DataLoader(images, { batchSize: 1, workers: 1 }));
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, FormatError);
  assert.match(
    (thrown as Error).message,
    /^imageFolder: every image must be readable; got 'b.jpg': a JPEG must be whole/,
  );
  const skipping = await imageFolder(folder, { onError: 'skip' });
  assert.is((await valuesOf(new DataLoader(skipping, { batchSize: 2, workers: 1 }))).length, 1);
  assert.equal(
    skipping.skipped.map(({ file }) => file),
    ['b.jpg'],
  );
});

test('the data set of a module', async () => {
  const dataset = await moduleDataset<HostArray>(module, { argument: 6 });
  assert.is(dataset.length, 6);
  const options = { batchSize: 4, seed: 1 };
  const alone = await valuesOf(new DataLoader(dataset, options));
  assert.equal(await valuesOf(new DataLoader(dataset, { ...options, workers: 2 })), alone);
  assert.equal([alone[0].length, alone[1].length], [8, 4]);
  assert.is(
    await message(() => moduleDataset(module, { name: 'data' })),
    "moduleDataset: the module must export 'data'; got exports default, number",
  );
  assert.is(
    await message(() => moduleDataset(module, { name: 'number' })),
    "moduleDataset: the export 'number' must have a length and a method item(index, random); got the export 'number'=5",
  );
  assert.match(await message(() => moduleDataset(module, { argument: () => 1 })), /argument must be data that can be/);
  assert.match(await message(() => moduleDataset('./data.js')), /write new URL\('.\/data.js', import.meta.url\)$/);
});

test('an error of one’s own code arrives with its name and place', async () => {
  const dataset = await moduleDataset<HostArray>(module, { argument: 80 });
  try {
    await valuesOf(new DataLoader(subset(dataset, [1, 77]), { batchSize: 1, workers: 1 }));
    assert.unreachable();
  } catch (error) {
    const { name, message: text, stack } = error as Error;
    assert.equal([name, text], ['RangeError', '77 is not for sale']);
    assert.match(stack as string, /dataset-module\.ts/);
  }
});

test('a thread that ends is an error, not a wait', async () => {
  const dataset = await moduleDataset<HostArray>(module, { argument: 90 });
  assert.is(
    await message(() => valuesOf(new DataLoader(subset(dataset, [1, 88, 2]), { batchSize: 1, workers: 1 }))),
    'DataLoader: a worker thread must go on; got exit code 3',
  );
});

test('an epoch that is left early leaves no thread and no rejection', async () => {
  const rejections: unknown[] = [];
  const note = (reason: unknown) => rejections.push(reason);
  process.on('unhandledRejection', note);
  const before = threads();
  const images = await imageFolder(root);
  for await (const _ of new DataLoader(mapDataset(images, randomCrop(8)), { batchSize: 1, workers: 2, prefetch: 4 }))
    break;
  await wait(30);
  assert.is(threads(), before);
  assert.equal(rejections, []);
  process.off('unhandledRejection', note);
});

test('data sets that threads cannot make are refused', async () => {
  const made = (dataset: unknown, options: object) =>
    message(() => new DataLoader(dataset as Dataset<number>, { batchSize: 1, ...options }));
  assert.is(
    await made(arrayDataset([1, 2]), { workers: 2 }),
    'DataLoader: worker threads need a data set that they can make themselves; got workers=2 for an object {length, ' +
      'item}; begin with imageFolder, or export the data set from a module and pass moduleDataset(url)',
  );
  assert.match(await made(new Set([1]), { workers: 1 }), /worker threads need a data set with indices; got workers=1/);
  assert.match(await made([1], { workers: 65 }), /workers must be whole and in \[0, 64\]; got workers=65/);
});

test('threads do not keep a program from ending', () => {
  const program = `
    import { DataLoader, imageFolder } from '${new URL('../../src/data/index.ts', import.meta.url)}';
    const loader = new DataLoader(await imageFolder(${JSON.stringify(root)}), { batchSize: 1, workers: 1 });
    const batches = loader[Symbol.asyncIterator]();
    await batches.next();
    console.log('read');`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', program],
    { cwd: fileURLToPath(new URL('../..', import.meta.url)), encoding: 'utf8', timeout: 60_000 },
  );
  assert.equal([stdout, status], ['read\n', 0], stderr);
});

test.run();
