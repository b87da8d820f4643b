/**
 * Pooling and unpooling layers of series. Not here: the operations (autograd/ops/pool1d.ts,
 * unpool1d.ts), the layer that mirrors a pool (UnpoolLike in unpool.ts).
 */
import { knownOptions } from '../arguments.js';
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
import type { Tensor } from '../tensor/tensor.js';
import type { TensorData } from '../values/nested.js';
import { type OverSeries, seriesAxes } from './axes.js';
import { attributes } from './check.js';
import { Module } from './module.js';
import {
  AvgPooling,
  type AvgPoolLayerOptions,
  MaxPooling,
  type MaxPoolLayerOptions,
  type PoolLayerOptions,
} from './pool-layer.js';

export type Pool1dLayerOptions = PoolLayerOptions<OverSeries>;
export type MaxPool1dLayerOptions = MaxPoolLayerOptions<OverSeries>;
export type AvgPool1dLayerOptions = AvgPoolLayerOptions<OverSeries>;

/**
 * The largest value of each window, and the indices of the maxima for MaxUnpool1d. In a Sequential
 * only the values are passed on.
 * @shape x [N,L,C] → values [N,L′,C], indices [N,L′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.MaxPool1d with return_indices
 */
export class MaxPool1d extends MaxPooling<OverSeries> {
  static override readonly title: string = 'MaxPool1d';

  constructor(kernelSize: number, options: MaxPool1dLayerOptions = {}) {
    super('MaxPool1d', seriesAxes, kernelSize, options);
  }
  forward(x: Tensor): [values: Tensor, indices: PoolIndices] {
    const { kernelSize, stride, padding, ceilMode, nan, dilation } = this;
    return this.remember(maxPool1d(x, { kernelSize, stride, padding, ceilMode, nan, dilation }));
  }
}

/**
 * Mean of each window.
 * @shape x [N,L,C] → y [N,L′,C]
 * @gradient g/n, spread over the window
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.AvgPool1d
 */
export class AvgPool1d extends AvgPooling<OverSeries> {
  static override readonly title: string = 'AvgPool1d';

  constructor(kernelSize: number, options: AvgPool1dLayerOptions = {}) {
    super('AvgPool1d', seriesAxes, kernelSize, options);
  }
  forward(x: Tensor): Tensor {
    const { kernelSize, stride, padding, ceilMode, countIncludePad } = this;
    return avgPool1d(x, { kernelSize, stride, padding, ceilMode, countIncludePad });
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
