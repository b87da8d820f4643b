/**
 * PyTorch's optimizers, gradient clipping and schedules as judges, over 20 steps with the same
 * parameters and gradients.
 */
import {
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  type AnySchedule,
  CosineLR,
  CosineWarmRestarts,
  CyclicLR,
  type CyclicOptions,
  clipGradNorm,
  type Device,
  ExponentialLR,
  MultiStepLR,
  NAdam,
  OneCycleLR,
  type Optimizer,
  PolynomialLR,
  RAdam,
  ReduceLROnPlateau,
  RMSprop,
  SGD,
  StepLR,
  type Tensor,
  WarmupLR,
  zeros,
} from '../../src/index.js';
import { Calls, type Stored } from './calls.js';
import { difference, type Tolerance } from './compare.js';
import { runPython } from './python.js';
import { Report } from './report.js';

const steps = 20;
const makers = { Adam, AdamW, SGD, RMSprop, Adagrad, Adamax, NAdam, RAdam };
type Options = Readonly<Record<string, number | boolean | string | readonly number[]>>;

/** An optimizer with options in this library's names, which are PyTorch's in another spelling. */
interface Run {
  readonly optimizer: keyof typeof makers;
  readonly options: Options;
  /** Options of a second group, of the last two parameters. */
  readonly second?: Options;
  /** Whether PyTorch must use its implementation for lists of tensors. */
  readonly foreach?: boolean;
  /** Clipping before each step. */
  readonly clip?: { readonly maxNorm: number; readonly normType: number };
}

/** Every combination of one option's values with the others'. */
function combinations(options: Readonly<Record<string, readonly Options[string][]>>): Options[] {
  return Object.entries(options).reduce<Options[]>(
    (all, [name, values]) => all.flatMap((o) => values.map((v) => ({ ...o, [name]: v }))),
    [{}],
  );
}
const betas = [
  [0.9, 0.999],
  [0.5, 0.9],
] as const;
const adams = combinations({ lr: [1e-2], betas, eps: [1e-8, 1e-3], weightDecay: [0, 0.1], amsgrad: [false, true] });
const momenta = combinations({ lr: [1e-2], momentum: [0, 0.9], weightDecay: [0, 0.1] });
const runs: readonly Run[] = [
  ...adams.map((options): Run => ({ optimizer: 'Adam', options })),
  ...adams.map((options): Run => ({ optimizer: 'AdamW', options })),
  { optimizer: 'Adam', options: {} },
  { optimizer: 'AdamW', options: {} },
  ...momenta.map((options): Run => ({ optimizer: 'SGD', options })),
  ...[0, 0.1].flatMap((weightDecay): Run[] => [
    { optimizer: 'SGD', options: { lr: 1e-2, momentum: 0.9, dampening: 0.5, weightDecay } },
    { optimizer: 'SGD', options: { lr: 1e-2, momentum: 0.9, nesterov: true, weightDecay } },
  ]),
  ...momenta.flatMap((options) =>
    combinations({ alpha: [0.99, 0.5], centered: [false, true] }).map(
      (more): Run => ({ optimizer: 'RMSprop', options: { ...options, ...more } }),
    ),
  ),
  { optimizer: 'RMSprop', options: {} },
  ...combinations({
    lr: [1e-2],
    lrDecay: [0, 0.3],
    weightDecay: [0, 0.1],
    initialAccumulatorValue: [0, 0.5],
    eps: [1e-10, 1e-3],
  }).map((options): Run => ({ optimizer: 'Adagrad', options })),
  ...combinations({ lr: [1e-2], betas, eps: [1e-8, 1e-3], weightDecay: [0, 0.1] }).flatMap((options): Run[] => [
    { optimizer: 'Adamax', options },
    { optimizer: 'RAdam', options },
    // The other implementation of PyTorch 1.13 multiplies the product of momenta by one too many.
    ...[4e-3, 0.5].map(
      (momentumDecay): Run => ({ optimizer: 'NAdam', options: { ...options, momentumDecay }, foreach: true }),
    ),
  ]),
  ...(['Adagrad', 'Adamax', 'RAdam'] as const).map((optimizer): Run => ({ optimizer, options: {} })),
  { optimizer: 'NAdam', options: {}, foreach: true },
  { optimizer: 'Adam', options: { lr: 1e-2 }, second: { lr: 1e-3, weightDecay: 0.2 } },
  { optimizer: 'SGD', options: { lr: 1e-2, momentum: 0.9 }, second: { lr: 0.1, momentum: 0 } },
  ...[1, 2, 3, 0.5, Infinity].flatMap((normType) =>
    [1e-3, 1, 10, 1e4].map(
      (maxNorm): Run => ({ optimizer: 'SGD', options: { lr: 1e-2 }, clip: { maxNorm, normType } }),
    ),
  ),
];

interface Plan {
  readonly name: string;
  /** PyTorch's schedules in order, with their options, and the steps at which the next begins. */
  readonly torch: readonly (readonly [name: string, options: Options])[];
  readonly milestones?: readonly number[];
  readonly make: (optimizer: SGD) => AnySchedule;
  /** Up to which step both claim the same. */
  readonly until?: number;
}
const rates = [0.1, 2e-3];
/** What ReduceLROnPlateau gets, step by step. Every threshold lies between two of them. */
const metrics = Array.from({ length: steps }, (_, i) => Math.cos(i / 3) + 0.1 * Math.sin(i * i));
const cyclic = { base_lr: 0.01, max_lr: 0.1, step_size_up: 3, step_size_down: 4 };
const onward: readonly Plan[] = [
  ...[[2], [3, 3, 9], []].map(
    (milestones): Plan => ({
      name: 'MultiStepLR',
      torch: [['MultiStepLR', { milestones, gamma: 0.3 }]],
      make: (o) => new MultiStepLR(o, { milestones, gamma: 0.3 }),
    }),
  ),
  ...[0.5, 0.99].map(
    (gamma): Plan => ({
      name: 'ExponentialLR',
      torch: [['ExponentialLR', { gamma }]],
      make: (o) => new ExponentialLR(o, { gamma }),
    }),
  ),
  ...[7, 40].flatMap((total) =>
    [0.5, 1, 3].map(
      (power): Plan => ({
        name: 'PolynomialLR',
        torch: [['PolynomialLR', { total_iters: total, power }]],
        make: (o) => new PolynomialLR(o, { total, power }),
      }),
    ),
  ),
  ...[1, 4, 30].flatMap((period) =>
    [1, 2, 3].map(
      (growth): Plan => ({
        name: 'CosineWarmRestarts',
        torch: [['CosineAnnealingWarmRestarts', { T_0: period, T_mult: growth }]],
        make: (o) => new CosineWarmRestarts(o, { period, growth }),
      }),
    ),
  ),
  ...combinations({
    pct_start: [0.25, 0.4],
    anneal_strategy: ['cos', 'linear'],
    three_phase: [false, true],
    div_factor: [25, 4],
    final_div_factor: [1e4, 10],
    cycle_momentum: [false, true],
  }).map(
    (options): Plan => ({
      name: 'OneCycleLR',
      torch: [['OneCycleLR', { max_lr: 0.3, total_steps: steps + 1, ...options }]],
      make: (o) => new OneCycleLR(o, { maxLr: 0.3, total: steps + 1, ...spelt(options, 'here') }),
    }),
  ),
  ...combinations({
    mode: ['triangular', 'triangular2', 'exp_range'],
    gamma: [0.9],
    cycle_momentum: [false, true],
  }).map(
    (options): Plan => ({
      name: 'CyclicLR',
      torch: [['CyclicLR', { ...cyclic, ...options }]],
      make: (o) =>
        new CyclicLR(o, {
          ...(spelt({ ...cyclic, ...options }, 'here') as unknown as CyclicOptions),
          mode: (options.mode === 'exp_range' ? 'expRange' : options.mode) as CyclicOptions['mode'],
        }),
    }),
  ),
  ...combinations({
    mode: ['min', 'max'],
    patience: [0, 2],
    cooldown: [0, 2],
    threshold: [1e-4, 0.2],
    threshold_mode: ['rel', 'abs'],
    min_lr: [0, 1e-3],
  }).map(
    (options): Plan => ({
      name: 'ReduceLROnPlateau',
      torch: [['ReduceLROnPlateau', { factor: 0.5, ...options }]],
      make: (o) => new ReduceLROnPlateau(o, { factor: 0.5, ...spelt(options, 'here') }),
    }),
  ),
];
const plans: readonly Plan[] = [
  ...[1, 3, 7].flatMap((every) =>
    [0.1, 0.9].map(
      (gamma): Plan => ({
        name: 'StepLR',
        torch: [['StepLR', { step_size: every, gamma }]],
        make: (o) => new StepLR(o, { every, gamma }),
      }),
    ),
  ),
  ...[5, 20, 33].map(
    (total): Plan => ({
      name: 'CosineLR',
      torch: [['CosineAnnealingLR', { T_max: total }]],
      make: (o) => new CosineLR(o, { total }),
      until: total,
    }),
  ),
  ...[0.1, 0.5].flatMap((startFactor) =>
    [1, 5, 30].map(
      (count): Plan => ({
        name: 'WarmupLR',
        torch: [['LinearLR', { start_factor: startFactor, total_iters: count }]],
        make: (o) => new WarmupLR(o, { steps: count, startFactor }),
      }),
    ),
  ),
  {
    name: 'WarmupLR, then StepLR',
    torch: [
      ['LinearLR', { start_factor: 0.25, total_iters: 6 }],
      ['StepLR', { step_size: 4, gamma: 0.5 }],
    ],
    milestones: [6],
    make: (o) => new WarmupLR(o, { steps: 6, startFactor: 0.25, after: new StepLR(o, { every: 4, gamma: 0.5 }) }),
  },
  {
    name: 'WarmupLR, then CosineLR',
    torch: [
      ['LinearLR', { start_factor: 0.25, total_iters: 6 }],
      ['CosineAnnealingLR', { T_max: 14 }],
    ],
    milestones: [6],
    make: (o) => new WarmupLR(o, { steps: 6, startFactor: 0.25, after: new CosineLR(o, { total: 14 }) }),
  },
  ...onward,
];

interface OptimizerLine {
  readonly kind: 'optimizer';
  readonly number: number;
  readonly dtype: 'float32' | 'float64';
  readonly initial: readonly Stored[];
  readonly history: readonly {
    readonly grads: readonly (Stored | null)[];
    readonly norm: Stored | null;
    readonly params: readonly Stored[];
  }[];
}
interface ScheduleLine {
  readonly kind: 'schedule';
  readonly number: number;
  readonly rates: readonly (readonly number[])[];
  readonly momenta: readonly (readonly number[])[];
}
type Line = OptimizerLine | ScheduleLine;

const exact: Tolerance = { relative: 1e-12, ofLargest: false };
const rounded: Tolerance = { relative: 5e-6, ofLargest: false };

/** Steps as PyTorch did. Gives the first difference, or null. */
async function optimize(calls: Calls<Line>, line: OptimizerLine, run: Run, device: Device): Promise<string | null> {
  const params = line.initial.map((p) => calls.tensor(p, device, true).keep());
  const groups =
    run.second === undefined
      ? [{ params }]
      : [{ params: params.slice(0, 2) }, { params: params.slice(2), ...run.second }];
  const optimizer = new makers[run.optimizer](groups, run.options) as Optimizer;
  const tolerance = line.dtype === 'float64' ? exact : rounded;
  const check = async (what: string, t: Tensor, want: Stored): Promise<string | null> =>
    difference(
      what,
      { shape: t.shape, data: await t.data() },
      { shape: want.shape, data: calls.array(want) },
      tolerance,
    );
  for (const [step, { grads, norm, params: after }] of line.history.entries()) {
    for (const [i, p] of params.entries()) {
      const g = grads[i];
      p.grad = g === null ? null : calls.tensor(g, device);
    }
    if (run.clip !== undefined && norm !== null) {
      const { maxNorm, normType } = run.clip;
      const wrong = await check(`norm ${step}`, clipGradNorm(params, maxNorm, { normType }), norm);
      if (wrong !== null) return wrong;
    }
    optimizer.step();
    for (const [i, p] of params.entries()) {
      const wrong = await check(`step ${step + 1}, parameter ${i}`, p, after[i]);
      if (wrong !== null) return wrong;
    }
  }
  return null;
}

/** Rates as PyTorch's schedule gives them. Gives the first difference, or null. */
function follow(line: ScheduleLine, plan: Plan): string | null {
  const optimizer = new SGD(
    rates.map((lr) => ({ params: [zeros([1])], lr })),
    { momentum: 0.5 },
  );
  const schedule = plan.make(optimizer);
  for (const [step, want] of line.rates.slice(0, (plan.until ?? steps) + 1).entries()) {
    if (step > 0 && schedule.needsMetric) schedule.step(metrics[step - 1]);
    else if (step > 0 && !schedule.needsMetric) schedule.step();
    const got = optimizer.paramGroups.flatMap(({ lr, momentum }) => [lr, momentum]);
    const both = want.flatMap((lr, i) => [lr, line.momenta[step][i]]);
    const shape = [got.length];
    const wrong = difference(
      `rates and momenta after ${step} steps`,
      { shape, data: got },
      { shape, data: both },
      exact,
    );
    if (wrong !== null) return wrong;
  }
  return null;
}

/** Options with names as PyTorch writes them (weight_decay), or as they are written here. */
function spelt(options: Options, as: 'there' | 'here' = 'there'): Options {
  const renamed = (name: string): string =>
    as === 'there'
      ? name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)
      : name.replace(/_(\w)/g, (_, c: string) => c.toUpperCase());
  return Object.fromEntries(Object.entries(options).map(([name, v]) => [renamed(name), v]));
}

export async function judgeTraining(reference: Device, wasm: Device): Promise<Report> {
  const report = new Report("PyTorch's optimizers, clipping and schedules");
  const folder = runPython('training.py', {
    steps,
    optimizers: runs.map(({ optimizer, options, second, clip, foreach }) => ({
      torch: optimizer,
      options: { ...spelt(options), ...(foreach && { foreach }) },
      second: second === undefined ? null : spelt(second),
      // JSON has no infinity.
      clip: clip === undefined ? null : { ...clip, normType: clip.normType === Infinity ? 'Infinity' : clip.normType },
    })),
    schedules: plans.map(({ torch, milestones = [] }) => ({ torch, milestones, rates, metrics })),
  });
  const calls = new Calls<Line>(folder);
  for (const line of calls.lines) {
    if (line.kind === 'schedule') {
      const plan = plans[line.number];
      const wrong = follow(line, plan);
      if (wrong === null) report.passed(plan.name);
      else report.failed(plan.name, `${JSON.stringify(plan.torch)}: ${wrong}`);
      if (plan.until !== undefined && plan.until < steps)
        report.notClaimed(plan.name, 'rates after the last step, which rise again in PyTorch and stay here');
      continue;
    }
    const run = runs[line.number];
    const name = run.clip === undefined ? run.optimizer : 'clipGradNorm';
    for (const device of line.dtype === 'float64' ? [reference] : [reference, wasm]) {
      const wrong = await optimize(calls, line, run, device).catch(String);
      if (wrong === null) report.passed(name);
      else report.failed(name, `${device.name} ${line.dtype} ${JSON.stringify(run)}: ${wrong}`);
    }
  }
  return report;
}
