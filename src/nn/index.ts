/** Modules, layers, losses and initialisers: re-exports only. */

export { ELU, GELU, LeakyReLU, ReLU, Sigmoid, SiLU, Softmax, Softplus, Tanh } from './activation.js';
export {
  CELU,
  GLU,
  Hardsigmoid,
  Hardswish,
  Hardtanh,
  LogSigmoid,
  Mish,
  PReLU,
  type PReLUOptions,
  ReLU6,
  SELU,
  Softsign,
} from './activation-composed.js';
export { AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveMaxPool1d, AdaptiveMaxPool2d } from './adaptive-pool.js';
export type { OverImages, OverSeries } from './axes.js';
export { checkpointSequential } from './checkpoint.js';
export { type Layer, Sequential } from './container.js';
export { Conv2d, type Conv2dLayerOptions, ConvTranspose2d, type ConvTranspose2dOptions } from './conv.js';
export type { ConvLayerOptions, ConvTransposeLayerOptions } from './conv-layer.js';
export { Conv1d, type Conv1dLayerOptions, ConvTranspose1d, type ConvTranspose1dOptions } from './conv1d.js';
export { Dropout, Dropout2d } from './dropout.js';
export { Embedding } from './embedding.js';
export * as init from './init.js';
export { InstanceNorm2d, type InstanceNorm2dOptions } from './instance-norm.js';
export { Linear } from './linear.js';
export { ModuleDict, ModuleList } from './lists.js';
export { BCELoss, BCEWithLogitsLoss, HuberLoss, L1Loss, MSELoss, SmoothL1Loss } from './loss.js';
export { CrossEntropyLoss, NLLLoss } from './loss-classes.js';
export { KLDivLoss, KLNormalLoss } from './loss-divergence.js';
export { DiceLoss, SigmoidFocalLoss } from './loss-masks.js';
export { type LoadReport, Module } from './module.js';
export {
  BatchNorm1d,
  type BatchNorm1dOptions,
  BatchNorm2d,
  type BatchNorm2dOptions,
  GroupNorm,
  LayerNorm,
  type LayerNormOptions,
  type NormOptions,
} from './norm.js';
export {
  CircularPad1d,
  CircularPad2d,
  ConstantPad1d,
  ConstantPad2d,
  type ImageBorder,
  ReflectionPad1d,
  ReflectionPad2d,
  ReplicationPad1d,
  ReplicationPad2d,
  type SeriesBorder,
  ZeroPad1d,
  ZeroPad2d,
} from './pad.js';
export {
  AvgPool2d,
  type AvgPool2dLayerOptions,
  MaxPool2d,
  type MaxPool2dLayerOptions,
  MaxPool2dWithArgmaxAndMask,
  type Pool2dLayerOptions,
} from './pool.js';
export { type AvgPoolLayerOptions, MaxPooling, type MaxPoolLayerOptions, type PoolLayerOptions } from './pool-layer.js';
export {
  AvgPool1d,
  type AvgPool1dLayerOptions,
  MaxPool1d,
  type MaxPool1dLayerOptions,
  MaxUnpool1d,
  type Pool1dLayerOptions,
} from './pool1d.js';
export {
  FixedUnpool2d,
  type FixedUnpool2dLayerOptions,
  PixelShuffle,
  PixelUnshuffle,
  Resize2d,
  Upsample2d,
} from './resize.js';
export { Resize1d, Upsample1d } from './resize1d.js';
export { Flatten } from './shape.js';
export { MaxUnpool2d, UnpoolByMask, UnpoolLike, unpoolLike } from './unpool.js';
