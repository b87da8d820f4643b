/**
 * Kernels that overwrite existing values: updates of parameters and buffers, and gradient rules
 * that reuse the memory of the incoming gradient.
 * Not here: ops that make new values (graph.ts).
 */
import type { KernelAttrs, KernelName } from '../device/device.js';
import { Storage } from '../device/storage.js';
import type { Tensor } from '../tensor/tensor.js';
import { alias, apply, lowered, type Op, operandOf } from './graph.js';
import { adopt } from './lifetimes.js';
import { watched, watching } from './watch.js';

/** The id of the first storage that updates may change. */
let firstToChange = 0;

/**
 * Runs fn. Storages that exist already do not change meanwhile: their updates are left out. fn has
 * run before and made these updates then.
 */
export function withoutUpdates<T>(fn: () => T): T {
  const before = firstToChange;
  firstToChange = Storage.next;
  try {
    return fn();
  } finally {
    firstToChange = before;
  }
}

/** Runs a kernel whose results overwrite the values of existing tensors. */
export function updateInPlace<K extends KernelName>(
  kernel: K,
  inputs: readonly Tensor[],
  attrs: KernelAttrs[K],
  changed: readonly Tensor[],
): void {
  if (changed.some((t) => t.storage.id < firstToChange)) return;
  const watcher = watching();
  if (watcher === null) updateNow(kernel, inputs, attrs, changed);
  else
    watched(watcher, { kind: 'update', kernel, inputs, attrs, changed }, (e) =>
      updateNow(e.kernel, e.inputs, e.attrs as never, e.changed),
    );
  for (const t of changed) t.storage.touch();
}

function updateNow<K extends KernelName>(
  kernel: K,
  inputs: readonly Tensor[],
  attrs: KernelAttrs[K],
  changed: readonly Tensor[],
): readonly Tensor[] {
  const specs = changed.map(({ shape, dtype }) => ({ shape, dtype }));
  const buffers = changed.map(({ storage }) => storage.buffer);
  changed[0].device.run(kernel, inputs.map(operandOf), attrs, specs, buffers);
  return changed;
}

/**
 * Runs an op without recording it. The result overwrites `target`, an input that nothing reads
 * afterwards. Only backward rules call this function, so the backward() that runs them is the event
 * that a watcher sees.
 */
export function applyInPlace<A>(op: Op<A>, inputs: readonly Tensor[], attrs: A, target: Tensor): Tensor {
  const call = lowered(op, inputs, attrs);
  if (call.kernel === 'view') return apply(op, inputs, attrs);
  target.device.run(call.kernel, inputs.map(operandOf), call.attrs, call.outputs, [target.storage.buffer]);
  target.storage.touch();
  return adopt(alias(target));
}
