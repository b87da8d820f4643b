/**
 * Pooling layers, channels last. Not here: the operations (autograd/ops/pool.ts), unpooling layers
 * (unpool.ts).
 */
import { knownOptions, type OptionNames } from '../arguments.js';
import { avgPool2d, checkNanPolicy, maxPool2d, maxPool2dWithArgmaxAndMask } from '../autograd/ops/pool.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import type { NanPolicy } from '../device/device.js';
import { GraphError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Padding, type Pair, pair, parsePadding } from '../values/window.js';
import { attributes } from './check.js';
import { Module } from './module.js';

export interface Pool2dLayerOptions {
  /** Default kernelSize. */
  stride?: Pair;
  /** Default 0. */
  padding?: Padding;
}

export const poolLayerOptions: OptionNames<Pool2dLayerOptions> = { stride: 'value', padding: 'value' };

/** The common base of layers with a pool's windows. */
export abstract class WindowLayer extends Module {
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;

  constructor(op: string, kernelSize: Pair, { stride, padding = 0 }: Pool2dLayerOptions) {
    super();
    this.kernelSize = pair(op, 'kernelSize', kernelSize);
    parsePadding(op, padding);
    this.stride = stride === undefined ? this.kernelSize : pair(op, 'stride', stride);
    this.padding = padding;
  }
  /** Additional attributes that toString() prints. */
  protected more(): Readonly<Record<string, unknown>> {
    return {};
  }
  override describe(): string {
    const { kernelSize, stride, padding } = this;
    return attributes({
      kernelSize,
      stride: String(stride) === String(kernelSize) ? undefined : stride,
      padding: padding === 0 ? undefined : padding,
      ...this.more(),
    });
  }
}

export interface MaxPool2dLayerOptions extends Pool2dLayerOptions {
  /** How NaN is treated. Default 'propagate'. */
  nan?: NanPolicy;
}

/**
 * The latest indices of a max pool, for the decoder level that mirrors it. A plain object, so that
 * clone() copies it.
 */
export interface LatestIndices {
  mirrored: boolean;
  last: PoolIndices | null;
}

/** Keeps the indices of a result, if the pool is mirrored. They keep the graph alive. */
export function remember<T extends readonly [Tensor, PoolIndices, ...Tensor[]]>(latest: LatestIndices, result: T): T {
  if (latest.mirrored) latest.last = result[1];
  return result;
}

/** The indices that are kept. @throws GraphError if there are none, or they are released */
export function lastOf({ last }: LatestIndices): PoolIndices {
  if (last === null)
    throw new GraphError(
      'lastIndices',
      'the pool must have run',
      'a pool that has not, since unpoolLike() was told of it',
      'call its forward() in this step, before the decoder',
    );
  if (last.plane.released)
    throw new GraphError(
      'lastIndices',
      "the pool's latest indices must not have been released",
      `${last}, whose step or noGrad() has ended`,
      'run encoder and decoder in one step or one noGrad(), or pass the indices on',
    );
  return last;
}

/**
 * The common base of max pools of images. It also keeps the latest indices for the decoder level
 * that mirrors this one.
 */
export abstract class MaxPooling extends WindowLayer {
  readonly nan: NanPolicy;
  private readonly latest: LatestIndices = { mirrored: false, last: null };

  constructor(op: string, kernelSize: Pair, options: MaxPool2dLayerOptions) {
    knownOptions(op, options, { ...poolLayerOptions, nan: 'value' });
    super(op, kernelSize, options);
    this.nan = options.nan ?? 'propagate';
    checkNanPolicy(op, this.nan);
  }
  protected remember<T extends readonly [Tensor, PoolIndices, ...Tensor[]]>(result: T): T {
    return remember(this.latest, result);
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

/**
 * The largest value of each window, and the indices of the maxima for MaxUnpool2d. In a Sequential
 * only the values are passed on.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], indices [N,H′,W′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.MaxPool2d with return_indices
 */
export class MaxPool2d extends MaxPooling {
  static override readonly title: string = 'MaxPool2d';

  constructor(kernelSize: Pair, options: MaxPool2dLayerOptions = {}) {
    super('MaxPool2d', kernelSize, options);
  }
  forward(x: Tensor): [values: Tensor, indices: PoolIndices] {
    const { kernelSize, stride, padding, nan } = this;
    return this.remember(maxPool2d(x, { kernelSize, stride, padding, nan }));
  }
}

/**
 * MaxPool2d that also counts how many windows have their maximum at each cell, for UnpoolByMask.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], argmax [N,H′,W′,C], mask [N,H,W,C]
 * @units argmax: see IndexConvention
 * @gradient of values: g added at the maxima
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source the custom operation max_pool_with_argmax_and_mask of
 * stackoverflow.com/questions/36548736
 */
export class MaxPool2dWithArgmaxAndMask extends MaxPooling {
  static override readonly title: string = 'MaxPool2dWithArgmaxAndMask';

  constructor(kernelSize: Pair, options: MaxPool2dLayerOptions = {}) {
    super('MaxPool2dWithArgmaxAndMask', kernelSize, options);
  }
  forward(x: Tensor): [values: Tensor, argmax: PoolIndices, mask: Tensor] {
    const { kernelSize, stride, padding, nan } = this;
    return this.remember(maxPool2dWithArgmaxAndMask(x, { kernelSize, stride, padding, nan }));
  }
}

export interface AvgPool2dLayerOptions extends Pool2dLayerOptions {
  /**
   * Whether to divide by the whole kernel size, padding included. Default: true for explicit
   * padding, false for 'same'.
   */
  countIncludePad?: boolean;
}

/**
 * Mean of each window.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @gradient g/n, spread over the window
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.AvgPool2d
 */
export class AvgPool2d extends WindowLayer {
  static override readonly title: string = 'AvgPool2d';
  readonly countIncludePad: boolean | undefined;

  constructor(kernelSize: Pair, options: AvgPool2dLayerOptions = {}) {
    knownOptions('AvgPool2d', options, { ...poolLayerOptions, countIncludePad: 'flag' });
    super('AvgPool2d', kernelSize, options);
    this.countIncludePad = options.countIncludePad;
  }
  forward(x: Tensor): Tensor {
    const { kernelSize, stride, padding, countIncludePad } = this;
    return avgPool2d(x, { kernelSize, stride, padding, countIncludePad });
  }
  protected override more(): Readonly<Record<string, unknown>> {
    return { countIncludePad: this.countIncludePad };
  }
}
