/**
 * Pooling, and unpooling by the indices of a pool. ONNX counts indices over the whole batch in
 * NCHW, and the library within one plane. Both are kept side by side, so that a MaxUnpool that
 * follows a MaxPool gets the indices as they are.
 */
import type { Pool2dGeometry, WindowAxis } from '../../../values/window.js';
import type { Builder } from '../builder.js';
import { channelsFirst } from '../graph.js';
import type { Call, Value } from '../record.js';
import type { Exporters } from './table.js';

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
  const { geometry, countIncludePad } = call.attrs;
  const y = graph.one('AveragePool', [graph.get(call.inputs[0] as Value, first)], {
    ...windowOf(geometry),
    count_include_pad: Number(countIncludePad),
  });
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
