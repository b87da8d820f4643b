/**
 * What every kernel stands on: the control block, and how threads share work. A command is `opcode, words, flags, arguments…` in 32-bit words; the flags are 1 for parallel,
 * and twice the chunks to take at once. The main thread walks the commands; a parallel one is open to the others for as long as it lasts, and is shared out in chunks.
 * Nobody waits for a thread that has not come: one that the system keeps from running costs its help and no more. What a chunk computes does not depend on who computes it: results are the same bits on any number of threads.
 */
import { CommandWord, FlagBit } from '../protocol/command';
import { Control } from '../protocol/control';
import { dispatch } from './dispatch';

// Addresses of the control block's words.
const ready: usize = Control.ready << 2;
const sleepers: usize = Control.sleepers << 2;
const stopping: usize = Control.stopping << 2;
const failed: usize = Control.failed << 2;
const mayWait: usize = Control.mayWait << 2;
const scratchBase: usize = Control.scratchBase << 2;
const scratchSize: usize = Control.scratchSize << 2;
const current: usize = Control.current << 2;
const epoch: usize = Control.epoch << 2;
const inside: usize = Control.inside << 2;
const counter: usize = Control.counter << 2;

/** How often a thread looks before it sleeps: some tenths of a millisecond. */
const looks = 500000;
/** Milliseconds the main thread sleeps before it looks again. */
const nap = 1;

/**
 * Sleeps while the word at `at` is `value`, `ms` milliseconds at most (−1: no limit): JavaScript's Atomics.wait.
 * Not memory.atomic.wait32: after it V8 11's baseline compiler (Node 20) hands back wrong locals.
 */
// @ts-ignore: decorator
@external("env", "sleep")
declare function sleep(at: usize, value: i32, ms: i32): void;

// @ts-ignore: decorator
@inline
export function arg(p: usize, i: i32): i32 {
  return load<i32>(p + (<usize>i << 2));
}
// @ts-ignore: decorator
@inline
export function number(p: usize, i: i32): f32 {
  return load<f32>(p + (<usize>i << 2));
}

/** Whether an index is one of `size`: also one that came from outside and was never looked at. */
// @ts-ignore: decorator
@inline
export function isInside(index: i32, size: i32): bool {
  return <u32>index < <u32>size;
}

/** This thread's share: chunks from `own` up to `last` are its alone; it takes `grain` at a time. */
let own: i32 = 0;
let last: i32 = 0;
let grain: i32 = 1;

/** The next chunk that nobody has taken. Taking several at once keeps threads from fighting over the counter, which costs most where cores are far apart. */
export function next(): i32 {
  if (own == last) {
    own = atomic.add<i32>(counter, grain);
    last = own + grain;
  }
  return own++;
}

/** Runs one command, or this thread's part of it. */
function run(p: usize, thread: i32): void {
  own = 0;
  last = 0;
  grain = max(1, load<i32>(p, CommandWord.flags << 2) >> FlagBit.grain);
  dispatch(load<i32>(p, CommandWord.opcode << 2), p + (CommandWord.argument << 2), thread);
}

/** A thread's own memory, for packing. */
export function scratch(thread: i32): usize {
  return <usize>load<u32>(scratchBase) + <usize>thread * <usize>load<u32>(scratchSize);
}

/** Waits until no other thread is in the command that was closed. False when one has failed. */
function left(): bool {
  for (;;) {
    for (let i = 0; i < looks; i++) if (atomic.load<i32>(inside) == 0) return true;
    if (atomic.load<i32>(failed) != 0) return false;
    if (load<i32>(mayWait) != 0) sleep(inside, atomic.load<i32>(inside), nap);
  }
  return false;
}

/** Walks the commands from start to end. Returns 0, or 1 when a thread has failed. */
export function launch(start: usize, end: usize): i32 {
  for (let p = start; p < end; p += <usize>load<i32>(p, CommandWord.length << 2) << 2) {
    atomic.store<i32>(counter, 0);
    // Asked anew each time: workers may still be starting.
    if ((load<i32>(p, CommandWord.flags << 2) & (1 << FlagBit.parallel)) == 0 || atomic.load<i32>(ready) == 0) {
      run(p, 0);
      continue;
    }
    store<i32>(current, <i32>p);
    atomic.add<i32>(epoch, 1);
    if (atomic.load<i32>(sleepers) > 0) atomic.notify(epoch, -1);
    run(p, 0);
    // Who comes from now on sees that it is closed, and touches nothing.
    atomic.add<i32>(epoch, 1);
    if (!left()) return 1;
  }
  return 0;
}

/** A worker's life: joins in every open command that it is awake for. */
export function serve(): void {
  const thread = atomic.add<i32>(ready, 1) + 1;
  let done = 0;
  for (;;) {
    let seen = atomic.load<i32>(epoch);
    for (let i = 0; (seen & 1) == 0 || seen == done; i++) {
      if (i == looks) {
        atomic.add<i32>(sleepers, 1);
        sleep(epoch, seen, -1);
        atomic.sub<i32>(sleepers, 1);
        if (atomic.load<i32>(stopping) != 0) return;
        i = 0;
      }
      seen = atomic.load<i32>(epoch);
    }
    atomic.add<i32>(inside, 1);
    if (atomic.load<i32>(epoch) == seen) run(<usize>load<u32>(current), thread);
    atomic.sub<i32>(inside, 1);
    done = seen;
  }
}
