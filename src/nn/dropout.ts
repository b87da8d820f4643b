/** Dropout layers. Not here: the operations (autograd/ops/dropout.ts). */
import { knownOptions } from '../arguments.js';
import { checkRate, dropout, dropout2d } from '../autograd/ops/dropout.js';
import type { Tensor } from '../tensor/tensor.js';
import { checkGenerator, type RandomGenerator } from '../values/generator.js';
import { Module } from './module.js';

/** The common base of dropout layers. */
abstract class DropoutLayer extends Module {
  readonly random: RandomGenerator | undefined;

  constructor(
    op: string,
    readonly rate: number,
    options: { random?: RandomGenerator },
  ) {
    super();
    checkRate(op, rate);
    knownOptions(op, options, { random: 'value' });
    const { random } = options;
    if (random !== undefined) checkGenerator(op, random);
    this.random = random;
  }
  override describe(): string {
    return String(this.rate);
  }
}

/**
 * During training, sets elements to 0 with probability `rate` and scales the others by 1/(1 −
 * rate). In eval mode it is the identity.
 * @shape x [any] → y, as x
 * @units rate: probability to drop, not to keep
 * @gradient g where kept, with the same scale; else 0
 * @throws ValueError for a rate outside [0, 1), or if `random` is not a generator
 * @source Srivastava et al. 2014; torch.nn.Dropout
 */
export class Dropout extends DropoutLayer {
  static override readonly title: string = 'Dropout';

  /** `random`: source of the masks; manualSeed's generator by default. */
  constructor(rate = 0.5, options: { random?: RandomGenerator } = {}) {
    super('Dropout', rate, options);
  }
  forward(x: Tensor): Tensor {
    return dropout(x, { rate: this.rate, training: this.training, random: this.random });
  }
}

/**
 * During training, sets whole channels of each image to 0 with probability `rate` and scales the
 * others by 1/(1 − rate). In eval mode it is the identity.
 * @shape x [N,H,W,C] → y, as x
 * @units rate: probability to drop, not to keep
 * @gradient g where kept, with the same scale; else 0
 * @throws ValueError for a rate outside [0, 1), or if `random` is not a generator; ShapeError for
 * inputs of another rank
 * @source Tompson et al. 2015; torch.nn.Dropout2d
 */
export class Dropout2d extends DropoutLayer {
  static override readonly title: string = 'Dropout2d';

  /** `random`: source of the masks; manualSeed's generator by default. */
  constructor(rate = 0.5, options: { random?: RandomGenerator } = {}) {
    super('Dropout2d', rate, options);
  }
  forward(x: Tensor): Tensor {
    return dropout2d(x, { rate: this.rate, training: this.training, random: this.random });
  }
}
