/**
 * Gives the event loop a turn between reads, so that timers, signals, animation frames and finalizers run while a
 * loop trains. An awaited read of a synchronous device would otherwise resolve in microtasks only, and microtasks
 * keep everything else waiting. Not here: what makes the collector run (weight.ts).
 */

/** A frame of a page at 60 Hz: the longest that a read lets the event loop wait. */
const longestMs = 16;

/** Runs `fn` as a task of its own, without the 4 ms that browsers add to nested timers. */
const asTask: (fn: () => void) => void = typeof setImmediate === 'function' ? setImmediate : viaMessage();

/** A message to oneself: browsers have no setImmediate. */
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
/** The turn under way: reads at the same time share it. */
let turn: Promise<void> | null = null;

/** Waits for a turn of the event loop if none has come for a while, or if one is `needed` for another reason. */
export async function turnIfDue(needed = false): Promise<void> {
  if (!needed && performance.now() - lastTurn < longestMs) return;
  turn ??= new Promise<void>(asTask).then(() => {
    turn = null;
    lastTurn = performance.now();
  });
  await turn;
}
