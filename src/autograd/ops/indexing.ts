/**
 * Ops that select elements by position, and those that insert them into a larger array. They come
 * in pairs, and each is the other's gradient: slice and embed (the kernel of pad), indexSelect and
 * indexAdd.
 * Not here: pad itself (pad.ts), indices of several axes (scatter.ts), and indices of pooled maxima
 * (unpool.ts).
 */
import { shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { axisList, normalizeAxis, type Shape, sizeOf } from '../../values/shape.js';
import { apply, call, checkTensor, isTensor, type Op } from '../graph.js';
import { endWith } from '../lifetimes.js';

interface SliceAttrs {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly shape: Shape;
}
const sliceOp: Op<SliceAttrs> = {
  name: 'slice',
  lower: ([x], { starts, steps, shape }) => call('slice', { starts, steps }, { shape, dtype: x.dtype }),
  backward: ({ grad, inputs: [x], attrs: { starts, steps } }) => [
    apply(embedOp, [grad], { starts, steps, shape: x.shape, value: 0 }),
  ],
};
const embedOp: Op<SliceAttrs & { readonly value: number }> = {
  name: 'pad',
  lower: ([x], { starts, steps, shape, value }) => call('embed', { starts, steps, value }, { shape, dtype: x.dtype }),
  backward: ({ grad, inputs: [x], attrs: { starts, steps } }) => [
    apply(sliceOp, [grad], { starts, steps, shape: x.shape }),
  ],
};

/**
 * Start, end (exclusive) and step along one axis, as in Python's slice. null and undefined stand
 * for an omitted start or end.
 */
export type Range = readonly [start?: number | null, end?: number | null, step?: number];

/** Resolves a range for an axis of `size` elements by Python's rules. */
function resolveRange(
  op: string,
  size: number,
  [start, end, step = 1]: Range,
): { start: number; step: number; size: number } {
  if (!Number.isInteger(step) || step === 0 || ![start ?? 0, end ?? 0].every(Number.isInteger))
    throw new ValueError(op, 'start, end and step must be whole, step not 0', shown([start, end, step]));
  const limit = (v: number, low: number, high: number): number => Math.min(Math.max(v < 0 ? v + size : v, low), high);
  const [first, last] =
    step > 0
      ? [limit(start ?? 0, 0, size), limit(end ?? size, 0, size)]
      : [limit(start ?? size - 1, -1, size - 1), end === undefined || end === null ? -1 : limit(end, -1, size - 1)];
  const taken = Math.max(0, Math.ceil((last - first) / step));
  // With at most one element the step is unused. It is replaced, because it may exceed the 32 bits
  // in which kernels count.
  return { start: first, step: taken > 1 ? step : Math.sign(step), size: taken };
}

/**
 * Selects a range of every axis, as Python's x[start:end:step, …]. An axis whose range is null or
 * missing stays whole.
 * @shape x [any] → y, each axis as long as its range
 * @gradient g at the selected elements, 0 elsewhere
 * @throws ShapeError for more ranges than axes; ValueError for a step of 0
 * @source numpy basic slicing
 */
export function slice(x: Tensor, ...ranges: readonly (Range | null)[]): Tensor {
  checkTensor('slice', 'input', x);
  for (const [i, range] of ranges.entries())
    if (range !== null && range !== undefined && (!Array.isArray(range) || range.length > 3))
      throw new ValueError(
        'slice',
        'a range must be [start, end, step] or null',
        `range ${i}=${shown(range)}`,
        typeof range === 'number' ? `write [${range}, ${range + 1}] for one element` : '',
      );
  if (ranges.length > x.rank)
    throw new ShapeError('slice', 'at most one range per axis', `${ranges.length} ranges, input=${show(x.shape)}`);
  const cuts = x.shape.map((n, i) => resolveRange('slice', n, ranges[i] ?? []));
  return apply(sliceOp, [x], {
    starts: cuts.map((c) => c.start),
    steps: cuts.map((c) => c.step),
    shape: cuts.map((c) => c.size),
  });
}

/**
 * Reverses axes.
 * @shape x [any] → y, as x
 * @gradient g, reversed back
 * @throws ShapeError for a bad axis
 * @source torch.flip
 */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  checkTensor('flip', 'input', x);
  const list = axisList('flip', axes).map((a) => normalizeAxis('flip', a, x.rank));
  return slice(x, ...x.shape.map((_, i): Range => (list.includes(i) ? [null, null, -1] : [])));
}

/**
 * Puts x into an array filled with `value`, at these starts. Used by other ops; not public.
 */
export const embed = (x: Tensor, starts: readonly number[], shape: Shape, value: number): Tensor =>
  apply(embedOp, [x], { starts, steps: starts.map(() => 1), shape, value });

/**
 * Puts steps[i] − 1 zeros after every element along axis i. Used by other ops; not public.
 */
export const spread = (x: Tensor, steps: readonly number[]): Tensor =>
  apply(embedOp, [x], { starts: steps.map(() => 0), steps, shape: x.shape.map((n, i) => n * steps[i]), value: 0 });

interface IndexAttrs {
  readonly axis: number;
  readonly size: number;
}
const indexSelectOp: Op<IndexAttrs> = {
  name: 'indexSelect',
  lower: ([x, indices], { axis }) =>
    call('indexSelect', { axis }, { shape: x.shape.map((n, i) => (i === axis ? indices.size : n)), dtype: x.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [x, indices], attrs }) => [
    apply(indexAddOp, [grad, indices], { axis: attrs.axis, size: x.shape[attrs.axis] }),
    null,
  ],
};
const indexAddOp: Op<IndexAttrs> = {
  name: 'indexAdd',
  lower: ([g], { axis, size }) =>
    call('indexAdd', { axis }, { shape: g.shape.map((n, i) => (i === axis ? size : n)), dtype: g.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [g, indices], attrs }) => [
    apply(indexSelectOp, [grad, indices], { axis: attrs.axis, size: g.shape[attrs.axis] }),
    null,
  ],
};
/**
 * Selects rows along an axis, in the order of `indices`. Indices given as numbers are checked. The
 * values of a tensor are not read; an index out of range in it gives zeros.
 * @shape x [any], indices [n] → y, the axis of size n
 * @units indices count from 0
 * @gradient g, added to the rows that were selected
 * @throws ValueError for an index out of range or not whole; ShapeError for indices of another rank
 * @source torch.index_select
 */
export function indexSelect(x: Tensor, indices: Tensor | ArrayLike<number>, axis = 0): Tensor {
  checkTensor('indexSelect', 'input', x);
  const a = normalizeAxis('indexSelect', axis, x.rank);
  const select = (list: Tensor): Tensor => apply(indexSelectOp, [x, list], { axis: a, size: sizeOf(list.shape) });
  if (isTensor(indices)) {
    if (indices.rank !== 1)
      throw new ShapeError('indexSelect', 'indices must have rank 1', `indices=${show(indices.shape)}`);
    if (indices.dtype !== 'int32')
      throw new ValueError('indexSelect', 'indices must be int32', `dtype=${indices.dtype}`);
    return select(indices);
  }
  if (!Array.isArray(indices) && !ArrayBuffer.isView(indices))
    throw new ValueError('indexSelect', 'indices must be numbers in an array or a tensor', `indices=${shown(indices)}`);
  for (let i = 0; i < indices.length; i++)
    if (!Number.isInteger(indices[i]) || indices[i] < 0 || indices[i] >= x.shape[a])
      throw new ValueError(
        'indexSelect',
        `indices must be whole and in [0, ${x.shape[a] - 1}]`,
        `indices[${i}]=${indices[i]}`,
      );
  const list = x.upload(Int32Array.from(indices), 'int32', [indices.length]);
  return endWith(select(list), list);
}

/**
 * Zeros with `size` rows along an axis, to which the rows of g are added at their indices, in
 * order. `indices` is int32 and has rank 1. Used by other ops; not public.
 */
export const addRows = (g: Tensor, indices: Tensor, size: number, axis = 0): Tensor =>
  apply(indexAddOp, [g, indices], { axis, size });
