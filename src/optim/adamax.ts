/** Adamax, composed of tensor ops. */
import { checkBetas, decayed, runningMean } from './moments.js';
import {
  checkNotNegative,
  type Entry,
  Optimizer,
  type OptimizerOptions,
  type OptimizerParams,
  slot,
} from './optimizer.js';

export interface AdamaxOptions extends OptimizerOptions {
  /** Decay of the running mean of g and of the running maximum of |g|. Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to |g|. Default 1e-8. */
  eps: number;
  /** This factor times the parameter is added to the gradient. Default 0. */
  weightDecay: number;
}

const defaults: AdamaxOptions = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 };

/**
 * Adam with the largest gradient in place of the root mean square: p −= lr/(1 − β₁ᵗ)·m/u with
 * u = max(β₂·u, |g| + ε). Default lr 2e-3.
 * @throws ValueError for no parameters, duplicates, or options out of range
 * @source Kingma and Ba 2015, section 7.1; torch.optim.Adamax
 */
export class Adamax extends Optimizer<AdamaxOptions> {
  constructor(params: OptimizerParams<AdamaxOptions>, options: Partial<AdamaxOptions> = {}) {
    super('Adamax', params, defaults, options);
  }
  protected checkOptions(op: string, { lr, betas, eps, weightDecay }: AdamaxOptions): void {
    checkNotNegative(op, { lr, eps, weightDecay });
    checkBetas(op, betas);
  }
  protected slots(): readonly string[] {
    return ['m', 'largest'];
  }
  protected update(entries: readonly Entry[], { lr, betas, eps, weightDecay }: AdamaxOptions): void {
    for (const entry of entries) {
      const { parameter, state } = entry;
      const g = decayed(entry, weightDecay);
      const m = runningMean(state, 'm', g, betas[0]);
      const largest = slot(state, 'largest', parameter);
      largest.assign(largest.mul(betas[1]).maximum(g.abs().add(eps)));
      parameter.assign(parameter.sub(m.div(largest).mul(lr / (1 - betas[0] ** state.step))));
    }
  }
}
