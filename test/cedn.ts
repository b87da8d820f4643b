/**
 * The golden runs of the miniature CEDN: the published script replayed and compared with numbers
 * that numpy computed in float64. test/fixtures/cedn-golden.json has the numbers and their
 * provenance.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Cedn } from '../examples/cedn-model.js';
import {
  Adam,
  bceWithLogits,
  compile,
  type Device,
  Dropout,
  defaultDevice,
  device,
  manualSeed,
  noGrad,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../src/index.js';
import { beatsConstantPredictor, constantPredictorLoss, ReluWatch } from '../src/train/index.js';
import { readFixtures } from './helpers/fixtures.js';
import { data, type Golden, losses, prepare, publishedRuns, relative, runs } from './helpers/golden.js';

const golden: Golden = JSON.parse(readFileSync(new URL('./fixtures/cedn-golden.json', import.meta.url), 'utf8'));
const test = suite('cedn');
const home = defaultDevice();
test.after.each(() => setDefaultDevice(home));

for (const [name, settings] of Object.entries(runs)) {
  const want = golden.losses_after_steps_0_10[name].f64;
  test(`${name}: float64 to 1e-9`, async () => {
    const got = await losses({ ...settings, on: home, dtype: 'float64', steps: 10 });
    assert.ok(relative(got, want) < 1e-9, `${relative(got, want)}: ${got}`);
  });
  test(`${name}: float32 to ${settings.float32} on reference`, async () => {
    const got = await losses({ ...settings, on: home, dtype: 'float32', steps: 10 });
    assert.ok(relative(got, want) < settings.float32, `${relative(got, want)}: ${got}`);
  });
}

const fast: Readonly<Record<string, () => Promise<Device>>> = {
  'wasm, 1 thread': () => device('wasm', { threads: 1 }),
  'wasm, 2 threads': () => device('wasm', { threads: 2 }),
  'wasm, simd build': () => device('wasm', { build: 'simd' }),
  'gpu (cpu)': () => device('gpu', { mode: 'cpu' }),
  'gpu (webasm)': () => device('gpu', { mode: 'webasm' }),
};
for (const [name, open] of Object.entries(fast))
  test(`published run: float32 to 1e-4 on ${name}, plain and compiled`, async () => {
    const on = await open();
    for (const run of publishedRuns) {
      const want = golden.losses_after_steps_0_10[run].f64;
      const got = await losses({ ...runs[run], on, dtype: 'float32', steps: 10 });
      assert.ok(relative(got, want) < 1e-4, `${run}: ${relative(got, want)}: ${got}`);
      const compiled = await losses({ ...runs[run], on, dtype: 'float32', steps: 10 }, compile);
      assert.equal(compiled, got, `${run}, compiled`);
    }
    await on.close();
  });

test('gradients of the first step: sums and norms in float64', () => {
  const { model, x, y } = prepare({ on: home, dtype: 'float64', scale: 1, lr: 1, rate: 0, steps: 0 });
  bceWithLogits(model.forward(x), y, { reduction: 'sum' }).backward();
  for (const [name, p] of model.namedParameters()) {
    const [layer, field] = name.split('.');
    const want = golden.grads_f64[`${field === 'weight' ? 'W' : 'b'}_${layer}`];
    const values = [...(p.grad?.dataSync() ?? [])];
    const l2 = Math.sqrt(values.reduce((a, v) => a + v * v, 0));
    assert.ok(Math.abs(l2 / want.l2 - 1) < 1e-9, `${name} l2 ${l2}, want ${want.l2}`);
    assert.ok(Math.abs(values.reduce((a, v) => a + v, 0) - want.sum) < 1e-8 * want.l2, `${name} sum`);
  }
});

/** Multiplies by masks given from outside, one per step, in place of drawing them. */
class GivenMasks extends Dropout {
  step = 0;
  constructor(readonly masks: Tensor) {
    super(0);
  }
  override forward(x: Tensor): Tensor {
    if (!this.training) return x;
    const mask = this.masks.slice([this.step, ++this.step]).reshape(x.shape);
    return x.mul(mask).div(0.5);
  }
}

for (const { name, attrs, tensors } of readFixtures<{ lr: number; adam: 'torch' | 'tf1'; dropout: string }>(
  'cedn',
).slice(1))
  test(`PyTorch's run ${name}: losses of ten steps in float64 to 1e-9`, async () => {
    const stored = readFixtures('cedn')[0].tensors;
    const float64 = (key: string): Tensor =>
      tensor(Float64Array.from(stored[key].data), { shape: stored[key].shape, dtype: 'float64' });
    const model = new Cedn(0).to('float64');
    model.loadStateDict(
      Object.fromEntries(
        model.namedParameters().map(([n]) => [n, float64(n.replace('.weight', '_w').replace('.bias', '_b'))]),
      ),
    );
    if (attrs.dropout !== 'off') model.dropout = new GivenMasks(float64('masks'));
    const [x, y] = [float64('x'), float64('y')];
    const optimizer = new Adam(model.parameters(), { lr: attrs.lr, form: attrs.adam === 'torch' ? 'torch' : 'tf' });
    const [before, after]: number[][] = [[], []];
    for (let step = 0; step < 10; step++) {
      optimizer.zeroGrad();
      const loss = bceWithLogits(model.train().forward(x), y, { reduction: 'sum' });
      loss.backward();
      optimizer.step();
      before.push(await loss.item());
      after.push(await noGrad(() => bceWithLogits(model.eval().forward(x), y, { reduction: 'sum' })).item());
    }
    assert.ok(relative(before, [...tensors.loss_before_f64.data]) < 1e-9, `before: ${before}`);
    assert.ok(relative(after, [...tensors.loss_after_f64.data]) < 1e-9, `after: ${after}`);
    for (const [n, p] of model.namedParameters()) {
      const want = tensors[`final_${n.replace('.weight', '_w').replace('.bias', '_b')}_f64`];
      if (want === undefined) continue;
      const worst = Math.max(
        ...Array.from(p.dataSync(), (v, k) => Math.abs(v - want.data[k]) / (1 + Math.abs(want.data[k]))),
      );
      assert.ok(worst < 1e-8, `${n} ${worst}`);
    }
  });

test('the run that learns is below 2200 at step 100', async () => {
  const model = new Cedn(0).initHe(42);
  manualSeed(7);
  const x = tensor(data.x, { shape: data.xShape });
  const y = tensor(data.y, { shape: data.yShape });
  const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
  const first = await noGrad(() => bceWithLogits(model.forward(x), y, { reduction: 'sum' })).item();
  assert.ok(Math.abs(first - 3606) < 1, `first loss ${first}`);
  for (let step = 0; step < 100; step++) {
    optimizer.zeroGrad();
    bceWithLogits(model.forward(x), y, { reduction: 'sum' }).backward();
    optimizer.step();
  }
  model.eval();
  const loss = await noGrad(() => bceWithLogits(model.forward(x), y, { reduction: 'sum' })).item();
  assert.ok(loss < 2200, `loss ${loss}`);
});

test('one read-back a step: the loss', async () => {
  const on = await device('gpu', { mode: 'cpu' });
  const { model, x, y } = prepare({ on, dtype: 'float32', scale: 1, lr: 1, rate: 0.5, steps: 1 });
  const optimizer = new Adam(model.parameters(), { lr: 1e-3 });
  const before = on.counters.reads;
  for (let step = 0; step < 3; step++) {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(x), y, { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    await loss.item();
  }
  assert.is(on.counters.reads - before, 3);
  await on.close();
});

test('warnings: dead ReLUs are named, the constant predictor is recognised', async () => {
  assert.ok(
    Math.abs(constantPredictorLoss(data.y) - golden.constant_predictor_loss) < 1e-9 * golden.constant_predictor_loss,
  );
  assert.not.ok(beatsConstantPredictor(3327.4, data.y));
  assert.ok(beatsConstantPredictor(3200, data.y));
  const watch = new ReluWatch();
  watch.see('unwatched', tensor([0]));
  watch.enabled = true;
  watch.see('dead', tensor([0, 0]));
  watch.see('alive', tensor([0, 1]));
  assert.equal(await watch.dead(), ['dead']);
});

test.run();
