/**
 * PyTorch's and ONNX's documented examples.
 *
 * Posted: the docstrings of torch.nn.MaxUnpool2d and MaxUnpool1d,
 * github.com/pytorch/pytorch/issues/68589, ONNX's tests of the operator MaxUnpool, and the windows
 * of 2 by 2 at every pixel of cccxm's MaxUnpool2d.py.
 * Wrong there: PyTorch needs output_size where sizes do not divide, and without it fails or drops
 * columns. ONNX counts indices in the size that follows from the kernel, and puts the result into
 * output_shape. So reading them in output_shape tilts the picture (tilt.ts).
 * Here: indices know their size. ONNX's are read as 'onnx' in the size in which they count, and
 * outputSize pads.
 */
import { maxPool2d, maxUnpool2d, type PoolIndices, poolIndices, type Tensor, tensor } from 'cedargrad';
import { flat, type Print, picture, refusal, source } from './print.js';

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);
/** As PyTorch prints it, channels first. */
const torch = (y: Tensor): string => String(y.permute([0, 3, 1, 2]));

export function port(print: Print): void {
  print('torch.nn.MaxUnpool2d');
  const unpool = (height: number, width: number): [Tensor, PoolIndices] =>
    maxPool2d(tensor(count(height * width), { shape: [1, height, width, 1] }), { kernelSize: 2, stride: 2 });
  print(torch(maxUnpool2d(...unpool(4, 4))));
  print(torch(maxUnpool2d(...unpool(4, 5))));
  const [output, indices] = unpool(4, 5);
  print(
    `"will not work without specifying output_size", nor with raw indices here:\n${refusal(() => maxUnpool2d(output, indices.dataSync(), { kernelSize: 2 }))}`,
  );
  print(torch(maxUnpool2d(output, indices.dataSync(), { kernelSize: 2, outputSize: [4, 5] })));

  print('\ntorch.nn.MaxUnpool1d: rows of 8, of 9, and of 9 without its size');
  const row = (width: number): [Tensor, PoolIndices] =>
    maxPool2d(tensor(count(width), { shape: [1, 1, width, 1] }), { kernelSize: [1, 2] });
  const [values, where] = row(9);
  print(flat(maxUnpool2d(...row(8))));
  print(flat(maxUnpool2d(values, where)));
  print(flat(maxUnpool2d(values, where.dataSync(), { kernelSize: [1, 2] })));

  print('\npytorch#68589: windows of 3, 10 by 10; RuntimeError there');
  const ten = maxPool2d(tensor(count(100), { shape: [1, 10, 10, 1] }), { kernelSize: 3 });
  print(`(${maxUnpool2d(...ten).shape.join(', ')}) *`);

  print('\ncccxm: windows of 2 by 2 at every pixel');
  const [maxima, at] = maxPool2d(tensor([1, 2, 3, 2, 3, 4, 3, 4, 5], { shape: [1, 3, 3, 1] }), {
    kernelSize: 2,
    stride: 1,
  });
  print(`pooled ${picture(maxima)}, at ${picture(at)}, unpooled ${picture(maxUnpool2d(maxima, at))}`);

  print('\nONNX MaxUnpool: without and with output_shape (1, 1, 5, 5)');
  const onnx = (data: number[]): PoolIndices =>
    poolIndices(data, { shape: [1, 2, 2, 1], convention: 'onnx', inputShape: [1, 4, 4, 1] });
  print(picture(maxUnpool2d(tensor([1, 2, 3, 4], { shape: [1, 2, 2, 1] }), onnx([5, 7, 13, 15]))));
  print(
    picture(maxUnpool2d(tensor([5, 6, 7, 8], { shape: [1, 2, 2, 1] }), onnx([5, 7, 13, 15]), { outputSize: [5, 5] })),
  );
  print(`\n${source.mixed}`);
}
