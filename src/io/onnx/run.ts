/**
 * Runs the nodes of a graph in order. A node whose inputs are all fixed runs on the reference
 * device, where its numbers can be read at once: this is how shapes are computed. Every other node
 * runs on the device of the model.
 * Not here: what each operator does (operators/), the checks of a graph (check.ts).
 */
import { withTracking } from '../../autograd/graph.js';
import { withWatcher } from '../../autograd/watch.js';
import type { Device } from '../../device/device.js';
import { CedarError, DeviceError, FormatError, show } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type Attribute, Float, Floats, type GraphNode, type GraphTensor } from './graph.js';
import { importers } from './operators/index.js';
import type { Importer } from './operators/table.js';
import { Held } from './values.js';

/** A node in messages. */
export const nodeName = ({ operator, name, outputs }: GraphNode): string =>
  `${operator} '${name === '' ? (outputs[0] ?? '') : name}'`;

/** A node that runs: its inputs as values, and its attributes as what they must be. */
export class Node {
  constructor(
    readonly graph: GraphNode,
    readonly opset: number,
    readonly values: readonly (Held | null)[],
    /** The device on which its results are made. */
    readonly device: Device,
    readonly host: Device,
  ) {}

  /** Refuses the node. */
  refuse(rule: string, got: string): never {
    throw new FormatError('importOnnx', `${nodeName(this.graph)}: ${rule}`, got);
  }

  // ---- inputs

  /** Whether an optional input is given. */
  has(i: number): boolean {
    return (this.values[i] ?? null) !== null;
  }
  at(i: number): Held {
    const value = this.values[i] ?? null;
    if (value === null) this.refuse(`input ${i} must be given`, 'none');
    return value;
  }
  /** An input on the device of the result. */
  on(i: number): Held {
    return this.at(i).on(this.device);
  }
  get inputs(): Held[] {
    return this.values.filter((value) => value !== null).map((value) => value.on(this.device));
  }
  /** The numbers of an input that is fixed. */
  numbers(i: number): number[] {
    const value = this.at(i);
    if (!value.isFixed) this.refuse(`input ${i} must be a constant or follow from shapes`, show(value.shape));
    return value.numbers();
  }
  get isFixed(): boolean {
    return this.values.every((value) => value === null || value.isFixed);
  }

  // ---- attributes

  #attribute(name: string): Attribute | undefined {
    return this.graph.attributes.get(name);
  }
  #wrong(name: string, kind: string): never {
    this.refuse(`${name} must be ${kind}`, `${name}=${JSON.stringify(this.#attribute(name))}`);
  }
  int(name: string, usual: number): number {
    const value = this.#attribute(name) ?? usual;
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : this.#wrong(name, 'a whole number');
  }
  flag(name: string, usual = false): boolean {
    return this.int(name, Number(usual)) !== 0;
  }
  float(name: string, usual: number): number {
    const value = this.#attribute(name);
    if (value === undefined) return usual;
    return value instanceof Float ? value.value : this.#wrong(name, 'a number');
  }
  /** A list of whole numbers, which may have a fixed length. */
  ints(name: string, usual: readonly number[] | null, length?: number): readonly number[] {
    const value = this.#attribute(name) ?? usual;
    const isList = Array.isArray(value) && value.every((v) => Number.isSafeInteger(v));
    if (!isList || (length !== undefined && value.length !== length))
      return this.#wrong(name, `${length ?? 'a list of'} whole numbers`);
    return value as readonly number[];
  }
  floats(name: string, usual: readonly number[]): readonly number[] {
    const value = this.#attribute(name);
    if (value === undefined) return usual;
    return value instanceof Floats ? value.values : this.#wrong(name, 'a list of numbers');
  }
  text<T extends string>(name: string, usual: T, ...others: T[]): T {
    const value = this.#attribute(name) ?? usual;
    return [usual, ...others].includes(value as T)
      ? (value as T)
      : this.#wrong(name, `one of ${[usual, ...others].join(', ')}`);
  }
  /** Any text, which must be given. */
  string(name: string): string {
    const value = this.#attribute(name);
    return typeof value === 'string' ? value : this.#wrong(name, 'a text');
  }
  tensor(name: string): GraphTensor | undefined {
    const value = this.#attribute(name);
    if (value === undefined) return undefined;
    const isTensor = typeof value === 'object' && 'data' in value && 'type' in value;
    return isTensor ? value : this.#wrong(name, 'a tensor');
  }
  given(name: string): boolean {
    return this.#attribute(name) !== undefined;
  }
  /** An axis from 0 on. Negative ones count from the end. */
  axis(value: number, rank: number): number {
    const axis = value < 0 ? value + rank : value;
    if (!Number.isInteger(axis) || axis < 0 || axis >= rank)
      this.refuse('axis must name an axis', `axis=${value}, input of rank ${rank}`);
    return axis;
  }
  /** Axes from an input since an opset, from an attribute before it, or none. */
  axes(input: number, since: number, rank: number): readonly number[] | undefined {
    const list =
      this.opset >= since
        ? this.has(input)
          ? this.numbers(input)
          : undefined
        : this.given('axes')
          ? this.ints('axes', null)
          : undefined;
    return list?.map((value) => this.axis(value, rank)).toSorted((a, b) => a - b);
  }

  // ---- results

  /** A value that a node computed, in an order. */
  held(tensor: Tensor, order?: readonly number[]): Held {
    return new Held(tensor, order, this.isFixed);
  }
}

/** What runs a graph: its nodes in an order in which each finds its inputs, and its constants. */
export class Program {
  constructor(
    readonly nodes: readonly GraphNode[],
    readonly opset: number,
    readonly outputs: readonly string[],
    readonly constants: Map<string, Held>,
    /** The device on which fixed values are computed. */
    readonly host: Device,
  ) {}
}

/** Runs one node. What is fixed is not seen by a recording, which has its numbers as constants. */
export function runNode(
  program: Program,
  graph: GraphNode,
  values: readonly (Held | null)[],
  device: Device,
): (Held | null)[] {
  const isFixed = values.every((value) => value === null || value.isFixed);
  const node = new Node(graph, program.opset, values, isFixed ? program.host : device, program.host);
  const { run } = importers[graph.operator] as Importer;
  try {
    const made = isFixed ? withWatcher(null, () => withTracking(false, () => run(node))) : run(node);
    return made instanceof Held ? [made] : [...made];
  } catch (error) {
    if (!(error instanceof CedarError) || error.op === 'importOnnx') throw error;
    const kind = error instanceof DeviceError ? DeviceError : FormatError;
    throw new kind('importOnnx', `${nodeName(graph)}: ${error.rule}`, error.got, error.hint);
  }
}

/**
 * Runs a graph on values by name. `call` runs one node; a model passes nodes with parameters on to
 * its layers.
 */
export function runProgram(
  program: Program,
  given: ReadonlyMap<string, Held>,
  call: (node: GraphNode, values: readonly (Held | null)[]) => readonly (Held | null)[],
): Held[] {
  const values = new Map(given);
  const valueOf = (name: string): Held | null =>
    name === '' ? null : (values.get(name) ?? program.constants.get(name) ?? null);
  for (const node of program.nodes) {
    const made = call(node, node.inputs.map(valueOf));
    for (const [i, name] of node.outputs.entries()) {
      const value = made[i];
      if (name !== '' && value !== null && value !== undefined) values.set(name, value);
    }
  }
  return program.outputs.map((name) => {
    const value = valueOf(name);
    if (value === null) throw new FormatError('importOnnx', 'every output must be made by a node', `'${name}'`);
    return value;
  });
}
