/**
 * Creation of layers' parameters. Not here: the Parameter class (tensor/), the distributions
 * (init.ts).
 */
import { ones, zeros } from '../tensor/create.js';
import { Parameter, type Tensor } from '../tensor/tensor.js';
import type { Shape } from '../values/shape.js';
import { fans, kaimingUniform, uniform } from './init.js';

/** A parameter that takes over the storage of `source`, which is released. */
export function owned(source: Tensor): Parameter {
  const parameter = new Parameter(source);
  source.release();
  return parameter;
}

export const zeroParameter = (shape: Shape): Parameter => owned(zeros(shape));
export const oneParameter = (shape: Shape): Parameter => owned(ones(shape));

/**
 * A layer's weight and bias, drawn as in PyTorch, weight first. Both are drawn from U(±1/√fanIn),
 * with the fan-in computed from the weight's shape in layout HWIO.
 */
export function drawParameters(
  weightShape: Shape,
  biasSize: number | null,
): { weight: Parameter; bias: Parameter | null } {
  // With the slope a = √5, as in PyTorch, the bound of kaimingUniform is 1/√fanIn.
  const weight = kaimingUniform(zeroParameter(weightShape), { a: Math.sqrt(5) });
  if (biasSize === null) return { weight, bias: null };
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  return { weight, bias: uniform(zeroParameter([biasSize]), -bound, bound) };
}
