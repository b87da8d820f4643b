/**
 * A callback that looks for what often goes wrong in training: ReLUs that give only zeros, and a
 * model that has learnt a constant. Not here: ReluWatch and functions for loops by hand
 * (diagnostics.ts), the search for the op that made a NaN.
 */
import { checkNumber, knownOptions, type OptionNames, shown } from '../arguments.js';
import { noGrad } from '../autograd/backward.js';
import { isTensor } from '../autograd/graph.js';
import { DataLoader } from '../data/loader.js';
import { ValueError } from '../errors.js';
import type { Tensor } from '../tensor/tensor.js';
import type { TypedArray } from '../values/dtype.js';
import { sameShape } from '../values/shape.js';
import { constantPredictorLoss } from './diagnostics.js';
import { probeRelus, type ReluActivity } from './relu-probe.js';
import { firstBatch } from './report/samples.js';
import { isConstant } from './report/signs.js';
import type { BatchTuple, Callback, EpochRecord, Run } from './run.js';

/** Options of `diagnostics`. */
export interface DiagnosticsOptions {
  /**
   * The batch to look at. Default: the first batch of the validation data, or of the training data
   * if there is none.
   */
  readonly batch?: readonly Tensor[];
  /** Epochs from one look to the next. Default 1. */
  readonly everyEpochs?: number;
}

const diagnosticsOptions: OptionNames<DiagnosticsOptions> = { batch: 'value', everyEpochs: 'value' };

/** A model must explain this share of the target's variance, or lower the loss by it. */
const leastGain = 0.01;
/** Part of a layer is reported from this share of dead channels on. */
const mostDead = 0.5;
/** A channel counts as dead only if it had so many chances. Sparse channels are usual. */
const leastValues = 100;

// ---- dead ReLUs

/** Something to warn of. Signs with the same key are reported once. */
interface Sign {
  readonly key: string;
  readonly message: string;
}

/** What is wrong with a ReLU, or undefined if nothing is. */
function signOfRelu({ name, channels, dead, values }: ReluActivity): Sign | undefined {
  if (dead === channels)
    return {
      key: `${name}: all`,
      message: `the ReLU in ${name} gives only zeros for a whole batch; lower the learning rate, or use LeakyReLU`,
    };
  if (dead / channels < mostDead || values < leastValues) return undefined;
  return { key: `${name}: some`, message: `${dead} of ${channels} channels of the ReLU in ${name} give only zeros` };
}

// ---- constant predictions

/** The mean and the mean square around it. */
function spreadOf(values: TypedArray): { mean: number; variance: number } {
  let mean = 0;
  for (const v of values) mean += v / values.length;
  let variance = 0;
  for (const v of values) variance += (v - mean) ** 2 / values.length;
  return { mean, variance };
}

/** The sum of sigmoid cross entropies of logits. */
function crossEntropyOf(logits: TypedArray, target: TypedArray): number {
  let sum = 0;
  for (const [i, x] of logits.entries())
    sum += Math.max(x, 0) - x * (target[i] ?? 0) + Math.log1p(Math.exp(-Math.abs(x)));
  return sum;
}

/**
 * Whether a prediction says as little about its target as one number does. It must then explain
 * less than 1 % of the target's variance, also after the best scaling and shift. If the targets are
 * in [0, 1], it must also fail as logits: their cross entropy is not 1 % below that of the best
 * constant. So neither a weighted loss nor a linear output is mistaken for a constant.
 */
function saysNothing(prediction: TypedArray, target: TypedArray): boolean {
  const wanted = spreadOf(target);
  if (!(wanted.variance > 0)) return false;
  const given = spreadOf(prediction);
  let covariance = 0;
  for (const [i, p] of prediction.entries())
    covariance += ((p - given.mean) * ((target[i] ?? 0) - wanted.mean)) / target.length;
  const explained = given.variance > 0 ? covariance ** 2 / (given.variance * wanted.variance) : 0;
  if (explained >= leastGain) return false;
  if (!target.every((t) => t >= 0 && t <= 1)) return true;
  return !(crossEntropyOf(prediction, target) < (1 - leastGain) * constantPredictorLoss(target));
}

/** The class that is the prediction of every row, although the targets differ. */
function onlyClass(logits: TypedArray, classes: number, target: TypedArray): number | undefined {
  const row = (i: number): number => {
    let best = 0;
    for (let k = 1; k < classes; k++)
      if ((logits[i * classes + k] as number) > (logits[i * classes + best] as number)) best = k;
    return best;
  };
  const first = row(0);
  for (let i = 1; i < target.length; i++) if (row(i) !== first) return undefined;
  return target.every((k) => k === target[0]) ? undefined : first;
}

/** What is wrong with a prediction, or undefined if nothing is. */
async function signOfPrediction(prediction: Tensor, target: Tensor): Promise<Sign | undefined> {
  const key = 'constant';
  const [given, wanted] = await Promise.all([prediction.data(), target.data()]);
  let bad = 0;
  for (const v of given) if (!Number.isFinite(v)) bad++;
  if (bad > 0) return { key: 'finite', message: `${bad} of ${given.length} predicted values are not finite` };
  if (sameShape(prediction.shape, target.shape)) {
    if (!saysNothing(given, wanted)) {
      const { shape } = target;
      const values = { inputs: { data: wanted, shape }, targets: undefined, outputs: { data: given, shape } };
      const message = 'the model gives nearly the same output for every sample of a batch';
      return isConstant({ ...values, count: shape[0] ?? 1 }) ? { key, message } : undefined;
    }
    const { variance } = spreadOf(wanted);
    let error = 0;
    for (const [i, p] of given.entries()) error += (p - (wanted[i] ?? 0)) ** 2 / wanted.length;
    const numbers = `squared error ${error.toPrecision(3)}, variance of the target ${variance.toPrecision(3)}`;
    return { key, message: `the model predicts no better than one number would: ${numbers}` };
  }
  const classes = prediction.shape.at(-1) ?? 1;
  if (target.dtype !== 'int32' || classes < 2 || !sameShape(prediction.shape.slice(0, -1), target.shape))
    return undefined;
  const only = onlyClass(given, classes, wanted);
  return only === undefined ? undefined : { key, message: `the model predicts class ${only} for a whole batch` };
}

// ---- the callback

/** What the callback remembers, in a checkpoint too. */
interface State {
  /** Keys of the signs that have been reported. */
  readonly reported: readonly string[];
  /** Whether the prediction looked constant at the last look. */
  readonly wasConstant: boolean;
}
const initial: State = { reported: [], wasConstant: false };

/** Copies of the tensors of the batch to look at, or undefined if none can be taken. */
async function sampleOf(run: Run, given: readonly Tensor[] | undefined): Promise<BatchTuple | undefined> {
  const source = run.validation ?? run.data;
  // Calling a function could draw from generators of the run.
  const batch = given ?? (typeof source === 'function' ? undefined : await firstBatch(source));
  if (batch === undefined) return undefined;
  const copies = noGrad(() => batch.map((t) => t.detach().clone())).map((t) => t.keep());
  if (given === undefined && source instanceof DataLoader) for (const t of batch) t.release();
  return copies;
}

/**
 * Looks at one batch after each epoch, and warns (run.warnings) of what often goes wrong:
 * - a ReLU whose outputs are all 0, or half of whose channels are, by the name of its layer. It
 *   sees ReLU layers, and calls of relu() in the forward of a module;
 * - a model that predicts no better than one number, or nearly the same for every sample, or the
 *   same class for everything, at two looks in a row or at the end of the run;
 * - predicted values or a validation loss that are not finite, and a training loss that is not,
 *   with its step and epoch. fit then ends by an error.
 *
 * Each sign is reported once. A look costs one forward pass in eval mode, without gradients, and
 * the reading of its result. It changes nothing in the run: a DataLoader is put back to its
 * position. Of data given as a function or a generator no batch can be taken; pass one as `batch`.
 * @throws ValueError for unknown options, a batch that is not an array of tensors, or everyEpochs
 * that is not whole and positive
 * @source Lu et al. 2019, "Dying ReLU and Initialization"
 */
export function diagnostics(options: DiagnosticsOptions = {}): Callback {
  const op = 'diagnostics';
  knownOptions(op, options, diagnosticsOptions);
  const { batch: given, everyEpochs = 1 } = options;
  if (given !== undefined && !(Array.isArray(given) && given.length > 0 && given.every(isTensor)))
    throw new ValueError(op, 'batch must be an array of tensors', `batch=${shown(given)}`, 'as in the data: [x, y]');
  checkNumber(op, 'everyEpochs', everyEpochs, (v) => Number.isSafeInteger(v) && v >= 1, 'whole and at least 1');
  let state = initial;
  let sample: BatchTuple | undefined;
  const report = (run: Run, { key, message }: Sign): void => {
    if (state.reported.includes(key)) return;
    state = { ...state, reported: [...state.reported, key] };
    run.warn(`after epoch ${run.epoch}, ${message}`);
  };
  const look = async (run: Run, batch: BatchTuple): Promise<void> => {
    let prediction: Tensor | undefined;
    const relus = await probeRelus(run.model, async () => {
      prediction = await run.predict(...batch);
    });
    for (const sign of relus.map(signOfRelu)) if (sign !== undefined) report(run, sign);
    if (prediction === undefined) return;
    const sign = await signOfPrediction(prediction, batch.at(-1) as Tensor);
    if (!batch.includes(prediction)) prediction.release();
    const isLast = run.epoch === run.epochs || run.stopReason !== undefined;
    const looksConstant = sign?.key === 'constant';
    // Many models begin as a constant and learn in the next epoch.
    if (sign !== undefined && (!looksConstant || state.wasConstant || isLast)) report(run, sign);
    state = { ...state, wasConstant: looksConstant };
  };
  const end = (): void => {
    for (const t of sample ?? []) t.unkeep().release();
    sample = undefined;
  };
  return {
    name: 'diagnostics',
    mainOnly: true,
    onTrainBegin: ({ step }) => {
      if (step === 0) state = initial;
    },
    onEpochEnd: async (run: Run, { epoch, valLoss }: EpochRecord) => {
      if (valLoss !== undefined && !Number.isFinite(valLoss))
        report(run, { key: 'validation', message: `the validation loss is ${valLoss}` });
      if (epoch % everyEpochs !== 0 && epoch !== run.epochs) return;
      sample ??= await sampleOf(run, given);
      const message = 'diagnostics have no batch to look at, because taking one would disturb the run; pass one';
      if (sample === undefined) report(run, { key: 'sample', message });
      else await look(run, sample);
    },
    onTrainEnd: end,
    onError: (run) => {
      const loss = run.losses.at(-1);
      if (loss !== undefined && !Number.isFinite(loss))
        run.warn(`the loss is ${loss} in step ${run.step} of epoch ${run.epoch}`);
      end();
    },
    stateDict: () => state,
    loadStateDict: (saved: State) => {
      state = saved;
    },
  };
}
