/**
 * Makes the graph of a model: records its forward pass, adds the nodes of each call, and leaves out
 * what nothing needs. Not here: the options and their checks (export.ts), the nodes of each kernel
 * (operators/).
 */
import { className } from '../../arguments.js';
import type { KernelAttrs } from '../../device/device.js';
import { ValueError } from '../../errors.js';
import type { Module } from '../../nn/module.js';
import { zeros } from '../../tensor/create.js';
import type { DType } from '../../values/dtype.js';
import type { Shape } from '../../values/shape.js';
import { deviceOf } from '../weights.js';
import { Builder, typeOf } from './builder.js';
import type { OnnxLayout } from './export.js';
import { encodeGraph } from './file.js';
import { fuse } from './fuse.js';
import {
  arranged,
  channelsFirst,
  channelsLast,
  type Graph,
  type GraphNode,
  type GraphValue,
  type Order,
  plainOrder,
  sameOrder,
} from './graph.js';
import { OnnxModel } from './model.js';
import { exporters } from './operators/index.js';
import type { Exporter } from './operators/table.js';
import { type Call, placeName, type Recording, record, type Value } from './record.js';

/** An input of a graph. */
export interface NamedInput {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What a call that ONNX has nothing for is for, where the name of its op does not say it. */
function purposeOf({ kernel, attrs, op }: Call): string {
  if (kernel !== 'unpoolPick') return op;
  return (attrs as KernelAttrs['unpoolPick']).geometry === null
    ? "choosing among values with one index, as scatter and unpooling with duplicates 'first', 'last' or 'max' do"
    : "unpooling overlapping windows with duplicates 'first', 'last' or 'max'";
}

const op = 'exportOnnx';

/** The order of the axes of a graph's tensor, seen from the model's. */
type OrderFor = (rank: number) => Order;
const orderBetween =
  (inside: OnnxLayout, outside: OnnxLayout): OrderFor =>
  (rank) => {
    if (inside === outside || (rank !== 3 && rank !== 4)) return plainOrder(rank);
    return outside === 'NCHW' ? channelsFirst(rank) : channelsLast(rank);
  };

/** The nodes that the outputs need, in order. */
function needed(nodes: readonly GraphNode[], outputs: ReadonlySet<string>): GraphNode[] {
  const wanted = new Set(outputs);
  const kept: GraphNode[] = [];
  for (const node of nodes.toReversed())
    if (node.outputs.some((name) => wanted.has(name))) {
      kept.unshift(node);
      for (const name of node.inputs) wanted.add(name);
    }
  return kept;
}

/** Gives the tensors of the outputs their names, and leaves out what nothing reads. */
function finish(
  graph: Builder,
  name: string,
  inputs: readonly GraphValue[],
  outputs: readonly (GraphValue & { readonly tensor: string })[],
): Graph {
  const renamed = new Map<string, string>();
  for (const { name: output, tensor } of outputs) {
    const isMade = graph.nodes.some(({ outputs: made, operator }) => operator !== 'Constant' && made.includes(tensor));
    // An input, a parameter, or what is an output already is copied.
    if (!isMade || renamed.has(tensor)) {
      renamed.set(graph.one('Identity', [tensor]), output);
    } else renamed.set(tensor, output);
  }
  const nameOf = (tensor: string): string => renamed.get(tensor) ?? tensor;
  const all = graph.nodes.map((node) => ({
    ...node,
    inputs: node.inputs.map(nameOf),
    outputs: node.outputs.map(nameOf),
  }));
  const nodes = needed(all, new Set(outputs.map((output) => output.name)));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const used = [...graph.initializers].filter(([initializer]) => read.has(initializer));
  return {
    name,
    opset: graph.opset,
    nodes: nodes.map((node) => ({ ...node, outputs: withoutUnread(node.outputs, read, outputs) })),
    initializers: new Map(used),
    inputs,
    outputs: outputs.map(({ tensor: _, ...value }) => value),
  };
}

/** The outputs of a node without the last ones that nothing reads. */
function withoutUnread(names: readonly string[], read: ReadonlySet<string>, outputs: readonly GraphValue[]): string[] {
  let length = names.length;
  const isRead = (name: string): boolean => read.has(name) || outputs.some((output) => output.name === name);
  while (length > 1 && !isRead(names[length - 1] as string)) length--;
  return names.slice(0, length);
}

/** ONNX has no float64 for most operators. */
function checkTypes({ calls }: Recording): void {
  const wide = calls.flatMap(({ inputs, outputs }) => [...inputs, ...outputs]).find(({ dtype }) => dtype === 'float64');
  if (wide !== undefined)
    throw new ValueError(
      op,
      'the model must compute in float32',
      'float64',
      "convert a clone: model.clone().to('float32')",
    );
}

/** Adds what the calls do to the graph. All calls that cannot be exported are named at once. */
function addCalls(graph: Builder, recording: Recording): void {
  const calls = fuse(recording);
  const missing = new Set<string>();
  for (const call of calls)
    if (exporters[call.kernel] === undefined) missing.add(`${purposeOf(call)} in ${placeName(call.place)}`);
  if (missing.size > 0)
    throw new ValueError(op, 'ONNX must have the operations', [...missing].join(', '), 'they are not exported');
  for (const call of calls) {
    graph.begin(call);
    (exporters[call.kernel] as Exporter)(graph, call);
  }
}

/** The tensor of an output. Indices of pools are given in ONNX's counting, as int64. */
function outputOf(graph: Builder, value: Value, isIndices: boolean, orderFor: OrderFor) {
  const rank = value.shape.length;
  const order = orderFor(rank);
  const flat = isIndices ? graph.indices.get(value) : undefined;
  if (flat === undefined)
    return { tensor: graph.get(value, order), type: typeOf(value.dtype), shape: arranged(value.shape, order) };
  const isFirst = sameOrder(order, channelsFirst(rank));
  const tensor = isFirst ? flat : graph.one('Transpose', [flat], { perm: channelsLast(rank) });
  return { tensor, type: 'int64' as const, shape: arranged(value.shape, order) };
}

/** A model as the bytes of a file. */
export async function encodeModel(
  model: Module,
  given: readonly NamedInput[],
  layout: OnnxLayout,
  opset: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const inside = model instanceof OnnxModel ? model.layout : 'NHWC';
  const orderFor = orderBetween(inside, layout);
  const back = orderBetween(layout, inside);
  const device = deviceOf(model);
  const named = given.map(({ name, shape, dtype }) => {
    return { name, shape, dtype, tensor: zeros(arranged(shape, back(shape.length)), { dtype, device }) };
  });
  let recording: Recording;
  try {
    recording = await record(
      model,
      named.map(({ tensor }) => tensor),
    );
  } finally {
    for (const { tensor } of named) tensor.release();
  }
  checkTypes(recording);
  const graph = new Builder(opset);
  for (const { name } of named) graph.unique(name);
  for (const { name } of recording.results) graph.unique(name);
  for (const [i, value] of recording.inputs.entries())
    graph.set(value, orderFor(value.shape.length), (named[i] as NamedInput).name);
  addCalls(graph, recording);
  const outputs = recording.results.map(({ name, value, indices }) => ({
    name,
    ...outputOf(graph, value, indices !== null, orderFor),
  }));
  const inputs = named.map(({ name, shape, dtype }) => ({ name, type: typeOf(dtype), shape }));
  return encodeGraph(finish(graph, className(model), inputs, outputs));
}
