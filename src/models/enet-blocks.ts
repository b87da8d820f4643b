/** The blocks of ENet. Not here: their order (enet.ts). */

import { concat } from '../autograd/ops/movement.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import { maxUnpool2d } from '../autograd/ops/unpool.js';
import { ReLU } from '../nn/activation.js';
import { PReLU } from '../nn/activation-composed.js';
import { type Layer, Sequential } from '../nn/container.js';
import { Conv2d, type Conv2dLayerOptions, ConvTranspose2d } from '../nn/conv.js';
import { Dropout2d } from '../nn/dropout.js';
import { Module } from '../nn/module.js';
import { BatchNorm2d } from '../nn/norm.js';
import { MaxPool2d } from '../nn/pool.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Pair } from '../values/window.js';

/** The channels inside a bottleneck. */
const quarter = (channels: number): number => Math.max(1, Math.floor(channels / 4));

const newReLU = () => new ReLU({ inPlace: true });
const newPReLU = () => new PReLU();

/** A convolution without bias, batch norm, and an activation. */
const unit = (from: number, to: number, kernelSize: Pair, options: Conv2dLayerOptions, make: () => Layer): Layer[] => [
  new Conv2d(from, to, kernelSize, { bias: false, ...options }),
  new BatchNorm2d(to),
  make(),
];

/** A convolution of stride 2 beside a max pool of the image. */
export class Initial extends Module {
  static override readonly title: string = 'Initial';
  readonly mainBranch: Conv2d;
  readonly extBranch = new MaxPool2d(3, { stride: 2, padding: 1 });
  readonly batchNorm: BatchNorm2d;
  readonly outActivation = new PReLU();

  constructor(channels: number, outChannels: number) {
    super();
    this.mainBranch = new Conv2d(channels, outChannels - channels, 3, { stride: 2, padding: 1, bias: false });
    this.batchNorm = new BatchNorm2d(outChannels);
  }
  forward(x: Tensor): Tensor {
    const both = concat([this.mainBranch.forward(x), this.extBranch.forward(x)[0]], 3);
    return this.outActivation.forward(this.batchNorm.forward(both));
  }
}

/** Beside a shortcut: a convolution to fewer channels, one among them, and one to more. */
abstract class Bottleneck extends Module {
  readonly extConv1: Sequential;
  readonly extConv2: Sequential;
  readonly extConv3: Sequential;
  readonly extRegul: Dropout2d;
  readonly outActivation: Layer;

  /** `middle` is the second convolution with all that follows it. */
  constructor(
    [from, inner, to]: readonly [number, number, number],
    stride: number,
    dropout: number,
    active: () => Layer,
    middle: Layer[],
  ) {
    super();
    this.extConv1 = new Sequential(...unit(from, inner, stride, { stride }, active));
    this.extConv2 = new Sequential(...middle);
    this.extConv3 = new Sequential(...unit(inner, to, 1, {}, active));
    this.extRegul = new Dropout2d(dropout);
    this.outActivation = active();
  }
  protected merge(x: Tensor, main: (extension: Tensor) => Tensor): Tensor {
    const extension = this.extConv3.forward(this.extConv2.forward(this.extConv1.forward(x)));
    return this.outActivation.forward(main(extension).add(this.extRegul.forward(extension))) as Tensor;
  }
}

export interface RegularOptions {
  readonly dropout?: number;
  readonly dilation?: number;
  readonly isAsymmetric?: boolean;
  readonly relu?: boolean;
}

/** A bottleneck that keeps the size. Its convolution is plain, dilated, or 5 × 1 and 1 × 5. */
export class Regular extends Bottleneck {
  static override readonly title: string = 'Regular';

  constructor(channels: number, { dropout = 0.1, dilation = 1, isAsymmetric, relu }: RegularOptions = {}) {
    const inner = quarter(channels);
    const active = relu ? newReLU : newPReLU;
    const middle = isAsymmetric
      ? [
          ...unit(inner, inner, [5, 1], { padding: [2, 0] }, active),
          ...unit(inner, inner, [1, 5], { padding: [0, 2] }, active),
        ]
      : unit(inner, inner, 3, { padding: dilation, dilation }, active);
    super([channels, inner, channels], 1, dropout, active, middle);
  }
  forward(x: Tensor): Tensor {
    return this.merge(x, () => x);
  }
}

/** A bottleneck that halves the size, beside a max pool, whose missing channels are 0. */
export class Downsampling extends Bottleneck {
  static override readonly title: string = 'Downsampling';
  readonly mainMax1 = new MaxPool2d(2);

  constructor(channels: number, outChannels: number, dropout: number) {
    const inner = quarter(channels);
    super([channels, inner, outChannels], 2, dropout, newPReLU, unit(inner, inner, 3, { padding: 1 }, newPReLU));
  }
  forward(x: Tensor): [Tensor, PoolIndices] {
    const [pooled, where] = this.mainMax1.forward(x);
    const borders = (channels: number) => [0, 0, 0, channels - (pooled.shape[3] as number)].map((n) => [0, n] as const);
    return [this.merge(x, ({ shape }) => pooled.pad(borders(shape[3] as number))), where];
  }
}

/** A bottleneck that doubles the size by a transposed convolution, beside an unpooling. */
export class Upsampling extends Module {
  static override readonly title: string = 'Upsampling';
  readonly mainConv1: Sequential;
  readonly extConv1: Sequential;
  readonly extTconv1: ConvTranspose2d;
  readonly extTconv1Bnorm: BatchNorm2d;
  readonly extTconv1Activation = new ReLU({ inPlace: true });
  readonly extConv2: Sequential;
  readonly extRegul = new Dropout2d(0.1);
  readonly outActivation = new ReLU({ inPlace: true });

  constructor(channels: number, outChannels: number) {
    super();
    const inner = quarter(channels);
    this.mainConv1 = new Sequential(...unit(channels, outChannels, 1, {}, newReLU).slice(0, 2));
    this.extConv1 = new Sequential(...unit(channels, inner, 1, {}, newReLU));
    this.extTconv1 = new ConvTranspose2d(inner, inner, 2, { stride: 2, bias: false });
    this.extTconv1Bnorm = new BatchNorm2d(inner);
    this.extConv2 = new Sequential(...unit(inner, outChannels, 1, {}, newReLU).slice(0, 2));
  }
  /** `like` is the input of the pool that `where` is from. Its size is restored. */
  forward(x: Tensor, where: PoolIndices, like: Tensor): Tensor {
    const outputSize = like.shape.slice(1, 3) as [number, number];
    const up = this.extTconv1.forward(this.extConv1.forward(x), { outputSize });
    const extension = this.extConv2.forward(this.extTconv1Activation.forward(this.extTconv1Bnorm.forward(up)));
    const main = maxUnpool2d(this.mainConv1.forward(x), where);
    return this.outActivation.forward(main.add(this.extRegul.forward(extension)));
  }
}
