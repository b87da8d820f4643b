/** What a command prints: text for people, or one JSON object a line. */
import type { Arguments } from './flags.js';

export class Output {
  constructor(
    private readonly command: string,
    /** Whether JSON was asked for. */
    readonly isJson: boolean,
  ) {}

  static of(command: string, given: Arguments): Output {
    return new Output(command, given.has('json'));
  }

  /** Prints text, or with --json the object. Without an object, it prints nothing with --json. */
  tell(text: string, object?: object): void {
    if (!this.isJson) process.stdout.write(`${text}\n`);
    else if (object !== undefined) process.stdout.write(`${JSON.stringify(object)}\n`);
  }

  warn(message: string): void {
    process.stderr.write(`cedargrad ${this.command}: warning: ${message}\n`);
  }
}
