/** Convolution layers of series. Not here: the operations (autograd/ops/conv1d.ts). */
import { knownOptions } from '../arguments.js';
import { conv1d, conv1dTranspose } from '../autograd/ops/conv1d.js';
import type { Tensor } from '../tensor/tensor.js';
import { type OverSeries, seriesAxes } from './axes.js';
import { ConvLayer, type ConvLayerOptions, ConvTransposeLayer, type ConvTransposeLayerOptions } from './conv-layer.js';

export type Conv1dLayerOptions = ConvLayerOptions<OverSeries>;
export type ConvTranspose1dOptions = ConvTransposeLayerOptions<OverSeries>;

/**
 * Convolution of series. Weight [k,inChannels/groups,outChannels], bias [outChannels]. Both are
 * drawn in that order from U(±1/√fanIn), fanIn = k·inChannels/groups, which is PyTorch's default.
 * @shape x [N,L,inChannels] → y [N,L′,outChannels]
 * @gradient as conv1d
 * @throws ValueError for channels, groups or sizes out of range; ShapeError for inputs that do not
 * fit
 * @source torch.nn.Conv1d
 */
export class Conv1d extends ConvLayer<OverSeries> {
  static override readonly title: string = 'Conv1d';

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: Conv1dLayerOptions = {}) {
    super('Conv1d', seriesAxes, inChannels, outChannels, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups, bias } = this;
    return conv1d(x, this.weight, { stride, padding, dilation, groups, bias });
  }
}

/**
 * Transposed convolution of series. Weight [k,outChannels/groups,inChannels], bias [outChannels].
 * Both are drawn in that order from U(±1/√fan), with fan = k·outChannels/groups. This fan is
 * PyTorch's, although the actual number of inputs depends on inChannels (for He initialisation see
 * init.heNormal with layout 'HWOI').
 * @shape x [N,L,inChannels] → y [N,L′,outChannels]
 * @gradient as conv1dTranspose
 * @throws ValueError for channels, groups or sizes out of range; ShapeError for inputs or an
 * outputSize that do not fit
 * @source torch.nn.ConvTranspose1d
 */
export class ConvTranspose1d extends ConvTransposeLayer<OverSeries> {
  static override readonly title: string = 'ConvTranspose1d';

  constructor(inChannels: number, outChannels: number, kernelSize: number, options: ConvTranspose1dOptions = {}) {
    super('ConvTranspose1d', seriesAxes, inChannels, outChannels, kernelSize, options);
  }
  /**
   * @shape outputSize L′, in place of outputPadding; a length whose convolution gives the input's
   * length
   */
  forward(x: Tensor, options: { outputSize?: number } = {}): Tensor {
    knownOptions('ConvTranspose1d.forward', options, { outputSize: 'value' });
    const { outputSize } = options;
    const { stride, padding, dilation, groups, bias } = this;
    return conv1dTranspose(x, this.weight, {
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
