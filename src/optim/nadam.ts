/** NAdam, composed of tensor ops. */
import { afterDecay, checkBetas, runningMean } from './moments.js';
import { checkNotNegative, type Entry, Optimizer, type OptimizerOptions, type OptimizerParams } from './optimizer.js';

export interface NAdamOptions extends OptimizerOptions {
  /** Decay of the running means of g and g². Default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Added to the root of the second moment. Default 1e-8. */
  eps: number;
  /** This factor times the parameter is added to the gradient. Default 0. */
  weightDecay: number;
  /** How fast the momentum μ rises towards β₁. Default 4e-3. */
  momentumDecay: number;
  /**
   * Whether weight decay does not enter the moments: the parameter shrinks by lr·weightDecay.
   * Default false.
   */
  decoupledWeightDecay: boolean;
}

const defaults: NAdamOptions = {
  lr: 2e-3,
  betas: [0.9, 0.999],
  eps: 1e-8,
  weightDecay: 0,
  momentumDecay: 4e-3,
  decoupledWeightDecay: false,
};

/**
 * Adam with Nesterov momentum: p −= lr·((1 − μₜ)·g/(1 − Πₜ) + μₜ₊₁·m/(1 − Πₜ₊₁))/(√v̂ + ε) with
 * μₜ = β₁·(1 − ½·0.96^(t·momentumDecay)) and Πₜ = μ₁·…·μₜ. Default lr 2e-3.
 * @throws ValueError for no parameters, duplicates, or options out of range
 * @source Dozat 2016; torch.optim.NAdam
 */
export class NAdam extends Optimizer<NAdamOptions> {
  /** The product of all momenta so far. It depends on the betas of every step, which may change. */
  protected override readonly numbers: readonly string[] = ['muProduct'];

  constructor(params: OptimizerParams<NAdamOptions>, options: Partial<NAdamOptions> = {}) {
    super('NAdam', params, defaults, options);
  }
  protected checkOptions(op: string, { lr, betas, eps, weightDecay, momentumDecay }: NAdamOptions): void {
    checkNotNegative(op, { lr, eps, weightDecay, momentumDecay });
    checkBetas(op, betas);
  }
  protected slots(): readonly string[] {
    return ['m', 'v'];
  }
  protected update(entries: readonly Entry[], options: NAdamOptions): void {
    const { lr, betas, eps, momentumDecay } = options;
    const momentum = (step: number): number => betas[0] * (1 - 0.5 * 0.96 ** (step * momentumDecay));
    for (const entry of entries) {
      const { parameter, state } = entry;
      const g = afterDecay(entry, options);
      const m = runningMean(state, 'm', g, betas[0]);
      const v = runningMean(state, 'v', g.mul(g), betas[1]);
      const [mu, next] = [momentum(state.step), momentum(state.step + 1)];
      const product = (state.numbers.muProduct ?? 1) * mu;
      state.numbers.muProduct = product;
      const spread = v
        .div(1 - betas[1] ** state.step)
        .sqrt()
        .add(eps);
      const ahead = g.mul((lr * (1 - mu)) / (1 - product)).add(m.mul((lr * next) / (1 - product * next)));
      parameter.assign(parameter.sub(ahead.div(spread)));
    }
  }
}
