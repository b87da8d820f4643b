/** Making tensors from numbers, arrays and the seeded generator. */
import { isTensor, place } from '../autograd/graph.js';
import { type IndexConvention, indicesFrom, type PoolIndices } from '../autograd/ops/pool-indices.js';
import type { Device } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import { ValueError } from '../errors.js';
import { allocate, checkHolds, type DType, holds, type TypedArray } from './dtype.js';
import { checkGenerator, type RandomGenerator } from './generator.js';
import { parse, type TensorData } from './nested.js';
import { globalRandom } from './random.js';
import { checkShape, resolveReshape, type Shape, sizeOf } from './shape.js';
import type { Tensor } from './tensor.js';
import { type Pool2dOptions, poolGeometry } from './window.js';

export interface TensorOptions {
  /** Default 'float32' (bool for booleans, int32 for integer typed arrays). */
  dtype?: DType;
  /** Default: the default device. */
  device?: Device;
  /** Record operations on it. Default false. */
  requiresGrad?: boolean;
}

export interface RandomTensorOptions extends TensorOptions {
  /** Source of the values; manualSeed's generator by default. */
  random?: RandomGenerator;
}

/** Copies into the dtype's array; a value that the dtype cannot hold is an error. */
function convert(data: ArrayLike<number>, dtype: DType): TypedArray {
  const out = allocate(dtype, data.length);
  for (let i = 0; i < data.length; i++) {
    const v = data[i];
    if (dtype === 'int32' && !holds(dtype, v))
      throw new ValueError(
        'tensor',
        'int32 holds whole numbers in [-2^31, 2^31)',
        `element ${i}=${v}`,
        "pass dtype: 'float32'",
      );
    out[i] = dtype === 'bool' ? Number(v !== 0) : v;
  }
  return out;
}

function leaf(
  data: TypedArray,
  shape: Shape,
  dtype: DType,
  { device = defaultDevice(), requiresGrad = false }: TensorOptions,
): Tensor {
  const t = place(device, data, dtype, shape);
  if (requiresGrad) t.requiresGrad = true;
  return t;
}

/**
 * A tensor of the given values, copied. Floats become float32 whatever their array, unless dtype says otherwise.
 * @shape nested arrays: their own; typed arrays: `shape`, or [length]; ndarray: its own
 * @throws ShapeError for ragged arrays or a shape of another size; ValueError for values the dtype cannot hold; DeviceError for a dtype the device lacks
 * @source torch.tensor
 */
export function tensor(data: TensorData, options: TensorOptions & { shape?: Shape } = {}): Tensor {
  const parsed = parse('tensor', data);
  const dtype = options.dtype ?? parsed.dtype;
  const shape = options.shape === undefined ? parsed.shape : resolveReshape('tensor', parsed.shape, options.shape);
  return leaf(convert(parsed.data, dtype), shape, dtype, options);
}

function filled(op: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  checkShape(op, shape);
  const dtype = options.dtype ?? 'float32';
  checkHolds(op, dtype, value);
  return leaf(allocate(dtype, sizeOf(shape)).fill(value), [...shape], dtype, options);
}
/** Filled with a value. @shape → [shape] @throws ShapeError for a bad shape; ValueError for a number that the dtype cannot hold @source torch.full */
export const full = (shape: Shape, value: number, options: TensorOptions = {}): Tensor =>
  filled('full', shape, value, options);
/** Zeros. @shape → [shape] @throws ShapeError for a bad shape @source torch.zeros */
export const zeros = (shape: Shape, options: TensorOptions = {}): Tensor => filled('zeros', shape, 0, options);
/** Ones. @shape → [shape] @throws ShapeError for a bad shape @source torch.ones */
export const ones = (shape: Shape, options: TensorOptions = {}): Tensor => filled('ones', shape, 1, options);

/** Creates by index. */
function generate(shape: Shape, value: (i: number) => number, options: TensorOptions): Tensor {
  const dtype = options.dtype ?? 'float32';
  return leaf(
    convert(
      Array.from({ length: sizeOf(shape) }, (_, i) => value(i)),
      dtype,
    ),
    shape,
    dtype,
    options,
  );
}
/** start, start + step, … below end; arange(n) counts from 0. @shape → [⌈(end − start)/step⌉] @throws ValueError for a step of 0 or NaN @source torch.arange */
export function arange(start: number, end?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  const size = Math.max(0, Math.ceil((to - from) / step));
  if (!Number.isFinite(size))
    throw new ValueError('arange', 'bounds must be finite and step not 0', `start=${from}, end=${to}, step=${step}`);
  return generate([size], (i) => from + i * step, options);
}
/** n evenly spaced numbers, both ends included. @shape → [n] @throws ValueError unless n is whole and at least 1 @source torch.linspace */
export function linspace(start: number, end: number, n: number, options: TensorOptions = {}): Tensor {
  if (!Number.isInteger(n) || n < 1) throw new ValueError('linspace', 'n must be whole and at least 1', `n=${n}`);
  return generate([n], (i) => (i === n - 1 && n > 1 ? end : start + ((end - start) / Math.max(n - 1, 1)) * i), options);
}
/** Ones on the diagonal. @shape → [n, m] @throws ShapeError for a bad size @source torch.eye */
export function eye(n: number, m = n, options: TensorOptions = {}): Tensor {
  checkShape('eye', [n, m]);
  return generate([n, m], (i) => (Math.floor(i / m) === i % m ? 1 : 0), options);
}
/**
 * Uniform in [0, 1), from `random` or manualSeed's generator.
 * @shape → [shape]
 * @throws ShapeError for a bad shape; ValueError for a random that is no generator
 * @source torch.rand
 */
export function rand(shape: Shape, { random = globalRandom(), ...options }: RandomTensorOptions = {}): Tensor {
  checkShape('rand', shape);
  checkGenerator('rand', random);
  return tensor(random.rand(sizeOf(shape)), { ...options, shape });
}
/**
 * Normal with mean 0 and variance 1, from `random` or manualSeed's generator.
 * @shape → [shape]
 * @throws ShapeError for a bad shape; ValueError for a random that is no generator
 * @source torch.randn
 */
export function randn(shape: Shape, { random = globalRandom(), ...options }: RandomTensorOptions = {}): Tensor {
  checkShape('randn', shape);
  checkGenerator('randn', random);
  return tensor(random.randn(sizeOf(shape)), { ...options, shape });
}
/** Zeros in another tensor's shape, dtype and device. @shape x → y, as x @throws GraphError for a released tensor @source torch.zeros_like */
export const zerosLike = (x: Tensor): Tensor => x.zerosLike();
/** Ones in another tensor's shape, dtype and device. @shape x → y, as x @throws GraphError for a released tensor @source torch.ones_like */
export const onesLike = (x: Tensor): Tensor => x.onesLike();

/**
 * Pool indices from elsewhere, each checked, for maxUnpool2d. With the pool that made them an index must lie in its own window, and unpooling is as fast as
 * with the pool's own.
 * @shape data: one index per element of `shape` [N,H′,W′,C], into `inputShape` [N,H,W,C]
 * @units as `convention` says
 * @throws ValueError for an index out of range, outside its window or of another convention, naming the element; ShapeError for shapes that do not fit
 * @source tf.nn.max_pool_with_argmax (include_batch_in_index); torch.nn.MaxUnpool2d
 */
export function poolIndices(
  data: TensorData | Tensor,
  options: {
    shape?: Shape;
    convention: IndexConvention;
    inputShape: Shape;
    pool?: Pool2dOptions;
    /** Default: a tensor's own, else the default device. */
    device?: Device;
  },
): PoolIndices {
  const op = 'poolIndices';
  const { shape, convention, inputShape, pool } = options;
  const device = options.device ?? (isTensor(data) ? data.device : defaultDevice());
  const geometry = pool === undefined ? null : poolGeometry(op, inputShape, pool);
  return indicesFrom(op, data, shape, { convention, inputShape, geometry, device });
}
