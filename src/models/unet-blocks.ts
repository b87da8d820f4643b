/** The levels of U-Net. Not here: their order (unet.ts). */
import { concat } from '../autograd/ops/movement.js';
import { ReLU } from '../nn/activation.js';
import { Sequential } from '../nn/container.js';
import { Conv2d, ConvTranspose2d } from '../nn/conv.js';
import { Module } from '../nn/module.js';
import { BatchNorm2d } from '../nn/norm.js';
import { MaxPool2d } from '../nn/pool.js';
import type { Tensor } from '../tensor/tensor.js';

export interface UNetLevelOptions {
  readonly padding: 'same' | 'valid';
  readonly norm: boolean;
}

/** Two convolutions of 3 × 3, each with relu. */
export class DoubleConv extends Module {
  static override readonly title: string = 'DoubleConv';
  readonly doubleConv: Sequential;

  constructor(inChannels: number, outChannels: number, { padding, norm }: UNetLevelOptions) {
    super();
    const unit = (from: number) => [
      // A bias before batch norm would have no effect.
      new Conv2d(from, outChannels, 3, { padding, bias: !norm }),
      ...(norm ? [new BatchNorm2d(outChannels)] : []),
      new ReLU({ inPlace: true }),
    ];
    this.doubleConv = new Sequential(...unit(inChannels), ...unit(outChannels));
  }
  forward(x: Tensor): Tensor {
    return this.doubleConv.forward(x);
  }
}

/** A level of the encoder: a max pool and two convolutions. */
export class Down extends Module {
  static override readonly title: string = 'Down';
  readonly maxpoolConv: Sequential;

  constructor(inChannels: number, outChannels: number, options: UNetLevelOptions) {
    super();
    this.maxpoolConv = new Sequential(new MaxPool2d(2), new DoubleConv(inChannels, outChannels, options));
  }
  forward(x: Tensor): Tensor {
    return this.maxpoolConv.forward(x);
  }
}

/** A level of the decoder: a transposed convolution, the encoder's features, two convolutions. */
export class Up extends Module {
  static override readonly title: string = 'Up';
  readonly up: ConvTranspose2d;
  readonly conv: DoubleConv;

  constructor(inChannels: number, outChannels: number, options: UNetLevelOptions) {
    super();
    this.up = new ConvTranspose2d(inChannels, outChannels, 2, { stride: 2 });
    this.conv = new DoubleConv(2 * outChannels, outChannels, options);
  }
  forward(x: Tensor, skip: Tensor): Tensor {
    const up = this.up.forward(x);
    return this.conv.forward(concat(sameSize(skip, up), 3));
  }
}

/**
 * Centres both on each other. Of the encoder's larger features, which 'valid' convolutions leave,
 * the middle is taken. A decoder that lacks a row or column, because a pool dropped it, gets zeros.
 */
function sameSize(skip: Tensor, up: Tensor): [Tensor, Tensor] {
  const [, height, width] = up.shape as [number, number, number];
  const [below, right] = [(skip.shape[1] as number) - height, (skip.shape[2] as number) - width];
  const [top, left] = [Math.floor(below / 2), Math.floor(right / 2)];
  if (below > 1 || right > 1) return [skip.slice(null, [top, top + height], [left, left + width]), up];
  if (below === 0 && right === 0) return [skip, up];
  return [
    skip,
    up.pad([
      [0, 0],
      [top, below - top],
      [left, right - left],
      [0, 0],
    ]),
  ];
}
