/**
 * The format of the data and the timing loop of every step, in Node and in a page. Not here: files
 * and processes (measure.ts), any library.
 */
import { type Drawn, draw } from './draw.js';

/**
 * One array of a workload: images NHWC, convolution weights HWIO, transposed ones HWOI. `data` is
 * read or drawn anew each time, because all arrays of w5 together take half a gigabyte.
 */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface WorkloadData {
  readonly lr: number;
  readonly arrays: Readonly<Record<string, NamedArray>>;
}

interface Place {
  readonly shape: readonly number[];
  /** Of the first element: in the file, or among the numbers that are drawn. */
  readonly offset: number;
  readonly size: number;
}

/** The manifest beside the little-endian float32 file, which lacks the arrays that are drawn. */
export interface Manifest {
  readonly lr: number;
  readonly arrays: Record<string, Place & Partial<Drawn>>;
}

const isDrawn = (rule: Partial<Drawn>): rule is Drawn => 'bound' in rule || 'chance' in rule;

/** A workload from its two files; with `batch` the samples repeat until there are that many. */
export function unpack(manifest: Manifest, file: ArrayBuffer, batch = 0): WorkloadData {
  const all = new Float32Array(file);
  const arrays: Record<string, NamedArray> = {};
  for (const [name, { shape, offset, size, ...rule }] of Object.entries(manifest.arrays)) {
    const repeats = batch > 0 && (name === 'x' || name === 'y');
    arrays[name] = {
      shape: repeats ? [batch, ...shape.slice(1)] : shape,
      get data() {
        const data = isDrawn(rule) ? draw(rule, offset, size) : all.slice(offset, offset + size);
        return repeats ? Float32Array.from({ length: (batch * size) / shape[0] }, (_, i) => data[i % size]) : data;
      },
    };
  }
  return { lr: manifest.lr, arrays };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Forward, backward, Adam, and the loss read back. */
export type Step = () => Promise<number>;

export interface Timing {
  steps: number;
  median_ms: number;
  min_ms: number;
  first_step_ms: number;
  /** Until the first loss was read, from the start of the process or page. */
  launch_to_first_ms: number;
  loss0: number;
  loss_last: number;
}

export const epoch = (): number => performance.timeOrigin + performance.now();
const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/**
 * Times `step`. Warms up with a first step and then at least two more, for a quarter of the budget
 * (ms). Then times at least three steps, and as many as fit in the budget.
 */
export async function timeSteps(step: Step, budget: number, launched: number): Promise<Timing> {
  const began = epoch();
  const loss0 = await step();
  const first = epoch();
  const warm = performance.now();
  for (let n = 0; (n < 2 || performance.now() - warm < budget / 4) && performance.now() - warm < budget; n++)
    await step();
  const times: number[] = [];
  let last = loss0;
  for (const start = performance.now(); times.length < 3 || performance.now() - start < budget; ) {
    const before = performance.now();
    last = await step();
    times.push(performance.now() - before);
  }
  return {
    steps: times.length,
    median_ms: round(median(times), 3),
    min_ms: round(Math.min(...times), 3),
    first_step_ms: round(first - began, 1),
    launch_to_first_ms: round(first - launched, 1),
    loss0,
    loss_last: last,
  };
}

/**
 * The first losses of a step on new weights without dropout. They show that all peers compute the
 * same.
 */
export async function firstLosses(fresh: Step): Promise<number[]> {
  const check: number[] = [];
  for (let i = 0; i < 3; i++) check.push(await fresh());
  return check;
}
