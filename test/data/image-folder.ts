/**
 * Data sets of image files: folders, lists, classes, targets, bad files. Not here: JPEG itself
 * (jpeg.ts), PNG (test/io), pages (test/browser).
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  DataLoader,
  type HostArray,
  type ImageFolderOptions,
  type ImageSource,
  imageFolder,
  readImage,
} from '../../src/data/index.js';
import { SampleRandom } from '../../src/data/sample-random.js';
import { CedarError, ValueError } from '../../src/errors.js';
import { encodePng } from '../../src/io/index.js';

const test = suite('imageFolder');
const random = new SampleRandom(0, 0, 0);
const root = mkdtempSync(join(tmpdir(), 'cedargrad-images-'));
test.after(() => rmSync(root, { recursive: true }));

const jpegs: { name: string; file: string }[] = JSON.parse(
  readFileSync(new URL('../fixtures/jpeg.json', import.meta.url), 'utf8'),
);
const jpeg = Buffer.from(jpegs[0].file, 'base64');
/** A PNG of one color. */
const png = (color: readonly number[], width = 3, height = 2): Uint8Array<ArrayBuffer> =>
  encodePng({
    width,
    height,
    channels: color.length as 1 | 2 | 3 | 4,
    data: Uint8Array.from({ length: width * height * color.length }, (_, i) => color[i % color.length]),
  });

let folders = 0;
/** A new folder with these files. */
function folder(files: Record<string, Uint8Array | string>): string {
  const path = join(root, `${folders++}`);
  mkdirSync(path);
  for (const [name, bytes] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), bytes);
  }
  return path;
}

/** The values of the first pixel, in bytes. */
const pixel = ({ data, shape }: HostArray): number[] => [...data.subarray(0, shape[2])].map((v) => v * 255);
const close = (actual: readonly number[], expected: readonly number[]): void => {
  assert.is(actual.length, expected.length);
  actual.forEach((v, i) => {
    assert.ok(Math.abs(v - expected[i]) < 1e-4, `${actual} for ${expected}`);
  });
};

async function refused(source: unknown, options: object, message: string | RegExp): Promise<void> {
  let thrown: unknown;
  try {
    await imageFolder(source as ImageSource, options as ImageFolderOptions);
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, CedarError, `${thrown}`);
  const { message: got } = thrown as Error;
  if (typeof message === 'string') assert.is(got, message);
  else assert.match(got, message);
}

test('all images below a folder, sorted by name', async () => {
  const path = folder({
    'b.png': png([1, 2, 3]),
    'B.PNG': png([4, 5, 6]),
    'a/z.jpg': jpeg,
    'a/deep/er.jpeg': jpeg,
    'notes.txt': 'no image',
    '.hidden.png': 'not read',
    '.git/x.png': 'not read',
  });
  const images = await imageFolder(path);
  assert.equal(images.files, ['B.PNG', 'a/deep/er.jpeg', 'a/z.jpg', 'b.png']);
  assert.is(images.length, 4);
  assert.equal([images.classes, images.skipped], [[], []]);
  const item = await images.item(3, random);
  assert.equal(item.shape, [2, 3, 3]);
  assert.instance(item.data, Float32Array);
  close(pixel(item), [1, 2, 3]);
  assert.equal((await images.item(2, random)).shape, [10, 13, 3]);
  assert.equal((await imageFolder(pathToFileURL(path))).files, images.files);
  assert.equal((await imageFolder(path, { extensions: ['.PNG'] })).files, ['B.PNG', 'b.png']);
});

// Luma by hand: 0.299 · 200 + 0.587 · 100 + 0.114 · 50 = 124.2.
const conversions: readonly (readonly [from: number[], channels: 1 | 3 | 4, to: number[]])[] = [
  [[200, 100, 50], 3, [200, 100, 50]],
  [[200, 100, 50], 1, [124.2]],
  [[200, 100, 50], 4, [200, 100, 50, 255]],
  [[200, 100, 50, 7], 3, [200, 100, 50]],
  [[200, 100, 50, 7], 1, [124.2]],
  [[200, 100, 50, 7], 4, [200, 100, 50, 7]],
  [[9], 1, [9]],
  [[9], 3, [9, 9, 9]],
  [[9], 4, [9, 9, 9, 255]],
  [[9, 60], 1, [9]],
  [[9, 60], 3, [9, 9, 9]],
  [[9, 60], 4, [9, 9, 9, 60]],
];
for (const [from, channels, to] of conversions)
  test(`a PNG of ${from.length} channels as ${channels}`, async () => {
    const images = await imageFolder(folder({ 'a.png': png(from) }), { channels });
    const image = await images.item(0, random);
    assert.equal(image.shape, [2, 3, channels]);
    close(pixel(image), to);
  });

test('classes are the first folders on the paths, sorted', async () => {
  const path = folder({
    'dogs/1.png': png([1]),
    'cats/2.png': png([2]),
    'cats/young/3.png': png([3]),
    'birds/4.png': png([4]),
  });
  const images = await imageFolder(path, { classes: true });
  assert.equal(images.classes, ['birds', 'cats', 'dogs']);
  assert.equal(images.files, ['birds/4.png', 'cats/2.png', 'cats/young/3.png', 'dogs/1.png']);
  const labels = [];
  for await (const [image, label] of new DataLoader(images, { batchSize: 4 })) {
    assert.equal(image.shape, [4, 2, 3, 3]);
    assert.is(label.dtype, 'int32');
    labels.push(...(await label.data()));
  }
  assert.equal(labels, [0, 1, 1, 2]);
  await refused(
    folder({ 'x.png': png([1]), 'a/y.png': png([1]) }),
    { classes: true },
    "imageFolder: with classes, every image must be in a folder of its class; got 'x.png'; " +
      'move it into one, or leave out classes',
  );
});

test('targets have the same names, whatever their endings', async () => {
  const images = folder({ 'a/1.jpg': jpeg, '2.png': png([9, 9, 9]), '3.png': png([8, 8, 8]) });
  const masks = folder({ 'a/1.png': png([1]), '2.jpeg': jpeg, '3.png': png([3]), 'more.png': png([4]) });
  const pairs = await imageFolder(images, { targets: masks, targetChannels: 1 });
  const [image, mask] = await pairs.item(2, random);
  assert.equal(pairs.files, ['2.png', '3.png', 'a/1.jpg']);
  assert.equal(
    [image.shape, mask.shape],
    [
      [10, 13, 3],
      [2, 3, 1],
    ],
  );
  close(pixel(mask), [1]);
  const [, same] = await (await imageFolder(images, { targets: masks })).item(1, random);
  close(pixel(same), [3, 3, 3]);
  await refused(
    images,
    { targets: folder({ '3.png': png([1]) }) },
    "imageFolder: every image must have a target of the same name; got 2 of 3 without one: '2.png', 'a/1.jpg'; " +
      'the ending may differ',
  );
  await refused(
    images,
    { targets: folder({ '3.png': png([1]), '3.jpg': jpeg }) },
    "imageFolder: an image must have one target; got '3.jpg' and '3.png'",
  );
  await refused(
    images,
    { targets: join(root, 'nowhere') },
    /^imageFolder: the folder targets must exist; got '.*nowhere'; looked in/,
  );
});

test('a list of paths, URLs and File objects', async () => {
  const path = folder({ 'x/b.png': png([1]), 'x/a.png': png([2]), 'y/c.png': png([3]) });
  const listed = await imageFolder(['x/b.png', 'y/c.png', 'x/a.png'].map((name) => join(path, name)));
  assert.equal(listed.files, ['x/a.png', 'x/b.png', 'y/c.png']);
  const byUrl = await imageFolder([pathToFileURL(join(path, 'y/c.png')), pathToFileURL(join(path, 'x/b.png')).href], {
    classes: true,
  });
  assert.equal(
    [byUrl.files, byUrl.classes],
    [
      ['x/b.png', 'y/c.png'],
      ['x', 'y'],
    ],
  );
  close(pixel((await byUrl.item(1, random))[0]), [3, 3, 3]);
  const data = `data:image/png;base64,${Buffer.from(png([5])).toString('base64')}`;
  close(pixel(await (await imageFolder([data])).item(0, random)), [5, 5, 5]);
  // A page gives such paths to files that were chosen with their folder.
  const file = (name: string, bytes: Uint8Array<ArrayBuffer>, path = ''): File =>
    Object.defineProperty(new File([bytes], name), 'webkitRelativePath', { value: path });
  const chosen = await imageFolder(
    [
      file('2.png', png([6]), 'top/cats/2.png'),
      file('notes.txt', png([6]), 'top/cats/notes.txt'),
      file('._1.png', png([6]), 'top/cats/._1.png'),
      file('1.png', png([7]), 'top/ants/1.png'),
    ],
    { classes: true },
  );
  assert.equal(
    [chosen.files, chosen.classes],
    [
      ['ants/1.png', 'cats/2.png'],
      ['ants', 'cats'],
    ],
  );
  close(pixel((await chosen.item(0, random))[0]), [7, 7, 7]);
  const dropped = await imageFolder([file('b.png', png([8])), file('a.png', png([9]))]);
  assert.equal(dropped.files, ['a.png', 'b.png']);
});

test('a link to a folder is followed, but not in a circle', async () => {
  const path = folder({ 'a/1.png': png([1]) });
  symlinkSync(path, join(path, 'a/up'), 'dir');
  symlinkSync(join(path, 'a'), join(path, 'b'), 'dir');
  assert.equal((await imageFolder(path)).files, ['a/1.png', 'b/1.png']);
});

test('folders without images are refused', async () => {
  await refused(
    folder({}),
    {},
    /^imageFolder: the folder source must hold an image \(png, jpg, jpeg\); got '.*' with no file$/,
  );
  await refused(
    folder({ 'a.txt': '', 'b.webp': '', 'c.txt': '' }),
    {},
    /; got '.*' with 3 files of other kinds \(.txt, .webp\)$/,
  );
  await refused(join(root, 'none'), {}, /^imageFolder: the folder source must exist; got '.*none'; looked in .*none$/);
  const file = join(folder({ 'a.png': png([1]) }), 'a.png');
  await refused(file, {}, /^imageFolder: source must be a folder; got '.*a.png', a file; put single files in a list$/);
  await refused([], {}, 'imageFolder: source must list an image (png, jpg, jpeg); got an empty list');
  await refused('https://example.org/a.png', {}, /put the addresses of images in a list$/);
});

test('bad options are refused', async () => {
  const path = folder({ 'a.png': png([1]) });
  await refused(path, { channels: 2 }, 'imageFolder: channels must be 1, 3 or 4; got channels=2');
  await refused(path, { targetChannels: 'rgb' }, /targetChannels must be 1, 3 or 4; got targetChannels='rgb'/);
  await refused(path, { onError: 'ignore' }, "imageFolder: onError must be 'throw' or 'skip'; got onError='ignore'");
  await refused(
    path,
    { extensions: 'png' },
    "imageFolder: extensions must be a list such as ['png']; got extensions='png'",
  );
  await refused(path, { classes: true, targets: path }, /either classes or targets; got both/);
  await refused(path, { recursive: true }, /options are channels, classes, .*; got recursive=true/);
  await refused(5, {}, 'imageFolder: source must be a folder, or a list of files; got source=5');
  await refused([path, 5], {}, 'imageFolder: source must list paths, URLs or File objects; got source[1]=5');
});

const bad = {
  'a.png': png([1]),
  'cut.jpg': jpeg.subarray(0, 500),
  'empty.png': '',
  'text.png': 'GIF89a and so on',
  'z.png': png([2]),
  'zz.png': png([3]).subarray(0, 40),
};

test('a bad file is named', async () => {
  const images = await imageFolder(folder(bad));
  const message = async (index: number): Promise<string> => {
    try {
      await images.item(index, random);
    } catch (error) {
      return (error as Error).message;
    }
    return 'no error';
  };
  const end = "; repair or remove the file, or pass onError: 'skip'";
  assert.is(
    await message(1),
    "imageFolder: every image must be readable; got 'cut.jpg': a JPEG must be whole; got 500 bytes without the " +
      `marker of its end: the file is cut short${end}`,
  );
  assert.is(
    await message(2),
    `imageFolder: every image must be readable; got 'empty.png': an image must be PNG or JPEG; got an empty file${end}`,
  );
  assert.match(await message(3), /got 'text.png': an image must be PNG or JPEG; got a GIF; /);
  assert.match(await message(5), /got 'zz.png': a chunk must be whole; got /);
  rmSync(join(root, `${folders - 1}`, 'z.png'));
  assert.match(await message(4), /got 'z.png': ENOENT/);
});

test('a bad file is skipped, and the next sound one takes its place', async () => {
  const images = await imageFolder(folder(bad), { onError: 'skip', channels: 1 });
  const values: number[] = [];
  for await (const [batch] of new DataLoader(images, { batchSize: 6 }))
    for (let i = 0; i < 6; i++) values.push(Math.round((await batch.data())[i * 6] * 255));
  assert.equal(values, [1, 2, 2, 2, 2, 1]);
  assert.equal(images.skipped.map(({ file }) => file).sort(), ['cut.jpg', 'empty.png', 'text.png', 'zz.png']);
  assert.match(images.skipped.find(({ file }) => file === 'cut.jpg')?.reason as string, /the file is cut short$/);
  const none = await imageFolder(folder({ 'a.png': '', 'b.png': '' }), { onError: 'skip' });
  try {
    await none.item(0, random);
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /^imageFolder: an image must be readable; got 2 files, all bad; 'a.png': /);
  }
});

test('images of differing sizes are refused with the way out', async () => {
  const images = await imageFolder(folder({ 'a.png': png([1], 3, 2), 'b.png': png([1], 4, 2) }));
  try {
    for await (const _ of new DataLoader(images, { batchSize: 2 }));
    assert.unreachable();
  } catch (error) {
    assert.is(
      (error as Error).message,
      'DataLoader: items of a batch must have the same shape; got [2,3,3] in item 0, [2,4,3] in item 1; ' +
        'add a crop or resize: mapDataset(dataset, transforms.resize(64)), or transforms.randomCrop(64)',
    );
  }
});

test('a cached image is decoded once', async () => {
  const path = folder({ 'a.png': png([1]) });
  for (const cache of [false, true]) {
    writeFileSync(join(path, 'a.png'), png([1]));
    const images = await imageFolder(path, { cache });
    close(pixel(await images.item(0, random)), [1, 1, 1]);
    writeFileSync(join(path, 'a.png'), png([2]));
    close(pixel(await images.item(0, random)), cache ? [1, 1, 1] : [2, 2, 2]);
  }
});

test('an image alone', async () => {
  const path = folder({ 'a.png': png([1, 2, 3]), 'b.png': 'no image' });
  close(pixel(await readImage(join(path, 'a.png'))), [1, 2, 3]);
  assert.equal((await readImage(new Blob([png([7])]), { channels: 1 })).shape, [2, 3, 1]);
  const message = async (...given: [never, never?]): Promise<string> => {
    try {
      await readImage(...given);
    } catch (error) {
      assert.instance(error, CedarError, `${error}`);
      return (error as Error).message;
    }
    return 'no error';
  };
  assert.match(
    await message(join(path, 'b.png') as never),
    /^readImage: every image must be readable; got '.*b.png': an image must be PNG or JPEG; got bytes 110 111/,
  );
  assert.match(await message(join(path, 'c.png') as never), /ENOENT/);
  assert.match(await message(5 as never), /^readImage: source must/);
  assert.match(await message(join(path, 'a.png') as never, { channels: 2 } as never), /channels must be 1, 3 or 4/);
  assert.instance(new ValueError('', '', ''), CedarError);
});

test.run();
