/**
 * What every kernel stands on: the control block, the barrier, and the hand-out of work.
 * A command is `opcode, words, flags, arguments…` in 32-bit words. All threads walk the same commands; a parallel one is shared out in chunks.
 * What a chunk computes does not depend on who computes it: results are the same bits on any number of threads.
 */

import { dispatch } from './dispatch';

// The control block, in bytes. src/device/wasm/threads.ts writes the same places.
const generation: usize = 1024;
const from: usize = 1028;
const to: usize = 1032;
const active: usize = 1036;
const ready: usize = 1040;
const sleepers: usize = 1044;
const stopping: usize = 1048;
const failed: usize = 1052;
const mayWait: usize = 1056;
const scratchBase: usize = 1060;
const scratchSize: usize = 1064;
// Each on a cache line of its own.
const arrived: usize = 1152;
const sense: usize = 1216;
const counter: usize = 1280;
const barrierSleepers: usize = 1344;

/** How often a thread looks before it sleeps: a few milliseconds where others are at work, well below one where there is none. */
const looks = 1000000;
const idleLooks = 200000;
/** Milliseconds a sleeping thread waits before it looks for a failure. */
const nap = 20;

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

/** The next chunk that nobody has taken. */
// @ts-ignore: decorator
@inline
export function next(): i32 {
  return atomic.add<i32>(counter, 1);
}

/** A thread's own memory, for packing. */
export function scratch(thread: i32): usize {
  return <usize>load<u32>(scratchBase) + <usize>thread * <usize>load<u32>(scratchSize);
}

/** Waits until all active threads are here; the last resets the chunk counter. False when a thread has failed. */
function barrier(threads: i32): bool {
  if (threads == 1) {
    store<i32>(counter, 0);
    return true;
  }
  const phase = atomic.load<i32>(sense);
  if (atomic.add<i32>(arrived, 1) == threads - 1) {
    atomic.store<i32>(arrived, 0);
    atomic.store<i32>(counter, 0);
    atomic.store<i32>(sense, phase + 1);
    if (atomic.load<i32>(barrierSleepers) > 0) atomic.notify(sense, -1);
    return true;
  }
  for (;;) {
    for (let i = 0; i < looks; i++) if (atomic.load<i32>(sense) != phase) return true;
    if (atomic.load<i32>(failed) != 0) return false;
    if (load<i32>(mayWait) != 0) {
      atomic.add<i32>(barrierSleepers, 1);
      sleep(sense, phase, nap);
      atomic.sub<i32>(barrierSleepers, 1);
    }
  }
  return false;
}

/** Walks the commands. All threads call it with the same range. */
function walk(start: usize, end: usize, thread: i32, threads: i32): bool {
  let afterParallel = true;
  for (let p = start; p < end; p += <usize>load<i32>(p, 4) << 2) {
    const parallel = (load<i32>(p, 8) & 1) != 0;
    if ((parallel || afterParallel) && !barrier(threads)) return false;
    if (parallel) dispatch(load<i32>(p), p + 12, thread);
    else if (thread == 0) {
      atomic.store<i32>(counter, 0);
      dispatch(load<i32>(p), p + 12, thread);
    }
    afterParallel = parallel;
  }
  return barrier(threads);
}

/** Runs commands on every thread that is ready. Returns 0, or 1 when a thread has failed. */
export function launch(start: usize, end: usize): i32 {
  const threads = 1 + atomic.load<i32>(ready);
  if (threads > 1) {
    store<i32>(from, <i32>start);
    store<i32>(to, <i32>end);
    store<i32>(active, threads);
    atomic.add<i32>(generation, 1);
    if (atomic.load<i32>(sleepers) > 0) atomic.notify(generation, -1);
  }
  return walk(start, end, 0, threads) ? 0 : 1;
}

/** A worker's life: sleeps until commands come, and joins in. */
export function serve(): void {
  let seen = atomic.load<i32>(generation);
  const thread = atomic.add<i32>(ready, 1) + 1;
  for (;;) {
    let i = 0;
    while (i < idleLooks && atomic.load<i32>(generation) == seen) i++;
    while (atomic.load<i32>(generation) == seen) {
      atomic.add<i32>(sleepers, 1);
      sleep(generation, seen, -1);
      atomic.sub<i32>(sleepers, 1);
    }
    if (atomic.load<i32>(stopping) != 0) return;
    seen = atomic.load<i32>(generation);
    const threads = load<i32>(active);
    if (thread < threads && !walk(<usize>load<u32>(from), <usize>load<u32>(to), thread, threads)) return;
  }
}
