/** RMSprop, composed of tensor ops. */
import { decayed, runningMean } from './moments.js';
import {
  checkFraction,
  checkNotNegative,
  type Entry,
  Optimizer,
  type OptimizerOptions,
  type OptimizerParams,
  slot,
} from './optimizer.js';

export interface RMSpropOptions extends OptimizerOptions {
  /** Decay of the running mean of g². Default 0.99. */
  alpha: number;
  /** Added to the root of this mean. Default 1e-8. */
  eps: number;
  /** This factor times the parameter is added to the gradient. Default 0. */
  weightDecay: number;
  /** Share of the previous step that is added to the next one. Default 0. */
  momentum: number;
  /**
   * Whether to divide by the standard deviation of g, not by its root mean square. Default false.
   */
  centered: boolean;
}

const defaults: RMSpropOptions = { lr: 1e-2, alpha: 0.99, eps: 1e-8, weightDecay: 0, momentum: 0, centered: false };

/**
 * p −= lr·g/(√s + ε) with s = alpha·s + (1 − alpha)·g². Momentum accumulates these steps. Default
 * lr 1e-2.
 * @throws ValueError for no parameters, duplicates, or options out of range
 * @source Hinton, Coursera lecture 6e, 2012; torch.optim.RMSprop
 */
export class RMSprop extends Optimizer<RMSpropOptions> {
  constructor(params: OptimizerParams<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super('RMSprop', params, defaults, options);
  }
  protected checkOptions(op: string, { lr, alpha, eps, weightDecay, momentum }: RMSpropOptions): void {
    checkNotNegative(op, { lr, eps, weightDecay, momentum });
    checkFraction(op, { alpha });
  }
  protected slots({ momentum, centered }: RMSpropOptions): readonly string[] {
    return ['square', ...(centered ? ['mean'] : []), ...(momentum === 0 ? [] : ['velocity'])];
  }
  protected update(
    entries: readonly Entry[],
    { lr, alpha, eps, weightDecay, momentum, centered }: RMSpropOptions,
  ): void {
    for (const entry of entries) {
      const { parameter, state } = entry;
      const g = decayed(entry, weightDecay);
      const square = runningMean(state, 'square', g.mul(g), alpha);
      let spread = square;
      if (centered) {
        const mean = runningMean(state, 'mean', g, alpha);
        // Rounding can make the difference negative, and its root would be NaN.
        spread = square.sub(mean.mul(mean)).maximum(0);
      }
      let direction = g.div(spread.sqrt().add(eps));
      if (momentum !== 0) {
        const velocity = slot(state, 'velocity', parameter);
        direction = velocity.assign(velocity.mul(momentum).add(direction));
      }
      parameter.assign(parameter.sub(direction.mul(lr)));
    }
  }
}
