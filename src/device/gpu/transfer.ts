/** Copies values from the host to arrays of the device, and back. */
import { DeviceError } from '../../errors.js';
import { allocate, type DType, type TypedArray } from '../../values/dtype.js';
import { awake } from './adapters.js';
import { type Arrays, retained, type View } from './arrays.js';
import { isPromise } from './gpujs.js';
import { inputs, type Launch, launch } from './launch.js';
import type { LaunchLists } from './launch-lists.js';
import type { Launcher } from './launcher.js';
import type { Pending } from './pending.js';
import type { Session } from './session.js';

const copying = (size: number): Launch => launch(size, inputs('a'), '', 'a[i]');

/** A copy in the dtype's own array. */
function convert(data: Float32Array, dtype: DType): TypedArray {
  const out = allocate(dtype, data.length);
  out.set(data);
  return out;
}

export class Transfer {
  readonly #session: Session;
  readonly #arrays: Arrays;
  readonly #pending: Pending;
  readonly #launcher: Launcher;
  readonly #lists: LaunchLists;

  constructor(session: Session, arrays: Arrays, pending: Pending, launcher: Launcher, lists: LaunchLists) {
    this.#session = session;
    this.#arrays = arrays;
    this.#pending = pending;
    this.#launcher = launcher;
    this.#lists = lists;
  }

  /** The retained view of values from the host. */
  upload(data: TypedArray): View {
    const copy = Float32Array.from(data);
    const { length } = copy;
    // In the GL and WebGPU modes an argument must be a handle at every call, so arrays become
    // handles when they are uploaded.
    if (this.#session.opened.adapter === null || length === 0) return this.#arrays.make(copy, length).all;
    const [copyLaunch] = this.#lists.of(`upload ${length}`, () => [copying(length)]);
    // Single numbers recur at every step (the initial gradient, fill values), so they are cached.
    if (length === 1) return this.#arrays.constant(copy[0], () => this.#launcher.upload(copyLaunch, copy)).all;
    return this.#arrays.make(this.#launcher.upload(copyLaunch, copy), length).all;
  }

  /** Reads a view. Rejects with the first failure that no call has thrown yet, if there is one. */
  async read(view: View, dtype: DType): Promise<TypedArray> {
    const own = this.#separate(view);
    try {
      const value = await awake(Promise.resolve(own.array.handle));
      const data = await awake(Promise.resolve('toArray' in value ? value.toArray() : value));
      this.#session.checkAlive('read');
      this.#pending.throwFailure();
      return convert(data, dtype);
    } catch (error) {
      this.#pending.drop(error);
      // A read that waits while the adapter is lost rejects with gpu.js's own error. One microtask
      // later the loss is known, and the error below names it.
      await Promise.resolve();
      throw error instanceof DeviceError
        ? error
        : !this.#session.alive
          ? this.#session.deathError('read')
          : new DeviceError('read', 'the array must be readable', (error as Error).message, `${this.#session}`);
    } finally {
      own.array.release();
    }
  }

  /** Reads the view that `viewOf` gives, in a mode that can read at once. */
  readSync(viewOf: () => View, dtype: DType): TypedArray {
    const { mode } = this.#session.opened;
    const refusal = (): DeviceError =>
      new DeviceError('gpu', 'this mode cannot be read at once', `mode ${mode}`, 'await data(), array() or item()');
    if (mode === 'webgpu') throw refusal();
    const own = this.#separate(viewOf());
    try {
      const { handle } = own.array;
      const data = 'toArray' in handle ? handle.toArray() : handle;
      if (isPromise(data)) throw refusal();
      this.#session.checkAlive('read');
      return convert(data, dtype);
    } finally {
      own.array.release();
    }
  }

  /** A retained view of the same elements, in an array that contains no others. */
  #separate(view: View): View {
    retained(view);
    if (view.size === view.array.size) return view;
    try {
      const launches = this.#lists.of(`copy ${view.size}`, () => [copying(view.size)]);
      return this.#launcher.execute({ kernel: 'slice', launches, views: [view] }).all;
    } finally {
      view.array.release();
    }
  }
}
