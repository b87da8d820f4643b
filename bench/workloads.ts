/**
 * The three workloads on this library:
 * - w1, the miniature encoder-decoder as published (12×20×20×3, sum of sigmoid cross entropies,
 *   learning rate 1). Overhead dominates.
 * - w2, the same network at 32×64×64×3 with channels 32/64/64. Arithmetic dominates.
 * - w3, a convolutional autoencoder on 64×28×28×1 with two stride-2 transposed convolutions and the
 *   mean squared error.
 */
import {
  Adam,
  bceWithLogits,
  Conv2d,
  ConvTranspose2d,
  compile,
  type Device,
  Dropout,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  manualSeed,
  mse,
  relu,
  setDefaultDevice,
  type Tensor,
  tensor,
} from 'cedargrad';
import type { NamedArray, Step, WorkloadData } from './timing.js';

export type Mode = 'eager' | 'compiled';

export class EncoderDecoder extends Module {
  conv1: Conv2d;
  conv2: Conv2d;
  conv3: Conv2d;
  deconv2: ConvTranspose2d;
  deconv1: ConvTranspose2d;
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();
  dropout: Dropout;

  constructor(channels: readonly number[], rate: number) {
    super();
    const [c0, c1, c2, c3] = channels;
    this.conv1 = new Conv2d(c0, c1, 3, { padding: 'same' });
    this.conv2 = new Conv2d(c1, c2, 3, { padding: 'same' });
    this.conv3 = new Conv2d(c2, c3, 3, { padding: 'same' });
    this.deconv2 = new ConvTranspose2d(c3, c1, 3, { padding: 'same' });
    this.deconv1 = new ConvTranspose2d(c1, 1, 3, { padding: 'same' });
    this.dropout = new Dropout(rate);
  }

  forward(x: Tensor): Tensor {
    const [h1, where1] = this.pool.forward(relu(this.conv1.forward(x)));
    const [h2, where2] = this.pool.forward(relu(this.conv2.forward(h1)));
    const h3 = relu(this.conv3.forward(h2));
    const d2 = this.dropout.forward(relu(this.deconv2.forward(this.unpool.forward(h3, where2))));
    return this.deconv1.forward(this.unpool.forward(d2, where1));
  }
}

export class Autoencoder extends Module {
  conv1 = new Conv2d(1, 16, 3, { padding: 1 });
  conv2 = new Conv2d(16, 32, 3, { padding: 1 });
  deconv2 = new ConvTranspose2d(32, 16, 3, { stride: 2, padding: 1, outputPadding: 1 });
  deconv1 = new ConvTranspose2d(16, 1, 3, { stride: 2, padding: 1, outputPadding: 1 });
  pool = new MaxPool2d(2);

  forward(x: Tensor): Tensor {
    const [h1] = this.pool.forward(relu(this.conv1.forward(x)));
    const [h2] = this.pool.forward(relu(this.conv2.forward(h1)));
    return this.deconv1.forward(relu(this.deconv2.forward(h2)));
  }
}

const toTensor = ({ data, shape }: NamedArray): Tensor => tensor(data, { shape });

/** A training step of a workload on a device. */
export function makeStep(workload: string, { lr, arrays }: WorkloadData, on: Device, mode: Mode, rate = 0.5): Step {
  setDefaultDevice(on);
  manualSeed(7);
  const { x: xs, y: ys, ...weights } = arrays;
  const x = toTensor(xs);
  const y = workload === 'w3' ? x : toTensor(ys);
  const shape = (name: string): readonly number[] => weights[`${name}.weight`].shape;
  const model =
    workload === 'w3'
      ? new Autoencoder()
      : new EncoderDecoder([shape('conv1')[2], ...['conv1', 'conv2', 'conv3'].map((name) => shape(name)[3])], rate);
  model.loadStateDict(Object.fromEntries(Object.entries(weights).map(([name, array]) => [name, toTensor(array)])));
  const optimizer = new Adam(model.parameters(), { lr });
  const eager = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const z = model.forward(x);
    const loss = workload === 'w3' ? mse(z, y) : bceWithLogits(z, y, { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    return loss;
  };
  const step = mode === 'compiled' ? compile(eager) : eager;
  return async () => step(x, y).item();
}
