/**
 * What update rules composed of tensor ops have in common: weight decay, running means, and the
 * check of betas. Not here: the rules themselves (one file per optimizer).
 */
import { shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkFraction, type Entry, type ParamState, slot } from './optimizer.js';

/** Checks the decays of two running means. */
export function checkBetas(op: string, betas: readonly [number, number]): void {
  if (!Array.isArray(betas) || betas.length !== 2)
    throw new ValueError(op, 'betas must be [beta1, beta2]', `betas=${shown(betas)}`);
  checkFraction(op, { beta1: betas[0], beta2: betas[1] });
}

/** The gradient plus weightDecay times the parameter. */
export const decayed = ({ parameter, grad }: Entry, weightDecay: number): Tensor =>
  weightDecay === 0 ? grad : grad.add(parameter.mul(weightDecay));

/**
 * The gradient of a step with weight decay. If the decay is decoupled, the parameter shrinks by lr
 * times weightDecay at once, and the gradient stays as it is.
 */
export function afterDecay(
  entry: Entry,
  { lr, weightDecay, decoupledWeightDecay }: { lr: number; weightDecay: number; decoupledWeightDecay: boolean },
): Tensor {
  if (!decoupledWeightDecay) return decayed(entry, weightDecay);
  if (weightDecay !== 0) entry.parameter.assign(entry.parameter.mul(1 - lr * weightDecay));
  return entry.grad;
}

/** Updates a running mean in the state, mean = decay·mean + (1 − decay)·now, and returns it. */
export function runningMean(state: ParamState, name: string, now: Tensor, decay: number): Tensor {
  const mean = slot(state, name, now);
  return mean.assign(mean.mul(decay).add(now.mul(1 - decay)));
}
