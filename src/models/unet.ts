/**
 * U-Net, whose decoder gets the encoder's features in place of indices. Not here: its levels
 * (unet-blocks.ts).
 */
import { knownOptions, type OptionNames, shown } from '../arguments.js';
import { ShapeError, show, ValueError } from '../errors.js';
import { Conv2d } from '../nn/conv.js';
import { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { DoubleConv, Down, Up } from './unet-blocks.js';
import { checkImages, checkNetwork, type NetworkOptions, scaled } from './vgg.js';

/** Options of UNet. */
export interface UNetOptions extends NetworkOptions {
  /** Default 2, as published. */
  readonly classes?: number;
  /**
   * 'valid' convolutions, as published, take a pixel off each side, so the output is smaller than
   * the input by 184. Default 'same'.
   */
  readonly padding?: 'same' | 'valid';
  /** Whether batch norm follows each convolution of 3 × 3. Default false, as published. */
  readonly norm?: boolean;
}

const unetOptions: OptionNames<UNetOptions> = {
  channels: 'value',
  width: 'value',
  classes: 'value',
  padding: 'value',
  norm: 'flag',
};

/** The final convolution, named as in the implementation. */
class OutConv extends Module {
  static override readonly title: string = 'OutConv';
  readonly conv: Conv2d;

  constructor(inChannels: number, classes: number) {
    super();
    this.conv = new Conv2d(inChannels, classes, 1);
  }
  forward(x: Tensor): Tensor {
    return this.conv.forward(x);
  }
}

/**
 * U-Net. Its decoder concatenates the encoder's features of the same level. Published with one
 * channel, two classes and padding 'valid', where images of 572 × 572 give 388 × 388. Parameters
 * have the names of the implementation below, in camelCase.
 * @shape x [N,H,W,channels] → logits [N,H,W,classes]; with padding 'valid' both sizes less 184, for
 * sizes that are 16·k + 12
 * @throws ValueError for options out of range; ShapeError for images that are too small
 * @source Ronneberger, Fischer and Brox 2015, "U-Net: Convolutional Networks for Biomedical Image
 * Segmentation"; github.com/milesial/Pytorch-UNet
 */
export class UNet extends Module {
  static override readonly title: string = 'UNet';
  readonly inc: DoubleConv;
  readonly down1: Down;
  readonly down2: Down;
  readonly down3: Down;
  readonly down4: Down;
  readonly up1: Up;
  readonly up2: Up;
  readonly up3: Up;
  readonly up4: Up;
  readonly outc: OutConv;
  readonly channels: number;
  readonly padding: 'same' | 'valid';

  constructor(options: UNetOptions = {}) {
    super();
    knownOptions('UNet', options, unetOptions);
    checkNetwork('UNet', options);
    const { channels = 3, width = 1, classes = 2, padding = 'same', norm = false } = options;
    if (padding !== 'same' && padding !== 'valid')
      throw new ValueError('UNet', "padding must be 'same' or 'valid'", `padding=${shown(padding)}`);
    this.channels = channels;
    this.padding = padding;
    const of = (count: number): number => scaled(count, width);
    const level = { padding, norm };
    this.inc = new DoubleConv(channels, of(64), level);
    this.down1 = new Down(of(64), of(128), level);
    this.down2 = new Down(of(128), of(256), level);
    this.down3 = new Down(of(256), of(512), level);
    this.down4 = new Down(of(512), of(1024), level);
    this.up1 = new Up(of(1024), of(512), level);
    this.up2 = new Up(of(512), of(256), level);
    this.up3 = new Up(of(256), of(128), level);
    this.up4 = new Up(of(128), of(64), level);
    this.outc = new OutConv(of(64), classes);
  }
  forward(x: Tensor): Tensor {
    checkImages('UNet.forward', x, this.channels, 4);
    if (this.padding === 'valid' && x.shape.slice(1, 3).some((size) => size < 188)) {
      const rule = "padding 'valid' needs at least 188 × 188 pixels";
      throw new ShapeError('UNet.forward', rule, `input=${show(x.shape)}`);
    }
    const h1 = this.inc.forward(x);
    const h2 = this.down1.forward(h1);
    const h3 = this.down2.forward(h2);
    const h4 = this.down3.forward(h3);
    const up = this.up2.forward(this.up1.forward(this.down4.forward(h4), h4), h3);
    return this.outc.forward(this.up4.forward(this.up3.forward(up, h2), h1));
  }
}
