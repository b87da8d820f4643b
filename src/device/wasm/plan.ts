/**
 * Recording kernel calls and running them again. A plan is a copy of the commands that ran during
 * the recording, and an arena with the memory that they use.
 */
import type { DeviceBuffer, HostData, KernelAttrs, KernelName, Operand, Plan, Recording, Spec } from '../device.js';
import type { Encoder, WasmOperand } from './commands.js';
import { encode } from './kernels.js';
import { Arena, blockSize, type Memory, type WasmBuffer, wordBytes } from './memory.js';
import { CommandWord } from './protocol/command.js';
import { flagsOf, type Queue } from './queue.js';

/** The services of the device that a recording and its plan use. */
export interface Host {
  readonly memory: Memory;
  readonly queue: Queue;
  flush(): void;
  /** Gives back the memory of a buffer that remains in use by recorded commands. */
  reuse(buffer: WasmBuffer): void;
  /** Overwrites a buffer after the commands that may still read it. */
  write(buffer: WasmBuffer, data: HostData): void;
  /** Frees a block. */
  give(address: number, size: number, arena: Arena): void;
  /** Called when a recording has ended. */
  ended(): void;
}

export class WasmRecording implements Recording {
  /**
   * The arena of buffers that the host writes. They are written before the plan runs, so no command
   * of the plan may use their blocks for other data.
   */
  readonly constants = new Arena();
  readonly #host: Host;
  readonly #arena: Arena;
  readonly #recorded: Int32Array[] = [];
  /** The number of words in the first `#counted` parts. */
  #length = 0;
  #counted = 0;

  constructor(host: Host) {
    this.#host = host;
    this.#arena = host.memory.lend();
    host.memory.arena = this.#arena;
    host.queue.recorded = this.#recorded;
  }

  position(): number {
    for (; this.#counted < this.#recorded.length; this.#counted++) this.#length += this.#recorded[this.#counted].length;
    return this.#length + this.#host.queue.used;
  }

  reuse(buffer: DeviceBuffer): void {
    const own = buffer as WasmBuffer;
    // The host writes its constants before the plan runs.
    if (own.arena === this.#arena) this.#host.reuse(own);
  }

  end(): Plan {
    const { memory, queue } = this.#host;
    try {
      this.#host.flush();
    } finally {
      memory.arena = memory.common;
      memory.settle(this.#arena);
      queue.recorded = null;
      this.#host.ended();
    }
    return new WasmPlan(this.#host, this.#recorded, this.position(), [this.#arena, this.constants]);
  }
}

class WasmPlan implements Plan {
  readonly #host: Host;
  /** The address of its commands, in words. */
  readonly #address: number;
  readonly #bytes: number;
  readonly #arenas: readonly Arena[];

  constructor(host: Host, recorded: readonly Int32Array[], words: number, arenas: readonly Arena[]) {
    this.#host = host;
    this.#arenas = arenas;
    this.#bytes = Math.max(words, 1) * wordBytes;
    this.#address = host.memory.take(this.#bytes) / wordBytes;
    let at = this.#address;
    for (const part of recorded) {
      host.memory.words.set(part, at);
      at += part.length;
    }
  }

  run(from: number, to: number): void {
    this.#host.queue.check();
    this.#host.flush();
    if (to > from) this.#host.queue.launch(this.#address + from, to - from);
  }

  rewrite<K extends KernelName>(
    at: number,
    kernel: K,
    inputs: readonly Operand[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    buffers: readonly DeviceBuffer[],
  ): boolean {
    const fresh: number[] = [];
    let possible = true;
    const encoder: Encoder = {
      emit: (opcode, parallel, words, grain = 1, condition = 0) => {
        fresh.push(opcode, words.length + CommandWord.argument, flagsOf(parallel, grain), condition);
        for (const word of words) fresh.push(word);
      },
      temporary: () => {
        possible = false;
        return 0;
      },
    };
    const operands = outputs.map(({ shape, dtype }, i) => ({ shape, dtype, buffer: buffers[i] as WasmBuffer }));
    encode(kernel, encoder, inputs as readonly WasmOperand[], attrs, operands);
    const memory = this.#host.memory.words;
    const first = this.#address + at;
    // The commands may differ only in their arguments. Their lengths and opcodes must be equal.
    for (let i = 0; i < fresh.length; i += fresh[i + CommandWord.length])
      possible &&=
        memory[first + i] === fresh[i] && memory[first + i + CommandWord.length] === fresh[i + CommandWord.length];
    if (possible) for (let i = 0; i < fresh.length; i++) memory[first + i] = fresh[i];
    return possible;
  }

  write(buffer: DeviceBuffer, data: HostData): void {
    this.#host.write(buffer as WasmBuffer, data);
  }

  dispose(): void {
    const { memory } = this.#host;
    this.#host.flush();
    this.#host.give(this.#address * wordBytes, blockSize(this.#bytes), memory.common);
    for (const arena of this.#arenas) memory.dissolve(arena);
  }
}
