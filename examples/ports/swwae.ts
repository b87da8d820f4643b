/**
 * What and where: unpooling as upsampling times a mask.
 *
 * Posted: Keras' examples/mnist_swwae.py, a stacked what-where autoencoder (Zhao et al. 2015). Its
 * `getwhere` takes the gradient of the pooled sum as the mask, and multiplies UpSampling2D by it.
 * github.com/yselivonchyk/Tensorflow_WhatWhereAutoencoder (pooling.py) has `upsample(net, stride,
 * mode)` by ZEROS or COPY.
 * Wrong there: the product equals unpooling only where windows do not overlap, and in a window with
 * equal maxima only if the backend's gradient marks one cell. Training needs the gradient of max
 * pooling's gradient, which TensorFlow lacked ("No gradient defined for MaxPoolGrad",
 * github.com/keras-team/keras/issues/4694). The second source passes indices as float32, which are
 * exact up to 2^24 only.
 * Here: unpoolLike(pool) pairs a decoder level with its encoder level. getwhere works too, because
 * gradients can be differentiated again.
 */
import {
  grad,
  MaxPool2d,
  maxPool2d,
  maxUnpool2d,
  RandomState,
  type Tensor,
  tensor,
  unpoolLike,
  upsample2d,
  where,
} from 'cedargrad';
import { flat, type Print, picture, same, source } from './print.js';

/** The gradient of the sum of what was pooled: 1 at each maximum. */
const getwhere = (prepool: Tensor, postpool: Tensor): Tensor =>
  grad(postpool.sum(), [prepool], { createGraph: true })[0];

export function port(print: Print): void {
  const image = tensor([1, 3, 2, 0, 4, 2, 8, 7, 5, 9, 1, 6, 0, 2, 5, 3], { shape: [1, 4, 4, 1], requiresGrad: true });

  print('mnist_swwae: UpSampling2D(y) times getwhere([x, y])');
  const pool = new MaxPool2d(2);
  const unpool = unpoolLike(pool);
  const [pooled] = pool.forward(image);
  const mask = getwhere(image, pooled);
  const product = upsample2d(pooled, { scale: 2 }).mul(mask);
  print(`pooled  ${picture(pooled)}`);
  print(`where   ${picture(mask)}`);
  print(`product ${picture(product)}`);
  print(`unpool  ${picture(unpool.forward(pooled))}`);
  product.backward(
    tensor(
      Array.from({ length: 16 }, (_, i) => i + 1),
      { shape: image.shape },
    ),
  );
  print(`gradient of the image through both ${flat(image.grad!)}`);

  print('\na window that ties');
  const ties = tensor([2, 2, 1, 0], { shape: [1, 2, 2, 1], requiresGrad: true });
  const [most, first] = maxPool2d(ties, { kernelSize: 2 });
  const blown = upsample2d(most, { scale: 2 });
  print(`the first cell marked: ${picture(blown.mul(getwhere(ties, most)))}, at ${flat(first)}`);
  print(`every one marked:      ${picture(where(ties.equal(blown), blown, 0))}`);

  print('\nupsample(net, 2)');
  const nine = tensor([0.9], { shape: [1, 1, 1, 1], dtype: 'float64' });
  for (const fill of ['zeros', 'copy'] as const)
    print(`${fill.toUpperCase()} ${picture(upsample2d(nine, { scale: 2, fill }))}`);

  // pooling.py prints random pictures and their unpooled maxima. This checks the properties of any
  // picture without ties.
  const random = tensor(new RandomState(0).permutation(144), { shape: [3, 4, 4, 3], dtype: 'float32' });
  const [values, indices] = maxPool2d(random, { kernelSize: 2 });
  const largest = random.equal(upsample2d(values, { scale: 2 }));
  print(
    `m is x where x is its window's largest, else 0: ${same(maxUnpool2d(values, indices), where(largest, random, 0))}`,
  );
  print(`\n${source.derived}`);
}
