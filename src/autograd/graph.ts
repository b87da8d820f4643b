/**
 * Records operations. `apply` runs an op on its device and links the result into the graph if a
 * gradient may be needed.
 * Not here: the ops (ops/), kernels that overwrite values (in-place.ts), the backward walk
 * (backward.ts), the lifetimes of the tensors that ops create (lifetimes.ts), and the watcher that
 * records a step (watch.ts).
 */
import { shown } from '../arguments.js';
import type { Device, DeviceBuffer, KernelAttrs, KernelName, Operand, Spec } from '../device/device.js';
import { Storage } from '../device/storage.js';
import { DeviceError, GraphError, ShapeError, show, ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { type DType, isFloat } from '../values/dtype.js';
import { type HostData, Repeated } from '../values/host-data.js';
import { Mask } from '../values/random.js';
import { checkShape, type Shape, sizeOf } from '../values/shape.js';
import { adopt, consume, endWithInputs } from './lifetimes.js';
import { watched, watching } from './watch.js';

/**
 * The kernel that an op runs, and the specs of its outputs. 'view' runs no kernel: the output
 * shares the first input's storage.
 */
export type Call = { readonly outputs: readonly Spec[] } & (
  | { readonly kernel: 'view' }
  | { readonly kernel: KernelName; readonly attrs: KernelAttrs[KernelName] }
);

export const call = <K extends KernelName>(kernel: K, attrs: KernelAttrs[K], ...outputs: Spec[]): Call => ({
  kernel,
  attrs,
  outputs,
});
export const view = (shape: Shape, like: Tensor): Call => ({ kernel: 'view', outputs: [{ shape, dtype: like.dtype }] });

/** The arguments of a backward rule. */
export interface BackwardStep<A> {
  /** Gradient of the first output. It has that output's shape and dtype. */
  readonly grad: Tensor;
  /**
   * The inputs. A rule may read the values only of the inputs listed in `saves`. Of the others it
   * may use only shape and dtype.
   */
  readonly inputs: readonly Tensor[];
  /** The first output. A rule may read the values of outputs only if `saves` lists them. */
  readonly output: Tensor;
  readonly outputs: readonly Tensor[];
  readonly attrs: A;
  /** For each input, whether a gradient is needed. */
  readonly needs: readonly boolean[];
  /**
   * Whether nothing else reads the incoming gradient afterwards. The rule may then reuse its memory
   * for the result.
   */
  readonly spare: boolean;
}

/** An operation: its name, its kernel call, and its gradient in terms of other ops. */
export interface Op<A> {
  readonly name: string;
  /**
   * Lowers the op to a kernel call for these inputs. This is also the shape rule. It depends on
   * nothing but the inputs' shapes and dtypes, and the attributes.
   */
  readonly lower: (inputs: readonly Tensor[], attrs: A) => Call;
  /**
   * The values that backward reads: positions of inputs, 'output' for the first output, and
   * 'output 1' for the second. They must not change in place before backward.
   */
  readonly saves?: readonly (number | 'output' | 'output 1')[];
  /**
   * One gradient per input, of the input's shape, or null. An op without this rule has no gradient.
   */
  readonly backward?: (step: BackwardStep<A>) => readonly (Tensor | null)[];
  /**
   * The result is a copy that the caller asked for. It does not end with the graph of the tensor
   * that it copies.
   */
  readonly outlives?: boolean;
  /** Whether the gradient rule calls a function of the program, which runs at replays, too. */
  readonly callsProgram?: boolean;
}

/** One recorded call of an op. Its inputs are the edges of the graph. */
export class Node {
  static #count = 0;
  /**
   * Ids increase with time. An input's node always has a smaller id, so descending order is a
   * topological order.
   */
  readonly id = Node.#count++;
  /** True once backward has used this node and freed its part of the graph. */
  consumed = false;
  /**
   * Results without a gradient that were computed from this node's outputs. They end with the node.
   */
  readonly derived: Tensor[] = [];
  #inputs: readonly Tensor[];
  #versions: readonly number[];

  constructor(
    readonly op: Op<never>,
    readonly attrs: unknown,
    inputs: readonly Tensor[],
    readonly outputs: readonly Tensor[],
  ) {
    this.#inputs = inputs;
    this.#versions = this.saved.map((t) => (t.released ? -1 : t.storage.version));
  }

  /** Empty once the node has ended. */
  get inputs(): readonly Tensor[] {
    return this.#inputs;
  }

  /** The tensors whose values the gradient rule reads. */
  get saved(): readonly Tensor[] {
    return (this.op.saves ?? []).map((s) =>
      typeof s === 'number' ? this.#inputs[s] : this.outputs[s === 'output' ? 0 : 1],
    );
  }

  /**
   * Ends the node, so that no later backward passes through it. The node drops its inputs, so that
   * a loss that is still held does not hold its whole graph.
   */
  end(): void {
    this.consumed = true;
    this.#inputs = [];
  }

  /**
   * Checks that the saved values have not changed: a gradient computed from changed values would be
   * silently wrong.
   */
  checkSaved(): void {
    this.saved.forEach((t, i) => {
      const { version } = t.storage;
      // -1: it was released when the node was made, and has been computed again since.
      if (version === this.#versions[i] || this.#versions[i] === -1) return;
      const saved = this.op.saves?.[i];
      const name = typeof saved === 'number' ? `input ${saved}` : saved;
      // Of a view, the caller knows the tensor that it shows.
      const { shape } = (t.node?.op.name === 'reshape' ? t.node.inputs[0] : undefined) ?? t;
      throw new GraphError(
        'backward',
        'a value saved for the gradient must not change in place',
        `${this.op.name}'s saved ${name} of shape ${show(shape)} at version ${version}, ` +
          `saved at version ${this.#versions[i]}`,
        'call assign() after backward(), or on a clone()',
      );
    });
  }
}

type MakeTensor = (storage: Storage, shape: Shape, requiresGrad: boolean) => Tensor;
let makeTensor: MakeTensor;
/**
 * The Tensor class registers its constructor here, because that class is in a layer above this
 * file.
 */
export const registerTensor = (make: MakeTensor): void => {
  makeTensor = make;
};

/** Whether a value is a tensor. The check does not use the class, which is in a layer above. */
export const isTensor = (value: unknown): value is Tensor =>
  typeof value === 'object' && value !== null && 'release' in value && 'storage' in value;

/** Checks that a value is a tensor. `name` is the name of the argument. */
export function checkTensor(op: string, name: string, value: unknown): asserts value is Tensor {
  if (isTensor(value)) return;
  const hint =
    typeof value === 'number' || Array.isArray(value) || ArrayBuffer.isView(value) ? 'wrap it with tensor()' : '';
  throw new ValueError(op, `${name} must be a tensor`, `${name}=${shown(value)}`, hint);
}

/** Checks that a value is a list of tensors. */
export function checkTensors(op: string, name: string, list: unknown): asserts list is readonly Tensor[] {
  if (!Array.isArray(list)) {
    const hint = isTensor(list)
      ? 'wrap it in an array'
      : typeof (list as { parameters?: unknown } | null)?.parameters === 'function'
        ? 'pass model.parameters()'
        : '';
    throw new ValueError(op, `${name} must be an array of tensors`, `${name}=${shown(list)}`, hint);
  }
  for (let i = 0; i < list.length; i++) checkTensor(op, `${name}[${i}]`, list[i]);
}

// ---- modes and tensors

let tracking = true;
export const isTracking = (): boolean => tracking;

export function withTracking<T>(on: boolean, fn: () => T): T {
  const before = tracking;
  tracking = on;
  try {
    return fn();
  } finally {
    tracking = before;
  }
}

/**
 * A tensor over a device's buffer that belongs to no graph and no scope. The shape is frozen, so it
 * must not be a caller's own array.
 */
export const wrap = (device: Device, buffer: DeviceBuffer, shape: Shape): Tensor =>
  makeTensor(new Storage(device, buffer), Object.freeze(shape), false);

/**
 * Copies values to a device, as a tensor that belongs to no graph.
 * @throws ShapeError for an invalid shape, and for one whose number of elements is not the data's
 */
export function uploadTensor(device: Device, data: HostData, dtype: DType, shape: Shape): Tensor {
  checkShape('tensor', shape);
  if (!(data instanceof Mask || data instanceof Repeated) && (!ArrayBuffer.isView(data) || typeof data[0] === 'bigint'))
    throw new ValueError('tensor', 'data must be a typed array of numbers', `data=${shown(data)}`);
  if (sizeOf(shape) !== data.length)
    throw new ShapeError(
      'tensor',
      'data must have as many elements as shape',
      `${data.length} elements, shape=${show(shape)}`,
    );
  const watcher = watching();
  return watcher === null
    ? uploadNow(device, data, dtype, shape)
    : watched(watcher, { kind: 'upload', device, data, dtype, shape }, (e) =>
        uploadNow(e.device, e.data, e.dtype, e.shape),
      );
}
const uploadNow = (device: Device, data: HostData, dtype: DType, shape: Shape): Tensor =>
  adopt(wrap(device, device.upload(data, dtype), shape));

/** A tensor over a storage, outside graph and scopes. `shape` is another tensor's frozen shape. */
export const handle = (storage: Storage, shape: Shape, requiresGrad: boolean): Tensor =>
  makeTensor(storage.retain(), shape, requiresGrad);

/** Another tensor on the same storage, outside graph and scopes. The caller must release it. */
export const alias = (t: Tensor): Tensor => handle(t.storage, t.shape, false);

// ---- apply

function commonDevice(op: string, inputs: readonly Tensor[]): Device {
  const device = inputs[0].device;
  for (const t of inputs)
    if (t.device !== device)
      throw new DeviceError(
        op,
        'all inputs must be on one device',
        inputs.map((i) => String(i.device.name)).join(' and '),
        'move one with to(device)',
      );
  return device;
}

/** An op's kernel call. The shape of every output is checked here, before the kernel runs. */
export function lowered<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Call {
  const call = op.lower(inputs, attrs);
  for (let i = 0; i < call.outputs.length; i++) checkShape(op.name, call.outputs[i].shape, 'result');
  return call;
}

/** Runs an op, records it, and returns all outputs. */
export function applyAll<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor[] {
  for (let i = 0; i < inputs.length; i++)
    if (!isTensor(inputs[i])) checkTensor(op.name, inputs.length === 1 ? 'input' : `input ${i}`, inputs[i]);
  const watcher = watching();
  return watcher === null
    ? applyNow(op, inputs, attrs)
    : watched(watcher, { kind: 'op', op: op as Op<never>, inputs, attrs }, (e) =>
        applyNow(e.op, e.inputs, e.attrs as never),
      );
}

function applyNow<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor[] {
  const device = commonDevice(op.name, inputs);
  const operands = inputs.map(operandOf);
  const call = lowered(op, inputs, attrs);
  const storages =
    call.kernel === 'view'
      ? [inputs[0].storage.retain()]
      : device.run(call.kernel, operands, call.attrs, call.outputs).map((b) => new Storage(device, b));
  const tracked = tracking && op.backward !== undefined && inputs.some((t) => t.requiresGrad);
  const outputs = call.outputs.map((spec, i) => {
    // A change to the shape array would make it disagree with the storage. An input's shape is
    // frozen already.
    if (spec.shape !== inputs[0].shape) Object.freeze(spec.shape);
    const t = makeTensor(storages[i], spec.shape, tracked && isFloat(spec.dtype));
    t.madeBy = op.name;
    return adopt(t);
  });
  if (tracked) {
    const node = new Node(op as Op<never>, attrs, inputs, outputs);
    for (const t of outputs) {
      if (t.requiresGrad) t.node = node;
      else t.owner = node;
    }
    // The inputs belong to a graph that backward has already freed. No backward can walk this node,
    // so it ends with that graph.
    if (inputs.some((t) => t.node?.consumed)) consume([node]);
  } else if (!op.outlives) endWithInputs(outputs, inputs);
  return outputs;
}

/** A tensor as a kernel operand. */
export const operandOf = ({ storage, shape, dtype }: Tensor): Operand => ({ buffer: storage.buffer, shape, dtype });

/** Runs an op with one output. */
export const apply = <A>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor => applyAll(op, inputs, attrs)[0];
