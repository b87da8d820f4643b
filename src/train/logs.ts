/**
 * Logs of a run: a CSV file with one row for each epoch, and lines of JSON. Not here: text for
 * people (callbacks.ts), reports (report/).
 */
import { checkFunction, checkNumber, checkText, knownOptions, type OptionNames } from '../arguments.js';
import { ValueError } from '../errors.js';
import { writeFileAtomic } from '../io/files.js';
import { isNode } from '../platform.js';
import type { ProgressStream } from './progress.js';
import type { Callback, EpochRecord, Run } from './run.js';

// ---- CSV

/** The value of a CSV field. Text with a comma, a quote or the end of a line stands in quotes. */
const field = (value: string | number | undefined): string => {
  const text = value === undefined ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** The records of a run as CSV. @source RFC 4180 */
function csvOf(history: readonly EpochRecord[]): string {
  const names = [...new Set(history.flatMap((record) => Object.keys(record.metrics)))];
  const hasValidation = history.some(({ valLoss }) => valLoss !== undefined);
  const header = ['epoch', 'step', 'loss', ...(hasValidation ? ['valLoss'] : []), ...names, 'lr', 'seconds'];
  const rows = history.map(({ epoch, step, loss, valLoss, metrics, lr, seconds }) => [
    ...[epoch, step, loss],
    ...(hasValidation ? [valLoss] : []),
    ...names.map((name) => metrics[name]),
    ...[lr, seconds],
  ]);
  return [header, ...rows].map((row) => `${row.map(field).join(',')}\n`).join('');
}

/** Takes the text of a whole CSV file, for pages. */
export type SaveText = (text: string) => void | Promise<void>;

/**
 * Writes a CSV file with a header and one row for each epoch. Columns are epoch, step, loss,
 * valLoss if there is validation, one for each metric, lr, and seconds. Numbers have all their
 * digits. NaN and Infinity are written out. `to` is a path in Node, or a function that takes the
 * text of the whole file. The file is replaced in one move after each epoch, so it is whole at any
 * moment. It has the rows of this run: an older file is replaced, and after a resume the rows are
 * those up to the checkpoint and those that follow. A file that cannot be written is an error
 * before the first step, and a warning of the run afterwards.
 * @units seconds: of each epoch
 * @throws ValueError if `to` is neither a path nor a function; before the first step, what
 * writeFileAtomic throws
 * @source keras.callbacks.CSVLogger; RFC 4180
 */
export function csvLog(to: string | SaveText): Callback {
  const op = 'csvLog';
  if (typeof to !== 'function') checkText(op, 'to', to);
  if (to === '') throw new ValueError(op, 'to must name a file', "to=''");
  const write = (history: readonly EpochRecord[]): void | Promise<void> =>
    typeof to === 'function' ? to(csvOf(history)) : writeFileAtomic(to, csvOf(history));
  return {
    onTrainBegin: ({ history }) => write(history),
    onEpochEnd: async (run) => {
      try {
        await write(run.history);
      } catch (error) {
        run.warn(`the log of epoch ${run.epoch} could not be written: ${(error as Error).message}`);
      }
    },
  };
}

// ---- lines of JSON

/** Options of jsonLog. */
export interface JsonLogOptions {
  /** Default: standard output, or nothing outside Node. */
  readonly stream?: ProgressStream;
  /** Steps from one line to the next within an epoch. Default: none within an epoch. */
  readonly everySteps?: number;
}

const jsonLogOptions: OptionNames<JsonLogOptions> = { stream: 'value', everySteps: 'value' };

/** A line of JSON. It has NaN and the infinities as text, because JSON would make them null. */
const jsonLine = (values: object): string =>
  `${JSON.stringify(values, (_, v: unknown) => (typeof v === 'number' && !Number.isFinite(v) ? String(v) : v))}\n`;

/**
 * Writes what happens in a run as lines of JSON, one object a line, for other programs. `event`
 * says which: 'begin' (epochs, epoch, step, stepsPerEpoch), 'step' (epoch, step, loss), 'epoch'
 * (its record), 'warning' (message), 'end' (epoch, step, and stopReason if it was stopped), 'error'
 * (message). Numbers that are not finite are the text "NaN", "Infinity" or "-Infinity".
 * @throws ValueError for unknown options, a stream without a method write, or everySteps that is
 * not whole and positive
 * @source https://jsonlines.org
 */
export function jsonLog(options: JsonLogOptions = {}): Callback {
  const op = 'jsonLog';
  knownOptions(op, options, jsonLogOptions);
  const { stream = isNode() ? process.stdout : undefined, everySteps } = options;
  if (stream !== undefined) checkFunction(op, "stream's write", (stream as ProgressStream | null)?.write);
  if (everySteps !== undefined)
    checkNumber(op, 'everySteps', everySteps, (v) => Number.isSafeInteger(v) && v >= 1, 'whole and at least 1');
  let warned = 0;
  const write = (event: string, values: object): void => void stream?.write(jsonLine({ event, ...values }));
  const writeWarnings = ({ warnings }: Run): void => {
    for (const message of warnings.slice(warned)) write('warning', { message });
    warned = warnings.length;
  };
  return {
    // After the others, so that their warnings stand before the end.
    mainOnly: true,
    runsLast: true,
    onTrainBegin: ({ epochs, epoch, step, stepsPerEpoch, warnings }) => {
      warned = warnings.length;
      write('begin', { epochs, epoch, step, stepsPerEpoch });
    },
    onStepEnd: (run, loss) => {
      if (everySteps !== undefined && run.step % everySteps === 0)
        write('step', { epoch: run.epoch, step: run.step, loss });
      writeWarnings(run);
    },
    onEpochEnd: (run, record) => {
      write('epoch', record);
      writeWarnings(run);
    },
    onTrainEnd: (run) => {
      writeWarnings(run);
      write('end', { epoch: run.epoch, step: run.step, stopReason: run.stopReason });
    },
    onError: (run, error) => {
      writeWarnings(run);
      write('error', { message: error instanceof Error ? error.message : String(error) });
    },
  };
}
