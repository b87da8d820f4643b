/**
 * What a tensor of a graph is while a model runs. The graph's axes have an order of their own, and
 * a value is held in one or more others. A convolution takes and gives its images with channels
 * last, and the next one takes them as they are. So there is no permuting between them.
 * Not here: the operators (operators/), the model (model.ts).
 */
import type { PoolIndices } from '../../autograd/ops/pool-indices.js';
import { withWatcher } from '../../autograd/watch.js';
import type { Device } from '../../device/device.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Shape } from '../../values/shape.js';
import { arranged, between, channelsLast, keepsElements, type Order, plainOrder, sameOrder } from './graph.js';

interface Stored {
  readonly order: Order;
  readonly tensor: Tensor;
}

/** A value of a graph, in one or more orders of its axes. */
export class Held {
  readonly #stored: Stored[];
  /** The indices of a pool, which count as ONNX's do when they are read as numbers. */
  indices: PoolIndices | null = null;
  #isCounted = false;
  /** Indices of a pool of which these are the numbers in another shape. */
  origin: Held | null = null;
  /** Whether it lives as long as the model. Its copies on other devices do so, too. */
  isConstant = false;
  /** The same value on other devices. */
  readonly #moved = new Map<Device, Held>();

  constructor(
    tensor: Tensor,
    order: Order = plainOrder(tensor.rank),
    /** Whether it is the same at each call: a constant, or a shape. */
    readonly isFixed = false,
  ) {
    this.#stored = [{ order, tensor }];
    const shape = new Array<number>(order.length);
    for (const [at, axis] of order.entries()) shape[axis] = tensor.shape[at] as number;
    this.shape = shape;
  }
  /** Its sizes in the graph. */
  readonly shape: Shape;

  get rank(): number {
    return this.shape.length;
  }
  get dtype(): Tensor['dtype'] {
    return this.#any.tensor.dtype;
  }
  get device(): Device {
    return this.#any.tensor.device;
  }
  get #any(): Stored {
    return this.#stored[0] as Stored;
  }
  /** All orders at hand. */
  get orders(): readonly Order[] {
    return this.#stored.map(({ order }) => order);
  }
  /** The order that costs nothing. Channels last is preferred. */
  get order(): Order {
    const last = channelsLast(this.rank);
    return this.orders.find((order) => sameOrder(order, last)) ?? this.#any.order;
  }
  has(order: Order): boolean {
    return this.orders.some((own) => sameOrder(own, order));
  }

  /** The tensor with the axes in an order. */
  in(order: Order): Tensor {
    if (this.indices !== null && !this.#isCounted) this.#count(this.indices);
    const known = this.#stored.find((stored) => sameOrder(stored.order, order) && !stored.tensor.released);
    if (known !== undefined) return known.tensor;
    const { order: from, tensor } = this.#any;
    const axes = between(from, order);
    const made = keepsElements(tensor.shape, axes) ? tensor.reshape(arranged(this.shape, order)) : tensor.permute(axes);
    this.#stored.push({ order, tensor: made });
    return made;
  }
  /** Converts indices of a pool, which count within a plane, to ONNX's counting. */
  #count({ inputShape }: PoolIndices): void {
    this.#isCounted = true;
    const { order, tensor } = this.#any;
    const [batch = 0, ...sizes] = inputShape;
    const channels = sizes.pop() as number;
    const plane = sizes.reduce((a, b) => a * b, 1);
    const starts = Int32Array.from({ length: batch * channels }, (_, i) => i * plane);
    const shape = [batch, ...sizes.map(() => 1), channels];
    this.#stored.splice(0, Infinity, { order, tensor: tensor.add(tensor.upload(starts, 'int32', shape)) });
  }

  /** The indices of a pool within their planes, or null. */
  get plane(): Held | null {
    return this.indices === null ? null : new Held(this.indices.plane, channelsLast(this.rank));
  }

  /** The tensor with the graph's axes. */
  get plain(): Tensor {
    return this.in(plainOrder(this.rank));
  }
  /** The tensor with channels last. */
  get last(): Tensor {
    return this.in(channelsLast(this.rank));
  }
  /** The same value with its axes relabelled: axis i of the result is axis axes[i]. */
  permuted(axes: readonly number[]): Held {
    const relabel = (order: Order): Order => order.map((axis) => axes.indexOf(axis));
    const [first, ...others] = this.#stored as [Stored, ...Stored[]];
    const result = new Held(first.tensor, relabel(first.order), this.isFixed);
    for (const { order, tensor } of others) result.#stored.push({ order: relabel(order), tensor });
    return result;
  }

  /**
   * As an operand of a result in an order: axes of size 1 are put before its own, as broadcasting
   * does.
   */
  operand(order: Order): Tensor {
    if (this.rank === order.length) return this.in(order);
    if (this.rank > order.length) return this.plain;
    const extra = order.length - this.rank;
    // A shorter shape needs no reshaping where its last axes are already those of the result.
    const isAtEnd = order.slice(extra).every((axis, i) => axis === extra + i);
    if (isAtEnd || this.shape.every((size) => size === 1)) return this.plain;
    const padded = [...new Array<number>(extra).fill(1), ...this.shape];
    const wide = this.plain.reshape(padded);
    return keepsElements(padded, order) ? wide.reshape(arranged(padded, order)) : wide.permute(order);
  }

  /** The numbers of a value that is fixed. It is on a device that can be read at once. */
  numbers(): number[] {
    return withWatcher(null, () => Array.from(this.plain.dataSync()));
  }
  /** On another device. A fixed value is copied once. */
  on(device: Device): Held {
    if (this.device === device) return this;
    const known = this.#moved.get(device);
    if (known !== undefined) return known;
    const copy = this.plain.to(device);
    const moved = new Held(this.isConstant ? copy.keep() : copy, undefined, this.isFixed);
    this.#moved.set(device, moved);
    return moved;
  }
}

/** The order in which a result of broadcasting costs the least. */
export function orderFor(rank: number, inputs: readonly Held[]): Order {
  const whole = inputs.filter((value) => value.rank === rank && !value.isFixed);
  const last = channelsLast(rank);
  if (whole.some((value) => value.has(last))) return last;
  return whole[0]?.order ?? plainOrder(rank);
}
