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
