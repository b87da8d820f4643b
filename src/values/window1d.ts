/**
 * Windows over series. A series [N,L,C] is treated as an image of one row, [N,1,L,C], so its window
 * is a window over the width. Not here: the arithmetic of an axis, and windows over images
 * (window.ts).
 */
import { checkNumber, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { type Shape, seriesSizes } from './shape.js';
import { checkPoolPadding, mostWindow, type Pool2dGeometry, type WindowAxis, windowAxis } from './window.js';

/** 'same' and 'valid' as in TensorFlow, a number as in PyTorch, or [before, after]. */
export type Padding1d = 'same' | 'valid' | number | readonly [before: number, after: number];

/** The height of an image of one row. */
export const oneRow: WindowAxis = { input: 1, output: 1, kernel: 1, stride: 1, dilation: 1, before: 0, after: 0 };

/** Checks a size along the length: a whole number from `least` to `mostWindow`. */
export function lengthOf(op: string, name: string, value: number, least = 1): number {
  if (typeof value !== 'number')
    throw new ValueError(
      op,
      `${name} must be a number`,
      value == null ? `no ${name}` : `${name}=${shown(value)}`,
      'a series has one axis, its length',
    );
  checkNumber(op, name, value, (v) => Number.isInteger(v) && v >= least, `whole and at least ${least}`);
  checkNumber(op, name, value, (v) => v <= mostWindow, `at most ${mostWindow}`);
  return value;
}

/** The pads before and after, or the name of the TensorFlow rule that computes them. */
export function parsePadding1d(op: string, padding: Padding1d): 'same' | 'valid' | readonly [number, number] {
  if (padding === 'same' || padding === 'valid') return padding;
  const pads: unknown = typeof padding === 'number' ? [padding, padding] : padding;
  const isRight = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 0;
  if (!Array.isArray(pads) || pads.length !== 2 || !isRight(pads[0]) || !isRight(pads[1]))
    throw new ValueError(
      op,
      "padding must be 'same', 'valid', a whole number or [before, after], none negative",
      `padding=${shown(padding)}`,
    );
  const [before, after]: readonly number[] = pads;
  if (before > mostWindow || after > mostWindow)
    throw new ValueError(op, `padding must be at most ${mostWindow}`, `padding=${shown(padding)}`);
  return [before, after];
}

export interface Pool1dOptions {
  kernelSize: number;
  /** Default kernelSize. */
  stride?: number;
  /** Default 0. */
  padding?: Padding1d;
  /**
   * Whether the length of the output is rounded up: a last window may reach beyond the padding, but
   * must begin in the input or in the padding before it. Default false.
   */
  ceilMode?: boolean;
}

export const pool1dOptions: OptionNames<Pool1dOptions> = {
  kernelSize: 'value',
  stride: 'value',
  padding: 'value',
  ceilMode: 'flag',
};

/** The geometry of a pool over series of `inputShape`, as that of a pool over images of one row. */
export function pool1dGeometry(
  op: string,
  inputShape: Shape,
  options: Pool1dOptions & { readonly dilation?: number },
): Pool2dGeometry {
  const [batch, length, channels] = seriesSizes(op, inputShape);
  const kernel = lengthOf(op, 'kernelSize', options.kernelSize);
  const stride = options.stride === undefined ? kernel : lengthOf(op, 'stride', options.stride);
  const dilation = lengthOf(op, 'dilation', options.dilation ?? 1);
  const padding = parsePadding1d(op, options.padding ?? 0);
  const width = windowAxis(op, 'length', length, kernel, stride, dilation, padding, options.ceilMode);
  checkPoolPadding(op, 'length', width);
  return { batch, channels, height: oneRow, width };
}
