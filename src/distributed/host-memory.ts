/** Arrays of a device in the memory of this process, for reductions in place. */
import { watching } from '../autograd/watch.js';
import { DeviceError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Reducible } from './mpi.js';

/**
 * The values of a tensor in place. All operations so far have run, also those of a compiled step. A
 * write counts as a change of the tensor.
 * @throws DeviceError for a device whose arrays are elsewhere
 */
export function inPlace(t: Tensor): Reducible {
  watching()?.read();
  const { device, storage } = t;
  const view = device.map?.(storage.buffer);
  if (!(view instanceof Float32Array || view instanceof Float64Array))
    throw new DeviceError(
      'distributed',
      'arrays must be floats in the memory of the process',
      `${t.dtype} on ${device}`,
      "use device('wasm') or device('reference')",
    );
  storage.touch();
  return view;
}
