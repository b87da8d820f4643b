/**
 * TensorFlow Addons' layer MaxUnpooling2D, with the ten cases of its own tests.
 *
 * Posted: tensorflow_addons/layers/max_unpooling_2d.py, `MaxUnpooling2D(pool_size=(2, 2),
 * strides=(2, 2), padding="SAME")`, called with (updates, mask). It follows Panaetius' comment
 * (tilt.ts).
 * Wrong there, by its own documentation: indices that include the batch, sizes that strides do not
 * divide (for these, V2 of the layer takes an output_size), and repeated indices. Indices are not
 * checked.
 * Here: the names and sizes are the same, outputSize may be any size that pools to the input, and
 * indices are checked against their windows. Most raw indices of the tests lie outside their
 * windows, which `check: 'shape'` allows.
 */
import { maxPool2d, maxUnpool2d, type Pool2dOptions, type Shape, tensor } from 'cedargrad';
import { flat, type Print, picture, source } from './print.js';

const scattered = [
  [2, 23, 8, 9, 12, 15, 40, 43, 44, 47, 72, 75, 80, 79, 62, 65],
  [0, 1, 30, 7, 14, 35, 42, 21, 68, 69, 50, 51, 56, 5, 86, 63],
].flat();
const order = [1, 2, 4, 3, 8, 6, 7, 5, 9, 10, 12, 11, 13, 16, 15, 14];

type Layer = { strides: number | [number, number]; padding: 'SAME' | 'VALID' };
const given: readonly [name: string, shape: Shape, mask: number[], layer: Layer][] = [
  ['simple', [1, 1, 2, 1], [1, 6], { strides: 2, padding: 'SAME' }],
  ['simple, strides 2 by 1', [1, 2, 2, 2], [0, 3, 4, 7, 8, 11, 12, 15], { strides: [2, 1], padding: 'SAME' }],
  ['simple, strides 2 by 2', [1, 2, 4, 1], [0, 5, 10, 13, 19, 20, 27, 31], { strides: 2, padding: 'SAME' }],
  ['batch', [2, 2, 4, 2], scattered, { strides: [2, 3], padding: 'SAME' }],
  ['batch, valid', [2, 2, 4, 2], scattered, { strides: [2, 3], padding: 'VALID' }],
];

const pooled: readonly [name: string, shape: Shape, values: number[], pool: Pool2dOptions][] = [
  ['with pooling, simple', [1, 2, 4, 1], [1, 2, 3, 4, 5, 6, 7, 8], { kernelSize: 2, padding: 'same' }],
  ['with pooling', [1, 4, 4, 1], order, { kernelSize: 2, padding: 'same' }],
  ['with pooling, strides of 4', [1, 4, 4, 1], order, { kernelSize: 2, stride: 4, padding: 'same' }],
  ['with pooling, valid', [1, 4, 4, 1], order, { kernelSize: 2, padding: 'valid' }],
  [
    'with pooling, valid, 2 by 3',
    [1, 4, 5, 1],
    [...order, 20, 18, 17, 19],
    { kernelSize: [2, 3], stride: 2, padding: 'valid' },
  ],
];

export function port(print: Print): void {
  for (const [name, shape, mask, layer] of given) {
    const values = name === 'simple' ? [13, 4] : mask.map((_, i) => i + 1);
    const y = maxUnpool2d(tensor(values, { shape }), new Int32Array(mask), { poolSize: 2, check: 'shape', ...layer });
    print(`${name}: (${y.shape.join(', ')})\n${flat(y)}`);
  }
  for (const [name, shape, values, pool] of pooled) {
    const [updates, mask] = maxPool2d(tensor(values, { shape }), pool);
    print(`${name}: pooled ${flat(updates)} at ${flat(mask.to('tf'))}\n${picture(maxUnpool2d(updates, mask))}`);
  }
  print(`\n${source.posted}`);
}
