/**
 * The control block: words at fixed positions in WebAssembly memory, by which threads share work.
 * Positions are word indices. Both sides compile this file, see command.ts.
 */
export enum Control {
  /** The number of workers that have started. */
  ready = 260,
  /** The number of workers that are asleep. */
  sleepers,
  /** Not 0 when the device is closed. */
  stopping,
  /** Not 0 when a thread has failed. */
  failed,
  /** Whether the main thread may sleep. */
  mayWait,
  /** The address of the first thread's scratch memory, in words. */
  scratchBase,
  /** Bytes of scratch memory per thread. */
  scratchSize,
  /** The address of the command that is open to all threads, in words. */
  current,
  // Each of the following words is alone on its cache line.
  /** An odd number while a command is open to all threads. */
  epoch = 288,
  /** The number of workers that may be executing the open command. */
  inside = 304,
  /** The next chunk that no thread has taken. */
  counter = 320,
}
