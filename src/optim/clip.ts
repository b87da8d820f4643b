/** Gradient clipping. */
import { checkNumber, knownOptions } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { alias, checkTensors } from '../autograd/graph.js';
import { div } from '../autograd/ops/arithmetic.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * Scales all gradients by min(1, maxNorm/(norm + 1e-6)), where norm is the norm of all of them
 * together. Nothing is read from the device. The norm before scaling is returned as a tensor; it is
 * 0 if there is no gradient. A NaN in one gradient makes all of them NaN.
 * @shape params [any] → norm, scalar
 * @units maxNorm: of the gradients; normType: the order p, Infinity for the largest absolute value
 * @throws ValueError for no parameters, or numbers out of range
 * @source Pascanu et al. 2013; torch.nn.utils.clip_grad_norm_
 */
export function clipGradNorm(params: readonly Tensor[], maxNorm: number, options: { normType?: number } = {}): Tensor {
  const op = 'clipGradNorm';
  knownOptions(op, options, { normType: 'value' });
  checkTensors(op, 'params', params);
  const { normType = 2 } = options;
  checkNumber(op, 'maxNorm', maxNorm, (v) => v >= 0, 'a number and not negative');
  checkNumber(op, 'normType', normType, (v) => v > 0, 'a positive number, or Infinity');
  const [first] = params;
  if (first === undefined)
    throw new ValueError(op, 'there must be parameters', 'an empty list', 'pass model.parameters()');
  return noGrad(() => {
    const having = params.filter((p) => p.grad !== null);
    const grads = having.map((p) => p.grad as Tensor);
    if (grads.length === 0) return first.fullLike(0, []);
    const largest = (): Tensor => grads.map((g) => g.abs().max()).reduce((a, b) => a.maximum(b));
    const power = (g: Tensor): Tensor => (normType === 2 ? g.mul(g) : g.abs().pow(normType)).sum();
    const total = (): Tensor => grads.map(power).reduce((a, b) => a.add(b));
    const norm = normType === Infinity ? largest() : normType === 2 ? total().sqrt() : total().pow(1 / normType);
    const scale = div(maxNorm, norm.add(1e-6)).minimum(1);
    // Does not scale in place, because gradients of different parameters may share a storage (those
    // of a + b do) and would be scaled twice.
    for (const p of having) {
      const before = p.grad as Tensor;
      p.grad = alias(before.mul(scale).cast(before.dtype));
      if (before.node === null) before.release();
    }
    return norm;
  });
}

/**
 * Limits every element of every gradient to [−maxValue, maxValue]. Nothing is read from the device.
 * @shape params [any]
 * @units maxValue: of the gradients
 * @throws ValueError for no parameters, or a maxValue that is not positive
 * @source torch.nn.utils.clip_grad_value_
 */
export function clipGradValue(params: readonly Tensor[], maxValue: number): void {
  const op = 'clipGradValue';
  checkTensors(op, 'params', params);
  checkNumber(op, 'maxValue', maxValue, (v) => v > 0, 'a positive number');
  if (params.length === 0)
    throw new ValueError(op, 'there must be parameters', 'an empty list', 'pass model.parameters()');
  noGrad(() => {
    for (const p of params) {
      const before = p.grad;
      if (before === null) continue;
      // Not in place, as in clipGradNorm.
      p.grad = alias(before.clamp(-maxValue, maxValue));
      if (before.node === null) before.release();
    }
  });
}
