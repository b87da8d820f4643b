/** DeconvNet. Not here: its encoder, which is VGG16's (vgg.ts). */
import { knownOptions, type OptionNames } from '../arguments.js';
import { Sequential } from '../nn/container.js';
import { Conv2d, ConvTranspose2d } from '../nn/conv.js';
import { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Pair, pair } from '../values/window.js';
import {
  checkImages,
  checkNetwork,
  convolutions,
  decode,
  type MakeConv,
  mirrored,
  type NetworkOptions,
  scaled,
  VggEncoder,
  vggWidths,
} from './vgg.js';

/** Options of DeconvNet. */
export interface DeconvNetOptions extends NetworkOptions {
  /**
   * Height and width of the images that the code has one place for, at least 32. Larger images have
   * several. Default 224. @units pixels
   */
  readonly size?: Pair;
  /** Default 21, as in PASCAL VOC. */
  readonly classes?: number;
}

const deconvNetOptions: OptionNames<DeconvNetOptions> = {
  channels: 'value',
  width: 'value',
  size: 'value',
  classes: 'value',
};

const deconv3: MakeConv = (inChannels, outChannels) => new ConvTranspose2d(inChannels, outChannels, 3, { padding: 1 });

/**
 * DeconvNet: VGG16 with its linear layers as convolutions, and a decoder of transposed convolutions
 * that mirrors it. Each level unpools with the indices of the encoder's pool. Batch norm follows
 * every layer but the last. The encoder's parameters have the names of torchvision's vgg16_bn.
 * @shape x [N,H,W,channels] → logits [N,H,W,classes]
 * @throws ValueError for options out of range; ShapeError for images below `size`
 * @source Noh, Hong and Han 2015, "Learning Deconvolution Network for Semantic Segmentation"
 */
export class DeconvNet extends Module {
  static override readonly title: string = 'DeconvNet';
  readonly features: VggEncoder;
  /** fc6, fc7 and fc6-deconv of the paper's table. */
  readonly code: Sequential;
  /** From the deepest level up. */
  readonly decoder: readonly Sequential[];
  readonly classifier: Conv2d;
  readonly channels: number;

  constructor(options: DeconvNetOptions = {}) {
    super();
    const op = 'DeconvNet';
    knownOptions(op, options, deconvNetOptions);
    checkNetwork(op, options);
    const { channels = 3, width = 1, size = 224, classes = 21 } = options;
    this.channels = channels;
    const widths = vggWidths(width);
    this.features = new VggEncoder(channels, widths, true);
    const [height, across] = pair(op, 'size', size, 32);
    const place = [Math.floor(height / 32), Math.floor(across / 32)] as const;
    const [deepest, hidden, first] = [scaled(512, width), scaled(4096, width), scaled(64, width)];
    this.code = new Sequential(
      ...convolutions(deepest, [hidden], true, (from, to) => new Conv2d(from, to, place)),
      ...convolutions(hidden, [hidden], true, (from, to) => new Conv2d(from, to, 1)),
      ...convolutions(hidden, [deepest], true, (from, to) => new ConvTranspose2d(from, to, place)),
    );
    const up = mirrored(widths, first);
    this.decoder = up.map(
      (level, i) => new Sequential(...convolutions(up[i - 1]?.at(-1) ?? deepest, level, true, deconv3)),
    );
    this.classifier = new Conv2d(first, classes, 1);
  }
  forward(x: Tensor): Tensor {
    checkImages('DeconvNet.forward', x, this.channels, 5);
    const [features, where] = this.features.encode(x);
    const levels = this.decoder.map((level) => (h: Tensor) => level.forward(h));
    return this.classifier.forward(decode(this.code.forward(features), where, levels));
  }
}
