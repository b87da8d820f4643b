/**
 * What every JavaScript process of the benchmark shares: reading the data, timing steps, printing one JSON line. Not here: any library,
 * since the peers use it too (peers/pytorch.py keeps the same rules).
 */
import { readFileSync } from 'node:fs';

/** One array of a workload: images NHWC, convolution weights HWIO, transposed ones HWOI. */
export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: Float32Array<ArrayBuffer>;
}

export interface WorkloadData {
  readonly lr: number;
  readonly arrays: Readonly<Record<string, NamedArray>>;
}

/** The manifest beside the little-endian float32 file; offset and size in elements. */
export interface Manifest {
  readonly lr: number;
  readonly arrays: Record<string, { shape: readonly number[]; offset: number; size: number }>;
}

/** Reads a workload; with `batch` the samples repeat until there are that many. */
export function loadData(workload: string, batch = 0): WorkloadData {
  const folder = process.env.BENCH_DATA ?? 'bench/results/data';
  const manifest = JSON.parse(readFileSync(`${folder}/${workload}.json`, 'utf8')) as Manifest;
  const file = readFileSync(`${folder}/${workload}.bin`);
  const all = new Float32Array(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer);
  const arrays: Record<string, NamedArray> = {};
  for (const [name, { shape, offset, size }] of Object.entries(manifest.arrays)) {
    const data = all.slice(offset, offset + size);
    const sample = size / shape[0];
    arrays[name] =
      batch > 0 && (name === 'x' || name === 'y')
        ? { shape: [batch, ...shape.slice(1)], data: Float32Array.from({ length: batch * sample }, (_, i) => data[i % size]) }
        : { shape, data };
  }
  return { lr: manifest.lr, arrays };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What one process reports. */
export interface Report {
  peer: string;
  version: string;
  workload: string;
  threads: number;
  mode: string;
  steps: number;
  median_ms: number;
  min_ms: number;
  first_step_ms: number;
  /** From the start of the process to the first loss read. */
  launch_to_first_ms: number;
  rss_mb: number;
  loss0: number;
  loss_last: number;
  /** The first losses without dropout, by which run.ts sees that all peers compute the same. */
  check: number[];
  /** What PyTorch multiplies matrices with. */
  blas?: string;
  note?: string;
}

/** Forward, backward, Adam, and the loss read back. */
export type Step = () => Promise<number>;

export const budget = (): number => Number(process.env.BUDGET ?? 3000);
const epoch = (): number => performance.timeOrigin + performance.now();
const launched = (): number => (process.env.T0 === undefined ? performance.timeOrigin : Number(process.env.T0) / 1e6);
const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/**
 * Times `step`: one first step, at least two more and a quarter of the budget to warm up, then as many as fit in the budget, at least three.
 * `fresh` makes a step on new weights and without dropout.
 */
export async function measure(
  about: Pick<Report, 'peer' | 'version' | 'workload' | 'threads' | 'mode' | 'note'>,
  step: Step,
  fresh: () => Promise<Step> | Step,
): Promise<Report> {
  const began = epoch();
  const loss0 = await step();
  const first = epoch();
  const warm = performance.now();
  for (let n = 0; (n < 2 || performance.now() - warm < budget() / 4) && performance.now() - warm < budget(); n++) await step();
  const times: number[] = [];
  let last = loss0;
  for (const start = performance.now(); times.length < 3 || performance.now() - start < budget(); ) {
    const before = performance.now();
    last = await step();
    times.push(performance.now() - before);
  }
  const rss = process.resourceUsage().maxRSS / 1024;
  const plain = await fresh();
  const check: number[] = [];
  for (let i = 0; i < 3; i++) check.push(await plain());
  return {
    ...about,
    steps: times.length,
    median_ms: round(median(times), 3),
    min_ms: round(Math.min(...times), 3),
    first_step_ms: round(first - began, 1),
    launch_to_first_ms: round(first - launched(), 1),
    rss_mb: Math.round(rss),
    loss0,
    loss_last: last,
    check,
  };
}

export const print = (report: unknown): void => void process.stdout.write(`${JSON.stringify(report)}\n`);
