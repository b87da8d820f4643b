/**
 * Files and pictures: re-exports only.
 * @module cedargrad/io
 */
export type { Source } from './byte-source.js';
export type { Bytes } from './bytes.js';
export { writeFileAtomic } from './files.js';
export { decodeNpy, encodeNpy, loadNpy, type NpyOptions, saveNpy } from './npy.js';
export { decodeNpz, encodeNpz, loadNpz, type NpzReadOptions, type NpzWriteOptions, saveNpz } from './npz.js';
export {
  exportOnnx,
  importOnnx,
  type OnnxExportOptions,
  type OnnxImportOptions,
  type OnnxInput,
  type OnnxLayout,
  type OnnxModel,
  saveOnnx,
} from './onnx/index.js';
export { type ChartOptions, type Color, Picture, type PictureImage, type Series, type TextOptions } from './picture.js';
export { decodePng, encodePng, type PngImage } from './png.js';
export {
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsReadOptions,
  type SafetensorsWriteOptions,
} from './safetensors.js';
export type { Skip, StoredTensor } from './stored.js';
export { loadSafetensors } from './tensor-file.js';
export {
  encodeTorch,
  type LoadTorchOptions,
  loadTorch,
  type SaveTorchOptions,
  saveTorch,
} from './torch.js';
export type { FlattenedSizes, LayoutOptions } from './torch-layouts.js';
export type { NameMap } from './torch-names.js';
export { encodeWeights, loadWeights, saveWeights } from './weights.js';
