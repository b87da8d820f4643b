/** ENet. Not here: its blocks (enet-blocks.ts). */
import { knownOptions, type OptionNames } from '../arguments.js';
import { ValueError } from '../errors.js';
import { ConvTranspose2d } from '../nn/conv.js';
import { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { Downsampling, Initial, Regular, Upsampling } from './enet-blocks.js';
import { checkImages, checkNetwork, type NetworkOptions, scaled } from './vgg.js';

/** Options of ENet. */
export interface ENetOptions extends NetworkOptions {
  /** Default 20, as in Cityscapes. */
  readonly classes?: number;
}

const enetOptions: OptionNames<ENetOptions> = { channels: 'value', width: 'value', classes: 'value' };

const through = (x: Tensor, ...blocks: readonly Regular[]): Tensor => blocks.reduce((h, block) => block.forward(h), x);

/**
 * ENet: 29 small bottlenecks in five stages, with skipped max pools whose indices the decoder
 * unpools with. Images of odd sizes are taken, too. Parameters have the names of the implementation
 * below, in camelCase: `initial_block.main_branch.weight` is `initialBlock.mainBranch.weight`.
 * @shape x [N,H,W,channels] → logits [N,H,W,classes]
 * @throws ValueError for options out of range; ShapeError for images below 8 × 8
 * @source Paszke et al. 2016, "ENet: A Deep Neural Network Architecture for Real-Time Semantic
 * Segmentation", table 1; github.com/davidtvs/PyTorch-ENet
 */
export class ENet extends Module {
  static override readonly title: string = 'ENet';
  readonly initialBlock: Initial;
  readonly downsample1_0: Downsampling;
  readonly regular1_1: Regular;
  readonly regular1_2: Regular;
  readonly regular1_3: Regular;
  readonly regular1_4: Regular;
  readonly downsample2_0: Downsampling;
  readonly regular2_1: Regular;
  readonly dilated2_2: Regular;
  readonly asymmetric2_3: Regular;
  readonly dilated2_4: Regular;
  readonly regular2_5: Regular;
  readonly dilated2_6: Regular;
  readonly asymmetric2_7: Regular;
  readonly dilated2_8: Regular;
  readonly regular3_0: Regular;
  readonly dilated3_1: Regular;
  readonly asymmetric3_2: Regular;
  readonly dilated3_3: Regular;
  readonly regular3_4: Regular;
  readonly dilated3_5: Regular;
  readonly asymmetric3_6: Regular;
  readonly dilated3_7: Regular;
  readonly upsample4_0: Upsampling;
  readonly regular4_1: Regular;
  readonly regular4_2: Regular;
  readonly upsample5_0: Upsampling;
  readonly regular5_1: Regular;
  readonly transposedConv: ConvTranspose2d;
  readonly channels: number;

  constructor(options: ENetOptions = {}) {
    super();
    knownOptions('ENet', options, enetOptions);
    checkNetwork('ENet', options);
    const { channels = 3, width = 1, classes = 20 } = options;
    const [few, some, many] = [16, 64, 128].map((n) => scaled(n, width)) as [number, number, number];
    const rule = 'width must give the first block more channels than the image, and at least 4';
    if (few <= channels || few < 4) throw new ValueError('ENet', rule, `width=${width}, ${few} channels`);
    this.channels = channels;
    this.initialBlock = new Initial(channels, few);
    this.downsample1_0 = new Downsampling(few, some, 0.01);
    this.regular1_1 = new Regular(some, { dropout: 0.01 });
    this.regular1_2 = new Regular(some, { dropout: 0.01 });
    this.regular1_3 = new Regular(some, { dropout: 0.01 });
    this.regular1_4 = new Regular(some, { dropout: 0.01 });
    this.downsample2_0 = new Downsampling(some, many, 0.1);
    this.regular2_1 = new Regular(many);
    this.dilated2_2 = new Regular(many, { dilation: 2 });
    this.asymmetric2_3 = new Regular(many, { isAsymmetric: true });
    this.dilated2_4 = new Regular(many, { dilation: 4 });
    this.regular2_5 = new Regular(many);
    this.dilated2_6 = new Regular(many, { dilation: 8 });
    this.asymmetric2_7 = new Regular(many, { isAsymmetric: true });
    this.dilated2_8 = new Regular(many, { dilation: 16 });
    this.regular3_0 = new Regular(many);
    this.dilated3_1 = new Regular(many, { dilation: 2 });
    this.asymmetric3_2 = new Regular(many, { isAsymmetric: true });
    this.dilated3_3 = new Regular(many, { dilation: 4 });
    this.regular3_4 = new Regular(many);
    this.dilated3_5 = new Regular(many, { dilation: 8 });
    this.asymmetric3_6 = new Regular(many, { isAsymmetric: true });
    this.dilated3_7 = new Regular(many, { dilation: 16 });
    this.upsample4_0 = new Upsampling(many, some);
    this.regular4_1 = new Regular(some, { relu: true });
    this.regular4_2 = new Regular(some, { relu: true });
    this.upsample5_0 = new Upsampling(some, few);
    this.regular5_1 = new Regular(few, { relu: true });
    this.transposedConv = new ConvTranspose2d(few, classes, 3, { stride: 2, padding: 1, bias: false });
  }
  forward(x: Tensor): Tensor {
    checkImages('ENet.forward', x, this.channels, 3);
    const first = this.initialBlock.forward(x);
    const [down1, where1] = this.downsample1_0.forward(first);
    const second = through(down1, this.regular1_1, this.regular1_2, this.regular1_3, this.regular1_4);
    const [down2, where2] = this.downsample2_0.forward(second);
    const stage2a = through(down2, this.regular2_1, this.dilated2_2, this.asymmetric2_3, this.dilated2_4);
    const stage2b = through(stage2a, this.regular2_5, this.dilated2_6, this.asymmetric2_7, this.dilated2_8);
    const stage3a = through(stage2b, this.regular3_0, this.dilated3_1, this.asymmetric3_2, this.dilated3_3);
    const stage3b = through(stage3a, this.regular3_4, this.dilated3_5, this.asymmetric3_6, this.dilated3_7);
    const up4 = through(this.upsample4_0.forward(stage3b, where2, second), this.regular4_1, this.regular4_2);
    const up5 = this.regular5_1.forward(this.upsample5_0.forward(up4, where1, first));
    return this.transposedConv.forward(up5, { outputSize: x.shape.slice(1, 3) as [number, number] });
  }
}
