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
import type { Tensor } from '../tensor/tensor.js';
import { type OverSeries, seriesAxes } from './axes.js';
import { ResizeLayer, UpsampleLayer } from './resize-layer.js';

/**
 * Makes each value of a series `scale` values: copies, or the value and zeros after it.
 * @shape x [N,L,C] → y [N,L·scale,C]
 * @gradient copy: g, summed over the copies; zeros: g at the first of each `scale` values
 * @throws ValueError for a bad scale or fill; ShapeError for a wrong rank or an empty batch
 * @source torch.nn.Upsample of a series; keras.layers.UpSampling1D
 */
export class Upsample1d extends UpsampleLayer<OverSeries> {
  static override readonly title: string = 'Upsample1d';

  constructor(scale: number, options: Omit<Upsample1dOptions, 'scale'> = {}) {
    super('Upsample1d', seriesAxes, scale, options);
  }
  forward(x: Tensor): Tensor {
    return upsample1d(x, { scale: this.scale, fill: this.fill });
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
export class Resize1d extends ResizeLayer<Resize1dOptions> {
  static override readonly title: string = 'Resize1d';

  constructor(options: Resize1dOptions) {
    knownOptions('Resize1d', options, resize1dOptions);
    checkResize1d('Resize1d', options);
    super(options, 'linear');
  }
  forward(x: Tensor): Tensor {
    return resize1d(x, this.options);
  }
}
