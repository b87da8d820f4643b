/**
 * Indices that include the batch, and indices that do not.
 *
 * Posted: github.com/tensorflow/tensorflow/issues/22025 and /24067, TensorFlow's own test of
 * `include_batch_in_index`, which settled them, and NEGU93's `unpooling(inputs, output_shape,
 * argmax)` (stackoverflow.com/a/66694687, github.com/tensorflow/addons/issues/632). On the CPU
 * max_pool_with_argmax counted through the whole batch, on the GPU within each image. NEGU93's
 * function is one scatter_nd over the flat batch.
 * Wrong there: with the default indices, the flat scatter adds every image into the first, without
 * an error. With indices that include the batch, the functions per image fail with "Invalid indices
 * … does not index into".
 * Here: PoolIndices convert between the conventions without loss. Raw indices of the wrong
 * convention are refused by name.
 */
import { maxPool2d, poolIndices, scatterNd, type Tensor, tensor, unpooling } from 'cedargrad';
import { flat, type Print, picture, refusal, source } from './print.js';

/** NEGU93's function as it stands: indices count through the batch, whatever they are. */
const flatScatter = (inputs: Tensor, outputShape: readonly number[], argmax: Int32Array): Tensor =>
  scatterNd(
    Array.from(argmax, (i) => [i]),
    inputs.reshape([-1]),
    [outputShape.reduce((a, b) => a * b)],
  ).reshape([...outputShape]);

export function port(print: Print): void {
  print('#22025: two images of 4 by 4');
  const images = [0, 3, 0, 0, 4, 0, 4, 8, 7, 8, 4, 5, 2, 3, 4, 5, 2, 5, 2, 7, 4, 3, 4, 6, 8, 3, 2, 0, 7, 5, 9, 3];
  const [pooled, indices] = maxPool2d(tensor(images, { shape: [2, 4, 4, 1] }), { kernelSize: 2, padding: 'same' });
  print(`pooled               ${picture(pooled)}  and  ${picture(pooled, 1)}`);
  print(`CPU, the batch in it ${picture(indices.to('tf-batch'))}  and  ${picture(indices.to('tf-batch'), 1)}`);
  print(`GPU, within images   ${picture(indices.to('tf'))}  and  ${picture(indices.to('tf'), 1)} *`);

  print("\nTensorFlow's test: two images of 3 by 3, windows of 2 by 2 at every pixel");
  const ones = [1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 0, 1, 0, 1];
  const where = maxPool2d(tensor(ones, { shape: [2, 3, 3, 1] }), { kernelSize: 2, stride: 1 })[1];
  print(`argmax ${flat(where.to('tf'))}`);
  print(`include_batch_in_index ${flat(where.to('tf-batch'))}`);

  print('\n#24067: three images of 4 by 4, two channels *');
  const [a, b, spots] = [new Float32Array(16), new Float32Array(16), new Float32Array(96)];
  [a[0], a[6], a[9], a[15]] = [1.1, 1.2, 1.4, 1.3];
  [b[4], b[9], b[2], b[14]] = [1.9, 1.8, 1.7, 1.6];
  for (let i = 0; i < 96; i++) spots[i] = (i % 2 === 0 ? a : b)[Math.floor(i / 2) % 16];
  const both = maxPool2d(tensor(spots, { shape: [3, 4, 4, 2] }), { kernelSize: 2 })[1];
  print(flat(both.to('tf')));
  print(flat(both.to('tf-batch')));

  print("\nNEGU93's unpooling: two images of 2 by 2");
  const shape = [2, 2, 2, 1];
  const [maxima, at] = maxPool2d(tensor([1, 5, 2, 3, 9, 4, 8, 7], { shape }), { kernelSize: 2 });
  const [perImage, throughBatch] = [at.to('tf').dataSync(), at.to('tf-batch').dataSync()];
  const show = (y: Tensor): string => `${picture(y)}  and  ${picture(y, 1)}`;
  print(
    `as posted, default indices ${perImage.join(' ')}: ${show(flatScatter(maxima, shape, perImage))} * all in the first image`,
  );
  print(`as posted, batch indices ${throughBatch.join(' ')}:   ${show(flatScatter(maxima, shape, throughBatch))} *`);
  print(`here, default indices:          ${show(unpooling(maxima, shape, perImage))} *`);
  print(
    `here, batch indices, so called: ${show(unpooling(maxima, shape, throughBatch, { convention: 'tf-batch' }))} *`,
  );
  print(`here, the pool's own:           ${show(unpooling(maxima, shape, at))} *`);
  print(refusal(() => unpooling(maxima, shape, throughBatch)));
  print(refusal(() => unpooling(maxima, shape, perImage, { convention: 'tf-batch' })));
  print(refusal(() => poolIndices(throughBatch, { shape: maxima.shape, convention: 'torch', inputShape: shape })));
  print(`\n${source.mixed}`);
}
