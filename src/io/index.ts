/**
 * Files and pictures: re-exports only.
 * @module cedargrad/io
 */
export type { Bytes } from './bytes.js';
export { writeFileAtomic } from './files.js';
export { type ChartOptions, type Color, Picture, type PictureImage, type Series, type TextOptions } from './picture.js';
export { decodePng, encodePng, type PngImage } from './png.js';
export { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';
export { encodeWeights, loadWeights, saveWeights } from './weights.js';
