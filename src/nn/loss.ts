/**
 * Losses of elements, as modules. Not here: losses by class (loss-classes.ts), of masks
 * (loss-masks.ts) and of distributions (loss-divergence.ts), and the operations
 * (autograd/ops/loss.ts).
 */
import { knownOptions } from '../arguments.js';
import { checkTensor } from '../autograd/graph.js';
import {
  type BceOptions,
  type BceWithLogitsOptions,
  bce,
  bceOptions,
  bceWithLogits,
  bceWithLogitsOptions,
  checkBeta,
  checkDelta,
  checkPosWeight,
  type HuberOptions,
  huber,
  huberOptions,
  type LossOptions,
  l1,
  lossOptions,
  mse,
  type Reduction,
  type SmoothL1Options,
  smoothL1,
  smoothL1Options,
} from '../autograd/ops/loss.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import { attributes } from './check.js';
import { Module } from './module.js';

/** The common base of losses. It checks the reduction in the constructor. */
export abstract class Loss extends Module {
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
  /** The settings besides the reduction that toString() prints. */
  protected settings(): Readonly<Record<string, unknown>> {
    return {};
  }
  override describe(): string {
    return attributes({ reduction: this.reduction === 'mean' ? undefined : this.reduction, ...this.settings() });
  }
}

/** A weight that a loss holds as a buffer: it is saved, and to() moves it. */
export const heldWeight = (op: string, weight: Tensor | null | undefined): Tensor | null => {
  if (weight === null || weight === undefined) return null;
  checkTensor(op, 'weight', weight);
  return weight.keep();
};

/**
 * Sigmoid cross entropy with logits, stable for any logit. Tensors posWeight and weight are
 * buffers: they are saved, and to() moves them.
 * @shape logits [any], target, as logits → scalar, or as logits with reduction 'none'
 * @gradient logits: g·(sigmoid(x) − z)
 * @throws ShapeError when shapes differ or a weight does not broadcast; ValueError for a posWeight
 * that is not positive or an unknown reduction
 * @source torch.nn.BCEWithLogitsLoss
 */
export class BCEWithLogitsLoss extends Loss {
  static override readonly title: string = 'BCEWithLogitsLoss';
  readonly posWeight: number | Tensor;
  readonly weight: Tensor | null;

  constructor(options: BceWithLogitsOptions = {}) {
    const op = 'BCEWithLogitsLoss';
    knownOptions(op, options, bceWithLogitsOptions);
    const { posWeight = 1, weight, ...rest } = options;
    super(op, rest);
    checkPosWeight(op, posWeight);
    this.posWeight = typeof posWeight === 'number' ? posWeight : posWeight.keep();
    this.weight = heldWeight(op, weight);
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    const { posWeight, weight, reduction } = this;
    return bceWithLogits(logits, target, { posWeight, weight, reduction });
  }
}

/**
 * Binary cross entropy of probabilities, whose logarithms are at least −100. For the output of a
 * sigmoid, BCEWithLogitsLoss of the logits keeps more digits. A weight is a buffer.
 * @shape probabilities [any], target, as probabilities → scalar, or as probabilities
 * @units probabilities and target: in [0, 1]
 * @gradient probabilities: g·(p − z)/max(p·(1 − p), 1e-12)
 * @throws ShapeError when shapes differ or a weight does not broadcast; ValueError for an unknown
 * reduction
 * @source torch.nn.BCELoss
 */
export class BCELoss extends Loss {
  static override readonly title: string = 'BCELoss';
  readonly weight: Tensor | null;

  constructor(options: BceOptions = {}) {
    const op = 'BCELoss';
    knownOptions(op, options, bceOptions);
    const { weight, ...rest } = options;
    super(op, rest);
    this.weight = heldWeight(op, weight);
  }
  forward(probabilities: Tensor, target: Tensor): Tensor {
    return bce(probabilities, target, { weight: this.weight, reduction: this.reduction });
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
 * Squared error near 0, absolute error beyond beta.
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient g·e/beta within beta, else g·sign(e)
 * @throws ShapeError when shapes differ; ValueError for a negative beta
 * @source torch.nn.SmoothL1Loss
 */
export class SmoothL1Loss extends Loss {
  static override readonly title: string = 'SmoothL1Loss';
  readonly beta: number;

  constructor(options: SmoothL1Options = {}) {
    const op = 'SmoothL1Loss';
    knownOptions(op, options, smoothL1Options);
    const { beta = 1, ...rest } = options;
    super(op, rest);
    checkBeta(op, beta);
    this.beta = beta;
  }
  forward(prediction: Tensor, target: Tensor): Tensor {
    return smoothL1(prediction, target, { beta: this.beta, reduction: this.reduction });
  }
  protected override settings(): Readonly<Record<string, unknown>> {
    return { beta: this.beta };
  }
}

/**
 * Half the squared error near 0, linear beyond delta.
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient g·e within delta, else g·delta·sign(e)
 * @throws ShapeError when shapes differ; ValueError for a delta that is not positive
 * @source torch.nn.HuberLoss
 */
export class HuberLoss extends Loss {
  static override readonly title: string = 'HuberLoss';
  readonly delta: number;

  constructor(options: HuberOptions = {}) {
    const op = 'HuberLoss';
    knownOptions(op, options, huberOptions);
    const { delta = 1, ...rest } = options;
    super(op, rest);
    checkDelta(op, delta);
    this.delta = delta;
  }
  forward(prediction: Tensor, target: Tensor): Tensor {
    return huber(prediction, target, { delta: this.delta, reduction: this.reduction });
  }
  protected override settings(): Readonly<Record<string, unknown>> {
    return { delta: this.delta };
  }
}
