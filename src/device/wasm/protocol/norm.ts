/**
 * Words of the normalisation commands. They read an array [outer, positions, groups, inner]; its
 * columns are groups·inner, and `wide` is their number rounded up to a multiple of 4. Both sides
 * compile this file, see command.ts.
 */

export enum ColumnSumsWord {
  /** Partial sums [outer, blocks, 2, wide], as doubles. */
  to,
  /** 0 if there is none. */
  g,
  x,
  /** 0 if there is none. */
  mean,
  outer,
  positions,
  groups,
  inner,
  /** Positions per block. */
  block,
}

export enum JoinMomentsWord {
  mean,
  variance,
  /** Written by columnSums. */
  partials,
  x,
  outer,
  positions,
  groups,
  inner,
  block,
}

export enum RowMomentsWord {
  mean,
  variance,
  x,
  rows,
  length,
  /** Rows per chunk. */
  share,
}

export enum CoefficientsWord {
  /** Coefficients [outer, 3, wide]. */
  to,
  /** 0 if there is none. */
  mean,
  /** The mean's rounding errors, or 0. */
  lost,
  variance,
  /** 0 if there is none. */
  scale,
  /** 0 if there is none. */
  shift,
  outer,
  groups,
  inner,
  epsilon,
}

export enum ApplyColumnsWord {
  to,
  x,
  coefficients,
  outer,
  positions,
  columns,
  block,
}

export enum ApplyRowsWord {
  to,
  x,
  /** 0 if there is none. */
  mean,
  /** The mean's rounding errors, or 0. */
  lost,
  variance,
  /** 0 if there is none. */
  scale,
  /** 0 if there is none. */
  shift,
  rows,
  groups,
  length,
  /** Rows per chunk. */
  share,
  epsilon,
}

export enum JoinGradWord {
  /** Coefficients [outer, 4, wide]. */
  to,
  /** Written by columnSums. */
  partials,
  mean,
  /** The mean's rounding errors, or 0. */
  lost,
  variance,
  /** 0 if there is none. */
  scale,
  outer,
  positions,
  groups,
  inner,
  block,
  epsilon,
}

export enum ParameterGradsWord {
  scaleGrad,
  shiftGrad,
  /** As joinGrad leaves them. */
  partials,
  /** The mean's rounding errors, or 0. */
  lost,
  variance,
  outer,
  blocks,
  groups,
  inner,
  epsilon,
}

export enum ApplyGradWord {
  to,
  g,
  x,
  /** Written by joinGrad. */
  coefficients,
  outer,
  positions,
  columns,
  block,
}

export enum RowGradWord {
  to,
  g,
  x,
  mean,
  /** The mean's rounding errors, or 0. */
  lost,
  variance,
  /** 0 if there is none. */
  scale,
  /** Sums per chunk [chunks, 2, wide] for the parameter gradients, or 0. */
  partials,
  rows,
  groups,
  length,
  /** Rows per chunk. */
  share,
  epsilon,
  /** Whether mean and variance are constants. */
  fixed,
}

export enum RowParameterGradsWord {
  to,
  /** Written by rowGrad: the first of every second list. */
  partials,
  chunks,
  wide,
  columns,
}
