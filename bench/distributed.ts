/**
 * What training on several processes costs on one machine. It times steps of two ranks with one
 * thread each beside one process with one and with two threads, on the same whole batch, in
 * interleaved rounds. It also times MPI's allreduce through shared memory and through TCP. Not
 * here: the prediction for many machines (distributed-model.ts).
 * usage: npm run bench-distributed [-- --rounds N (default 3)] [--workloads LIST (default w2,w5)]
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  Adam,
  bceWithLogits,
  compile,
  concat,
  device,
  FastRandom,
  manualSeed,
  noGrad,
  setDefaultDevice,
  type Tensor,
  tensor,
} from 'cedargrad';
import { distributed } from 'cedargrad/distributed';
import { Cedn } from 'cedargrad/models';
import { median } from './timing.js';
import { EncoderDecoder, type Network } from './workloads.js';

interface Workload {
  readonly batch: number;
  readonly size: number;
  readonly steps: number;
  readonly make: () => Network;
}
const workloads: Readonly<Record<string, Workload>> = {
  w2: { batch: 32, size: 64, steps: 12, make: () => new EncoderDecoder([3, 32, 64, 64], 0.5) },
  // The full network at a quarter of its width: 8 million parameters.
  w5: { batch: 4, size: 224, steps: 6, make: () => new Cedn({ width: 0.25 }) as unknown as Network },
};
const bucketSizes = [2 ** 18, 2 ** 20, 2 ** 22, 2 ** 25];

/** What one process measures. Times are medians. @units ms */
interface Measured {
  readonly step: number;
  readonly waited: number;
  readonly parameters: number;
  readonly buckets: number;
}

async function measure(name: string, threads: number, overlap: boolean, bucketBytes: number): Promise<void> {
  const { batch, size, steps, make } = workloads[name] as Workload;
  const group = await distributed();
  setDefaultDevice(await device('wasm', { threads }));
  manualSeed(1);
  const model = make();
  const optimizer = new Adam(model.parameters(), { lr: 1e-4 });
  const averager = group.averager(model.parameters(), { overlap, bucketBytes });
  const own = batch / group.size;
  const random = new FastRandom(2 + group.rank);
  const x = tensor(Float32Array.from(random.rand(own * size * size * 3)), { shape: [own, size, size, 3] });
  const y = tensor(Float32Array.from(random.rand(own * size * size), Math.round), { shape: [own, size, size, 1] });
  const step = compile((a: Tensor, b: Tensor) => {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(a), b);
    averager.backward(loss);
    optimizer.step();
    return loss;
  });
  const times: number[] = [];
  const waits: number[] = [];
  for (let i = 0; i < steps + 4; i++) {
    group.sum('start', [0]);
    const start = performance.now();
    await step(x, y).item();
    if (i < 4) continue;
    times.push(performance.now() - start);
    waits.push(averager.waited);
  }
  const measured: Measured = {
    step: median(times),
    waited: median(waits),
    parameters: model.parameters().reduce((n, p) => n + p.size, 0),
    buckets: averager.bucketSizes.length,
  };
  if (group.isMain) console.log(JSON.stringify(measured));
  process.exit(0);
}

/** Time to join gradients of 32 MiB to a bucket, and to cut them out again. @units ms */
async function copies(): Promise<number> {
  const on = await device('wasm', { threads: 1 });
  const parts = Array.from({ length: 8 }, () => tensor(new Float32Array(2 ** 20), { device: on }));
  const samples: number[] = [];
  for (let i = 0; i < 20; i++) {
    await on.sync();
    const start = performance.now();
    noGrad(() => {
      concat(parts).split(2 ** 20);
    });
    await on.sync();
    samples.push(performance.now() - start);
  }
  return median(samples.slice(5));
}

/** Times MPI's allreduce for arrays of several sizes. */
async function reduce(): Promise<void> {
  const group = await distributed();
  const times: [bytes: number, ms: number][] = [];
  for (const bytes of [8, 1024, 2 ** 16, 2 ** 20, 2 ** 22, 2 ** 24, 2 ** 25]) {
    const values = new Float32Array(bytes / 4);
    const samples: number[] = [];
    for (let i = 0; i < 30; i++) {
      group.sumInPlace(new Float32Array(1));
      const start = performance.now();
      group.sumInPlace(values);
      samples.push(performance.now() - start);
    }
    times.push([bytes, median(samples.slice(5))]);
  }
  if (group.isMain) console.log(JSON.stringify({ times, copies: await copies() }));
  process.exit(0);
}

/** The JSON that a process of this file prints, as the first of so many ranks. */
function run<T>(ranks: number, args: readonly string[], mpi: readonly string[] = []): T {
  const node = [
    process.execPath,
    '--conditions=cedargrad-source',
    '--import',
    'tsx',
    fileURLToPath(import.meta.url),
    ...args,
  ];
  const asRoot = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];
  const command = ranks === 1 ? node : ['mpirun', ...asRoot, '--oversubscribe', ...mpi, '-np', String(ranks), ...node];
  const { status, stdout, stderr } = spawnSync(command[0] as string, command.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1) as string) as T;
}

const { values, positionals } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, workloads: { type: 'string', default: 'w2,w5' } },
  allowPositionals: true,
});
const [mode, name = '', threads = '1', overlap = '', bytes = ''] = positionals;
if (mode === 'measure') await measure(name, Number(threads), overlap === 'overlap', Number(bytes));
if (mode === 'reduce') await reduce();

for (const [way, mpi] of [
  ['shared memory', []],
  ['TCP within the machine', ['--mca', 'btl', 'tcp,self']],
] as const) {
  const { times, copies: copied } = run<{ times: [number, number][]; copies: number }>(2, ['reduce'], mpi);
  console.log(`joining and cutting 32 MiB: ${copied.toFixed(1)} ms`);
  console.log(`allreduce, 2 ranks, ${way}: ${times.map(([n, ms]) => `${n} B ${ms.toFixed(3)} ms`).join(', ')}`);
}
for (const workload of values.workloads.split(',')) {
  const ways: Record<string, () => Measured> = {
    '1 process, 1 thread': () => run(1, ['measure', workload, '1', 'overlap', '1048576']),
    '1 process, 2 threads': () => run(1, ['measure', workload, '2', 'overlap', '1048576']),
    '2 ranks, 1 thread, no overlap': () => run(2, ['measure', workload, '1', 'none', '1048576']),
  };
  for (const size of bucketSizes)
    ways[`2 ranks, 1 thread, overlap, buckets of ${size / 1024} KiB`] = () =>
      run(2, ['measure', workload, '1', 'overlap', String(size)]);
  const results = new Map<string, Measured[]>();
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [way, start] of Object.entries(ways)) results.set(way, [...(results.get(way) ?? []), start()]);
  for (const [way, list] of results) {
    const of = (key: keyof Measured): number => median(list.map((each) => each[key]));
    const range = list.map(({ step }) => step).sort((a, b) => a - b);
    console.log(
      `${workload}, ${way}: ${of('step').toFixed(1)} ms (${range[0]?.toFixed(1)} to ${range.at(-1)?.toFixed(1)}), ` +
        `waited ${of('waited').toFixed(1)} ms (${((100 * of('waited')) / of('step')).toFixed(0)} %), ` +
        `${of('buckets')} buckets, ${of('parameters')} parameters`,
    );
  }
}
