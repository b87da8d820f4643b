/**
 * Whole networks: re-exports only.
 * @module cedargrad/models
 */
export {
  type AutoencoderLevel,
  autoencoderFor,
  ConvAutoencoder,
  type ConvAutoencoderOptions,
} from './autoencoder.js';
export { Cedn, type CednOptions } from './cedn.js';
export { DeconvNet, type DeconvNetOptions } from './deconvnet.js';
export { ENet, type ENetOptions } from './enet.js';
export { SegNet, type SegNetOptions } from './segnet.js';
export { Swwae, type SwwaeOptions, type WhatWhere } from './swwae.js';
export { UNet, type UNetOptions } from './unet.js';
export type { NetworkOptions, VggEncoder } from './vgg.js';
export { Vgg16, type Vgg16Options } from './vgg16.js';
