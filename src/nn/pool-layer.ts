/**
 * What all pooling layers share. Not here: the layers (pool.ts, pool1d.ts, unpool.ts).
 */
import { knownOptions, type OptionNames } from '../arguments.js';
import { checkNanPolicy } from '../autograd/ops/pool.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import type { NanPolicy } from '../device/device.js';
import { GraphError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Axes, eachAxis, type OverImages, type OverSeries } from './axes.js';
import { attributes, unless } from './check.js';
import { Module } from './module.js';

export interface PoolLayerOptions<K extends OverImages | OverSeries> {
  /** Default kernelSize. */
  stride?: K['given'];
  /** Default 0. */
  padding?: K['padding'];
  /** Whether the size of the output is rounded up, as in PyTorch. Default false. */
  ceilMode?: boolean;
}
export interface MaxPoolLayerOptions<K extends OverImages | OverSeries> extends PoolLayerOptions<K> {
  /** How NaN is treated. Default 'propagate'. */
  nan?: NanPolicy;
  /** The distance between cells of a window. Default 1. */
  dilation?: K['given'];
}
export interface AvgPoolLayerOptions<K extends OverImages | OverSeries> extends PoolLayerOptions<K> {
  /**
   * Whether to count the padding among a window's cells. Default: true for explicit padding, false
   * for 'same'.
   */
  countIncludePad?: boolean;
}

const poolOptions: OptionNames<PoolLayerOptions<OverImages>> = {
  stride: 'value',
  padding: 'value',
  ceilMode: 'flag',
};
const maxPoolOptions: OptionNames<MaxPoolLayerOptions<OverImages>> = {
  ...poolOptions,
  nan: 'value',
  dilation: 'value',
};
export const avgPoolOptions: OptionNames<AvgPoolLayerOptions<OverImages>> = { ...poolOptions, countIncludePad: 'flag' };

/** The windows of a pool. `names` are the options that the layer knows. */
export abstract class WindowLayer<K extends OverImages | OverSeries> extends Module {
  readonly kernelSize: K['size'];
  readonly stride: K['size'];
  readonly padding: K['padding'] | number;
  readonly ceilMode: boolean;

  constructor(op: string, axes: Axes<K>, kernelSize: K['given'], options: PoolLayerOptions<K>, names = poolOptions) {
    super();
    knownOptions<object>(op, options, names);
    const { stride, padding = 0, ceilMode = false } = options;
    this.kernelSize = axes.size(op, 'kernelSize', kernelSize);
    axes.checkPadding(op, padding);
    this.stride = stride === undefined ? this.kernelSize : axes.size(op, 'stride', stride);
    this.padding = padding;
    this.ceilMode = ceilMode;
  }
  /** Additional attributes that toString() prints. */
  protected more(): Readonly<Record<string, unknown>> {
    return {};
  }
  override describe(): string {
    const { kernelSize, stride, padding, ceilMode } = this;
    return attributes({
      kernelSize,
      stride: String(stride) === String(kernelSize) ? undefined : stride,
      padding: unless<unknown>(0, padding),
      ceilMode: unless(false, ceilMode),
      ...this.more(),
    });
  }
}

/** A max pool. It also keeps its latest indices, for the decoder level that mirrors it. */
export abstract class MaxPooling<K extends OverImages | OverSeries = OverImages | OverSeries> extends WindowLayer<K> {
  readonly nan: NanPolicy;
  readonly dilation: K['size'];
  /** A plain object, so that clone() copies it. */
  private readonly latest: { isMirrored: boolean; indices: PoolIndices | null } = { isMirrored: false, indices: null };

  constructor(op: string, axes: Axes<K>, kernelSize: K['given'], options: MaxPoolLayerOptions<K>) {
    super(op, axes, kernelSize, options, maxPoolOptions);
    this.nan = options.nan ?? 'propagate';
    checkNanPolicy(op, this.nan);
    this.dilation = axes.size(op, 'dilation', options.dilation ?? 1);
  }
  /** Keeps the indices of a result, if the pool is mirrored. They keep the graph alive. */
  protected remember<T extends readonly [Tensor, PoolIndices, ...Tensor[]]>(result: T): T {
    if (this.latest.isMirrored) this.latest.indices = result[1];
    return result;
  }
  /** From now on keeps the indices of every forward, for unpoolLike(). */
  mirror(): void {
    this.latest.isMirrored = true;
  }
  /**
   * The indices of the latest forward.
   * @throws GraphError before the first forward, and once those indices are released
   */
  get lastIndices(): PoolIndices {
    const { indices } = this.latest;
    if (indices === null)
      throw new GraphError(
        'lastIndices',
        'the pool must have run',
        'a pool that has not, since unpoolLike() was told of it',
        'call its forward() in this step, before the decoder',
      );
    if (indices.plane.released)
      throw new GraphError(
        'lastIndices',
        "the pool's latest indices must not have been released",
        `${indices}, whose step or noGrad() has ended`,
        'run encoder and decoder in one step or one noGrad(), or pass the indices on',
      );
    return indices;
  }
  protected override more(): Readonly<Record<string, unknown>> {
    const isDilated = eachAxis(this.dilation).some((d) => d !== 1);
    return { dilation: isDilated ? this.dilation : undefined, nan: unless('propagate', this.nan) };
  }
}

/** An average pool. */
export abstract class AvgPooling<K extends OverImages | OverSeries> extends WindowLayer<K> {
  readonly countIncludePad: boolean | undefined;

  constructor(
    op: string,
    axes: Axes<K>,
    kernelSize: K['given'],
    options: AvgPoolLayerOptions<K>,
    names = avgPoolOptions,
  ) {
    super(op, axes, kernelSize, options, names);
    this.countIncludePad = options.countIncludePad;
  }
  protected override more(): Readonly<Record<string, unknown>> {
    return { countIncludePad: this.countIncludePad };
  }
}
