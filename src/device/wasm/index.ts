/**
 * The wasm device: SIMD kernels over one WebAssembly memory that threads share. Kernel calls are
 * written into a queue as commands. The queue runs when a result is read or when it is full, so
 * that an operation costs neither a call into WebAssembly nor waking threads. Not here: the kernels
 * (assembly/), their commands (one file per family).
 */
import { CedarError, DeviceError, ValueError } from '../../errors.js';
import { isNode } from '../../platform.js';
import { allocate, type DType, type TypedArray } from '../../values/dtype.js';
import type { RandomGenerator } from '../../values/generator.js';
import { Mask, RandomState, valuesOf } from '../../values/random.js';
import { sizeOf } from '../../values/shape.js';
import type {
  Counters,
  Device,
  DeviceBuffer,
  HostData,
  KernelAttrs,
  KernelName,
  MemoryReport,
  Operand,
  Plan,
  Recording,
  Spec,
} from '../device.js';
import { turnIfDue } from '../turn.js';
import { load } from './build.js';
import type { Encoder, Family, WasmOperand } from './commands.js';
import { conv } from './conv.js';
import { elementwise } from './elementwise.js';
import { matmul } from './matmul.js';
import { Arena, blockSize, createMemory, deviceBytes, Memory, WasmBuffer } from './memory.js';
import { movement } from './movement.js';
import { norm } from './norm.js';
import type { Build, WasmOptions } from './options.js';
import { pool } from './pool.js';
import { CommandWord, FlagBit, Opcode } from './protocol/command.js';
import { Control } from './protocol/control.js';
import { reduce } from './reduce.js';
import { cores, scratchBytes, startThreads, type Threads, threadsMissing } from './threads.js';
import { training } from './training.js';

const encoders: Family<KernelName> = {
  ...elementwise,
  ...reduce,
  ...movement,
  ...matmul,
  ...conv,
  ...pool,
  ...norm,
  ...training,
};

interface Exports {
  launch(start: number, end: number): number;
  firstFree(): number;
  drawMask(key: number, position: number, to: number, size: number, high: number, low: number, scale: number): number;
}

const queueWords = 1 << 16;
const mostThreads = 64;

export class WasmDevice implements Device, Encoder {
  readonly name = 'wasm';
  readonly offHeap = true;
  readonly mode: Build;
  readonly dtypes: readonly DType[] = ['float32', 'int32', 'bool'];
  readonly counters: Counters = { kernels: 0, uploads: 0, reads: 0 };
  readonly #memory: Memory;
  readonly #exports: Exports;
  readonly #queue: number;
  #used = 0;
  /** Whether memory was freed since the last flush. Commands in the queue may still read it. */
  #freedSince = false;
  readonly #temporaries: [address: number, size: number, arena: Arena][] = [];
  /** The last unpooling, as long as it is in the queue and no command reads its result. */
  #unpooled: { readonly buffer: WasmBuffer; readonly at: number } | null = null;
  #recording: { readonly recorded: Int32Array[]; readonly constants: Arena } | null = null;
  #tensors = 0;
  #bytes = 0;
  #broken: string | null = null;
  /** Milliseconds by opcode, while profiling. Otherwise null. */
  #profile: Map<string, { calls: number; ms: number }> | null = null;
  #threads: Threads | null = null;

  constructor(
    build: Build,
    exports: Exports,
    { memory, maximum }: ReturnType<typeof createMemory>,
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
    this.#exports = exports;
    const start = Math.ceil(exports.firstFree() / 64) * 64;
    this.#queue = start;
    const scratch = start + queueWords * 4;
    this.#memory = new Allocator(memory, scratch + threads * scratchBytes, maximum);
    // The first allocation makes the memory grow, so that the queue and scratch space exist.
    this.#memory.take(64);
    const words = this.#memory.words;
    words[Control.scratchBase] = scratch;
    words[Control.scratchSize] = scratchBytes;
    // A browser's main thread must not block, so it polls instead.
    words[Control.mayWait] = typeof window === 'undefined' ? 1 : 0;
  }

  /** Starts the other threads. Returns the reason if they could not start, else null. */
  async start(module: WebAssembly.Module): Promise<string | null> {
    if (this.threads === 1) return null;
    this.#threads = await startThreads(module, this.#memory.memory, this.threads - 1, (reason) => {
      this.#broken ??= reason;
    });
    return this.#threads.missing;
  }

  /** Whether it can still compute: it was not closed, and none of its threads has failed. */
  get alive(): boolean {
    return this.#broken === null;
  }

  toString(): string {
    return `wasm (${this.mode}, ${this.threads} thread${this.threads === 1 ? '' : 's'}${this.note === null ? '' : `: ${this.note}`})`;
  }

  memory(): MemoryReport {
    return { tensors: this.#tensors, bytes: this.#bytes, pooled: this.#memory.common.pooled };
  }

  upload(data: HostData, dtype: DType): WasmBuffer {
    this.#check();
    this.counters.uploads++;
    const buffer =
      this.#recording === null
        ? this.#make(dtype, data.length)
        : this.#constant(dtype, data.length, this.#recording.constants);
    this.#write(buffer, data);
    return buffer;
  }

  /** Overwrites a buffer from the host, after the commands that may still read its block. */
  #write(buffer: WasmBuffer, data: HostData): void {
    if (this.#freedSince) this.flush();
    if (data instanceof Mask && isNumpys(data.random)) {
      this.#draw(buffer, data, data.random);
      return;
    }
    const values = valuesOf(data, buffer.dtype);
    if (buffer.dtype === 'float32')
      new Float32Array(this.#memory.memory.buffer, buffer.address, buffer.size).set(values);
    else this.#memory.words.set(values, buffer.address / 4);
  }

  /**
   * Draws a mask directly into device memory. The generator's state is copied in and, after the
   * draw, back.
   */
  #draw({ address }: WasmBuffer, { length, rate, scale }: Mask, random: RandomState): void {
    const words = this.#memory.words;
    const key = words[Control.scratchBase];
    const state = random.getState();
    words.set(state.key, key / 4);
    // u = n·2⁻⁵³ for an integer n of 27 high and 26 low bits, so u ≥ rate is equivalent to n ≥
    // ⌈rate·2⁵³⌉.
    const least = Math.ceil(rate * 2 ** 53);
    const position = this.#exports.drawMask(
      key,
      state.position,
      address,
      length,
      Math.floor(least / 2 ** 26),
      least % 2 ** 26,
      scale,
    );
    random.setState({ key: new Uint32Array(words.buffer, key, 624), position, cached: state.cached });
  }

  run<K extends KernelName>(
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    into?: readonly DeviceBuffer[],
  ): WasmBuffer[] {
    this.#check();
    this.counters.kernels++;
    for (const { buffer } of inputs) this.#own(kernel, buffer);
    const made = outputs.map(({ shape, dtype }, i) => ({
      shape,
      dtype,
      buffer: into === undefined ? this.#make(dtype, sizeOf(shape)) : this.#own(kernel, into[i]),
    }));
    const start = this.#used;
    if (!this.#gateUnpooled(kernel, inputs as readonly WasmOperand[], attrs, made[0])) {
      if (inputs.some(({ buffer }) => buffer === this.#unpooled?.buffer)) this.#unpooled = null;
      (encoders[kernel] as Family<K>[K])(this, inputs as readonly WasmOperand[], attrs, made);
      if (
        kernel === 'maxUnpool2d' &&
        this.#used > start &&
        this.#memory.words[this.#queue / 4 + start] === Opcode.maxUnpool2d
      )
        this.#unpooled = { buffer: made[0].buffer, at: start };
    }
    if (keepsZeros(kernel, attrs) && inputs.some(({ buffer }) => (buffer as WasmBuffer).sparse))
      made[0].buffer.sparse = true;
    if (kernel === 'maxUnpool2d' && made[0].buffer.size >= 3 * inputs[0].buffer.size) made[0].buffer.sparse = true;
    for (const [address, size, arena] of this.#temporaries) this.#give(address, size, arena);
    this.#temporaries.length = 0;
    return made.map(({ buffer }) => buffer);
  }

  /**
   * Fuses relu's gradient with the unpooling before it, if it overwrites the unpooled tensor. The
   * unpooling kernel then applies the gate while it writes. Returns whether it did.
   */
  #gateUnpooled(
    kernel: KernelName,
    [g, x]: readonly WasmOperand[],
    attrs: unknown,
    y: WasmOperand | undefined,
  ): boolean {
    const unpooled = this.#unpooled;
    if (kernel !== 'gate' || unpooled === null || g.buffer !== unpooled.buffer || y?.buffer !== g.buffer) return false;
    if ((attrs as KernelAttrs['gate']).slope !== 0) return false;
    const words = this.#memory.words;
    const at = this.#queue / 4 + unpooled.at;
    words[at + words[at + CommandWord.length] - 1] = x.buffer.address;
    this.#unpooled = null;
    return true;
  }

  emit(opcode: Opcode, parallel: boolean, words: readonly number[], grain = 1): void {
    const length = words.length + CommandWord.argument;
    if (this.#used + length > queueWords) this.flush();
    const queue = this.#memory.words;
    let at = this.#queue / 4 + this.#used;
    queue[at++] = opcode;
    queue[at++] = length;
    queue[at++] = flagsOf(parallel, grain);
    for (let i = 0; i < words.length; i++) queue[at++] = words[i];
    this.#used += length;
  }

  temporary(bytes: number): number {
    const { arena } = this.#memory;
    const address = this.#memory.take(bytes);
    this.#temporaries.push([address, blockSize(bytes), arena]);
    return address;
  }

  /** Runs the commands in the queue. @throws DeviceError if a thread has failed */
  flush(): void {
    const words = this.#used;
    this.#used = 0;
    this.#unpooled = null;
    this.#freedSince = false;
    if (words === 0) return;
    this.#recording?.recorded.push(this.#memory.words.slice(this.#queue / 4, this.#queue / 4 + words));
    this.#launch(this.#queue, words);
  }

  #launch(address: number, words: number): void {
    if (this.#profile === null) {
      this.#execute(address, address + words * 4);
      return;
    }
    const memory = this.#memory.words;
    for (let at = address / 4, end = at + words; at < end; at += memory[at + CommandWord.length]) {
      const start = performance.now();
      this.#execute(at * 4, (at + memory[at + CommandWord.length]) * 4);
      const name = Opcode[memory[at]];
      const entry = this.#profile.get(name) ?? { calls: 0, ms: 0 };
      entry.calls++;
      entry.ms += performance.now() - start;
      this.#profile.set(name, entry);
    }
  }

  #execute(start: number, end: number): void {
    let failed: unknown = null;
    try {
      if (this.#exports.launch(start, end) !== 0) failed = 'a worker ended';
    } catch (error) {
      failed = error;
    }
    if (failed === null) return;
    this.#broken ??= String(failed);
    // Releases the workers that would otherwise wait for this thread forever.
    Atomics.store(this.#memory.words, Control.failed, 1);
    this.#check();
  }

  /**
   * Starts timing every command separately. A later call returns the times since then, slowest
   * first.
   */
  profile(): { kernel: string; calls: number; ms: number }[] {
    this.flush();
    const report = [...(this.#profile ?? [])]
      .map(([kernel, entry]) => ({ kernel, ...entry }))
      .sort((a, b) => b.ms - a.ms);
    this.#profile = new Map();
    return report;
  }

  record(): Recording {
    if (this.#recording !== null)
      throw new DeviceError('wasm', 'one recording at a time', 'a second one', 'a compiled step cannot record another');
    this.flush();
    const { common } = this.#memory;
    const own = this.#memory.lend();
    const constants = new Arena();
    const recorded: Int32Array[] = [];
    let count = 0;
    this.#recording = { recorded, constants };
    this.#memory.arena = own;
    const position = (): number => {
      for (; count < recorded.length; count++) length += recorded[count].length;
      return length + this.#used;
    };
    let length = 0;
    const end = (): Plan => {
      try {
        this.flush();
      } finally {
        this.#memory.arena = common;
        this.#memory.settle(own);
        this.#recording = null;
      }
      const words = position();
      const bytes = Math.max(words * 4, 4);
      const start = this.#memory.take(bytes);
      let at = start / 4;
      for (const part of recorded) {
        this.#memory.words.set(part, at);
        at += part.length;
      }
      return {
        run: (from, to) => {
          this.#check();
          this.flush();
          if (to > from) this.#launch(start + from * 4, to - from);
        },
        rewrite: (from, kernel, inputs, attrs, outputs, buffers) => {
          const fresh: number[] = [];
          let possible = true;
          const encoder: Encoder = {
            emit: (opcode, parallel, arguments_, grain = 1) => {
              fresh.push(opcode, arguments_.length + CommandWord.argument, flagsOf(parallel, grain));
              for (const word of arguments_) fresh.push(word);
            },
            temporary: () => {
              possible = false;
              return 0;
            },
          };
          const operands = outputs.map(({ shape, dtype }, i) => ({ shape, dtype, buffer: buffers[i] as WasmBuffer }));
          (encoders[kernel] as Family<typeof kernel>[typeof kernel])(
            encoder,
            inputs as readonly WasmOperand[],
            attrs,
            operands,
          );
          const memory = this.#memory.words;
          const first = start / 4 + from;
          // The commands may differ only in their arguments. Their lengths and opcodes must be
          // equal.
          for (let i = 0; i < fresh.length; i += fresh[i + 1])
            possible &&= memory[first + i] === fresh[i] && memory[first + i + 1] === fresh[i + 1];
          if (possible) for (let i = 0; i < fresh.length; i++) memory[first + i] = fresh[i];
          return possible;
        },
        write: (buffer, data) => this.#write(buffer as WasmBuffer, data),
        dispose: () => {
          this.flush();
          this.#give(start, blockSize(bytes), common);
          this.#memory.dissolve(own);
          this.#memory.dissolve(constants);
        },
      };
    };
    return { position, end };
  }

  async read(buffer: DeviceBuffer): Promise<TypedArray> {
    return this.readSync(buffer);
  }

  readSync(buffer: DeviceBuffer): TypedArray {
    const own = this.#own('read', buffer);
    this.#check();
    this.counters.reads++;
    this.flush();
    const out = allocate(own.dtype, own.size);
    if (own.dtype === 'float32') out.set(new Float32Array(this.#memory.memory.buffer, own.address, own.size));
    else out.set(new Int32Array(this.#memory.memory.buffer, own.address, own.size));
    return out;
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof WasmBuffer)) throw foreign('free', buffer);
    if (buffer.freed) return;
    buffer.freed = true;
    this.#tensors--;
    this.#bytes -= deviceBytes(buffer.dtype, buffer.size);
    this.#give(buffer.address, buffer.block, buffer.arena);
  }

  async sync(): Promise<void> {
    this.#check();
    this.flush();
    await turnIfDue();
  }

  async close(): Promise<void> {
    this.#broken ??= 'the device was closed';
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
    if (this.#used > 0) this.#freedSince = true;
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

  #check(): void {
    if (this.#broken !== null)
      throw new DeviceError(
        'wasm',
        'the device must be alive',
        this.#broken,
        "make a new one with await device('wasm')",
      );
  }
}

const flagsOf = (parallel: boolean, grain: number): number =>
  (Number(parallel) << FlagBit.parallel) | (grain << FlagBit.grain);

/** Whether the device's own draws equal the generator's. A subclass may draw differently. */
const isNumpys = (random: RandomGenerator): random is RandomState =>
  Object.getPrototypeOf(random) === RandomState.prototype;

/**
 * Kernels whose result is zero where an input is zero: relu and its gradient, and products, for
 * example with a dropout mask.
 */
const keepsZeros = (kernel: KernelName, attrs: unknown): boolean =>
  kernel === 'gate' ||
  ((kernel === 'unary' || kernel === 'binary') && ['relu', 'mul'].includes((attrs as { fn: string }).fn));

const foreign = (op: string, buffer: DeviceBuffer): DeviceError =>
  new DeviceError(
    op,
    'the buffer must be of the wasm device',
    buffer.constructor.name,
    'move the tensor to this device first',
  );

function checkThreads(threads: number, got: string): void {
  if (!(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads))
    throw new ValueError('device', `threads must be whole and in [1, ${mostThreads}]`, got);
}

/**
 * The number of threads in CEDARGRAD_THREADS, if the platform has environment variables and this
 * one is set.
 */
function threadsAsked(): number | undefined {
  const text = typeof process === 'object' ? process.env?.CEDARGRAD_THREADS : undefined;
  if (text === undefined || text === '') return undefined;
  checkThreads(Number(text), `CEDARGRAD_THREADS='${text}'`);
  return Number(text);
}

/**
 * Starts a wasm device. Tests pass an allocator that puts guard bytes around every array. `note`
 * says why this device is used in place of a faster one.
 * @throws ValueError for a thread count out of range; DeviceError, with the engine's error as its
 * cause, if WebAssembly, its SIMD or the memory for it is missing or forbidden
 */
export async function createWasmDevice(
  { threads: asked = threadsAsked(), build }: WasmOptions = {},
  Allocator = Memory,
  note: string | null = null,
): Promise<WasmDevice> {
  if (asked !== undefined) checkThreads(asked, `threads=${asked}`);
  if (build !== undefined && build !== 'simd' && build !== 'relaxed')
    throw new ValueError('device', "build must be 'simd' or 'relaxed'", `build=${build}`);
  const wanted = asked ?? Math.min(await cores(), mostThreads);
  const missing = wanted > 1 ? threadsMissing() : null;
  const notes = [note, missing].filter((reason) => reason !== null);
  try {
    return await open(missing === null ? wanted : 1, build, notes, Allocator);
  } catch (error) {
    if (error instanceof CedarError) throw error;
    let remedy = '';
    if (!isNode() && error instanceof WebAssembly.CompileError)
      remedy = "allow 'wasm-unsafe-eval' in the page's Content-Security-Policy, or ";
    // V8 reserves address space around a memory unless this is switched off.
    else if (isNode() && error instanceof RangeError)
      remedy = 'lift the limit on addresses (ulimit -v), start node with --disable-wasm-trap-handler, or ';
    const refused = new DeviceError(
      'device',
      'the wasm device must be able to start',
      String(error),
      `${remedy}use device('reference')`,
    );
    refused.cause = error;
    throw refused;
  }
}

async function open(
  threads: number,
  build: Build | undefined,
  notes: readonly string[],
  Allocator: typeof Memory,
): Promise<WasmDevice> {
  const shared = threads > 1;
  const { module, build: chosen } = await load(build, shared);
  const granted = createMemory(shared);
  const { memory, maximum } = granted;
  const words = new Int32Array(memory.buffer);
  const instance = await WebAssembly.instantiate(module, {
    env: {
      memory,
      sleep: (at: number, value: number, ms: number) => void Atomics.wait(words, at / 4, value, ms),
      abort: () => {
        throw new Error('abort');
      },
    },
  });
  const all = maximum === 2 ** 32 ? notes : [...notes, `the system grants ${maximum / 2 ** 20} MiB of memory at most`];
  const note = all.length === 0 ? null : all.join('; ');
  const device = new WasmDevice(chosen, instance.exports as unknown as Exports, granted, threads, note, Allocator);
  const missing = await device.start(module);
  if (missing === null) return device;
  await device.close();
  return open(1, build, [...notes, missing], Allocator);
}
