/** What a device does while a piece of work runs. */
import type { Device } from '../../src/index.js';

/** Calls `see` with the name of every kernel that the device has run for `work`. */
export function observe(on: Device, work: () => void, see: (kernel: string) => void): void {
  const { run } = on;
  on.run = function (this: Device, ...args: Parameters<Device['run']>) {
    const made = run.apply(on, args);
    see(args[0]);
    return made;
  } as Device['run'];
  try {
    work();
  } finally {
    on.run = run;
  }
}

/** The most bytes that were in use after any kernel of `work`, above those before it. */
export function peakOf(on: Device, work: () => void): number {
  const before = on.memory().bytes;
  let most = 0;
  observe(on, work, () => {
    most = Math.max(most, on.memory().bytes - before);
  });
  return most;
}
