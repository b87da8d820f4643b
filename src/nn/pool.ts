/**
 * Pooling layers, channels last. Not here: the operations (autograd/ops/pool.ts), unpooling layers
 * (unpool.ts).
 */
import type { OptionNames } from '../arguments.js';
import { avgPool2d, checkDivisor, maxPool2d, maxPool2dWithArgmaxAndMask } from '../autograd/ops/pool.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Pair } from '../values/window.js';
import { imageAxes, type OverImages } from './axes.js';
import {
  AvgPooling,
  type AvgPoolLayerOptions,
  avgPoolOptions,
  MaxPooling,
  type MaxPoolLayerOptions,
  type PoolLayerOptions,
} from './pool-layer.js';

export type Pool2dLayerOptions = PoolLayerOptions<OverImages>;
export type MaxPool2dLayerOptions = MaxPoolLayerOptions<OverImages>;
export interface AvgPool2dLayerOptions extends AvgPoolLayerOptions<OverImages> {
  /** Divides every sum by this number, whole and not 0, instead of by the number of cells. */
  divisorOverride?: number;
}
const avgPool2dLayerOptions: OptionNames<AvgPool2dLayerOptions> = { ...avgPoolOptions, divisorOverride: 'value' };

/**
 * The largest value of each window, and the indices of the maxima for MaxUnpool2d. In a Sequential
 * only the values are passed on.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], indices [N,H′,W′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.MaxPool2d with return_indices
 */
export class MaxPool2d extends MaxPooling<OverImages> {
  static override readonly title: string = 'MaxPool2d';

  constructor(kernelSize: Pair, options: MaxPool2dLayerOptions = {}) {
    super('MaxPool2d', imageAxes, kernelSize, options);
  }
  forward(x: Tensor): [values: Tensor, indices: PoolIndices] {
    const { kernelSize, stride, padding, ceilMode, nan, dilation } = this;
    return this.remember(maxPool2d(x, { kernelSize, stride, padding, ceilMode, nan, dilation }));
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
export class MaxPool2dWithArgmaxAndMask extends MaxPooling<OverImages> {
  static override readonly title: string = 'MaxPool2dWithArgmaxAndMask';

  constructor(kernelSize: Pair, options: MaxPool2dLayerOptions = {}) {
    super('MaxPool2dWithArgmaxAndMask', imageAxes, kernelSize, options);
  }
  forward(x: Tensor): [values: Tensor, argmax: PoolIndices, mask: Tensor] {
    const { kernelSize, stride, padding, ceilMode, nan, dilation } = this;
    return this.remember(maxPool2dWithArgmaxAndMask(x, { kernelSize, stride, padding, ceilMode, nan, dilation }));
  }
}

/**
 * Mean of each window.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @gradient g/n, spread over the window
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.AvgPool2d
 */
export class AvgPool2d extends AvgPooling<OverImages> {
  static override readonly title: string = 'AvgPool2d';
  readonly divisorOverride: number | undefined;

  constructor(kernelSize: Pair, options: AvgPool2dLayerOptions = {}) {
    super('AvgPool2d', imageAxes, kernelSize, options, avgPool2dLayerOptions);
    this.divisorOverride = options.divisorOverride;
    if (this.divisorOverride !== undefined) checkDivisor('AvgPool2d', this.divisorOverride);
  }
  forward(x: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return avgPool2d(x, { kernelSize, stride, padding, ceilMode, countIncludePad, divisorOverride });
  }
  /** Additional attributes that toString() prints. */
  protected override more(): Readonly<Record<string, unknown>> {
    return { ...super.more(), divisorOverride: this.divisorOverride };
  }
}
