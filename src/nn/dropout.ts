/** The dropout layer. Not here: the operation (autograd/ops/dropout.ts). */
import { knownOptions } from '../arguments.js';
import { checkRate, dropout } from '../autograd/ops/dropout.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkGenerator, type RandomGenerator } from '../values/generator.js';
import { Module } from './module.js';

/**
 * During training, sets elements to 0 with probability `rate` and scales the others by 1/(1 −
 * rate). In eval mode it is the identity.
 * @shape x [any] → y, as x
 * @units rate: probability to drop, not to keep
 * @gradient g where kept, with the same scale; else 0
 * @throws ValueError for a rate outside [0, 1), or if `random` is not a generator
 * @source Srivastava et al. 2014; torch.nn.Dropout
 */
export class Dropout extends Module {
  static override readonly title: string = 'Dropout';
  readonly random: RandomGenerator | undefined;

  /** `random`: source of the masks; manualSeed's generator by default. */
  constructor(
    readonly rate = 0.5,
    options: { random?: RandomGenerator } = {},
  ) {
    super();
    checkRate('Dropout', rate);
    knownOptions('Dropout', options, { random: 'value' });
    const { random } = options;
    if (random !== undefined) checkGenerator('Dropout', random);
    this.random = random;
  }
  forward(x: Tensor): Tensor {
    return dropout(x, { rate: this.rate, training: this.training, random: this.random });
  }
  override describe(): string {
    return String(this.rate);
  }
}
