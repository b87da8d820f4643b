/**
 * Tests what the wasm device promises besides agreement with the reference device (conformance.ts):
 * its threads, its memory, its builds, and how it ends.
 */
import { execFileSync } from 'node:child_process';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { relaxedIsFaster } from '../../src/device/wasm/build.js';
import type { WasmDevice } from '../../src/device/wasm/index.js';
import type { Opcode } from '../../src/device/wasm/protocol/command.js';
import {
  compile,
  conv2d,
  DeviceError,
  device,
  full,
  maxPool2d,
  maxUnpool2d,
  noGrad,
  RandomState,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.js';

const test = suite('wasm device');
const open = async (options: object = {}): Promise<WasmDevice> => (await device('wasm', options)) as WasmDevice;
const refusal = async (options: object): Promise<string> => {
  try {
    await device('wasm', options);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('was not refused');
};

test('it says what it runs', async () => {
  const on = await open({ threads: 1, build: 'simd' });
  assert.equal([on.name, on.mode, on.threads, String(on)], ['wasm', 'simd', 1, 'wasm (simd, 1 thread)']);
  await on.close();
  const two = await open({ threads: 2 });
  assert.match(String(two), /^wasm \((simd|relaxed), 2 threads\)$/);
  await two.close();
});

test('options out of range are refused', async () => {
  assert.match(await refusal({ threads: 0 }), /^device: threads must be whole and in \[1, 64\]; got threads=0/);
  assert.match(await refusal({ threads: 1.5 }), /got threads=1.5/);
  assert.match(await refusal({ build: 'fast' }), /^device: build must be 'simd' or 'relaxed'; got build=fast/);
});

test('where a worker cannot start there is one thread, and a note', async () => {
  const workers = createRequire(import.meta.url)('node:worker_threads');
  const { Worker } = workers;
  workers.Worker = class {
    constructor() {
      throw new Error('no more threads');
    }
  };
  syncBuiltinESMExports();
  try {
    const on = await open({ threads: 2 });
    assert.equal([on.threads, on.note], [1, 'a worker could not start: no more threads']);
    await on.close();
  } finally {
    workers.Worker = Worker;
    syncBuiltinESMExports();
  }
});

test('the relaxed build is taken from V8 13 on, which is Chrome 130, and where the engine is another', () => {
  for (const [version, taken] of [
    ['11.3.244.8-node.30', false],
    ['12.4.254.21-node.33', false],
    ['13.0.245.16', true],
    ['13.6.233.10-node.28', true],
    ['99', false],
    ['129', false],
    ['130', true],
    ['141', true],
    [undefined, true],
  ] as const)
    assert.is(relaxedIsFaster(version), taken, `${version}`);
});

/**
 * Runs convolutions that are large enough for several threads to share. Some are computed densely,
 * some by Winograd, and some over lists of nonzero values.
 */
function busy(on: WasmDevice): Tensor[] {
  const random = new RandomState(1);
  const make = (...shape: number[]): Tensor =>
    tensor(Float32Array.from(random.randn(shape.reduce((a, b) => a * b, 1))), {
      shape,
      device: on,
      requiresGrad: true,
    });
  const [x, w, v] = [make(5, 18, 14, 16), make(3, 3, 16, 32), make(5, 5, 32, 32)];
  const [h, where] = maxPool2d(conv2d(x, w, { padding: 'same' }).relu(), { kernelSize: 2 });
  const y = conv2d(maxUnpool2d(h, where), v, { padding: 'same', stride: 2 });
  y.mul(y).sum().backward();
  return [y, ...[x, w, v].map((t) => t.grad as Tensor)];
}

test('the same bits on 1, 2 and 3 threads', async () => {
  const results: string[] = [];
  for (const threads of [1, 2, 3]) {
    const on = await open({ threads });
    // The workers take part only after they have started, so the test waits for them.
    busy(on)[0].dataSync();
    await new Promise((resolve) => setTimeout(resolve, 300));
    results.push(
      busy(on)
        .map((t) => [...new Uint32Array(t.dataSync().buffer)].join())
        .join('|'),
    );
    await on.close();
  }
  assert.is(results[1], results[0]);
  assert.is(results[2], results[0]);
});

test('freed blocks are used again', async () => {
  const on = await open({ threads: 1 });
  const first = zeros([1000], { device: on });
  assert.equal(on.memory(), { tensors: 1, bytes: 4000, pooled: on.memory().pooled });
  first.release();
  const { pooled } = on.memory();
  assert.ok(pooled >= 4000);
  zeros([990], { device: on });
  assert.ok(on.memory().pooled < pooled, 'taken from the pool');
  await on.close();
});

test('an upload does not overtake what still reads its block', async () => {
  const on = await open({ threads: 1 });
  const x = full([1000], 1, { device: on });
  const y = x.mul(2);
  x.release();
  const z = full([1000], 7, { device: on });
  assert.equal([y.dataSync()[999], z.dataSync()[0]], [2, 7]);
  await on.close();
});

test('memory past 4 GiB is refused, and the device goes on', async () => {
  const on = await open({ threads: 2 });
  const x = tensor([1], { device: on });
  assert.throws(
    () => x.expand([1024, 1024, 1024]),
    (e: Error) => e instanceof DeviceError && /^wasm: memory must fit; got 4294967296 more bytes/.test(e.message),
  );
  assert.is(x.mul(3).itemSync(), 3);
  await on.close();
});

test('float64 is refused with a remedy', async () => {
  const on = await open({ threads: 1 });
  assert.throws(
    () => tensor([1], { device: on, dtype: 'float64' }),
    /^wasm: dtype must be float32, int32 or bool; got float64; convert with cast\(\), or use device\('reference'\)/,
  );
  await on.close();
});

test('a crash in WebAssembly is a DeviceError, then and at every later call', async () => {
  const on = await open({ threads: 2 });
  const x = tensor([1], { device: on });
  await new Promise((resolve) => setTimeout(resolve, 200));
  on.emit(999 as Opcode, true, []);
  assert.throws(
    () => on.flush(),
    (e: Error) => e instanceof DeviceError && /^wasm: the device must be alive; got .*; make a new one/.test(e.message),
  );
  assert.throws(
    () => x.mul(2),
    (e: Error) => e instanceof DeviceError,
  );
  await on.close();
});

test('a closed device refuses work', async () => {
  const on = await open({ threads: 2 });
  const x = tensor([1], { device: on });
  await on.close();
  const refused = /^wasm: the device must be alive; got the device was closed/;
  assert.throws(() => x.mul(2).dataSync(), refused);
  assert.throws(() => x.dataSync(), refused);
  assert.throws(() => tensor([1], { device: on }), refused);
  const message = await on.sync().then(
    () => 'none',
    (error: Error) => error.message,
  );
  assert.match(message, refused);
});

test('a compiled step of a closed device is refused, also one that returns nothing', async () => {
  const on = await open({ threads: 1 });
  const x = tensor([1], { device: on });
  const step = compile((by: Tensor) => noGrad(() => void x.assign(x.mul(by))));
  const by = tensor([2], { device: on });
  for (let call = 0; call < 3; call++) step(by);
  assert.is(step.mode, 'compiled');
  assert.equal([...x.dataSync()], [8]);
  await on.close();
  assert.throws(() => step(by), /^wasm: the device must be alive; got the device was closed/);
});

test("'auto' is one device for all who ask, and another once that was closed", async () => {
  const first = await device('auto');
  assert.is(await device('auto'), first);
  await first.close();
  const [second, third] = await Promise.all([device('auto'), device('auto')]);
  assert.is.not(second, first);
  assert.is(third, second);
  assert.is(full([2], 3, { device: second }).sum().itemSync(), 6);
  await second.close();
});

test('idle workers cost no time', async () => {
  const on = await open({ threads: 2 });
  busy(on)[0].dataSync();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const before = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const { user, system } = process.cpuUsage(before);
  assert.ok(user + system < 250_000, `${user + system} µs of the processor in half a second`);
  await on.close();
});

test('an open device does not keep the process alive; CEDARGRAD_THREADS sets its threads', () => {
  const index = fileURLToPath(new URL('../../src/index.ts', import.meta.url));
  const program = `import { device, zeros } from ${JSON.stringify(index)};
    const on = await device('auto');
    zeros([4], { device: on }).mul(2).dataSync();
    console.log(String(on));`;
  const said = execFileSync(
    process.execPath,
    ['--conditions=cedargrad-source', '--import', 'tsx', '--input-type=module', '-e', program],
    {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, CEDARGRAD_THREADS: '2' },
    },
  );
  assert.match(said, /^wasm \(.*2 threads\)\n$/);
});

test.run();
