/**
 * Milliseconds of one training step of w1 (the miniature CEDN with dropout, Adam, the loss read back) on each device, interleaved so that noise hits all alike.
 * usage: npm run bench -- [rounds]
 */
import { Adam, bceWithLogits, type Device, device, manualSeed, setDefaultDevice, tensor } from 'cedargrad';
import { cednData } from 'cedargrad/data';
import { Cedn } from '../examples/cedn.js';

const rounds = Number(process.argv[2] ?? 30);
const data = cednData();

function stepOn(on: Device): () => Promise<number> {
  setDefaultDevice(on);
  const x = tensor(data.x, { shape: data.xShape });
  const y = tensor(data.y, { shape: data.yShape });
  manualSeed(7);
  const model = new Cedn().initPublished(7);
  const optimizer = new Adam(model.parameters(), { lr: 1 });
  return async () => {
    optimizer.zeroGrad();
    const loss = bceWithLogits(model.forward(x), y, { reduction: 'sum' });
    loss.backward();
    optimizer.step();
    return loss.item();
  };
}

const devices = [await device('reference'), await device('gpu', { mode: 'cpu' }), await device('gpu', { mode: 'webasm' })];
const steps = devices.map(stepOn);
const times: number[][] = devices.map(() => []);
for (let round = -3; round < rounds; round++)
  for (const [i, step] of steps.entries()) {
    const start = performance.now();
    await step();
    if (round >= 0) times[i].push(performance.now() - start);
  }
for (const [i, on] of devices.entries()) {
  const sorted = times[i].sort((a, b) => a - b);
  process.stdout.write(`${JSON.stringify({ device: on.name, mode: on.mode, workload: 'w1', median_ms: sorted[rounds >> 1], min_ms: sorted[0], rounds })}\n`);
}
for (const on of devices) await on.close();
