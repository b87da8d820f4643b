/** Words of the movement commands. Both sides compile this file, see command.ts. */

/** The sizes follow, then the strides of `to`, then those of `from`, in elements. */
export enum MoveWord {
  to,
  from,
  /** The number of rows. A row runs along the last axis. */
  rows,
  /** Rows per chunk. */
  share,
  /** At least 2. */
  rank,
  /** The first size. */
  sizes,
}

/** The words of each narrow array follow. */
export enum MoveColumnsWord {
  /** The address of the wide array. */
  wide,
  /** Columns of the wide array. */
  columns,
  rows,
  /** Rows per chunk. */
  share,
  /** Whether the wide array is read. Otherwise it is written. */
  isRead,
  /** The number of narrow arrays. */
  count,
  /** The first word of the narrow arrays. */
  narrow,
}

/** The words of a narrow array. */
export enum NarrowWord {
  at,
  /** Its first column in the wide array. */
  start,
  columns,
  /** The number of words of a narrow array. */
  length,
}

export enum IndexSelectWord {
  to,
  from,
  indices,
  outer,
  /** The size of the axis that the indices refer to. */
  length,
  /** The number of indices. */
  count,
  inner,
  /** Rows of `inner` elements per chunk. */
  share,
}

export enum IndexAddWord {
  to,
  from,
  indices,
  outer,
  /** The size of the axis that the indices refer to. */
  length,
  /** The number of indices. */
  count,
  inner,
  /** Columns per chunk. */
  share,
  ints,
}
