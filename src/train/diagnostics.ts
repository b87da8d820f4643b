/**
 * Warnings for a training loop: dead ReLUs, and a loss no better than a constant predictor's. Not
 * here: the loop.
 */
import { noGrad } from '../autograd/backward.js';
import type { Tensor } from '../tensor/tensor.js';

/**
 * Watches activations by name. `dead()` returns the names of layers whose every output was 0 the
 * last time.
 * @source Lu et al. 2019, Dying ReLU and Initialization
 */
export class ReluWatch {
  /** Whether activations are inspected. */
  enabled = false;
  readonly #peaks = new Map<string, Tensor>();

  /** Returns the activation unchanged. @shape y [any] */
  see(name: string, y: Tensor): Tensor {
    if (this.enabled) {
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
 * The smallest sum of sigmoid cross entropies that one constant logit can reach: n·H(mean of the
 * targets). A model at this loss has learnt the class frequencies, but nothing about the input.
 * @units nats, summed over targets
 */
export function constantPredictorLoss(targets: ArrayLike<number>): number {
  let positive = 0;
  for (let i = 0; i < targets.length; i++) positive += targets[i];
  const p = positive / targets.length;
  const term = (q: number): number => (q > 0 ? -q * Math.log(q) : 0);
  return targets.length * (term(p) + term(1 - p));
}

/** Whether a loss is at least 1 % below the constant predictor's. */
export const beatsConstantPredictor = (loss: number, targets: ArrayLike<number>): boolean =>
  loss < 0.99 * constantPredictorLoss(targets);
