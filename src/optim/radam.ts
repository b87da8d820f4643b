/** RAdam, composed of tensor ops. */
import { afterDecay, checkBetas, runningMean } from './moments.js';
import { checkNotNegative, type Entry, Optimizer, type OptimizerOptions, type OptimizerParams } from './optimizer.js';

export interface RAdamOptions extends OptimizerOptions {
  /** Decay of the running means of g and g². Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  eps: number;
  /** This factor times the parameter is added to the gradient. Default 0. */
  weightDecay: number;
  /**
   * Whether weight decay does not enter the moments: the parameter shrinks by lr·weightDecay.
   * Default false.
   */
  decoupledWeightDecay: boolean;
}

const defaults: RAdamOptions = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  decoupledWeightDecay: false,
};

/**
 * The factor that corrects the variance of the second moment after so many steps. Null while too
 * few gradients have been seen for it.
 */
function rectification(beta2: number, step: number): number | null {
  const most = 2 / (1 - beta2) - 1;
  const length = most - (2 * step * beta2 ** step) / (1 - beta2 ** step);
  if (length <= 5) return null;
  return Math.sqrt(((length - 4) * (length - 2) * most) / ((most - 4) * (most - 2) * length));
}

/**
 * Adam that divides by the second moment only when that is reliable (after 5 steps for the default
 * betas), and then by a corrected one. The steps before are those of momentum. Default lr 1e-3.
 * @throws ValueError for no parameters, duplicates, or options out of range
 * @source Liu et al. 2020, On the Variance of the Adaptive Learning Rate; torch.optim.RAdam
 */
export class RAdam extends Optimizer<RAdamOptions> {
  constructor(params: OptimizerParams<RAdamOptions>, options: Partial<RAdamOptions> = {}) {
    super('RAdam', params, defaults, options);
  }
  protected checkOptions(op: string, { lr, betas, eps, weightDecay }: RAdamOptions): void {
    checkNotNegative(op, { lr, eps, weightDecay });
    checkBetas(op, betas);
  }
  protected slots(): readonly string[] {
    return ['m', 'v'];
  }
  protected update(entries: readonly Entry[], options: RAdamOptions): void {
    const { lr, betas, eps } = options;
    for (const entry of entries) {
      const { parameter, state } = entry;
      const g = afterDecay(entry, options);
      const m = runningMean(state, 'm', g, betas[0]);
      const v = runningMean(state, 'v', g.mul(g), betas[1]);
      const rate = lr / (1 - betas[0] ** state.step);
      const factor = rectification(betas[1], state.step);
      const direction =
        factor === null
          ? m.mul(rate)
          : m.div(v.sqrt().add(eps)).mul(rate * factor * Math.sqrt(1 - betas[1] ** state.step));
      parameter.assign(parameter.sub(direction));
    }
  }
}
