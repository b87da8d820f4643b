/**
 * Which devices can run here, and opening one. gpu.js is not loaded to find out. Not here: which
 * device `auto` takes, which the library decides.
 */
import { type Device, device } from 'cedargrad';
import type { DeviceChoice, DeviceReport } from '../protocol.js';

interface Adapter {
  readonly info?: { readonly vendor: string; readonly architecture: string; readonly description: string };
  readonly isFallbackAdapter?: boolean;
}

/** What is looked at. In a worker it is `globalThis`; tests pass others. */
export interface Platform {
  readonly WebAssembly?: object;
  readonly isSecureContext?: boolean;
  readonly crossOriginIsolated?: boolean;
  readonly navigator?: {
    readonly hardwareConcurrency?: number;
    readonly gpu?: { requestAdapter(): Promise<Adapter | null> };
  };
  readonly OffscreenCanvas?: new (
    width: number,
    height: number,
  ) => { getContext(kind: 'webgl2'): WebGL2RenderingContext | null };
}

/** How long WebGPU may take to answer. @units milliseconds */
const patience = 10_000;
const isSoftware = (name: string): boolean =>
  /swiftshader|llvmpipe|lavapipe|softpipe|software|basic render/i.test(name);
const slow = 'the processor plays the graphics card, so it is slow';

const report = (name: DeviceChoice, available: boolean, note: string): DeviceReport => ({ name, available, note });

async function webgpu({ navigator, isSecureContext }: Platform): Promise<DeviceReport> {
  const no = (note: string): DeviceReport => report('webgpu', false, note);
  if (isSecureContext === false) return no('WebGPU needs a secure page: https or localhost');
  if (navigator?.gpu === undefined) return no('this browser has no WebGPU here, or it is switched off');
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), patience);
  });
  try {
    const adapter = await Promise.race([navigator.gpu.requestAdapter(), late]);
    if (adapter === 'late') return no(`WebGPU did not answer within ${patience / 1000} s`);
    if (adapter === null) return no('WebGPU finds no graphics card that it can use');
    const { vendor = '', architecture = '', description = '' } = adapter.info ?? {};
    const software = adapter.isFallbackAdapter === true || isSoftware(`${vendor} ${architecture} ${description}`);
    return report('webgpu', true, software ? slow : '');
  } catch (error) {
    return no(`WebGPU does not start: ${(error as Error).message}`);
  } finally {
    clearTimeout(timer);
  }
}

function webgl2({ OffscreenCanvas }: Platform): DeviceReport {
  if (OffscreenCanvas === undefined) return report('webgl2', false, 'this browser has no WebGL2 in workers');
  const context = new OffscreenCanvas(1, 1).getContext('webgl2');
  if (context === null) return report('webgl2', false, 'WebGL2 is missing or switched off, or finds no driver');
  const info = context.getExtension('WEBGL_debug_renderer_info');
  const renderer = String(context.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER));
  // Browsers allow few contexts at a time.
  context.getExtension('WEBGL_lose_context')?.loseContext();
  return report('webgl2', true, isSoftware(renderer) ? slow : '');
}

function wasm({ WebAssembly, crossOriginIsolated }: Platform): DeviceReport {
  if (WebAssembly === undefined) return report('wasm', false, 'WebAssembly is switched off');
  return report('wasm', true, crossOriginIsolated ? '' : 'one thread: the host sends no isolation headers');
}

/** What can run on a platform. */
export async function deviceReports(platform: Platform): Promise<DeviceReport[]> {
  const gpu = await webgpu(platform);
  const auto = report('auto', true, 'WebGPU on a graphics card if there is one, else wasm');
  return [auto, wasm(platform), gpu, webgl2(platform)];
}

/**
 * The threads that compute on the wasm device. One core is left to the page: without it, the page
 * would share each core with a thread that never sleeps during a step, and answer late.
 */
export const threadsFor = ({ navigator }: Platform): number =>
  Math.min(Math.max((navigator?.hardwareConcurrency ?? 1) - 1, 1), 64);

/** The threads of a device that was opened. */
export const threadsOf = (on: Device): number => ('threads' in on && typeof on.threads === 'number' ? on.threads : 1);

/** Opens a device. `auto` may take wasm, which is then opened again with fewer threads. */
export async function openDevice(choice: DeviceChoice, platform: Platform): Promise<Device> {
  const threads = threadsFor(platform);
  if (choice === 'wasm') return device('wasm', { threads });
  const on = await device(choice);
  if (on.name !== 'wasm' || threadsOf(on) <= threads) return on;
  await on.close();
  return device('wasm', { threads });
}
