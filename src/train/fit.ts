/**
 * The training loop. It does what a loop by hand does, with the same parts: it takes batches, calls
 * a compiled step, validates, and calls its callbacks. Not here: the options (run.ts), callbacks
 * (callbacks.ts), the pass over validation data (evaluate.ts), checkpoints (checkpoint-file.ts).
 */
import { noGrad } from '../autograd/backward.js';
import { type CompiledStep, compile } from '../autograd/compile.js';
import { DataLoader } from '../data/loader.js';
import { ValueError } from '../errors.js';
import type { Module } from '../nn/module.js';
import { clipGradNorm, clipGradValue } from '../optim/clip.js';
import type { Tensor } from '../tensor/tensor.js';
import { type CheckpointParts, checkParts, encodeCheckpoint, isStateful, loadParts } from './checkpoint-file.js';
import { batchesOf, checkBatch, checkLoss, inMode, lengthOf, measure, outputOf } from './evaluate.js';
import { checkFitOptions } from './fit-options.js';
import type { BatchTuple, Callback, EpochRecord, FitOptions, Run, RunResult, SavedRun } from './run.js';
import { Together } from './together.js';

const op = 'fit';

/** A run of fit. */
class Training<B extends BatchTuple> implements Run {
  readonly history: EpochRecord[] = [];
  readonly losses: number[] = [];
  readonly warnings: string[] = [];
  epoch = 1;
  step = 0;
  stopReason: string | undefined;
  readonly #parts: CheckpointParts;
  readonly #together: Together;
  /** Why a callback or the signal wants to stop. Of several processes, all stop together. */
  #wish: string | undefined;
  readonly #callbacks: readonly Callback[];
  readonly #predict: (...batch: B) => Tensor;
  readonly #takeStep: (...tensors: Tensor[]) => Tensor[];
  /** Whether the batches are made for this run alone, so that it can release them. */
  readonly #ownsBatches: boolean;
  /** Tensors in a batch. */
  #width = 1;
  /** Whether the present epoch is over. */
  #ended = false;
  /** Batches of the present epoch so far, the sum of their losses, and their samples. */
  #batch = 0;
  #lossSum = 0;
  #samples = 0;

  constructor(
    readonly model: Module,
    readonly options: FitOptions<B>,
  ) {
    const { optimizer, schedule, data, ema, generators, callbacks = [] } = options;
    this.#parts = {
      model,
      optimizer,
      ...(schedule !== undefined && { schedule }),
      ...(isStateful(data) && { data }),
      ...(ema !== undefined && { ema }),
      ...(generators !== undefined && { generators }),
    };
    checkParts(op, this.#parts);
    this.#together = new Together(options.distributed, optimizer);
    const mine = callbacks.filter((c) => this.#together.isMain || c.mainOnly !== true);
    this.#callbacks = [...mine.filter((c) => c.runsLast !== true), ...mine.filter((c) => c.runsLast === true)];
    this.#predict = options.predict ?? outputOf(op, model);
    this.#ownsBatches = data instanceof DataLoader;
    const step = this.#update.bind(this);
    this.#takeStep = options.compile === false ? step : compile(step);
  }

  get optimizer() {
    return this.options.optimizer;
  }
  get epochs(): number {
    return this.options.epochs;
  }
  get data() {
    return this.options.data as Run['data'];
  }
  get validation() {
    return this.options.validation as Run['validation'];
  }
  get config(): unknown {
    return this.options.config;
  }
  get stepsPerEpoch(): number | undefined {
    const batches = lengthOf(this.options.data);
    return batches === undefined ? undefined : Math.ceil(batches / (this.options.accumulate ?? 1));
  }

  warn(message: string): void {
    if (!this.warnings.includes(message)) this.warnings.push(message);
  }
  stop(reason: string): void {
    this.#wish ??= reason;
    if (this.#together.group === undefined) this.stopReason ??= reason;
  }
  #stopIf(agreed: boolean): void {
    if (agreed) this.stopReason ??= this.#wish ?? 'another process stopped';
  }
  async withAverages<R>(fn: () => R | Promise<R>): Promise<R> {
    return this.options.ema === undefined ? fn() : this.options.ema.apply(fn);
  }
  async predict(...batch: BatchTuple): Promise<Tensor> {
    const predict = (): Tensor => noGrad(() => this.#predict(...(batch as unknown as B)));
    return this.withAverages(() => inMode(this.model, false, predict));
  }

  // ---- checkpoints

  async checkpoint(): Promise<Uint8Array<ArrayBuffer>> {
    const { validation } = this.options;
    const states = this.#callbacks.flatMap((callback): [string, unknown][] =>
      callback.name === undefined || callback.stateDict === undefined ? [] : [[callback.name, callback.stateDict()]],
    );
    const saved: SavedRun = {
      // After an epoch, the run goes on with the next one.
      epoch: this.#ended ? this.epoch + 1 : this.epoch,
      batch: this.#batch,
      step: this.step,
      lossSum: this.#lossSum,
      samples: this.#samples,
      history: this.history,
      losses: Float64Array.from(this.losses),
      warnings: this.warnings,
      validation: isStateful(validation) ? validation.stateDict() : null,
      callbacks: Object.fromEntries(states),
    };
    return encodeCheckpoint(this.#parts, saved);
  }

  /** Takes the state of a checkpoint, if there is one, and that of rank 0 on the other ranks. */
  async begin(): Promise<void> {
    const { resume, epochs, accumulate = 1, clipNorm, clipValue, scheduleEvery } = this.options;
    this.#together.checkSame(this.model, this.optimizer, () => {
      const { stepsPerEpoch } = this;
      return { epochs, accumulate, clipNorm, clipValue, scheduleEvery, stepsPerEpoch };
    });
    if (resume !== undefined && this.#together.isMain) await this.resume(resume);
    const state = await this.#together.state(() => this.checkpoint());
    if (state !== undefined) await this.resume(state);
  }

  async resume(source: string | URL | Uint8Array): Promise<void> {
    const saved = (await loadParts(op, source, this.#parts)) as SavedRun | null;
    if (typeof saved?.step !== 'number' || saved.callbacks === undefined)
      throw new ValueError(
        op,
        'resume must be a checkpoint that fit wrote',
        'one without its state',
        'use loadCheckpoint',
      );
    // Between two epochs, the epoch before is shown until the next one begins.
    this.#ended = saved.epoch > 1 && saved.batch === 0;
    this.epoch = this.#ended ? saved.epoch - 1 : saved.epoch;
    this.step = saved.step;
    this.#batch = saved.batch;
    this.#lossSum = saved.lossSum;
    this.#samples = saved.samples;
    this.history.push(...saved.history);
    for (const loss of saved.losses) this.losses.push(loss);
    this.warnings.push(...saved.warnings);
    const { validation } = this.options;
    if (isStateful(validation) && saved.validation !== null) validation.loadStateDict(saved.validation as never);
    for (const callback of this.#callbacks)
      if (callback.name !== undefined && Object.hasOwn(saved.callbacks, callback.name))
        callback.loadStateDict?.(saved.callbacks[callback.name] as never);
  }

  // ---- the loop

  async #call(hook: 'onTrainBegin' | 'onEpochBegin' | 'onTrainEnd'): Promise<void> {
    for (const callback of this.#callbacks) await callback[hook]?.(this);
  }

  /** One update of the parameters. The tensors are those of one batch or several. */
  #update(...tensors: Tensor[]): Tensor[] {
    const { loss: lossOf, optimizer, clipNorm, clipValue } = this.options;
    optimizer.zeroGrad();
    const losses: Tensor[] = [];
    for (let i = 0; i < tensors.length; i += this.#width) {
      const loss = lossOf(...(tensors.slice(i, i + this.#width) as unknown as B));
      checkLoss(op, loss);
      this.#together.backward(loss, losses.length);
      losses.push(loss);
    }
    if (clipNorm !== undefined || clipValue !== undefined) {
      const parameters = optimizer.paramGroups.flatMap(({ params }) => params);
      if (clipValue !== undefined) clipGradValue(parameters, clipValue);
      if (clipNorm !== undefined) clipGradNorm(parameters, clipNorm);
    }
    optimizer.step();
    return losses;
  }

  async #step(batches: readonly B[]): Promise<void> {
    const { ema, schedule, scheduleEvery, signal, accumulate = 1 } = this.options;
    this.#width = batches[0]?.length ?? 1;
    this.#together.begin(
      batches.map((batch) => batch[0]?.shape[0] ?? 1),
      accumulate,
    );
    const losses = this.#takeStep(...batches.flat());
    ema?.update();
    const own: number[] = [];
    for (const loss of losses) own.push(await loss.item());
    const { values, samples, stops } = this.#together.end(own, accumulate, this.#wish !== undefined);
    this.#stopIf(stops);
    for (const [i, value] of values.entries()) {
      this.#lossSum += value * (samples[i] as number);
      this.#samples += samples[i] as number;
    }
    const loss = values.reduce((a, b) => a + b, 0) / values.length;
    this.step++;
    this.#batch += batches.length;
    this.losses.push(loss);
    if (!Number.isFinite(loss))
      throw new ValueError(
        op,
        'the loss must be finite',
        `${loss} in step ${this.step}, epoch ${this.epoch}`,
        'lower the learning rate or clip gradients; detectAnomaly finds the op',
      );
    if (scheduleEvery === 'step') schedule?.step();
    for (const callback of this.#callbacks) await callback.onStepEnd?.(this, loss);
    if (this.#ownsBatches) for (const t of batches.flat()) t.release();
    if (signal?.aborted === true) this.stop('aborted');
  }

  /** The rest of the present epoch. Returns whether it came to its end. */
  async #trainEpoch(): Promise<boolean> {
    const { data, accumulate = 1 } = this.options;
    const source = batchesOf(op, 'data', data, this.epoch);
    const batches = lengthOf(data);
    try {
      // A loader continues where its state says. Any other source begins anew.
      if (!isStateful(data)) for (let i = 0; i < this.#batch; i++) if ((await source.next()).done === true) break;
      let group: B[] = [];
      for (;;) {
        const next = await source.next();
        if (next.done !== true) {
          checkBatch(op, 'data', next.value);
          group.push(next.value);
          if (group.length < accumulate) continue;
        }
        if (group.length > 0) await this.#step(group);
        group = [];
        // A run that is stopped by the last step of its epoch still validates.
        if (next.done === true) break;
        if (this.stopReason !== undefined && this.#batch !== batches) return false;
      }
    } finally {
      await source.return?.();
    }
    if (this.#batch === 0)
      throw new ValueError(
        op,
        'data must have batches in every epoch',
        `none in epoch ${this.epoch}`,
        'is the data set empty, smaller than a batch with dropLast, or an iterator that ended?',
      );
    return true;
  }

  async #validate(): Promise<{ valLoss?: number; metrics: Record<string, number> }> {
    const { validation, loss, predict, metrics } = this.options;
    if (validation === undefined) return { metrics: {} };
    const options = { data: validation, loss, ...(predict && { predict }), ...(metrics && { metrics }) };
    const measured = await this.withAverages(() =>
      inMode(this.model, false, () =>
        measure(op, this.model, options, validation instanceof DataLoader, this.epoch, this.#together.group),
      ),
    );
    return { ...(measured.loss !== undefined && { valLoss: measured.loss }), metrics: measured.metrics };
  }

  /** Ends the present epoch with its record. */
  async #endEpoch(seconds: () => number): Promise<void> {
    const { optimizer, schedule, scheduleEvery = 'epoch' } = this.options;
    const lr = optimizer.paramGroups[0]?.lr ?? Number.NaN;
    const measured = await this.#validate();
    const loss = this.#lossSum / this.#samples;
    const record: EpochRecord = { epoch: this.epoch, step: this.step, loss, ...measured, lr, seconds: seconds() };
    this.history.push(record);
    if (scheduleEvery === 'epoch')
      if (schedule?.needsMetric === true) schedule.step(record.valLoss ?? loss);
      else schedule?.step();
    this.#ended = true;
    this.#batch = 0;
    this.#lossSum = 0;
    this.#samples = 0;
    for (const callback of this.#callbacks) await callback.onEpochEnd?.(this, record);
  }

  async run(): Promise<RunResult> {
    const { signal } = this.options;
    try {
      await this.#call('onTrainBegin');
      if (signal?.aborted === true) this.stop('aborted');
      this.#stopIf(this.#together.agree('begin', this.#wish !== undefined));
      while (this.epoch + (this.#ended ? 1 : 0) <= this.epochs && this.stopReason === undefined) {
        const start = performance.now();
        if (this.#ended) this.epoch++;
        this.#ended = false;
        await this.#call('onEpochBegin');
        if (!(await this.#trainEpoch())) break;
        await this.#endEpoch(() => (performance.now() - start) / 1000);
        if (signal?.aborted === true) this.stop('aborted');
        this.#stopIf(this.#together.agree('epoch', this.#wish !== undefined));
      }
      await this.#call('onTrainEnd');
    } catch (error) {
      for (const callback of this.#callbacks) await callback.onError?.(this, error);
      throw error;
    } finally {
      this.#together.dispose();
      if ('dispose' in this.#takeStep) (this.#takeStep as CompiledStep<Tensor[], Tensor[]>).dispose();
    }
    const { history, losses, step, warnings, stopReason } = this;
    return { history, losses, step, warnings, stopReason };
  }
}

/**
 * Trains a model. In each epoch it takes the batches of `data`, and for each it computes the loss,
 * its gradients, and one step of the optimizer. Then it measures the loss and the metrics on
 * `validation`. The step is compiled (see `compile`). The model is in training mode during the run
 * if it was in eval mode as a whole; otherwise each module keeps its mode, so that frozen batch
 * norms stay frozen. Afterwards each module has the mode that it had.
 *
 * Batches of a DataLoader live until the callbacks of their step have returned; clone() what must
 * live longer. With `accumulate`, the gradients of several batches are averaged for one step.
 *
 * An aborted `signal`, or `run.stop()` in a callback, ends the run after the present step. Then
 * `onTrainEnd` of the callbacks is called, and fit returns with a stopReason. With `resume`, a run
 * goes on from a checkpoint as if it had never stopped, with the same bits. That needs the same
 * program, data and device.
 * @shape data and validation: batches [x, …] whose first axis counts the samples
 * @throws ValueError for unknown options, a loss that is not one number or not finite, data without
 * batches, or a checkpoint that does not fit; any error of the loss, the data or a callback
 * @source keras.Model.fit; lightning.Trainer.fit
 */
export async function fit<B extends BatchTuple>(model: Module, options: FitOptions<B>): Promise<RunResult> {
  checkFitOptions(model, options);
  const run = new Training(model, options);
  await run.begin();
  const train = (): Promise<RunResult> => run.run();
  return model.training ? train() : inMode(model, true, train);
}
