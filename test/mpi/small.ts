/**
 * A small run that can be stopped, resumed and broken. It writes its weights to FOLDER/weights, and
 * checkpoints to FOLDER.
 * usage: node --conditions=cedargrad-source --import tsx test/mpi/small.ts FOLDER STOP FAULT
 *   STOP: the step after which the run stops, or 0. FAULT: what happens to rank 1, or none.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Adam,
  Conv2d,
  Dropout,
  device,
  FastRandom,
  manualSeed,
  mse,
  Sequential,
  setDefaultDevice,
  type Tensor,
} from 'cedargrad';
import { arrayDataset, DataLoader } from 'cedargrad/data';
import { DistributedSampler, distributed } from 'cedargrad/distributed';
import { encodeWeights } from 'cedargrad/io';
import { checkpoint, fit, progress } from 'cedargrad/train';

const [folder = '', stop = '0', fault = 'none'] = process.argv.slice(2);
const group = await distributed();
setDefaultDevice(await device('wasm', { threads: 1 }));
manualSeed(1);
const isOdd = group.rank === 1;

const channels = fault === 'model' && isOdd ? 8 : 4;
const model = new Sequential(
  new Conv2d(1, channels, 3, { padding: 1 }),
  new Dropout(0.2, { random: new FastRandom(4) }),
  new Conv2d(channels, 1, 3, { padding: 1 }),
);
// Each rank may have drawn other weights. Those of rank 0 count.
if (isOdd && fault === 'none') manualSeed(2);
const images = { data: Float32Array.from(new FastRandom(3).rand(240 * 64)), shape: [240, 8, 8, 1] };
const path = join(folder, 'last.checkpoint');
const sampler = new DistributedSampler(group);
let calls = 0;

/** What happens to rank 1 in its fifth step. */
const faults: Readonly<Record<string, () => void>> = {
  throw: () => {
    throw new Error('the data are gone');
  },
  kill: () => process.kill(process.pid, 'SIGKILL'),
  exit: () => process.exit(3),
  leave: () => process.exit(0),
};

await fit(model, {
  data: new DataLoader(arrayDataset(images), { batchSize: 24, shuffle: true, seed: 7, sampler }),
  loss: (x: Tensor) => {
    if (isOdd && ++calls === 5) faults[fault]?.();
    return mse(model.forward(x) as Tensor, x);
  },
  optimizer: new Adam(model.parameters(), { lr: 3e-3 }),
  epochs: 3,
  distributed: group,
  callbacks: [
    progress(),
    checkpoint(folder, { everySteps: 1 }),
    {
      onStepEnd: (run) => {
        // One rank asks, and all stop.
        if (run.step === Number(stop) && group.rank === group.size - 1) run.stop('asked to');
      },
    },
  ],
  ...(group.isMain && existsSync(path) && { resume: path }),
});
if (group.isMain) writeFileSync(join(folder, 'weights'), await encodeWeights(model));
