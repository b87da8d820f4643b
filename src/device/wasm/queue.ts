/**
 * The queue of a wasm device: commands that wait in WebAssembly memory, and their execution. A
 * device whose execution failed is broken for good. Not here: the commands (one file per family),
 * how threads share a command (assembly/core.ts).
 */
import { DeviceError } from '../../errors.js';
import type { Memory } from './memory.js';
import { CommandWord, FlagBit, Opcode } from './protocol/command.js';
import { Control } from './protocol/control.js';

/** The functions of the WebAssembly module. */
export interface Exports {
  /** Addresses are in words. */
  launch(start: number, end: number): number;
  /** Returns an address in bytes. */
  firstFree(): number;
  /** Addresses are in words. */
  drawMask(key: number, position: number, to: number, size: number, high: number, low: number, scale: number): number;
}

const mostWords = 1 << 16;
/** Bytes of the queue. */
export const queueBytes = mostWords * 4;

/** The flags of a command. */
export const flagsOf = (parallel: boolean, grain: number): number =>
  (Number(parallel) << FlagBit.parallel) | (grain << FlagBit.grain);

export class Queue {
  readonly #memory: Memory;
  readonly #exports: Exports;
  /** The address of the queue, in words. */
  readonly #start: number;
  #used = 0;
  #runs = 0;
  /** While a step is recorded, copies of the commands that ran. Otherwise null. */
  recorded: Int32Array[] | null = null;
  /** Milliseconds by opcode, while profiling. Otherwise null. */
  #profile: Map<string, { calls: number; ms: number }> | null = null;
  #broken: string | null = null;

  constructor(memory: Memory, exports: Exports, address: number) {
    this.#memory = memory;
    this.#exports = exports;
    this.#start = address / 4;
  }

  /** The number of words in use. */
  get used(): number {
    return this.#used;
  }

  /** The number of times that the queue has run. */
  get runs(): number {
    return this.#runs;
  }

  /** Why no more commands can run, or null. */
  get broken(): string | null {
    return this.#broken;
  }

  /** Refuses all further commands. The first reason is kept. */
  break(reason: string): void {
    this.#broken ??= reason;
  }

  /** @throws DeviceError if the device is broken */
  check(): void {
    if (this.#broken !== null)
      throw new DeviceError(
        'wasm',
        'the device must be alive',
        this.#broken,
        "make a new one with await device('wasm')",
      );
  }

  /** Whether a command of this length fits without running the queue first. */
  fits(words: number): boolean {
    return this.#used + words + CommandWord.argument <= mostWords;
  }

  /** Appends a command, which must fit. */
  add(opcode: Opcode, parallel: boolean, words: readonly number[], grain: number, condition: number): void {
    const length = words.length + CommandWord.argument;
    const memory = this.#memory.words;
    let at = this.#start + this.#used;
    memory[at++] = opcode;
    memory[at++] = length;
    memory[at++] = flagsOf(parallel, grain);
    memory[at++] = condition;
    for (let i = 0; i < words.length; i++) memory[at++] = words[i];
    this.#used += length;
  }

  /** The opcode of the command at a position in the queue. */
  opcodeAt(position: number): Opcode {
    return this.#memory.words[this.#start + position + CommandWord.opcode];
  }

  /** Overwrites the last word of the command at a position in the queue. */
  setLastWord(position: number, word: number): void {
    const memory = this.#memory.words;
    const at = this.#start + position;
    memory[at + memory[at + CommandWord.length] - 1] = word;
  }

  /** Executes the commands in the queue. @throws DeviceError if a thread has failed */
  flush(): void {
    const words = this.#used;
    this.#used = 0;
    this.#runs++;
    if (words === 0) return;
    this.recorded?.push(this.#memory.words.slice(this.#start, this.#start + words));
    this.launch(this.#start, words);
  }

  /** Executes commands at an address in words. @throws DeviceError if a thread has failed */
  launch(address: number, words: number): void {
    if (this.#profile === null) {
      this.#execute(address, address + words);
      return;
    }
    const memory = this.#memory.words;
    for (let at = address, end = at + words; at < end; at += memory[at + CommandWord.length]) {
      const condition = memory[at + CommandWord.condition];
      if (condition !== 0 && memory[condition] === 0) continue;
      const start = performance.now();
      this.#execute(at, at + memory[at + CommandWord.length]);
      const name = Opcode[memory[at + CommandWord.opcode]];
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
    this.break(String(failed));
    // Releases the workers that would otherwise wait for this thread forever.
    Atomics.store(this.#memory.words, Control.failed, 1);
    this.check();
  }

  /**
   * Starts timing every command separately. Returns the times since the last call, slowest first.
   */
  profile(): { kernel: string; calls: number; ms: number }[] {
    const report = [...(this.#profile ?? [])]
      .map(([kernel, entry]) => ({ kernel, ...entry }))
      .sort((a, b) => b.ms - a.ms);
    this.#profile = new Map();
    return report;
  }
}
