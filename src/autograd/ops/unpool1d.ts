/**
 * Unpooling of series by indices. Not here: the unpooling itself and the policies for repeated
 * indices, which serve images and series alike (unpool.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TensorData } from '../../values/nested.js';
import { floatSeriesSizes } from '../../values/shape.js';
import { checkTensor } from '../graph.js';
import type { IndexConvention } from './index-conventions.js';
import type { PoolIndices } from './pool-indices.js';
import { type Duplicates, unpoolBy } from './unpool.js';
import { maxUnpool2dOptions, seriesSizesOf } from './unpool-forms.js';

interface Unpool1dOptions {
  /** L. Default: the indices' own input length, or the length computed from the pool's options. */
  outputSize?: number;
  /** Policy for repeated indices. Default 'add'. */
  duplicates?: Duplicates;
}
interface Form1dOptions extends Unpool1dOptions {
  /**
   * The check of raw indices. With 'window' (default) each must lie in its own window. With 'shape'
   * it may lie anywhere in the output; use this for indices that no pool created.
   */
  check?: 'window' | 'shape';
}
/**
 * Lengths as in PyTorch's max_unpool1d: (L−1)·stride − 2·padding + kernelSize, or an outputSize
 * that differs from it by less than a stride.
 */
export interface TorchUnpool1dOptions extends Form1dOptions {
  kernelSize: number;
  /** Default kernelSize. */
  stride?: number;
  /** Default 0. */
  padding?: number;
  /** Convention of raw indices. Default 'torch'. */
  convention?: IndexConvention;
}
/**
 * Lengths as in TensorFlow Addons' MaxUnpooling2D: L·stride for 'same', (L−1)·stride + poolSize for
 * 'valid', or any outputSize that pools to L.
 */
export interface AddonsUnpool1dOptions extends Form1dOptions {
  poolSize: number;
  /** Default poolSize. */
  strides?: number;
  /** Default 'same'. */
  padding?: 'same' | 'valid' | 'SAME' | 'VALID';
  /** Convention of raw indices. Default 'tf'. */
  convention?: IndexConvention;
}
export type MaxUnpool1dOptions = Unpool1dOptions | TorchUnpool1dOptions | AddonsUnpool1dOptions;

/** The names are those of maxUnpool2d. Only the types of their values differ. */
export const maxUnpool1dOptions: OptionNames<MaxUnpool1dOptions> = maxUnpool2dOptions;

/**
 * Writes each value of a series to the position given by its index; all other cells are 0.
 * PoolIndices know their length. Raw indices (numbers or an int32 tensor) need the options of the
 * pool that created them, either PyTorch's (`kernelSize`, `stride`, `padding`) or those of
 * TensorFlow Addons (`poolSize`, `strides`, `padding`), as for maxUnpool2d.
 * @shape x [N,L′,C], indices [N,L′,C] → y [N,L,C]
 * @units raw indices: as `convention` says, by default 'torch' with kernelSize and 'tf' with
 * poolSize
 * @gradient g gathered at the indices. Where values share a cell, 'add' passes g to all of them,
 * 'first', 'last' and 'max' to the chosen one, and 'mean' an equal share to each
 * @throws ShapeError when shapes differ or outputSize is impossible (with the valid range);
 * ValueError for raw indices without a pool, for invalid or repeated ones, or an unknown policy
 * @source torch.nn.functional.max_unpool1d
 */
export function maxUnpool1d(
  x: Tensor,
  indices: PoolIndices | TensorData | Tensor,
  options: MaxUnpool1dOptions = {},
): Tensor {
  const op = 'maxUnpool1d';
  knownOptions(op, options, maxUnpool1dOptions);
  checkTensor(op, 'input', x);
  floatSeriesSizes(op, x);
  return unpoolBy(op, x, indices, options, seriesSizesOf);
}
