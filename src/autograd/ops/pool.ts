/**
 * Pooling. The gradient of max pooling is unpooling by `add`. Not here: unpooling (unpool.ts),
 * pools of series (pool1d.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { NanPolicy } from '../../device/device.js';
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import type { Shape } from '../../values/shape.js';
import { type Pool2dGeometry, type Pool2dOptions, pool2dOptions, poolGeometry } from '../../values/window.js';
import { apply, applyAll, call, checkTensor, type Op } from '../graph.js';
import { PoolIndices } from './pool-indices.js';
import { countOf, maxUnpoolOp } from './unpool.js';

export interface MaxPool2dOptions extends Pool2dOptions {
  /** How NaN is treated: 'propagate' as PyTorch (default), 'tf' as TensorFlow, or 'ignore'. */
  nan?: NanPolicy;
}

const pooledShape = ({ batch, height, width, channels }: Pool2dGeometry): Shape => [
  batch,
  height.output,
  width.output,
  channels,
];
const sourceShape = ({ batch, height, width, channels }: Pool2dGeometry): Shape => [
  batch,
  height.input,
  width.input,
  channels,
];

export const maxPoolOp: Op<{ geometry: Pool2dGeometry; nan: NanPolicy }> = {
  name: 'maxPool2d',
  lower: ([x], { geometry, nan }) =>
    call(
      'maxPool2d',
      { geometry, nan },
      { shape: pooledShape(geometry), dtype: x.dtype },
      { shape: pooledShape(geometry), dtype: 'int32' },
    ),
  backward: ({ grad, outputs: [, indices], inputs: [x], attrs: { geometry } }) => [
    apply(maxUnpoolOp, [grad, indices], { geometry, shape: x.shape }),
  ],
};

const maxPool2dOptions: OptionNames<MaxPool2dOptions> = { ...pool2dOptions, nan: 'value' };

const checked = (op: string, x: Tensor, options: Pool2dOptions): Pool2dGeometry => {
  checkTensor(op, 'input', x);
  const geometry = poolGeometry(op, x.shape, options);
  checkFloat(op, x.dtype);
  return geometry;
};

export function checkNanPolicy(op: string, nan: NanPolicy): void {
  if (!['propagate', 'tf', 'ignore'].includes(nan))
    throw new ValueError(op, "nan must be 'propagate', 'tf' or 'ignore'", `nan=${nan}`);
}

function maxPool(op: string, x: Tensor, options: MaxPool2dOptions): [values: Tensor, indices: PoolIndices] {
  knownOptions(op, options, maxPool2dOptions);
  const { nan = 'propagate' } = options;
  checkNanPolicy(op, nan);
  const geometry = checked(op, x, options);
  const [values, indices] = applyAll(maxPoolOp, [x], { geometry, nan });
  return [values, new PoolIndices(indices, x.shape, geometry)];
}

/**
 * The largest value of each window, and its index. The first in row-major order wins ties. Padding
 * never wins. By default any NaN wins and the last NaN's index is returned, as in PyTorch. With
 * `nan: 'tf'` a NaN wins only as the first element of its window. With `nan: 'ignore'` it never
 * wins, and a window of only NaN gives −∞.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], indices [N,H′,W′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ShapeError for a wrong rank, an empty batch or a kernel that does not fit; ValueError for
 * sizes out of range or an unknown policy
 * @source torch.nn.functional.max_pool2d with return_indices; tf.nn.max_pool_with_argmax
 */
export const maxPool2d = (x: Tensor, options: MaxPool2dOptions): [values: Tensor, indices: PoolIndices] =>
  maxPool('maxPool2d', x, options);

/**
 * maxPool2d with a mask. The mask counts how many windows have their maximum at each cell, which is
 * 0 or 1 unless windows overlap.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], argmax [N,H′,W′,C], mask [N,H,W,C] of x's dtype
 * @units argmax: see IndexConvention
 * @gradient of values: g added at the maxima; of the mask: none
 * @throws ShapeError for a wrong rank, an empty batch or a kernel that does not fit; ValueError for
 * sizes out of range or an unknown policy
 * @source the custom operation max_pool_with_argmax_and_mask of
 * stackoverflow.com/questions/36548736
 */
export function maxPool2dWithArgmaxAndMask(
  x: Tensor,
  options: MaxPool2dOptions,
): [values: Tensor, argmax: PoolIndices, mask: Tensor] {
  const [values, argmax] = maxPool('maxPool2dWithArgmaxAndMask', x, options);
  return [values, argmax, countOf(argmax, values)];
}

export interface AvgPool2dOptions extends Pool2dOptions {
  /**
   * Whether to divide by the whole kernel size, padding included. Default: true for explicit
   * padding (PyTorch), false for 'same' (TensorFlow).
   */
  countIncludePad?: boolean;
}
const avgPool2dOptions: OptionNames<AvgPool2dOptions> = { ...pool2dOptions, countIncludePad: 'flag' };
interface AvgAttrs {
  readonly geometry: Pool2dGeometry;
  readonly countIncludePad: boolean;
}
export const avgPoolOp: Op<AvgAttrs> = {
  name: 'avgPool2d',
  lower: ([x], attrs) => call('avgPool2d', attrs, { shape: pooledShape(attrs.geometry), dtype: x.dtype }),
  backward: ({ grad, attrs }) => [apply(avgPoolGradOp, [grad], attrs)],
};
const avgPoolGradOp: Op<AvgAttrs> = {
  name: 'avgPool2dGrad',
  lower: ([g], attrs) => call('avgPool2dGrad', attrs, { shape: sourceShape(attrs.geometry), dtype: g.dtype }),
  backward: ({ grad, attrs }) => [apply(avgPoolOp, [grad], attrs)],
};

/**
 * Mean of each window.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @gradient g/n, spread over the window
 * @throws ShapeError for a wrong rank, an empty batch or a kernel that does not fit; ValueError for
 * sizes out of range
 * @source torch.nn.functional.avg_pool2d; tf.nn.avg_pool2d
 */
export function avgPool2d(x: Tensor, options: AvgPool2dOptions): Tensor {
  knownOptions('avgPool2d', options, avgPool2dOptions);
  const geometry = checked('avgPool2d', x, options);
  return apply(avgPoolOp, [x], { geometry, countIncludePad: options.countIncludePad ?? options.padding !== 'same' });
}
