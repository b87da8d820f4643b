/**
 * Reductions over axes, positions of extremes, running sums, softmax, and products of matrices.
 */
import { einsum } from '../../../autograd/ops/einsum.js';
import { logsumexp } from '../../../autograd/ops/reduce.js';
import { norm, prod } from '../../../autograd/ops/reduce-composed.js';
import { cumsum } from '../../../autograd/ops/scan.js';
import { topk } from '../../../autograd/ops/sort.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { sizeOf } from '../../../values/shape.js';
import { type Builder, typeOf } from '../builder.js';
import { isPlain, type Order, orderAfterReduction, plainOrder } from '../graph.js';
import type { Call, Value } from '../record.js';
import type { Node } from '../run.js';
import type { Held } from '../values.js';
import type { Exporters, Importer, Importers } from './table.js';

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

// ---- import

type Fold = (x: Tensor, axes: readonly number[], keepDims: boolean) => Tensor;

/** A reduction. Its axes are an input since an opset. Without axes it is over all. */
const reduction = (fold: Fold, since = 18): Importer => ({
  run: (node) => {
    const x = node.on(0);
    const keepDims = node.flag('keepdims', true);
    const given = node.axes(1, since, x.rank) ?? [];
    if (given.length === 0 && node.flag('noop_with_empty_axes')) return node.at(0);
    const axes = given.length === 0 ? plainOrder(x.rank) : given;
    const { order } = x;
    const at = axes.map((axis) => order.indexOf(axis)).toSorted((a, b) => a - b);
    return node.held(fold(x.in(order), at, keepDims), orderAfterReduction(order, axes, keepDims));
  },
  attributes: ['axes', 'keepdims', 'noop_with_empty_axes'],
  inputs: [1, 2],
  fixed: [1],
});

const arg = (fn: 'argmax' | 'argmin'): Importer => ({
  run: (node) => {
    const x = node.on(0);
    const axis = node.axis(node.int('axis', 0), x.rank);
    const keepDims = node.flag('keepdims', true);
    const { order } = x;
    const at = order.indexOf(axis);
    const isLast = node.flag('select_last_index');
    const found = (isLast ? x.in(order).flip(at) : x.in(order))[fn](at, { keepDims });
    const place = isLast ? found.rsub((x.shape[axis] as number) - 1) : found;
    return node.held(place, orderAfterReduction(order, [axis], keepDims));
  },
  attributes: ['axis', 'keepdims', 'select_last_index'],
  inputs: [1, 1],
});

function runningSum(node: Node): Held {
  const x = node.on(0);
  const axis = node.axis(node.numbers(1)[0] as number, x.rank);
  const { order } = x;
  const options = { exclusive: node.flag('exclusive'), reverse: node.flag('reverse') };
  return node.held(cumsum(x.in(order), order.indexOf(axis), options), order);
}

/** The largest or smallest elements and their places. Before opset 10, k was an attribute. */
function extremes(node: Node): Held[] {
  const x = node.on(0);
  const axis = node.axis(node.int('axis', -1), x.rank);
  const k = node.opset < 10 ? node.int('k', 0) : (node.numbers(1)[0] as number);
  const { order } = x;
  return topk(x.in(order), k, order.indexOf(axis), { largest: node.flag('largest', true) }).map((t) =>
    node.held(t, order),
  );
}

/** Softmax along an axis. Before opset 13 it is over all axes from the given one on. */
const soft = (fn: 'softmax' | 'logSoftmax'): Importer => ({
  run: (node) => {
    const x = node.on(0);
    const axis = node.axis(node.int('axis', node.opset >= 13 ? -1 : 1), x.rank);
    if (node.opset < 13 && axis !== x.rank - 1) {
      const rows = x.plain.reshape([sizeOf(x.shape.slice(0, axis)), -1]);
      return node.held(rows[fn](1).reshape(x.shape));
    }
    const { order } = x;
    return node.held(x.in(order)[fn](order.indexOf(axis)), order);
  },
  attributes: ['axis'],
  inputs: [1, 1],
});

function importMatmul(node: Node): Held {
  return node.held(node.on(0).plain.matmul(node.on(1).plain));
}

function gemm(node: Node): Held {
  const [a, b] = [node.on(0), node.on(1)];
  if (a.rank !== 2 || b.rank !== 2) node.refuse('inputs must be matrices', `ranks ${a.rank} and ${b.rank}`);
  const side = (value: Held, name: string): Tensor => value.in(node.flag(name) ? [1, 0] : [0, 1]);
  const product = side(a, 'transA').matmul(side(b, 'transB'));
  const [alpha, beta] = [node.float('alpha', 1), node.float('beta', 1)];
  const scaled = alpha === 1 ? product : product.mul(alpha);
  if (!node.has(2)) return node.held(scaled);
  const c = node.on(2).plain;
  return node.held(scaled.add(beta === 1 ? c : c.mul(beta)));
}

/** A weight [out, in] is kept as Linear has it, [in, out]. */
const columns: Importer['stored'] = ({ attributes }, input, rank) =>
  input === 1 && rank === 2 && attributes.get('transB') === 1 ? [1, 0] : null;
const keep = (keepDims: boolean) => ({ keepDims });
export const reduceImports: Importers = {
  ReduceSum: reduction((x, axes, k) => x.sum(axes, keep(k)), 13),
  ReduceMean: reduction((x, axes, k) => x.mean(axes, keep(k))),
  ReduceMax: reduction((x, axes, k) => x.max(axes, keep(k))),
  ReduceMin: reduction((x, axes, k) => x.min(axes, keep(k))),
  ReduceL1: reduction((x, axes, k) => x.abs().sum(axes, keep(k))),
  ReduceL2: reduction((x, axes, k) => norm(x, axes, keep(k))),
  ReduceProd: reduction((x, axes, k) => prod(x, axes, keep(k))),
  ReduceSumSquare: reduction((x, axes, k) => x.mul(x).sum(axes, keep(k))),
  ReduceLogSum: reduction((x, axes, k) => x.sum(axes, keep(k)).log()),
  ReduceLogSumExp: reduction((x, axes, k) => logsumexp(x, axes, keep(k))),
  ArgMax: arg('argmax'),
  ArgMin: arg('argmin'),
  CumSum: { run: runningSum, attributes: ['exclusive', 'reverse'], inputs: [2, 2], fixed: [1] },
  TopK: { run: extremes, attributes: ['axis', 'k', 'largest', 'sorted'], inputs: [1, 2], fixed: [1] },
  Einsum: {
    run: (node) => node.held(einsum(node.string('equation'), ...node.inputs.map(({ plain }) => plain))),
    attributes: ['equation'],
    inputs: [1, Infinity],
  },
  Softmax: soft('softmax'),
  LogSoftmax: soft('logSoftmax'),
  MatMul: { run: importMatmul, inputs: [2, 2] },
  Gemm: { run: gemm, attributes: ['alpha', 'beta', 'transA', 'transB'], inputs: [2, 3], stored: columns },
};
