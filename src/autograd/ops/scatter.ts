/**
 * Gather and scatter by index vectors. Each vector is converted to one index into the flattened
 * leading axes, so that the row kernels of indexing.ts can be used. Each of the two ops is the
 * gradient of the other. Not here: rows along one axis (indexSelect in indexing.ts), pool indices
 * (pool-indices.ts).
 */
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isFloat } from '../../values/dtype.js';
import { parse, type TensorData } from '../../values/nested.js';
import { checkShape, type Shape, sameShape, sizeOf, stridesOf } from '../../values/shape.js';
import { checkTensor, isTensor } from '../graph.js';
import { endWith, scoped } from '../lifetimes.js';
import { where } from './arithmetic.js';
import { addRows } from './indexing.js';

/** Splits the shape of indices into its leading axes and the length of an index vector. */
function split(op: string, indices: Shape, target: string, shape: Shape): { lead: Shape; depth: number } {
  const depth = indices.at(-1) ?? 0;
  if (shape.length === 0) throw new ShapeError(op, `${target} must have an axis to index`, `${target}=[]`);
  if (depth < 1 || depth > shape.length)
    throw new ShapeError(
      op,
      `the last axis of indices must hold 1 to ${shape.length} numbers, one for each axis that they name`,
      `indices=${show(indices)}, ${target}=${show(shape)}`,
    );
  return { lead: indices.slice(0, -1), depth };
}

/** Converts index vectors given as numbers to row numbers, and checks each. */
function rowsOfNumbers(op: string, numbers: ArrayLike<number>, lead: Shape, sizes: Shape): Int32Array<ArrayBuffer> {
  const depth = sizes.length;
  const strides = stridesOf(sizes);
  return Int32Array.from({ length: sizeOf(lead) }, (_, row) => {
    let at = 0;
    for (let k = 0; k < depth; k++) {
      const v = numbers[row * depth + k];
      if (!Number.isInteger(v) || v < 0 || v >= sizes[k]) {
        const position = stridesOf(lead).map((stride, axis) => Math.floor(row / stride) % lead[axis]);
        const vector = Array.from({ length: depth }, (_, j) => numbers[row * depth + j]);
        throw new ValueError(
          op,
          `an index vector must be whole and in ${sizes.map((n) => `[0, ${n - 1}]`).join(' × ')}`,
          `indices${position.length === 0 ? '' : show(position)}=${show(vector)}`,
          `axis ${k} has size ${sizes[k]}`,
        );
      }
      at += v * strides[k];
    }
    return at;
  });
}

/**
 * Converts index vectors on a device to row numbers there. A vector with any component out of range
 * becomes −1, which the row kernels skip.
 */
function rowsOfTensor(op: string, indices: Tensor, lead: Shape, sizes: Shape): Tensor {
  if (indices.dtype !== 'int32')
    throw new ValueError(op, 'indices must be int32', `dtype=${indices.dtype}`, "convert with cast('int32')");
  const vectors = indices.reshape([sizeOf(lead), sizes.length]);
  // A single component needs no check here, because the row kernels skip it if it is out of range.
  // With several components, the row number could be valid although one component is out of range.
  if (sizes.length === 1) return vectors.reshape([sizeOf(lead)]);
  const given = (values: Shape): Tensor => indices.upload(Int32Array.from(values), 'int32');
  const inside = vectors
    .greaterEqual(0)
    .mul(vectors.less(given(sizes)))
    .sum(1)
    .equal(sizes.length);
  return where(inside, vectors.mul(given(stridesOf(sizes))).sum(1), -1);
}

/**
 * Calls fn with the row numbers of the index vectors, on the device of `like`. The temporaries end
 * with fn's result.
 */
function withRows(
  op: string,
  like: Tensor,
  indices: Tensor | TensorData,
  target: string,
  shape: Shape,
  fn: (rows: Tensor, lead: Shape, depth: number) => Tensor,
) {
  if (isTensor(indices)) {
    const { lead, depth } = split(op, indices.shape, target, shape);
    const rows = scoped(
      () => rowsOfTensor(op, indices, lead, shape.slice(0, depth)),
      (result) => [result],
    );
    const y = fn(rows, lead, depth);
    return rows === indices ? y : endWith(y, rows);
  }
  const numbers = parse(op, indices);
  const { lead, depth } = split(op, numbers.shape, target, shape);
  const rows = like.upload(rowsOfNumbers(op, numbers.data, lead, shape.slice(0, depth)), 'int32');
  return endWith(fn(rows, lead, depth), rows);
}

/**
 * Elements, or whole slices, of x at index vectors: y[i…] = x[indices[i…, 0], …, indices[i…, K−1]].
 * Indices given as numbers are checked. A tensor of indices is not read, and a vector out of range
 * gives 0.
 * @shape x [any], indices […,K] → y […, and x's axes from K on]
 * @units indices count from 0
 * @gradient g, added at the positions that were read
 * @throws ValueError for a vector out of range or not whole, or a tensor that is not int32;
 * ShapeError for vectors longer than x's rank, or empty ones
 * @source tf.gather_nd
 */
export function gatherNd(x: Tensor, indices: Tensor | TensorData): Tensor {
  checkTensor('gatherNd', 'input', x);
  return withRows('gatherNd', x, indices, 'input', x.shape, (rows, lead, depth) => {
    const rest = x.shape.slice(depth);
    return x
      .reshape([sizeOf(x.shape.slice(0, depth)), sizeOf(rest)])
      .indexSelect(rows)
      .reshape([...lead, ...rest]);
  });
}

/**
 * A tensor of zeros to which each update (an element or a whole slice) is added at its index
 * vector: y[indices[i…, 0], …, indices[i…, K−1]] += updates[i…]. Updates with the same vector are
 * added in row-major order. Indices given as numbers are checked. A tensor of indices is not read,
 * and updates whose vector is out of range are skipped.
 * @shape indices […,K], updates […, and shape's axes from K on] → y [shape]
 * @units indices count from 0
 * @gradient updates: g, gathered at the indices
 * @throws ValueError for a vector out of range or not whole, a tensor of indices that is not int32,
 * or bool updates; ShapeError for updates of another shape, an invalid shape, or vectors longer
 * than its rank
 * @source tf.scatter_nd
 */
export function scatterNd(indices: Tensor | TensorData, updates: Tensor, shape: Shape): Tensor {
  const op = 'scatterNd';
  checkShape(op, shape);
  checkTensor(op, 'updates', updates);
  if (!isFloat(updates.dtype) && updates.dtype !== 'int32')
    throw new ValueError(op, 'updates must be float or int32', `dtype=${updates.dtype}`, "convert with cast('int32')");
  return withRows(op, updates, indices, 'shape', shape, (rows, lead, depth) => {
    const rest = shape.slice(depth);
    const want = [...lead, ...rest];
    if (!sameShape(updates.shape, want))
      throw new ShapeError(
        op,
        "updates must have the indices' axes but the last, then the shape's axes that no index names",
        `updates=${show(updates.shape)}, shape=${show(shape)}`,
        `expected ${show(want)}`,
      );
    return addRows(updates.reshape([sizeOf(lead), sizeOf(rest)]), rows, sizeOf(shape.slice(0, depth))).reshape([
      ...shape,
    ]);
  });
}
