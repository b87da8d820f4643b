/**
 * Metrics of images: PSNR and SSIM. Both are differentiable, and 1 − SSIM is a loss. Not here: mean
 * squared and absolute errors (autograd/ops/loss.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { checkTensor } from '../../autograd/graph.js';
import { endWith } from '../../autograd/lifetimes.js';
import { conv2d } from '../../autograd/ops/conv.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import { Module } from '../../nn/module.js';
import type { Tensor } from '../../tensor/tensor.js';
import { allocate, isFloat } from '../../values/dtype.js';
import { rank4, sameShape } from '../../values/shape.js';
import { checkPositive, checkSamples } from './metric.js';

/** Options of psnr. */
export interface PsnrOptions {
  /** The range of the values, which is the largest if the least is 0. Default 1. */
  max?: number;
}

/** Options of ssim. */
export interface SsimOptions {
  /** The range of the values, which is the largest if the least is 0. Default 1. */
  max?: number;
  /** Side of the square window. Default 11. */
  windowSize?: number;
  /** Standard deviation of the Gaussian in the window. Default 1.5. */
  sigma?: number;
  /** Share of the range that stabilises the comparison of means. Default 0.01. */
  k1?: number;
  /** Share of the range that stabilises the comparison of variances. Default 0.03. */
  k2?: number;
}

const ssimOptions: OptionNames<SsimOptions> = {
  max: 'value',
  windowSize: 'value',
  sigma: 'value',
  k1: 'value',
  k2: 'value',
};

function checkImages(op: string, prediction: Tensor, target: Tensor): void {
  checkSamples(op, prediction, target);
  if (!sameShape(prediction.shape, target.shape))
    throw new ShapeError(
      op,
      'target must have the shape of the prediction',
      `prediction=${show(prediction.shape)}, target=${show(target.shape)}`,
    );
  if (!isFloat(prediction.dtype) || target.dtype !== prediction.dtype)
    throw new ValueError(
      op,
      'prediction and target must share a float dtype',
      `${prediction.dtype} and ${target.dtype}`,
      'convert with cast()',
    );
}

/**
 * Peak signal-to-noise ratio, 10·log₁₀(max²/MSE), as a mean over the samples of the batch. MSE is
 * the mean squared error of one sample. A sample that is equal to its target has no noise and the
 * ratio Infinity; so has then the mean over its batch.
 * @shape prediction [N,…], target, as prediction → scalar
 * @units decibels
 * @gradient that of the formula; not finite for a sample that is equal to its target
 * @throws ShapeError when shapes differ; ValueError for a max that is not positive, or dtypes that
 * differ or are not float
 * @source Huynh-Thu and Ghanbari 2008, "Scope of validity of PSNR"; tf.image.psnr;
 * skimage.metrics.peak_signal_noise_ratio
 */
export function psnr(prediction: Tensor, target: Tensor, options: PsnrOptions = {}): Tensor {
  const op = 'psnr';
  knownOptions(op, options, { max: 'value' });
  const { max = 1 } = options;
  checkPositive(op, 'max', max);
  checkImages(op, prediction, target);
  const [samples = 1] = prediction.shape;
  const error = prediction.sub(target).reshape([samples, prediction.size / samples]);
  const decibels = 10 / Math.LN10;
  return error
    .mul(error)
    .mean(1)
    .log()
    .mean()
    .mul(-decibels)
    .add(2 * Math.log(max) * decibels);
}

/** The weights of a Gaussian window along one axis. Their sum is 1. */
function gaussian(size: number, sigma: number): readonly number[] {
  const weights = Array.from({ length: size }, (_, i) => Math.exp(-((i - (size - 1) / 2) ** 2) / (2 * sigma ** 2)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Structural similarity, with `op` as the name in messages. */
function similarity(op: string, prediction: Tensor, target: Tensor, options: SsimOptions): Tensor {
  checkTensor(op, 'prediction', prediction);
  const [, height, width, channels] = rank4(op, 'prediction', prediction.shape);
  checkImages(op, prediction, target);
  const { max = 1, windowSize = 11, sigma = 1.5, k1 = 0.01, k2 = 0.03 } = options;
  if (windowSize > Math.min(height, width))
    throw new ShapeError(
      op,
      'images must be at least as large as the window',
      `prediction=${show(prediction.shape)}, windowSize=${windowSize}`,
      'pass a smaller windowSize',
    );
  const { dtype } = prediction;
  const line = gaussian(windowSize, sigma);
  const repeated = allocate(dtype, windowSize * channels).map((_, i) => line[Math.floor(i / channels)] ?? 0);
  const column = prediction.upload(repeated as ReturnType<typeof allocate>, dtype, [windowSize, 1, 1, channels]);
  const row = column.reshape([1, windowSize, 1, channels]);
  /** The weighted mean of each window. The Gaussian is separable. */
  const mean = (x: Tensor): Tensor => conv2d(conv2d(x, column, { groups: channels }), row, { groups: channels });
  const meanX = mean(prediction);
  const meanY = mean(target);
  const meansSquared = meanX.mul(meanX).add(meanY.mul(meanY));
  const product = meanX.mul(meanY);
  const variances = mean(prediction.mul(prediction).add(target.mul(target))).sub(meansSquared);
  const covariance = mean(prediction.mul(target)).sub(product);
  const [c1, c2] = [(k1 * max) ** 2, (k2 * max) ** 2];
  const above = product.mul(2).add(c1).mul(covariance.mul(2).add(c2));
  const below = meansSquared.add(c1).mul(variances.add(c2));
  return endWith(above.div(below).mean(), column, row);
}

function checkSsim(op: string, options: SsimOptions): void {
  knownOptions(op, options, ssimOptions);
  const { max = 1, windowSize = 11, sigma = 1.5, k1 = 0.01, k2 = 0.03 } = options;
  for (const [name, value] of Object.entries({ max, sigma, k1, k2 })) checkPositive(op, name, value);
  checkNumber(op, 'windowSize', windowSize, (v) => Number.isSafeInteger(v) && v > 0, 'whole and positive');
}

/**
 * Structural similarity, as a mean over windows, channels and the samples of the batch:
 * (2·μx·μy + c₁)·(2·σxy + c₂) / ((μx² + μy² + c₁)·(σx² + σy² + c₂)), c₁ = (k₁·max)², c₂ =
 * (k₂·max)². Means μ, variances σ² and the covariance σxy are those of a Gaussian window. Only
 * windows that lie within the image count, as in the paper's program. It is defined everywhere,
 * because c₁ and c₂ are positive. Equal images have the similarity 1.
 * @shape prediction [N,H,W,C], target, as prediction → scalar
 * @units −1 … 1
 * @gradient through every window, for prediction and target
 * @throws ShapeError when shapes differ, for another rank than 4, or images smaller than the
 * window; ValueError for options out of range, or dtypes that differ or are not float
 * @source Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural
 * Similarity"; tf.image.ssim; skimage.metrics.structural_similarity
 */
export function ssim(prediction: Tensor, target: Tensor, options: SsimOptions = {}): Tensor {
  checkSsim('ssim', options);
  return similarity('ssim', prediction, target, options);
}

/**
 * 1 − ssim, as a loss.
 * @shape prediction [N,H,W,C], target, as prediction → scalar
 * @units 0 … 2
 * @gradient as ssim, with the sign reversed
 * @throws as ssim
 * @source Zhao et al. 2017, "Loss Functions for Image Restoration With Neural Networks"
 */
export function ssimLoss(prediction: Tensor, target: Tensor, options: SsimOptions = {}): Tensor {
  checkSsim('ssimLoss', options);
  return similarity('ssimLoss', prediction, target, options).rsub(1);
}

/**
 * 1 − ssim, as a module.
 * @shape prediction [N,H,W,C], target, as prediction → scalar
 * @units 0 … 2
 * @gradient as ssim, with the sign reversed
 * @throws as ssim
 * @source Zhao et al. 2017, "Loss Functions for Image Restoration With Neural Networks"
 */
export class SSIMLoss extends Module {
  static override readonly title: string = 'SSIMLoss';
  readonly options: Readonly<SsimOptions>;

  constructor(options: SsimOptions = {}) {
    super();
    checkSsim('SSIMLoss', options);
    this.options = { ...options };
  }
  forward(prediction: Tensor, target: Tensor): Tensor {
    return similarity('SSIMLoss.forward', prediction, target, this.options).rsub(1);
  }
  override describe(): string {
    const given = Object.entries(this.options).filter(([, value]) => value !== undefined);
    return given.map(([name, value]) => `${name}=${value}`).join(', ');
  }
}
