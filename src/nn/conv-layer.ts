/** What all convolution layers share. Not here: the layers (conv.ts, conv1d.ts). */
import { knownOptions, type OptionNames } from '../arguments.js';
import type { Parameter } from '../tensor/tensor.js';
import type { Shape } from '../values/shape.js';
import { type Axes, eachAxis, type OverImages, type OverSeries } from './axes.js';
import { attributes, checkCount, checkGroups, unless } from './check.js';
import { Module } from './module.js';
import { drawParameters } from './parameter.js';

export interface ConvLayerOptions<K extends OverImages | OverSeries> {
  /** Default 1. */
  stride?: K['given'];
  /** Default 0, as in PyTorch. */
  padding?: K['padding'];
  /** Default 1. */
  dilation?: K['given'];
  /** Number of channel groups. Equal to inChannels for a depthwise convolution. Default 1. */
  groups?: number;
  /** Whether to add one number per output channel. Default true. */
  bias?: boolean;
}

export interface ConvTransposeLayerOptions<K extends OverImages | OverSeries> extends ConvLayerOptions<K> {
  /**
   * Added to the smallest possible size, at the end of each axis. It must be smaller than stride or
   * dilation. Default none.
   */
  outputPadding?: K['given'];
}

const convOptions: OptionNames<ConvLayerOptions<OverImages>> = {
  stride: 'value',
  padding: 'value',
  dilation: 'value',
  groups: 'value',
  bias: 'flag',
};
const transposeOptions: OptionNames<ConvTransposeLayerOptions<OverImages>> = { ...convOptions, outputPadding: 'value' };

/** A convolution's settings and parameters. */
export abstract class ConvLayer<K extends OverImages | OverSeries> extends Module {
  readonly kernelSize: K['size'];
  readonly stride: K['size'];
  readonly padding: K['padding'] | number;
  readonly dilation: K['size'];
  readonly groups: number;
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  /** `isTransposed` gives the weight the layout HWOI, in place of HWIO. */
  constructor(
    op: string,
    axes: Axes<K>,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: K['given'],
    options: ConvLayerOptions<K>,
    isTransposed = false,
  ) {
    super();
    knownOptions<object>(op, options, isTransposed ? transposeOptions : convOptions);
    const { stride = 1, padding = 0, dilation = 1, groups = 1, bias = true } = options;
    checkCount(op, 'inChannels', inChannels);
    checkCount(op, 'outChannels', outChannels);
    checkGroups(op, groups, { inChannels, outChannels });
    axes.checkPadding(op, padding);
    this.kernelSize = axes.size(op, 'kernelSize', kernelSize);
    this.stride = axes.size(op, 'stride', stride);
    this.padding = padding;
    this.dilation = axes.size(op, 'dilation', dilation);
    this.groups = groups;
    const channels = isTransposed ? [outChannels / groups, inChannels] : [inChannels / groups, outChannels];
    ({ weight: this.weight, bias: this.bias } = drawParameters(
      [...eachAxis(this.kernelSize), ...channels],
      bias ? outChannels : null,
    ));
  }
  /** Additional attributes that toString() prints. */
  protected more(): Readonly<Record<string, unknown>> {
    return {};
  }
  override describe(): string {
    const unlessOne = (size: K['size']) => (eachAxis(size).every((n) => n === 1) ? undefined : size);
    const changed = attributes({
      kernelSize: this.kernelSize,
      stride: unlessOne(this.stride),
      padding: unless<unknown>(0, this.padding),
      dilation: unlessOne(this.dilation),
      groups: unless(1, this.groups),
      bias: this.bias === null ? false : undefined,
      ...this.more(),
    });
    return `${this.inChannels}, ${this.outChannels}, ${changed}`;
  }
  /** Every output element is a sum over one window of its group. */
  override multiplyAdds(_input: Shape, output: Shape): number {
    return output.slice(0, -1).reduce((n, size) => n * size, this.weight.size);
  }
}

/** A transposed convolution's settings and parameters. */
export abstract class ConvTransposeLayer<K extends OverImages | OverSeries> extends ConvLayer<K> {
  readonly outputPadding: K['size'] | undefined;

  constructor(
    op: string,
    axes: Axes<K>,
    inChannels: number,
    outChannels: number,
    kernelSize: K['given'],
    options: ConvTransposeLayerOptions<K>,
  ) {
    super(op, axes, inChannels, outChannels, kernelSize, options, true);
    const { outputPadding } = options;
    this.outputPadding = outputPadding === undefined ? undefined : axes.size(op, 'outputPadding', outputPadding, 0);
  }
  protected override more(): Readonly<Record<string, unknown>> {
    return { outputPadding: this.outputPadding };
  }
  /** Every input element contributes to one window of its group. */
  override multiplyAdds(input: Shape): number {
    return input.slice(0, -1).reduce((n, size) => n * size, this.weight.size);
  }
}
