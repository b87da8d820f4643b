/** Convolution layers of images, channels last. Not here: the operations (autograd/ops/conv.ts). */
import { knownOptions } from '../arguments.js';
import { conv2d, conv2dTranspose } from '../autograd/ops/conv.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Pair } from '../values/window.js';
import { imageAxes, type OverImages } from './axes.js';
import { ConvLayer, type ConvLayerOptions, ConvTransposeLayer, type ConvTransposeLayerOptions } from './conv-layer.js';

export type Conv2dLayerOptions = ConvLayerOptions<OverImages>;
export type ConvTranspose2dOptions = ConvTransposeLayerOptions<OverImages>;

/**
 * Convolution of images. Weight [kh,kw,inChannels/groups,outChannels] (HWIO), bias [outChannels].
 * Both are drawn in that order from U(±1/√fanIn), fanIn = kh·kw·inChannels/groups, which is
 * PyTorch's default.
 * @shape x [N,H,W,inChannels] → y [N,H′,W′,outChannels]
 * @gradient as conv2d
 * @throws ValueError for channels, groups or sizes out of range; ShapeError for inputs that do not
 * fit
 * @source torch.nn.Conv2d
 */
export class Conv2d extends ConvLayer<OverImages> {
  static override readonly title: string = 'Conv2d';

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: Conv2dLayerOptions = {}) {
    super('Conv2d', imageAxes, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups, bias } = this;
    return conv2d(x, this.weight, { stride, padding, dilation, groups, bias });
  }
}

/**
 * Transposed convolution of images. Weight [kh,kw,outChannels/groups,inChannels] (HWOI), bias
 * [outChannels]. Both are drawn in that order from U(±1/√fan), with fan = kh·kw·outChannels/groups.
 * This fan is PyTorch's, although the actual number of inputs depends on inChannels (for He
 * initialisation see init.heNormal with layout 'HWOI').
 * @shape x [N,H,W,inChannels] → y [N,H′,W′,outChannels]
 * @gradient as conv2dTranspose
 * @throws ValueError for channels, groups or sizes out of range; ShapeError for inputs or an
 * outputSize that do not fit
 * @source torch.nn.ConvTranspose2d
 */
export class ConvTranspose2d extends ConvTransposeLayer<OverImages> {
  static override readonly title: string = 'ConvTranspose2d';

  constructor(inChannels: number, outChannels: number, kernelSize: Pair, options: ConvTranspose2dOptions = {}) {
    super('ConvTranspose2d', imageAxes, inChannels, outChannels, kernelSize, options);
  }
  /**
   * @shape outputSize [H′,W′], in place of outputPadding; a size whose convolution gives the
   * input's size
   */
  forward(x: Tensor, options: { outputSize?: readonly [number, number] } = {}): Tensor {
    knownOptions('ConvTranspose2d.forward', options, { outputSize: 'value' });
    const { outputSize } = options;
    const { stride, padding, dilation, groups, bias } = this;
    return conv2dTranspose(x, this.weight, {
      stride,
      padding,
      dilation,
      groups,
      bias,
      outputSize,
      outputPadding: outputSize === undefined ? this.outputPadding : undefined,
    });
  }
}
