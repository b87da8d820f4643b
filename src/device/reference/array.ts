/**
 * The data types of the reference kernels: typed arrays with a shape, and the offsets that loops
 * use. Not here: the kernels.
 */
import type { TypedArray } from '../../values/dtype.js';
import type { Shape } from '../../values/shape.js';
import type { KernelName, Kernels, Spec } from '../device.js';

/** An input or output of a kernel. */
export interface HostArray extends Spec {
  readonly data: TypedArray;
}

/** The kernels of one file, a part of all kernels. */
export type Family<K extends KernelName> = Pick<Kernels<HostArray, HostArray>, K>;

/** The offset of every element of an index space, row-major: `start + Σ index·stride`. */
export function offsets(shape: Shape, strides: readonly number[], start = 0): Int32Array {
  let out = Int32Array.of(start);
  shape.forEach((size, axis) => {
    const stride = strides[axis];
    const next = new Int32Array(out.length * size);
    for (let i = 0, o = 0; i < out.length; i++) {
      const base = out[i];
      for (let j = 0; j < size; j++) next[o++] = base + j * stride;
    }
    out = next;
  });
  return out;
}
