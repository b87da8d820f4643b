/** Convolution layers of series. Not here: the operations (autograd/ops/conv1d.ts). */
import { knownOptions, type OptionNames } from '../arguments.js';
import { conv1d, conv1dTranspose } from '../autograd/ops/conv1d.js';
import type { Parameter, Tensor } from '../tensor/tensor.js';
import type { Shape } from '../values/shape.js';
import { lengthOf, type Padding1d, parsePadding1d } from '../values/window1d.js';
import { attributes, checkCount, checkGroups } from './check.js';
import { Module } from './module.js';
import { drawParameters } from './parameter.js';

export interface Conv1dLayerOptions {
  /** Default 1. */
  stride?: number;
  /** Default 0, as in PyTorch. */
  padding?: Padding1d;
  /** Default 1. */
  dilation?: number;
  /** Number of channel groups. Equal to inChannels for a depthwise convolution. Default 1. */
  groups?: number;
  /** Whether to add one number per output channel. Default true. */
  bias?: boolean;
}

const layerOptions: OptionNames<Conv1dLayerOptions> = {
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
  kernelSize: number,
  options: Conv1dLayerOptions,
) {
  checkCount(op, 'inChannels', inChannels);
  checkCount(op, 'outChannels', outChannels);
  const { padding = 0, groups = 1 } = options;
  checkGroups(op, groups, { inChannels, outChannels });
  parsePadding1d(op, padding);
  return {
    kernelSize: lengthOf(op, 'kernelSize', kernelSize),
    stride: lengthOf(op, 'stride', options.stride ?? 1),
    padding,
    dilation: lengthOf(op, 'dilation', options.dilation ?? 1),
    groups,
  };
}

const unless = <T>(usual: T, value: T): T | undefined => (value === usual ? undefined : value);

/** The options of both layers that differ from their defaults, for toString(). */
const changed = (layer: Conv1d | ConvTranspose1d) => ({
  kernelSize: layer.kernelSize,
  stride: unless(1, layer.stride),
  padding: unless<Padding1d>(0, layer.padding),
  dilation: unless(1, layer.dilation),
  groups: unless(1, layer.groups),
  bias: layer.bias === null ? false : undefined,
});

/**
 * Convolution of series. Weight [k,inChannels/groups,outChannels], bias [outChannels]. Both are
 * drawn in that order from U(±1/√fanIn), fanIn = k·inChannels/groups, which is PyTorch's default.
 * @shape x [N,L,inChannels] → y [N,L′,outChannels]
 * @gradient as conv1d
 * @throws ValueError for channels, groups or sizes out of range; ShapeError for inputs that do not
 * fit
 * @source torch.nn.Conv1d
 */
export class Conv1d extends Module {
  static override readonly title: string = 'Conv1d';
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: Padding1d;
  readonly dilation: number;
  readonly groups: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: number,
    options: Conv1dLayerOptions = {},
  ) {
    super();
    knownOptions('Conv1d', options, layerOptions);
    const settings = convSettings('Conv1d', inChannels, outChannels, kernelSize, options);
    ({
      kernelSize: this.kernelSize,
      stride: this.stride,
      padding: this.padding,
      dilation: this.dilation,
      groups: this.groups,
    } = settings);
    ({ weight: this.weight, bias: this.bias } = drawParameters(
      [this.kernelSize, inChannels / this.groups, outChannels],
      (options.bias ?? true) ? outChannels : null,
    ));
  }

  forward(x: Tensor): Tensor {
    const { stride, padding, dilation, groups, bias } = this;
    return conv1d(x, this.weight, { stride, padding, dilation, groups, bias });
  }
  override describe(): string {
    return `${this.inChannels}, ${this.outChannels}, ${attributes(changed(this))}`;
  }
  /** Every output element is a sum over one window of its group. */
  override multiplyAdds(_input: Shape, output: Shape): number {
    return output.slice(0, 2).reduce((n, size) => n * size, this.weight.size);
  }
}

export interface ConvTranspose1dOptions extends Conv1dLayerOptions {
  /**
   * Added to the smallest possible length, at the end. It must be smaller than stride or dilation.
   * Default none.
   */
  outputPadding?: number;
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
export class ConvTranspose1d extends Module {
  static override readonly title: string = 'ConvTranspose1d';
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: Padding1d;
  readonly outputPadding: number | undefined;
  readonly dilation: number;
  readonly groups: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: number,
    options: ConvTranspose1dOptions = {},
  ) {
    super();
    const op = 'ConvTranspose1d';
    knownOptions(op, options, { ...layerOptions, outputPadding: 'value' });
    const settings = convSettings(op, inChannels, outChannels, kernelSize, options);
    ({
      kernelSize: this.kernelSize,
      stride: this.stride,
      padding: this.padding,
      dilation: this.dilation,
      groups: this.groups,
    } = settings);
    const { outputPadding } = options;
    this.outputPadding = outputPadding === undefined ? undefined : lengthOf(op, 'outputPadding', outputPadding, 0);
    ({ weight: this.weight, bias: this.bias } = drawParameters(
      [this.kernelSize, outChannels / this.groups, inChannels],
      (options.bias ?? true) ? outChannels : null,
    ));
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
  override describe(): string {
    return `${this.inChannels}, ${this.outChannels}, ${attributes({ ...changed(this), outputPadding: this.outputPadding })}`;
  }
  /** Every input element contributes to one window of its group. */
  override multiplyAdds(input: Shape): number {
    return input.slice(0, 2).reduce((n, size) => n * size, this.weight.size);
  }
}
