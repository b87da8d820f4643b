/**
 * Words of the commands of Winograd's algorithm. Sizes and steps are in elements. Both sides
 * compile this file, see command.ts.
 */

export enum WinogradWeightsWord {
  weight,
  /** The transformed weights, [blocks of 16 columns, 36, inner, 16]. */
  to,
  columns,
  inner,
  /** Steps in the weight. */
  rowStep,
  tapStep,
  innerStep,
  columnStep,
  /** The address of a word that becomes 1 if a weight is too large. */
  flag,
}

/** They transform x, or the gradient of y, to tiles. */
export enum WinogradTilesWord {
  x,
  /** The tiles, [blocks of tiles, 36, tiles of a block, pitch]. */
  to,
  height,
  width,
  channels,
  /** Step from one tile to the next, in elements. */
  pitch,
  /** Padding above and left of the input. */
  beforeH,
  beforeW,
  /** Tiles per column and per row of an image. */
  down,
  across,
  /** The first tile, and the tile after the last. */
  first,
  end,
  /** Tiles per block. An even number. */
  block,
  /** Whether x is a gradient, whose tiles have 4×4 pixels instead of 6×6. */
  gradient,
  /** The address of a word that becomes 1 if an element is too large. */
  flag,
}

export enum WinogradWord {
  tiles,
  weights,
  y,
  /** 0 if there is none. */
  bias,
  inner,
  columns,
  outHeight,
  outWidth,
  /** Steps in y from one image, row and column to the next. */
  yImage,
  yRow,
  yColumn,
  pitch,
  down,
  across,
  first,
  end,
  block,
}

export enum WinogradWeightGradWord {
  /** The tiles of x. */
  tiles,
  /** The tiles of the gradient of y. */
  gradients,
  to,
  /** Sums of earlier tiles, if `from` is not 0 or `to` is 0. */
  sums,
  inner,
  columns,
  pitch,
  gradientPitch,
  /** The number of tiles, and how many are in a block. */
  count,
  block,
  /** Whether these are the first tiles, and whether they are the last. */
  isFirst,
  isLast,
}
