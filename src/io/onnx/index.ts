/** ONNX files: re-exports only. */
export { exportOnnx, type OnnxExportOptions, type OnnxInput, type OnnxLayout, saveOnnx } from './export.js';
export { importOnnx, type OnnxImportOptions } from './import.js';
export type { OnnxModel } from './model.js';
