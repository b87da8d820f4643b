/**
 * Two parts of the fuzzing, over all forms.
 * - `calls`: valid calls agree on every device, in float64 and, bit for bit, on one thread and on
 *   two. Afterwards the devices hold as much memory as before.
 * - `broken`: the same calls, with one part of their arguments replaced, end in a sound result or
 *   in an error of the library. Afterwards the devices still compute.
 */
import * as c from 'cedargrad';
import fc from 'fast-check';
import { collected } from '../helpers/collect.js';
import { endGraphs, must } from '../helpers/conformance.js';
import { allForms, type Form } from './forms.js';
import { differences, Maker, type Outcome, runCall } from './outcome.js';
import { Described } from './values.js';

export const devices = {
  reference: await c.device('reference'),
  one: await c.device('wasm', { threads: 1 }),
  two: await c.device('wasm', { threads: 2 }),
  gpu: await c.device('gpu', { mode: 'cpu' }),
};

interface Call {
  readonly form: Form;
  readonly args: readonly unknown[];
}
const show = ({ form, args }: Call): string => `${form.name}(${args.map((a) => fc.stringify(a)).join(', ')})`;

/** The memory in use, without single elements, which stay until they are collected. */
async function inUse(on: c.Device): Promise<number> {
  await on.sync();
  const report = on.memory();
  must(
    Object.values(report).every((n) => Number.isInteger(n) && n >= 0),
    `memory ${JSON.stringify(report)}`,
  );
  return report.bytes - 4 * report.tensors;
}

function mustBeOurs(outcome: Outcome): void {
  if ('error' in outcome && !(outcome.error instanceof c.CedarError)) throw outcome.error;
}

async function mustStillCompute(on: c.Device): Promise<void> {
  const x = c.tensor([1, 2, 3, 4, 5], { device: on });
  const y = c.noGrad(() => x.mul(2).add(1));
  must(`${await y.data()}` === '3,5,7,9,11', `${on} computes ${await y.data()} for 2x + 1`);
  for (const t of [x, y]) t.release();
}

const callOf = (form: Form): fc.Arbitrary<Call> =>
  form.args.map((args) => {
    const call = { form, args };
    return Object.assign(call, { [fc.toStringMethod]: () => show(call) });
  });

async function valid({ form, args }: Call, withGpu: boolean): Promise<void> {
  const { reference, one, two, gpu } = devices;
  const before = [await inUse(one), await inUse(two)];
  const want = await runCall(form, args, reference);
  const got = await runCall(form, args, one);
  const shared = await runCall(form, args, two);
  for (const outcome of [want, got, shared]) mustBeOurs(outcome);
  const problems = [
    differences('one thread and two', shared, got, 0),
    differences('wasm and reference', got, want, form.slack),
  ];
  // Steps and ties hide behind other roundings: float64 is asked of what is smooth.
  if (!form.wild) {
    const exact = await runCall(form, args, reference, 'float64');
    if (!('error' in exact)) problems.push(differences('float32 and float64', want, exact, form.slack * 5));
  }
  if (withGpu) {
    const outcome = await runCall(form, args, gpu);
    mustBeOurs(outcome);
    problems.push(differences("gpu's cpu mode and reference", outcome, want, form.slack * 5));
  }
  for (const problem of problems) must(problem === null, String(problem));
  if (form.keeps) return;
  endGraphs(reference);
  const left = async (): Promise<number[]> => [(await inUse(one)) - before[0], (await inUse(two)) - before[1]];
  if ((await left()).every((bytes) => bytes === 0)) return;
  // What earlier calls kept may go at any time, and takes the count below what it was.
  await collected();
  const bytes = await left();
  must(
    bytes.every((n) => n <= 0),
    `${bytes} bytes were left behind on one thread and two`,
  );
}

// ---- one place broken

const cyclic: unknown[] = [];
cyclic.push(cyclic);
const other = await c.device('wasm', { threads: 1 });
const tensorLike = (name: string, make: (on: c.Device) => c.Tensor): Maker => new Maker(name, make);
/**
 * The values that replace a part of an argument: numbers, other types, and tensors that do not
 * belong there. Large numbers are so large that no list of that length is a legal tensor. A list of
 * 2³¹ − 1 elements would be legal, and takes 8 GiB.
 */
const wrong: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  -0,
  0,
  1.5,
  2 ** 33,

  -(2 ** 40),
  2 ** 40,
  2 ** 53,
  Infinity,
  -Infinity,
  '',
  'abc',
  '2',
  true,
  false,
  {},
  [],
  [[]],
  [1, 2],
  [2 ** 40],
  [Number.NaN],
  [-1],
  [0, 0],
  ['a'],
  [null],
  cyclic,

  // biome-ignore lint/suspicious/noSparseArray: a hole is one of the things to be refused.
  [1, , 3],
  new Maker('() => 1', () => () => 1),
  new Maker('new Float32Array(2)', () => new Float32Array(2)),
  new Maker('new Date(0)', () => new Date(0)),
  tensorLike('a released tensor', (on) => {
    const t = c.tensor([1, 2], { device: on });
    t.release();
    return t;
  }),
  tensorLike('a tensor of another device', () => c.tensor([1, 2], { device: other })),
  tensorLike('an int32 tensor', (on) => c.tensor([1, 2], { dtype: 'int32', device: on })),
  tensorLike('a bool tensor', (on) => c.tensor([true, false], { device: on })),
  tensorLike('a tensor of rank 0', (on) => c.tensor(3, { device: on })),
  tensorLike('a tensor of rank 5', (on) => c.ones([1, 2, 1, 2, 1], { device: on })),
  tensorLike('an empty tensor', (on) => c.zeros([0, 3], { device: on })),
];

type Path = readonly (string | number)[];
/** Every place in drawn arguments, also inside of arrays and options. */
function places(value: unknown, at: Path = []): Path[] {
  const inner =
    value instanceof Described || typeof value !== 'object' || value === null
      ? []
      : Object.entries(value).flatMap(([key, v]) => places(v, [...at, Array.isArray(value) ? Number(key) : key]));
  return [...(at.length === 0 ? [] : [at]), ...inner];
}
function replaced(value: unknown, [key, ...rest]: Path, by: unknown): unknown {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((v, i) => (i === key ? replaced(v, rest, by) : v));
  return { ...(value as object), [key]: replaced((value as Record<string, unknown>)[key], rest, by) };
}

interface Broken extends Call {
  /** Taken as they are, foreign options compute something else than was asked. */
  readonly mustFail: boolean;
}

const brokenOf = (form: Form): fc.Arbitrary<Broken> =>
  fc
    .tuple(
      form.args,
      fc.nat(),
      fc.oneof({ weight: 8, arbitrary: fc.nat(wrong.length - 1) }, fc.constant(-1), fc.constant(-2)),
    )
    .map(([args, n, what]) => {
      const isLayer = /^[A-Z]/.test(form.name) && Array.isArray(args[0]);
      const all = places(args).filter((at) => !(isLayer && at.length === 1 && at[0] === 0));
      let broken: unknown[] = args;
      let mustFail = false;
      const bags = all.filter((at) => isBag(at.reduce((v: unknown, key) => (v as Record<string, unknown>)[key], args)));
      if (what === -1 && bags.length > 0) {
        const at = bags[n % bags.length];
        broken = replaced(args, [...at, 'stide'], 2) as unknown[];
        mustFail = true;
      } else if (what === -2) broken = args.slice(0, -1);
      else if (all.length > 0) broken = replaced(args, all[n % all.length], wrong[Math.max(what, 0)]) as unknown[];
      const call = { form, args: broken, mustFail };
      return Object.assign(call, { [fc.toStringMethod]: () => show(call) });
    });
const isBag = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

async function broken({ form, args, mustFail }: Broken): Promise<void> {
  const { reference, one, two } = devices;
  const want = await runCall(form, args, reference);
  const got = await runCall(form, args, one);
  for (const outcome of [want, got]) mustBeOurs(outcome);
  must(!mustFail || 'error' in want, 'a foreign option was passed over');
  // What only reference takes: float64, and tensors of the default device of neither.
  const deviceOnly = 'error' in got && got.error instanceof c.DeviceError;
  if (!deviceOnly && !('error' in want && want.error instanceof c.DeviceError)) {
    // Compares values only. With an accepted argument such as an eps of 0, gradients may be nothing
    // but rounding errors.
    const valuesOf = (outcome: Outcome): Outcome => ('error' in outcome ? outcome : { ...outcome, grads: [] });
    const problem = differences('wasm and reference', valuesOf(got), valuesOf(want), Math.max(form.slack, 1e-4));
    must(problem === null, String(problem));
  }
  endGraphs(reference);
  for (const on of [reference, one, two]) {
    await inUse(on);
    await mustStillCompute(on);
  }
}

const anyForm = fc.nat(allForms.length - 1);
export const calls = fc.asyncProperty(
  anyForm.chain((i) => callOf(allForms[i])),
  fc.nat(7),
  (call, n) => valid(call, n === 0),
);
export const brokenCalls = fc.asyncProperty(
  anyForm.chain((i) => brokenOf(allForms[i])),
  broken,
);
