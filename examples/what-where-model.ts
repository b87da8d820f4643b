/**
 * A stacked what-where autoencoder (Zhao, Mathieu, Goroshin, LeCun 2015, arXiv 1506.02351). "What"
 * is the values that the pools pass on. "Where" is the positions of their maxima, which go from
 * each encoder level directly to its decoder level.
 */
import {
  Conv2d,
  ConvTranspose2d,
  MaxPool2d,
  Module,
  mse,
  type PoolIndices,
  poolIndices,
  relu,
  sigmoid,
  type Tensor,
  unpoolLike,
} from 'cedargrad';

/** The places of both pools' maxima. */
export type Where = readonly [where1: PoolIndices, where2: PoolIndices];

/** 28×28 → 4×4×32 values and two levels of places → 28×28. */
export class WhatWhere extends Module {
  conv1 = new Conv2d(1, 16, 5, { padding: 'same' });
  pool1 = new MaxPool2d(2);
  conv2 = new Conv2d(16, 32, 5, { padding: 'same' });
  pool2 = new MaxPool2d(4, { padding: 1 });
  unpool2 = unpoolLike(this.pool2);
  deconv2 = new ConvTranspose2d(32, 16, 5, { padding: 'same' });
  unpool1 = unpoolLike(this.pool1);
  deconv1 = new ConvTranspose2d(16, 1, 5, { padding: 'same' });

  /** What and where, and `between`: what level 2 is given. */
  encode(x: Tensor): { what: Tensor; where: Where; between: Tensor } {
    const [between, where1] = this.pool1.forward(relu(this.conv1.forward(x)));
    const [what, where2] = this.pool2.forward(relu(this.conv2.forward(between)));
    return { what, where: [where1, where2], between };
  }
  /**
   * The image, and level 2's reconstruction as `between`. Without `where`, the latest encode()
   * gives it.
   */
  decode(what: Tensor, where?: Where): { image: Tensor; between: Tensor } {
    const between = relu(this.deconv2.forward(this.unpool2.forward(what, where?.[1])));
    return { image: sigmoid(this.deconv1.forward(this.unpool1.forward(between, where?.[0]))), between };
  }
  forward(x: Tensor): Tensor {
    return this.decode(this.encode(x).what).image;
  }
  /** The paper's L2rec + λ·L2M: the image's error, and the error between the levels. */
  loss(x: Tensor): Tensor {
    const { what, between } = this.encode(x);
    const rebuilt = this.decode(what);
    return mse(rebuilt.image, x).add(mse(rebuilt.between, between).mul(0.1));
  }
}

/** The same place in every window, whatever the image: the cell below and right of the middle. */
export function middles(model: WhatWhere, count: number): Where {
  const middle = ([height, width]: readonly [number, number]): number =>
    Math.floor(height / 2) * width + Math.floor(width / 2);
  const places = (pool: MaxPool2d, inside: number, outside: number, channels: number): PoolIndices =>
    poolIndices(new Int32Array(count * inside * inside * channels).fill(middle(pool.kernelSize)), {
      shape: [count, inside, inside, channels],
      convention: 'window',
      inputShape: [count, outside, outside, channels],
      pool: { kernelSize: pool.kernelSize, stride: pool.stride, padding: pool.padding },
    });
  return [places(model.pool1, 14, 28, 16), places(model.pool2, 4, 14, 32)];
}
