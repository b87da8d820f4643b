/**
 * The reading of values for detectAnomaly, at once where a device can be read so, and later
 * elsewhere. Not here: which tensors are read, and what a finding means (anomaly.ts).
 */
import type { Device } from '../device/device.js';
import type { Storage } from '../device/storage.js';
import { DeviceError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TypedArray } from '../values/dtype.js';
import type { Shape } from '../values/shape.js';

/** The first value in an array that is not finite. */
export interface Bad {
  readonly value: 'NaN' | 'Infinity' | '-Infinity';
  readonly at: number;
}
/** Null if all values are finite. */
export type Finding = Bad | null;

/** The position of an element, one number per axis. */
export function positionOf(at: number, shape: Shape): number[] {
  const position: number[] = [];
  let rest = at;
  for (const size of [...shape].reverse()) {
    position.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return position;
}

export class Values {
  readonly #infinity: boolean;
  /** What was found in a storage at a version. */
  readonly #known = new WeakMap<Storage, { readonly version: number; readonly finding: Finding | Promise<Finding> }>();
  /** Devices that cannot be read at once. */
  readonly #slow = new WeakSet<Device>();

  /** `infinity`: whether infinities count. */
  constructor(infinity: boolean) {
    this.#infinity = infinity;
  }

  /** What is wrong in a tensor, or a promise of it. Each version of an array is read once. */
  of({ storage }: Tensor): Finding | Promise<Finding> {
    const { version } = storage;
    const known = this.#known.get(storage);
    if (known?.version === version) return known.finding;
    const finding = this.#read(storage);
    this.#known.set(storage, { version, finding });
    return finding;
  }
  /** Called when an array was overwritten and does not have its new version yet. */
  forget(storage: Storage): void {
    this.#known.delete(storage);
  }

  #read({ device, buffer }: Storage): Finding | Promise<Finding> {
    if (!this.#slow.has(device))
      try {
        return this.#firstIn(device.readSync(buffer));
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        this.#slow.add(device);
      }
    const finding = device.read(buffer).then((data) => this.#firstIn(data));
    // A failure of the device shows when the finding is awaited.
    finding.catch(() => {});
    return finding;
  }

  #firstIn(data: TypedArray): Finding {
    for (let at = 0; at < data.length; at++) {
      const v = data[at] as number;
      if (Number.isNaN(v)) return { value: 'NaN', at };
      if (this.#infinity && !Number.isFinite(v)) return { value: v > 0 ? 'Infinity' : '-Infinity', at };
    }
    return null;
  }
}
