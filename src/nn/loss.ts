/** Losses as modules. Not here: the operations (autograd/ops/loss.ts). */
import { knownOptions } from '../arguments.js';
import { checkTensor } from '../autograd/graph.js';
import {
  type BceWithLogitsOptions,
  bceWithLogits,
  bceWithLogitsOptions,
  type CrossEntropyOptions,
  checkIgnoreIndex,
  crossEntropy,
  crossEntropyOptions,
  ignoredByDefault,
  type LossOptions,
  l1,
  lossOptions,
  mse,
  type Reduction,
} from '../autograd/ops/loss.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { Module } from './module.js';

/** The common base of losses. It checks the reduction in the constructor. */
abstract class Loss extends Module {
  readonly reduction: Reduction;

  constructor(op: string, options: LossOptions) {
    super();
    knownOptions(op, options, lossOptions);
    const { reduction = 'mean' } = options;
    if (!['mean', 'sum', 'none'].includes(reduction))
      throw new ValueError(op, "reduction must be 'mean', 'sum' or 'none'", `reduction=${reduction}`);
    this.reduction = reduction;
  }
  abstract override forward(prediction: Tensor, target: Tensor): Tensor;
  override describe(): string {
    return this.reduction === 'mean' ? '' : `reduction=${this.reduction}`;
  }
}

/**
 * Sigmoid cross entropy with logits, stable for any logit. A posWeight tensor is a buffer: it is
 * saved, and to() moves it.
 * @shape logits [any], target, as logits → scalar, or as logits with reduction 'none'
 * @gradient logits: g·(sigmoid(x) − z)
 * @throws ShapeError when shapes differ; ValueError for a posWeight that is not positive or an
 * unknown reduction
 * @source torch.nn.BCEWithLogitsLoss
 */
export class BCEWithLogitsLoss extends Loss {
  static override readonly title: string = 'BCEWithLogitsLoss';
  readonly posWeight: number | Tensor;

  constructor(options: BceWithLogitsOptions = {}) {
    const op = 'BCEWithLogitsLoss';
    knownOptions(op, options, bceWithLogitsOptions);
    const { posWeight = 1, ...rest } = options;
    super(op, rest);
    if (typeof posWeight !== 'number') checkTensor(op, 'posWeight', posWeight);
    if (typeof posWeight === 'number' && !(posWeight > 0 && posWeight < Infinity))
      throw new ValueError(op, 'posWeight must be positive and finite', `posWeight=${posWeight}`);
    this.posWeight = typeof posWeight === 'number' ? posWeight : posWeight.keep();
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    return bceWithLogits(logits, target, { posWeight: this.posWeight, reduction: this.reduction });
  }
}

/**
 * Squared error.
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient 2·g·(p − t)
 * @throws ShapeError when shapes differ
 * @source torch.nn.MSELoss
 */
export class MSELoss extends Loss {
  static override readonly title: string = 'MSELoss';

  constructor(options: LossOptions = {}) {
    super('MSELoss', options);
  }
  forward(prediction: Tensor, target: Tensor): Tensor {
    return mse(prediction, target, { reduction: this.reduction });
  }
}

/**
 * Absolute error.
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient g·sign(p − t)
 * @throws ShapeError when shapes differ
 * @source torch.nn.L1Loss
 */
export class L1Loss extends Loss {
  static override readonly title: string = 'L1Loss';

  constructor(options: LossOptions = {}) {
    super('L1Loss', options);
  }
  forward(prediction: Tensor, target: Tensor): Tensor {
    return l1(prediction, target, { reduction: this.reduction });
  }
}

/**
 * Softmax cross entropy. Classes are on the last axis.
 * @shape logits […,C], target […] int32 classes, or […,C] probabilities → scalar, or […]
 * @units target: class numbers in [0, C) or ignoreIndex, or probabilities
 * @gradient g·(softmax(x) − target), 0 for ignored rows
 * @throws ShapeError when shapes do not fit; ValueError for a class number out of range, an unknown
 * reduction, or an ignoreIndex that is not whole or is given with probabilities
 * @source torch.nn.CrossEntropyLoss
 */
export class CrossEntropyLoss extends Loss {
  static override readonly title: string = 'CrossEntropyLoss';
  readonly ignoreIndex: number;

  constructor(options: CrossEntropyOptions = {}) {
    const op = 'CrossEntropyLoss';
    knownOptions(op, options, crossEntropyOptions);
    const { ignoreIndex = ignoredByDefault, ...rest } = options;
    super(op, rest);
    checkIgnoreIndex(op, ignoreIndex);
    this.ignoreIndex = ignoreIndex;
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    return crossEntropy(logits, target, { reduction: this.reduction, ignoreIndex: this.ignoreIndex });
  }
  override describe(): string {
    const ignored = this.ignoreIndex === ignoredByDefault ? [] : [`ignoreIndex=${this.ignoreIndex}`];
    return [super.describe(), ...ignored].filter((part) => part !== '').join(', ');
  }
}
