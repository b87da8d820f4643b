/**
 * Plans of the wasm device keep transformed weights that do not change, and compute them again when
 * they do.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Conv2d,
  compile,
  conv2d,
  device,
  manualSeed,
  noGrad,
  RandomState,
  SGD,
  setDefaultDevice,
  type Tensor,
  tensor,
} from '../../src/index.js';

const test = suite('wasm: derived weights');
const wasm = await device('wasm', { threads: 2 });
setDefaultDevice(wasm);
test.after(() => wasm.close());

const random = new RandomState(5);
const images = (): Tensor => tensor(random.randn(2 * 32 * 32 * 20), { shape: [2, 32, 32, 20] });
const weights = (scale = 1): Tensor =>
  tensor(
    random.randn(3 * 3 * 20 * 36).map((v) => v * scale),
    { shape: [3, 3, 20, 36] },
  );
const convolve = (x: Tensor, w: Tensor): Tensor => conv2d(x, w, { padding: 1 });

/** How many times each kernel runs during `work`. Profiling goes on afterwards. */
function counted(work: () => void): Record<string, number> {
  const { profile } = wasm as unknown as { profile(): { kernel: string; calls: number }[] };
  profile.call(wasm);
  work();
  return Object.fromEntries(profile.call(wasm).map(({ kernel, calls }) => [kernel, calls]));
}

/** A compiled forward pass, recorded. */
function recorded(w: Tensor): (x: Tensor) => Tensor {
  const forward = compile((x: Tensor) => noGrad(() => convolve(x, w)));
  for (const mode of ['eager', 'recorded', 'compiled']) {
    forward(images());
    assert.is(forward.mode, mode, forward.reason);
  }
  return forward;
}
/** A training step of `layer`, whose outputs `after` gets. */
function stepOf(layer: Conv2d, after: (h: Tensor) => Tensor = (h) => h): (x: Tensor) => Tensor {
  const optimizer = new SGD(layer.parameters(), { lr: 0.01 });
  return (x) => {
    optimizer.zeroGrad();
    const loss = after(layer.forward(x)).square().mean();
    loss.backward();
    optimizer.step();
    return loss;
  };
}
/** Checks a forward pass against one without a recording. */
function checkOutput(forward: (x: Tensor) => Tensor, w: Tensor): void {
  const x = images();
  assert.equal(forward(x).dataSync(), noGrad(() => convolve(x, w)).dataSync());
}

test('weights that do not change are transformed once', () => {
  const w = weights();
  const forward = recorded(w);
  const x = images();
  const counts = counted(() => {
    for (let i = 0; i < 4; i++) forward(x).dataSync();
  });
  assert.is(counts.winogradWeights, undefined);
  assert.is(counts.winograd, 4 * (counted(() => forward(x).dataSync()).winograd as number));
  checkOutput(forward, w);
});

test('weights that were overwritten are transformed again', () => {
  const w = weights();
  const forward = recorded(w);
  const x = images();
  for (let i = 0; i < 3; i++) {
    noGrad(() => w.assign(weights(i + 2)));
    assert.is(counted(() => forward(x).dataSync()).winogradWeights, 1);
    assert.is(counted(() => forward(x).dataSync()).winogradWeights, undefined);
    checkOutput(forward, w);
  }
});

test('so are weights that another compiled step trains', () => {
  manualSeed(2);
  const layer = new Conv2d(20, 36, 3, { padding: 1 });
  const forward = recorded(layer.weight);
  const train = compile(stepOf(layer));
  const seen = new Set<number>();
  for (let i = 0; i < 4; i++) {
    seen.add(train(images()).dataSync()[0]);
    checkOutput(forward, layer.weight);
  }
  assert.is(train.mode, 'compiled', train.reason);
  assert.is(seen.size, 4);
});

test('a step that trains its weights keeps no copies of them', () => {
  const layer = new Conv2d(20, 36, 3, { padding: 1 });
  const train = compile(stepOf(layer));
  const x = images();
  for (let i = 0; i < 3; i++) train(x).dataSync();
  // Of the forward pass. x needs no gradient.
  assert.is(counted(() => train(x).dataSync()).winogradWeights, 1);
});

test('a frozen layer keeps those of both directions', () => {
  const first = new Conv2d(20, 20, 3, { padding: 1 });
  const frozen = new Conv2d(20, 36, 3, { padding: 1 }).requireGrad(false);
  const eager = stepOf(first, (h) => frozen.forward(h));
  const train = compile(eager);
  const x = images();
  for (let i = 0; i < 3; i++) train(x).dataSync();
  // Those of the first layer.
  assert.is(counted(() => train(x).dataSync()).winogradWeights, 1);
  const before = first.parameters().map((p) => p.clone());
  const loss = train(x).dataSync()[0];
  noGrad(() => {
    first.parameters().forEach((p, i) => void p.assign(before[i]));
  });
  assert.is(eager(x).dataSync()[0], loss);
});

test('a step may overwrite the weights that it convolves with', () => {
  const w = weights();
  const step = compile((x: Tensor, by: Tensor) =>
    noGrad(() => {
      const before = convolve(x, w).sum();
      w.assign(w.mul(by));
      return [before, convolve(x, w).sum()];
    }),
  );
  const x = images();
  for (let i = 0; i < 5; i++) {
    const [old, by] = [w.clone(), tensor(0.5 + i / 4)];
    const sums = step(x, by).map((t) => t.dataSync()[0]);
    const want = noGrad(() => [convolve(x, old).sum(), convolve(x, old.mul(by)).sum()]).map((t) => t.dataSync()[0]);
    assert.equal(sums, want);
  }
  assert.is(step.mode, 'compiled', step.reason);
});

test('weights that are too large for the transform take the direct way at every run, until they change', () => {
  const w = weights();
  const values = weights().dataSync() as Float32Array;
  values[7] = Number.POSITIVE_INFINITY;
  const infinite = tensor(values, { shape: w.shape });
  const forward = recorded(w);
  const x = images();
  const isDirect = (): boolean => counted(() => forward(x).dataSync()).convolve !== undefined;
  assert.not(isDirect());
  noGrad(() => w.assign(infinite));
  for (let i = 0; i < 3; i++) assert.ok(isDirect());
  checkOutput(forward, w);
  noGrad(() => w.assign(weights()));
  for (let i = 0; i < 2; i++) assert.not(isDirect());
  checkOutput(forward, w);
});

test('the memory comes back when the recording ends', () => {
  const w = weights();
  const free = (): number => wasm.memory().pooled;
  const once = (): void => {
    const forward = compile((x: Tensor) => noGrad(() => convolve(x, w).sum()));
    const x = images();
    for (let i = 0; i < 3; i++) forward(x).release();
    forward.dispose();
    x.release();
  };
  once();
  const before = free();
  for (let i = 0; i < 5; i++) once();
  assert.is(free(), before);
});

test.run();
