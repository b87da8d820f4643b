/** Moving elements: permuting, reshaping, slicing, padding, joining, selecting by position. */
import type { KernelAttrs } from '../../../device/device.js';
import { allocate } from '../../../values/dtype.js';
import type { Shape } from '../../../values/shape.js';
import { type Builder, typeOf } from '../builder.js';
import { arranged, channelsFirst, type Order, orderAfterReshape, permuted, plainOrder } from '../graph.js';
import type { Call, Value } from '../record.js';
import type { Exporters } from './table.js';

const first = channelsFirst(4);
const only = ({ inputs, outputs }: Call): [x: Value, y: Value] => [inputs[0] as Value, outputs[0] as Value];

/** A view has the elements of its input. */
function view(graph: Builder, call: Call<'view'>): void {
  const [x, y] = only(call);
  if (x.constant !== null) {
    y.become(x, x.constant);
    return;
  }
  const order = graph.orderOf(x);
  const isSame = x.shape.length === y.shape.length && x.shape.every((size, i) => size === y.shape[i]);
  if (isSame) {
    for (const own of graph.orders(x)) graph.set(y, own, graph.get(x, own));
    const indices = graph.indices.get(x);
    if (indices !== undefined) graph.indices.set(y, indices);
    return;
  }
  const candidates = [order, ...graph.orders(x)];
  const from =
    candidates.find((own) => orderAfterReshape(x.shape, own, y.shape) !== null) ?? plainOrder(x.shape.length);
  const to = orderAfterReshape(x.shape, from, y.shape) ?? plainOrder(y.shape.length);
  graph.set(y, to, graph.reshape(graph.get(x, from), arranged(y.shape, to)));
  const indices = graph.indices.get(x);
  // A series and images of one row count cells alike.
  if (indices !== undefined)
    graph.indices.set(y, graph.reshape(indices, arranged(y.shape, channelsFirst(y.shape.length))));
}

/** Relabels the axes of what is at hand. */
function permute(graph: Builder, call: Call<'permute'>): void {
  const [x, y] = only(call);
  const { axes } = call.attrs;
  if (x.constant !== null) {
    y.become(x, permuted(x.constant, x.shape, axes, allocate(x.dtype, x.constant.length)));
    return;
  }
  for (const order of graph.orders(x))
    graph.set(
      y,
      order.map((axis) => axes.indexOf(axis)),
      graph.get(x, order),
    );
}

function slice(graph: Builder, call: Call<'slice'>): void {
  const [x, y] = only(call);
  const order = graph.orderOf(x);
  graph.set(y, order, sliced(graph, graph.get(x, order), x.shape, y.shape, call.attrs, order));
}

/** Adds a Slice of the axes that change. `shape` and `to` are in the plain order. */
function sliced(
  graph: Builder,
  tensor: string,
  shape: Shape,
  to: Shape,
  { starts, steps }: KernelAttrs['slice'],
  order: Order,
): string {
  const cut = order.flatMap((axis, at) =>
    starts[axis] === 0 && steps[axis] === 1 && shape[axis] === to[axis] ? [] : [{ axis, at }],
  );
  if (cut.length === 0) return tensor;
  const ends = cut.map(({ axis }) => {
    const end = (starts[axis] as number) + (to[axis] as number) * (steps[axis] as number);
    // A negative end counts from the end of the axis, so one before the beginning is far below.
    return end < 0 ? -(2 ** 31) : end;
  });
  return graph.one('Slice', [
    tensor,
    graph.ints(...cut.map(({ axis }) => starts[axis] as number)),
    graph.ints(...ends),
    graph.ints(...cut.map(({ at }) => at)),
    graph.ints(...cut.map(({ axis }) => steps[axis] as number)),
  ]);
}

function padded(
  graph: Builder,
  tensor: string,
  before: readonly number[],
  after: readonly number[],
  value: string,
): string {
  if ([...before, ...after].every((n) => n === 0)) return tensor;
  return graph.one('Pad', [tensor, graph.ints(...before, ...after), value]);
}

/** Elements with gaps of a value between them: an axis of size 1 after each axis is padded. */
function spread(graph: Builder, tensor: string, shape: Shape, steps: readonly number[], value: string): string {
  const apart = shape.flatMap((size) => [size, 1]);
  const after = steps.flatMap((step) => [0, step - 1]);
  const wide = padded(
    graph,
    graph.reshape(tensor, apart),
    apart.map(() => 0),
    after,
    value,
  );
  return graph.reshape(
    wide,
    shape.map((size, i) => size * (steps[i] as number)),
  );
}

function embed(graph: Builder, call: Call<'embed'>): void {
  const [x, y] = only(call);
  const { starts, steps, value } = call.attrs;
  if (steps.some((step) => step < 1)) graph.refuse('writing elements in reverse order');
  const order = graph.orderOf(x);
  const fill = graph.scalar(value, typeOf(y.dtype));
  const apart = steps.some((step) => step !== 1);
  const sizes = arranged(x.shape, order);
  const tensor = graph.get(x, order);
  const inside = apart ? spread(graph, tensor, sizes, arranged(steps, order), fill) : tensor;
  const wide = x.shape.map((size, i) => size * (steps[i] as number));
  const after = wide.map((size, i) => (y.shape[i] as number) - size - (starts[i] as number));
  // Where the last gap is longer than the result, it is cut off.
  const kept = wide.map((size, i) => size + Math.min(after[i] as number, 0));
  const cut = sliced(graph, inside, wide, kept, { starts: wide.map(() => 0), steps: wide.map(() => 1) }, order);
  const ends = after.map((n) => Math.max(n, 0));
  graph.set(y, order, padded(graph, cut, arranged(starts, order), arranged(ends, order), fill));
}

function concat(graph: Builder, { attrs: { axis }, inputs, outputs }: Call<'concat'>): void {
  const y = outputs[0] as Value;
  const order = graph.orderFor(y.shape, inputs);
  const tensors = inputs.map((value) => graph.get(value, order));
  graph.set(y, order, graph.one('Concat', tensors, { axis: order.indexOf(axis) }));
}

function split(graph: Builder, { attrs: { axis, starts }, inputs, outputs }: Call<'split'>): void {
  const x = inputs[0] as Value;
  const order = graph.orderOf(x);
  const tensor = graph.get(x, order);
  for (const [i, y] of outputs.entries()) {
    const at = { starts: x.shape.map((_, a) => (a === axis ? (starts[i] as number) : 0)), steps: x.shape.map(() => 1) };
    graph.set(y, order, sliced(graph, tensor, x.shape, y.shape, at, order));
  }
}

function expand(graph: Builder, call: Call<'expand'>): void {
  const [x, y] = only(call);
  const order = graph.orderFor(y.shape, [x]);
  const shape = graph.ints(...arranged(y.shape, order));
  graph.set(y, order, graph.one('Expand', [graph.operand(x, order), shape]));
}

function indexSelect(graph: Builder, call: Call<'indexSelect'>): void {
  const [x, y] = only(call);
  const { axis } = call.attrs;
  const order = graph.orderOf(x);
  const rows = call.inputs[1] as Value;
  const size = x.shape[axis] as number;
  const numbers = rows.constant === null ? [] : Array.from(rows.constant);
  const isOutside = (row: number): boolean => row < 0 || row >= size;
  const at = order.indexOf(axis);
  const select = (tensor: string, indices: string): void =>
    graph.set(y, order, graph.one('Gather', [tensor, indices], { axis: at }));
  if (!numbers.some(isOutside)) {
    select(graph.get(x, order), graph.get(rows));
    return;
  }
  // A row out of range gives zeros, which are put behind the last row.
  if (x.dtype === 'bool') graph.needs(13, 'selecting rows of bool out of range');
  const end = order.map((own) => Number(own === axis));
  const none = end.map(() => 0);
  const longer = padded(graph, graph.get(x, order), none, end, graph.scalar(0, typeOf(x.dtype)));
  select(longer, graph.ints(...numbers.map((row) => (isOutside(row) ? size : row))));
}

function indexAdd(graph: Builder, call: Call<'indexAdd'>): void {
  const [g, y] = only(call);
  graph.needs(16, 'adding rows at indices');
  const order = graph.orderOf(g);
  const axis = order.indexOf(call.attrs.axis);
  const sizes = arranged(g.shape, order);
  const indices = graph.reshape(
    graph.get(call.inputs[1] as Value),
    sizes.map((size, i) => (i === axis ? size : 1)),
  );
  const everywhere = graph.one('Expand', [indices, graph.ints(...sizes)]);
  const zeros = graph.one('Expand', [graph.scalar(0, typeOf(y.dtype)), graph.ints(...arranged(y.shape, order))]);
  const sums = graph.one('ScatterElements', [zeros, everywhere, graph.get(g, order)], { axis, reduction: 'add' });
  graph.set(y, order, sums);
}

/** Blocks of pixels to and from channels. */
const blocks =
  (operator: string, mode?: string) =>
  (graph: Builder, call: Call, factor: number): void => {
    const [x, y] = only(call);
    graph.set(y, first, graph.one(operator, [graph.get(x, first)], { blocksize: factor, mode }));
  };

export const movementExports: Exporters = {
  view,
  permute,
  slice,
  embed,
  concat,
  split,
  expand,
  indexSelect,
  indexAdd,
  depthToSpace: (graph, call) =>
    blocks('DepthToSpace', call.attrs.order === 'torch' ? 'CRD' : 'DCR')(graph, call, call.attrs.factor),
  spaceToDepth: (graph, call) => blocks('SpaceToDepth')(graph, call, call.attrs.factor),
  upsample: (graph, call) => {
    const [x, y] = only(call);
    const [h, w] = call.attrs.scale;
    const roi = graph.opset >= 13 ? '' : graph.constant([], 'float32');
    const resized = graph.one('Resize', [graph.get(x, first), roi, graph.constant([1, 1, h, w], 'float32')], {
      mode: 'nearest',
      coordinate_transformation_mode: 'asymmetric',
      nearest_mode: 'floor',
    });
    graph.set(y, first, resized);
  },
};
