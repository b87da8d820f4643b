/**
 * Unpooling without indices: each value is at the top left of its block, with zeros elsewhere.
 *
 * Posted: daeyun's `unpool(value)` (github.com/tensorflow/tensorflow/issues/2169, May 2016), which
 * concatenates zeros and reshapes. It is also `UnPooling2x2ZeroFilled(x)` in tensorpack
 * (tensorpack/models/pool.py) and at stackoverflow.com/questions/36548736, with an input of (1, 3,
 * 6, 6). tensorpack's `FixedUnPooling(x, shape, unpool_mat)` is a Kronecker product with any
 * matrix.
 * Wrong there: copies named `max_unpool_2x2(x, output_shape)` use no maxima, and accept any shape
 * with as many elements, which scrambles the picture. Blocks are 2 by 2 only, and sizes must be
 * known beforehand. Channels come last: (1, 3, 6, 6) is a picture of 3 by 6 with 6 channels.
 * Here: upsample2d has any block, and fixedUnpool2d takes a matrix, which may be learned.
 * argmax-scatter.ts puts each value at its maximum's position.
 */
import {
  concat,
  fixedUnpool2d,
  maxPool2d,
  pixelShuffle,
  RandomState,
  tensor,
  unPooling2x2ZeroFilled,
  upsample2d,
  zerosLike,
} from 'cedargrad';
import { numpy, type Print, picture, same, source } from './print.js';

export function port(print: Print): void {
  print('unpool, and a copy that also pads the top and the left');
  const zeroFilled = upsample2d(tensor([1, 2, 3, 4], { shape: [1, 2, 2, 1] }), { scale: 2, fill: 'zeros' });
  print(`${picture(zeroFilled)} *`);
  print(
    picture(
      zeroFilled.pad([
        [0, 0],
        [1, 0],
        [1, 0],
        [0, 0],
      ]),
    ),
  );

  // The shapes and the sum are the post's; the input's numbers are ours.
  print('\nUnPooling2x2ZeroFilled, (1, 3, 6, 6); the input is ours');
  const x = tensor(
    Array.from({ length: 18 }, () => [1, 1, 2, 2, 3, 3]),
    { shape: [1, 3, 6, 6] },
  );
  const y = unPooling2x2ZeroFilled(x);
  print(`shape (${y.shape.join(', ')}) sum ${y.sum().itemSync()}`);
  print(`${numpy(y.slice([0, 1], [0, 2], [0, 4]).cast('int32'))} the first two rows, four pixels of each *`);
  const [pooled] = maxPool2d(y, { kernelSize: 2 });
  print(`max pooling gives x back: ${same(pooled, x)} (with a value below 0 it would not: the zeros win)`);
  const zeros = zerosLike(x);
  print(
    `depth_to_space of x and three times as many zeros: ${same(pixelShuffle(concat([x, zeros, zeros, zeros], 3), 2, { order: 'tf' }), y)}`,
  );

  // What tensorpack's own test asserts, over random numbers of ours.
  print('\nFixedUnPooling: test_FixedUnPooling');
  const input = tensor(new RandomState(0).rand(36), { shape: [1, 3, 4, 3] });
  const result = fixedUnpool2d(input, { size: 2 });
  const corners = result.slice([0, 1], [0, 6, 2], [0, 8, 2]);
  print(`shape (${result.shape.join(', ')})`);
  print(`res[0, ::2, ::2] == mat: ${same(corners, input)}`);
  print(`all zero elsewhere: ${result.notEqual(0).cast('int32').sum().itemSync() === input.size}`);

  print('\nFixedUnPooling with a matrix, and its gradients *');
  const value = tensor([1, 2, 3, 4], { shape: [1, 2, 2, 1], requiresGrad: true });
  const matrix = tensor([0.5, 0.25, 0.125, 0], { shape: [2, 2], requiresGrad: true });
  const blocks = fixedUnpool2d(value, { matrix });
  print(picture(blocks));
  const upstream = Array.from({ length: 16 }, (_, i) => i + 1);
  blocks.backward(tensor(upstream, { shape: blocks.shape }));
  print(`d value ${picture(value.grad!)}, d matrix ${picture(matrix.grad!.reshape([1, 2, 2, 1]))}`);
  print(`\n${source.mixed}`);
}
