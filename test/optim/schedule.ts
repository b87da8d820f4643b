/** Schedules: numbers from their closed forms; PyTorch 2's where noted. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CosineLR, Parameter, type Schedule, SGD, StepLR, tensor, WarmupLR } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('optim/schedule');
const optimizer = (lr = 1): SGD => new SGD([new Parameter(tensor([1]))], { lr });

/** Rates before each of n steps. */
function rates(schedule: Schedule, n: number): number[] {
  return Array.from({ length: n }, () => {
    const { lr } = schedule.optimizer.paramGroups[0];
    schedule.step();
    return lr;
  });
}

test('StepLR', () => {
  closeTo(rates(new StepLR(optimizer(0.5), { every: 2, gamma: 0.1 }), 6), [0.5, 0.5, 0.05, 0.05, 0.005, 0.005], 1e-15);
});

test('CosineLR goes down half a cosine and stays', () => {
  closeTo(
    rates(new CosineLR(optimizer(1), { total: 4, minFactor: 0.2 }), 7),
    [1, 0.2 + 0.4 * (1 + Math.SQRT1_2), 0.6, 0.2 + 0.4 * (1 - Math.SQRT1_2), 0.2, 0.2, 0.2],
    1e-15,
  );
});

test('WarmupLR rises linearly, alone or before another schedule', () => {
  closeTo(rates(new WarmupLR(optimizer(0.9), { steps: 4 }), 6), [0.3, 0.45, 0.6, 0.75, 0.9, 0.9], 1e-15);
  const sgd = optimizer(1);
  const schedule = new WarmupLR(sgd, { steps: 2, startFactor: 0, after: new CosineLR(sgd, { total: 2 }) });
  closeTo(rates(schedule, 6), [0, 0.5, 1, 0.5, 0, 0], 1e-15);
  assert.throws(
    () => new WarmupLR(sgd, { steps: 2, after: new CosineLR(optimizer(), { total: 2 }) }),
    /WarmupLR: after must be a schedule of the same optimizer/,
  );
});

test('every group keeps its own rate, later ones too', () => {
  const [a, b] = [new Parameter(tensor([1])), new Parameter(tensor([1]))];
  const sgd = new SGD([{ params: [a] }, { params: [b], lr: 0.1 }], { lr: 1 });
  const schedule = new StepLR(sgd, { every: 1, gamma: 0.5 });
  schedule.step();
  assert.equal(
    sgd.paramGroups.map((g) => g.lr),
    [0.5, 0.05],
  );
  sgd.addParamGroup({ params: [new Parameter(tensor([1]))], lr: 8 });
  schedule.step();
  assert.equal(
    sgd.paramGroups.map((g) => g.lr),
    [0.25, 0.025, 2],
  );
});

test('a state dictionary goes on where it was', () => {
  const first = new CosineLR(optimizer(1), { total: 10 });
  rates(first, 3);
  const sgd = optimizer(first.optimizer.paramGroups[0].lr);
  const second = new CosineLR(sgd, { total: 10 });
  second.loadStateDict(first.stateDict());
  assert.is(second.count, 3);
  assert.equal(rates(second, 7), rates(first, 7));
  assert.throws(() => second.loadStateDict({ count: 1, baseRates: [] }), /0 rates for 1 groups/);
  assert.throws(() => second.loadStateDict({ count: -1, baseRates: [1] }), /count must be whole/);
});

test('options out of range', () => {
  assert.throws(() => new StepLR(optimizer(), { every: 0 }), /StepLR: every must be whole and at least 1; got every=0/);
  assert.throws(() => new StepLR(optimizer(), { every: 1, gamma: 0 }), /StepLR: gamma/);
  assert.throws(
    () => new CosineLR(optimizer(), { total: Number.NaN }),
    /CosineLR: total must be whole and at least 1; got total=NaN/,
  );
  assert.throws(
    () => new WarmupLR(optimizer(), { steps: 1, startFactor: 2 }),
    /WarmupLR: startFactor must be in \[0, 1\]; got startFactor=2/,
  );
});

test.run();
