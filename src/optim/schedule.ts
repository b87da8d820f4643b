/**
 * Learning-rate schedules in closed form: their base, and the ones used most. Each computes the
 * rate from the group's own rate and the number of steps taken. Call step() after the optimizer's
 * step(). Not here: whether a step is a batch or an epoch, which the caller decides; other
 * schedules that fall (decay.ts), cycles (cycles.ts), and the one that follows a metric
 * (plateau.ts).
 */
import { checkNumber, knownOptions, shown } from '../arguments.js';
import { ValueError } from '../errors.js';

/** The part of an optimizer that a schedule uses. */
export interface Scheduled {
  readonly paramGroups: readonly ScheduledGroup[];
}
/** The options of a group that a schedule changes. Few schedules change momentum or betas. */
export interface ScheduledGroup {
  lr: number;
  momentum?: number;
  betas?: readonly [number, number];
}

/** A schedule's state, for checkpoints. */
export interface ScheduleState {
  readonly count: number;
  /** Rate of each group before any schedule. */
  readonly baseRates: readonly number[];
}

/** Checks that the first argument of a schedule is an optimizer. */
export function checkScheduled(op: string, optimizer: Scheduled): void {
  if (!Array.isArray(optimizer?.paramGroups))
    throw new ValueError(op, 'the first argument must be an optimizer', shown(optimizer));
}
export const whole = (op: string, name: string, value: number, least: number): void =>
  checkNumber(op, name, value, (v) => Number.isInteger(v) && v >= least, `whole and at least ${least}`);

/** @source torch.optim.lr_scheduler.LRScheduler */
export abstract class Schedule {
  /** The class's name in messages, written out because minifiers rename classes. */
  static readonly title: string = 'Schedule';
  /** Whether step() needs a metric. Only ReduceLROnPlateau's does. */
  readonly needsMetric: false = false;
  #count = 0;
  #bases: number[];

  /** `bases` are the groups' own rates, by default those that they have now. */
  constructor(
    readonly optimizer: Scheduled,
    bases?: readonly number[],
  ) {
    checkScheduled('Schedule', optimizer);
    this.#bases = [...(bases ?? optimizer.paramGroups.map((group) => group.lr))];
  }

  /**
   * The rate after `count` steps for a group with its own rate `base`. `group` is the number of the
   * group, for schedules with options for each. Default 0.
   * @units learning rate
   */
  abstract rate(base: number, count: number, group?: number): number;

  /**
   * The momentum of a group after `count` steps, or the first of its betas. Undefined if the
   * schedule leaves it alone, as most do.
   */
  momentum(_count: number, _group = 0): number | undefined {
    return undefined;
  }

  /** The number of steps so far. */
  get count(): number {
    return this.#count;
  }

  /** Counts one step and sets every group's rate. */
  step(): void {
    this.#count++;
    this.set();
  }

  /**
   * Sets every group's rate and momentum for the present count. A group that was added later starts
   * from the rate that it has.
   */
  protected set(): void {
    this.optimizer.paramGroups.forEach((group, i) => {
      this.#bases[i] ??= group.lr;
      group.lr = this.rate(this.#bases[i], this.#count, i);
      const momentum = this.momentum(this.#count, i);
      if (momentum === undefined) return;
      if (group.betas === undefined) group.momentum = momentum;
      else group.betas = [momentum, group.betas[1]];
    });
  }

  /** The state for a checkpoint. */
  stateDict(): ScheduleState {
    return { count: this.#count, baseRates: [...this.#bases] };
  }
  /** Restores a state and sets the rates. @throws ValueError if the number of groups differs */
  loadStateDict(state: ScheduleState): void {
    const op = `${(this.constructor as typeof Schedule).title}.loadStateDict`;
    if (!Array.isArray(state?.baseRates))
      throw new ValueError(op, 'a state must be what stateDict() gives', shown(state));
    const { count, baseRates } = state;
    whole(op, 'count', count, 0);
    if (baseRates.length !== this.optimizer.paramGroups.length)
      throw new ValueError(
        op,
        'there must be one rate per group of the optimizer',
        `${baseRates.length} rates for ${this.optimizer.paramGroups.length} groups`,
      );
    for (const baseRate of baseRates) checkNumber(op, 'baseRate', baseRate, Number.isFinite, 'finite');
    this.#count = count;
    this.#bases = [...baseRates];
    this.set();
  }
}

/**
 * Multiplies the rate by gamma every `every` steps.
 * @units every: steps
 * @throws ValueError for options out of range
 * @source torch.optim.lr_scheduler.StepLR
 */
export class StepLR extends Schedule {
  static override readonly title: string = 'StepLR';
  readonly every: number;
  readonly gamma: number;

  constructor(optimizer: Scheduled, options: { every: number; gamma?: number }) {
    super(optimizer);
    knownOptions('StepLR', options, { every: 'value', gamma: 'value' });
    const { every, gamma = 0.1 } = options;
    whole('StepLR', 'every', every, 1);
    checkNumber('StepLR', 'gamma', gamma, (v) => v > 0 && v < Infinity, 'finite and positive');
    this.every = every;
    this.gamma = gamma;
  }
  rate(base: number, count: number): number {
    return base * this.gamma ** Math.floor(count / this.every);
  }
}

/**
 * Half a cosine from the group's rate down to minFactor times it. It stays there, while PyTorch's
 * rises again. PyTorch's eta_min is minFactor·rate.
 * @units total: steps; minFactor: share of the rate
 * @throws ValueError for options out of range
 * @source Loshchilov and Hutter 2017; torch.optim.lr_scheduler.CosineAnnealingLR
 */
export class CosineLR extends Schedule {
  static override readonly title: string = 'CosineLR';
  readonly total: number;
  readonly minFactor: number;

  constructor(optimizer: Scheduled, options: { total: number; minFactor?: number }) {
    super(optimizer);
    knownOptions('CosineLR', options, { total: 'value', minFactor: 'value' });
    const { total, minFactor = 0 } = options;
    whole('CosineLR', 'total', total, 1);
    checkNumber('CosineLR', 'minFactor', minFactor, (v) => v >= 0 && v <= 1, 'in [0, 1]');
    this.total = total;
    this.minFactor = minFactor;
  }
  rate(base: number, count: number): number {
    const least = base * this.minFactor;
    return least + ((base - least) * (1 + Math.cos((Math.PI * Math.min(count, this.total)) / this.total))) / 2;
  }
}

/**
 * Rises linearly from startFactor times the group's rate to the full rate in `steps` steps. Then
 * the schedule `after` starts. Call step() only on this schedule, not on `after`.
 * @units steps: steps; startFactor: share of the rate
 * @throws ValueError for options out of range, or an `after` of another optimizer
 * @source Goyal et al. 2017; torch.optim.lr_scheduler.LinearLR and SequentialLR
 */
export class WarmupLR extends Schedule {
  static override readonly title: string = 'WarmupLR';
  readonly steps: number;
  readonly startFactor: number;
  readonly after: Schedule | undefined;

  constructor(optimizer: Scheduled, options: { steps: number; startFactor?: number; after?: Schedule }) {
    // The constructor of `after` may have set other rates already.
    super(optimizer, options?.after instanceof Schedule ? options.after.stateDict().baseRates : undefined);
    knownOptions('WarmupLR', options, { steps: 'value', startFactor: 'value', after: 'value' });
    const { steps, startFactor = 1 / 3, after } = options;
    whole('WarmupLR', 'steps', steps, 1);
    checkNumber('WarmupLR', 'startFactor', startFactor, (v) => v >= 0 && v <= 1, 'in [0, 1]');
    if (after !== undefined && !(after instanceof Schedule))
      throw new ValueError('WarmupLR', 'after must be a schedule', `after=${shown(after)}`);
    if (after !== undefined && after.optimizer !== optimizer)
      throw new ValueError('WarmupLR', 'after must be a schedule of the same optimizer', 'one of another');
    this.steps = steps;
    this.startFactor = startFactor;
    this.after = after;
    this.set();
  }
  rate(base: number, count: number, group = 0): number {
    if (count < this.steps) return base * (this.startFactor + ((1 - this.startFactor) * count) / this.steps);
    return this.after === undefined ? base : this.after.rate(base, count - this.steps, group);
  }
  override momentum(count: number, group = 0): number | undefined {
    return count < this.steps ? undefined : this.after?.momentum(count - this.steps, group);
  }
}
