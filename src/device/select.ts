/** Choosing a device, and the default one that new tensors go to. */
import { checkDevice, knownOptions, type OptionNames } from '../arguments.js';
import { DeviceError, ValueError } from '../errors.js';
import type { Device } from './device.js';
import type { GpuDevice, GpuMode, GpuOptions } from './gpu/index.js';
import { ReferenceDevice } from './reference/index.js';
import type { WasmOptions } from './wasm/index.js';

/** Modes of gpu.js that a device can be asked for by name. */
const adapters = ['webgpu', 'webgl2', 'webgl', 'headlessgl'] as const satisfies readonly GpuMode[];
export type AdapterName = (typeof adapters)[number];
export type DeviceName = 'reference' | 'wasm' | 'gpu' | AdapterName | 'auto';

const wasmOptions: OptionNames<WasmOptions> = { threads: 'value', build: 'value' };
/** Of a gpu.js mode that is named itself. */
const adapterOptions: OptionNames<Omit<GpuOptions, 'mode'>> = { asyncMode: 'flag' };

const reference = new ReferenceDevice();
let current: Device = reference;
let fastest: Promise<Device> | null = null;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * A GPU, the wasm device, or the reference device: the first that starts here, whatever keeps the others from it.
 * Only a wrong CEDARGRAD_THREADS is an error, because the user can mend it.
 */
async function choose(): Promise<Device> {
  let note: string | null = null;
  try {
    const gpu = await (await import('./gpu/hardware.js')).openHardware();
    if (gpu !== null) return gpu;
  } catch (error) {
    note = reasonOf(error);
  }
  try {
    return await (await import('./wasm/index.js')).createWasmDevice({}, undefined, note);
  } catch (error) {
    if (error instanceof ValueError) throw error;
    reference.note = [note, reasonOf(error)].filter((reason) => reason !== null).join('; ');
    return reference;
  }
}

/** One device for all who ask, for as long as it lives. */
async function automatic(): Promise<Device> {
  const known = fastest;
  const last = await known;
  if (fastest === known && last?.alive !== true)
    fastest = choose().catch((error) => {
      fastest = null;
      throw error;
    });
  return fastest as Promise<Device>;
}

/**
 * A device by name. 'reference' runs plain loops; 'wasm' runs SIMD kernels on all cores; 'webgpu', 'webgl2', 'webgl' and 'headlessgl' run gpu.js kernels
 * on the adapter that this API has, and 'gpu' in any mode of gpu.js's; 'auto' takes a GPU where there is one (never a software adapter), else wasm, else reference.
 * @throws DeviceError for an unknown name, missing WebAssembly SIMD, a missing package or adapter, or a mode that did not really run; ValueError for options out of range
 * @source torch.device; tf.setBackend
 */
export function device(name: 'gpu' | AdapterName, options?: GpuOptions): Promise<GpuDevice>;
export function device(name: DeviceName, options?: GpuOptions & WasmOptions): Promise<Device>;
export async function device(name: DeviceName, options: GpuOptions & WasmOptions = {}): Promise<Device> {
  switch (name) {
    case 'auto':
    case 'reference':
      knownOptions<object>('device', options, {});
      return name === 'auto' ? automatic() : reference;
    case 'wasm':
      knownOptions<WasmOptions>('device', options, wasmOptions);
      return (await import('./wasm/index.js')).createWasmDevice(options);
    case 'gpu':
      knownOptions<GpuOptions>('device', options, { ...adapterOptions, mode: 'value' });
      return (await import('./gpu/index.js')).createGpuDevice(options);
    case 'webgpu':
    case 'webgl2':
    case 'webgl':
    case 'headlessgl':
      knownOptions<Omit<GpuOptions, 'mode'>>('device', options, adapterOptions);
      return (await import('./gpu/index.js')).createGpuDevice({ ...options, mode: name });
    default:
      throw new DeviceError(
        'device',
        `name must be one of reference, wasm, gpu, ${adapters.join(', ')}, auto`,
        `'${name}'`,
      );
  }
}

/** Where new tensors go unless told otherwise. @throws DeviceError for what is not a device @source torch.set_default_device */
export function setDefaultDevice(to: Device): void {
  checkDevice('setDefaultDevice', to);
  current = to;
}

export const defaultDevice = (): Device => current;
