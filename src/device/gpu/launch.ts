/**
 * What a kernel family hands to the device: gpu.js kernels as source text, with sizes written into it, and the arguments of each call.
 * Text survives every bundler, minifier and instrumenter, and lets index arithmetic be unrolled for a shape. Flat arrays in and out.
 */
import type { KernelAttrs, KernelName, Spec } from '../device.js';

/** An array argument: an input of the kernel by position, or the result of an earlier launch; or a number that may change from call to call. */
export type Arg = { readonly input: number } | { readonly result: number } | number;

/** One gpu.js call: one output. */
export interface Launch {
  readonly source: string;
  readonly size: number;
  readonly args: readonly Arg[];
}

/** One launch per output, in order; launches before the last ones are temporary. */
export type Planner<K extends KernelName> = (inputs: readonly Spec[], attrs: KernelAttrs[K], outputs: readonly Spec[]) => Launch[];
export type Planners = { readonly [K in KernelName]: Planner<K> };

export const input = (i: number): Arg => ({ input: i });

/** A kernel's text: parameters, and a body in which `i` is the output's index. */
export const source = (parameters: string, body: string): string => `function (${parameters}) { const i = this.thread.x; ${body} }`;

/** Code that splits the index `from` over row-major sizes into `${name}0`, `${name}1`, … */
export function split(sizes: readonly number[], name: string, from = 'i'): string {
  let inner = 1;
  const lines: string[] = [];
  for (let axis = sizes.length - 1; axis >= 0; axis--) {
    const quotient = inner === 1 ? from : `Math.floor(${from} / ${inner})`;
    lines.push(`const ${name}${axis} = ${axis === 0 ? quotient : `${quotient} % ${sizes[axis]}`};`);
    inner *= sizes[axis];
  }
  return lines.join(' ');
}

/** Code for Σ index·stride. */
export const dot = (name: string, strides: readonly number[], offset = 0): string => {
  const terms = strides.map((s, axis) => (s === 0 ? '' : s === 1 ? `${name}${axis}` : `${name}${axis} * (${s})`)).filter((t) => t !== '');
  return terms.length === 0 ? String(offset) : offset === 0 ? terms.join(' + ') : `(${offset}) + ${terms.join(' + ')}`;
};

/** Nested loops of fixed bounds around a body; `name` numbers their variables. */
export const loops = (sizes: readonly number[], name: string, body: string): string =>
  sizes.reduceRight((inner, size, axis) => `for (let ${name}${axis} = 0; ${name}${axis} < ${size}; ${name}${axis}++) { ${inner} }`, body);
