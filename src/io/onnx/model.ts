/**
 * The module that an ONNX file becomes. Not here: reading the file and choosing what is a parameter
 * (load.ts), running the nodes (run.ts).
 */

import { checkTensor } from '../../autograd/graph.js';
import type { Device } from '../../device/device.js';
import { defaultDevice } from '../../device/select.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import { Module } from '../../nn/module.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { DType } from '../../values/dtype.js';
import type { Shape } from '../../values/shape.js';
import type { OnnxLayout } from './export.js';
import { arranged, channelsLast, type GraphNode, type GraphValue, type Order, plainOrder } from './graph.js';
import { type Program, runNode, runProgram } from './run.js';
import { Held } from './values.js';

/** Where a parameter or buffer stands in the model, and the order of its axes. */
export interface Place {
  /** The layer, or null for the model itself. */
  readonly layer: string | null;
  readonly field: string;
  readonly order: Order;
}

/** What the modules of one file share. Module does not look for tensors in it. */
export class Contents {
  constructor(
    readonly program: Program,
    readonly inputs: readonly GraphValue[],
    readonly places: ReadonlyMap<string, Place>,
    /** The layers by the first output of their node. */
    readonly layers: ReadonlyMap<string, string>,
  ) {}
}

/** The fields of a module by name. */
const fieldOf = (module: Module, name: string): unknown => (module as unknown as Record<string, unknown>)[name];
export const setField = (module: Module, name: string, value: unknown): void => {
  Object.defineProperty(module, name, { value, writable: true, enumerable: true, configurable: true });
};

/** Operators whose images or series have their channels last. */
const channelsLastOperators = ['Conv', 'ConvTranspose', 'BatchNormalization', 'InstanceNormalization'];
export const layerOperators = [...channelsLastOperators, 'Gemm', 'MatMul', 'LayerNormalization'];

/** One node of a file that has parameters. Images and series have their channels last. */
export class OnnxLayer extends Module {
  static override readonly title: string = 'OnnxLayer';
  constructor(
    readonly contents: Contents,
    /** The node's first output, by which the graph knows it. */
    readonly output: string,
  ) {
    super();
  }
  get node(): GraphNode {
    return this.contents.program.nodes.find(({ outputs }) => outputs[0] === this.output) as GraphNode;
  }
  /** The order of the axes of a value of this rank. */
  orderOf(rank: number): Order {
    return channelsLastOperators.includes(this.node.operator) ? channelsLast(rank) : plainOrder(rank);
  }

  /** Runs the node on its inputs that are not parameters. */
  forward(...inputs: Tensor[]): Tensor {
    const { contents, node } = this;
    const given = [...inputs];
    const values = node.inputs.map((name) => {
      if (name === '') return null;
      const place = contents.places.get(name);
      if (place !== undefined) return new Held(fieldOf(this, place.field) as Tensor, place.order);
      const constant = contents.program.constants.get(name);
      if (constant !== undefined) return constant;
      const tensor = given.shift() as Tensor;
      return new Held(tensor, this.orderOf(tensor.rank));
    });
    const device = values.find((value) => value !== null && !value.isFixed)?.device as Device;
    const [y] = runNode(contents.program, node, values, device) as [Held];
    return y.in(this.orderOf(y.rank));
  }
  override describe(): string {
    return this.node.operator;
  }
}

/** A model that importOnnx has made of a file. */
export class OnnxModel extends Module {
  static override readonly title: string = 'OnnxModel';
  constructor(
    readonly contents: Contents,
    /** The order of the axes of forward's inputs and outputs of rank 3 and 4. */
    readonly layout: OnnxLayout,
  ) {
    super();
  }

  private orderOf(rank: number): Order {
    return orderIn(this.layout, rank);
  }

  /**
   * Computes the outputs of the graph.
   * @shape as the file says, in the layout that importOnnx was given
   * @throws ShapeError for another number of inputs, or sizes that the file does not allow
   */
  forward(...inputs: Tensor[]): Tensor | Tensor[] {
    const { program, inputs: said } = this.contents;
    if (inputs.length !== said.length)
      throw new ShapeError('OnnxModel', `there must be ${said.length} inputs`, String(inputs.length));
    const given = new Map<string, Held>();
    for (const [i, value] of said.entries()) {
      const tensor = inputs[i] as Tensor;
      checkTensor('OnnxModel', `input '${value.name}'`, tensor);
      checkInput(value, tensor, this.orderOf(tensor.rank));
      given.set(value.name, new Held(tensor, this.orderOf(tensor.rank)));
    }
    const device = this.state(given) ?? inputs[0]?.device ?? defaultDevice();
    const outputs = runProgram(program, given, (node, values) => this.run(node, values, device));
    const tensors = outputs.map((value) => value.on(device).in(this.orderOf(value.rank)));
    return tensors.length === 1 ? (tensors[0] as Tensor) : tensors;
  }

  /** Adds the parameters and buffers to the values. Returns their device. */
  private state(given: Map<string, Held>): Device | undefined {
    let device: Device | undefined;
    for (const [name, { layer, field, order }] of this.contents.places) {
      const tensor = fieldOf(layer === null ? this : (fieldOf(this, layer) as Module), field) as Tensor;
      device ??= tensor.device;
      given.set(name, new Held(tensor, order));
    }
    return device;
  }
  private run(node: GraphNode, values: readonly (Held | null)[], device: Device): readonly (Held | null)[] {
    const { layers, places, program } = this.contents;
    const name = layers.get(node.outputs[0] ?? '');
    if (name === undefined) return runNode(program, node, values, device);
    const layer = fieldOf(this, name) as OnnxLayer;
    const inputs = values.flatMap((value, i) => {
      const input = node.inputs[i] as string;
      if (value === null || places.has(input) || program.constants.has(input)) return [];
      return [value.on(device).in(layer.orderOf(value.rank))];
    });
    const y = layer.forward(...inputs);
    return [new Held(y, layer.orderOf(y.rank))];
  }
  override describe(): string {
    return `${this.contents.program.nodes.length} nodes`;
  }
}

/** The order of the axes of a value of a graph outside of the model. */
export const orderIn = (layout: OnnxLayout, rank: number): Order =>
  layout === 'NHWC' && (rank === 3 || rank === 4) ? channelsLast(rank) : plainOrder(rank);

/** Checks an input against what the file says. */
function checkInput({ name, type, shape }: GraphValue, tensor: Tensor, order: Order): void {
  const dtype: DType = type === 'int64' ? 'int32' : type;
  if (tensor.dtype !== dtype)
    throw new ValueError(
      'OnnxModel',
      `the input '${name}' must be ${dtype}`,
      tensor.dtype,
      `convert with cast('${dtype}')`,
    );
  if (shape === undefined) return;
  const said = shape.length === tensor.rank ? arranged(shape, order) : shape;
  const fits =
    said.length === tensor.rank && said.every((size, i) => typeof size === 'string' || size === tensor.shape[i]);
  if (!fits)
    throw new ShapeError(
      'OnnxModel',
      `the input '${name}' must have the shape [${said.join(',')}]`,
      show(tensor.shape as Shape),
    );
}
