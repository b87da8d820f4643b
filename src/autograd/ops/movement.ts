/**
 * Ops that rearrange and join whole tensors, and compute nothing. reshape, squeeze, unsqueeze and
 * detach give views. All others copy, because kernels write dense arrays only.
 * Not here: ops that select or insert elements by position (indexing.ts).
 */
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkList, normalizeAxis, resolveReshape, type Shape, sameShape } from '../../values/shape.js';
import { apply, applyAll, call, checkTensor, checkTensors, isTracking, type Op, view } from '../graph.js';
import { unbroadcast } from './arithmetic.js';
import type { Range } from './indexing.js';

const reshapeOp: Op<{ shape: Shape }> = {
  name: 'reshape',
  lower: ([x], { shape }) => view(shape, x),
  backward: ({ grad, inputs: [x] }) => [grad.reshape(x.shape)],
};
/**
 * The same elements in another shape, as a view. One size may be −1; it follows from the others.
 * @shape x [any] → y [shape]
 * @gradient g, reshaped back
 * @throws ShapeError when the number of elements differs
 * @source torch.reshape
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  checkTensor('reshape', 'input', x);
  const to = resolveReshape('reshape', x.shape, shape);
  return sameShape(to, x.shape) ? x : apply(reshapeOp, [x], { shape: to });
}

/**
 * Removes one axis of size 1, or without `axis` all of them.
 * @shape x [any] → y without them
 * @gradient g, reshaped back
 * @throws ShapeError when the axis is not of size 1
 * @source torch.squeeze
 */
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

/**
 * Adds an axis of size 1.
 * @shape x [any] → y with it
 * @gradient g, reshaped back
 * @throws ShapeError for a bad axis
 * @source torch.unsqueeze
 */
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
/**
 * Puts the axes in another order: y.shape[i] = x.shape[axes[i]].
 * @shape x [any] → y
 * @gradient g, permuted back
 * @throws ShapeError unless axes name each axis once
 * @source torch.permute
 */
export function permute(x: Tensor, axes: readonly number[]): Tensor {
  checkTensor('permute', 'input', x);
  checkList('permute', 'axes', axes);
  const list = Array.from(axes, (a) => normalizeAxis('permute', a, x.rank));
  if (list.length !== x.rank || new Set(list).size !== x.rank)
    throw new ShapeError('permute', 'axes must name every axis once', `axes=${show(axes)}, input=${show(x.shape)}`);
  return apply(permuteOp, [x], { axes: list });
}

/**
 * Swaps two axes, by default the last two.
 * @shape x [any] → y
 * @gradient g, swapped back
 * @throws ShapeError for a bad axis
 * @source torch.transpose
 */
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
/**
 * Repeats axes of size 1 to a larger shape, as broadcasting does. −1 keeps a size.
 * @shape x [any] → y [shape]
 * @gradient g, summed over repeats
 * @throws ShapeError when x does not broadcast to shape
 * @source torch.expand
 */
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

interface SplitAttrs {
  readonly axis: number;
  readonly starts: readonly number[];
  /** Sizes of the parts along the axis. */
  readonly sizes: readonly number[];
}

/**
 * Cuts a tensor into parts by one kernel. It has no backward rule, so it is used only where no
 * graph is recorded.
 */
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
/**
 * Joins tensors along an axis.
 * @shape n tensors, equal except along the axis → y
 * @gradient for each tensor, its part of g
 * @throws ShapeError when other axes differ; ValueError for an empty list or dtypes that differ
 * @source torch.cat
 */
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

/**
 * Joins tensors of one shape along a new axis.
 * @shape n tensors [any] → y with an axis of size n
 * @gradient for each tensor, its part of g
 * @throws ShapeError when shapes differ; ValueError for an empty list
 * @source torch.stack
 */
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

const detachOp: Op<null> = { name: 'detach', lower: ([x]) => view(x.shape, x) };
/**
 * A view outside the graph.
 * @shape x [any] → y, as x
 * @gradient none
 * @throws GraphError for a released tensor
 * @source torch.Tensor.detach
 */
export const detach = (x: Tensor): Tensor => apply(detachOp, [x], null);

const cloneOp: Op<null> = {
  name: 'clone',
  lower: ([x]) => call('cast', {}, { shape: x.shape, dtype: x.dtype }),
  backward: ({ grad }) => [grad],
  outlives: true,
};
/**
 * A copy with storage of its own. Gradients flow through it, and backward() does not release it.
 * @shape x [any] → y, as x
 * @gradient g
 * @throws GraphError for a released tensor
 * @source torch.clone
 */
export const clone = (x: Tensor): Tensor => apply(cloneOp, [x], null);
