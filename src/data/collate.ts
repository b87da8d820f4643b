/**
 * Puts items together to a batch. HostArrays of equal shape become one tensor with a new first
 * axis. Not here: which items (loader.ts).
 */
import { shown } from '../arguments.js';
import type { Device } from '../device/device.js';
import { ShapeError, show, ValueError } from '../errors.js';
import { fromHost, type Tensor } from '../tensor/tensor.js';
import { allocate, type DType, type TypedArray } from '../values/dtype.js';
import { sameShape, sizeOf } from '../values/shape.js';
import { checkHostArray, dtypeOf, type HostArray, isHostArray } from './host-array.js';

/** Items of the form T, put together: a tensor in the place of each array and number. */
export type Collated<T> = T extends HostArray | number
  ? Tensor
  : T extends object
    ? { -readonly [K in keyof T]: Collated<T[K]> }
    : never;

/** A batch of items T. A single array or number gives a tuple of one tensor. */
export type Batch<T> = T extends HostArray | number ? [Tensor] : Collated<T>;

const op = 'DataLoader';

/**
 * Collates items for one loader. It reuses the memory in which a batch is put together before it is
 * copied to the device.
 */
export class Collator {
  readonly #staging = new Map<DType, TypedArray>();

  /** `indexOf` tells the data set's index of an item, for messages. */
  collate<T>(items: readonly T[], device: Device, indexOf: (position: number) => number): Batch<T> {
    const collated = this.#stack(items, '', device, indexOf);
    return (isHostArray(items[0]) || typeof items[0] === 'number' ? [collated] : collated) as Batch<T>;
  }

  /** An array to fill. The devices copy it, so every tensor of a batch can use the same one. */
  #array(dtype: DType, size: number): TypedArray {
    let array = this.#staging.get(dtype);
    if (array === undefined || array.length < size) {
      array = allocate(dtype, size);
      this.#staging.set(dtype, array);
    }
    return array.length === size ? array : array.subarray(0, size);
  }

  #stack(values: readonly unknown[], place: string, device: Device, indexOf: (position: number) => number): unknown {
    const [first] = values;
    if (isHostArray(first)) return this.#stackArrays(values, first, place, device, indexOf);
    if (typeof first === 'number') return this.#stackNumbers(values, place, device, indexOf);
    if (Array.isArray(first)) {
      const other = values.findIndex((value) => !Array.isArray(value) || value.length !== first.length);
      if (other >= 0) throw unlike(values, other, place, indexOf);
      return first.map((_, k) =>
        this.#stack(
          values.map((value) => (value as unknown[])[k]),
          `${place}[${k}]`,
          device,
          indexOf,
        ),
      );
    }
    if (typeof first === 'object' && first !== null && Object.getPrototypeOf(first) === Object.prototype) {
      const names = Object.keys(first);
      const fits = (value: unknown): boolean =>
        typeof value === 'object' &&
        value !== null &&
        Object.keys(value).length === names.length &&
        names.every((name) => name in value);
      const other = values.findIndex((value) => !fits(value));
      if (other >= 0) throw unlike(values, other, place, indexOf);
      return Object.fromEntries(
        names.map((name) => [
          name,
          this.#stack(
            values.map((value) => (value as Record<string, unknown>)[name]),
            `${place}.${name}`,
            device,
            indexOf,
          ),
        ]),
      );
    }
    throw new ValueError(
      op,
      'an item must be a { data, shape }, a number, or a tuple or plain object of these',
      `${named(indexOf(0), place)}=${shown(first)}`,
      'pass collate for items of another form',
    );
  }

  #stackArrays(
    values: readonly unknown[],
    first: HostArray,
    place: string,
    device: Device,
    indexOf: (position: number) => number,
  ): Tensor {
    const { shape } = first;
    const dtype = dtypeOf(first.data);
    const size = sizeOf(shape);
    if (dtype === undefined || first.data.length !== size) checkHostArray(op, named(indexOf(0), place), first);
    const staging = this.#array(dtype as DType, size * values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (!isHostArray(value) || value.data.constructor !== first.data.constructor)
        throw unlike(values, i, place, indexOf);
      if (!sameShape(value.shape, shape)) throw differing(values as readonly HostArray[], i, place, indexOf);
      if (value.data.length !== size) checkHostArray(op, named(indexOf(i), place), value);
      staging.set(value.data, i * size);
    }
    if (dtype === 'bool') checkBooleans(staging, (at) => named(indexOf(Math.floor(at / size)), place));
    return fromHost(device, staging, dtype as DType, [values.length, ...shape]);
  }

  #stackNumbers(
    values: readonly unknown[],
    place: string,
    device: Device,
    indexOf: (position: number) => number,
  ): Tensor {
    const staging = this.#array('float32', values.length);
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value !== 'number') throw unlike(values, i, place, indexOf);
      staging[i] = value;
    }
    return fromHost(device, staging, 'float32', [values.length]);
  }
}

/** An item, or a part of it, for messages: `item 7[1]`. */
const named = (index: number, place: string): string => `item ${index}${place}`;

/** The form of a part of an item, for messages. */
function formOf(value: unknown): string {
  if (isHostArray(value)) return `${value.data.constructor.name} ${show(value.shape)}`;
  if (Array.isArray(value)) return `a tuple of ${value.length}`;
  return shown(value);
}

function unlike(values: readonly unknown[], other: number, place: string, indexOf: (i: number) => number): ValueError {
  return new ValueError(
    op,
    'items of a batch must have the same form',
    `${formOf(values[0])} in ${named(indexOf(0), place)}, ${formOf(values[other])} in ${named(indexOf(other), place)}`,
  );
}

/** The error for arrays of differing shapes. It suggests a transform if they look like images. */
function differing(
  values: readonly HostArray[],
  other: number,
  place: string,
  indexOf: (i: number) => number,
): ShapeError {
  const [a, b] = [values[0], values[other]].map((value) => value?.shape ?? []) as [
    readonly number[],
    readonly number[],
  ];
  const areImages = a.length === 3 && b.length === 3;
  const hint = !areImages
    ? ''
    : a[2] === b[2]
      ? 'add a crop or resize: mapDataset(dataset, transforms.resize(64)), or transforms.randomCrop(64)'
      : 'give all images the same channels: imageFolder(…, { channels: 3 })';
  return new ShapeError(
    op,
    'items of a batch must have the same shape',
    `${show(a)} in ${named(indexOf(0), place)}, ${show(b)} in ${named(indexOf(other), place)}`,
    hint,
  );
}

/** Refuses bytes that are no booleans. */
function checkBooleans(values: TypedArray, nameOf: (at: number) => string): void {
  for (let i = 0; i < values.length; i++)
    if ((values[i] as number) > 1)
      throw new ValueError(
        op,
        'a Uint8Array holds booleans, 0 or 1',
        `${values[i]} in ${nameOf(i)}`,
        'write other numbers as Float32Array.from(bytes, (byte) => byte / 255), or as Int32Array',
      );
}
