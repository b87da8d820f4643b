/**
 * The schedules of decay.ts, cycles.ts and plateau.ts compared with PyTorch's rates and momenta
 * (test/fixtures/schedules.json, made by gen_optim.py), and resumed from a state that went through
 * JSON. Not here: the schedules of schedule.ts (schedule.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adagrad,
  Adam,
  type AnySchedule,
  CosineLR,
  CosineWarmRestarts,
  CyclicLR,
  ExponentialLR,
  LambdaLR,
  MultiStepLR,
  OneCycleLR,
  Parameter,
  PolynomialLR,
  ReduceLROnPlateau,
  type Scheduled,
  SGD,
  tensor,
  WarmupLR,
} from '../../src/index.js';
import stored from '../fixtures/schedules.json' with { type: 'json' };
import { closeTo } from '../helpers/close.js';

const test = suite('optim/torch-schedules');
const makers = {
  MultiStepLR,
  ExponentialLR,
  PolynomialLR,
  CosineAnnealingWarmRestarts: CosineWarmRestarts,
  OneCycleLR,
  CyclicLR,
  LambdaLR,
  ReduceLROnPlateau,
};
const metrics = stored.metrics.map(Number);
const functions = {
  lambda: (count: number) => 1 / (1 + count),
  lambdas: [(count: number) => 0.9 ** count, (count: number) => 1 / (1 + count)],
  scaleFn: (x: number) => 1 / (1 + x),
};

/** Names of PyTorch's options that have another name here. */
const names: Readonly<Record<string, string>> = {
  T_0: 'period',
  T_mult: 'growth',
  total_iters: 'total',
  total_steps: 'total',
};
const spelt = (name: string): string =>
  names[name] ?? name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
const optionsOf = ({ options, function: fn }: { options: object; function?: string }): Record<string, unknown> => ({
  ...Object.fromEntries(Object.entries(options).map(([name, v]) => [spelt(name), v === 'exp_range' ? 'expRange' : v])),
  ...(fn !== undefined && { [fn === 'lambdas' ? 'lambda' : fn]: functions[fn as keyof typeof functions] }),
});

/** An optimizer with two groups, as in the fixtures. */
function optimizerOf(name: string): Scheduled {
  const groups = [0.1, 2e-3].map((lr) => ({ params: [new Parameter(tensor([1]))], lr }));
  return name === 'SGD' ? new SGD(groups, { momentum: 0.5 }) : name === 'Adam' ? new Adam(groups) : new Adagrad(groups);
}
const make = (schedule: string, optimizer: Scheduled, options: object): AnySchedule =>
  new makers[schedule as keyof typeof makers](optimizer, options as never);
function stepOf(schedule: AnySchedule, step: number): void {
  if (schedule.needsMetric) schedule.step(metrics[step]);
  else schedule.step();
}
const ratesOf = ({ paramGroups }: Scheduled): number[] => paramGroups.map(({ lr }) => lr);
const momentaOf = ({ paramGroups }: Scheduled): number[] =>
  paramGroups.map(({ momentum, betas }) => betas?.[0] ?? momentum ?? Number.NaN);

assert.is(stored.cases.length, 47);
for (const [i, stored_] of stored.cases.entries()) {
  const { schedule: name, rates, momenta, optimizer: kind } = stored_;
  test(`PyTorch's ${name} ${JSON.stringify(stored_.options)}, ${kind}, case ${i}`, () => {
    const optimizer = optimizerOf(kind);
    const schedule = make(name, optimizer, optionsOf(stored_));
    rates.forEach((want, step) => {
      if (step > 0) stepOf(schedule, step - 1);
      closeTo(ratesOf(optimizer), want, 1e-13, `rates after ${step} steps`);
      if (momenta !== null) closeTo(momentaOf(optimizer), momenta[step] as number[], 1e-13, `momenta, ${step} steps`);
    });
  });

  test(`${name} ${JSON.stringify(stored_.options)}, ${kind}, case ${i} goes on from a state`, () => {
    const first = optimizerOf(kind);
    const whole = make(name, first, optionsOf(stored_));
    for (let step = 0; step < 9; step++) stepOf(whole, step);
    const state = JSON.parse(JSON.stringify(whole.stateDict()));
    const second = optimizerOf(kind);
    const resumed = make(name, second, optionsOf(stored_));
    resumed.loadStateDict(state as never);
    assert.is(resumed.count, 9);
    for (let step = 9; step < 24; step++) {
      assert.equal([ratesOf(second), momentaOf(second)], [ratesOf(first), momentaOf(first)], `step ${step}`);
      stepOf(whole, step);
      stepOf(resumed, step);
    }
  });
}

// ---- what PyTorch does not have, or does otherwise

const sgd = (lr = 1): SGD => new SGD([new Parameter(tensor([1]))], { lr, momentum: 0.5 });

test('OneCycleLR takes the rate of the group as the highest, and stays at its last rate', () => {
  const optimizer = sgd(0.5);
  const schedule = new OneCycleLR(optimizer, { total: 10 });
  closeTo([optimizer.paramGroups[0].lr], [0.02], 1e-15);
  for (let step = 0; step < 9; step++) schedule.step();
  closeTo([optimizer.paramGroups[0].lr], [0.5 / 25 / 1e4], 1e-15);
  schedule.step();
  closeTo([optimizer.paramGroups[0].lr], [0.5 / 25 / 1e4], 1e-15);
  assert.is(optimizer.paramGroups[0].momentum, 0.95);
});

test('OneCycleLR of one or two steps has no division by zero', () => {
  for (const total of [1, 2, 10])
    for (const pctStart of [0, 0.1, 1]) {
      const optimizer = sgd(0.5);
      const schedule = new OneCycleLR(optimizer, { total, pctStart, threePhase: true });
      for (let step = 0; step < total + 1; step++) {
        assert.ok(optimizer.paramGroups[0].lr > 0, `${total} ${pctStart}`);
        schedule.step();
      }
    }
});

test('an optimizer without momentum has none to cycle, unless it is told to', () => {
  const optimizer = new Adagrad([new Parameter(tensor([1]))]);
  new OneCycleLR(optimizer, { total: 10 }).step();
  assert.equal(Object.keys(optimizer.paramGroups[0]).includes('momentum'), false);
  assert.throws(
    () => new CyclicLR(optimizer, { maxLr: 1, cycleMomentum: true }),
    'CyclicLR: cycleMomentum needs an optimizer with momentum or betas; got one without; leave cycleMomentum out',
  );
});

test('CyclicLR cycles the first of the betas and leaves the second', () => {
  const optimizer = new Adam([new Parameter(tensor([1]))], { betas: [0.9, 0.99] });
  const schedule = new CyclicLR(optimizer, { maxLr: 0.1, stepSizeUp: 2 });
  const seen = Array.from({ length: 5 }, () => {
    const { betas } = optimizer.paramGroups[0];
    schedule.step();
    return betas;
  });
  closeTo(
    seen.flat(),
    [0.9, 0.85, 0.8, 0.85, 0.9].flatMap((beta) => [beta, 0.99]),
    1e-15,
  );
});

test('WarmupLR hands over to a schedule that sets rates and momenta itself', () => {
  const optimizer = sgd(1);
  const after = new OneCycleLR(optimizer, { maxLr: 0.2, total: 4, pctStart: 0.5, annealStrategy: 'linear' });
  const schedule = new WarmupLR(optimizer, { steps: 2, startFactor: 0.5, after });
  const seen = Array.from({ length: 6 }, () => {
    const { lr, momentum } = optimizer.paramGroups[0];
    schedule.step();
    return [lr, momentum];
  });
  // The warm-up rises to the highest rate of what follows, then the cycle starts: 0.008 and 0.2 are
  // a fall again, which is what the two schedules say.
  closeTo(seen.flat(), [0.1, 0.95, 0.15, 0.95, 0.008, 0.95, 0.2, 0.85, 0.1000004, 0.9, 8e-7, 0.95], 1e-12);
});

test('a warm-up inside a warm-up keeps the rate of the group', () => {
  const optimizer = sgd(1);
  const inner = new WarmupLR(optimizer, { steps: 2, startFactor: 0.5, after: new CosineLR(optimizer, { total: 9 }) });
  const outer = new WarmupLR(optimizer, { steps: 1, startFactor: 0.25, after: inner });
  const seen = Array.from({ length: 4 }, () => {
    const { lr } = optimizer.paramGroups[0];
    outer.step();
    return lr;
  });
  closeTo(seen, [0.25, 0.5, 0.75, 1], 1e-15);
});

test('a group that was added later has the last of the numbers for groups', () => {
  const optimizer = sgd(1);
  const schedule = new LambdaLR(optimizer, { lambda: [(count) => 1 / (1 + count)] });
  optimizer.addParamGroup({ params: [new Parameter(tensor([1]))], lr: 8 });
  schedule.step();
  closeTo(ratesOf(optimizer), [0.5, 4], 1e-15);
});

test('ReduceLROnPlateau: NaN is no improvement, and an infinite metric goes through JSON', () => {
  const optimizer = sgd(1);
  const schedule = new ReduceLROnPlateau(optimizer, { mode: 'max', patience: 1, factor: 0.5 });
  for (const metric of [Number.NaN, Number.NaN]) schedule.step(metric);
  assert.is(schedule.best, null);
  assert.equal(ratesOf(optimizer), [0.5]);
  assert.equal(schedule.stateDict().best, null);
  schedule.step(Number.POSITIVE_INFINITY);
  const state = JSON.parse(JSON.stringify(schedule.stateDict()));
  assert.equal(state, { count: 3, best: 'Infinity', badSteps: 0, cooldownLeft: 0, rates: [0.5] });
  const other = sgd(1);
  const resumed = new ReduceLROnPlateau(other, { mode: 'max', patience: 1, factor: 0.5 });
  resumed.loadStateDict(state);
  assert.is(resumed.best, Number.POSITIVE_INFINITY);
  assert.equal(ratesOf(other), [0.5]);
  resumed.step(1e9);
  resumed.step(1e9);
  assert.equal(ratesOf(other), [0.25]);
});

test('which schedule needs a metric shows in its type and in a field', () => {
  const schedules: AnySchedule[] = [new ExponentialLR(sgd(), { gamma: 0.5 }), new ReduceLROnPlateau(sgd())];
  assert.equal(
    schedules.map((s) => s.needsMetric),
    [false, true],
  );
});

test('options out of range', () => {
  const fails = (make: () => unknown, message: string): void => {
    assert.throws(make, (error: Error) => error.message.startsWith(message) || assert.is(error.message, message));
  };
  fails(
    () => new MultiStepLR(sgd(), { milestones: 3 as never }),
    'MultiStepLR: milestones must be an array of numbers',
  );
  fails(
    () => new MultiStepLR(sgd(), { milestones: [1, 0] }),
    'MultiStepLR: milestones[1] must be whole and at least 1',
  );
  fails(() => new ExponentialLR(sgd(), { gamma: 0 }), 'ExponentialLR: gamma must be finite and positive; got gamma=0');
  fails(() => new PolynomialLR(sgd(), { total: 0 }), 'PolynomialLR: total must be whole and at least 1; got total=0');
  fails(() => new PolynomialLR(sgd(), { total: 5, power: -1 }), 'PolynomialLR: power must be finite and positive');
  fails(() => new CosineWarmRestarts(sgd(), { period: 1.5 }), 'CosineWarmRestarts: period must be whole');
  fails(() => new CosineWarmRestarts(sgd(), { period: 2, growth: 0 }), 'CosineWarmRestarts: growth must be whole');
  fails(() => new LambdaLR(sgd(), { lambda: 2 as never }), 'LambdaLR: lambda must be a function, or an array of one');
  fails(
    () => new LambdaLR(sgd(), { lambda: [] }),
    'LambdaLR: lambda must be a function, or an array of one per group (1)',
  );
  fails(
    () => new LambdaLR(sgd(), { lambda: () => Number.NaN }),
    'LambdaLR: the result of lambda(0) must be finite and not negative; got the result of lambda(0)=NaN',
  );
  fails(() => new OneCycleLR(sgd(), { total: 0 }), 'OneCycleLR: total must be whole and at least 1; got total=0');
  fails(
    () => new OneCycleLR(sgd(), { total: 5, maxLr: [1, 2] }),
    'OneCycleLR: maxLr must be a number, or one per group',
  );
  fails(() => new OneCycleLR(sgd(), { total: 5, maxLr: null as never }), 'OneCycleLR: maxLr must be finite');
  fails(
    () => new OneCycleLR(sgd(), { total: 5, pctStart: 2 }),
    'OneCycleLR: pctStart must be in [0, 1]; got pctStart=2',
  );
  fails(
    () => new OneCycleLR(sgd(), { total: 5, annealStrategy: 'step' as 'cos' }),
    "OneCycleLR: annealStrategy must be 'cos' or 'linear'; got annealStrategy='step'",
  );
  fails(() => new OneCycleLR(sgd(), { total: 5, divFactor: 0 }), 'OneCycleLR: divFactor must be finite and positive');
  fails(() => new OneCycleLR(sgd(), { total: 5, maxMomentum: 1 }), 'OneCycleLR: maxMomentum must be in [0, 1)');
  fails(() => new CyclicLR(sgd(), {} as never), 'CyclicLR: maxLr must be finite and not negative; got maxLr=undefined');
  fails(
    () => new CyclicLR(sgd(), { maxLr: 1, mode: 'exp_range' as never }),
    'CyclicLR: mode must be one of triangular',
  );
  fails(() => new CyclicLR(sgd(), { maxLr: 1, stepSizeUp: 0 }), 'CyclicLR: stepSizeUp must be whole and at least 1');
  fails(() => new CyclicLR(sgd(), { maxLr: 1, scaleFn: 2 as never }), 'CyclicLR: scaleFn must be a function');
  fails(() => new ReduceLROnPlateau(sgd(), { mode: 'low' as 'min' }), "ReduceLROnPlateau: mode must be 'min' or 'max'");
  fails(() => new ReduceLROnPlateau(sgd(), { factor: 1 }), 'ReduceLROnPlateau: factor must be in [0, 1); got factor=1');
  fails(() => new ReduceLROnPlateau(sgd(), { minLr: [1, 2] }), 'ReduceLROnPlateau: minLr must be a number, or one per');
  fails(() => new ReduceLROnPlateau({} as Scheduled), 'ReduceLROnPlateau: the first argument must be an optimizer');
  fails(() => new ReduceLROnPlateau(sgd()).step(undefined as never), 'ReduceLROnPlateau.step: metric must be a number');
  fails(
    () => new ReduceLROnPlateau(sgd()).step(tensor([1]) as never),
    'ReduceLROnPlateau.step: metric must be a number; got metric=a Tensor; of a tensor pass await tensor.item()',
  );
});

test('a state that does not fit is refused, and nothing changes', () => {
  const optimizer = sgd(1);
  const schedule = new ReduceLROnPlateau(optimizer);
  schedule.step(1);
  const before = schedule.stateDict();
  for (const [wrong, message] of [
    [1, 'a state must be what stateDict() gives; got 1'],
    [{ ...before, rates: [] }, '0 rates for 1 groups'],
    [{ ...before, best: Number.NaN }, "best must be finite, 'Infinity', '-Infinity' or null; got best=NaN"],
    [{ ...before, badSteps: -1 }, 'badSteps must be whole and at least 0; got badSteps=-1'],
    [{ ...before, rates: ['1'] }, "rates[0] must be finite and not negative; got rates[0]='1'"],
  ] as const)
    assert.throws(
      () => schedule.loadStateDict(wrong as never),
      (error: Error) => error.message.includes(message) || assert.is(error.message, message),
    );
  assert.equal(schedule.stateDict(), before);
});

test("names of PyTorch's and TensorFlow.js's options lead to the ones here", () => {
  const says = (make: () => unknown, hint: string): void => {
    assert.throws(make, (error: Error) => error.message.endsWith(hint) || assert.is(error.message, hint));
  };
  const wrong = (options: object): never => options as never;
  says(() => new CosineWarmRestarts(sgd(), wrong({ T_0: 10 })), 'did you mean period?');
  says(() => new CosineWarmRestarts(sgd(), wrong({ period: 1, T_mult: 2 })), 'did you mean growth?');
  says(() => new CosineWarmRestarts(sgd(), wrong({ period: 1, eta_min: 2 })), 'did you mean minFactor?');
  says(() => new PolynomialLR(sgd(), wrong({ total_iters: 2 })), 'did you mean total?');
  says(() => new OneCycleLR(sgd(), wrong({ max_lr: 2 })), 'did you mean maxLr?');
  says(() => new OneCycleLR(sgd(), wrong({ total_steps: 2 })), 'did you mean total?');
  says(() => new OneCycleLR(sgd(), wrong({ epochs: 2 })), 'did you mean total?');
  says(() => new CyclicLR(sgd(), wrong({ maxLr: 1, step_size_up: 2 })), 'did you mean stepSizeUp?');
  says(() => new LambdaLR(sgd(), wrong({ lr_lambda: 2 })), 'did you mean lambda?');
  says(() => new MultiStepLR(sgd(), wrong({ boundaries: [2] })), 'did you mean milestones?');
  says(() => new ReduceLROnPlateau(sgd(), wrong({ min_delta: 2 })), 'did you mean threshold?');
  says(() => new ReduceLROnPlateau(sgd(), wrong({ verbose: true })), 'print the rate of paramGroups after step()');
  says(
    () => new ExponentialLR(sgd(), wrong({ gamma: 1, last_epoch: 3 })),
    'not supported here: loadStateDict() restores where a schedule was',
  );
});

test.run();
