/**
 * The gradient of max pooling is unpooling.
 *
 * Posted: a call of the private gen_nn_ops._max_pool_grad(original input, original output, values
 * to unpool, …). crackhopper posted it as `max_unpool(indata, origin_pooled, name)` in
 * github.com/tensorflow/tensorflow/issues/2169, abenbihi at
 * abenbihi.github.io/posts/2018-06-tf-unpooling.
 * Wrong there: the pool's input and output must be kept, and the output has that input's size. The
 * positions are found again by comparing values. The operation had no gradient of its own (issues
 * 1793, 6143, 11435). abenbihi's RegisterGradient returns the gradient of values as the gradient of
 * argmax, for an operation that the snippet does not use. Others registered _max_pool_grad again,
 * which is wrong.
 * Here: grad() of a pool is maxUnpool2d by its indices, and can be differentiated any number of
 * times. The numbers are those of TensorFlow's pooling_ops_test.py. abenbihi's pictures need a
 * photograph, so only their shapes are printed.
 */
import {
  grad,
  gradcheck,
  gradgradcheck,
  maxPool2d,
  maxUnpool2d,
  type Pool2dOptions,
  poolIndices,
  RandomState,
  type Tensor,
  tensor,
} from 'cedargrad';
import { flat, type Print, same, source } from './print.js';

/**
 * `_max_pool_grad(orig_input, orig_output, grad, ksize, strides, padding)`, without the original
 * output, which is not needed.
 */
const maxPoolGrad = (input: Tensor, gradOutput: Tensor, options: Pool2dOptions): Tensor => {
  const x = input.detach();
  x.requiresGrad = true;
  return grad(maxPool2d(x, options)[0], [x], { gradOutput })[0];
};

export function port(print: Print): void {
  const square = (values: number[], side = Math.sqrt(values.length)): Tensor =>
    tensor(values, { shape: [1, side, side, 1] });
  const from = (first: number, n: number): number[] => Array.from({ length: n }, (_, i) => first + i);

  print('max_pool_grad_with_argmax, and its gradient');
  const argmax = poolIndices([0, 1, 3, 5], { shape: [1, 2, 2, 1], convention: 'tf', inputShape: [1, 3, 3, 1] });
  const values = square(from(11, 4));
  values.requiresGrad = true;
  const unpooled = maxUnpool2d(values, argmax);
  print(flat(unpooled));
  unpooled.backward(square(from(11, 9)));
  print(flat(values.grad!));

  print('\nMaxPoolGradDirect1_1, 1_2, 1_3');
  const every = { kernelSize: 2, stride: 1, padding: 'valid' } as const;
  const backprop = square([11, 12, 13, 15, 16, 17, 19, 20, 21]);
  const board = square([1, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 1, 0, 1]);
  print(flat(maxPoolGrad(square(new Array(16).fill(1)), backprop, every)));
  print(flat(maxPoolGrad(board, backprop, every)));
  print(flat(maxPoolGrad(board, square(from(11, 16)), { kernelSize: 3, stride: 1, padding: 'same' })));

  print("\nabenbihi's unpooling of a picture of 300 by 300, random here");
  const picture = tensor(new RandomState(0).rand(300 * 300 * 3), { shape: [1, 300, 300, 3] });
  const [pooled, indices] = maxPool2d(picture, { kernelSize: 2 });
  const trick = maxPoolGrad(picture, pooled, { kernelSize: 2 });
  print(`(${trick.shape.join(', ')})`);
  print(`by the gradient as by the indices: ${same(trick, maxUnpool2d(pooled, indices))} *`);

  const small = tensor(new RandomState(1).permutation(32), { shape: [2, 4, 4, 1], dtype: 'float64' });
  small.requiresGrad = true;
  const roundTrip = (x: Tensor): Tensor => maxUnpool2d(...maxPool2d(x.mul(x), { kernelSize: 2 }));
  print(
    `gradients of pooling and unpooling agree with differences: ${gradcheck(roundTrip, [small])}, of second order: ${gradgradcheck(roundTrip, [small])}`,
  );
  print(`\n${source.mixed}`);
}
