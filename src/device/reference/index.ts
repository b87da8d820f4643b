/**
 * The reference device. Every kernel is a plain loop over typed arrays and runs synchronously. It
 * is the specification that the other devices are tested against, so clarity comes first. It is
 * fast enough to train small networks. Not here: the kernels themselves, one file per family.
 */
import { DeviceError } from '../../errors.js';
import { allocate, bytesOf, type DType, type TypedArray } from '../../values/dtype.js';
import { type HostData, valuesOf } from '../../values/host-data.js';
import { sizeOf } from '../../values/shape.js';
import {
  type Counters,
  type Device,
  DeviceBuffer,
  type KernelAttrs,
  type KernelName,
  type Kernels,
  type MemoryReport,
  type Operand,
  type Spec,
} from '../device.js';
import { turnIfDue } from '../turn.js';
import { adam } from './adam.js';
import type { HostArray } from './array.js';
import { conv } from './conv.js';
import { elementwise } from './elementwise.js';
import { loss } from './loss.js';
import { matmul } from './matmul.js';
import { movement } from './movement.js';
import { norm } from './norm.js';
import { pool } from './pool.js';
import { reduce } from './reduce.js';

const kernels: Kernels<HostArray, HostArray> = {
  ...elementwise,
  ...reduce,
  ...movement,
  ...matmul,
  ...conv,
  ...pool,
  ...loss,
  ...norm,
  ...adam,
};

/** The part of a buffer that memory accounting needs: its size, and whether it was freed. */
class Receipt extends DeviceBuffer {
  freed = false;
}

/** An array of the reference device. It holds a typed array until it is freed. */
export class ReferenceBuffer extends DeviceBuffer {
  data: TypedArray | null;
  readonly #receipt: Receipt;

  constructor(dtype: DType, data: TypedArray) {
    super(dtype, data.length);
    this.data = data;
    this.#receipt = new Receipt(dtype, data.length);
  }

  /**
   * Does not reference the array, so that an abandoned array is collected immediately and not only
   * when finalizers run. In a loop that never yields, finalizers would run too late and memory
   * would fill up.
   */
  override get remains(): Receipt {
    return this.#receipt;
  }
}

/**
 * The typed array of a live buffer of this device, without copying. Throws a DeviceError for any
 * other buffer.
 */
export function referenceData(op: string, buffer: DeviceBuffer): TypedArray {
  if (!(buffer instanceof ReferenceBuffer)) throw foreign(op, buffer);
  if (buffer.data === null)
    throw new DeviceError(
      op,
      'the buffer must not have been freed',
      `a freed ${buffer.dtype} buffer of ${buffer.size} elements`,
    );
  return buffer.data;
}

const foreign = (op: string, buffer: DeviceBuffer): DeviceError =>
  new DeviceError(
    op,
    'the buffer must be of the reference device',
    `a ${buffer.dtype} buffer of ${buffer.size} elements of another device`,
    'move the tensor to this device first',
  );

export class ReferenceDevice implements Device {
  readonly name = 'reference';
  readonly mode = 'plain';
  readonly alive = true;
  readonly offHeap = false;
  readonly dtypes: readonly DType[] = ['float32', 'float64', 'int32', 'bool'];
  readonly counters: Counters = { kernels: 0, uploads: 0, reads: 0 };
  /** Why device('auto') chose this device in place of a faster one, or null. */
  note: string | null = null;
  #tensors = 0;
  #bytes = 0;

  toString(): string {
    return `reference (plain${this.note === null ? '' : `: ${this.note}`})`;
  }

  memory(): MemoryReport {
    return { tensors: this.#tensors, bytes: this.#bytes, pooled: 0 };
  }

  upload(data: HostData, dtype: DType): ReferenceBuffer {
    this.counters.uploads++;
    const buffer = this.#make(dtype, data.length);
    referenceData('upload', buffer).set(valuesOf(data, dtype));
    return buffer;
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[] {
    this.counters.kernels++;
    const withData = ({ shape, dtype }: Spec, buffer: DeviceBuffer): HostArray => ({
      shape,
      dtype,
      data: referenceData(kernel, buffer),
    });
    const operands = inputs.map((input) => withData(input, input.buffer));
    const buffers: DeviceBuffer[] =
      into !== undefined ? [...into] : outputs.map(({ shape, dtype }) => this.#make(dtype, sizeOf(shape)));
    // An empty result needs no computation, but loops over its axes that are not empty would still
    // run.
    if (outputs.every(({ shape }) => sizeOf(shape) === 0)) return buffers;
    kernels[kernel](
      operands,
      attrs,
      outputs.map((output, i) => withData(output, buffers[i])),
    );
    return buffers;
  }

  async read(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.readSync(buffer);
  }

  readSync(buffer: DeviceBuffer): TypedArray {
    this.counters.reads++;
    return referenceData('read', buffer).slice();
  }

  map(buffer: DeviceBuffer): TypedArray {
    return referenceData('map', buffer);
  }

  free(buffer: DeviceBuffer): void {
    const receipt = buffer.remains;
    if (!(receipt instanceof Receipt)) throw foreign('free', buffer);
    if (receipt.freed) return;
    receipt.freed = true;
    if (buffer instanceof ReferenceBuffer) buffer.data = null;
    this.#tensors--;
    this.#bytes -= receipt.size * bytesOf[receipt.dtype];
  }

  /** All work is done when `run` returns. */
  sync(): Promise<void> {
    return turnIfDue();
  }

  async close(): Promise<void> {}

  #make(dtype: DType, size: number): ReferenceBuffer {
    this.#tensors++;
    this.#bytes += size * bytesOf[dtype];
    return new ReferenceBuffer(dtype, allocate(dtype, size));
  }
}
