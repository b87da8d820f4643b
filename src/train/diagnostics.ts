/**
 * Warning signs of a training run: dead ReLUs, and a loss that is no better than a constant's. Not
 * here: the training loop.
 */
import { checkFlag, checkIsNumber, checkNumbers, checkText } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { checkTensor } from '../autograd/graph.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * Watches activations by name. `dead()` returns the names of layers whose every output was 0 the
 * last time.
 * @source Lu et al. 2019, Dying ReLU and Initialization
 */
export class ReluWatch {
  #enabled = false;
  readonly #peaks = new Map<string, Tensor>();

  /** Whether `see` records activations. Default false. */
  get enabled(): boolean {
    return this.#enabled;
  }
  set enabled(on: boolean) {
    checkFlag('ReluWatch', 'enabled', on);
    this.#enabled = on;
  }

  /**
   * Returns the activation unchanged.
   * @shape y [any]
   * @throws ValueError if y is not a tensor, or name is not text
   */
  see(name: string, y: Tensor): Tensor {
    checkText('ReluWatch.see', 'name', name);
    checkTensor('ReluWatch.see', 'y', y);
    if (this.#enabled) {
      this.#peaks.get(name)?.release();
      this.#peaks.set(name, noGrad(() => y.detach().max().clone()).keep());
    }
    return y;
  }

  /** Names of the layers whose greatest output is 0. */
  async dead(): Promise<string[]> {
    const names: string[] = [];
    for (const [name, peak] of this.#peaks) if (!((await peak.item()) > 0)) names.push(name);
    return names;
  }
}

/**
 * The least sum of sigmoid cross entropies that one constant logit can reach: n·H(mean of the
 * targets). A model with this loss has learnt how frequent the classes are, and nothing about the
 * input.
 * @units targets in 0 … 1 → nats, summed over targets
 * @throws ValueError if a target is not a number in [0, 1]
 */
export const constantPredictorLoss = (targets: ArrayLike<number>): number =>
  leastLoss('constantPredictorLoss', targets);

function leastLoss(op: string, targets: ArrayLike<number>): number {
  checkNumbers(op, 'targets', targets);
  let positive = 0;
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i] ?? Number.NaN;
    if (!(target >= 0 && target <= 1)) throw new ValueError(op, 'targets must be in [0, 1]', `targets[${i}]=${target}`);
    positive += target;
  }
  const p = positive / targets.length;
  const term = (q: number): number => (q > 0 ? -q * Math.log(q) : 0);
  return targets.length * (term(p) + term(1 - p));
}

/**
 * Whether a loss is at least 1 % below the constant predictor's. A loss of NaN is not.
 * @throws ValueError if the loss is not a number, or a target is not a number in [0, 1]
 */
export function beatsConstantPredictor(loss: number, targets: ArrayLike<number>): boolean {
  const op = 'beatsConstantPredictor';
  checkIsNumber(op, 'loss', loss);
  return loss < 0.99 * leastLoss(op, targets);
}
