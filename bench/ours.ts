/**
 * One configuration of this library in a process of its own. Prints one JSON line. DEVICE is wasm,
 * wasm:BUILD, reference or gpu:MODE. The environment variable BATCH changes the batch size.
 * usage: ours.ts WORKLOAD DEVICE THREADS eager|compiled [--profile]
 */
import { type Device, device } from 'cedargrad';
import { loadData, measure, print } from './measure.js';
import { type Mode, makeStep } from './workloads.js';

const [workload, name, threadsText, mode, profile] = process.argv.slice(2) as [
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
  if (base === 'wasm') return device('wasm', { threads, build: variant as 'simd' | undefined });
  return device('reference');
}

/** A device that can time its commands. */
type Profiling = Device & { profile(): { kernel: string; calls: number; ms: number }[] };

const on = await open();
const about = { peer: `cedargrad ${on.name} (${on.mode})`, version: '', workload, threads, mode };
const data = loadData(workload, Number(process.env.BATCH ?? 0));
const step = makeStep(workload, data, on, mode);
if (profile === '--profile') {
  if (!('profile' in on)) throw new Error(`${on} cannot time its kernels`);
  const steps = 20;
  const time = async (): Promise<number> => {
    const start = performance.now();
    for (let i = 0; i < steps; i++) await step();
    return (performance.now() - start) / steps;
  };
  await time();
  const plain = await time();
  (on as Profiling).profile();
  const profiled = await time();
  const kernels = (on as Profiling)
    .profile()
    .map(({ kernel, calls, ms }) => ({ kernel, calls: calls / steps, ms: ms / steps }));
  print({ ...about, step_ms: plain, profiled_ms: profiled, kernels });
} else print(await measure(about, step, () => makeStep(workload, data, on, mode, 0)));
await on.close();
