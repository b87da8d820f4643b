/**
 * The wasm device: SIMD kernels over one WebAssembly memory that threads share. Kernel calls are
 * written into a queue as commands. The queue runs when a result is read or when it is full, so
 * that an operation costs neither a call into WebAssembly nor waking threads. Not here: the kernels
 * (assembly/), their commands (one file per family), the queue (queue.ts), recordings (plan.ts) and
 * the start of a device (start.ts).
 */
import { DeviceError } from '../../errors.js';
import { allocate, type DType, type TypedArray } from '../../values/dtype.js';
import { type HostData, Repeated, valuesOf } from '../../values/host-data.js';
import { Mask } from '../../values/random.js';
import { sizeOf } from '../../values/shape.js';
import type {
  Counters,
  Device,
  DeviceBuffer,
  KernelAttrs,
  KernelName,
  MemoryReport,
  Operand,
  Recording,
  Spec,
} from '../device.js';
import { turnIfDue } from '../turn.js';
import type { Derived, Encoder, WasmOperand } from './commands.js';
import { densityOf, uploadedDensity } from './density.js';
import { Fusion } from './fusion.js';
import type { Grant } from './grant.js';
import { encode } from './kernels.js';
import { drawMask, isNumpys } from './mask.js';
import { type Arena, blockSize, deviceBytes, type Memory, WasmBuffer, wordBytes } from './memory.js';
import type { Build } from './options.js';
import { WasmRecording } from './plan.js';
import type { Opcode } from './protocol/command.js';
import { Control } from './protocol/control.js';
import { type Exports, Queue, queueBytes } from './queue.js';
import { scratchBytes, startThreads, type Threads } from './threads.js';

export class WasmDevice implements Device, Encoder {
  readonly name = 'wasm';
  readonly offHeap = true;
  readonly mode: Build;
  /** Whether its memory has 64-bit addresses. */
  readonly memory64: boolean;
  readonly dtypes: readonly DType[] = ['float32', 'int32', 'bool'];
  readonly counters: Counters = { kernels: 0, uploads: 0, reads: 0 };
  readonly #memory: Memory;
  readonly #exports: Exports;
  readonly #queue: Queue;
  readonly #fusion: Fusion;
  /** Whether memory was freed since the last flush. Commands in the queue may still read it. */
  #freedSince = false;
  readonly #temporaries: [address: number, size: number, arena: Arena][] = [];
  #recording: WasmRecording | null = null;
  /** The number of recordings that have begun. */
  #recordings = 0;
  #tensors = 0;
  #bytes = 0;
  #threads: Threads | null = null;

  constructor(
    build: Build,
    exports: Exports,
    grant: Grant,
    /** The number of threads that it was created for. */
    readonly threads: number,
    /**
     * Why it has only one thread or less memory, or why it runs in place of a GPU. Null if none of
     * these applies.
     */
    readonly note: string | null,
    Allocator: typeof Memory,
  ) {
    this.mode = build;
    this.memory64 = grant.memory64;
    this.#exports = exports;
    const start = Math.ceil(exports.firstFree() / 64) * 64;
    const scratch = start + queueBytes;
    this.#memory = new Allocator(grant, scratch + threads * scratchBytes);
    this.#queue = new Queue(this.#memory, exports, start);
    this.#fusion = new Fusion(this.#queue);
    // The first allocation makes the memory grow, so that the queue and scratch space exist.
    this.#memory.take(64);
    const words = this.#memory.words;
    words[Control.scratchBase] = scratch / wordBytes;
    words[Control.scratchSize] = scratchBytes;
    // A browser's main thread must not block, so it polls instead.
    words[Control.mayWait] = typeof window === 'undefined' ? 1 : 0;
  }

  /** Starts the other threads. Returns the reason if they could not start, else null. */
  async start(module: WebAssembly.Module): Promise<string | null> {
    if (this.threads === 1) return null;
    this.#threads = await startThreads(module, this.#memory.memory, this.threads - 1, (reason) => {
      this.#queue.break(reason);
    });
    return this.#threads.missing;
  }

  /** Whether it can still compute: it was not closed, and none of its threads has failed. */
  get alive(): boolean {
    return this.#queue.broken === null;
  }

  toString(): string {
    const threads = `${this.threads} thread${this.threads === 1 ? '' : 's'}`;
    return `wasm (${this.mode}, ${this.memory64 ? '64-bit memory, ' : ''}${threads}${this.note === null ? '' : `: ${this.note}`})`;
  }

  memory(): MemoryReport {
    return { tensors: this.#tensors, bytes: this.#bytes, pooled: this.#memory.common.pooled };
  }

  upload(data: HostData, dtype: DType): WasmBuffer {
    this.#queue.check();
    this.counters.uploads++;
    const buffer =
      this.#recording === null
        ? this.#make(dtype, data.length)
        : this.#constant(dtype, data.length, this.#recording.constants);
    this.#write(buffer, data);
    buffer.density = uploadedDensity(data);
    return buffer;
  }

  /** Overwrites a buffer from the host, after the commands that may still read its block. */
  #write(buffer: WasmBuffer, data: HostData): void {
    buffer.overwritten();
    if (this.#freedSince) this.flush();
    if (data instanceof Mask && isNumpys(data.random)) {
      drawMask(this.#memory, this.#exports, buffer, data, data.random);
      return;
    }
    const { start, address, size } = buffer;
    const numbers =
      buffer.dtype === 'float32'
        ? new Float32Array(this.#memory.memory.buffer, start, size)
        : this.#memory.words.subarray(address, address + size);
    if (data instanceof Repeated) numbers.fill(data.value);
    else numbers.set(valuesOf(data, buffer.dtype));
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): WasmBuffer[] {
    this.#queue.check();
    this.counters.kernels++;
    for (const { buffer } of inputs) this.#own(kernel, buffer);
    const made = outputs.map(({ shape, dtype }, i) => ({
      shape,
      dtype,
      buffer: into === undefined ? this.#make(dtype, sizeOf(shape)) : this.#own(kernel, into[i]),
    }));
    if (into !== undefined) for (const { buffer } of made) this.#overwritten(buffer);
    const operands = inputs as readonly WasmOperand[];
    if (!this.#fusion.fuse(kernel, operands, attrs, made[0])) {
      const position = this.#queue.used;
      encode(kernel, this, operands, attrs, made);
      this.#fusion.follow(kernel, made, position);
    }
    const density = densityOf(kernel, operands, attrs, made[0].buffer.size);
    for (const { buffer } of made) buffer.density = 1;
    made[0].buffer.density = density;
    for (const [address, size, arena] of this.#temporaries) this.#give(address, size, arena);
    this.#temporaries.length = 0;
    return made.map(({ buffer }) => buffer);
  }

  emit(opcode: Opcode, parallel: boolean, words: readonly number[], grain = 1, condition = 0): void {
    if (!this.#queue.fits(words.length)) this.flush();
    this.#queue.add(opcode, parallel, words, grain, condition);
  }

  temporary(bytes: number): number {
    const { arena } = this.#memory;
    const address = this.#memory.take(bytes);
    this.#temporaries.push([address, blockSize(bytes), arena]);
    return address / wordBytes;
  }

  derived(from: WasmBuffer, bytes: number): Derived | null {
    const derived = this.#recording?.derive(from, bytes, this.#recordings - 1) ?? null;
    from.readSince ??= this.#recordings;
    return derived;
  }

  #overwritten(buffer: WasmBuffer): void {
    buffer.overwritten();
    this.#recording?.overwrites(buffer);
  }

  /** Executes the commands in the queue. @throws DeviceError if a thread has failed */
  flush(): void {
    this.#freedSince = false;
    this.#queue.flush();
  }

  /**
   * Starts timing every command separately. A later call returns the times since then, slowest
   * first.
   */
  profile(): { kernel: string; calls: number; ms: number }[] {
    this.flush();
    return this.#queue.profile();
  }

  record(): Recording {
    if (this.#recording !== null)
      throw new DeviceError('wasm', 'one recording at a time', 'a second one', 'a compiled step cannot record another');
    this.flush();
    this.#recordings++;
    this.#recording = new WasmRecording({
      memory: this.#memory,
      queue: this.#queue,
      flush: () => this.flush(),
      reuse: (buffer) => this.#reuse(buffer),
      write: (buffer, data) => this.#write(buffer, data),
      give: (address, size, arena) => this.#give(address, size, arena),
      drain: () => {
        if (this.#freedSince) this.flush();
      },
      ended: () => {
        this.#recording = null;
      },
    });
    return this.#recording;
  }

  async read(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.readSync(buffer);
  }

  readSync(buffer: DeviceBuffer): TypedArray {
    const own = this.#own('read', buffer);
    this.#queue.check();
    this.counters.reads++;
    this.flush();
    const out = allocate(own.dtype, own.size);
    if (own.dtype === 'float32') out.set(new Float32Array(this.#memory.memory.buffer, own.start, own.size));
    else out.set(new Int32Array(this.#memory.memory.buffer, own.start, own.size));
    return out;
  }

  map(buffer: DeviceBuffer): TypedArray {
    const own = this.#own('map', buffer);
    this.#queue.check();
    this.flush();
    this.#overwritten(own);
    own.density = 1;
    const { start, size } = own;
    const memory = this.#memory.memory.buffer;
    return own.dtype === 'float32' ? new Float32Array(memory, start, size) : new Int32Array(memory, start, size);
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof WasmBuffer)) throw foreign('free', buffer);
    if (buffer.freed) return;
    buffer.freed = true;
    if (!buffer.reused) this.#discount(buffer);
  }

  #reuse(buffer: WasmBuffer): void {
    buffer.reused = true;
    this.#discount(buffer);
  }

  #discount(buffer: WasmBuffer): void {
    this.#tensors--;
    this.#bytes -= deviceBytes(buffer.dtype, buffer.size);
    this.#give(buffer.start, buffer.block, buffer.arena);
  }

  async sync(): Promise<void> {
    this.#queue.check();
    this.flush();
    await turnIfDue();
  }

  async close(): Promise<void> {
    this.#queue.break('the device was closed');
    await this.#threads?.close();
  }

  #make(dtype: DType, size: number): WasmBuffer {
    this.#checkDType(dtype);
    const { arena } = this.#memory;
    return this.#account(new WasmBuffer(dtype, size, this.#memory.take(deviceBytes(dtype, size)), arena));
  }

  /**
   * A buffer that the plan reads and the host writes. It is written before the plan runs, so no
   * command of the plan may use its block for other data.
   */
  #constant(dtype: DType, size: number, constants: Arena): WasmBuffer {
    this.#checkDType(dtype);
    const address = this.#memory.take(deviceBytes(dtype, size), this.#memory.common);
    return this.#account(new WasmBuffer(dtype, size, address, constants));
  }

  #checkDType(dtype: DType): void {
    if (!this.dtypes.includes(dtype))
      throw new DeviceError(
        'wasm',
        'dtype must be float32, int32 or bool',
        dtype,
        "convert with cast(), or use device('reference')",
      );
  }

  #account(buffer: WasmBuffer): WasmBuffer {
    this.#tensors++;
    this.#bytes += deviceBytes(buffer.dtype, buffer.size);
    return buffer;
  }

  #give(address: number, size: number, arena: Arena): void {
    if (this.#queue.used > 0) this.#freedSince = true;
    this.#memory.give(address, size, arena);
  }

  #own(op: string, buffer: DeviceBuffer): WasmBuffer {
    if (!(buffer instanceof WasmBuffer)) throw foreign(op, buffer);
    if (buffer.freed)
      throw new DeviceError(
        op,
        'the buffer must not have been freed',
        `a freed ${buffer.dtype} buffer of ${buffer.size} elements`,
      );
    return buffer;
  }
}

const foreign = (op: string, buffer: DeviceBuffer): DeviceError =>
  new DeviceError(
    op,
    'the buffer must be of the wasm device',
    `a ${buffer.dtype} buffer of ${buffer.size} elements of another device`,
    'move the tensor to this device first',
  );
