/** Files and pictures. */
export { writeFileAtomic } from './files.js';
export { decodePng, encodePng, type PngImage } from './png.js';
export { decodeSafetensors, encodeSafetensors, type StoredTensor } from './safetensors.js';
export { type ChartOptions, type Drawable, Picture } from './picture.js';
