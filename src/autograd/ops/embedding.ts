/** Rows of a table by index. Not here: the layer (nn/embedding.ts), other gathers (gather.ts). */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { parse, type TensorData } from '../../values/nested.js';
import { sizeOf } from '../../values/shape.js';
import { checkTensor, isTensor } from '../graph.js';
import { composed } from '../lifetimes.js';

export interface EmbeddingOptions {
  /**
   * A row whose gradient is 0, for tokens that only fill up a sequence. A negative one counts from
   * the end.
   */
  paddingIndex?: number;
}
export const embeddingOptions: OptionNames<EmbeddingOptions> = { paddingIndex: 'value' };

/** The row of a table of `rows` rows that gets no gradient, or null. */
export function paddingRow(op: string, paddingIndex: number | undefined, rows: number): number | null {
  if (paddingIndex === undefined) return null;
  const rule = `whole and in [${-rows}, ${rows - 1}]`;
  checkNumber(op, 'paddingIndex', paddingIndex, (n) => Number.isInteger(n) && n >= -rows && n < rows, rule);
  return paddingIndex < 0 ? paddingIndex + rows : paddingIndex;
}

/**
 * The rows of a table at indices. Indices given as numbers are checked. A tensor of indices is not
 * read, and one out of range gives zeros.
 * @shape indices [any], weight [rows,D] → y [any,D]
 * @units indices count from 0
 * @gradient weight: g, added to the rows that were read, 0 for the padding row
 * @throws ShapeError for a weight of another rank; ValueError for indices that are not int32, a
 * number out of range or not whole, or a padding index out of range
 * @source torch.nn.functional.embedding
 */
export function embedding(indices: Tensor | TensorData, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  const op = 'embedding';
  knownOptions(op, options, embeddingOptions);
  checkTensor(op, 'weight', weight);
  if (weight.rank !== 2) throw new ShapeError(op, 'weight must have rank 2, [rows,D]', `weight=${show(weight.shape)}`);
  const [rows, features] = weight.shape;
  const padding = paddingRow(op, options.paddingIndex, rows);
  if (isTensor(indices) && indices.dtype !== 'int32')
    throw new ValueError(op, 'indices must be int32', `dtype=${indices.dtype}`, "convert with cast('int32')");
  const numbers = isTensor(indices) ? null : parse(op, indices);
  const wrong =
    numbers === null ? -1 : Array.from(numbers.data).findIndex((n) => !Number.isInteger(n) || n < 0 || n >= rows);
  if (numbers !== null && wrong >= 0)
    throw new ValueError(
      op,
      `indices must be whole and in [0, ${rows - 1}]`,
      `element ${wrong}=${numbers.data[wrong]}`,
    );
  return composed(() => {
    const list = isTensor(indices)
      ? indices
      : weight.upload(Int32Array.from((numbers as { data: ArrayLike<number> }).data), 'int32', numbers?.shape);
    const flat = list.reshape([sizeOf(list.shape)]);
    const read = weight.indexSelect(flat);
    const y = padding === null ? read : read.detach().where(flat.equal(padding).unsqueeze(1), read);
    return y.reshape([...list.shape, features]);
  });
}
