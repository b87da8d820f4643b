/**
 * Trains each configuration for 50 steps, and writes the weights, the losses and some facts to a
 * file. The same program runs alone and as a rank of several.
 * usage: node --conditions=cedargrad-source --import tsx test/mpi/equality.ts FILE
 */
import { writeFileSync } from 'node:fs';
import {
  Adam,
  BatchNorm2d,
  Conv2d,
  clipGradNorm,
  compile,
  Dropout,
  device,
  FastRandom,
  type Module,
  manualSeed,
  mse,
  noGrad,
  Sequential,
  SGD,
  setDefaultDevice,
  type Tensor,
  tensor,
} from 'cedargrad';
import { arrayDataset, DataLoader } from 'cedargrad/data';
import { DistributedSampler, distributed, syncBatchNorm } from 'cedargrad/distributed';
import { evaluate, type FitOptions, fit, IoU, RocAuc } from 'cedargrad/train';
import { Autoencoder, EncoderDecoder } from '../../bench/workloads.js';

/** What a configuration leaves. */
export interface Outcome {
  readonly before: number[];
  readonly weights: number[];
  readonly losses: readonly number[];
  readonly validation: readonly number[];
  /** Modes of a compiled step. */
  readonly modes: readonly string[];
}

type Pair = [Tensor, Tensor];
type Network = Module & { forward(x: Tensor): Tensor };

const group = await distributed();
setDefaultDevice(await device('wasm', { threads: 1 }));

const steps = 50;
const stepsPerEpoch = 10;
const batchSize = 12;

/** Random images. */
function dataOf(count: number, shape: readonly number[]): { x: Float32Array; shape: readonly number[] } {
  const size = shape.reduce((a, b) => a * b, count);
  return { x: Float32Array.from(new FastRandom(3).rand(size)), shape: [count, ...shape] };
}

const flat = (model: Module): number[] =>
  Object.values(model.stateDict()).flatMap((t) => [...noGrad(() => t.dataSync())]);

/** How many samples of a batch each rank gets, for each number of ranks. */
const unequal: Readonly<Record<number, readonly number[]>> = { 1: [12], 2: [7, 5], 4: [5, 3, 2, 2] };

interface Configuration {
  /** Whether the ranks get different numbers of samples, without a loader. */
  readonly isUnequal?: boolean;
  readonly make: () => Network;
  readonly shape: readonly number[];
  readonly options: (model: Network) => Partial<FitOptions<Pair>> & Pick<FitOptions<Pair>, 'optimizer'>;
}

const w1 = (random?: FastRandom): Network => {
  const model = new EncoderDecoder([3, 16, 32, 32], 0.5);
  if (random !== undefined) model.dropout = new Dropout(0.5, { random });
  return model;
};

const configurations: Readonly<Record<string, Configuration>> = {
  'w1, Adam, dropout': {
    make: w1,
    shape: [20, 20, 3],
    options: (model) => ({ optimizer: new Adam(model.parameters(), { lr: 3e-3 }) }),
  },
  'w1, SGD, fast dropout, accumulation, clipping': {
    make: () => w1(new FastRandom(8)),
    shape: [20, 20, 3],
    options: (model) => ({
      optimizer: new SGD(model.parameters(), { lr: 0.05, momentum: 0.9 }),
      accumulate: 2,
      clipNorm: 0.1,
    }),
  },
  'w3, Adam, clipping': {
    make: () => new Autoencoder(),
    shape: [28, 28, 1],
    options: (model) => ({ optimizer: new Adam(model.parameters(), { lr: 3e-3 }), clipNorm: 0.05 }),
  },
  'w3, SGD, metrics of the whole set': {
    make: () => new Autoencoder(),
    shape: [28, 28, 1],
    options: (model) => ({
      optimizer: new SGD(model.parameters(), { lr: 0.1 }),
      metrics: { iou: new IoU(), auc: new RocAuc() },
    }),
  },
  'w3, SGD, unequal parts': {
    make: () => new Autoencoder(),
    shape: [28, 28, 1],
    isUnequal: true,
    options: (model) => ({ optimizer: new SGD(model.parameters(), { lr: 0.1 }) }),
  },
  'batch norm over all ranks': {
    make: () => {
      const model = new Sequential(
        new Conv2d(1, 8, 3, { padding: 1, bias: false }),
        new BatchNorm2d(8),
        new Conv2d(8, 1, 3, { padding: 1 }),
      );
      syncBatchNorm(model, group);
      return model as unknown as Network;
    },
    shape: [8, 8, 1],
    options: (model) => ({ optimizer: new Adam(model.parameters(), { lr: 3e-3 }) }),
  },
};

const targetOf = (x: Tensor): Tensor => x.mean(3, { keepDims: true });

/** This rank's unequal parts of all batches, in order. */
function partsOf(x: Float32Array, shape: readonly number[]): [Tensor][] {
  const size = shape.reduce((a, b) => a * b, 1);
  const counts = unequal[group.size] as readonly number[];
  const first = counts.slice(0, group.rank).reduce((a, b) => a + b, 0);
  const count = counts[group.rank] as number;
  return Array.from({ length: x.length / size / batchSize }, (_, i) => {
    const from = (i * batchSize + first) * size;
    return [tensor(x.slice(from, from + count * size), { shape: [count, ...shape] })];
  });
}

async function fitted({ make, shape, options, isUnequal = false }: Configuration): Promise<Outcome> {
  manualSeed(5);
  const model = make();
  const before = flat(model);
  const chosen = options(model);
  const { x, shape: all } = dataOf(batchSize * stepsPerEpoch * (chosen.accumulate ?? 1), shape);
  const dataset = arrayDataset({ data: x, shape: all });
  const sampler = new DistributedSampler(group);
  const { losses, history } = await fit(model, {
    data: isUnequal ? partsOf(x, shape) : new DataLoader(dataset, { batchSize, shuffle: true, seed: 7, sampler }),
    validation: new DataLoader(dataset, { batchSize: 24, sampler }),
    metrics: { mean: (prediction) => (prediction as Tensor).mean() },
    loss: (x) => mse(model.forward(x), targetOf(x)),
    epochs: steps / stepsPerEpoch,
    distributed: group,
    ...(chosen as { optimizer: FitOptions<Tensor[]>['optimizer'] }),
  });
  const validation = history.flatMap((record) => [record.valLoss ?? Number.NaN, ...Object.values(record.metrics)]);
  const evaluated = await evaluate(model, {
    data: new DataLoader(dataset, { batchSize: 24, sampler }),
    loss: (x: Tensor) => mse(model.forward(x), targetOf(x)),
    distributed: group,
  });
  validation.push(evaluated.loss ?? Number.NaN, evaluated.samples);
  return { before, weights: flat(model), losses, validation, modes: [] };
}

/** A loop by hand with small buckets, in which a step is compiled or not. */
async function byHand(compiled: boolean): Promise<Outcome> {
  manualSeed(5);
  const model = w1();
  const before = flat(model);
  const optimizer = new SGD(model.parameters(), { lr: 0.05, momentum: 0.9 });
  const averager = group.averager(model.parameters(), { bucketBytes: 20_000 });
  const step = (x: Tensor) => {
    optimizer.zeroGrad();
    const loss = mse(model.forward(x), targetOf(x));
    averager.backward(loss);
    clipGradNorm(model.parameters(), 0.1);
    optimizer.step();
    return loss;
  };
  const run = compiled ? compile(step) : step;
  const { x } = dataOf(batchSize * steps, [20, 20, 3]);
  const each = (batchSize / group.size) * 1200;
  const losses: number[] = [];
  const modes = new Set<string>();
  for (let i = 0; i < steps; i++) {
    const from = i * batchSize * 1200 + group.rank * each;
    const part = tensor(x.slice(from, from + each), { shape: [batchSize / group.size, 20, 20, 3] });
    const loss = await (run(part) as Tensor).item();
    losses.push((group.sum('loss', [loss])[0] as number) / group.size);
    if ('mode' in run) modes.add(String(run.mode));
    part.release();
  }
  averager.dispose();
  return { before, weights: flat(model), losses, validation: [], modes: [...modes] };
}

const outcomes: Record<string, Outcome> = {};
for (const [name, configuration] of Object.entries(configurations)) outcomes[name] = await fitted(configuration);
outcomes['by hand, eager'] = await byHand(false);
outcomes['by hand, compiled'] = await byHand(true);
if (group.isMain) writeFileSync(process.argv[2] as string, JSON.stringify(outcomes));
