/**
 * The benchmark's command. It chooses the mode and reports mistakes. Not here: the modes (steps.ts,
 * inference.ts, profile.ts, extras.ts, gpu.ts), and what runs in their processes (ours.ts,
 * forward.ts, peers/).
 */
import { writeData } from './data.js';
import { extras } from './extras.js';
import { header } from './header.js';
import { inference } from './inference.js';
import { parse, UsageError, usage } from './options.js';
import { keepStdout } from './output.js';
import { data, prepare } from './processes.js';
import { profile } from './profile.js';
import { setup } from './setup.js';
import { steps } from './steps.js';

/** Runs the command line; returns the exit code. */
async function main(args: string[]): Promise<number> {
  try {
    const options = parse(args);
    if (options === null) {
      process.stdout.write(`${usage}\n`);
      return 0;
    }
    if (options.json) keepStdout();
    if (options.mode === 'setup') {
      setup();
      return 0;
    }
    if (options.mode === 'gpu') {
      writeData(data);
      await (await import('./gpu.js')).gpu(options, data);
      return Number(process.exitCode ?? 0);
    }
    const ours = await prepare();
    await header(ours);
    await { steps, profile, extras, inference }[options.mode](options, ours);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
