/**
 * Counts of marked elements in a prediction and its target, for the metrics that compare them.
 * Masks are marked by a threshold. Of class numbers, the largest predicted channel is marked. Not
 * here: the metrics (overlap.ts, overlap-sets.ts).
 */
import { checkFlag, checkNumber, type OptionNames } from '../../arguments.js';
import { checkIgnoreIndex, ignoredByDefault } from '../../autograd/ops/loss-classes.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { sameShape, sizeOf } from '../../values/shape.js';
import { checkPositive, checkSamples } from './metric.js';

/** Options of the metrics that compare marked elements. */
export interface OverlapOptions {
  /**
   * A mask's element is marked where the prediction is greater. With logits it is a probability.
   * Default 0.5.
   */
  threshold?: number;
  /** Whether predicted masks are logits. Default false. */
  logits?: boolean;
  /** Elements of this class number do not count. Default −100, as in crossEntropy. */
  ignoreIndex?: number;
}

export interface FMeasureOptions extends OverlapOptions {
  /** Weight of recall over precision. Default 1. */
  beta?: number;
}

export const overlapOptions: OptionNames<OverlapOptions> = { threshold: 'value', logits: 'flag', ignoreIndex: 'value' };
export const fMeasureOptions: OptionNames<FMeasureOptions> = { ...overlapOptions, beta: 'value' };

export function checkOptions(op: string, options: OverlapOptions): void {
  const { threshold = 0.5, logits = false, ignoreIndex = ignoredByDefault } = options;
  checkFlag(op, 'logits', logits);
  if (logits) checkNumber(op, 'threshold', threshold, (v) => v > 0 && v < 1, 'in (0, 1), because it is a probability');
  else checkNumber(op, 'threshold', threshold, Number.isFinite, 'a finite number');
  checkIgnoreIndex(op, ignoreIndex);
}

/**
 * The numbers of marked elements of each sample and class. A mask counts as one class.
 * @shape each [samples, classes], int32
 */
export interface Counts {
  /** Marked in the prediction and in the target. */
  readonly both: Tensor;
  readonly predicted: Tensor;
  readonly actual: Tensor;
}

/** The counts, and the number of elements of each sample that count. @shape total [samples] */
export interface Comparison extends Counts {
  readonly isMask: boolean;
  readonly total: Tensor;
}

/** Whether a prediction and a target are one channel per class and class numbers. */
const areClasses = (prediction: Tensor, target: Tensor): boolean =>
  target.dtype === 'int32' && sameShape(target.shape, prediction.shape.slice(0, -1));

/** Counts the marked elements. It must be called under noGrad. */
export function compare(op: string, prediction: Tensor, target: Tensor, options: OverlapOptions): Comparison {
  checkSamples(op, prediction, target);
  const [samples = 1] = prediction.shape;
  const counted = (marks: Tensor): Tensor => marks.sum(1);
  if (areClasses(prediction, target)) {
    const classes = prediction.shape.at(-1) as number;
    for (const name of ['threshold', 'logits'] as const)
      if (options[name] !== undefined)
        throw new ValueError(
          op,
          `${name} goes with masks`,
          `class numbers ${show(target.shape)}`,
          'of class numbers the largest channel is the prediction',
        );
    if (classes < 2)
      throw new ShapeError(op, 'class numbers need two channels or more', `prediction=${show(prediction.shape)}`);
    const { ignoreIndex = ignoredByDefault } = options;
    const numbers = prediction.upload(
      Int32Array.from({ length: classes }, (_, i) => i),
      'int32',
    );
    const flat = [samples, sizeOf(target.shape) / samples, 1];
    const known = target.notEqual(ignoreIndex).reshape(flat);
    const predicted = prediction.argmax(-1).reshape(flat).equal(numbers).mul(known);
    const actual = target.reshape(flat).equal(numbers).mul(known);
    return {
      isMask: false,
      both: counted(predicted.mul(actual)),
      predicted: counted(predicted),
      actual: counted(actual),
      total: known.sum([1, 2]),
    };
  }
  if (!sameShape(prediction.shape, target.shape))
    throw new ShapeError(
      op,
      'target must have the shape of the prediction',
      `prediction=${show(prediction.shape)}, target=${show(target.shape)} ${target.dtype}`,
      'class numbers are int32, of the shape of the prediction without its last axis',
    );
  if (options.ignoreIndex !== undefined)
    throw new ValueError(op, 'ignoreIndex goes with class numbers', `a mask ${show(target.shape)} ${target.dtype}`);
  const { threshold = 0.5, logits = false } = options;
  const elements = prediction.size / samples;
  const flat = [samples, elements, 1];
  const predicted = prediction.greater(logits ? Math.log(threshold / (1 - threshold)) : threshold).reshape(flat);
  const actual = target.greater(0.5).reshape(flat);
  return {
    isMask: true,
    both: counted(predicted.mul(actual)),
    predicted: counted(predicted),
    actual: counted(actual),
    total: target.fullLike(elements, [samples], 'int32'),
  };
}

/** The elements that agree: all but those marked on one side only, or those of the right class. */
export const agreeing = ({ isMask, both, predicted, actual, total }: Comparison): Tensor =>
  isMask ? total.sub(predicted.add(actual).sub(both.mul(2)).sum(1)) : both.sum(1);

// ---- measures of overlap

/**
 * A measure of overlap. It is `over` times the elements marked on both sides, divided by the sum of
 * the three counts, each times its factor.
 */
export interface Measure {
  readonly over: number;
  readonly both: number;
  readonly predicted: number;
  readonly actual: number;
}

/** TP/(TP + FP + FN), where `predicted` is TP + FP and `actual` is TP + FN. */
export const intersectionOverUnion: Measure = { over: 1, both: -1, predicted: 1, actual: 1 };

/** (1+β²)·TP/((1+β²)·TP + β²·FN + FP). */
export function fMeasureOf(op: string, beta: number): Measure {
  checkPositive(op, 'beta', beta);
  const square = beta * beta;
  return { over: 1 + square, both: 0, predicted: 1, actual: square };
}
