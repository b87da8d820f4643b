/**
 * Schedules in closed form that let the rate rise and fall, and the momentum fall and rise. Not
 * here: cosines with restarts (decay.ts).
 */
import { checkFlag, checkFunction, checkNumber, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { checkScheduled, Schedule, type Scheduled, whole } from './schedule.js';

/** A number for all groups, or one for each. */
type PerGroup = number | readonly number[];

/** A checked number for all groups, or one for each. */
function perGroup(
  op: string,
  name: string,
  value: PerGroup,
  { paramGroups }: Scheduled,
  legal: (v: number) => boolean,
  rule: string,
): PerGroup {
  if (!Array.isArray(value)) {
    checkNumber(op, name, value as number, legal, rule);
    return value;
  }
  if (value.length !== paramGroups.length)
    throw new ValueError(
      op,
      `${name} must be a number, or one per group`,
      `${value.length} for ${paramGroups.length} groups`,
    );
  value.forEach((v, i) => {
    checkNumber(op, `${name}[${i}]`, v, legal, rule);
  });
  return [...value];
}
const ratesOf = (op: string, name: string, value: PerGroup, optimizer: Scheduled): PerGroup =>
  perGroup(op, name, value, optimizer, (v) => v >= 0 && v < Infinity, 'finite and not negative');

/** The value of a group. A group that was added later has the last one. */
const ofGroup = (value: PerGroup, group: number): number =>
  typeof value === 'number' ? value : ((value[group] ?? value.at(-1)) as number);

/** The groups' own rates, if an option gives them. It is checked here, before the base class. */
function basesOf(op: string, name: string, optimizer: Scheduled, rates: PerGroup | undefined): number[] | undefined {
  checkScheduled(op, optimizer);
  if (rates === undefined) return undefined;
  const checked = ratesOf(op, name, rates, optimizer);
  return optimizer.paramGroups.map((_, i) => ofGroup(checked, i));
}

/** How a schedule cycles momentum: the least and the largest one. */
export interface MomentumCycle {
  /**
   * Whether momentum falls while the rate rises, and rises while it falls. Betas replace momentum
   * where an optimizer has them; the first of them changes. Default: whether the optimizer has one
   * of these.
   */
  cycleMomentum?: boolean;
  /** The momentum at the highest rate. A list has one per group. */
  baseMomentum?: number | readonly number[];
  /** The momentum at the lowest rate. A list has one per group. */
  maxMomentum?: number | readonly number[];
}

/** The checked range of momentum. Null if momentum does not change. */
type MomentumRange = { readonly least: PerGroup; readonly most: PerGroup } | null;

function momentumRange(
  op: string,
  optimizer: Scheduled,
  given: MomentumCycle,
  [defaultLeast, defaultMost]: readonly [number, number],
): MomentumRange {
  const has = optimizer.paramGroups.every(({ momentum, betas }) => momentum !== undefined || betas !== undefined);
  const { cycleMomentum = has, baseMomentum = defaultLeast, maxMomentum = defaultMost } = given;
  checkFlag(op, 'cycleMomentum', cycleMomentum);
  const legal = (v: number): boolean => v >= 0 && v < 1;
  const least = perGroup(op, 'baseMomentum', baseMomentum, optimizer, legal, 'in [0, 1)');
  const most = perGroup(op, 'maxMomentum', maxMomentum, optimizer, legal, 'in [0, 1)');
  if (cycleMomentum && !has)
    throw new ValueError(
      op,
      'cycleMomentum needs an optimizer with momentum or betas',
      'one without',
      'leave cycleMomentum out',
    );
  return cycleMomentum ? { least, most } : null;
}

const momentumNames = { cycleMomentum: 'flag', baseMomentum: 'value', maxMomentum: 'value' } as const;

// ---- one cycle

export interface OneCycleOptions extends MomentumCycle {
  /** The highest rate. A list has one per group. Default: the rate that each group has. */
  maxLr?: number | readonly number[];
  /** The number of steps of the whole cycle. PyTorch's epochs · steps_per_epoch. */
  total: number;
  /** The share of the steps in which the rate rises. Default 0.3. */
  pctStart?: number;
  /** Whether the rate follows half a cosine ('cos', default) or a line ('linear'). */
  annealStrategy?: 'cos' | 'linear';
  /** The first rate is the highest one divided by this. Default 25. */
  divFactor?: number;
  /** The last rate is the first one divided by this. Default 1e4. */
  finalDivFactor?: number;
  /**
   * Whether the rate first falls back to the first rate, and then on to the last. Default false.
   */
  threePhase?: boolean;
}

const oneCycleNames: OptionNames<OneCycleOptions> = {
  total: 'value',
  maxLr: 'value',
  pctStart: 'value',
  annealStrategy: 'value',
  divFactor: 'value',
  finalDivFactor: 'value',
  threePhase: 'flag',
  ...momentumNames,
};

/**
 * A part of a cycle. Rates are shares of the highest rate. Momenta are 0 for the least and 1 for
 * the most.
 */
interface Phase {
  readonly end: number;
  readonly rates: readonly [from: number, to: number];
  readonly momenta: readonly [from: number, to: number];
}

/**
 * The rate rises from maxLr/divFactor to maxLr and falls to almost nothing, while momentum falls
 * from 0.95 to 0.85 and rises again. After `total` steps it stays there, while PyTorch's throws.
 * @units total: steps; pctStart: share of the steps
 * @throws ValueError for options out of range, or cycleMomentum without momentum or betas
 * @source Smith and Topin 2019, Super-Convergence; torch.optim.lr_scheduler.OneCycleLR
 */
export class OneCycleLR extends Schedule {
  static override readonly title: string = 'OneCycleLR';
  readonly total: number;
  readonly annealStrategy: 'cos' | 'linear';
  readonly #phases: readonly Phase[];
  readonly #momenta: MomentumRange;

  constructor(optimizer: Scheduled, options: OneCycleOptions) {
    super(optimizer, basesOf('OneCycleLR', 'maxLr', optimizer, options?.maxLr));
    const op = 'OneCycleLR';
    knownOptions(op, options, oneCycleNames);
    const { total, pctStart = 0.3, annealStrategy = 'cos', threePhase = false } = options;
    const { divFactor = 25, finalDivFactor = 1e4 } = options;
    whole(op, 'total', total, 1);
    checkNumber(op, 'pctStart', pctStart, (v) => v >= 0 && v <= 1, 'in [0, 1]');
    if (annealStrategy !== 'cos' && annealStrategy !== 'linear')
      throw new ValueError(op, "annealStrategy must be 'cos' or 'linear'", `annealStrategy=${shown(annealStrategy)}`);
    for (const [name, value] of Object.entries({ divFactor, finalDivFactor }))
      checkNumber(op, name, value, (v) => v > 0 && v < Infinity, 'finite and positive');
    const first = 1 / divFactor;
    const last = first / finalDivFactor;
    const rise: Phase = { end: pctStart * total - 1, rates: [first, 1], momenta: [1, 0] };
    this.total = total;
    this.annealStrategy = annealStrategy;
    this.#phases = threePhase
      ? [
          rise,
          { end: 2 * pctStart * total - 2, rates: [1, first], momenta: [0, 1] },
          { end: total - 1, rates: [first, last], momenta: [1, 1] },
        ]
      : [rise, { end: total - 1, rates: [1, last], momenta: [0, 1] }];
    this.#momenta = momentumRange(op, optimizer, options, [0.85, 0.95]);
    this.set();
  }

  /** The value between the ends of the phase at `count`. */
  #at(count: number, ends: (phase: Phase) => readonly [from: number, to: number]): number {
    const step = Math.min(count, this.total - 1);
    let start = 0;
    const lastPhase = this.#phases[this.#phases.length - 1];
    for (const phase of this.#phases) {
      if (step > phase.end && phase !== lastPhase) {
        start = phase.end;
        continue;
      }
      const [from, to] = ends(phase);
      const part = phase.end > start ? (step - start) / (phase.end - start) : 1;
      if (this.annealStrategy === 'linear') return (to - from) * part + from;
      return to + ((from - to) / 2) * (Math.cos(Math.PI * part) + 1);
    }
    throw new Error('the last phase always returns');
  }

  rate(base: number, count: number): number {
    return this.#at(count, ({ rates: [from, to] }) => [base * from, base * to]);
  }
  override momentum(count: number, group = 0): number | undefined {
    if (this.#momenta === null) return undefined;
    const least = ofGroup(this.#momenta.least, group);
    const most = ofGroup(this.#momenta.most, group);
    const value = (share: number): number => (share === 1 ? most : least);
    return this.#at(count, ({ momenta: [from, to] }) => [value(from), value(to)]);
  }
}

// ---- many cycles

export interface CyclicOptions extends MomentumCycle {
  /** The lowest rate. A list has one per group. Default: the rate that each group has. */
  baseLr?: number | readonly number[];
  /** The highest rate. A list has one per group. */
  maxLr: number | readonly number[];
  /** The steps in which the rate rises. Default 2000. */
  stepSizeUp?: number;
  /** The steps in which it falls. Default: stepSizeUp. */
  stepSizeDown?: number;
  /**
   * The height of the cycles: equal ('triangular', default), halved after each cycle
   * ('triangular2'), or gamma^count ('expRange').
   */
  mode?: 'triangular' | 'triangular2' | 'expRange';
  /** The base of 'expRange'. Default 1. */
  gamma?: number;
  /** The height as a function of your own, in place of `mode`. */
  scaleFn?: (x: number) => number;
  /**
   * What scaleFn gets: the number of the cycle, from 1 ('cycle', default), or the number of steps
   * so far ('iterations').
   */
  scaleMode?: 'cycle' | 'iterations';
}

const cyclicNames: OptionNames<CyclicOptions> = {
  maxLr: 'value',
  baseLr: 'value',
  stepSizeUp: 'value',
  stepSizeDown: 'value',
  mode: 'value',
  gamma: 'value',
  scaleFn: 'value',
  scaleMode: 'value',
  ...momentumNames,
};

/**
 * The rate rises linearly from baseLr to maxLr and falls again, cycle after cycle, while momentum
 * falls from 0.9 to 0.8 and rises again.
 * @units stepSizeUp, stepSizeDown: steps
 * @throws ValueError for options out of range, or cycleMomentum without momentum or betas
 * @source Smith 2017, Cyclical Learning Rates; torch.optim.lr_scheduler.CyclicLR
 */
export class CyclicLR extends Schedule {
  static override readonly title: string = 'CyclicLR';
  readonly maxLr: number | readonly number[];
  readonly stepSizeUp: number;
  readonly stepSizeDown: number;
  readonly #momenta: MomentumRange;
  readonly #scale: (x: number) => number;
  readonly #byCycle: boolean;

  constructor(optimizer: Scheduled, options: CyclicOptions) {
    super(optimizer, basesOf('CyclicLR', 'baseLr', optimizer, options?.baseLr));
    const op = 'CyclicLR';
    knownOptions(op, options, cyclicNames);
    const { stepSizeUp = 2000, stepSizeDown = stepSizeUp, mode = 'triangular', gamma = 1 } = options;
    const { scaleFn, scaleMode = 'cycle' } = options;
    whole(op, 'stepSizeUp', stepSizeUp, 1);
    whole(op, 'stepSizeDown', stepSizeDown, 1);
    checkNumber(op, 'gamma', gamma, (v) => v > 0 && v < Infinity, 'finite and positive');
    if (scaleFn !== undefined) checkFunction(op, 'scaleFn', scaleFn);
    if (scaleMode !== 'cycle' && scaleMode !== 'iterations')
      throw new ValueError(op, "scaleMode must be 'cycle' or 'iterations'", `scaleMode=${shown(scaleMode)}`);
    const heights = {
      triangular: () => 1,
      triangular2: (cycle: number) => 1 / 2 ** (cycle - 1),
      expRange: (count: number) => gamma ** count,
    };
    if (typeof mode !== 'string' || !Object.hasOwn(heights, mode))
      throw new ValueError(op, `mode must be one of ${Object.keys(heights).join(', ')}`, `mode=${shown(mode)}`);
    this.maxLr = ratesOf(op, 'maxLr', options.maxLr, optimizer);
    this.stepSizeUp = stepSizeUp;
    this.stepSizeDown = stepSizeDown;
    this.#scale = scaleFn ?? heights[mode];
    this.#byCycle = scaleFn === undefined ? mode !== 'expRange' : scaleMode === 'cycle';
    this.#momenta = momentumRange(op, optimizer, options, [0.8, 0.9]);
    this.set();
  }

  /** The height of the present cycle at `count`, as a share of the full height. */
  #height(count: number): number {
    const total = this.stepSizeUp + this.stepSizeDown;
    const rise = this.stepSizeUp / total;
    const cycle = Math.floor(1 + count / total);
    const part = 1 + count / total - cycle;
    const scale = this.#scale(this.#byCycle ? cycle : count);
    checkNumber('CyclicLR', 'the result of scaleFn', scale, Number.isFinite, 'finite');
    return (part <= rise ? part / rise : (part - 1) / (rise - 1)) * scale;
  }

  rate(base: number, count: number, group = 0): number {
    return base + (ofGroup(this.maxLr, group) - base) * this.#height(count);
  }
  override momentum(count: number, group = 0): number | undefined {
    if (this.#momenta === null) return undefined;
    const most = ofGroup(this.#momenta.most, group);
    return most - (most - ofGroup(this.#momenta.least, group)) * this.#height(count);
  }
}
