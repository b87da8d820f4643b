/** A counted reference to a device's array: shared by a tensor and its views, freed when the last lets go. */
import type { DType, TypedArray } from '../tensor/dtype.js';
import type { Device, DeviceBuffer } from './device.js';

/** What the backstop frees when a storage was collected without a release. */
interface Remains {
  readonly device: Device;
  buffer: DeviceBuffer;
}

const dropped = new FinalizationRegistry<Remains>(({ device, buffer }) => device.free(buffer));

export class Storage {
  /** Grows with every change in place; what backward saved must still have the version it saw. */
  version = 0;
  #references = 1;
  #buffer: DeviceBuffer;
  readonly #remains: Remains;

  constructor(
    readonly device: Device,
    buffer: DeviceBuffer,
  ) {
    this.#buffer = buffer;
    this.#remains = { device, buffer: buffer.remains };
    dropped.register(this, this.#remains, this);
  }

  get dtype(): DType {
    return this.#buffer.dtype;
  }
  get buffer(): DeviceBuffer {
    return this.#buffer;
  }

  retain(): this {
    this.#references++;
    return this;
  }

  release(): void {
    if (--this.#references > 0) return;
    dropped.unregister(this);
    this.device.free(this.#buffer);
  }

  /** Changes the contents in place: every view sees the new array. */
  replace(buffer: DeviceBuffer): void {
    this.device.free(this.#buffer);
    this.#buffer = buffer;
    this.#remains.buffer = buffer.remains;
    this.version++;
  }

  /** Reads keep the array alive until they are done. */
  async read(): Promise<TypedArray> {
    this.retain();
    try {
      return await this.device.read(this.#buffer);
    } finally {
      this.release();
    }
  }
}
