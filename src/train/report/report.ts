/**
 * The callback that writes a report of a run while it trains. It collects the data, and keeps what
 * a resumed run needs. Not here: the page (render.ts), the samples (samples.ts).
 */
import { checkFunction, checkNumber, knownOptions, type OptionNames, shown } from '../../arguments.js';
import { isTensor } from '../../autograd/graph.js';
import { DeviceError, ValueError } from '../../errors.js';
import { writeFileAtomic } from '../../io/files.js';
import { isNode } from '../../platform.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Callback, EpochRecord } from '../run.js';
import { checkReportState, checkSettings, type ReportState } from './check.js';
import type { ReportData, ReportFilters, ReportLayer } from './data.js';
import { environmentOf, settingsOfRun } from './environment.js';
import { LossTrace } from './losses.js';
import { filtersOf, layersOf, silentRelus } from './model.js';
import { renderReport } from './render.js';
import type { ReportCallback, ReportRun } from './run.js';
import { mostSamples, SampleWatch } from './samples.js';
import { signsOf } from './signs.js';

/** Where a report goes if it goes to no file: into an element of a page, for example. */
export interface ReportSink {
  /** Gets the whole page each time. */
  write(html: string): void | Promise<void>;
}

/** Options of `report`. */
export interface ReportOptions {
  /** Default 'Training report'. */
  readonly title?: string;
  /**
   * A batch whose first samples are drawn. Default: the first batch of the validation data, or of
   * the training data, if they can be iterated more than once.
   * @shape each [B, …]; drawn are [B,H,W,C] as images, [B,L,C] and [B,L] as lines
   */
  readonly samples?: Tensor | readonly Tensor[];
  /** The number of samples, at most 8. Default 6. With 0 nothing is drawn. */
  readonly sampleCount?: number;
  /**
   * The values that are drawn black and white, or at the bottom and top of a line. 'auto' takes
   * the least and greatest value. Default [0, 1] for images, 'auto' for lines.
   */
  readonly range?: readonly [low: number, high: number] | 'auto';
  /** Applied to predictions before they are drawn, such as `sigmoid` where they are logits. */
  readonly output?: (prediction: Tensor) => Tensor;
  /** The time between two writings within an epoch. Default 30. @units seconds */
  readonly everySeconds?: number;
  /** Shown as the configuration. Default: the run's own, or the options of the optimizer. */
  readonly config?: object;
}

const optionNames: OptionNames<ReportOptions> = {
  title: 'value',
  samples: 'value',
  sampleCount: 'value',
  range: 'value',
  output: 'value',
  everySeconds: 'value',
  config: 'value',
};

const op = 'report';

function checkTarget(target: string | ReportSink): void {
  if (typeof target === 'string') {
    if (target === '' || target.includes('\0'))
      throw new ValueError(op, 'path must name a file', `path=${shown(target)}`);
    if (!isNode())
      throw new DeviceError(op, 'files need Node', `path=${shown(target)}`, 'pass { write: (html) => … } instead');
    return;
  }
  if (typeof target !== 'object' || target === null || typeof target.write !== 'function')
    throw new ValueError(op, 'the first argument must be a path or { write: (html) => … }', shown(target));
}

function checkSampleTensors(samples: unknown): void {
  const list = isTensor(samples) ? [samples] : samples;
  const rule = 'samples must be a tensor or a batch of tensors';
  if (!Array.isArray(list) || list.length === 0 || !Array.from(list).every(isTensor))
    throw new ValueError(op, rule, `samples=${shown(samples)}`);
  const [size] = list[0].shape;
  for (const [i, t] of list.entries())
    if (size === undefined || t.shape[0] !== size)
      throw new ValueError(
        op,
        'samples must have the same number of samples in their first axis',
        `samples[${i}] with shape [${t.shape}]`,
      );
}

function checkOptions(options: ReportOptions): void {
  knownOptions(op, options, optionNames);
  const { title, samples, sampleCount, range, output, everySeconds, config } = options;
  if (title !== undefined && typeof title !== 'string')
    throw new ValueError(op, 'title must be text', `title=${shown(title)}`);
  if (samples !== undefined) checkSampleTensors(samples);
  if (sampleCount !== undefined)
    checkNumber(
      op,
      'sampleCount',
      sampleCount,
      (v) => Number.isInteger(v) && v >= 0 && v <= mostSamples,
      `whole and in [0, ${mostSamples}]`,
    );
  if (range !== undefined && range !== 'auto') {
    const isPair = Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] < range[1];
    if (!isPair) throw new ValueError(op, "range must be [low, high] or 'auto'", `range=${shown(range)}`);
  }
  if (output !== undefined) checkFunction(op, 'output', output);
  if (everySeconds !== undefined) checkNumber(op, 'everySeconds', everySeconds, (v) => v > 0, 'positive');
  if (config !== undefined) checkSettings(op, 'config', config);
}

/** A record with the fields that a report shows. */
const recordOf = ({ epoch, step, loss, valLoss, metrics, lr, seconds }: EpochRecord): EpochRecord => ({
  epoch,
  step,
  loss,
  ...(valLoss !== undefined && { valLoss }),
  metrics: { ...metrics },
  lr,
  seconds,
});

/** The epoch with the least validation loss, or the least loss without validation. */
function bestOf({ history }: ReportRun): ReportData['best'] {
  const monitor = history.some(({ valLoss }) => valLoss !== undefined) ? 'valLoss' : 'loss';
  let found: ReportData['best'];
  for (const record of history) {
    const value = record[monitor];
    if (value !== undefined && Number.isFinite(value) && !(value >= (found?.value ?? Infinity)))
      found = { epoch: record.epoch, monitor, value };
  }
  return found;
}

/** Whether a value is a plain object, as a configuration is. */
const isSettings = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Collects the data of a run and writes it. */
class Reporter {
  readonly #write: (html: string) => void | Promise<void>;
  readonly #options: ReportOptions;
  readonly #everyMs: number;
  readonly #samples: SampleWatch;
  #losses = new LossTrace();
  #started = new Date().toISOString();
  #resumed: readonly number[] = [];
  #layers: readonly ReportLayer[] = [];
  #filters: ReportFilters | undefined;
  /** Warnings about the data, and about the outputs after the last epoch. */
  #notes: readonly string[] = [];
  #signs: readonly string[] = [];
  #writtenAt = 0;
  #hasFailed = false;

  constructor(target: string | ReportSink, options: ReportOptions) {
    const { samples, sampleCount = 6, range, output, everySeconds = 30 } = options;
    this.#options = options;
    this.#everyMs = everySeconds * 1000;
    this.#write = typeof target === 'string' ? (html) => writeFileAtomic(target, html) : (html) => target.write(html);
    const batch = isTensor(samples) ? [samples] : samples;
    this.#samples = new SampleWatch({ samples: batch, sampleCount, range, output });
  }

  async onTrainBegin(run: ReportRun): Promise<void> {
    // A run that begins anew with the callback of an earlier one.
    if (run.step === 0) this.#forget();
    const note = await this.#samples.begin(run);
    this.#notes = note === undefined ? [] : [note];
    this.#layers = layersOf(run.model, this.#samples.batch);
    this.#filters = await filtersOf(run.model);
    // A report that cannot be written is an error now, while nothing is lost.
    await this.#send(run, 'running');
  }

  #forget(): void {
    this.#started = new Date().toISOString();
    this.#resumed = [];
    this.#losses = new LossTrace();
    this.#samples.forget();
    this.#signs = [];
  }

  onStepEnd(run: ReportRun, loss: number): Promise<void> | undefined {
    this.#losses.add(run.step, loss, run.optimizer.paramGroups[0]?.lr ?? null);
    return Date.now() - this.#writtenAt < this.#everyMs ? undefined : this.#rewrite(run, 'running');
  }

  async onEpochEnd(run: ReportRun, { epoch }: EpochRecord): Promise<void> {
    const best = bestOf(run)?.epoch;
    let seen: Awaited<ReturnType<SampleWatch['capture']>>;
    const silent = await silentRelus(run.model, async () => {
      seen = await this.#samples.capture(run, epoch, best);
    });
    this.#signs = seen === undefined ? [] : signsOf(seen, silent, epoch);
    this.#filters = await filtersOf(run.model);
    await this.#rewrite(run, 'running');
  }

  async onTrainEnd(run: ReportRun): Promise<void> {
    await this.#rewrite(run, run.stopReason === undefined ? 'finished' : 'stopped');
    this.#samples.end();
  }

  #warnings(run: ReportRun): readonly string[] {
    const { firstBad } = this.#losses;
    const own = firstBad === null ? [] : [`The loss of step ${firstBad} is NaN or infinite.`];
    return [...new Set([...own, ...this.#notes, ...run.warnings, ...this.#signs])];
  }

  #data(run: ReportRun, status: ReportData['status']): ReportData {
    const { title, config = isSettings(run.config) ? run.config : settingsOfRun(run) } = this.#options;
    const samples = this.#samples.data();
    const best = bestOf(run);
    return {
      ...(title !== undefined && { title }),
      status,
      ...(run.stopReason !== undefined && { stopReason: run.stopReason }),
      epochs: run.epochs,
      step: run.step,
      started: this.#started,
      updated: new Date().toISOString(),
      resumed: this.#resumed,
      losses: this.#losses.points(),
      history: run.history.map(recordOf),
      ...(best && { best }),
      ...(samples && { samples }),
      ...(this.#filters && { filters: this.#filters }),
      layers: this.#layers,
      config,
      environment: environmentOf(run),
      warnings: this.#warnings(run),
    };
  }

  async #send(run: ReportRun, status: ReportData['status']): Promise<void> {
    this.#writtenAt = Date.now();
    await this.#write(renderReport(this.#data(run, status)));
  }

  /** Writes the report again. A failure is a warning, because training must not end by it. */
  async #rewrite(run: ReportRun, status: ReportData['status']): Promise<void> {
    try {
      await this.#send(run, status);
      this.#hasFailed = false;
    } catch (error) {
      if (!this.#hasFailed) run.warn(`the report could not be written: ${messageOf(error)}`);
      this.#hasFailed = true;
    }
  }

  stateDict(): ReportState {
    const samples = this.#samples.data();
    return {
      started: this.#started,
      resumed: this.#resumed,
      losses: this.#losses.stateDict(),
      signs: this.#signs,
      ...(samples && { samples }),
    };
  }

  loadStateDict(state: unknown): void {
    checkReportState('report.loadStateDict', state as ReportState);
    const { started, resumed, losses, signs = [], samples } = state as ReportState;
    this.#started = started;
    this.#signs = signs;
    this.#losses.loadStateDict(losses);
    this.#resumed = [...resumed, this.#losses.step];
    this.#samples.loadStateDict(samples);
  }
}

/**
 * A callback of `fit` that writes a report of the run as one HTML file: curves, outputs for some
 * samples, filters, layers, configuration, environment and warnings. The file is replaced at the
 * end of each epoch, and every 30 seconds within one, and can be open in a browser meanwhile. In a
 * page the report goes to a function: `report({ write: (html) => … })`.
 *
 * A path that cannot be written is an error when the run begins. Later it is a warning of the run,
 * and training goes on. With a report a run has the same batches and the same weights as without.
 * @units the file has at most 2 MB
 * @throws ValueError for a path that is not text, and for an option that is unknown or of the wrong
 * kind; DeviceError for a path in a page
 * @source Keras's TensorBoard callback
 */
export function report(target: string | ReportSink, options: ReportOptions = {}): Callback {
  checkTarget(target);
  checkOptions(options);
  const reporter = new Reporter(target, options);
  const callback: ReportCallback = {
    name: op,
    mainOnly: true,
    onTrainBegin: (run) => reporter.onTrainBegin(run),
    onStepEnd: (run, loss) => reporter.onStepEnd(run, loss),
    onEpochEnd: (run, record) => reporter.onEpochEnd(run, record),
    onTrainEnd: (run) => reporter.onTrainEnd(run),
    stateDict: () => reporter.stateDict(),
    loadStateDict: (state) => reporter.loadStateDict(state),
  };
  return callback;
}
