/**
 * Tests what the gpu device promises besides agreement with the reference device: its modes and
 * limits, the precision of long sums, and the number of launches.
 * Not here: agreement (gpu-conformance.ts), its parts alone (gpu-arrays.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Operand, Spec } from '../../src/device/device.js';
import {
  Adam,
  AdamW,
  concat,
  conv2d,
  type Device,
  DeviceError,
  defaultDevice,
  device,
  div,
  full,
  type GpuDevice,
  type GpuOptions,
  maxPool2d,
  maxUnpool2d,
  noGrad,
  Parameter,
  RandomState,
  setDefaultDevice,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.js';
import { closeTo, sameBits } from '../helpers/close.js';
import { launchCheck, mostLaunches } from '../helpers/golden.js';

const test = suite('gpu device');
const home = defaultDevice();
test.after.each(() => setDefaultDevice(home));

const refusal = async (opening: Promise<Device>): Promise<Error> => {
  try {
    await (await opening).close();
  } catch (error) {
    return error as Error;
  }
  throw new Error('was not refused');
};
const random = (on: Device, ...shape: number[]): Tensor =>
  tensor(new RandomState(3).randn(shape.reduce((a, b) => a * b, 1)), { shape, device: on, dtype: 'float32' });
const opened = (mode: 'cpu' | 'webasm'): Promise<GpuDevice> => device('gpu', { mode });

test('the mode is the one that really ran', async () => {
  for (const mode of ['cpu', 'webasm'] as const) {
    const on = await opened(mode);
    assert.equal([on.name, on.mode, String(on), on.adapter, on.alive], ['gpu', mode, `gpu (${mode})`, null, true]);
    await on.close();
    assert.is(on.alive, false);
    assert.throws(
      () => full([2], 1, { device: on }),
      /^upload: the device must be open; got one that was closed; open another with device\(\)/,
    );
  }
});

test('adam returns new buffers if `into` names none', async () => {
  const on = await opened('cpu');
  const attrs = {
    form: 'torch',
    lr: 0.1,
    beta1: 0.5,
    beta2: 0.5,
    eps: 0,
    weightDecay: 0,
    decoupled: false,
    amsgrad: false,
    step: 1,
  } as const;
  const operand = (...values: number[]): Operand => ({
    buffer: on.upload(Float32Array.from(values), 'float32'),
    shape: [values.length],
    dtype: 'float32',
  });
  const outputs = [2, 2, 2, 1, 1, 1].map((n): Spec => ({ shape: [n], dtype: 'float32' }));
  const first = [operand(1, 2), operand(4, -8), operand(0, 0), operand(0, 0)];
  const second = [operand(3), operand(2), operand(0), operand(0)];
  const made = on.run('adam', [...first, ...second], attrs, outputs).map((buffer) => [...on.readSync(buffer)]);
  // The first step is of size lr, against the gradient's sign. The moments are half of g and of g².
  closeTo(made.flat(), [0.9, 2.1, 2, -4, 8, 32, 2.9, 1, 2], 1e-6);
  await on.close();
});

test('empty tensors can be operands beside others', async () => {
  const on = await opened('cpu');
  setDefaultDevice(on);
  const empty = zeros([0, 2]);
  assert.equal([...concat([empty, tensor([[1, 2]])], 0).dataSync()], [1, 2]);
  assert.equal(
    [
      ...empty
        .sum(0)
        .add(tensor([3, 4]))
        .dataSync(),
    ],
    [3, 4],
  );
  assert.equal(empty.add(tensor([3, 4])).shape, [0, 2]);
  await on.close();
});

test('a mode that cannot run here is refused with a remedy, never replaced', async () => {
  for (const mode of ['webgl2', 'webgl'] as const) {
    const error = await refusal(device(mode));
    assert.instance(error, DeviceError);
    assert.match(
      error.message,
      new RegExp(
        `^device: gpu\\.js must run in mode '${mode}'; got .*; ` +
          "it needs a browser; in Node, use 'webgpu' or 'headlessgl'$",
      ),
    );
    assert.is((await refusal(device('gpu', { mode }))).message, error.message);
  }
  assert.match(
    (await refusal(device('gpu', { mode: 'opengl' } as unknown as GpuOptions))).message,
    /^device: mode must be one of cpu, webasm, .*; got 'opengl'/,
  );
  assert.match(
    (await refusal(device('webgpu', { asyncMode: true }))).message,
    /^device: asyncMode is for the modes 'cpu' and 'webasm'; got mode 'webgpu'/,
  );
});

test('whole numbers past 2^24 are refused', async () => {
  const on = await opened('cpu');
  assert.throws(
    () => tensor(Int32Array.of(2 ** 24 + 2), { device: on }),
    /^gpu: whole numbers are exact only up to 2\^24; got 16777218/,
  );
  assert.throws(
    () => tensor(Int32Array.of(-(2 ** 24) - 2), { device: on }),
    /^gpu: whole numbers are exact only up to 2\^24; got -16777218/,
  );
  const limits = [2 ** 24, -(2 ** 24)];
  assert.equal([...tensor(Int32Array.from(limits), { device: on }).dataSync()], limits);
  await on.close();
});

test('a buffer of another device is refused, named by its dtype and size', async () => {
  const on = await opened('cpu');
  const operand = (from: Device): Operand => ({
    buffer: from.upload(Float32Array.of(1, 2), 'float32'),
    shape: [2],
    dtype: 'float32',
  });
  const reference = await device('reference');
  const run = (from: Device, to: Device) => () =>
    to.run('cast', [operand(from)], {}, [{ shape: [2], dtype: 'float32' }]);
  const got = 'got a float32 buffer of 2 elements of another device; move the tensor';
  assert.throws(run(reference, on), new RegExp(`^gpu: a buffer must be this device's own; ${got} with to`));
  assert.throws(run(on, reference), new RegExp(`^cast: the buffer must be of the reference device; ${got} to this`));
  await on.close();
});

test('arrays of more elements than float32 can index are refused, with the limit named', async () => {
  const on = await opened('cpu');
  const x = full([4097], 1, { device: on });
  assert.throws(
    () => x.reshape([4097, 1]).mul(x),
    ({ message }: Error) =>
      message ===
      'binary: an array may have 16777216 elements at most on the gpu device; got 16785409; ' +
        'indexes are float32, exact up to 2^24; split it, or use the wasm device',
  );
  await on.close();
});

test('indexes are exact up to the largest arrays', async () => {
  const on = await opened('cpu');
  // The kernels divide indexes. These sizes divide them by a power of two and by other numbers,
  // below 2^21 and above.
  for (const [rows, columns] of [
    [4099, 3989],
    [1021, 1031],
    [2048, 8191],
  ]) {
    const row = tensor(
      Float32Array.from({ length: rows }, (_, i) => i),
      { shape: [rows, 1], device: on },
    );
    const column = tensor(
      Float32Array.from({ length: columns }, (_, i) => i),
      { device: on },
    );
    const grid = row.mul(columns).add(column).dataSync();
    assert.is(
      grid.findIndex((v, i) => v !== i),
      -1,
      `${rows}×${columns}`,
    );
  }
  await on.close();
});

test('a sum of 300,000 keeps five digits where sums run in float32', async () => {
  for (const mode of ['cpu', 'webasm'] as const) {
    const on = await opened(mode);
    const sum = await full([300, 1000], 0.1, { device: on }).sum().item();
    assert.ok(Math.abs(sum / 30000 - 1) < 1e-5, `${mode}: ${sum}`);
    const flat = await full([300_000], 0.1, { device: on }).sum().item();
    assert.ok(Math.abs(flat / 30000 - 1) < 2e-5, `${mode}: ${flat}`);
    await on.close();
  }
});

test('padding around an empty array has the given value', async () => {
  const on = await opened('cpu');
  const padded = full([0, 2], 1, { device: on }).pad(
    [
      [1, 1],
      [0, 0],
    ],
    7,
  );
  assert.equal(
    [padded.shape, [...padded.dataSync()]],
    [
      [2, 2],
      [7, 7, 7, 7],
    ],
  );
  await on.close();
});

test('memory counts the arrays in use', async () => {
  const on = await opened('cpu');
  const x = tensor([1, 2, 3], { device: on });
  const y = x.mul(2);
  assert.equal(on.memory(), { tensors: 2, arrays: 2, bytes: 24, pooled: 0 });
  y.release();
  x.release();
  assert.equal(on.memory(), { tensors: 0, arrays: 0, bytes: 0, pooled: 0 });
  await on.close();
});

test('a training step of the miniature CEDN launches few kernels and reads nothing', async () => {
  const on = await opened('cpu');
  await launchCheck(mostLaunches.cpu).run(on, home);
  await on.close();
});

test('an activation runs as one kernel with its convolution, whose own result can still be read', async () => {
  const on = await opened('cpu');
  const x = random(on, 2, 5, 6, 3);
  const w = random(on, 3, 3, 3, 4);
  const before = on.counters.kernels;
  const h = conv2d(x, w);
  const y = h.relu();
  assert.is(on.counters.kernels - before, 1);
  const activated = y.dataSync();
  const linear = h.dataSync();
  assert.is(on.counters.kernels - before, 2);
  assert.ok(linear.some((v) => v < 0));
  assert.equal(
    [...activated],
    [...linear].map((v) => Math.max(v, 0)),
  );
  await on.close();
});

test('a deferred result has the values of its call, whatever changes afterwards', async () => {
  const on = await opened('cpu');
  const x = random(on, 1, 4, 4, 2);
  const w = new Parameter(random(on, 3, 3, 2, 2));
  const want = conv2d(x, w.detach().clone()).dataSync();
  const h = conv2d(x, w.detach());
  h.relu();
  noGrad(() => void w.assign(w.mul(2)));
  assert.equal(h.dataSync(), want);
  await on.close();
});

test('a deferred result with several readers is the same for all', async () => {
  const on = await opened('cpu');
  const x = random(on, 1, 4, 4, 2);
  const [values, indices] = maxPool2d(x, { kernelSize: 2 });
  const up = maxUnpool2d(values, indices);
  const [sum, negated] = [up.add(1), up.neg()];
  const plain = up.dataSync();
  assert.equal(
    [...sum.dataSync()],
    [...plain].map((v) => Math.fround(v + 1)),
  );
  assert.equal(
    [...negated.dataSync()],
    [...plain].map((v) => -v),
  );
  await on.close();
});

test('numbers that have the same text or none in JSON have launches of their own', async () => {
  const on = await opened('cpu');
  const x = tensor([1, -1], { device: on });
  sameBits(x.mul(0).dataSync(), [0, -0]);
  sameBits(x.mul(-0).dataSync(), [-0, 0]);
  sameBits(x.div(0).dataSync(), [Infinity, -Infinity]);
  sameBits(x.div(-0).dataSync(), [-Infinity, Infinity]);
  assert.equal([...x.clamp(-Infinity, 0).dataSync(), ...x.clamp(0, Infinity).dataSync()], [0, -1, 1, 0]);
  sameBits([...x.div(Infinity).dataSync(), ...x.mul(Infinity).dataSync()], [0, -0, Infinity, -Infinity]);
  await on.close();
});

test('a cast to int32 gives 0, not −0', async () => {
  const on = await opened('cpu');
  const whole = tensor([-0, 0, -0.5, 0.5, -1.5, 1.5], { device: on }).cast('int32');
  sameBits(div(1, whole).dataSync(), [Infinity, Infinity, Infinity, Infinity, -1, 1]);
  await on.close();
});

test('Adam agrees with the reference device in every form', async () => {
  const on = await opened('cpu');
  for (const form of ['torch', 'tf'] as const)
    for (const amsgrad of [false, true])
      for (const make of [Adam, AdamW]) {
        const [got, want] = [on, home].map((place) => {
          const parameters = [3, 5].map(
            (n) => new Parameter(tensor(new RandomState(n).randn(n), { dtype: 'float32', device: place })),
          );
          const optimizer = new make(parameters, { form, amsgrad, lr: 0.1, weightDecay: 0.1 });
          for (let i = 0; i < 3; i++) {
            optimizer.zeroGrad();
            for (const p of parameters)
              p.mul(p)
                .mul(i - 1.2)
                .sum()
                .backward();
            optimizer.step();
          }
          return parameters.flatMap((p) => [...p.dataSync()]);
        });
        closeTo(got, want, 1e-6, `${form}, ${amsgrad}, ${make.name}`);
      }
  await on.close();
});

test('parameters and moments of an optimizer share one array after its first step, in any order of use', async () => {
  const on = await opened('cpu');
  const parameters = [random(on, 3), random(on, 4), random(on, 2, 2)].map((t) => new Parameter(t));
  const optimizer = new Adam(parameters, { lr: 0.1 });
  const step = (): void => {
    optimizer.zeroGrad();
    const [a, b, c] = parameters;
    a.mul(a)
      .sum()
      .add(b.mul(c.reshape([4])).sum())
      .backward();
    optimizer.step();
  };
  step();
  const { kernels } = on.counters;
  step();
  const launched = on.counters.kernels - kernels;
  // A parameter to which the program assigns has an array of its own until the next step.
  const [a, b] = await Promise.all(parameters.map((p) => p.data()));
  noGrad(() => void parameters[0].assign(tensor(a, { device: on })));
  assert.equal(parameters[1].dataSync(), b);
  step();
  const again = on.counters.kernels;
  step();
  assert.is(on.counters.kernels - again, launched);
  await on.close();
});

test.run();
