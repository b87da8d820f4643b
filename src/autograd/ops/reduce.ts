/**
 * Reductions over axes. sum, max, min, argmax and argmin are kernels. The others are composed of
 * ops.
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import { normalizeAxes, normalizeAxis, reducedShape, sizeOf } from '../../values/shape.js';
import { apply, call, checkTensor, type Op } from '../graph.js';
import { endWith, scoped } from '../lifetimes.js';

export interface ReduceOptions {
  /** Keep reduced axes with size 1. Default false. */
  keepDims?: boolean;
}
const reduceOptions: OptionNames<ReduceOptions> = { keepDims: 'flag' };
type Axes = number | readonly number[];

interface ReduceAttrs {
  readonly axes: readonly number[];
  readonly keepDims: boolean;
}

const keptShape = (x: Tensor, axes: readonly number[]): number[] => reducedShape(x.shape, axes, true);

const sumOp: Op<ReduceAttrs> = {
  name: 'sum',
  lower: ([x], { axes, keepDims }) =>
    call('reduce', { fn: 'sum', axes }, { shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype }),
  backward: ({ grad, inputs: [x], attrs }) => [grad.reshape(keptShape(x, attrs.axes)).expand(x.shape)],
};

const extreme = (fn: 'max' | 'min'): Op<ReduceAttrs> => ({
  name: fn,
  lower: ([x], { axes, keepDims }) => {
    if (axes.some((a) => x.shape[a] === 0))
      throw new ShapeError(fn, 'the reduced axes must not be empty', `input=${show(x.shape)}`);
    return call('reduce', { fn, axes }, { shape: reducedShape(x.shape, axes, keepDims), dtype: x.dtype });
  },
  saves: [0, 'output'],
  backward: ({ grad, inputs: [x], output, attrs }) => {
    const shape = keptShape(x, attrs.axes);
    const hit = x.equal(output.reshape(shape)).cast(x.dtype);
    return [hit.mul(grad.reshape(shape).div(hit.sum(attrs.axes, { keepDims: true })))];
  },
});
const maxOp = extreme('max');
const minOp = extreme('min');

function reduce(op: Op<ReduceAttrs>, x: Tensor, axes: Axes | undefined, options: ReduceOptions): Tensor {
  knownOptions(op.name, options, reduceOptions);
  checkTensor(op.name, 'input', x);
  const { keepDims = false } = options;
  return apply(op, [x.dtype === 'bool' ? x.cast('int32') : x], {
    axes: normalizeAxes(op.name, axes, x.rank),
    keepDims,
  });
}

const countOf = (x: Tensor, axes: readonly number[]): number => sizeOf(axes.map((a) => x.shape[a]));

/**
 * Sum over axes (all by default). int32 wraps around.
 * @shape x [any] → y without the axes
 * @units int32: modulo 2³², as numpy
 * @gradient g, repeated
 * @throws ShapeError for a bad axis
 * @source torch.sum
 */
export const sum = (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => reduce(sumOp, x, axes, options);
/**
 * Largest element over axes; NaN if any element is NaN.
 * @shape x [any] → y without the axes
 * @gradient g, divided evenly among ties
 * @throws ShapeError for a bad or empty axis
 * @source torch.amax
 */
export const max = (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => reduce(maxOp, x, axes, options);
/**
 * Smallest element over axes; NaN if any element is NaN.
 * @shape x [any] → y without the axes
 * @gradient g, divided evenly among ties
 * @throws ShapeError for a bad or empty axis
 * @source torch.amin
 */
export const min = (x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor => reduce(minOp, x, axes, options);

/**
 * Mean over axes.
 * @shape x [any] → y without the axes
 * @gradient g/n, repeated
 * @throws ShapeError for a bad or empty axis; ValueError for a dtype that is not float
 * @source torch.mean
 */
export function mean(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  knownOptions('mean', options, reduceOptions);
  checkTensor('mean', 'input', x);
  checkFloat('mean', x.dtype);
  const list = normalizeAxes('mean', axes, x.rank);
  const n = countOf(x, list);
  if (n === 0) throw new ShapeError('mean', 'the reduced axes must not be empty', `input=${show(x.shape)}`);
  return sum(x, list, options).div(n);
}

export interface VarianceOptions extends ReduceOptions {
  /**
   * Subtracted from n in the divisor. 1 (Bessel's correction) by default, 0 for the population
   * variance.
   */
  correction?: number;
}

const varianceOptions: OptionNames<VarianceOptions> = { ...reduceOptions, correction: 'value' };

/**
 * Variance over axes.
 * @shape x [any] → y without the axes
 * @gradient 2·g·(x − mean)/(n − correction)
 * @throws ShapeError when n ≤ correction
 * @source torch.var
 */
export const variance = (x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor =>
  varianceOf('var', x, axes, options);

function varianceOf(op: string, x: Tensor, axes: Axes | undefined, options: VarianceOptions): Tensor {
  knownOptions(op, options, varianceOptions);
  checkTensor(op, 'input', x);
  const { keepDims = false, correction = 1 } = options;
  checkNumber(op, 'correction', correction, (v) => v >= 0, 'a number and not negative');
  checkFloat(op, x.dtype);
  const list = normalizeAxes(op, axes, x.rank);
  const n = countOf(x, list);
  if (!(n > correction))
    throw new ShapeError(
      op,
      'more elements than the correction are needed',
      `n=${n}, correction=${correction}`,
      'pass correction: 0 for the population variance',
    );
  const centred = x.sub(mean(x, list, { keepDims: true }));
  return sum(centred.mul(centred), list, { keepDims }).div(n - correction);
}

/**
 * Square root of a sum of squares. At 0 its slope is infinite while the sum's own slope is 0, so
 * the gradient is defined as 0.
 */
const rootOp = (name: string): Op<null> => ({
  name,
  lower: ([v]) => call('unary', { fn: 'sqrt', alpha: 0, beta: 0 }, { shape: v.shape, dtype: v.dtype }),
  saves: ['output'],
  backward: ({ grad, output }) => {
    const spread = output.notEqual(0);
    // The inner where prevents a division by 0 in the second derivative.
    return [grad.div(output.where(spread, 1).mul(2)).where(spread, 0)];
  },
});
const deviationOp = rootOp('std');
const normOp = rootOp('norm');
/** The root of a sum of squares. Used by norm; not public. */
export const rootOfSum = (sum: Tensor): Tensor => apply(normOp, [sum], null);

/**
 * Standard deviation over axes.
 * @shape x [any] → y without the axes
 * @gradient g·(x − mean)/((n − correction)·std); 0 where all elements are equal, as in PyTorch
 * @throws ShapeError when n ≤ correction; ValueError for a dtype that is not float
 * @source torch.std
 */
export const std = (x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor =>
  apply(deviationOp, [varianceOf('std', x, axes, options)], null);

/**
 * log Σ eˣ, computed without overflow.
 * @shape x [any] → y without the axes
 * @gradient g·softmax(x)
 * @throws ShapeError for a bad or empty axis
 * @source torch.logsumexp
 */
export function logsumexp(x: Tensor, axes?: Axes, options: ReduceOptions = {}): Tensor {
  knownOptions('logsumexp', options, reduceOptions);
  checkTensor('logsumexp', 'input', x);
  const { keepDims = false } = options;
  checkFloat('logsumexp', x.dtype);
  const list = normalizeAxes('logsumexp', axes, x.rank);
  const shift = scoped(
    () => {
      const top = max(x.detach(), list, { keepDims: true });
      // An infinite shift would give ∞ − ∞.
      return top.where(top.abs().less(Infinity), 0);
    },
    (result) => [result],
  );
  const out = sum(x.sub(shift).exp(), list, { keepDims: true })
    .log()
    .add(shift)
    .reshape(reducedShape(x.shape, list, keepDims));
  return endWith(out, shift);
}

/**
 * x minus its largest element along an axis. That element is detached, because softmax does not
 * depend on it. Both softmax and logSoftmax start from these differences, which are exact near the
 * largest element. Subtracting a rounded logsumexp instead would leave logits of 1e6 only one
 * digit.
 */
function belowLargest(op: string, x: Tensor, axis: number): { below: Tensor; axis: number } {
  checkFloat(op, x.dtype);
  const a = normalizeAxis(op, axis, x.rank);
  const largest = scoped(
    () => max(x.detach(), a, { keepDims: true }),
    (result) => [result],
  );
  return { below: endWith(x.sub(largest), largest), axis: a };
}

/**
 * eˣ/Σ eˣ along an axis. A row that contains NaN or +∞, or only −∞, gives NaN.
 * @shape x [any] → y, as x
 * @gradient y·(g − Σ g·y)
 * @throws ShapeError for a bad axis; ValueError for a dtype that is not float
 * @source torch.softmax
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  checkTensor('softmax', 'input', x);
  const { below, axis: a } = belowLargest('softmax', x, axis);
  const powers = below.exp();
  return powers.div(sum(powers, a, { keepDims: true }));
}

/**
 * x − log Σ eˣ along an axis. A row that contains NaN or +∞, or only −∞, gives NaN.
 * @shape x [any] → y, as x
 * @gradient g − softmax·Σ g
 * @throws ShapeError for a bad axis; ValueError for a dtype that is not float
 * @source torch.log_softmax
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  checkTensor('logSoftmax', 'input', x);
  const { below, axis: a } = belowLargest('logSoftmax', x, axis);
  return below.sub(sum(below.exp(), a, { keepDims: true }).log());
}

interface ArgAttrs {
  readonly axis: number;
  readonly keepDims: boolean;
}
const arg = (fn: 'argmax' | 'argmin'): Op<ArgAttrs> => ({
  name: fn,
  lower: ([x], { axis, keepDims }) => {
    if (x.shape[axis] === 0) throw new ShapeError(fn, 'the axis must not be empty', `input=${show(x.shape)}`);
    return call('argReduce', { fn, axis }, { shape: reducedShape(x.shape, [axis], keepDims), dtype: 'int32' });
  },
});
const argmaxOp = arg('argmax');
const argminOp = arg('argmin');

function argReduce(op: Op<ArgAttrs>, x: Tensor, axis: number | undefined, options: ReduceOptions): Tensor {
  knownOptions(op.name, options, reduceOptions);
  checkTensor(op.name, 'input', x);
  const { keepDims = false } = options;
  const flat = axis === undefined ? x.reshape([-1]) : x;
  const out = apply(op, [flat], {
    axis: normalizeAxis(op.name, axis ?? 0, flat.rank),
    keepDims: keepDims && axis !== undefined,
  });
  return keepDims && axis === undefined ? out.reshape(x.shape.map(() => 1)) : out;
}
/**
 * Index of the largest element along an axis, or in the flattened tensor if no axis is given. The
 * first one wins ties.
 * @shape x [any] → y without the axis, int32
 * @units indices
 * @gradient none
 * @throws ShapeError for a bad axis
 * @source torch.argmax
 */
export const argmax = (x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor =>
  argReduce(argmaxOp, x, axis, options);
/**
 * Index of the smallest element along an axis, or in the flattened tensor if no axis is given. The
 * first one wins ties.
 * @shape x [any] → y without the axis, int32
 * @units indices
 * @gradient none
 * @throws ShapeError for a bad axis
 * @source torch.argmin
 */
export const argmin = (x: Tensor, axis?: number, options: ReduceOptions = {}): Tensor =>
  argReduce(argminOp, x, axis, options);
