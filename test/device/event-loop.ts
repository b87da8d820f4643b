/**
 * Tests the event loop and the garbage collector in ordinary loops. Timers and signals must run
 * while a loop awaits nothing but losses. Device memory must be freed when tensors are dropped and
 * never released. Not here: long runs (test/soak), animation frames of a page (test/browser).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { turnIfDue } from '../../src/device/turn.js';
import { unweigh, weigh, weighsTooMuch } from '../../src/device/weight.js';
import { type Device, device, Linear, ones, setDefaultDevice, type Tensor, tensor } from '../../src/index.js';

const test = suite('event loop');
const wasm = await device('wasm', { threads: 1 });
const devices: readonly Device[] = [wasm, await device('reference'), await device('gpu', { mode: 'cpu' })];
const MB = 2 ** 20;

/** Repeats `step` for `ms` milliseconds, like a training loop that awaits nothing but its loss. */
async function loop(ms: number, step: () => Promise<unknown>): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) await step();
}

for (const on of devices)
  test(`${on}: timers run while a loop awaits nothing but item()`, async () => {
    setDefaultDevice(on);
    const x = ones([4]);
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    await loop(400, () => x.sum().item());
    clearInterval(timer);
    assert.ok(ticks >= 4, `${ticks} ticks of a timer of 10 ms in 400 ms`);
  });
for (const on of devices)
  test(`${on}: timers run while a loop awaits nothing but sync()`, async () => {
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    await loop(400, () => on.sync());
    clearInterval(timer);
    assert.ok(ticks >= 4, `${ticks} ticks of a timer of 10 ms in 400 ms`);
  });
test('a signal is handled while a loop awaits nothing but item()', async () => {
  setDefaultDevice(wasm);
  const x = ones([4]);
  let handled = false;
  process.once('SIGUSR2', () => {
    handled = true;
  });
  process.kill(process.pid, 'SIGUSR2');
  await loop(300, () => x.sum().item());
  assert.ok(handled);
});
test('reads between two turns stay within one task: most of them cost no turn', async () => {
  setDefaultDevice(wasm);
  const x = ones([1]);
  let turns = 0;
  let counting = true;
  const count = (): void => {
    turns++;
    if (counting) setImmediate(count);
  };
  await turnIfDue(true);
  setImmediate(count);
  let reads = 0;
  await loop(200, () => {
    reads++;
    return x.item();
  });
  counting = false;
  assert.ok(reads > 20 * turns, `${turns} turns in ${reads} reads`);
});
test('reads at the same time share a turn, and all of them come back', async () => {
  setDefaultDevice(wasm);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const values = await Promise.all([1, 2, 3].map((v) => tensor([v]).item()));
  assert.equal(values, [1, 2, 3]);
});
test('neither reads nor sync() wait for a turn that is not due', async () => {
  setDefaultDevice(wasm);
  const x = tensor([1]);
  let turned = true;
  // On a busy machine 16 ms may pass between the two reads, but not every time.
  for (let attempt = 0; attempt < 10 && turned; attempt++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    // This read waits for a turn, so the next one is due 16 ms later.
    await x.item();
    turned = false;
    setImmediate(() => {
      turned = true;
    });
    await wasm.sync();
    await x.item();
  }
  assert.is(turned, false);
});
test('what a read returns is what the tensor held when it was asked', async () => {
  setDefaultDevice(wasm);
  const x = tensor([1]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  const before = x.item();
  x.assign(tensor([2]));
  assert.is(await before, 1);
});

test('the weight of arrays adds up to their bytes, within a megabyte and the largest size of one', () => {
  const weights: ArrayBuffer[] = [];
  for (let i = 0; i < 200; i++) {
    const weight = weigh(100_000 + i);
    if (weight !== null) weights.push(weight);
  }
  const sum = weights.reduce((bytes, w) => bytes + w.byteLength, 0);
  const want = 200 * 100_000 + (199 * 200) / 2;
  assert.ok(Math.abs(sum - want) <= 2 * MB, `${sum} of ${want}`);
  for (const w of weights) unweigh(w);
  const large = weigh(4e9) as ArrayBuffer;
  assert.ok(large.byteLength <= 2 ** 29);
  unweigh(large);
});
test('a weight is a power of two that is no larger than the arrays it stands for', () => {
  for (const megabytes of [3, 5, 7]) {
    // Earlier arrays may have left bytes without a weight. This loop leaves less than a megabyte of
    // them.
    for (let rest = weigh(0); rest !== null; rest = weigh(0)) unweigh(rest);
    const weight = weigh(megabytes * MB) as ArrayBuffer;
    assert.ok(weight.byteLength <= (megabytes + 1) * MB, `${weight.byteLength} for ${megabytes} MB`);
    assert.is(2 ** Math.round(Math.log2(weight.byteLength)), weight.byteLength);
    unweigh(weight);
  }
});
test('weights of released storages are used again', () => {
  const first = weigh(64 * MB) as ArrayBuffer;
  unweigh(first);
  assert.is(weigh(first.byteLength), first);
  unweigh(first);
});
test('finalizers get a turn for every 256 MB that were made and not released', () => {
  weighsTooMuch();
  const weights = Array.from({ length: 9 }, () => weigh(32 * MB) as ArrayBuffer);
  assert.is(weighsTooMuch(), true);
  assert.is(weighsTooMuch(), false);
  for (const w of weights) unweigh(w);
});

/** Returns the largest number of megabytes that the device held at the end of any step. */
async function peak(steps: number, step: () => Promise<unknown>): Promise<number> {
  let most = 0;
  for (let i = 0; i < steps; i++) {
    await step();
    most = Math.max(most, wasm.memory().bytes);
  }
  return most / MB;
}
test('batches of 25 MB that are dropped and never released are collected while a loop awaits its loss', async () => {
  setDefaultDevice(wasm);
  const host = new Float32Array(25 * (MB / 4));
  const most = await peak(80, () => tensor(host).slice([0, 10]).sum().item());
  assert.ok(most < 1000, `${most} MB of the ${80 * 25} MB that were made`);
});
test('forward passes without noGrad that are read and dropped are collected', async () => {
  setDefaultDevice(wasm);
  const model = new Linear(64, 1024);
  const x = ones([1024, 64]);
  const most = await peak(200, () => model.forward(x).relu().mean().item());
  assert.ok(most < 1000, `${most} MB of the ${200 * 12} MB that were made`);
});
test('graphs of steps that throw are collected', async () => {
  setDefaultDevice(wasm);
  const model = new Linear(64, 1024);
  const x = ones([1024, 64]);
  const step = async (): Promise<void> => {
    const y: Tensor = model.forward(x).relu();
    await y.mean().item();
    throw new Error('after the forward pass');
  };
  const most = await peak(200, () => step().catch(() => {}));
  assert.ok(most < 1000, `${most} MB of the ${200 * 12} MB that were made`);
});
test.after(async () => {
  for (const on of devices) await on.close();
});

test.run();
