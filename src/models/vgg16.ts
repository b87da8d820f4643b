/** VGG16. Not here: its encoder (vgg.ts), and networks that decode it (cedn.ts, segnet.ts). */
import { knownOptions, type OptionNames } from '../arguments.js';
import { checkRate } from '../autograd/ops/dropout.js';
import { ShapeError, show } from '../errors.js';
import { ReLU } from '../nn/activation.js';
import { Sequential } from '../nn/container.js';
import { Dropout } from '../nn/dropout.js';
import { Linear } from '../nn/linear.js';
import { Module } from '../nn/module.js';
import { Flatten } from '../nn/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Pair, pair } from '../values/window.js';
import { checkImages, checkNetwork, type NetworkOptions, scaled, VggEncoder, vggWidths } from './vgg.js';

/** Options of Vgg16. */
export interface Vgg16Options extends NetworkOptions {
  /** Height and width of the images, at least 32. Default 224. @units pixels */
  readonly size?: Pair;
  /** Default 1000. */
  readonly classes?: number;
  /** Whether batch norm follows each convolution, as in torchvision's vgg16_bn. Default false. */
  readonly norm?: boolean;
  /** Rate of the dropout in the classifier. Default 0.5. */
  readonly dropout?: number;
}

const vgg16Options: OptionNames<Vgg16Options> = {
  channels: 'value',
  width: 'value',
  size: 'value',
  classes: 'value',
  norm: 'flag',
  dropout: 'value',
};

/**
 * VGG16, the configuration D: thirteen convolutions of 3 × 3 in five levels, and three linear
 * layers. Parameters have the names of torchvision. For images of 224 × 224 load its weights with
 * `loadTorch(model, file, { flatten: { 'classifier.0': [512, 7, 7] } })`.
 * @shape x [N,H,W,channels] → logits [N,classes], for H and W as `size`
 * @throws ValueError for options out of range; ShapeError for images of another size
 * @source Simonyan and Zisserman 2014, "Very Deep Convolutional Networks"; torchvision.models.vgg16
 */
export class Vgg16 extends Module {
  static override readonly title: string = 'Vgg16';
  readonly features: VggEncoder;
  readonly flatten: Flatten;
  readonly classifier: Sequential;
  readonly size: readonly [height: number, width: number];
  readonly channels: number;

  constructor(options: Vgg16Options = {}) {
    super();
    const op = 'Vgg16';
    knownOptions(op, options, vgg16Options);
    checkNetwork(op, options);
    const { channels = 3, width = 1, size = 224, classes = 1000, norm = false, dropout = 0.5 } = options;
    checkRate(op, dropout);
    this.size = pair(op, 'size', size, 32);
    this.channels = channels;
    const widths = vggWidths(width);
    this.features = new VggEncoder(channels, widths, norm);
    this.flatten = new Flatten();
    const [height, across] = this.size;
    const places = Math.floor(height / 32) * Math.floor(across / 32);
    const hidden = scaled(4096, width);
    this.classifier = new Sequential(
      new Linear(places * scaled(512, width), hidden),
      new ReLU(),
      new Dropout(dropout),
      new Linear(hidden, hidden),
      new ReLU(),
      new Dropout(dropout),
      new Linear(hidden, classes),
    );
  }
  forward(x: Tensor): Tensor {
    checkImages('Vgg16.forward', x, this.channels, 5);
    const [, height, width] = x.shape;
    if (height !== this.size[0] || width !== this.size[1])
      throw new ShapeError('Vgg16.forward', `images must be of size ${show(this.size)}`, `input=${show(x.shape)}`);
    return this.classifier.forward(this.flatten.forward(this.features.forward(x)));
  }
}
