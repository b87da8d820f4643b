/**
 * Unpooling into the cells that a mask names. Not here: unpooling by indices alone (unpool.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorData } from '../../values/nested.js';
import { floatImageSizes, rank4 } from '../../values/shape.js';
import { type Pair, type Pool2dOptions, poolGeometry, type WindowAxis } from '../../values/window.js';
import { checkTensor } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { where } from './arithmetic.js';
import { conv2dTranspose } from './conv.js';
import type { IndexConvention } from './index-conventions.js';
import type { PoolIndices } from './pool-indices.js';
import { type Duplicates, scatterInto } from './unpool.js';

/**
 * With the options of a pool, values are spread over their windows. With argmax, they are written
 * at their indices.
 */
export interface UnpoolByMaskOptions extends Partial<Pool2dOptions> {
  /**
   * The indices of the maxima. Without them, a value is written to every masked cell of its window.
   */
  argmax?: PoolIndices | TensorData | Tensor;
  /** Convention of raw indices. Default 'tf', as in the original operation. */
  convention?: IndexConvention;
  /** Policy for repeated indices. Default 'add'. */
  duplicates?: Duplicates;
}

const unpoolByMaskOptions: OptionNames<UnpoolByMaskOptions> = {
  kernelSize: 'value',
  stride: 'value',
  padding: 'value',
  ceilMode: 'flag',
  argmax: 'value',
  convention: 'value',
  duplicates: 'value',
};

/**
 * Unpools into the cells whose mask is not 0. The output has the mask's shape. With `argmax` each
 * value is written at its index. Without it, each value is written to every masked cell of its own
 * window, and values of overlapping windows are added.
 * @shape x [N,H′,W′,C], mask [N,H,W,C] → y [N,H,W,C]
 * @gradient x: Σ of g over the cells that received the value; mask: none
 * @throws ShapeError when shapes do not fit; ValueError without argmax and without a pool
 * @source the custom operations max_pool_with_argmax_and_mask and max_unpool of
 * stackoverflow.com/questions/36548736
 */
export function unpoolByMask(x: Tensor, mask: Tensor, options: UnpoolByMaskOptions): Tensor {
  const op = 'unpoolByMask';
  knownOptions(op, options, unpoolByMaskOptions);
  checkTensor(op, 'input', x);
  checkTensor(op, 'mask', mask);
  const [batch, , , channels] = floatImageSizes(op, x);
  const [images, , , depth] = rank4(op, 'mask', mask.shape);
  if (images !== batch || depth !== channels)
    throw new ShapeError(
      op,
      "batch and channels must be the mask's",
      `input=${show(x.shape)}, mask=${show(mask.shape)}`,
    );
  const { argmax, kernelSize } = options;
  if (argmax === undefined && kernelSize === undefined)
    throw new ValueError(
      op,
      'argmax or kernelSize must be given',
      'neither',
      'with argmax values go to their indices, with kernelSize they spread over their windows',
    );
  if (argmax === undefined && (options.duplicates !== undefined || options.convention !== undefined))
    throw new ValueError(
      op,
      'duplicates and convention go with argmax',
      'no argmax',
      'values that spread over their windows add where these overlap',
    );
  const isSet = mask.dtype === 'bool' ? mask : mask.notEqual(0);
  const spread =
    argmax === undefined
      ? spreadOver(op, x, mask, { ...options, kernelSize: kernelSize as Pair })
      : scatterInto(op, x, mask.shape, argmax, options);
  const y = where(isSet, spread, 0);
  return isSet === mask ? y : endWith(y, isSet);
}

/**
 * Writes each value to every cell of its window and adds where windows overlap. This is a
 * transposed convolution with ones.
 */
function spreadOver(op: string, x: Tensor, mask: Tensor, options: Pool2dOptions): Tensor {
  const { height, width, channels } = poolGeometry(op, mask.shape, options);
  if (height.output !== x.shape[1] || width.output !== x.shape[2])
    throw new ShapeError(
      op,
      "pooling the mask's shape must give the input's",
      `input=${show(x.shape)}, mask=${show(mask.shape)}, which pools to ${height.output}×${width.output}`,
    );
  const ones = x.fullLike(1, [height.kernel, width.kernel, 1, channels]);
  const stride = [height.stride, width.stride] as const;
  const outputSize = [height.input, width.input] as const;
  // Under ceilMode the last window may reach beyond the padding, which a convolution's may not.
  const pads = ({ input, output, kernel, stride, before, after }: WindowAxis): readonly [number, number] => [
    before,
    Math.max(after, (output - 1) * stride + kernel - before - input),
  ];
  const padding = [pads(height), pads(width)] as const;
  return endWith(conv2dTranspose(x, ones, { groups: channels, stride, outputSize, padding }), ones);
}
