/**
 * The lifetimes of tensors. What a graph made is readable until the backward() after its own has
 * ended. noGrad frees everything but its result. keep() and clone() outlive both. Single elements
 * live for as long as they are held. The tests measure device memory after the garbage collector
 * has run.
 * Not here: long runs (test/soak).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  bceWithLogits,
  conv2d,
  conv2dTranspose,
  defaultDevice,
  dropout,
  GraphError,
  maxPool2d,
  maxUnpool2d,
  noGrad,
  Parameter,
  PoolIndices,
  RandomState,
  randn,
  type Tensor,
  tensor,
  zeros,
} from '../../src/index.js';
import { collected } from '../helpers/collect.js';

const test = suite('lifetimes');
const device = defaultDevice();
const live = (): number => device.memory().tensors;
const leaf = (values: number[], shape: number[] = [values.length]): Tensor =>
  tensor(values, { shape, requiresGrad: true });
const readable = (t: Tensor): boolean => {
  try {
    return t.dataSync().length === t.size;
  } catch (e) {
    assert.instance(e, GraphError);
    return false;
  }
};
/** The engine keeps a few dead objects for a while: the last ones in its registers, for example. */
const slack = 8;
/** A backward of its own: turns one generation. */
const turn = (): void => leaf([1]).mul(2).backward();
/** Arrays that the program still holds, when every graph that was used has ended. */
const held = async (): Promise<number> => {
  turn();
  turn();
  await collected();
  return live();
};

test('an intermediate is readable after its own backward, and gone after the next', () => {
  const x = leaf([1, 2]);
  const y = x.mul(3);
  const loss = y.mul(y).sum();
  loss.backward();
  assert.equal([...y.dataSync()], [3, 6]);
  turn();
  assert.not.ok(readable(y));
  assert.throws(
    () => y.dataSync(),
    /mul's result of shape \[2\]; it lived until release\(\), the end of the backward\(\) after its own.*keep\(\) or clone\(\)/,
  );
  assert.equal(
    [readable(x), readable(loss), readable(x.grad as Tensor)],
    [true, true, true],
    'leaves, scalars and gradients stay',
  );
});
test('what an op converts for itself ends with its graph, or at once where there is none', () => {
  const x = tensor([1, 2, 3], { requiresGrad: true });
  const whole = tensor(Int32Array.of(4, 5, 6));
  const { tensors } = defaultDevice().memory();
  whole.mul(x.detach()).release();
  assert.is(defaultDevice().memory().tensors, tensors);
  const counts = Array.from({ length: 3 }, () => {
    whole
      .mul(x)
      .mul(x)
      .backward(tensor([1, 1, 1]).keep());
    x.clearGrad();
    return defaultDevice().memory().tensors;
  });
  // Each keeps its own gradient to begin with; all else of the graph before the last is gone.
  assert.equal([counts[2] - counts[1], counts[1] - counts[0]], [1, 1]);
});

test('what was never walked stays', () => {
  const y = leaf([1, 2]).mul(3);
  turn();
  turn();
  assert.ok(readable(y));
});
test('indices of a graph that was used serve another one', () => {
  const [what, where] = maxPool2d(leaf([1, 2, 3, 4], [1, 2, 2, 1]), { kernelSize: 2 });
  what.sum().backward();
  const v = leaf([5], [1, 1, 1, 1]);
  maxUnpool2d(v, where).sum().backward();
  assert.equal([...(v.grad as Tensor).dataSync()], [1]);
});
test('retainGraph keeps everything', () => {
  const y = leaf([1, 2]).mul(3);
  y.sum().backward(undefined, { retainGraph: true });
  turn();
  turn();
  assert.ok(readable(y));
});
test('keep() and clone() outlive, whether the clone was made before, during or after backward, recorded or not', () => {
  const x = leaf([1, 2]);
  const kept = x.mul(3).keep();
  const y = kept.add(1);
  const copies = [y.clone(), y.detach().clone(), noGrad(() => y.clone())];
  const inGraph = y.clone();
  inGraph.sum().backward();
  copies.push(
    inGraph,
    y.clone(),
    y.detach().clone(),
    noGrad(() => y.clone()),
  );
  turn();
  turn();
  assert.equal([readable(kept), readable(y)], [true, false]);
  for (const copy of copies) assert.equal([...copy.dataSync()], [4, 7]);
});
test('a view keeps the storage it shares', () => {
  const x = leaf([1, 2]);
  const y = x.mul(3);
  const kept = y.reshape([2, 1]).keep();
  y.sum().backward();
  turn();
  turn();
  assert.equal([readable(y), [...kept.dataSync()]], [false, [3, 6]]);
});
test('results without a gradient end with the graph they came from', () => {
  const x = leaf([1, 2]);
  const y = x.mul(3);
  const hits = y.greater(4);
  const later = hits.cast('float32').add(1);
  y.sum().backward();
  assert.equal([readable(hits), readable(later)], [true, true]);
  turn();
  assert.equal([readable(hits), readable(later)], [false, false]);
});
test('metrics derived after backward: readable now, gone with the graph', () => {
  const x = leaf([1, 2]);
  const y = x.mul(3);
  y.sum().backward();
  const correct = y.detach().greater(4).cast('float32');
  const accuracy = correct.mean();
  assert.is(accuracy.itemSync(), 0.5);
  turn();
  turn();
  assert.not.ok(readable(correct));
  assert.is(accuracy.itemSync(), 0.5);
});
test('noGrad frees all but its result, in arrays, objects and pool indices too', () => {
  const x = leaf([1, 4, 2, 3], [1, 2, 2, 1]);
  const made: Tensor[] = [];
  const before = live();
  const result = noGrad(() => {
    const doubled = x.mul(2);
    const [values, indices] = maxPool2d(doubled, { kernelSize: 2 });
    made.push(doubled, doubled.add(1));
    return { list: [values], indices };
  });
  assert.is(live() - before, 2);
  assert.equal(made.map(readable), [false, false]);
  assert.instance(result.indices, PoolIndices);
  assert.equal([[...result.list[0].dataSync()], [...result.indices.dataSync()]], [[8], [1]]);
});
test('noGrad inside noGrad: the outer one frees what the inner one returned', () => {
  const x = leaf([1, 2]);
  const before = live();
  let inner: Tensor | undefined;
  const out = noGrad(() => {
    inner = noGrad(() => x.mul(2).add(1));
    assert.ok(readable(inner));
    return inner.add(1);
  });
  assert.not.ok(readable(inner as Tensor));
  assert.equal([[...out.dataSync()], live() - before], [[4, 6], 1]);
});
test('noGrad frees when fn throws, and keeps what was kept', () => {
  const before = live();
  let kept: Tensor | undefined;
  assert.throws(() =>
    noGrad(() => {
      kept = leaf([1]).mul(2).keep();
      kept.add(1);
      throw new Error('inside');
    }),
  );
  assert.is(live() - before, 1);
  assert.ok(readable(kept as Tensor));
});
test('release() ends a tensor now; a second one does nothing', () => {
  const before = live();
  const t = zeros([3]).add(1);
  t.release();
  t.release();
  assert.is(live() - before, 1, 'the zeros');
});
test('backward leaves nothing but the gradients once its graph is gone', () => {
  // No result has a single element, so nothing is left to the garbage collector, and the count is
  // exact.
  const x = leaf([1, 2, 3, 4], [2, 2]);
  const upstream = tensor([1, 1, 1, 1], { shape: [2, 2] });
  const idle = leaf([0, 0, 0, 0], [2, 2]);
  idle.backward(upstream);
  idle.backward(upstream);
  const before = live();
  x.mul(3).exp().add(x.log()).softmax().maximum(0.1).backward(upstream);
  // A backward() from a leaf ends no graph. It releases what the previous one marked, and makes
  // nothing but the leaf's gradient.
  idle.backward(upstream);
  idle.backward(upstream);
  assert.is(live() - before, 1, "x's gradient");
});
test('a pattern of two networks: two backwards a step, both losses readable, memory flat', async () => {
  const random = new RandomState(3);
  const weight = (...shape: number[]): Parameter =>
    new Parameter(
      tensor(
        Float32Array.from(random.randn(shape[0] * shape[1]), (v) => 0.3 * v),
        { shape },
      ),
    );
  const [g1, g2, d1, d2] = [weight(3, 8), weight(8, 4), weight(4, 8), weight(8, 1)];
  const [forG, forD] = [new Adam([g1, g2], { lr: 0.01 }), new Adam([d1, d2], { lr: 0.01 })];
  const noise = tensor(Float32Array.from(random.randn(18)), { shape: [6, 3] });
  const real = tensor(Float32Array.from(random.randn(24)), { shape: [6, 4] });
  const [one, zero] = [tensor(new Float32Array(6).fill(1), { shape: [6, 1] }), zeros([6, 1])];
  const make = (): Tensor => noise.matmul(g1).relu().matmul(g2);
  const judge = (x: Tensor): Tensor => x.matmul(d1).leakyRelu(0.2).matmul(d2);
  const counts: number[] = [];
  for (let step = 0; step < 120; step++) {
    const fake = make();
    forD.zeroGrad();
    const lossD = bceWithLogits(judge(real), one).add(bceWithLogits(judge(fake.detach()), zero));
    lossD.backward();
    forD.step();
    forG.zeroGrad();
    const lossG = bceWithLogits(judge(fake), one);
    lossG.backward();
    forG.step();
    assert.ok(Number.isFinite(lossD.itemSync()) && Number.isFinite(lossG.itemSync()));
    assert.ok(readable(fake), 'the images made are still there to look at');
    if (step % 40 === 39) counts.push(await held());
  }
  assert.ok(Math.abs(counts[2] - counts[1]) <= slack, `arrays after 40, 80 and 120 steps: ${counts}`);
});

/** A step of a small autoencoder with pooling, unpooling and dropout, as a user writes it. */
function autoencoder(): { step: () => Tensor; metric: (output: Tensor) => Tensor; output: () => Tensor } {
  const random = new RandomState(4);
  const weight = (...shape: number[]): Parameter =>
    new Parameter(
      tensor(
        Float32Array.from(random.randn(shape.reduce((a, b) => a * b, 1)), (v) => 0.3 * v),
        { shape },
      ),
    );
  const [w1, w2] = [weight(3, 3, 1, 3), weight(3, 3, 1, 3)];
  const optimizer = new Adam([w1, w2], { lr: 0.01 });
  const x = tensor(Float32Array.from(random.randn(36)), { shape: [1, 6, 6, 1] });
  const target = tensor(Float32Array.from(random.rand(36), Math.round), { shape: [1, 6, 6, 1] });
  let last: Tensor = x;
  return {
    step() {
      optimizer.zeroGrad();
      const [pooled, indices] = maxPool2d(conv2d(x, w1, { padding: 'same' }).relu(), { kernelSize: 2 });
      last = conv2dTranspose(dropout(maxUnpool2d(pooled, indices), { random }), w2, { padding: 'same' });
      const loss = bceWithLogits(last, target, { reduction: 'sum' });
      loss.backward();
      optimizer.step();
      return loss;
    },
    metric: (output) => output.detach().greater(0).equal(target.greater(0.5)).cast('float32').mean(),
    output: () => last,
  };
}
test('300 steps without awaiting leave a few single elements a step until the event loop turns, and nothing after', async () => {
  const { step } = autoencoder();
  const run = (steps: number): void => {
    for (let i = 0; i < steps; i++) step();
  };
  run(10);
  const before = await held();
  run(300);
  assert.ok(live() - before <= 3 * 300, `${live() - before} more`);
  assert.ok((await held()) <= before + slack);
});
test('300 steps with an evaluation under noGrad and a read: flat as well', async () => {
  const { step } = autoencoder();
  const counts: number[] = [];
  const w = randn([3, 3, 1, 2]);
  const x = randn([1, 6, 6, 1]);
  for (let i = 0; i < 300; i++) {
    const loss = step();
    const seen = noGrad(() => maxPool2d(conv2d(x, w, { padding: 'same' }).softmax(), { kernelSize: 2 })[0].mean());
    assert.ok(Number.isFinite(loss.itemSync() + seen.itemSync()));
    if (i % 100 === 99) counts.push(await held());
  }
  assert.ok(Math.max(...counts) <= Math.min(...counts) + slack, `arrays after 100, 200 and 300 steps: ${counts}`);
});
test('metrics of a training step made from detached results do not pile up', async () => {
  const { step, metric, output } = autoencoder();
  const counts: number[] = [];
  for (let i = 0; i < 300; i++) {
    step();
    const accuracy = metric(output());
    assert.ok(accuracy.itemSync() >= 0);
    if (i % 100 === 99) counts.push(await held());
  }
  assert.ok(Math.max(...counts) <= Math.min(...counts) + slack, `arrays after 100, 200 and 300 steps: ${counts}`);
});

test('every loss of a history stays readable', async () => {
  const x = leaf([1, 2]);
  const losses: Tensor[] = [];
  for (let i = 0; i < 300; i++) {
    const loss = x.mul(i).sum();
    loss.backward();
    losses.push(loss);
  }
  assert.equal(
    await Promise.all(losses.map((l) => l.item())),
    Array.from({ length: 300 }, (_, i) => 3 * i),
  );
});
test('a loss of 100 penalties is readable after backward', async () => {
  const params = Array.from({ length: 100 }, (_, i) => new Parameter(tensor([i, 1])));
  const loss = params.map((p) => p.mul(p).sum()).reduce((a, b) => a.add(b));
  loss.backward();
  // Σ i² for i < 100, and 1 for each.
  assert.is(await loss.item(), 328350 + 100);
});
test('a loss that is held holds nothing else of its graph', async () => {
  const collectedInputs: number[] = [];
  const registry = new FinalizationRegistry<number>((i) => collectedInputs.push(i));
  const losses: Tensor[] = [];
  const w = leaf([2]);
  const before = await held();
  for (let i = 0; i < 20; i++) {
    const x = tensor(new Float32Array(100));
    registry.register(x, i);
    const loss = x.mul(w).exp().mean();
    loss.backward();
    losses.push(loss);
  }
  turn();
  const more = (await held()) - before;
  assert.ok(more <= 20 + 1 + slack, `${more} more than before; 20 losses and w's gradient are held`);
  assert.ok(collectedInputs.length >= 20 - slack, `${collectedInputs.length} of 20 inputs were collected`);
  assert.is(losses[0].itemSync(), 1);
});
test('a result without a gradient ends with the graph that has ended, whichever input is of it', () => {
  const w = leaf([1, 2]);
  const [used, live] = [w.mul(2), w.mul(3)];
  used.sum().backward();
  const results = [live.greater(used), used.greater(live)];
  assert.equal(
    results.map((t) => [...t.dataSync()]),
    [
      [1, 1],
      [0, 0],
    ],
  );
  turn();
  turn();
  assert.equal(
    results.map((t) => t.released),
    [true, true],
  );
  assert.is(live.released, false);
});
test('a result that is held holds nothing that was computed from it without a gradient', async () => {
  const w = leaf([1, -2]);
  const h = w.mul(3);
  const derived = new WeakRef(h.greater(0));
  h.sum().backward();
  turn();
  // A WeakRef holds its target until the task ends.
  await new Promise((resolve) => setTimeout(resolve));
  await collected();
  assert.is(derived.deref(), undefined);
  assert.is(h.released, true);
});
test('a second backward through a part that was used is refused, though the part has let go of its inputs', () => {
  const y = leaf([1, 2]).mul(3);
  const [a, b] = [y.sum(), y.mul(y).sum()];
  a.backward();
  assert.throws(() => b.backward(), /a graph can be used once.*through/);
});
test('a read begun before the end of a life completes', async () => {
  const y = leaf([1, 2]).mul(3);
  y.sum().backward();
  const reading = y.data();
  turn();
  turn();
  assert.not.ok(readable(y));
  assert.equal([...(await reading)], [3, 6]);
});

test.run();
