/**
 * Changes the size of images: upsampling, fixed unpooling, resizing, and moving pixels between
 * space and channels. All are composed of general ops, so every device has them and every gradient
 * can be differentiated again. Not here: unpooling by indices (unpool.ts), learned upsampling with
 * overlap (conv2dTranspose in conv.ts). Resizing to a smaller size reads single points and does not
 * average (avgPool2d in pool.ts does).
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { allocate } from '../../values/dtype.js';
import { parse, type TensorData } from '../../values/nested.js';
import { checkShape, floatImageSizes, type Shape } from '../../values/shape.js';
import { type Pair, pair } from '../../values/window.js';
import { checkTensor, isTensor } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { spread } from './indexing.js';

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

/** Uploads numbers to x's device, in x's dtype. `shape` defaults to the shape of the numbers. */
function uploaded(op: string, x: Tensor, numbers: TensorData, shape?: Shape): Tensor {
  const parsed = parse(op, numbers);
  const data = allocate(x.dtype, parsed.data.length);
  data.set(parsed.data);
  return x.upload(data, x.dtype, shape ?? parsed.shape);
}

export interface Resize2dOptions {
  /** [H,W] of the result. Give either this or scale. */
  size?: readonly [number, number];
  /**
   * Factors of height and width, not necessarily whole. The size is rounded down, and sampling
   * points are computed from the rounded size (PyTorch's recompute_scale_factor).
   */
  scale?: Pair;
  /** Interpolation: linear in both directions, or the nearest pixel. Default 'bilinear'. */
  method?: 'bilinear' | 'nearest';
  /** Whether the centres of the corner pixels keep their position. Default false. */
  alignCorners?: boolean;
  /**
   * Whether pixels are areas and the outer edges keep their position. Default: the opposite of
   * alignCorners. With both false, the top left corner keeps its position (TensorFlow 1).
   */
  halfPixelCenters?: boolean;
}

export const resize2dOptions: OptionNames<Resize2dOptions> = {
  size: 'value',
  scale: 'value',
  method: 'value',
  alignCorners: 'flag',
  halfPixelCenters: 'flag',
};

/**
 * The position of output pixel i in the input, as a fraction p/q of whole numbers. The fraction
 * keeps ratios of sizes, and so ties, exact. p is negative before the centre of the first pixel.
 */
export type SamplingRule = (i: number, input: number, output: number) => readonly [p: number, q: number];
const halfPixel: SamplingRule = (i, input, output) => [(2 * i + 1) * input - output, 2 * output];
const aligned: SamplingRule = (i, input, output) => (output === 1 ? [0, 1] : [i * (input - 1), output - 1]);
const legacy: SamplingRule = (i, input, output) => [i * input, output];

/** The rule that two options name. */
export function samplingRule(op: string, alignCorners: boolean, halfPixelCenters: boolean): SamplingRule {
  if (alignCorners && halfPixelCenters)
    throw new ValueError(
      op,
      'alignCorners and halfPixelCenters exclude each other',
      'both true',
      'both false is the legacy rule of TensorFlow 1',
    );
  return alignCorners ? aligned : halfPixelCenters ? halfPixel : legacy;
}

/** Checks that one of two options is given. */
export function checkSizeOrScale(op: string, size: unknown, scale: unknown): void {
  const got = size === undefined ? 'neither' : `size=${shown(size)}, scale=${shown(scale)}`;
  if ((size === undefined) === (scale === undefined))
    throw new ValueError(op, 'one of size and scale must be given', got);
}

/** p/q, rounded down, for whole numbers. */
const floorDiv = (p: number, q: number): number => Math.floor(p / q);

/** Resizes one axis. Every rule is the identity if the size stays the same. */
export function resizeAxis(
  op: string,
  x: Tensor,
  axis: number,
  output: number,
  method: 'bilinear' | 'linear' | 'nearest',
  rule: SamplingRule,
): Tensor {
  const input = x.shape[axis];
  if (output === input) return x;
  const low = new Int32Array(output);
  const weights = new Float64Array(output);
  for (let i = 0; i < output; i++) {
    const [p, q] = rule(i, input, output);
    if (method === 'nearest') {
      // The legacy rule takes the pixel that contains the position. The other rules round to the
      // nearest pixel, with halves rounded up.
      low[i] = rule === legacy ? floorDiv(p, q) : floorDiv(2 * p + q, 2 * q);
    } else {
      const inside = Math.max(p, 0);
      low[i] = floorDiv(inside, q);
      weights[i] = (inside % q) / q;
    }
  }
  if (method === 'nearest') return x.indexSelect(low, axis);
  const a = x.indexSelect(low, axis);
  if (weights.every((w) => w === 0)) return a;
  const b = x.indexSelect(
    low.map((i) => Math.min(i + 1, input - 1)),
    axis,
  );
  const weight = uploaded(op, x, weights, [output, ...x.shape.slice(axis + 1).fill(1)]);
  // TensorFlow's formula. Unlike a·(1 − w) + b·w, it keeps a constant area exactly constant.
  return endWith(a.add(b.sub(a).mul(weight)), weight);
}

/**
 * Resizes by interpolation, rows then columns. A smaller size reads single points without
 * averaging, so it can alias.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @units coordinates in pixels; centres at half pixels, unless alignCorners or the legacy rule is
 * used
 * @gradient g times the interpolation weights, added at the pixels that were read
 * @throws ShapeError for a wrong rank or an empty batch or image; ValueError unless exactly one of
 * size and scale is given, for both corner rules, or an unknown method
 * @source tf.image.resize; tf.compat.v1.image.resize (align_corners, half_pixel_centers);
 * torch.nn.functional.interpolate
 */
export function resize2d(x: Tensor, options: Resize2dOptions): Tensor {
  const op = 'resize2d';
  knownOptions(op, options, resize2dOptions);
  checkTensor(op, 'input', x);
  const [batch, height, width, channels] = floatImageSizes(op, x);
  if (height === 0 || width === 0) throw new ShapeError(op, 'the image must not be empty', `input=${show(x.shape)}`);
  const { outputSize, method, rule } = checkResize(op, options);
  const [h, w] = outputSize(height, width);
  checkShape(op, [batch, h, w, channels], 'result');
  return resizeAxis(op, resizeAxis(op, x, 1, h, method, rule), 2, w, method, rule);
}

/** Checks the options of a resize without an image. A layer calls it in its constructor. */
export function checkResize(
  op: string,
  { size, scale, method = 'bilinear', alignCorners = false, halfPixelCenters = !alignCorners }: Resize2dOptions,
) {
  checkSizeOrScale(op, size, scale);
  if (method !== 'bilinear' && method !== 'nearest')
    throw new ValueError(op, "method must be 'bilinear' or 'nearest'", `method=${method}`);
  const rule = samplingRule(op, alignCorners, halfPixelCenters);
  if (size !== undefined) {
    const asked = pair(op, 'size', size);
    return { method, rule, outputSize: () => asked };
  }
  const scales: readonly unknown[] = Array.isArray(scale) ? scale : [scale, scale];
  if (scales.length !== 2 || !scales.every((s) => typeof s === 'number' && s > 0 && s < Infinity))
    throw new ValueError(op, 'scale must be positive and finite, a number or [h, w]', `scale=${shown(scale)}`);
  const [sh, sw] = scales as readonly [number, number];
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
  return { method, rule, outputSize };
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
