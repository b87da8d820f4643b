/**
 * Kullback-Leibler divergences, composed of ops: between distributions given by their
 * probabilities, and from normal distributions to the standard one. Not here: other losses
 * (loss.ts).
 */
import { knownOptions, type OptionNames, shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { endWith } from '../lifetimes.js';
import { checkPair, constantsOf, type Reduction, reduceLoss } from './loss.js';

/** As Reduction, or 'batchMean': the sum divided by the size of the first axis. */
export type DivergenceReduction = Reduction | 'batchMean';

export function checkDivergenceReduction(op: string, reduction: unknown): void {
  if (!['mean', 'batchMean', 'sum', 'none'].includes(reduction as string))
    throw new ValueError(
      op,
      "reduction must be 'mean', 'batchMean', 'sum' or 'none'",
      `reduction=${typeof reduction === 'string' ? reduction : shown(reduction)}`,
    );
}

function reduceDivergence(op: string, loss: Tensor, reduction: DivergenceReduction): Tensor {
  if (reduction !== 'batchMean') return reduceLoss(op, loss, reduction);
  if (loss.rank === 0) throw new ShapeError(op, "'batchMean' needs an axis of samples", `input=${show(loss.shape)}`);
  return loss.sum().div(loss.shape[0]);
}

export interface KlDivOptions {
  /**
   * How the elements' parts are combined: 'mean' over all elements (default), 'batchMean' for the
   * sum divided by the size of the first axis, 'sum', or 'none'. 'batchMean' is the mean divergence
   * of [N,C].
   */
  reduction?: DivergenceReduction;
  /** Whether the target holds logarithms of probabilities. Default false. */
  logTarget?: boolean;
}
export const klDivOptions: OptionNames<KlDivOptions> = { reduction: 'value', logTarget: 'flag' };

/**
 * KL(target ‖ prediction) of a prediction in logarithms: t·(log t − x), 0 where t is 0.
 * @shape logProbabilities [any], target, as logProbabilities → scalar, or as logProbabilities
 * @units target: probabilities, or their logarithms
 * @gradient logProbabilities: −g·t; target: g·(log t − x + 1), 0 where t is 0
 * @throws ShapeError when shapes differ; ValueError for another reduction, or dtypes that differ
 * @source torch.nn.functional.kl_div
 */
export function klDiv(logProbabilities: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  const op = 'klDiv';
  knownOptions(op, options, klDivOptions);
  const { reduction = 'mean', logTarget = false } = options;
  checkPair(op, logProbabilities, target);
  checkDivergenceReduction(op, reduction);
  const probability = logTarget ? target.exp() : target;
  // A class without probability adds nothing, whatever its logarithms are.
  const isSome = probability.notEqual(0);
  const positive = logTarget ? target : target.where(isSome, 1);
  const log = logTarget ? target : positive.log();
  const gap = log.sub(logProbabilities).where(isSome, 0);
  const loss = reduceDivergence(op, probability.mul(gap), reduction);
  const made = [probability, isSome, positive, log].filter((t) => t !== target);
  return endWith(loss, ...constantsOf(...made));
}

export interface KlNormalOptions {
  /**
   * How the elements' divergences are combined: 'batchMean' for the sum divided by the size of the
   * first axis (default), 'mean' over all elements, 'sum', or 'none'. With 'batchMean' the result
   * is the mean divergence of the samples, because those of independent elements add up.
   */
  reduction?: DivergenceReduction;
}
export const klNormalOptions: OptionNames<KlNormalOptions> = { reduction: 'value' };

/**
 * KL(N(mean, e^logVar) ‖ N(0, 1)), which draws the codes of a variational autoencoder to the
 * standard normal distribution: ½·(mean² + e^logVar − 1 − logVar).
 * @shape mean [N,…], logVar, as mean → scalar, or as mean
 * @units logVar: the natural logarithm of the variance
 * @gradient mean: g·mean; logVar: g·(e^logVar − 1)/2
 * @throws ShapeError when shapes differ; ValueError for another reduction, or dtypes that differ
 * @source Kingma and Welling 2014, appendix B
 */
export function klNormal(mean: Tensor, logVar: Tensor, options: KlNormalOptions = {}): Tensor {
  const op = 'klNormal';
  knownOptions(op, options, klNormalOptions);
  const { reduction = 'batchMean' } = options;
  checkPair(op, mean, logVar, ['mean', 'logVar']);
  checkDivergenceReduction(op, reduction);
  const twice = mean.mul(mean).add(logVar.exp().sub(1).sub(logVar));
  return reduceDivergence(op, twice.mul(0.5), reduction);
}
