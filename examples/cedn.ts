/**
 * Trains the miniature CEDN (cedn-model.ts) on the published script's data. By default it uses
 * settings with which the network learns. With --published it runs the script as it was posted,
 * which does not learn.
 */
import { pathToFileURL } from 'node:url';
import {
  Adam,
  bceWithLogits,
  CosineLR,
  type Device,
  type DeviceName,
  device,
  manualSeed,
  noGrad,
  setDefaultDevice,
  tensor,
} from 'cedargrad';
import { cednData } from 'cedargrad/data';
import { encodeSafetensors, Picture, type StoredTensor, writeFileAtomic } from 'cedargrad/io';
import { beatsConstantPredictor, constantPredictorLoss, Progress, ReluWatch } from 'cedargrad/train';
import { Cedn } from './cedn-model.js';
import { countOf, prepareFolder, readFlags, UsageError, watchForStop } from './command.js';

const usage = `Trains the miniature CEDN.
usage: npm run cedn -- [options]
  --published      the script as published: learning rate 1, N(0,1) weights, TensorFlow's Adam, ten steps
  --device NAME    auto (default), reference, wasm, webgpu, webgl2, webgl, headlessgl, or gpu.js without a GPU: gpu:cpu, gpu:webasm
  --steps N        training steps (default 500, published 10)
  --lr X           learning rate (default 0.003, lowered over the last fifth of the steps; published 1)
  --seed N         seed of weights and dropout masks (default: weights 42, masks 7)
  --dropout        train with dropout 0.5 (default for --published; without it the run that learns reaches its best)
  --no-dropout     train without dropout (default otherwise)
  --out DIR        where pictures and weights go (default out/cedn)
  --json           one JSON object per step on stdout and nothing else
  --help           this text
SIGINT (Ctrl-C), SIGTERM, SIGHUP and a closed pipe end the run after the step at hand; what was made is saved. The exit
code is then 130, 143, 129 or 141. A second signal ends it at once.`;

const deviceNames = ['auto', 'reference', 'wasm', 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'gpu:cpu', 'gpu:webasm'];

interface Options {
  readonly published: boolean;
  readonly device: string;
  readonly steps: number;
  readonly lr: number;
  readonly seed: number | undefined;
  readonly dropout: boolean;
  readonly out: string;
  readonly json: boolean;
}

/** Reads the flags; null for --help. */
function parse(args: string[]): Options | null {
  const values = readFlags(args, {
    published: { type: 'boolean' },
    device: { type: 'string' },
    steps: { type: 'string' },
    lr: { type: 'string' },
    seed: { type: 'string' },
    dropout: { type: 'boolean' },
    'no-dropout': { type: 'boolean' },
    out: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  });
  if (values.help) return null;
  const number = (name: string, fallback: number, legal: (v: number) => boolean, rule: string): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (text === '' || !legal(value)) throw new UsageError(`--${name} must be ${rule}; got '${text}'`);
    return value;
  };
  const published = values.published === true;
  const name = String(values.device ?? 'auto');
  if (!deviceNames.includes(name))
    throw new UsageError(`--device must be one of ${deviceNames.join(', ')}; got '${name}'`);
  if (values.dropout && values['no-dropout']) throw new UsageError('give --dropout or --no-dropout, not both');
  return {
    published,
    device: name,
    steps: countOf('steps', String(values.steps ?? (published ? 10 : 500))),
    lr: number('lr', published ? 1 : 3e-3, (v) => v > 0 && v < Infinity, 'a positive number'),
    seed:
      values.seed === undefined
        ? undefined
        : number('seed', 0, (v) => Number.isInteger(v) && v >= 0 && v < 2 ** 32, 'a whole number from 0 to 4294967295'),
    dropout: values['no-dropout'] !== true && (published || values.dropout === true),
    out: String(values.out ?? 'out/cedn'),
    json: values.json === true,
  };
}

async function openDevice(name: string): Promise<Device> {
  const [base, mode] = name.split(':');
  return device(base as DeviceName, mode === undefined ? {} : { mode: mode as 'cpu' });
}

/** Input, target and prediction of some samples side by side, above the loss curve. */
function draw(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  logits: ArrayLike<number>,
  losses: number[],
  title: string,
): Uint8Array {
  const shown = 6;
  const scale = 4;
  const cell = 20 * scale + 10;
  const picture = new Picture(70 + shown * cell, 40 + 3 * cell + 240);
  const part = (data: ArrayLike<number>, i: number, channels: number): Float32Array =>
    Float32Array.from({ length: 400 * channels }, (_, k) => data[i * 400 * channels + k]);
  const probability = Float32Array.from(logits, (v) => 1 / (1 + Math.exp(-v)));
  picture.text(10, 10, title);
  for (const [row, name] of ['input', 'target', 'output'].entries()) picture.text(10, 40 + row * cell + 36, name);
  for (let i = 0; i < shown; i++) {
    const left = 60 + i * cell;
    picture.image(left, 40, { data: part(x, i, 3), height: 20, width: 20, channels: 3, min: -1, max: 1 }, scale);
    picture.image(left, 40 + cell, { data: part(y, i, 1), height: 20, width: 20, channels: 1, min: 0, max: 1 }, scale);
    picture.image(
      left,
      40 + 2 * cell,
      { data: part(probability, i, 1), height: 20, width: 20, channels: 1, min: 0, max: 1 },
      scale,
    );
  }
  picture.lineChart(10, 45 + 3 * cell, 50 + shown * cell, 225, [{ values: losses }], {
    title: 'loss after each step',
    xLabel: 'step',
    yLabel: 'loss',
    log: true,
  });
  return picture.toPng();
}

/** Returns the exit code. */
async function train(options: Options): Promise<number> {
  prepareFolder(options.out);
  const stop = watchForStop('cedn');
  // With --json stdout carries steps only; with a picture of progress it is for people.
  const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  const on = await openDevice(options.device);
  setDefaultDevice(on);
  const data = cednData();
  const x = tensor(data.x, { shape: data.xShape });
  const y = tensor(data.y, { shape: data.yShape });
  const watch = new ReluWatch();
  const model = new Cedn(options.dropout ? 0.5 : 0, watch);
  if (options.published) model.initPublished(options.seed ?? 42);
  else model.initHe(options.seed ?? 42);
  manualSeed(options.seed ?? 7);
  const optimizer = new Adam(model.parameters(), { lr: options.lr, form: 'tf' });
  // The rate is constant for four fifths of the run and then decreases, so that the last steps
  // converge.
  const settling = Math.ceil(options.steps / 5);
  const schedule = options.published ? null : new CosineLR(optimizer, { total: settling, minFactor: 0.05 });
  say(
    `${options.published ? 'the script as published' : 'the run that learns'}: ${options.steps} steps, learning rate ${options.lr}, device ${on}`,
  );

  /** Loss without dropout, share of pixels right, and the logits. */
  const evaluate = async () => {
    model.eval();
    watch.enabled = true;
    const { logits, loss } = noGrad(() => {
      const logits = model.forward(x);
      return { logits, loss: bceWithLogits(logits, y, { reduction: 'sum' }) };
    });
    watch.enabled = false;
    model.train();
    const values = Float32Array.from(await logits.data());
    const right = values.reduce((n, v, i) => n + (v > 0 === data.y[i] > 0.5 ? 1 : 0), 0);
    const result = { loss: await loss.item(), accuracy: right / values.length, values };
    logits.release();
    loss.release();
    return result;
  };

  const progress =
    options.json || options.published ? null : new Progress(options.steps, { stream: process.stdout, label: 'cedn' });
  const losses: number[] = [];
  let last = await evaluate();
  if (options.published) say(`step 0   loss ${last.loss}`);
  const start = performance.now();
  try {
    for (let step = 1; step <= options.steps; step++) {
      const began = performance.now();
      optimizer.zeroGrad();
      const loss = bceWithLogits(model.forward(x), y, { reduction: 'sum' });
      loss.backward();
      optimizer.step();
      if (step > options.steps - settling) schedule?.step();
      const trained = await loss.item();
      const ms = performance.now() - began;
      last = await evaluate();
      if (!Number.isFinite(last.loss))
        throw new Error(`the loss is ${last.loss} after step ${step}: try a smaller --lr`);
      losses.push(last.loss);
      if (options.json)
        process.stdout.write(
          `${JSON.stringify({ step, loss: trained, lossAfter: last.loss, accuracy: last.accuracy, ms })}\n`,
        );
      else if (options.published) say(`step ${String(step).padEnd(3)} loss ${last.loss}`);
      progress?.update(step, {
        loss: last.loss,
        accuracy: last.accuracy,
        stepsPerSecond: (step * 1000) / (performance.now() - start),
      });
      if (stop.code !== null) break;
    }
  } finally {
    progress?.done();
  }

  const dead = await watch.dead();
  if (dead.length > 0)
    say(
      `warning: every ReLU of ${dead.join(' and ')} is dead: they put out nothing but zeros, so no gradient reaches what stands before them`,
    );
  const best = Math.min(...losses);
  if (!beatsConstantPredictor(best, data.y))
    say(
      `warning: the best loss, ${best.toFixed(1)}, is the constant predictor's (${constantPredictorLoss(data.y).toFixed(1)}): the model has learnt nothing of its input`,
    );

  const weights: Record<string, StoredTensor> = {};
  for (const [name, t] of Object.entries(model.stateDict()))
    weights[name] = { dtype: t.dtype, shape: [...t.shape], data: await t.data() };
  const title = `miniature CEDN, step ${losses.length}: loss ${last.loss.toFixed(1)}, ${(100 * last.accuracy).toFixed(2)} % of pixels right`;
  await writeFileAtomic(`${options.out}/cedn.png`, draw(data.x, data.y, last.values, losses, title));
  await writeFileAtomic(`${options.out}/cedn.safetensors`, encodeSafetensors(weights));
  say(title);
  say(`wrote ${options.out}/cedn.png and ${options.out}/cedn.safetensors`);
  await on.close();
  return stop.code ?? 0;
}

/** Runs the command line; returns the exit code. */
async function main(args: string[]): Promise<number> {
  try {
    const options = parse(args);
    if (options !== null) return await train(options);
    process.stdout.write(`${usage}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`cedn: ${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  process.exitCode = await main(process.argv.slice(2));
