/**
 * Changes the size of images: upsampling, fixed unpooling, resizing, and moving pixels between
 * space and channels. All are composed of general ops, so every device has them and every gradient
 * can be differentiated again. Not here: the interpolation of an axis (sampling.ts), unpooling by
 * indices (unpool.ts), learned upsampling with overlap (conv2dTranspose in conv.ts).
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorData } from '../../values/nested.js';
import { checkShape, floatImageSizes } from '../../values/shape.js';
import { type Pair, pair } from '../../values/window.js';
import { checkTensor, isTensor } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { adaptiveAvgPool2d } from './adaptive-pool.js';
import { spread } from './indexing.js';
import { resizeAxis, type SamplingOptions, samplingOf, samplingOptions, uploaded } from './sampling.js';

export interface Upsample2dOptions {
  /** Factors of height and width. */
  scale: Pair;
  /**
   * 'copy' fills a block with its value. 'zeros' writes the value to the block's top left and 0
   * elsewhere. Default 'copy'.
   */
  fill?: 'copy' | 'zeros';
}

const upsample2dOptions: OptionNames<Upsample2dOptions> = { scale: 'value', fill: 'value' };

/**
 * Makes each pixel a block of sh × sw.
 * @shape x [N,H,W,C] → y [N,H·sh,W·sw,C]
 * @gradient copy: g, summed over the block; zeros: g at the block's top left
 * @throws ShapeError for a wrong rank or an empty batch; ValueError for a scale that is not whole
 * and positive, or an unknown fill
 * @source torch.nn.UpsamplingNearest2d; keras.layers.UpSampling2D
 */
export function upsample2d(x: Tensor, options: Upsample2dOptions): Tensor {
  const op = 'upsample2d';
  knownOptions(op, options, upsample2dOptions);
  checkTensor(op, 'input', x);
  const { scale, fill = 'copy' } = options;
  const [batch, height, width, channels] = floatImageSizes(op, x);
  const [sh, sw] = pair(op, 'scale', scale);
  if (fill === 'zeros') return spread(x, [1, sh, sw, 1]);
  if (fill !== 'copy') throw new ValueError(op, "fill must be 'copy' or 'zeros'", `fill=${fill}`);
  return x
    .reshape([batch, height, 1, width, 1, channels])
    .expand([batch, height, sh, width, sw, channels])
    .reshape([batch, height * sh, width * sw, channels]);
}

/**
 * Writes each value to the top left of a block of 2 × 2 zeros. Equals upsample2d with scale 2 and
 * fill 'zeros'.
 * @shape x [N,H,W,C] → y [N,2·H,2·W,C]
 * @gradient g at the block's top left
 * @throws ShapeError for a wrong rank or an empty batch
 * @source UnPooling2x2ZeroFilled of tensorpack; github.com/tensorflow/tensorflow/issues/2169
 */
export const unPooling2x2ZeroFilled = (x: Tensor): Tensor => upsample2d(x, { scale: 2, fill: 'zeros' });

export interface FixedUnpool2dOptions {
  /** Size of a block. Default: the size of the matrix. */
  size?: Pair;
  /**
   * The block for an input of 1, [sh,sw]: a tensor, which may be learned, or numbers. Default: 1 at
   * the top left, 0 elsewhere.
   */
  matrix?: Tensor | TensorData;
}

const fixedUnpool2dOptions: OptionNames<FixedUnpool2dOptions> = { size: 'value', matrix: 'value' };

/**
 * Makes each pixel a block, the pixel times a matrix (Kronecker product): y[n, h·sh+i, w·sw+j, c] =
 * x[n,h,w,c]·matrix[i,j]. Without a matrix the zeros are exact. A 0 in a matrix is multiplied, so
 * an infinite value gives NaN there.
 * @shape x [N,H,W,C], matrix [sh,sw] → y [N,H·sh,W·sw,C]
 * @gradient x: Σ g·matrix over the block; matrix: Σ g·x over all blocks
 * @throws ShapeError for a wrong rank, an empty batch, or a matrix not of `size`; ValueError
 * without size and matrix, or for dtypes that differ
 * @source FixedUnPooling of tensorpack
 */
export function fixedUnpool2d(x: Tensor, options: FixedUnpool2dOptions): Tensor {
  const op = 'fixedUnpool2d';
  knownOptions(op, options, fixedUnpool2dOptions);
  checkTensor(op, 'input', x);
  const { size, matrix } = options;
  const [batch, height, width, channels] = floatImageSizes(op, x);
  const asked = size === undefined ? undefined : pair(op, 'size', size);
  if (matrix === undefined) {
    if (asked === undefined) throw new ValueError(op, 'size or matrix must be given', 'neither');
    return upsample2d(x, { scale: asked, fill: 'zeros' });
  }
  const block = isTensor(matrix) ? matrix : uploaded(op, x, matrix);
  const [sh, sw] = block.shape;
  if (block.rank !== 2 || block.size === 0)
    throw new ShapeError(op, 'matrix must have rank 2, [sh,sw], and not be empty', `matrix=${show(block.shape)}`);
  if (asked !== undefined && (asked[0] !== sh || asked[1] !== sw))
    throw new ShapeError(
      op,
      'matrix must be of the size asked for',
      `matrix=${show(block.shape)}, size=${show(asked)}`,
      'give one of the two',
    );
  if (block.dtype !== x.dtype)
    throw new ValueError(
      op,
      'input and matrix must share a float dtype',
      `input ${x.dtype}, matrix ${block.dtype}`,
      'convert with cast()',
    );
  const factors = block.reshape([sh, 1, sw, 1]);
  const y = x
    .reshape([batch, height, 1, width, 1, channels])
    .mul(factors)
    .reshape([batch, height * sh, width * sw, channels]);
  return block === matrix ? y : endWith(y, block, factors);
}

export interface Resize2dOptions extends SamplingOptions {
  /** [H,W] of the result. Give either this or scale. */
  size?: readonly [number, number];
  /** Factors of height and width, not necessarily whole. The size is rounded down. */
  scale?: Pair;
  /**
   * Linear interpolation in both directions, the nearest pixel, cubic convolution, or the mean of
   * the part of the image that the pixel stands for. Default 'bilinear'.
   */
  method?: 'bilinear' | 'nearest' | 'bicubic' | 'area';
}

export const resize2dOptions: OptionNames<Resize2dOptions> = {
  size: 'value',
  scale: 'value',
  method: 'value',
  ...samplingOptions,
};

/** What the methods are along one axis. The first is the default. */
const methods = { bilinear: 'linear', nearest: 'nearest', bicubic: 'cubic', area: 'area' } as const;

/**
 * Resizes by interpolation, rows then columns. A smaller size reads single points without
 * averaging, so it can alias, unless the method is 'area'.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @units coordinates in pixels; centres at half pixels, unless the options name another rule
 * @gradient g times the interpolation weights, added at the pixels that were read
 * @throws ShapeError for a wrong rank or an empty batch or image; ValueError unless exactly one of
 * size and scale is given, for both corner rules, an unknown name, or an option of another method
 * @source tf.image.resize; tf.compat.v1.image.resize (align_corners, half_pixel_centers);
 * torch.nn.functional.interpolate; ONNX's Resize; Keys 1981 (bicubic)
 */
export function resize2d(x: Tensor, options: Resize2dOptions): Tensor {
  const op = 'resize2d';
  knownOptions(op, options, resize2dOptions);
  checkTensor(op, 'input', x);
  const [batch, height, width, channels] = floatImageSizes(op, x);
  if (height === 0 || width === 0) throw new ShapeError(op, 'the image must not be empty', `input=${show(x.shape)}`);
  const { outputSize, sampling, scales } = checkResize(op, options);
  const [h, w] = outputSize(height, width);
  checkShape(op, [batch, h, w, channels], 'result');
  if (sampling === null) return adaptiveAvgPool2d(x, [h, w]);
  return resizeAxis(op, resizeAxis(op, x, 1, h, sampling, scales?.[0]), 2, w, sampling, scales?.[1]);
}

/** Checks the options of a resize without an image. A layer calls it in its constructor. */
export function checkResize(op: string, options: Resize2dOptions) {
  const sampling = samplingOf(op, options, methods);
  const { size, scale } = options;
  if (size !== undefined) {
    const asked = pair(op, 'size', size);
    return { sampling, outputSize: () => asked };
  }
  const given: readonly unknown[] = Array.isArray(scale) ? scale : [scale, scale];
  if (given.length !== 2 || !given.every((s) => typeof s === 'number' && s > 0 && s < Infinity))
    throw new ValueError(op, 'scale must be positive and finite, a number or [h, w]', `scale=${shown(scale)}`);
  const scales = given as readonly [number, number];
  const [sh, sw] = scales;
  const outputSize = (height: number, width: number): readonly [number, number] => {
    const [h, w] = [Math.floor(height * sh), Math.floor(width * sw)];
    if (h < 1 || w < 1)
      throw new ShapeError(
        op,
        'the result must not be empty',
        `size ${show([height, width])}, scale=${show([sh, sw])}`,
      );
    return [h, w];
  };
  return { sampling, outputSize, scales };
}

export interface PixelShuffleOptions {
  /**
   * The order of the r² channels of a block. With 'torch', channel c·r² + i·r + j goes to row i,
   * column j, so the channels of one colour are adjacent. With 'tf', channel (i·r + j)·C + c does,
   * so the colours of one pixel are adjacent. Default 'torch'.
   */
  order?: 'torch' | 'tf';
}

function checkShuffle(op: string, factor: number, order: string): void {
  checkNumber(op, 'factor', factor, (v) => Number.isInteger(v) && v >= 1, 'whole and at least 1');
  if (order !== 'torch' && order !== 'tf') throw new ValueError(op, "order must be 'torch' or 'tf'", `order=${order}`);
}

/**
 * Moves channels into space: r² channels become a block of r × r pixels.
 * @shape x [N,H,W,C·r²] → y [N,H·r,W·r,C]
 * @gradient g, moved back
 * @throws ShapeError for a wrong rank, an empty batch, or channels that are no multiple of r²;
 * ValueError for a bad factor or order
 * @source Shi et al. 2016; torch.nn.functional.pixel_shuffle; tf.nn.depth_to_space
 */
export function pixelShuffle(x: Tensor, factor: number, options: PixelShuffleOptions = {}): Tensor {
  const op = 'pixelShuffle';
  knownOptions(op, options, { order: 'value' });
  checkTensor(op, 'input', x);
  const { order = 'torch' } = options;
  const [batch, height, width, all] = floatImageSizes(op, x);
  checkShuffle(op, factor, order);
  const r = factor;
  const channels = all / (r * r);
  if (!Number.isInteger(channels))
    throw new ShapeError(op, 'channels must be a multiple of factor²', `input=${show(x.shape)}, factor=${r}`);
  const blocks =
    order === 'torch'
      ? x.reshape([batch, height, width, channels, r, r]).permute([0, 1, 4, 2, 5, 3])
      : x.reshape([batch, height, width, r, r, channels]).permute([0, 1, 3, 2, 4, 5]);
  return blocks.reshape([batch, height * r, width * r, channels]);
}

/**
 * Moves space into channels: blocks of r × r pixels become r² channels. It is the inverse of
 * pixelShuffle with the same order.
 * @shape x [N,H·r,W·r,C] → y [N,H,W,C·r²]
 * @gradient g, moved back
 * @throws ShapeError for a wrong rank, an empty batch, or a height or width that is no multiple of
 * r; ValueError for a bad factor or order
 * @source torch.nn.functional.pixel_unshuffle; tf.nn.space_to_depth
 */
export function pixelUnshuffle(x: Tensor, factor: number, options: PixelShuffleOptions = {}): Tensor {
  const op = 'pixelUnshuffle';
  knownOptions(op, options, { order: 'value' });
  checkTensor(op, 'input', x);
  const { order = 'torch' } = options;
  const [batch, height, width, channels] = floatImageSizes(op, x);
  checkShuffle(op, factor, order);
  const r = factor;
  if (height % r !== 0 || width % r !== 0)
    throw new ShapeError(
      op,
      'height and width must be multiples of factor',
      `input=${show(x.shape)}, factor=${r}`,
      'pad() or slice() first',
    );
  const blocks = x
    .reshape([batch, height / r, r, width / r, r, channels])
    .permute(order === 'torch' ? [0, 1, 3, 5, 2, 4] : [0, 1, 3, 2, 4, 5]);
  return blocks.reshape([batch, height / r, width / r, channels * r * r]);
}
