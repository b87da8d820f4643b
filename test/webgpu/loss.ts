/**
 * Tests failures of the gpu device's WebGPU mode. The adapter is lost during training, a kernel
 * fails, or WebGPU is missing. A process must end by itself in all of these cases.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  Conv2d,
  type Device,
  DeviceError,
  device,
  full,
  type GpuDevice,
  Linear,
  Module,
  manualSeed,
  mse,
  type OptimizerState,
  RandomState,
  relu,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';
import { collected } from '../helpers/collect.js';

const test = suite('WebGPU lost and refused');
const reference = await device('reference');
const repository = fileURLToPath(new URL('../..', import.meta.url));

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => unhandled.push(reason));
test.after.each(async () => {
  setDefaultDevice(reference);
  await new Promise((later) => setTimeout(later, 20));
  assert.equal(unhandled.splice(0), []);
});

interface RawDevice {
  destroy(): void;
  createShaderModule(descriptor: object): unknown;
}
/** The GPUDevice that gpu.js's kernels run on now. */
async function rawDevice(): Promise<RawDevice> {
  const { WebGPUContext } = (await import('gpu.js')) as unknown as {
    WebGPUContext: { acquire(): Promise<{ device: RawDevice }> };
  };
  return (await WebGPUContext.acquire()).device;
}

const lost = new RegExp(
  '^\\w+: the adapter must not be lost; got .+; ' +
    'await device\\.recover\\(\\), then load the parameters that you saved last$',
);
async function failure(work: Promise<unknown>): Promise<DeviceError> {
  const [outcome] = await Promise.allSettled([work]);
  if (outcome.status === 'fulfilled') throw new Error(`resolved with ${outcome.value}`);
  assert.instance(outcome.reason, DeviceError);
  return outcome.reason;
}

class Small extends Module {
  conv = new Conv2d(1, 3, 3, { padding: 'same' });
  head = new Linear(48, 2);
  forward(x: Tensor): Tensor {
    return this.head.forward(relu(this.conv.forward(x)).reshape([5, 48]));
  }
}

interface Saved {
  readonly model: Record<string, Tensor>;
  readonly optimizer: OptimizerState;
}
/** A model and its optimizer, whose state can be read to the host. */
class Trainer {
  readonly model: Small;
  readonly optimizer: Adam;
  readonly #on: Device;

  constructor(on: Device) {
    this.#on = on;
    setDefaultDevice(on);
    manualSeed(3);
    this.model = new Small();
    this.optimizer = new Adam(this.model.parameters(), { lr: 0.01 });
  }

  /** Trains on a batch that depends only on the step's number. Returns the loss. */
  step(n: number): Tensor {
    const random = new RandomState(n);
    const x = tensor(random.randn(80), { shape: [5, 4, 4, 1], dtype: 'float32', device: this.#on });
    const y = tensor(random.randn(10), { shape: [5, 2], dtype: 'float32', device: this.#on });
    this.optimizer.zeroGrad();
    const loss = mse(this.model.forward(x), y);
    loss.backward();
    this.optimizer.step();
    return loss;
  }

  async train(from: number, to: number): Promise<number[]> {
    const losses: number[] = [];
    for (let n = from; n < to; n++) losses.push(await this.step(n).item());
    return losses;
  }

  async save(): Promise<Saved> {
    const onHost = async (tensors: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(tensors).map(async ([name, t]) => [
            name,
            tensor(await t.data(), { shape: t.shape, device: reference }),
          ]),
        ),
      );
    const { groups, state } = this.optimizer.stateDict();
    const entries = Object.entries(state).map(async ([n, { step, tensors }]) => [
      n,
      { step, tensors: await onHost(tensors) },
    ]);
    return {
      model: await onHost(this.model.stateDict()),
      optimizer: { groups, state: Object.fromEntries(await Promise.all(entries)) },
    };
  }

  load({ model, optimizer }: Saved): void {
    this.model.loadStateDict(model);
    this.optimizer.loadStateDict(optimizer as ReturnType<Adam['stateDict']>);
  }
}

/**
 * Trains six steps and saves the state. Loses the adapter in a later step, while the loss of that
 * step and the parameters are being read.
 */
async function loseInTraining(on: GpuDevice): Promise<{ trainer: Trainer; saved: Saved; losses: number[] }> {
  const trainer = new Trainer(on);
  const losses = await trainer.train(0, 6);
  const saved = await trainer.save();
  const raw = await rawDevice();
  const pending = [6, 7, 8].map((n) => trainer.step(n).item());
  pending.push(...trainer.model.parameters().map(async (p) => (await p.data())[0]));
  raw.destroy();
  for (const read of pending) assert.match((await failure(read)).message, lost);
  return { trainer, saved, losses };
}

const undisturbed = async (): Promise<number[]> => {
  const on = await device('webgpu');
  const losses = await new Trainer(on).train(0, 12);
  await on.close();
  return losses;
};

test('a lost adapter rejects every read, and after recover() training continues from the saved state', async () => {
  const want = await undisturbed();
  const on = await device('webgpu');
  const { trainer, saved, losses } = await loseInTraining(on);
  assert.is(on.alive, false);
  assert.throws(() => trainer.step(9), lost);
  assert.throws(() => full([2], 1, { device: on }), lost);
  assert.match((await failure(on.sync())).message, lost);

  await on.recover();
  assert.is(on.alive, true);
  const early = new RegExp(
    '^\\w+: an array must have been made since the adapter was lost; got one from before; ' +
      'load saved parameters, and upload data again$',
  );
  assert.match((await failure(trainer.model.head.weight.data())).message, early);
  trainer.load(saved);
  assert.equal([...losses, ...(await trainer.train(6, 12))], want);
  await on.sync();
  await on.close();
});

test('another device continues in place of the lost one', async () => {
  const want = await undisturbed();
  const first = await device('webgpu');
  const { saved, losses } = await loseInTraining(first);
  const second = await device('webgpu');
  const trainer = new Trainer(second);
  trainer.load(saved);
  assert.equal([...losses, ...(await trainer.train(6, 12))], want);
  await first.close();
  assert.is(await full([2], 3, { device: second }).sum().item(), 6);
  await second.close();
});

test('an adapter can be lost again and again', async () => {
  const on = await device('webgpu');
  for (let round = 0; round < 3; round++) {
    const read = full([3], round + 1, { device: on })
      .sum()
      .item();
    assert.is(await read, 3 * (round + 1));
    const pending = full([3], 1, { device: on }).exp().data();
    (await rawDevice()).destroy();
    await failure(pending);
    await on.recover();
  }
  await on.close();
});

test('a result that was deferred when the adapter was lost does not fail others afterwards', async () => {
  const on = await device('webgpu');
  const { conv } = new Trainer(on).model;
  const waiting = conv.forward(full([1, 4, 4, 1], 1, { device: on }));
  (await rawDevice()).destroy();
  await failure(on.sync());
  await on.recover();
  assert.equal([...(await full([2], 2, { device: on }).mul(3).data())], [6, 6]);
  assert.match((await failure(waiting.data())).message, /must have been made since the adapter was lost/);
  await on.close();
});

test('no memory is counted after the adapter was lost and everything was freed', async () => {
  const on = await device('webgpu');
  const kept = [full([3], 1, { device: on }), full([3], 2, { device: on })];
  const sum = kept[0].add(kept[1]);
  (await rawDevice()).destroy();
  await failure(sum.data());
  await on.recover();
  for (const t of [...kept, sum]) t.release();
  assert.equal(on.memory(), { tensors: 0, arrays: 0, bytes: 0, pooled: 0 });
  await on.close();
});

test('a closed device is not recovered', async () => {
  const on = await device('webgpu');
  await on.close();
  assert.match(
    (await failure(on.recover())).message,
    /^recover: the device must be open; got one that was closed; open another with device\(\)$/,
  );
});

test('of two devices, one is closed and the other continues', async () => {
  const [a, b] = [await device('webgpu'), await device('webgpu')];
  const [trainer, other] = [new Trainer(a), new Trainer(b)];
  const losses = await trainer.train(0, 3);
  assert.equal(await other.train(0, 3), losses);
  await a.close();
  assert.equal([a.alive, b.alive], [false, true]);
  assert.throws(() => trainer.step(3), /^\w+: the device must be open; got one that was closed/);
  const [last] = (await other.train(3, 9)).slice(-1);
  assert.ok(Number.isFinite(last) && last !== 0, `${last}`);
  await b.close();
});

for (const call of ['read', 'sync'] as const)
  test(`the next ${call} rejects with a kernel's failure and its op's name, once`, async () => {
    const on = await device('webgpu');
    const x = tensor([1, 2, 3], { device: on });
    await x.data();
    const raw = await rawDevice();
    const { createShaderModule } = raw;
    raw.createShaderModule = () => {
      throw new Error('no room for shaders\n    and more');
    };
    const y = x.tanh();
    const error = await failure(call === 'read' ? y.data() : on.sync());
    raw.createShaderModule = createShaderModule;
    assert.is(error.message, 'unary: the kernel must run; got no room for shaders; gpu.js in mode webgpu');
    await on.sync();
    assert.equal([...(await x.mul(2).data())], [2, 4, 6]);
    y.release();
    await on.close();
  });

test('memory is flat over 2,000 training steps', async () => {
  const on = await device('webgpu');
  setDefaultDevice(on);
  manualSeed(1);
  const model = new Linear(4, 2);
  const optimizer = new Adam(model.parameters(), { lr: 0.01 });
  const x = tensor(new RandomState(2).randn(12), { shape: [3, 4], dtype: 'float32' });
  const y = tensor(new RandomState(3).randn(6), { shape: [3, 2], dtype: 'float32' });
  const losses: number[] = [];
  const used: { tensors: number; arrays: number; bytes: number }[] = [];
  for (let step = 1; step <= 2000; step++) {
    optimizer.zeroGrad();
    const loss = mse(model.forward(x), y);
    loss.backward();
    optimizer.step();
    if (step % 200 !== 0) continue;
    losses.push(await loss.item());
    // Losses that the program no longer holds are freed by the collector.
    await collected();
    const { tensors, arrays, bytes } = on.memory();
    used.push({ tensors, arrays: arrays as number, bytes });
  }
  assert.ok(losses[9] < losses[0], `${losses}`);
  for (const name of ['tensors', 'arrays', 'bytes'] as const) {
    const counts = used.slice(1).map((u) => u[name]);
    assert.ok(Math.max(...counts) - Math.min(...counts) < 10 * (name === 'bytes' ? 4 : 1), `${name}: ${counts}`);
  }
  await on.close();
});

// ---- separate processes

/**
 * Runs a program that imports cedargrad. The status is null if the process does not end by itself.
 */
function run(
  program: string,
  { env = {}, cwd = repository }: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): { status: number | null; output: string } {
  const loader = cwd === repository ? ['--conditions=cedargrad-source', '--import', 'tsx'] : [];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...loader, '--input-type=module', '--eval', program],
    {
      cwd,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      timeout: 20_000,
    },
  );
  return { status, output: `${stdout}${status === 0 ? '' : stderr}`.trim() };
}
const opening = (name: string): string => `import { device } from 'cedargrad';
  const refused = await device('${name}').then(String, (error) => error.name + ' ' + error.message);
  console.log(refused);`;

test('a process ends by itself after close(), with devices lost, recovered and never used', () => {
  const program = `import { device, full } from 'cedargrad';
    import { WebGPUContext } from 'gpu.js';
    const [on, other, idle] = [await device('webgpu'), await device('webgpu'), await device('webgpu')];
    const first = await full([2], 2, { device: on }).sum().item();
    (await WebGPUContext.acquire()).device.destroy();
    const said = await full([2], 2, { device: other }).data().catch((error) => error.constructor.name);
    await on.recover();
    const again = await full([2], 2, { device: on }).sum().item();
    for (const each of [on, other, idle]) await each.close();
    console.log(first, said, again);`;
  assert.equal(run(program), { status: 0, output: '4 DeviceError 4' });
});

test('a process ends by itself although recover() failed at first', () => {
  const program = `import { device, full } from 'cedargrad';
    import { WebGPUContext } from 'gpu.js';
    const on = await device('webgpu');
    (await WebGPUContext.acquire()).device.destroy();
    const { gpu } = navigator;
    Object.defineProperty(navigator, 'gpu', { value: { requestAdapter: async () => null }, configurable: true });
    for (let trial = 0; trial < 2; trial++) await on.recover().catch((error) => console.log(error.message));
    console.log(on.alive);
    Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
    await on.recover();
    console.log(await full([2], 2, { device: on }).sum().item());
    await on.close();`;
  const refused = 'device: WebGPU must have an adapter; got none; install a Vulkan, Metal or Direct3D 12 driver';
  assert.equal(run(program), { status: 0, output: [refused, refused, 'false', '4'].join('\n') });
});

test('without a Vulkan driver WebGPU is refused, and the process ends', () => {
  const { status, output } = run(opening('webgpu'), { env: { VK_ICD_FILENAMES: '/nowhere.json' } });
  assert.is(status, 0);
  assert.match(
    output,
    /DeviceError device: WebGPU must have an adapter; got none; install a Vulkan, Metal or Direct3D 12 driver$/,
  );
});

test('a missing package is refused by its name', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: repository, encoding: 'utf8' });
  assert.is(status, 0, stderr);
  const project = mkdtempSync(join(tmpdir(), 'cedargrad-'));
  const modules = join(project, 'node_modules');
  const install = (name: string): void => symlinkSync(join(repository, 'node_modules', name), join(modules, name));
  try {
    for (const part of ['dist', 'package.json'])
      cpSync(join(repository, part), join(modules, 'cedargrad', part), { recursive: true });
    install('ndarray');
    const noGpuJs = new RegExp(
      '^DeviceError device: the gpu device needs the package gpu\\.js; ' +
        "got Cannot find package 'gpu\\.js' .*; npm install gpu\\.js@2 --ignore-scripts$",
    );
    assert.is(
      run(opening('webgpu'), { cwd: project }).output,
      "DeviceError device: WebGPU must be there; got no package 'webgpu'; " +
        "'npm install webgpu@0.4', and a Vulkan, Metal or Direct3D 12 driver",
    );
    assert.match(run(opening('gpu'), { cwd: project }).output, noGpuJs);
    install('webgpu');
    assert.match(run(opening('webgpu'), { cwd: project }).output, noGpuJs);
  } finally {
    rmSync(project, { recursive: true, force: true });
  }
});

test.run();
