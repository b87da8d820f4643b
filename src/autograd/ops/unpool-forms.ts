/**
 * The options of maxUnpool2d and maxUnpool1d that describe a pool, in the forms of PyTorch and of
 * TensorFlow Addons. The two count output sizes, padding and indices differently. Each form
 * computes the geometry of the pool from the size of the pooled input.
 * Not here: unpooling itself, and the policies for repeated indices (unpool.ts).
 */
import type { OptionNames } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { imageShape } from '../../values/shape.js';
import { extentOf, type Pair, type Pool2dGeometry, pair, type WindowAxis } from '../../values/window.js';
import { lengthOf, oneRow } from '../../values/window1d.js';
import type { IndexConvention } from './index-conventions.js';
import type { PoolIndices } from './pool-indices.js';
import type { Duplicates } from './unpool.js';
import type { AddonsUnpool1dOptions, MaxUnpool1dOptions, TorchUnpool1dOptions } from './unpool1d.js';

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

/** How a form reads the sizes among its options. */
export interface SizeReader {
  /** Checks a size and returns it as [h, w]. */
  readonly read: (op: string, name: string, value: unknown, least?: number) => readonly [number, number];
  /** The type of a size, in words. */
  readonly type: string;
  /** The letter of a side in formulas. */
  readonly side: string;
  /** Formats [h, w] for messages. */
  readonly show: (size: readonly [number, number]) => string;
}
/** Sizes of images: a number, or a pair. */
export const imageSizesOf: SizeReader = {
  read: (op, name, value, least) => pair(op, name, value as Pair, least),
  type: 'a number or [h, w]',
  side: 'H',
  show,
};
/** Sizes of series: a number, for the width of an image of one row. */
export const seriesSizesOf: SizeReader = {
  read: (op, name, value, least = 1) => [least, lengthOf(op, name, value as number, least)],
  type: 'a number',
  side: 'L',
  show: ([, length]) => String(length),
};

/** The pool that a form's options describe (PyTorch's or TensorFlow Addons' form). */
export interface Form {
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

function torchForm(op: string, options: TorchUnpoolOptions | TorchUnpool1dOptions, sizes: SizeReader): Form {
  const kernel = sizes.read(op, 'kernelSize', options.kernelSize);
  const stride = options.stride === undefined ? kernel : sizes.read(op, 'stride', options.stride);
  if (typeof options.padding === 'string')
    throw new ValueError(
      op,
      `kernelSize's padding must be ${sizes.type}`,
      `padding=${options.padding}`,
      "'same' and 'valid' go with poolSize",
    );
  const padding = sizes.read(op, 'padding', options.padding ?? 0, 0);
  if (padding[0] * 2 > kernel[0] || padding[1] * 2 > kernel[1])
    throw new ValueError(
      op,
      'padding must be at most half the kernel',
      `padding=${sizes.show(padding)}, kernelSize=${sizes.show(kernel)}`,
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
          `${what} must be less than a stride away from (${sizes.side}−1)·stride − 2·padding + kernelSize`,
          `${axis} ${size}`,
          `${axis} may be ${least} to ${most} for input ${pooled}, kernelSize ${kernel[i]}, ` +
            `stride ${stride[i]}, padding ${padding[i]}`,
        );
      return poolAxis(size, pooled, kernel[i], stride[i], padding[i]);
    },
  };
}

function addonsForm(op: string, options: AddonsUnpoolOptions | AddonsUnpool1dOptions, sizes: SizeReader): Form {
  const kernel = sizes.read(op, 'poolSize', options.poolSize);
  const stride = options.strides === undefined ? kernel : sizes.read(op, 'strides', options.strides);
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

export function formOf(
  op: string,
  options: MaxUnpool2dOptions | MaxUnpool1dOptions,
  sizes: SizeReader = imageSizesOf,
): Form | null {
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
    ? torchForm(op, options as TorchUnpoolOptions | TorchUnpool1dOptions, sizes)
    : addons
      ? addonsForm(op, options as AddonsUnpoolOptions | AddonsUnpool1dOptions, sizes)
      : null;
  if (form !== null && form.check !== 'window' && form.check !== 'shape')
    throw new ValueError(op, "check must be 'window' or 'shape'", `check=${form.check}`);
  return form;
}

/**
 * The geometry of the pool that a form describes for input x. `asked` is the required output size
 * of the unpooling.
 */
export function formGeometry(
  op: string,
  form: Form,
  x: Tensor,
  asked: readonly [number, number] | undefined,
  what = 'outputSize',
): Pool2dGeometry {
  const [batch, height, width, channels] = imageShape(x.shape);
  if (x.rank === 3)
    return { batch, channels, height: oneRow, width: form.axis(op, 'length', 1, width, asked?.[1], what) };
  return {
    batch,
    channels,
    height: form.axis(op, 'height', 0, height, asked?.[0], what),
    width: form.axis(op, 'width', 1, width, asked?.[1], what),
  };
}

const sameWindows = (a: WindowAxis, b: WindowAxis): boolean =>
  a.kernel === b.kernel && a.stride === b.stride && a.dilation === b.dilation && a.before === b.before;

function windows({ height, width }: Pool2dGeometry, isSeries: boolean): string {
  const both = (h: number, w: number): string => (isSeries ? String(w) : show([h, w]));
  const isDilated = height.dilation > 1 || width.dilation > 1;
  return [
    isSeries ? `of ${width.kernel}` : `${height.kernel}×${width.kernel}`,
    `stride ${both(height.stride, width.stride)}`,
    ...(isDilated ? [`dilation ${both(height.dilation, width.dilation)}`] : []),
    `padding before ${both(height.before, width.before)}`,
  ].join(', ');
}

/**
 * Checks that a form describes the pool that made the indices. Its windows must be the same, and it
 * must accept the indices' input size.
 */
export function checkForm(op: string, form: Form, x: Tensor, { inputShape, geometry }: PoolIndices): void {
  const [, height, width] = imageShape(inputShape);
  const claimed = formGeometry(op, form, x, [height, width], "the indices' input size");
  if (
    geometry !== null &&
    !(sameWindows(claimed.height, geometry.height) && sameWindows(claimed.width, geometry.width))
  )
    throw new ValueError(
      op,
      'the options must describe the pool that made the indices',
      `windows ${windows(claimed, x.rank === 3)}, the indices' ${windows(geometry, x.rank === 3)}`,
      'leave them out: the indices know their pool',
    );
}

/**
 * Checks that every value keeps its position. The output must cover the pool's input, and must not
 * be so large that another window would fit.
 */
export function checkOutputSize(
  op: string,
  axis: string,
  asked: number,
  own: number,
  window: Pool2dGeometry['height'] | undefined,
): void {
  const most =
    window === undefined
      ? Infinity
      : Math.max(own, (window.output - 1) * window.stride + extentOf(window) - window.before + window.stride - 1);
  if (asked < own || asked > most)
    throw new ShapeError(
      op,
      "outputSize must cover the pool's input and reach less than a stride beyond its windows",
      `${axis} ${asked}`,
      `${axis} may be ${own} to ${most}`,
    );
}
