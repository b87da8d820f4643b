/**
 * The workloads on this library:
 * - w1, the miniature encoder-decoder as published (12×20×20×3, sum of sigmoid cross entropies,
 *   learning rate 1). Overhead dominates.
 * - w2, the same network at 32×64×64×3 with channels 32/64/64. Arithmetic dominates.
 * - w3, a convolutional autoencoder on 64×28×28×1 with two stride-2 transposed convolutions and the
 *   mean squared error.
 * - odd, an autoencoder on 6×37×53×3 with 20 and 40 channels, kernels of 3×3 and 5×5, and
 *   unpooling.
 * - w5, the library's Cedn at 224×224 (130,484,289 parameters, the mean of sigmoid cross entropies
 *   with weight 10, learning rate 1e-4). Its network is made in full.ts.
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
  noGrad,
  relu,
  setDefaultDevice,
  type Tensor,
  tensor,
} from 'cedargrad';
import type { NamedArray, Step, WorkloadData } from './timing.js';

export type Mode = 'eager' | 'compiled';

/** relu in place, as in the networks of PyTorch's peer. */
const active = (x: Tensor): Tensor => relu(x, { inPlace: true });

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
    const [h1, where1] = this.pool.forward(active(this.conv1.forward(x)));
    const [h2, where2] = this.pool.forward(active(this.conv2.forward(h1)));
    const h3 = active(this.conv3.forward(h2));
    const d2 = this.dropout.forward(active(this.deconv2.forward(this.unpool.forward(h3, where2))));
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
    const [h1] = this.pool.forward(active(this.conv1.forward(x)));
    const [h2] = this.pool.forward(active(this.conv2.forward(h1)));
    return this.deconv1.forward(active(this.deconv2.forward(h2)));
  }
}

/** An encoder-decoder whose sizes fill no vector, tile or pool, with the mean squared error. */
export class OddAutoencoder extends Module {
  conv1 = new Conv2d(3, 20, 3, { padding: 1 });
  conv2 = new Conv2d(20, 40, 5, { padding: 2 });
  conv3 = new Conv2d(40, 40, 3, { padding: 1 });
  deconv2 = new Conv2d(40, 20, 5, { padding: 2 });
  deconv1 = new Conv2d(20, 3, 3, { padding: 1 });
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();

  forward(x: Tensor): Tensor {
    const [h1, where1] = this.pool.forward(active(this.conv1.forward(x)));
    const [h2, where2] = this.pool.forward(active(this.conv2.forward(h1)));
    const h3 = active(this.conv3.forward(h2));
    const d2 = active(this.deconv2.forward(this.unpool.forward(h3, where2)));
    return this.deconv1.forward(this.unpool.forward(d2, where1));
  }
}

export type Network = Module & { forward(x: Tensor): Tensor };
/** Makes the network of a workload for arrays of these shapes, with a rate of dropout. */
export type MakeNetwork = (workload: string, arrays: WorkloadData['arrays'], rate: number) => Network;

/** Every network but that of w5. */
export const makeNetwork: MakeNetwork = (workload, arrays, rate) => {
  if (workload === 'w3') return new Autoencoder();
  if (workload === 'odd') return new OddAutoencoder();
  const shape = (name: string): readonly number[] => arrays[`${name}.weight`].shape;
  return new EncoderDecoder([shape('conv1')[2], ...['conv1', 'conv2', 'conv3'].map((name) => shape(name)[3])], rate);
};

const toTensor = ({ data, shape }: NamedArray): Tensor => tensor(data, { shape });

/** A workload's network with its weights, on the default device. */
export function networkOf(workload: string, { arrays }: WorkloadData, make: MakeNetwork, rate: number): Network {
  const network = make(workload, arrays, rate);
  // One after another, so that w5 needs no second copy of all of them.
  noGrad(() => {
    for (const [name, parameter] of network.namedParameters()) {
      const values = toTensor(arrays[name]);
      parameter.assign(values);
      values.release();
    }
  });
  return network;
}

/** The loss of a workload. */
function lossOf(workload: string, z: Tensor, y: Tensor): Tensor {
  if (workload === 'w3' || workload === 'odd') return mse(z, y);
  return workload === 'w5' ? bceWithLogits(z, y, { posWeight: 10 }) : bceWithLogits(z, y, { reduction: 'sum' });
}

/** A training step of a workload on a device. */
export function makeStep(
  workload: string,
  data: WorkloadData,
  on: Device,
  mode: Mode,
  rate = 0.5,
  make = makeNetwork,
): Step {
  setDefaultDevice(on);
  manualSeed(7);
  const network = networkOf(workload, data, make, rate);
  const x = toTensor(data.arrays.x);
  const y = data.arrays.y === undefined ? x : toTensor(data.arrays.y);
  const optimizer = new Adam(network.parameters(), { lr: data.lr });
  const eager = (x: Tensor, y: Tensor): Tensor => {
    optimizer.zeroGrad();
    const loss = lossOf(workload, network.forward(x), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const step = mode === 'compiled' ? compile(eager) : eager;
  return async () => step(x, y).item();
}
