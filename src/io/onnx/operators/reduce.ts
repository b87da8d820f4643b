/** Reductions over axes, positions of extremes, softmax, and products of matrices. */
import { type Builder, typeOf } from '../builder.js';
import { isPlain, type Order, orderAfterReduction, plainOrder } from '../graph.js';
import type { Call, Value } from '../record.js';
import type { Exporters } from './table.js';

const names = { sum: 'ReduceSum', max: 'ReduceMax', min: 'ReduceMin' } as const;
const keeps = ({ inputs, outputs }: Call): boolean => outputs[0]?.shape.length === inputs[0]?.shape.length;

function reduce(graph: Builder, call: Call, operator: string, axes: readonly number[]): void {
  const [x, y] = [call.inputs[0] as Value, call.outputs[0] as Value];
  const order = graph.orderOf(x);
  const keepDims = keeps(call) && x.shape.length > 0;
  const tensor = graph.get(x, order);
  const to = orderAfterReduction(order, axes, keepDims);
  if (axes.length === 0) graph.set(y, to, tensor);
  else {
    const at = axes.map((axis) => order.indexOf(axis)).toSorted((a, b) => a - b);
    graph.set(y, to, graph.reduction(operator, tensor, at, keepDims));
  }
}

function argReduce(graph: Builder, call: Call<'argReduce'>): void {
  const { fn, axis } = call.attrs;
  const [x, y] = [call.inputs[0] as Value, call.outputs[0] as Value];
  const order = graph.orderOf(x);
  const found = graph.one(fn === 'argmax' ? 'ArgMax' : 'ArgMin', [graph.get(x, order)], {
    axis: order.indexOf(axis),
    keepdims: Number(keeps(call)),
  });
  graph.set(y, orderAfterReduction(order, [axis], keeps(call)), graph.cast(found, typeOf(y.dtype)));
}

function softmax(graph: Builder, call: Call<'softmax'>): void {
  const [x, y] = [call.inputs[0] as Value, call.outputs[0] as Value];
  // Before opset 13 all axes from the given one on are one, so it must be the last.
  const isLast = (order: Order): boolean => order.at(-1) === call.attrs.axis;
  const own = graph.orderOf(x);
  const rest = plainOrder(x.shape.length).filter((axis) => axis !== call.attrs.axis);
  const order = graph.opset >= 13 || isLast(own) ? own : [...rest, call.attrs.axis];
  const axis = order.indexOf(call.attrs.axis);
  graph.set(y, order, graph.one('Softmax', [graph.get(x, order)], { axis }));
}

/** The order in which the last two axes are swapped. */
const swapped = (rank: number): Order => [...plainOrder(rank - 2), rank - 1, rank - 2];

function matmul(graph: Builder, call: Call<'matmul'>): void {
  const { transposeA, transposeB } = call.attrs;
  const [a, b] = call.inputs as [Value, Value];
  const [left, right] = [a, b].map((value, i) => {
    const rank = value.shape.length;
    return graph.get(value, (i === 0 ? transposeA : transposeB) ? swapped(rank) : plainOrder(rank));
  }) as [string, string];
  const y = call.outputs[0] as Value;
  graph.set(y, plainOrder(y.shape.length), graph.one('MatMul', [left, right]));
}

function linear(graph: Builder, { inputs, outputs }: Call<'linear'>): void {
  const [x, weight, bias] = inputs as [Value, Value, Value];
  // A weight of the model is written as ONNX has it from PyTorch, [out, in].
  const transB = Number(weight.isState || (weight.constant === null && !graph.orders(weight).some(isPlain)));
  const stored = graph.get(weight, transB === 1 ? [1, 0] : [0, 1]);
  const transA = Number(x.constant === null && !graph.orders(x).some(isPlain));
  const left = graph.get(x, transA === 1 ? [1, 0] : [0, 1]);
  const y = graph.one('Gemm', [left, stored, graph.get(bias)], {
    transA: transA || undefined,
    transB: transB || undefined,
  });
  graph.set(outputs[0] as Value, plainOrder(2), y);
}

export const reduceExports: Exporters = {
  reduce: (graph, call) => reduce(graph, call, names[call.attrs.fn], call.attrs.axes),
  mean: (graph, call) => reduce(graph, call, 'ReduceMean', call.attrs.axes),
  argReduce,
  softmax,
  matmul,
  linear,
};
