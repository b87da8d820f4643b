/**
 * One configuration of this library in a process of its own. Prints one JSON line. DEVICE is wasm,
 * wasm:BUILD, wasm:memory64, reference or gpu:MODE. The environment variable BATCH changes the
 * batch size.
 * usage: ours.ts WORKLOAD DEVICE THREADS eager|compiled [--profile|--check]
 */
import { type Device, device } from 'cedargrad';
import { budget, hasOwnCheck, loadData, measure, print } from './measure.js';
import { firstLosses } from './timing.js';
import { type Mode, makeNetwork, makeStep } from './workloads.js';

const [workload, name, threadsText, mode, only] = process.argv.slice(2) as [
  string,
  string,
  string,
  Mode,
  string | undefined,
];
const threads = Number(threadsText);

async function open(): Promise<Device> {
  const [base, variant] = name.split(':');
  if (base === 'gpu') return device('gpu', { mode: variant as 'cpu' });
  if (variant === 'memory64') return device('wasm', { threads, memory64: true });
  if (base === 'wasm') return device('wasm', { threads, build: variant as 'simd' | undefined });
  return device('reference');
}

/** A device that can time its commands. */
type Profiling = Device & { profile(): { kernel: string; calls: number; ms: number }[] };

const on = await open();
const about = {
  peer: `cedargrad ${on.name} (${on.mode}${name.endsWith(':memory64') ? ', memory64' : ''})`,
  version: '',
  workload,
  threads,
  mode,
};
const data = loadData(workload, Number(process.env.BATCH ?? 0));
const make = workload === 'w5' ? (await import('./full.js')).makeFull : makeNetwork;
const stepOf = (rate: number) => makeStep(workload, data, on, mode, rate, make);
if (only === '--check') print({ check: await firstLosses(stepOf(0)) });
else if (only === '--profile') {
  if (!('profile' in on)) throw new Error(`${on} cannot time its kernels`);
  const step = stepOf(0.5);
  const time = async (steps: number): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < steps; i++) await step();
    return (performance.now() - start) / steps;
  };
  // The first calls record the step and optimize the code.
  await time(3);
  const steps = Math.min(20, Math.max(2, Math.round(budget() / (await time(1)))));
  await time(steps);
  const plain = await time(steps);
  (on as Profiling).profile();
  const profiled = await time(steps);
  const kernels = (on as Profiling)
    .profile()
    .map(({ kernel, calls, ms }) => ({ kernel, calls: calls / steps, ms: ms / steps }));
  print({ ...about, steps, step_ms: plain, profiled_ms: profiled, kernels });
} else print(await measure(about, stepOf(0.5), hasOwnCheck(workload) ? null : () => stepOf(0)));
await on.close();
