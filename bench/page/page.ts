/**
 * The benchmark's page. It runs one configuration per load. gpu.ts calls `trial` from outside. The
 * library under test is a separate module next to it.
 */
import {
  epoch,
  firstLosses,
  type Manifest,
  type Step,
  type Timing,
  timeSteps,
  unpack,
  type WorkloadData,
} from '../timing.js';
import { type Counts, gpuUsed, takeCounts } from './counters.js';
import type { KernelTime } from './profile.js';
import { installTimestamps, takeDispatches } from './timestamps.js';

export type Api = 'webgpu' | 'webgl2';

/** What a library's module exports. */
export interface Library {
  open(api: Api): Promise<{
    readonly peer: string;
    readonly version: string;
    makeSteps(workload: string, data: WorkloadData): (rate: number) => Step;
  }>;
  /** Only in `profile`. */
  takeTimes?(): KernelTime[];
  kernelOf?(code: string): string;
}

export interface Trial {
  /** Which module: ours, tfjs or profile. */
  readonly library: string;
  readonly api: Api;
  readonly workload: string;
  readonly budget: number;
}

export interface PageReport extends Timing {
  peer: string;
  version: string;
  workload: string;
  api: Api;
  /**
   * The browser's name of the GPU that was used. `launch_to_first_ms` counts from the library's
   * load.
   */
  gpu: string;
  /** Means over steps after the timed ones. */
  counts: Counts;
  check: number[];
}

/** What a page with the library `profile` reports: means per step. */
export interface ProfileReport {
  readonly peer: string;
  readonly gpu: string;
  readonly kernels: readonly KernelTime[];
}

const countedSteps = 4;

async function load({ library, api, workload }: Trial) {
  const [manifest, file] = await Promise.all([`/${workload}.json`, `/${workload}.bin`].map((path) => fetch(path)));
  const data = unpack((await manifest.json()) as Manifest, await file.arrayBuffer());
  const launched = epoch();
  const module = (await import(`/${library}.js`)) as Library;
  const { peer, version, makeSteps } = await module.open(api);
  return { launched, peer, version, makeStep: makeSteps(workload, data), module };
}

async function trial(given: Trial): Promise<PageReport> {
  const { launched, peer, version, makeStep } = await load(given);
  const { workload, api, budget } = given;
  const step = makeStep(0.5);
  const timing = await timeSteps(step, budget, launched);
  takeCounts();
  for (let i = 0; i < countedSteps; i++) await step();
  const counts = takeCounts();
  for (const key of Object.keys(counts) as (keyof Counts)[]) counts[key] /= countedSteps;
  return { peer, version, workload, api, gpu: gpuUsed(), ...timing, counts, check: await firstLosses(makeStep(0)) };
}

async function profile(given: Trial): Promise<ProfileReport> {
  const onWebGpu = given.api === 'webgpu';
  if (onWebGpu) installTimestamps();
  const { peer, makeStep, module } = await load(given);
  const take = async (): Promise<KernelTime[]> =>
    onWebGpu
      ? (await takeDispatches()).map(({ label, code, ms }) => ({
          kernel: module.kernelOf?.(code) ?? label,
          calls: 1,
          ms,
        }))
      : (module.takeTimes?.() ?? []);
  const step = makeStep(0.5);
  for (let i = 0; i < 3; i++) await step();
  await take();
  const sums = new Map<string, KernelTime>();
  for (let i = 0; i < countedSteps; i++) {
    await step();
    for (const { kernel, calls, ms } of await take()) {
      const sum = sums.get(kernel) ?? { kernel, calls: 0, ms: 0 };
      sums.set(kernel, { kernel, calls: sum.calls + calls / countedSteps, ms: sum.ms + ms / countedSteps });
    }
  }
  return { peer, gpu: gpuUsed(), kernels: [...sums.values()].sort((a, b) => b.ms - a.ms) };
}

Object.assign(globalThis, { trial, profile });
