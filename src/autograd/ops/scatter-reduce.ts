/**
 * Scatter that combines the values of one index: their sum, mean, product or an extreme.
 * Not here: scatter that replaces or adds (gather.ts).
 */
import { checkFlag, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorData } from '../../values/nested.js';
import { aroundAxis } from '../../values/shape.js';
import { apply, type Op, view, withTracking } from '../graph.js';
import { type Operand, where } from './arithmetic.js';
import { addAt, checkAdds, enlarge, hasPlace, type Places, picks, read, scattering } from './gather.js';
import { productAlong } from './reduce-composed.js';

const reductions = ['sum', 'mean', 'prod', 'amax', 'amin'] as const;
/** How scatterReduce combines values. */
export type ScatterReduction = (typeof reductions)[number];
export interface ScatterReduceOptions {
  /** Default 0. */
  axis?: number;
  /** Whether the element of the input counts as one of the values. Default true. */
  includeSelf?: boolean;
}
const scatterReduceOptions: OptionNames<ScatterReduceOptions> = { axis: 'value', includeSelf: 'flag' };

/** The values of one tensor with the gradient of another. */
const withGradientOf: Op<null> = {
  name: 'scatterReduce',
  lower: ([values]) => view(values.shape, values),
  backward: ({ grad }) => [null, grad],
};

interface Step {
  readonly x: Tensor;
  readonly values: Tensor;
  readonly at: Places;
  /** Where x has at least one value. */
  readonly has: Tensor;
  readonly includeSelf: boolean;
}

/** The number of values, at least 1, with x's own if it counts. */
const countOf = ({ x, at, includeSelf }: Step): Tensor => {
  const count = enlarge(addAt(x.fullLike(1, at.shape), at), x.shape);
  return includeSelf ? count.add(1) : count.maximum(1);
};
/** The sum of the values, with x's own if it counts, and x where there is none. */
const sumOf = ({ x, values, at, has, includeSelf }: Step): Tensor => {
  const sum = enlarge(addAt(values, at), x.shape);
  return includeSelf ? x.add(sum) : where(has, sum, x);
};

/** A mean. Where there is no value, x stays. */
const meanOf = (step: Step): Tensor => where(step.has, sumOf(step).div(countOf(step)), step.x);

/**
 * A product. Each element multiplies the values whose index is its own, and ones in place of the
 * others, so a factor 0 needs no care. It takes memory for every pair of an element and a value
 * along the axis.
 */
function productOf({ x, values, at, has, includeSelf }: Step): Tensor {
  const { outer, length, inner } = aroundAxis(at.shape, at.axis);
  const size = x.shape[at.axis];
  const numbers = x.upload(
    Int32Array.from({ length: size }, (_, i) => i),
    'int32',
    [1, size, 1, 1],
  );
  const mine = at.indices.reshape([outer, 1, length, inner]).equal(numbers);
  const factors = where(mine, values.reshape([outer, 1, length, inner]), 1);
  const product = productAlong(factors, 2).reshape(at.shape.map((n, i) => (i === at.axis ? size : n)));
  const whole = enlarge(product, x.shape, 1);
  return includeSelf ? x.mul(whole) : where(has, whole, x);
}

/** The largest value. Its gradient is divided evenly among ties, as that of max is. */
function largestOf({ x, values, at, has, includeSelf }: Step): Tensor {
  const { result, carrier } = withTracking(false, () => {
    const [own, others] = [x.detach(), values.detach()];
    const placed = enlarge(addAt(where(picks(others, 'max', at), others, 0), at), x.shape);
    const best = where(has, includeSelf ? own.maximum(placed) : placed, own);
    const inPlaces = (t: Tensor): Tensor =>
      read(t.slice(...t.shape.map((n, i): [number, number] => [0, i === at.axis ? n : at.shape[i]])), at);
    const isHit = others.equal(inPlaces(best)).cast(x.dtype);
    const isOwn = (includeSelf ? own.equal(best) : has.logicalNot()).cast(x.dtype);
    const hits = enlarge(addAt(isHit, at), x.shape).add(isOwn).maximum(1);
    return { result: best, carrier: { values: isHit.div(inPlaces(hits)), own: isOwn.div(hits) } };
  });
  const shares = enlarge(addAt(values.mul(carrier.values), at), x.shape).add(x.mul(carrier.own));
  return apply(withGradientOf, [result, shares], null);
}

/**
 * x, whose elements are combined with the values of source at their indices along an axis: for axis
 * 1 of 3, all source[i, j, k] are values of y[i, indices[i, j, k], k]. Elements without a value
 * stay. Indices given as numbers are checked. A tensor of indices is not read, and one out of range
 * is skipped.
 * @shape x [any], indices [as x, but the axis], source at least as indices, or a number → y, as x
 * @units indices count from 0
 * @gradient to x and the values: of 'sum' g, of 'mean' g divided by their number, of 'prod' g times
 * the others, of 'amax' and 'amin' g divided evenly among the extremes, 0 at NaN
 * @throws ShapeError for a bad axis, another rank, longer indices, or a source shorter than them;
 * ValueError for an unknown reduction, indices that are not int32, a number out of range or not
 * whole, an x that is not float, or a source of another dtype
 * @source torch.scatter_reduce; ONNX ScatterElements with a reduction
 */
export function scatterReduce(
  x: Tensor,
  indices: Tensor | TensorData,
  source: Operand,
  reduction: ScatterReduction,
  options: ScatterReduceOptions = {},
): Tensor {
  const op = 'scatterReduce';
  knownOptions(op, options, scatterReduceOptions);
  const { axis = 0, includeSelf = true } = options;
  checkFlag(op, 'includeSelf', includeSelf);
  if (!reductions.includes(reduction))
    throw new ValueError(
      op,
      `reduction must be one of ${reductions.map((name) => `'${name}'`).join(', ')}`,
      `reduction=${shown(reduction)}`,
    );
  return scattering(op, x, indices, source, axis, (values, at) => {
    checkAdds(op, x);
    const step: Step = { x, values, at, has: hasPlace(x, at), includeSelf };
    if (reduction === 'sum') return sumOf(step);
    if (reduction === 'mean') return meanOf(step);
    if (reduction === 'prod') return productOf(step);
    if (reduction === 'amax') return largestOf(step);
    return largestOf({ ...step, x: x.neg(), values: values.neg() }).neg();
  });
}
