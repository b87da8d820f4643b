/** Moves elements, computes nothing. slice and embed (pad) are each other's gradient, as are expand and sum, indexSelect and indexAdd. */
import { shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkHolds } from '../../values/dtype.js';
import {
  axisList,
  checkList,
  normalizeAxis,
  resolveReshape,
  type Shape,
  sameShape,
  sizeOf,
} from '../../values/shape.js';
import { apply, applyAll, call, checkTensor, checkTensors, isTensor, isTracking, type Op, view } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { unbroadcast } from './arithmetic.js';

const reshapeOp: Op<{ shape: Shape }> = {
  name: 'reshape',
  lower: ([x], { shape }) => view(shape, x),
  backward: ({ grad, inputs: [x] }) => [grad.reshape(x.shape)],
};
/** The same elements in another shape; one size may be −1. Shares storage. @shape x [any] → y [shape] @gradient g, reshaped back @throws ShapeError when the number of elements differs @source torch.reshape */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'input', x);
  const to = resolveReshape('reshape', x.shape, shape);
  return sameShape(to, x.shape) ? x : apply(reshapeOp, [x], { shape: to });
}

/** Removes axes of size 1 (all of them, or the one named). @shape x [any] → y without them @gradient g, reshaped back @throws ShapeError when the axis is not of size 1 @source torch.squeeze */
export function squeeze(x: Tensor, axis?: number): Tensor {
  checkTensor('squeeze', 'input', x);
  if (axis === undefined)
    return reshape(
      x,
      x.shape.filter((n) => n !== 1),
    );
  const a = normalizeAxis('squeeze', axis, x.rank);
  if (x.shape[a] !== 1)
    throw new ShapeError('squeeze', 'the axis must have size 1', `input=${show(x.shape)}, axis=${axis}`);
  return reshape(
    x,
    x.shape.filter((_, i) => i !== a),
  );
}
/** Adds an axis of size 1. @shape x [any] → y with it @gradient g, reshaped back @throws ShapeError for a bad axis @source torch.unsqueeze */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  checkTensor('unsqueeze', 'input', x);
  const a = normalizeAxis('unsqueeze', axis, x.rank + 1);
  return reshape(x, [...x.shape.slice(0, a), 1, ...x.shape.slice(a)]);
}

const permuteOp: Op<{ axes: readonly number[] }> = {
  name: 'permute',
  lower: ([x], { axes }) => call('permute', { axes }, { shape: axes.map((a) => x.shape[a]), dtype: x.dtype }),
  backward: ({ grad, attrs: { axes } }) => [grad.permute(axes.map((_, i) => axes.indexOf(i)))],
};
/** Axes in another order: y.shape[i] = x.shape[axes[i]]. @shape x [any] → y @gradient g, permuted back @throws ShapeError unless axes name each axis once @source torch.permute */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  checkTensor('permute', 'input', x);
  checkList('permute', 'axes', axes);
  const list = Array.from(axes, (a) => normalizeAxis('permute', a, x.rank));
  if (list.length !== x.rank || new Set(list).size !== x.rank)
    throw new ShapeError('permute', 'axes must name every axis once', `axes=${show(axes)}, input=${show(x.shape)}`);
  return apply(permuteOp, [x], { axes: list });
}
/** Swaps two axes, the last two by default. @shape x [any] → y @gradient g, swapped back @throws ShapeError for a bad axis @source torch.transpose */
export function transpose(x: Tensor, axis0 = -2, axis1 = -1): Tensor {
  checkTensor('transpose', 'input', x);
  const [a, b] = [normalizeAxis('transpose', axis0, x.rank), normalizeAxis('transpose', axis1, x.rank)];
  return permute(
    x,
    x.shape.map((_, i) => (i === a ? b : i === b ? a : i)),
  );
}

const expandOp: Op<{ shape: Shape }> = {
  name: 'expand',
  lower: ([x], { shape }) => call('expand', {}, { shape, dtype: x.dtype }),
  backward: ({ grad, inputs: [x] }) => [unbroadcast(grad, x.shape)],
};
/** Repeats axes of size 1 to a larger shape, as broadcasting does; −1 keeps a size. @shape x [any] → y [shape] @gradient g, summed over repeats @throws ShapeError when x does not broadcast to shape @source torch.expand */
export function expand(x: Tensor, shape: Shape): Tensor {
  checkTensor('expand', 'input', x);
  checkList('expand', 'shape', shape);
  const to = Array.from(shape, (n, i) => (n === -1 ? (x.shape[i - shape.length + x.rank] ?? n) : n));
  const fits =
    to.length >= x.rank &&
    x.shape.every((n, i) => n === 1 || n === to[i + to.length - x.rank]) &&
    to.every((n) => Number.isInteger(n) && n >= 0);
  if (!fits)
    throw new ShapeError(
      'expand',
      'only axes of size 1 can grow, and new ones stand in front',
      `input=${show(x.shape)}, shape=${show(shape)}`,
    );
  return sameShape(to, x.shape) ? x : apply(expandOp, [x], { shape: to });
}

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

/** start, end (exclusive), step of one axis, as Python's slice; null or undefined where left out. */
export type Range = readonly [start?: number | null, end?: number | null, step?: number];

/** Python's slice rule for one axis. */
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
  // A step that is never taken may be larger than the words that kernels count in.
  return { start: first, step: taken > 1 ? step : Math.sign(step), size: taken };
}

/**
 * A part of every axis, as Python's x[start:end:step, …]; axes left out are whole, null takes an axis whole.
 * @shape x [any] → y, each axis as cut
 * @gradient g where taken, else 0
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

/** Reverses axes. @shape x [any] → y, as x @gradient g, reversed back @throws ShapeError for a bad axis @source torch.flip */
export function flip(x: Tensor, axes: number | readonly number[]): Tensor {
  checkTensor('flip', 'input', x);
  const list = axisList('flip', axes).map((a) => normalizeAxis('flip', a, x.rank));
  return slice(x, ...x.shape.map((_, i): Range => (list.includes(i) ? [null, null, -1] : [])));
}

const shownPads = (pads: unknown): string =>
  Array.isArray(pads) ? `[${Array.from<unknown, string>(pads, shown).join(',')}]` : shown(pads);

/** Adds constant borders: [before, after] of every axis. @shape x [any] → y, each axis longer @gradient g, cut back @throws ShapeError unless there is a pair per axis; ValueError for a negative one, or a value that x's dtype cannot hold @source numpy.pad */
export function pad(x: Tensor, pads: readonly (readonly [number, number])[], value = 0): Tensor {
  checkTensor('pad', 'input', x);
  if (!Array.isArray(pads) || !Array.from<unknown>(pads).every((p) => Array.isArray(p) && p.length === 2))
    throw new ShapeError('pad', 'pads must be one [before, after] per axis', `pads=${shownPads(pads)}`);
  if (pads.length !== x.rank)
    throw new ShapeError('pad', 'one [before, after] per axis', `${pads.length} pairs, input=${show(x.shape)}`);
  if (!pads.flat().every((n) => Number.isInteger(n) && n >= 0))
    throw new ValueError('pad', 'pads must be whole and not negative', `pads=${shownPads(pads)}`, 'cut with slice()');
  checkHolds('pad', x.dtype, value);
  return apply(embedOp, [x], {
    starts: pads.map(([before]) => before),
    steps: pads.map(() => 1),
    shape: x.shape.map((n, i) => n + pads[i][0] + pads[i][1]),
    value,
  });
}

/** x at every steps-th place of a shape as many times as large, zeros elsewhere: for the ops of this folder. */
export const spread = (x: Tensor, steps: readonly number[]): Tensor =>
  apply(embedOp, [x], { starts: steps.map(() => 0), steps, shape: x.shape.map((n, i) => n * steps[i]), value: 0 });

interface SplitAttrs {
  readonly axis: number;
  readonly starts: readonly number[];
  /** Sizes of the parts along the axis. */
  readonly sizes: readonly number[];
}
/** Parts of a tensor in one kernel. It has no backward rule: use it only where no graph is recorded. */
const splitOp: Op<SplitAttrs> = {
  name: 'split',
  lower: ([x], { axis, starts, sizes }) => ({
    kernel: 'split',
    attrs: { axis, starts },
    outputs: sizes.map((size) => ({ shape: x.shape.map((n, i) => (i === axis ? size : n)), dtype: x.dtype })),
  }),
};

const concatOp: Op<{ axis: number }> = {
  name: 'concat',
  lower: (inputs, { axis }) => {
    const shape = [...inputs[0].shape];
    shape[axis] = inputs.reduce((n, t) => n + t.shape[axis], 0);
    return call('concat', { axis }, { shape, dtype: inputs[0].dtype });
  },
  backward: ({ grad, inputs, attrs: { axis }, needs }) => {
    let end = 0;
    const parts = inputs.map((t, i) => {
      const start = end;
      end += t.shape[axis];
      return { start, end, isNeeded: needs[i] };
    });
    const needed = parts.filter(({ isNeeded }) => isNeeded);
    if (isTracking() || needed.length === 1) {
      const cut = (from: number, to: number): Tensor =>
        grad.slice(...grad.shape.map((_, a): Range => (a === axis ? [from, to] : [])));
      return parts.map((p) => (p.isNeeded ? cut(p.start, p.end) : null));
    }
    const starts = needed.map((p) => p.start);
    const cuts = applyAll(splitOp, [grad], { axis, starts, sizes: needed.map((p) => p.end - p.start) });
    let next = 0;
    return parts.map((p) => (p.isNeeded ? cuts[next++] : null));
  },
};
/** Joins tensors along an axis. @shape n tensors equal but along the axis → y @gradient g, cut apart @throws ShapeError when other axes differ; ValueError for none, or dtypes that differ @source torch.cat */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  checkTensors('concat', 'tensors', tensors);
  if (tensors.length === 0) throw new ValueError('concat', 'at least one tensor is needed', 'none');
  const first = tensors[0];
  const a = normalizeAxis('concat', axis, first.rank);
  for (const t of tensors) {
    if (t.rank !== first.rank || t.shape.some((n, i) => i !== a && n !== first.shape[i]))
      throw new ShapeError(
        'concat',
        `shapes must agree but along axis ${a}`,
        tensors.map((x) => show(x.shape)).join(' and '),
      );
    if (t.dtype !== first.dtype)
      throw new ValueError('concat', 'dtypes must agree', `${first.dtype} and ${t.dtype}`, 'convert with cast()');
  }
  return apply(concatOp, tensors, { axis: a });
}
/** Joins equal shapes along a new axis. @shape n tensors [any] → y with axis n @gradient g, cut apart @throws ShapeError when shapes differ @source torch.stack */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  checkTensors('stack', 'tensors', tensors);
  if (tensors.length === 0) throw new ValueError('stack', 'at least one tensor is needed', 'none');
  const odd = tensors.find((t) => !sameShape(t.shape, tensors[0].shape));
  if (odd !== undefined)
    throw new ShapeError('stack', 'shapes must be equal', `${show(tensors[0].shape)} and ${show(odd.shape)}`);
  return concat(
    tensors.map((t) => unsqueeze(t, axis)),
    axis,
  );
}

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
 * Rows of x along an axis, in the order of `indices`. Numbers are checked; a tensor's values are not
 * read, and give 0 where they are outside.
 * @shape x [any], indices [n] → y, the axis of size n
 * @units indices count from 0
 * @gradient g, added back to the rows taken
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
/** Zeros, and each row of g added at its index along the first axis, in order: for the ops of this folder. `indices` is int32, of rank 1. */
export const indexAdd = (g: Tensor, indices: Tensor, size: number): Tensor =>
  apply(indexAddOp, [g, indices], { axis: 0, size });

const detachOp: Op<null> = { name: 'detach', lower: ([x]) => view(x.shape, x) };
/** The same storage outside the graph. @shape x [any] → y, as x @gradient none @throws GraphError for a released tensor @source torch.Tensor.detach */
export const detach = (x: Tensor): Tensor => apply(detachOp, [x], null);

const cloneOp: Op<null> = {
  name: 'clone',
  lower: ([x]) => call('cast', {}, { shape: x.shape, dtype: x.dtype }),
  backward: ({ grad }) => [grad],
  outlives: true,
};
/** A copy with storage of its own; part of the graph, but outliving it. @shape x [any] → y, as x @gradient g @throws GraphError for a released tensor @source torch.clone */
export const clone = (x: Tensor): Tensor => apply(cloneOp, [x], null);
