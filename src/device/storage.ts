/**
 * A reference-counted array on a device. A tensor and its views share it. It is freed when the last
 * reference is released.
 */
import type { DType, TypedArray } from '../values/dtype.js';
import type { Device, DeviceBuffer } from './device.js';
import { turnIfDue } from './turn.js';
import { unweigh, weigh, weighsTooMuch } from './weight.js';

/**
 * The data from which the finalizer frees the array of a storage that was garbage-collected without
 * a release.
 */
interface Remains {
  readonly device: Device;
  readonly buffer: DeviceBuffer;
}

/** The least memory that an array takes on any device. */
const leastBytes = 64;
const wordBytes = 4;

const dropped = new FinalizationRegistry<Remains>(({ device, buffer }) => device.free(buffer));

export class Storage {
  static #count = 0;
  /** The id of the next storage. */
  static get next(): number {
    return Storage.#count;
  }
  /** A number that grows with time. */
  readonly id = Storage.#count++;
  /**
   * Increases with every change in place. A value saved for backward must still have the version
   * that was saved.
   */
  version = 0;
  #references = 1;
  #buffer: DeviceBuffer;
  /**
   * The ArrayBuffer that represents the array's size to the garbage collector (see weight.ts). The
   * finalizer must not hold it.
   */
  #weight: ArrayBuffer | null;

  constructor(
    readonly device: Device,
    buffer: DeviceBuffer,
  ) {
    this.#buffer = buffer;
    this.#weight = device.offHeap ? weigh(Math.max(buffer.size * wordBytes, leastBytes)) : null;
    this.#register();
  }

  #register(): void {
    dropped.register(this, { device: this.device, buffer: this.#buffer.remains }, this);
  }

  get dtype(): DType {
    return this.#buffer.dtype;
  }
  get buffer(): DeviceBuffer {
    return this.#buffer;
  }

  /** The number of tensors and other owners that share it. */
  get references(): number {
    return this.#references;
  }
  /** Whether there is only one reference. */
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

  /** Replaces the array by another one with the same values. The old one is freed. */
  moveTo(buffer: DeviceBuffer): void {
    dropped.unregister(this);
    this.device.free(this.#buffer);
    this.#buffer = buffer;
    this.#register();
  }

  /** Records a change in place. Every view sees the new version. */
  touch(): void {
    this.version++;
  }

  /**
   * Reads the array. The array stays alive until the read is done. Afterwards the event loop gets a
   * turn if one is due.
   */
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
