/**
 * The code that every JavaScript process of the benchmark shares: it reads the data, measures a
 * step and prints one JSON line. Not here: any library, because the peers use this file too
 * (peers/pytorch.py follows the same rules).
 */
import { readFileSync } from 'node:fs';
import {
  firstLosses,
  type Manifest,
  type NamedArray,
  type Step,
  type Timing,
  timeSteps,
  unpack,
  type WorkloadData,
} from './timing.js';

/** Reads a workload; with `batch` the samples repeat until there are that many. */
export function loadData(workload: string, batch = 0): WorkloadData {
  const folder = process.env.BENCH_DATA ?? 'bench/results/data';
  const manifest = JSON.parse(readFileSync(`${folder}/${workload}.json`, 'utf8')) as Manifest;
  const file = readFileSync(`${folder}/${workload}.bin`);
  return unpack(manifest, file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer, batch);
}

/** What one process reports. */
export interface Report extends Timing {
  peer: string;
  version: string;
  workload: string;
  threads: number;
  mode: string;
  rss_mb: number;
  /** The first losses without dropout. Empty if another process computes them. */
  check: number[];
  /** What PyTorch multiplies matrices with. */
  blas?: string;
  note?: string;
}

export const budget = (): number => Number(process.env.BUDGET ?? 3000);
const launched = (): number => (process.env.T0 === undefined ? performance.timeOrigin : Number(process.env.T0) / 1e6);

/** The process's peak of memory. @units MB */
const peak = (): number => Math.round(process.resourceUsage().maxRSS / 1024);

/**
 * Whether a process of its own computes the losses that are compared, because two networks do not
 * fit in the memory of one.
 */
export const hasOwnCheck = (workload: string): boolean => workload === 'w5';

/** Times `step`; `fresh`, if there is one, makes a step on new weights and without dropout. */
export async function measure(
  about: Pick<Report, 'peer' | 'version' | 'workload' | 'threads' | 'mode' | 'note'>,
  step: Step,
  fresh: (() => Promise<Step> | Step) | null,
): Promise<Report> {
  const timing = await timeSteps(step, budget(), launched());
  const rss_mb = peak();
  return { ...about, ...timing, rss_mb, check: fresh === null ? [] : await firstLosses(await fresh()) };
}

/** What one process reports of forward passes. */
export interface PassReport extends Pick<Report, 'peer' | 'version' | 'workload' | 'threads' | 'rss_mb'> {
  steps: number;
  median_ms: number;
  min_ms: number;
  /** The largest difference from the expected output, as a share of its largest number. */
  difference: number;
}

/** What `forward.ts --export` writes for every process: a file, and shapes in the order of NCHW. */
export interface Exported {
  readonly model: string;
  readonly input: NamedArray;
  readonly output: NamedArray;
}

export function loadExported(workload: string): Exported {
  const folder = process.env.BENCH_DATA ?? 'bench/results/data';
  const { arrays } = loadData(`${workload}.exported`);
  return { model: `${folder}/${workload}.onnx`, input: arrays.input, output: arrays.output };
}

/** Times forward passes after a check of their output. @throws Error if it is another one */
export async function measurePasses(
  about: Pick<Report, 'peer' | 'version' | 'workload' | 'threads'>,
  output: ArrayLike<number>,
  { data: expected }: NamedArray,
  pass: () => Promise<void>,
): Promise<PassReport> {
  let [most, far] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    most = Math.max(most, Math.abs(expected[i]));
    const off = Math.abs(output[i] - expected[i]);
    // A NaN counts as the largest difference.
    if (!(off <= far)) far = off;
  }
  const difference = far / most;
  if (output.length !== expected.length || !(difference <= 1e-4))
    throw new Error(`the output differs from this library's by ${difference.toExponential(1)} of its largest number`);
  const { steps, median_ms, min_ms } = await timeSteps(() => pass().then(() => 0), budget(), launched());
  return { ...about, steps, median_ms, min_ms, difference, rss_mb: peak() };
}

export const print = (report: unknown): void => void process.stdout.write(`${JSON.stringify(report)}\n`);
