/** Adagrad, composed of tensor ops. */
import { decayed } from './moments.js';
import {
  checkNotNegative,
  type Entry,
  Optimizer,
  type OptimizerOptions,
  type OptimizerParams,
  slot,
} from './optimizer.js';

export interface AdagradOptions extends OptimizerOptions {
  /** The rate of step t is lr/(1 + (t − 1)·lrDecay). Default 0. */
  lrDecay: number;
  /** This factor times the parameter is added to the gradient. Default 0. */
  weightDecay: number;
  /** What the sum of g² starts from. Default 0. */
  initialAccumulatorValue: number;
  /** Added to the root of this sum. Default 1e-10. */
  eps: number;
}

const defaults: AdagradOptions = { lr: 1e-2, lrDecay: 0, weightDecay: 0, initialAccumulatorValue: 0, eps: 1e-10 };

/**
 * p −= lr·g/(√s + ε) with s = Σ g² over all steps so far. Default lr 1e-2.
 * @throws ValueError for no parameters, duplicates, or options out of range
 * @source Duchi et al. 2011; torch.optim.Adagrad
 */
export class Adagrad extends Optimizer<AdagradOptions> {
  constructor(params: OptimizerParams<AdagradOptions>, options: Partial<AdagradOptions> = {}) {
    super('Adagrad', params, defaults, options);
  }
  protected checkOptions(op: string, options: AdagradOptions): void {
    const { lr, lrDecay, weightDecay, initialAccumulatorValue, eps } = options;
    checkNotNegative(op, { lr, lrDecay, weightDecay, initialAccumulatorValue, eps });
  }
  protected slots(): readonly string[] {
    return ['sum'];
  }
  protected update(entries: readonly Entry[], options: AdagradOptions): void {
    const { lr, lrDecay, weightDecay, initialAccumulatorValue, eps } = options;
    for (const entry of entries) {
      const { parameter, state } = entry;
      const g = decayed(entry, weightDecay);
      const sum = slot(state, 'sum', parameter, initialAccumulatorValue);
      sum.assign(sum.add(g.mul(g)));
      const rate = lr / (1 + (state.step - 1) * lrDecay);
      parameter.assign(parameter.sub(g.div(sum.sqrt().add(eps)).mul(rate)));
    }
  }
}
