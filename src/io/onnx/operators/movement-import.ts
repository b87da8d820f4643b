/**
 * Moving elements: reshaping, slicing, padding, joining, and what follows from shapes: the import.
 * Selecting by position is in indexing-import.ts, the export of both in movement.ts.
 */
import { concat } from '../../../autograd/ops/movement.js';
import { tile, tril, triu } from '../../../autograd/ops/rearrange.js';
import { pixelShuffle, pixelUnshuffle } from '../../../autograd/ops/resize.js';
import { show } from '../../../errors.js';
import { tensor } from '../../../tensor/create.js';
import { type Shape, sameShape, sizeOf } from '../../../values/shape.js';
import { arranged, channelsLast, type GraphTensor, orderAfterReshape, plainOrder } from '../graph.js';
import type { Node } from '../run.js';
import { Held, orderFor } from '../values.js';
import type { Importers } from './table.js';

/** A value in another shape. Its elements stay where they are if they can. */
function reshaped(node: Node, x: Held, to: Shape): Held {
  if (sizeOf(to) !== sizeOf(x.shape))
    node.refuse('the number of elements must stay', `${show(x.shape)} to ${show(to)}`);
  if (sameShape(x.shape, to)) return x;
  const { origin } = x;
  if (origin !== null && sameShape(origin.shape, to)) return origin;
  const result = elementsIn(node, x, to);
  if (x.indices !== null || origin !== null) result.origin = origin ?? x;
  return result;
}
function elementsIn(node: Node, x: Held, to: Shape): Held {
  const order = [x.order, ...x.orders].find((own) => orderAfterReshape(x.shape, own, to) !== null);
  if (order === undefined) return node.held(x.plain.reshape(to));
  const after = orderAfterReshape(x.shape, order, to) as readonly number[];
  return node.held(x.in(order).reshape(arranged(to, after)), after);
}

function reshape(node: Node): Held {
  const x = node.on(0);
  const allowZero = node.flag('allowzero');
  const given = node.opset < 5 ? [...node.ints('shape', null)] : node.numbers(1);
  const sizes = given.map((size, i) => (size === 0 && !allowZero ? (x.shape[i] ?? 0) : size));
  if (sizes.filter((size) => size === -1).length > 1 || sizes.some((size) => size < -1))
    node.refuse('shape must have sizes, and at most one -1', show(given));
  const rest = sizeOf(sizes.filter((size) => size !== -1));
  return reshaped(
    node,
    x,
    sizes.map((size) => (size === -1 ? sizeOf(x.shape) / rest : size)),
  );
}

function flatten(node: Node): Held {
  const x = node.on(0);
  const value = node.int('axis', 1);
  const axis = value === x.rank ? x.rank : node.axis(value, x.rank);
  return reshaped(node, x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
}

function squeeze(node: Node): Held {
  const x = node.on(0);
  const axes = node.axes(1, 13, x.rank) ?? x.shape.flatMap((size, axis) => (size === 1 ? [axis] : []));
  if (axes.some((axis) => x.shape[axis] !== 1))
    node.refuse('the axes must have size 1', `${show(x.shape)}, axes=${axes}`);
  return reshaped(
    node,
    x,
    x.shape.filter((_, axis) => !axes.includes(axis)),
  );
}

function unsqueeze(node: Node): Held {
  const x = node.on(0);
  const list = node.opset >= 13 ? node.numbers(1) : node.ints('axes', null);
  const rank = x.rank + list.length;
  const axes = list.map((axis) => node.axis(axis, rank));
  if (new Set(axes).size !== axes.length) node.refuse('axes must differ', `axes=${axes}`);
  const sizes = [...x.shape];
  return reshaped(
    node,
    x,
    plainOrder(rank).map((axis) => (axes.includes(axis) ? 1 : (sizes.shift() as number))),
  );
}

function transpose(node: Node): Held {
  const x = node.on(0);
  const perm = node.ints('perm', plainOrder(x.rank).toReversed(), x.rank);
  if (new Set(perm).size !== x.rank || perm.some((axis) => axis < 0 || axis >= x.rank))
    node.refuse('perm must name every axis once', `perm=${perm}`);
  return x.permuted(perm);
}

function slice(node: Node): Held {
  const x = node.on(0);
  const isOld = node.opset < 10;
  const starts = isOld ? node.ints('starts', null) : node.numbers(1);
  const ends = isOld ? node.ints('ends', null) : node.numbers(2);
  const given = isOld
    ? node.ints('axes', plainOrder(starts.length))
    : node.has(3)
      ? node.numbers(3)
      : plainOrder(starts.length);
  const steps = !isOld && node.has(4) ? node.numbers(4) : starts.map(() => 1);
  if ([ends, given, steps].some((list) => list.length !== starts.length) || steps.includes(0))
    node.refuse('starts, ends, axes and steps must have one length, and steps must not be 0', `steps=${steps}`);
  const axes = given.map((axis) => node.axis(axis, x.rank));
  const { order } = x;
  const ranges = order.map((axis) => {
    const i = axes.indexOf(axis);
    if (i < 0) return null;
    const [start, end, step] = [starts[i] as number, ends[i] as number, steps[i] as number];
    // Before the beginning, with a step down, is where Python has no number for.
    const isBefore = step < 0 && end < -(x.shape[axis] as number);
    return [start, isBefore ? null : end, step] as const;
  });
  return node.held(x.in(order).slice(...ranges), order);
}

/** What modes of borders are called in the library. */
const borders = { constant: 'constant', reflect: 'reflect', edge: 'replicate', wrap: 'circular' } as const;

function pad(node: Node): Held {
  const x = node.on(0);
  const mode = borders[node.text('mode', 'constant', 'reflect', 'edge', 'wrap')];
  const isOld = node.opset < 11;
  const pads = isOld ? node.ints('pads', null) : node.numbers(1);
  const value = isOld ? node.float('value', 0) : node.has(2) ? (node.numbers(2)[0] as number) : 0;
  const axes = node.has(3) ? node.numbers(3).map((axis) => node.axis(axis, x.rank)) : plainOrder(x.rank);
  if (pads.length !== 2 * axes.length) node.refuse('pads must have two numbers per axis', `${pads}`);
  if (pads.every((n) => n === 0)) return x;
  const { order } = x;
  const both = order.map((axis) => {
    const i = axes.indexOf(axis);
    return i < 0 ? ([0, 0] as const) : ([pads[i] as number, pads[i + axes.length] as number] as const);
  });
  return node.held(x.in(order).pad(both, mode === 'constant' ? { value } : { mode }), order);
}

function tiled(node: Node): Held {
  const x = node.on(0);
  const repeats = node.numbers(1);
  if (repeats.length !== x.rank) node.refuse('there must be one repeat for each axis', `${repeats}, ${show(x.shape)}`);
  const { order } = x;
  return node.held(tile(x.in(order), arranged(repeats, order)), order);
}

/** Of matrices, the part above or below a diagonal. */
function triangle(node: Node): Held {
  const diagonal = node.has(1) ? (node.numbers(1)[0] as number) : 0;
  return node.held((node.flag('upper', true) ? triu : tril)(node.on(0).plain, diagonal));
}

function joined(node: Node): Held {
  const { inputs } = node;
  const rank = (inputs[0] as Held).rank;
  if (inputs.some((value) => value.rank !== rank))
    node.refuse('inputs must have one rank', inputs.map((v) => show(v.shape)).join(' and '));
  const order = orderFor(rank, inputs);
  const axis = order.indexOf(node.axis(node.int('axis', 1), rank));
  return node.held(
    concat(
      inputs.map((value) => value.in(order)),
      axis,
    ),
    order,
  );
}

function split(node: Node): Held[] {
  const x = node.on(0);
  const axis = node.axis(node.int('axis', 0), x.rank);
  const size = x.shape[axis] as number;
  const count = node.graph.outputs.length;
  const each = Math.ceil(size / count);
  const even = Array.from({ length: count }, (_, i) => Math.min(each, size - i * each));
  const sizes =
    node.opset >= 13 ? (node.has(1) ? node.numbers(1) : even) : node.given('split') ? node.ints('split', null) : even;
  if (sizes.length !== count || sizes.reduce((a, b) => a + b, 0) !== size || sizes.some((n) => n < 0))
    node.refuse('the parts must fill the axis', `${sizes} of ${size}`);
  const { order } = x;
  let start = 0;
  return sizes.map((length) => {
    const from = start;
    start += length;
    const ranges = order.map((a) => (a === axis ? ([from, from + length] as const) : null));
    return node.held(x.in(order).slice(...ranges), order);
  });
}

function expand(node: Node): Held {
  const x = node.on(0);
  const given = node.numbers(1);
  const rank = Math.max(given.length, x.rank);
  const end = (shape: Shape, axis: number): number => shape[axis - rank + shape.length] ?? 1;
  const shape = plainOrder(rank).map((axis) => {
    const [own, other] = [end(x.shape, axis), end(given, axis)];
    if (own !== other && own !== 1 && other !== 1)
      node.refuse('shapes must broadcast', `${show(x.shape)}, ${show(given)}`);
    return own === 1 ? other : own;
  });
  const order = x.rank === rank ? x.order : plainOrder(rank);
  return node.held(x.operand(order).expand(arranged(shape, order)), order);
}

function depthToSpace(node: Node): Held {
  const x = node.on(0);
  const order = node.text('mode', 'DCR', 'CRD') === 'CRD' ? 'torch' : 'tf';
  return node.held(pixelShuffle(x.last, node.int('blocksize', 0), { order }), channelsLast(x.rank));
}
function spaceToDepth(node: Node): Held {
  const x = node.on(0);
  return node.held(pixelUnshuffle(x.last, node.int('blocksize', 0), { order: 'tf' }), channelsLast(x.rank));
}

// ---- what follows from shapes

/** Numbers that are the same at each call, on the device where they can be read. */
const fixedInts = (node: Node, data: readonly number[], shape: Shape): Held =>
  new Held(tensor(Int32Array.from(data), { shape, device: node.host }), undefined, true);

function shapeOf(node: Node): Held {
  const { shape } = node.at(0);
  const start = node.int('start', 0);
  const sizes = node.given('end') ? shape.slice(start, node.int('end', 0)) : shape.slice(start);
  return fixedInts(node, sizes, [sizes.length]);
}

/** A constant of the graph as a value. int64 must fit int32, unless `clamps`. */
export function fixedOf(node: Pick<Node, 'host' | 'refuse'>, { type, shape, data }: GraphTensor, clamps = false): Held {
  const limit = (v: number): number => Math.min(Math.max(v, -(2 ** 31)), 2 ** 31 - 1);
  const numbers = type === 'int64' && clamps ? Array.from(data, limit) : data;
  const bad = type === 'int64' ? Array.from(numbers).find((v) => v !== (v | 0)) : undefined;
  if (bad !== undefined) node.refuse('int64 must fit 32 bits', String(bad));
  const dtype = type === 'int64' ? 'int32' : type;
  const made = tensor(dtype === 'int32' || dtype === 'bool' ? Int32Array.from(numbers) : Float64Array.from(numbers), {
    shape,
    dtype,
    device: node.host,
  });
  return new Held(made, undefined, true);
}

function constant(node: Node): Held {
  const value = node.tensor('value');
  if (value !== undefined) return fixedOf(node, value, true);
  if (node.given('value_float'))
    return fixedOf(node, { type: 'float32', shape: [], data: [node.float('value_float', 0)] });
  if (node.given('value_int')) return fixedOf(node, { type: 'int64', shape: [], data: [node.int('value_int', 0)] });
  const list = node.given('value_floats') ? node.floats('value_floats', []) : node.ints('value_ints', null);
  const type = node.given('value_floats') ? 'float32' : 'int64';
  return fixedOf(node, { type, shape: [list.length], data: list });
}

function constantOfShape(node: Node): Held {
  const shape = node.numbers(0);
  const value = node.tensor('value') ?? { type: 'float32', shape: [1], data: [0] };
  const data = new Float64Array(sizeOf(shape)).fill(value.data[0] as number);
  return fixedOf(node, { type: value.type, shape, data });
}

function range(node: Node): Held {
  const [start, limit, step] = [0, 1, 2].map((i) => node.numbers(i)[0] as number) as [number, number, number];
  const count = Math.max(Math.ceil((limit - start) / step), 0);
  if (!Number.isFinite(count)) node.refuse('delta must not be 0', `${start}, ${limit}, ${step}`);
  const data = Array.from({ length: count }, (_, i) => start + i * step);
  return fixedOf(node, { type: node.at(0).dtype, shape: [count], data });
}

export const movementImports: Importers = {
  Reshape: { run: reshape, attributes: ['allowzero', 'shape'], inputs: [1, 2], fixed: [1] },
  Flatten: { run: flatten, attributes: ['axis'], inputs: [1, 1] },
  Squeeze: { run: squeeze, attributes: ['axes'], inputs: [1, 2], fixed: [1] },
  Unsqueeze: { run: unsqueeze, attributes: ['axes'], inputs: [1, 2], fixed: [1] },
  Transpose: { run: transpose, attributes: ['perm'], inputs: [1, 1] },
  Slice: { run: slice, attributes: ['starts', 'ends', 'axes'], inputs: [1, 5], fixed: [1, 2, 3, 4] },
  Pad: { run: pad, attributes: ['mode', 'pads', 'value'], inputs: [1, 4], fixed: [1, 2, 3] },
  Concat: { run: joined, attributes: ['axis'], inputs: [1, Infinity] },
  Split: { run: split, attributes: ['axis', 'split', 'num_outputs'], inputs: [1, 2], fixed: [1] },
  Tile: { run: tiled, inputs: [2, 2], fixed: [1] },
  Trilu: { run: triangle, attributes: ['upper'], inputs: [1, 2], fixed: [1] },
  Expand: { run: expand, inputs: [2, 2], fixed: [1] },
  DepthToSpace: { run: depthToSpace, attributes: ['blocksize', 'mode'], inputs: [1, 1] },
  SpaceToDepth: { run: spaceToDepth, attributes: ['blocksize'], inputs: [1, 1] },
  Shape: { run: shapeOf, attributes: ['start', 'end'], inputs: [1, 1] },
  Size: { run: (node) => fixedInts(node, [sizeOf(node.at(0).shape)], []), inputs: [1, 1] },
  Constant: {
    run: constant,
    attributes: ['value', 'value_float', 'value_floats', 'value_int', 'value_ints'],
    inputs: [0, 0],
  },
  ConstantOfShape: { run: constantOfShape, attributes: ['value'], inputs: [1, 1], fixed: [0] },
  Range: { run: range, inputs: [3, 3], fixed: [0, 1, 2] },
};
