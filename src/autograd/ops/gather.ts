/**
 * Gather and scatter along one axis, where every element has an index of its own. A tensor
 * [outer, axis, inner] is one image of one row for each outer element, with the inner elements as
 * channels. So the kernels of unpooling read and write it, which take an index for each element.
 * Not here: one index for a whole row (indexSelect in indexing.ts), index vectors (scatter.ts),
 * scatter that multiplies or keeps an extreme (scatter-reduce.ts).
 */
import { shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isFloat } from '../../values/dtype.js';
import { parse, type TensorData } from '../../values/nested.js';
import { aroundAxis, normalizeAxis, type Shape, sameShape } from '../../values/shape.js';
import { apply, checkTensor, isTensor, withTracking } from '../graph.js';
import { composed } from '../lifetimes.js';
import { type Operand, where } from './arithmetic.js';
import { addRows, type Range, slice } from './indexing.js';
import { maxUnpoolOp, pickOp, planeGatherOp } from './unpool.js';

/** Indices along an axis of a tensor of shape `whole`. */
export interface Places {
  readonly axis: number;
  readonly whole: Shape;
  /** The shape of the indices. */
  readonly shape: Shape;
  /** The indices as images of one row. */
  readonly indices: Tensor;
}
const asImages = (shape: Shape, axis: number): number[] => {
  const { outer, length, inner } = aroundAxis(shape, axis);
  return [outer, 1, length, inner];
};
/** The shape of the indices with `whole`'s size along the axis: what a scatter of them covers. */
const covered = ({ axis, whole, shape }: Places): number[] => shape.map((n, i) => (i === axis ? whole[axis] : n));

/** Cuts x, from the start of each axis but `except`, to a shape. */
function cutTo(x: Tensor, shape: Shape, except = -1): Tensor {
  if (x.shape.every((n, i) => i === except || n === shape[i])) return x;
  return slice(x, ...x.shape.map((_, i): Range => (i === except ? [] : [0, shape[i]])));
}

/** Checks indices, and uploads those given as numbers. Call it within `composed`. */
function places(op: string, x: Tensor, given: Tensor | TensorData, axis: number): Places {
  const a = normalizeAxis(op, axis, x.rank);
  const numbers = isTensor(given) ? null : parse(op, given);
  const shape = numbers === null ? (given as Tensor).shape : numbers.shape;
  if (shape.length !== x.rank || shape.some((n, i) => i !== a && n > x.shape[i]))
    throw new ShapeError(
      op,
      `indices must have the input's rank, and no axis but ${a} may be longer than its own`,
      `indices=${show(shape)}, input=${show(x.shape)}`,
    );
  if (numbers === null) {
    const tensor = given as Tensor;
    if (tensor.dtype !== 'int32')
      throw new ValueError(op, 'indices must be int32', `dtype=${tensor.dtype}`, "convert with cast('int32')");
    return { axis: a, whole: x.shape, shape, indices: tensor.reshape(asImages(shape, a)) };
  }
  const { data } = numbers;
  for (let i = 0; i < data.length; i++)
    if (!Number.isInteger(data[i]) || data[i] < 0 || data[i] >= x.shape[a])
      throw new ValueError(op, `indices must be whole and in [0, ${x.shape[a] - 1}]`, `element ${i}=${data[i]}`);
  return { axis: a, whole: x.shape, shape, indices: x.upload(Int32Array.from(data), 'int32', asImages(shape, a)) };
}

/** Reads x, of the shape that the places cover, at the places. */
export const read = (x: Tensor, { axis, shape, indices }: Places): Tensor =>
  apply(planeGatherOp, [x.reshape(asImages(x.shape, axis)), indices], {
    geometry: null,
    shape: asImages(x.shape, axis),
  }).reshape(shape);

/** Adds values, of the places' shape, to zeros of the shape that the places cover. */
export const addAt = (values: Tensor, at: Places): Tensor =>
  apply(maxUnpoolOp, [values.reshape(asImages(at.shape, at.axis)), at.indices], {
    geometry: null,
    shape: asImages(covered(at), at.axis),
  }).reshape(covered(at));

/** For each place, whether its value is the last, or the largest, of those with the same index. */
export const picks = (values: Tensor, pick: 'last' | 'max', at: Places): Tensor =>
  withTracking(false, () =>
    apply(pickOp, [values.reshape(asImages(at.shape, at.axis)), at.indices], {
      pick,
      geometry: null,
      pixels: at.whole[at.axis],
    }).reshape(at.shape),
  );

/** Enlarges what the places cover to the whole tensor. */
export const enlarge = (x: Tensor, whole: Shape, value = 0): Tensor =>
  sameShape(x.shape, whole)
    ? x
    : x.pad(
        whole.map((n, i) => [0, n - x.shape[i]]),
        value,
      );

/** Whether an element of the whole tensor has a place. */
export const hasPlace = (like: Tensor, at: Places): Tensor => {
  const ones = like.fullLike(1, at.shape, 'float32');
  return enlarge(addAt(ones, at), at.whole).greater(0);
};

/** The source of a scatter, cut to the shape of its indices. */
export function sourceOf(op: string, x: Tensor, source: Operand, at: Places): Tensor {
  if (typeof source === 'number') return x.fullLike(source, at.shape);
  checkTensor(op, 'source', source);
  if (source.rank !== x.rank || at.shape.some((n, i) => n > source.shape[i]))
    throw new ShapeError(
      op,
      'source must have at least the shape of indices',
      `source=${show(source.shape)}, indices=${show(at.shape)}`,
    );
  if (source.dtype !== x.dtype)
    throw new ValueError(
      op,
      "source must have the input's dtype",
      `source ${source.dtype}, input ${x.dtype}`,
      'convert with cast()',
    );
  return cutTo(source, at.shape);
}

/** Runs fn with the places of checked indices. Without any index the result is a copy of x. */
export function scattering(
  op: string,
  x: Tensor,
  indices: Tensor | TensorData,
  source: Operand,
  axis: number,
  fn: (source: Tensor, at: Places) => Tensor,
): Tensor {
  checkTensor(op, 'input', x);
  if (typeof source !== 'number' && !isTensor(source))
    throw new ValueError(op, 'source must be a tensor or a number', `source=${shown(source)}`);
  return composed(() => {
    const at = places(op, x, indices, axis);
    const values = sourceOf(op, x, source, at);
    return at.indices.size === 0 ? x.clone() : fn(values, at);
  });
}

export function checkAdds(op: string, { dtype }: Tensor): void {
  if (!isFloat(dtype))
    throw new ValueError(op, 'the input must be float', `dtype=${dtype}`, "convert with cast('float32')");
}

/**
 * Elements of x at their indices along an axis: for axis 1 of 3, y[i, j, k] = x[i, indices[i, j,
 * k], k]. Indices given as numbers are checked. A tensor of indices is not read, and one out of
 * range gives 0. Axes of the indices other than `axis` may be shorter than x's.
 * @shape x [any], indices [as x, but the axis] → y, as indices
 * @units indices count from 0
 * @gradient g, added at the positions that were read
 * @throws ShapeError for a bad axis, another rank, or longer indices; ValueError for indices that
 * are not int32, or a number out of range or not whole
 * @source torch.gather; numpy.take_along_axis; ONNX GatherElements
 */
export function gather(x: Tensor, indices: Tensor | TensorData, axis = 0): Tensor {
  checkTensor('gather', 'input', x);
  return composed(() => {
    const at = places('gather', x, indices, axis);
    return read(cutTo(x, at.shape, at.axis), at);
  });
}

/**
 * x, with elements replaced at their indices along an axis: for axis 1 of 3, y[i, indices[i, j, k],
 * k] = source[i, j, k]. Of several with the same index the last one stays. Indices given as numbers
 * are checked. A tensor of indices is not read, and one out of range is skipped.
 * @shape x [any], indices [as x, but the axis], source at least as indices, or a number → y, as x
 * @units indices count from 0
 * @gradient x: g where nothing was replaced; source: g at its index, 0 where another one stayed
 * @throws ShapeError for a bad axis, another rank, longer indices, or a source shorter than them;
 * ValueError for indices that are not int32, a number out of range or not whole, or a source of
 * another dtype
 * @source torch.scatter; ONNX ScatterElements
 */
export const scatter = (x: Tensor, indices: Tensor | TensorData, source: Operand, axis = 0): Tensor =>
  scattering('scatter', x, indices, source, axis, (values, at) => {
    // Each element of x reads its winner. The winner is found by its position, so that it needs no
    // sum, and values of every dtype keep all their digits.
    const length = at.shape[at.axis];
    const positions = values.upload(
      Float32Array.from({ length }, (_, i) => i + 1),
      'float32',
      at.shape.map((_, i) => (i === at.axis ? length : 1)),
    );
    const winners = addAt(where(picks(positions.expand(at.shape), 'last', at), positions, 0), at).sub(1);
    const from: Places = {
      ...at,
      shape: winners.shape,
      indices: winners.cast('int32').reshape(asImages(winners.shape, at.axis)),
    };
    return where(hasPlace(x, at), enlarge(read(values, from), x.shape), x).cast(x.dtype);
  });

/**
 * x, to which each element of source is added at its index along an axis. Indices given as numbers
 * are checked. A tensor of indices is not read, and one out of range is skipped.
 * @shape x [any], indices [as x, but the axis], source at least as indices, or a number → y, as x
 * @units indices count from 0
 * @gradient x: g; source: g, gathered at the indices
 * @throws ShapeError for a bad axis, another rank, longer indices, or a source shorter than them;
 * ValueError for indices that are not int32, a number out of range or not whole, an x that is not
 * float, or a source of another dtype
 * @source torch.scatter_add
 */
export function scatterAdd(x: Tensor, indices: Tensor | TensorData, source: Operand, axis = 0): Tensor {
  return scattering('scatterAdd', x, indices, source, axis, (values, at) => {
    checkAdds('scatterAdd', x);
    return x.add(enlarge(addAt(values, at), x.shape));
  });
}

/**
 * x, to whose rows along an axis the rows of source are added: row indices[i] gets row i. Indices
 * given as numbers are checked. A tensor of indices is not read, and one out of range is skipped.
 * @shape x [any], indices [n], source [as x, but n rows] → y, as x
 * @units indices count from 0
 * @gradient x: g; source: the rows of g at the indices
 * @throws ShapeError for a bad axis, indices of another rank, or another shape of source;
 * ValueError for indices that are not int32, a number out of range or not whole, a bool x, or a
 * source of another dtype
 * @source torch.index_add
 */
export function indexAdd(x: Tensor, indices: Tensor | ArrayLike<number>, source: Tensor, axis = 0): Tensor {
  const op = 'indexAdd';
  checkTensor(op, 'input', x);
  checkTensor(op, 'source', source);
  const a = normalizeAxis(op, axis, x.rank);
  if (isTensor(indices) && indices.dtype !== 'int32')
    throw new ValueError(op, 'indices must be int32', `dtype=${indices.dtype}`, "convert with cast('int32')");
  if (x.dtype === 'bool' || source.dtype !== x.dtype)
    throw new ValueError(
      op,
      'input and source must have one dtype that is not bool',
      `input ${x.dtype}, source ${source.dtype}`,
      'convert with cast()',
    );
  const numbers = isTensor(indices) ? null : parse(op, indices as TensorData);
  const shape = isTensor(indices) ? indices.shape : (numbers as { shape: number[] }).shape;
  const want = x.shape.map((n, i) => (i === a ? shape[0] : n));
  if (shape.length !== 1 || !sameShape(source.shape, want))
    throw new ShapeError(
      op,
      "indices must have rank 1, and source the input's shape with one row for each index",
      `indices=${show(shape)}, source=${show(source.shape)}, input=${show(x.shape)}`,
    );
  const wrong = Array.from(numbers?.data ?? []).findIndex((n) => !Number.isInteger(n) || n < 0 || n >= x.shape[a]);
  if (wrong >= 0)
    throw new ValueError(
      op,
      `indices must be whole and in [0, ${x.shape[a] - 1}]`,
      `indices[${wrong}]=${numbers?.data[wrong]}`,
    );
  return composed(() => {
    const list = isTensor(indices) ? indices : x.upload(Int32Array.from(numbers?.data ?? []), 'int32', shape);
    return x.add(addRows(source, list, x.shape[a], a));
  });
}
