/** The errors of the command line, and how any error becomes one line. */
import { CedarError } from '../errors.js';

/** A mistake on the command line or in a configuration: exit code 2. */
export class UsageError extends Error {
  override readonly name: string = 'UsageError';
}
/** What went wrong with files or with a run: exit code 1. */
export class RunError extends Error {
  override readonly name: string = 'RunError';
}

/** The message of an error in one line, without the name of the command that prints it. */
export function messageOf(error: unknown, command: string): string {
  const message = error instanceof Error ? error.message : String(error);
  const line = message.trim().replace(/\s*\n\s*/g, '; ');
  return error instanceof CedarError && line.startsWith(`${command}: `) ? line.slice(command.length + 2) : line;
}
