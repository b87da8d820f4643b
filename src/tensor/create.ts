/** Creation of tensors from numbers, arrays and random generators. */
import { checkDevice, checkIsNumber, checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import { checkTensor, isTensor } from '../autograd/graph.js';
import type { IndexConvention } from '../autograd/ops/index-conventions.js';
import type { MaxPool2dOptions } from '../autograd/ops/pool.js';
import { indicesFrom, type PoolIndices } from '../autograd/ops/pool-indices.js';
import type { MaxPool1dOptions } from '../autograd/ops/pool1d.js';
import type { Device } from '../device/device.js';
import { defaultDevice } from '../device/select.js';
import { ValueError } from '../errors.js';
import { noteDraw } from '../values/draws.js';
import { allocate, checkDType, checkHolds, type DType, holds, isFloat, type TypedArray } from '../values/dtype.js';
import { checkGenerator, type RandomGenerator } from '../values/generator.js';
import { type HostData, Repeated } from '../values/host-data.js';
import { parse, type TensorData } from '../values/nested.js';
import { globalRandom } from '../values/random.js';
import { checkShape, ownShape, resolveReshape, type Shape, sizeOf } from '../values/shape.js';
import { pool2dOptions, poolGeometry } from '../values/window.js';
import { pool1dGeometry } from '../values/window1d.js';
import { fromHost, type Tensor } from './tensor.js';

export interface TensorOptions {
  /** Default 'float32' (bool for booleans, int32 for integer typed arrays). */
  dtype?: DType;
  /** Default: the default device (setDefaultDevice). */
  device?: Device;
  /** Whether operations on it are recorded. Default false. */
  requiresGrad?: boolean;
}

export interface RandomTensorOptions extends TensorOptions {
  /** Source of the values; manualSeed's generator by default. */
  random?: RandomGenerator;
}

const tensorOptions: OptionNames<TensorOptions> = { dtype: 'value', device: 'value', requiresGrad: 'flag' };
const randomTensorOptions: OptionNames<RandomTensorOptions> = { ...tensorOptions, random: 'value' };

/**
 * Checks the options that all functions here share. It runs before any work, so that a wrong option
 * does not waste it.
 */
function checkTensorOptions<O extends TensorOptions>(op: string, options: O, names: OptionNames<O>): void {
  knownOptions(op, options, names);
  if (options.dtype !== undefined) checkDType(op, options.dtype);
  if (options.device !== undefined) checkDevice(op, options.device);
}

/** Copies values into an array of the dtype. Throws for a value that the dtype cannot hold. */
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

/** A leaf. It is uploaded as it is, so `data` must be a float array or fit the dtype. */
export function leaf(
  data: HostData,
  shape: Shape,
  dtype: DType,
  { device = defaultDevice(), requiresGrad = false }: TensorOptions = {},
): Tensor {
  const t = fromHost(device, data, dtype, shape);
  if (requiresGrad) t.requiresGrad = true;
  return t;
}

/**
 * A tensor with a copy of the given values. Floating-point arrays become float32, unless dtype says
 * otherwise.
 * @shape nested arrays: their own; typed arrays: `shape`, or [length]; ndarray: its own
 * @throws ShapeError for ragged arrays or a shape of another size; ValueError for values the dtype
 * cannot hold; DeviceError for a dtype the device lacks
 * @source torch.tensor
 */
export function tensor(data: TensorData, options: TensorOptions & { shape?: Shape } = {}): Tensor {
  checkTensorOptions('tensor', options, { ...tensorOptions, shape: 'value' });
  const { shape: asked } = options;
  const parsed = parse('tensor', data);
  const dtype = options.dtype ?? parsed.dtype;
  const shape = asked === undefined ? parsed.shape : resolveReshape('tensor', parsed.shape, asked);
  return leaf(convert(parsed.data, dtype), shape, dtype, options);
}

function filled(op: string, shape: Shape, value: number, options: TensorOptions): Tensor {
  const own = ownShape(op, shape);
  checkIsNumber(op, 'value', value);
  checkTensorOptions(op, options, tensorOptions);
  const dtype = options.dtype ?? 'float32';
  checkHolds(op, dtype, value);
  return leaf(new Repeated(sizeOf(own), value), own, dtype, options);
}
/**
 * A tensor filled with one value.
 * @shape → [shape]
 * @throws ShapeError for an invalid shape; ValueError for a number that the dtype cannot hold
 * @source torch.full
 */
export const full = (shape: Shape, value: number, options: TensorOptions = {}): Tensor =>
  filled('full', shape, value, options);
/** Zeros. @shape → [shape] @throws ShapeError for a bad shape @source torch.zeros */
export const zeros = (shape: Shape, options: TensorOptions = {}): Tensor => filled('zeros', shape, 0, options);
/** Ones. @shape → [shape] @throws ShapeError for a bad shape @source torch.ones */
export const ones = (shape: Shape, options: TensorOptions = {}): Tensor => filled('ones', shape, 1, options);

/** Computes each element from its index. */
function generate(op: string, shape: Shape, value: (i: number) => number, options: TensorOptions): Tensor {
  checkShape(op, shape);
  checkTensorOptions(op, options, tensorOptions);
  const dtype = options.dtype ?? 'float32';
  // Writes directly into a typed array. A list of boxed numbers would take many times its memory.
  const values = allocate(isFloat(dtype) ? dtype : 'float64', sizeOf(shape));
  for (let i = 0; i < values.length; i++) values[i] = value(i);
  return leaf(isFloat(dtype) ? values : convert(values, dtype), shape, dtype, options);
}
/**
 * start, start + step, … below end. arange(n) counts from 0.
 * @shape → [⌈(end − start)/step⌉]
 * @throws ValueError for a step of 0 or NaN
 * @source torch.arange
 */
export function arange(start: number, end?: number, step = 1, options: TensorOptions = {}): Tensor {
  const [from, to] = end === undefined ? [0, start] : [start, end];
  for (const [name, bound] of Object.entries({ start: from, end: to, step })) checkIsNumber('arange', name, bound);
  const size = Math.max(0, Math.ceil((to - from) / step));
  if (!Number.isFinite(size))
    throw new ValueError('arange', 'bounds must be finite and step not 0', `start=${from}, end=${to}, step=${step}`);
  return generate('arange', [size], (i) => from + i * step, options);
}
/**
 * n evenly spaced numbers, both ends included.
 * @shape → [n]
 * @throws ValueError unless n is whole and at least 1
 * @source torch.linspace
 */
export function linspace(start: number, end: number, n: number, options: TensorOptions = {}): Tensor {
  const op = 'linspace';
  checkIsNumber(op, 'start', start);
  checkIsNumber(op, 'end', end);
  checkNumber(op, 'n', n, (v) => Number.isInteger(v) && v >= 1, 'whole and at least 1');
  const step = (end - start) / Math.max(n - 1, 1);
  return generate(op, [n], (i) => (i === n - 1 && n > 1 ? end : start + step * i), options);
}
/** Ones on the diagonal. @shape → [n, m] @throws ShapeError for a bad size @source torch.eye */
export function eye(n: number, m = n, options: TensorOptions = {}): Tensor {
  return generate('eye', [n, m], (i) => (Math.floor(i / m) === i % m ? 1 : 0), options);
}
/** Draws from a generator. All arguments are checked before the generator's state changes. */
function drawn(op: 'rand' | 'randn', shape: Shape, options: RandomTensorOptions): Tensor {
  checkShape(op, shape);
  checkTensorOptions(op, options, randomTensorOptions);
  const { random = globalRandom(), ...rest } = options;
  checkGenerator(op, random);
  noteDraw(random);
  return tensor(random[op](sizeOf(shape)), { ...rest, shape });
}
/**
 * Uniform numbers in [0, 1), from `random` or manualSeed's generator.
 * @shape → [shape]
 * @throws ShapeError for an invalid shape; ValueError if `random` is not a generator
 * @source torch.rand
 */
export const rand = (shape: Shape, options: RandomTensorOptions = {}): Tensor => drawn('rand', shape, options);
/**
 * Normal numbers with mean 0 and variance 1, from `random` or manualSeed's generator.
 * @shape → [shape]
 * @throws ShapeError for an invalid shape; ValueError if `random` is not a generator
 * @source torch.randn
 */
export const randn = (shape: Shape, options: RandomTensorOptions = {}): Tensor => drawn('randn', shape, options);
function filledLike(op: string, x: Tensor, value: number): Tensor {
  checkTensor(op, 'input', x);
  return x.fullLike(value);
}
/**
 * Zeros in another tensor's shape, dtype and device.
 * @shape x → y, as x
 * @throws GraphError for a released tensor
 * @source torch.zeros_like
 */
export const zerosLike = (x: Tensor): Tensor => filledLike('zerosLike', x, 0);
/**
 * Ones in another tensor's shape, dtype and device.
 * @shape x → y, as x
 * @throws GraphError for a released tensor
 * @source torch.ones_like
 */
export const onesLike = (x: Tensor): Tensor => filledLike('onesLike', x, 1);

interface PoolIndicesOptions {
  shape?: Shape;
  convention: IndexConvention;
  /** [N,H,W,C], of series [N,L,C]. */
  inputShape: Shape;
  /** The pool that created the indices; of series, with numbers for sizes. */
  pool?: Omit<MaxPool2dOptions, 'nan'> | Omit<MaxPool1dOptions, 'nan'>;
  /** Default: the device of a tensor, else the default device. */
  device?: Device;
}
const poolIndicesOptions: OptionNames<PoolIndicesOptions> = {
  convention: 'value',
  inputShape: 'value',
  shape: 'value',
  pool: 'value',
  device: 'value',
};

/**
 * Pool indices from another source, for maxUnpool2d or maxUnpool1d. Each index is checked. If the
 * pool that created them is given, an index must lie in its own window, and unpooling is as fast as
 * with indices from maxPool2d or maxPool1d.
 * @shape data: one index per element of `shape` [N,H′,W′,C], into `inputShape` [N,H,W,C]; of
 * series, [N,L′,C] into [N,L,C]
 * @units as `convention` says
 * @throws ValueError for an index out of range, outside its window or of another convention, with
 * its element; ShapeError for shapes that do not fit
 * @source tf.nn.max_pool_with_argmax (include_batch_in_index); torch.nn.MaxUnpool2d
 */
export function poolIndices(data: TensorData | Tensor, options: PoolIndicesOptions): PoolIndices {
  const op = 'poolIndices';
  knownOptions(op, options, poolIndicesOptions);
  if (options.pool !== undefined) knownOptions<object>(op, options.pool, { ...pool2dOptions, dilation: 'value' });
  if (options.device !== undefined) checkDevice(op, options.device);
  const { shape, convention, inputShape, pool } = options;
  const device = options.device ?? (isTensor(data) ? data.device : defaultDevice());
  const isSeries = Array.isArray(inputShape) && inputShape.length === 3;
  const geometry =
    pool === undefined
      ? null
      : isSeries
        ? pool1dGeometry(op, inputShape, pool as MaxPool1dOptions)
        : poolGeometry(op, inputShape, pool as MaxPool2dOptions);
  return indicesFrom(op, data, shape, { convention, inputShape, geometry, device });
}
