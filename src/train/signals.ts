/** Ends a run early and keeps its results. For programs in Node. */
import { checkText, knownOptions } from '../arguments.js';
import { DeviceError } from '../errors.js';
import { type AbortSignalLike, isNode } from '../platform.js';

/** The exit codes of processes that end by these signals: 128 + the number of the signal. */
const exitCodes = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const pipeExitCode = 141;

/** What `stopOnSignals` returns. */
export interface StopRequest {
  /** Is aborted at the first signal. Pass it to `fit`. */
  readonly signal: AbortSignalLike;
  /** The exit code for a run that was asked to stop; undefined before. */
  readonly exitCode: number | undefined;
  /** Ends the handling of signals. */
  dispose(): void;
}

/**
 * Asks a run to stop on SIGINT (Ctrl-C), SIGTERM or SIGHUP, or if nobody reads the program's output
 * any more. The run finishes its step and saves. A second signal ends the process at once. Set
 * `process.exitCode` to `exitCode` at the end.
 * @throws DeviceError outside Node; ValueError for unknown options
 */
export function stopOnSignals(options: { name?: string } = {}): StopRequest {
  const op = 'stopOnSignals';
  knownOptions(op, options, { name: 'value' });
  const { name = 'train' } = options;
  checkText(op, 'name', name);
  if (!isNode()) throw new DeviceError(op, 'signals need Node', 'a page', 'use an AbortController');
  const controller = new AbortController();
  let exitCode: number | undefined;
  const stop = (code: number): void => {
    exitCode = code;
    controller.abort();
  };
  const handlers = Object.entries(exitCodes).map(([signal, code]) => {
    const handler = (): void => {
      if (exitCode !== undefined) process.exit(code);
      stop(code);
      process.stderr.write(`${name}: ${signal}: saving after this step; once more to end at once\n`);
    };
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    if (exitCode !== undefined) return;
    // As a process that is killed by SIGPIPE. It is no mistake, because `| head` does it.
    stop(error.code === 'EPIPE' ? pipeExitCode : 1);
    if (error.code !== 'EPIPE') process.stderr.write(`${name}: stdout: ${error.message}\n`);
  };
  const onErrorError = (): void => {};
  process.stdout.on('error', onOutputError);
  process.stderr.on('error', onErrorError);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    dispose: () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      process.stdout.off('error', onOutputError);
      process.stderr.off('error', onErrorError);
    },
  };
}
