/**
 * CEDN, the network for object contours. Not here: its encoder, which is VGG16's (vgg.ts), and the
 * miniature of it (examples/cedn-model.ts).
 */
import { knownOptions, type OptionNames } from '../arguments.js';
import { checkRate } from '../autograd/ops/dropout.js';
import { Conv2d } from '../nn/conv.js';
import { Dropout } from '../nn/dropout.js';
import { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  activate,
  checkImages,
  checkNetwork,
  decode,
  type NetworkOptions,
  scaled,
  VggEncoder,
  vggWidths,
} from './vgg.js';

/** Options of Cedn. */
export interface CednOptions extends NetworkOptions {
  /** Channels of the output. Default 1, the contour's logit. */
  readonly classes?: number;
  /** Rate of the dropout after each level of the decoder. Default 0.5. */
  readonly dropout?: number;
}

const cednOptions: OptionNames<CednOptions> = { channels: 'value', width: 'value', classes: 'value', dropout: 'value' };

/**
 * CEDN, a convolutional encoder-decoder for object contours. The encoder is VGG16 with its first
 * linear layer as a convolution of 7 × 7. The light decoder unpools with the encoder's indices and
 * has one convolution of 5 × 5 a level. Train it with bceWithLogits, whose posWeight is 10 there,
 * and freeze the encoder by `model.features.requireGrad(false)`. The encoder's parameters have the
 * names of torchvision's vgg16.
 * @shape x [N,H,W,channels] → logits [N,H,W,classes]
 * @throws ValueError for options out of range; ShapeError for images below 32 × 32
 * @source Yang et al. 2016, "Object Contour Detection with a Fully Convolutional Encoder-Decoder
 * Network", table 1
 */
export class Cedn extends Module {
  static override readonly title: string = 'Cedn';
  readonly features: VggEncoder;
  readonly conv6: Conv2d;
  readonly deconv6: Conv2d;
  readonly deconv5: Conv2d;
  readonly deconv4: Conv2d;
  readonly deconv3: Conv2d;
  readonly deconv2: Conv2d;
  readonly deconv1: Conv2d;
  readonly pred: Conv2d;
  readonly dropout: Dropout;
  readonly channels: number;

  constructor(options: CednOptions = {}) {
    super();
    knownOptions('Cedn', options, cednOptions);
    checkNetwork('Cedn', options);
    const { channels = 3, width = 1, classes = 1, dropout = 0.5 } = options;
    checkRate('Cedn', dropout);
    this.channels = channels;
    const of = (count: number): number => scaled(count, width);
    const conv = (from: number, to: number, kernelSize: number): Conv2d =>
      new Conv2d(from, to, kernelSize, { padding: 'same' });
    this.features = new VggEncoder(channels, vggWidths(width), false);
    this.conv6 = conv(of(512), of(4096), 7);
    this.deconv6 = conv(of(4096), of(512), 1);
    this.deconv5 = conv(of(512), of(512), 5);
    this.deconv4 = conv(of(512), of(256), 5);
    this.deconv3 = conv(of(256), of(128), 5);
    this.deconv2 = conv(of(128), of(64), 5);
    this.deconv1 = conv(of(64), of(32), 5);
    this.pred = conv(of(32), classes, 5);
    this.dropout = new Dropout(dropout);
  }
  forward(x: Tensor): Tensor {
    checkImages('Cedn.forward', x, this.channels, 5);
    const [features, where] = this.features.encode(x);
    const code = activate(this.deconv6.forward(activate(this.conv6.forward(features))));
    const levels = [this.deconv5, this.deconv4, this.deconv3, this.deconv2, this.deconv1];
    const active = levels.map((deconv) => (h: Tensor) => this.dropout.forward(activate(deconv.forward(h))));
    return this.pred.forward(decode(code, where, active));
  }
}
