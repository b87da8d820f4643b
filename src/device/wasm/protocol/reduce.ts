/** Words of the reductions. Both sides compile this file, see command.ts. */

export enum ReduceWord {
  /** Results, or partial results as doubles if there are several blocks. */
  to,
  /** An array [outer, length, columns]. */
  from,
  outer,
  length,
  columns,
  /** Rows per block. The blocks of a column are reduced separately. */
  block,
  /** Outer positions per chunk. */
  share,
  /** A ReduceCode. */
  fn,
  /** Whether the elements are integers. */
  ints,
}

export enum ReducePartsWord {
  to,
  /** Partial results [outer, blocks, columns], as doubles. */
  from,
  outer,
  blocks,
  columns,
  /** A ReduceCode. */
  fn,
  ints,
}

/** The sizes and strides of the kept axes follow, then those of the reduced axes. */
export enum ReduceWalkWord {
  to,
  from,
  /** The number of results. */
  count,
  /** Results per chunk. */
  share,
  /** A ReduceCode. */
  fn,
  ints,
  keptRank,
  reducedRank,
  /** The number of positions on all reduced axes but the last. */
  outer,
  /** The first size of the kept axes. */
  sizes,
}

export enum ArgReduceWord {
  to,
  /** An array [outer, length, inner]. */
  from,
  outer,
  length,
  inner,
  /** Results per chunk. */
  share,
  /** Whether the smallest element is searched. */
  least,
  ints,
}
