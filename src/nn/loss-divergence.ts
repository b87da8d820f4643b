/** Divergences, as modules. Not here: the operations (autograd/ops/loss-divergence.ts). */
import { checkFlag, knownOptions } from '../arguments.js';
import {
  checkDivergenceReduction,
  type DivergenceReduction,
  type KlDivOptions,
  type KlNormalOptions,
  klDiv,
  klDivOptions,
  klNormal,
  klNormalOptions,
} from '../autograd/ops/loss-divergence.js';
import type { Tensor } from '../tensor/tensor.js';
import { attributes } from './check.js';
import { Module } from './module.js';

/**
 * KL(target ‖ prediction) of a prediction in logarithms. reduction: 'batchMean' gives the mean
 * divergence of [N,C].
 * @shape logProbabilities [any], target, as logProbabilities → scalar, or as logProbabilities
 * @units target: probabilities, or their logarithms
 * @gradient logProbabilities: −g·t
 * @throws ShapeError when shapes differ; ValueError for an unknown reduction, or dtypes that differ
 * @source torch.nn.KLDivLoss
 */
export class KLDivLoss extends Module {
  static override readonly title: string = 'KLDivLoss';
  readonly reduction: DivergenceReduction;
  readonly logTarget: boolean;

  constructor(options: KlDivOptions = {}) {
    super();
    const op = 'KLDivLoss';
    knownOptions(op, options, klDivOptions);
    const { reduction = 'mean', logTarget = false } = options;
    checkDivergenceReduction(op, reduction);
    checkFlag(op, 'logTarget', logTarget);
    this.reduction = reduction;
    this.logTarget = logTarget;
  }
  forward(logProbabilities: Tensor, target: Tensor): Tensor {
    return klDiv(logProbabilities, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
  override describe(): string {
    return attributes({
      reduction: this.reduction === 'mean' ? undefined : this.reduction,
      logTarget: this.logTarget ? true : undefined,
    });
  }
}

/**
 * KL(N(mean, e^logVar) ‖ N(0, 1)), which draws the codes of a variational autoencoder to the
 * standard normal distribution: a sum for each sample, averaged over the batch.
 * @shape mean [N,…], logVar, as mean → scalar, or as mean
 * @units logVar: the natural logarithm of the variance
 * @gradient mean: g·mean; logVar: g·(e^logVar − 1)/2
 * @throws ShapeError when shapes differ; ValueError for an unknown reduction, or dtypes that differ
 * @source Kingma and Welling 2014, appendix B
 */
export class KLNormalLoss extends Module {
  static override readonly title: string = 'KLNormalLoss';
  readonly reduction: DivergenceReduction;

  constructor(options: KlNormalOptions = {}) {
    super();
    const op = 'KLNormalLoss';
    knownOptions(op, options, klNormalOptions);
    const { reduction = 'batchMean' } = options;
    checkDivergenceReduction(op, reduction);
    this.reduction = reduction;
  }
  forward(mean: Tensor, logVar: Tensor): Tensor {
    return klNormal(mean, logVar, { reduction: this.reduction });
  }
  override describe(): string {
    return this.reduction === 'batchMean' ? '' : `reduction=${this.reduction}`;
  }
}
