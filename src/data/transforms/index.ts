/**
 * Transforms of images, for `mapDataset`: re-exports only. The entry `cedargrad/data` exports them
 * as `transforms`.
 */
export {
  brightness,
  contrast,
  type GrayscaleOptions,
  grayscale,
  type NoiseOptions,
  noise,
  normalize,
  type PerChannel,
} from './color.js';
export { compose, forImage, fromList, paired } from './combine.js';
export {
  crop,
  type FlipOptions,
  flip,
  type PadOptions,
  pad,
  type ResizeOptions,
  type ResizeSize,
  type RotateOptions,
  randomCrop,
  resize,
  rotate,
  type SeedOptions,
  type Size,
} from './geometry.js';
export type { Interpolation, PairedOptions, StepDescription, Transform } from './step.js';
