/**
 * Copies of tensors. The device makes them outside the graph, and no watcher sees them.
 */
import type { Storage } from '../../device/storage.js';
import type { Tensor } from '../../tensor/tensor.js';
import { operandOf, wrap } from '../graph.js';

/** A copy of a tensor. It belongs to no graph and no scope. */
export function copyOf(t: Tensor): Tensor {
  const spec = { shape: t.shape, dtype: t.dtype };
  const [buffer] = t.device.run('cast', [operandOf(t)], {}, [spec]);
  const copy = wrap(t.device, buffer, t.shape);
  copy.madeBy = 'compiled step';
  return copy;
}

/** Gives a storage a copy of its array, in other memory. */
export function moveOut(storage: Storage): void {
  const { device, dtype, buffer } = storage;
  const spec = { shape: [buffer.size], dtype };
  storage.moveTo(device.run('cast', [{ ...spec, buffer }], {}, [spec])[0]);
}

/** Copies a tensor's values into a storage of the same size and dtype. */
export function copyInto(t: Tensor, to: Storage): void {
  t.device.run('cast', [operandOf(t)], {}, [{ shape: t.shape, dtype: t.dtype }], [to.buffer]);
  to.touch();
}
