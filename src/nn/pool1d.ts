/**
 * Pooling and unpooling layers of series. Not here: the operations (autograd/ops/pool1d.ts,
 * unpool1d.ts), the layer that mirrors a pool (UnpoolLike in unpool.ts).
 */
import { knownOptions, type OptionNames } from '../arguments.js';
import { checkNanPolicy } from '../autograd/ops/pool.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import { avgPool1d, maxPool1d } from '../autograd/ops/pool1d.js';
import { checkUnpoolOptions } from '../autograd/ops/unpool.js';
import { seriesSizesOf } from '../autograd/ops/unpool-forms.js';
import {
  type MaxUnpool1dOptions,
  maxUnpool1d,
  maxUnpool1dOptions,
  type TorchUnpool1dOptions,
} from '../autograd/ops/unpool1d.js';
import type { NanPolicy } from '../device/device.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TensorData } from '../values/nested.js';
import { lengthOf, type Padding1d, parsePadding1d } from '../values/window1d.js';
import { attributes } from './check.js';
import { Module } from './module.js';
import { type LatestIndices, lastOf, remember } from './pool.js';

export interface Pool1dLayerOptions {
  /** Default kernelSize. */
  stride?: number;
  /** Default 0. */
  padding?: Padding1d;
}

const poolLayerOptions: OptionNames<Pool1dLayerOptions> = { stride: 'value', padding: 'value' };

/** The common base of layers with a pool's windows over series. */
abstract class WindowLayer1d extends Module {
  readonly kernelSize: number;
  readonly stride: number;
  readonly padding: Padding1d;

  constructor(op: string, kernelSize: number, { stride, padding = 0 }: Pool1dLayerOptions) {
    super();
    this.kernelSize = lengthOf(op, 'kernelSize', kernelSize);
    parsePadding1d(op, padding);
    this.stride = stride === undefined ? this.kernelSize : lengthOf(op, 'stride', stride);
    this.padding = padding;
  }
  /** Additional attributes that toString() prints. */
  protected abstract more(): Readonly<Record<string, unknown>>;
  override describe(): string {
    const { kernelSize, stride, padding } = this;
    return attributes({
      kernelSize,
      stride: stride === kernelSize ? undefined : stride,
      padding: padding === 0 ? undefined : padding,
      ...this.more(),
    });
  }
}

export interface MaxPool1dLayerOptions extends Pool1dLayerOptions {
  /** How NaN is treated. Default 'propagate'. */
  nan?: NanPolicy;
}

/**
 * The largest value of each window, and the indices of the maxima for MaxUnpool1d. In a Sequential
 * only the values are passed on.
 * @shape x [N,L,C] → values [N,L′,C], indices [N,L′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.MaxPool1d with return_indices
 */
export class MaxPool1d extends WindowLayer1d {
  static override readonly title: string = 'MaxPool1d';
  readonly nan: NanPolicy;
  private readonly latest: LatestIndices = { mirrored: false, last: null };

  constructor(kernelSize: number, options: MaxPool1dLayerOptions = {}) {
    const op = 'MaxPool1d';
    knownOptions(op, options, { ...poolLayerOptions, nan: 'value' });
    super(op, kernelSize, options);
    this.nan = options.nan ?? 'propagate';
    checkNanPolicy(op, this.nan);
  }
  forward(x: Tensor): [values: Tensor, indices: PoolIndices] {
    const { kernelSize, stride, padding, nan } = this;
    return remember(this.latest, maxPool1d(x, { kernelSize, stride, padding, nan }));
  }
  /** From now on keeps the indices of every forward, for unpoolLike(). */
  mirror(): void {
    this.latest.mirrored = true;
  }
  /**
   * The indices of the latest forward.
   * @throws GraphError before the first forward, and once those indices are released
   */
  get lastIndices(): PoolIndices {
    return lastOf(this.latest);
  }
  protected override more(): Readonly<Record<string, unknown>> {
    return { nan: this.nan === 'propagate' ? undefined : this.nan };
  }
}

export interface AvgPool1dLayerOptions extends Pool1dLayerOptions {
  /**
   * Whether to divide by the whole kernel size, padding included. Default: true for explicit
   * padding, false for 'same'.
   */
  countIncludePad?: boolean;
}

/**
 * Mean of each window.
 * @shape x [N,L,C] → y [N,L′,C]
 * @gradient g/n, spread over the window
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.AvgPool1d
 */
export class AvgPool1d extends WindowLayer1d {
  static override readonly title: string = 'AvgPool1d';
  readonly countIncludePad: boolean | undefined;

  constructor(kernelSize: number, options: AvgPool1dLayerOptions = {}) {
    knownOptions('AvgPool1d', options, { ...poolLayerOptions, countIncludePad: 'flag' });
    super('AvgPool1d', kernelSize, options);
    this.countIncludePad = options.countIncludePad;
  }
  forward(x: Tensor): Tensor {
    const { kernelSize, stride, padding, countIncludePad } = this;
    return avgPool1d(x, { kernelSize, stride, padding, countIncludePad });
  }
  protected override more(): Readonly<Record<string, unknown>> {
    return { countIncludePad: this.countIncludePad };
  }
}

/**
 * Writes values back to the positions where a max pool found them; all other cells are 0.
 * PoolIndices know their pool, so `new MaxUnpool1d()` suffices. For raw indices, describe the pool
 * as in PyTorch, `new MaxUnpool1d(kernelSize, { stride, padding })`, or in the form of TensorFlow
 * Addons, `new MaxUnpool1d({ poolSize, strides, padding })`.
 * @shape x [N,L′,C], indices [N,L′,C] → y [N,L,C]
 * @units raw indices: see maxUnpool1d
 * @gradient g gathered at the indices; with other duplicates than 'add' see maxUnpool1d
 * @throws ShapeError when shapes differ or outputSize is impossible; ValueError for options out of
 * range or invalid indices
 * @source torch.nn.MaxUnpool1d
 */
export class MaxUnpool1d extends Module {
  static override readonly title: string = 'MaxUnpool1d';
  readonly options: MaxUnpool1dOptions;

  constructor(pool: number | MaxUnpool1dOptions = {}, options: Omit<TorchUnpool1dOptions, 'kernelSize'> = {}) {
    super();
    const op = 'MaxUnpool1d';
    knownOptions(op, options, maxUnpool1dOptions);
    if (typeof pool === 'number') this.options = { ...options, kernelSize: pool };
    else {
      knownOptions(op, pool, maxUnpool1dOptions);
      this.options = { ...pool };
    }
    checkUnpoolOptions(op, this.options, seriesSizesOf);
  }
  /** @shape outputSize L, overrides the constructor's */
  forward(x: Tensor, indices: PoolIndices | TensorData | Tensor, options: { outputSize?: number } = {}): Tensor {
    knownOptions('MaxUnpool1d.forward', options, { outputSize: 'value' });
    const { outputSize = this.options.outputSize } = options;
    return maxUnpool1d(x, indices, { ...this.options, outputSize });
  }
  override describe(): string {
    return attributes({ ...this.options });
  }
}
