/** Checks of fit's options and callbacks. Not here: what they mean (run.ts). */
import { checkFunction, checkNumber, checkText, knownOptions, type OptionNames, shown } from '../arguments.js';
import { DataLoader } from '../data/loader.js';
import { ValueError } from '../errors.js';
import { checkModel } from '../io/weights.js';
import type { Module } from '../nn/module.js';
import { checkMetrics } from './evaluate.js';
import type { BatchTuple, Callback, FitOptions, TrainingGroup } from './run.js';

const op = 'fit';

const fitOptions: OptionNames<FitOptions<BatchTuple>> = {
  data: 'value',
  loss: 'value',
  optimizer: 'value',
  epochs: 'value',
  validation: 'value',
  predict: 'value',
  metrics: 'value',
  schedule: 'value',
  scheduleEvery: 'value',
  accumulate: 'value',
  clipNorm: 'value',
  clipValue: 'value',
  compile: 'flag',
  ema: 'value',
  callbacks: 'value',
  distributed: 'value',
  signal: 'value',
  resume: 'value',
  generators: 'value',
  config: 'value',
};

const methods = [
  ...(['onTrainBegin', 'onEpochBegin', 'onStepEnd', 'onEpochEnd', 'onTrainEnd', 'onError'] as const),
  ...(['stateDict', 'loadStateDict'] as const),
];
const callbackNames: OptionNames<Callback> = {
  name: 'value',
  runsLast: 'flag',
  mainOnly: 'flag',
  onTrainBegin: 'value',
  onEpochBegin: 'value',
  onStepEnd: 'value',
  onEpochEnd: 'value',
  onTrainEnd: 'value',
  onError: 'value',
  stateDict: 'value',
  loadStateDict: 'value',
};

function checkCallbacks(callbacks: readonly Callback[]): void {
  if (!Array.isArray(callbacks)) throw new ValueError(op, 'callbacks must be an array', shown(callbacks));
  const names = new Set<string>();
  for (const callback of callbacks) {
    knownOptions(`${op}: a callback`, callback, callbackNames);
    for (const name of methods) if (callback[name] !== undefined) checkFunction(op, name, callback[name]);
    if (callback.name !== undefined) checkText(op, "a callback's name", callback.name);
    if (callback.stateDict === undefined) continue;
    const { name } = callback;
    if (name === undefined || callback.loadStateDict === undefined)
      throw new ValueError(op, 'a callback with stateDict needs a name and loadStateDict', `name=${shown(name)}`);
    if (names.has(name))
      throw new ValueError(
        op,
        'callbacks with a state must have different names',
        `'${name}' twice`,
        'give them names',
      );
    names.add(name);
  }
}

function checkGroup(group: TrainingGroup, data: unknown): void {
  if (typeof group?.startSum !== 'function')
    throw new ValueError(
      op,
      'distributed must be a group of processes',
      `distributed=${shown(group)}`,
      'pass await distributed() of cedargrad/distributed',
    );
  if (group.size > 1 && data instanceof DataLoader && data.sampler === undefined)
    throw new ValueError(
      op,
      "of several processes' data, a loader must take a part",
      'a DataLoader without a sampler',
      'new DataLoader(dataset, { sampler: new DistributedSampler(group), … })',
    );
}

/** Throws for options of fit that cannot work, before anything runs. */
export function checkFitOptions<B extends BatchTuple>(model: Module, options: FitOptions<B>): void {
  checkModel(op, model);
  knownOptions(op, options, fitOptions as OptionNames<FitOptions<B>>);
  const { loss, optimizer, epochs, predict, metrics, validation, accumulate = 1, scheduleEvery = 'epoch' } = options;
  checkFunction(op, 'loss', loss);
  if (predict !== undefined) checkFunction(op, 'predict', predict);
  if (typeof optimizer?.step !== 'function' || typeof optimizer.zeroGrad !== 'function')
    throw new ValueError(
      op,
      'optimizer must be an optimizer',
      `optimizer=${shown(optimizer)}`,
      'new Adam(model.parameters())',
    );
  const whole = (v: number): boolean => Number.isSafeInteger(v) && v >= 1;
  checkNumber(op, 'epochs', epochs, whole, 'whole and at least 1');
  checkNumber(op, 'accumulate', accumulate, whole, 'whole and at least 1');
  for (const name of ['clipNorm', 'clipValue'] as const)
    if (options[name] !== undefined) checkNumber(op, name, options[name], (v) => v > 0, 'a positive number');
  if (metrics !== undefined) checkMetrics(op, metrics);
  if (metrics !== undefined && validation === undefined)
    throw new ValueError(
      op,
      'metrics are measured on validation data',
      'metrics without validation',
      'pass validation',
    );
  if (scheduleEvery !== 'epoch' && scheduleEvery !== 'step')
    throw new ValueError(op, "scheduleEvery must be 'epoch' or 'step'", `scheduleEvery=${shown(scheduleEvery)}`);
  if (options.schedule !== undefined && typeof options.schedule?.step !== 'function')
    throw new ValueError(op, 'schedule must be a schedule', `schedule=${shown(options.schedule)}`);
  if (options.schedule?.needsMetric === true && scheduleEvery === 'step')
    throw new ValueError(op, 'a schedule that follows a metric takes its steps after epochs', "scheduleEvery='step'");
  if (options.ema !== undefined && typeof options.ema?.update !== 'function')
    throw new ValueError(op, 'ema must be an ExponentialMovingAverage', `ema=${shown(options.ema)}`);
  if (options.signal !== undefined && typeof options.signal?.aborted !== 'boolean')
    throw new ValueError(op, 'signal must be an AbortSignal', `signal=${shown(options.signal)}`);
  if (options.distributed !== undefined) checkGroup(options.distributed, options.data);
  if (options.callbacks !== undefined) checkCallbacks(options.callbacks);
}
