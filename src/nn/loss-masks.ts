/** Losses for masks, as modules. Not here: the operations (autograd/ops/loss-masks.ts). */
import { knownOptions } from '../arguments.js';
import {
  checkFocal,
  checkSmooth,
  type DiceOptions,
  dice,
  diceOptions,
  type SigmoidFocalOptions,
  sigmoidFocal,
  sigmoidFocalOptions,
} from '../autograd/ops/loss-masks.js';
import type { Tensor } from '../tensor/tensor.js';
import { Loss } from './loss.js';

/**
 * 1 − the Sørensen-Dice coefficient of each sample and channel. Give it probabilities, such as
 * sigmoid(logits).
 * @shape probabilities [N,…,C], target, as probabilities → scalar, or [N,C]
 * @units probabilities and target: in [0, 1]
 * @gradient probabilities: −g·(2·z − D)/(Σ p + Σ z + smooth) with the coefficient D
 * @throws ShapeError when shapes differ, or without positions; ValueError for a negative smooth or
 * an unknown reduction
 * @source Milletari, Navab and Ahmadi 2016 (V-Net); monai.losses.DiceLoss
 */
export class DiceLoss extends Loss {
  static override readonly title: string = 'DiceLoss';
  readonly smooth: number;
  readonly squared: boolean;

  constructor(options: DiceOptions = {}) {
    const op = 'DiceLoss';
    knownOptions(op, options, diceOptions);
    const { smooth = 1e-5, squared = false, ...rest } = options;
    super(op, rest);
    checkSmooth(op, smooth);
    this.smooth = smooth;
    this.squared = squared;
  }
  forward(probabilities: Tensor, target: Tensor): Tensor {
    const { smooth, squared, reduction } = this;
    return dice(probabilities, target, { smooth, squared, reduction });
  }
  protected override settings(): Readonly<Record<string, unknown>> {
    return { smooth: this.smooth, squared: this.squared ? true : undefined };
  }
}

/**
 * Focal loss of logits: sigmoid cross entropy times (1 − q)^gamma, where q is the probability given
 * to the target.
 * @shape logits [any], target, as logits → scalar, or as logits
 * @units target: in [0, 1]
 * @gradient through the cross entropy and the factor
 * @throws ShapeError when shapes differ; ValueError for alpha, gamma or a reduction out of range
 * @source Lin et al. 2017; torchvision.ops.sigmoid_focal_loss
 */
export class SigmoidFocalLoss extends Loss {
  static override readonly title: string = 'SigmoidFocalLoss';
  readonly alpha: number;
  readonly gamma: number;

  constructor(options: SigmoidFocalOptions = {}) {
    const op = 'SigmoidFocalLoss';
    knownOptions(op, options, sigmoidFocalOptions);
    const { alpha = 0.25, gamma = 2, ...rest } = options;
    super(op, rest);
    checkFocal(op, alpha, gamma);
    this.alpha = alpha;
    this.gamma = gamma;
  }
  forward(logits: Tensor, target: Tensor): Tensor {
    const { alpha, gamma, reduction } = this;
    return sigmoidFocal(logits, target, { alpha, gamma, reduction });
  }
  protected override settings(): Readonly<Record<string, unknown>> {
    return { alpha: this.alpha, gamma: this.gamma };
  }
}
