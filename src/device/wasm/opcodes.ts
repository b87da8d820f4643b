/**
 * The numbers that identify kernels in commands, sixteen per family. They are compiled into both
 * sides, the TypeScript encoders and the WebAssembly dispatch.
 */
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
  select,
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
  maxPool = 80,
  unpool,
  scatter,
  planeGather,
  unpoolPick,
  avgPool,
  avgPoolGrad,
  // training: losses and optimisers
  bce = 96,
  bceGrad,
  adam,
  // sparse
  special = 112,
  compress,
  convolveSparse,
  weightGradSparse,
  sumSparse,
  // winograd
  winogradWeights = 128,
  winograd,
  // depthwise
  depthwise = 144,
  depthwiseWeightGrad,
  single,
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
}
