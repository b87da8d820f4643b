/**
 * The Tensor class: values on a device, with a gradient.
 * Not here: the ops (autograd/ops). Each op has a method of one line here. Long because an editor
 * finds the definition of a method and its types only in the class.
 */
import type { NdArray } from 'ndarray';
import { checkDevice, checkFlag, checkFunction, checkIsNumber } from '../arguments.js';
import { type BackwardOptions, backward } from '../autograd/backward.js';
import { checkTensor, isTracking, type Node, registerTensor, uploadTensor, withTracking } from '../autograd/graph.js';
import { type GradientHook, registerHook } from '../autograd/hooks.js';
import { updateInPlace } from '../autograd/in-place.js';
import * as activation from '../autograd/ops/activation.js';
import type { Operand } from '../autograd/ops/arithmetic.js';
import * as arithmetic from '../autograd/ops/arithmetic.js';
import * as elementwise from '../autograd/ops/elementwise.js';
import * as gathers from '../autograd/ops/gather.js';
import type { Range } from '../autograd/ops/indexing.js';
import * as indexing from '../autograd/ops/indexing.js';
import { matmul } from '../autograd/ops/matmul.js';
import * as movement from '../autograd/ops/movement.js';
import { type PadOptions, pad } from '../autograd/ops/pad.js';
import * as rearrange from '../autograd/ops/rearrange.js';
import type { ReduceOptions, VarianceOptions } from '../autograd/ops/reduce.js';
import * as reduce from '../autograd/ops/reduce.js';
import * as composedReduce from '../autograd/ops/reduce-composed.js';
import * as remainders from '../autograd/ops/remainder.js';
import * as rounding from '../autograd/ops/rounding.js';
import * as scan from '../autograd/ops/scan.js';
import { type ScatterReduceOptions, type ScatterReduction, scatterReduce } from '../autograd/ops/scatter-reduce.js';
import * as sorting from '../autograd/ops/sort.js';
import * as trigonometry from '../autograd/ops/trigonometry.js';
import type { Recomputation } from '../autograd/recompute.js';
import { watching } from '../autograd/watch.js';
import { countCopy } from '../copies.js';
import type { Device } from '../device/device.js';
import type { Storage } from '../device/storage.js';
import { GraphError, ShapeError, show, ValueError } from '../errors.js';
import { checkDType, checkHolds, type DType, isFloat, type TypedArray } from '../values/dtype.js';
import { type HostData, Repeated } from '../values/host-data.js';
import { type Nested, type TensorData, toNdarray, toNested } from '../values/nested.js';
import { ownShape, type Shape, sameShape, sizeOf } from '../values/shape.js';
import { formatArray } from './format.js';

type Axes = number | readonly number[];

/**
 * An n-dimensional array on a device. It is created by tensor(), zeros() and similar functions, and
 * by operations.
 * @source torch.Tensor
 */
export class Tensor {
  /** Gradient of a leaf, accumulated by backward(). Null before the first backward(). */
  grad: Tensor | null = null;
  /** The graph node of the call that created it, if a gradient can flow back through it. */
  node: Node | null = null;
  /** The graph node with which it ends, if no gradient can flow back. */
  owner: Node | null = null;
  /** Name of the function that created it, for messages. */
  madeBy = 'tensor';
  /** The remedy named by the error for reading it after its release, if it is not the usual one. */
  hint: string | null = null;
  /** Whether backward() fills `grad` although this is not a leaf. */
  retainsGrad = false;
  /** How backward() computes its values again after its release. Null if it cannot. */
  recomputation: Recomputation | null = null;
  /** Functions that backward() calls with its gradient. Null if there are none, as usual. */
  hooks: readonly GradientHook[] | null = null;
  #storage: Storage | null;
  #requiresGrad: boolean;
  #kept = false;

  constructor(
    storage: Storage,
    readonly shape: Shape,
    requiresGrad = false,
  ) {
    this.#storage = storage;
    this.#requiresGrad = requiresGrad;
    this.dtype = storage.dtype;
    this.device = storage.device;
    this.size = sizeOf(shape);
    if (this.size !== storage.buffer.size)
      throw new ShapeError(
        'tensor',
        'data must have as many elements as shape',
        `${storage.buffer.size} elements, shape=${show(shape)}`,
      );
  }
  readonly dtype: DType;
  readonly device: Device;
  /** Number of elements. */
  readonly size: number;

  /** Number of axes. */
  get rank(): number {
    return this.shape.length;
  }

  /** The device array. @throws GraphError after release */
  get storage(): Storage {
    if (this.#storage === null)
      throw new GraphError(
        'tensor',
        'a released tensor cannot be read',
        `${this.madeBy}'s result of shape ${show(this.shape)}`,
        this.hint ??
          'it lived until release(), the end of the backward() after its own, or that of its noGrad(): ' +
            'keep() or clone() it before',
      );
    return this.#storage;
  }

  /**
   * Whether operations on it are recorded. It can be set on leaves.
   * @throws ValueError for integers; GraphError on results of operations
   */
  get requiresGrad(): boolean {
    return this.#requiresGrad;
  }
  set requiresGrad(on: boolean) {
    checkFlag('requiresGrad', 'requiresGrad', on);
    if (on && !isFloat(this.dtype))
      throw new ValueError('requiresGrad', 'only float tensors have gradients', `dtype=${this.dtype}`);
    if (!on && this.node !== null)
      throw new GraphError(
        'requiresGrad',
        'only a leaf can stop requiring a gradient',
        `${this.madeBy}'s result`,
        'use detach()',
      );
    this.#requiresGrad = on;
  }

  // ---- lifetime

  /** Whether its life has ended. Its values cannot be read any more. */
  get released(): boolean {
    return this.#storage === null;
  }
  /** Ends its life now, unless it is kept. Usually this happens automatically. */
  release(): void {
    if (this.#kept) return;
    this.#storage?.release();
    this.#storage = null;
  }
  /** Gives it an array again after its release. */
  revive(storage: Storage): void {
    this.#storage = storage.retain();
  }
  /** Exempts it from every later release. @source docs/architecture.md, lifetimes */
  keep(): this {
    this.storage;
    this.#kept = true;
    return this;
  }
  /** Whether keep() exempts it from release. */
  get kept(): boolean {
    return this.#kept;
  }
  /** Revokes keep(). */
  unkeep(): this {
    this.#kept = false;
    return this;
  }
  /**
   * Sets `grad` to null and frees the gradient. A gradient that createGraph recorded belongs to its
   * graph and is not freed.
   */
  clearGrad(): void {
    if (this.grad?.node === null) this.grad.release();
    this.grad = null;
  }
  /**
   * Makes backward() fill `grad` of a tensor that is not a leaf.
   * @source torch.Tensor.retain_grad
   */
  retainGrad(): this {
    this.retainsGrad = this.node !== null;
    return this;
  }

  /**
   * Makes backward() and grad() call `fn` with the gradient of this tensor, once per pass, when
   * that gradient is complete. What `fn` returns replaces the gradient; nothing leaves it. Hooks
   * are called in the order in which they were added. The gradient ends with the hook unless
   * createGraph is on. So keep() a clone() of what must live longer.
   *
   * Under compile, hooks run at every call, and their operations are compared with the recording
   * like all others.
   * @returns a function that removes the hook
   * @throws GraphError for a tensor that requires no gradient; ValueError if fn is not a function
   * @source torch.Tensor.register_hook
   */
  registerHook(fn: GradientHook): () => void {
    return registerHook(this, fn);
  }

  // ---- reading

  /**
   * The elements, row-major; bool as 0 and 1.
   * @throws GraphError after release; DeviceError if the kernel that computed it failed
   */
  async data(): Promise<TypedArray> {
    watching()?.read();
    return this.storage.read();
  }
  /**
   * The elements, read synchronously.
   * @throws DeviceError if the device cannot be read synchronously
   */
  dataSync(): TypedArray {
    watching()?.read();
    return this.storage.device.readSync(this.storage.buffer);
  }
  /** The elements as nested arrays, or a number for a scalar. */
  async array(): Promise<Nested> {
    return toNested(await this.data(), this.shape, this.dtype);
  }
  /** The value of a tensor with one element. @throws ShapeError if it has more */
  async item(): Promise<number> {
    this.#checkSingle();
    return (await this.data())[0];
  }
  /**
   * Like item(), but synchronous.
   * @throws DeviceError if the device cannot be read synchronously
   */
  itemSync(): number {
    this.#checkSingle();
    return this.dataSync()[0];
  }
  #checkSingle(): void {
    if (this.size !== 1)
      throw new ShapeError(
        'item',
        'the tensor must have one element',
        `shape=${show(this.shape)}`,
        'reduce it, or read data()',
      );
  }
  /**
   * The elements as npm's ndarray.
   * @throws DeviceError if the device cannot be read synchronously: await data() there
   */
  ndarray(): NdArray {
    return toNdarray(this.dataSync(), this.shape);
  }

  /** Prints the values as numpy does, if the device can be read synchronously. */
  toString(): string {
    if (this.#storage === null) return `tensor(released, shape=${show(this.shape)})`;
    const notes = [
      ...(this.dtype === 'float32' ? [] : [`dtype=${this.dtype}`]),
      ...(this.requiresGrad ? ['requiresGrad=true'] : []),
    ];
    let body: string;
    try {
      body = formatArray(this.dataSync(), this.shape, this.dtype).replace(
        /\n(?=.)/g,
        `\n${' '.repeat('tensor('.length)}`,
      );
    } catch {
      body = `on ${this.device.name}, shape=${show(this.shape)}`;
    }
    return `tensor(${[body, ...notes].join(', ')})`;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  // ---- new tensors on the same device

  /** Uploads data to this tensor's device, as a leaf. @shape data → shape, rank 1 by default */
  upload(data: HostData, dtype: DType, shape: Shape = [data.length]): Tensor {
    checkDType('upload', dtype);
    return uploadTensor(this.device, data, dtype, ownShape('upload', shape));
  }
  /**
   * A tensor filled with one value, by default of this tensor's shape and dtype.
   * @throws ValueError for a number that the dtype cannot hold
   */
  fullLike(value: number, shape: Shape = this.shape, dtype: DType = this.dtype): Tensor {
    checkHolds('fullLike', dtype, value);
    checkIsNumber('fullLike', 'value', value);
    const own = ownShape('fullLike', shape);
    return this.upload(new Repeated(sizeOf(own), value), dtype, own);
  }
  zerosLike(): Tensor {
    return this.fullLike(0);
  }
  onesLike(): Tensor {
    return this.fullLike(1);
  }
  /**
   * The same values on another device, as a leaf.
   * @throws DeviceError if this device cannot be read synchronously
   */
  to(device: Device): Tensor {
    checkDevice('to', device);
    return device === this.device ? this : uploadTensor(device, this.dataSync(), this.dtype, this.shape);
  }

  // ---- in place

  /**
   * Overwrites the values in place. Views see the change.
   * @shape source, as this
   * @throws ShapeError or ValueError when shape or dtype differ; GraphError while a gradient is
   * recorded
   * @source torch.Tensor.copy_
   */
  assign(source: Tensor): this {
    checkTensor('assign', 'source', source);
    if (!sameShape(source.shape, this.shape))
      throw new ShapeError('assign', 'shapes must be equal', `source=${show(source.shape)}, this=${show(this.shape)}`);
    if (source.dtype !== this.dtype)
      throw new ValueError(
        'assign',
        'dtypes must be equal',
        `source ${source.dtype}, this ${this.dtype}`,
        'convert with cast()',
      );
    if (isTracking() && this.requiresGrad)
      throw new GraphError(
        'assign',
        'a tensor that requires a gradient must not change while recording',
        this.madeBy,
        'wrap it in noGrad()',
      );
    updateInPlace('cast', [source.to(this.device)], {}, [this]);
    return this;
  }

  // ---- autograd

  /**
   * Adds the gradient of this tensor to `grad` of every leaf that requires a gradient.
   * @shape grad, as this; optional for a scalar
   * @throws GraphError for a non-scalar without a gradient, a graph used twice, or a saved value
   * changed in place
   * @source torch.Tensor.backward
   */
  backward(grad?: Tensor, options: BackwardOptions = {}): void {
    backward(this, grad, options);
  }
  detach(): Tensor {
    return movement.detach(this);
  }
  clone(): Tensor {
    return movement.clone(this);
  }

  // ---- ops, one line each, documented where they are defined

  add(b: Operand): Tensor {
    return arithmetic.add(this, b);
  }
  sub(b: Operand): Tensor {
    return arithmetic.sub(this, b);
  }
  /** b − this. */
  rsub(b: Operand): Tensor {
    return arithmetic.sub(b, this);
  }
  mul(b: Operand): Tensor {
    return arithmetic.mul(this, b);
  }
  div(b: Operand): Tensor {
    return arithmetic.div(this, b);
  }
  pow(b: Operand): Tensor {
    return arithmetic.pow(this, b);
  }
  maximum(b: Operand): Tensor {
    return arithmetic.maximum(this, b);
  }
  minimum(b: Operand): Tensor {
    return arithmetic.minimum(this, b);
  }
  equal(b: Operand): Tensor {
    return arithmetic.equal(this, b);
  }
  notEqual(b: Operand): Tensor {
    return arithmetic.notEqual(this, b);
  }
  less(b: Operand): Tensor {
    return arithmetic.less(this, b);
  }
  lessEqual(b: Operand): Tensor {
    return arithmetic.lessEqual(this, b);
  }
  greater(b: Operand): Tensor {
    return arithmetic.greater(this, b);
  }
  greaterEqual(b: Operand): Tensor {
    return arithmetic.greaterEqual(this, b);
  }
  /** Elements of this tensor where condition is true, else of other. */
  where(condition: Tensor, other: Operand): Tensor {
    return arithmetic.where(condition, this, other);
  }
  neg(): Tensor {
    return elementwise.neg(this);
  }
  exp(): Tensor {
    return elementwise.exp(this);
  }
  log(): Tensor {
    return elementwise.log(this);
  }
  log1p(): Tensor {
    return elementwise.log1p(this);
  }
  sqrt(): Tensor {
    return elementwise.sqrt(this);
  }
  abs(): Tensor {
    return elementwise.abs(this);
  }
  sign(): Tensor {
    return elementwise.sign(this);
  }
  relu(): Tensor {
    return elementwise.relu(this);
  }
  leakyRelu(slope?: number): Tensor {
    return elementwise.leakyRelu(this, slope);
  }
  elu(alpha?: number): Tensor {
    return elementwise.elu(this, alpha);
  }
  gelu(options?: activation.GeluOptions): Tensor {
    return activation.gelu(this, options);
  }
  silu(): Tensor {
    return elementwise.silu(this);
  }
  sigmoid(): Tensor {
    return elementwise.sigmoid(this);
  }
  tanh(): Tensor {
    return elementwise.tanh(this);
  }
  softplus(options?: activation.SoftplusOptions): Tensor {
    return activation.softplus(this, options);
  }
  erf(): Tensor {
    return elementwise.erf(this);
  }
  clamp(min?: number, max?: number): Tensor {
    return elementwise.clamp(this, min, max);
  }
  cast(dtype: DType): Tensor {
    return elementwise.cast(this, dtype);
  }
  logicalNot(): Tensor {
    return elementwise.logicalNot(this);
  }
  isNaN(): Tensor {
    return elementwise.isNaN(this);
  }
  floor(): Tensor {
    return rounding.floor(this);
  }
  ceil(): Tensor {
    return rounding.ceil(this);
  }
  round(): Tensor {
    return rounding.round(this);
  }
  trunc(): Tensor {
    return rounding.trunc(this);
  }
  expm1(): Tensor {
    return rounding.expm1(this);
  }
  log2(): Tensor {
    return rounding.log2(this);
  }
  log10(): Tensor {
    return rounding.log10(this);
  }
  reciprocal(): Tensor {
    return rounding.reciprocal(this);
  }
  square(): Tensor {
    return rounding.square(this);
  }
  rsqrt(): Tensor {
    return rounding.rsqrt(this);
  }
  isFinite(): Tensor {
    return rounding.isFinite(this);
  }
  isInf(): Tensor {
    return rounding.isInf(this);
  }
  sin(): Tensor {
    return trigonometry.sin(this);
  }
  cos(): Tensor {
    return trigonometry.cos(this);
  }
  tan(): Tensor {
    return trigonometry.tan(this);
  }
  asin(): Tensor {
    return trigonometry.asin(this);
  }
  acos(): Tensor {
    return trigonometry.acos(this);
  }
  atan(): Tensor {
    return trigonometry.atan(this);
  }
  sinh(): Tensor {
    return trigonometry.sinh(this);
  }
  cosh(): Tensor {
    return trigonometry.cosh(this);
  }
  asinh(): Tensor {
    return trigonometry.asinh(this);
  }
  acosh(): Tensor {
    return trigonometry.acosh(this);
  }
  atanh(): Tensor {
    return trigonometry.atanh(this);
  }
  fmod(b: Operand): Tensor {
    return remainders.fmod(this, b);
  }
  remainder(b: Operand): Tensor {
    return remainders.remainder(this, b);
  }
  /** The angle of the point (x, this). */
  atan2(x: Operand): Tensor {
    return remainders.atan2(this, x);
  }
  sum(axes?: Axes, options?: ReduceOptions): Tensor {
    return reduce.sum(this, axes, options);
  }
  mean(axes?: Axes, options?: ReduceOptions): Tensor {
    return reduce.mean(this, axes, options);
  }
  max(axes?: Axes, options?: ReduceOptions): Tensor {
    return reduce.max(this, axes, options);
  }
  min(axes?: Axes, options?: ReduceOptions): Tensor {
    return reduce.min(this, axes, options);
  }
  var(axes?: Axes, options?: VarianceOptions): Tensor {
    return reduce.variance(this, axes, options);
  }
  std(axes?: Axes, options?: VarianceOptions): Tensor {
    return reduce.std(this, axes, options);
  }
  argmax(axis?: number, options?: ReduceOptions): Tensor {
    return reduce.argmax(this, axis, options);
  }
  argmin(axis?: number, options?: ReduceOptions): Tensor {
    return reduce.argmin(this, axis, options);
  }
  logsumexp(axes?: Axes, options?: ReduceOptions): Tensor {
    return reduce.logsumexp(this, axes, options);
  }
  softmax(axis?: number): Tensor {
    return reduce.softmax(this, axis);
  }
  logSoftmax(axis?: number): Tensor {
    return reduce.logSoftmax(this, axis);
  }
  reshape(shape: Shape): Tensor {
    return movement.reshape(this, shape);
  }
  squeeze(axis?: number): Tensor {
    return movement.squeeze(this, axis);
  }
  unsqueeze(axis: number): Tensor {
    return movement.unsqueeze(this, axis);
  }
  permute(axes: readonly number[]): Tensor {
    return movement.permute(this, axes);
  }
  transpose(axis0?: number, axis1?: number): Tensor {
    return movement.transpose(this, axis0, axis1);
  }
  expand(shape: Shape): Tensor {
    return movement.expand(this, shape);
  }
  slice(...ranges: readonly (Range | null)[]): Tensor {
    return indexing.slice(this, ...ranges);
  }
  flip(axes: Axes): Tensor {
    return indexing.flip(this, axes);
  }
  pad(pads: readonly (readonly [number, number])[], value?: number | PadOptions): Tensor {
    return pad(this, pads, value);
  }
  indexSelect(indices: Tensor | ArrayLike<number>, axis?: number): Tensor {
    return indexing.indexSelect(this, indices, axis);
  }
  tile(repeats: readonly number[]): Tensor {
    return rearrange.tile(this, repeats);
  }
  repeatInterleave(repeats: number, axis?: number): Tensor {
    return rearrange.repeatInterleave(this, repeats, axis);
  }
  roll(shifts: number | readonly number[], axes?: Axes): Tensor {
    return rearrange.roll(this, shifts, axes);
  }
  split(sizes: number | readonly number[], axis?: number): Tensor[] {
    return rearrange.splitTensor(this, sizes, axis);
  }
  chunk(count: number, axis?: number): Tensor[] {
    return rearrange.chunk(this, count, axis);
  }
  unbind(axis?: number): Tensor[] {
    return rearrange.unbind(this, axis);
  }
  tril(diagonal?: number): Tensor {
    return rearrange.tril(this, diagonal);
  }
  triu(diagonal?: number): Tensor {
    return rearrange.triu(this, diagonal);
  }
  gather(indices: Tensor | TensorData, axis?: number): Tensor {
    return gathers.gather(this, indices, axis);
  }
  scatter(indices: Tensor | TensorData, source: Operand, axis?: number): Tensor {
    return gathers.scatter(this, indices, source, axis);
  }
  scatterAdd(indices: Tensor | TensorData, source: Operand, axis?: number): Tensor {
    return gathers.scatterAdd(this, indices, source, axis);
  }
  scatterReduce(
    indices: Tensor | TensorData,
    source: Operand,
    reduction: ScatterReduction,
    options?: ScatterReduceOptions,
  ): Tensor {
    return scatterReduce(this, indices, source, reduction, options);
  }
  indexAdd(indices: Tensor | ArrayLike<number>, source: Tensor, axis?: number): Tensor {
    return gathers.indexAdd(this, indices, source, axis);
  }
  prod(axes?: Axes, options?: ReduceOptions): Tensor {
    return composedReduce.prod(this, axes, options);
  }
  norm(axes?: Axes, options?: composedReduce.VectorNormOptions): Tensor {
    return composedReduce.norm(this, axes, options);
  }
  any(axes?: Axes, options?: ReduceOptions): Tensor {
    return composedReduce.any(this, axes, options);
  }
  all(axes?: Axes, options?: ReduceOptions): Tensor {
    return composedReduce.all(this, axes, options);
  }
  cumsum(axis?: number, options?: scan.ScanOptions): Tensor {
    return scan.cumsum(this, axis, options);
  }
  cumprod(axis?: number, options?: scan.ScanOptions): Tensor {
    return scan.cumprod(this, axis, options);
  }
  sort(axis?: number, options?: sorting.SortOptions): [values: Tensor, indices: Tensor] {
    return sorting.sort(this, axis, options);
  }
  argsort(axis?: number, options?: sorting.SortOptions): Tensor {
    return sorting.argsort(this, axis, options);
  }
  topk(k: number, axis?: number, options?: sorting.TopkOptions): [values: Tensor, indices: Tensor] {
    return sorting.topk(this, k, axis, options);
  }
  matmul(b: Tensor): Tensor {
    return matmul(this, b);
  }
}

registerTensor((storage, shape, requiresGrad) => new Tensor(storage, shape, requiresGrad));
countCopy();

/**
 * A tensor of the host's data. All creation functions call it, so that a bundler keeps this file,
 * including the two registering calls above, wherever a tensor is created.
 */
export const fromHost = (device: Device, data: HostData, dtype: DType, shape: Shape): Tensor =>
  uploadTensor(device, data, dtype, shape);

/**
 * A tensor that a Module trains. It is a leaf that requires a gradient, and it is kept. It shares
 * `source`'s storage.
 * @source torch.nn.Parameter
 */
export class Parameter extends Tensor {
  constructor(source: Tensor, requiresGrad = true) {
    checkTensor('Parameter', 'source', source);
    super(source.storage.retain(), source.shape, false);
    this.madeBy = 'Parameter';
    this.requiresGrad = requiresGrad;
    this.keep();
  }
}

/**
 * Runs fn with recording on, also inside noGrad.
 * @throws ValueError if fn is not a function
 * @source torch.enable_grad
 */
export function enableGrad<T>(fn: () => T): T {
  checkFunction('enableGrad', 'fn', fn);
  return withTracking(true, fn);
}
