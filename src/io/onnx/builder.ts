/**
 * Builds a graph from recorded calls. A value is known by one or more tensors of the graph, which
 * hold its elements in different orders of the axes. An operator takes the order that it needs,
 * and a Transpose is added only where no order at hand will do. So permuting costs nothing until
 * somebody needs the result, and a chain of convolutions stays in NCHW.
 * Not here: what each kernel becomes (operators/).
 */
import { ValueError } from '../../errors.js';
import { allocate, type DType, type TypedArray } from '../../values/dtype.js';
import { type Shape, sameShape, sizeOf } from '../../values/shape.js';
import {
  type Attribute,
  arranged,
  between,
  channelsFirst,
  type ElementType,
  type GraphNode,
  type GraphTensor,
  isPlain,
  keepsElements,
  type Order,
  permuted,
  plainOrder,
  sameOrder,
} from './graph.js';
import { type Call, placeName, Value } from './record.js';

/** The numbers of a value in one order. */
interface Stored {
  readonly order: Order;
  readonly tensor: string;
}

type Attributes = Readonly<Record<string, Attribute | undefined>>;

export class Builder {
  readonly nodes: GraphNode[] = [];
  readonly initializers = new Map<string, GraphTensor>();
  readonly #stored = new Map<Value, Stored[]>();
  /** Indices of pools in ONNX's counting: a tensor of int64 in NCHW for the values of a kernel. */
  readonly indices = new Map<Value, string>();
  readonly #names = new Set<string>();
  readonly #constants = new Map<string, string>();
  readonly #reshaped = new Map<Value, Value[]>();
  /** What a Reshape was made of, by its result. */
  readonly #reshapes = new Map<string, string>();
  /** The call whose nodes are being added. */
  #call: Pick<Call, 'op' | 'place'> = { op: 'input', place: '' };

  constructor(readonly opset: number) {}

  begin(call: Call): void {
    this.#call = call;
  }

  /** Refuses what a graph of this opset cannot say. */
  refuse(what: string, hint = ''): never {
    const { op, place } = this.#call;
    throw new ValueError(
      'exportOnnx',
      'ONNX must have the operation',
      `${what}, of ${op} in ${placeName(place)}`,
      hint,
    );
  }
  /** Refuses an opset that is too old. */
  needs(opset: number, what: string): void {
    if (this.opset < opset) this.refuse(`${what} at opset ${this.opset}`, `it needs opset ${opset} or newer`);
  }

  /** A name that nothing in the graph has yet. */
  unique(name: string): string {
    let free = name;
    for (let i = 1; this.#names.has(free); i++) free = `${name}_${i}`;
    this.#names.add(free);
    return free;
  }

  // ---- nodes

  /**
   * Adds a node, and returns the names of its outputs. Attributes that are undefined are left out.
   */
  node(operator: string, inputs: readonly string[], attributes: Attributes = {}, outputs = 1): string[] {
    const { place } = this.#call;
    const name = this.unique(`${place === '' ? '' : `/${place.replaceAll('.', '/')}`}/${operator}`);
    const names = Array.from({ length: outputs }, (_, i) => this.unique(`${name}_output_${i}`));
    const given = Object.entries(attributes).filter((entry): entry is [string, Attribute] => entry[1] !== undefined);
    this.nodes.push({ operator, name, inputs: withoutEmptyEnd(inputs), outputs: names, attributes: new Map(given) });
    return names;
  }
  /** The same for a node with one output. */
  one(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.node(operator, inputs, attributes)[0] as string;
  }

  /** A constant that is no part of the model's state. Equal ones are one node. */
  constant(data: readonly number[], type: ElementType, shape: Shape = [data.length]): string {
    const key = `${type} ${shape.join('x')}: ${data.map((v) => (Object.is(v, -0) ? '-0' : v)).join()}`;
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.#constantNode({ type, shape, data });
    this.#constants.set(key, name);
    return name;
  }
  ints(...data: readonly number[]): string {
    return this.constant(data, 'int64');
  }
  scalar(value: number, type: ElementType): string {
    return this.constant([value], type, []);
  }
  #constantNode(value: GraphTensor): string {
    const name = this.unique('/Constant');
    const output = this.unique(`${name}_output_0`);
    this.nodes.push({
      operator: 'Constant',
      name,
      inputs: [],
      outputs: [output],
      attributes: new Map([['value', value]]),
    });
    return output;
  }
  initializer(name: string, tensor: GraphTensor): string {
    const own = this.unique(name);
    this.initializers.set(own, tensor);
    return own;
  }

  // ---- values

  /** Says that a tensor of the graph holds a value in an order. */
  set(value: Value, order: Order, tensor: string): void {
    const list = this.#stored.get(value) ?? [];
    if (list.length === 0) this.#stored.set(value, list);
    list.push({ order, tensor });
  }
  /** All orders at hand. Of a constant there are none until somebody takes it. */
  orders(value: Value): readonly Order[] {
    return (this.#stored.get(value) ?? []).map(({ order }) => order);
  }
  /** Whether a value's axes are in an order without a Transpose. */
  has(value: Value, order: Order): boolean {
    return value.constant !== null || this.orders(value).some((own) => sameOrder(own, order));
  }
  /** The order that costs no Transpose. Channels first is preferred. */
  orderOf(value: Value): Order {
    const orders = this.orders(value);
    const first = channelsFirst(value.shape.length);
    return orders.find((order) => sameOrder(order, first)) ?? orders[0] ?? plainOrder(value.shape.length);
  }

  /** A tensor of the graph that holds a value in an order. */
  get(value: Value, order: Order = plainOrder(value.shape.length)): string {
    const list = this.#stored.get(value) ?? [];
    const known = list.find((stored) => sameOrder(stored.order, order));
    if (known !== undefined) return known.tensor;
    const made = value.constant === null ? this.#reordered(value, order, list) : this.#stateIn(value, order);
    this.set(value, order, made);
    return made;
  }
  #reordered(value: Value, order: Order, list: readonly Stored[]): string {
    const { shape } = value;
    const from = list[0];
    if (from === undefined) throw new Error('a value must be made before it is read');
    const axes = between(from.order, order);
    return keepsElements(arranged(shape, from.order), axes)
      ? this.reshape(from.tensor, arranged(shape, order))
      : this.one('Transpose', [from.tensor], { perm: axes });
  }
  /** A constant in an order. Parameters and buffers are initialisers, others are nodes. */
  #stateIn(value: Value, order: Order): string {
    const { constant, dtype, shape, name, isState } = value;
    const data = isPlain(order)
      ? (constant as ArrayLike<number>)
      : permuted(constant as ArrayLike<number>, shape, order, allocate(dtype, sizeOf(shape)));
    const tensor: GraphTensor = { type: dtype, shape: arranged(shape, order), data };
    return isState ? this.initializer(name as string, tensor) : this.#constantNode(tensor);
  }

  /**
   * A value as an operand of a result of `rank` axes in an order: axes of size 1 are put before its
   * own, as broadcasting does.
   */
  operand(value: Value, order: Order): string {
    const { shape } = value;
    const rank = order.length;
    if (shape.length === rank) return this.get(value, order);
    const padded = [...new Array<number>(rank - shape.length).fill(1), ...shape];
    const to = arranged(padded, order);
    // A shorter shape needs no reshaping where its last axes are already those of the result.
    const isAtEnd = order.slice(rank - shape.length).every((axis, i) => axis === rank - shape.length + i);
    if (isAtEnd || value.shape.every((size) => size === 1)) return this.get(value);
    if (value.constant !== null) return this.get(this.#constantAs(value, padded), order);
    if (keepsElements(padded, order)) return this.reshape(this.get(value), to);
    return this.one('Transpose', [this.reshape(this.get(value), padded)], { perm: order });
  }

  /** The same numbers of a constant in another shape. */
  #constantAs(value: Value, shape: Shape): Value {
    const known = this.#reshaped.get(value)?.find((other) => sameShape(other.shape, shape));
    if (known !== undefined) return known;
    const other = new Value(shape, value.dtype);
    other.become(value, value.constant as TypedArray);
    this.#reshaped.set(value, [...(this.#reshaped.get(value) ?? []), other]);
    return other;
  }
  /** A tensor of the graph with a value's elements in another shape. */
  inShape(value: Value, shape: Shape): string {
    if (sameShape(value.shape, shape)) return this.get(value);
    return value.constant === null ? this.reshape(this.get(value), shape) : this.get(this.#constantAs(value, shape));
  }

  /** The order in which a result of broadcasting costs the fewest Transposes. */
  orderFor(shape: Shape, inputs: readonly Value[]): Order {
    const whole = inputs.filter((value) => value.shape.length === shape.length && value.constant === null);
    const first = channelsFirst(shape.length);
    if (whole.some((value) => this.has(value, first))) return first;
    const [largest] = whole.toSorted((a, b) => sizeOf(b.shape) - sizeOf(a.shape));
    return largest === undefined ? plainOrder(shape.length) : this.orderOf(largest);
  }

  // ---- parts of many operators

  /** Adds a Reshape. Of what is reshaped already, it takes the place. */
  reshape(tensor: string, shape: Shape): string {
    const from = this.#reshapes.get(tensor) ?? tensor;
    const made = this.one('Reshape', [from, this.ints(...shape)]);
    this.#reshapes.set(made, from);
    return made;
  }
  cast(tensor: string, to: ElementType): string {
    return this.one('Cast', [tensor], { to: elementCodes[to] });
  }
  /** Adds a reduction. Its axes were an attribute before `since`. */
  reduction(operator: string, tensor: string, axes: readonly number[], keepDims: boolean): string {
    const since = operator === 'ReduceSum' ? 13 : 18;
    const keepdims = Number(keepDims);
    return this.opset >= since
      ? this.one(operator, [tensor, this.ints(...axes)], { keepdims })
      : this.one(operator, [tensor], { axes, keepdims });
  }
}

/** ONNX's numbers for element types. */
export const elementCodes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
};
export const typeOf = (dtype: DType): ElementType => dtype;

function withoutEmptyEnd(inputs: readonly string[]): readonly string[] {
  let length = inputs.length;
  while (length > 0 && inputs[length - 1] === '') length--;
  return inputs.slice(0, length);
}
