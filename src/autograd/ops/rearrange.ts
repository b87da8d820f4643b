/**
 * Ops that repeat, rotate, cut and mask whole tensors, composed of those in movement.ts and
 * indexing.ts. Not here: those two, and ops that read or write single elements by their indices
 * (gather.ts, scatter.ts).
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkDType, type DType } from '../../values/dtype.js';
import { axisList, checkList, normalizeAxis, type Shape } from '../../values/shape.js';
import { checkTensor, checkTensors } from '../graph.js';
import { composed } from '../lifetimes.js';
import { where } from './arithmetic.js';
import { type Range, slice } from './indexing.js';
import { concat } from './movement.js';

const isCount = (n: number): boolean => Number.isInteger(n) && n >= 0;
const checkPositive = (op: string, name: string, value: number): void =>
  checkNumber(op, name, value, (n) => Number.isInteger(n) && n >= 1, 'whole and at least 1');

/** The part of x from `from` to `to` along an axis. */
export const cut = (x: Tensor, axis: number, from: number, to: number): Tensor =>
  slice(x, ...x.shape.map((_, i): Range => (i === axis ? [from, to] : [])));

/**
 * Repeats the whole tensor along each axis. Of `repeats` and x's shape, the shorter one is extended
 * in front with ones.
 * @shape x [any], repeats [n] → y, each axis as many times as long
 * @gradient g, summed over the repeats
 * @throws ShapeError for repeats that are not a list; ValueError for one that is negative or not
 * whole
 * @source torch.tile; torch.Tensor.repeat; ONNX Tile
 */
export function tile(x: Tensor, repeats: readonly number[]): Tensor {
  checkTensor('tile', 'input', x);
  checkList('tile', 'repeats', repeats);
  if (!Array.from(repeats).every(isCount))
    throw new ValueError('tile', 'repeats must be whole and not negative', `repeats=${shown(repeats)}`);
  const rank = Math.max(x.rank, repeats.length);
  const front = (list: readonly number[]): number[] => [...new Array<number>(rank - list.length).fill(1), ...list];
  const [sizes, times] = [front(x.shape), front(repeats)];
  return composed(() =>
    x
      .reshape(sizes.flatMap((n) => [1, n]))
      .expand(sizes.flatMap((n, i) => [times[i], n]))
      .reshape(sizes.map((n, i) => n * times[i])),
  );
}

/**
 * Repeats every element along an axis: [a, b] becomes [a, a, b, b].
 * @shape x [any] → y, the axis `repeats` times as long
 * @gradient g, summed over the repeats
 * @throws ValueError for repeats that are negative or not whole; ShapeError for a bad axis
 * @source torch.repeat_interleave; numpy.repeat
 */
export function repeatInterleave(x: Tensor, repeats: number, axis = 0): Tensor {
  checkTensor('repeatInterleave', 'input', x);
  checkNumber('repeatInterleave', 'repeats', repeats, isCount, 'whole and not negative');
  const a = normalizeAxis('repeatInterleave', axis, x.rank);
  const shape = [...x.shape];
  shape.splice(a + 1, 0, repeats);
  return composed(() =>
    x
      .unsqueeze(a + 1)
      .expand(shape)
      .reshape(x.shape.map((n, i) => (i === a ? n * repeats : n))),
  );
}

/**
 * Rotates elements along axes. What leaves at the end enters at the front; negative shifts go to
 * the front. Without axes, the flattened tensor is rotated.
 * @shape x [any] → y, as x
 * @gradient g, rotated back
 * @throws ValueError for a shift that is not whole; ShapeError for a bad axis, or another number of
 * shifts than axes
 * @source torch.roll
 */
export function roll(x: Tensor, shifts: number | readonly number[], axes?: number | readonly number[]): Tensor {
  checkTensor('roll', 'input', x);
  const by = typeof shifts === 'number' ? [shifts] : shifts;
  checkList('roll', 'shifts', by);
  if (!Array.from(by).every(Number.isInteger))
    throw new ValueError('roll', 'shifts must be whole', `shifts=${shown(shifts)}`);
  const list = axes === undefined ? [0] : axisList('roll', axes).map((a) => normalizeAxis('roll', a, x.rank));
  if (by.length !== list.length)
    throw new ShapeError('roll', 'there must be one shift for each axis', `shifts=${show(by)}, axes=${shown(axes)}`);
  return composed(() => {
    const rolled = list.reduce(
      (y, axis, k) => {
        const n = y.shape[axis];
        const shift = n === 0 ? 0 : ((by[k] % n) + n) % n;
        return shift === 0 ? y : concat([cut(y, axis, n - shift, n), cut(y, axis, 0, n - shift)], axis);
      },
      axes === undefined ? x.reshape([-1]) : x,
    );
    return rolled.reshape(x.shape);
  });
}

/**
 * Cuts a tensor into parts along an axis. `sizes` is the size of all parts, of which the last may
 * be smaller, or a list with the size of each. The function is not called split because that of
 * cedargrad/data, which divides data sets, is; the method is.
 * @shape x [any] → parts, which differ in the size of the axis
 * @gradient of each part, g at its place and 0 elsewhere
 * @throws ShapeError for a bad axis, or sizes whose sum is not the axis's; ValueError for a size
 * that is not whole, or below 1
 * @source torch.split; ONNX Split
 */
export function splitTensor(x: Tensor, sizes: number | readonly number[], axis = 0): Tensor[] {
  checkTensor('split', 'input', x);
  const a = normalizeAxis('split', axis, x.rank);
  const total = x.shape[a];
  if (typeof sizes === 'number') {
    checkPositive('split', 'sizes', sizes);
    const count = Math.max(1, Math.ceil(total / sizes));
    return Array.from({ length: count }, (_, i) => cut(x, a, i * sizes, Math.min((i + 1) * sizes, total)));
  }
  checkList('split', 'sizes', sizes);
  const list = Array.from(sizes);
  if (!list.every(isCount))
    throw new ValueError('split', 'sizes must be whole and not negative', `sizes=${shown(sizes)}`);
  if (list.reduce((sum, n) => sum + n, 0) !== total)
    throw new ShapeError(
      'split',
      'sizes must add up to the size of the axis',
      `sizes=${show(list)}, input=${show(x.shape)}, axis=${a}`,
    );
  let end = 0;
  return list.map((n) => {
    end += n;
    return cut(x, a, end - n, end);
  });
}

/**
 * Cuts a tensor into at most `count` parts of equal size along an axis. The last part may be
 * smaller, and there are fewer parts if the axis is short.
 * @shape x [any] → parts, which differ in the size of the axis
 * @gradient of each part, g at its place and 0 elsewhere
 * @throws ValueError for a count that is not whole, or below 1; ShapeError for a bad axis
 * @source torch.chunk
 */
export function chunk(x: Tensor, count: number, axis = 0): Tensor[] {
  checkTensor('chunk', 'input', x);
  checkPositive('chunk', 'count', count);
  const a = normalizeAxis('chunk', axis, x.rank);
  return splitTensor(x, Math.max(1, Math.ceil(x.shape[a] / count)), a);
}

/**
 * The slices of a tensor along an axis, without that axis. It undoes stack.
 * @shape x [any] → as many tensors as the axis is long
 * @gradient of each slice, g at its place and 0 elsewhere
 * @throws ShapeError for a bad axis
 * @source torch.unbind
 */
export function unbind(x: Tensor, axis = 0): Tensor[] {
  checkTensor('unbind', 'input', x);
  const a = normalizeAxis('unbind', axis, x.rank);
  return Array.from({ length: x.shape[a] }, (_, i) => composed(() => cut(x, a, i, i + 1).squeeze(a)));
}

function triangle(op: string, x: Tensor, diagonal: number, inside: (below: number) => boolean): Tensor {
  checkTensor(op, 'input', x);
  checkNumber(op, 'diagonal', diagonal, Number.isInteger, 'whole');
  if (x.rank < 2) throw new ShapeError(op, 'input must have rank 2 or more', `input=${show(x.shape)}`);
  const [rows, columns] = x.shape.slice(-2);
  const kept = Uint8Array.from({ length: rows * columns }, (_, i) =>
    Number(inside(Math.floor(i / columns) - (i % columns) + diagonal)),
  );
  return composed(() => where(x.upload(kept, 'bool', [rows, columns]), x, 0).cast(x.dtype));
}
/**
 * The lower triangle of matrices: elements above a diagonal become 0. Diagonal 0 is the main one, 1
 * the one above it.
 * @shape x […,M,N] → y, as x
 * @gradient g in the triangle, else 0
 * @throws ShapeError for a rank below 2; ValueError for a diagonal that is not whole
 * @source torch.tril; ONNX Trilu
 */
export const tril = (x: Tensor, diagonal = 0): Tensor => triangle('tril', x, diagonal, (below) => below >= 0);
/**
 * The upper triangle of matrices: elements below a diagonal become 0. Diagonal 0 is the main one, 1
 * the one above it.
 * @shape x […,M,N] → y, as x
 * @gradient g in the triangle, else 0
 * @throws ShapeError for a rank below 2; ValueError for a diagonal that is not whole
 * @source torch.triu; ONNX Trilu
 */
export const triu = (x: Tensor, diagonal = 0): Tensor => triangle('triu', x, diagonal, (below) => below <= 0);

export interface MeshgridOptions {
  /**
   * 'ij' (default): result k varies along axis k. 'xy': the first two axes are exchanged, as in a
   * picture of rows and columns.
   */
  indexing?: 'ij' | 'xy';
}
const meshgridOptions: OptionNames<MeshgridOptions> = { indexing: 'value' };
/**
 * The grid of vectors: result k has the elements of vector k along one axis, repeated along all
 * others.
 * @shape n vectors [a], [b], … → n tensors [a,b,…]; with 'xy' [b,a,…]
 * @gradient of each vector, g summed over the other axes
 * @throws ShapeError for a vector of rank 2 or more; ValueError for an empty list or unknown
 * indexing
 * @source torch.meshgrid
 */
export function meshgrid(vectors: readonly Tensor[], options: MeshgridOptions = {}): Tensor[] {
  const op = 'meshgrid';
  checkTensors(op, 'vectors', vectors);
  knownOptions(op, options, meshgridOptions);
  const { indexing = 'ij' } = options;
  if (indexing !== 'ij' && indexing !== 'xy')
    throw new ValueError(op, "indexing must be 'ij' or 'xy'", `indexing=${shown(indexing)}`);
  if (vectors.length === 0) throw new ValueError(op, 'at least one vector is needed', 'none');
  const odd = vectors.find((v) => v.rank > 1);
  if (odd !== undefined) throw new ShapeError(op, 'vectors must have rank 1', `shape=${show(odd.shape)}`);
  const axisOf = (k: number): number => (indexing === 'xy' && vectors.length > 1 && k < 2 ? 1 - k : k);
  const shape = vectors.map((_, k) => vectors[axisOf(k)].size);
  return vectors.map((v, k) =>
    composed(() => v.reshape(shape.map((_, i) => (i === axisOf(k) ? v.size : 1))).expand(shape)),
  );
}

export interface OneHotOptions {
  /** Position of the new axis. Default −1. */
  axis?: number;
  /** Default 'float32', as losses take it. PyTorch's is an integer type. */
  dtype?: DType;
}
const oneHotOptions: OptionNames<OneHotOptions> = { axis: 'value', dtype: 'value' };
/** Each takes 4 bytes on the way to the device. */
const mostClasses = 2 ** 24;
/**
 * 1 at the place of each index along a new axis, else 0. The indices are not read; one out of range
 * gives only zeros.
 * @shape indices [any], int32 → y, with an axis of size `classes`
 * @units indices count from 0
 * @gradient none
 * @throws ValueError for indices that are not int32, or classes below 1 or above 2²⁴; ShapeError
 * for a bad axis
 * @source torch.nn.functional.one_hot; ONNX OneHot
 */
export function oneHot(indices: Tensor, classes: number, options: OneHotOptions = {}): Tensor {
  const op = 'oneHot';
  checkTensor(op, 'indices', indices);
  knownOptions(op, options, oneHotOptions);
  const { axis = -1, dtype = 'float32' } = options;
  checkPositive(op, 'classes', classes);
  checkNumber(op, 'classes', classes, (v) => v <= mostClasses, `at most ${mostClasses}`);
  checkDType(op, dtype);
  if (indices.dtype !== 'int32')
    throw new ValueError(op, 'indices must be int32', `dtype=${indices.dtype}`, "convert with cast('int32')");
  const a = normalizeAxis(op, axis, indices.rank + 1);
  return composed(() => {
    const shape: Shape = Array.from({ length: indices.rank + 1 }, (_, i) => (i === a ? classes : 1));
    const numbers = indices.upload(
      Int32Array.from({ length: classes }, (_, i) => i),
      'int32',
      shape,
    );
    return indices.unsqueeze(a).equal(numbers).cast(dtype);
  });
}
