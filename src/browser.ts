/**
 * The entry point `cedargrad/browser`: everything of `cedargrad`, `cedargrad/data`, `cedargrad/io`,
 * `cedargrad/models` and `cedargrad/train` in one module, for pages without a bundler. Functions
 * that need a file system throw a DeviceError in a page. scripts/build.mjs bundles this file.
 * @module cedargrad/browser
 */
export * from './data/index.js';
export * from './index.js';
export * from './io/index.js';
export * from './models/index.js';
export * from './train/index.js';
