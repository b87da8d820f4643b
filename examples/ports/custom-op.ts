/**
 * The custom operations max_pool_with_argmax_and_mask and max_unpool, and the demonstrations of the
 * first max_unpool.
 *
 * Posted: a fork of TensorFlow with both operations, in an answer to
 * stackoverflow.com/questions/36548736. Before it there was `max_unpool(input, input_of_pooling,
 * argmax)`, with scripts that unpool eight numbers and train a factor through an unpooling. Caffe
 * has the mask too (github.com/BVLC/caffe/pull/3601). It counts how often a number was the maximum.
 * Wrong there: a fork had to be built. The first form kept the pool's whole input alive, although
 * its shape is enough (girving in github.com/tensorflow/tensorflow/issues/2169). An early CEDN
 * swapped the two levels' argmaxes and passed ones for them, without an error.
 * Here: both operations are functions, and indices know their pool, so that those of another level
 * are refused. We do not know how the fork's max_unpool used its mask beside the argmax. Here a
 * value is kept where the mask is not 0.
 */
import {
  maxPool2d,
  maxPool2dWithArgmaxAndMask,
  maxUnpool2d,
  ones,
  SGD,
  type Tensor,
  tensor,
  unpoolByMask,
  zeros,
} from 'cedargrad';
import { numpy, type Print, picture, refusal, source } from './print.js';

/** To four decimals: float32 has 0.09999996 for 0.1. */
const rounded = (values: Tensor): string => Array.from(values.dataSync(), (v) => +v.toFixed(4)).join(' ');

export function port(print: Print): void {
  const shape = [2, 2, 2, 2];
  const x = tensor([5, 8, 1, 3, 6, 4, 2, 1, 1, 7, 2, 1, 4, 1, 5, 2], { shape });
  const b = tensor([5, 7, 4, 6], { shape: [2, 1, 1, 2] });
  const [maxp, argmax] = maxPool2d(x, { kernelSize: 2, padding: 'same' });
  const sub = maxp.sub(b); // do some stuff in between
  const y = maxUnpool2d(sub, argmax);
  for (const [name, array] of Object.entries({ x, maxp, maxp_arg: argmax.to('tf'), sub, y }))
    print(`${name}\n${numpy(array)}\n`);

  // The cost is not squared, so it falls without end. The change of the cost shows that gradients
  // pass through the unpooling. Each gradient is the maximum, 9.
  const X = tensor([0, 9, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0], { shape });
  const Y = tensor([-2, 8, -4, -2, 8, -2, -2, -4, -2, 8, -4, -2, -2, -4, 8, -2], { shape });
  const factor = ones([2, 1, 1, 2], { requiresGrad: true });
  const optimizer = new SGD([factor], { lr: 0.1 });
  for (let i = 0; i < 5; i++) {
    const [maxima, where] = maxPool2d(X, { kernelSize: 2, padding: 'same' });
    const cost = maxUnpool2d(maxima.mul(factor), where).sub(Y);
    print(`Step ${i}\n------\ncost: ${rounded(cost)}\nfactor: ${rounded(factor)}\n`);
    optimizer.zeroGrad();
    cost.sum().backward();
    optimizer.step();
  }

  print('max_pool_with_argmax_and_mask');
  const [pooled, where, mask] = maxPool2dWithArgmaxAndMask(
    tensor([1, 2, 3, 4, 5, 6, 7, 9, 8], { shape: [1, 3, 3, 1] }),
    { kernelSize: 2, stride: 1 },
  );
  print(`pooled ${picture(pooled)}, argmax ${picture(where)}, mask ${picture(mask)}`);
  print(`max_unpool, argmax and mask: ${picture(unpoolByMask(pooled, mask, { argmax: where }))}`);
  const [apart, at, cells] = maxPool2dWithArgmaxAndMask(x, { kernelSize: 2, padding: 'same' });
  print(
    `the two forms agree where windows do not overlap: ${String(unpoolByMask(apart, cells, { argmax: at })) === String(maxUnpool2d(apart, at))}`,
  );

  print('\nthe early CEDN: level 2 unpooled by the argmax of level 1');
  const [conv1, conv3] = [zeros([12, 20, 20, 16]), zeros([12, 5, 5, 32])];
  const [, argmax1] = maxPool2d(conv1, { kernelSize: 2 });
  print(refusal(() => maxUnpool2d(conv3, argmax1)));
  print(`\n${source.derived}`);
}
