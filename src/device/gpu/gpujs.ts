/** gpu.js behind a precise interface: its own typings are loose. The only file that names the package. */
import { DeviceError } from '../../errors.js';

/** gpu.js's modes by name. */
export type GpuMode = 'cpu' | 'webasm' | 'webgl' | 'webgl2' | 'headlessgl' | 'webgpu';
export const gpuModes: readonly GpuMode[] = ['cpu', 'webasm', 'webgl', 'webgl2', 'headlessgl', 'webgpu'];

/** A result that stays on the device: a typed array in the cpu and webasm modes, else a texture or buffer. */
export interface Resident {
  toArray(): Float32Array | Promise<Float32Array>;
  delete(): void;
}
export type Value = Float32Array | Resident;
/** What a kernel returns: WebGPU, and every mode under asyncMode, answer later. */
export type Handle = Value | Promise<Value>;

export interface GpuKernel {
  (...args: (Value | number)[]): Handle;
  readonly kernel: { readonly constructor: { readonly mode: string; readonly name: string } };
}

export interface GpuJs {
  createKernel(source: string, settings: { output: [number]; precision: 'single'; pipeline: true; immutable: true; asyncMode?: boolean }): GpuKernel;
  destroy(): unknown;
}

/** Loads gpu.js, here and nowhere else, and opens a mode. @throws DeviceError when the package is missing or refuses the mode */
export async function openGpuJs(mode: GpuMode): Promise<GpuJs> {
  let GPU: new (settings: { mode: string }) => GpuJs;
  try {
    const module = (await import('gpu.js')) as unknown as { GPU?: typeof GPU; default?: { GPU: typeof GPU } };
    GPU = (module.GPU ?? module.default?.GPU) as typeof GPU;
  } catch (error) {
    throw new DeviceError('device', 'the gpu device needs the package gpu.js', (error as Error).message.split('\n')[0], 'npm install gpu.js --ignore-scripts');
  }
  try {
    return new GPU({ mode });
  } catch (error) {
    throw new DeviceError('device', `gpu.js must support mode '${mode}' here`, (error as Error).message, remedy(mode));
  }
}

/** Which mode a kernel really ran in. */
export function modeOf(kernel: GpuKernel): string {
  const { mode, name } = kernel.kernel.constructor;
  // The three GL modes all call themselves 'gpu'; their classes tell them apart.
  if (mode !== 'gpu') return mode;
  return /headless/i.test(name) ? 'headlessgl' : /webgl2/i.test(name) ? 'webgl2' : 'webgl';
}

export function remedy(mode: GpuMode): string {
  switch (mode) {
    case 'headlessgl':
      return "build headless GL with 'npm rebuild gl --ignore-scripts=false', and run under an X server";
    case 'webgl':
    case 'webgl2':
      return 'it needs a browser';
    case 'webgpu':
      return 'it needs a browser with WebGPU, or a WebGPU binding for Node';
    default:
      return "try mode 'cpu'";
  }
}
