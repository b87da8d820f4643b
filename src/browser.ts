/**
 * The entry point `cedargrad/browser`: everything of `cedargrad`, `cedargrad/data`, `cedargrad/io`,
 * `cedargrad/models` and `cedargrad/train` in one module, for pages without a bundler. Functions
 * that need a file system throw a DeviceError in a page. scripts/build.mjs bundles this file.
 * Two entry points have a `checkpoint`. Here, that of `cedargrad` is `gradientCheckpoint`.
 * @module cedargrad/browser
 */
export { checkpoint as gradientCheckpoint } from './autograd/checkpoint.js';
export * from './data/index.js';
export * from './index.js';
export * from './io/index.js';
export * from './models/index.js';
export * from './train/index.js';
export { checkpoint } from './train/index.js';
