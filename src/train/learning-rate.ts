/**
 * The learning-rate range test: a short run in which the rate rises, and the rate at which the loss
 * falls fastest. Not here: schedules (src/optim/schedule.ts).
 */
import {
  checkFunction,
  checkIsNumber,
  checkNumber,
  checkNumbers,
  knownOptions,
  type OptionNames,
  shown,
} from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { DataLoader } from '../data/loader.js';
import { ShapeError, ValueError } from '../errors.js';
import { Picture, type Series } from '../io/picture.js';
import { checkModel } from '../io/weights.js';
import type { Module } from '../nn/module.js';
import type { Tensor } from '../tensor/tensor.js';
import { getRngState, setRngState } from '../values/random.js';
import {
  type AnyOptimizer,
  checkParts,
  generatorsOf,
  type Stateful,
  type StatefulGenerator,
} from './checkpoint-file.js';
import { batchesOf, checkBatch, checkLoss } from './evaluate.js';
import type { BatchSource, BatchTuple } from './run.js';

/** Options of findLearningRate. */
export interface FindLearningRateOptions<B extends BatchTuple> {
  /** Batches. If there are fewer than steps, they are iterated again. */
  readonly data: BatchSource<B>;
  /** The loss of a batch, as in training. */
  readonly loss: NoInfer<(...batch: B) => Tensor>;
  readonly optimizer: AnyOptimizer;
  /** The first rate. Default 1e-7. */
  readonly from?: number;
  /** The last rate. Default 10. */
  readonly to?: number;
  /** The number of rates, in [2, 10000]. Default 100. */
  readonly steps?: number;
  /**
   * Weight of the earlier losses in the smoothed loss, in [0, 1). The smoothed loss lags behind by
   * smoothing/(1 − smoothing) steps. Default 0.8.
   */
  readonly smoothing?: number;
  /** Generators that `loss` draws from, by name. They are restored afterwards. */
  readonly generators?: Readonly<Record<string, StatefulGenerator>>;
}

/** What findLearningRate found. */
export interface FoundLearningRate {
  /** The rates tried, ascending. */
  readonly rates: readonly number[];
  /** The loss at each rate, before its step. All are finite. */
  readonly losses: readonly number[];
  /** The losses smoothed, with which the search stops and suggests. */
  readonly smoothed: readonly number[];
  /** The rate at which the smoothed loss falls fastest. Undefined if it falls nowhere. */
  readonly suggestion: number | undefined;
}

const optionNames: OptionNames<FindLearningRateOptions<BatchTuple>> = {
  data: 'value',
  loss: 'value',
  optimizer: 'value',
  from: 'value',
  to: 'value',
  steps: 'value',
  smoothing: 'value',
  generators: 'value',
};

const foundNames: OptionNames<FoundLearningRate> = {
  rates: 'value',
  losses: 'value',
  smoothed: 'value',
  suggestion: 'value',
};

// ---- the state that a search must not change

const isStateful = (value: object): value is Stateful => 'stateDict' in value && 'loadStateDict' in value;

/**
 * Saves everything that a search changes, and returns a function that restores it: parameters,
 * their gradients, buffers, modes, the optimizer, generators and the position in the data.
 */
function save<B extends BatchTuple>(model: Module, options: FindLearningRateOptions<B>): () => void {
  const { optimizer, data } = options;
  const trained = optimizer.paramGroups.flatMap(({ params }) => params);
  const tensors = [...new Set([...model.parameters(), ...model.buffers(), ...trained])];
  const copies = noGrad(() => tensors.map((t) => t.detach().clone())).map((t) => t.keep());
  const grads = tensors.map(({ grad }) => grad);
  const modules = model.namedModules().map(([, module]) => module);
  const modes = modules.map(({ training }) => training);
  const generators = Object.values(generatorsOf({ model, generators: options.generators ?? {} }));
  const states = generators.map((generator) => generator.getState());
  const common = getRngState();
  const position = isStateful(data) ? data.stateDict() : undefined;
  const { groups, state } = optimizer.stateDict();
  const moments = Object.fromEntries(
    Object.entries(state).map(([number, own]) => {
      const copied = Object.entries(own.tensors).map(([name, t]) => [name, noGrad(() => t.clone()).keep()] as const);
      return [number, { step: own.step, tensors: Object.fromEntries(copied) }];
    }),
  );
  for (const t of tensors) t.grad = null;
  return () => {
    noGrad(() => {
      tensors.forEach((t, i) => {
        t.assign(copies[i] as Tensor);
      });
    });
    tensors.forEach((t, i) => {
      t.clearGrad();
      t.grad = grads[i] ?? null;
    });
    modules.forEach((module, i) => {
      module.training = modes[i] as boolean;
    });
    optimizer.loadStateDict({ groups, state: moments } as never);
    generators.forEach((generator, i) => {
      generator.setState(states[i] as never);
    });
    setRngState(common);
    if (isStateful(data)) data.loadStateDict(position as never);
    for (const t of [...copies, ...Object.values(moments).flatMap(({ tensors: own }) => Object.values(own))])
      t.unkeep().release();
  };
}

// ---- the search

/** The batches of a source, epoch after epoch. */
async function* endless<B extends BatchTuple>(op: string, data: BatchSource<B>): AsyncGenerator<B> {
  for (let epoch = 1; ; epoch++) {
    const source = batchesOf(op, 'data', data, epoch);
    let count = 0;
    try {
      for (let next = await source.next(); next.done !== true; next = await source.next()) {
        checkBatch(op, 'data', next.value);
        count++;
        yield next.value;
      }
    } finally {
      await source.return?.();
    }
    if (count === 0)
      throw new ValueError(
        op,
        'data must have batches in every epoch',
        `none in epoch ${epoch}`,
        'pass an array, a loader or a function, not an iterator that ended',
      );
  }
}

/**
 * The rate at which the smoothed loss falls fastest, by central differences, before it is lowest.
 * After a peak of divergence it may fall faster still.
 */
function steepest(rates: readonly number[], smoothed: readonly number[]): number | undefined {
  // The first tenth is left out: the average over few losses is noisy there.
  const first = Math.max(1, Math.floor(rates.length / 10));
  const lowest = smoothed.indexOf(Math.min(...smoothed));
  let least = 0;
  let suggestion: number | undefined;
  for (let i = first; i < Math.min(lowest + 1, rates.length - 1); i++) {
    const slope = (smoothed[i + 1] as number) - (smoothed[i - 1] as number);
    if (slope >= least) continue;
    least = slope;
    suggestion = rates[i];
  }
  return suggestion;
}

function checkOptions<B extends BatchTuple>(op: string, model: Module, options: FindLearningRateOptions<B>): void {
  knownOptions(op, options, optionNames as OptionNames<FindLearningRateOptions<B>>);
  const { data, loss, optimizer, generators, from = 1e-7, to = 10, steps = 100, smoothing = 0.8 } = options;
  if (typeof data !== 'function' && (typeof data !== 'object' || data === null))
    throw new ValueError(op, 'data must give batches', `data=${shown(data)}`, 'pass a loader or an array of batches');
  checkFunction(op, 'loss', loss);
  checkParts(op, { model, optimizer, ...(generators !== undefined && { generators }) });
  if (!Array.isArray(optimizer?.paramGroups) || typeof optimizer.step !== 'function')
    throw new ValueError(op, 'optimizer must be an optimizer', `optimizer=${shown(optimizer)}`);
  checkNumber(op, 'from', from, (v) => v > 0 && v < Infinity, 'finite and positive');
  checkNumber(op, 'to', to, (v) => v > from && v < Infinity, `finite and greater than from=${from}`);
  checkNumber(op, 'steps', steps, (v) => Number.isInteger(v) && v >= 2 && v <= 10000, 'whole and in [2, 10000]');
  checkNumber(op, 'smoothing', smoothing, (v) => v >= 0 && v < 1, 'in [0, 1)');
}

/** One step of training. Returns its loss, which is not read yet. */
function trainOn<B extends BatchTuple>(op: string, batch: B, options: FindLearningRateOptions<B>): Tensor {
  const { loss: lossOf, optimizer } = options;
  const loss = lossOf(...batch);
  checkLoss(op, loss);
  optimizer.zeroGrad();
  loss.backward();
  optimizer.step();
  return loss;
}

/**
 * Finds a learning rate: trains for a few steps in training mode, while the rate of all groups
 * rises geometrically, and suggests the rate at which the loss falls fastest. The losses are
 * smoothed by an exponential average with bias correction. Its slope over the logarithm of the rate
 * is taken by central differences, from the first tenth of the steps up to the lowest smoothed
 * loss, and the suggestion is the rate of the least slope. Take it as the order of magnitude, and
 * look at the curve (learningRatePicture). The search ends early when a loss is not finite, or when
 * the smoothed loss is above its least value by more than three times that value, as it is after
 * divergence.
 *
 * Afterwards everything is as before, bit for bit, also after an error: parameters, gradients,
 * buffers, modes, the optimizer's state and options, the default generator, generators in public
 * fields of modules and those that are given, and the position of a loader. Other generators move
 * on.
 * @units rates: learning rates
 * @throws ValueError for options out of range, data without batches, a loss that is not one number,
 * or a first loss that is not finite; whatever data and loss throw
 * @source Smith 2017, "Cyclical Learning Rates for Training Neural Networks"; fastai's lr_find
 */
export async function findLearningRate<B extends BatchTuple>(
  model: Module,
  options: FindLearningRateOptions<B>,
): Promise<FoundLearningRate> {
  const op = 'findLearningRate';
  checkModel(op, model);
  checkOptions(op, model, options);
  const { data, optimizer, from = 1e-7, to = 10, steps = 100, smoothing = 0.8 } = options;
  const rates: number[] = [];
  const losses: number[] = [];
  const smoothed: number[] = [];
  const restore = save(model, options);
  try {
    model.train();
    let average = 0;
    let best = Infinity;
    for await (const batch of endless(op, data)) {
      const i = rates.length;
      const rate = from * (to / from) ** (i / (steps - 1));
      for (const group of optimizer.paramGroups) group.lr = rate;
      const loss = await trainOn(op, batch, options).item();
      if (data instanceof DataLoader) for (const t of batch) t.release();
      if (!Number.isFinite(loss)) {
        if (i > 0) break;
        throw new ValueError(op, 'the first loss must be finite', String(loss), 'look at the data and the loss first');
      }
      average = smoothing * average + (1 - smoothing) * loss;
      const now = average / (1 - smoothing ** (i + 1));
      rates.push(rate);
      losses.push(loss);
      smoothed.push(now);
      best = Math.min(best, now);
      if (rates.length === steps || now > best + 3 * Math.abs(best)) break;
    }
  } finally {
    restore();
  }
  return { rates, losses, smoothed, suggestion: steepest(rates, smoothed) };
}

/** Options of learningRatePicture. @units pixels */
export interface LearningRatePictureOptions {
  /** Default 640. */
  readonly width?: number;
  /** Default 400. */
  readonly height?: number;
}

/**
 * A chart of what findLearningRate found: the losses over the decimal logarithm of the rate, and
 * the suggestion as a vertical line. Losses far above the first one are left out.
 * @throws ValueError or ShapeError for something else than findLearningRate's result, or sizes out
 * of range
 * @source fastai's lr_find
 */
export function learningRatePicture(found: FoundLearningRate, options: LearningRatePictureOptions = {}): Picture {
  const op = 'learningRatePicture';
  knownOptions(op, found, foundNames);
  const { rates, losses, smoothed, suggestion } = found;
  for (const [name, list] of Object.entries({ rates, losses, smoothed })) {
    checkNumbers(op, name, list);
    if (list.length !== rates.length)
      throw new ShapeError(
        op,
        'there must be as many losses as rates',
        `${rates.length} rates, ${list.length} ${name}`,
      );
  }
  if (suggestion !== undefined) checkIsNumber(op, 'suggestion', suggestion);
  knownOptions(op, options, { width: 'value', height: 'value' });
  const { width = 640, height = 400 } = options;
  for (const [name, value] of Object.entries({ width, height }))
    checkNumber(op, name, value, (v) => Number.isInteger(v) && v >= 100 && v <= 4096, 'whole and in [100, 4096]');
  const x = Array.from(rates, Math.log10);
  const [start = 0] = smoothed;
  const lowest = Math.min(...smoothed);
  // A diverged loss is so high that nothing else of the curve could be seen.
  const highest = start > lowest ? start + (start - lowest) / 2 : Infinity;
  const shownOf = (values: readonly number[]): number[] => Array.from(values, (v) => (v > highest ? Number.NaN : v));
  const series: Series[] = [
    { values: shownOf(losses), x, label: 'loss' },
    { values: shownOf(smoothed), x, label: 'smoothed' },
  ];
  if (suggestion !== undefined) {
    const at = Math.log10(suggestion);
    series.push({ values: [lowest, start], x: [at, at], label: `rate ${suggestion.toPrecision(2)}` });
  }
  return new Picture(width, height).lineChart(0, 0, width, height, series, {
    xLabel: 'decimal logarithm of the learning rate',
    yLabel: 'loss',
  });
}
