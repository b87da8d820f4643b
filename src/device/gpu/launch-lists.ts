/**
 * The launches of kernel calls, cached: a call with the same shapes and attributes has the same
 * launches. A launch that is found again also finds its compiled kernels again (launcher.ts).
 * Not here: the rules that make the launches (one file per family), and fusion (fusion.ts).
 */
import type { KernelAttrs, KernelName, Spec } from '../device.js';
import { conv } from './conv.js';
import { elementwise } from './elementwise.js';
import type { Launch, LaunchRule, LaunchRules, Vectors } from './launch.js';
import { loss } from './loss.js';
import { matmul } from './matmul.js';
import { movement } from './movement.js';
import { norm } from './norm.js';
import { pool } from './pool.js';
import { reduce } from './reduce.js';

/** The kernels whose launches depend on shapes and attributes alone. Adam has its own (adam.ts). */
export type RuledKernel = Exclude<KernelName, 'adam'>;

const rules: LaunchRules<RuledKernel> = {
  ...elementwise,
  ...reduce,
  ...movement,
  ...matmul,
  ...conv,
  ...pool,
  ...loss,
  ...norm,
};

/** The maximum number of lists kept. Dropped ones are created again when needed. */
const mostLists = 2048;

export class LaunchLists {
  readonly #lists = new Map<string, readonly Launch[]>();
  /** Assigns a number to each list, to be used in keys. */
  readonly #numbers = new WeakMap<readonly Launch[], number>();
  #lastNumber = 0;

  /** The list of a key. It is made once. */
  of(key: string, make: () => readonly Launch[]): readonly Launch[] {
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    if (this.#lists.size >= mostLists) this.#lists.clear();
    const made = make();
    this.#lists.set(key, made);
    return made;
  }

  /** The launches of a kernel call. */
  ofCall<K extends RuledKernel>(
    kernel: K,
    inputs: readonly Spec[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    vectors: Vectors,
  ): readonly Launch[] {
    const rule = rules[kernel] as LaunchRule<K>;
    return this.of(keyOf(kernel, inputs, attrs, outputs), () => rule(inputs, attrs, outputs, vectors));
  }

  /** The launches of a kernel call that is fused with the launches `first`. `fuse` makes them. */
  ofFusion<K extends RuledKernel>(
    first: readonly Launch[],
    kernel: K,
    inputs: readonly Spec[],
    attrs: KernelAttrs[K],
    outputs: readonly Spec[],
    fuse: () => readonly Launch[],
  ): readonly Launch[] {
    return this.of(`${keyOf(kernel, inputs, attrs, outputs)} after ${this.#numberOf(first)}`, fuse);
  }

  clear(): void {
    this.#lists.clear();
  }

  #numberOf(launches: readonly Launch[]): number {
    const number = this.#numbers.get(launches) ?? ++this.#lastNumber;
    this.#numbers.set(launches, number);
    return number;
  }
}

function keyOf<K extends RuledKernel>(
  kernel: K,
  inputs: readonly Spec[],
  attrs: KernelAttrs[K],
  outputs: readonly Spec[],
): string {
  const shapes = inputs.map((t) => t.shape).join(';');
  const results = outputs.map((o) => `${o.shape} ${o.dtype}`);
  return `${kernel} ${JSON.stringify(attrs, exactly)} ${shapes} ${results}`;
}

/** A replacer for JSON.stringify. Writes the numbers that JSON lacks as text. */
const exactly = (_: string, value: unknown): unknown =>
  typeof value === 'number' && (!Number.isFinite(value) || Object.is(value, -0))
    ? `${Object.is(value, -0) ? '-' : ''}${value}`
    : value;
