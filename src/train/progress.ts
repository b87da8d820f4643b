/**
 * Shows the progress of training: a bar on a terminal, a few plain lines in a pipe or log. Not
 * here: curves, files, or the loop. Importing this file loads neither Node modules nor
 * cli-progress, so browsers can load it.
 */
import type { SingleBar } from 'cli-progress';
import { checkIsNumber, checkNumber, checkText, knownOptions, type OptionNames, shown } from '../arguments.js';
import { ValueError } from '../errors.js';
import { isNode, loadSync } from '../platform.js';

/** The output of Progress. Any writable stream of Node's fits. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Options of Progress. */
export interface ProgressOptions {
  /** Default: standard error, or nothing outside Node. */
  readonly stream?: ProgressStream;
  /** Text at the beginning of the line. Default 'train'. */
  readonly label?: string;
}

/** Values after a step. Undefined ones are not shown. */
export interface ProgressValues {
  readonly loss?: number;
  /** Share of pixels that are correct. @units 0 … 1 */
  readonly accuracy?: number;
  /** @units 1/s */
  readonly stepsPerSecond?: number;
}

const progressValues: OptionNames<ProgressValues> = { loss: 'value', accuracy: 'value', stepsPerSecond: 'value' };

/** Share of the work between two lines in a pipe. */
const lineInterval = 0.1;

/** @units seconds → text such as 42s, 3m07s, 2h05m */
function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  return whole < 3600
    ? `${Math.floor(whole / 60)}m${two(whole % 60)}s`
    : `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
}

/** The class of the bar, or undefined if it cannot be loaded, as in an old Node or a bundle. */
function loadBar(): typeof SingleBar | undefined {
  try {
    return loadSync<typeof import('cli-progress')>('cli-progress', import.meta.url).SingleBar;
  } catch {
    return undefined;
  }
}

/**
 * Progress of a loop of `total` steps. On a terminal, one line is redrawn a few times a second.
 * Elsewhere a line is written about every tenth of the way, and one at the end. Call `done` when
 * the loop ends, also if it throws, because the bar's timer keeps Node alive until then.
 */
export class Progress {
  readonly #stream: ProgressStream | undefined;
  readonly #label: string;
  readonly #bar: SingleBar | undefined;
  readonly #started = Date.now();
  #step = 0;
  #values: ProgressValues = {};
  #printed = 0;
  #ended = false;

  /**
   * @throws ValueError if total is not whole and not negative, stream has no method write, or label
   * is not text
   */
  constructor(
    readonly total: number,
    options: ProgressOptions = {},
  ) {
    knownOptions('Progress', options, { stream: 'value', label: 'value' });
    const { stream = isNode() ? process.stderr : undefined, label = 'train' } = options;
    if (!Number.isSafeInteger(total) || total < 0)
      throw new ValueError('Progress', 'total must be whole and not negative', `total=${shown(total)}`);
    if (stream !== undefined && typeof (stream as ProgressStream | null)?.write !== 'function')
      throw new ValueError('Progress', 'stream must have a method write', `stream=${shown(stream)}`);
    checkText('Progress', 'label', label);
    this.#stream = stream;
    this.#label = label;
    // On a terminal of 0 columns, as some build services have, a bar would wrap forever.
    const Bar = stream?.isTTY === true && (stream.columns ?? 0) > 0 ? loadBar() : undefined;
    if (Bar === undefined) return;
    this.#bar = new Bar({
      stream: stream as NodeJS.WritableStream,
      format: (_options, params) => this.#line(params.progress),
      // The handler of cli-progress swallows the interrupt, and there is no cursor or wrapping to
      // restore.
      gracefulExit: false,
      hideCursor: null,
      linewrap: null,
    });
    this.#bar.start(total, 0);
  }

  /** One line: bar on a terminal, count, values, time left. */
  #line(part?: number): string {
    const { loss, accuracy, stepsPerSecond } = this.#values;
    const seconds = (Date.now() - this.#started) / 1000;
    const rate = stepsPerSecond ?? (seconds > 0 ? this.#step / seconds : 0);
    const facts = [`${this.#step}/${this.total}`];
    if (loss !== undefined) facts.push(`loss ${loss.toPrecision(4)}`);
    if (accuracy !== undefined) facts.push(`pixel accuracy ${(accuracy * 100).toFixed(1)} %`);
    if (rate > 0) facts.push(`${rate.toPrecision(3)} steps/s`);
    if (rate > 0 && this.#step < this.total) facts.push(`${duration((this.total - this.#step) / rate)} left`);
    const text = facts.join('  ');
    if (part === undefined) return `${this.#label}  ${text}`;
    // The bar takes the columns that the text leaves, so that the line never wraps.
    const columns = (this.#stream?.columns ?? 0) - 1;
    const room = Math.min(30, columns - this.#label.length - text.length - 6);
    const filled = Math.round(part * Math.max(room, 0));
    const bar = room >= 5 ? `[${'='.repeat(filled)}${' '.repeat(room - filled)}]  ` : '';
    return `${this.#label}  ${bar}${text}`.slice(0, columns);
  }

  /**
   * Reports that `step` of the total steps are done.
   * @throws ValueError if step is negative, or step or a value is not a number
   */
  update(step: number, values: ProgressValues = {}): void {
    const op = 'Progress.update';
    checkNumber(op, 'step', step, (v) => v >= 0 && v < Infinity, 'finite and not negative');
    knownOptions(op, values, progressValues);
    for (const name in progressValues) {
      const value = values[name as keyof ProgressValues];
      if (value !== undefined) checkIsNumber(op, name, value);
    }
    this.#step = step;
    this.#values = values;
    if (this.#ended) return;
    if (this.#bar !== undefined) this.#bar.update(step);
    else if (step < this.total && step - this.#printed >= this.total * lineInterval) this.#print();
  }

  #print(): void {
    this.#printed = this.#step;
    this.#stream?.write(`${this.#line()}\n`);
  }

  /** Writes the last state and ends; a second call does nothing. */
  done(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#bar !== undefined) this.#bar.stop();
    else this.#print();
  }
}
