/** Words of the elementwise commands. Both sides compile this file, see command.ts. */

export enum UnaryWord {
  to,
  from,
  size,
  /** A UnaryCode. */
  fn,
  alpha,
  beta,
}

/** The words of an operand. Its sizes follow, then its strides, in elements. */
export enum OperandWord {
  /** The address, or the element itself. */
  at,
  /** An OperandMode. */
  mode,
  /** The number of sizes. 0 unless the operand is copied. */
  rank,
  /** The first size. */
  sizes,
}

export enum BinaryWord {
  to,
  size,
  /** Elements per chunk. */
  chunk,
  /** A BinaryCode. */
  fn,
  /** The first word of the two operands. */
  operands,
}

export enum WhereWord {
  to,
  size,
  /** Elements per chunk. */
  chunk,
  /** The first word of the operands: the condition, a and b. */
  operands,
}

export enum GateWord {
  to,
  g,
  x,
  size,
  slope,
}
