/**
 * What fit and a DataLoader cost beside a loop by hand. Both sides train the same network on the
 * same number of new batches with a compiled step, and take turns epoch by epoch in one process.
 * The loop by hand gathers its batches into arrays of its own. `fixed` is a loop that trains on one
 * batch that is on the device already.
 * usage: npm run bench-fit [-- --epochs N (default 40)] [--steps N (an epoch's; default 100)]
 *   [--threads N]
 */
import { parseArgs } from 'node:util';
import {
  Adam,
  bceWithLogits,
  compile,
  device,
  FastRandom,
  type Module,
  manualSeed,
  mse,
  setDefaultDevice,
  type Tensor,
  tensor,
} from 'cedargrad';
import { arrayDataset, batches, DataLoader } from 'cedargrad/data';
import { fit } from 'cedargrad/train';
import { median } from './timing.js';
import { Autoencoder, EncoderDecoder } from './workloads.js';

const { values } = parseArgs({
  options: { epochs: { type: 'string' }, steps: { type: 'string' }, threads: { type: 'string' } },
});
const epochs = Number(values.epochs ?? 40);
const stepsPerEpoch = Number(values.steps ?? 100);
const threads = values.threads === undefined ? {} : { threads: Number(values.threads) };

interface Workload {
  readonly batchSize: number;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly make: () => Module & { forward(x: Tensor): Tensor };
  readonly loss: (logits: Tensor, y: Tensor) => Tensor;
}

const workloads: Readonly<Record<string, Workload>> = {
  w1: {
    batchSize: 12,
    x: [20, 20, 3],
    y: [20, 20, 1],
    make: () => new EncoderDecoder([3, 16, 32, 32], 0.5),
    loss: (logits, y) => bceWithLogits(logits, y),
  },
  w3: { batchSize: 64, x: [28, 28, 1], y: [28, 28, 1], make: () => new Autoencoder(), loss: (z, y) => mse(z, y) },
};

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

async function compare(name: string, { batchSize, x: xShape, y: yShape, make, loss }: Workload): Promise<void> {
  const count = batchSize * stepsPerEpoch;
  const random = new FastRandom(1);
  const xs = Float32Array.from(random.rand(count * sizeOf(xShape)));
  const ys = Float32Array.from(random.rand(count * sizeOf(yShape)), Math.round);
  const trained = () => {
    manualSeed(7);
    const model = make();
    const optimizer = new Adam(model.parameters());
    const step = compile((x: Tensor, y: Tensor) => {
      optimizer.zeroGrad();
      const value = loss(model.forward(x), y);
      value.backward();
      optimizer.step();
      return value;
    });
    return { model, optimizer, step };
  };

  const hand = trained();
  const gather = (all: Float32Array, shape: readonly number[], indices: Int32Array): Tensor => {
    const size = sizeOf(shape);
    const data = new Float32Array(indices.length * size);
    for (const [i, index] of indices.entries()) data.set(all.subarray(index * size, (index + 1) * size), i * size);
    return tensor(data, { shape: [indices.length, ...shape] });
  };
  const handEpoch = async (): Promise<void> => {
    for (const indices of batches(count, batchSize, random)) {
      const [x, y] = [gather(xs, xShape, indices), gather(ys, yShape, indices)];
      await hand.step(x, y).item();
      x.release();
      y.release();
    }
  };
  const fixed = trained();
  const first = Int32Array.from({ length: batchSize }, (_, i) => i);
  const [fixedX, fixedY] = [gather(xs, xShape, first), gather(ys, yShape, first)];
  const fixedEpoch = async (): Promise<void> => {
    for (let i = 0; i < stepsPerEpoch; i++) await fixed.step(fixedX, fixedY).item();
  };

  const times: Record<'fit' | 'hand' | 'fixed', number[]> = { fit: [], hand: [], fixed: [] };
  const timed = async (side: 'hand' | 'fixed', epoch: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    await epoch();
    times[side].push(performance.now() - start);
  };
  const own = trained();
  const dataset = arrayDataset({ data: xs, shape: [count, ...xShape] }, { data: ys, shape: [count, ...yShape] });
  let start = performance.now();
  await fit(own.model, {
    data: new DataLoader(dataset, { batchSize, shuffle: true, seed: 1 }),
    loss: (x, y) => loss(own.model.forward(x), y),
    optimizer: own.optimizer,
    epochs,
    callbacks: [
      {
        onEpochEnd: async () => {
          times.fit.push(performance.now() - start);
          await timed('hand', handEpoch);
          await timed('fixed', fixedEpoch);
          start = performance.now();
        },
      },
    ],
  });
  // The first epochs record and warm up.
  const warm = Math.ceil(epochs / 10);
  const kept = (side: keyof typeof times): number[] => times[side].slice(warm);
  const ratio = (side: 'hand' | 'fixed'): string => {
    const ratios = kept('fit').map((ms, i) => ms / (kept(side)[i] as number));
    return `${median(ratios).toFixed(3)} of ${side === 'hand' ? 'a loop by hand' : 'a loop on one fixed batch'}`;
  };
  const ms = (side: keyof typeof times): string => (median(kept(side)) / stepsPerEpoch).toFixed(3);
  console.log(
    `${name}: ms a step, medians of ${epochs - warm} epochs: fit ${ms('fit')}, by hand ${ms('hand')}, fixed ${ms('fixed')}; fit takes ${ratio('hand')}, ${ratio('fixed')}`,
  );
}

const on = await device('wasm', threads);
setDefaultDevice(on);
console.log(String(on));
for (const [name, workload] of Object.entries(workloads)) await compare(name, workload);
await on.close();
