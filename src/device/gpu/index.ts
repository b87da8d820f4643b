/**
 * The gpu device: gpu.js kernels over resident handles. A handle may be a value or a promise of one (WebGPU, and every mode under asyncMode);
 * `run` returns at once either way. Not here: the kernels' text (one file per family), gpu.js's loading (gpujs.ts).
 */
import { DeviceError } from '../../errors.js';
import { allocate, type DType, type TypedArray } from '../../tensor/dtype.js';
import { valuesOf } from '../../tensor/random.js';
import { sizeOf } from '../../tensor/shape.js';
import {
  type Counters,
  type Device,
  DeviceBuffer,
  type HostData,
  type KernelAttrs,
  type KernelName,
  type MemoryReport,
  type Operand,
  type Spec,
} from '../device.js';
import { adam } from './adam.js';
import { conv } from './conv.js';
import { elementwise } from './elementwise.js';
import { type GpuJs, type GpuKernel, type GpuMode, gpuModes, type Handle, modeOf, openGpuJs, remedy, type Value } from './gpujs.js';
import { type Launch, type Planner, type Planners, source } from './launch.js';
import { matmul } from './matmul.js';
import { movement } from './movement.js';
import { pool } from './pool.js';
import { reduce } from './reduce.js';

export interface GpuOptions {
  /** gpu.js's mode. Default 'cpu': the faster of the two that need no adapter (71 against 81 ms a step of the miniature CEDN). */
  mode?: GpuMode;
  /** Let the cpu and webasm modes answer with promises too, as WebGPU does. Default false. */
  asyncMode?: boolean;
}

const planners: Planners = { ...elementwise, ...reduce, ...movement, ...matmul, ...conv, ...pool, ...adam };

/** Adam's kernels come moments first; the contract wants the parameter first. */
const outputsOf = (kernel: KernelName, results: readonly Handle[], count: number): readonly Handle[] => {
  const last = results.slice(results.length - count);
  return kernel === 'adam' ? [last[count - 1], ...last.slice(0, count - 1)] : last;
};

class GpuBuffer extends DeviceBuffer {
  constructor(
    dtype: DType,
    size: number,
    public handle: Handle,
  ) {
    super(dtype, size);
  }
}

const isPromise = (h: Handle): h is Promise<Value> => h instanceof Promise;
/** Floats count whole numbers exactly up to here. */
const wholeLimit = 2 ** 24;

class GpuDevice implements Device {
  readonly name = 'gpu';
  readonly dtypes: readonly DType[] = ['float32', 'int32', 'bool'];
  readonly counters: Counters = { kernels: 0, uploads: 0, reads: 0 };
  readonly #gpu: GpuJs;
  readonly #asyncMode: boolean;
  readonly #kernels = new Map<string, GpuKernel>();
  readonly #live = { tensors: 0, bytes: 0 };
  /** Handles that launches still wait for: they may be deleted only after those have run. */
  readonly #waiting = new WeakMap<Promise<Value>, { launches: number; dropped: boolean }>();
  /** What was started and has not ended, and the first failure not yet told. */
  readonly #pending = new Set<Promise<unknown>>();
  #failure: DeviceError | null = null;

  constructor(
    gpu: GpuJs,
    readonly mode: string,
    asyncMode: boolean,
  ) {
    this.#gpu = gpu;
    this.#asyncMode = asyncMode;
  }

  memory(): MemoryReport {
    return { ...this.#live, pooled: 0 };
  }

  toString(): string {
    return `gpu (${this.mode})`;
  }

  #buffer(dtype: DType, size: number, handle: Handle): GpuBuffer {
    this.#live.tensors++;
    this.#live.bytes += 4 * size;
    return new GpuBuffer(dtype, size, handle);
  }

  #own(buffer: DeviceBuffer): GpuBuffer {
    if (!(buffer instanceof GpuBuffer))
      throw new DeviceError('gpu', "a buffer must be this device's own", buffer.constructor.name, 'move the tensor with to(device)');
    return buffer;
  }

  /** Kernels are keyed by text and all sizes: gpu.js refuses an argument that changes size, or in its cpu mode silently reuses the old one. */
  #kernel(text: string, size: number, argSizes: readonly number[]): GpuKernel {
    const key = `${size} ${argSizes} ${text}`;
    let kernel = this.#kernels.get(key);
    if (kernel === undefined) {
      kernel = this.#gpu.createKernel(text, {
        output: [size],
        precision: 'single',
        pipeline: true,
        immutable: true,
        ...(this.#asyncMode ? { asyncMode: true } : {}),
      });
      this.#kernels.set(key, kernel);
    }
    return kernel;
  }

  /** Calls gpu.js, at once or when its arguments have arrived. */
  #call(name: string, { source: text, size }: Launch, args: readonly (Handle | number)[], argSizes: readonly number[]): Handle {
    this.counters.kernels++;
    const failed = (error: unknown): DeviceError =>
      error instanceof DeviceError ? error : new DeviceError(name, 'the kernel must run', (error as Error).message, `gpu.js in mode ${this.mode}`);
    const now = (values: readonly (Value | number)[]): Handle => this.#kernel(text, size, argSizes)(...values);
    const later = args.filter((a): a is Promise<Value> => a instanceof Promise);
    let result: Handle;
    try {
      result = later.length === 0 ? now(args as (Value | number)[]) : Promise.all(args).then(now);
    } catch (error) {
      throw failed(error);
    }
    if (!isPromise(result)) return result;
    const told = result.catch((error) => {
      throw failed(error);
    });
    this.#watch(told);
    for (const handle of later) this.#hold(handle, told);
    return told;
  }

  /** Puts off a handle's deletion until a launch that reads it has ended. */
  #hold(handle: Promise<Value>, launch: Promise<unknown>): void {
    const wait = this.#waiting.get(handle) ?? { launches: 0, dropped: false };
    this.#waiting.set(handle, wait);
    wait.launches++;
    const ended = (): void => {
      wait.launches--;
      if (wait.launches === 0 && wait.dropped) this.#drop(handle);
    };
    launch.then(ended, ended);
  }

  /** Keeps a promise in sight, so that its failure is told at the next sync and is never unhandled. */
  #watch(work: Promise<unknown>): void {
    this.#pending.add(work);
    work.then(
      () => this.#pending.delete(work),
      (error) => {
        this.#pending.delete(work);
        this.#failure ??= error;
      },
    );
  }

  upload(given: HostData, dtype: DType): DeviceBuffer {
    const data = valuesOf(given, dtype);
    if (!this.dtypes.includes(dtype))
      throw new DeviceError('gpu', `dtype must be one of ${this.dtypes.join(', ')}`, dtype, 'use float32, or the reference device for float64');
    if (dtype === 'int32') {
      const wrong = data.find((v) => Math.abs(v) > wholeLimit);
      if (wrong !== undefined) throw new DeviceError('gpu', 'whole numbers are exact only up to 2^24', `${wrong}`, 'keep such indices on the reference device');
    }
    this.counters.uploads++;
    const copy = Float32Array.from(data);
    // In the GL and WebGPU modes an argument must be a handle at every call, so arrays become handles here.
    const plain = this.mode === 'cpu' || this.mode === 'webasm' || data.length === 0;
    return this.#buffer(
      dtype,
      data.length,
      plain ? copy : this.#call('upload', { source: source('a', 'return a[i];'), size: data.length, args: [] }, [copy], [data.length]),
    );
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[] {
    if (kernel === 'adam') return this.#adam(inputs, attrs as KernelAttrs['adam'], outputs, into);
    return this.#results(kernel, inputs, attrs, outputs, into);
  }

  /** gpu.js kernels have one output each: every parameter takes a few of its own. */
  #adam(inputs: readonly Operand[], attrs: KernelAttrs['adam'], outputs: readonly Spec[], into?: readonly DeviceBuffer[]): DeviceBuffer[] {
    const [read, written] = attrs.amsgrad ? [5, 4] : [4, 3];
    return Array.from({ length: inputs.length / read }, (_, n) => {
      const part = [n * written, (n + 1) * written] as const;
      return this.#results('adam', inputs.slice(n * read, (n + 1) * read), attrs, outputs.slice(...part), into?.slice(...part));
    }).flat();
  }

  #results<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into: readonly DeviceBuffer[] | undefined,
  ): DeviceBuffer[] {
    const odd = outputs.find((o) => !this.dtypes.includes(o.dtype));
    if (odd !== undefined)
      throw new DeviceError(kernel, `dtype must be one of ${this.dtypes.join(', ')} on the gpu device`, odd.dtype, 'use the reference device for float64');
    // gpu.js has no empty arrays: an empty result is nothing to compute, and of empty inputs only sums have one.
    if (outputs.every((o) => sizeOf(o.shape) === 0) || inputs.every((t) => sizeOf(t.shape) === 0))
      return outputs.map((o, k) =>
        this.#place(o, new Float32Array(sizeOf(o.shape)).fill(kernel === 'embed' ? (attrs as KernelAttrs['embed']).value : 0), into?.[k]),
      );
    const handles = inputs.map((t) => this.#own(t.buffer).handle);
    const sizes = inputs.map((t) => sizeOf(t.shape));
    const launches = (planners[kernel] as Planner<K>)(inputs, attrs, outputs);
    const results: Handle[] = [];
    for (const launch of launches)
      results.push(
        this.#call(
          kernel,
          launch,
          launch.args.map((a) => (typeof a === 'number' ? a : 'input' in a ? handles[a.input] : results[a.result])),
          launch.args.map((a) => (typeof a === 'number' ? 0 : 'input' in a ? sizes[a.input] : launches[a.result].size)),
        ),
      );
    const kept = outputsOf(kernel, results, outputs.length);
    for (const r of results) if (!kept.includes(r)) this.#drop(r);
    return outputs.map((o, k) => this.#place(o, kept[k], into?.[k]));
  }

  /** A result in a buffer: a new one, or in the place of one's old handle. */
  #place({ shape, dtype }: Spec, handle: Handle, into: DeviceBuffer | undefined): GpuBuffer {
    if (into === undefined) return this.#buffer(dtype, sizeOf(shape), handle);
    const own = this.#own(into);
    this.#drop(own.handle);
    own.handle = handle;
    return own;
  }

  #drop(handle: Handle): void {
    if (!isPromise(handle)) {
      if ('delete' in handle) handle.delete();
      return;
    }
    const wait = this.#waiting.get(handle);
    if (wait !== undefined && wait.launches > 0) {
      wait.dropped = true;
      return;
    }
    handle.then(
      (v) => this.#drop(v),
      () => {},
    );
  }

  async read(buffer: DeviceBuffer): Promise<TypedArray> {
    this.counters.reads++;
    const own = this.#own(buffer);
    const value = await own.handle;
    return convert('toArray' in value ? await value.toArray() : value, own.dtype);
  }

  readSync(buffer: DeviceBuffer): TypedArray {
    const own = this.#own(buffer);
    const value = own.handle;
    if (isPromise(value)) throw new DeviceError('gpu', 'this mode cannot be read at once', `mode ${this.mode}`, 'await data(), array() or item()');
    const array = 'toArray' in value ? value.toArray() : value;
    if (array instanceof Promise) throw new DeviceError('gpu', 'this mode cannot be read at once', `mode ${this.mode}`, 'await data(), array() or item()');
    this.counters.reads++;
    return convert(array, own.dtype);
  }

  free(buffer: DeviceBuffer): void {
    const own = this.#own(buffer);
    this.#live.tensors--;
    this.#live.bytes -= 4 * own.size;
    this.#drop(own.handle);
  }

  async sync(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending);
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  async close(): Promise<void> {
    await this.sync();
    this.#kernels.clear();
    await this.#gpu.destroy();
  }
}

/** A copy in the dtype's own array. */
function convert(data: Float32Array, dtype: DType): TypedArray {
  const out = allocate(dtype, data.length);
  out.set(data);
  return out;
}

/**
 * Opens gpu.js in a mode and makes sure that it is the one that runs: gpu.js itself falls back to its cpu mode with only a console warning.
 * @throws DeviceError for an unknown mode, a missing package, or a mode that did not really run
 */
export async function createGpuDevice({ mode = 'cpu', asyncMode = false }: GpuOptions): Promise<Device> {
  if (!gpuModes.includes(mode)) throw new DeviceError('device', `mode must be one of ${gpuModes.join(', ')}`, `'${mode}'`);
  const gpu = await openGpuJs(mode);
  const probe = gpu.createKernel(source('a', 'return a[i] + 1;'), { output: [1], precision: 'single', pipeline: true, immutable: true });
  let ran: string;
  try {
    await probe(new Float32Array(1));
    ran = modeOf(probe);
  } catch (error) {
    throw new DeviceError('device', `gpu.js must run in mode '${mode}'`, (error as Error).message, remedy(mode));
  }
  if (ran !== mode) throw new DeviceError('device', `gpu.js must run in mode '${mode}'`, `it ran in '${ran}'`, remedy(mode));
  return new GpuDevice(gpu, ran, asyncMode);
}
