/**
 * Losses by class: cross entropy of logits, and the negative log likelihood, with weights per
 * class, ignored rows and label smoothing. Classes are on the last axis. Not here: two classes by a
 * sigmoid (loss.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { DeviceError, ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkFloat, type DType, holds, type TypedArray } from '../../values/dtype.js';
import { sameShape } from '../../values/shape.js';
import { checkTensor, withTracking } from '../graph.js';
import { endWith, scoped } from '../lifetimes.js';
import { checkPair, constantsOf, type LossOptions, reduceLoss } from './loss.js';

export interface NllOptions extends LossOptions {
  /**
   * One weight per class. The mean over rows with class numbers divides by the sum of their
   * weights.
   */
  weight?: Tensor | null;
  /**
   * Rows of this class add no loss, and the mean divides by the number of the other rows, or by
   * their weights. Default −100.
   */
  ignoreIndex?: number;
}
export interface CrossEntropyOptions extends NllOptions {
  /**
   * The part of each target that is spread over all classes equally, in [0, 1]. Default 0.
   */
  labelSmoothing?: number;
}

export const nllOptions: OptionNames<NllOptions> = { reduction: 'value', weight: 'value', ignoreIndex: 'value' };
export const crossEntropyOptions: OptionNames<CrossEntropyOptions> = { ...nllOptions, labelSmoothing: 'value' };

/** PyTorch's default. */
export const ignoredByDefault = -100;

export function checkIgnoreIndex(op: string, ignoreIndex: number): void {
  if (!Number.isInteger(ignoreIndex) || !holds('int32', ignoreIndex))
    throw new ValueError(op, 'ignoreIndex must be a whole number that int32 holds', `ignoreIndex=${ignoreIndex}`);
}

export const checkSmoothing = (op: string, labelSmoothing: number): void =>
  checkNumber(op, 'labelSmoothing', labelSmoothing, (v) => v >= 0 && v <= 1, 'in [0, 1]');

/** Checks weights per class. In a constructor the number of classes is not known yet. */
export function checkClassWeight(op: string, weight: unknown, classes?: number, dtype?: DType): void {
  checkTensor(op, 'weight', weight);
  if (weight.rank !== 1 || (classes !== undefined && weight.size !== classes))
    throw new ShapeError(
      op,
      'weight must hold one number per class',
      `weight=${show(weight.shape)}${classes === undefined ? '' : `, ${classes} classes`}`,
    );
  if (dtype !== undefined && weight.dtype !== dtype)
    throw new ValueError(
      op,
      'logits and weight must share a dtype',
      `${dtype} and ${weight.dtype}`,
      'convert with cast()',
    );
}

/**
 * Throws for a class number outside [0, classes) that is not ignoreIndex. Returns false if the
 * device cannot be read synchronously; the numbers are then unchecked.
 */
function checkClasses(op: string, target: Tensor, classes: number, ignoreIndex: number): boolean {
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
      op,
      `class numbers must be in [0, ${classes}) or ignoreIndex`,
      `element ${wrong}=${numbers[wrong]}, ignoreIndex=${ignoreIndex}`,
      `the logits have ${classes} classes`,
    );
  return true;
}

/** Checks that the target has the shape of class numbers. `logits` is the name of the input. */
function checkRows(op: string, name: string, logits: Tensor, target: Tensor): void {
  if (target.dtype !== 'int32')
    throw new ValueError(
      op,
      'class numbers must be int32',
      `target=${show(target.shape)} ${target.dtype}`,
      "make them by tensor(labels, { dtype: 'int32' })",
    );
  if (logits.rank === 0 || !sameShape(target.shape, logits.shape.slice(0, -1)))
    throw new ShapeError(
      op,
      `class targets must have the ${name}' shape without its last axis`,
      `${name}=${show(logits.shape)}, target=${show(target.shape)}`,
    );
}

/**
 * Softmax cross entropy. Classes are on the last axis (channels last). Class numbers are read and
 * checked if the device can be read synchronously. WebGPU cannot; there a number out of range makes
 * the loss NaN. With labelSmoothing s the target is (1 − s)·target + s/C. A class's weight
 * multiplies its part of the target, so that a smoothed row has parts of all weights.
 * @shape logits […,C], target […] int32 classes, or […,C] probabilities, weight [C] → scalar, or
 * […]
 * @units target: class numbers in [0, C) or ignoreIndex, or probabilities
 * @gradient g·(softmax(x) − target), 0 for ignored rows; weight: none
 * @throws ShapeError when shapes do not fit; ValueError for a class number out of range, for an
 * ignoreIndex that is not whole or is given with probabilities, for a labelSmoothing outside
 * [0, 1], or for dtypes that do not fit
 * @source torch.nn.functional.cross_entropy; Szegedy et al. 2016 (label smoothing)
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const op = 'crossEntropy';
  knownOptions(op, options, crossEntropyOptions);
  checkTensor(op, 'logits', logits);
  checkTensor(op, 'target', target);
  const { reduction, weight, ignoreIndex = ignoredByDefault, labelSmoothing = 0 } = options;
  checkIgnoreIndex(op, ignoreIndex);
  checkSmoothing(op, labelSmoothing);
  if (target.dtype === 'int32' || sameShape(target.shape, logits.shape.slice(0, -1))) {
    checkFloat(op, logits.dtype);
    checkRows(op, 'logits', logits, target);
    return byClasses(op, () => logits.logSoftmax(-1), logits, target, options);
  }
  checkPair(op, logits, target);
  if (ignoreIndex !== ignoredByDefault)
    throw new ValueError(op, 'ignoreIndex goes with class numbers', `ignoreIndex=${ignoreIndex}, ${target.dtype}`);
  const classes = logits.shape.at(-1) as number;
  if (weight != null) checkClassWeight(op, weight, classes, logits.dtype);
  const made: Tensor[] = [];
  const temporary = (t: Tensor): Tensor => {
    made.push(t);
    return t;
  };
  const share =
    labelSmoothing === 0 ? target : temporary(temporary(target.mul(1 - labelSmoothing)).add(labelSmoothing / classes));
  let log = logits.logSoftmax(-1).mul(share);
  if (weight != null) log = log.mul(temporary(weight.detach()));
  return endWith(reduceLoss(op, log.sum(-1).neg(), reduction), ...constantsOf(...made));
}

/**
 * Negative log likelihood: minus the log probability of each row's class. crossEntropy is this of
 * logSoftmax(logits). Class numbers are read and checked as there.
 * @shape logProbabilities […,C], target […] int32 classes, weight [C] → scalar, or […]
 * @units target: class numbers in [0, C) or ignoreIndex
 * @gradient −g at the row's class, else 0; weight: none
 * @throws ShapeError when shapes do not fit; ValueError for a class number out of range, an
 * ignoreIndex that is not whole, or dtypes that do not fit
 * @source torch.nn.functional.nll_loss
 */
export function nll(logProbabilities: Tensor, target: Tensor, options: NllOptions = {}): Tensor {
  const op = 'nll';
  knownOptions(op, options, nllOptions);
  checkTensor(op, 'logProbabilities', logProbabilities);
  checkTensor(op, 'target', target);
  checkFloat(op, logProbabilities.dtype);
  checkIgnoreIndex(op, options.ignoreIndex ?? ignoredByDefault);
  checkRows(op, 'logProbabilities', logProbabilities, target);
  return byClasses(op, () => logProbabilities, logProbabilities, target, options);
}

/** The loss by class numbers. `logsOf` computes the log probabilities once all is checked. */
function byClasses(
  op: string,
  logsOf: () => Tensor,
  input: Tensor,
  target: Tensor,
  { reduction = 'mean', weight, ignoreIndex = ignoredByDefault, labelSmoothing = 0 }: CrossEntropyOptions,
): Tensor {
  const size = input.shape.at(-1) as number;
  if (weight != null) checkClassWeight(op, weight, size, input.dtype);
  const isChecked = checkClasses(op, target, size, ignoreIndex);
  const rows = withTracking(false, () =>
    scoped(
      () => classRows(input, target, { size, ignoreIndex, weight, isChecked }),
      (made) => Object.values(made),
    ),
  );
  const logs = logsOf();
  const weighed = (t: Tensor): Tensor => (rows.weight === undefined ? t : t.mul(rows.weight));
  let loss = weighed(logs.where(rows.chosen, 0)).sum(-1).neg();
  if (labelSmoothing > 0) {
    const ofAll = weighed(logs).sum(-1).neg().where(rows.taken, 0);
    loss = loss.mul(1 - labelSmoothing).add(ofAll.mul(labelSmoothing / size));
  }
  if (rows.known !== undefined) loss = loss.where(rows.known, Number.NaN);
  const reduced = reduction === 'mean' ? loss.sum().div(rows.total) : reduceLoss(op, loss, reduction);
  return endWith(reduced, ...Object.values(rows));
}

/** Tensors derived from the class numbers. None has a gradient. */
interface ClassRows {
  /** […,C]: one-hot mask of each row's class. An ignored row is all false. */
  readonly chosen: Tensor;
  /** […]: whether a row is not ignored. */
  readonly taken: Tensor;
  /** The number of rows that are not ignored, or the sum of their weights, in the logits' dtype. */
  readonly total: Tensor;
  /** [C]: the weights as constants. Absent if there are none. */
  readonly weight?: Tensor;
  /**
   * […]: whether a row's number is a class or ignoreIndex. Absent if the numbers were already
   * checked.
   */
  readonly known?: Tensor;
}

interface ClassSettings {
  readonly size: number;
  readonly ignoreIndex: number;
  readonly weight?: Tensor | null;
  readonly isChecked: boolean;
}

function classRows(input: Tensor, target: Tensor, settings: ClassSettings): ClassRows {
  const { size, ignoreIndex, weight, isChecked } = settings;
  const classes = input.upload(
    Int32Array.from({ length: size }, (_, i) => i),
    'int32',
  );
  const taken = target.notEqual(ignoreIndex);
  const hit = target.unsqueeze(-1).equal(classes);
  // If ignoreIndex is itself a valid class, its rows have a hit that must be removed.
  const isClass = ignoreIndex >= 0 && ignoreIndex < size;
  const chosen = isClass ? hit.mul(taken.unsqueeze(-1)).cast('bool') : hit;
  const constant = weight?.detach();
  const total = constant === undefined ? taken.cast(input.dtype).sum() : constant.where(chosen, 0).sum();
  return {
    chosen,
    taken,
    total,
    ...(constant && { weight: constant }),
    ...(isChecked ? {} : { known: chosen.sum(-1).add(taken.logicalNot()).notEqual(0) }),
  };
}
