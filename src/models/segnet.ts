/** SegNet. Not here: its encoder, which is VGG16's (vgg.ts). */
import { knownOptions, type OptionNames } from '../arguments.js';
import { Sequential } from '../nn/container.js';
import { Conv2d } from '../nn/conv.js';
import { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import {
  checkImages,
  checkNetwork,
  convolutions,
  decode,
  mirrored,
  type NetworkOptions,
  VggEncoder,
  vggWidths,
} from './vgg.js';

/** Options of SegNet. */
export interface SegNetOptions extends NetworkOptions {
  /** Default 12, as in CamVid. */
  readonly classes?: number;
}

const segNetOptions: OptionNames<SegNetOptions> = { channels: 'value', width: 'value', classes: 'value' };

/**
 * SegNet: the convolutions of VGG16 with batch norm, and a decoder that mirrors them. Each of its
 * levels unpools with the indices of the encoder's pool. Images of odd sizes are taken, too. The
 * encoder's parameters have the names of torchvision's vgg16_bn.
 * @shape x [N,H,W,channels] → logits [N,H,W,classes]
 * @throws ValueError for options out of range; ShapeError for images below 32 × 32
 * @source Badrinarayanan, Kendall and Cipolla 2015, "SegNet: A Deep Convolutional Encoder-Decoder
 * Architecture for Image Segmentation"
 */
export class SegNet extends Module {
  static override readonly title: string = 'SegNet';
  readonly features: VggEncoder;
  /** From the deepest level up. */
  readonly decoder: readonly Sequential[];
  /** The last convolution, which has neither batch norm nor relu. */
  readonly classifier: Conv2d;
  readonly channels: number;

  constructor(options: SegNetOptions = {}) {
    super();
    knownOptions('SegNet', options, segNetOptions);
    checkNetwork('SegNet', options);
    const { channels = 3, width = 1, classes = 12 } = options;
    this.channels = channels;
    const widths = vggWidths(width);
    this.features = new VggEncoder(channels, widths, true);
    const up = mirrored(widths, classes);
    const deepest = widths.at(-1)?.at(-1) as number;
    this.decoder = up.map((level, i) => {
      const from = up[i - 1]?.at(-1) ?? deepest;
      const isLast = i === up.length - 1;
      return new Sequential(...convolutions(from, isLast ? level.slice(0, -1) : level, true));
    });
    this.classifier = new Conv2d(up.at(-1)?.at(-2) as number, classes, 3, { padding: 1 });
  }
  forward(x: Tensor): Tensor {
    checkImages('SegNet.forward', x, this.channels, 5);
    const [features, where] = this.features.encode(x);
    const levels = this.decoder.map((level) => (h: Tensor) => level.forward(h));
    return this.classifier.forward(decode(features, where, levels));
  }
}
