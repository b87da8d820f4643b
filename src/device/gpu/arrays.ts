/**
 * Arrays on the GPU with counted references, views of them, and cached constants. An array is
 * written once, by the launch that makes it, and several views may share it.
 * Not here: launches (launcher.ts), the buffers that hold views (buffers.ts).
 */
import { DeviceError } from '../../errors.js';
import { type Handle, isPromise } from './gpujs.js';

/** The maximum number of constants kept. Dropped ones are created again when needed. */
const mostConstants = 64;

/** An array with a count of its references. Its maker holds the first reference. */
export class GpuArray {
  #references = 1;
  #handle: Handle;
  readonly #end: (array: GpuArray) => void;

  /** `end` is called once, when the last reference is released. */
  constructor(
    handle: Handle,
    readonly size: number,
    readonly generation: number,
    end: (array: GpuArray) => void,
  ) {
    this.#handle = handle;
    this.#end = end;
  }

  /** The array itself, or the promise of it while its launch waits. */
  get handle(): Handle {
    return this.#handle;
  }
  get references(): number {
    return this.#references;
  }
  /** The view of all elements. */
  get all(): View {
    return { array: this, offset: 0, size: this.size };
  }

  resolve(handle: Handle): void {
    this.#handle = handle;
  }

  retain(times = 1): void {
    this.#references += times;
  }

  release(): void {
    this.#references--;
    if (this.#references < 0)
      throw new DeviceError('gpu', 'an array must be released only by its holders', `${this.#references} references`);
    if (this.#references === 0) this.#end(this);
  }
}

/** Part of an array. */
export interface View {
  readonly array: GpuArray;
  readonly offset: number;
  readonly size: number;
}

export function retained<T extends View>(view: T): T {
  view.array.retain();
  return view;
}

/** Makes the arrays of a device, and counts those in use. */
export class Arrays {
  readonly #session: { readonly generation: number };
  readonly #constants = new Map<string, GpuArray>();
  readonly #inUse = { arrays: 0, bytes: 0 };

  constructor(session: { readonly generation: number }) {
    this.#session = session;
  }

  get inUse(): { readonly arrays: number; readonly bytes: number } {
    return this.#inUse;
  }
  /** Bytes of the constants, which are not counted as in use. */
  get constantBytes(): number {
    return 4 * this.#constants.size;
  }

  make(handle: Handle, size: number): GpuArray {
    this.#count(size, 1);
    return this.#array(handle, size, (array) => {
      this.#count(size, -1);
      this.#delete(array);
    });
  }

  /** The retained array of a single number. `make` gives its handle if it is not cached. */
  constant(value: number, make: () => Handle): GpuArray {
    const key = Object.is(value, -0) ? '-0' : String(value);
    let constant = this.#constants.get(key);
    if (constant === undefined) {
      const [oldest] = this.#constants;
      if (this.#constants.size >= mostConstants) {
        this.#constants.delete(oldest[0]);
        oldest[1].release();
      }
      constant = this.#array(make(), 1, (array) => this.#delete(array));
      this.#constants.set(key, constant);
    }
    constant.retain();
    return constant;
  }

  dropConstants(): void {
    for (const array of this.#constants.values()) array.release();
    this.#constants.clear();
  }

  #array(handle: Handle, size: number, end: (array: GpuArray) => void): GpuArray {
    const array = new GpuArray(handle, size, this.#session.generation, end);
    if (isPromise(handle))
      handle.then(
        (value) => {
          array.resolve(value);
          if (array.references === 0) this.#delete(array);
        },
        () => {},
      );
    return array;
  }

  #count(size: number, by: 1 | -1): void {
    this.#inUse.arrays += by;
    this.#inUse.bytes += by * 4 * size;
  }

  #delete({ handle, generation }: GpuArray): void {
    // A handle that is still a promise is deleted when it resolves. Handles of a lost adapter were
    // lost with it.
    if (!isPromise(handle) && 'delete' in handle && generation === this.#session.generation) handle.delete();
  }
}
