/**
 * Shared parts of the examples' command lines: flags, the folder for results, early ends of a run,
 * errors and exit codes. Not here: pictures (pictures.ts).
 */
import { accessSync, constants, existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { type DeviceName, device, setDefaultDevice } from 'cedargrad';
import { type StopRequest, stopOnSignals } from 'cedargrad/train';

export { type Row, saveRows } from './pictures.js';

/** A mistake on the command line: one line, exit 2. */
export class UsageError extends Error {}

type Flags = NonNullable<ParseArgsConfig['options']>;
/** The values of flags, by name. */
export type CommandValues = Readonly<Record<string, string | boolean | undefined>>;

/**
 * The values of flags. A negative number after a flag is its value. parseArgs would read it as
 * another flag.
 */
export function readFlags(args: readonly string[], options: Flags): CommandValues {
  const joined: string[] = [];
  for (const arg of args) {
    const flag = joined.at(-1);
    const isValue = /^-\.?\d/.test(arg) && flag?.startsWith('--') && options[flag.slice(2)]?.type === 'string';
    if (isValue) joined[joined.length - 1] = `${flag}=${arg}`;
    else joined.push(arg);
  }
  try {
    return parseArgs({ args: joined, options }).values as CommandValues;
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
 * The number that a flag gives, or `fallback` without the flag. `rule` says in words what is legal.
 */
export function numberOf(
  values: CommandValues,
  name: string,
  fallback: number,
  legal: (value: number) => boolean,
  rule: string,
): number {
  const text = values[name];
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text === '' || !legal(value)) throw new UsageError(`--${name} must be ${rule}; got '${text}'`);
  return value;
}

/** The name of a device, if it is one of `names`. */
export function deviceOf(name: string, names: readonly string[]): string {
  if (!names.includes(name)) throw new UsageError(`--device must be one of ${names.join(', ')}; got '${name}'`);
  return name;
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

/** What every usage text says at its end. */
export const aboutSignals = `SIGINT (Ctrl-C), SIGTERM, SIGHUP and a closed pipe end the run after the step at hand; what was made is saved. The exit
code is then 130, 143, 129 or 141. A second signal ends it at once.`;

/**
 * Runs a command line. It reads the flags and calls `body`, or prints `usage` for --help. An error
 * becomes one line. The exit code of the process is that of a signal that ended the run, 2 for a
 * mistake on the command line, 1 for another error, or 0.
 */
export async function runCommand(
  name: string,
  usage: string,
  flags: Flags,
  body: (values: CommandValues, stop: StopRequest) => Promise<void>,
): Promise<void> {
  try {
    const values = readFlags(process.argv.slice(2), { ...flags, help: { type: 'boolean' } });
    if (values.help) {
      process.stdout.write(`${usage}\n`);
      return;
    }
    const stop = stopOnSignals({ name });
    await body(values, stop);
    process.exitCode = stop.exitCode ?? 0;
  } catch (problem) {
    process.stderr.write(`${name}: ${(problem as Error).message.split('\n')[0]}\n`);
    process.exitCode = problem instanceof UsageError ? 2 : 1;
  }
}

const deviceNames = ['auto', 'webgpu', 'webgl2', 'webgl', 'headlessgl', 'gpu', 'wasm', 'reference'];

/** What the command line of an example says. */
export interface Settings {
  readonly epochs: number;
  /** The folder for results. It exists. */
  readonly out: string;
  /** Is asked to stop by Ctrl-C. */
  readonly stop: StopRequest;
}

/**
 * Runs an example with the flags --epochs, --device, --out and --help. It makes the device the
 * default one and calls `body`.
 */
export async function runExample(
  name: string,
  about: string,
  defaults: { readonly epochs: number },
  body: (settings: Settings) => Promise<void>,
): Promise<void> {
  const usage = `${about}
usage: npm run ${name} -- [--epochs N (default ${defaults.epochs})] [--device NAME (default auto; or webgpu, wasm, …)] [--out DIR (default out/${name})] [--help]
${aboutSignals}`;
  const flags = { epochs: { type: 'string' }, device: { type: 'string' }, out: { type: 'string' } } as const;
  await runCommand(name, usage, flags, async (values, stop) => {
    const epochs = countOf('epochs', String(values.epochs ?? defaults.epochs));
    const on = deviceOf(String(values.device ?? 'auto'), deviceNames);
    const out = String(values.out ?? `out/${name}`);
    prepareFolder(out);
    const opened = await device(on as DeviceName);
    setDefaultDevice(opened);
    process.stdout.write(`device ${opened}\n`);
    await body({ epochs, out, stop });
    await opened.close();
  });
}
