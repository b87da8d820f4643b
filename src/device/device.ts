/**
 * The contract between operations and devices: the kernels that a device must have, with their
 * operands, attributes and results. Long because the author of a device needs the whole contract.
 * Not here: the kernels (reference/, wasm/, gpu/), shape rules and gradients (autograd/ops).
 *
 * Arrays are dense and row-major, images NHWC, convolution weights HWIO. `run` need not wait for
 * the kernel; only reading waits.
 */
import type { DType, TypedArray } from '../values/dtype.js';
import type { HostData } from '../values/host-data.js';
import type { Shape } from '../values/shape.js';
import type { Conv2dGeometry, Pool2dGeometry } from '../values/window.js';

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
  | 'isNaN'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'trunc'
  | 'expm1'
  | 'sin'
  | 'cos'
  | 'tan'
  | 'asin'
  | 'acos'
  | 'atan'
  | 'sinh'
  | 'cosh'
  | 'asinh'
  | 'acosh'
  | 'atanh';
/**
 * Activations whose gradient is one kernel. It reads the output of sigmoid and tanh, and the input
 * of softplus and silu.
 */
export type UnaryGradFn = 'sigmoid' | 'tanh' | 'softplus' | 'silu';
/**
 * The treatment of NaN in max pooling.
 * - propagate: any NaN wins, with the index of the last one (PyTorch).
 * - tf: a NaN wins only as the first element of its window (TensorFlow).
 * - ignore: a NaN never wins; a window of only NaN gives −∞ and its first index.
 */
export type NanPolicy = 'propagate' | 'tf' | 'ignore';
/**
 * The value that a cell takes from several: the first or the last in row-major order, or the
 * largest (the first on ties; NaN counts as larger than all numbers).
 */
export type PickPolicy = 'first' | 'last' | 'max';
export type ArithmeticFn = 'add' | 'sub' | 'mul' | 'div' | 'pow' | 'maximum' | 'minimum' | 'fmod' | 'atan2';
export type ComparisonFn = 'equal' | 'notEqual' | 'less' | 'lessEqual' | 'greater' | 'greaterEqual';
export type BinaryFn = ArithmeticFn | ComparisonFn;

/**
 * A view of an array as [outer, positions, groups, inner]. One normalisation group consists of all
 * positions and inner elements of one outer element and group.
 */
export interface Grouping {
  readonly outer: number;
  readonly positions: number;
  readonly groups: number;
  readonly inner: number;
}

/**
 * Every kernel by name, with its attributes. Attributes are plain data, so that a call can be
 * recorded. `a, b → c` lists inputs and outputs.
 */
export interface KernelAttrs {
  /**
   * x → y. alpha: slope of leakyRelu, alpha of elu, lower bound of clamp. beta: upper bound of
   * clamp. isNaN and logicalNot give bool. round takes halves to the even neighbour.
   */
  unary: { fn: UnaryFn; alpha: number; beta: number };
  /**
   * a, b → c, with numpy broadcasting. Computed in the output's dtype. Comparisons are computed in
   * the inputs' dtype and give bool. maximum and minimum propagate NaN. fmod is the exact remainder
   * of the quotient that is rounded towards 0; of int32 by 0 it is 0.
   */
  binary: { fn: BinaryFn };
  /** a → c. The other operand is a number: a∘scalar, or scalar∘a if `reverse`. */
  binaryScalar: { fn: BinaryFn; scalar: number; reverse: boolean };
  /** condition (bool), a, b → c, all broadcast. */
  where: Record<never, never>;
  /**
   * g, x (same shape) → y, the gradient of relu and leakyRelu. With slope 0, y is 0 for any g where
   * x ≤ 0 and g elsewhere, also where x is NaN. With another slope, y is g where x > 0 and slope·g
   * elsewhere.
   */
  gate: { slope: number };
  /**
   * g, v (same shape) → g·fn′. v is fn's output for sigmoid and tanh, and its input for softplus
   * and silu.
   */
  unaryGrad: { fn: UnaryGradFn };
  /**
   * x → y in the output's dtype. Conversion to int32 truncates; numbers out of range give the
   * nearest limit, and NaN gives 0. Conversion to bool is x ≠ 0.
   */
  cast: Record<never, never>;
  /**
   * x → y over sorted distinct axes. The output's elements are in the order of the kept axes. max
   * and min propagate NaN.
   */
  reduce: { fn: 'sum' | 'max' | 'min'; axes: readonly number[] };
  /**
   * x → int32 index along one axis. The first element wins ties, and the first NaN wins over all.
   */
  argReduce: { fn: 'argmax' | 'argmin'; axis: number };
  /** x → y, y.shape[i] = x.shape[axes[i]]. */
  permute: { axes: readonly number[] };
  /** x → y: numpy broadcast to the output's shape. */
  expand: Record<never, never>;
  /** x → y, y[i…] = x[starts + i·steps]; steps may be negative. */
  slice: { starts: readonly number[]; steps: readonly number[] };
  /**
   * x → y, filled with `value`, then y[starts + i·steps] = x[i…]. Used for pad and for the gradient
   * of slice.
   */
  embed: { starts: readonly number[]; steps: readonly number[]; value: number };
  /** n inputs → y, joined along an axis. */
  concat: { axis: number };
  /**
   * x → n outputs, which are parts of x along an axis. Each begins at its start and is as long as
   * its output.
   */
  split: { axis: number; starts: readonly number[] };
  /** x, indices (int32, rank 1) → y: rows of x along axis. An index out of range gives zeros. */
  indexSelect: { axis: number };
  /**
   * g, indices → y: zeros, then y[…, indices[j], …] += g[…, j, …], in order of j. An index out of
   * range is skipped.
   */
  indexAdd: { axis: number };
  /**
   * a [batch…, m, k], b [batch…, k, n] → c [batch…, m, n]. Batch axes broadcast. With transposeA, a
   * is [batch…, k, m]; with transposeB, b is [batch…, n, k].
   */
  matmul: { transposeA: boolean; transposeB: boolean };
  /** x, weight, bias? → y. */
  conv2d: { geometry: Conv2dGeometry };
  /** g (shape of y), weight, bias? (inChannels) → shape of x. */
  conv2dInputGrad: { geometry: Conv2dGeometry };
  /** x, g → shape of weight. */
  conv2dWeightGrad: { geometry: Conv2dGeometry };
  /**
   * x, g → the gradients of weight and bias, which a device may compute in one pass. The first has
   * the weight's shape. The second is the sum over all pixels of g, or of x, per channel.
   */
  conv2dParameterGrads: { geometry: Conv2dGeometry; biasFrom: 'x' | 'g' };
  /**
   * x → values, indices (int32: y·W + x in the input's plane). The first element wins ties. Padding
   * never wins.
   */
  maxPool2d: { geometry: Pool2dGeometry; nan: NanPolicy };
  /**
   * values, indices → y [N, H, W, C]: zeros, then y[n, indices, c] += values, in row-major order.
   * An index out of range is skipped. geometry: the pool that created the indices, if known, so
   * that a device can gather instead of scatter.
   */
  maxUnpool2d: { geometry: Pool2dGeometry | null };
  /**
   * x [N, H, W, C], indices → y[n, i, j, c] = x[n, indices[n,i,j,c], c]. An index out of range
   * gives 0.
   */
  planeGather: Record<never, never>;
  /**
   * values, indices → bool: whether a value is the one picked for its cell, among all values of its
   * image and channel with the same index. An index out of range gives false. geometry: as in
   * maxUnpool2d. pixels: H·W of the plane.
   */
  unpoolPick: { pick: PickPolicy; geometry: Pool2dGeometry | null; pixels: number };
  /**
   * x → y. Divides the sum of a window by `divisor`, a whole number, or, if that is 0, by the
   * number of its cells inside the input.
   */
  avgPool2d: { geometry: Pool2dGeometry; divisor: number };
  /** g → shape of x: the transpose of avgPool2d. */
  avgPool2dGrad: { geometry: Pool2dGeometry; divisor: number };
  /**
   * logits, target (same shape) → loss per element: (1−z)·x + (1 +
   * (posWeight−1)·z)·(log1p(exp(−|x|)) + max(−x, 0)).
   */
  bceWithLogits: { posWeight: number };
  /**
   * g, logits, target (same shape) → g·∂loss/∂logits = g·((1 + (posWeight−1)·z)·sigmoid(x) −
   * posWeight·z).
   */
  bceWithLogitsGrad: { posWeight: number };
  /**
   * x → mean [2, outer, groups], variance [outer, groups]. The mean is the sum of its two rows,
   * because a single number would lose digits if the mean is large. The variance is divided by the
   * count.
   */
  moments: { grouping: Grouping };
  /**
   * x, mean [1 or 2, outer, groups], variance, and optionally scale and shift [groups·inner] → (x −
   * mean)·scale/√(variance + eps) + shift. The mean is the sum of its rows.
   */
  normalize: { grouping: Grouping; eps: number };
  /**
   * g, x, mean, variance, scale? → the gradient of normalize with respect to x and, with a scale,
   * those with respect to scale and shift. fixed: mean and variance are constants that do not
   * depend on x.
   */
  normalizeGrad: { grouping: Grouping; eps: number; fixed: boolean };
  /**
   * One Adam step. Inputs are p, g, m, v, vmax? for each parameter in turn; outputs are p, m, v,
   * vmax? for each in turn. `step` counts from 1.
   */
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
  /** AdamW: p shrinks by lr·weightDecay. Otherwise weightDecay·p is added to g. */
  decoupled: boolean;
  amsgrad: boolean;
  step: number;
}

export type KernelName = keyof KernelAttrs;
/** The kernels that move elements. */
export type MovementKernel = 'permute' | 'expand' | 'slice' | 'embed' | 'concat' | 'split' | 'indexSelect' | 'indexAdd';

/** The shape and dtype of a kernel's result, a dense array. */
export interface Spec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A device's array. Its contents are private to the device. */
export abstract class DeviceBuffer {
  constructor(
    readonly dtype: DType,
    readonly size: number,
  ) {}

  /**
   * The argument for `free` after the owner was garbage-collected: this buffer, or a smaller object
   * if the garbage collector manages the array itself.
   */
  get remains(): DeviceBuffer {
    return this;
  }
}

/** An operand of a kernel. */
export interface Operand<B extends DeviceBuffer = DeviceBuffer> extends Spec {
  readonly buffer: B;
}

/** One function per kernel. The compiler rejects a device that lacks one. */
export type Kernels<Input, Output> = {
  readonly [K in KernelName]: (inputs: readonly Input[], attrs: KernelAttrs[K], outputs: readonly Output[]) => void;
};

/** The memory that a device uses. */
export interface MemoryReport {
  /** Arrays in use. */
  tensors: number;
  /** Bytes of the arrays in use. */
  bytes: number;
  /** Bytes kept for reuse. */
  pooled: number;
  /**
   * Number of the device's own arrays that hold the tensors. Given on gpu, where several tensors
   * can share one array.
   */
  arrays?: number;
}

/** The number of kernel runs, uploads and reads, for tests and benchmarks. */
export interface Counters {
  kernels: number;
  uploads: number;
  reads: number;
}

/**
 * Recorded kernel calls that can be run again on the same buffers. A position grows with the
 * calls recorded before it.
 */
export interface Plan {
  /** Runs the calls recorded between two positions. */
  run(from: number, to: number): void;
  /**
   * Replaces the attributes of the call at a position. Returns false if the call cannot be changed
   * in place.
   */
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
  /** Releases the memory that was allocated during the recording. */
  dispose(): void;
}

/**
 * A recording in progress. Calls run and are recorded. Buffers allocated meanwhile belong to the
 * plan. Buffers freed meanwhile may be reused only by later calls of the same plan.
 */
export interface Recording {
  position(): number;
  /**
   * Lets later calls of the plan use the memory of a buffer that was allocated meanwhile. The
   * buffer remains, because the calls up to here write and read it at every run of the plan.
   */
  reuse(buffer: DeviceBuffer): void;
  end(): Plan;
}

export interface Device {
  /** 'reference', 'wasm' or 'gpu'. */
  readonly name: string;
  /**
   * The variant that runs: 'plain' on reference, the build of the kernels on wasm, gpu.js's mode
   * name on gpu.
   */
  readonly mode: string;
  readonly dtypes: readonly DType[];
  /** Whether its arrays are in memory whose size the host's garbage collector does not see. */
  readonly offHeap: boolean;
  readonly counters: Counters;
  /** Whether it can compute: it is not closed, and its adapter or memory is not lost. */
  readonly alive: boolean;
  /**
   * Why this device runs in place of a faster one, or with fewer threads or less memory. Otherwise
   * null.
   */
  readonly note?: string | null;
  /** Name, mode and note, as in 'gpu (webasm)'. */
  toString(): string;
  memory(): MemoryReport;
  /**
   * Copies an array to the device, or draws a mask there. Throws a DeviceError for a dtype that the
   * device lacks.
   */
  upload(data: HostData, dtype: DType): DeviceBuffer;
  /**
   * Starts a kernel. Returns one buffer per output spec: a new one, or the one in `into`. The
   * latter may be an input of a kernel that reads no element after writing it (cast, gate,
   * unaryGrad, adam).
   */
  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[];
  /** Copies an array to the host. A kernel's failure is reported here. */
  read(buffer: DeviceBuffer): Promise<TypedArray>;
  /** Like read, but synchronous. Throws a DeviceError if the device cannot read synchronously. */
  readSync(buffer: DeviceBuffer): TypedArray;
  /**
   * The array itself, when all work submitted so far is done. The caller may overwrite it until it
   * calls the device again. Absent if arrays are not in the memory of the process.
   */
  map?(buffer: DeviceBuffer): TypedArray;
  /** Starts a recording. Absent if the device cannot record. */
  record?(): Recording;
  /** Frees a buffer. It must not be used afterwards. */
  free(buffer: DeviceBuffer): void;
  /** Resolves when all submitted work is done. Rejects with its first failure. */
  sync(): Promise<void>;
  /** Releases the device's resources, so that a process can exit. */
  close(): Promise<void>;
}
