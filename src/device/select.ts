/** Choosing a device, and the default one that new tensors go to. */
import { checkDevice, knownOptions, type OptionNames, shown } from '../arguments.js';
import { DeviceError, ValueError } from '../errors.js';
import type { Device } from './device.js';
import type { GpuDevice, GpuMode, GpuOptions } from './gpu/index.js';
import { ReferenceDevice } from './reference/index.js';
import type { WasmOptions } from './wasm/options.js';

/** The gpu.js modes that are device names of their own. */
const adapters = ['webgpu', 'webgl2', 'webgl', 'headlessgl'] as const satisfies readonly GpuMode[];
export type AdapterName = (typeof adapters)[number];
export type DeviceName = 'reference' | 'wasm' | 'gpu' | AdapterName | 'auto';

const wasmOptions: OptionNames<WasmOptions> = { threads: 'value', build: 'value', memory64: 'flag' };
/** The options of a device named by a gpu.js mode. */
const adapterOptions: OptionNames<Omit<GpuOptions, 'mode'>> = { asyncMode: 'flag' };

const reference = new ReferenceDevice();
let current: Device = reference;
let fastest: Promise<Device> | null = null;

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * The first of these that starts: a GPU, the wasm device, the reference device. Failures of the
 * faster ones are only noted. An invalid CEDARGRAD_THREADS is an error, because the user can
 * correct it.
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
    return await (await import('./wasm/start.js')).createWasmDevice({}, undefined, note);
  } catch (error) {
    if (error instanceof ValueError) throw error;
    reference.note = [note, reasonOf(error)].filter((reason) => reason !== null).join('; ');
    return reference;
  }
}

/** Returns the same device to all callers, as long as it is alive. */
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
 * A device by name. 'reference' runs plain loops. 'wasm' runs SIMD kernels on all cores. 'webgpu',
 * 'webgl2', 'webgl' and 'headlessgl' run gpu.js kernels on the GPU that this API exposes. 'gpu'
 * runs them in the gpu.js mode given by the options. 'auto' takes a GPU if there is one (never a
 * software adapter), else wasm, else reference.
 * @throws DeviceError for an unknown name, missing WebAssembly SIMD, a missing package or adapter,
 * or if gpu.js did not run in the mode; ValueError for options out of range
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
      return (await import('./wasm/start.js')).createWasmDevice(options);
    case 'gpu':
      knownOptions<GpuOptions>('device', options, { mode: 'value', ...adapterOptions });
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
        shown(name),
      );
  }
}

/**
 * Sets the device of new tensors that are created without a device.
 * @throws DeviceError if `to` is not a device
 * @source torch.set_default_device
 */
export function setDefaultDevice(to: Device): void {
  checkDevice('setDefaultDevice', to);
  current = to;
}

export const defaultDevice = (): Device => current;
