/**
 * The command line of the miniature CEDN, and what its two runs share: the data, the lines about
 * the steps, and the files at the end. Not here: the runs (cedn.ts, cedn-published.ts).
 */
import { bceWithLogits, type Device, type DeviceName, device, noGrad, sigmoid, type Tensor, tensor } from 'cedargrad';
import { cednData } from 'cedargrad/data';
import { saveWeights, writeFileAtomic } from 'cedargrad/io';
import {
  beatsConstantPredictor,
  type Callback,
  constantPredictorLoss,
  evaluate,
  PixelAccuracy,
  Progress,
  type ReluWatch,
  type RunResult,
} from 'cedargrad/train';
import type { Cedn } from './cedn-model.js';
import { aboutSignals, countOf, deviceOf, numberOf, type readFlags, UsageError } from './command.js';
import { drawRows } from './pictures.js';

export const usage = `Trains the miniature CEDN.
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
${aboutSignals}`;

export const flags = {
  published: { type: 'boolean' },
  device: { type: 'string' },
  steps: { type: 'string' },
  lr: { type: 'string' },
  seed: { type: 'string' },
  dropout: { type: 'boolean' },
  'no-dropout': { type: 'boolean' },
  out: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const deviceNames = ['auto', 'reference', 'wasm', 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'gpu:cpu', 'gpu:webasm'];

/** What the command line says. */
export interface Options {
  readonly published: boolean;
  readonly device: string;
  readonly steps: number;
  readonly lr: number;
  readonly seed: number | undefined;
  /** The share of values that dropout sets to 0. */
  readonly dropout: number;
  readonly out: string;
  readonly json: boolean;
}

/** Checks the values of the flags. */
export function optionsOf(values: ReturnType<typeof readFlags>): Options {
  const published = values.published === true;
  if (values.dropout && values['no-dropout']) throw new UsageError('give --dropout or --no-dropout, not both');
  const isSeed = (v: number): boolean => Number.isInteger(v) && v >= 0 && v < 2 ** 32;
  const seed = numberOf(values, 'seed', 0, isSeed, 'a whole number from 0 to 4294967295');
  return {
    published,
    device: deviceOf(String(values.device ?? 'auto'), deviceNames),
    steps: countOf('steps', String(values.steps ?? (published ? 10 : 500))),
    lr: numberOf(values, 'lr', published ? 1 : 3e-3, (v) => v > 0 && v < Infinity, 'a positive number'),
    seed: values.seed === undefined ? undefined : seed,
    dropout: values['no-dropout'] !== true && (published || values.dropout === true) ? 0.5 : 0,
    out: String(values.out ?? 'out/cedn'),
    json: values.json === true,
  };
}

/** Opens a device such as wasm or gpu:cpu. */
export async function openDevice(name: string): Promise<Device> {
  const [base, mode] = name.split(':');
  return device(base as DeviceName, mode === undefined ? {} : { mode: mode as 'cpu' });
}

/** Writes a line for people. With --json, stdout carries steps only. */
export function say({ json }: Options, line: string): void {
  (json ? process.stderr : process.stdout).write(`${line}\n`);
}

/** Twelve images and their masks. They are one batch, so that an epoch is a step. */
export function readBatch(): [x: Tensor, y: Tensor] {
  const { x, y, xShape, yShape } = cednData();
  return [tensor(x, { shape: xShape }), tensor(y, { shape: yShape })];
}

/** The loss is a sum over all pixels, as in the published script. */
export const lossOf = (model: Cedn) => (x: Tensor, y: Tensor) =>
  bceWithLogits(model.forward(x), y, { reduction: 'sum' });

export const metrics = { accuracy: new PixelAccuracy({ logits: true }) };

/** Shows each step: as JSON with --json, as a line of the published run, or in a bar. */
export function showSteps({ json, published, steps }: Options): Callback {
  const bar = json || published ? undefined : new Progress(steps, { stream: process.stdout, label: 'cedn' });
  let began = 0;
  let trained = { loss: Number.NaN, ms: 0 };
  const end = (): void => bar?.done();
  return {
    onEpochBegin: () => {
      began = performance.now();
    },
    onStepEnd: (_run, loss) => {
      trained = { loss, ms: performance.now() - began };
    },
    onEpochEnd: (_run, { step, valLoss = Number.NaN, metrics: { accuracy } }) => {
      if (!Number.isFinite(valLoss)) throw new Error(`the loss is ${valLoss} after step ${step}: try a smaller --lr`);
      const { loss, ms } = trained;
      if (json) process.stdout.write(`${JSON.stringify({ step, loss, lossAfter: valLoss, accuracy, ms })}\n`);
      else if (published) process.stdout.write(`step ${String(step).padEnd(3)} loss ${valLoss}\n`);
      else bar?.update(step, { loss: valLoss, accuracy });
    },
    onTrainEnd: end,
    onError: end,
  };
}

/** Warns of what went wrong, and saves the picture and the weights. */
export async function finish(
  { history, step }: RunResult,
  model: Cedn,
  watch: ReluWatch,
  [x, y]: [Tensor, Tensor],
  options: Options,
): Promise<void> {
  watch.enabled = true;
  const {
    loss = Number.NaN,
    metrics: { accuracy },
  } = await evaluate(model, { data: [[x, y]], loss: lossOf(model), metrics });
  watch.enabled = false;
  const dead = await watch.dead();
  if (dead.length > 0)
    say(
      options,
      `warning: every ReLU of ${dead.join(' and ')} is dead: they put out nothing but zeros, so no gradient reaches what stands before them`,
    );
  const losses = history.map(({ valLoss = Number.NaN }) => valLoss);
  const best = Math.min(...losses);
  const targets = await y.data();
  if (!beatsConstantPredictor(best, targets))
    say(
      options,
      `warning: the best loss, ${best.toFixed(1)}, is the constant predictor's (${constantPredictorLoss(targets).toFixed(1)}): the model has learnt nothing of its input`,
    );

  const title = `miniature CEDN, step ${step}: loss ${loss.toFixed(1)}, ${(100 * accuracy).toFixed(2)} % of pixels right`;
  model.eval();
  const output = noGrad(() => sigmoid(model.forward(x)));
  const shown = (images: Tensor): Tensor => images.slice([0, 6]);
  const rows = [
    { caption: 'input', images: shown(x.add(1).div(2)) },
    { caption: 'target', images: shown(y) },
    { caption: 'output', images: shown(output) },
  ];
  await writeFileAtomic(`${options.out}/cedn.png`, await drawRows(title, rows, 4, losses));
  await saveWeights(model, `${options.out}/cedn.safetensors`);
  say(options, title);
  say(options, `wrote ${options.out}/cedn.png and ${options.out}/cedn.safetensors`);
}
