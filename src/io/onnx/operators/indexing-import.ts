/**
 * Selecting and writing elements by positions: the import. Axes and vectors of indices become rows
 * of a flattened array. The export is in movement.ts.
 */
import { where } from '../../../autograd/ops/arithmetic.js';
import { addRows } from '../../../autograd/ops/indexing.js';
import { show } from '../../../errors.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { type Shape, sizeOf, stridesOf } from '../../../values/shape.js';
import type { Node } from '../run.js';
import type { Held } from '../values.js';
import type { Importers } from './table.js';

/** Indices in [0, size), from ones that may count from the end. */
function positive(node: Node, i: number, size: number): Tensor {
  const indices = node.on(i).plain;
  if (indices.dtype !== 'int32') node.refuse('indices must be whole numbers', indices.dtype);
  if (!node.at(i).isFixed) return where(indices.less(0), indices.add(size), indices);
  const numbers = node.numbers(i).map((v) => (v < 0 ? v + size : v));
  const bad = numbers.find((v) => v < 0 || v >= size);
  if (bad !== undefined) node.refuse(`indices must be in [${-size}, ${size - 1}]`, String(bad));
  return indices.upload(Int32Array.from(numbers), 'int32', indices.shape);
}

function gather(node: Node): Held {
  const x = node.on(0);
  const axis = node.axis(node.int('axis', 0), x.rank);
  const indices = positive(node, 1, x.shape[axis] as number);
  if (indices.rank === 1) {
    const { order } = x;
    return node.held(x.in(order).indexSelect(indices, order.indexOf(axis)), order);
  }
  const picked = x.plain.indexSelect(indices.reshape([-1]), axis);
  return node.held(picked.reshape([...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]));
}

/** Positions in the flattened array of `shape`, of indices along one axis. */
function flatAlong(node: Node, shape: Shape, axis: number): Tensor {
  const indices = positive(node, 1, shape[axis] as number);
  if (indices.rank !== shape.length)
    node.refuse("indices must have the data's rank", `${show(indices.shape)}, ${show(shape)}`);
  const strides = stridesOf(shape);
  const own = stridesOf(indices.shape);
  const base = Int32Array.from({ length: sizeOf(indices.shape) }, (_, i) =>
    own.reduce((at, stride, a) => {
      const position = Math.floor(i / stride) % (indices.shape[a] as number);
      return a === axis ? at : at + position * (strides[a] as number);
    }, 0),
  );
  const start = indices.upload(base, 'int32', indices.shape);
  return indices
    .mul(strides[axis] as number)
    .add(start)
    .reshape([-1]);
}

function gatherElements(node: Node): Held {
  const x = node.on(0);
  const axis = node.axis(node.int('axis', 0), x.rank);
  const rows = flatAlong(node, x.shape, axis);
  return node.held(x.plain.reshape([-1]).indexSelect(rows).reshape(node.on(1).shape));
}

/** Adds updates at rows of the flattened data, or writes them there. */
function scattered(node: Node, data: Tensor, rows: Tensor, updates: Tensor, row: number): Tensor {
  const flat = data.reshape([-1, row]);
  const from = updates.reshape([-1, row]);
  const added = addRows(from, rows, flat.shape[0] as number);
  if (node.text('reduction', 'none', 'add') === 'add') return flat.add(added).reshape(data.shape);
  const count = addRows(from.fullLike(1), rows, flat.shape[0] as number);
  if (rows.size > 1 && new Set(rows.dataSync()).size < rows.size)
    node.refuse('indices must differ', 'repeated indices');
  return where(count.greater(0), added, flat).reshape(data.shape);
}

function scatterElements(node: Node): Held {
  const x = node.on(0);
  const axis = node.axis(node.int('axis', 0), x.rank);
  return node.held(scattered(node, x.plain, flatAlong(node, x.shape, axis), node.on(2).plain, 1));
}

/** Rows of the leading axes, of vectors of indices. */
function rowsOf(node: Node, shape: Shape): { rows: Tensor; depth: number; lead: Shape } {
  const indices = node.on(1).plain;
  const depth = indices.shape.at(-1) as number;
  const lead = indices.shape.slice(0, -1);
  if (!(depth >= 1 && depth <= shape.length))
    node.refuse('vectors of indices must fit the data', `${depth}, ${show(shape)}`);
  const sizes = shape.slice(0, depth);
  const upload = (list: readonly number[]): Tensor => indices.upload(Int32Array.from(list), 'int32', [depth]);
  const inside = where(indices.less(0), indices.add(upload(sizes)), indices);
  return {
    rows: inside
      .mul(upload(stridesOf(sizes)))
      .sum(-1)
      .reshape([-1]),
    depth,
    lead,
  };
}

function gatherNd(node: Node): Held {
  const x = node.on(0);
  if (node.int('batch_dims', 0) !== 0) node.refuse('batch_dims must be 0', `${node.int('batch_dims', 0)}`);
  const { rows, depth, lead } = rowsOf(node, x.shape);
  const rest = x.shape.slice(depth);
  return node.held(
    x.plain
      .reshape([-1, sizeOf(rest)])
      .indexSelect(rows)
      .reshape([...lead, ...rest]),
  );
}

function scatterNd(node: Node): Held {
  const x = node.on(0);
  const { rows, depth } = rowsOf(node, x.shape);
  return node.held(scattered(node, x.plain, rows, node.on(2).plain, sizeOf(x.shape.slice(depth))));
}

export const indexingImports: Importers = {
  Gather: { run: gather, attributes: ['axis'], inputs: [2, 2] },
  GatherElements: { run: gatherElements, attributes: ['axis'], inputs: [2, 2] },
  GatherND: { run: gatherNd, attributes: ['batch_dims'], inputs: [2, 2] },
  ScatterElements: { run: scatterElements, attributes: ['axis', 'reduction'], inputs: [3, 3] },
  ScatterND: { run: scatterNd, attributes: ['reduction'], inputs: [3, 3] },
};
