/**
 * The checks that a device must agree with the reference device in float32. They are a list, so
 * that a suite in Node and a page in a browser can run the same ones. They cover every row of the
 * op table and of the extremes (values, gradients, memory that is given back), the calls of
 * kernels.ts, random bits, and training with constant memory.
 */
import {
  Adam,
  bceWithLogits,
  conv2d,
  conv2dTranspose,
  type Device,
  dropout,
  manualSeed,
  maxPool2d,
  maxUnpool2d,
  noGrad,
  ones,
  Parameter,
  RandomState,
  rand,
  randn,
  type Shape,
  type Tensor,
  type TypedArray,
  tensor,
} from 'cedargrad';
import { extremes } from './extremes.js';
import { type KernelCall, kernelCalls } from './kernels.js';
import { type Expected, seedOf } from './known.js';
import { inputsOf, opTable, type Row } from './op-table.js';

export interface Check {
  readonly name: string;
  /** Rejects with what is wrong on device `on`. */
  run(on: Device, reference: Device): Promise<void>;
}

export function must(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}

/** Ends the lives of the last two graphs, as two backward passes do. */
export function endGraphs(reference: Device): void {
  const x = tensor([1], { device: reference, requiresGrad: true });
  for (let i = 0; i < 2; i++) x.mul(2).backward();
}

/**
 * Bytes in use without four for each array, so that single elements do not count, which stay until
 * they are collected.
 */
function beyondSingles(on: Device): number {
  const { bytes, tensors } = on.memory();
  return bytes - 4 * tensors;
}

interface Outcome {
  readonly dtype: string;
  readonly shape: Shape;
  readonly values: TypedArray;
  readonly grads: (TypedArray | null)[];
}

/** The gradient of a row's result. */
export const outgoing = ({ expected }: Row, { size, shape }: Tensor, on: Device): Tensor =>
  tensor(expected === undefined ? new RandomState(11).randn(size) : seedOf(size), { shape, device: on });

/** Runs a row on a device: its value and, where it has any, the gradient of every float input. */
export async function runRow(row: Row, on: Device): Promise<Outcome> {
  const inputs = inputsOf(row, on, 'float32');
  const y = row.differentiable ? row.fn(...inputs) : noGrad(() => row.fn(...inputs));
  const values = await y.data();
  const grads: (TypedArray | null)[] = [];
  if (row.differentiable) {
    const g = outgoing(row, y, on);
    y.backward(g);
    for (const x of inputs) grads.push(x.grad === null ? null : await x.grad.data());
    g.release();
  }
  for (const x of inputs) x.grad?.release();
  for (const t of [y, ...inputs]) t.release();
  return { dtype: y.dtype, shape: y.shape, values, grads };
}

/** NaN and infinities in the same places, all else within the tolerance. */
function agree(
  what: string,
  got: TypedArray,
  want: ArrayLike<number>,
  { relative, absolute }: Row['tolerance'],
  whose = 'on reference',
): void {
  must(got.length === want.length, `${what}: ${got.length} elements, ${whose} ${want.length}`);
  const wrong = [...got.keys()].filter((i) => {
    const near = Number.isFinite(want[i]) && Math.abs(got[i] - want[i]) <= absolute + relative * Math.abs(want[i]);
    return !near && !Object.is(got[i], want[i]);
  });
  must(wrong.length === 0, `${what}: ${wrong.map((i) => `element ${i} is ${got[i]}, ${whose} ${want[i]}`).join('; ')}`);
}

/** Holds an outcome to numbers from outside. */
function checkExpected(
  { dtype, shape, values, grads }: Outcome,
  expected: Expected,
  tolerance: Row['tolerance'],
): void {
  if (expected.dtype !== 'float') must(dtype === expected.dtype, `dtype ${dtype}, expected ${expected.dtype}`);
  must(`${shape}` === `${expected.shape}`, `shape [${shape}], expected [${expected.shape}]`);
  agree('value', values, expected.values, tolerance, 'expected');
  expected.gradients?.forEach((want, i) => {
    const mine = grads[i];
    if (want !== null) must(mine !== null, `input ${i}: no gradient`);
    if (want !== null && mine !== null) agree(`gradient of input ${i}`, mine, want, tolerance, 'expected');
  });
}

async function checkRow(row: Row, on: Device, reference: Device): Promise<void> {
  await on.sync();
  const before = beyondSingles(on);
  const got = await runRow(row, on);
  if (row.expected !== undefined) checkExpected(got, row.expected, row.tolerance);
  const want = await runRow(row, reference);
  must(got.dtype === want.dtype, `dtype ${got.dtype}, on reference ${want.dtype}`);
  must(`${got.shape}` === `${want.shape}`, `shape [${got.shape}], on reference [${want.shape}]`);
  agree('value', got.values, want.values, row.tolerance);
  want.grads.forEach((grad, i) => {
    const mine = got.grads[i];
    must(
      (mine === null) === (grad === null),
      `input ${i}: ${mine === null ? 'no' : 'a'} gradient, unlike on reference`,
    );
    if (grad !== null && mine !== null) agree(`gradient of input ${i}`, mine, grad, row.tolerance);
  });
  await on.sync();
  endGraphs(reference);
  const left = beyondSingles(on) - before;
  // The collector may have taken arrays of earlier rows meanwhile. On gpu a single element may be a
  // view of a larger array, which it keeps; there the check at the end of the run has to do.
  const exact = on.name !== 'gpu' && row.leavesIndices !== true;
  must(left <= 0 || !exact, `${left} bytes left behind, beyond those of single elements`);
}

async function checkCall({ run }: KernelCall, on: Device, reference: Device): Promise<void> {
  const got = await run(on);
  const want = await run(reference);
  want.forEach((values, i) => {
    agree(`output ${i}`, got[i], values, { relative: 0, absolute: 0 });
  });
}

/**
 * Draws of the generators on a device: uniform and normal numbers, the zeros of two masks, and the
 * generator's next number.
 */
async function draw(on: Device): Promise<TypedArray[]> {
  manualSeed(3);
  const drawn = [
    rand([7, 5], { device: on }),
    randn([7, 5], { device: on }),
    // A rate of one half scales by a power of two: equal bits in every division.
    dropout(ones([50, 7], { device: on }), { rate: 0.5 }),
    dropout(ones([50, 7], { device: on }), { rate: 0.3, random: new RandomState(5) }).greater(0),
    rand([3], { device: on }),
  ];
  return Promise.all(drawn.map((t) => t.data()));
}

async function checkRandom(on: Device, reference: Device): Promise<void> {
  const got = await draw(on);
  const want = await draw(reference);
  want.forEach((values, i) => {
    must(
      values.length === got[i].length && values.every((v, j) => Object.is(v, got[i][j])),
      `draw ${i} is ${got[i]}, on reference ${values}`,
    );
  });
}

/**
 * A minimal convolutional encoder with pooling and its unpooling decoder. Gives each step's loss,
 * the number of reads of the device, and the bytes in use.
 */
async function train(on: Device, steps: number): Promise<{ losses: number[]; reads: number[]; bytes: number[] }> {
  const random = new RandomState(5);
  const parameter = (scale: number, ...shape: number[]): Parameter =>
    new Parameter(
      tensor(
        Float32Array.from(random.randn(shape.reduce((a, b) => a * b, 1)), (v) => v * scale),
        { shape, device: on },
      ),
    );
  const [w1, b1, w2, w3, w4] = [
    parameter(0.3, 3, 3, 2, 4),
    parameter(0.1, 4),
    parameter(0.3, 3, 3, 4, 6),
    parameter(0.3, 3, 3, 4, 6),
    parameter(0.3, 3, 3, 1, 4),
  ];
  const optimizer = new Adam([w1, b1, w2, w3, w4], { lr: 0.01 });
  const x = tensor(Float32Array.from(random.randn(2 * 8 * 6 * 2)), { shape: [2, 8, 6, 2], device: on });
  const target = tensor(
    Float32Array.from(random.rand(2 * 8 * 6), (u) => (u < 0.3 ? 1 : 0)),
    { shape: [2, 8, 6, 1], device: on },
  );
  const forward = (): Tensor => {
    const [pooled, indices] = maxPool2d(conv2d(x, w1, { bias: b1, padding: 'same' }).relu(), { kernelSize: 2 });
    const [deep, deepIndices] = maxPool2d(conv2d(pooled, w2, { padding: 'same' }).relu(), {
      kernelSize: 2,
      padding: 'same',
    });
    const up = conv2dTranspose(maxUnpool2d(deep, deepIndices), w3, { padding: 'same' }).relu();
    return conv2dTranspose(maxUnpool2d(dropout(up, { rate: 0.25, random }), indices), w4, { padding: 'same' });
  };
  const losses: number[] = [];
  const reads: number[] = [];
  const bytes: number[] = [];
  for (let step = 0; step < steps; step++) {
    const before = on.counters.reads;
    optimizer.zeroGrad();
    const loss = bceWithLogits(forward(), target, { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    losses.push(await loss.item());
    reads.push(on.counters.reads - before);
    await on.sync();
    bytes.push(beyondSingles(on));
  }
  return { losses, reads, bytes };
}

async function checkTraining(on: Device, reference: Device): Promise<void> {
  const got = await train(on, 12);
  const want = await train(reference, 12);
  must(
    got.reads.every((n) => n === 1),
    `reads of each step: ${got.reads}`,
  );
  must(
    want.losses.every((loss, i) => Math.abs(got.losses[i] / loss - 1) < 1e-4),
    `losses ${got.losses}, on reference ${want.losses}`,
  );
  must(want.losses[11] < want.losses[0], `it does not learn: ${want.losses}`);
}

async function checkMemory(on: Device): Promise<void> {
  const { bytes } = await train(on, 40);
  // Fewer than before: the collector has taken what earlier checks left.
  must(
    bytes.slice(3).every((n, i) => n <= bytes[i + 2]),
    `bytes in use after each step, beyond those of single elements: ${bytes}`,
  );
}

export const checks: readonly Check[] = [
  { name: 'says what it lacks', run: async (on) => must(!on.dtypes.includes('float64'), `dtypes ${on.dtypes}`) },
  ...[...opTable, ...extremes].map((row) => ({
    name: row.name,
    run: (on: Device, reference: Device) => checkRow(row, on, reference),
  })),
  ...kernelCalls.map((each) => ({
    name: each.name,
    run: (on: Device, reference: Device) => checkCall(each, on, reference),
  })),
  { name: 'random numbers and dropout masks have the same bits', run: checkRandom },
  { name: 'a training step reads the device once, for the loss; losses agree with reference', run: checkTraining },
  { name: 'memory is flat over training steps, but for losses, until they are collected', run: checkMemory },
];
