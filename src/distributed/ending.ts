/**
 * How a process among several ends. If one ends by an error, all end. If all end as they should,
 * they wait for each other first. Not here: MPI (mpi.ts). When a process is killed, mpirun ends the
 * others.
 */
import { ValueError } from '../errors.js';
import { load } from '../platform.js';
import type { Mpi } from './mpi.js';

/** An error that every rank has at the same place. Only rank 0 reports it. */
export class CommonError extends ValueError {}

/** A rank may wait so long for others that have ended with an error code. @units ms */
const patience = 5000;
/** Rank 0 asks after so long whether another one has ended. @units ms */
const suspicion = 1000;
/** Ranks other than 0 report an error so much later, because rank 0 often has it, too. @units ms */
const headStart = 500;

/** Sleeps without a turn of the event loop, which does not run any more when a process exits. */
const sleep = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

/** Sees to the end of this process from now on. */
export async function watchEnding(mpi: Mpi): Promise<void> {
  const { writeSync } = await load<typeof import('node:fs')>('node:fs');
  const say = (text: string): void => {
    writeSync(2, `cedargrad: rank ${mpi.rank} of ${mpi.size}: ${text}\n`);
  };
  let failed = false;

  const end = (code: number): void => {
    // Without a call of finalize, mpirun ends all ranks. Node prints the error.
    if (failed) return;
    mpi.sayGoodbye();
    const start = performance.now();
    for (let others = mpi.size - 1; others > 0; ) {
      if (mpi.hearsGoodbye()) {
        mpi.takeGoodbye();
        others--;
        continue;
      }
      sleep(1);
      if (code === 0 || performance.now() - start < patience) continue;
      say(`it ended with exit code ${code}, and ends the ranks that go on`);
      mpi.abort(code);
    }
    mpi.finalize();
  };

  // One rank after another, so that one of them reports it.
  const doubt = suspicion * (1 + Math.min(mpi.rank, 8) / 4);
  mpi.onWait = (waited) => {
    if (waited < doubt || !mpi.hearsGoodbye()) return;
    say('another rank has ended, and this one waits for it; every rank must take the same steps');
    mpi.abort(1);
  };
  process.on('uncaughtExceptionMonitor', (error) => {
    // A program that handles such errors itself goes on.
    if (process.listenerCount('uncaughtException') > 0) return;
    failed = true;
    if (mpi.rank !== 0) sleep(error instanceof CommonError ? patience : headStart);
    if (!(error instanceof CommonError)) say('this error ends all ranks');
  });
  process.on('exit', end);
}
