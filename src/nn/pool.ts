/** Pooling and unpooling layers, channels last. Not here: the operations (autograd/ops/pool.ts). */
import { avgPool2d, maxPool2d, maxUnpool2d } from '../autograd/ops/pool.js';
import type { PoolIndices } from '../autograd/ops/pool-indices.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Padding, type Pair, pair, parsePadding } from '../tensor/window.js';
import { attributes } from './check.js';
import { Module } from './module.js';

export interface Pool2dLayerOptions {
  /** Default kernelSize. */
  stride?: Pair;
  /** Default 0. */
  padding?: Padding;
}

function poolSettings(op: string, kernelSize: Pair, { stride, padding = 0 }: Pool2dLayerOptions) {
  const size = pair(op, 'kernelSize', kernelSize);
  parsePadding(op, padding);
  return { kernelSize: size, stride: stride === undefined ? size : pair(op, 'stride', stride), padding };
}

const describePool = ({ kernelSize, stride, padding }: MaxPool2d | AvgPool2d): string =>
  attributes({ kernelSize, stride: String(stride) === String(kernelSize) ? undefined : stride, padding: padding === 0 ? undefined : padding });

/**
 * Largest of each window, with the places of the maxima for MaxUnpool2d. In a Sequential only the values go on.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], indices [N,H′,W′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.MaxPool2d with return_indices
 */
export class MaxPool2d extends Module {
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;

  constructor(kernelSize: Pair, options: Pool2dLayerOptions = {}) {
    super();
    ({ kernelSize: this.kernelSize, stride: this.stride, padding: this.padding } = poolSettings('MaxPool2d', kernelSize, options));
  }
  forward(x: Tensor): [values: Tensor, indices: PoolIndices] {
    return maxPool2d(x, this);
  }
  override describe(): string {
    return describePool(this);
  }
}

/**
 * Puts values back where a MaxPool2d found them; zeros elsewhere. The indices know the size, so none is needed.
 * @shape x [N,H′,W′,C], indices [N,H′,W′,C] → y [N,H,W,C]
 * @units indices: see IndexConvention
 * @gradient g gathered at the indices
 * @throws ShapeError when shapes differ or outputSize is impossible
 * @source torch.nn.MaxUnpool2d
 */
export class MaxUnpool2d extends Module {
  readonly outputSize: readonly [number, number] | undefined;

  constructor({ outputSize }: { outputSize?: readonly [number, number] } = {}) {
    super();
    this.outputSize = outputSize === undefined ? undefined : pair('MaxUnpool2d', 'outputSize', outputSize);
  }
  /** @shape outputSize [H,W], over the constructor's */
  forward(x: Tensor, indices: PoolIndices, { outputSize = this.outputSize }: { outputSize?: readonly [number, number] } = {}): Tensor {
    return maxUnpool2d(x, indices, { outputSize });
  }
  override describe(): string {
    return attributes({ outputSize: this.outputSize });
  }
}

export interface AvgPool2dLayerOptions extends Pool2dLayerOptions {
  /** Divide by the whole kernel, padding included. Default: true for explicit padding, false for 'same'. */
  countIncludePad?: boolean;
}

/**
 * Mean of each window.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @gradient g/n, spread over the window
 * @throws ValueError for sizes out of range; ShapeError for inputs that do not fit
 * @source torch.nn.AvgPool2d
 */
export class AvgPool2d extends Module {
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: Padding;
  readonly countIncludePad: boolean | undefined;

  constructor(kernelSize: Pair, options: AvgPool2dLayerOptions = {}) {
    super();
    ({ kernelSize: this.kernelSize, stride: this.stride, padding: this.padding } = poolSettings('AvgPool2d', kernelSize, options));
    this.countIncludePad = options.countIncludePad;
  }
  forward(x: Tensor): Tensor {
    return avgPool2d(x, this);
  }
  override describe(): string {
    return describePool(this);
  }
}
