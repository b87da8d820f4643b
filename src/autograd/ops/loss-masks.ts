/**
 * Losses for masks, where most pixels belong to the background: the Dice loss and the focal loss,
 * composed of ops. Not here: other losses (loss.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { endWith } from '../lifetimes.js';
import { bceWithLogits, checkPair, constantsOf, type LossOptions, reduceLoss } from './loss.js';

export interface DiceOptions extends LossOptions {
  /**
   * Added to numerator and denominator, so that two empty masks have no loss. Default 1e-5. Larger
   * values smooth the loss of small masks.
   */
  smooth?: number;
  /** Whether the denominator sums squares, as in the V-Net paper. Default false. */
  squared?: boolean;
}
export const diceOptions: OptionNames<DiceOptions> = { reduction: 'value', smooth: 'value', squared: 'flag' };

export const checkSmooth = (op: string, smooth: number): void =>
  checkNumber(op, 'smooth', smooth, (v) => v >= 0 && v < Infinity, 'finite and not negative');

/**
 * 1 − the Sørensen-Dice coefficient of each sample and channel over its positions:
 * 1 − (2·Σ p·z + smooth)/(Σ p + Σ z + smooth). Give it probabilities, such as sigmoid(logits).
 * @shape probabilities [N,…,C], target, as probabilities → scalar, or [N,C]
 * @units probabilities and target: in [0, 1]
 * @gradient probabilities: −g·(2·z − D)/(Σ p + Σ z + smooth) with the coefficient D
 * @throws ShapeError when shapes differ, or without positions; ValueError for a negative smooth, or
 * dtypes that differ
 * @source Milletari, Navab and Ahmadi 2016 (V-Net); monai.losses.DiceLoss
 */
export function dice(probabilities: Tensor, target: Tensor, options: DiceOptions = {}): Tensor {
  const op = 'dice';
  knownOptions(op, options, diceOptions);
  const { reduction, smooth = 1e-5, squared = false } = options;
  checkPair(op, probabilities, target);
  checkSmooth(op, smooth);
  const { rank, shape } = probabilities;
  if (rank < 3)
    throw new ShapeError(
      op,
      'masks must have samples, positions, and channels on their last axis',
      `prediction=${show(shape)}`,
      'add an axis with unsqueeze(-1)',
    );
  const positions = shape.slice(1, -1).map((_, i) => i + 1);
  const power = (mask: Tensor): Tensor => (squared ? mask.mul(mask) : mask);
  const ofTarget = power(target);
  const targetSize = ofTarget.sum(positions);
  const overlap = probabilities.mul(target).sum(positions).mul(2).add(smooth);
  const coefficient = overlap.div(power(probabilities).sum(positions).add(targetSize).add(smooth));
  const made = squared ? [ofTarget, targetSize] : [targetSize];
  return endWith(reduceLoss(op, coefficient.rsub(1), reduction), ...constantsOf(...made));
}

export interface SigmoidFocalOptions extends LossOptions {
  /**
   * Weight of the positive class in [0, 1]. The negative class has 1 − alpha. −1 stands for no
   * weights. Default 0.25.
   */
  alpha?: number;
  /** The exponent that plays down elements that are nearly right. Default 2. */
  gamma?: number;
}
export const sigmoidFocalOptions: OptionNames<SigmoidFocalOptions> = {
  reduction: 'value',
  alpha: 'value',
  gamma: 'value',
};

export function checkFocal(op: string, alpha: number, gamma: number): void {
  checkNumber(op, 'alpha', alpha, (v) => (v >= 0 && v <= 1) || v === -1, 'in [0, 1], or -1 for no weights');
  checkNumber(op, 'gamma', gamma, (v) => v >= 0 && v < Infinity, 'finite and not negative');
}

/**
 * Focal loss of logits: sigmoid cross entropy times (1 − q)^gamma, where q is the probability given
 * to the target. The default reduction is the mean; torchvision's is 'none'.
 * @shape logits [any], target, as logits → scalar, or as logits
 * @units target: in [0, 1]
 * @gradient through the cross entropy and the factor
 * @throws ShapeError when shapes differ; ValueError for alpha or gamma out of range, or dtypes that
 * differ
 * @source Lin et al. 2017; torchvision.ops.sigmoid_focal_loss
 */
export function sigmoidFocal(logits: Tensor, target: Tensor, options: SigmoidFocalOptions = {}): Tensor {
  const op = 'sigmoidFocal';
  knownOptions(op, options, sigmoidFocalOptions);
  const { reduction, alpha = 0.25, gamma = 2 } = options;
  checkPair(op, logits, target);
  checkFocal(op, alpha, gamma);
  let loss = bceWithLogits(logits, target, { reduction: 'none' });
  if (gamma > 0) {
    // 1 − q, from two sigmoids, because 1 − sigmoid(x) loses the digits of small numbers.
    const [positive, negative] = [logits.sigmoid(), logits.neg().sigmoid()];
    const miss = positive.sub(positive.mul(target)).add(negative.mul(target));
    // Below an exponent of 1 the slope of the power is infinite at 0.
    loss = loss.mul((gamma < 1 ? miss.clamp(1e-30) : miss).pow(gamma));
  }
  if (alpha !== -1) {
    const ofPositive = loss.mul(target);
    loss = ofPositive.mul(alpha).add(loss.sub(ofPositive).mul(1 - alpha));
  }
  return reduceLoss(op, loss, reduction);
}
