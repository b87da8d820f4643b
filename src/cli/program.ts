/**
 * The program cedargrad: it finds the command, and turns errors into one line and an exit code. Not
 * here: the process that it runs in (main.ts).
 */
import { version } from '../version.js';
import { messageOf, UsageError } from './errors.js';
import { evalCommand } from './eval.js';
import { exportCommand } from './export.js';
import { type Command, commandOf, helpOf, readFlags } from './flags.js';
import { predictCommand } from './predict.js';
import { reportCommand } from './report.js';
import { resumeCommand } from './resume.js';
import { summaryCommand } from './summary.js';
import { trainCommand } from './train.js';

const commands: readonly Command[] = [
  trainCommand,
  resumeCommand,
  predictCommand,
  evalCommand,
  summaryCommand,
  reportCommand,
  exportCommand,
];

const help = (): string => {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return `usage: cedargrad COMMAND …
Trains autoencoders on folders of images.

${commands.map(({ name, about }) => `  ${name.padEnd(width)}  ${about}`).join('\n')}

cedargrad COMMAND --help lists the options of a command, cedargrad --version prints the version.
Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C.
`;
};

/** Runs a command line, and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? process.stderr : process.stdout).write(help());
    return name === undefined ? 2 : 0;
  }
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version}\n`);
    return 0;
  }
  let prefix = 'cedargrad';
  try {
    const command = commandOf(commands, name);
    prefix = `cedargrad ${command.name}`;
    const given = readFlags(command, rest);
    if (!given.has('help')) return await command.run(given);
    process.stdout.write(helpOf(command));
    return 0;
  } catch (error) {
    process.stderr.write(`${prefix}: ${messageOf(error, name)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}
