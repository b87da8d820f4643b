/**
 * The gpu device: gpu.js kernels over arrays that stay on the GPU. `run` returns without waiting in
 * every mode, also if kernels return promises.
 *
 * An array is written only once, because every launch creates a new one (arrays.ts). Several
 * buffers may share an array, each from its own offset (buffers.ts). Examples are the values and
 * indices of a pool, and all parameters and moments of an optimizer. Since no array changes, a
 * kernel can run later than its call. Some kernels wait for the next call, and run fused with it
 * where possible (scheduler.ts, fusion.ts).
 * Not here: the source text of the kernels (one file per family), launching them (launcher.ts),
 * loading gpu.js (gpujs.ts), adapters (adapters.ts).
 */
import { shown } from '../../arguments.js';
import { DeviceError, ValueError } from '../../errors.js';
import type { DType, TypedArray } from '../../values/dtype.js';
import { type HostData, valuesOf } from '../../values/host-data.js';
import { sizeOf } from '../../values/shape.js';
import type {
  Counters,
  Device,
  DeviceBuffer,
  KernelAttrs,
  KernelName,
  MemoryReport,
  Operand,
  Spec,
} from '../device.js';
import { turnIfDue } from '../turn.js';
import { runAdam } from './adam.js';
import type { Adapter } from './adapters.js';
import { Arrays } from './arrays.js';
import { Buffers, ownBuffer } from './buffers.js';
import { mayDefer } from './fusion.js';
import { type GpuMode, gpuModes, type OpenedMode, openMode } from './gpujs.js';
import { integerLimit } from './launch.js';
import { LaunchLists, type RuledKernel } from './launch-lists.js';
import { Launcher } from './launcher.js';
import { Pending } from './pending.js';
import { Scheduler } from './scheduler.js';
import { Session, type SessionOptions } from './session.js';
import { Transfer } from './transfer.js';

export type { Adapter } from './adapters.js';
export type { GpuMode } from './gpujs.js';

export interface GpuOptions {
  /** The mode of gpu.js. Default 'cpu', which needs no adapter. */
  mode?: GpuMode;
  /** Whether the cpu and webasm modes also return promises, as WebGPU does. Default false. */
  asyncMode?: boolean;
}

/** A device that runs gpu.js in one mode. */
export class GpuDevice implements Device {
  readonly name = 'gpu';
  readonly dtypes: readonly DType[] = ['float32', 'int32', 'bool'];
  readonly counters: Counters = { kernels: 0, uploads: 0, reads: 0 };
  readonly #pending = new Pending();
  readonly #lists = new LaunchLists();
  readonly #session: Session;
  readonly #arrays: Arrays;
  readonly #launcher: Launcher;
  readonly #buffers: Buffers;
  readonly #scheduler: Scheduler;
  readonly #transfer: Transfer;

  constructor(opened: OpenedMode, options: SessionOptions) {
    this.#session = new Session(opened, options, (failure) => this.#pending.fail(failure));
    this.#arrays = new Arrays(this.#session);
    this.#launcher = new Launcher(this.#session, this.#arrays, this.#pending, this.counters);
    this.#buffers = new Buffers(this.#session, this.#launcher);
    this.#scheduler = new Scheduler(this.#buffers, this.#lists);
    this.#transfer = new Transfer(this.#session, this.#arrays, this.#pending, this.#launcher, this.#lists);
  }

  /** gpu.js's own name of the mode that runs. */
  get mode(): GpuMode {
    return this.#session.opened.mode;
  }
  /** False in the modes that run on the CPU, which hold typed arrays. */
  get offHeap(): boolean {
    return this.adapter !== null;
  }
  /** The adapter that computes. Null in the modes that run on the CPU. */
  get adapter(): Adapter | null {
    return this.#session.opened.adapter;
  }
  get alive(): boolean {
    return this.#session.alive;
  }

  toString(): string {
    return `${this.#session}`;
  }

  memory(): MemoryReport {
    return { tensors: this.#buffers.live, ...this.#arrays.inUse, pooled: this.#arrays.constantBytes };
  }

  upload(given: HostData, dtype: DType): DeviceBuffer {
    this.#session.checkAlive('upload');
    const data = valuesOf(given, dtype);
    if (!this.dtypes.includes(dtype))
      throw new DeviceError(
        'gpu',
        `dtype must be one of ${this.dtypes.join(', ')}`,
        dtype,
        'use float32, or the reference device for float64',
      );
    this.#session.checkSize('upload', data.length);
    if (dtype === 'int32') {
      const wrong = data.find((v) => Math.abs(v) > integerLimit);
      if (wrong !== undefined)
        throw new DeviceError(
          'gpu',
          'whole numbers are exact only up to 2^24',
          `${wrong}`,
          'keep such indices on the reference device',
        );
    }
    this.counters.uploads++;
    return this.#buffers.store({ shape: [data.length], dtype }, this.#transfer.upload(data));
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[] {
    this.#session.checkAlive(kernel);
    const odd = outputs.find((o) => !this.dtypes.includes(o.dtype));
    if (odd !== undefined)
      throw new DeviceError(
        kernel,
        `dtype must be one of ${this.dtypes.join(', ')} on the gpu device`,
        odd.dtype,
        'use the reference device for float64',
      );
    const sizes = outputs.map((o) => sizeOf(o.shape));
    // gpu.js has no empty arrays. An empty result needs no computation. With empty inputs a result
    // can be non-empty only for a sum, which is 0, and for a pad.
    if (sizes.every((size) => size === 0) || inputs.every((t) => sizeOf(t.shape) === 0)) {
      const value = kernel === 'embed' ? (attrs as KernelAttrs['embed']).value : 0;
      return outputs.map((o, k) =>
        this.#buffers.store(o, this.#transfer.upload(new Float32Array(sizes[k]).fill(value)), into?.[k]),
      );
    }
    if (kernel === 'adam') return this.#adam(inputs, attrs as KernelAttrs['adam'], outputs, into);
    return this.#kernel(kernel as RuledKernel, inputs, attrs as KernelAttrs[RuledKernel], outputs, into);
  }

  #kernel<K extends RuledKernel>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into: readonly DeviceBuffer[] | undefined,
  ): DeviceBuffer[] {
    const { vectors } = this.#session.opened;
    const computation = this.#scheduler.computationOf(kernel, inputs, attrs, outputs, vectors);
    this.#scheduler.settle();
    if (mayDefer(kernel, inputs, outputs)) {
      const result = this.#buffers.store(outputs[0], computation, into?.[0]);
      this.#scheduler.defer(result);
      return [result];
    }
    const array = this.#launcher.execute(computation);
    for (const view of computation.views) view.array.release();
    // The outputs that have elements share the array, one after another.
    const sizes = outputs.map((o) => sizeOf(o.shape));
    array.retain(sizes.filter((size) => size > 0).length - 1);
    let offset = 0;
    return outputs.map((o, k) => {
      const size = sizes[k];
      const view = size > 0 ? { array, offset, size } : this.#transfer.upload(new Float32Array(0));
      offset += size;
      return this.#buffers.store(o, view, into?.[k]);
    });
  }

  #adam(
    inputs: readonly Operand[],
    attrs: KernelAttrs['adam'],
    outputs: readonly Spec[],
    into: readonly DeviceBuffer[] | undefined,
  ): DeviceBuffer[] {
    this.#scheduler.settle();
    const views = inputs.map((t) => this.#buffers.view('adam', ownBuffer(t.buffer)));
    const results = runAdam(this.#launcher, this.#lists, views, attrs);
    return outputs.map((o, k) => this.#buffers.store(o, results[k], into?.[k]));
  }

  async read(buffer: DeviceBuffer): Promise<TypedArray> {
    this.counters.reads++;
    const own = ownBuffer(buffer);
    this.#session.checkAlive('read');
    return this.#transfer.read(this.#buffers.view('read', own), own.dtype);
  }

  readSync(buffer: DeviceBuffer): TypedArray {
    const own = ownBuffer(buffer);
    this.#session.checkAlive('read');
    const data = this.#transfer.readSync(() => this.#buffers.view('read', own), own.dtype);
    this.counters.reads++;
    return data;
  }

  free(buffer: DeviceBuffer): void {
    this.#buffers.free(ownBuffer(buffer));
  }

  async sync(): Promise<void> {
    this.#scheduler.settle();
    await this.#pending.settled();
    this.#pending.throwFailure();
    this.#session.checkAlive('sync');
    await turnIfDue();
  }

  /**
   * Opens the adapter again after it was lost. All arrays were lost with it. Load the last saved
   * parameters and optimizer state into the same tensors (`loadStateDict`), and upload data again.
   * @throws DeviceError if the mode does not open (the call can be repeated), or if the device was
   * closed
   */
  async recover(): Promise<void> {
    if (this.#session.closed) throw this.#session.deathError('recover');
    this.#abandon();
    await this.#session.reopen();
    this.#pending.drop();
  }

  async close(): Promise<void> {
    if (this.#session.closed) return;
    try {
      await this.#pending.settled();
      if (!this.#session.lost) this.#pending.throwFailure();
    } finally {
      this.#abandon();
      await this.#session.close();
    }
  }

  /** Drops all state that belongs to the mode as it was opened. */
  #abandon(): void {
    this.#session.nextGeneration();
    this.#scheduler.abandon();
    this.#launcher.clear();
    this.#lists.clear();
    this.#arrays.dropConstants();
  }
}

/**
 * Opens gpu.js in a mode, and checks that it really runs in this mode.
 * @throws DeviceError for an unknown mode, a missing package or adapter, or if gpu.js did not run
 * in the mode; ValueError for an option of another mode
 */
export async function createGpuDevice({ mode = 'cpu', asyncMode = false }: GpuOptions): Promise<GpuDevice> {
  if (!gpuModes.includes(mode))
    throw new DeviceError('device', `mode must be one of ${gpuModes.join(', ')}`, shown(mode));
  if (asyncMode && mode !== 'cpu' && mode !== 'webasm')
    throw new ValueError(
      'device',
      "asyncMode is for the modes 'cpu' and 'webasm'",
      `mode '${mode}'`,
      'WebGPU is asynchronous by itself',
    );
  return new GpuDevice(await openMode(mode, asyncMode), { mode, asyncMode });
}
