/**
 * The watcher sees every operation once, and the work of an operation is part of it.
 * Not here: what compile does with the events (compile.ts, compile-state.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Callback,
  type EventKind,
  type Outcome,
  type WatchedEvent,
  type Watcher,
  watching,
  withWatcher,
} from '../../src/autograd/watch.js';
import { Adam, customGrad, noGrad, type Tensor, tensor } from '../../src/index.js';

const test = suite('watch');

/** A watcher that lists the questions and reports. It returns `recorded` for every upload. */
function listing(recorded: Tensor | null = null) {
  const asked: string[] = [];
  const told: string[] = [];
  const nameOf = (event: WatchedEvent): string =>
    event.kind === 'op' ? event.op.name : event.kind === 'update' ? event.kernel : event.kind;
  const watcher: Watcher & { asked: string[]; told: string[] } = {
    asked,
    told,
    ask<K extends EventKind>(event: WatchedEvent<K>): Outcome<K> | null {
      asked.push(nameOf(event as WatchedEvent));
      return event.kind === 'upload' ? (recorded as Outcome<K> | null) : null;
    },
    tell<K extends EventKind>(event: WatchedEvent<K>): void {
      told.push(nameOf(event as WatchedEvent));
    },
    read: () => asked.push('read'),
    refuse: (what: string) => asked.push(`refused ${what}`),
    callback({ kind, grad, call }: Callback) {
      asked.push(`callback ${kind}`);
      return withWatcher(watcher, () => call(grad));
    },
  };
  return watcher;
}

test('ops, uploads, updates, backward() and reads are seen in order', () => {
  const w = tensor([1, 2], { requiresGrad: true });
  const optimizer = new Adam([w], { lr: 0.1 });
  const watcher = listing();
  withWatcher(watcher, () => {
    const loss = w.mul(tensor([3, 4])).sum();
    loss.backward();
    optimizer.step();
    noGrad(() => w.assign(w.neg()));
    w.dataSync();
  });
  const names = ['upload', 'mul', 'sum', 'backward', 'upload', 'upload', 'adam', 'neg', 'cast'];
  assert.equal(watcher.asked, [...names, 'read']);
  assert.equal(watcher.told, names);
});

test('the operations inside a backward() are not events of their own', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = x.exp().mul(x).sum();
  const watcher = listing();
  withWatcher(watcher, () => y.backward());
  assert.equal(watcher.asked, ['backward']);
  assert.equal(watcher.told, ['backward']);
});

test('functions of the program that a backward() calls go through the watcher', () => {
  const x = tensor([1, 2], { requiresGrad: true });
  const y = customGrad(
    ([t]) => t.exp(),
    (g) => g.neg(),
  )(x);
  y.registerHook((g) => g.mul(2));
  const watcher = listing();
  withWatcher(watcher, () => y.sum().backward());
  assert.equal(watcher.asked, ['sum', 'backward', 'callback hooks', 'mul', 'callback rule', 'neg']);
  assert.equal(watcher.told, ['sum', 'mul', 'neg', 'backward']);
});

test('a recorded outcome replaces the work, and nothing is reported', () => {
  const recorded = tensor([7]);
  const watcher = listing(recorded);
  assert.is(
    withWatcher(watcher, () => tensor([1])),
    recorded,
  );
  assert.equal(watcher.told, []);
});

test('an operation that throws is not reported', () => {
  const watcher = listing();
  const y = tensor([1, 2], { requiresGrad: true }).mul(2).sum();
  y.backward();
  withWatcher(watcher, () => {
    assert.throws(() => tensor([1, 2]).add(tensor([1, 2, 3])), /broadcast/);
    assert.throws(() => y.backward(), /once/);
  });
  assert.equal(watcher.told, ['upload', 'upload']);
  assert.equal(watcher.asked.at(-1), 'refused a backward() that threw');
});

test('the watcher is removed when the function ends, also by an error', () => {
  const outer = listing();
  const inner = listing();
  withWatcher(outer, () => {
    assert.throws(() =>
      withWatcher(inner, () => {
        assert.is(watching(), inner);
        throw new Error('stop');
      }),
    );
    assert.is(watching(), outer);
  });
  assert.is(watching(), null);
});

test.run();
