/**
 * Normalisation. By given statistics per channel it is BatchNormalization, per channel and sample
 * InstanceNormalization, over the last axes LayerNormalization. Other groups are composed.
 */
import { batchNorm, instanceNorm, layerNorm } from '../../../autograd/ops/norm.js';
import { variance } from '../../../autograd/ops/reduce.js';
import type { Grouping } from '../../../device/device.js';
import { normalizeByRunning } from '../../../nn/norm.js';
import type { Tensor } from '../../../tensor/tensor.js';
import type { Shape } from '../../../values/shape.js';
import type { Builder } from '../builder.js';
import { channelsFirst, channelsLast, Float, plainOrder } from '../graph.js';
import type { Call, Value } from '../record.js';
import type { Node } from '../run.js';
import type { Held } from '../values.js';
import type { Exporters, Importers } from './table.js';

/** Whether a group is one channel of a value whose channels are last. */
const isPerChannel = ({ shape }: Value, { groups, inner }: Grouping): boolean => inner === 1 && groups === shape.at(-1);

const filled = (graph: Builder, value: number, size: number): string =>
  graph.constant(new Array<number>(size).fill(value), 'float32');

/** The mean of a group, which is the sum of two rows, in a shape. */
const meanOf = (graph: Builder, mean: Value, shape: Shape): string => {
  if (mean.shape[0] === 1) return graph.inShape(mean, shape);
  return graph.reshape(graph.reduction('ReduceSum', graph.get(mean), [0], false), shape);
};

function normalize(graph: Builder, { attrs: { grouping, eps }, inputs, outputs }: Call<'normalize'>): void {
  const [x, mean, variance, scale, shift] = inputs as [Value, Value, Value, Value?, Value?];
  const y = outputs[0] as Value;
  const { outer, positions, groups, inner } = grouping;
  if (outer === 1 && isPerChannel(x, grouping)) {
    const order = channelsFirst(x.shape.length);
    const made = graph.one(
      'BatchNormalization',
      [
        graph.get(x, order),
        scale ? graph.get(scale) : filled(graph, 1, groups),
        shift ? graph.get(shift) : filled(graph, 0, groups),
        statistic(graph, mean, groups),
        statistic(graph, variance, groups),
      ],
      { epsilon: new Float(eps) },
    );
    graph.set(y, order, made);
    return;
  }
  const at = [outer, 1, groups, 1];
  const centred = graph.one('Sub', [
    graph.reshape(graph.get(x), [outer, positions, groups, inner]),
    meanOf(graph, mean, at),
  ]);
  const spread = graph.one('Add', [graph.inShape(variance, at), graph.scalar(eps, 'float32')]);
  const normal = graph.one('Div', [centred, graph.one('Sqrt', [spread])]);
  const last = (value: Value): string => graph.inShape(value, [groups, inner]);
  const scaled = scale ? graph.one('Mul', [normal, last(scale)]) : normal;
  const shifted = shift ? graph.one('Add', [scaled, last(shift)]) : scaled;
  graph.set(y, plainOrder(x.shape.length), graph.reshape(shifted, x.shape));
}

/** A running statistic as a vector. A mean may be two rows that are to be added. */
function statistic(graph: Builder, value: Value, channels: number): string {
  return value.shape.length === 3 ? meanOf(graph, value, [channels]) : graph.inShape(value, [channels]);
}

function ownNorm(graph: Builder, call: Call<'ownNorm'>): void {
  const { grouping, eps } = call.attrs;
  const [x, scale, shift] = call.inputs as [Value, Value?, Value?];
  const y = call.outputs[0] as Value;
  const { outer, positions, groups, inner } = grouping;
  const rank = x.shape.length;
  const epsilon = new Float(eps);
  if (positions === 1 && groups === 1 && graph.opset >= 17) {
    const axes = rank - lastAxes(x.shape, inner);
    const affine = [scale ? graph.get(scale) : ones(graph, x.shape.slice(axes)), shift ? graph.get(shift) : ''];
    graph.set(y, plainOrder(rank), graph.one('LayerNormalization', [graph.get(x), ...affine], { axis: axes, epsilon }));
    return;
  }
  if (outer === x.shape[0] && rank >= 3 && groups * inner === x.shape.at(-1)) {
    instances(graph, call, outer, groups, inner);
    return;
  }
  const sizes = [outer, positions, groups, inner];
  const from = graph.reshape(graph.get(x), sizes);
  const average = (tensor: string): string => graph.reduction('ReduceMean', tensor, [1, 3], true);
  const centred = graph.one('Sub', [from, average(from)]);
  const spread = graph.one('Add', [average(graph.one('Mul', [centred, centred])), graph.scalar(eps, 'float32')]);
  const normal = graph.one('Div', [centred, graph.one('Sqrt', [spread])]);
  const last = (value: Value): string => graph.inShape(value, [groups, inner]);
  const scaled = scale ? graph.one('Mul', [normal, last(scale)]) : normal;
  const shifted = shift ? graph.one('Add', [scaled, last(shift)]) : scaled;
  graph.set(y, plainOrder(rank), graph.reshape(shifted, x.shape));
}

/** The number of last axes that hold `inner` elements. */
function lastAxes(shape: Shape, inner: number): number {
  let [count, size] = [0, 1];
  while (size < inner || count === 0) size *= shape[shape.length - ++count] as number;
  return count;
}
const ones = (graph: Builder, shape: Shape): string =>
  graph.constant(new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(1), 'float32', shape);

/** Groups of the channels of each sample. Several channels are one instance after a Reshape. */
function instances(graph: Builder, call: Call<'ownNorm'>, outer: number, groups: number, inner: number): void {
  const [x, scale, shift] = call.inputs as [Value, Value?, Value?];
  const y = call.outputs[0] as Value;
  const order = channelsFirst(x.shape.length);
  const epsilon = new Float(call.attrs.eps);
  const tensor = graph.get(x, order);
  if (inner === 1) {
    const affine = [
      scale ? graph.get(scale) : filled(graph, 1, groups),
      shift ? graph.get(shift) : filled(graph, 0, groups),
    ];
    graph.set(y, order, graph.one('InstanceNormalization', [tensor, ...affine], { epsilon }));
    return;
  }
  const plain = [filled(graph, 1, groups), filled(graph, 0, groups)];
  const joined = graph.one('InstanceNormalization', [graph.reshape(tensor, [outer, groups, -1]), ...plain], {
    epsilon,
  });
  const normal = graph.reshape(
    joined,
    order.map((axis) => x.shape[axis] as number),
  );
  const scaled = scale ? graph.one('Mul', [normal, graph.operand(scale, order)]) : normal;
  graph.set(y, order, shift ? graph.one('Add', [scaled, graph.operand(shift, order)]) : scaled);
}

/** Mean and variance, for what reads them as numbers. */
function moments(graph: Builder, { attrs: { grouping }, inputs, outputs }: Call<'moments'>): void {
  const { outer, positions, groups, inner } = grouping;
  const [mean, variance] = outputs as [Value, Value];
  const from = graph.reshape(graph.get(inputs[0] as Value), [outer, positions, groups, inner]);
  const middle = graph.reduction('ReduceMean', from, [1, 3], true);
  const centred = graph.one('Sub', [from, middle]);
  const spread = graph.reduction('ReduceMean', graph.one('Mul', [centred, centred]), [1, 3], true);
  const row = graph.reshape(middle, [1, outer, groups]);
  const none = graph.one('Sub', [row, row]);
  graph.set(mean, plainOrder(3), graph.one('Concat', [row, none], { axis: 0 }));
  graph.set(variance, plainOrder(2), graph.reshape(spread, [outer, groups]));
}

export const normExports: Exporters = { normalize, ownNorm, moments };

// ---- import

function batchNormalization(node: Node): (Held | null)[] {
  const x = node.on(0);
  const [weight, bias, mean, spread] = [1, 2, 3, 4].map((i) => node.on(i).plain) as [Tensor, Tensor, Tensor, Tensor];
  if (x.rank < 2) node.refuse('input must have channels', `rank ${x.rank}`);
  const affine = { weight, bias, eps: node.float('epsilon', 1e-5) };
  if (node.flag('training_mode')) {
    const axes = x.shape.slice(1).map((_, i) => i);
    const kept = node.float('momentum', 0.9);
    const blend = (running: Tensor, now: Tensor): Held => node.held(running.mul(kept).add(now.mul(1 - kept)));
    return [
      node.held(batchNorm(x.last, affine), channelsLast(x.rank)),
      blend(mean, x.last.mean(axes)),
      blend(spread, variance(x.last, axes, { correction: 0 })),
    ];
  }
  return [node.held(normalizeByRunning('batchNorm', x.last, [mean, spread], affine), channelsLast(x.rank)), null, null];
}

function instanceNormalization(node: Node): Held {
  const x = node.on(0);
  const affine = { weight: node.on(1).plain, bias: node.on(2).plain, eps: node.float('epsilon', 1e-5) };
  return node.held(instanceNorm(x.last, affine), channelsLast(x.rank));
}

function layerNormalization(node: Node): (Held | null)[] {
  const x = node.on(0);
  const shape = x.shape.slice(node.axis(node.int('axis', -1), x.rank));
  const affine = (i: number): Tensor | null => (node.has(i) ? node.on(i).plain.reshape(shape) : null);
  const eps = node.float('epsilon', 1e-5);
  const y = layerNorm(x.plain, shape, { weight: affine(1), bias: affine(2), eps });
  if (node.graph.outputs.length === 1) return [node.held(y)];
  const axes = shape.map((_, i) => x.rank - shape.length + i);
  const mean = x.plain.mean(axes, { keepDims: true });
  const spread = variance(x.plain, axes, { keepDims: true, correction: 0 });
  return [node.held(y), node.held(mean), node.held(spread.add(eps).pow(-0.5))];
}

export const normImports: Importers = {
  BatchNormalization: {
    run: batchNormalization,
    attributes: ['epsilon', 'momentum', 'training_mode', 'spatial'],
    inputs: [5, 5],
    buffers: [3, 4],
  },
  InstanceNormalization: { run: instanceNormalization, attributes: ['epsilon'], inputs: [3, 3] },
  LayerNormalization: { run: layerNormalization, attributes: ['axis', 'epsilon', 'stash_type'], inputs: [2, 3] },
};
