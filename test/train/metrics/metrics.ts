/**
 * Metrics against numbers of scikit-learn and scikit-image (test/fixtures/gen_metrics.py), and
 * their undefined cases.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  compile,
  device,
  noGrad,
  type Shape,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
} from '../../../src/index.js';
import {
  FMeasure,
  fMeasure,
  IoU,
  iou,
  MeanMetric,
  type Metric,
  PixelAccuracy,
  pixelAccuracy,
  psnr,
  RocAuc,
  rocAuc,
  SSIMLoss,
  ssim,
  ssimLoss,
} from '../../../src/train/index.js';
import stored from '../../fixtures/metrics.json' with { type: 'json' };
import { closeTo } from '../../helpers/close.js';
import { f64, range } from '../../helpers/values.js';

const { masks, classes, ties, images } = stored.cases;
const test = suite('metrics');

const close = (got: number, want: number, tolerance = 1e-12): void => closeTo([got], [want], tolerance);
const value = (t: Tensor, want: number, tolerance = 1e-12): void => {
  assert.equal(t.shape, []);
  close(t.itemSync(), want, tolerance);
};
const int32 = (values: readonly number[], shape: Shape): Tensor =>
  tensor(values as number[], { shape, dtype: 'int32' });
const mask = (values: readonly number[], shape: Shape = [1, values.length]): Tensor => f64(values, shape);
const logit = (p: number): number => Math.log(p / (1 - p));

const prediction = f64(masks.prediction, masks.shape);
const target = f64(masks.target, masks.shape);
const channels = f64(classes.prediction, [...classes.shape, classes.classes]);
const numbers = int32(classes.target, classes.shape);

test('masks', async () => {
  value(pixelAccuracy(prediction, target), masks.pixelAccuracy);
  value(pixelAccuracy(prediction, target, { threshold: 0.7 }), masks['pixelAccuracyAbove0.7']);
  value(iou(prediction, target), masks.iou);
  value(fMeasure(prediction, target), masks.fMeasure);
  value(fMeasure(prediction, target, { beta: 2 }), masks.fMeasure2);
  value(fMeasure(prediction, target, { beta: 0.5 }), masks['fMeasure0.5']);
  close(await rocAuc(prediction, target), masks.rocAuc);
});

test('masks of logits, in float32, as bool and int32', async () => {
  const logits = f64(masks.prediction.map(logit), masks.shape);
  value(pixelAccuracy(logits, target, { logits: true }), masks.pixelAccuracy);
  value(pixelAccuracy(logits, target, { logits: true, threshold: 0.7 }), masks['pixelAccuracyAbove0.7']);
  value(iou(logits, target, { logits: true }), masks.iou);
  value(fMeasure(logits, target, { logits: true, beta: 2 }), masks.fMeasure2);
  close(await rocAuc(logits, target), masks.rocAuc);
  const single = prediction.cast('float32');
  for (const dtype of ['bool', 'int32', 'float32'] as const) {
    value(iou(single, target.cast(dtype)), masks.iou, 1e-6);
    assert.is(iou(single, target.cast(dtype)).dtype, 'float32');
    value(pixelAccuracy(prediction.greater(0.5), target.cast(dtype)), masks.pixelAccuracy, 1e-6);
    close(await rocAuc(single, target.cast(dtype)), masks.rocAuc);
  }
});

test('class numbers, some of which are ignored or occur in no sample', () => {
  value(pixelAccuracy(channels, numbers), classes.pixelAccuracy);
  value(iou(channels, numbers), classes.iou);
  value(fMeasure(channels, numbers), classes.fMeasure);
  const other = int32(
    classes.target.map((k) => (k === -100 ? 9 : k)),
    classes.shape,
  );
  value(iou(channels, other, { ignoreIndex: 9 }), classes.iou);
  value(pixelAccuracy(channels, other, { ignoreIndex: 9 }), classes.pixelAccuracy);
});

test('a class number out of range is never predicted rightly', () => {
  const two = f64([1, 0, 1, 0], [1, 2, 2]);
  value(pixelAccuracy(two, int32([0, 7], [1, 2])), 0.5);
});

test('labels of whole samples', () => {
  const scores = f64([0.1, 0.9, 0.8, 0.2, 0.3, 0.7], [3, 2]);
  value(pixelAccuracy(scores, int32([1, 1, 1], [3])), 2 / 3);
});

/** The metric of a set, in two batches, and again after reset(). */
async function ofSet(metric: Metric, left: Tensor, right: Tensor): Promise<number> {
  for (const _ of [1, 2]) {
    metric.reset();
    await metric.update(left.slice([0, 1]), right.slice([0, 1]));
    await metric.update(left.slice([1, left.shape[0]]), right.slice([1, right.shape[0]]));
  }
  return metric.compute();
}

test('metrics of a set count over all samples', async () => {
  close(await ofSet(new PixelAccuracy(), prediction, target), masks.setAccuracy);
  close(await ofSet(new IoU(), prediction, target), masks.setIou);
  close(await ofSet(new FMeasure({ beta: 2 }), prediction, target), masks.setFMeasure2);
  close(await ofSet(new RocAuc(), prediction, target), masks.rocAuc);
  close(await ofSet(new PixelAccuracy(), channels, numbers), classes.setAccuracy);
  close(await ofSet(new IoU(), channels, numbers), classes.setIou);
  close(await ofSet(new FMeasure(), channels, numbers), classes.setFMeasure);
  close(await ofSet(new IoU({ logits: true, threshold: 0.5 }), prediction.sub(0.5), target), masks.setIou);
});

test('MeanMetric averages a function over samples, not batches', async () => {
  close(await ofSet(new MeanMetric((p, t) => iou(p, t)), prediction, target), masks.iou);
  close(await ofSet(new MeanMetric(async (p) => p.size / 40), prediction, target), (1 + 2 * 2) / 3);
  close(await ofSet(new MeanMetric(() => 4), prediction, target), 4);
  const wrong = new MeanMetric((() => 'high') as never);
  await assertRejects(wrong.update(prediction, target), /^MeanMetric.update: the metric must be a number .*'high'/);
});

async function assertRejects(promise: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await promise.then(
    () => assert.unreachable('nothing was thrown'),
    (e: Error) => e,
  );
  assert.match((error as Error).message, message);
}

test('samples in which nothing is marked', async () => {
  const none = mask([0, 0, 0]);
  const some = mask([0, 1, 0]);
  for (const metric of [iou, fMeasure, pixelAccuracy]) value(metric(none, none), 1);
  for (const metric of [iou, fMeasure]) {
    value(metric(none, some), 0);
    value(metric(some, none), 0);
  }
  value(iou(mask([0, 0, 1, 0], [2, 2]), mask([0, 0, 1, 1], [2, 2])), (1 + 1 / 2) / 2);
  close(await ofSet(new IoU(), mask([0, 0], [2, 1]), mask([0, 0], [2, 1])), 1);
  close(await ofSet(new FMeasure(), mask([0, 0], [2, 1]), mask([0, 1], [2, 1])), 0);
});

test('samples of which every pixel is ignored', async () => {
  const two = f64([1, 0, 1, 0], [2, 1, 2]);
  const ignored = int32([-100, 1], [2, 1]);
  for (const metric of [iou, fMeasure, pixelAccuracy]) value(metric(two, ignored), (1 + 0) / 2);
  const all = int32([-100, -100], [2, 1]);
  for (const metric of [new IoU(), new FMeasure(), new PixelAccuracy()]) close(await ofSet(metric, two, all), 1);
});

test('a value at the threshold is not marked', () => {
  value(pixelAccuracy(mask([0.5]), mask([0])), 1);
  value(pixelAccuracy(mask([0]), mask([0]), { logits: true }), 1);
});

test('ROC: ties, order and extremes', async () => {
  const scores = f64(ties.scores, [200]);
  const targets = f64(ties.targets, [200]);
  close(await rocAuc(scores, targets), ties.rocAuc);
  close(await rocAuc(scores.neg(), targets), 1 - ties.rocAuc);
  close(await rocAuc(scores.mul(0), targets), 0.5);
  close(await rocAuc(mask([0, -0, Infinity, -Infinity]), mask([1, 0, 1, 0])), (0.5 + 1 + 1 + 1) / 4);
  // By hand: of six pairs 3 are right, 1 is a tie.
  close(await rocAuc(mask([3, 1, 2, 2, 0.5]), mask([1, 0, 1, 0, 0])), (3 + 2.5) / 6);
});

test('ROC: undefined cases are refused', async () => {
  await assertRejects(rocAuc(mask([1, 2]), mask([0, 0])), /^rocAuc: there must be positive and negative .*got 0 pos/);
  await assertRejects(rocAuc(mask([1, 2]), mask([1, 1])), /got 2 positive, 0 negative; of batches/);
  await assertRejects(rocAuc(mask([1, Number.NaN]), mask([0, 1])), /^rocAuc: scores must not be NaN; got element 1/);
  const set = new RocAuc();
  assert.throws(() => set.compute(), /^RocAuc.compute: there must be .*got 0 positive, 0 negative/);
  await set.update(mask([1]), mask([0]));
  assert.throws(() => set.compute(), /got 0 positive, 1 negative/);
  await set.update(mask([2]), mask([1]));
  close(set.compute(), 1);
  await assertRejects(set.update(mask([Number.NaN]), mask([0])), /^RocAuc.update: scores must not be NaN/);
  close(set.compute(), 1);
});

test('a set without samples has no value', () => {
  for (const metric of [new IoU(), new FMeasure(), new PixelAccuracy(), new MeanMetric(psnr)]) {
    const op = `${metric.constructor.name}.compute`;
    assert.throws(() => metric.compute(), new RegExp(`^${op}: there must be samples; got none since reset\\(\\)`));
  }
});

test('shapes, options and targets that do not fit are refused', async () => {
  const refuse = (fn: () => unknown, kind: typeof ShapeError | typeof ValueError, message: RegExp): void => {
    try {
      fn();
    } catch (error) {
      assert.instance(error, kind);
      assert.match((error as Error).message, message);
      return;
    }
    assert.unreachable(`${message} was not thrown`);
  };
  const flat = mask([1, 0]);
  refuse(() => iou(flat, mask([1])), ShapeError, /^iou: target must have .*target=\[1,1\] float64; class numbers are/);
  refuse(() => iou(f64([1], []), f64([1], [])), ShapeError, /^iou: the first axis must count the samples/);
  refuse(() => iou(flat, flat, { threshold: Number.NaN }), ValueError, /^iou: threshold must be a finite number/);
  refuse(() => iou(flat, flat, { threshold: 1, logits: true }), ValueError, /threshold must be in \(0, 1\), because/);
  refuse(() => iou(flat, flat, { ignoreIndex: 3 }), ValueError, /^iou: ignoreIndex goes with class numbers; got a m/);
  refuse(() => iou(channels, numbers, { threshold: 0.4 }), ValueError, /^iou: threshold goes with masks; got class n/);
  refuse(() => fMeasure(channels, numbers, { logits: true }), ValueError, /^fMeasure: logits goes with masks/);
  refuse(() => pixelAccuracy(f64([1], [1, 1]), int32([1], [1])), ShapeError, /class numbers need two channels or more/);
  refuse(
    () => fMeasure(flat, flat, { beta: 0 }),
    ValueError,
    /^fMeasure: beta must be finite and positive; got beta=0/,
  );
  refuse(() => new FMeasure({ beta: -1 }), ValueError, /^FMeasure: beta must be finite/);
  refuse(() => new IoU({ treshold: 1 } as never), ValueError, /did you mean threshold\?/);
  const metric = new IoU();
  await metric.update(flat, flat);
  await assertRejects(metric.update(channels, numbers), /^IoU.update: all batches must have as many classes; got 4 cl/);
});

// ---- images

const noisy = (options = {}): Tensor =>
  tensor(images.prediction, { shape: images.shape, dtype: 'float64', ...options });
const clean = f64(images.target, images.shape);

test('PSNR', () => {
  value(psnr(noisy(), clean), images.psnr);
  value(psnr(noisy(), clean, { max: 255 }), images.psnr255);
  value(psnr(noisy().mul(255), clean.mul(255), { max: 255 }), images.psnr);
  value(psnr(noisy().cast('float32'), clean.cast('float32')), images.psnr, 1e-5);
  // By hand: errors of 0.1 and 0.01.
  value(psnr(f64([0.1, 0.01], [2, 1]), f64([0, 0], [2, 1])), 30);
});

test('PSNR of an image that equals its target is infinite', () => {
  value(psnr(clean, clean), Infinity);
  value(psnr(f64([0.1, 0], [2, 1]), f64([0, 0], [2, 1])), Infinity);
});

test('SSIM', () => {
  value(ssim(noisy(), clean), images.ssim);
  value(ssim(clean, noisy()), images.ssim);
  value(ssim(noisy().mul(255), clean.mul(255), { max: 255 }), images.ssim255);
  value(ssim(noisy(), clean, { sigma: 1, windowSize: 9 }), images.ssimSigma1);
  value(ssim(noisy(), clean, { k1: 0.02, k2: 0.05 }), images.ssimConstants);
  value(ssim(noisy().cast('float32'), clean.cast('float32')), images.ssim, 1e-5);
  value(ssimLoss(noisy(), clean), 1 - images.ssim);
  value(new SSIMLoss({ sigma: 1, windowSize: 9 }).forward(noisy(), clean), 1 - images.ssimSigma1);
  assert.is(String(new SSIMLoss({ sigma: 1, max: 255 })), 'SSIMLoss(sigma=1, max=255)');
});

test('SSIM of equal and of constant images is defined', () => {
  value(ssim(clean, clean), 1);
  const black = clean.mul(0);
  value(ssim(black, black), 1);
  // By hand: means 0 and 1, no variance.
  value(ssim(black, black.add(1)), 1e-4 / (1 + 1e-4));
});

test('the gradient of SSIM is PyTorch’s', () => {
  const leaf = noisy({ requiresGrad: true });
  ssimLoss(leaf, clean).backward();
  closeTo((leaf.grad as Tensor).neg().dataSync(), images.ssimGradient, 1e-12);
});

test('SSIM as a loss of a compiled step, at flat memory', async () => {
  const wasm = await device('wasm');
  const options = { shape: images.shape, device: wasm };
  const leaf = tensor(images.prediction, { ...options, requiresGrad: true });
  const right = tensor(images.target, options);
  const step = compile((t: Tensor) => {
    leaf.clearGrad();
    const loss = ssimLoss(leaf, t);
    loss.backward();
    noGrad(() => leaf.assign(leaf.sub((leaf.grad as Tensor).mul(10))));
    return loss;
  });
  const losses: number[] = [];
  const arrays: number[] = [];
  for (let i = 0; i < 12; i++) {
    const loss = step(right);
    losses.push(await loss.item());
    loss.release();
    arrays.push(wasm.memory().tensors);
  }
  assert.is(step.mode, 'compiled', step.reason);
  close(losses[0], 1 - images.ssim, 1e-5);
  assert.ok(
    losses.every((loss, i) => i === 0 || loss < losses[i - 1]),
    `${losses}`,
  );
  assert.is(arrays[11], arrays[6], `${arrays}`);
});

test('metrics on wasm leave no arrays behind', async () => {
  const wasm = await device('wasm');
  const [p, t] = [masks.prediction, masks.target].map((v) => tensor(v, { shape: masks.shape, device: wasm }));
  const before = wasm.memory().tensors;
  for (const metric of [new IoU(), new FMeasure(), new PixelAccuracy(), new RocAuc()]) await metric.update(p, t);
  for (const metric of [iou, fMeasure, pixelAccuracy]) metric(p, t).release();
  assert.is(wasm.memory().tensors, before);
  const image = tensor(range(1, 121), { shape: [1, 11, 11, 1], device: wasm });
  const base = wasm.memory().tensors;
  noGrad(() => ssim(image, image)).release();
  assert.is(wasm.memory().tensors, base);
});

test('images that do not fit are refused', () => {
  assert.throws(
    () => ssim(f64(range(1, 100), [1, 10, 10, 1]), f64(range(1, 100), [1, 10, 10, 1])),
    /^ssim: images must be at least as large as the window; got prediction=\[1,10,10,1\], windowSize=11; pass a smaller/,
  );
  assert.throws(() => ssim(mask([1]), mask([1])), /^ssim: prediction must have rank 4/);
  assert.throws(() => ssimLoss(clean, clean.cast('float32')), /^ssimLoss: prediction and target must share a float/);
  assert.throws(() => psnr(clean, mask([1])), /^psnr: target must have the shape of the prediction/);
  assert.throws(() => psnr(clean, clean, { max: 0 }), /^psnr: max must be finite and positive; got max=0/);
  assert.throws(() => new SSIMLoss({ windowSize: 2.5 }), /^SSIMLoss: windowSize must be whole and positive/);
  assert.throws(() => ssim(clean, clean, { k1: 0 }), /^ssim: k1 must be finite and positive/);
});

test.run();
