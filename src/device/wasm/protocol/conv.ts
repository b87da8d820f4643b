/**
 * Words of the convolution commands. Sizes and steps are in elements. Both sides compile this file,
 * see command.ts.
 */

export enum PackWord {
  /** The panels. */
  to,
  /** The weight. */
  from,
  groups,
  /** Columns per group. */
  columns,
  /** Columns per panel. */
  width,
  kernelH,
  kernelW,
  /** The tap of the weight that comes first in a panel, and the step to the next one. */
  firstTapH,
  tapStepH,
  firstTapW,
  tapStepW,
  /** The width of the kernel in the weight. */
  sourceWidth,
  /** Input channels per group. */
  inner,
  /** Steps in the weight. */
  tapStep,
  innerStep,
  columnStep,
  groupStep,
}

export enum ConvolveWord {
  x,
  y,
  panels,
  /** 0 if there is none. */
  bias,
  batch,
  height,
  width,
  /** Step in x from one pixel to the next. */
  pixel,
  groups,
  /** Input channels per group. */
  inner,
  /** Output channels per group. */
  columns,
  /** The same for all panels. */
  panelWidth,
  outHeight,
  outWidth,
  /** Steps in y from one image, row and column to the next, in elements. */
  yImage,
  yRow,
  yColumn,
  strideH,
  strideW,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  kernelH,
  kernelW,
  dilationH,
  dilationW,
}

export enum WeightGradWord {
  x,
  g,
  partials,
  parts,
  batch,
  height,
  width,
  /** Step in x from one pixel to the next. */
  xPixel,
  groups,
  /** Input channels per group. */
  inner,
  outHeight,
  outWidth,
  /** Output channels per group. */
  columns,
  /** Step in g from one pixel to the next. */
  gPixel,
  strideH,
  strideW,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  kernelH,
  kernelW,
  dilationH,
  dilationW,
  /** Whether vectors run along the input channels. */
  swapped,
  /** Rows of a slab. */
  slab,
}

export enum SumPartialsWord {
  to,
  partials,
  parts,
  taps,
  inner,
  columns,
  /** As in WeightGradWord. */
  swapped,
}

/** They serve two commands: depthwise and singleChannel. */
export enum DepthwiseWord {
  x,
  y,
  weight,
  /** 0 if there is none. */
  bias,
  batch,
  height,
  width,
  channels,
  outHeight,
  outWidth,
  /** Steps in y from one image, row and column to the next, in elements. */
  yImage,
  yRow,
  yColumn,
  strideH,
  strideW,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  kernelH,
  kernelW,
  dilationH,
  dilationW,
  /** The tap of the weight that is used first, and the step to the next one. */
  firstTapH,
  tapStepH,
  firstTapW,
  tapStepW,
  /** The width of the kernel in the weight. */
  sourceWidth,
}

export enum DepthwiseWeightGradWord {
  x,
  g,
  partials,
  parts,
  batch,
  height,
  width,
  channels,
  outHeight,
  outWidth,
  strideH,
  strideW,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  kernelH,
  kernelW,
  dilationH,
  dilationW,
}

export enum SpecialWord {
  from,
  size,
  /** The address of the word that is written. */
  to,
}

export enum CompressWord {
  x,
  pixels,
  channels,
  /** Channel numbers of 16 bits, a list per pixel. */
  lists,
  /** The lengths of the lists. */
  counts,
  /** The address of a word. If it is not 0, zeros are listed too. */
  flag,
}

export enum ConvolveSparseWord {
  x,
  y,
  panels,
  /** 0 if there is none. */
  bias,
  batch,
  height,
  width,
  counts,
  inner,
  columns,
  /** 16 or 32. */
  panelWidth,
  outHeight,
  outWidth,
  /** Steps in y from one image, row and column to the next, in elements. */
  yImage,
  yRow,
  yColumn,
  strideH,
  strideW,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  kernelH,
  kernelW,
  dilationH,
  dilationW,
  lists,
}

export enum WeightGradSparseWord {
  x,
  g,
  /** The first column's row of the first tap, in the first part. */
  partials,
  parts,
  /** Steps in a part from one column and tap to the next. The step between taps may be negative. */
  columnStep,
  tapStep,
  /** The number of pieces of a part's columns that are computed separately. */
  cuts,
  batch,
  height,
  width,
  inner,
  outHeight,
  outWidth,
  columns,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  kernelH,
  kernelW,
  dilationH,
  dilationW,
  /** Rows of a slab. */
  slab,
}

export enum SumSparseWord {
  to,
  partials,
  parts,
  taps,
  inner,
  columns,
  /** Whether the result is [taps in reverse, columns, inner] instead of [taps, inner, columns]. */
  reversed,
}
