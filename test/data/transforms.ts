/**
 * Transforms of images: values against PyTorch's (test/fixtures/gen_transforms.py) and by hand,
 * pairs of image and target, seeds. Not here: loaders (loader.ts).
 */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { DataLoader, type Dataset, type HostArray, mapDataset, transforms } from '../../src/data/index.js';
import { SampleRandom } from '../../src/data/sample-random.js';
import { fromDescription } from '../../src/data/transforms/combine.js';
import { describe } from '../../src/data/transforms/step.js';
import { type CedarError, ShapeError, ValueError } from '../../src/errors.js';
import { FastRandom, manualSeed } from '../../src/index.js';

const test = suite('transforms');
const {
  brightness,
  compose,
  contrast,
  crop,
  flip,
  forImage,
  fromList,
  grayscale,
  noise,
  normalize,
  pad,
  paired,
  randomCrop,
  resize,
  rotate,
} = transforms;

const image = (shape: readonly number[], data: readonly number[]): HostArray => ({
  data: Float32Array.from(data),
  shape,
});
/** An image whose values are their positions. */
const counted = (...shape: number[]): HostArray =>
  image(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
  );
const close = (actual: HostArray, shape: readonly number[], expected: readonly number[], within = 1e-6): void => {
  assert.equal([...actual.shape], [...shape]);
  assert.is(actual.data.length, expected.length);
  actual.data.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]) <= within, `[${i}]: ${value} for ${expected[i]}`);
  });
};
const refused = (call: () => unknown, error: new (...args: never[]) => CedarError, message: string | RegExp): void => {
  let thrown: unknown;
  try {
    call();
  } catch (e) {
    thrown = e;
  }
  assert.instance(thrown, error, `${thrown}`);
  if (typeof message === 'string') assert.is((thrown as Error).message, message);
  else assert.match((thrown as Error).message, message);
};

interface Case {
  readonly name: 'resize' | 'pad' | 'rotate';
  readonly size?: [number, number];
  readonly width?: number[];
  readonly degrees?: number;
  readonly options: object;
  readonly shape: number[];
  readonly data: number[];
  readonly outShape: number[];
  readonly out: number[];
}
const cases: Case[] = JSON.parse(readFileSync(new URL('../fixtures/transforms.json', import.meta.url), 'utf8'));
for (const { name, size, width, degrees, options, shape, data, outShape, out } of cases)
  test(`${name} ${shape} by ${size ?? width ?? degrees}, ${JSON.stringify(options)}, as PyTorch`, () => {
    const transform =
      name === 'resize'
        ? resize(size as [number, number], options)
        : name === 'pad'
          ? pad(width as number[], options)
          : rotate([degrees as number, degrees as number], options);
    close(transform(image(shape, data)), outShape, out);
  });

test('crop takes the middle', () => {
  // Rows 1 and 2 of 4, columns 1 to 3 of 6 (one column more is left at the right).
  close(crop([2, 3])(counted(4, 6, 1)), [2, 3, 1], [7, 8, 9, 13, 14, 15]);
  close(crop(2)(counted(2, 2, 2)), [2, 2, 2], [0, 1, 2, 3, 4, 5, 6, 7]);
  refused(
    () => crop([3, 2])(counted(2, 4, 1)),
    ShapeError,
    'transforms.crop: the image must be at least as large as the crop; got an image of 2 × 4, a crop of 3 × 2; ' +
      'resize or pad it first',
  );
  refused(
    () => crop(0),
    ValueError,
    'transforms.crop: size must be a whole number in [1, 65536], or two for height and width; got size=0',
  );
});

test('a random crop is a part of the image, at every place equally often', () => {
  const places = new Map<number, number>();
  for (let i = 0; i < 1200; i++) {
    const { data, shape } = randomCrop([3, 2])(counted(4, 4, 1), new SampleRandom(1, 0, i));
    assert.equal(shape, [3, 2, 1]);
    const [first] = data;
    assert.equal(
      [...data],
      [0, 1, 4, 5, 8, 9].map((d) => first + d),
    );
    places.set(first, (places.get(first) ?? 0) + 1);
  }
  assert.equal(
    [...places.keys()].sort((a, b) => a - b),
    [0, 1, 2, 4, 5, 6],
  );
  // 1200 / 6 = 200 each, with a standard deviation of 13.
  assert.ok(
    [...places.values()].every((count) => Math.abs(count - 200) < 55),
    `${[...places.values()]}`,
  );
  refused(() => randomCrop(5)(counted(4, 6, 1)), ShapeError, /^transforms.randomCrop: the image must be at least/);
});

test('flip mirrors at random', () => {
  const x = image([2, 2, 2], [1, 2, 3, 4, 5, 6, 7, 8]);
  close(flip({ horizontal: 1 })(x), [2, 2, 2], [3, 4, 1, 2, 7, 8, 5, 6]);
  close(flip({ horizontal: 0, vertical: 1 })(x), [2, 2, 2], [5, 6, 7, 8, 1, 2, 3, 4]);
  close(flip({ horizontal: 1, vertical: 1 })(x), [2, 2, 2], [7, 8, 5, 6, 3, 4, 1, 2]);
  const random = new FastRandom(3);
  let count = 0;
  for (let i = 0; i < 1000; i++) count += flip()(x, random).data[0] === 3 ? 1 : 0;
  // 500 with a standard deviation of 16.
  assert.ok(Math.abs(count - 500) < 70, `${count}`);
  refused(() => flip({ horizontal: 2 }), ValueError, 'transforms.flip: horizontal must be in [0, 1]; got horizontal=2');
});

test('resize keeps proportions where it is asked to', () => {
  const shapes = [resize(4), resize([4, 2]), resize({ shorter: 3 }), resize({ longer: 3 })].map(
    (transform) => transform(counted(6, 10, 1)).shape,
  );
  // 10 · 3 / 6 = 5, and 6 · 3 / 10 = 1.8, rounded down.
  assert.equal(shapes, [
    [4, 4, 1],
    [4, 2, 1],
    [3, 5, 1],
    [1, 3, 1],
  ]);
  refused(() => resize({ shorter: 3, longer: 4 } as never), ValueError, /size must give either the shorter or the/);
  refused(() => resize({ short: 3 } as never), ValueError, /did you mean shorter\?/);
  refused(() => resize(4, { interpolation: 'bicubic' as never }), ValueError, /must be 'bilinear' or 'nearest'; got/);
});

test('labels keep their type and values', () => {
  const labels: HostArray = { data: Int32Array.from([1, 2, 3, 4]), shape: [2, 2, 1] };
  const larger = resize(4, { interpolation: 'nearest' })(labels);
  assert.instance(larger.data, Int32Array);
  assert.equal([...larger.data], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
  assert.instance(pad(1)(labels).data, Int32Array);
  refused(
    () => resize(4)(labels),
    ValueError,
    'transforms.resize: the image must hold floating-point numbers; got an Int32Array; ' +
      "pass interpolation: 'nearest'",
  );
  refused(() => brightness(1)(labels), ValueError, /must hold floating-point numbers; got an Int32Array$/);
});

test('rotate draws the angle from its range', () => {
  const x = counted(3, 3, 1);
  // By hand: a quarter turn counter-clockwise.
  close(rotate([90, 90])(x), [3, 3, 1], [2, 5, 8, 1, 4, 7, 0, 3, 6], 1e-5);
  close(rotate([180, 180])(counted(2, 3, 1)), [2, 3, 1], [5, 4, 3, 2, 1, 0], 1e-5);
  close(rotate([45, 45], { fill: -1 })(image([1, 3, 1], [1, 1, 1])), [1, 3, 1], [-0.4142136, 1, -0.4142136], 1e-6);
  const corners = new Set(Array.from({ length: 20 }, (_, i) => rotate(10)(x, new SampleRandom(0, 0, i)).data[0]));
  assert.is(corners.size, 20);
  refused(
    () => rotate([5, 2]),
    ValueError,
    'transforms.rotate: degrees must begin with the smaller number; got degrees=[5,2]',
  );
});

test('brightness and contrast, by hand', () => {
  const x = image([1, 2, 1], [0.2, 0.6]);
  close(brightness([1.5, 1.5])(x), [1, 2, 1], [0.3, 0.9]);
  close(brightness([2, 2])(x), [1, 2, 1], [0.4, 1]);
  // The mean is 0.4.
  close(contrast([0.5, 0.5])(x), [1, 2, 1], [0.3, 0.5]);
  close(contrast([4, 4])(x), [1, 2, 1], [0, 1]);
  // Grey of the two pixels: 0.299 + 0.587 · 0.5 = 0.5925, and 0.114; their mean is 0.35325.
  const color = image([1, 2, 4], [1, 0.5, 0, 0.9, 0, 0, 1, 0.1]);
  close(contrast([0, 0])(color), [1, 2, 4], [...Array(3).fill(0.35325), 0.9, ...Array(3).fill(0.35325), 0.1]);
  close(brightness([0.5, 0.5])(color), [1, 2, 4], [0.5, 0.25, 0, 0.9, 0, 0, 0.5, 0.1]);
  const factors = Array.from(
    { length: 300 },
    (_, i) => brightness(0.4)(image([1, 1, 1], [0.5]), new SampleRandom(0, 0, i)).data[0] / 0.5,
  );
  assert.ok(Math.min(...factors) >= 0.6 - 1e-6 && Math.min(...factors) < 0.62, `${Math.min(...factors)}`);
  assert.ok(Math.max(...factors) <= 1.4 + 1e-6 && Math.max(...factors) > 1.38, `${Math.max(...factors)}`);
  refused(() => brightness(-1), ValueError, /amount must be a number that is not negative, or two .*; got amount=-1/);
});

test('noise has the given deviation', () => {
  const x = image([50, 40, 1], Array(2000).fill(0.5));
  const data = [...noise(0.1)(x, new FastRandom(1)).data];
  const mean = data.reduce((a, b) => a + b, 0) / 2000;
  const variance = data.reduce((a, b) => a + (b - mean) ** 2, 0) / 2000;
  // Their standard deviations are 0.1 / √2000 = 0.0022 and 0.1 / √4000 = 0.0016.
  assert.ok(Math.abs(mean - 0.5) < 0.01, `${mean}`);
  assert.ok(Math.abs(Math.sqrt(variance) - 0.1) < 0.007, `${Math.sqrt(variance)}`);
  const limited = noise(2, { clamp: true })(x, new FastRandom(1)).data;
  assert.ok(limited.every((v) => v >= 0 && v <= 1));
  assert.ok(limited.some((v) => v === 0) && limited.some((v) => v === 1));
  assert.ok(noise(2)(x, new FastRandom(1)).data.some((v) => v > 1));
  // The normal numbers are the generator's own.
  const normal = new FastRandom(7).randn(2);
  close(
    noise(0.5)(image([1, 2, 1], [0.25, 0.5]), new FastRandom(7)),
    [1, 2, 1],
    [0.25 + 0.5 * normal[0], 0.5 + 0.5 * normal[1]],
  );
});

test('normalize and grayscale, by hand', () => {
  const x = image([1, 1, 3], [0.5, 0.25, 1]);
  close(normalize(0.5, 0.25)(x), [1, 1, 3], [0, -1, 2]);
  close(normalize([0.5, 0, 1], [1, 0.5, 2])(x), [1, 1, 3], [0, 0.5, 0]);
  // 0.299 · 0.5 + 0.587 · 0.25 + 0.114 = 0.41025.
  close(grayscale()(x), [1, 1, 1], [0.41025]);
  close(grayscale({ channels: 3 })(x), [1, 1, 3], [0.41025, 0.41025, 0.41025]);
  close(grayscale({ channels: 3 })(image([1, 1, 1], [0.7])), [1, 1, 3], [0.7, 0.7, 0.7]);
  refused(
    () => normalize([0.5, 0.5], 1)(x),
    ShapeError,
    'transforms.normalize: mean must have one number per channel; got 2 for an image of [1,1,3]',
  );
  refused(() => normalize(0, 0), ValueError, /std must be a finite number above 0, or one per channel; got std=0/);
  refused(() => grayscale()(counted(1, 1, 2)), ShapeError, /an image must have 1, 3 or 4 channels; got \[1,1,2\]/);
});

const every = compose([
  pad(1),
  resize([9, 8]),
  flip(),
  rotate(30),
  randomCrop(6),
  brightness(0.2),
  contrast(0.2),
  noise(0.1),
  normalize(0.5, 0.5),
]);

test('the given image is not written to, and shares no memory with the result', () => {
  const x = counted(6, 7, 3);
  const before = x.data.slice();
  every(x, new FastRandom(1));
  for (const transform of [pad(0), resize([6, 7]), crop([6, 7]), normalize(0, 1), brightness(0), noise(0)]) {
    const { data } = transform(x);
    data.fill(9);
  }
  assert.equal(x.data, before);
});

test('draws come from the generator that is given', () => {
  const x = counted(6, 7, 3);
  assert.equal(every(x, new SampleRandom(1, 2, 3)), every(x, new SampleRandom(1, 2, 3)));
  assert.not.equal(every(x, new SampleRandom(1, 2, 3)), every(x, new SampleRandom(1, 2, 4)));
  manualSeed(5);
  const first = every(x);
  assert.not.equal(every(x), first);
  manualSeed(5);
  assert.equal(every(x), first);
});

test('a transform’s own seed gives other draws, which repeat', () => {
  const x = counted(8, 8, 1);
  const cropped = (seed?: number, sample = 0) =>
    Array.from({ length: 8 }, (_, i) => randomCrop(3, { seed })(x, new SampleRandom(0, sample, i)).data[0]).join();
  assert.is(cropped(1), cropped(1));
  assert.is.not(cropped(1), cropped(2));
  assert.is.not(cropped(1), cropped());
  assert.is.not(cropped(1, 1), cropped(1, 0), 'samples differ');
  refused(() => randomCrop(3, { seed: -1 }), ValueError, /seed must be whole and in/);
});

test('image and target are moved alike, and only the image changes its colors', () => {
  const x = counted(8, 9, 1);
  const scaled: HostArray = { data: x.data.map((v) => v * 2) as Float32Array, shape: x.shape };
  const moves = compose([randomCrop(6), flip({ vertical: 0.5 }), pad([1, 2]), rotate(20)]);
  fc.assert(
    fc.property(fc.nat(1000), (index) => {
      const [a, b] = paired(moves)([x, scaled], new SampleRandom(1, 0, index));
      close(
        b,
        a.shape,
        [...a.data].map((v) => v * 2),
        1e-4,
      );
      const [c, d, rest] = paired(compose([noise(1), moves, brightness(0.5)]))(
        [x, scaled, 'rest'] as const,
        new SampleRandom(1, 0, index),
      );
      assert.is(rest, 'rest');
      assert.equal(c.shape, d.shape);
      assert.ok(
        d.data.every((v) => v >= 0 && v <= 142.01),
        'noise and brightness leave the target alone',
      );
    }),
    { numRuns: 30 },
  );
  const [e, f] = paired(compose([noise(0.5), brightness(0.3)]), { colors: 'both' })([x, x], new SampleRandom(1, 0, 1));
  assert.equal(e, f, 'both get the same noise');
});

test('the labels of a target stay whole', () => {
  const x = counted(8, 8, 3);
  const mask: HostArray = { data: Uint8Array.from({ length: 64 }, (_, i) => i % 2), shape: [8, 8, 1] };
  const [a, b] = paired(compose([rotate(40), resize(13)]), { interpolation: 'nearest' })([x, mask], new FastRandom(1));
  assert.equal(
    [a.shape, b.shape],
    [
      [13, 13, 3],
      [13, 13, 1],
    ],
  );
  assert.instance(b.data, Uint8Array);
  assert.ok(b.data.every((v) => v === 0 || v === 1));
});

test('pairs that do not fit are refused', () => {
  const pairOf = (a: unknown, b: unknown) => () => paired(flip())([a, b] as never);
  refused(
    pairOf(counted(2, 3, 1), counted(3, 2, 1)),
    ShapeError,
    'transforms.paired: image and target must have the same height and width; got [2,3,1] and [3,2,1]',
  );
  refused(pairOf(counted(2, 3, 1), 5), ValueError, /^transforms.paired: target must be { data, shape }/);
  refused(
    () => paired(flip())(counted(2, 3, 1) as never),
    ValueError,
    /items must be tuples of an image and a target; .*; for items that are images, pass the transform itself$/,
  );
  refused(
    () => paired((x) => x),
    ValueError,
    'transforms.paired: transform must be made of the transforms of this library; got transform=a function; ' +
      'of your own functions map the pair yourself: mapDataset(dataset, ([image, target], random) => …)',
  );
  refused(
    () => flip()({ data: new Float32Array(4), shape: [2, 2] }),
    ShapeError,
    /image must be \[H,W,C\] with a pixel/,
  );
});

test('the image of an item alone', () => {
  const [x, label] = forImage(crop(1))([counted(3, 3, 1), 7] as const);
  assert.equal([...x.data], [4]);
  assert.is(label, 7);
  refused(() => forImage(crop(1))([] as never), ValueError, /items must be tuples of an image and more; got item=\[\]/);
});

test('functions of one’s own among transforms', () => {
  const twice = compose([
    crop(1),
    (x) =>
      image(
        x.shape,
        [...x.data].map((v) => v * 2),
      ),
  ]);
  close(twice(counted(3, 3, 1)), [1, 1, 1], [8]);
  refused(
    () => compose([crop(1), 5 as never]),
    ValueError,
    /transforms\[1\] must be a function; got transforms\[1\]=5/,
  );
});

const list = [
  { name: 'resize', size: { shorter: 12 }, antialias: false },
  { name: 'pad', width: 1, mode: 'reflect' },
  { name: 'randomCrop', size: 10, seed: 4 },
  { name: 'rotate', degrees: 5, fill: 0.5 },
  { name: 'flip', vertical: 0.5 },
  { name: 'crop', size: [9, 8] },
  { name: 'brightness', amount: 0.1 },
  { name: 'contrast', amount: [0.5, 2] },
  { name: 'noise', std: 0.1, clamp: true },
  { name: 'grayscale', channels: 3 },
  { name: 'normalize', mean: [0.5, 0.5, 0.5], std: 0.25 },
];

test('transforms from a list of names', () => {
  const x: HostArray = { data: counted(15, 14, 3).data.map((v) => v / 630) as Float32Array, shape: [15, 14, 3] };
  const made = compose([
    resize({ shorter: 12 }, { antialias: false }),
    pad(1, { mode: 'reflect' }),
    randomCrop(10, { seed: 4 }),
    rotate(5, { fill: 0.5 }),
    flip({ vertical: 0.5 }),
    crop([9, 8]),
    brightness(0.1),
    contrast([0.5, 2]),
    noise(0.1, { clamp: true }),
    grayscale({ channels: 3 }),
    normalize([0.5, 0.5, 0.5], 0.25),
  ]);
  for (let i = 0; i < 5; i++)
    assert.equal(fromList(list)(x, new SampleRandom(0, 0, i)), made(x, new SampleRandom(0, 0, i)));
  refused(() => fromList([{ name: 'shear' }]), ValueError, /name must be one of crop, .*; got \[0\].name='shear'/);
  refused(() => fromList(['flip' as never]), ValueError, /; got \[0\]='flip'/);
  refused(
    () => fromList([{ name: 'crop', size: 3, seed: 1 }]),
    ValueError,
    'transforms.crop: options are size; got seed=1',
  );
  refused(() => fromList([{ name: 'flip', horizontl: 1 }]), ValueError, /did you mean horizontal\?/);
});

test('a described function is the same after JSON', () => {
  const x: HostArray = { data: counted(15, 14, 3).data.map((v) => v / 630) as Float32Array, shape: [15, 14, 3] };
  const items = [x, x] as const;
  for (const fn of [fromList(list), forImage(fromList(list)), paired(fromList(list), { interpolation: 'nearest' })]) {
    const description = JSON.parse(JSON.stringify(describe(fn)));
    const item = (description.kind === 'image' ? x : items) as never;
    assert.equal(fromDescription(description)(item, new FastRandom(3)), fn(item, new FastRandom(3)));
  }
  assert.is(
    describe(() => 1),
    undefined,
  );
});

test('a loader applies transforms with the sample’s generator', async () => {
  const images: Dataset<HostArray> = { length: 4, item: () => counted(6, 6, 1) };
  const corners = async () => {
    const out: number[] = [];
    const dataset = mapDataset(images, randomCrop(3));
    for await (const [batch] of new DataLoader(dataset, { batchSize: 2, seed: 1 }))
      out.push((await batch.data())[0], (await batch.data())[9]);
    return out;
  };
  const first = await corners();
  assert.equal(await corners(), first);
  assert.equal(
    first,
    [0, 1, 2, 3].map((i) => randomCrop(3)(counted(6, 6, 1), new SampleRandom(1, 0, i)).data[0]),
  );
});

test.run();
