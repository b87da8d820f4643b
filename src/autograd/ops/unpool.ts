/**
 * Unpooling: writes values to the positions given by indices. With policy `add` it is the
 * gradient of max pooling. Its own gradient is a gather, and the gather's gradient is unpooling
 * again. The other policies for repeated indices first select one of the values, or average them,
 * and use the same scatter. Not here: the options that describe a pool (unpool-forms.ts),
 * maxUnpool1d (unpool1d.ts), unpooling by a mask (unpool-mask.ts), pooling (pool.ts), and
 * upsampling by fixed rules (resize.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { PickPolicy } from '../../device/device.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorData } from '../../values/nested.js';
import { floatImageSizes, imageShape, ownShape, rank4, type Shape, sameShape } from '../../values/shape.js';
import type { Pool2dGeometry } from '../../values/window.js';
import { apply, call, checkTensor, type Op, withTracking } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { where } from './arithmetic.js';
import type { IndexConvention } from './index-conventions.js';
import { indicesFrom, PoolIndices } from './pool-indices.js';
import { overImages } from './rows.js';
import {
  checkForm,
  checkOutputSize,
  formGeometry,
  formOf,
  imageSizesOf,
  type MaxUnpool2dOptions,
  maxUnpool2dOptions,
  type SizeReader,
} from './unpool-forms.js';
import type { MaxUnpool1dOptions } from './unpool1d.js';

interface UnpoolAttrs {
  readonly geometry: Pool2dGeometry | null;
  readonly shape: Shape;
}
export const maxUnpoolOp: Op<UnpoolAttrs> = {
  name: 'maxUnpool2d',
  lower: ([v], { geometry, shape }) => call('maxUnpool2d', { geometry }, { shape, dtype: v.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [, indices], attrs }) => [apply(planeGatherOp, [grad, indices], attrs), null],
};

/** Reads the elements of x at indices within its planes. */
export const planeGatherOp: Op<UnpoolAttrs> = {
  name: 'planeGather',
  lower: ([x, indices]) => call('planeGather', {}, { shape: indices.shape, dtype: x.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [, indices], attrs }) => [apply(maxUnpoolOp, [grad, indices], attrs), null],
};

/** Whether a value is the one picked for its cell. */
export const pickOp: Op<{ pick: PickPolicy; geometry: Pool2dGeometry | null; pixels: number }> = {
  name: 'unpoolPick',
  lower: ([v], attrs) => call('unpoolPick', attrs, { shape: v.shape, dtype: 'bool' }),
};

/** The number of windows that have their maximum at each cell. */
export const countOf = (indices: PoolIndices, like: Tensor): Tensor =>
  withTracking(false, () => {
    const ones = like.fullLike(1, indices.shape);
    return endWith(scatter(ones, indices), ones);
  });

// The op of series has a name of its own for messages.
const maxUnpool1dOp = { ...maxUnpoolOp, name: 'maxUnpool1d' };

const scatter = (x: Tensor, { plane, geometry, inputShape }: PoolIndices): Tensor => {
  const op = x.rank === 3 ? maxUnpool1dOp : maxUnpoolOp;
  return overImages(op.name, [x, plane], (inputs) =>
    apply(op, inputs, { geometry, shape: [...imageShape(inputShape)] }),
  );
};

const policies = ['add', 'last', 'first', 'max', 'mean', 'error'] as const;
/**
 * The policy for values with the same index. 'add' sums them, as TensorFlow's scatter does. 'last'
 * and 'first' take one value in row-major order. 'max' takes the largest value (the first on ties;
 * NaN if any value is NaN). 'mean' averages. 'error' throws. The gradient flows to the values that
 * contributed to the result.
 */
export type Duplicates = (typeof policies)[number];

function checkDuplicates(op: string, duplicates: Duplicates): void {
  if (!policies.includes(duplicates))
    throw new ValueError(
      op,
      `duplicates must be one of ${policies.map((p) => `'${p}'`).join(', ')}`,
      `duplicates=${duplicates}`,
    );
}

function scatterBy(op: string, x: Tensor, indices: PoolIndices, duplicates: Duplicates): Tensor {
  checkDuplicates(op, duplicates);
  if (duplicates === 'error') indices.checkUniqueSync(op);
  if (duplicates === 'add' || !indices.mayRepeat) return scatter(x, indices);
  if (duplicates === 'mean') {
    const count = countOf(indices, x);
    const atLeastOne = count.maximum(1);
    return endWith(scatter(x, indices).div(atLeastOne), count, atLeastOne);
  }
  const [, height, width] = imageShape(indices.inputShape);
  const attrs = { pick: duplicates as PickPolicy, geometry: indices.geometry, pixels: height * width };
  // The choice has no gradient, so the views that it reads must not wait for the end of a graph.
  const taken = withTracking(false, () => overImages(op, [x, indices.plane], (inputs) => apply(pickOp, inputs, attrs)));
  return endWith(scatter(where(taken, x, 0), indices), taken);
}

/** Checks unpooling options without an input. A layer calls it in its constructor. */
export function checkUnpoolOptions(
  op: string,
  options: MaxUnpool2dOptions | MaxUnpool1dOptions,
  sizes: SizeReader = imageSizesOf,
): void {
  formOf(op, options, sizes);
  checkDuplicates(op, options.duplicates ?? 'add');
  if (options.outputSize !== undefined) sizes.read(op, 'outputSize', options.outputSize);
}

function checkShapes(op: string, x: Tensor, indices: PoolIndices): void {
  if (!sameShape(x.shape, indices.shape))
    throw new ShapeError(
      op,
      "input must have the indices' shape",
      `input=${show(x.shape)}, indices=${show(indices.shape)}`,
      'pass the indices of the pool that this level mirrors',
    );
}

/** Checks raw indices for x. A flat list is taken to have x's shape. */
const rawIndices = (
  op: string,
  raw: TensorData | Tensor,
  x: Tensor,
  convention: IndexConvention,
  inputShape: Shape,
  geometry: Pool2dGeometry | null,
): PoolIndices =>
  indicesFrom(op, raw, isFlat(raw) ? x.shape : undefined, { convention, inputShape, geometry, device: x.device });
const isFlat = (raw: TensorData | Tensor): boolean =>
  ArrayBuffer.isView(raw) || (Array.isArray(raw) && typeof raw[0] === 'number');

/**
 * Writes each value to the position given by its index; all other cells are 0. PoolIndices know
 * their size. Raw indices (numbers or an int32 tensor) need the options of the pool that created
 * them, either PyTorch's (`kernelSize`, `stride`, `padding`) or TensorFlow Addons' (`poolSize`,
 * `strides`, `padding`). Raw indices are checked. Each must lie in its own window, or, with `check:
 * 'shape'`, anywhere in the output.
 * @shape x [N,H′,W′,C], indices [N,H′,W′,C] → y [N,H,W,C]
 * @units raw indices: as `convention` says, by default 'torch' with kernelSize and 'tf' with
 * poolSize
 * @gradient g gathered at the indices. Where values share a cell, 'add' passes g to all of them,
 * 'first', 'last' and 'max' to the chosen one, and 'mean' an equal share to each
 * @throws ShapeError when shapes differ or outputSize is impossible (with the valid range);
 * ValueError for raw indices without a pool, for invalid or repeated ones, or an unknown policy
 * @source torch.nn.functional.max_unpool2d; tensorflow_addons.layers.MaxUnpooling2D; Zeiler &
 * Fergus 2014
 */
export function maxUnpool2d(
  x: Tensor,
  indices: PoolIndices | TensorData | Tensor,
  options: MaxUnpool2dOptions = {},
): Tensor {
  const op = 'maxUnpool2d';
  knownOptions(op, options, maxUnpool2dOptions);
  checkTensor(op, 'input', x);
  floatImageSizes(op, x);
  return unpoolBy(op, x, indices, options, imageSizesOf);
}

/** Unpools images or series whose rank and type are checked. */
export function unpoolBy(
  op: string,
  x: Tensor,
  indices: PoolIndices | TensorData | Tensor,
  options: MaxUnpool2dOptions | MaxUnpool1dOptions,
  sizes: SizeReader,
): Tensor {
  const { duplicates = 'add' } = options;
  const form = formOf(op, options, sizes);
  const asked = options.outputSize === undefined ? undefined : sizes.read(op, 'outputSize', options.outputSize);
  if (!(indices instanceof PoolIndices)) {
    if (form === null)
      throw new ValueError(
        op,
        'indices must be PoolIndices',
        'raw ones without a pool',
        'give kernelSize (as PyTorch) or poolSize (as TensorFlow Addons), ' +
          'or wrap them with poolIndices(data, { shape, convention, inputShape })',
      );
    const geometry = formGeometry(op, form, x, asked);
    const sides = x.rank === 3 ? [geometry.width.input] : [geometry.height.input, geometry.width.input];
    const inputShape = [x.shape[0], ...sides, x.shape[x.rank - 1]];
    const checked = rawIndices(op, indices, x, form.convention, inputShape, form.check === 'window' ? geometry : null);
    checkShapes(op, x, checked);
    return endWith(scatterBy(op, x, checked, duplicates), checked.plane);
  }
  checkShapes(op, x, indices);
  if (form !== null) checkForm(op, form, x, indices);
  const y = scatterBy(op, x, indices, duplicates);
  if (asked === undefined) return y;
  const [, height, width] = imageShape(indices.inputShape);
  if (x.rank === 4) checkOutputSize(op, 'height', asked[0], height, indices.geometry?.height);
  checkOutputSize(op, x.rank === 3 ? 'length' : 'width', asked[1], width, indices.geometry?.width);
  return enlarged(y, x.rank === 3 ? [asked[1]] : asked);
}

/** Pads the axes between batch and channels with zeros at their ends, up to these sizes. */
const enlarged = (y: Tensor, sizes: readonly number[]): Tensor =>
  sizes.every((size, i) => size === y.shape[i + 1])
    ? y
    : y.pad([[0, 0], ...sizes.map((size, i): [number, number] => [0, size - y.shape[i + 1]]), [0, 0]]);

export interface UnpoolingOptions {
  /** Convention of raw indices. Default 'tf', as in max_pool_with_argmax. */
  convention?: IndexConvention;
  /** Policy for repeated indices. Default 'add', as in scatter_nd. */
  duplicates?: Duplicates;
}

const unpoolingOptions: OptionNames<UnpoolingOptions> = { convention: 'value', duplicates: 'value' };

/**
 * Scatters values into a given output shape by max_pool_with_argmax's indices. Users shared this
 * function because TensorFlow had no unpooling. The pool's window need not be known.
 * @shape inputs [N,H′,W′,C], outputShape [N,H,W,C], argmax [N,H′,W′,C] → y [outputShape]
 * @units raw indices: as `convention` says
 * @gradient g gathered at the indices
 * @throws ShapeError when shapes do not fit; ValueError for an index outside outputShape, with the
 * element and the likely convention
 * @source stackoverflow.com/a/66694687
 */
export function unpooling(
  inputs: Tensor,
  outputShape: Shape,
  argmax: PoolIndices | TensorData | Tensor,
  options: UnpoolingOptions = {},
): Tensor {
  const op = 'unpooling';
  knownOptions(op, options, unpoolingOptions);
  checkTensor(op, 'inputs', inputs);
  const shape = ownShape(op, outputShape, 'outputShape');
  rank4(op, 'outputShape', shape);
  return scatterInto(op, inputs, shape, argmax, options);
}

/** Scatters into a shape that is checked. */
export function scatterInto(
  op: string,
  x: Tensor,
  shape: Shape,
  argmax: PoolIndices | TensorData | Tensor,
  { convention = 'tf', duplicates = 'add' }: UnpoolingOptions,
): Tensor {
  floatImageSizes(op, x);
  const given = argmax instanceof PoolIndices;
  const indices = given ? argmax : rawIndices(op, argmax, x, convention, shape, null);
  checkShapes(op, x, indices);
  if (!sameShape(indices.inputShape, shape))
    throw new ShapeError(
      op,
      "the output must have the shape of the pool's input",
      `output=${show(shape)}, the indices' inputShape=${show(indices.inputShape)}`,
      'indices count in the shape that they were made for: in another one the picture would tilt',
    );
  const y = scatterBy(op, x, indices, duplicates);
  return given ? y : endWith(y, indices.plane);
}
