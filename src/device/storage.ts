/** A counted reference to a device's array: shared by a tensor and its views, freed when the last lets go. */
import type { DType, TypedArray } from '../tensor/dtype.js';
import type { Device, DeviceBuffer } from './device.js';

/** What the backstop frees when a storage was collected without a release. */
interface Remains {
  readonly device: Device;
  readonly buffer: DeviceBuffer;
}

const dropped = new FinalizationRegistry<Remains>(({ device, buffer }) => device.free(buffer));

export class Storage {
  /** Grows with every change in place; what backward saved must still have the version it saw. */
  version = 0;
  #references = 1;
  readonly #buffer: DeviceBuffer;

  constructor(
    readonly device: Device,
    buffer: DeviceBuffer,
  ) {
    this.#buffer = buffer;
    dropped.register(this, { device, buffer: buffer.remains }, this);
  }

  get dtype(): DType {
    return this.#buffer.dtype;
  }
  get buffer(): DeviceBuffer {
    return this.#buffer;
  }

  /** Whether there is but one reference. */
  get isSole(): boolean {
    return this.#references === 1;
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

  /** Says that the contents changed in place: every view sees it. */
  touch(): void {
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
