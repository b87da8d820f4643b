/** Layers that change the length of series. Not here: the operations (autograd/ops/resize1d.ts). */
import { knownOptions } from '../arguments.js';
import {
  checkResize1d,
  type Resize1dOptions,
  resize1d,
  resize1dOptions,
  type Upsample1dOptions,
  upsample1d,
} from '../autograd/ops/resize1d.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { lengthOf } from '../values/window1d.js';
import { attributes } from './check.js';
import { Module } from './module.js';

const optional = <T>(value: T, usual: T): T | undefined => (value === usual ? undefined : value);

/**
 * Makes each value of a series `scale` values: copies, or the value and zeros after it.
 * @shape x [N,L,C] → y [N,L·scale,C]
 * @gradient copy: g, summed over the copies; zeros: g at the first of each `scale` values
 * @throws ValueError for a bad scale or fill; ShapeError for a wrong rank or an empty batch
 * @source torch.nn.Upsample of a series; keras.layers.UpSampling1D
 */
export class Upsample1d extends Module {
  static override readonly title: string = 'Upsample1d';
  readonly scale: number;
  readonly fill: 'copy' | 'zeros';

  constructor(scale: number, options: Omit<Upsample1dOptions, 'scale'> = {}) {
    super();
    knownOptions('Upsample1d', options, { fill: 'value' });
    const { fill = 'copy' } = options;
    this.scale = lengthOf('Upsample1d', 'scale', scale);
    if (fill !== 'copy' && fill !== 'zeros')
      throw new ValueError('Upsample1d', "fill must be 'copy' or 'zeros'", `fill=${fill}`);
    this.fill = fill;
  }
  forward(x: Tensor): Tensor {
    return upsample1d(x, { scale: this.scale, fill: this.fill });
  }
  override describe(): string {
    return attributes({ scale: this.scale, fill: optional(this.fill, 'copy') });
  }
}

/**
 * Resizes series by interpolation, to a length or by a scale.
 * @shape x [N,L,C] → y [N,L′,C]
 * @units positions in values; see Resize1dOptions
 * @gradient g times the interpolation weights, added at the values that were read
 * @throws ValueError for options that exclude each other or are out of range; ShapeError for inputs
 * that do not fit
 * @source torch.nn.Upsample of a series, with mode 'linear'
 */
export class Resize1d extends Module {
  static override readonly title: string = 'Resize1d';
  readonly size: number | undefined;
  readonly scale: number | undefined;
  readonly method: 'linear' | 'nearest';
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;

  constructor(options: Resize1dOptions) {
    super();
    knownOptions('Resize1d', options, resize1dOptions);
    checkResize1d('Resize1d', options);
    const { size, scale, method = 'linear', alignCorners = false, halfPixelCenters = !alignCorners } = options;
    this.size = size;
    this.scale = scale;
    this.method = method;
    this.alignCorners = alignCorners;
    this.halfPixelCenters = halfPixelCenters;
  }
  forward(x: Tensor): Tensor {
    const { size, scale, method, alignCorners, halfPixelCenters } = this;
    return resize1d(x, { size, scale, method, alignCorners, halfPixelCenters });
  }
  override describe(): string {
    return attributes({
      size: this.size,
      scale: this.scale,
      method: optional(this.method, 'linear'),
      alignCorners: optional(this.alignCorners, false),
      halfPixelCenters: optional(this.halfPixelCenters, !this.alignCorners),
    });
  }
}
