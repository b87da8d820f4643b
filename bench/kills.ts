/**
 * Kills a training run at random moments and resumes it, until it has been killed 100 times. Then
 * it lets the run come to its end, and compares the weights and losses with those of a run that was
 * never killed, bit for bit. It also looks for files that are half written.
 * usage: npm run kills [-- --kills N (default 100)] [--seed N]
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  Adam,
  BatchNorm2d,
  Conv2d,
  CosineLR,
  Dropout,
  device,
  FastRandom,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  manualSeed,
  mse,
  randn,
  relu,
  setDefaultDevice,
  type Tensor,
} from 'cedargrad';
import { arrayDataset, DataLoader } from 'cedargrad/data';
import { decodeSafetensors, encodeWeights } from 'cedargrad/io';
import { checkpoint, ExponentialMovingAverage, earlyStopping, fit } from 'cedargrad/train';

const epochs = 60;
const checkpointName = 'last.checkpoint';

class Net extends Module {
  conv1 = new Conv2d(1, 16, 3, { padding: 'same' });
  norm = new BatchNorm2d(16);
  drop = new Dropout(0.2, { random: new FastRandom(4) });
  pool = new MaxPool2d(2);
  unpool = new MaxUnpool2d();
  conv2 = new Conv2d(16, 1, 3, { padding: 'same' });
  forward(x: Tensor): Tensor {
    const [h, indices] = this.pool.forward(relu(this.norm.forward(this.conv1.forward(x))));
    return this.conv2.forward(this.unpool.forward(this.drop.forward(h), indices));
  }
}

/** The training run: noise from a generator of its own, dropout, averaged weights, a schedule. */
async function train(folder: string): Promise<void> {
  setDefaultDevice(await device('wasm'));
  manualSeed(1);
  const model = new Net();
  const optimizer = new Adam(model.parameters(), { lr: 3e-3 });
  const noise = new FastRandom(2);
  const pixels = Float32Array.from(new FastRandom(3).rand(150 * 16 * 16));
  const images = { data: pixels, shape: [150, 16, 16, 1] };
  const path = join(folder, checkpointName);
  const { losses, history } = await fit(model, {
    data: new DataLoader(arrayDataset(images), { batchSize: 8, shuffle: true, seed: 7 }),
    validation: new DataLoader(arrayDataset(images), { batchSize: 50 }),
    loss: (x) => mse(model.forward(x.add(randn(x.shape, { random: noise }).mul(0.1))), x),
    optimizer,
    epochs,
    schedule: new CosineLR(optimizer, { total: epochs }),
    ema: new ExponentialMovingAverage(model, { decay: 0.9 }),
    generators: { noise },
    callbacks: [earlyStopping({ patience: epochs }), checkpoint(folder, { everySteps: 5 })],
    ...(existsSync(path) && { resume: path }),
  });
  const hash = createHash('sha256').update(await encodeWeights(model));
  hash.update(JSON.stringify([losses, history.map((record) => ({ ...record, seconds: 0 }))]));
  hash.update(readFileSync(join(folder, 'best.safetensors')));
  process.stdout.write(hash.digest('hex'));
  process.exit(0);
}

/** Runs the training in a process of its own. With `killAfter`, ends it without a warning. */
function run(folder: string, killAfter?: number): Promise<{ killed: boolean; printed: string }> {
  const args = ['--conditions=cedargrad-source', '--import', 'tsx', fileURLToPath(import.meta.url), '--folder', folder];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let printed = '';
  child.stdout.on('data', (text: Buffer) => (printed += text));
  const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfter);
  return new Promise((done, fail) =>
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0 || signal === 'SIGKILL') done({ killed: signal === 'SIGKILL', printed });
      else fail(new Error(`the run ended with ${code ?? signal}`));
    }),
  );
}

/** Throws for a file that cannot be read as a whole. */
function checkFiles(folder: string): void {
  for (const name of readdirSync(folder))
    if (!name.endsWith('.tmp')) decodeSafetensors(readFileSync(join(folder, name)));
}

async function main(kills: number, seed: number): Promise<void> {
  const random = new FastRandom(seed);
  const folder = mkdtempSync(join(tmpdir(), 'kills-'));
  try {
    const began = performance.now();
    const { printed: expected } = await run(join(folder, 'whole'));
    const wholeMs = performance.now() - began;
    let done = 0;
    let runs = 0;
    while (done < kills) {
      const to = join(folder, `run-${runs++}`);
      // Moments are spread over the start of the program and its first seconds of training.
      for (;;) {
        const killAfter = done < kills ? random.uniform(0, wholeMs, 1)[0] : undefined;
        const { killed, printed } = await run(to, killAfter);
        if (existsSync(to)) checkFiles(to);
        if (killed) {
          done++;
          if (done % 10 === 0) console.log(`${done} kills`);
          continue;
        }
        if (printed !== expected) throw new Error(`run ${runs}: other bits after ${done} kills`);
        break;
      }
    }
    console.log(`${done} kills in ${runs} runs: each run ended with the bits of the run that was not killed`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const { values } = parseArgs({
  options: { kills: { type: 'string' }, seed: { type: 'string' }, folder: { type: 'string' } },
});
if (values.folder !== undefined) await train(values.folder);
else await main(Number(values.kills ?? 100), Number(values.seed ?? 1));
