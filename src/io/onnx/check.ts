/**
 * Checks of a graph before any of it runs: its operators, its names, and the order of its nodes.
 * Not here: sizes (shapes-only.ts), single tensors (file.ts).
 */
import { FormatError } from '../../errors.js';
import type { Graph, GraphNode } from './graph.js';
import { importers } from './operators/index.js';
import type { Importer } from './operators/table.js';
import { nodeName } from './run.js';

const op = 'importOnnx';

/** Names all operators that are not known, with the number of their nodes. */
function checkOperators(nodes: readonly GraphNode[]): void {
  const counts = new Map<string, number>();
  for (const { operator } of nodes)
    if (!Object.hasOwn(importers, operator)) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  if (counts.size === 0) return;
  const list = [...counts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([operator, count]) => `${count} × ${operator}`);
  throw new FormatError(op, 'all operators must be known', list.join(', '), 'docs/onnx.md lists those that are');
}

function checkNode(node: GraphNode, opset: number): void {
  const { inputs, attributes = [] } = importers[node.operator] as Importer;
  const unknown = [...node.attributes.keys()].find((name) => !attributes.includes(name));
  if (unknown !== undefined)
    throw new FormatError(op, `${nodeName(node)}: attributes are ${attributes.join(', ') || 'none'}`, unknown);
  const [least, most] = inputs;
  if (node.inputs.length < least || node.inputs.length > most)
    throw new FormatError(
      op,
      `${nodeName(node)}: there must be ${least === most ? least : `${least} to ${most}`} inputs`,
      `${node.inputs.length} at opset ${opset}`,
    );
}

/**
 * The nodes in an order in which each comes after those that make its inputs. The order of the
 * file is kept where it is one.
 */
function sorted(graph: Graph): GraphNode[] {
  const known = new Set<string>(['', ...graph.initializers.keys()]);
  const add = (name: string, what: string): void => {
    if (known.has(name)) throw new FormatError(op, 'names must differ', `${what} '${name}', which is taken`);
    known.add(name);
  };
  for (const { name } of graph.inputs) add(name, 'the input');
  const made = new Set<string>();
  for (const node of graph.nodes)
    for (const name of node.outputs) {
      if (name === '') continue;
      if (known.has(name) || made.has(name))
        throw new FormatError(op, 'names must differ', `the output '${name}' of ${nodeName(node)}, which is taken`);
      made.add(name);
    }
  for (const node of graph.nodes) {
    const missing = node.inputs.find((name) => !known.has(name) && !made.has(name));
    if (missing !== undefined)
      throw new FormatError(op, 'every input of a node must be made', `'${missing}' of ${nodeName(node)}`);
  }
  const lost = graph.outputs.find(({ name }) => name === '' || !(known.has(name) || made.has(name)));
  if (lost !== undefined) throw new FormatError(op, 'every output must be made by a node', `'${lost.name}'`);
  const result: GraphNode[] = [];
  let waiting: readonly GraphNode[] = graph.nodes;
  while (waiting.length > 0) {
    const left: GraphNode[] = [];
    for (const node of waiting) {
      if (!node.inputs.every((name) => known.has(name))) left.push(node);
      else {
        result.push(node);
        for (const name of node.outputs) known.add(name);
      }
    }
    if (left.length === waiting.length)
      throw new FormatError(op, 'nodes must not wait for each other in a circle', nodeName(left[0] as GraphNode));
    waiting = left;
  }
  return result;
}

/** Checks a graph, and returns its nodes in an order in which they can run. */
export function checkGraph(graph: Graph): GraphNode[] {
  checkOperators(graph.nodes);
  if (graph.outputs.length === 0) throw new FormatError(op, 'a graph must have an output', 'none');
  for (const node of graph.nodes) checkNode(node, graph.opset);
  return sorted(graph);
}
