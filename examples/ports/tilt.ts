/**
 * Odd sizes tilt the picture.
 *
 * Posted: Panaetius' report in github.com/tensorflow/tensorflow/issues/2169 and /10216 (May 2017),
 * whose script prints `200, 300, 201, 299` for an input of 301 by 201. Other sources are a unit
 * test of a SegNet in TensorFlow with given sizes, the older documentation of torch.nn.MaxUnpool2d,
 * and github.com/pytorch/pytorch/issues/36710.
 * Wrong there: argmax counts in rows of the input's width, but the posted `unpool` reads it in rows
 * of twice the pooled picture's width, so each row moves a little. TensorFlow documents the count
 * as a bug that stays, although the width of reading was wrong. PyTorch printed the tilt as its
 * documented example.
 * Here: indices carry the size of the pool's input. A larger outputSize pads, and an impossible
 * size is refused.
 */
import { manualSeed, maxPool2d, maxUnpool2d, poolIndices, randn, tensor, unpooling } from 'cedargrad';
import { flat, type Print, picture, refusal, source } from './print.js';

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
const largest = (numbers: ArrayLike<number>, of: (index: number) => number): number =>
  Array.from(numbers, of).reduce((a, b) => Math.max(a, b));

export function port(print: Print): void {
  print('#10216: the largest x and y, read with the width 201 and with 202');
  manualSeed(0);
  const argmax = maxPool2d(randn([1, 301, 201, 1]), { kernelSize: 2, padding: 'same' })[1]
    .to('tf')
    .dataSync();
  const seen = [201, 202].flatMap((width) => [
    largest(argmax, (i) => i % width),
    largest(argmax, (i) => Math.floor(i / width)),
  ]);
  print(seen.join(', '));

  print('\n1 to 9, 3 by 3');
  const [values, indices] = maxPool2d(tensor(count(9), { shape: [1, 3, 3, 1] }), { kernelSize: 2, padding: 'same' });
  print(`pooled ${picture(values)}, argmax ${picture(indices)} *`);
  print(`read with the posted width 4: ${picture(unpooling(values, [1, 4, 4, 1], indices.to('tf').dataSync()))} *`);
  print(`by indices that know it is 3: ${picture(maxUnpool2d(values, indices))}`);
  print(refusal(() => unpooling(values, [1, 4, 4, 1], indices)));

  print('\nSegNet, [1, 3, 3, 2]');
  const [out, mask] = maxPool2d(tensor(count(18), { shape: [1, 3, 3, 2] }), { kernelSize: 2, padding: 'same' });
  print(`out ${flat(out)}`);
  print(`argmax ${flat(mask.to('tf'))}`);
  const unpooled = maxUnpool2d(out, mask);
  print(`unpooled ${picture(unpooled)}`);
  print(`         ${picture(unpooled, 0, 1)}`);

  print('\ntorch.nn.MaxUnpool2d with output_size 5 by 5, 1 to 16');
  const [output, where] = maxPool2d(tensor(count(16), { shape: [1, 4, 4, 1] }), { kernelSize: 2 });
  print(`as once documented: ${picture(unpooling(output, [1, 5, 5, 1], where.dataSync(), { convention: 'torch' }))}`);
  print(`here:               ${picture(maxUnpool2d(output, where, { outputSize: [5, 5] }))}`);

  print('\npytorch#36710');
  const given = tensor([5, 6, 7, 8], { shape: [1, 2, 2, 1] });
  const raw = new Int32Array([0, 2, 8, 10]);
  print(`reported: ${picture(unpooling(given, [1, 5, 5, 1], raw, { convention: 'torch' }))}`);
  const known = poolIndices(raw, { shape: given.shape, convention: 'torch', inputShape: [1, 4, 4, 1] });
  print(`expected: ${picture(maxUnpool2d(given, known, { outputSize: [5, 5] }))} *`);
  print(refusal(() => maxUnpool2d(given, raw, { kernelSize: 2, outputSize: [5, 5] })));
  print(`\n${source.mixed}`);
}
