/**
 * Unpooling by max_pool_with_argmax's indices and a scatter.
 *
 * Posted: many comments in github.com/tensorflow/tensorflow/issues/2169, 2016 to 2018.
 * fabianbormann has `unravel_argmax` and a sparse tensor. Pepslee has `unpool(updates, mask,
 * ksize)` by scatter_nd. chahld, ThomasWollmann and rayanelleuch have `unpool(pool, ind, ksize)` by
 * flat indices for each image. github.com/sangeet259/tensorflow_unpooling prints the full round
 * trip below. Its `unpool_with_with_argmax` assigns to a Variable.
 * Wrong there: the output size is always H·2 (see tilt.ts), a Variable stops gradients and fixes
 * the batch, and indices are not checked (see batch-index.ts). scatter_nd sums repeated indices,
 * while the Variable is overwritten (see duplicates.ts).
 * Here: maxPool2d gives indices that know the input's size, so maxUnpool2d needs nothing else. Its
 * gradient is a gather, which can be differentiated again.
 */
import { maxPool2d, maxUnpool2d, type Shape, type Tensor, tensor, unpooling } from 'cedargrad';
import { numpy, type Print, picture, same, source } from './print.js';

// tf.random_uniform([1, 4, 4, 3], maxval=100, seed=2), as printed.
const input = [
  [
    67.87465668, 71.41509247, 46.98169327, 48.19697189, 47.83817673, 55.389534, 23.51480675, 43.86433411, 48.48768616,
    83.74739075, 66.82654572, 81.30921173,
  ],
  [
    21.17181969, 14.59358978, 47.21593857, 25.94748688, 76.70527649, 9.67714787, 74.96897888, 15.72545815, 36.21578217,
    40.15810394, 46.98136902, 37.93695068,
  ],
  [
    19.17402649, 13.34600449, 63.32398605, 75.63816071, 39.96374512, 50.45898056, 4.35934067, 71.83367157, 95.57234192,
    0.63753128, 26.81066895, 83.41733551,
  ],
  [
    27.07540894, 90.00960541, 6.51501417, 66.9224472, 60.66981506, 63.90122223, 9.09529877, 87.97344208, 11.55341911,
    67.55619049, 50.58227921, 57.45575333,
  ],
];

/**
 * Argmax as scatter_nd reads it: `unpool(updates, mask, ksize=[1, 2, 2, 1])`, for inputs whose
 * sides are multiples of the window's.
 */
function unpool(updates: Tensor, mask: Int32Array, ksize = [1, 2, 2, 1]) {
  const outputShape: Shape = updates.shape.map((n, axis) => n * ksize[axis]);
  return unpooling(updates, outputShape, mask);
}

export function port(print: Print): void {
  const x = tensor(input, { shape: [1, 4, 4, 3], requiresGrad: true });
  const [pooled, indices] = maxPool2d(x, { kernelSize: 2, padding: 'same' });
  const maxIndices = indices.to('tf');
  const unpooled = maxUnpool2d(pooled, indices);
  print(`original tensor\n${numpy(x)}\n`);
  print(`pooled\n${numpy(pooled)}\n`);
  print(`max_indices\n${numpy(maxIndices)}\n`);
  print(`unpooled\n${numpy(unpooled)}\n`);
  print(
    `unpool(updates, mask) by raw indices gives the same: ${same(unpool(pooled, maxIndices.dataSync()), unpooled)}`,
  );

  // "unpool grad" of github.com/mattangus/Tensorflow-Unpool-Op. All are ones, because every value
  // keeps one cell.
  const values = pooled.detach();
  values.requiresGrad = true;
  maxUnpool2d(values, indices).sum().backward();
  print(`unpool grad ${picture(values.grad!)} *`);

  // All cells of a window are equal, and the first cell wins (AIRob/tensorflow_source: row r of
  // both channels is r and r + 4).
  const rows = [0, 1, 2, 3].map((r) => Array.from({ length: 4 }, () => [r, r + 4]));
  const [maxima, where] = maxPool2d(tensor([rows]), { kernelSize: 2 });
  print(
    `ties: ${[...maxima.dataSync()].join(' ')} at ${[...where.to('tf').dataSync()].join(' ')}, sum ${maxUnpool2d(maxima, where).sum().itemSync()} *`,
  );
  print(`\n${source.mixed}`);
}
