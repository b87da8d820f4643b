/** Making the parameters of layers. Not here: the Parameter class (tensor/), the distributions (init.ts). */
import { ones, zeros } from '../tensor/create.js';
import type { Shape } from '../tensor/shape.js';
import { Parameter, type Tensor } from '../tensor/tensor.js';
import { fans, kaimingUniform, uniform } from './init.js';

/** A parameter of given values, which it takes over. */
export function owned(source: Tensor): Parameter {
  const parameter = new Parameter(source);
  source.release();
  return parameter;
}

export const zeroParameter = (shape: Shape): Parameter => owned(zeros(shape));
export const oneParameter = (shape: Shape): Parameter => owned(ones(shape));

/** A layer's weight and bias as PyTorch draws them, weight first: both U(±1/√fanIn), the fan in read from the weight's last axis but one. */
export function drawParameters(
  weightShape: Shape,
  biasSize: number | null,
): { weight: Parameter; bias: Parameter | null } {
  // The slope √5 is PyTorch's way of writing 1/√fanIn.
  const weight = kaimingUniform(zeroParameter(weightShape), { a: Math.sqrt(5) });
  if (biasSize === null) return { weight, bias: null };
  const bound = 1 / Math.sqrt(fans(weight).fanIn);
  return { weight, bias: uniform(zeroParameter([biasSize]), -bound, bound) };
}
