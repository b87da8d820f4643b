/**
 * The networks of the examples, whose exports ONNX Runtime runs and whose round trips are tested.
 * Networks that an example defines among its steps are written here again. Not here: those of
 * cedargrad/models (published.ts).
 */
import { Cedn } from '../../examples/cedn-model.js';
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
  MaxUnpool2d,
  Module,
  ReLU,
  relu,
  Sequential,
  sigmoid,
  type Tensor,
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

/** As in examples/digits.ts. */
class Digits extends Module {
  conv1 = new Conv2d(1, 8, 3, same);
  conv2 = new Conv2d(8, 16, 3, same);
  squeeze = new Conv2d(16, 4, 1);
  widen = new Conv2d(4, 16, 1);
  deconv2 = new ConvTranspose2d(16, 8, 3, same);
  deconv1 = new ConvTranspose2d(8, 1, 3, same);
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();

  forward(x: Tensor): Tensor {
    const [h1, where1] = this.pool.forward(relu(this.conv1.forward(x)));
    const [h2, where2] = this.pool.forward(relu(this.conv2.forward(h1)));
    const d2 = this.unpool.forward(relu(this.widen.forward(this.squeeze.forward(h2))), where2);
    return sigmoid(this.deconv1.forward(this.unpool.forward(relu(this.deconv2.forward(d2)), where1)));
  }
}

const anomaly = { widths: [16, 32, 64], code: 2, decoder: 'upsample', norm: true } as const;

export const examples: readonly Network[] = prepared([
  { name: 'example cedn', make: () => new Cedn().initHe(0), inputs: [[2, 3, 32, 32]] },
  { name: 'example digits', make: () => new Digits(), inputs: [[2, 1, 28, 28]] },
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
