/**
 * Makes a model of the bytes of an ONNX file: checks the graph, decides which tensors are
 * parameters, buffers or constants, and names them. Not here: the public function (import.ts).
 */
import { withTracking } from '../../autograd/graph.js';
import type { Device } from '../../device/device.js';
import { ReferenceDevice } from '../../device/reference/index.js';
import { defaultDevice } from '../../device/select.js';
import { DeviceError, FormatError } from '../../errors.js';
import { owned } from '../../nn/parameter.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isFloat } from '../../values/dtype.js';
import { checkGraph } from './check.js';
import type { OnnxLayout } from './export.js';
import { decodeGraph, type ReadBeside } from './file.js';
import {
  arranged,
  type Graph,
  type GraphNode,
  type GraphTensor,
  isPlain,
  type Order,
  permuted,
  plainOrder,
  sameOrder,
} from './graph.js';
import { Contents, layerOperators, OnnxLayer, OnnxModel, type Place, setField } from './model.js';
import { importers } from './operators/index.js';
import { fixedOf } from './operators/movement-import.js';
import type { Importer } from './operators/table.js';
import { Program, runNode, runProgram } from './run.js';
import { ShapesOnly } from './shapes-only.js';
import { Held } from './values.js';

const op = 'importOnnx';

/** A node that reads a tensor, and at which input. */
interface Use {
  readonly node: GraphNode;
  readonly input: number;
}
const rowOf = ({ operator }: GraphNode): Importer => importers[operator] as Importer;

/** What an initialiser becomes. */
type Role = { readonly is: 'constant' } | { readonly is: 'parameter' | 'buffer'; readonly order: Order };

function roleOf({ type, shape }: GraphTensor, uses: readonly Use[]): Role {
  const isAll = (at: 'fixed' | 'buffers'): boolean =>
    uses.length > 0 && uses.every(({ node, input }) => rowOf(node)[at]?.includes(input));
  if ((type !== 'float32' && type !== 'float64') || uses.some(({ node, input }) => rowOf(node).fixed?.includes(input)))
    return { is: 'constant' };
  if (isAll('buffers')) return { is: 'buffer', order: plainOrder(shape.length) };
  const orders = uses.map(
    ({ node, input }) => rowOf(node).stored?.(node, input, shape.length) ?? plainOrder(shape.length),
  );
  const [first = plainOrder(shape.length)] = orders;
  const order = orders.every((other) => sameOrder(other, first)) ? first : plainOrder(shape.length);
  return { is: 'parameter', order };
}

/** The readers of every tensor. */
function usesOf(nodes: readonly GraphNode[]): ReadonlyMap<string, readonly Use[]> {
  const uses = new Map<string, Use[]>();
  for (const node of nodes)
    for (const [input, name] of node.inputs.entries()) uses.set(name, [...(uses.get(name) ?? []), { node, input }]);
  return uses;
}

/** The part of a name before its last dot, and the rest. */
const halvesOf = (name: string): [string, string] => {
  const at = name.lastIndexOf('.');
  return at <= 0 || at === name.length - 1 ? ['', name] : [name.slice(0, at), name.slice(at + 1)];
};

/**
 * The layers: nodes whose parameters have names such as encoder.0.weight, with one beginning that
 * no other tensor has.
 */
function layersOf(
  nodes: readonly GraphNode[],
  roles: ReadonlyMap<string, Role>,
  uses: ReadonlyMap<string, readonly Use[]>,
) {
  const layers = new Map<string, { readonly node: GraphNode; readonly names: readonly string[] }>();
  const beginnings = new Map<string, number>();
  const state = [...roles].filter(([, { is }]) => is !== 'constant').map(([name]) => name);
  for (const name of state) {
    const [beginning] = halvesOf(name);
    beginnings.set(beginning, (beginnings.get(beginning) ?? 0) + 1);
  }
  for (const node of nodes) {
    if (!layerOperators.includes(node.operator)) continue;
    const names = node.inputs.filter((name) => state.includes(name));
    const [beginning] = halvesOf(names[0] ?? '');
    const isOwn = names.every((name) => halvesOf(name)[0] === beginning && uses.get(name)?.length === 1);
    if (beginning !== '' && isOwn && beginnings.get(beginning) === names.length) layers.set(beginning, { node, names });
  }
  return layers;
}

/** A name that a module has not taken for something else. */
function freeName(module: object, name: string): string {
  let free = name;
  while (free === '' || free in module) free += '_';
  return free;
}

/** An initialiser as a tensor of a device. */
function tensorIn({ type, shape, data }: GraphTensor, order: Order, device: Device, name: string): Tensor {
  if (!device.dtypes.includes(type === 'float64' ? 'float64' : 'float32'))
    throw new DeviceError(op, `'${name}' must have a dtype of the device`, `${type} on ${device.name}`);
  const numbers = Float64Array.from(data);
  const stored = isPlain(order) ? numbers : permuted(numbers, shape, order, new Float64Array(numbers.length));
  return tensor(stored, { shape: arranged(shape, order), dtype: type as 'float32' | 'float64', device });
}

/** Runs what does not depend on an input once. */
function fold(program: Program): Program {
  const rest: GraphNode[] = [];
  for (const node of program.nodes) {
    const values = node.inputs.map((name) => (name === '' ? null : program.constants.get(name)));
    if (values.includes(undefined)) {
      rest.push(node);
      continue;
    }
    const made = runNode(program, node, values as (Held | null)[], program.host);
    for (const [i, name] of node.outputs.entries()) {
      const value = made[i];
      if (value !== null && value !== undefined && name !== '') program.constants.set(name, lasting(value));
    }
  }
  return new Program(rest, program.opset, program.outputs, program.constants, program.host);
}
/** A value that lives as long as the model. */
function lasting(value: Held): Held {
  value.plain.keep();
  value.isConstant = true;
  return value;
}

/** Runs the graph on shapes alone, if the file says the sizes of all inputs. */
function checkSizes({ program, inputs }: Contents, state: ReadonlyMap<string, readonly [GraphTensor, Role]>): void {
  const device = new ShapesOnly();
  const given = new Map<string, Held>();
  for (const { name, shape, type } of inputs) {
    if (shape === undefined || shape.some((size) => typeof size === 'string' || size === 0)) return;
    given.set(name, new Held(device.tensor(shape as number[], type === 'int64' ? 'int32' : type)));
  }
  for (const [name, [{ shape, type }, role]] of state) {
    const order = role.is === 'constant' ? plainOrder(shape.length) : role.order;
    given.set(name, new Held(device.tensor(arranged(shape, order), type === 'float64' ? 'float64' : 'float32'), order));
  }
  // The copies of constants on this device end with it.
  const constants = new Map(
    [...program.constants].map(([name, value]) => [name, new Held(value.plain, undefined, true)]),
  );
  const trial = new Program(program.nodes, program.opset, program.outputs, constants, program.host);
  try {
    withTracking(false, () => runProgram(trial, given, (node, values) => runNode(trial, node, values, device)));
  } catch (error) {
    // Sizes that depend on numbers are checked when there are some.
    if (!(error instanceof DeviceError)) throw error;
  }
}

/** The model of a graph. Everything is checked before a tensor is made. */
function modelOf(graph: Graph, layout: OnnxLayout, device: Device): OnnxModel {
  const nodes = checkGraph(graph);
  const uses = usesOf(nodes);
  const host = new ReferenceDevice();
  const refuse = (rule: string, got: string): never => {
    throw new FormatError(op, rule, got);
  };
  const constants = new Map<string, Held>();
  const roles = new Map<string, Role>();
  const state = new Map<string, readonly [GraphTensor, Role]>();
  for (const [name, value] of graph.initializers) {
    const readers = uses.get(name) ?? [];
    const role = roleOf(value, readers);
    roles.set(name, role);
    if (role.is !== 'constant') state.set(name, [value, role]);
    else {
      const clamps = readers.every(({ node }) => node.operator === 'Slice');
      constants.set(name, lasting(fixedOf({ host, refuse }, value, clamps)));
    }
  }
  const outputs = graph.outputs.map(({ name }) => name);
  const program = fold(new Program(nodes, graph.opset, outputs, constants, host));
  const layers = layersOf(program.nodes, roles, uses);
  const places = new Map<string, Place>();
  const nodeLayers = new Map<string, string>();
  const contents = new Contents(program, graph.inputs, places, nodeLayers);
  checkSizes(contents, state);
  const model = new OnnxModel(contents, layout);
  const inLayer = new Map<string, OnnxLayer>();
  const layerNames = new Map<OnnxLayer, string>();
  for (const [beginning, { node, names }] of layers) {
    const layer = new OnnxLayer(contents, node.outputs[0] as string);
    const free = freeName(model, beginning);
    setField(model, free, layer);
    layerNames.set(layer, free);
    nodeLayers.set(node.outputs[0] as string, free);
    for (const name of names) inLayer.set(name, layer);
  }
  for (const [name, [value, role]] of state) {
    const { is, order } = role as Exclude<Role, { is: 'constant' }>;
    const layer = inLayer.get(name);
    const owner = layer ?? model;
    const field = freeName(owner, layer === undefined ? name : halvesOf(name)[1]);
    const made = tensorIn(value, order, device, name);
    setField(owner, field, is === 'parameter' && isFloat(made.dtype) ? owned(made) : made.keep());
    places.set(name, { layer: layer === undefined ? null : (layerNames.get(layer) as string), field, order });
  }
  return model;
}

/** Reads a file and makes its model, on the default device. */
export async function loadModel(bytes: Uint8Array, beside: ReadBeside, layout: OnnxLayout): Promise<OnnxModel> {
  const graph = await decodeGraph(bytes, beside, (operator) => Object.hasOwn(importers, operator));
  return modelOf(graph, layout, defaultDevice());
}
