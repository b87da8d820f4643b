/**
 * Recording kernel calls and running them again. A plan is a copy of the commands that ran during
 * the recording, and an arena with the memory that they use.
 */
import type { HostData } from '../../values/host-data.js';
import type { DeviceBuffer, KernelAttrs, KernelName, Operand, Plan, Recording, Spec } from '../device.js';
import type { Derived, Encoder, WasmOperand } from './commands.js';
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
  /** Runs the commands that may still use memory that was freed. */
  drain(): void;
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
  readonly #changes: Changes = { written: new Set(), derived: [] };
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

  /** Notes that the host, or a command that is recorded next, overwrites a buffer. */
  overwrites(buffer: WasmBuffer): void {
    if (buffer.arena !== this.#arena) this.#changes.written.add(buffer);
  }

  /** As the encoder's derived(). `begun` is the number of recordings that had begun before. */
  derive(from: WasmBuffer, bytes: number, begun: number): Derived | null {
    const isFixed = from.arena !== this.#arena && from.arena !== this.constants;
    if (!isFixed || from.readSince === null || from.readSince > begun) return null;
    const { memory } = this.#host;
    const start = memory.takeUnused(bytes + wordBytes, this.#arena);
    const stale = (start + bytes) / wordBytes;
    this.#host.drain();
    memory.words[stale] = 1;
    this.#changes.derived.push({ from, version: from.version, start, bytes: bytes + wordBytes, stale });
    return { address: start / wordBytes, stale };
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
    return new WasmPlan(this.#host, this.#recorded, this.position(), [this.#arena, this.constants], this.#changes);
  }
}

/** What the commands of a plan change outside of its memory, and what they derive from there. */
interface Changes {
  readonly written: Set<WasmBuffer>;
  readonly derived: {
    readonly from: WasmBuffer;
    /** The version of `from` that the contents were computed from. */
    version: number;
    readonly start: number;
    readonly bytes: number;
    /** The address of the word that is not 0 if the contents must be computed. In words. */
    readonly stale: number;
  }[];
}

class WasmPlan implements Plan {
  readonly #host: Host;
  /** The address of its commands, in words. */
  readonly #address: number;
  readonly #bytes: number;
  readonly #arenas: readonly Arena[];
  readonly #changes: Changes;

  constructor(host: Host, recorded: readonly Int32Array[], words: number, arenas: readonly Arena[], changes: Changes) {
    this.#host = host;
    this.#arenas = arenas;
    this.#changes = changes;
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
    for (const buffer of this.#changes.written) buffer.overwritten();
    const { words } = this.#host.memory;
    for (const derived of this.#changes.derived) {
      if (derived.version === derived.from.version) continue;
      derived.version = derived.from.version;
      words[derived.stale] = 1;
    }
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
      derived: () => null,
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
    for (const { start, bytes } of this.#changes.derived) this.#host.give(start, blockSize(bytes), memory.common);
    for (const arena of this.#arenas) memory.dissolve(arena);
  }
}
