/**
 * Creation of layers' parameters. Not here: the Parameter class (tensor/), the distributions
 * (init.ts).
 */
import { leaf, ones, zeros } from '../tensor/create.js';
import { Parameter, type Tensor } from '../tensor/tensor.js';
import { globalRandom } from '../values/random.js';
import { type Shape, sizeOf } from '../values/shape.js';
import { drawn } from './drawn.js';
import { gain } from './init.js';

/** A parameter that takes over the storage of `source`, which is released. */
export function owned(source: Tensor): Parameter {
  const parameter = new Parameter(source);
  source.release();
  return parameter;
}

export const zeroParameter = (shape: Shape): Parameter => owned(zeros(shape));
export const oneParameter = (shape: Shape): Parameter => owned(ones(shape));

/** A parameter drawn from U(±bound). */
function uniformParameter(shape: Shape, bound: number): Parameter {
  const random = globalRandom();
  const values = drawn(sizeOf(shape), 'float32', (count) => random.uniform(-bound, bound, count));
  return owned(leaf(values, [...shape], 'float32'));
}

/**
 * A layer's weight and bias, drawn as in PyTorch, weight first. Both are drawn from U(±1/√fanIn),
 * with the fan-in computed from the weight's shape in layout HWIO.
 */
export function drawParameters(
  weightShape: Shape,
  biasSize: number | null,
): { weight: Parameter; bias: Parameter | null } {
  const fanIn = sizeOf(weightShape.slice(0, -1));
  // As PyTorch computes it: the bound of a uniform He initialisation with the slope √5.
  const bound = Math.sqrt(3) * (gain('leakyRelu', Math.sqrt(5)) / Math.sqrt(fanIn));
  const weight = uniformParameter(weightShape, bound);
  return { weight, bias: biasSize === null ? null : uniformParameter([biasSize], 1 / Math.sqrt(fanIn)) };
}
