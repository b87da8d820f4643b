/** What the page is told about devices, on platforms that lack one thing or another. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deviceReports, openDevice, type Platform, threadsFor, threadsOf } from '../../examples/web/worker/devices.js';
import { TestPage } from '../helpers/web-session.js';

const test = suite('web/devices');

const adapter = (description: string) => ({ info: { vendor: 'v', architecture: 'a', description } });
const gpu = (answer: Promise<ReturnType<typeof adapter> | null>) => ({ gpu: { requestAdapter: () => answer } });
/** A canvas whose WebGL2 is by a driver of this name, or missing. */
const canvas = (renderer: string | null): Platform['OffscreenCanvas'] =>
  class {
    getContext() {
      if (renderer === null) return null;
      const context = { RENDERER: 1, getExtension: () => null, getParameter: () => renderer };
      return context as unknown as WebGL2RenderingContext;
    }
  };

async function notesOn(platform: Platform): Promise<Record<string, string>> {
  const reports = await deviceReports(platform);
  return Object.fromEntries(reports.map(({ name, available, note }) => [name, `${available ? 'yes' : 'no'}: ${note}`]));
}

test('a browser with everything has all devices', async () => {
  const notes = await notesOn({
    WebAssembly,
    isSecureContext: true,
    crossOriginIsolated: true,
    navigator: gpu(Promise.resolve(adapter('a card'))),
    OffscreenCanvas: canvas('a card'),
  });
  assert.match(notes.auto, /^yes: /);
  assert.equal([notes.wasm, notes.webgpu, notes.webgl2], ['yes: ', 'yes: ', 'yes: ']);
});

test('what is missing is named', async () => {
  const nothing = await notesOn({});
  assert.match(nothing.wasm, /^no: WebAssembly is switched off/);
  assert.match(nothing.webgpu, /^no: this browser has no WebGPU/);
  assert.match(nothing.webgl2, /^no: this browser has no WebGL2 in workers/);
  const { wasm, webgl2 } = await notesOn({ WebAssembly, OffscreenCanvas: canvas(null) });
  assert.match(wasm, /^yes: one thread: the host sends no isolation headers/);
  assert.match(webgl2, /^no: WebGL2 is missing or switched off/);
  assert.match((await notesOn({ isSecureContext: false })).webgpu, /^no: WebGPU needs a secure page/);
  assert.match((await notesOn({ navigator: gpu(Promise.resolve(null)) })).webgpu, /^no: WebGPU finds no graphics card/);
  const failing = gpu(Promise.reject(new Error('a lost driver')));
  assert.match((await notesOn({ navigator: failing })).webgpu, /^no: WebGPU does not start: a lost driver/);
});

test('a processor that plays a graphics card is told', async () => {
  const { webgpu, webgl2 } = await notesOn({
    navigator: gpu(Promise.resolve(adapter('SwiftShader Device'))),
    OffscreenCanvas: canvas('llvmpipe (LLVM 19)'),
  });
  for (const note of [webgpu, webgl2]) assert.match(note, /^yes: the processor plays the graphics card/);
});

test('the page keeps a core', async () => {
  const threads = (hardwareConcurrency: number) => threadsFor({ navigator: { hardwareConcurrency } });
  assert.equal([threads(1), threads(2), threads(8), threads(256), threadsFor({})], [1, 1, 7, 64, 1]);
  for (const choice of ['wasm', 'auto'] as const) {
    const on = await openDevice(choice, { navigator: { hardwareConcurrency: 3 } });
    // 'auto' may find a graphics card.
    if (on.name === 'wasm') assert.ok(threadsOf(on) <= 2, String(on));
    await on.close();
  }
});

test('a session announces devices once, before any request', async () => {
  const page = new TestPage();
  await page.session.announce();
  const [answer] = page.answers;
  assert.ok(answer.type === 'devices' && !answer.isolated);
  assert.equal(
    answer.devices.map(({ name }) => name),
    ['auto', 'wasm', 'webgpu', 'webgl2'],
  );
});

test.run();
