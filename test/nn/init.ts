/** Initialisers: PyTorch's formulas, exact ranges and statistics. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { init, manualSeed, RandomState, ShapeError, tensor, ValueError, zeros } from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const test = suite('nn/init');
const weight = () => zeros([3, 3, 20, 40]);

test('fans count kernel cells, and follow the layout', () => {
  assert.equal(init.fans(weight()), { fanIn: 180, fanOut: 360 });
  assert.equal(init.fans(weight(), 'HWOI'), { fanIn: 360, fanOut: 180 });
  assert.equal(init.fans(zeros([5, 7])), { fanIn: 5, fanOut: 7 });
  assert.throws(
    () => init.fans(zeros([5])),
    (e: Error) => e instanceof ShapeError,
  );
  assert.throws(
    () => init.fans(weight(), 'OIHW' as 'HWIO'),
    (e: Error) => e instanceof ValueError,
  );
});

test('gains are PyTorch’s', () => {
  closeTo(
    [
      init.gain('linear'),
      init.gain('sigmoid'),
      init.gain('tanh'),
      init.gain('relu'),
      init.gain('leakyRelu'),
      init.gain('leakyRelu', 2),
    ],
    [1, 1, 5 / 3, Math.SQRT2, Math.sqrt(2 / 1.0001), Math.sqrt(0.4)],
    1e-15,
  );
  assert.throws(() => init.gain('selu' as 'relu'), /gain: nonlinearity must be/);
});

test('a large tensor gets the numbers of one draw', () => {
  const shape = [3, 50_001];
  const size = 150_003;
  const normal = init.normal(zeros(shape), 0, 1, { random: new RandomState(4) });
  assert.equal(normal.dataSync(), Float32Array.from(new RandomState(4).randn(size)));
  const uniform = init.uniform(zeros(shape), -2, 5, { random: new RandomState(4) });
  assert.equal(uniform.dataSync(), Float32Array.from(new RandomState(4).uniform(-2, 5, size)));
});

test('normal fills are the generator’s numbers times the formula’s deviation', () => {
  const draws = new RandomState(4).randn(7200);
  const cases: [string, ReturnType<typeof weight>, number][] = [
    ['normal', init.normal(weight(), 1, 2, { random: new RandomState(4) }).sub(1), 2],
    ['heNormal', init.heNormal(weight(), { random: new RandomState(4) }), Math.sqrt(2 / 180)],
    ['heNormal HWOI', init.heNormal(weight(), { layout: 'HWOI', random: new RandomState(4) }), Math.sqrt(2 / 360)],
    [
      'kaimingNormal',
      init.kaimingNormal(weight(), { mode: 'fanOut', a: 1, random: new RandomState(4) }),
      Math.sqrt(1 / 360),
    ],
    [
      'kaimingNormal tanh',
      init.kaimingNormal(weight(), { nonlinearity: 'tanh', random: new RandomState(4) }),
      5 / 3 / Math.sqrt(180),
    ],
    ['xavierNormal', init.xavierNormal(weight(), { gain: 3, random: new RandomState(4) }), 3 * Math.sqrt(2 / 540)],
  ];
  for (const [name, t, std] of cases)
    closeTo(
      t.dataSync(),
      draws.map((v) => v * std),
      1e-6,
      name,
    );
});

test('uniform fills have the formula’s bound', () => {
  const draws = new RandomState(4).rand(7200);
  const cases: [string, ReturnType<typeof weight>, number][] = [
    ['heUniform', init.heUniform(weight(), { random: new RandomState(4) }), Math.sqrt(6 / 180)],
    [
      'kaimingUniform √5',
      init.kaimingUniform(weight(), { a: Math.sqrt(5), random: new RandomState(4) }),
      1 / Math.sqrt(180),
    ],
    ['xavierUniform', init.xavierUniform(weight(), { layout: 'HWOI', random: new RandomState(4) }), Math.sqrt(6 / 540)],
    ['uniform', init.uniform(weight(), -2, 2, { random: new RandomState(4) }), 2],
  ];
  for (const [name, t, bound] of cases) {
    closeTo(
      t.dataSync(),
      draws.map((u) => (2 * u - 1) * bound),
      1e-6,
      name,
    );
    const values = [...t.dataSync()];
    assert.ok(
      values.every((v) => Math.abs(v) <= bound * (1 + 1e-7)),
      name,
    );
    assert.ok(Math.max(...values) > 0.99 * bound && Math.min(...values) < -0.99 * bound, name);
    assert.ok(Math.abs(values.reduce((s, v) => s + v * v, 0) / values.length / (bound ** 2 / 3) - 1) < 0.05, name);
  }
});

test('fills in place, from manualSeed’s generator, and returns its target', () => {
  const target = tensor([1, 2], { requiresGrad: true });
  manualSeed(9);
  assert.is(init.normal(target), target);
  closeTo(target.dataSync(), new RandomState(9).randn(2), 1e-7);
  assert.equal([...init.constant(target, 3).dataSync()], [3, 3]);
  assert.ok(target.requiresGrad && target.node === null);
  const wide = init.normal(zeros([3], { dtype: 'float64' }), 0, 1, { random: new RandomState(1) });
  assert.equal([...wide.dataSync()], [...new RandomState(1).randn(3)]);
});

test('bad numbers are errors', () => {
  assert.throws(() => init.normal(zeros([2]), 0, -1), /normal: std must not be negative; got std=-1/);
  assert.throws(() => init.normal(zeros([2]), Number.NaN), /normal: mean must be finite; got mean=NaN/);
  assert.throws(() => init.uniform(zeros([2]), 1, 0), /uniform: low must not exceed high; got low=1, high=0/);
  assert.throws(() => init.kaimingNormal(weight(), { mode: 'in' as 'fanIn' }), /kaimingNormal: mode must be/);
});

test.run();
