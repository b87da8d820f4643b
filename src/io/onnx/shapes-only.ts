/**
 * A device that has shapes but no numbers. A graph that runs on it shows whether all its sizes fit,
 * before a kernel runs. Not here: the run itself (load.ts).
 */
import { wrap } from '../../autograd/graph.js';
import {
  type Counters,
  type Device,
  DeviceBuffer,
  type MemoryReport,
  type Operand,
  type Spec,
} from '../../device/device.js';
import { DeviceError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { DType } from '../../values/dtype.js';
import type { HostData } from '../../values/host-data.js';
import { type Shape, sizeOf } from '../../values/shape.js';

class NoNumbers extends DeviceBuffer {}

export class ShapesOnly implements Device {
  readonly name = 'shapes';
  readonly mode = 'plain';
  readonly dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'bool'];
  readonly offHeap = false;
  readonly counters: Counters = { kernels: 0, uploads: 0, reads: 0 };
  readonly alive = true;

  toString(): string {
    return this.name;
  }
  memory(): MemoryReport {
    return { tensors: 0, bytes: 0, pooled: 0 };
  }
  upload(data: HostData, dtype: DType): DeviceBuffer {
    return new NoNumbers(dtype, data.length);
  }
  run(_kernel: string, _inputs: readonly Operand[], _attrs: unknown, outputs: readonly Spec[]): DeviceBuffer[] {
    return outputs.map(({ shape, dtype }) => new NoNumbers(dtype, sizeOf(shape)));
  }
  read(): Promise<never> {
    return Promise.reject(this.#nothing());
  }
  readSync(): never {
    throw this.#nothing();
  }
  #nothing(): DeviceError {
    return new DeviceError('importOnnx', 'sizes must not depend on numbers', 'a value that is read');
  }
  free(): void {}
  async sync(): Promise<void> {}
  async close(): Promise<void> {}

  /** A tensor of this shape. */
  tensor(shape: Shape, dtype: DType): Tensor {
    return wrap(this, new NoNumbers(dtype, sizeOf(shape)), [...shape]);
  }
}
