/**
 * The contract between operations and devices: the kernels a device must have, what they are given and what they return.
 * Not here: any kernel (reference/, wasm/, gpu/), any shape rule or gradient (autograd/ops).
 *
 * Arrays are dense and row-major, images NHWC, convolution weights HWIO. `run` returns at once on every device; only reading is asynchronous.
 */
import type { DType, TypedArray } from '../tensor/dtype.js';
import type { Mask } from '../tensor/random.js';
import type { Shape } from '../tensor/shape.js';
import type { Conv2dGeometry, Pool2dGeometry } from '../tensor/window.js';

export type UnaryFn =
  | 'neg'
  | 'exp'
  | 'log'
  | 'log1p'
  | 'sqrt'
  | 'abs'
  | 'sign'
  | 'relu'
  | 'leakyRelu'
  | 'elu'
  | 'gelu'
  | 'silu'
  | 'sigmoid'
  | 'tanh'
  | 'softplus'
  | 'erf'
  | 'clamp'
  | 'logicalNot'
  | 'isNaN';
/** Activations whose gradient is one kernel: sigmoid and tanh by their output, softplus and silu by their input. */
export type UnaryGradFn = 'sigmoid' | 'tanh' | 'softplus' | 'silu';
/**
 * What max pooling does with NaN. propagate: any NaN wins, the last one's index (PyTorch). tf: only as the first of its window (TensorFlow).
 * ignore: never; a window of nothing else gives −∞ and its first index.
 */
export type NanPolicy = 'propagate' | 'tf' | 'ignore';
/** Which of several values for one cell is taken: the first or last in row-major order, or the largest (the first of equals; NaN is larger than all). */
export type PickPolicy = 'first' | 'last' | 'max';
export type ArithmeticFn = 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'maximum' | 'minimum';
export type ComparisonFn = 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual';
export type BinaryFn = ArithmeticFn | ComparisonFn;

/** An array as [outer, positions, groups, inner]: what is normalised together is all positions and inner elements of one outer element and group. */
export interface Grouping {
  readonly outer: number;
  readonly positions: number;
  readonly groups: number;
  readonly inner: number;
}

/** Every kernel by name, with its attributes: plain data, so that a call can be recorded. `a, b → c` lists inputs and outputs. */
export interface KernelAttrs {
  /** x → y. alpha: slope of leakyRelu, alpha of elu, lower bound of clamp; beta: upper bound of clamp. isNaN and logicalNot give bool. */
  unary: { fn: UnaryFn; alpha: number; beta: number };
  /** a, b → c, numpy broadcasting, computed in the output's dtype (comparisons in the inputs' and give bool). maximum and minimum propagate NaN. */
  binary: { fn: BinaryFn };
  /** a → c, the other operand a number: a∘scalar, or scalar∘a when reverse. */
  binaryScalar: { fn: BinaryFn; scalar: number; reverse: boolean };
  /** condition (bool), a, b → c, all broadcast. */
  where: Record<never, never>;
  /**
   * g, x (same shape) → y: the gradient of relu and leakyRelu. With slope 0, y is 0 for any g where
   * x ≤ 0, and else g, also where x is NaN. With another slope, y is g where x > 0, else slope·g.
   */
  gate: { slope: number };
  /** g, v (same shape) → g·fn′; v is fn's output for sigmoid and tanh, its input for softplus and silu. */
  unaryGrad: { fn: UnaryGradFn };
  /**
   * x → y in the output's dtype. To int32 it truncates, beyond int32 gives the nearest limit, and for
   * NaN gives 0. To bool it is x ≠ 0.
   */
  cast: Record<never, never>;
  /** x → y over sorted distinct axes; the output's element order is that of the kept axes. max and min propagate NaN. */
  reduce: { fn: 'sum' | 'max' | 'min'; axes: readonly number[] };
  /** x → int32 index along one axis, first on ties; the first NaN wins. */
  argReduce: { fn: 'argmax' | 'argmin'; axis: number };
  /** x → y, y.shape[i] = x.shape[axes[i]]. */
  permute: { axes: readonly number[] };
  /** x → y: numpy broadcast to the output's shape. */
  expand: Record<never, never>;
  /** x → y, y[i…] = x[starts + i·steps]; steps may be negative. */
  slice: { starts: readonly number[]; steps: readonly number[] };
  /** x → y, filled with value, then y[starts + i·steps] = x[i…]: pad, and the gradient of slice. */
  embed: { starts: readonly number[]; steps: readonly number[]; value: number };
  /** n inputs → y, joined along an axis. */
  concat: { axis: number };
  /** x, indices (int32, rank 1) → y: rows of x along axis; zeros for an index outside. */
  indexSelect: { axis: number };
  /** g, indices → y: zeros, then y[…, indices[j], …] += g[…, j, …], in order of j; nothing for an index outside. */
  indexAdd: { axis: number };
  /** a [batch…, m, k], b [batch…, k, n] → c [batch…, m, n]; batch axes broadcast; transposeA: a is [batch…, k, m]; transposeB: b is [batch…, n, k]. */
  matmul: { transposeA: boolean; transposeB: boolean };
  /** x, weight, bias? → y. */
  conv2d: { geometry: Conv2dGeometry };
  /** g (shape of y), weight, bias? (inChannels) → shape of x. */
  conv2dInputGrad: { geometry: Conv2dGeometry };
  /** x, g → shape of weight. */
  conv2dWeightGrad: { geometry: Conv2dGeometry };
  /** x, g → shape of weight, and one number per channel of g, or of x: Σ over pixels. The gradients of weight and bias, which a device may take in one pass. */
  conv2dParameterGrads: { geometry: Conv2dGeometry; biasFrom: 'x' | 'g' };
  /** x → values, indices (int32: y·W + x in the input's plane). First wins ties; padding never wins. */
  maxPool2d: { geometry: Pool2dGeometry; nan: NanPolicy };
  /** values, indices → y [N, H, W, C]: zeros, then y[n, indices, c] += values, in row-major order; nothing for an index outside. geometry: the pool that made the indices, when known, so that a device can gather. */
  maxUnpool2d: { geometry: Pool2dGeometry | null };
  /** x [N, H, W, C], indices → y[n, i, j, c] = x[n, indices[n,i,j,c], c]; 0 for an index outside. */
  planeGather: Record<never, never>;
  /** values, indices → bool: whether a value is the one taken for its cell, of all of its image and channel whose index is the same; false for an index outside. geometry: as maxUnpool2d; pixels: H·W of the plane. */
  unpoolPick: { pick: PickPolicy; geometry: Pool2dGeometry | null; pixels: number };
  /** x → y; divides by the kernel's size, or by the cells inside the input when countIncludePad is false. */
  avgPool2d: { geometry: Pool2dGeometry; countIncludePad: boolean };
  /** g → shape of x: the transpose of avgPool2d. */
  avgPool2dGrad: { geometry: Pool2dGeometry; countIncludePad: boolean };
  /** logits, target (same shape) → loss per element: (1−z)·x + (1 + (posWeight−1)·z)·(log1p(exp(−|x|)) + max(−x, 0)). */
  bceWithLogits: { posWeight: number };
  /** g, logits, target (same shape) → g·∂loss/∂logits = g·((1 + (posWeight−1)·z)·sigmoid(x) − posWeight·z). */
  bceWithLogitsGrad: { posWeight: number };
  /** x → mean [2, outer, groups], the sum of its two rows, since one number would lose digits where the mean is large; variance [outer, groups], divided by the count. */
  moments: { grouping: Grouping };
  /** x, mean [1 or 2, outer, groups], the sum of its rows, variance, then scale and shift [groups·inner] or neither → (x − mean)·scale/√(variance + eps) + shift. */
  normalize: { grouping: Grouping; eps: number };
  /** g, x, mean, variance, scale? → the gradients of normalize by x and, with a scale, by scale and shift. fixed: mean and variance do not depend on x. */
  normalizeGrad: { grouping: Grouping; eps: number; fixed: boolean };
  /** p, g, m, v, vmax? for each parameter in turn → p, m, v, vmax? in turn: one Adam step; `step` counts from 1. */
  adam: AdamAttrs;
}

export interface AdamAttrs {
  /** torch: p −= lr·m̂/(√v̂ + ε). tf: p −= lr·√(1−β2^t)/(1−β1^t)·m/(√v + ε). */
  form: 'torch' | 'tf';
  lr: number;
  beta1: number;
  beta2: number;
  eps: number;
  weightDecay: number;
  /** AdamW: p shrinks by lr·weightDecay; else weightDecay·p is added to g. */
  decoupled: boolean;
  amsgrad: boolean;
  step: number;
}

export type KernelName = keyof KernelAttrs;

/** What a kernel makes: a dense array of this shape and type. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A device's array; what it holds is the device's own affair. */
export abstract class DeviceBuffer {
  constructor(
    readonly dtype: DType,
    readonly size: number,
  ) {}

  /** What `free` needs when the owner was collected: this buffer, or less where the garbage collector owns the array itself. */
  get remains(): DeviceBuffer {
    return this;
  }
}

/** An input of a kernel. */
export interface Operand<B extends DeviceBuffer = DeviceBuffer> extends Spec {
  readonly buffer: B;
}

/** One function per kernel: the compiler rejects a device that lacks one. */
export type Kernels<Input, Output> = {
  readonly [K in KernelName]: (inputs: readonly Input[], attrs: KernelAttrs[K], outputs: readonly Output[]) => void;
};

/** What comes from the host: values, or a mask that the device may draw itself. */
export type HostData = TypedArray | Mask;

/** What a device holds. */
export interface MemoryReport {
  /** Arrays in use. */
  tensors: number;
  /** Their bytes. */
  bytes: number;
  /** Bytes kept for reuse. */
  pooled: number;
  /** Arrays of the device's own that hold them, where several can share one: gpu. */
  arrays?: number;
}

/** How often a device was asked to compute, upload and read; for tests and benchmarks. */
export interface Counters {
  kernels: number;
  uploads: number;
  reads: number;
}

/** Kernel calls recorded while they ran, to be run again on the same buffers. Positions count what was recorded before. */
export interface Plan {
  /** Runs the calls recorded between two positions. */
  run(from: number, to: number): void;
  /** Puts other attributes into the call at a position; false where the call cannot be changed in place. */
  rewrite<K extends KernelName>(
    at: number,
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    buffers: readonly DeviceBuffer[],
  ): boolean;
  /** Overwrites a buffer that was uploaded during the recording. */
  write(buffer: DeviceBuffer, data: HostData): void;
  /** Gives back the memory that was allocated during the recording. */
  dispose(): void;
}

/** A recording under way: calls run and are kept; buffers made now belong to the plan, freed ones to its later calls only. */
export interface Recording {
  position(): number;
  end(): Plan;
}

export interface Device {
  /** 'reference', 'wasm' or 'gpu'. */
  readonly name: string;
  /** What really runs: 'plain' on reference; the build of the kernels on wasm; gpu.js's own mode name on gpu. */
  readonly mode: string;
  readonly dtypes: readonly DType[];
  /** Whether its arrays lie where the host's garbage collector does not see their size. */
  readonly offHeap: boolean;
  readonly counters: Counters;
  /** Whether it can compute: not closed, and its adapter or memory not lost. */
  readonly alive: boolean;
  /** Why it runs in place of a faster device, or with fewer threads or less memory, or null. */
  readonly note?: string | null;
  /** Name, mode and note, as in 'gpu (webasm)'. */
  toString(): string;
  memory(): MemoryReport;
  /** Copies an array in, or draws a mask; DeviceError for a dtype the device lacks. */
  upload(data: HostData, dtype: DType): DeviceBuffer;
  /**
   * Starts a kernel; returns one buffer per output spec: a new one, or the one in `into`, which may be an input where the kernel reads
   * no element after it has written it (cast, gate, unaryGrad, adam).
   */
  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[];
  /** Copies an array out; a kernel's failure surfaces here. */
  read(buffer: DeviceBuffer): Promise<TypedArray>;
  /** The same at once, or a DeviceError where the device cannot. */
  readSync(buffer: DeviceBuffer): TypedArray;
  /** Starts to record; absent where a device cannot. */
  record?(): Recording;
  /** Ends a buffer's life; it must not be used again. */
  free(buffer: DeviceBuffer): void;
  /** Resolves when all work given so far is done; rejects with its first failure. */
  sync(): Promise<void>;
  /** Gives back what the device holds, so that a process can exit. */
  close(): Promise<void>;
}
