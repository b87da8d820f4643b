/**
 * Layers of pools that are told the size of their output, channels last. Not here: the operations
 * (autograd/ops/adaptive-pool.ts), pools with a given kernel (pool.ts, pool1d.ts).
 */
import { knownOptions } from '../arguments.js';
import {
  type AdaptiveMaxPoolOptions,
  type AdaptiveSize,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPoolOptions,
  checkAdaptiveSize,
} from '../autograd/ops/adaptive-pool.js';
import { checkNanPolicy } from '../autograd/ops/pool.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import type { NanPolicy } from '../device/device.js';
import type { Tensor } from '../tensor/tensor.js';
import { lengthOf } from '../values/window1d.js';
import { attributes, unless } from './check.js';
import { Module } from './module.js';

/** The size of the output, and of a max pool the treatment of NaN. */
abstract class AdaptivePool<Size> extends Module {
  constructor(readonly outputSize: Size) {
    super();
  }
  override describe(): string {
    return attributes({ outputSize: this.outputSize });
  }
}
abstract class AdaptiveMaxPooling<Size> extends AdaptivePool<Size> {
  readonly nan: NanPolicy;

  constructor(op: string, outputSize: Size, options: AdaptiveMaxPoolOptions) {
    super(outputSize);
    knownOptions(op, options, adaptiveMaxPoolOptions);
    this.nan = options.nan ?? 'propagate';
    checkNanPolicy(op, this.nan);
  }
  /** The attributes that toString() prints. */
  override describe(): string {
    return attributes({ outputSize: this.outputSize, nan: unless('propagate', this.nan) });
  }
}

/**
 * Means over windows that divide an image into H′ × W′ parts. `new AdaptiveAvgPool2d(1)` is the
 * global average pool.
 * @shape x [N,H,W,C] → y [N,H′,W′,C], of outputSize
 * @gradient g/n, spread over the window of n cells
 * @throws ValueError for sizes out of range; ShapeError for a wrong rank, or an empty batch or
 * image
 * @source torch.nn.AdaptiveAvgPool2d
 */
export class AdaptiveAvgPool2d extends AdaptivePool<readonly [height: number | null, width: number | null]> {
  static override readonly title: string = 'AdaptiveAvgPool2d';

  constructor(outputSize: AdaptiveSize) {
    super(checkAdaptiveSize('AdaptiveAvgPool2d', outputSize));
  }
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/**
 * The largest values of windows that divide an image into H′ × W′ parts, and their indices for
 * MaxUnpool2d. In a Sequential only the values are passed on. `new AdaptiveMaxPool2d(1)` is the
 * global max pool.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], indices [N,H′,W′,C], of outputSize
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ValueError for sizes out of range; ShapeError for a wrong rank, or an empty batch or
 * image
 * @source torch.nn.AdaptiveMaxPool2d with return_indices
 */
export class AdaptiveMaxPool2d extends AdaptiveMaxPooling<readonly [height: number | null, width: number | null]> {
  static override readonly title: string = 'AdaptiveMaxPool2d';

  constructor(outputSize: AdaptiveSize, options: AdaptiveMaxPoolOptions = {}) {
    super('AdaptiveMaxPool2d', checkAdaptiveSize('AdaptiveMaxPool2d', outputSize), options);
  }
  forward(x: Tensor): [values: Tensor, indices: PoolIndices] {
    return adaptiveMaxPool2d(x, this.outputSize, { nan: this.nan });
  }
}

/**
 * Means over windows that divide a series into L′ parts. `new AdaptiveAvgPool1d(1)` is the global
 * average pool.
 * @shape x [N,L,C] → y [N,L′,C], of outputSize
 * @gradient g/n, spread over the window of n values
 * @throws ValueError for a size out of range; ShapeError for a wrong rank, or an empty batch or
 * series
 * @source torch.nn.AdaptiveAvgPool1d
 */
export class AdaptiveAvgPool1d extends AdaptivePool<number> {
  static override readonly title: string = 'AdaptiveAvgPool1d';

  constructor(outputSize: number) {
    super(lengthOf('AdaptiveAvgPool1d', 'outputSize', outputSize));
  }
  forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/**
 * The largest values of windows that divide a series into L′ parts, and their indices for
 * MaxUnpool1d. In a Sequential only the values are passed on. `new AdaptiveMaxPool1d(1)` is the
 * global max pool.
 * @shape x [N,L,C] → values [N,L′,C], indices [N,L′,C], of outputSize
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ValueError for a size out of range; ShapeError for a wrong rank, or an empty batch or
 * series
 * @source torch.nn.AdaptiveMaxPool1d with return_indices
 */
export class AdaptiveMaxPool1d extends AdaptiveMaxPooling<number> {
  static override readonly title: string = 'AdaptiveMaxPool1d';

  constructor(outputSize: number, options: AdaptiveMaxPoolOptions = {}) {
    super('AdaptiveMaxPool1d', lengthOf('AdaptiveMaxPool1d', 'outputSize', outputSize), options);
  }
  forward(x: Tensor): [values: Tensor, indices: PoolIndices] {
    return adaptiveMaxPool1d(x, this.outputSize, { nan: this.nan });
  }
}
