/**
 * The networks of cedargrad/models, small, whose exports ONNX Runtime runs and whose round trips
 * are tested. Sizes are odd where a network takes them. Not here: networks of single operators, and
 * ConvAutoencoder (networks.ts); those of the examples (examples.ts).
 */
import { Cedn, DeconvNet, ENet, SegNet, Swwae, UNet, Vgg16 } from '../../src/models/index.js';
import { type Network, prepared } from './networks.js';

const width = 1 / 16;

export const published: readonly Network[] = prepared([
  { name: 'Vgg16', make: () => new Vgg16({ width, classes: 5, size: [33, 65] }), inputs: [[2, 3, 33, 65]] },
  {
    name: 'Vgg16, batch norm',
    make: () => new Vgg16({ width, classes: 5, size: [65, 33], norm: true }),
    inputs: [[1, 3, 65, 33]],
  },
  { name: 'SegNet', make: () => new SegNet({ width, classes: 3 }), inputs: [[2, 3, 37, 45]] },
  {
    name: 'DeconvNet',
    make: () => new DeconvNet({ width, classes: 3, size: [33, 65] }),
    inputs: [[1, 3, 33, 65]],
  },
  {
    name: 'DeconvNet, larger images',
    make: () => new DeconvNet({ width, classes: 3, size: [33, 65] }),
    inputs: [[1, 3, 71, 103]],
  },
  { name: 'Cedn', make: () => new Cedn({ width }), inputs: [[1, 3, 37, 45]] },
  { name: 'Swwae', make: () => new Swwae(), inputs: [[2, 1, 13, 14]] },
  {
    name: 'Swwae, two levels',
    make: () => new Swwae({ channels: 2, layers: '(3)3c-2p-(4)3c-(5)1c-3p' }),
    inputs: [[1, 2, 17, 20]],
  },
  { name: 'ENet', make: () => new ENet({ width: 1 / 2, classes: 3 }), inputs: [[1, 3, 45, 39]] },
  { name: 'UNet', make: () => new UNet({ width, classes: 3 }), inputs: [[2, 3, 37, 43]] },
  { name: 'UNet, batch norm', make: () => new UNet({ width, channels: 1, norm: true }), inputs: [[1, 1, 37, 43]] },
  {
    name: "UNet, 'valid'",
    make: () => new UNet({ width: 1 / 32, channels: 1, padding: 'valid' }),
    inputs: [[1, 1, 188, 204]],
  },
  {
    name: "UNet, 'valid', batch norm",
    make: () => new UNet({ width: 1 / 32, channels: 1, padding: 'valid', norm: true }),
    inputs: [[1, 1, 204, 188]],
  },
]);
