#!/usr/bin/env node
/** The executable file of the program (program.ts). */
import { main } from './program.js';

/** The exit code of a process whose reader has gone, as after SIGPIPE. */
const pipeExitCode = 141;

/** A reader such as `head` may leave. While it trains, a run stops then and saves (signals.ts). */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (process.stdout.listenerCount('error') > 1) return;
    if (error.code !== 'EPIPE') process.stderr.write(`cedargrad: stdout: ${error.message}\n`);
    process.exit(error.code === 'EPIPE' ? pipeExitCode : 1);
  });
}

endWithReader();
process.exitCode = await main(process.argv.slice(2));
