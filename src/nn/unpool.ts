/**
 * Unpooling layers, channels last. Not here: the operations (autograd/ops/unpool.ts), MaxUnpool1d
 * (pool1d.ts), and upsampling layers by fixed rules (resize.ts).
 */
import { knownOptions, shown } from '../arguments.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import { checkUnpoolOptions, type Duplicates, maxUnpool2d } from '../autograd/ops/unpool.js';
import { type MaxUnpool2dOptions, maxUnpool2dOptions, type TorchUnpoolOptions } from '../autograd/ops/unpool-forms.js';
import { unpoolByMask } from '../autograd/ops/unpool-mask.js';
import { maxUnpool1d } from '../autograd/ops/unpool1d.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TensorData } from '../values/nested.js';
import type { Pair } from '../values/window.js';
import { imageAxes, type OverImages } from './axes.js';
import { attributes } from './check.js';
import { Module } from './module.js';
import type { Pool2dLayerOptions } from './pool.js';
import { MaxPooling, WindowLayer } from './pool-layer.js';
import { MaxPool1d } from './pool1d.js';

/**
 * Writes values back to the positions where a max pool found them; all other cells are 0.
 * PoolIndices know their pool, so `new MaxUnpool2d()` suffices. For raw indices, describe the pool
 * as in PyTorch, `new MaxUnpool2d(kernelSize, { stride, padding })`, or as in TensorFlow Addons,
 * `new MaxUnpool2d({ poolSize, strides, padding })`.
 * @shape x [N,H′,W′,C], indices [N,H′,W′,C] → y [N,H,W,C]
 * @units raw indices: see maxUnpool2d
 * @gradient g gathered at the indices; with other duplicates than 'add' see maxUnpool2d
 * @throws ShapeError when shapes differ or outputSize is impossible; ValueError for options out of
 * range or invalid indices
 * @source torch.nn.MaxUnpool2d; tensorflow_addons.layers.MaxUnpooling2D
 */
export class MaxUnpool2d extends Module {
  static override readonly title: string = 'MaxUnpool2d';
  readonly options: MaxUnpool2dOptions;

  constructor(pool: Pair | MaxUnpool2dOptions = {}, options: Omit<TorchUnpoolOptions, 'kernelSize'> = {}) {
    super();
    const op = 'MaxUnpool2d';
    knownOptions(op, options, maxUnpool2dOptions);
    if (typeof pool === 'number' || isPair(pool)) this.options = { ...options, kernelSize: pool };
    else {
      knownOptions(op, pool, maxUnpool2dOptions);
      this.options = { ...pool };
    }
    checkUnpoolOptions(op, this.options);
  }
  /** @shape outputSize [H,W], overrides the constructor's */
  forward(
    x: Tensor,
    indices: PoolIndices | TensorData | Tensor,
    options: { outputSize?: readonly [number, number] } = {},
  ): Tensor {
    knownOptions('MaxUnpool2d.forward', options, { outputSize: 'value' });
    const { outputSize = this.options.outputSize } = options;
    return maxUnpool2d(x, indices, { ...this.options, outputSize });
  }
  override describe(): string {
    return attributes({ ...this.options });
  }
}
const isPair = (pool: Pair | MaxUnpool2dOptions): pool is readonly [number, number] => Array.isArray(pool);

/**
 * Unpools into the cells whose mask is not 0. With argmax each value is written at its index,
 * without it to all masked cells of its window.
 * @shape x [N,H′,W′,C], mask [N,H,W,C], argmax [N,H′,W′,C] → y [N,H,W,C]
 * @gradient x: Σ of g over the cells that received the value; mask: none
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source the custom operation max_unpool of stackoverflow.com/questions/36548736
 */
export class UnpoolByMask extends WindowLayer<OverImages> {
  static override readonly title: string = 'UnpoolByMask';

  constructor(kernelSize: Pair, options: Pool2dLayerOptions = {}) {
    super('UnpoolByMask', imageAxes, kernelSize, options);
  }
  forward(x: Tensor, mask: Tensor, argmax?: PoolIndices): Tensor {
    const { kernelSize, stride, padding, ceilMode } = this;
    return unpoolByMask(x, mask, { kernelSize, stride, padding, ceilMode, argmax });
  }
}

/**
 * The decoder's counterpart of a pool. It unpools to the positions where that pool's latest forward
 * found its maxima. forward needs only one tensor, so the layer can be part of a Sequential. A
 * second argument gives other indices than the latest.
 * @shape x [N,H′,W′,C], as the pool's values; indices as x → y [N,H,W,C], as the pool's input. For
 * a MaxPool1d [N,L′,C] → [N,L,C]
 * @gradient g gathered at the indices
 * @throws GraphError if the pool has not run and no indices are given; ShapeError when x has
 * another shape than the pool's values
 * @source Zhao, Mathieu, Goroshin and LeCun 2015, "Stacked What-Where Auto-encoders"
 */
export class UnpoolLike extends Module {
  static override readonly title: string = 'UnpoolLike';
  /** Not enumerable, because the pool is a submodule of the encoder. */
  declare private readonly pool: MaxPooling;

  constructor(
    pool: MaxPooling,
    readonly duplicates: Duplicates = 'add',
  ) {
    super();
    if (!(pool instanceof MaxPooling))
      throw new ValueError('unpoolLike', 'pool must be a MaxPool2d or a MaxPool1d', `pool=${shown(pool)}`);
    checkUnpoolOptions('unpoolLike', { duplicates });
    pool.mirror();
    Object.defineProperty(this, 'pool', { value: pool });
  }
  forward(x: Tensor, indices: PoolIndices = this.pool.lastIndices): Tensor {
    const { duplicates } = this;
    return this.pool instanceof MaxPool1d
      ? maxUnpool1d(x, indices, { duplicates })
      : maxUnpool2d(x, indices, { duplicates });
  }
  override describe(): string {
    return attributes({
      kernelSize: this.pool.kernelSize,
      duplicates: this.duplicates === 'add' ? undefined : this.duplicates,
    });
  }
}

/**
 * Pairs a decoder level with its encoder level: `const pool = new MaxPool2d(2), unpool =
 * unpoolLike(pool)`. From now on the pool keeps the indices of its latest forward.
 * @throws ValueError for an unknown policy
 * @source Zhao, Mathieu, Goroshin and LeCun 2015
 */
export function unpoolLike(pool: MaxPooling, options: { duplicates?: Duplicates } = {}): UnpoolLike {
  knownOptions('unpoolLike', options, { duplicates: 'value' });
  return new UnpoolLike(pool, options.duplicates);
}
