/**
 * Series as images of one row. A batch of series [N,L,C] and the images [N,1,L,C] are the same
 * array, so the ops of series run the kernels of images on views. A view ends with the result.
 * Not here: the ops themselves (conv1d.ts, pool1d.ts, unpool1d.ts).
 */
import type { Tensor } from '../../tensor/tensor.js';
import { imageShape } from '../../values/shape.js';
import { endWith } from '../lifetimes.js';

/** A view of series as images of one row. */
export const asRows = (x: Tensor): Tensor => x.reshape(imageShape(x.shape));

/**
 * The result of `op`, [N,L,C], from images of one row. `views` are the views that the op made of
 * its inputs.
 */
export function fromRows(op: string, y: Tensor, ...views: readonly Tensor[]): Tensor {
  const [batch, , length, channels] = y.shape;
  const result = y.reshape([batch, length, channels]);
  result.madeBy = op;
  // A view that belongs to a graph ends with it. Any other would hold its storage until it is
  // collected, even if the program has released the input.
  return endWith(result, ...[y, ...views].filter((t) => t.node === null && t.owner === null));
}

/** Runs `fn` on images. Series are passed to it as images of one row. */
export function overImages(
  op: string,
  inputs: readonly [Tensor, ...Tensor[]],
  fn: (images: readonly [Tensor, ...Tensor[]]) => Tensor,
): Tensor {
  if (inputs[0].rank !== 3) return fn(inputs);
  const [first, ...others] = inputs;
  const rows = [asRows(first), ...others.map(asRows)] as const;
  return fromRows(op, fn(rows), ...rows);
}
