/**
 * Data sets and batches: re-exports only.
 * @module cedargrad/data
 */
export { type BatchOptions, batches } from './batches.js';
export { cednData, cednWeights, type NamedWeight } from './cedn.js';
export type { Batch, Collated } from './collate.js';
export {
  type ArrayOfSamples,
  arrayDataset,
  concatDatasets,
  type Dataset,
  type ItemFunction,
  mapDataset,
  type SplitOptions,
  split,
  subset,
} from './dataset.js';
export type { Channels } from './decode.js';
export { type DigitSet, type Digits, digits, loadDigits } from './digits.js';
export type { HostArray } from './host-array.js';
export type { ImageSource } from './image-files.js';
export {
  type ImageFolder,
  type ImageFolderOptions,
  type ImagePair,
  imageFolder,
  type LabelledImage,
  readImage,
  type SkippedFile,
} from './image-folder.js';
export { DataLoader, type DataLoaderOptions, type LoaderState } from './loader.js';
export { type PhotographName, type PhotographsOptions, photographs } from './photographs.js';
export { type ModuleDatasetOptions, moduleDataset } from './recipe.js';
export { type GeneratedShapesOptions, generatedShapes, type ShapeKind } from './shapes.js';
export type { Sampler } from './sources.js';
export * as transforms from './transforms/index.js';
