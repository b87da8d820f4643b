/**
 * Pooling. The gradient of max pooling is unpooling by `add`. Not here: unpooling (unpool.ts),
 * pools of series (pool1d.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import type { NanPolicy } from '../../device/device.js';
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import type { Shape } from '../../values/shape.js';
import {
  extentOf,
  mostWindow,
  type Pair,
  type Pool2dGeometry,
  type Pool2dOptions,
  pool2dOptions,
  poolGeometry,
  type WindowAxis,
} from '../../values/window.js';
import { apply, applyAll, call, checkTensor, type Op } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { PoolIndices } from './pool-indices.js';
import { countOf, maxUnpoolOp } from './unpool.js';

export interface MaxPool2dOptions extends Pool2dOptions {
  /** How NaN is treated: 'propagate' as PyTorch (default), 'tf' as TensorFlow, or 'ignore'. */
  nan?: NanPolicy;
  /** The distance between cells of a window. Default 1. */
  dilation?: Pair;
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
  saves: ['output 1'],
  backward: ({ grad, outputs: [, indices], inputs: [x], attrs: { geometry } }) => [
    apply(maxUnpoolOp, [grad, indices], { geometry, shape: x.shape }),
  ],
};

const maxPool2dOptions: OptionNames<MaxPool2dOptions> = { ...pool2dOptions, nan: 'value', dilation: 'value' };

const checked = (op: string, x: Tensor, options: Pool2dOptions & { dilation?: Pair }): Pool2dGeometry => {
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
   * Whether to count the padding among a window's cells, by whose number its sum is divided. What a
   * window of ceilMode has beyond the padding never counts. Default: true for explicit padding
   * (PyTorch), false for 'same' (TensorFlow).
   */
  countIncludePad?: boolean;
  /** Divides every sum by this number, whole and not 0, instead of by the number of cells. */
  divisorOverride?: number;
}
const avgPool2dOptions: OptionNames<AvgPool2dOptions> = {
  ...pool2dOptions,
  countIncludePad: 'flag',
  divisorOverride: 'value',
};
export interface AvgAttrs {
  readonly geometry: Pool2dGeometry;
  readonly divisor: number;
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

/** Checks the divisor of an average pool. The wasm device reads it as an integer of 32 bits. */
export const checkDivisor = (op: string, divisor: number): void =>
  checkNumber(
    op,
    'divisorOverride',
    divisor,
    (v) => Number.isInteger(v) && v !== 0 && Math.abs(v) <= mostWindow,
    `whole, not 0 and at most ${mostWindow}`,
  );

/**
 * The numbers of cells of all windows along an axis, with the padding but without what a window has
 * beyond it.
 */
const paddedCounts = ({ input, output, kernel, stride, before, after }: WindowAxis): number[] =>
  Array.from({ length: output }, (_, o) => Math.min(kernel, input + before + after - o * stride));

/** Whether the last window reaches beyond the padding. */
const overhangs = (axis: WindowAxis): boolean =>
  (axis.output - 1) * axis.stride + extentOf(axis) > axis.input + axis.before + axis.after;

/** The mean of each window, by an op of images. x is an image, or the row of a series. */
export function averages(
  op: Op<AvgAttrs>,
  x: Tensor,
  geometry: Pool2dGeometry,
  { countIncludePad, divisorOverride }: { readonly countIncludePad: boolean; readonly divisorOverride?: number },
): Tensor {
  const { height, width } = geometry;
  if (divisorOverride !== undefined) return apply(op, [x], { geometry, divisor: divisorOverride });
  if (!countIncludePad) return apply(op, [x], { geometry, divisor: 0 });
  if (!overhangs(height) && !overhangs(width))
    return apply(op, [x], { geometry, divisor: height.kernel * width.kernel });
  const columns = paddedCounts(width);
  const counts = paddedCounts(height).flatMap((rows) => columns.map((taps) => rows * taps));
  const shape = [height.output, width.output, 1];
  const divisors = x.upload(
    x.dtype === 'float64' ? Float64Array.from(counts) : Float32Array.from(counts),
    x.dtype,
    shape,
  );
  return endWith(apply(op, [x], { geometry, divisor: 1 }).div(divisors), divisors);
}

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
  const { countIncludePad = options.padding !== 'same', divisorOverride } = options;
  if (divisorOverride !== undefined) checkDivisor('avgPool2d', divisorOverride);
  return averages(avgPoolOp, x, geometry, { countIncludePad, divisorOverride });
}
