/**
 * Changes the length of series. Not here: the interpolation of an axis (sampling.ts), unpooling by
 * indices (unpool1d.ts), learned upsampling (conv1dTranspose in conv1d.ts).
 */
import { checkIsNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkShape, floatSeriesSizes } from '../../values/shape.js';
import { lengthOf } from '../../values/window1d.js';
import { checkTensor } from '../graph.js';
import { adaptiveAvgPool1d } from './adaptive-pool.js';
import { spread } from './indexing.js';
import { resizeAxis, type SamplingOptions, samplingOf, samplingOptions } from './sampling.js';

export interface Upsample1dOptions {
  /** Factor of the length. */
  scale: number;
  /**
   * 'copy' repeats each value. 'zeros' writes 0 after each value. Default 'copy'.
   */
  fill?: 'copy' | 'zeros';
}

const upsample1dOptions: OptionNames<Upsample1dOptions> = { scale: 'value', fill: 'value' };

/**
 * Makes each value of a series `scale` values.
 * @shape x [N,L,C] → y [N,L·scale,C]
 * @gradient copy: g, summed over the copies; zeros: g at the first of each `scale` values
 * @throws ShapeError for a wrong rank or an empty batch; ValueError for a scale that is not whole
 * and positive, or an unknown fill
 * @source torch.nn.Upsample of a series; keras.layers.UpSampling1D
 */
export function upsample1d(x: Tensor, options: Upsample1dOptions): Tensor {
  const op = 'upsample1d';
  knownOptions(op, options, upsample1dOptions);
  checkTensor(op, 'input', x);
  const [batch, length, channels] = floatSeriesSizes(op, x);
  const scale = lengthOf(op, 'scale', options.scale);
  const { fill = 'copy' } = options;
  if (fill === 'zeros') return spread(x, [1, scale, 1]);
  if (fill !== 'copy') throw new ValueError(op, "fill must be 'copy' or 'zeros'", `fill=${fill}`);
  return x
    .reshape([batch, length, 1, channels])
    .expand([batch, length, scale, channels])
    .reshape([batch, length * scale, channels]);
}

export interface Resize1dOptions extends SamplingOptions {
  /** L of the result. Give either this or scale. */
  size?: number;
  /** Factor of the length, not necessarily whole. The length is rounded down. */
  scale?: number;
  /**
   * Linear interpolation, the nearest value, cubic convolution, or the mean of the part of the
   * series that the value stands for. Default 'linear'.
   */
  method?: 'linear' | 'nearest' | 'cubic' | 'area';
}

export const resize1dOptions: OptionNames<Resize1dOptions> = {
  size: 'value',
  scale: 'value',
  method: 'value',
  ...samplingOptions,
};

/** The methods; the first is the default. */
const methods = { linear: 'linear', nearest: 'nearest', cubic: 'cubic', area: 'area' } as const;

/** Checks the options of a resize without a series. A layer calls it in its constructor. */
export function checkResize1d(op: string, options: Resize1dOptions) {
  const sampling = samplingOf(op, options, methods);
  const { size, scale } = options;
  if (size !== undefined) {
    const asked = lengthOf(op, 'size', size);
    return { sampling, outputLength: () => asked };
  }
  const factor = scale as number;
  checkIsNumber(op, 'scale', factor);
  if (!(factor > 0 && factor < Infinity))
    throw new ValueError(op, 'scale must be positive and finite', `scale=${factor}`);
  const outputLength = (length: number): number => {
    const output = Math.floor(length * factor);
    if (output < 1) throw new ShapeError(op, 'the result must not be empty', `length ${length}, scale=${factor}`);
    return output;
  };
  return { sampling, outputLength, scale: factor };
}

/**
 * Resizes series by interpolation. A smaller size reads single points without averaging, so it can
 * alias, unless the method is 'area'.
 * @shape x [N,L,C] → y [N,L′,C]
 * @units positions in values; centres at half values, unless the options name another rule
 * @gradient g times the interpolation weights, added at the values that were read
 * @throws ShapeError for a wrong rank or an empty batch or series; ValueError unless exactly one of
 * size and scale is given, for both corner rules, an unknown name, or an option of another method
 * @source torch.nn.functional.interpolate with mode 'linear'; tf.image.resize of images of one row;
 * ONNX's Resize; Keys 1981 (cubic)
 */
export function resize1d(x: Tensor, options: Resize1dOptions): Tensor {
  const op = 'resize1d';
  knownOptions(op, options, resize1dOptions);
  checkTensor(op, 'input', x);
  const [batch, length, channels] = floatSeriesSizes(op, x);
  if (length === 0) throw new ShapeError(op, 'the series must not be empty', `input=${show(x.shape)}`);
  const { outputLength, sampling, scale } = checkResize1d(op, options);
  const output = outputLength(length);
  checkShape(op, [batch, output, channels], 'result');
  return sampling === null ? adaptiveAvgPool1d(x, output) : resizeAxis(op, x, 1, output, sampling, scale);
}
