/**
 * The random pictures and initial weights of the convolutional encoder-decoder that tests compare
 * with other libraries.
 */
import { checkSeed } from '../values/generator.js';
import { RandomState } from '../values/random.js';
import { type Shape, sizeOf } from '../values/shape.js';

const batchSize = 12;
const imageSize = 20;

/** One parameter of the network, before it becomes a tensor. */
export interface NamedWeight {
  readonly name: string;
  readonly shape: Shape;
  /** @shape [n], n = product of shape */
  readonly data: Float64Array<ArrayBuffer>;
}

/**
 * Twelve pictures of random −1 and 1, and for each a random mask of 0 and 1 that the network
 * memorises.
 * @shape x [12,20,20,3], y [12,20,20,1], both flat
 * @source numpy: np.random.seed(123); x = where(rand(12,20,20,3) > 0.5, 1, -1); y =
 * where(rand(12,20,20,1) > 0.5, 1, 0)
 */
export function cednData(): {
  x: Float32Array<ArrayBuffer>;
  y: Float32Array<ArrayBuffer>;
  xShape: Shape;
  yShape: Shape;
} {
  const random = new RandomState(123);
  const xShape = [batchSize, imageSize, imageSize, 3];
  const yShape = [batchSize, imageSize, imageSize, 1];
  const x = Float32Array.from(random.rand(sizeOf(xShape)), (v) => (v > 0.5 ? 1 : -1));
  const y = Float32Array.from(random.rand(sizeOf(yShape)), (v) => (v > 0.5 ? 1 : 0));
  return { x, y, xShape, yShape };
}

/**
 * Kernels [height, width, in, out] of convolutions and [height, width, out, in] of transposed ones;
 * biases.
 */
const shapes: readonly (readonly [string, Shape])[] = [
  ['conv1.weight', [3, 3, 3, 16]],
  ['conv2.weight', [3, 3, 16, 32]],
  ['conv3.weight', [3, 3, 32, 32]],
  ['deconv2.weight', [3, 3, 16, 32]],
  ['deconv1.weight', [3, 3, 1, 16]],
  ['conv1.bias', [16]],
  ['conv2.bias', [32]],
  ['conv3.bias', [32]],
  ['deconv2.bias', [16]],
  ['deconv1.bias', [1]],
];

/**
 * The network's initial weights, then its biases, standard normal, in the order in which they are
 * drawn.
 * @throws ValueError when the seed is not a whole number in [0, 2³² − 1]
 * @source numpy: np.random.RandomState(seed).randn(*shape) for each
 */
export function cednWeights(seed = 42): NamedWeight[] {
  checkSeed('cednWeights', seed);
  const random = new RandomState(seed);
  return shapes.map(([name, shape]) => ({ name, shape, data: random.randn(sizeOf(shape)) }));
}
