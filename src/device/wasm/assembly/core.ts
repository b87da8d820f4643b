/**
 * How threads share work. The main thread walks through the commands. A parallel command is open to
 * all threads while it runs, and its chunks are distributed among them. The main thread never waits
 * for a worker that has not joined a command. If the system does not schedule a worker, only its
 * help is lost.
 * The result of a chunk does not depend on the thread that computes it, so results have the same
 * bits on any number of threads.
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

/**
 * The number of times that a thread polls before it sleeps. This takes some tenths of a
 * millisecond.
 */
const looks = 500000;
/** The time in milliseconds that the main thread sleeps before it polls again. */
const nap = 1;

/**
 * JavaScript's Atomics.wait: sleeps while word number `at` is `value`, for at most `ms`
 * milliseconds. −1 means no limit. memory.atomic.wait32 is not used, because V8 11's baseline
 * compiler (Node 20) returns wrong locals after it.
 */
@external("env", "sleep")
declare function sleep(at: i32, value: i32, ms: i32): void;

/** An address or size in bytes, from one in words. */
@inline
export function bytesOf(words: u32): usize {
  return (<usize>words) << 2;
}

@inline
export function arg(p: usize, i: i32): i32 {
  return load<i32>(p + ((<usize>i) << 2));
}
/** An address, which commands contain in words of four bytes. 0 stands for an absent array. */
@inline
export function address(p: usize, i: i32): usize {
  return bytesOf(load<u32>(p + ((<usize>i) << 2)));
}
@inline
export function number(p: usize, i: i32): f32 {
  return load<f32>(p + ((<usize>i) << 2));
}

/** Whether 0 ≤ index < size. Indices come from outside and may have any value. */
@inline
export function isInside(index: i32, size: i32): bool {
  return <u32>index < <u32>size;
}

/**
 * The chunks from `own` up to `last` belong to this thread. A thread takes `grain` chunks at a
 * time.
 */
let own: i32 = 0;
let last: i32 = 0;
let grain: i32 = 1;

/**
 * The number of the next chunk. Taking several at once keeps threads from competing for the
 * counter, which is expensive if the cores are far apart.
 */
export function next(): i32 {
  if (own == last) {
    own = atomic.add<i32>(counter, grain);
    last = own + grain;
  }
  return own++;
}

/** Executes a command, or this thread's part of it. */
function run(p: usize, thread: i32): void {
  own = 0;
  last = 0;
  grain = max(1, load<i32>(p, CommandWord.flags << 2) >> FlagBit.grain);
  dispatch(load<i32>(p, CommandWord.opcode << 2), p + (CommandWord.argument << 2), thread);
}

/** The address of a thread's scratch memory. */
export function scratch(thread: i32): usize {
  return bytesOf(load<u32>(scratchBase)) + <usize>thread * <usize>load<u32>(scratchSize);
}

/** Waits until all workers have left the closed command. Returns false if a thread has failed. */
function left(): bool {
  for (;;) {
    for (let i = 0; i < looks; i++) if (atomic.load<i32>(inside) == 0) return true;
    if (atomic.load<i32>(failed) != 0) return false;
    if (load<i32>(mayWait) != 0) sleep(Control.inside, atomic.load<i32>(inside), nap);
  }
  return false;
}

/**
 * Executes the commands from start to end, which are addresses in words. Returns 0, or 1 if a
 * thread has failed.
 */
export function launch(start: u32, end: u32): i32 {
  for (let p = bytesOf(start); p < bytesOf(end); p += (<usize>load<i32>(p, CommandWord.length << 2)) << 2) {
    const condition = address(p, CommandWord.condition);
    if (condition != 0 && load<i32>(condition) == 0) continue;
    atomic.store<i32>(counter, 0);
    // Read for each command, because workers may still be starting.
    if ((load<i32>(p, CommandWord.flags << 2) & (1 << FlagBit.parallel)) == 0 || atomic.load<i32>(ready) == 0) {
      run(p, 0);
      continue;
    }
    store<u32>(current, <u32>(p >> 2));
    atomic.add<i32>(epoch, 1);
    if (atomic.load<i32>(sleepers) > 0) atomic.notify(epoch, -1);
    run(p, 0);
    // A worker that comes later sees that the command is closed and does nothing.
    atomic.add<i32>(epoch, 1);
    if (!left()) return 1;
  }
  return 0;
}

/** The loop of a worker. It joins every open command that it is awake for. */
export function serve(): void {
  const thread = atomic.add<i32>(ready, 1) + 1;
  let done = 0;
  for (;;) {
    let seen = atomic.load<i32>(epoch);
    for (let i = 0; (seen & 1) == 0 || seen == done; i++) {
      if (i == looks) {
        atomic.add<i32>(sleepers, 1);
        sleep(Control.epoch, seen, -1);
        atomic.sub<i32>(sleepers, 1);
        if (atomic.load<i32>(stopping) != 0) return;
        i = 0;
      }
      seen = atomic.load<i32>(epoch);
    }
    atomic.add<i32>(inside, 1);
    if (atomic.load<i32>(epoch) == seen) run(bytesOf(load<u32>(current)), thread);
    atomic.sub<i32>(inside, 1);
    done = seen;
  }
}
