/**
 * The networks of the examples, whose exports ONNX Runtime runs and whose round trips are tested.
 * Networks that an example defines among its steps are written here again. Not here: those of
 * cedargrad/models (published.ts).
 */
import { Cedn } from '../../examples/cedn-model.js';
import { DigitAutoencoder } from '../../examples/digits-model.js';
import { Inpainter } from '../../examples/inpaint-model.js';
import { VariationalAutoencoder } from '../../examples/variational-model.js';
import { WhatWhere } from '../../examples/what-where-model.js';
import {
  Conv1d,
  Conv2d,
  ConvTranspose1d,
  ConvTranspose2d,
  LeakyReLU,
  MaxPool2d,
  type Module,
  ReLU,
  Sequential,
  unpoolLike,
} from '../../src/index.js';
import { ConvAutoencoder } from '../../src/models/index.js';
import { type Network, prepared } from './networks.js';

const same = { padding: 'same' } as const;

/** As in examples/denoise.ts. */
function denoiser(): Module {
  const [pool1, pool2] = [new MaxPool2d(2), new MaxPool2d(2)];
  return new Sequential(
    ...[new Conv2d(1, 16, 5, same), new LeakyReLU(), pool1],
    ...[new Conv2d(16, 32, 5, same), new LeakyReLU(), pool2],
    ...[new Conv2d(32, 32, 3, same), new LeakyReLU()],
    ...[unpoolLike(pool2), new ConvTranspose2d(32, 16, 5, same), new LeakyReLU()],
    ...[unpoolLike(pool1), new ConvTranspose2d(16, 16, 5, same), new LeakyReLU(), new Conv2d(16, 1, 3, same)],
  );
}

/** As in examples/series.ts. */
function seriesModel(): Module {
  const quarter = { stride: 4, padding: 'same' } as const;
  return new Sequential(
    ...[new Conv1d(1, 16, 8, quarter), new ReLU(), new Conv1d(16, 4, 8, quarter)],
    ...[new ConvTranspose1d(4, 16, 8, quarter), new ReLU(), new ConvTranspose1d(16, 1, 8, quarter)],
  );
}

const anomaly = { widths: [16, 32, 64], code: 2, decoder: 'upsample', norm: true } as const;

export const examples: readonly Network[] = prepared([
  { name: 'example cedn', make: () => new Cedn().initHe(0), inputs: [[2, 3, 32, 32]] },
  { name: 'example digits', make: () => new DigitAutoencoder(), inputs: [[2, 1, 28, 28]] },
  { name: 'example what-where', make: () => new WhatWhere(), inputs: [[1, 1, 28, 28]] },
  { name: 'example denoise', make: denoiser, inputs: [[2, 1, 32, 32]] },
  { name: 'example variational', make: () => new VariationalAutoencoder(), inputs: [[2, 1, 28, 28]] },
  {
    name: 'example inpaint',
    make: () => new Inpainter(),
    inputs: [
      [1, 1, 32, 36],
      [1, 1, 32, 36],
    ],
    masks: [0],
  },
  {
    name: 'example anomaly',
    make: () => new ConvAutoencoder({ size: [28, 28], channels: 1, ...anomaly }),
    inputs: [[2, 1, 28, 28]],
  },
  { name: 'example series', make: seriesModel, inputs: [[2, 1, 64]] },
]);
