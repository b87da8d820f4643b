/**
 * Numbers of functions, operand modes and policies. Both sides compile this file, see command.ts.
 * It is apart from the words of the commands, because the encoders need no words at run time.
 */

/** The functions of one operand. The first ones have the names of `UnaryFn` in device.ts. */
export enum UnaryCode {
  neg,
  exp,
  log,
  log1p,
  sqrt,
  abs,
  sign,
  relu,
  leakyRelu,
  elu,
  gelu,
  silu,
  sigmoid,
  tanh,
  softplus,
  erf,
  clamp,
  logicalNot,
  isNaN,
  floor,
  ceil,
  round,
  trunc,
  expm1,
  sin,
  cos,
  tan,
  asin,
  acos,
  atan,
  sinh,
  cosh,
  asinh,
  acosh,
  atanh,
  // Conversions, and what int32 and bool operands need.
  /** Of a word: 1 for 0, else 0. */
  wordIsZero,
  /** Of a number: 0 for ±0, else 1. */
  isNotZero,
  /** Of a word: 0 for 0, else 1. */
  wordIsNotZero,
  /** A number truncated to int32. */
  toInt,
  /** An int32 as a number. */
  toFloat,
}

/**
 * The functions of two operands. The first ones have the names of `BinaryFn` in device.ts, except
 * greater and greaterEqual, which are less and lessEqual with exchanged operands.
 */
export enum BinaryCode {
  add,
  sub,
  mul,
  div,
  pow,
  maximum,
  minimum,
  equal,
  notEqual,
  less,
  lessEqual,
  fmod,
  atan2,
  // The gradients of activations. The operands are g, and the activation's output or input.
  sigmoidGrad,
  tanhGrad,
  softplusGrad,
  siluGrad,
  // The same functions of words (int32 and bool). div, pow and atan2 have none.
  wordAdd,
  wordSub,
  wordMul,
  wordMaximum,
  wordMinimum,
  wordFmod,
  wordEqual,
  wordNotEqual,
  wordLess,
  wordLessEqual,
}

/** How an operand is read. */
export enum OperandMode {
  /** In place. It has the output's shape. */
  plain,
  /** As one element, at an address. */
  single,
  /** As one element, which is in the command. */
  value,
  /** From a copy in the output's order, which is made for each chunk. */
  spread,
  /** From a copy in the output's order, which is the same for all chunks. */
  repeated,
}

/** The functions of `reduce` in device.ts. */
export enum ReduceCode {
  sum,
  max,
  min,
}

/** `NanPolicy` in device.ts. */
export enum NanCode {
  propagate,
  tf,
  ignore,
}

/** `PickPolicy` in device.ts. */
export enum PickCode {
  first,
  last,
  max,
}
