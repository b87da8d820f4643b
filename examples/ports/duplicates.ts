/**
 * Indices that repeat, as where windows overlap.
 *
 * Posted: "scatter_nd has duplication problem" (teramototoya in
 * github.com/tensorflow/tensorflow/issues/2169, September 2017), which is
 * github.com/tensorflow/tensorflow/issues/8102. github.com/teramototoya/Unpooling-layer has a
 * remedy: the mask of the cells that got any value, times the enlarged pooled picture. The third
 * source is the example of the cvnn library, whose author notes "Still has a bug, if argmax has
 * coincident indexes".
 * Wrong there: scatter_nd sums, so a maximum of two windows is doubled. scatter_nd_update keeps the
 * last value. The remedy needs pool_size = strides.
 * Here: the policy has a name, gives the same result on every device, and has its true gradient.
 */
import {
  type Duplicates,
  maxPool2d,
  maxPool2dWithArgmaxAndMask,
  maxUnpool2d,
  poolIndices,
  tensor,
  unpoolByMask,
} from 'cedargrad';
import { flat, type Print, picture, refusal, source } from './print.js';

const policies = ['add', 'last', 'first', 'max', 'mean'] as const satisfies readonly Duplicates[];

export function port(print: Print): void {
  print('#8102: updates 9, 10, 11, 12 at 4, 3, 1, 1 of 8, upstream gradient 1 to 8');
  const [shape, inputShape] = [
    [1, 1, 4, 1],
    [1, 1, 8, 1],
  ];
  const indices = poolIndices([4, 3, 1, 1], { shape, convention: 'tf', inputShape });
  const upstream = tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: inputShape });
  for (const duplicates of policies) {
    const updates = tensor([9, 10, 11, 12], { shape, requiresGrad: true });
    const y = maxUnpool2d(updates, indices, { duplicates });
    y.backward(upstream);
    const posted = duplicates === 'add';
    print(
      `${duplicates.padEnd(4)} [${[...y.dataSync()].join(', ')}]${posted ? '' : ' *'}, gradient ${flat(updates.grad!)}${posted ? ' *' : ''}`,
    );
  }
  print(refusal(() => maxUnpool2d(tensor([9, 10, 11, 12], { shape }), indices, { duplicates: 'error' })));

  print('\ncvnn: the real part of its example, windows of 2 by 2 at every pixel *');
  const image = [0, 1, 2, 0, 2, 2, 0, 5, 7, 0, 7, 5, 3, 7, 9, 4, 5, 3];
  const [pooled, argmax, mask] = maxPool2dWithArgmaxAndMask(tensor(image, { shape: [2, 3, 3, 1] }), {
    kernelSize: 2,
    stride: 1,
  });
  for (const duplicates of ['add', 'max'] as const) {
    const y = maxUnpool2d(pooled, argmax, { duplicates });
    print(`${duplicates} ${picture(y)}  and  ${picture(y, 1)}`);
  }
  print(`how often a maximum ${picture(mask)}  and  ${picture(mask, 1)}`);

  // The mask times the enlarged pooled picture. This is unpooling by the mask alone, exact where
  // windows do not overlap.
  print("\nUnpooling-layer's cure: 1 to 16, 4 by 4 *");
  const x = tensor(
    Array.from({ length: 16 }, (_, i) => i + 1),
    { shape: [1, 4, 4, 1] },
  );
  const [maxima, where, switches] = maxPool2dWithArgmaxAndMask(x, { kernelSize: 2 });
  print(`switches times blown up ${picture(unpoolByMask(maxima, switches, { kernelSize: 2 }))}`);
  print(`by indices              ${picture(maxUnpool2d(maxima, where))}`);
  const overlapping = maxPool2d(x, { kernelSize: 3, stride: 1 });
  const counted = maxPool2dWithArgmaxAndMask(x, { kernelSize: 3, stride: 1 })[2];
  print(
    `windows of 3 at every pixel: by mask ${picture(unpoolByMask(overlapping[0], counted, { kernelSize: 3, stride: 1 }))}`,
  );
  print(`by indices, max                      ${picture(maxUnpool2d(...overlapping, { duplicates: 'max' }))}`);
  print(`\n${source.mixed}`);
}
