/** Choosing a device, and the default one that new tensors go to. */
import { DeviceError } from '../errors.js';
import type { Device } from './device.js';
import type { GpuOptions } from './gpu/index.js';
import { ReferenceDevice } from './reference/index.js';

export type DeviceName = 'reference' | 'gpu' | 'auto';

const reference = new ReferenceDevice();
let current: Device = reference;

/**
 * A device by name. 'reference' runs plain loops; 'gpu' runs gpu.js kernels in the mode asked for; 'auto' picks the fastest that is known to be right here.
 * @throws DeviceError for an unknown name, a missing gpu.js, or a mode that did not really run
 * @source torch.device; tf.setBackend
 */
export async function device(name: DeviceName, options: GpuOptions = {}): Promise<Device> {
  switch (name) {
    // gpu.js without a hardware adapter runs on the CPU no faster than plain loops: 'auto' has nothing better to pick.
    case 'auto':
    case 'reference':
      return reference;
    case 'gpu':
      return (await import('./gpu/index.js')).createGpuDevice(options);
    default:
      throw new DeviceError('device', "name must be 'reference', 'gpu' or 'auto'", `'${name}'`);
  }
}

/** Where new tensors go unless told otherwise. @throws DeviceError for what is not a device @source torch.set_default_device */
export function setDefaultDevice(to: Device): void {
  if (typeof to?.run !== 'function') throw new DeviceError('setDefaultDevice', 'a device is needed', `${to}`, "pass the result of await device('gpu')");
  current = to;
}

export const defaultDevice = (): Device => current;
