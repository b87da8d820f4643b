/**
 * The public surface: re-exports only.
 * @module cedargrad
 */
export { type BackwardOptions, backward, grad, noGrad } from './autograd/backward.js';
export { checkpoint, type GradientCheckpointOptions } from './autograd/checkpoint.js';
export { type CompiledStep, compile } from './autograd/compile.js';
export { type CustomBackward, type CustomForward, customGrad, type Save } from './autograd/custom-grad.js';
export { type GradcheckOptions, gradcheck, gradgradcheck } from './autograd/gradcheck.js';
export type { GradientHook } from './autograd/hooks.js';
export {
  celu,
  type GeluOptions,
  gelu,
  glu,
  hardSigmoid,
  hardSwish,
  hardTanh,
  logSigmoid,
  mish,
  prelu,
  relu6,
  type SoftplusOptions,
  selu,
  softplus,
  softsign,
} from './autograd/ops/activation.js';
export {
  type AdaptiveMaxPoolOptions,
  type AdaptiveSize,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
} from './autograd/ops/adaptive-pool.js';
export {
  add,
  div,
  equal,
  greater,
  greaterEqual,
  less,
  lessEqual,
  maximum,
  minimum,
  mul,
  notEqual,
  type Operand,
  pow,
  sub,
  where,
} from './autograd/ops/arithmetic.js';
export { type Conv2dOptions, type Conv2dTransposeOptions, conv2d, conv2dTranspose } from './autograd/ops/conv.js';
export { type Conv1dOptions, type Conv1dTransposeOptions, conv1d, conv1dTranspose } from './autograd/ops/conv1d.js';
export { type DropoutOptions, dropout, dropout2d } from './autograd/ops/dropout.js';
export { einsum } from './autograd/ops/einsum.js';
export {
  abs,
  cast,
  clamp,
  elu,
  erf,
  exp,
  isNaN,
  leakyRelu,
  log,
  log1p,
  logicalNot,
  neg,
  type ReluOptions,
  relu,
  sigmoid,
  sign,
  silu,
  sqrt,
  tanh,
} from './autograd/ops/elementwise.js';
export { type EmbeddingOptions, embedding } from './autograd/ops/embedding.js';
export { gather, indexAdd, scatter, scatterAdd } from './autograd/ops/gather.js';
export type { IndexConvention } from './autograd/ops/index-conventions.js';
export { flip, indexSelect, type Range, slice } from './autograd/ops/indexing.js';
export {
  type BceOptions,
  type BceWithLogitsOptions,
  bce,
  bceWithLogits,
  type HuberOptions,
  huber,
  type LossOptions,
  l1,
  mse,
  type Reduction,
  type SmoothL1Options,
  smoothL1,
} from './autograd/ops/loss.js';
export { type CrossEntropyOptions, crossEntropy, type NllOptions, nll } from './autograd/ops/loss-classes.js';
export {
  type DivergenceReduction,
  type KlDivOptions,
  type KlNormalOptions,
  klDiv,
  klNormal,
} from './autograd/ops/loss-divergence.js';
export { type DiceOptions, dice, type SigmoidFocalOptions, sigmoidFocal } from './autograd/ops/loss-masks.js';
export { matmul } from './autograd/ops/matmul.js';
export {
  clone,
  concat,
  detach,
  expand,
  permute,
  reshape,
  squeeze,
  stack,
  transpose,
  unsqueeze,
} from './autograd/ops/movement.js';
export { type AffineOptions, batchNorm, groupNorm, instanceNorm, layerNorm } from './autograd/ops/norm.js';
export { type PadOptions, pad } from './autograd/ops/pad.js';
export {
  type AvgPool2dOptions,
  avgPool2d,
  type MaxPool2dOptions,
  maxPool2d,
  maxPool2dWithArgmaxAndMask,
} from './autograd/ops/pool.js';
export { PoolIndices } from './autograd/ops/pool-indices.js';
export { type AvgPool1dOptions, avgPool1d, type MaxPool1dOptions, maxPool1d } from './autograd/ops/pool1d.js';
export {
  chunk,
  type MeshgridOptions,
  meshgrid,
  type OneHotOptions,
  oneHot,
  repeatInterleave,
  roll,
  splitTensor,
  tile,
  tril,
  triu,
  unbind,
} from './autograd/ops/rearrange.js';
export {
  argmax,
  argmin,
  logSoftmax,
  logsumexp,
  max,
  mean,
  min,
  type ReduceOptions,
  softmax,
  std,
  sum,
  type VarianceOptions,
  variance,
} from './autograd/ops/reduce.js';
export { all, any, norm, prod, type VectorNormOptions } from './autograd/ops/reduce-composed.js';
export { atan2, fmod, remainder } from './autograd/ops/remainder.js';
export {
  type FixedUnpool2dOptions,
  fixedUnpool2d,
  type PixelShuffleOptions,
  pixelShuffle,
  pixelUnshuffle,
  type Resize2dOptions,
  resize2d,
  type Upsample2dOptions,
  unPooling2x2ZeroFilled,
  upsample2d,
} from './autograd/ops/resize.js';
export { type Resize1dOptions, resize1d, type Upsample1dOptions, upsample1d } from './autograd/ops/resize1d.js';
export {
  ceil,
  expm1,
  floor,
  isFinite,
  isInf,
  log2,
  log10,
  reciprocal,
  round,
  rsqrt,
  square,
  trunc,
} from './autograd/ops/rounding.js';
export { cumprod, cumsum, type ScanOptions } from './autograd/ops/scan.js';
export { gatherNd, scatterNd } from './autograd/ops/scatter.js';
export {
  type ScatterReduceOptions,
  type ScatterReduction,
  scatterReduce,
} from './autograd/ops/scatter-reduce.js';
export { argsort, type SortOptions, sort, type TopkOptions, topk } from './autograd/ops/sort.js';
export {
  acos,
  acosh,
  asin,
  asinh,
  atan,
  atanh,
  cos,
  cosh,
  sin,
  sinh,
  tan,
} from './autograd/ops/trigonometry.js';
export { type Duplicates, maxUnpool2d, type UnpoolingOptions, unpooling } from './autograd/ops/unpool.js';
export type { AddonsUnpoolOptions, MaxUnpool2dOptions, TorchUnpoolOptions } from './autograd/ops/unpool-forms.js';
export { type UnpoolByMaskOptions, unpoolByMask } from './autograd/ops/unpool-mask.js';
export {
  type AddonsUnpool1dOptions,
  type MaxUnpool1dOptions,
  maxUnpool1d,
  type TorchUnpool1dOptions,
} from './autograd/ops/unpool1d.js';
export type { Counters, Device, MemoryReport, NanPolicy } from './device/device.js';
export type { Adapter, GpuDevice, GpuMode, GpuOptions } from './device/gpu/index.js';
export { type AdapterName, type DeviceName, defaultDevice, device, setDefaultDevice } from './device/select.js';
export type { Build, WasmOptions } from './device/wasm/options.js';
export {
  type Anomaly,
  AnomalyError,
  CedarError,
  DeviceError,
  FormatError,
  GraphError,
  ShapeError,
  ValueError,
} from './errors.js';
export * from './nn/index.js';
export * from './optim/index.js';
export type { AbortSignalLike, BlobLike, UrlLike } from './platform.js';
export {
  arange,
  eye,
  full,
  linspace,
  ones,
  onesLike,
  poolIndices,
  type RandomTensorOptions,
  rand,
  randn,
  type TensorOptions,
  tensor,
  zeros,
  zerosLike,
} from './tensor/create.js';
export { enableGrad, Parameter, Tensor } from './tensor/tensor.js';
export type { DType, TypedArray } from './values/dtype.js';
export { FastRandom, type FastRandomSnapshot } from './values/fast-random.js';
export type { RandomGenerator } from './values/generator.js';
export type { TensorData } from './values/nested.js';
export {
  getRngState,
  manualSeed,
  type RandomSnapshot,
  RandomState,
  type SavedRandom,
  setRngState,
} from './values/random.js';
export type { Shape } from './values/shape.js';
export type { Padding, Pair, Pool2dOptions } from './values/window.js';
export type { Padding1d, Pool1dOptions } from './values/window1d.js';
