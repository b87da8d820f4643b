/**
 * Launches gpu.js kernels on arrays. Compiled kernels are cached. If an argument is still a
 * promise, the launch waits for it, and its result is a promise too.
 * Not here: which launches a kernel call needs (launch-lists.ts), and when they run (scheduler.ts).
 */
import { DeviceError } from '../../errors.js';
import type { KernelName } from '../device.js';
import { type Arrays, GpuArray, type View } from './arrays.js';
import { type GpuKernel, type Handle, isPromise, type Value } from './gpujs.js';
import { type Arg, type Launch, source } from './launch.js';
import type { Pending } from './pending.js';
import type { Session } from './session.js';

/** The launches of a kernel call, and the views that they read, by the numbers of their inputs. */
export interface Computation {
  readonly kernel: KernelName;
  readonly launches: readonly Launch[];
  readonly views: readonly View[];
}

export class Launcher {
  readonly #session: Session;
  readonly #arrays: Arrays;
  readonly #pending: Pending;
  readonly #counters: { kernels: number };
  readonly #kernels = new Map<string, GpuKernel>();
  /** The kernels of each launch by the sizes of its arguments and the names of shifted ones. */
  #kernelsOf = new WeakMap<Launch, Map<string, GpuKernel>>();

  /** Every launch is counted in `counters` and, while it is unfinished, tracked in `pending`. */
  constructor(session: Session, arrays: Arrays, pending: Pending, counters: { kernels: number }) {
    this.#session = session;
    this.#arrays = arrays;
    this.#pending = pending;
    this.#counters = counters;
  }

  /** Runs launches in order. Returns the result of the last one. */
  execute({ kernel, launches, views }: Computation): GpuArray {
    this.#checkLimits(kernel, launches);
    const results: GpuArray[] = [];
    for (const each of launches) {
      const args = Object.entries(each.args).map(([name, arg]) => ({ name, arg: read(arg, views, results) }));
      const shifted = args.flatMap(({ name, arg }) =>
        typeof arg === 'number' || (arg.offset === 0 && !each.alwaysShifted?.includes(name))
          ? []
          : [{ name, offset: arg.offset }],
      );
      const sizes =
        this.#session.opened.mode === 'webgpu'
          ? []
          : args.map(({ arg }) => (typeof arg === 'number' ? 0 : arg.array.size));
      const kernelOf = (): GpuKernel =>
        this.#kernel(
          each,
          sizes,
          shifted.map(({ name }) => name),
        );
      const values = [
        ...args.map(({ arg }) => (typeof arg === 'number' ? arg : arg.array)),
        ...shifted.map(({ offset }) => offset),
      ];
      results.push(this.#arrays.make(this.#call(kernel, kernelOf, values), each.size));
    }
    for (const array of results.slice(0, -1)) array.release();
    return results[results.length - 1];
  }

  /** Runs a launch whose one argument is an array of the host. */
  upload(launch: Launch, data: Float32Array): Handle {
    return this.#call('upload', () => this.#kernel(launch, [data.length], []), [data]);
  }

  /** Drops all compiled kernels. */
  clear(): void {
    this.#kernels.clear();
    this.#kernelsOf = new WeakMap();
  }

  #checkLimits(name: string, launches: readonly Launch[]): void {
    const { mostIterations } = this.#session.opened;
    for (const { size, iterations = 0 } of launches) {
      this.#session.checkSize(name, size);
      if (iterations > mostIterations)
        throw new DeviceError(
          name,
          `a loop may run ${mostIterations} iterations at most on this adapter`,
          `${iterations}`,
          `${this.#session}: split the axis`,
        );
    }
  }

  /**
   * The kernel for a launch. Kernels are cached by source text and, except on WebGPU, by the sizes
   * of all arguments. If an argument changes its size, gpu.js throws, or, on WebGL and in its cpu
   * mode, silently misreads it.
   */
  #kernel(launch: Launch, sizes: readonly number[], shifted: readonly string[]): GpuKernel {
    const signature = `${sizes} ${shifted}`;
    let known = this.#kernelsOf.get(launch);
    if (known === undefined) {
      known = new Map();
      this.#kernelsOf.set(launch, known);
    }
    let kernel = known.get(signature);
    if (kernel === undefined) {
      const { opened } = this.#session;
      const text = source(launch, shifted, opened.integers);
      const key = `${launch.size} ${sizes} ${text}`;
      kernel = this.#kernels.get(key) ?? opened.createKernel(text, launch.size, launch.values.length);
      this.#kernels.set(key, kernel);
      known.set(signature, kernel);
    }
    return kernel;
  }

  /** Calls gpu.js, now or when its arguments have resolved. */
  #call(name: string, kernelOf: () => GpuKernel, args: readonly (GpuArray | Float32Array | number)[]): Handle {
    this.#counters.kernels++;
    const { generation } = this.#session;
    const isCurrent = (): boolean => generation === this.#session.generation;
    const now = (): Handle => kernelOf()(...args.map((a) => (a instanceof GpuArray ? (a.handle as Value) : a)));
    const arrays = args.filter((a) => a instanceof GpuArray);
    const late = arrays.map((a) => a.handle).filter(isPromise);
    let result: Handle;
    try {
      result =
        late.length === 0
          ? now()
          : Promise.all(late).then((): Handle => {
              if (!isCurrent()) throw this.#session.deathError(name);
              return now();
            });
    } catch (error) {
      throw this.#failure(name, error);
    }
    if (!isPromise(result)) return result;
    // A kernel that is still being compiled reads its arguments later, so they are retained until
    // then.
    for (const array of arrays) array.retain();
    const release = (): void => {
      for (const array of arrays) array.release();
    };
    result.then(release, release);
    const made = result.catch((error) => {
      throw this.#failure(name, error);
    });
    this.#pending.add(made, isCurrent);
    return made;
  }

  /** The error of a call that failed. */
  #failure(name: string, error: unknown): DeviceError {
    if (error instanceof DeviceError) return error;
    if (!this.#session.alive) return this.#session.deathError(name);
    return new DeviceError(
      name,
      'the kernel must run',
      (error as Error).message.split('\n')[0],
      `gpu.js in mode ${this.#session.opened.mode}`,
    );
  }
}

/** An argument of a launch: a number, or the view that is read. */
function read(arg: Arg, views: readonly View[], results: readonly GpuArray[]): number | View {
  if (typeof arg === 'number') return arg;
  return 'input' in arg ? views[arg.input] : results[arg.result].all;
}
