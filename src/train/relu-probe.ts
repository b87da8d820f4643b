/**
 * Looks at the outputs of all ReLUs of a model during one forward pass. The ReLUs may be layers or
 * calls of the function relu in a module's forward, and the model need not know. Not here: what the
 * program should be told about them (diagnose.ts).
 */
import { noGrad } from '../autograd/backward.js';
import {
  type EventKind,
  type Outcome,
  type WatchedEvent,
  type Watcher,
  watching,
  withWatcher,
} from '../autograd/watch.js';
import type { Module } from '../nn/module.js';
import { shadowForward } from '../nn/shadow.js';
import type { Tensor } from '../tensor/tensor.js';

/** What one ReLU did for a batch. */
export interface ReluActivity {
  /** The name of the module that called it. A module's second ReLU has 'name, relu 2'. */
  readonly name: string;
  readonly channels: number;
  /** Channels whose every output was 0. */
  readonly dead: number;
  /** Outputs of each channel. */
  readonly values: number;
}

/** A ReLU that was called, and the greatest output of each of its channels, still on the device. */
interface Seen {
  readonly name: string;
  readonly values: number;
  readonly peaks: Tensor;
}

/** The greatest output of each channel. The channels are the last axis. */
function peaksOf(y: Tensor): Tensor {
  const positions = y.rank < 2 ? [] : [...y.shape.keys()].slice(0, -1);
  return noGrad(() => (positions.length === 0 ? y.detach().clone() : y.detach().max(positions))).keep();
}

/**
 * Calls `run` once and returns what each ReLU did that a module of the model called meanwhile, in
 * the order of the calls.
 */
export async function probeRelus(model: Module, run: () => Promise<unknown>): Promise<ReluActivity[]> {
  const seen: Seen[] = [];
  const counts = new Map<string, number>();
  /** The modules whose forward runs, innermost last. */
  const running: string[] = [];
  const note = (y: Tensor): void => {
    const inside = running.at(-1) ?? '';
    const count = (counts.get(inside) ?? 0) + 1;
    counts.set(inside, count);
    const module = inside === '' ? 'the model' : inside;
    const name = count === 1 ? module : `${module}, relu ${count}`;
    const channels = y.rank < 2 ? y.size : (y.shape.at(-1) ?? 1);
    seen.push({ name, values: y.size / channels, peaks: peaksOf(y) });
  };
  const watcher: Watcher = {
    ask: () => null,
    tell: <K extends EventKind>(event: WatchedEvent<K>, outcome: Outcome<K>): void => {
      if (event.kind !== 'op' || (event as WatchedEvent<'op'>).op.name !== 'relu') return;
      const [y] = outcome as Outcome<'op'>;
      if (y !== undefined) withWatcher(null, () => note(y));
    },
    read: () => {},
    refuse: () => {},
    callback: ({ call, grad }) => call(grad),
  };
  const restore = model.namedModules().map(([name, module]) =>
    shadowForward(module, (call) => {
      running.push(name);
      try {
        // Another watcher, as that of a compiled prediction, must see every operation itself.
        return watching() === null ? withWatcher(watcher, call) : call();
      } finally {
        running.pop();
      }
    }),
  );
  try {
    await run();
    return await Promise.all(
      seen.map(async ({ name, values, peaks }) => {
        const greatest = await peaks.data();
        return { name, values, channels: greatest.length, dead: greatest.filter((v) => v === 0).length };
      }),
    );
  } finally {
    for (const undo of restore) undo();
    for (const { peaks } of seen) peaks.unkeep().release();
  }
}
