/**
 * The gpu device: gpu.js kernels over arrays that stay on the GPU. `run` returns without waiting in
 * every mode, also if kernels return promises.
 * Not here: the source text of the kernels (one file per family), loading gpu.js (gpujs.ts),
 * adapters (adapters.ts).
 *
 * An array is written only once: a kernel always creates a new one. Several buffers may share an
 * array, each from its own offset (a pool's values and indices; all parameters and moments of an
 * optimizer). So a result can also be deferred. Some kernels run only when their reader is known,
 * and are fused with it if it is elementwise (fusion.ts).
 */
import { shown } from '../../arguments.js';
import { DeviceError, ValueError } from '../../errors.js';
import { allocate, type DType, type TypedArray } from '../../values/dtype.js';
import { valuesOf } from '../../values/random.js';
import { sizeOf } from '../../values/shape.js';
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
import { turnIfDue } from '../turn.js';
import { adamStep, join } from './adam.js';
import { type Adapter, awake } from './adapters.js';
import { conv } from './conv.js';
import { elementwise } from './elementwise.js';
import { fuse, mayWait, seesThrough } from './fusion.js';
import { type GpuKernel, type GpuMode, gpuModes, type Handle, type OpenedMode, openMode, type Value } from './gpujs.js';
import { inputs as argsOf, type Launch, launch, type Planner, type Planners, source, wholeLimit } from './launch.js';
import { matmul } from './matmul.js';
import { mostArrays, movement } from './movement.js';
import { norm } from './norm.js';
import { pool } from './pool.js';
import { reduce } from './reduce.js';

export type { Adapter } from './adapters.js';
export type { GpuMode } from './gpujs.js';

export interface GpuOptions {
  /** The mode of gpu.js. Default 'cpu', which needs no adapter. */
  mode?: GpuMode;
  /** Whether the cpu and webasm modes also return promises, as WebGPU does. Default false. */
  asyncMode?: boolean;
}

type Planned = Exclude<KernelName, 'adam'>;
const planners: Planners<Planned> = { ...elementwise, ...reduce, ...movement, ...matmul, ...conv, ...pool, ...norm };

const isPromise = (h: Handle): h is Promise<Value> => h instanceof Promise;

/** A reference-counted array on the GPU. */
class GpuArray {
  references = 1;
  constructor(
    public handle: Handle,
    readonly size: number,
    readonly generation: number,
    /** A constant is kept for reuse and not counted as memory in use. */
    readonly isConstant: boolean,
  ) {}
}

/** Part of an array. */
interface View {
  readonly array: GpuArray;
  readonly offset: number;
  readonly size: number;
}

/** A deferred result: the launches that compute it, and their input arrays. */
export interface Waiting {
  readonly kernel: KernelName;
  readonly launches: readonly Launch[];
  readonly views: readonly View[];
}

class GpuBuffer extends DeviceBuffer {
  constructor(
    dtype: DType,
    size: number,
    /** Null once the buffer is freed. */
    public content: View | Waiting | null,
  ) {
    super(dtype, size);
  }
}
const isWaiting = (content: View | Waiting): content is Waiting => 'launches' in content;

/** The maximum number of plans and constants kept. Dropped ones are created again when needed. */
const mostPlans = 2048;
const mostConstants = 64;

/** A device that runs gpu.js in one mode. */
export class GpuDevice implements Device {
  readonly name = 'gpu';
  readonly dtypes: readonly DType[] = ['float32', 'int32', 'bool'];
  readonly counters: Counters = { kernels: 0, uploads: 0, reads: 0 };
  #opened: OpenedMode;
  readonly #options: Required<GpuOptions>;
  readonly #kernels = new Map<string, GpuKernel>();
  #kernelsOf = new WeakMap<Launch, Map<string, GpuKernel>>();
  readonly #plans = new Map<string, readonly Launch[]>();
  readonly #constants = new Map<string, GpuArray>();
  readonly #live = { tensors: 0, arrays: 0, bytes: 0 };
  /** The unfinished work, and the first failure that no call has thrown yet. */
  readonly #pending = new Set<Promise<unknown>>();
  #failure: DeviceError | null = null;
  /** Increases with every recovery. Arrays of an older generation are lost. */
  #generation = 0;
  /** The result of the last kernel, if it is deferred until the next one. */
  #fresh: GpuBuffer | null = null;
  #lost: string | null = null;
  #closed = false;

  constructor(opened: OpenedMode, options: Required<GpuOptions>) {
    this.#opened = opened;
    this.#options = options;
    this.#listen();
  }

  /** gpu.js's own name of the mode that runs. */
  get mode(): GpuMode {
    return this.#opened.mode;
  }
  /** False in the modes that run on the CPU, which hold typed arrays. */
  get offHeap(): boolean {
    return this.adapter !== null;
  }
  /** The adapter that computes. Null in the modes that run on the CPU. */
  get adapter(): Adapter | null {
    return this.#opened.adapter;
  }

  get alive(): boolean {
    return !this.#closed && this.#lost === null && !this.#opened.isLost();
  }

  toString(): string {
    const { mode, adapter } = this.#opened;
    return `gpu (${mode}${adapter === null ? '' : `: ${adapter.name}${adapter.software ? ', software' : ''}`})`;
  }

  memory(): MemoryReport {
    return { ...this.#live, pooled: 4 * this.#constants.size };
  }

  #listen(): void {
    const generation = this.#generation;
    const opened = this.#opened;
    opened.lost.then((reason) => {
      if (generation === this.#generation) this.#lost ??= reason;
    });
    opened.onError((message) => {
      this.#failure ??= new DeviceError('gpu', 'the adapter must do what it is given', message, `${this}`);
    });
  }

  #lossError(name: string): DeviceError {
    if (this.#closed)
      return new DeviceError(name, 'the device must be open', 'one that was closed', 'open another with device()');
    return new DeviceError(
      name,
      'the adapter must not be lost',
      this.#lost || 'it is lost',
      'await device.recover(), then load the parameters that you saved last',
    );
  }
  #checkLost(name: string): void {
    if (!this.alive) throw this.#lossError(name);
  }

  // ---- arrays

  #array(handle: Handle, size: number, isConstant = false): GpuArray {
    const array = new GpuArray(handle, size, this.#generation, isConstant);
    this.#count(array, 1);
    if (isPromise(handle))
      handle.then(
        (value) => {
          array.handle = value;
          if (array.references === 0) this.#delete(array);
        },
        () => {},
      );
    return array;
  }

  #count({ isConstant, size }: GpuArray, by: 1 | -1): void {
    if (isConstant) return;
    this.#live.arrays += by;
    this.#live.bytes += by * 4 * size;
  }

  #retain<T extends View>(view: T): T {
    view.array.references++;
    return view;
  }

  #release({ array }: { array: GpuArray }): void {
    array.references--;
    if (array.references < 0)
      throw new DeviceError(
        'gpu',
        'an array must be let go only by those who hold it',
        `${array.references} references`,
      );
    if (array.references > 0) return;
    this.#count(array, -1);
    this.#delete(array);
  }

  #delete({ handle, generation }: GpuArray): void {
    // A handle that is still a promise is deleted when it resolves. Handles of a lost adapter were
    // lost with it.
    if (!isPromise(handle) && 'delete' in handle && generation === this.#generation) handle.delete();
  }

  #checkSize(name: string, size: number): void {
    const { elements, reason } = this.#opened.limit;
    if (size > elements)
      throw new DeviceError(
        name,
        `an array may have ${elements} elements at most on the gpu device`,
        `${size}`,
        `${reason}; split it, or use the wasm device`,
      );
  }

  #own(buffer: DeviceBuffer): GpuBuffer {
    if (!(buffer instanceof GpuBuffer))
      throw new DeviceError(
        'gpu',
        "a buffer must be this device's own",
        buffer.constructor.name,
        'move the tensor with to(device)',
      );
    return buffer;
  }

  #buffer({ shape, dtype }: Spec, content: View | Waiting): GpuBuffer {
    this.#live.tensors++;
    return new GpuBuffer(dtype, sizeOf(shape), content);
  }

  /** Puts a result into a buffer: a new one, or `into`, whose old contents are released. */
  #place(spec: Spec, content: View | Waiting, into: DeviceBuffer | undefined): GpuBuffer {
    if (into === undefined) return this.#buffer(spec, content);
    const own = this.#own(into);
    this.#forget(own);
    own.content = content;
    return own;
  }

  #forget(buffer: GpuBuffer): void {
    const { content } = buffer;
    buffer.content = null;
    if (content === null) return;
    if (isWaiting(content)) for (const view of content.views) this.#release(view);
    else this.#release(content);
  }

  #content(name: string, buffer: GpuBuffer): View | Waiting {
    const { content } = buffer;
    if (content === null)
      throw new DeviceError(
        name,
        'a buffer must not have been freed',
        `a freed ${buffer.dtype} buffer of ${buffer.size} elements`,
      );
    const array = isWaiting(content) ? content.views[0].array : content.array;
    if (array.generation !== this.#generation)
      throw new DeviceError(
        name,
        'an array must have been made since the adapter was lost',
        'one from before',
        'load saved parameters, and upload data again',
      );
    return content;
  }

  /** The array of a buffer. A deferred result is computed now. */
  #view(name: string, buffer: GpuBuffer): View {
    const content = this.#content(name, buffer);
    if (!isWaiting(content)) return content;
    const array = this.#execute(content);
    this.#forget(buffer);
    const view = { array, offset: 0, size: buffer.size };
    buffer.content = view;
    return view;
  }

  // ---- launches

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
      const text = source(launch, shifted, this.#opened.integers);
      const key = `${launch.size} ${sizes} ${text}`;
      kernel = this.#kernels.get(key) ?? this.#opened.createKernel(text, launch.size, launch.values.length);
      this.#kernels.set(key, kernel);
      known.set(signature, kernel);
    }
    return kernel;
  }

  /** Runs launches in order and returns the result of the last one. */
  #execute({ kernel, launches, views }: Waiting): GpuArray {
    const results: GpuArray[] = [];
    for (const { size, turns = 0 } of launches) {
      this.#checkSize(kernel, size);
      if (turns > this.#opened.mostTurns)
        throw new DeviceError(
          kernel,
          `loops may turn ${this.#opened.mostTurns} times at most on this adapter`,
          `${turns}`,
          `${this}: split the axis`,
        );
    }
    for (const each of launches) {
      const named = Object.entries(each.args).map(([name, arg]) => {
        if (typeof arg === 'number') return { name, arg };
        return {
          name,
          arg:
            'input' in arg
              ? views[arg.input]
              : { array: results[arg.result], offset: 0, size: results[arg.result].size },
        };
      });
      const shifted = named.flatMap(({ name, arg }) =>
        typeof arg === 'number' || (arg.offset === 0 && !each.moving?.includes(name))
          ? []
          : [{ name, offset: arg.offset }],
      );
      const sizes =
        this.mode === 'webgpu' ? [] : named.map(({ arg }) => (typeof arg === 'number' ? 0 : arg.array.size));
      const kernelOf = (): GpuKernel =>
        this.#kernel(
          each,
          sizes,
          shifted.map(({ name }) => name),
        );
      const args = [
        ...named.map(({ arg }) => (typeof arg === 'number' ? arg : arg.array)),
        ...shifted.map(({ offset }) => offset),
      ];
      results.push(this.#array(this.#call(kernel, kernelOf, args), each.size));
    }
    for (const array of results.slice(0, -1)) this.#release({ array });
    return results[results.length - 1];
  }

  /** Calls gpu.js, now or when its arguments have resolved. */
  #call(name: string, kernelOf: () => GpuKernel, args: readonly (GpuArray | Float32Array | number)[]): Handle {
    this.counters.kernels++;
    const generation = this.#generation;
    const failed = (error: unknown): DeviceError =>
      error instanceof DeviceError
        ? error
        : !this.alive
          ? this.#lossError(name)
          : new DeviceError(
              name,
              'the kernel must run',
              (error as Error).message.split('\n')[0],
              `gpu.js in mode ${this.mode}`,
            );
    const now = (): Handle => kernelOf()(...args.map((a) => (a instanceof GpuArray ? (a.handle as Value) : a)));
    const arrays = args.filter((a) => a instanceof GpuArray);
    const late = arrays.filter((a) => isPromise(a.handle));
    let result: Handle;
    try {
      result =
        late.length === 0
          ? now()
          : Promise.all(late.map((a) => a.handle)).then((): Handle => {
              if (generation !== this.#generation) throw this.#lossError(name);
              return now();
            });
    } catch (error) {
      throw failed(error);
    }
    if (!isPromise(result)) return result;
    // A kernel that is still being compiled reads its arguments later, so they are retained until
    // then.
    for (const array of arrays) array.references++;
    const release = (): void => {
      for (const array of arrays) this.#release({ array });
    };
    result.then(release, release);
    const told = result.catch((error) => {
      throw failed(error);
    });
    this.#watch(told);
    return told;
  }

  /** Tracks a promise. The next sync throws its failure, and its rejection is never unhandled. */
  #watch(work: Promise<unknown>): void {
    const generation = this.#generation;
    this.#pending.add(work);
    work.then(
      () => this.#pending.delete(work),
      (error) => {
        this.#pending.delete(work);
        if (generation === this.#generation) this.#failure ??= error;
      },
    );
  }

  // ---- the contract

  upload(given: HostData, dtype: DType): DeviceBuffer {
    this.#checkLost('upload');
    const data = valuesOf(given, dtype);
    if (!this.dtypes.includes(dtype))
      throw new DeviceError(
        'gpu',
        `dtype must be one of ${this.dtypes.join(', ')}`,
        dtype,
        'use float32, or the reference device for float64',
      );
    this.#checkSize('upload', data.length);
    if (dtype === 'int32') {
      const wrong = data.find((v) => Math.abs(v) > wholeLimit);
      if (wrong !== undefined)
        throw new DeviceError(
          'gpu',
          'whole numbers are exact only up to 2^24',
          `${wrong}`,
          'keep such indices on the reference device',
        );
    }
    this.counters.uploads++;
    return this.#buffer({ shape: [data.length], dtype }, this.#given(data));
  }

  /** Values from the host, as an array of their own. */
  #given(data: TypedArray): View {
    return { array: this.#uploaded(data), offset: 0, size: data.length };
  }

  #uploaded(data: TypedArray): GpuArray {
    const copy = Float32Array.from(data);
    // In the GL and WebGPU modes an argument must be a handle at every call, so arrays become
    // handles when they are uploaded.
    if (this.adapter === null || data.length === 0) return this.#array(copy, data.length);
    const [launch] = this.#known(`upload ${data.length}`, () => [copying(data.length)]);
    const upload = (constant: boolean): GpuArray => {
      const handle = this.#call('upload', () => this.#kernel(launch, [data.length], []), [copy]);
      return this.#array(handle, data.length, constant);
    };
    if (data.length > 1) return upload(false);
    // Single numbers recur at every step (the initial gradient, fill values), so they are cached.
    // Cached ones are not counted as memory in use.
    const key = Object.is(copy[0], -0) ? '-0' : String(copy[0]);
    let constant = this.#constants.get(key);
    if (constant === undefined) {
      const [oldest] = this.#constants;
      if (this.#constants.size >= mostConstants) {
        this.#constants.delete(oldest[0]);
        this.#release({ array: oldest[1] });
      }
      constant = upload(true);
      this.#constants.set(key, constant);
    }
    constant.references++;
    return constant;
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[] {
    this.#checkLost(kernel);
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
    if (sizes.every((size) => size === 0) || inputs.every((t) => sizeOf(t.shape) === 0))
      return outputs.map((o, k) => {
        const fill = new Float32Array(sizes[k]).fill(kernel === 'embed' ? (attrs as KernelAttrs['embed']).value : 0);
        return this.#place(o, this.#given(fill), into?.[k]);
      });
    if (kernel === 'adam') return this.#adam(inputs, attrs as KernelAttrs['adam'], outputs, into);
    const waiting = this.#plan(kernel as Planned, inputs, attrs as KernelAttrs[Planned], outputs);
    this.#settle();
    if (mayWait(kernel, inputs, outputs)) {
      this.#fresh = this.#place(outputs[0], waiting, into?.[0]);
      return [this.#fresh];
    }
    const array = this.#execute(waiting);
    for (const view of waiting.views) this.#release(view);
    array.references += sizes.filter((size) => size > 0).length - 1;
    let offset = 0;
    return outputs.map((o, k) => {
      const content = sizes[k] > 0 ? { array, offset, size: sizes[k] } : this.#given(new Float32Array(0));
      offset += sizes[k];
      return this.#place(o, content, into?.[k]);
    });
  }

  /** Computes the deferred result, because the kernel that now runs is not fused with it. */
  #settle(): void {
    const fresh = this.#fresh;
    this.#fresh = null;
    if (fresh !== null && fresh.content !== null) this.#view('gpu', fresh);
  }

  /**
   * The launches of a kernel, and their retained inputs. If the first input is deferred and can be
   * fused with the kernel, the launches compute both.
   */
  #plan<K extends Planned>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
  ): Waiting {
    const buffers = inputs.map((t) => this.#own(t.buffer));
    const first = this.#content(kernel, buffers[0]);
    const key = (specs: readonly Spec[]): string =>
      `${kernel} ${JSON.stringify(attrs, exactly)} ${specs.map((t) => t.shape).join(';')} ${outputs.map((o) => `${o.shape} ${o.dtype}`)}`;
    if (isWaiting(first)) {
      const fused = fuse(first, kernel, attrs, inputs);
      if (fused !== null) {
        this.#fresh = null;
        const views = [...first.views, ...buffers.slice(1).map((b) => this.#view(kernel, b))].map((view) =>
          this.#retain(view),
        );
        return { kernel, launches: this.#known(`${key(inputs)} after ${numberOf(first.launches)}`, fused), views };
      }
    }
    // A scalar repeated by `expand` is read directly. The expanded array is never created.
    const operands: Spec[] = [];
    const views = buffers.map((buffer, k) => {
      const content = this.#content(kernel, buffer);
      const through = isWaiting(content) && content.kernel === 'expand' && seesThrough(kernel, k);
      if (through && buffer === this.#fresh) this.#fresh = null;
      operands.push(through ? { shape: [], dtype: buffer.dtype } : inputs[k]);
      return this.#retain(through ? content.views[0] : this.#view(kernel, buffer));
    });
    return {
      kernel,
      launches: this.#known(key(operands), () =>
        (planners[kernel] as Planner<K>)(operands, attrs, outputs, this.#opened.vectors),
      ),
      views,
    };
  }

  /** Launches by key, created once. */
  #known(key: string, make: () => readonly Launch[]): readonly Launch[] {
    const known = this.#plans.get(key);
    if (known !== undefined) return known;
    if (this.#plans.size >= mostPlans) this.#plans.clear();
    const made = make();
    this.#plans.set(key, made);
    return made;
  }

  /**
   * Runs Adam for all parameters in one launch (see adam.ts). Arrays that are not contiguous yet
   * are joined first.
   */
  #adam(
    inputs: readonly Operand[],
    attrs: KernelAttrs['adam'],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): DeviceBuffer[] {
    this.#settle();
    const parts = attrs.amsgrad ? 4 : 3;
    const count = outputs.length / parts;
    const views = inputs.map((t) => this.#view('adam', this.#own(t.buffer)));
    const gradients = this.#joined(
      'adam',
      Array.from({ length: count }, (_, n) => views[n * (parts + 1) + 1]),
      mostArrays - 1,
    );
    const order = Array.from({ length: parts }, (_, part) =>
      Array.from({ length: count }, (_, n) => views[n * (parts + 1) + (part === 0 ? 0 : part + 1)]),
    ).flat();
    const [state] = this.#joined('adam', order, 1);
    const array = this.#execute({
      kernel: 'adam',
      launches: [
        adamStep(
          gradients.map((g) => g.size),
          attrs,
        ),
      ],
      views: [...gradients, state],
    });
    for (const view of [...gradients, state]) this.#release(view);
    array.references += outputs.length - 1;
    const size = array.size / parts;
    let start = 0;
    return Array.from({ length: count }, (_, n) => {
      const own = views[n * (parts + 1)].size;
      const made = Array.from({ length: parts }, (_, part) =>
        this.#place(
          outputs[n * parts + part],
          { array, offset: part * size + start, size: own },
          into?.[n * parts + part],
        ),
      );
      start += own;
      return made;
    }).flat();
  }

  /**
   * Returns the same elements in at most `most` views, retained. Adjacent views of one array are
   * merged. If that does not suffice, the first arrays are joined into a new one.
   */
  #joined(name: KernelName, parts: readonly View[], most: number): View[] {
    const views: View[] = [];
    for (const part of parts) {
      const last = views[views.length - 1];
      if (last?.array === part.array && last.offset + last.size === part.offset)
        views[views.length - 1] = { ...last, size: last.size + part.size };
      else views.push(part);
    }
    for (const view of views) this.#retain(view);
    while (views.length > most) {
      const some = views.splice(0, Math.min(mostArrays, views.length - most + 1));
      const sizes = some.map((v) => v.size);
      const array = this.#execute({
        kernel: name,
        launches: this.#known(`join ${sizes}`, () => [join(sizes)]),
        views: some,
      });
      for (const view of some) this.#release(view);
      views.unshift({ array, offset: 0, size: array.size });
    }
    return views;
  }

  async read(buffer: DeviceBuffer): Promise<TypedArray> {
    this.counters.reads++;
    const own = this.#own(buffer);
    this.#checkLost('read');
    const whole = this.#whole(own);
    try {
      const value = await awake(Promise.resolve(whole.array.handle));
      const data = await awake(Promise.resolve('toArray' in value ? value.toArray() : value));
      this.#checkLost('read');
      this.#tell();
      return convert(data, own.dtype);
    } catch (error) {
      if (this.#failure === error) this.#failure = null;
      // A read that waits while the adapter is lost rejects with gpu.js's own error. One microtask
      // later the loss is known, and the error below names it.
      await Promise.resolve();
      throw error instanceof DeviceError
        ? error
        : !this.alive
          ? this.#lossError('read')
          : new DeviceError('read', 'the array must be readable', (error as Error).message, `${this}`);
    } finally {
      this.#release(whole);
    }
  }

  readSync(buffer: DeviceBuffer): TypedArray {
    const own = this.#own(buffer);
    this.#checkLost('read');
    const late = (): never => {
      throw new DeviceError(
        'gpu',
        'this mode cannot be read at once',
        `mode ${this.mode}`,
        'await data(), array() or item()',
      );
    };
    if (this.mode === 'webgpu') late();
    const whole = this.#whole(own);
    try {
      const { handle } = whole.array;
      const data = 'toArray' in handle ? handle.toArray() : handle;
      if (isPromise(data)) return late();
      this.#checkLost('read');
      this.counters.reads++;
      return convert(data, own.dtype);
    } finally {
      this.#release(whole);
    }
  }

  /** A retained view of an array that contains the buffer's elements and no others. */
  #whole(buffer: GpuBuffer): View {
    const view = this.#retain(this.#view('read', buffer));
    if (view.size === view.array.size) return view;
    try {
      const array = this.#execute({
        kernel: 'slice',
        launches: this.#known(`copy ${view.size}`, () => [copying(view.size)]),
        views: [view],
      });
      return { array, offset: 0, size: view.size };
    } finally {
      this.#release(view);
    }
  }

  free(buffer: DeviceBuffer): void {
    const own = this.#own(buffer);
    if (own.content === null) return;
    this.#live.tensors--;
    this.#forget(own);
  }

  async sync(): Promise<void> {
    this.#settle();
    while (this.#pending.size > 0) await awake(Promise.allSettled(this.#pending));
    this.#tell();
    this.#checkLost('sync');
    await turnIfDue();
  }

  /** Throws the first failure that no call has thrown yet. */
  #tell(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /**
   * Opens the adapter again after it was lost. All arrays were lost with it. Load the last saved
   * parameters and optimizer state into the same tensors (`loadStateDict`), and upload data again.
   * @throws DeviceError if the mode does not open (the call can be repeated), or if the device was
   * closed
   */
  async recover(): Promise<void> {
    if (this.#closed) throw this.#lossError('recover');
    this.#abandon();
    await this.#opened.close().catch(() => {});
    this.#opened = await openMode(this.#options.mode, this.#options.asyncMode);
    this.#lost = null;
    this.#failure = null;
    this.#listen();
  }

  /** Drops all state that belongs to the mode as it was opened. */
  #abandon(): void {
    this.#generation++;
    this.#fresh = null;
    this.#kernels.clear();
    this.#kernelsOf = new WeakMap();
    this.#plans.clear();
    for (const array of this.#constants.values()) this.#release({ array });
    this.#constants.clear();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    try {
      while (this.#pending.size > 0) await awake(Promise.allSettled(this.#pending));
      if (this.#lost === null) this.#tell();
    } finally {
      this.#closed = true;
      this.#abandon();
      await this.#opened.close();
    }
  }
}

/** Assigns a number to each list of launches, to be used in keys. */
const numbers = new WeakMap<readonly Launch[], number>();
let lastNumber = 0;
function numberOf(launches: readonly Launch[]): number {
  const number = numbers.get(launches) ?? ++lastNumber;
  numbers.set(launches, number);
  return number;
}

/** A replacer for JSON.stringify. Writes the numbers that JSON lacks as text. */
const exactly = (_: string, value: unknown): unknown =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `${Object.is(value, -0) ? '-' : ''}${value}`
    : value;

const copying = (size: number): Launch => launch(size, argsOf('a'), '', 'a[i]');
/** A copy in the dtype's own array. */
function convert(data: Float32Array, dtype: DType): TypedArray {
  const out = allocate(dtype, data.length);
  out.set(data);
  return out;
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
