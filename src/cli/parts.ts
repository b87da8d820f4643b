/**
 * What the keys of a configuration make: the model, the optimizer, the schedule, the loss and the
 * metrics. Not here: data (images.ts, dataset.ts).
 */
import { bceWithLogits, l1, mse } from '../autograd/ops/loss.js';
import { ConvAutoencoder } from '../models/autoencoder.js';
import {
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  CosineLR,
  CosineWarmRestarts,
  CyclicLR,
  ExponentialLR,
  MultiStepLR,
  NAdam,
  OneCycleLR,
  PolynomialLR,
  RAdam,
  ReduceLROnPlateau,
  RMSprop,
  type Schedule,
  SGD,
  StepLR,
  WarmupLR,
} from '../optim/index.js';
import { zeros } from '../tensor/create.js';
import { Parameter, type Tensor } from '../tensor/tensor.js';
import { type AnyOptimizer, type MetricFunction, psnr, type ScheduleLike, ssim, ssimLoss } from '../train/index.js';
import type { GivenConfig, NamedConfig, RunConfig } from './config.js';
import { UsageError } from './errors.js';
import { made, oneOf, positive } from './schema.js';

/** The side of SSIM's window in its paper. Smaller images have no SSIM. */
const ssimWindow = 11;

export const makeModel = ({ data, model }: Pick<RunConfig, 'data' | 'model'>): ConvAutoencoder =>
  new ConvAutoencoder({ size: data.size, channels: data.channels, outChannels: data.targetChannels, ...model });

// biome-ignore lint/suspicious/noExplicitAny: the classes check their options themselves
type Make<P> = (first: P, options: any) => unknown;

const optimizers: Readonly<Record<string, Make<Parameter[]>>> = {
  adam: (params, options) => new Adam(params, options),
  adamw: (params, options) => new AdamW(params, options),
  adagrad: (params, options) => new Adagrad(params, options),
  adamax: (params, options) => new Adamax(params, options),
  nadam: (params, options) => new NAdam(params, options),
  radam: (params, options) => new RAdam(params, options),
  rmsprop: (params, options) => new RMSprop(params, options),
  sgd: (params, options) => new SGD(params, options),
};

export function makeOptimizer(
  { name, ...options }: NamedConfig,
  params: Parameter[],
  place = 'config.optimizer',
): AnyOptimizer {
  const make = optimizers[oneOf(...Object.keys(optimizers))(`${place}.name`, name)] as Make<Parameter[]>;
  if (options.lr !== undefined) positive(`${place}.lr`, options.lr);
  return made(place, () => make(params, options)) as AnyOptimizer;
}

const schedules: Readonly<Record<string, Make<AnyOptimizer>>> = {
  step: (optimizer, options) => new StepLR(optimizer, options),
  multiStep: (optimizer, options) => new MultiStepLR(optimizer, options),
  exponential: (optimizer, options) => new ExponentialLR(optimizer, options),
  cosine: (optimizer, options) => new CosineLR(optimizer, options),
  warmRestarts: (optimizer, options) => new CosineWarmRestarts(optimizer, options),
  polynomial: (optimizer, options) => new PolynomialLR(optimizer, options),
  oneCycle: (optimizer, options) => new OneCycleLR(optimizer as never, options),
  cyclic: (optimizer, options) => new CyclicLR(optimizer as never, options),
  plateau: (optimizer, options) => new ReduceLROnPlateau(optimizer, options),
  warmup: (optimizer, options) => new WarmupLR(optimizer, options),
};
/** Schedules that end with the run if they are not told when. */
const withTotal = ['cosine', 'polynomial', 'oneCycle'];

/** Whether a schedule takes a step for each step of the optimizer or for each epoch. */
export const perOf = ({ name, per }: NamedConfig, place = 'config.schedule'): 'epoch' | 'step' =>
  oneOf('epoch', 'step')(`${place}.per`, per ?? (name === 'oneCycle' || name === 'cyclic' ? 'step' : 'epoch'));

/**
 * The schedule as it is written into the run: it says when it takes a step, and when it ends.
 * `total` is the number of epochs or steps of the run.
 */
export function wholeSchedule(given: NamedConfig, epochs: number, stepsPerEpoch: number): NamedConfig {
  const per = perOf(given);
  const total = per === 'step' ? epochs * stepsPerEpoch : epochs;
  const end = (part: NamedConfig, left: number): NamedConfig => {
    const { after, steps } = part as { after?: unknown; steps?: unknown };
    const isSchedule = typeof after === 'object' && after !== null;
    return {
      ...part,
      ...(withTotal.includes(part.name) && part.total === undefined && { total: Math.max(left, 1) }),
      ...(isSchedule && { after: end(after as NamedConfig, left - (typeof steps === 'number' ? steps : 0)) }),
    };
  };
  return { ...end(given, total), per };
}

export function makeSchedule(given: NamedConfig, optimizer: AnyOptimizer, place = 'config.schedule'): ScheduleLike {
  const { name, per: _, after, ...options } = given;
  const make = schedules[oneOf(...Object.keys(schedules))(`${place}.name`, name)] as Make<AnyOptimizer>;
  if (after === undefined) return made(place, () => make(optimizer, options)) as ScheduleLike;
  if (typeof after !== 'object' || after === null)
    throw new UsageError(`${place}.after must be a schedule, such as { "name": "cosine" }`);
  const inner = makeSchedule(after as NamedConfig, optimizer, `${place}.after`);
  return made(place, () => make(optimizer, { ...options, after: inner as Schedule })) as ScheduleLike;
}

/** Checks options that only their classes know, before any image is read. @throws UsageError */
export function checkParts({ optimizer, schedule }: GivenConfig): void {
  const trial = makeOptimizer({ name: 'adam', ...optimizer }, [new Parameter(zeros([1]))]);
  if (schedule !== undefined && schedule !== null) makeSchedule(wholeSchedule(schedule, 1, 1), trial);
}

/** The loss of a batch [images] or [inputs, targets]. */
export function lossOf({ loss }: RunConfig, model: ConvAutoencoder): (...batch: Tensor[]) => Tensor {
  const of = {
    mse: (x: Tensor, y: Tensor) => mse(model.forward(x), y),
    l1: (x: Tensor, y: Tensor) => l1(model.forward(x), y),
    bce: (x: Tensor, y: Tensor) => bceWithLogits(model.logits(x), y),
    ssim: (x: Tensor, y: Tensor) => ssimLoss(model.forward(x), y),
  }[loss];
  return (...batch) => of(batch[0] as Tensor, batch.at(-1) as Tensor);
}

/** Whether images are large enough for SSIM. */
export const hasSsim = ({ data }: Pick<RunConfig, 'data'>): boolean => Math.min(...data.size) >= ssimWindow;

/** What is measured beside the loss. */
export const metricsOf = (config: RunConfig): Record<string, MetricFunction> => ({
  psnr: (prediction, target) => psnr(prediction, target),
  ...(hasSsim(config) && { ssim: (prediction: Tensor, target: Tensor) => ssim(prediction, target) }),
});
