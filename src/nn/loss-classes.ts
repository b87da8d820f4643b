/** Losses by class, as modules. Not here: the operations (autograd/ops/loss-classes.ts). */
import { knownOptions } from '../arguments.js';
import {
  type CrossEntropyOptions,
  checkClassWeight,
  checkIgnoreIndex,
  checkSmoothing,
  crossEntropy,
  crossEntropyOptions,
  ignoredByDefault,
  type NllOptions,
  nll,
  nllOptions,
} from '../autograd/ops/loss-classes.js';
import type { Tensor } from '../tensor/tensor.js';
import { heldWeight, Loss } from './loss.js';

/**
 * Softmax cross entropy. Classes are on the last axis. A weight is a buffer: it is saved, and to()
 * moves it.
 * @shape logits […,C], target […] int32 classes, or […,C] probabilities, weight [C] → scalar, or
 * […]
 * @units target: class numbers in [0, C) or ignoreIndex, or probabilities
 * @gradient g·(softmax(x) − target), 0 for ignored rows
 * @throws ShapeError when shapes do not fit; ValueError for a class number out of range, an unknown
 * reduction, an ignoreIndex that is not whole or is given with probabilities, or a labelSmoothing
 * outside [0, 1]
 * @source torch.nn.CrossEntropyLoss
 */
export class CrossEntropyLoss extends Loss {
  static override readonly title: string = 'CrossEntropyLoss';
  readonly weight: Tensor | null;
  readonly ignoreIndex: number;
  readonly labelSmoothing: number;

  constructor(options: CrossEntropyOptions = {}) {
    const op = 'CrossEntropyLoss';
    knownOptions(op, options, crossEntropyOptions);
    const { weight, ignoreIndex = ignoredByDefault, labelSmoothing = 0, ...rest } = options;
    super(op, rest);
    checkIgnoreIndex(op, ignoreIndex);
    checkSmoothing(op, labelSmoothing);
    if (weight != null) checkClassWeight(op, weight);
    this.weight = heldWeight(op, weight);
    this.ignoreIndex = ignoreIndex;
    this.labelSmoothing = labelSmoothing;
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, labelSmoothing, reduction } = this;
    return crossEntropy(logits, target, { weight, ignoreIndex, labelSmoothing, reduction });
  }
  protected override settings(): Readonly<Record<string, unknown>> {
    const { ignoreIndex, labelSmoothing } = this;
    return {
      ignoreIndex: ignoreIndex === ignoredByDefault ? undefined : ignoreIndex,
      labelSmoothing: labelSmoothing === 0 ? undefined : labelSmoothing,
    };
  }
}

/**
 * Negative log likelihood of log probabilities, such as logSoftmax's. Classes are on the last axis.
 * A weight is a buffer.
 * @shape logProbabilities […,C], target […] int32 classes, weight [C] → scalar, or […]
 * @units target: class numbers in [0, C) or ignoreIndex
 * @gradient −g at the row's class, else 0
 * @throws ShapeError when shapes do not fit; ValueError for a class number out of range, an unknown
 * reduction, or an ignoreIndex that is not whole
 * @source torch.nn.NLLLoss
 */
export class NLLLoss extends Loss {
  static override readonly title: string = 'NLLLoss';
  readonly weight: Tensor | null;
  readonly ignoreIndex: number;

  constructor(options: NllOptions = {}) {
    const op = 'NLLLoss';
    knownOptions(op, options, nllOptions);
    const { weight, ignoreIndex = ignoredByDefault, ...rest } = options;
    super(op, rest);
    checkIgnoreIndex(op, ignoreIndex);
    if (weight != null) checkClassWeight(op, weight);
    this.weight = heldWeight(op, weight);
    this.ignoreIndex = ignoreIndex;
  }
  forward(logProbabilities: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nll(logProbabilities, target, { weight, ignoreIndex, reduction });
  }
  protected override settings(): Readonly<Record<string, unknown>> {
    return { ignoreIndex: this.ignoreIndex === ignoredByDefault ? undefined : this.ignoreIndex };
  }
}
