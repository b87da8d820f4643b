/** A counted reference to a device's array: shared by a tensor and its views, freed when the last lets go. */
import type { DType, TypedArray } from '../tensor/dtype.js';
import type { Device, DeviceBuffer } from './device.js';
import { turnIfDue } from './turn.js';
import { unweigh, weigh, weighsTooMuch } from './weight.js';

/** What the backstop frees when a storage was collected without a release. */
interface Remains {
  readonly device: Device;
  readonly buffer: DeviceBuffer;
}

/** What a small array takes at least, on any device. */
const leastBytes = 64;
const wordBytes = 4;

const dropped = new FinalizationRegistry<Remains>(({ device, buffer }) => device.free(buffer));

export class Storage {
  /** Grows with every change in place; what backward saved must still have the version it saw. */
  version = 0;
  #references = 1;
  readonly #buffer: DeviceBuffer;
  /** What the array weighs on the collector; the finalizer must not hold it. */
  #weight: ArrayBuffer | null;

  constructor(
    readonly device: Device,
    buffer: DeviceBuffer,
  ) {
    this.#buffer = buffer;
    this.#weight = device.offHeap ? weigh(Math.max(buffer.size * wordBytes, leastBytes)) : null;
    dropped.register(this, { device, buffer: buffer.remains }, this);
  }

  get dtype(): DType {
    return this.#buffer.dtype;
  }
  get buffer(): DeviceBuffer {
    return this.#buffer;
  }

  /** How many tensors and other owners share it. */
  get references(): number {
    return this.#references;
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
    if (this.#weight !== null) {
      unweigh(this.#weight);
      this.#weight = null;
    }
    this.device.free(this.#buffer);
  }

  /** Says that the contents changed in place: every view sees it. */
  touch(): void {
    this.version++;
  }

  /** Reads keep the array alive until they are done, and give the event loop its turn. */
  async read(): Promise<TypedArray> {
    this.retain();
    try {
      const values = await this.device.read(this.#buffer);
      await turnIfDue(weighsTooMuch());
      return values;
    } finally {
      this.release();
    }
  }
}
