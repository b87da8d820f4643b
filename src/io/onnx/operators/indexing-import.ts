/**
 * Selecting and writing elements by positions: the import. Vectors of indices become rows of a
 * flattened array. The export is in movement.ts.
 */
import { where } from '../../../autograd/ops/arithmetic.js';
import * as elements from '../../../autograd/ops/gather.js';
import { oneHot } from '../../../autograd/ops/rearrange.js';
import { scatterReduce } from '../../../autograd/ops/scatter-reduce.js';
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

/** Indices of a rank that the library checks, each of one element. */
function gatherElements(node: Node): Held {
  const x = node.on(0);
  const axis = node.axis(node.int('axis', 0), x.rank);
  return node.held(elements.gather(x.plain, positive(node, 1, x.shape[axis] as number), axis));
}

/** Writes updates at their indices along an axis, or combines them with what is there. */
function scattered(node: Node, data: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  switch (node.text('reduction', 'none', 'add', 'mul', 'max', 'min')) {
    case 'none':
      return elements.scatter(data, indices, updates, axis);
    case 'add':
      return elements.scatterAdd(data, indices, updates, axis);
    case 'mul':
      return scatterReduce(data, indices, updates, 'prod', { axis });
    case 'max':
      return scatterReduce(data, indices, updates, 'amax', { axis });
    default:
      return scatterReduce(data, indices, updates, 'amin', { axis });
  }
}

function scatterElements(node: Node): Held {
  const x = node.on(0);
  const axis = node.axis(node.int('axis', 0), x.rank);
  const indices = positive(node, 1, x.shape[axis] as number);
  return node.held(scattered(node, x.plain, indices, node.on(2).plain, axis));
}

/** Rows of the leading axes, of vectors of indices. The first `batch` axes are counted along. */
function rowsOf(node: Node, shape: Shape, batch = 0): { rows: Tensor; depth: number; lead: Shape } {
  const indices = node.on(1).plain;
  const length = indices.shape.at(-1) as number;
  const depth = batch + length;
  const lead = indices.shape.slice(0, -1);
  const isOfBatch = batch < indices.rank && shape.slice(0, batch).every((size, i) => size === lead[i]);
  if (!(length >= 1 && depth <= shape.length && batch >= 0 && isOfBatch))
    node.refuse('vectors of indices must fit the data', `${show(indices.shape)}, ${show(shape)}`);
  const sizes = shape.slice(batch, depth);
  const upload = (list: readonly number[], to: Shape): Tensor => indices.upload(Int32Array.from(list), 'int32', to);
  const inside = where(indices.less(0), indices.add(upload(sizes, [length])), indices);
  const own = inside.mul(upload(stridesOf(sizes), [length])).sum(-1);
  const count = sizeOf(shape.slice(0, batch));
  const starts = Array.from({ length: count }, (_, i) => i * sizeOf(sizes));
  const rows = batch === 0 ? own : own.reshape([count, -1]).add(upload(starts, [count, 1]));
  return { rows: rows.reshape([-1]), depth, lead };
}

function gatherNd(node: Node): Held {
  const x = node.on(0);
  const { rows, depth, lead } = rowsOf(node, x.shape, node.int('batch_dims', 0));
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
  const row = sizeOf(x.shape.slice(depth));
  const [flat, updates] = [x, node.on(2)].map((value) => value.plain.reshape([-1, row])) as [Tensor, Tensor];
  const indices = rows.reshape([-1, 1]).expand([rows.size, row]);
  return node.held(scattered(node, flat, indices, updates, 0).reshape(x.shape));
}

/** The second of two values at the place of each index along a new axis, else the first. */
function oneHots(node: Node): Held {
  const [indices, values] = [node.on(0).plain, node.on(2).plain];
  const depth = node.numbers(1)[0] as number;
  if (values.size !== 2) node.refuse('values must be two numbers', show(values.shape));
  const whole = indices.dtype === 'int32' ? indices : indices.cast('int32');
  const places = where(whole.less(0), whole.add(depth), whole);
  const axis = node.axis(node.int('axis', -1), indices.rank + 1);
  const isHot = oneHot(places, depth, { axis, dtype: 'bool' });
  const [off, on] = [0, 1].map((i) => values.slice([i, i + 1])) as [Tensor, Tensor];
  return node.held(where(isHot, on, off));
}

export const indexingImports: Importers = {
  Gather: { run: gather, attributes: ['axis'], inputs: [2, 2] },
  GatherElements: { run: gatherElements, attributes: ['axis'], inputs: [2, 2] },
  GatherND: { run: gatherNd, attributes: ['batch_dims'], inputs: [2, 2] },
  ScatterElements: { run: scatterElements, attributes: ['axis', 'reduction'], inputs: [3, 3] },
  OneHot: { run: oneHots, attributes: ['axis'], inputs: [3, 3], fixed: [1] },
  ScatterND: { run: scatterNd, attributes: ['reduction'], inputs: [3, 3] },
};
