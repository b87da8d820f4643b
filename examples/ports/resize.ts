/**
 * Upsampling that needs no pool: repetition, interpolation, moving channels into space, transposed
 * convolution.
 *
 * Posted in place of unpooling, in github.com/tensorflow/tensorflow/issues/2169: `avg_unpool2d(x,
 * factor)` (jkyl, February 2019, by batch_to_space_nd) and `max_unpool_2x2(x, shape)` by
 * resize_nearest_neighbor. Elsewhere: tf.nn.depth_to_space, whose documentation prints its numbers,
 * a transposed convolution (datascience.stackexchange.com/questions/20176), and tensorpack's
 * BilinearUpSample, a transposed convolution with Caffe's bilinear weights.
 * Wrong there: avg_unpool2d copies without dividing, so it is not average pooling's gradient but
 * factor² times it. resize_nearest_neighbor and resize_bilinear of TensorFlow 1 align the top left
 * corners unless align_corners is set, so pictures shift.
 * Here: each is one call, differentiable twice, on every device. The three rules for corners have
 * names.
 */
import {
  avgPool2d,
  conv2dTranspose,
  grad,
  ones,
  pixelShuffle,
  RandomState,
  resize2d,
  type Tensor,
  tensor,
  upsample2d,
} from 'cedargrad';
import { flat, numpy, type Print, picture, same, source } from './print.js';

const count = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1);

export function port(print: Print): void {
  const x = tensor(count(4), { shape: [1, 2, 2, 1], requiresGrad: true });

  print('avg_unpool2d(x, 2) *');
  const copied = upsample2d(x, { scale: 2 });
  print(picture(copied));
  const image = tensor(new RandomState(0).rand(32), { shape: [2, 4, 4, 1], requiresGrad: true });
  const pooled = avgPool2d(image, { kernelSize: 2 });
  const adjoint = grad(pooled, [image], { gradOutput: pooled.detach() })[0];
  print(`is 4 times average pooling's gradient: ${same(adjoint.mul(4), upsample2d(pooled, { scale: 2 }))}`);
  print(
    `max_unpool_2x2(x, shape) is the same: ${same(resize2d(x, { scale: 2, method: 'nearest', halfPixelCenters: false }), copied)}`,
  );

  print('\ntf.nn.depth_to_space: [1, 1, 1, 4], [1, 1, 1, 12], [1, 2, 2, 4], blocks of 2');
  const shuffled = [
    [1, 1, 1, 4],
    [1, 1, 1, 12],
    [1, 2, 2, 4],
  ].map((shape) => pixelShuffle(tensor(count(shape.reduce((a, b) => a * b)), { shape }), 2, { order: 'tf' }));
  print(`${numpy(shuffled[0].cast('int32'))}\n${numpy(shuffled[1].cast('int32'))}\n${picture(shuffled[2])}`);

  print('\ntf.nn.conv2d_transpose: ones of 3 by 3, stride 2, SAME, to 4 by 4');
  print(picture(conv2dTranspose(x, ones([3, 3, 1, 1]), { stride: 2, padding: 'same', outputSize: [4, 4] })));

  print('\ntf.image.resize to 4 by 4, the first row *');
  const corners = {
    'TensorFlow 1, by default': { halfPixelCenters: false },
    align_corners: { alignCorners: true },
    'half_pixel_centers, TensorFlow 2': {},
  };
  for (const [name, rule] of Object.entries(corners))
    print(`${name}: ${picture(resize2d(x, { size: [4, 4], ...rule }).slice([], [0, 1]))}`);
  print('by the nearest, a row of 3 to 5 *');
  const row = tensor([1, 2, 3], { shape: [1, 1, 3, 1] });
  for (const [name, rule] of Object.entries(corners))
    print(`${name}: ${flat(resize2d(row, { size: [1, 5], method: 'nearest', ...rule }))}`);

  // Caffe's filler for a factor of 2 has the weights 1/4, 3/4, 3/4, 1/4 in both directions. Away
  // from the border this is resizing with the centres of pixels at halves.
  print('\nBilinearUpSample(x, 2), 12 by 12 *');
  const side = [0.25, 0.75, 0.75, 0.25];
  const filler = tensor(
    side.flatMap((a) => side.map((b) => a * b)),
    { shape: [4, 4, 1, 1], dtype: 'float64' },
  );
  const square = tensor(new RandomState(0).rand(144), { shape: [1, 12, 12, 1], dtype: 'float64' });
  const inside = (y: Tensor) => y.slice([], [1, 23], [1, 23]);
  const up = inside(conv2dTranspose(square, filler, { stride: 2, padding: 'same', outputSize: [24, 24] }));
  const far = up
    .sub(inside(resize2d(square, { scale: 2 })))
    .abs()
    .max()
    .itemSync();
  print(`weights ${flat(filler.slice([0, 2]))} …`);
  print(`as resize2d to 1e-12, border apart: ${far < 1e-12}`);
  print(`\n${source.mixed}`);
}
