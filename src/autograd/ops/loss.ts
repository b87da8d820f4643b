/**
 * Losses. Sigmoid cross entropy is one kernel, stable and exact at 0. The other losses are composed
 * of ops.
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import { DeviceError, ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { holds, isFloat, type TypedArray } from '../../values/dtype.js';
import { sameShape } from '../../values/shape.js';
import { apply, call, checkTensor, isTracking, type Op } from '../graph.js';
import { endWith, scoped } from '../lifetimes.js';

/** How the elements' losses are combined: 'mean' (default), 'sum', or 'none'. */
export type Reduction = 'mean' | 'sum' | 'none';
export interface LossOptions {
  reduction?: Reduction;
}

export const lossOptions: OptionNames<LossOptions> = { reduction: 'value' };

function reduceLoss(op: string, loss: Tensor, reduction: Reduction = 'mean'): Tensor {
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

function checkPair(op: string, input: Tensor, target: Tensor): void {
  checkTensor(op, 'prediction', input);
  checkTensor(op, 'target', target);
  if (!sameShape(input.shape, target.shape))
    throw new ShapeError(
      op,
      'target must have the shape of the prediction',
      `prediction=${show(input.shape)}, target=${show(target.shape)}`,
      'no broadcasting here: it hides mistakes',
    );
  if (!isFloat(input.dtype) || target.dtype !== input.dtype)
    throw new ValueError(
      op,
      'prediction and target must share a float dtype',
      `${input.dtype} and ${target.dtype}`,
      'convert with cast()',
    );
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
}

export const bceWithLogitsOptions: OptionNames<BceWithLogitsOptions> = { reduction: 'value', posWeight: 'value' };

/**
 * Sigmoid cross entropy with logits, stable for any logit: max(x,0) − x·z + log1p(e^−|x|).
 * @shape logits [any], target, as logits → scalar, or as logits with reduction 'none'
 * @gradient logits: g·(sigmoid(x) − z); target: −g·x
 * @throws ShapeError when shapes differ; ValueError for a posWeight that is not positive, or dtypes
 * that differ
 * @source torch.nn.BCEWithLogitsLoss; tf.nn.sigmoid_cross_entropy_with_logits
 */
export function bceWithLogits(logits: Tensor, target: Tensor, options: BceWithLogitsOptions = {}): Tensor {
  const op = 'bceWithLogits';
  knownOptions(op, options, bceWithLogitsOptions);
  const { posWeight = 1, reduction } = options;
  checkPair(op, logits, target);
  if (typeof posWeight === 'number') {
    if (!(posWeight > 0 && posWeight < Infinity))
      throw new ValueError(op, 'posWeight must be positive and finite', `posWeight=${posWeight}`);
    return reduceLoss(op, apply(bceOp, [logits, target], { posWeight }), reduction);
  }
  checkTensor(op, 'posWeight', posWeight);
  const weight = posWeight.sub(1).mul(target).add(1);
  return reduceLoss(op, target.rsub(1).mul(logits).add(weight.mul(logits.neg().softplus())), reduction);
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

export interface CrossEntropyOptions extends LossOptions {
  /**
   * Rows of this class add no loss, and the mean divides by the number of the other rows. Default
   * −100.
   */
  ignoreIndex?: number;
}

export const crossEntropyOptions: OptionNames<CrossEntropyOptions> = { reduction: 'value', ignoreIndex: 'value' };

/** PyTorch's default. */
export const ignoredByDefault = -100;

export function checkIgnoreIndex(op: string, ignoreIndex: number): void {
  if (!Number.isInteger(ignoreIndex) || !holds('int32', ignoreIndex))
    throw new ValueError(op, 'ignoreIndex must be a whole number that int32 holds', `ignoreIndex=${ignoreIndex}`);
}

/**
 * Throws for a class number outside [0, classes) that is not ignoreIndex. Returns false if the
 * device cannot be read synchronously; the numbers are then unchecked.
 */
function checkClasses(target: Tensor, classes: number, ignoreIndex: number): boolean {
  let numbers: TypedArray;
  try {
    numbers = target.dataSync();
  } catch (error) {
    if (error instanceof DeviceError && target.device.alive) return false;
    throw error;
  }
  const wrong = numbers.findIndex((k) => (k < 0 || k >= classes) && k !== ignoreIndex);
  if (wrong >= 0)
    throw new ValueError(
      'crossEntropy',
      `class numbers must be in [0, ${classes}) or ignoreIndex`,
      `element ${wrong}=${numbers[wrong]}, ignoreIndex=${ignoreIndex}`,
      `the logits have ${classes} classes`,
    );
  return true;
}

/**
 * Softmax cross entropy. Classes are on the last axis (channels last). Class numbers are read and
 * checked if the device can be read synchronously. WebGPU cannot; there a number out of range makes
 * the loss NaN.
 * @shape logits […,C], target […] int32 classes, or […,C] probabilities → scalar, or […]
 * @units target: class numbers in [0, C) or ignoreIndex, or probabilities
 * @gradient g·(softmax(x) − target), 0 for ignored rows
 * @throws ShapeError when shapes do not fit; ValueError for a class number out of range, for an
 * ignoreIndex that is not whole or is given with probabilities, or for dtypes that do not fit
 * @source torch.nn.functional.cross_entropy
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const op = 'crossEntropy';
  knownOptions(op, options, crossEntropyOptions);
  checkTensor(op, 'logits', logits);
  checkTensor(op, 'target', target);
  const { reduction = 'mean', ignoreIndex = ignoredByDefault } = options;
  checkIgnoreIndex(op, ignoreIndex);
  if (target.dtype !== 'int32') {
    if (sameShape(target.shape, logits.shape.slice(0, -1)))
      throw new ValueError(
        op,
        'class numbers must be int32',
        `target=${show(target.shape)} ${target.dtype}`,
        "make them by tensor(labels, { dtype: 'int32' })",
      );
    checkPair(op, logits, target);
    if (ignoreIndex !== ignoredByDefault)
      throw new ValueError(op, 'ignoreIndex goes with class numbers', `ignoreIndex=${ignoreIndex}, ${target.dtype}`);
    return reduceLoss(op, logits.logSoftmax(-1).mul(target).sum(-1).neg(), reduction);
  }
  if (!sameShape(target.shape, logits.shape.slice(0, -1)))
    throw new ShapeError(
      op,
      "class targets must have the logits' shape without its last axis",
      `logits=${show(logits.shape)}, target=${show(target.shape)}`,
    );
  const size = logits.shape.at(-1) as number;
  const isChecked = checkClasses(target, size, ignoreIndex);
  const rows = scoped(
    () => classRows(logits, target, size, ignoreIndex, isChecked),
    (made) => Object.values(made),
  );
  const ofRows = logits.logSoftmax(-1).where(rows.chosen, 0).sum(-1).neg();
  const loss = rows.known === undefined ? ofRows : ofRows.where(rows.known, Number.NaN);
  const reduced = reduction === 'mean' ? loss.sum().div(rows.count) : reduceLoss(op, loss, reduction);
  return endWith(reduced, ...Object.values(rows));
}

/** Tensors derived from the class numbers. */
interface ClassRows {
  /** […,C]: one-hot mask of each row's class. An ignored row is all false. */
  readonly chosen: Tensor;
  /** The number of rows that are not ignored, in the logits' dtype. */
  readonly count: Tensor;
  /**
   * […]: whether a row's number is a class or ignoreIndex. Absent if the numbers were already
   * checked.
   */
  readonly known?: Tensor;
}

function classRows(logits: Tensor, target: Tensor, size: number, ignoreIndex: number, isChecked: boolean): ClassRows {
  const classes = logits.upload(
    Int32Array.from({ length: size }, (_, i) => i),
    'int32',
  );
  const taken = target.notEqual(ignoreIndex);
  const hit = target.unsqueeze(-1).equal(classes);
  // If ignoreIndex is itself a valid class, its rows have a hit that must be removed.
  const isClass = ignoreIndex >= 0 && ignoreIndex < size;
  const chosen = isClass ? hit.mul(taken.unsqueeze(-1)).cast('bool') : hit;
  const count = taken.cast(logits.dtype).sum();
  if (isChecked) return { chosen, count };
  return { chosen, count, known: chosen.sum(-1).add(taken.logicalNot()).notEqual(0) };
}
