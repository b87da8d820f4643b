/** Choosing a device, and the default one that new tensors go to. */
import { DeviceError } from '../errors.js';
import type { Device } from './device.js';
import type { GpuOptions } from './gpu/index.js';
import { ReferenceDevice } from './reference/index.js';
import type { WasmOptions } from './wasm/index.js';

export type DeviceName = 'reference' | 'wasm' | 'gpu' | 'auto';

const reference = new ReferenceDevice();
let current: Device = reference;
let fastest: Promise<Device> | null = null;

/** The wasm device with its defaults, one for all who ask, for as long as it lives; reference where WebAssembly SIMD is missing. */
async function automatic(): Promise<Device> {
  const { createWasmDevice, WasmDevice } = await import('./wasm/index.js');
  const last = await fastest;
  if (last === null || (last instanceof WasmDevice && !last.alive)) {
    fastest = createWasmDevice().catch((error) => {
      if (error instanceof DeviceError) return reference;
      fastest = null;
      throw error;
    });
  }
  return fastest as Promise<Device>;
}

/**
 * A device by name. 'reference' runs plain loops; 'wasm' runs SIMD kernels on all cores; 'gpu' runs gpu.js kernels in the mode asked for;
 * 'auto' picks the fastest that is known to be right here.
 * @throws DeviceError for an unknown name, missing WebAssembly SIMD, a missing gpu.js, or a mode that did not really run; ValueError for options out of range
 * @source torch.device; tf.setBackend
 */
export async function device(name: DeviceName, options: GpuOptions & WasmOptions = {}): Promise<Device> {
  switch (name) {
    // gpu.js without a hardware adapter runs on the CPU no faster than plain loops: 'auto' leaves it alone.
    case 'auto':
      return automatic();
    case 'reference':
      return reference;
    case 'wasm':
      return (await import('./wasm/index.js')).createWasmDevice(options);
    case 'gpu':
      return (await import('./gpu/index.js')).createGpuDevice(options);
    default:
      throw new DeviceError('device', "name must be 'reference', 'wasm', 'gpu' or 'auto'", `'${name}'`);
  }
}

/** Where new tensors go unless told otherwise. @throws DeviceError for what is not a device @source torch.set_default_device */
export function setDefaultDevice(to: Device): void {
  if (typeof to?.run !== 'function') throw new DeviceError('setDefaultDevice', 'a device is needed', `${to}`, "pass the result of await device('gpu')");
  current = to;
}

export const defaultDevice = (): Device => current;
