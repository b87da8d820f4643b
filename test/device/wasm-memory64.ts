/**
 * Tests the wasm device with memory of 64-bit addresses: every row of the op table, the calls of
 * kernels.ts and a training step give the same bits as with 32-bit addresses, also where arrays lie
 * beyond 4 and 8 GiB. Engines without such memory (Node before 24) refuse the device, and the other
 * tests are skipped.
 * Not here: large and odd geometries (wasm-kernels.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createMemory, hasMemory64 } from '../../src/device/wasm/grant.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import { Memory } from '../../src/device/wasm/memory.js';
import {
  Adam,
  bceWithLogits,
  Conv2d,
  compile,
  type Device,
  DeviceError,
  device,
  dropout,
  Linear,
  manualSeed,
  maxPool2d,
  maxUnpool2d,
  rand,
  randn,
  relu,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';
import { sameBits } from '../helpers/close.js';
import { runRow } from '../helpers/conformance.js';
import { extremes } from '../helpers/extremes.js';
import { kernelCalls } from '../helpers/kernels.js';
import { acrossEnd, acrossSign, outOfReach, wasmFrom } from '../helpers/memory64.js';
import { opTable } from '../helpers/op-table.js';

const engine = suite('memory64, engine');
const refusal = async (call: () => unknown): Promise<string> => {
  try {
    await call();
  } catch (error) {
    assert.instance(error, Error);
    return (error as Error).message;
  }
  throw new Error('was not refused');
};

engine('the option is a flag', async () => {
  const options = { memory64: 64 as unknown as boolean };
  assert.match(
    await refusal(() => device('wasm', options)),
    /^device: memory64 must be true or false; got memory64=64/,
  );
});

engine('an engine without it refuses the device; one with it names it where 4 GiB are full', async () => {
  const on = (await device('wasm', { threads: 1 })) as WasmDevice;
  const full = await refusal(() => tensor([1], { device: on }).expand([1024, 1024, 1024]));
  assert.match(full, /^wasm: memory must fit/);
  assert.is(full.includes("device('wasm', { memory64: true }) has 16 GiB"), hasMemory64());
  await on.close();
  if (hasMemory64()) return;
  assert.match(
    await refusal(() => device('wasm', { memory64: true })),
    /^device: WebAssembly must have memory with 64-bit addresses .*; got an engine without; use Node 24 or newer/,
  );
});
engine.run();

const lacking = outOfReach(0);
const memory = suite(`memory64${lacking === null ? '' : `, skipped: ${lacking}`}`);
const test = lacking === null ? memory : memory.skip;

test('it says what it runs', async () => {
  const on = (await device('wasm', { threads: 1, build: 'simd', memory64: true })) as WasmDevice;
  assert.equal([on.mode, on.memory64, String(on)], ['simd', true, 'wasm (simd, 64-bit memory, 1 thread)']);
  await on.close();
});

test('an array past 4 GiB is refused, and the device goes on', async () => {
  const on = await device('wasm', { threads: 2, memory64: true });
  const x = tensor([1], { device: on });
  assert.throws(
    () => x.expand([1024, 1024, 1025]),
    (e: Error) =>
      e instanceof DeviceError &&
      e.message === 'wasm: an array must fit 4 GiB; got 4299161600 bytes; use smaller batches',
  );
  assert.is(x.mul(3).itemSync(), 3);
  await on.close();
});

(outOfReach(10 * 2 ** 30) === null ? memory : memory.skip)('memory past 16 GiB is refused with the numbers', () => {
  const grown = new Memory(createMemory(true, true), 4160);
  const block = 3 * 2 ** 30;
  assert.equal(
    [0, 1, 2].map(() => grown.take(block)),
    [0, 1, 2].map((n) => 4160 + n * block),
  );
  assert.throws(
    () => grown.take(4 * 2 ** 30) + grown.take(4 * 2 ** 30),
    (e: Error) =>
      e.message.startsWith(
        'wasm: memory must fit; got 4294967296 more bytes, 13958647872 in use or pooled, of 17179803648; ',
      ) && !e.message.includes('memory64'),
  );
});

/**
 * The losses and the final weights of a few steps. The convolutions are computed densely, by
 * Winograd, and over lists of nonzero values. The arrays take more memory than lies between the
 * start and the boundaries of memory64.ts.
 */
async function train(on: Device, compiled: boolean): Promise<Float32Array[]> {
  setDefaultDevice(on);
  manualSeed(3);
  const sizes = [
    [3, 16, 3],
    [16, 32, 3],
    [32, 32, 5],
  ] as const;
  const [first, second, third] = sizes.map(([from, to, size]) => new Conv2d(from, to, size, { padding: 'same' }));
  const last = new Linear(32, 1);
  const layers = [first, second, third, last];
  const optimizer = new Adam(
    layers.flatMap((layer) => layer.parameters()),
    { lr: 0.01 },
  );
  const x = randn([4, 30, 34, 3]);
  const y = rand([4, 30, 34, 1]);
  const run = (): Tensor => {
    optimizer.zeroGrad();
    const wide = relu(second.forward(relu(first.forward(x))));
    const [values, places] = maxPool2d(wide, { kernelSize: 2 });
    const back = relu(third.forward(maxUnpool2d(dropout(values, { rate: 0.25 }), places)));
    const loss = bceWithLogits(last.forward(back), y);
    loss.backward();
    optimizer.step();
    return loss;
  };
  const step = compiled ? compile(run) : run;
  const losses = new Float32Array(5);
  for (let i = 0; i < losses.length; i++) losses[i] = await step().item();
  const weights = layers.flatMap((layer) => layer.parameters()).map((p) => p.data() as Promise<Float32Array>);
  return [losses, ...(await Promise.all(weights))];
}

for (const [where, from] of [
  ['from the start', 0],
  ['across 4 GiB', acrossEnd],
  ['across 8 GiB', acrossSign],
] as const) {
  const reason = outOfReach(from);
  const high = suite(`memory64, arrays ${where}${reason === null ? '' : `, skipped: ${reason}`}`);
  const each = reason === null ? high : high.skip;
  let narrow: Device;
  let wide: WasmDevice;
  high.before(async () => {
    if (reason !== null) return;
    narrow = await device('wasm', { threads: 2 });
    wide = await wasmFrom(from, 2);
  });
  high.after(async () => {
    await narrow?.close();
    await wide?.close();
  });

  each('training, plain and compiled', async () => {
    for (const compiled of [false, true]) {
      const want = await train(narrow, compiled);
      for (const [i, values] of (await train(wide, compiled)).entries()) sameBits(values, want[i], `result ${i}`);
    }
    const buffer = wide.upload(new Float32Array(100_000), 'float32');
    assert.ok(buffer.start >= from && (from === 0 || buffer.start > from + 65536), `an array at ${buffer.start}`);
    wide.free(buffer);
  });

  const isLast = from === acrossSign;
  for (const row of isLast ? [...opTable, ...extremes] : [])
    each(row.name, async () => {
      const [got, want] = [await runRow(row, wide), await runRow(row, narrow)];
      sameBits(got.values, want.values);
      for (const [i, grad] of want.grads.entries()) sameBits(got.grads[i] ?? [], grad ?? [], `gradient of input ${i}`);
    });
  for (const { name, run } of isLast ? kernelCalls : [])
    each(name, async () => {
      const [got, want] = [await run(wide), await run(narrow)];
      for (const [i, values] of want.entries()) sameBits(got[i], values, `output ${i}`);
    });
  high.run();
}
memory.run();
