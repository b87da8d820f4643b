/**
 * Losses of elements: by distance, and binary cross entropy. Sigmoid cross entropy is one kernel,
 * stable and exact at 0. The other losses are composed of ops. Not here: losses by class
 * (loss-classes.ts), of masks (loss-masks.ts) and of distributions (loss-divergence.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isFloat } from '../../values/dtype.js';
import { type Shape, sameShape } from '../../values/shape.js';
import { apply, call, checkTensor, isTracking, type Op } from '../graph.js';
import { endWith } from '../lifetimes.js';

/** How the elements' losses are combined: 'mean' (default), 'sum', or 'none'. */
export type Reduction = 'mean' | 'sum' | 'none';
export interface LossOptions {
  reduction?: Reduction;
}

export const lossOptions: OptionNames<LossOptions> = { reduction: 'value' };

export function reduceLoss(op: string, loss: Tensor, reduction: Reduction = 'mean'): Tensor {
  switch (reduction) {
    case 'mean':
      return loss.mean();
    case 'sum':
      return loss.sum();
    case 'none':
      return loss;
    default:
      throw new ValueError(op, "reduction must be 'mean', 'sum' or 'none'", `reduction=${reduction}`);
  }
}

/** Checks that two tensors have one shape and one float dtype. `names` are theirs in messages. */
export function checkPair(op: string, a: Tensor, b: Tensor, names = ['prediction', 'target']): void {
  const [ofA, ofB] = names;
  checkTensor(op, ofA, a);
  checkTensor(op, ofB, b);
  if (!sameShape(a.shape, b.shape))
    throw new ShapeError(
      op,
      `${ofB} must have the shape of the ${ofA}`,
      `${ofA}=${show(a.shape)}, ${ofB}=${show(b.shape)}`,
      'no broadcasting here: it hides mistakes',
    );
  if (!isFloat(a.dtype) || b.dtype !== a.dtype)
    throw new ValueError(
      op,
      `${ofA} and ${ofB} must share a float dtype`,
      `${a.dtype} and ${b.dtype}`,
      'convert with cast()',
    );
}

/** Those of the tensors to which no gradient flows. No node of a graph ends them. */
export const constantsOf = (...tensors: readonly Tensor[]): Tensor[] => tensors.filter(({ node }) => node === null);

/** Whether `shape` broadcasts to `to`, without making it larger. */
const broadcasts = (shape: Shape, to: Shape): boolean =>
  shape.length <= to.length && shape.every((size, i) => size === 1 || size === to[to.length - shape.length + i]);

/** Multiplies the losses of elements by weights. The weights are constants. */
function weigh(op: string, loss: Tensor, weight: Tensor | null | undefined): Tensor {
  if (weight === null || weight === undefined) return loss;
  checkTensor(op, 'weight', weight);
  if (!broadcasts(weight.shape, loss.shape))
    throw new ShapeError(
      op,
      'weight must have the shape of the prediction, or broadcast to it',
      `weight=${show(weight.shape)}, prediction=${show(loss.shape)}`,
    );
  if (weight.dtype !== loss.dtype)
    throw new ValueError(
      op,
      'prediction and weight must share a dtype',
      `${loss.dtype} and ${weight.dtype}`,
      'convert with cast()',
    );
  const constant = weight.detach();
  return endWith(loss.mul(constant), constant);
}

const bceOp: Op<{ posWeight: number }> = {
  name: 'bceWithLogits',
  lower: ([x], attrs) => call('bceWithLogits', attrs, { shape: x.shape, dtype: x.dtype }),
  saves: [0, 1],
  backward: ({ grad, inputs: [x, z], attrs, needs }) => {
    const p = attrs.posWeight;
    // One kernel computes this gradient, unless the gradient itself is recorded.
    const byLogits = () => (isTracking() ? grad.mul(composed()) : apply(bceGradOp, [grad, x, z], attrs));
    const composed = () =>
      p === 1
        ? x.sigmoid().sub(z)
        : x
            .sigmoid()
            .mul(z.mul(p - 1).add(1))
            .sub(z.mul(p));
    const byTarget = () =>
      p === 1
        ? x.neg()
        : x
            .neg()
            .softplus()
            .mul(p - 1)
            .sub(x);
    return [needs[0] ? byLogits() : null, needs[1] ? grad.mul(byTarget()) : null];
  },
};

const bceGradOp: Op<{ posWeight: number }> = {
  name: 'bceWithLogitsGrad',
  lower: ([g], attrs) => call('bceWithLogitsGrad', attrs, { shape: g.shape, dtype: g.dtype }),
};

export interface BceWithLogitsOptions extends LossOptions {
  /**
   * Weight of the positive class: a number, or one per channel (broadcast from the right). Default
   * 1.
   */
  posWeight?: number | Tensor;
  /** Weights of the elements' losses, broadcast to them. The mean divides by their number. */
  weight?: Tensor | null;
}

export const bceWithLogitsOptions: OptionNames<BceWithLogitsOptions> = {
  reduction: 'value',
  posWeight: 'value',
  weight: 'value',
};

export function checkPosWeight(op: string, posWeight: number | Tensor): void {
  if (typeof posWeight !== 'number') checkTensor(op, 'posWeight', posWeight);
  else if (!(posWeight > 0 && posWeight < Infinity))
    throw new ValueError(op, 'posWeight must be positive and finite', `posWeight=${posWeight}`);
}

/**
 * Sigmoid cross entropy with logits, stable for any logit: max(x,0) − x·z + log1p(e^−|x|).
 * @shape logits [any], target, as logits → scalar, or as logits with reduction 'none'
 * @gradient logits: g·(sigmoid(x) − z); target: −g·x; weight: none
 * @throws ShapeError when shapes differ or a weight does not broadcast; ValueError for a posWeight
 * that is not positive, or dtypes that differ
 * @source torch.nn.BCEWithLogitsLoss; tf.nn.sigmoid_cross_entropy_with_logits
 */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  const op = 'bceWithLogits';
  knownOptions(op, options, bceWithLogitsOptions);
  const { posWeight = 1, weight, reduction } = options;
  checkPair(op, logits, target);
  checkPosWeight(op, posWeight);
  return reduceLoss(op, weigh(op, bceOfElements(logits, target, posWeight), weight), reduction);
}

function bceOfElements(logits: Tensor, target: Tensor, posWeight: number | Tensor): Tensor {
  if (typeof posWeight === 'number') return apply(bceOp, [logits, target], { posWeight });
  const [more, negative] = [posWeight.sub(1), target.rsub(1)];
  const extra = more.mul(target);
  const ofPositive = extra.add(1);
  const loss = negative.mul(logits).add(ofPositive.mul(logits.neg().softplus()));
  return endWith(loss, ...constantsOf(more, negative, extra, ofPositive));
}

/**
 * Squared error.
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient 2·g·(p − t)
 * @throws ShapeError when shapes differ
 * @source torch.nn.MSELoss
 */
export function mse(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  knownOptions('mse', options, lossOptions);
  checkPair('mse', prediction, target);
  const error = prediction.sub(target);
  return reduceLoss('mse', error.mul(error), options.reduction);
}

/**
 * Absolute error.
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient g·sign(p − t)
 * @throws ShapeError when shapes differ
 * @source torch.nn.L1Loss
 */
export function l1(prediction: Tensor, target: Tensor, options: LossOptions = {}): Tensor {
  knownOptions('l1', options, lossOptions);
  checkPair('l1', prediction, target);
  return reduceLoss('l1', prediction.sub(target).abs(), options.reduction);
}

export interface SmoothL1Options extends LossOptions {
  /** The error at which the square ends. With 0 the loss is l1. Default 1. */
  beta?: number;
}
export const smoothL1Options: OptionNames<SmoothL1Options> = { reduction: 'value', beta: 'value' };

export const checkBeta = (op: string, beta: number): void =>
  checkNumber(op, 'beta', beta, (v) => v >= 0 && v < Infinity, 'finite and not negative');

/**
 * Squared error near 0, absolute error beyond beta: e²/(2·beta) where |e| < beta, else
 * |e| − beta/2.
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient g·e/beta within beta, else g·sign(e)
 * @throws ShapeError when shapes differ; ValueError for a negative beta
 * @source Girshick 2015 (Fast R-CNN); torch.nn.SmoothL1Loss
 */
export function smoothL1(prediction: Tensor, target: Tensor, options: SmoothL1Options = {}): Tensor {
  const op = 'smoothL1';
  knownOptions(op, options, smoothL1Options);
  const { beta = 1, reduction } = options;
  checkPair(op, prediction, target);
  checkBeta(op, beta);
  const error = prediction.sub(target);
  const loss = beta === 0 ? error.abs() : huberBy(error, beta, beta);
  return reduceLoss(op, loss, reduction);
}

export interface HuberOptions extends LossOptions {
  /** The error at which the square ends. Default 1. */
  delta?: number;
}
export const huberOptions: OptionNames<HuberOptions> = { reduction: 'value', delta: 'value' };

export const checkDelta = (op: string, delta: number): void =>
  checkNumber(op, 'delta', delta, (v) => v > 0 && v < Infinity, 'positive and finite');

/**
 * Half the squared error near 0, linear beyond delta: e²/2 where |e| ≤ delta, else
 * delta·(|e| − delta/2).
 * @shape prediction [any], target, as prediction → scalar, or as prediction
 * @gradient g·e within delta, else g·delta·sign(e)
 * @throws ShapeError when shapes differ; ValueError for a delta that is not positive
 * @source Huber 1964; torch.nn.HuberLoss
 */
export function huber(prediction: Tensor, target: Tensor, options: HuberOptions = {}): Tensor {
  const op = 'huber';
  knownOptions(op, options, huberOptions);
  const { delta = 1, reduction } = options;
  checkPair(op, prediction, target);
  checkDelta(op, delta);
  return reduceLoss(op, huberBy(prediction.sub(target), delta), reduction);
}

/**
 * n·(e − n/2)/divisor, where n is the error e limited to ±limit. Without the divisor this is e²/2
 * within the limits, and linear beyond them. The factor n is divided, so that no product
 * overflows.
 */
function huberBy(error: Tensor, limit: number, divisor = 1): Tensor {
  const near = error.clamp(-limit, limit);
  const factor = divisor === 1 ? near : near.div(divisor);
  return factor.mul(error.sub(near.mul(0.5)));
}

export interface BceOptions extends LossOptions {
  /** Weights of the elements' losses, broadcast to them. The mean divides by their number. */
  weight?: Tensor | null;
}
export const bceOptions: OptionNames<BceOptions> = { reduction: 'value', weight: 'value' };

/** PyTorch's limit of p·(1 − p) in the gradient, which is a float32 number there. */
const leastSpread = Math.fround(1e-12);
const spreadOf = (p: Tensor): Tensor => p.mul(p.rsub(1)).maximum(leastSpread);
const withUnary = (fn: 'log' | 'log1p', { shape, dtype }: Tensor) =>
  call('unary', { fn, alpha: 0, beta: 0 }, { shape, dtype });

/**
 * log p, with the gradient (1 − p)/(p·(1 − p)), whose denominator has a least value. So it is
 * finite at p = 0, and log p and log(1 − p) together have PyTorch's gradient.
 */
const logOp: Op<null> = {
  name: 'bce',
  lower: ([p]) => withUnary('log', p),
  saves: [0],
  backward: ({ grad, inputs: [p] }) => [grad.mul(p.rsub(1)).div(spreadOf(p))],
};
/** log(1 − p) of −p, with the gradient p/(p·(1 − p)), whose denominator has a least value. */
const logOfRestOp: Op<null> = {
  name: 'bce',
  lower: ([minusP]) => withUnary('log1p', minusP),
  saves: [0],
  backward: ({ grad, inputs: [minusP] }) => {
    const p = minusP.neg();
    return [grad.mul(p).div(spreadOf(p))];
  },
};
/** max(x, −100), through which the gradient passes everywhere. */
const floorOp: Op<null> = {
  name: 'bce',
  lower: ([{ shape, dtype }]) => call('unary', { fn: 'clamp', alpha: -100, beta: Infinity }, { shape, dtype }),
  backward: ({ grad }) => [grad],
};

/**
 * Binary cross entropy of probabilities: −z·log p − (1 − z)·log(1 − p), where the logarithms are at
 * least −100. For the output of a sigmoid, bceWithLogits of the logits keeps more digits. A
 * probability outside [0, 1] makes the loss NaN.
 * @shape probabilities [any], target, as probabilities → scalar, or as probabilities
 * @units probabilities and target: in [0, 1]
 * @gradient probabilities: g·(p − z)/max(p·(1 − p), 1e-12); target: g·(log(1 − p) − log p); weight:
 * none
 * @throws ShapeError when shapes differ or a weight does not broadcast; ValueError for dtypes that
 * differ
 * @source torch.nn.BCELoss
 */
export function bce(probabilities: Tensor, target: Tensor, options: BceOptions = {}): Tensor {
  const op = 'bce';
  knownOptions(op, options, bceOptions);
  const { weight, reduction } = options;
  checkPair(op, probabilities, target);
  const floored = (logOf: Op<null>, x: Tensor): Tensor => apply(floorOp, [apply(logOf, [x], null)], null);
  const ofNegative = floored(logOfRestOp, probabilities.neg());
  const log = floored(logOp, probabilities)
    .mul(target)
    .add(ofNegative.sub(ofNegative.mul(target)));
  return reduceLoss(op, weigh(op, log.neg(), weight), reduction);
}
