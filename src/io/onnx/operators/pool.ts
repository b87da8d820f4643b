/**
 * Pooling, and unpooling by the indices of a pool. ONNX counts indices over the whole batch in
 * NCHW, and the library within one plane. Both are kept side by side, so that a MaxUnpool that
 * follows a MaxPool gets the indices as they are.
 */
import { avgPool2d, maxPool2d } from '../../../autograd/ops/pool.js';
import { avgPool1d, maxPool1d } from '../../../autograd/ops/pool1d.js';
import { unpooling } from '../../../autograd/ops/unpool.js';
import { maxUnpool1d } from '../../../autograd/ops/unpool1d.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { sameShape } from '../../../values/shape.js';
import type { Pool2dGeometry, WindowAxis } from '../../../values/window.js';
import type { Builder } from '../builder.js';
import { arranged, channelsFirst, channelsLast } from '../graph.js';
import type { Call, Value } from '../record.js';
import type { Node } from '../run.js';
import type { Held } from '../values.js';
import { type PadsOf, type PairOf, padsOf } from './conv.js';
import type { Exporters, Importers } from './table.js';

const first = channelsFirst(4);

/** The pad at the end that makes ONNX's rule, which rounds down, give the output's size. */
const padAfter = ({ input, output, kernel, stride, dilation, before, after }: WindowAxis): number =>
  Math.max(after, (output - 1) * stride + (kernel - 1) * dilation + 1 - input - before);

function windowOf({ height, width }: Pool2dGeometry) {
  const dilated = height.dilation > 1 || width.dilation > 1;
  return {
    kernel_shape: [height.kernel, width.kernel],
    strides: [height.stride, width.stride],
    pads: [height.before, width.before, padAfter(height), padAfter(width)],
    dilations: dilated ? [height.dilation, width.dilation] : undefined,
  };
}

function maxPool(graph: Builder, { attrs: { geometry }, inputs, outputs }: Call<'maxPool2d'>): void {
  const [values, indices] = outputs as [Value, Value];
  const input = graph.get(inputs[0] as Value, first);
  const [y, places] = graph.node('MaxPool', [input], windowOf(geometry), 2) as [string, string];
  graph.set(values, first, y);
  graph.indices.set(indices, places);
  const { height, width } = geometry;
  // Within one plane, for what reads the indices as numbers. Nothing is left of it otherwise.
  const plane = graph.one('Mod', [places, graph.ints(height.input * width.input)]);
  graph.set(indices, first, graph.cast(plane, 'int32'));
}

function averagePool(graph: Builder, call: Call<'avgPool2d'>): void {
  const { geometry, divisor } = call.attrs;
  const mean = graph.one('AveragePool', [graph.get(call.inputs[0] as Value, first)], {
    ...windowOf(geometry),
    count_include_pad: Number(divisor !== 0),
  });
  const area = geometry.height.kernel * geometry.width.kernel;
  const isOther = divisor !== 0 && divisor !== area;
  const y = isOther ? graph.one('Mul', [mean, graph.scalar(area / divisor, 'float32')]) : mean;
  graph.set(call.outputs[0] as Value, first, y);
}

/** The pad at the end with which unpooling gives no more than the pool's input. */
const padToUnpool = ({ input, output, kernel, stride, before }: WindowAxis): number =>
  Math.max(0, (output - 1) * stride + kernel - before - input);

const overlaps = (geometry: Pool2dGeometry | null): boolean =>
  geometry === null || geometry.height.stride < geometry.height.kernel || geometry.width.stride < geometry.width.kernel;

/** Adds values into planes of zeros, where several may have one index. */
function scatterAdd(graph: Builder, values: Value, indices: Value, y: Value): void {
  graph.needs(16, 'unpooling where windows overlap');
  const [n, h, w, c] = y.shape as [number, number, number, number];
  const flat = (tensor: string): string => graph.reshape(tensor, [n, c, -1]);
  const zeros = graph.one('Expand', [graph.scalar(0, 'float32'), graph.ints(n, c, h * w)]);
  const sums = graph.one('ScatterElements', [zeros, flat(graph.get(indices, first)), flat(graph.get(values, first))], {
    axis: 2,
    reduction: 'add',
  });
  graph.set(y, first, graph.reshape(sums, [n, c, h, w]));
}

function unpool(graph: Builder, { attrs: { geometry }, inputs, outputs }: Call<'maxUnpool2d'>): void {
  const [values, indices] = inputs as [Value, Value];
  const y = outputs[0] as Value;
  if (overlaps(geometry)) {
    scatterAdd(graph, values, indices, y);
    return;
  }
  const [n, h, w, c] = y.shape as [number, number, number, number];
  const { height, width } = geometry as Pool2dGeometry;
  const flat = graph.indices.get(indices) ?? flatIndices(graph, indices, y);
  const made = graph.one('MaxUnpool', [graph.get(values, first), flat, graph.ints(n, c, h, w)], {
    kernel_shape: [height.kernel, width.kernel],
    strides: [height.stride, width.stride],
    pads: [height.before, width.before, padToUnpool(height), padToUnpool(width)],
  });
  graph.set(y, first, made);
}

/** Plane indices in ONNX's counting. */
function flatIndices(graph: Builder, indices: Value, y: Value): string {
  const [n, h, w, c] = y.shape as [number, number, number, number];
  const starts = Array.from({ length: n * c }, (_, plane) => plane * h * w);
  const plane = graph.cast(graph.get(indices, first), 'int64');
  return graph.one('Add', [plane, graph.constant(starts, 'int64', [n, c, 1, 1])]);
}

/** The value of each element's plane at its index. */
function planeGather(graph: Builder, { inputs, outputs }: Call<'planeGather'>): void {
  const [x, indices] = inputs as [Value, Value];
  const y = outputs[0] as Value;
  const [n, h, w, c] = y.shape as [number, number, number, number];
  const flat = (value: Value): string => graph.reshape(graph.get(value, first), [n, c, -1]);
  const picked = graph.one('GatherElements', [flat(x), flat(indices)], { axis: 2 });
  graph.set(y, first, graph.reshape(picked, [n, c, h, w]));
}

export const poolExports: Exporters = {
  maxPool2d: maxPool,
  avgPool2d: averagePool,
  maxUnpool2d: unpool,
  planeGather,
};

// ---- import

/** The window of a pool: the library's options, of which series take the first of each pair. */
function geometryOf(node: Node) {
  const x = node.on(0);
  const axes = x.rank - 2;
  if (axes !== 1 && axes !== 2) node.refuse('input must have rank 3 or 4', `rank ${x.rank}`);
  const ones = new Array<number>(axes).fill(1);
  const kernel = node.ints('kernel_shape', null, axes);
  const strides = node.ints('strides', ones, axes);
  const dilations = node.ints('dilations', ones, axes);
  const padding = padsOf(node, x.shape.slice(2), kernel, strides, dilations);
  if (padding.flat().some((n) => n < 0)) node.refuse('pads must not be negative', JSON.stringify(padding));
  const ceilMode = node.flag('ceil_mode');
  const [kernelSize, stride, dilation] = [kernel, strides, dilations] as unknown as [PairOf, PairOf, PairOf];
  return {
    x,
    axes,
    dilation,
    images: { kernelSize, stride, padding: padding as unknown as PadsOf, ceilMode },
    series: { kernelSize: kernelSize[0], stride: stride[0], padding: padding[0] as PairOf, ceilMode },
  };
}

function importMaxPool(node: Node): (Held | null)[] {
  const { x, axes, dilation, images, series } = geometryOf(node);
  const [y, indices] =
    axes === 2 ? maxPool2d(x.last, { ...images, dilation }) : maxPool1d(x.last, { ...series, dilation: dilation[0] });
  if (node.flag('storage_order') && node.graph.outputs.length > 1 && axes === 2)
    return [node.held(y, channelsLast(x.rank)), byColumns(node, indices.plane, x.shape)];
  const places = node.held(indices.plane, channelsLast(x.rank));
  places.indices = indices;
  return [node.held(y, channelsLast(x.rank)), places];
}

/** ONNX's indices with each plane counted by columns, which storage_order 1 asks for. */
function byColumns(node: Node, plane: Tensor, [, channels, height, width]: readonly number[]): Held {
  const [c, h, w] = [channels, height, width] as [number, number, number];
  if (h * w > 2 ** 24) node.refuse('storage_order 1 needs planes of at most 2^24 elements', `${h} × ${w}`);
  const [batch] = plane.shape as [number];
  const starts = Int32Array.from({ length: batch * c }, (_, i) => i * h * w);
  const at = plane.cast('float32');
  const column = at.remainder(w);
  const place = column.mul(h).add(at.sub(column).div(w)).cast('int32');
  return node.held(place.add(plane.upload(starts, 'int32', [batch, 1, 1, c])), channelsLast(4));
}

function importAveragePool(node: Node): Held {
  const { x, axes, dilation, images, series } = geometryOf(node);
  if (dilation.some((d) => d !== 1)) node.refuse('dilations must be 1', `dilations=${dilation}`);
  const countIncludePad = node.flag('count_include_pad');
  const y =
    axes === 2 ? avgPool2d(x.last, { ...images, countIncludePad }) : avgPool1d(x.last, { ...series, countIncludePad });
  return node.held(y, channelsLast(x.rank));
}

function importUnpool(node: Node): Held {
  const x = node.on(0);
  const axes = x.rank - 2;
  if (axes !== 1 && axes !== 2) node.refuse('input must have rank 3 or 4', `rank ${x.rank}`);
  const kernel = node.ints('kernel_shape', null, axes);
  const strides = node.ints('strides', new Array<number>(axes).fill(1), axes);
  const pads = node.ints('pads', new Array<number>(2 * axes).fill(0), 2 * axes);
  const own = x.shape.slice(2).map((size, i) => {
    const padded = (size - 1) * (strides[i] as number) + (kernel[i] as number);
    return padded - (pads[i] as number) - (pads[i + axes] as number);
  });
  const shape = node.has(2) ? node.numbers(2) : [...x.shape.slice(0, 2), ...own];
  const order = channelsLast(x.rank);
  const to = arranged(shape, order);
  const { indices } = node.at(1);
  const isOfShape = indices !== null && sameShape(indices.inputShape, to);
  const options = { convention: 'onnx', duplicates: 'last' } as const;
  if (axes === 2) return node.held(unpooling(x.last, to, isOfShape ? indices : node.on(1).last, options), order);
  if (isOfShape) return node.held(maxUnpool1d(x.last, indices, { duplicates: 'last' }), order);
  const rows = (value: Held) => value.last.reshape([value.shape[0] as number, 1, value.shape[2] as number, -1]);
  const [n, length, c] = to as [number, number, number];
  return node.held(unpooling(rows(x), [n, 1, length, c], rows(node.on(1)), options).reshape(to), order);
}

/** A pool over all positions. */
const globalPool = (fn: 'mean' | 'max') => (node: Node) => {
  const x = node.on(0);
  if (x.rank < 3) node.refuse('input must have rank 3 or more', `rank ${x.rank}`);
  const order = x.order;
  const axes = order.flatMap((axis, at) => (axis < 2 ? [] : [at]));
  return node.held(x.in(order)[fn](axes, { keepDims: true }), order);
};

const window = ['auto_pad', 'ceil_mode', 'dilations', 'kernel_shape', 'pads', 'strides'];
export const poolImports: Importers = {
  MaxPool: { run: importMaxPool, attributes: [...window, 'storage_order'], inputs: [1, 1] },
  AveragePool: { run: importAveragePool, attributes: [...window, 'count_include_pad'], inputs: [1, 1] },
  MaxUnpool: { run: importUnpool, attributes: ['kernel_shape', 'pads', 'strides'], inputs: [2, 3], fixed: [2] },
  GlobalAveragePool: { run: globalPool('mean'), inputs: [1, 1] },
  GlobalMaxPool: { run: globalPool('max'), inputs: [1, 1] },
};
