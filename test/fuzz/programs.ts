/**
 * Random programs of 5 to 40 ops.
 * - `programs`: loss and gradients in float32 are close to reference's in float64, and have the
 *   same bits on one thread, on two and compiled.
 * - `steps`: whole training steps run compiled and plain, with changes between the calls. Every
 *   call must leave the same bits, or throw the same kind of error.
 */
import * as c from 'cedargrad';
import fc from 'fast-check';
import { must } from '../helpers/conformance.js';
import { type Described, shapeOf, sizeOf, tensorOf } from './values.js';

const reference = await c.device('reference');
const one = await c.device('wasm', { threads: 1 });
const two = await c.device('wasm', { threads: 2 });

/** What a value may grow to. */
const mostElements = 600;

/**
 * An instruction: an op, the earlier values that it uses (counted back from the last), and a number
 * for it.
 */
type Instruction = readonly [op: string, a: number, b: number, n: number];
interface Program {
  readonly leaves: readonly Described[];
  readonly code: readonly Instruction[];
}

/** A vector as an image of one channel, as square as can be; null where a side would be 1. */
function image(x: c.Tensor): c.Tensor | null {
  for (let h = Math.floor(Math.sqrt(x.size)); h >= 2; h--)
    if (x.size % h === 0) return x.reshape([1, h, x.size / h, 1]);
  return null;
}
/**
 * The ops of programs. Each keeps its result in the range of tanh, so that no program overflows.
 * Null if the op does not apply.
 */
const ops: Record<string, (x: c.Tensor, y: c.Tensor, n: number, leaf: c.Tensor) => c.Tensor | null> = {
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  softplus: (x) => x.softplus(),
  silu: (x) => x.silu(),
  gelu: (x) => x.gelu(),
  erf: (x) => x.erf(),
  exp: (x) => x.tanh().exp(),
  root: (x) => x.mul(x).add(1).sqrt(),
  log: (x) => x.mul(x).add(1).log(),
  pow: (x) => x.mul(x).add(0.5).tanh().pow(1.5),
  // Kinks only where both precisions see the very same numbers.
  relu: (_x, _y, _n, leaf) => leaf.relu(),
  abs: (_x, _y, _n, leaf) => leaf.abs(),
  clamp: (_x, _y, _n, leaf) => leaf.clamp(-1.2001, 1.3001),
  maxPool: (_x, _y, n, leaf) => {
    const seen = image(leaf);
    return seen === null ? null : c.maxPool2d(seen, { kernelSize: 2, stride: (n % 2) + 1 })[0];
  },
  unpool: (_x, _y, _n, leaf) => {
    const seen = image(leaf);
    return seen === null ? null : c.maxUnpool2d(...c.maxPool2d(seen, { kernelSize: 2, padding: 'same' }));
  },
  max: (_x, _y, n, leaf) => (leaf.shape.length === 0 ? null : leaf.max(n % leaf.shape.length)),
  where: (x, _y, _n, leaf) => (`${x.shape}` === `${leaf.shape}` ? c.where(leaf.greater(0), x, leaf) : null),
  add: (x, y) => (fits(x, y) ? x.add(y).mul(0.5) : null),
  sub: (x, y) => (fits(x, y) ? x.sub(y) : null),
  mul: (x, y) => (fits(x, y) ? x.mul(y).tanh() : null),
  div: (x, y) => (fits(x, y) ? x.div(y.mul(y).add(1)) : null),
  square: (x) => x.mul(x).tanh(),
  scale: (x, _y, n) => x.mul((n % 7) / 3 - 0.9),
  sum: (x, _y, n) => (x.shape.length === 0 ? null : x.sum(n % x.shape.length, { keepDims: n % 2 === 0 }).tanh()),
  mean: (x, _y, n) => (x.shape.length === 0 ? null : x.mean(n % x.shape.length)),
  variance: (x, _y, n) => (x.shape.length === 0 ? null : x.tanh().var(n % x.shape.length, { correction: 0 })),
  softmax: (x, _y, n) => (x.shape.length === 0 ? null : x.softmax(n % x.shape.length)),
  logsumexp: (x, _y, n) => (x.shape.length === 0 ? null : x.logsumexp(n % x.shape.length)),
  flatten: (x) => x.reshape([x.size]),
  permute: (x) => (x.shape.length < 2 ? null : x.permute(x.shape.map((_, i) => x.shape.length - 1 - i))),
  slice: (x, _y, n) =>
    x.shape.length === 0 || x.shape[0] < 2 ? null : x.slice(n % 2 === 0 ? [1, x.shape[0]] : [null, null, -1]),
  flip: (x) => (x.shape.length === 0 ? null : x.flip(0)),
  concat: (x, _y, n) => (x.shape.length === 0 ? null : c.concat([x, x.mul(0.5)], n % x.shape.length)),
  stack: (x, y) => (`${x.shape}` === `${y.shape}` ? c.stack([x, y]) : null),
  pad: (x) =>
    x.shape.length === 0 ? null : x.pad(x.shape.map((_, i): [number, number] => (i === 0 ? [1, 0] : [0, 1]))),
  expand: (x) => (x.size * 3 > mostElements ? null : x.unsqueeze(0).expand([3, ...x.shape])),
  rows: (x) => (x.shape.length === 0 ? null : x.indexSelect([0, x.shape[0] - 1, 0])),
  matmul: (x) => (x.shape.length !== 2 ? null : x.matmul(x.transpose()).tanh()),
  conv: (x, _y, n, leaf) => {
    const seen = image(x);
    if (seen === null || leaf.size < 8) return null;
    const weight = leaf.reshape([leaf.size]).slice([0, 8]).reshape([2, 2, 1, 2]);
    return c.conv2d(seen, weight, { padding: n % 2 === 0 ? 'same' : 1, stride: n % 3 === 0 ? 2 : 1 }).mul(0.5);
  },
  upconv: (x, _y, n, leaf) => {
    const seen = image(x);
    if (seen === null || leaf.size < 8) return null;
    const weight = leaf.reshape([leaf.size]).slice([0, 8]).reshape([2, 2, 2, 1]);
    return c.conv2dTranspose(seen, weight, { stride: (n % 2) + 1 }).mul(0.5);
  },
  avgPool: (x, _y, n) => {
    const seen = image(x);
    return seen === null ? null : c.avgPool2d(seen, { kernelSize: 2, stride: (n % 2) + 1 });
  },
  resize: (x) => {
    const seen = image(x);
    return seen === null ? null : c.resize2d(seen, { size: [5, 3] });
  },
};
function fits(x: c.Tensor, y: c.Tensor): boolean {
  const n = Math.max(x.shape.length, y.shape.length);
  const at = (t: c.Tensor, i: number): number => t.shape[i - n + t.shape.length] ?? 1;
  let size = 1;
  for (let i = 0; i < n; i++) {
    if (at(x, i) !== at(y, i) && at(x, i) !== 1 && at(y, i) !== 1) return false;
    size *= Math.max(at(x, i), at(y, i));
  }
  return size <= mostElements;
}

/** The program's loss: the means of its last values and of what each leaf is at least once. */
function lossOf(code: readonly Instruction[], leaves: readonly c.Tensor[]): c.Tensor {
  const values = [...leaves];
  for (const [op, a, b, n] of code) {
    const made = ops[op](
      values[values.length - 1 - (a % values.length)],
      values[values.length - 1 - (b % values.length)],
      n,
      leaves[n % leaves.length],
    );
    if (made !== null && made.size > 0 && made.size <= mostElements) values.push(made);
  }
  return [...values.slice(-3), ...leaves]
    .map((t, i) =>
      t
        .mul(t)
        .add(t.mul(i + 0.5))
        .mean(),
    )
    .reduce((sum, t) => sum.add(t));
}

const names = Object.keys(ops);
const codeOf = (most: number): fc.Arbitrary<Instruction[]> =>
  fc.array(fc.tuple(fc.constantFrom(...names), fc.nat(5), fc.nat(5), fc.nat(30)), { minLength: 5, maxLength: most });
const leaf = shapeOf(1, 3, fc.integer({ min: 1, max: 6 }))
  .filter((s) => sizeOf(s) <= 60)
  .chain((s) => tensorOf(s));
const program: fc.Arbitrary<Program> = fc.record({
  leaves: fc.array(leaf, { minLength: 1, maxLength: 3 }),
  code: codeOf(40),
});

/** The loss, then the gradient of each leaf. */
async function walk(
  { leaves, code }: Program,
  on: c.Device,
  float: 'float32' | 'float64' = 'float32',
): Promise<c.TypedArray[]> {
  const made = leaves.map((l) => l.on(on, float));
  const loss = lossOf(code, made);
  loss.backward();
  const out = [await loss.data()];
  for (const t of made) out.push(await (t.grad as c.Tensor).data());
  for (const t of [loss, ...made]) {
    t.grad?.release();
    t.release();
  }
  return out;
}

async function walkCompiled({ leaves, code }: Program, on: c.Device): Promise<c.TypedArray[]> {
  const made = leaves.map((l) => l.on(on));
  const step = c.compile(() => {
    for (const t of made) t.clearGrad();
    const loss = lossOf(code, made);
    loss.backward();
    return [loss, ...made.map((t) => t.grad as c.Tensor)];
  });
  step();
  step();
  const results = step();
  must(step.mode === 'compiled', `a program was not compiled: ${step.reason}`);
  const out: c.TypedArray[] = [];
  for (const t of results) out.push(await t.data());
  for (const t of made) t.release();
  return out;
}

function mustBeSame(what: string, got: readonly c.TypedArray[], want: readonly c.TypedArray[]): void {
  want.forEach((values, k) => {
    must(got[k].length === values.length, `${what}: array ${k} has ${got[k].length} elements against ${values.length}`);
    for (let i = 0; i < values.length; i++)
      must(Object.is(got[k][i], values[i]), `${what}: array ${k}, element ${i}: ${got[k][i]} against ${values[i]}`);
  });
}
function mustBeNear(what: string, got: readonly c.TypedArray[], want: readonly c.TypedArray[]): void {
  want.forEach((values, k) => {
    const scale = Array.from(values, Math.abs).reduce((most, v) => Math.max(most, v), 1);
    for (let i = 0; i < values.length; i++)
      must(
        Math.abs(got[k][i] - values[i]) <= 1e-3 * scale,
        `${what}: array ${k}, element ${i}: ${got[k][i]} against ${values[i]}`,
      );
  });
}

export const programs = fc.asyncProperty(program, async (drawn) => {
  const exact = await walk(drawn, reference, 'float64');
  const alone = await walk(drawn, one);
  mustBeNear('reference in float32 and in float64', await walk(drawn, reference), exact);
  mustBeNear('wasm and float64', alone, exact);
  mustBeSame('one thread and two', await walk(drawn, two), alone);
  mustBeSame('compiled and plain', await walkCompiled(drawn, one), alone);
});

// ---- compiled steps, with changes between calls

const changes = [
  'nothing',
  'nothing',
  'freeze',
  'noGrad',
  'shape',
  'rate',
  'release',
  'renew',
  'inPlace',
  'clear',
  'captureGrad',
  'assign',
  'hook',
  'custom',
] as const;
const optimizers = {
  SGD: c.SGD,
  Adam: c.Adam,
  RMSprop: c.RMSprop,
  Adagrad: c.Adagrad,
  Adamax: c.Adamax,
  NAdam: c.NAdam,
  RAdam: c.RAdam,
};
type Change = readonly [what: (typeof changes)[number], n: number];
interface Training extends Program {
  readonly first: readonly Instruction[];
  readonly optimizer: keyof typeof optimizers;
  readonly calls: readonly Change[];
}
const training: fc.Arbitrary<Training> = fc.record({
  leaves: fc.array(leaf, { minLength: 1, maxLength: 3 }),
  first: codeOf(6),
  code: codeOf(12),
  optimizer: fc.constantFrom(...(Object.keys(optimizers) as (keyof typeof optimizers)[])),
  calls: fc.array(fc.tuple(fc.constantFrom(...changes), fc.nat(5)), { minLength: 3, maxLength: 9 }),
});

/** Everything that can be seen after a call. */
type Seen = readonly (c.TypedArray | string | null)[];

async function train(
  { leaves, first, code, optimizer: kind, calls }: Training,
  on: c.Device,
  compiled: boolean,
): Promise<Seen[]> {
  const params = leaves.map((l) => new c.Parameter(l.on(on, 'float32', false)));
  const optimizer = new optimizers[kind](params, { lr: 0.01 });
  let captured = c.tensor([0.5, -0.25, 0.75], { device: on });
  let inputs = [1, 2, 3];
  let [off, inPlace] = [false, false];
  // Numbers that the program's own functions of the backward pass use, and whether there are some.
  let [factor, custom] = [1, false];
  const removers = new Map<c.Tensor, () => void>();
  const hook = (g: c.Tensor): c.Tensor | null =>
    factor === 1 ? null : factor === 2 ? g.mul(factor).add(factor) : g.mul(factor);
  const scaled = c.customGrad(
    ([x], save) => {
      save(x);
      return x.mul(0.5);
    },
    (g, [x]) => g.mul(factor).add(x.mul(0.1)),
  );
  const plain = (x: c.Tensor): c.Tensor[] => {
    optimizer.zeroGrad();
    const start = off ? c.noGrad(() => lossOf(first, params)) : lossOf(first, params);
    if (inPlace) c.noGrad(() => x.assign(x.mul(0.5)));
    const own = lossOf(code, [...params, x.mul(captured.sum())]);
    const loss = (custom ? scaled(own) : own).add(start.mul(0.1));
    loss.backward();
    optimizer.step();
    return [loss, ...(captured.grad === null ? [] : [captured.grad])];
  };
  const step = compiled ? c.compile(plain) : plain;
  const all: Seen[] = [];
  for (const [what, n] of calls) {
    if (what === 'freeze') params[n % params.length].requiresGrad = !params[n % params.length].requiresGrad;
    if (what === 'noGrad') off = !off;
    if (what === 'shape') inputs = Array.from({ length: (n % 4) + 1 }, (_, i) => i - 0.5);
    if (what === 'rate') for (const group of optimizer.paramGroups) group.lr = 0.002 * (n + 1);
    if (what === 'release') captured.release();
    if (what === 'renew') captured = c.tensor([n, 1], { device: on });
    if (what === 'inPlace') inPlace = !inPlace;
    if (what === 'clear') for (const p of params) p.clearGrad();
    if (what === 'captureGrad' && !captured.released) captured.requiresGrad = !captured.requiresGrad;
    if (what === 'custom') custom = !custom;
    if (what === 'hook') {
      const p = params[n % params.length];
      factor = n;
      if (removers.has(p)) removers.get(p)?.();
      if (removers.delete(p) || !p.requiresGrad) continue;
      removers.set(p, p.registerHook(hook));
    }
    if (what === 'assign') c.noGrad(() => params[0].assign(params[0].mul(0.9)));
    const x = c.tensor(inputs, { device: on });
    const seen: (c.TypedArray | string | null)[] = [];
    try {
      for (const t of step(x)) seen.push(await t.data());
    } catch (error) {
      if (!(error instanceof c.CedarError)) throw error;
      seen.push(error.name);
    }
    seen.push(await x.data());
    for (const p of params) seen.push(await p.data(), p.grad === null ? null : await p.grad.data());
    all.push(seen);
    // After an error nothing more is promised of what was half done.
    if (typeof seen[0] === 'string') break;
  }
  for (const t of [...params, captured]) if (!t.released) t.release();
  return all;
}

export const steps = fc.asyncProperty(training, async (drawn) => {
  const want = await train(drawn, one, false);
  const got = await train(drawn, one, true);
  must(got.length === want.length, `${got.length} calls compiled, ${want.length} plain`);
  want.forEach((seen, call) => {
    const after = `after call ${call} (${drawn.calls[call]})`;
    must(got[call].length === seen.length, `${after}: ${got[call].length} results against ${seen.length}`);
    seen.forEach((value, k) => {
      const other = got[call][k];
      if (value === null || other === null || typeof value === 'string' || typeof other === 'string')
        must(value === other, `${after}: value ${k} is ${other} compiled, ${value} plain`);
      else mustBeSame(`${after}, compiled and plain, value ${k}`, [other], [value]);
    });
  });
});
