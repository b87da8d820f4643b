/**
 * Saves one path again and again, at the same time as other threads or processes
 * (test/io/files.ts). Its arguments are the path, the byte to fill files with, and the number of
 * times.
 */
import { argv } from 'node:process';
import { workerData } from 'node:worker_threads';
import { writeFileAtomic } from '../../src/io/index.js';

const [path, byte, times] = argv.slice(-3);
/** How many saves the two threads have begun: each begins its next one together with the other. */
const begun: Int32Array | null = workerData?.begun ?? null;

function waitForOther(turn: number): void {
  if (begun === null) return;
  Atomics.add(begun, 0, 1);
  Atomics.notify(begun, 0);
  for (let n = Atomics.load(begun, 0); n < 2 * turn; n = Atomics.load(begun, 0)) Atomics.wait(begun, 0, n);
}

try {
  // Sizes differ, so that a file mixed of two saves is found out by its size alone.
  for (let i = 1; i <= Number(times); i++) {
    waitForOther(i);
    await writeFileAtomic(path, new Uint8Array(20_000 + 1000 * Number(byte)).fill(Number(byte)));
  }
} finally {
  if (begun !== null) {
    Atomics.add(begun, 0, 1_000_000);
    Atomics.notify(begun, 0);
  }
}
