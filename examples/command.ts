/**
 * Shared parts of the examples' command lines: flags, the folder for results, and early ends of a
 * run.
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { constants as system } from 'node:os';
import { dirname, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';

/** A mistake on the command line: one line, exit 2. */
export class UsageError extends Error {}

type Flags = NonNullable<ParseArgsConfig['options']>;

/**
 * The values of flags. A negative number after a flag is its value. parseArgs would read it as
 * another flag.
 */
export function readFlags(args: readonly string[], options: Flags): Record<string, string | boolean | undefined> {
  const joined: string[] = [];
  for (const arg of args) {
    const flag = joined.at(-1);
    const isValue = /^-\.?\d/.test(arg) && flag?.startsWith('--') && options[flag.slice(2)]?.type === 'string';
    if (isValue) joined[joined.length - 1] = `${flag}=${arg}`;
    else joined.push(arg);
  }
  try {
    return parseArgs({ args: joined, options }).values as Record<string, string | boolean | undefined>;
  } catch (error) {
    throw new UsageError((error as Error).message.split('\n')[0]);
  }
}

/** A number of steps or epochs. */
export function countOf(name: string, text: string): number {
  const value = Number(text);
  if (text === '' || !Number.isInteger(value) || value < 1)
    throw new UsageError(`--${name} must be a whole number of at least 1; got '${text}'`);
  if (value > 1e9) throw new UsageError(`--${name} must be at most 1000000000; got '${text}'`);
  return value;
}

/**
 * Makes the folder for results and checks that it can be written, before hours of training are
 * lost.
 */
export function prepareFolder(out: string): void {
  if (out === '') throw new UsageError("--out must name a directory; got ''");
  const missing: string[] = [];
  for (let at = resolve(out); !existsSync(at) && dirname(at) !== at; at = dirname(at)) missing.unshift(at);
  try {
    // One by one: Node's recursive mkdir never returns in /proc.
    for (const folder of missing) mkdirSync(folder);
    // A file behind the name would be ENOTDIR.
    accessSync(`${resolve(out)}/.`, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new UsageError(`--out must name a directory that can be written; got '${out}': ${(error as Error).message}`);
  }
}

/** Why a run ends before its time. */
export interface Stop {
  /** The exit code of a run that was asked to stop, else null. */
  readonly code: number | null;
}

/**
 * Lets a run end early and keep its results: on SIGINT, SIGTERM or SIGHUP, and if nobody reads
 * stdout or its disk is full. The training loop checks `code` after each step, saves, and exits
 * with it. A second signal ends the process at once.
 */
export function watchForStop(name: string): Stop {
  let code: number | null = null;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      const own = 128 + system.signals[signal];
      if (code !== null) process.exit(own);
      code = own;
      process.stderr.write(`${name}: ${signal}: saving after this step; once more to end at once\n`);
    });
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (code !== null) return;
    // As a process that is killed by SIGPIPE, which is no mistake: `| head` does it.
    code = error.code === 'EPIPE' ? 128 + system.signals.SIGPIPE : 1;
    if (error.code !== 'EPIPE') process.stderr.write(`${name}: stdout: ${error.message}\n`);
  });
  process.stderr.on('error', () => {});
  return {
    get code() {
      return code;
    },
  };
}
