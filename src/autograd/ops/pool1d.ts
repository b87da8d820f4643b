/**
 * Pooling of series, by the kernels of images of one row. Not here: the gradients, which are those
 * of images (pool.ts), and unpooling (unpool1d.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { NanPolicy } from '../../device/device.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat } from '../../values/dtype.js';
import type { Pool2dGeometry } from '../../values/window.js';
import { type Pool1dOptions, pool1dGeometry, pool1dOptions } from '../../values/window1d.js';
import { applyAll, checkTensor } from '../graph.js';
import { averages, avgPoolOp, checkNanPolicy, maxPoolOp } from './pool.js';
import { PoolIndices } from './pool-indices.js';
import { asRows, fromRows } from './rows.js';

// They have names of their own for messages.
const maxPool1dOp = { ...maxPoolOp, name: 'maxPool1d' };
const avgPool1dOp = { ...avgPoolOp, name: 'avgPool1d' };

export interface MaxPool1dOptions extends Pool1dOptions {
  /** How NaN is treated: 'propagate' as PyTorch (default), 'tf' as TensorFlow, or 'ignore'. */
  nan?: NanPolicy;
  /** The distance between values of a window. Default 1. */
  dilation?: number;
}

const maxPool1dOptions: OptionNames<MaxPool1dOptions> = { ...pool1dOptions, nan: 'value', dilation: 'value' };

function checked(op: string, x: Tensor, options: Pool1dOptions & { dilation?: number }): Pool2dGeometry {
  checkTensor(op, 'input', x);
  const geometry = pool1dGeometry(op, x.shape, options);
  checkFloat(op, x.dtype);
  return geometry;
}

/**
 * The largest value of each window and its index. Ties take the first. Padding never wins. NaN is
 * treated as by maxPool2d.
 * @shape x [N,L,C] → values [N,L′,C], indices [N,L′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ShapeError for a wrong rank, an empty batch or a kernel that does not fit; ValueError for
 * sizes out of range or an unknown policy
 * @source torch.nn.functional.max_pool1d with return_indices
 */
export function maxPool1d(x: Tensor, options: MaxPool1dOptions): [values: Tensor, indices: PoolIndices] {
  const op = 'maxPool1d';
  knownOptions(op, options, maxPool1dOptions);
  const { nan = 'propagate' } = options;
  checkNanPolicy(op, nan);
  const geometry = checked(op, x, options);
  const rows = asRows(x);
  const [values, plane] = applyAll(maxPool1dOp, [rows], { geometry, nan });
  const indices = fromRows(op, plane);
  return [fromRows(op, values, rows), new PoolIndices(indices, x.shape, geometry)];
}

export interface AvgPool1dOptions extends Pool1dOptions {
  /**
   * Whether to count the padding among a window's cells, by whose number its sum is divided. What a
   * window of ceilMode has beyond the padding never counts. Default: true for explicit padding
   * (PyTorch), false for 'same' (TensorFlow).
   */
  countIncludePad?: boolean;
}
const avgPool1dOptions: OptionNames<AvgPool1dOptions> = { ...pool1dOptions, countIncludePad: 'flag' };

/**
 * Mean of each window.
 * @shape x [N,L,C] → y [N,L′,C]
 * @gradient g/n, spread over the window
 * @throws ShapeError for a wrong rank, an empty batch or a kernel that does not fit; ValueError for
 * sizes out of range
 * @source torch.nn.functional.avg_pool1d; tf.nn.avg_pool1d
 */
export function avgPool1d(x: Tensor, options: AvgPool1dOptions): Tensor {
  const op = 'avgPool1d';
  knownOptions(op, options, avgPool1dOptions);
  const geometry = checked(op, x, options);
  const rows = asRows(x);
  const { countIncludePad = options.padding !== 'same' } = options;
  const y = averages(avgPool1dOp, rows, geometry, { countIncludePad });
  return fromRows(op, y, rows);
}
