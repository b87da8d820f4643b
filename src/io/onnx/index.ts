/** ONNX files: re-exports only. */
export { exportOnnx, type OnnxExportOptions, type OnnxInput, type OnnxLayout, saveOnnx } from './export.js';
