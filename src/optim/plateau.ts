/**
 * ReduceLROnPlateau: the schedule that follows a metric. Its rates depend on all metrics so far, so
 * it is no Schedule, which computes them from a count. Not here: what measures the metric.
 */
import { checkIsNumber, checkNumber, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { checkFraction, checkNotNegative } from './optimizer.js';
import { checkScheduled, type Schedule, type Scheduled, whole } from './schedule.js';

export interface PlateauOptions {
  /** Whether a lower ('min', default) or a higher ('max') metric is better. */
  mode?: 'min' | 'max';
  /** The rate is multiplied by this. Default 0.1. */
  factor?: number;
  /**
   * The number of steps without improvement after which the next one reduces the rate. Default 10.
   */
  patience?: number;
  /** By how much a metric must be better than the best. Default 1e-4. */
  threshold?: number;
  /**
   * Whether the threshold is a share of the best metric ('rel', default) or a difference ('abs').
   */
  thresholdMode?: 'rel' | 'abs';
  /** The number of steps after a reduction that do not count. Default 0. */
  cooldown?: number;
  /** The least rate. A list has one per group. Default 0. */
  minLr?: number | readonly number[];
  /** A reduction by no more than this is left out. Default 1e-8. */
  eps?: number;
}

const optionNames: OptionNames<PlateauOptions> = {
  mode: 'value',
  factor: 'value',
  patience: 'value',
  threshold: 'value',
  thresholdMode: 'value',
  cooldown: 'value',
  minLr: 'value',
  eps: 'value',
};

/**
 * The state of a ReduceLROnPlateau, for checkpoints. It consists of what JSON can hold. `best` is
 * null before the first metric that improved, and an infinite one is text.
 */
export interface PlateauState {
  readonly count: number;
  readonly best: number | 'Infinity' | '-Infinity' | null;
  /** Steps without improvement since the last one with it, or since the last reduction. */
  readonly badSteps: number;
  /** Steps that still do not count. */
  readonly cooldownLeft: number;
  /** The present rate of each group. */
  readonly rates: readonly number[];
}

/** Checks that an option is one of two words. */
function checkWord(op: string, name: string, value: unknown, words: readonly [string, string]): void {
  if (!words.includes(value as string))
    throw new ValueError(op, `${name} must be '${words[0]}' or '${words[1]}'`, `${name}=${shown(value)}`);
}

/**
 * Multiplies the rate by `factor` when a metric has not improved for more than `patience` steps.
 * Call step(metric) after each validation. A metric of NaN is no improvement.
 * @units patience, cooldown: steps; minLr, eps: learning rates; threshold: share of the metric, or
 * with thresholdMode 'abs' as the metric
 * @throws ValueError for options out of range
 * @source torch.optim.lr_scheduler.ReduceLROnPlateau
 */
export class ReduceLROnPlateau {
  /** The class's name in messages, written out because minifiers rename classes. */
  static readonly title: string = 'ReduceLROnPlateau';
  /** Whether step() needs a metric. That of a Schedule does not. */
  readonly needsMetric: true = true;
  readonly mode: 'min' | 'max';
  readonly factor: number;
  readonly patience: number;
  readonly threshold: number;
  readonly thresholdMode: 'rel' | 'abs';
  readonly cooldown: number;
  readonly minLr: number | readonly number[];
  readonly eps: number;
  #count = 0;
  #best: number | null = null;
  #badSteps = 0;
  #cooldownLeft = 0;

  constructor(
    readonly optimizer: Scheduled,
    options: PlateauOptions = {},
  ) {
    const op = ReduceLROnPlateau.title;
    checkScheduled(op, optimizer);
    knownOptions(op, options, optionNames);
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options;
    const { cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    checkWord(op, 'mode', mode, ['min', 'max']);
    checkWord(op, 'thresholdMode', thresholdMode, ['rel', 'abs']);
    checkFraction(op, { factor });
    checkNotNegative(op, { threshold, eps });
    whole(op, 'patience', patience, 0);
    whole(op, 'cooldown', cooldown, 0);
    const groups = optimizer.paramGroups.length;
    if (Array.isArray(minLr) && minLr.length !== groups)
      throw new ValueError(op, 'minLr must be a number, or one per group', `${minLr.length} for ${groups} groups`);
    checkNotNegative(
      op,
      Array.isArray(minLr) ? Object.fromEntries(minLr.map((v, i) => [`minLr[${i}]`, v])) : { minLr },
    );
    this.mode = mode;
    this.factor = factor;
    this.patience = patience;
    this.threshold = threshold;
    this.thresholdMode = thresholdMode;
    this.cooldown = cooldown;
    this.minLr = typeof minLr === 'number' ? minLr : [...minLr];
    this.eps = eps;
  }

  /** The number of steps so far. */
  get count(): number {
    return this.#count;
  }
  /** The best metric so far. Null before the first that improved. */
  get best(): number | null {
    return this.#best;
  }

  /**
   * Counts one step with its metric, and reduces the rates if it is time.
   * @throws ValueError if metric is not a number
   */
  step(metric: number): void {
    checkIsNumber('ReduceLROnPlateau.step', 'metric', metric);
    this.#count++;
    if (this.#improves(metric)) {
      this.#best = metric;
      this.#badSteps = 0;
    } else this.#badSteps++;
    if (this.#cooldownLeft > 0) {
      this.#cooldownLeft--;
      this.#badSteps = 0;
    }
    if (this.#badSteps <= this.patience) return;
    this.#reduce();
    this.#cooldownLeft = this.cooldown;
    this.#badSteps = 0;
  }

  #improves(metric: number): boolean {
    const isMin = this.mode === 'min';
    const best = this.#best;
    if (best === null) return isMin ? metric < Infinity : metric > -Infinity;
    const sign = isMin ? -1 : 1;
    const bound = this.thresholdMode === 'rel' ? best * (1 + sign * this.threshold) : best + sign * this.threshold;
    return isMin ? metric < bound : metric > bound;
  }

  #reduce(): void {
    const { minLr } = this;
    this.optimizer.paramGroups.forEach((group, i) => {
      // A group that was added later has the last bound.
      const least = typeof minLr === 'number' ? minLr : ((minLr[i] ?? minLr.at(-1)) as number);
      const rate = Math.max(group.lr * this.factor, least);
      if (group.lr - rate > this.eps) group.lr = rate;
    });
  }

  /** The state for a checkpoint. */
  stateDict(): PlateauState {
    const best = this.#best;
    return {
      count: this.#count,
      best: best === null || Number.isFinite(best) ? best : best > 0 ? 'Infinity' : '-Infinity',
      badSteps: this.#badSteps,
      cooldownLeft: this.#cooldownLeft,
      rates: this.optimizer.paramGroups.map(({ lr }) => lr),
    };
  }
  /**
   * Restores a state and sets the rates. Everything is checked before anything changes.
   * @throws ValueError if the number of groups differs, or for values out of range
   */
  loadStateDict(state: PlateauState): void {
    const op = 'ReduceLROnPlateau.loadStateDict';
    if (!Array.isArray(state?.rates)) throw new ValueError(op, 'a state must be what stateDict() gives', shown(state));
    const { count, best, badSteps, cooldownLeft, rates }: PlateauState = state;
    whole(op, 'count', count, 0);
    whole(op, 'badSteps', badSteps, 0);
    whole(op, 'cooldownLeft', cooldownLeft, 0);
    const isText = best === 'Infinity' || best === '-Infinity';
    if (best !== null && !isText)
      checkNumber(op, 'best', best, Number.isFinite, "finite, 'Infinity', '-Infinity' or null");
    const { paramGroups } = this.optimizer;
    if (rates.length !== paramGroups.length)
      throw new ValueError(
        op,
        'there must be one rate per group of the optimizer',
        `${rates.length} rates for ${paramGroups.length} groups`,
      );
    checkNotNegative(op, Object.fromEntries(rates.map((rate, i) => [`rates[${i}]`, rate])));
    this.#count = count;
    this.#best = best === null ? null : Number(best);
    this.#badSteps = badSteps;
    this.#cooldownLeft = cooldownLeft;
    paramGroups.forEach((group, i) => {
      group.lr = rates[i];
    });
  }
}

/**
 * Any schedule. `needsMetric` tells which of the two: call step(metric) where it is true, and
 * step() where it is false.
 */
export type AnySchedule = Schedule | ReduceLROnPlateau;
