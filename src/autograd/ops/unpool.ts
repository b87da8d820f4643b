/**
 * Unpooling: writes values to the positions given by indices or a mask. With policy `add` it is the
 * gradient of max pooling. Its own gradient is a gather, and the gather's gradient is unpooling
 * again. The other policies for repeated indices first select one of the values, or average them,
 * and use the same scatter. Not here: pooling (pool.ts), and upsampling by fixed rules (resize.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { PickPolicy } from '../../device/device.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorData } from '../../values/nested.js';
import { floatImageSizes, ownShape, rank4, type Shape, sameShape } from '../../values/shape.js';
import {
  type Pair,
  type Pool2dGeometry,
  type Pool2dOptions,
  pair,
  poolGeometry,
  type WindowAxis,
} from '../../values/window.js';
import { apply, call, checkTensor, type Op, withTracking } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { where } from './arithmetic.js';
import { conv2dTranspose } from './conv.js';
import { type IndexConvention, indicesFrom, PoolIndices } from './pool-indices.js';

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

const planeGatherOp: Op<UnpoolAttrs> = {
  name: 'planeGather',
  lower: ([x, indices]) => call('planeGather', {}, { shape: indices.shape, dtype: x.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [, indices], attrs }) => [apply(maxUnpoolOp, [grad, indices], attrs), null],
};

const pickOp: Op<{ pick: PickPolicy; geometry: Pool2dGeometry | null; pixels: number }> = {
  name: 'unpoolPick',
  lower: ([v], attrs) => call('unpoolPick', attrs, { shape: v.shape, dtype: 'bool' }),
};

/** The number of windows that have their maximum at each cell. */
export const countOf = (indices: PoolIndices, like: Tensor): Tensor =>
  withTracking(false, () => {
    const ones = like.fullLike(1, indices.shape);
    return endWith(scatter(ones, indices), ones);
  });

const scatter = (x: Tensor, { plane, geometry, inputShape }: PoolIndices): Tensor =>
  apply(maxUnpoolOp, [x, plane], { geometry, shape: [...inputShape] });

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
  const [, height, width] = indices.inputShape;
  const taken = apply(pickOp, [x, indices.plane], {
    pick: duplicates as PickPolicy,
    geometry: indices.geometry,
    pixels: height * width,
  });
  return endWith(scatter(where(taken, x, 0), indices), taken);
}

// ---- by indices

interface UnpoolOptions {
  /** [H, W]. Default: the indices' own input size, or the size computed from the pool's options. */
  outputSize?: readonly [number, number];
  /** Policy for repeated indices. Default 'add'. */
  duplicates?: Duplicates;
}
interface FormOptions extends UnpoolOptions {
  /**
   * The check of raw indices. With 'window' (default) each must lie in its own window. With 'shape'
   * it may lie anywhere in the output; use this for indices that no pool created.
   */
  check?: 'window' | 'shape';
}
/**
 * Sizes as in PyTorch's max_unpool2d: (H−1)·stride − 2·padding + kernelSize, or an outputSize that
 * differs from it by less than a stride.
 */
export interface TorchUnpoolOptions extends FormOptions {
  kernelSize: Pair;
  /** Default kernelSize. */
  stride?: Pair;
  /** Default 0. */
  padding?: Pair;
  /** Convention of raw indices. Default 'torch'. */
  convention?: IndexConvention;
}
/**
 * Sizes as in TensorFlow Addons' MaxUnpooling2D: H·stride for 'same', (H−1)·stride + poolSize for
 * 'valid', or any outputSize that pools to H.
 */
export interface AddonsUnpoolOptions extends FormOptions {
  poolSize: Pair;
  /** Default poolSize. */
  strides?: Pair;
  /** Default 'same'. */
  padding?: 'same' | 'valid' | 'SAME' | 'VALID';
  /** Convention of raw indices. Default 'tf'. */
  convention?: IndexConvention;
}
export type MaxUnpool2dOptions = UnpoolOptions | TorchUnpoolOptions | AddonsUnpoolOptions;

/** The options of both forms. formOf checks which of them may be combined. */
export const maxUnpool2dOptions: OptionNames<MaxUnpool2dOptions> = {
  outputSize: 'value',
  duplicates: 'value',
  kernelSize: 'value',
  stride: 'value',
  poolSize: 'value',
  strides: 'value',
  padding: 'value',
  convention: 'value',
  check: 'value',
};

/** The pool that a form's options describe (PyTorch's or TensorFlow Addons' form). */
interface Form {
  readonly convention: IndexConvention;
  readonly check: 'window' | 'shape';
  /**
   * Computes one axis of the pool from its output size. `asked` is a required input size; `what`
   * names it in messages.
   */
  readonly axis: (
    op: string,
    name: string,
    i: 0 | 1,
    pooled: number,
    asked: number | undefined,
    what: string,
  ) => WindowAxis;
}

/** The axis of a pool from `input` to `output` cells. */
const poolAxis = (input: number, output: number, kernel: number, stride: number, before: number): WindowAxis => ({
  input,
  output,
  kernel,
  stride,
  dilation: 1,
  before,
  after: Math.max((output - 1) * stride + kernel - before - input, 0),
});

function torchForm(op: string, options: TorchUnpoolOptions): Form {
  const kernel = pair(op, 'kernelSize', options.kernelSize);
  const stride = options.stride === undefined ? kernel : pair(op, 'stride', options.stride);
  if (typeof options.padding === 'string')
    throw new ValueError(
      op,
      "kernelSize's padding must be a number or [h, w]",
      `padding=${options.padding}`,
      "'same' and 'valid' go with poolSize",
    );
  const padding = pair(op, 'padding', options.padding ?? 0, 0);
  if (padding[0] * 2 > kernel[0] || padding[1] * 2 > kernel[1])
    throw new ValueError(
      op,
      'padding must be at most half the kernel',
      `padding=${show(padding)}, kernelSize=${show(kernel)}`,
    );
  return {
    convention: options.convention ?? 'torch',
    check: options.check ?? 'window',
    axis: (name, axis, i, pooled, asked, what) => {
      const usual = (pooled - 1) * stride[i] - 2 * padding[i] + kernel[i];
      const [least, most] = [Math.max(usual - stride[i] + 1, 1), usual + stride[i] - 1];
      const size = asked ?? usual;
      if (size < least || size > most)
        throw new ShapeError(
          name,
          `${what} must be less than a stride away from (H−1)·stride − 2·padding + kernelSize`,
          `${axis} ${size}`,
          `${axis} may be ${least} to ${most} for input ${pooled}, kernelSize ${kernel[i]}, stride ${stride[i]}, padding ${padding[i]}`,
        );
      return poolAxis(size, pooled, kernel[i], stride[i], padding[i]);
    },
  };
}

function addonsForm(op: string, options: AddonsUnpoolOptions): Form {
  const kernel = pair(op, 'poolSize', options.poolSize);
  const stride = options.strides === undefined ? kernel : pair(op, 'strides', options.strides);
  const padding = String(options.padding ?? 'same').toLowerCase();
  if (padding !== 'same' && padding !== 'valid')
    throw new ValueError(
      op,
      "poolSize's padding must be 'same' or 'valid'",
      `padding=${options.padding}`,
      'numbers go with kernelSize',
    );
  return {
    convention: options.convention ?? 'tf',
    check: options.check ?? 'window',
    axis: (name, axis, i, pooled, asked, what) => {
      const [k, s] = [kernel[i], stride[i]];
      const [least, most] =
        padding === 'same' ? [(pooled - 1) * s + 1, pooled * s] : [(pooled - 1) * s + k, pooled * s + k - 1];
      const size = asked ?? (padding === 'same' ? most : least);
      if (size < least || size > most)
        throw new ShapeError(
          name,
          `${what} must be one that pools to the input's size`,
          `${axis} ${size}`,
          `${axis} may be ${least} to ${most} for input ${pooled}, poolSize ${k}, strides ${s}, padding '${padding}'`,
        );
      const total = padding === 'same' ? Math.max((pooled - 1) * s + k - size, 0) : 0;
      return poolAxis(size, pooled, k, s, Math.floor(total / 2));
    },
  };
}

function formOf(op: string, options: MaxUnpool2dOptions): Form | null {
  const given = (name: string): boolean => (options as Readonly<Record<string, unknown>>)[name] !== undefined;
  const [torch, addons] = [given('kernelSize'), given('poolSize')];
  if (torch && addons)
    throw new ValueError(
      op,
      'give kernelSize (as PyTorch) or poolSize (as TensorFlow Addons), not both',
      'both',
      'they count indices and sizes differently',
    );
  // The types allow the stride option of the other form, which would be ignored without this check.
  if (torch && given('strides'))
    throw new ValueError(op, "kernelSize's stride must be named stride", 'strides', 'strides goes with poolSize');
  if (addons && given('stride'))
    throw new ValueError(op, "poolSize's stride must be named strides", 'stride', 'stride goes with kernelSize');
  const stray = torch || addons ? undefined : ['stride', 'strides', 'padding', 'convention', 'check'].find(given);
  if (stray !== undefined)
    throw new ValueError(
      op,
      'kernelSize or poolSize must be given with options of a pool',
      `${stray} alone`,
      'PoolIndices need none of them',
    );
  const form = torch
    ? torchForm(op, options as TorchUnpoolOptions)
    : addons
      ? addonsForm(op, options as AddonsUnpoolOptions)
      : null;
  if (form !== null && form.check !== 'window' && form.check !== 'shape')
    throw new ValueError(op, "check must be 'window' or 'shape'", `check=${form.check}`);
  return form;
}

/** Checks unpooling options without an input. A layer calls it in its constructor. */
export function checkUnpoolOptions(op: string, options: MaxUnpool2dOptions): void {
  formOf(op, options);
  checkDuplicates(op, options.duplicates ?? 'add');
  if (options.outputSize !== undefined) pair(op, 'outputSize', options.outputSize);
}

/**
 * The geometry of the pool that a form describes for input x. `asked` is the required output size
 * of the unpooling.
 */
function formGeometry(
  op: string,
  form: Form,
  x: Tensor,
  asked: readonly [number, number] | undefined,
  what = 'outputSize',
): Pool2dGeometry {
  const [batch, height, width, channels] = rank4(op, 'input', x.shape);
  return {
    batch,
    channels,
    height: form.axis(op, 'height', 0, height, asked?.[0], what),
    width: form.axis(op, 'width', 1, width, asked?.[1], what),
  };
}

const sameWindows = (a: WindowAxis, b: WindowAxis): boolean =>
  a.kernel === b.kernel && a.stride === b.stride && a.before === b.before;

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
  const { duplicates = 'add' } = options;
  const [batch, , , channels] = floatImageSizes(op, x);
  const form = formOf(op, options);
  const asked = options.outputSize === undefined ? undefined : pair(op, 'outputSize', options.outputSize);
  if (!(indices instanceof PoolIndices)) {
    if (form === null)
      throw new ValueError(
        op,
        'indices must be PoolIndices',
        'raw ones without a pool',
        'give kernelSize (as PyTorch) or poolSize (as TensorFlow Addons), or wrap them with poolIndices(data, { shape, convention, inputShape })',
      );
    const geometry = formGeometry(op, form, x, asked);
    const inputShape = [batch, geometry.height.input, geometry.width.input, channels];
    const checked = rawIndices(op, indices, x, form.convention, inputShape, form.check === 'window' ? geometry : null);
    checkShapes(op, x, checked);
    return endWith(scatterBy(op, x, checked, duplicates), checked.plane);
  }
  checkShapes(op, x, indices);
  const [, height, width] = indices.inputShape;
  if (form !== null) {
    const claimed = formGeometry(op, form, x, [height, width], "the indices' input size");
    const { geometry } = indices;
    if (
      geometry !== null &&
      !(sameWindows(claimed.height, geometry.height) && sameWindows(claimed.width, geometry.width))
    )
      throw new ValueError(
        op,
        'the options must describe the pool that made the indices',
        `windows ${windows(claimed)}, the indices' ${windows(geometry)}`,
        'leave them out: the indices know their pool',
      );
  }
  const y = scatterBy(op, x, indices, duplicates);
  if (asked === undefined) return y;
  checkOutputSize(op, 'height', asked[0], height, indices.geometry?.height);
  checkOutputSize(op, 'width', asked[1], width, indices.geometry?.width);
  return enlarged(y, asked);
}

const windows = ({ height, width }: Pool2dGeometry): string =>
  `${height.kernel}×${width.kernel}, stride ${show([height.stride, width.stride])}, padding before ${show([height.before, width.before])}`;

/** Pads with zeros at the bottom and right. */
const enlarged = (y: Tensor, [height, width]: readonly [number, number]): Tensor =>
  height === y.shape[1] && width === y.shape[2]
    ? y
    : y.pad([
        [0, 0],
        [0, height - y.shape[1]],
        [0, width - y.shape[2]],
        [0, 0],
      ]);

/**
 * Checks that every value keeps its position. The output must cover the pool's input, and must not
 * be so large that another window would fit.
 */
function checkOutputSize(
  op: string,
  axis: string,
  asked: number,
  own: number,
  window: Pool2dGeometry['height'] | undefined,
): void {
  const most =
    window === undefined
      ? Infinity
      : Math.max(own, (window.output - 1) * window.stride + window.kernel - window.before + window.stride - 1);
  if (asked < own || asked > most)
    throw new ShapeError(
      op,
      "outputSize must cover the pool's input and reach less than a stride beyond its windows",
      `${axis} ${asked}`,
      `${axis} may be ${own} to ${most}`,
    );
}

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

function scatterInto(
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

// ---- by mask

/**
 * With the options of a pool, values are spread over their windows. With argmax, they are written
 * at their indices.
 */
export interface UnpoolByMaskOptions extends Partial<Pool2dOptions> {
  /**
   * The indices of the maxima. Without them, a value is written to every masked cell of its window.
   */
  argmax?: PoolIndices | TensorData | Tensor;
  /** Convention of raw indices. Default 'tf', as in the original operation. */
  convention?: IndexConvention;
  /** Policy for repeated indices. Default 'add'. */
  duplicates?: Duplicates;
}

const unpoolByMaskOptions: OptionNames<UnpoolByMaskOptions> = {
  kernelSize: 'value',
  stride: 'value',
  padding: 'value',
  argmax: 'value',
  convention: 'value',
  duplicates: 'value',
};

/**
 * Unpools into the cells whose mask is not 0. The output has the mask's shape. With `argmax` each
 * value is written at its index. Without it, each value is written to every masked cell of its own
 * window, and values of overlapping windows are added.
 * @shape x [N,H′,W′,C], mask [N,H,W,C] → y [N,H,W,C]
 * @gradient x: Σ of g over the cells that received the value; mask: none
 * @throws ShapeError when shapes do not fit; ValueError without argmax and without a pool
 * @source the custom operations max_pool_with_argmax_and_mask and max_unpool of
 * stackoverflow.com/questions/36548736
 */
export function unpoolByMask(x: Tensor, mask: Tensor, options: UnpoolByMaskOptions): Tensor {
  const op = 'unpoolByMask';
  knownOptions(op, options, unpoolByMaskOptions);
  checkTensor(op, 'input', x);
  checkTensor(op, 'mask', mask);
  const [batch, , , channels] = floatImageSizes(op, x);
  const [images, , , depth] = rank4(op, 'mask', mask.shape);
  if (images !== batch || depth !== channels)
    throw new ShapeError(
      op,
      "batch and channels must be the mask's",
      `input=${show(x.shape)}, mask=${show(mask.shape)}`,
    );
  const { argmax, kernelSize } = options;
  if (argmax === undefined && kernelSize === undefined)
    throw new ValueError(
      op,
      'argmax or kernelSize must be given',
      'neither',
      'with argmax values go to their indices, with kernelSize they spread over their windows',
    );
  if (argmax === undefined && (options.duplicates !== undefined || options.convention !== undefined))
    throw new ValueError(
      op,
      'duplicates and convention go with argmax',
      'no argmax',
      'values that spread over their windows add where these overlap',
    );
  const isSet = mask.dtype === 'bool' ? mask : mask.notEqual(0);
  const spread =
    argmax === undefined
      ? spreadOver(op, x, mask, { ...options, kernelSize: kernelSize as Pair })
      : scatterInto(op, x, mask.shape, argmax, options);
  const y = where(isSet, spread, 0);
  return isSet === mask ? y : endWith(y, isSet);
}

/**
 * Writes each value to every cell of its window and adds where windows overlap. This is a
 * transposed convolution with ones.
 */
function spreadOver(op: string, x: Tensor, mask: Tensor, options: Pool2dOptions): Tensor {
  const { height, width, channels } = poolGeometry(op, mask.shape, options);
  if (height.output !== x.shape[1] || width.output !== x.shape[2])
    throw new ShapeError(
      op,
      "pooling the mask's shape must give the input's",
      `input=${show(x.shape)}, mask=${show(mask.shape)}, which pools to ${height.output}×${width.output}`,
    );
  const ones = x.fullLike(1, [height.kernel, width.kernel, 1, channels]);
  const stride = [height.stride, width.stride] as const;
  const outputSize = [height.input, width.input] as const;
  return endWith(
    conv2dTranspose(x, ones, { groups: channels, stride, outputSize, padding: options.padding ?? 0 }),
    ones,
  );
}
