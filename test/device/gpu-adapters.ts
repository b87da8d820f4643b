/**
 * Tests the names of adapters, whether they count as software, and when an adapter is requested.
 * Stand-ins replace the browser's interfaces. Not here: a real adapter (test/webgpu, test/browser).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { findAdapter, glAdapter, mayHaveAdapter } from '../../src/device/gpu/adapters.js';
import { openHardware } from '../../src/device/gpu/hardware.js';

const test = suite('gpu adapters');
const { env } = process;
const before = { ...env };
test.after.each(() => {
  Object.assign(env, before);
  delete env.VK_ICD_FILENAMES;
  Reflect.deleteProperty(globalThis, 'navigator');
});

/** Sets `navigator.gpu` to an object that gives this adapter, and counts the requests for it. */
function offer(adapter: object | null): { asked: number } {
  const count = { asked: 0 };
  const requestAdapter = async (): Promise<object | null> => {
    count.asked++;
    return adapter;
  };
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: { requestAdapter } }, configurable: true });
  return count;
}
const info = { vendor: 'acme', architecture: 'road-7', device: '0x1', description: 'Acme Road Runner' };

test('the name of a WebGPU adapter has description or device, vendor and architecture, if known', async () => {
  for (const [given, name] of [
    [info, 'Acme Road Runner, acme, road-7'],
    [{ ...info, description: '' }, '0x1, acme, road-7'],
    [{ ...info, description: '', device: '', architecture: '' }, 'acme'],
    [{ vendor: '', architecture: '', device: '', description: '' }, 'unnamed'],
    [undefined, 'unnamed'],
  ] as const) {
    offer({ info: given });
    assert.equal(await findAdapter(), { name, software: false });
  }
});

test('a WebGPU adapter is software by its flag, in either place, or by its name', async () => {
  for (const [adapter, software] of [
    [{ info: { ...info, isFallbackAdapter: true } }, true],
    [{ info: { ...info, isFallbackAdapter: false }, isFallbackAdapter: true }, false],
    [{ info, isFallbackAdapter: true }, true],
    [{ info: { ...info, description: 'SwiftShader Device' } }, true],
    [{ info: { ...info, description: 'llvmpipe (LLVM 15.0.6, 256 bits)' } }, true],
    [{ info: { ...info, description: 'Microsoft Basic Render Driver' } }, true],
    [{ info }, false],
  ] as const) {
    offer(adapter);
    assert.is((await findAdapter()).software, software, JSON.stringify(adapter));
  }
});

test('no adapter is an error with a remedy', async () => {
  offer(null);
  let message = '';
  await findAdapter().catch((error: Error) => {
    message = error.message;
  });
  assert.is(message, 'device: WebGPU must have an adapter; got none; install a Vulkan, Metal or Direct3D 12 driver');
});

test('the name of a WebGL adapter is the unmasked one, if it is known', () => {
  const context = (unmasked: boolean, name: string): WebGL2RenderingContext =>
    ({
      RENDERER: 1,
      getExtension: () => (unmasked ? { UNMASKED_RENDERER_WEBGL: 2 } : null),
      getParameter: (which: number) => (which === (unmasked ? 2 : 1) ? name : 'another'),
    }) as unknown as WebGL2RenderingContext;
  assert.equal(glAdapter(context(true, 'Acme 7')), { name: 'Acme 7', software: false });
  assert.equal(glAdapter(context(false, 'Google SwiftShader')), { name: 'Google SwiftShader', software: true });
});

test('a software adapter is not opened without being named, a hardware adapter is tried', async () => {
  const software = offer({ info: { ...info, description: 'SwiftShader' } });
  assert.is(await openHardware(), null);
  assert.is(software.asked, 1);
  const hardware = offer({ info });
  await openHardware().catch(() => null);
  assert.ok(hardware.asked > 1, `asked ${hardware.asked} times`);
});

test('an adapter may exist where there is navigator.gpu, or a Vulkan driver', async () => {
  const home = mkdtempSync(join(tmpdir(), 'cedargrad-'));
  try {
    const drivers = join(home, '.local/share/vulkan/icd.d');
    mkdirSync(drivers, { recursive: true });
    env.HOME = home;
    writeFileSync(join(drivers, 'acme.json'), '{}');
    assert.is(await mayHaveAdapter(), true);
  } finally {
    rmSync(home, { recursive: true });
  }
  env.VK_ICD_FILENAMES = '/nowhere.json';
  assert.is(await mayHaveAdapter(), true);
  delete env.VK_ICD_FILENAMES;
  offer(null);
  assert.is(await mayHaveAdapter(), true);
});

test.run();
