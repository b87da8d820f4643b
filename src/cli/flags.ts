/**
 * Flags of the command line: reading them, and the help that lists them. Not here: which flags a
 * command has (its own file), checks of their values (schema.ts).
 */
import { parseArgs } from 'node:util';
import { nearestName } from '../arguments.js';
import { UsageError } from './errors.js';
import { type Check, suggestion } from './schema.js';

/** A flag. */
export interface Flag {
  /** What stands for its value in the help, such as N. A flag without value is a switch. */
  readonly value?: string;
  /** Its name of one letter. */
  readonly short?: string;
  readonly help: string;
}
export type Flags = Readonly<Record<string, Flag>>;

/** What was given on the command line. */
export interface Arguments {
  /** The value of a flag, if it was given. */
  readonly value: (name: string) => string | undefined;
  /** Whether a switch was given. */
  readonly has: (name: string) => boolean;
  readonly positionals: readonly string[];
}

/** A command of the program. */
export interface Command {
  readonly name: string;
  /** What follows the name in the help, such as `RUN [options]`. */
  readonly usage: string;
  /** One or two sentences. */
  readonly about: string;
  readonly flags: Flags;
  /** The least and greatest number of arguments that are no flags. */
  readonly positionals: readonly [least: number, most: number];
  /** Returns the exit code. @throws UsageError, or any error of the run */
  run(given: Arguments): Promise<number>;
}

export const helpFlag: Flags = { help: { short: 'h', help: 'print this text' } };

/** Flags of several commands. */
export const common = {
  device: { value: 'NAME', help: 'auto (default), wasm, webgpu, reference, …' },
  json: { help: 'print one JSON object a line, and nothing else' },
} as const satisfies Flags;

/** Names of flags in other programs. */
const elsewhere: Readonly<Record<string, string>> = {
  'batch-size': 'batch',
  'learning-rate': 'lr',
  output: 'out',
  grayscale: 'gray',
  'image-size': 'size',
  'early-stopping': 'patience',
};

/**
 * Reads arguments.
 * @throws UsageError for a flag that is unknown, lacks its value or is repeated
 */
export function readFlags(command: Command, args: readonly string[]): Arguments {
  const flags: Flags = { ...command.flags, ...helpFlag };
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { value, short }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), ...(short !== undefined && { short }) },
    ]),
  );
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true });
  const values = new Map<string, string | true>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const known = Object.hasOwn(flags, name) ? flags[name] : undefined;
    if (known === undefined) {
      const names = Object.keys(flags);
      const alias = Object.hasOwn(elsewhere, name) ? (elsewhere[name] as string) : '';
      const near = names.includes(alias) ? alias : nearestName(name, names);
      const hint = near === undefined ? `see cedargrad ${command.name} --help` : `did you mean --${near}?`;
      throw new UsageError(`${rawName} is not known; ${hint}`);
    }
    if (values.has(name)) throw new UsageError(`--${name} must be given once`);
    if (known.value === undefined && value !== undefined)
      throw new UsageError(`--${name} takes no value; got '${value}'`);
    if (known.value !== undefined && value === undefined)
      throw new UsageError(`--${name} needs a value: --${name} ${known.value}`);
    values.set(name, value ?? true);
  }
  const [least, most] = command.positionals;
  const isWhole = values.has('help') || (positionals.length >= least && positionals.length <= most);
  if (!isWhole) {
    const [extra] = positionals.slice(most);
    const problem = extra === undefined ? 'an argument is missing' : `'${extra}' is one argument too many`;
    throw new UsageError(`${problem}; usage: cedargrad ${command.name} ${command.usage}`);
  }
  return {
    value: (name) => values.get(name) as string | undefined,
    has: (name) => values.has(name),
    positionals,
  };
}

/** The help of a command. */
export function helpOf({ name, usage, about, flags }: Command): string {
  const rows = Object.entries({ ...flags, ...helpFlag }).map(([flag, { value, short, help }]) => {
    const names = `${short === undefined ? '    ' : `-${short}, `}--${flag}`;
    return [value === undefined ? names : `${names} ${value}`, help] as const;
  });
  const width = Math.max(...rows.map(([names]) => names.length));
  const lines = rows.map(([names, help]) => `  ${names.padEnd(width)}  ${help}`);
  return [`usage: cedargrad ${name} ${usage}`, about, '', ...lines, ''].join('\n');
}

/** The checked value of a flag, if it was given. */
export function valueOf<T>(flags: Arguments, name: string, check: Check<T>): T | undefined {
  const value = flags.value(name);
  if (value === undefined) return undefined;
  // What is no number stays text, for the check to take or to refuse.
  const isNumber = value.trim() !== '' && !Number.isNaN(Number(value));
  return check(`--${name}`, isNumber ? Number(value) : value);
}

/** The command of a name. @throws UsageError */
export function commandOf(commands: readonly Command[], name: string): Command {
  const found = commands.find((command) => command.name === name);
  if (found !== undefined) return found;
  throw new UsageError(
    `'${name}' is no command${suggestion(
      name,
      commands.map((command) => command.name),
    )}`,
  );
}
