/**
 * Reductions that are composed of other ops: products, norms, and tests of all elements.
 * Not here: those with a kernel, means and variances (reduce.ts), and running sums (scan.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import { normalizeAxes, reducedShape, sizeOf } from '../../values/shape.js';
import { checkTensor } from '../graph.js';
import { composed } from '../lifetimes.js';
import { where } from './arithmetic.js';
import { cut } from './rearrange.js';
import { max, min, type ReduceOptions, rootOfSum, sum } from './reduce.js';

type Axes = number | readonly number[];
const reduceOptions: OptionNames<ReduceOptions> = { keepDims: 'flag' };

/**
 * The product along an axis, without that axis. The halves are multiplied, then the halves of the
 * result, so that the gradient multiplies what it needs and never divides.
 */
export function productAlong(x: Tensor, axis: number): Tensor {
  let y = x;
  if (y.shape[axis] === 0)
    y = y.pad(
      y.shape.map((_, i) => [0, Number(i === axis)]),
      1,
    );
  for (let n = y.shape[axis]; n > 1; n = y.shape[axis]) {
    const half = Math.floor(n / 2);
    const product = cut(y, axis, 0, half).mul(cut(y, axis, half, 2 * half));
    // The product of halves has the odd element in its first one.
    y = n % 2 === 0 ? product : joinOdd(product, cut(y, axis, n - 1, n), axis);
  }
  return y.squeeze(axis);
}
/** Multiplies the first element along an axis by another one. */
function joinOdd(product: Tensor, odd: Tensor, axis: number): Tensor {
  const filled = odd.pad(
    odd.shape.map((_, i) => [0, i === axis ? product.shape[axis] - 1 : 0]),
    1,
  );
  return product.mul(filled);
}

/**
 * Product over axes (all by default), 1 of no elements. int32 wraps around.
 * @shape x [any] → y without the axes
 * @units int32: modulo 2³², as numpy
 * @gradient g times the product of the other elements, also where some are 0
 * @throws ShapeError for a bad axis
 * @source torch.prod; numpy.prod
 */
export function prod(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  knownOptions('prod', options, reduceOptions);
  checkTensor('prod', 'input', x);
  const list = normalizeAxes('prod', axes, x.rank);
  const { keepDims = false } = options;
  return composed(() => {
    const kept = x.shape.map((_, i) => i).filter((i) => !list.includes(i));
    const rows = (x.dtype === 'bool' ? x.cast('int32') : x)
      .permute([...kept, ...list])
      .reshape([sizeOf(kept.map((i) => x.shape[i])), sizeOf(list.map((i) => x.shape[i]))]);
    return productAlong(rows, 1).reshape(reducedShape(x.shape, list, keepDims));
  });
}

export interface VectorNormOptions extends ReduceOptions {
  /**
   * The order: 2 (default), 1, ±Infinity, 0 for the number of elements other than 0, or another
   * number.
   */
  p?: number;
}
const normOptions: OptionNames<VectorNormOptions> = { ...reduceOptions, p: 'value' };

/**
 * (Σ |x|ᵖ)^(1/p). Elements 0, and a sum of 0, get a gradient of 0, where the slope is not finite.
 */
function generalNorm(size: Tensor, p: number, list: readonly number[], keepDims: boolean): Tensor {
  if (p < 0) return sum(size.pow(p), list, { keepDims }).pow(1 / p);
  const isOther = size.notEqual(0);
  const total = sum(where(isOther, where(isOther, size, 1).pow(p), 0), list, { keepDims });
  const isPositive = total.notEqual(0);
  return where(isPositive, where(isPositive, total, 1).pow(1 / p), 0);
}

/**
 * The norm of vectors, (Σ |x|ᵖ)^(1/p) over axes (all by default).
 * @shape x [any] → y without the axes
 * @gradient g·sign(x)·(|x|/y)ᵖ⁻¹, 0 where y is 0; of ±Infinity, g divided evenly among ties; of 0,
 * 0
 * @throws ShapeError for a bad axis, or an empty one with p = ±Infinity; ValueError for a NaN p, or
 * a dtype that is not float
 * @source torch.linalg.vector_norm; ONNX ReduceL1, ReduceL2
 */
export function norm(x: Tensor, axes?: Axes, options: VectorNormOptions = {}): Tensor {
  knownOptions('norm', options, normOptions);
  checkTensor('norm', 'input', x);
  const { p = 2, keepDims = false } = options;
  checkNumber('norm', 'p', p, () => true, 'a number');
  checkFloat('norm', x.dtype);
  const list = normalizeAxes('norm', axes, x.rank);
  return composed(() => {
    if (p === 2) return rootOfSum(sum(x.mul(x), list, { keepDims }));
    if (p === 1) return sum(x.abs(), list, { keepDims });
    if (p === Infinity) return max(x.abs(), list, { keepDims });
    if (p === -Infinity) return min(x.abs(), list, { keepDims });
    // The sign of 0 is 0, and a gradient of 0 flows through it.
    if (p === 0) return sum(where(x.notEqual(0), 1, x.sign()), list, { keepDims });
    return generalNorm(x.abs(), p, list, keepDims);
  });
}

/**
 * Whether any element over axes (all by default) is not 0. NaN is not 0. Of no elements, false.
 * @shape x [any] → y without the axes, bool
 * @gradient none
 * @throws ShapeError for a bad axis
 * @source torch.any
 */
export function any(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  knownOptions('any', options, reduceOptions);
  checkTensor('any', 'input', x);
  const list = normalizeAxes('any', axes, x.rank);
  return composed(() => sum(x.notEqual(0), list, options).greater(0));
}
/**
 * Whether all elements over axes (all by default) are not 0. NaN is not 0. Of no elements, true.
 * @shape x [any] → y without the axes, bool
 * @gradient none
 * @throws ShapeError for a bad axis
 * @source torch.all
 */
export function all(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  knownOptions('all', options, reduceOptions);
  checkTensor('all', 'input', x);
  const list = normalizeAxes('all', axes, x.rank);
  return composed(() => sum(x.equal(0), list, options).equal(0));
}
