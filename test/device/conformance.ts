/**
 * The fast devices against the reference device in float32, over every row of the op table: values, gradients, and memory given back.
 * Tolerance: each row's own, by default 1e-5 relative plus 1e-6 absolute. The wasm device runs on one and two threads, where all bits must be the same, and compiled, where they
 * must be those of the plain run. gpu.js runs in its cpu mode, its WebAssembly mode, and cpu with every kernel call a Promise (what WebGPU does), where only the asynchronous
 * reads exist.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  bceWithLogits,
  compile,
  conv2d,
  conv2dTranspose,
  type Device,
  device,
  dropout,
  maxPool2d,
  maxUnpool2d,
  noGrad,
  Parameter,
  RandomState,
  type Shape,
  type Tensor,
  type TypedArray,
  tensor,
} from '../../src/index.js';
import { inputsOf, opTable, type Row } from '../helpers/op-table.js';

const reference = await device('reference');
const ways: Readonly<Record<string, () => Promise<Device>>> = {
  'wasm, 1 thread': () => device('wasm', { threads: 1 }),
  'wasm, 2 threads': () => device('wasm', { threads: 2 }),
  'wasm, simd build': () => device('wasm', { threads: 2, build: 'simd' }),
  'gpu, cpu': () => device('gpu', { mode: 'cpu' }),
  'gpu, webasm': () => device('gpu', { mode: 'webasm' }),
  'gpu, cpu, asynchronous': () => device('gpu', { mode: 'cpu', asyncMode: true }),
};

/** Turns generations, and pushes out the scalars that stay readable, until `done` or far beyond any of their limits. */
function flush(done: () => boolean): void {
  const x = tensor([1], { device: reference, requiresGrad: true });
  for (let i = 0; i < 2000 && (i < 2 || !done()); i++) x.mul(2).backward();
}

interface Outcome {
  readonly dtype: string;
  readonly shape: Shape;
  readonly values: TypedArray;
  readonly grads: (TypedArray | null)[];
}

/** Runs a row on a device: its value and, where it has any, the gradient of every float input. */
async function runRow(row: Row, on: Device): Promise<Outcome> {
  const inputs = inputsOf(row, on, 'float32');
  const y = row.differentiable ? row.fn(...inputs) : noGrad(() => row.fn(...inputs));
  const values = await y.data();
  const grads: (TypedArray | null)[] = [];
  if (row.differentiable) {
    const g = tensor(new RandomState(11).randn(y.size), { shape: y.shape, device: on });
    y.backward(g);
    for (const x of inputs) grads.push(x.grad === null ? null : await x.grad.data());
    g.release();
  }
  for (const x of inputs) x.grad?.release();
  for (const t of [y, ...inputs]) t.release();
  return { dtype: y.dtype, shape: y.shape, values, grads };
}

function agree(what: string, got: TypedArray, want: TypedArray, { relative, absolute }: Row['tolerance']): void {
  assert.is(got.length, want.length, what);
  for (let i = 0; i < want.length; i++)
    assert.ok(
      Object.is(got[i], want[i]) || Math.abs(got[i] - want[i]) <= absolute + relative * Math.abs(want[i]),
      `${what}: element ${i} is ${got[i]}, on reference ${want[i]}`,
    );
}

/** A convolutional encoder with pooling and its unpooling decoder, as small as can be. Returns each step's loss, and how often a step read the device. */
async function train(on: Device, steps: number): Promise<{ losses: number[]; reads: number[]; tensors: number[] }> {
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
    const [deep, deepIndices] = maxPool2d(conv2d(pooled, w2, { padding: 'same' }).relu(), { kernelSize: 2, padding: 'same' });
    const up = conv2dTranspose(maxUnpool2d(deep, deepIndices), w3, { padding: 'same' }).relu();
    return conv2dTranspose(maxUnpool2d(dropout(up, { rate: 0.25, random }), indices), w4, { padding: 'same' });
  };
  const losses: number[] = [];
  const reads: number[] = [];
  const tensors: number[] = [];
  for (let step = 0; step < steps; step++) {
    const before = on.counters.reads;
    optimizer.zeroGrad();
    const loss = bceWithLogits(forward(), target, { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    losses.push(await loss.item());
    reads.push(on.counters.reads - before);
    tensors.push(on.memory().tensors);
  }
  return { losses, reads, tensors };
}

for (const [way, open] of Object.entries(ways)) {
  const test = suite(way);
  let tested: Device;
  test.before(async () => {
    tested = await open();
  });
  test.after(() => tested?.close());

  test('says what it lacks', () => {
    assert.not.ok(tested.dtypes.includes('float64'));
  });

  for (const row of opTable)
    test(row.name, async () => {
      const before = tested.memory();
      const got = await runRow(row, tested);
      const want = await runRow(row, reference);
      assert.is(got.dtype, want.dtype);
      assert.equal(got.shape, want.shape);
      agree('value', got.values, want.values, row.tolerance);
      want.grads.forEach((grad, i) => {
        const mine = got.grads[i];
        assert.is(mine === null, grad === null, `whether input ${i} has a gradient`);
        if (grad !== null && mine !== null) agree(`gradient of input ${i}`, mine, grad, row.tolerance);
      });
      await tested.sync();
      flush(() => tested.memory().tensors <= before.tensors);
      assert.is(tested.memory().tensors, before.tensors, 'arrays left behind');
      assert.is(tested.memory().bytes, before.bytes, 'bytes left behind');
    });

  test('a training step reads the device once, for the loss; losses agree with reference; memory is flat', async () => {
    const got = await train(tested, 12);
    const want = await train(reference, 12);
    assert.equal(
      got.reads,
      got.reads.map(() => 1),
    );
    want.losses.forEach((loss, i) => {
      assert.ok(Math.abs(got.losses[i] / loss - 1) < 1e-4, `step ${i}: ${got.losses[i]}, on reference ${loss}`);
    });
    assert.ok(want.losses[11] < want.losses[0], 'it learns');
  });

  test('memory is flat over training steps, once the readable scalars are full', async () => {
    const { tensors } = await train(tested, 80);
    const settled = tensors.slice(-4);
    assert.equal(
      settled,
      settled.map(() => settled[0]),
    );
  });

  test.run();
}

/** What a row gives as a compiled step, at its third call: the value, then the gradient of every input that has one. */
async function runCompiled(row: Row, on: Device): Promise<{ mode: string; reason: string; results: TypedArray[] }> {
  const inputs = inputsOf(row, on, 'float32');
  let g: Tensor | null = null;
  const step = compile((): Tensor[] => {
    if (!row.differentiable) return [row.fn(...inputs)];
    for (const x of inputs) x.clearGrad();
    const y = row.fn(...inputs);
    g ??= tensor(new RandomState(11).randn(y.size), { shape: y.shape, device: on }).keep();
    y.backward(g);
    return [y, ...inputs.flatMap((x) => (x.grad === null ? [] : [x.grad]))];
  });
  step();
  step();
  const results = await Promise.all(step().map((t) => t.data()));
  return { mode: step.mode, reason: step.reason, results };
}

for (const threads of [1, 2]) {
  const test = suite(`wasm, compiled, threads ${threads}`);
  let wasm: Device;
  test.before(async () => {
    wasm = await device('wasm', { threads });
  });
  test.after(() => wasm?.close());
  for (const row of opTable)
    test(row.name, async () => {
      const plain = await runRow(row, wasm);
      const { mode, reason, results } = await runCompiled(row, wasm);
      assert.is(mode, 'compiled', reason);
      const want = [plain.values, ...plain.grads.filter((grad) => grad !== null)];
      assert.is(results.length, want.length);
      results.forEach((values, i) => {
        assert.ok(
          values.every((v, j) => Object.is(v, want[i][j])),
          `result ${i} is ${values}, plain ${want[i]}`,
        );
      });
    });
  test.run();
}
