/**
 * PyTorch's optimizers, gradient clipping and schedules as judges, over 20 steps with the same
 * parameters and gradients.
 */
import {
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  CosineLR,
  clipGradNorm,
  type Device,
  NAdam,
  type Optimizer,
  RAdam,
  RMSprop,
  type Schedule,
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
type Options = Readonly<Record<string, number | boolean | readonly number[]>>;

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
  readonly torch: readonly (readonly [name: string, options: Readonly<Record<string, number>>])[];
  readonly milestones?: readonly number[];
  readonly make: (optimizer: SGD) => Schedule;
  /** Up to which step both claim the same. */
  readonly until?: number;
}
const rates = [0.1, 2e-3];
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
  const optimizer = new SGD(rates.map((lr) => ({ params: [zeros([1])], lr })));
  const schedule = plan.make(optimizer);
  for (const [step, want] of line.rates.slice(0, (plan.until ?? steps) + 1).entries()) {
    if (step > 0) schedule.step();
    const got = optimizer.paramGroups.map(({ lr }) => lr);
    const shape = [rates.length];
    const wrong = difference(`rates after ${step} steps`, { shape, data: got }, { shape, data: want }, exact);
    if (wrong !== null) return wrong;
  }
  return null;
}

/** `weightDecay` as PyTorch writes it. */
const spelt = (options: Options | undefined): Options | null =>
  options === undefined
    ? null
    : Object.fromEntries(
        Object.entries(options).map(([name, v]) => [name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`), v]),
      );

export async function judgeTraining(reference: Device, wasm: Device): Promise<Report> {
  const report = new Report("PyTorch's optimizers, clipping and schedules");
  const folder = runPython('training.py', {
    steps,
    optimizers: runs.map(({ optimizer, options, second, clip, foreach }) => ({
      torch: optimizer,
      options: { ...spelt(options), ...(foreach && { foreach }) },
      second: spelt(second),
      // JSON has no infinity.
      clip: clip === undefined ? null : { ...clip, normType: clip.normType === Infinity ? 'Infinity' : clip.normType },
    })),
    schedules: plans.map(({ torch, milestones = [] }) => ({ torch, milestones, rates })),
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
