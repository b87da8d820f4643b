/** The network of the contour example: its beginning, its crops, its predictions, and its judge. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { made } from '../../examples/contours/data/sets.js';
import { judge, tableOf } from '../../examples/contours/judge.js';
import { normalised, predictContours } from '../../examples/contours/predict.js';
import { initialise, loadEncoder, parameterGroups, trainingCrops } from '../../examples/contours/train.js';
import type { Dataset, HostArray, ImagePair } from '../../src/data/index.js';
import {
  Conv2d,
  FormatError,
  init,
  Module,
  manualSeed,
  noGrad,
  RandomState,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
} from '../../src/index.js';
import { encodeTorch, exportOnnx } from '../../src/io/index.js';
import { Cedn, Vgg16 } from '../../src/models/index.js';
import { closeTo } from '../helpers/close.js';
import { refuses } from '../helpers/refusals.js';

const test = suite('contours/network');
const folder = mkdtempSync(join(tmpdir(), 'cedargrad-contours-'));
test.after(() => rmSync(folder, { recursive: true }));

/** Logits that are the sum of a pixel's channels. */
class Sum extends Module {
  conv = new Conv2d(3, 1, 1, { bias: false });
  seen: readonly number[] = [];
  constructor() {
    super();
    init.constant(this.conv.weight, 1);
  }
  forward(x: Tensor): Tensor {
    this.seen = x.shape;
    return this.conv.forward(x);
  }
}

test('a prediction has the size of the image, and each pixel its own probability', async () => {
  const [height, width] = [37, 64];
  const data = Float32Array.from(new RandomState(3).randn(height * width * 3));
  const model = new Sum();
  const map = await predictContours(model, { data, shape: [height, width, 3] });
  assert.equal([map.height, map.width, map.data.length], [height, width, height * width]);
  // The image and its mirror image, with the next multiples of 32.
  assert.equal([...model.seen], [2, 64, 64, 3]);
  assert.ok(model.training);
  map.data.forEach((p, i) => {
    const sum = data[3 * i] + data[3 * i + 1] + data[3 * i + 2];
    assert.ok(Math.abs(p - 1 / (1 + Math.exp(-sum))) < 1e-6, `pixel ${i}`);
  });
});

/** Gives each pixel the first color of its left neighbour as logit. */
class Left extends Module {
  conv = new Conv2d(3, 1, [1, 3], { bias: false, padding: 'same' });
  constructor() {
    super();
    noGrad(() => this.conv.weight.assign(tensor([1, 0, 0, 0, 0, 0, 0, 0, 0], { shape: [1, 3, 3, 1] })));
  }
  forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

test('a prediction is the mean of those for the image and its mirror image', async () => {
  const data = Float32Array.from(new RandomState(4).randn(32 * 32 * 3));
  const map = await predictContours(new Left(), { data, shape: [32, 32, 3] });
  const logistic = (v: number): number => 1 / (1 + Math.exp(-v));
  for (const [y, x] of [
    [0, 1],
    [7, 20],
    [31, 30],
  ]) {
    // In the mirror image, the left neighbour is the one on the right.
    const [left, right] = [x - 1, x + 1].map((at) => logistic(data[3 * (32 * y + at)]));
    assert.ok(Math.abs(map.data[32 * y + x] - (left + right) / 2) < 1e-6, `row ${y}, column ${x}`);
  }
});

test('the network begins near the constant with the least loss', async () => {
  manualSeed(4);
  const model = new Cedn({ width: 1 / 8, dropout: 0 });
  initialise(model, 10);
  // ln(10 · 0.02 / 0.98)
  assert.ok(Math.abs((model.pred.bias as Tensor).dataSync()[0] + 1.58924) < 1e-5);
  const spread = (conv: Conv2d): number => conv.weight.std().dataSync()[0];
  // √(2 / (9·8)), and twice √(2 / (25·64)) after an unpooling.
  assert.ok(Math.abs(spread(model.features[2] as Conv2d) / Math.sqrt(2 / 72) - 1) < 0.1);
  assert.ok(Math.abs(spread(model.deconv5) / (2 * Math.sqrt(2 / 1600)) - 1) < 0.05);
  const { data } = await predictContours(model, {
    data: Float32Array.from(new RandomState(1).rand(64 * 64 * 3)),
    shape: [64, 64, 3],
  });
  // 1 / (1 + e^1.58924) = 0.1695
  for (const p of data) assert.ok(p > 0.1 && p < 0.25, String(p));
});

test('biases learn at a tenth of the rate, and a frozen encoder not at all', () => {
  const model = new Cedn({ width: 1 / 32 });
  const rates = (encoderRate: number) =>
    parameterGroups(model, 2, encoderRate).map(({ params, lr }) => [params.length, params[0].rank, lr]);
  // Eight convolutions in the decoder, and thirteen in the encoder.
  assert.equal(rates(0.5), [
    [8, 4, 2],
    [8, 1, 0.2],
    [13, 4, 1],
    [13, 1, 0.1],
  ]);
  assert.equal(rates(0), [
    [8, 4, 2],
    [8, 1, 0.2],
  ]);
});

test('an encoder comes from safetensors or ONNX with the names of torchvision', async () => {
  const given = new Vgg16({ width: 1 / 16, size: 32, classes: 2 });
  const flatten = { 'classifier.0': [32, 1, 1] } as const;
  const files = {
    'vgg.safetensors': await encodeTorch(given, { flatten }),
    'vgg.onnx': await exportOnnx(given, { input: [1, 3, 32, 32] }),
  };
  for (const [name, bytes] of Object.entries(files)) {
    writeFileSync(join(folder, name), bytes);
    const model = new Cedn({ width: 1 / 16 });
    const before = model.conv6.weight.dataSync();
    await loadEncoder(model, join(folder, name));
    const want = given.features.parameters();
    assert.is(want.length, 26);
    model.features.parameters().forEach((p, i) => {
      assert.equal(p.dataSync(), want[i].dataSync(), `${name}: ${i}`);
    });
    assert.equal(model.conv6.weight.dataSync(), before);
    // Of another width.
    await refuses(
      [
        name.endsWith('onnx') ? 'VggEncoder.loadStateDict' : 'loadTorch',
        () => loadEncoder(new Cedn({ width: 1 / 8 }), join(folder, name)),
        ValueError,
        /features|0\.weight/,
      ],
      undefined,
    );
  }
  writeFileSync(join(folder, 'other.safetensors'), await encodeTorch(new Sum()));
  const other = () => loadEncoder(new Cedn({ width: 1 / 16 }), join(folder, 'other.safetensors'));
  await refuses(['loadEncoder', other, ValueError, /no features\.0\.weight/], undefined);
  writeFileSync(join(folder, 'cut.safetensors'), files['vgg.safetensors'].subarray(0, 1000));
  const cut = () => loadEncoder(new Cedn({ width: 1 / 16 }), join(folder, 'cut.safetensors'));
  let problem: unknown;
  await cut().catch((error) => {
    problem = error;
  });
  assert.instance(problem, FormatError);
});

test('a network that refuses an image keeps its mode', async () => {
  const model = new Cedn({ width: 1 / 32 });
  let problem: unknown;
  await predictContours(model, { data: new Float32Array(48), shape: [4, 4, 3] }).catch((error) => {
    problem = error;
  });
  assert.instance(problem, ShapeError);
  assert.ok(model.training);
});

/** Images of one pixel row, whose annotators drew these contours. */
const pairs = (...contours: HostArray[]): Dataset<ImagePair> => ({
  length: contours.length,
  item: (i) => {
    const [height, width] = contours[i].shape;
    return [{ data: new Float32Array(height * width * 3).fill(i), shape: [height, width, 3] }, contours[i]];
  },
});

test('a pixel is contour if any annotator says so', async () => {
  // Two annotators, who drew the first and the second of 2×2 pixels.
  const contours = { data: Float32Array.of(1, 0, 0, 1, 0, 0, 0, 0), shape: [2, 2, 2] };
  const [image, contour] = await trainingCrops(pairs(contours), 2, normalised).item(0, new RandomState(0));
  assert.equal([...image.shape, ...contour.shape], [2, 2, 3, 2, 2, 1]);
  assert.equal([...contour.data], [1, 1, 0, 0]);
  // The image is black: −0.485/0.229, −0.456/0.224, −0.406/0.225.
  closeTo([...image.data.subarray(0, 3)], [-2.117904, -2.035714, -1.804444], 1e-5);
});

test('items are made once', async () => {
  let calls = 0;
  const dataset = await made({ length: 3, item: (i: number) => [i, calls++] });
  for (const i of [2, 0, 2]) assert.equal(await dataset.item(i, new RandomState(0)), [i, i]);
  assert.is(calls, 3);
});

test('a detector that knows the contours has ODS 1, and one that finds nothing 0', async () => {
  // A vertical and a horizontal line, which thinning leaves as they are.
  const line = (isContour: (y: number, x: number) => boolean): HostArray => ({
    data: Float32Array.from({ length: 400 }, (_, i) => Number(isContour(Math.floor(i / 20), i % 20))),
    shape: [20, 20, 1],
  });
  const truths = [line((_, x) => x === 7), line((y) => y === 12)];
  const summaries = await judge(pairs(...truths), {
    blind: () => ({ height: 20, width: 20, data: new Float32Array(400) }),
    // The image's brightness is its number.
    knowing: ({ data }) => ({ height: 20, width: 20, data: truths[data[0]].data as Float32Array }),
  });
  assert.equal([summaries.knowing.ods.f, summaries.knowing.ois.f, summaries.blind.ods.f], [1, 1, 0]);
  const lines = tableOf(summaries).split('\n');
  assert.match(lines[0], /^ +ODS +OIS +AP +threshold$/);
  assert.match(lines[1], /^knowing +1\.000 +1\.000/);
  assert.match(lines[2], /^blind +0\.000 +0\.000 +0\.000/);
});

test.run();
