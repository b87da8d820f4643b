/**
 * Gives the event loop a turn between reads, so that timers, signals, animation frames and
 * finalizers run while a loop trains. Otherwise an awaited read of a synchronous device would
 * resolve in microtasks only, and microtasks block everything else. Not here: how the garbage
 * collector is made to run (weight.ts).
 */

/** One frame of a page at 60 Hz. Reads do not block the event loop for longer. */
const longestMs = 16;

/** Runs `fn` as a separate task, without the 4 ms that browsers add to nested timers. */
const asTask: (fn: () => void) => void = typeof setImmediate === 'function' ? setImmediate : viaMessage();

/** Schedules tasks by messages to the own channel, because browsers have no setImmediate. */
function viaMessage(): (fn: () => void) => void {
  const waiting: (() => void)[] = [];
  let channel: MessageChannel | null = null;
  return (fn) => {
    if (channel === null) {
      channel = new MessageChannel();
      channel.port1.onmessage = () => waiting.shift()?.();
    }
    waiting.push(fn);
    channel.port2.postMessage(0);
  };
}

let lastTurn = performance.now();
/** The turn in progress. Concurrent reads share it. */
let turn: Promise<void> | null = null;

/**
 * Waits for a turn of the event loop if the last one was too long ago, or if `needed` is set for
 * another reason.
 */
export async function turnIfDue(needed = false): Promise<void> {
  if (!needed && performance.now() - lastTurn < longestMs) return;
  turn ??= new Promise<void>(asTask).then(() => {
    turn = null;
    lastTurn = performance.now();
  });
  await turn;
}
