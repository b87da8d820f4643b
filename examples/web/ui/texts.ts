/**
 * What the page says of networks and devices, and the learning rate that each network begins with.
 * Not here: the networks themselves (worker/networks).
 */
import type { DeviceChoice, NetworkName } from '../protocol.js';

export interface NetworkText {
  readonly title: string;
  readonly about: string;
  readonly learningRate: number;
}

export const networks: Readonly<Record<NetworkName, NetworkText>> = {
  cedn: {
    title: 'Miniature CEDN',
    about:
      'Learns twelve random pictures by heart, and for each a random mask. It can only do so if its decoder puts every value back where it came from.',
    learningRate: 3e-3,
  },
  digits: {
    title: 'Digits autoencoder',
    about: 'Squeezes handwritten digits into 7×7×4 numbers and rebuilds them. You can draw a digit of your own.',
    learningRate: 3e-3,
  },
  'what-where': {
    title: 'What and where',
    about:
      'Splits a digit into what it shows and where its strokes lie, and rebuilds it from both, or from one of them.',
    learningRate: 2e-3,
  },
  contours: {
    title: 'Contours of your picture',
    about: 'A network that is trained already. It finds the contours of objects in a picture that you choose.',
    learningRate: 1e-3,
  },
};

/** What the worker has to say of a device is added to these. */
export const devices: Readonly<Record<DeviceChoice, string>> = {
  auto: 'Automatic',
  wasm: 'Processor (wasm)',
  webgpu: 'WebGPU',
  webgl2: 'WebGL 2',
};
