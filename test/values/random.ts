/** The generator against numpy's, draw for draw. */

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { batches } from '../../src/data/index.js';
import { ValueError } from '../../src/errors.js';
import {
  Dropout,
  device,
  dropout,
  FastRandom,
  getRngState,
  init,
  Linear,
  manualSeed,
  ones,
  RandomState,
  rand,
  randn,
  setRngState,
  tensor,
  zeros,
} from '../../src/index.js';
import { globalRandom } from '../../src/values/random.js';

/**
 * numpy 1.24.2: g = np.random.RandomState(seed); [g.random_sample() for _ in range(3)], g.randn(3),
 * g.uniform(-2, 5, 2), g.randint(-5, 1000, 4), g.permutation(10), g.randint(-2**31, 2**31, 2),
 * g.randn(2).
 */
const goldens = [
  {
    seed: 0,
    random: [0.5488135039273248, 0.7151893663724195, 0.6027633760716439],
    randn: [-2.268328201180374, 1.3335453816218967, -0.8427240538292873],
    uniform: [4.242411005474558, 4.745639323507205],
    randint: [309, 700, 481, 546],
    permutation: [2, 3, 4, 6, 0, 9, 5, 1, 8, 7],
    wide: [-565898288, 1428591347],
    after: [1.9699244478698945, -0.07770456650883938],
  },
  {
    seed: 1,
    random: [0.417022004702574, 0.7203244934421581, 0.00011437481734488664],
    randn: [-0.8021728386486427, -0.4488778077207725, -1.1059350760083153],
    uniform: [1.7717171380234986, 0.9343616008230637],
    randint: [909, 463, 902, 247],
    permutation: [8, 3, 5, 9, 0, 6, 1, 7, 4, 2],
    wide: [2011168137, 1300333575],
    after: [-1.6545154524065693, 1.1337694423354374],
  },
  {
    seed: 42,
    random: [0.3745401188473625, 0.9507143064099162, 0.7319939418114051],
    randn: [-1.1118801180469204, 0.31890218468938336, 0.2790412922001377],
    uniform: [2.9565080445723186, -1.8559085399293829],
    randint: [764, 338, 486, 408],
    permutation: [9, 2, 8, 6, 0, 4, 3, 7, 1, 5],
    wide: [-2117134084, -292293909],
    after: [1.0105152848065264, 0.022221826611982996],
  },
  {
    seed: 123,
    random: [0.6964691855978616, 0.28613933495037946, 0.2268514535642031],
    randn: [1.7383701332168267, 0.4064540971499301, 0.32210606833962163],
    uniform: [2.793808170094043, 1.3665233103905265],
    randint: [68, 539, 937, 219],
    permutation: [2, 1, 8, 7, 0, 4, 5, 6, 3, 9],
    wide: [-1363687625, -256593469],
    after: [-0.0515177209393851, 0.12652592015140082],
  },
  {
    seed: 4294967295,
    random: [0.0976320289940138, 0.9123828453026218, 0.78903530185164],
    randn: [0.0813036681172692, 0.4096851233481656, 0.31595808265170017],
    uniform: [0.8997251200778669, 0.2694030798911733],
    randint: [596, 39, 351, 363],
    permutation: [0, 3, 9, 2, 5, 4, 1, 6, 8, 7],
    wide: [1216470236, -1086270077],
    after: [0.03503916479349264, -1.261366212133098],
  },
];

/** CRC-32 of an array's bytes, as zlib.crc32 (which Node has only from 20.15 and 22.2). */
function crc32(array: ArrayBufferView): number {
  let crc = -1;
  for (const byte of new Uint8Array(array.buffer, array.byteOffset, array.byteLength)) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (-(crc & 1) & 0xedb88320);
  }
  return ~crc >>> 0;
}

const random = suite('random');
/** One unit in the last place: all that the C library's logarithm may differ by. */
const close = (actual: ArrayLike<number>, expected: readonly number[]) =>
  expected.forEach((v, i) => {
    assert.ok(Math.abs(actual[i] - v) <= Math.abs(v) * 2 ** -52, `${actual[i]} is not ${v}`);
  });

for (const g of goldens)
  random(`equals numpy for seed ${g.seed}`, () => {
    const r = new RandomState(g.seed);
    assert.equal([r.random(), r.random(), r.random()], g.random);
    close(r.randn(3), g.randn);
    assert.equal([...r.uniform(-2, 5, 2)], g.uniform);
    assert.equal([...r.randint(-5, 1000, 4)], g.randint);
    assert.equal([...r.permutation(10)], g.permutation);
    assert.equal([...r.randint(-(2 ** 31), 2 ** 31, 2)], g.wide);
    close(r.randn(2), g.after);
  });

// numpy 1.24.2: g = RandomState(9); crc32 of g.rand(5000), of g.permutation(3000) as int32, of
// g.randn(5000) as float32.
random('equals numpy over long runs', () => {
  const r = new RandomState(9);
  assert.is(crc32(r.rand(5000)), 1713471586);
  assert.is(crc32(r.permutation(3000)), 527918255);
  assert.is(crc32(new Float32Array(r.randn(5000))), 3790246665);
});

// "data" in test/fixtures/cedn-golden.json: x = where(rand > 0.5, 1, -1), y = where(rand > 0.5, 1,
// 0).
random('makes the data of the CEDN fixture', () => {
  const r = new RandomState(123);
  const x = Float32Array.from(r.rand(12 * 20 * 20 * 3), (v) => (v > 0.5 ? 1 : -1));
  const y = Float32Array.from(r.rand(12 * 20 * 20), (v) => (v > 0.5 ? 1 : 0));
  assert.is(
    x.reduce((a, b) => a + b),
    140,
  );
  assert.is(
    y.reduce((a, b) => a + b),
    2412,
  );
  assert.is(crc32(x), 0xceebd79a);
  assert.is(crc32(y), 0x55092085);
});

random('the cached second normal value survives other draws and a saved state', () => {
  const r = new RandomState(7);
  r.randn(1);
  const state = r.getState();
  const uniform = r.random();
  const normal = r.randn(3);
  r.setState(state);
  assert.is(r.random(), uniform);
  assert.equal(r.randn(3), normal);
  assert.throws(
    () => r.setState({ ...state, position: 625 }),
    (e: unknown) => e instanceof ValueError,
  );
});

random('seeds, sizes and bounds are checked', () => {
  const bad = (run: () => unknown, message: string) =>
    assert.throws(run, (e: unknown) => e instanceof ValueError && e.message === message);
  for (const seed of [-1, 0.5, 2 ** 32, NaN])
    bad(() => new RandomState(seed), `RandomState: seed must be whole and in [0, 4294967295]; got seed=${seed}`);
  const r = new RandomState(0);
  bad(() => r.rand(-1), 'RandomState.rand: size must be whole and not negative; got size=-1');
  bad(() => r.permutation(1.5), 'RandomState.permutation: n must be whole and not negative; got n=1.5');
  bad(
    () => r.randint(3, 3, 1),
    'RandomState.randint: low must be less than high, both whole and within int32; got low=3, high=3',
  );
  bad(
    () => r.uniform(0, Infinity, 1),
    'RandomState.uniform: low, high and their difference must be finite; got low=0, high=Infinity',
  );
  assert.equal([...r.permutation(0)], []);
  assert.equal([...r.randint(4, 5, 2)], [4, 4]);
});

random('the global generator starts from seed 0 and follows manualSeed', () => {
  const first = new RandomState(0).random();
  assert.is(globalRandom().random(), first);
  assert.is.not(globalRandom().random(), first);
  manualSeed(123);
  assert.is(globalRandom().random(), new RandomState(123).random());
  manualSeed(0);
});

/** Draws of every kind that the default generator is behind. */
const drawAll = (): number[] =>
  [
    randn([3]),
    rand([2, 2]),
    dropout(ones([7]), { rate: 0.3 }),
    new Dropout().forward(ones([5])),
    init.normal(zeros([3])),
    new Linear(2, 3).weight,
  ].flatMap((t) => [...t.dataSync()]);

random('the default generator goes on where its saved state was taken', () => {
  manualSeed(11);
  // An odd number of normal values leaves the second of a pair in the state.
  randn([3]);
  const state = getRngState();
  const next = drawAll();
  drawAll();
  setRngState(state);
  assert.equal(drawAll(), next);
  // A checkpoint may keep it as JSON; an own generator takes the same state.
  const stored = JSON.stringify({ ...state, key: [...state.key] });
  manualSeed(0);
  setRngState(JSON.parse(stored));
  assert.equal(drawAll(), next);
  const own = new RandomState(0);
  own.setState(state);
  setRngState(state);
  assert.equal([...randn([5]).dataSync()], [...new Float32Array(own.randn(5))]);
  manualSeed(0);
});

random('what is no state of the default generator is refused and changes nothing', () => {
  manualSeed(4);
  const state = getRngState();
  const bad = (wrong: object, message: string): void =>
    assert.throws(
      () => setRngState({ ...state, ...wrong }),
      (e: unknown) => e instanceof ValueError && e.message === message,
    );
  bad({ key: [1, 2] }, 'RandomState.setState: key must have 624 words; got 2 words');
  bad({ key: undefined }, 'RandomState.setState: key must have 624 words; got no words');
  bad({ position: 0.5 }, 'RandomState.setState: position must be whole and in [0, 624]; got position=0.5');
  bad({ cached: Number.NaN }, 'RandomState.setState: cached must be a finite number or absent; got cached=NaN');
  const key = [...state.key];
  key[3] = 1.5;
  bad({ key }, 'RandomState.setState: words of key must be whole and in [0, 2^32); got key[3]=1.5');
  assert.is(globalRandom().random(), new RandomState(4).random());
  manualSeed(0);
});

random('rand, randn, dropout, initialisers and batches draw from the generator given', () => {
  const [a, b] = [new RandomState(3), new RandomState(3)];
  assert.equal([...rand([2, 3], { random: a }).dataSync()], [...new Float32Array(b.rand(6))]);
  const x = randn([4], { random: a, dtype: 'float64', requiresGrad: true });
  assert.equal([...x.dataSync()], [...b.randn(4)]);
  assert.ok(x.requiresGrad);
  const [fast, same] = [new FastRandom(3), new FastRandom(3)];
  assert.equal([...randn([5], { random: fast }).dataSync()], [...new Float32Array(same.randn(5))]);
  assert.equal(
    [...init.uniform(zeros([2]), -1, 1, { random: fast }).dataSync()],
    [...new Float32Array(same.uniform(-1, 1, 2))],
  );
  assert.equal(
    [...dropout(ones([9]), { random: fast }).dataSync()],
    [...same.rand(9)].map((u) => (u >= 0.5 ? 2 : 0)),
  );
  assert.equal([...batches(6, 6, fast)][0], same.permutation(6));
});

random('dropout by the fast generator, or by a subclass, has the same bits on every device', async () => {
  class Shifted extends RandomState {
    override random(): number {
      return (super.random() + 0.5) % 1;
    }
  }
  const on = await device('wasm', { threads: 1 });
  for (const make of [() => new FastRandom(8), () => new Shifted(8)]) {
    const want = dropout(ones([100]), { rate: 0.3, random: make() }).dataSync();
    const got = dropout(ones([100], { device: on }), { rate: 0.3, random: make() }).dataSync();
    assert.equal(got, want);
  }
  await on.close();
});

random('what is no generator is refused by name', () => {
  const bad = (run: () => unknown, op: string, got: string): void =>
    assert.throws(
      run,
      (e: unknown) =>
        e instanceof ValueError &&
        e.message ===
          `${op}: random must be a generator of random numbers; got random=${got}; pass new RandomState(seed) or new FastRandom(seed)`,
    );
  const seed = 5 as unknown as RandomState;
  bad(() => rand([2], { random: seed }), 'rand', '5');
  bad(() => randn([2], { random: seed }), 'randn', '5');
  bad(() => dropout(tensor([1]), { random: seed }), 'dropout', '5');
  bad(() => new Dropout(0.5, { random: seed }), 'Dropout', '5');
  bad(() => init.normal(zeros([2]), 0, 1, { random: seed }), 'normal', '5');
  bad(() => batches(4, 2, null as unknown as RandomState), 'batches', 'null');
});

random('numbers passed over are those that would have been drawn', () => {
  // A block of the generator's state is 312 uniform numbers.
  for (const count of [0, 1, 311, 312, 313, 1000]) {
    const [passed, drawn] = [new RandomState(5), new RandomState(5)];
    passed.random();
    drawn.random();
    passed.skip(count);
    drawn.rand(count);
    assert.is(passed.random(), drawn.random());
  }
});

random.run();
