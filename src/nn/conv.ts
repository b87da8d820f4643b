/** Convolution layers, channels last. Not here: the operations (autograd/ops/conv.ts). */
import { knownOptions, type OptionNames } from '../arguments.js';
import { conv2d, conv2dTranspose } from '../autograd/ops/conv.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import type { Shape } from '../values/shape.js';
import { type Padding, type Pair, pair, parsePadding } from '../values/window.js';
import { attributes, checkCount, checkGroups, unless } from './check.js';
import { Module } from './module.js';
import { drawParameters } from './parameter.js';

export interface Conv2dLayerOptions {
  /** Default 1. */
  stride?: Pair;
  /** Default 0, as in PyTorch. */
  padding?: Padding;
  /** Default 1. */
  dilation?: Pair;
  /** Number of channel groups. Equal to inChannels for a depthwise convolution. Default 1. */
  groups?: number;
  /** Whether to add one number per output channel. Default true. */
  bias?: boolean;
}

const layerOptions: OptionNames<Conv2dLayerOptions> = {
  stride: 'value',
  padding: 'value',
  dilation: 'value',
  groups: 'value',
  bias: 'flag',
};

/** Checks the settings that both layers share. */
function convSettings(
  op: string,
  inChannels: number,
  outChannels: number,
  kernelSize: Pair,
  options: Conv2dLayerOptions,
) {
  checkCount(op, 'inChannels', inChannels);
  checkCount(op, 'outChannels', outChannels);
  const { padding = 0, groups = 1 } = options;
  checkGroups(op, groups, { inChannels, outChannels });
  parsePadding(op, padding);
  return {
    kernelSize: pair(op, 'kernelSize', kernelSize),
    stride: pair(op, 'stride', options.stride ?? 1),
    padding,
    dilation: pair(op, 'dilation', options.dilation ?? 1),
    groups,
  };
}

/** The options of both layers that differ from their defaults, for toString(). */
const changed = (layer: Conv2d | ConvTranspose2d) => ({
  kernelSize: layer.kernelSize,
  stride: unless(1, layer.stride),
  padding: layer.padding === 0 ? undefined : layer.padding,
  dilation: unless(1, layer.dilation),
  groups: layer.groups === 1 ? undefined : layer.groups,
  bias: layer.bias === null ? false : undefined,
});

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
export class Conv2d extends Module {
  static override readonly title: string = 'Conv2d';
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: Pair,
    options: Conv2dLayerOptions = {},
  ) {
    super();
    knownOptions('Conv2d', options, layerOptions);
    const settings = convSettings('Conv2d', inChannels, outChannels, kernelSize, options);
    ({
      kernelSize: this.kernelSize,
      stride: this.stride,
      padding: this.padding,
      dilation: this.dilation,
      groups: this.groups,
    } = settings);
    ({ weight: this.weight, bias: this.bias } = drawParameters(
      [...this.kernelSize, inChannels / this.groups, outChannels],
      (options.bias ?? true) ? outChannels : null,
    ));
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups, bias } = this;
    return conv2d(x, this.weight, { stride, padding, dilation, groups, bias });
  }
  override describe(): string {
    return `${this.inChannels}, ${this.outChannels}, ${attributes(changed(this))}`;
  }
  /** Every output element is a sum over one window of its group. */
  override multiplyAdds(_input: Shape, output: Shape): number {
    return output.slice(0, 3).reduce((n, size) => n * size, this.weight.size);
  }
}

export interface ConvTranspose2dOptions extends Conv2dLayerOptions {
  /**
   * Added to the smallest possible size, at the bottom and right. It must be smaller than stride or
   * dilation. Default none.
   */
  outputPadding?: Pair;
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
export class ConvTranspose2d extends Module {
  static override readonly title: string = 'ConvTranspose2d';
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  readonly outputPadding: readonly [number, number] | undefined;
  readonly dilation: readonly [number, number];
  readonly groups: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: Pair,
    options: ConvTranspose2dOptions = {},
  ) {
    super();
    const op = 'ConvTranspose2d';
    knownOptions(op, options, { ...layerOptions, outputPadding: 'value' });
    const settings = convSettings(op, inChannels, outChannels, kernelSize, options);
    ({
      kernelSize: this.kernelSize,
      stride: this.stride,
      padding: this.padding,
      dilation: this.dilation,
      groups: this.groups,
    } = settings);
    this.outputPadding =
      options.outputPadding === undefined ? undefined : pair(op, 'outputPadding', options.outputPadding, 0);
    ({ weight: this.weight, bias: this.bias } = drawParameters(
      [...this.kernelSize, outChannels / this.groups, inChannels],
      (options.bias ?? true) ? outChannels : null,
    ));
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
  override describe(): string {
    return `${this.inChannels}, ${this.outChannels}, ${attributes({ ...changed(this), outputPadding: this.outputPadding })}`;
  }
  /** Every input element contributes to one window of its group. */
  override multiplyAdds(input: Shape): number {
    return input.slice(0, 3).reduce((n, size) => n * size, this.weight.size);
  }
}
