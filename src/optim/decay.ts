/**
 * Schedules in closed form that let the rate fall: at milestones, exponentially, by a power, in
 * cosines with restarts, or by a function of your own. Not here: their base, and the ones used most
 * (schedule.ts).
 */
import { checkNumber, knownOptions, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { Schedule, type Scheduled, whole } from './schedule.js';

const checkGamma = (op: string, gamma: number): void =>
  checkNumber(op, 'gamma', gamma, (v) => v > 0 && v < Infinity, 'finite and positive');

/**
 * Multiplies the rate by gamma at each milestone. A milestone that is listed twice counts twice.
 * @units milestones: steps
 * @throws ValueError for options out of range
 * @source torch.optim.lr_scheduler.MultiStepLR
 */
export class MultiStepLR extends Schedule {
  static override readonly title: string = 'MultiStepLR';
  readonly milestones: readonly number[];
  readonly gamma: number;

  constructor(optimizer: Scheduled, options: { milestones: readonly number[]; gamma?: number }) {
    super(optimizer);
    const op = 'MultiStepLR';
    knownOptions(op, options, { milestones: 'value', gamma: 'value' });
    const { milestones, gamma = 0.1 } = options;
    if (!Array.isArray(milestones))
      throw new ValueError(op, 'milestones must be an array of numbers', `milestones=${shown(milestones)}`);
    milestones.forEach((milestone, i) => {
      whole(op, `milestones[${i}]`, milestone, 1);
    });
    checkGamma(op, gamma);
    this.milestones = [...milestones];
    this.gamma = gamma;
  }
  rate(base: number, count: number): number {
    return base * this.gamma ** this.milestones.filter((milestone) => milestone <= count).length;
  }
}

/**
 * Multiplies the rate by gamma at every step.
 * @throws ValueError for options out of range
 * @source torch.optim.lr_scheduler.ExponentialLR
 */
export class ExponentialLR extends Schedule {
  static override readonly title: string = 'ExponentialLR';
  readonly gamma: number;

  constructor(optimizer: Scheduled, options: { gamma: number }) {
    super(optimizer);
    knownOptions('ExponentialLR', options, { gamma: 'value' });
    checkGamma('ExponentialLR', options.gamma);
    this.gamma = options.gamma;
  }
  rate(base: number, count: number): number {
    return base * this.gamma ** count;
  }
}

/**
 * The rate times (1 − count/total)^power. It is 0 from step `total` on.
 * @units total: steps
 * @throws ValueError for options out of range
 * @source torch.optim.lr_scheduler.PolynomialLR
 */
export class PolynomialLR extends Schedule {
  static override readonly title: string = 'PolynomialLR';
  readonly total: number;
  readonly power: number;

  constructor(optimizer: Scheduled, options: { total: number; power?: number }) {
    super(optimizer);
    knownOptions('PolynomialLR', options, { total: 'value', power: 'value' });
    const { total, power = 1 } = options;
    whole('PolynomialLR', 'total', total, 1);
    checkNumber('PolynomialLR', 'power', power, (v) => v > 0 && v < Infinity, 'finite and positive');
    this.total = total;
    this.power = power;
  }
  rate(base: number, count: number): number {
    return base * (1 - Math.min(count, this.total) / this.total) ** this.power;
  }
}

/**
 * Half a cosine from the group's rate down to minFactor times it, again and again. The first takes
 * `period` steps, and each next one `growth` times as many. PyTorch's eta_min is minFactor·rate.
 * @units period: steps; minFactor: share of the rate
 * @throws ValueError for options out of range
 * @source Loshchilov and Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingWarmRestarts
 */
export class CosineWarmRestarts extends Schedule {
  static override readonly title: string = 'CosineWarmRestarts';
  readonly period: number;
  readonly growth: number;
  readonly minFactor: number;

  constructor(optimizer: Scheduled, options: { period: number; growth?: number; minFactor?: number }) {
    super(optimizer);
    const op = 'CosineWarmRestarts';
    knownOptions(op, options, { period: 'value', growth: 'value', minFactor: 'value' });
    const { period, growth = 1, minFactor = 0 } = options;
    whole(op, 'period', period, 1);
    whole(op, 'growth', growth, 1);
    checkNumber(op, 'minFactor', minFactor, (v) => v >= 0 && v <= 1, 'in [0, 1]');
    this.period = period;
    this.growth = growth;
    this.minFactor = minFactor;
  }
  rate(base: number, count: number): number {
    let period = this.period;
    // With equal periods the remainder is exact, and no loop is needed.
    let since = this.growth === 1 ? count % period : count;
    for (; since >= period; period *= this.growth) since -= period;
    const least = base * this.minFactor;
    return least + ((base - least) * (1 + Math.cos((Math.PI * since) / period))) / 2;
  }
}

/** A factor by the number of steps so far. */
export type RateFactor = (count: number) => number;

/**
 * The rate times what a function of the number of steps gives. A list has one function per group.
 * The function is not saved in a state; only the count is.
 * @throws ValueError if lambda is not a function or one per group, or gives anything but a finite
 * number that is not negative
 * @source torch.optim.lr_scheduler.LambdaLR
 */
export class LambdaLR extends Schedule {
  static override readonly title: string = 'LambdaLR';
  readonly lambda: RateFactor | readonly RateFactor[];

  constructor(optimizer: Scheduled, options: { lambda: RateFactor | readonly RateFactor[] }) {
    super(optimizer);
    knownOptions('LambdaLR', options, { lambda: 'value' });
    const { lambda } = options;
    const groups = optimizer.paramGroups.length;
    const isList = Array.isArray(lambda) && lambda.length === groups && lambda.every((f) => typeof f === 'function');
    if (typeof lambda !== 'function' && !isList)
      throw new ValueError(
        'LambdaLR',
        `lambda must be a function, or an array of one per group (${groups})`,
        `lambda=${shown(lambda)}`,
      );
    this.lambda = typeof lambda === 'function' ? lambda : [...lambda];
    this.set();
  }
  rate(base: number, count: number, group = 0): number {
    const { lambda } = this;
    // A group that was added later has the last function.
    const of = typeof lambda === 'function' ? lambda : ((lambda[group] ?? lambda.at(-1)) as RateFactor);
    const factor = of(count);
    checkNumber(
      'LambdaLR',
      `the result of lambda(${count})`,
      factor,
      (v) => v >= 0 && v < Infinity,
      'finite and not negative',
    );
    return base * factor;
  }
}
