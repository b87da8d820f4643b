/** Dropout: a mask from the host's generator, so that one seed gives the same bits on every device. */
import { ValueError } from '../../errors.js';
import { checkFloat } from '../../tensor/dtype.js';
import { checkGenerator, type RandomGenerator } from '../../tensor/generator.js';
import { globalRandom, Mask } from '../../tensor/random.js';
import type { Tensor } from '../../tensor/tensor.js';
import { endWith } from '../graph.js';

export interface DropoutOptions {
  /** Probability to drop, in [0, 1). Default 0.5. */
  rate?: number;
  /** Off: the identity. Default true. */
  training?: boolean;
  /** Source of the mask; manualSeed's generator by default. */
  random?: RandomGenerator;
}

/**
 * Sets elements to 0 with probability `rate` and scales the others by 1/(1 − rate): keeps where u ≥ rate for u uniform in [0, 1).
 * @shape x [any] → y, as x
 * @gradient g where kept, scaled alike
 * @throws ValueError for a rate outside [0, 1), a dtype that is not float, or a random that is no generator
 * @source Srivastava et al. 2014; torch.nn.functional.dropout
 */
export function dropout(
  x: Tensor,
  { rate = 0.5, training = true, random = globalRandom() }: DropoutOptions = {},
): Tensor {
  checkFloat('dropout', x.dtype);
  checkRate('dropout', rate);
  checkGenerator('dropout', random);
  if (!training || rate === 0) return x;
  const scale = 1 / (1 - rate);
  const kept = x.upload(new Mask(random, x.size, rate, scale), x.dtype, x.shape);
  return endWith(x.mul(kept), kept);
}

/** A dropout rate must leave something. */
export function checkRate(op: string, rate: number): void {
  if (!(rate >= 0 && rate < 1))
    throw new ValueError(op, 'rate must be in [0, 1)', `rate=${rate}`, 'it is the probability to drop, not to keep');
}
