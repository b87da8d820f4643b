/** The published script's data and weights, from numpy's legacy generator: no file is needed. */
import { RandomState } from '../tensor/random.js';
import { sizeOf } from '../tensor/shape.js';

export interface CednData {
  /** Images of −1 and 1, [12,20,20,3]. */
  readonly x: Float32Array<ArrayBuffer>;
  readonly xShape: readonly number[];
  /** Masks of 0 and 1, [12,20,20,1]. */
  readonly y: Float32Array<ArrayBuffer>;
  readonly yShape: readonly number[];
}

/**
 * The twelve random images and masks: `seed(123)`, `rand`, then `where`.
 * @shape x [12,20,20,3], y [12,20,20,1]
 */
export function cednData(): CednData {
  const random = new RandomState(123);
  const xShape = [12, 20, 20, 3];
  const yShape = [12, 20, 20, 1];
  const x = Float32Array.from(random.rand(sizeOf(xShape)), (u) => (u > 0.5 ? 1 : -1));
  const y = Float32Array.from(random.rand(sizeOf(yShape)), (u) => (u > 0.5 ? 1 : 0));
  return { x, xShape, y, yShape };
}

const layers: readonly (readonly [string, readonly number[], number])[] = [
  ['conv1', [3, 3, 3, 16], 16],
  ['conv2', [3, 3, 16, 32], 32],
  ['conv3', [3, 3, 32, 32], 32],
  ['deconv2', [3, 3, 16, 32], 16],
  ['deconv1', [3, 3, 1, 16], 1],
];

/**
 * N(0, 1) weights by name: every weight, then every bias, in the network's order.
 * @shape conv weights HWIO, deconv weights HWOI
 */
export function cednWeights(seed = 42): Record<string, { data: Float64Array<ArrayBuffer>; shape: readonly number[] }> {
  const random = new RandomState(seed);
  const named = [...layers.map(([name, shape]) => [`${name}.weight`, shape] as const), ...layers.map(([name, , n]) => [`${name}.bias`, [n]] as const)];
  return Object.fromEntries(named.map(([name, shape]) => [name, { data: random.randn(sizeOf(shape)), shape }]));
}
