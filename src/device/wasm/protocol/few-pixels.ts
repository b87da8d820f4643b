/**
 * Words of the commands for convolutions of few pixels. Sizes and steps are in elements. Both sides
 * compile this file, see command.ts.
 */

/** The words of a convolution's window. They follow the three addresses of a command. */
export enum WindowWord {
  batch = 3,
  height,
  width,
  /** Input channels. */
  inner,
  outHeight,
  outWidth,
  /** Output channels. */
  columns,
  strideH,
  strideW,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  kernelH,
  kernelW,
  dilationH,
  dilationW,
  /** Columns of a chunk, or input channels of a chunk of the weight gradient. */
  chunk,
}

export enum FewPixelsWord {
  x,
  y,
  weight,
  /** Follows the window. 0 if there is none. */
  bias = 19,
  /** Input channels that are multiplied at a time. */
  block,
  /** Steps in y from one image, row and column to the next, in elements. */
  yImage,
  yRow,
  yColumn,
  /** The tap of the weight that is used first, and the step to the next one. */
  firstTapH,
  tapStepH,
  firstTapW,
  tapStepW,
  /** The width of the kernel in the weight. */
  sourceWidth,
  /** Steps in the weight. One of the last two is 1. */
  tapStep,
  innerStep,
  columnStep,
}

/** A window follows. */
export enum FewPixelsWeightGradWord {
  x,
  g,
  to,
}
