/**
 * Layers that change the size of images, channels last. Not here: the operations
 * (autograd/ops/resize.ts), pools (pool.ts) and unpooling (unpool.ts).
 */
import { knownOptions, type OptionNames } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import {
  checkResize,
  type FixedUnpool2dOptions,
  fixedUnpool2d,
  type PixelShuffleOptions,
  pixelShuffle,
  pixelUnshuffle,
  type Resize2dOptions,
  resize2d,
  resize2dOptions,
  type Upsample2dOptions,
  upsample2d,
} from '../autograd/ops/resize.js';
import { ShapeError, show, ValueError } from '../errors.js';
import { tensor } from '../tensor/create.js';
import { Tensor } from '../tensor/tensor.js';
import { type Shape, sameShape, sizeOf } from '../values/shape.js';
import { type Pair, pair } from '../values/window.js';
import { imageAxes, type OverImages } from './axes.js';
import { attributes, checkCount, unless } from './check.js';
import { Module } from './module.js';
import { owned } from './parameter.js';
import { ResizeLayer, UpsampleLayer } from './resize-layer.js';

/**
 * Makes each pixel a block of sh × sw, filled with copies, or with the value at the top left and
 * zeros.
 * @shape x [N,H,W,C] → y [N,H·sh,W·sw,C]
 * @gradient copy: g, summed over the block; zeros: g at the block's top left
 * @throws ValueError for a bad scale or fill; ShapeError for a wrong rank or an empty batch
 * @source torch.nn.UpsamplingNearest2d; keras.layers.UpSampling2D
 */
export class Upsample2d extends UpsampleLayer<OverImages> {
  static override readonly title: string = 'Upsample2d';

  constructor(scale: Pair, options: Omit<Upsample2dOptions, 'scale'> = {}) {
    super('Upsample2d', imageAxes, scale, options);
  }
  forward(x: Tensor): Tensor {
    return upsample2d(x, { scale: this.scale, fill: this.fill });
  }
}

/**
 * Resizes by interpolation, to a size or by a scale.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @units coordinates in pixels; see Resize2dOptions
 * @gradient g times the interpolation weights, added at the pixels that were read
 * @throws ValueError for options that exclude each other or are out of range; ShapeError for inputs
 * that do not fit
 * @source torch.nn.Upsample; keras.layers.Resizing
 */
export class Resize2d extends ResizeLayer<Resize2dOptions> {
  static override readonly title: string = 'Resize2d';

  constructor(options: Resize2dOptions) {
    knownOptions('Resize2d', options, resize2dOptions);
    checkResize('Resize2d', options);
    super(options, 'bilinear');
  }
  forward(x: Tensor): Tensor {
    return resize2d(x, this.options);
  }
}

export interface FixedUnpool2dLayerOptions extends Pick<FixedUnpool2dOptions, 'matrix'> {
  /**
   * Whether to train the matrix. It starts from the given one, or from 1 at the top left. Default
   * false: a given matrix is a buffer.
   */
  learnable?: boolean;
}

const fixedUnpool2dOptions: OptionNames<FixedUnpool2dLayerOptions> = { matrix: 'value', learnable: 'flag' };

/**
 * Makes each pixel a block, the pixel times a matrix, which may be learned. Without a matrix, the
 * pixel is at the block's top left and the rest is 0. Given values are copied.
 * @shape x [N,H,W,C], matrix [sh,sw] → y [N,H·sh,W·sw,C]
 * @gradient x: Σ g·matrix over the block; matrix, if learned: Σ g·x over all blocks
 * @throws ValueError for a bad size; ShapeError for a matrix of another size, or inputs that do not
 * fit
 * @source FixedUnPooling of tensorpack
 */
export class FixedUnpool2d extends Module {
  static override readonly title: string = 'FixedUnpool2d';
  readonly size: readonly [number, number];
  readonly matrix: Tensor | null;

  constructor(size: Pair, options: FixedUnpool2dLayerOptions = {}) {
    super();
    const op = 'FixedUnpool2d';
    knownOptions(op, options, fixedUnpool2dOptions);
    const { matrix, learnable = false } = options;
    this.size = pair(op, 'size', size);
    const [sh, sw] = this.size;
    const corner = (): Float32Array => Float32Array.from({ length: sh * sw }, (_, i) => (i === 0 ? 1 : 0));
    const given = noGrad(() => {
      if (matrix === undefined) return learnable ? tensor(corner(), { shape: this.size }) : null;
      return matrix instanceof Tensor ? matrix.detach().clone() : tensor(matrix, { dtype: 'float32' });
    });
    if (given !== null && !sameShape(given.shape, this.size)) {
      const got = `matrix=${show(given.shape)}, size=${show(this.size)}`;
      given.release();
      throw new ShapeError(op, 'matrix must be of the size asked for', got);
    }
    this.matrix = given === null ? null : learnable ? owned(given) : given.keep();
  }
  forward(x: Tensor): Tensor {
    return fixedUnpool2d(x, { size: this.size, matrix: this.matrix ?? undefined });
  }
  override describe(): string {
    return attributes({ size: this.size, learnable: unless(false, this.matrix?.requiresGrad ?? false) });
  }
  override multiplyAdds(_input: Shape, output: Shape): number {
    return this.matrix === null ? 0 : sizeOf(output);
  }
}

/** The common base of PixelShuffle and PixelUnshuffle. */
abstract class Shuffle extends Module {
  readonly order: 'torch' | 'tf';

  constructor(
    op: string,
    readonly factor: number,
    options: PixelShuffleOptions,
  ) {
    super();
    knownOptions(op, options, { order: 'value' });
    const { order = 'torch' } = options;
    checkCount(op, 'factor', factor);
    if (order !== 'torch' && order !== 'tf')
      throw new ValueError(op, "order must be 'torch' or 'tf'", `order=${order}`);
    this.order = order;
  }
  abstract override forward(x: Tensor): Tensor;
  override describe(): string {
    return attributes({ factor: this.factor, order: unless('torch', this.order) });
  }
}

/**
 * Moves channels into space: r² channels become a block of r × r pixels.
 * @shape x [N,H,W,C·r²] → y [N,H·r,W·r,C]
 * @gradient g, moved back
 * @throws ValueError for a bad factor or order; ShapeError for channels that are no multiple of r²
 * @source Shi et al. 2016; torch.nn.PixelShuffle
 */
export class PixelShuffle extends Shuffle {
  static override readonly title: string = 'PixelShuffle';

  constructor(factor: number, options: PixelShuffleOptions = {}) {
    super('PixelShuffle', factor, options);
  }
  forward(x: Tensor): Tensor {
    return pixelShuffle(x, this.factor, { order: this.order });
  }
}

/**
 * Moves space into channels: blocks of r × r pixels become r² channels.
 * @shape x [N,H·r,W·r,C] → y [N,H,W,C·r²]
 * @gradient g, moved back
 * @throws ValueError for a bad factor or order; ShapeError for a height or width that is no
 * multiple of r
 * @source torch.nn.PixelUnshuffle
 */
export class PixelUnshuffle extends Shuffle {
  static override readonly title: string = 'PixelUnshuffle';

  constructor(factor: number, options: PixelShuffleOptions = {}) {
    super('PixelUnshuffle', factor, options);
  }
  forward(x: Tensor): Tensor {
    return pixelUnshuffle(x, this.factor, { order: this.order });
  }
}
