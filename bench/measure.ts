/**
 * The code that every JavaScript process of the benchmark shares: it reads the data, measures a
 * step and prints one JSON line. Not here: any library, because the peers use this file too
 * (peers/pytorch.py follows the same rules).
 */
import { readFileSync } from 'node:fs';
import { firstLosses, type Manifest, type Step, type Timing, timeSteps, unpack, type WorkloadData } from './timing.js';

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

export const print = (report: unknown): void => void process.stdout.write(`${JSON.stringify(report)}\n`);
