/**
 * Scenes, their photographs and crops. Not here: how outlines become pixels (coverage.ts). The
 * rules of contours are checked once more here, from the labels of whole scenes.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { crops } from '../../examples/contours/data/crops.js';
import { scenePhotographs } from '../../examples/contours/data/photographs.js';
import { drawScene, type ScenesOptions, scenes } from '../../examples/contours/data/scenes.js';
import { drawTexture, type Rgb, type TextureKind } from '../../examples/contours/data/textures.js';
import { DataLoader, type HostArray, type ImagePair, mapDataset } from '../../src/data/index.js';
import { FastRandom, FormatError, RandomState, ShapeError, ValueError } from '../../src/index.js';

const test = suite('contours/scenes');
const random = new RandomState(0);

const fake = (height: number, width: number, seed: number): HostArray => ({
  data: Float32Array.from(new RandomState(seed).rand(height * width * 3)),
  shape: [height, width, 3],
});
const photographs = [fake(130, 140, 1), fake(150, 128, 2)];
const itemOf = (options: Partial<ScenesOptions>, index: number): ImagePair =>
  scenes({ photographs, count: 10, size: 48, ...options }).item(index, random) as ImagePair;

test('a seed and an index give the same bytes, others give others', () => {
  const first = itemOf({ seed: 7 }, 3);
  assert.equal(
    first.map(({ shape }) => shape),
    [
      [48, 48, 3],
      [48, 48, 1],
    ],
  );
  itemOf({ seed: 7 }, 4);
  assert.equal(itemOf({ seed: 7, count: 4 }, 3), first);
  // The same sum or exchanged numbers do not give the same scene.
  for (const [seed, index] of [
    [7, 4],
    [8, 3],
    [3, 7],
    [6, 4],
  ]) {
    const other = itemOf({ seed }, index);
    const equal = other[0].data.filter((level, i) => level === first[0].data[i]).length;
    assert.ok(equal < other[0].data.length / 10, `${equal}`);
  }
  assert.equal(itemOf({ size: [32, 40] }, 0)[0].shape, [32, 40, 3]);
});

test('photographs are not written to', () => {
  const copies = photographs.map(({ data }) => data.slice());
  for (let i = 0; i < 5; i++) itemOf({}, i);
  assert.equal(
    photographs.map(({ data }) => data),
    copies,
  );
});

test('contour is where an object has something further behind beside it', () => {
  for (let index = 0; index < 8; index++) {
    const { image, contour, labels } = drawScene(photographs, [60, 50], 1, index);
    const expected = Array.from(labels, (label, at) => {
      const [y, x] = [Math.floor(at / 50), at % 50];
      const around = [
        [y - 1, x],
        [y + 1, x],
        [y, x - 1],
        [y, x + 1],
      ].filter(([v, u]) => v >= 0 && v < 60 && u >= 0 && u < 50);
      return around.some(([v, u]) => labels[v * 50 + u] < label) ? 1 : 0;
    });
    assert.equal([...contour.data], expected);
    assert.ok(new Set(labels).size >= 3, 'some objects are seen');
    assert.ok(image.data.every((level) => level >= 0 && level <= 1));
  }
});

test('objects are seen where their labels are', () => {
  // The photograph is black, so light beyond the noise of at most 0.05 is an object's.
  const black = [{ data: new Float32Array(100 * 100 * 3), shape: [100, 100, 3] }];
  let [bright, objects, stray] = [0, 0, 0];
  for (let index = 0; index < 6; index++) {
    const { image, labels } = drawScene(black, [100, 100], 2, index);
    labels.forEach((label, at) => {
      const isBright = Math.max(...image.data.subarray(at * 3, at * 3 + 3)) > 0.25;
      if (label > 0) objects++;
      if (label > 0 && isBright) bright++;
      // Pixels at the rim are covered by less than a half, but by something.
      const besideObject = [at - 1, at + 1, at - 100, at + 100, at - 101, at - 99, at + 99, at + 101].some(
        (other) => labels[other] > 0,
      );
      if (label === 0 && isBright && !besideObject) stray++;
    });
  }
  assert.is(stray, 0);
  // A black part of the photograph is a texture as well, in a fifth of the objects.
  assert.ok(bright > 0.5 * objects, `${bright} of ${objects}`);
});

test('an object differs in color from what it covers', () => {
  const region = { top: 0, left: 0, height: 9, width: 9, data: new Float32Array(81).fill(1) };
  for (const kind of ['plain', 'gradient'] as const)
    for (let seed = 0; seed < 200; seed++) {
      const draws = new FastRandom(seed);
      const beneath = [...draws.rand(3)] as unknown as Rgb;
      const texture = drawTexture(kind, { center: [4, 4], radius: 4, region, beneath }, [], draws);
      // At the centre a gradient has the mean of its colors.
      const differences = texture(4, 4).map((level, c) => Math.abs(level - beneath[c]));
      assert.ok(Math.max(...differences) >= 0.2 - 1e-12, `${differences}`);
    }
});

test('textures are what their names say', () => {
  const region = { top: 0, left: 0, height: 64, width: 64, data: new Float32Array(64 * 64).fill(1) };
  const surface = { center: [32, 32], radius: 32, region, beneath: [0, 0, 0] } as const;
  const reds = (kind: TextureKind, seed: number): number[] => {
    const texture = drawTexture(kind, surface, [fake(70, 70, 4)], new FastRandom(seed));
    return Array.from({ length: 64 * 64 }, (_, i) => texture(Math.floor(i / 64), i % 64)[0]);
  };
  for (let seed = 0; seed < 10; seed++) {
    assert.is(new Set(reds('plain', seed)).size, 1);
    // A gradient changes along each row in one direction only.
    const row = reds('gradient', seed).slice(0, 64);
    const steps = row.slice(1).map((level, x) => Math.sign(Math.round((level - row[x]) * 1e9)));
    assert.ok(!(steps.includes(1) && steps.includes(-1)));
    for (const kind of ['stripes', 'noise'] as const) assert.ok(new Set(reds(kind, seed)).size > 10, kind);
    assert.ok([...reds('noise', seed), ...reds('photograph', seed)].every((level) => level >= 0 && level <= 1));
  }
});

test('a photograph with NaN gives scenes with NaN', () => {
  const broken = [{ data: new Float32Array(60 * 60 * 3).fill(Number.NaN), shape: [60, 60, 3] }];
  const [image, contour] = itemOf({ photographs: broken }, 0);
  assert.ok(image.data.some(Number.isNaN));
  // Objects are drawn all the same.
  assert.ok(contour.data.some((value) => value === 1));
});

test('1 to 15 % of the pixels are contour', () => {
  for (const [size, count] of [
    [224, 12],
    [64, 60],
  ]) {
    const data = scenes({ photographs: [fake(224, 224, 3)], count, size });
    for (let i = 0; i < count; i++) {
      const contour = (data.item(i, random) as ImagePair)[1].data as Float32Array;
      const share = contour.reduce((sum, value) => sum + value, 0) / contour.length;
      assert.ok(share >= 0.01 && share <= 0.15, `${share} in scene ${i} of ${size}`);
    }
  }
});

test('a loader takes scenes and crops of them', async () => {
  const data = mapDataset(scenes({ photographs, count: 3, size: 48 }), (item, random) => crops(random, item, 32));
  const shapes: unknown[] = [];
  for await (const [image, contour] of new DataLoader(data, { batchSize: 3 })) shapes.push(image.shape, contour.shape);
  assert.equal(shapes, [
    [3, 32, 32, 3],
    [3, 32, 32, 1],
  ]);
});

/** An image whose pixels tell their places, and contours that are its first channels. */
function numbered(height: number, width: number): ImagePair {
  const at = (i: number): number => Math.floor(i) / (height * width);
  const image = Float32Array.from({ length: height * width * 3 }, (_, i) => at(i / 3));
  const contours = Float32Array.from({ length: height * width * 2 }, (_, i) => at(i / 2));
  return [
    { data: image, shape: [height, width, 3] },
    { data: contours, shape: [height, width, 2] },
  ];
}

test('crops are of the same place of image and contours, some of them mirrored', () => {
  const item = numbered(12, 15);
  const seen = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const [image, contours] = crops(new FastRandom(seed), item, 8);
    assert.equal(
      [image.shape, contours.shape],
      [
        [8, 8, 3],
        [8, 8, 2],
      ],
    );
    const places = Array.from({ length: 64 }, (_, i) => Math.round(image.data[i * 3] * 180));
    assert.equal(
      Array.from({ length: 64 }, (_, i) => Math.round(contours.data[i * 2] * 180)),
      places,
    );
    const step = places[1] - places[0];
    const [top, left] = [Math.floor(places[0] / 15), (places[0] % 15) - (step < 0 ? 7 : 0)];
    const column = (x: number): number => left + (step < 0 ? 7 - x : x);
    assert.equal(
      places,
      Array.from({ length: 64 }, (_, i) => (top + Math.floor(i / 8)) * 15 + column(i % 8)),
    );
    seen.add(`${top} ${left} ${step}`);
  }
  // 5 rows, 8 columns and two directions make 80 crops, of which 200 draws give about 73.
  assert.ok(seen.size > 60, `${seen.size}`);
});

test('a smaller image is enlarged by reflection', () => {
  // Two rows are missing: one above, which is row 1, and one below, which is row 1 of 3 as well.
  const [image, contours] = crops(new FastRandom(0), numbered(3, 5), 5);
  const row = (y: number): number[] => Array.from({ length: 5 }, (_, x) => y * 5 + x);
  const places = Array.from({ length: 25 }, (_, i) => Math.round(image.data[i * 3] * 15));
  const rows = [1, 0, 1, 2, 1].map(row);
  assert.equal(places, (places[0] > places[1] ? rows.map((list) => list.reverse()) : rows).flat());
  assert.equal(
    Array.from({ length: 25 }, (_, i) => Math.round(contours.data[i * 2] * 15)),
    places,
  );
  assert.throws(
    () => crops(new FastRandom(0), numbered(3, 5), 12),
    (e: Error) => e instanceof ShapeError,
  );
  assert.throws(
    () => crops(new FastRandom(0), numbered(3, 5), 0.5),
    (e: Error) => e instanceof ValueError,
  );
});

test('photographs of the packages: both parts are large enough, and make up the whole', async () => {
  const [all, train, rest] = [
    await scenePhotographs(),
    await scenePhotographs({ part: 'train' }),
    await scenePhotographs({ part: 'test' }),
  ];
  assert.ok(all.length >= 3 && train.length === all.length && rest.length === all.length);
  all.forEach(({ data, shape: [height, width] }, i) => {
    assert.is(Math.min(height, width), 480);
    assert.ok([...train[i].shape, ...rest[i].shape].filter((n) => n !== 3).every((n) => n >= 224));
    const isTall = height > width;
    const [cut, length] = isTall ? [train[i].shape[0], height] : [train[i].shape[1], width];
    assert.is(cut, Math.round(0.6 * length));
    // The last pixel of the first part, and the first pixel of the second one, in the last row.
    const row = isTall ? cut - 1 : height - 1;
    const column = isTall ? width - 1 : cut - 1;
    assert.is(train[i].data.at(-1), data[(row * width + column) * 3 + 2]);
    const [y, x] = isTall ? [cut, 0] : [0, cut];
    assert.is(rest[i].data[0], data[(y * width + x) * 3]);
    assert.is(rest[i].data.at(-1), data.at(-1));
  });
  const [image] = scenes({ photographs: rest, count: 1 }).item(0, random) as ImagePair;
  assert.equal(image.shape, [224, 224, 3]);
  const error = await scenePhotographs({ part: 'val' as 'test' }).catch((e: Error) => e);
  assert.ok(error instanceof ValueError && !(error instanceof FormatError));
});

test('bad options are named', () => {
  const cases: [Partial<ScenesOptions>, new (...args: never[]) => Error, RegExp][] = [
    [{ count: 0 }, ValueError, /count=0/],
    [{ count: 1.5 }, ValueError, /count=1\.5/],
    [{ size: 8 }, ValueError, /size=8/],
    [{ size: [32, 9] }, ValueError, /size=32,9/],
    [{ seed: -1 }, ValueError, /seed=-1/],
    [{ photographs: [] }, ValueError, /there must be a photograph/],
    [{ photographs: [fake(20, 90, 0)] }, ShapeError, /\[20,90,3\] for scenes of 48 × 48/],
    [{ photographs: [{ data: new Float32Array(100 * 100), shape: [100, 100, 1] }] }, ShapeError, /\[100,100,1\]/],
  ];
  for (const [options, type, message] of cases)
    assert.throws(
      () => itemOf(options, 0),
      (e: Error) => e instanceof type && message.test(e.message),
    );
  assert.throws(
    () => itemOf({}, 10),
    (e: Error) => e instanceof ValueError && /index must be whole and in \[0, 9\]; got index=10/.test(e.message),
  );
});

test.run();
