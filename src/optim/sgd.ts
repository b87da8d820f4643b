/** Stochastic gradient descent with momentum, composed of tensor ops. */
import { checkNumber } from '../arguments.js';
import { ValueError } from '../errors.js';
import { decayed } from './moments.js';
import {
  checkNotNegative,
  type Entry,
  Optimizer,
  type OptimizerOptions,
  type OptimizerParams,
  slot,
} from './optimizer.js';

export interface SGDOptions extends OptimizerOptions {
  /** Share of the previous velocity that is kept. Default 0. */
  momentum: number;
  /**
   * The gradient is added to the velocity with the factor 1 − dampening, except at the first step.
   * Default 0.
   */
  dampening: number;
  /** This factor times the parameter is added to the gradient. Default 0. */
  weightDecay: number;
  /** Whether to use Nesterov momentum, which looks ahead along the velocity. Default false. */
  nesterov: boolean;
}

const defaults: SGDOptions = { lr: 1e-3, momentum: 0, dampening: 0, weightDecay: 0, nesterov: false };

/**
 * p −= lr·u with velocity u = momentum·u + (1 − dampening)·g, or plain g without momentum. With
 * nesterov, p −= lr·(g + momentum·u). Default lr 1e-3.
 * @throws ValueError for no parameters, duplicates, options out of range, or nesterov without
 * momentum
 * @source Sutskever et al. 2013; torch.optim.SGD
 */
export class SGD extends Optimizer<SGDOptions> {
  constructor(params: OptimizerParams<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super('SGD', params, defaults, options);
  }
  protected checkOptions(op: string, { lr, momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    checkNotNegative(op, { lr, momentum, weightDecay });
    checkNumber(op, 'dampening', dampening, Number.isFinite, 'finite');
    if (nesterov && (momentum === 0 || dampening !== 0))
      throw new ValueError(
        op,
        'nesterov needs momentum and no dampening',
        `momentum=${momentum}, dampening=${dampening}`,
      );
  }
  protected slots({ momentum }: SGDOptions): readonly string[] {
    return momentum === 0 ? [] : ['velocity'];
  }
  protected update(entries: readonly Entry[], { lr, momentum, dampening, weightDecay, nesterov }: SGDOptions): void {
    for (const entry of entries) {
      const { parameter, state } = entry;
      const g = decayed(entry, weightDecay);
      let direction = g;
      if (momentum !== 0) {
        const first = state.tensors.velocity === undefined;
        const velocity = slot(state, 'velocity', parameter);
        velocity.assign(first ? g : velocity.mul(momentum).add(g.mul(1 - dampening)));
        direction = nesterov ? g.add(velocity.mul(momentum)) : velocity;
      }
      parameter.assign(parameter.sub(direction.mul(lr)));
    }
  }
}
