/**
 * Predicts how much of their time many machines spend computing, when they train together. It
 * simulates a step: the backward pass hands out buckets of gradients, and a network reduces one
 * after another. docs/distributed.md explains the terms. Not here: measurements (distributed.ts).
 * usage: npm run distributed-model
 */
import {
  Conv2d,
  ConvTranspose2d,
  device,
  FastRandom,
  type Module,
  noGrad,
  setDefaultDevice,
  type Tensor,
  zeros,
} from 'cedargrad';
import { Cedn } from 'cedargrad/models';
import { EncoderDecoder } from './workloads.js';

/** Seconds for a message, and for a byte. Latencies of TCP and of remote memory are assumptions. */
interface Network {
  readonly name: string;
  readonly latency: number;
  readonly perByte: number;
}
const networks: readonly Network[] = [
  { name: '10 Gbit/s', latency: 30e-6, perByte: 8 / 10e9 },
  { name: '100 Gbit/s', latency: 5e-6, perByte: 8 / 100e9 },
];

/**
 * Seconds for a byte: to add it to another one, and to join it to a bucket and cut it out again.
 * Both are measured by `npm run bench-distributed` (allreduce through shared memory; copies).
 */
const perByteAdded = 0.3e-9;
const perByteCopied = 0.25e-9;
const bucketBytes = 2 ** 20;
/** The bytes of the message with which a step's losses are summed. */
const controlBytes = 512;
/** The share of a step that is backward; the rest is forward and the optimizer. */
const backwardShare = 0.6;
const machineCounts = [2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/** Ways to reduce an array: the time for so many bytes on so many machines. @units seconds */
type Algorithm = (bytes: number, machines: number, network: Network) => number;
const levels = (machines: number): number => Math.ceil(Math.log2(machines));
const algorithms: Readonly<Record<string, Algorithm>> = {
  ring: (n, p, { latency, perByte }) => 2 * (p - 1) * (latency + (n / p) * perByte) + ((p - 1) / p) * n * perByteAdded,
  Rabenseifner: (n, p, { latency, perByte }) =>
    2 * levels(p) * latency + 2 * ((p - 1) / p) * n * perByte + ((p - 1) / p) * n * perByteAdded,
  tree: (n, p, { latency, perByte }) => levels(p) * (2 * latency + n * (2 * perByte + perByteAdded)),
};

/** A gradient, and the share of the backward pass after which it is there. */
interface Gradient {
  readonly bytes: number;
  readonly at: number;
}
interface Workload {
  readonly name: string;
  /** A step of one machine. @units seconds */
  readonly step: number;
  readonly gradients: readonly Gradient[];
}

/**
 * The gradients of a network. The time of a convolution counts in proportion to its products.
 * `scale` is the factor of the channels that were left out.
 */
function gradientsOf(model: Module, input: Tensor, scale: number): Gradient[] {
  const layers: { products: number; bytes: number }[] = [];
  for (const [, module] of model.namedModules()) {
    if (!(module instanceof Conv2d || module instanceof ConvTranspose2d)) continue;
    const forward = module.forward.bind(module);
    Object.defineProperty(module, 'forward', {
      value: (x: Tensor, ...rest: never[]): Tensor => {
        const y = forward(x, ...rest);
        const [, height = 1, width = 1] = (module instanceof Conv2d ? y : x).shape;
        const [inner = 1, outer = 1] = module.weight.shape.slice(2);
        const grown = (inner > 3 ? scale : 1) * (outer > 3 ? scale : 1);
        const size = module.weight.size * grown;
        layers.push({ products: height * width * size, bytes: 4 * (size + (module.bias?.size ?? 0) * scale) });
        return y;
      },
    });
  }
  noGrad(() => (model as Module & { forward(x: Tensor): Tensor }).forward(input));
  const all = layers.reduce((sum, { products }) => sum + products, 0);
  let done = 0;
  return layers.reverse().map(({ products, bytes }) => {
    done += products;
    return { bytes, at: done / all };
  });
}

/** Joins gradients to buckets, which are there with their last gradient. */
function bucketsOf(gradients: readonly Gradient[]): Gradient[] {
  const buckets: Gradient[] = [];
  for (const { bytes, at } of gradients) {
    const last = buckets.at(-1);
    if (last !== undefined && last.bytes + bytes <= bucketBytes)
      buckets[buckets.length - 1] = { bytes: last.bytes + bytes, at };
    else buckets.push({ bytes, at });
  }
  return buckets;
}

/** The time of a step on so many machines. @units seconds */
function stepTime(
  { step, gradients }: Workload,
  machines: number,
  network: Network,
  reduce: Algorithm,
  overlap: boolean,
): number {
  const bytes = gradients.reduce((sum, g) => sum + g.bytes, 0);
  const begin = step * (1 - backwardShare);
  let free = 0;
  for (const { bytes: n, at } of bucketsOf(gradients)) {
    const ready = begin + backwardShare * step * (overlap ? at : 1);
    free = Math.max(free, ready) + reduce(n, machines, network);
  }
  const control = 2 * levels(machines) * (network.latency + controlBytes * network.perByte);
  return Math.max(step, free) + bytes * perByteCopied + control;
}

/**
 * How much longer the slowest of some machines computes than the mean, if each machine's time
 * varies by so much from step to step. It is the mean of 1000 steps.
 */
function slowest(machines: number, deviation: number): number {
  const random = new FastRandom(1);
  let sum = 0;
  for (let i = 0; i < 1000; i++) sum += 1 + deviation * Math.max(...random.randn(machines));
  return sum / 1000;
}

setDefaultDevice(await device('wasm', { threads: 1 }));
const workloads: readonly Workload[] = [
  {
    name: 'w2, 32 images a machine',
    step: 0.071,
    gradients: gradientsOf(new EncoderDecoder([3, 32, 64, 64], 0), zeros([1, 64, 64, 3]), 1),
  },
  {
    name: 'w5, 4 images a machine',
    step: 3.6,
    gradients: gradientsOf(new Cedn({ width: 1 / 16, dropout: 0 }), zeros([1, 224, 224, 3]), 16),
  },
];

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
for (const workload of workloads) {
  const { name, step, gradients } = workload;
  const bytes = gradients.reduce((sum, g) => sum + g.bytes, 0);
  console.log(`\n${name}: ${(bytes / 1e6).toFixed(1)} MB of gradients, ${step * 1000} ms on one machine`);
  console.log(`| machines | ${machineCounts.join(' | ')} |`);
  console.log(`| --- |${' --- |'.repeat(machineCounts.length)}`);
  for (const network of networks)
    for (const [algorithm, reduce] of Object.entries(algorithms)) {
      const cells = machineCounts.map((machines) => {
        const efficiency = (overlap: boolean): number => step / stepTime(workload, machines, network, reduce, overlap);
        return `${percent(efficiency(false)).replace(' %', '')}–${percent(efficiency(true))}`;
      });
      console.log(`| ${network.name}, ${algorithm} | ${cells.join(' | ')} |`);
    }
}
const factors = machineCounts.map((machines) => percent(1 / slowest(machines, 0.02)));
console.log(`\nfactor for times that vary by 2 % from step to step: ${factors.join(', ')}`);
