/**
 * Window arithmetic for convolution, transposed convolution and all pools. It is defined only here.
 */
import { type OptionNames, shown } from '../arguments.js';
import { ShapeError, show, ValueError } from '../errors.js';
import { imageSizes, mostElements, type Shape } from './shape.js';

export type Pair = number | readonly [number, number];
/**
 * 'same' and 'valid' as in TensorFlow, a number or [h, w] as in PyTorch, or [[top, bottom], [left,
 * right]].
 */
export type Padding =
  | 'same'
  | 'valid'
  | number
  | readonly [number, number]
  | readonly [readonly [number, number], readonly [number, number]];

/** One axis of a sliding window. */
export interface WindowAxis {
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly before: number;
  readonly after: number;
}

/** A window over height and width. */
export interface Window2d {
  readonly height: WindowAxis;
  readonly width: WindowAxis;
}

/**
 * The complete geometry of a convolution. Its two gradients use the same one. The weight is
 * [kernelH, kernelW, inChannels/groups, outChannels].
 */
export interface Conv2dGeometry extends Window2d {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
}

/** The geometry of a pool. Its input is [batch, height.input, width.input, channels]. */
export interface Pool2dGeometry extends Window2d {
  readonly batch: number;
  readonly channels: number;
}

/**
 * The largest kernel, stride, dilation, padding or span of a window. Kernels use 32-bit integers,
 * and the gpu device uses floats, which represent integers exactly up to 2^24.
 */
export const mostWindow = 2 ** 24;

/** A number or pair as [h, w]. Each must be whole, at least `least` and at most `mostWindow`. */
export function pair(op: string, name: string, value: Pair, least = 1): readonly [number, number] {
  const both = typeof value === 'number' ? ([value, value] as const) : value;
  if (both?.length !== 2) {
    const got = value == null ? `no ${name}` : `${name}=${shown(value)}`;
    throw new ValueError(
      op,
      `${name} must be a number or [h, w]`,
      got,
      'height and width alone: no batch, no channels',
    );
  }
  const [h, w] = both;
  if (!Number.isInteger(h) || !Number.isInteger(w) || h < least || w < least)
    throw new ValueError(op, `${name} must be whole and at least ${least}`, `${name}=${shown([h, w])}`);
  if (h > mostWindow || w > mostWindow)
    throw new ValueError(op, `${name} must be at most ${mostWindow}`, `${name}=${show([h, w])}`);
  return [h, w];
}

/** The two pads of each axis, or the name of the TensorFlow rule that computes them. */
export function parsePadding(
  op: string,
  padding: Padding,
): 'same' | 'valid' | readonly [readonly [number, number], readonly [number, number]] {
  if (padding === 'same' || padding === 'valid') return padding;
  const bad = () =>
    new ValueError(
      op,
      "padding must be 'same', 'valid', a whole number, [h, w] or [[top, bottom], [left, right]], none negative",
      `padding=${Array.isArray(padding) ? `[${Array.from<unknown, string>(padding, shown).join(',')}]` : shown(padding)}`,
    );
  if (typeof padding === 'string') throw bad();
  const both = <T>(p: number | readonly [T, T]): readonly [number | T, number | T] => {
    if (typeof p === 'number') return [p, p];
    if (p?.length !== 2) throw bad();
    return p;
  };
  const [h, w] = both<number | readonly [number, number]>(padding);
  const pads = [both<number>(h), both<number>(w)] as const;
  if (!pads.flat().every((n) => Number.isInteger(n) && n >= 0)) throw bad();
  if (pads.flat().some((n) => n > mostWindow))
    throw new ValueError(op, `padding must be at most ${mostWindow}`, `padding=${pads.map(show).join(' and ')}`);
  return pads;
}

/** The number of cells that a dilated kernel spans. Throws if it exceeds `mostWindow`. */
export function windowExtent(op: string, axis: string, kernel: number, dilation: number): number {
  const extent = (kernel - 1) * dilation + 1;
  if (extent > mostWindow)
    throw new ValueError(
      op,
      `a window must span at most ${mostWindow} cells`,
      `${axis}: kernel ${kernel}, dilation ${dilation}`,
      `it would span ${extent}`,
    );
  return extent;
}

/**
 * One axis by TensorFlow's SAME or VALID rule, or by PyTorch's formula for explicit pads. With
 * `ceilMode` the last window may reach beyond the padding at the end, but must begin in the input
 * or in the padding before it. Under 'same' every cell is in a window anyway.
 */
export function windowAxis(
  op: string,
  axis: string,
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid' | readonly [number, number],
  ceilMode = false,
): WindowAxis {
  const extent = windowExtent(op, axis, kernel, dilation);
  if (padding === 'same') {
    const output = Math.ceil(input / stride);
    const total = Math.max((output - 1) * stride + extent - input, 0);
    const before = Math.floor(total / 2);
    return { input, output, kernel, stride, dilation, before, after: total - before };
  }
  const [before, after] = padding === 'valid' ? [0, 0] : padding;
  const padded = input + before + after;
  const floored = Math.floor((padded - extent + (ceilMode ? stride - 1 : 0)) / stride) + 1;
  const output = ceilMode && (floored - 1) * stride >= input + before ? floored - 1 : floored;
  if (output < 1)
    throw new ShapeError(
      op,
      'the kernel must fit into the padded input',
      `${axis}: input ${input}, padding ${before}+${after}, kernel ${kernel}, dilation ${dilation}`,
      `it spans ${extent} of ${padded}`,
    );
  return { input, output, kernel, stride, dilation, before, after };
}

export interface WindowOptions {
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly padding: Padding;
  readonly ceilMode?: boolean;
}

/** Height and width of a window over an input of `height` × `width`. */
export function window2d(
  op: string,
  height: number,
  width: number,
  { kernelSize, stride, dilation, padding, ceilMode }: WindowOptions,
): Window2d {
  const pads = parsePadding(op, padding);
  const axis = (name: string, input: number, i: 0 | 1): WindowAxis => {
    const own = typeof pads === 'string' ? pads : pads[i];
    return windowAxis(op, name, input, kernelSize[i], stride[i], dilation[i], own, ceilMode);
  };
  return { height: axis('height', height, 0), width: axis('width', width, 1) };
}

export interface Pool2dOptions {
  kernelSize: Pair;
  /** Default kernelSize. */
  stride?: Pair;
  /** Default 0. */
  padding?: Padding;
  /**
   * Whether the size of the output is rounded up: a last window may reach beyond the padding, but
   * must begin in the input or in the padding before it. Default false.
   */
  ceilMode?: boolean;
}

export const pool2dOptions: OptionNames<Pool2dOptions> = {
  kernelSize: 'value',
  stride: 'value',
  padding: 'value',
  ceilMode: 'flag',
};

/** The number of cells between the first and the last of a window, both included. */
export const extentOf = ({ kernel, dilation }: WindowAxis): number => (kernel - 1) * dilation + 1;

/** Checks that each window of a pool holds a cell of the input. */
export function checkPoolPadding(op: string, name: string, axis: WindowAxis): void {
  const { input, output, kernel, stride, dilation, before, after } = axis;
  const extent = extentOf(axis);
  const dilated = dilation === 1 ? '' : `, dilation ${dilation}`;
  if (before >= extent || after >= extent)
    throw new ValueError(
      op,
      dilation === 1 ? 'padding must be smaller than the kernel' : 'padding must be smaller than the dilated kernel',
      `${name}: padding ${before}+${after}, kernel ${kernel}${dilated}`,
      'a window would hold nothing but padding',
    );
  // A dilated window that begins in the padding may step over a small input.
  if (dilation > 1)
    for (let o = 0; o < output && o * stride < before; o++) {
      const skipped = Math.ceil((before - o * stride) / dilation);
      if (skipped >= kernel || o * stride - before + skipped * dilation >= input)
        throw new ValueError(
          op,
          'each window must hold a cell of the input',
          `${name}: input ${input}, padding ${before}+${after}, kernel ${kernel}${dilated}`,
          `window ${o} holds nothing but padding`,
        );
    }
}

/** The geometry of a pool over images of `inputShape`. */
export function poolGeometry(
  op: string,
  inputShape: Shape,
  options: Pool2dOptions & { readonly dilation?: Pair },
): Pool2dGeometry {
  const [batch, height, width, channels] = imageSizes(op, inputShape);
  const kernelSize = pair(op, 'kernelSize', options.kernelSize);
  const stride = options.stride === undefined ? kernelSize : pair(op, 'stride', options.stride);
  if (kernelSize[0] * kernelSize[1] > mostElements)
    throw new ValueError(op, `a window must have at most ${mostElements} cells`, `kernelSize=${show(kernelSize)}`);
  const dilation = pair(op, 'dilation', options.dilation ?? 1);
  const { padding = 0, ceilMode } = options;
  const window = window2d(op, height, width, { kernelSize, stride, dilation, padding, ceilMode });
  for (const [name, axis] of Object.entries(window)) checkPoolPadding(op, name, axis);
  return { batch, channels, ...window };
}

/**
 * The sizes along one axis that a convolution maps to `input`, as [least, greatest]. `least` is
 * PyTorch's size without outputPadding. The padding can make it 0 or less.
 */
export function transposedRange(
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid' | readonly [number, number],
): readonly [number, number] {
  if (padding === 'same') return [(input - 1) * stride + 1, input * stride];
  const [before, after] = padding === 'valid' ? [0, 0] : padding;
  const least = (input - 1) * stride + (kernel - 1) * dilation + 1 - before - after;
  return [least, least + stride - 1];
}

/**
 * The axis of the convolution whose input gradient is the transposed convolution from `small` to
 * `size`. That convolution maps the larger image to the smaller one. Its pad at the end may be
 * negative if no window reaches the last cells.
 */
export function transposedAxis(
  small: number,
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid' | readonly [number, number],
): WindowAxis {
  const total = (small - 1) * stride + (kernel - 1) * dilation + 1 - size;
  const before = padding === 'same' ? Math.floor(Math.max(total, 0) / 2) : padding === 'valid' ? 0 : padding[0];
  return { input: size, output: small, kernel, stride, dilation, before, after: total - before };
}
