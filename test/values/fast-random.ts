/**
 * The fast generator: its words compared with published ones, and its numbers with a program in C
 * and with their distributions.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { FastRandom, ValueError } from '../../src/index.js';

const test = suite('FastRandom');

/** The generator's words, as whole numbers over the full range of int32. */
const words = (random: FastRandom, n: number): number[] =>
  Array.from(random.randint(-(2 ** 31), 2 ** 31, n), (v) => v + 2 ** 31);

// The output of the authors' xoshiro128plusplus.c. The tests of Rust's rand_xoshiro 0.7
// (xoshiro128plusplus.rs) have the same numbers.
test('its words are those of xoshiro128++', () => {
  const random = new FastRandom(0);
  random.setState({ key: [1, 2, 3, 4] });
  assert.equal(
    words(random, 10),
    [641, 1573767, 3222811527, 3517856514, 836907274, 4247214768, 3867114732, 1355841295, 495546011, 621204420],
  );
});

// Rust's rand 0.9, Xoshiro128PlusPlus::seed_from_u64(0): SplitMix64 fills the state.
test('a seed is spread over the state by SplitMix64', () => {
  assert.equal(
    words(new FastRandom(0), 10),
    [
      1179900579, 1938959192, 3089844957, 3657088315, 1015453891, 479942911, 3433842246, 669252886, 3985671746,
      2737205563,
    ],
  );
});

/*
 * The output of a C program of xoshiro128plusplus.c and a ziggurat in long double with exp and log
 * of the C library (gcc 12, x86-64): three uniform numbers, six normal ones, then Σ v·(i mod 7 + 1)
 * over the next million and the largest |v|, and a word.
 */
const goldens = [
  {
    seed: 42,
    random: [0.6155444861226248, 0.38001480944542465, 0.7745493794146345],
    randn: [
      0.9488524057466621, 0.43076303779320624, 0.24994786729491222, 0.5808773234341373, -0.37059993194195506,
      -0.5104871484752687,
    ],
    sum: 3673.0542950150234,
    most: 5.040009265384082,
    next: 3645505315,
  },
  {
    seed: 4294967295,
    random: [0.22198321159452972, 0.06840215319854459, 0.6270767691749549],
    randn: [
      -1.0232145600494769, -2.16872422485422, 0.19922008429399743, 0.16236296348662227, -0.026697517663250195,
      0.6934241619018855,
    ],
    sum: 339.51755047679671,
    most: 5.278879837690401,
    next: 1541707893,
  },
];
for (const g of goldens)
  test(`equals a program in C for seed ${g.seed}`, () => {
    const random = new FastRandom(g.seed);
    assert.equal([random.random(), random.random(), random.random()], g.random);
    random.randn(6).forEach((v, i) => {
      assert.ok(Math.abs(v - g.randn[i]) <= 1e-14, `${v} is not ${g.randn[i]}`);
    });
    const values = random.randn(1e6);
    const sum = values.reduce((total, v, i) => total + v * ((i % 7) + 1), 0);
    assert.ok(Math.abs(sum - g.sum) < 1e-7, `${sum} is not ${g.sum}`);
    const most = values.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    assert.ok(Math.abs(most - g.most) < 1e-14, `${most} is not ${g.most}`);
    // As many words were drawn, so no number was accepted there and refused here.
    assert.equal(words(random, 1), [g.next]);
  });

/** Φ(x) by the series of the error function and, from 5 on, 1. */
function normalCdf(x: number): number {
  if (Math.abs(x) > 5.5) return x > 0 ? 1 : 0;
  let term = x;
  let sum = x;
  for (let k = 1; Math.abs(term) > 1e-17; k++) {
    term *= (x * x) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

/**
 * The largest distance between the distribution of the sorted values and `cdf`, times √n.
 * @source Kolmogorov 1933
 */
function kolmogorov(values: Float64Array, cdf: (x: number) => number): number {
  const sorted = values.slice().sort();
  const n = sorted.length;
  let most = 0;
  for (let i = 0; i < n; i++) {
    const at = cdf(sorted[i]);
    most = Math.max(most, (i + 1) / n - at, at - i / n);
  }
  return most * Math.sqrt(n);
}

const n = 1_000_000;
/**
 * Checks the mean of n draws with this deviation. It may be off by five standard errors, which
 * happens once in two million times.
 */
const within = (value: number, expected: number, deviation: number, what: string): void =>
  assert.ok(Math.abs(value - expected) < (5 * deviation) / Math.sqrt(n), `${what}: ${value}`);
const meanOf = (values: Float64Array, of: (v: number, i: number) => number): number =>
  values.reduce((sum, v, i) => sum + of(v, i), 0) / values.length;

for (const seed of [0, 20261125])
  test(`a million normal numbers are normal, seed ${seed}`, () => {
    const values = new FastRandom(seed).randn(n);
    // Var(v) = 1, Var(v²) = 2, Var(v³) = 15, Var(v⁴) = 96.
    within(
      meanOf(values, (v) => v),
      0,
      1,
      'mean',
    );
    within(
      meanOf(values, (v) => v * v),
      1,
      Math.sqrt(2),
      'variance',
    );
    within(
      meanOf(values, (v) => v ** 3),
      0,
      Math.sqrt(15),
      'skewness',
    );
    within(
      meanOf(values, (v) => v ** 4),
      3,
      Math.sqrt(96),
      'kurtosis',
    );
    // 1.95 is passed once in a thousand times.
    assert.ok(kolmogorov(values, normalCdf) < 1.95);
    for (const edge of [1, 2, 3, 3.6541528853610088, 4]) {
      const p = 2 * normalCdf(-edge);
      const got = meanOf(values, (v) => (Math.abs(v) > edge ? 1 : 0));
      within(got, p, Math.sqrt(p * (1 - p)), `beyond ${edge}`);
    }
    // Neighbours and their squares: the layer must not tell anything about the next number, nor
    // about the value.
    for (const lag of [1, 2, 3]) {
      within(
        meanOf(values, (v, i) => v * values[(i + lag) % n]),
        0,
        1,
        `correlation ${lag}`,
      );
      within(
        meanOf(values, (v, i) => (v * v - 1) * (values[(i + lag) % n] ** 2 - 1)),
        0,
        2,
        `of squares ${lag}`,
      );
    }
  });

test('a million uniform numbers are uniform, in low bits too', () => {
  const values = new FastRandom(7).rand(n);
  assert.ok(values.every((v) => v >= 0 && v < 1));
  within(
    meanOf(values, (v) => v),
    0.5,
    Math.sqrt(1 / 12),
    'mean',
  );
  within(
    meanOf(values, (v) => v * v),
    1 / 3,
    Math.sqrt(4 / 45),
    'second moment',
  );
  assert.ok(kolmogorov(values, (x) => x) < 1.95);
  const low = values.map((v) => (v * 2 ** 40) % 1);
  assert.ok(kolmogorov(low, (x) => x) < 1.95);
  within(
    meanOf(values, (v, i) => (v - 0.5) * (values[(i + 1) % n] - 0.5)),
    0,
    1 / 12,
    'correlation',
  );
});

test('neighbouring seeds give unrelated numbers', () => {
  const first = Float64Array.from({ length: 20_000 }, (_, seed) => new FastRandom(seed).random());
  assert.ok(kolmogorov(first, (x) => x) < 1.95);
  const correlation = meanOf(first, (v, i) => (v - 0.5) * (first[(i + 1) % first.length] - 0.5));
  assert.ok(Math.abs(correlation) < 5 / 12 / Math.sqrt(first.length), `${correlation}`);
});

test('whole numbers and permutations have every value alike', () => {
  const random = new FastRandom(3);
  const counts = new Array(10).fill(0);
  for (const v of random.randint(-3, 7, 100_000)) counts[v + 3]++;
  const chi = counts.reduce((sum, c) => sum + (c - 10_000) ** 2 / 10_000, 0);
  // 27.9 is passed once in a thousand times with 9 degrees of freedom.
  assert.ok(chi < 27.9, `χ² ${chi}`);
  const orders = new Map<string, number>();
  for (let i = 0; i < 24_000; i++) {
    const order = random.permutation(4).join('');
    orders.set(order, (orders.get(order) ?? 0) + 1);
  }
  assert.is(orders.size, 24);
  const spread = [...orders.values()].reduce((sum, c) => sum + (c - 1000) ** 2 / 1000, 0);
  // 49.7 with 23.
  assert.ok(spread < 49.7, `χ² ${spread}`);
});

test('a saved state, also through JSON, goes on with the same numbers', () => {
  const random = new FastRandom(5);
  random.randn(3);
  const state = random.getState();
  const next = [...random.randn(5), random.random()];
  random.setState(state);
  assert.equal([...random.randn(5), random.random()], next);
  const again = new FastRandom(0);
  again.setState(JSON.parse(JSON.stringify({ key: [...state.key] })));
  assert.equal([...again.randn(5), again.random()], next);
});

test('seeds, sizes and states are checked', () => {
  const bad = (run: () => unknown, message: string): void =>
    assert.throws(run, (e: unknown) => e instanceof ValueError && e.message === message);
  for (const seed of [-1, 0.5, 2 ** 32, Number.NaN])
    bad(() => new FastRandom(seed), `FastRandom: seed must be whole and in [0, 4294967295]; got seed=${seed}`);
  const random = new FastRandom(0);
  bad(() => random.randn(-1), 'FastRandom.randn: size must be whole and not negative; got size=-1');
  bad(() => random.setState({ key: [1, 2, 3] }), 'FastRandom.setState: key must have 4 words; got 3 words');
  bad(
    () => random.setState({ key: [0, 0, 0, 0] }),
    'FastRandom.setState: a word of key must not be 0; got key=[0,0,0,0]',
  );
  bad(
    () => random.setState({ key: [1, 2, -3, 4] }),
    'FastRandom.setState: words of key must be whole and in [0, 2^32); got key[2]=-3',
  );
  assert.equal(random.random(), new FastRandom(0).random(), 'a refused state changes nothing');
});

test('numbers passed over are those that would have been drawn', () => {
  for (const count of [0, 1, 2, 63, 1000]) {
    const [passed, drawn] = [new FastRandom(5), new FastRandom(5)];
    passed.skip(count);
    drawn.rand(count);
    assert.is(passed.random(), drawn.random());
  }
  const [once, twice] = [new FastRandom(6), new FastRandom(6)];
  once.skip(3e12);
  twice.skip(1e12);
  twice.skip(2e12);
  assert.is(once.random(), twice.random());
  assert.throws(() => once.skip(-1), /^FastRandom\.skip: count must be whole and not negative; got count=-1/);
  assert.throws(() => once.skip(2 ** 53 - 1), /^FastRandom\.skip: count must be at most 2\^52/);
});

test.run();
