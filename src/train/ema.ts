/**
 * An exponential moving average of a model's weights. Not here: when it is updated and used, which
 * the training loop decides.
 */
import { checkFunction, checkNumber, knownOptions, type OptionNames } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { alias } from '../autograd/graph.js';
import { GraphError } from '../errors.js';
import { checkModel } from '../io/weights.js';
import type { Module } from '../nn/module.js';
import { loadState } from '../nn/state.js';
import type { Tensor } from '../tensor/tensor.js';

/** Options of ExponentialMovingAverage. */
export interface ExponentialMovingAverageOptions {
  /** Weight of the average at each update, in [0, 1). Default 0.999. */
  decay?: number;
  /**
   * Whether the decay rises from 0.1 as (1 + n)/(10 + n) with the number n of earlier updates,
   * until it reaches `decay`. Without it the initial weights stay in the average for some 3/(1 −
   * decay) updates, so a short run needs it. Default false.
   */
  warmup?: boolean;
}

/** The state of an average, for checkpoints. */
export interface ExponentialMovingAverageState {
  /** The number of updates so far. */
  readonly count: number;
  /** The averages and the copies of the buffers, with the model's names. */
  readonly tensors: Readonly<Record<string, Tensor>>;
}

const optionNames: OptionNames<ExponentialMovingAverageOptions> = { decay: 'value', warmup: 'flag' };

/** A tensor of the model, and its average. */
interface Averaged {
  readonly name: string;
  readonly live: Tensor;
  readonly average: Tensor;
}

/**
 * An average of a model's weights over the steps of a run, in which newer weights count more:
 * average = decay·average + (1 − decay)·weight. It starts with the present weights. Averaged
 * weights often predict better than the last ones. Buffers, such as the statistics of batch norm,
 * are copied and not averaged. It holds one more copy of the model. If parameters are replaced
 * (Module.to), a new average is needed.
 *
 * Call update() after each step of the optimizer. It may be called after a compiled step, or be a
 * part of it.
 * @throws ValueError for something other than a model, or a decay outside [0, 1)
 * @source Polyak and Juditsky 1992; torch.optim.swa_utils.AveragedModel;
 * tf.train.ExponentialMovingAverage
 */
export class ExponentialMovingAverage {
  readonly decay: number;
  readonly warmup: boolean;
  readonly #parameters: readonly Averaged[];
  readonly #buffers: readonly Averaged[];
  #count = 0;
  #applied = false;

  constructor(model: Module, options: ExponentialMovingAverageOptions = {}) {
    const op = 'ExponentialMovingAverage';
    checkModel(op, model);
    knownOptions(op, options, optionNames);
    const { decay = 0.999, warmup = false } = options;
    checkNumber(op, 'decay', decay, (v) => v >= 0 && v < 1, 'in [0, 1)');
    this.decay = decay;
    this.warmup = warmup;
    const copied = (tensors: readonly [string, Tensor][]): Averaged[] =>
      tensors.map(([name, live]) => ({ name, live, average: noGrad(() => live.detach().clone()).keep() }));
    this.#parameters = copied(model.namedParameters());
    this.#buffers = copied(model.namedBuffers());
  }

  /** The number of updates so far. */
  get count(): number {
    return this.#count;
  }

  get #all(): readonly Averaged[] {
    return [...this.#parameters, ...this.#buffers];
  }

  /**
   * Adds the present weights to the average, in place, and copies the buffers.
   * @throws GraphError within apply(), where the model has the averaged weights
   */
  update(): void {
    this.#checkNotApplied('update');
    const n = this.#count;
    const decay = this.warmup ? Math.min(this.decay, (1 + n) / (10 + n)) : this.decay;
    noGrad(() => {
      // A weight that does not change leaves its average as it is, to the last bit.
      for (const { live, average } of this.#parameters) average.assign(average.add(live.sub(average).mul(1 - decay)));
      for (const { live, average } of this.#buffers) average.assign(live);
    });
    this.#count++;
  }

  /**
   * Runs fn while the model has the averaged weights and the copied buffers. Afterwards the model
   * has its own again, bit for bit, also if fn throws. The values are copied in place, so compiled
   * functions and optimizers that hold the parameters stay valid.
   * @throws GraphError within another apply(); whatever fn throws
   */
  async apply<R>(fn: () => R | Promise<R>): Promise<R> {
    checkFunction('ExponentialMovingAverage.apply', 'fn', fn);
    this.#checkNotApplied('apply');
    const all = this.#all;
    const own = noGrad(() => all.map(({ live }) => live.detach().clone())).map((t) => t.keep());
    this.#applied = true;
    try {
      noGrad(() => {
        for (const { live, average } of all) live.assign(average);
      });
      return await fn();
    } finally {
      this.#applied = false;
      noGrad(() => {
        all.forEach(({ live }, i) => {
          live.assign(own[i] as Tensor);
        });
      });
      for (const t of own) t.unkeep().release();
    }
  }

  #checkNotApplied(method: string): void {
    if (this.#applied)
      throw new GraphError(
        `ExponentialMovingAverage.${method}`,
        'the model must have its own weights',
        `${method}() within apply()`,
        'await the apply() before',
      );
  }

  /**
   * The number of updates, and the averages by the model's names. These are live views, which later
   * updates change. clone() values that must not change.
   */
  stateDict(): ExponentialMovingAverageState {
    return {
      count: this.#count,
      tensors: Object.fromEntries(this.#all.map(({ name, average }) => [name, alias(average)])),
    };
  }

  /**
   * Restores a state from stateDict by copying its values. Everything is checked before anything
   * changes.
   * @throws ValueError with every name, shape and dtype that is not the model's
   */
  loadStateDict(state: ExponentialMovingAverageState): void {
    const op = 'ExponentialMovingAverage.loadStateDict';
    knownOptions(op, state, { count: 'value', tensors: 'value' });
    const { count, tensors } = state;
    checkNumber(op, 'count', count, (v) => Number.isSafeInteger(v) && v >= 0, 'whole and not negative');
    loadState(op, new Map(this.#all.map(({ name, average }) => [name, average])), tensors, {});
    this.#count = count;
  }
}
