/**
 * The form of a command, and the numbers that identify kernels in commands.
 *
 * The files of this folder define what the encoders (TypeScript) and the kernels (AssemblyScript)
 * must agree on. Both sides compile them. They contain only enums and import nothing, because the
 * two compilers resolve imports differently. The words of a kernel's command are in its family's
 * file.
 *
 * An address in a command counts words of four bytes, so that 32 bits reach 16 GiB. Every element
 * takes one word, so element i of an array is at the array's address + i.
 */

/** The words that every command begins with. */
export enum CommandWord {
  opcode,
  /** The number of words of the command. */
  length,
  flags,
  /** The address of a word that must not be 0, or the command is skipped. 0 if there is none. */
  condition,
  /** The first of the words that depend on the kernel. */
  argument,
}

/** The lowest bit of each part of the flags. */
export enum FlagBit {
  /** Whether the command's chunks are distributed among threads. */
  parallel,
  /** The number of chunks that a thread takes at a time. It occupies all higher bits. */
  grain,
}

/** Sixteen numbers per family. */
export enum Opcode {
  // conv
  pack = 0,
  convolve,
  weightGrad,
  sumPartials,
  // simple
  copy = 16,
  fill,
  // elementwise
  unary = 32,
  binary,
  where,
  gate,
  // reduce
  reduce = 48,
  reduceParts,
  reduceWalk,
  argReduce,
  // movement
  move = 64,
  indexSelect,
  indexAdd,
  moveColumns,
  // pool
  maxPool2d = 80,
  maxUnpool2d,
  maxUnpool2dScatter,
  planeGather,
  unpoolPick,
  avgPool2d,
  avgPool2dGrad,
  // loss and adam
  bceWithLogits = 96,
  bceWithLogitsGrad,
  adam,
  // sparse
  special = 112,
  compress,
  convolveSparse,
  weightGradSparse,
  sumSparse,
  // winograd
  winogradWeights = 128,
  winogradTiles,
  winograd,
  winogradWeightGrad,
  // depthwise
  depthwise = 144,
  depthwiseWeightGrad,
  singleChannel,
  // norm
  columnSums = 160,
  joinMoments,
  rowMoments,
  coefficients,
  applyColumns,
  applyRows,
  joinGrad,
  parameterGrads,
  applyGrad,
  rowGrad,
  rowParameterGrads,
  // few pixels
  fewPixels = 176,
  fewPixelsWeightGrad,
}
