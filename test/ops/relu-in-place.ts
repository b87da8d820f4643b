/** relu with inPlace: the same numbers, less memory, and errors in place of lost values. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  Conv2d,
  checkpoint,
  compile,
  type Device,
  device,
  GraphError,
  MaxPool2d,
  Module,
  manualSeed,
  noGrad,
  RandomState,
  ReLU,
  relu,
  Sequential,
  setDefaultDevice,
  type Tensor,
  tensor,
  ValueError,
} from '../../src/index.js';
import { peakOf } from '../helpers/observe.js';
import { refuses } from '../helpers/refusals.js';

const test = suite('ops/relu in place');
const wasm = await device('wasm', { threads: 2 });
const reference = await device('reference');
test.before.each(() => {
  setDefaultDevice(wasm);
});
test.after(() => wasm.close());

const shape = [2, 12, 10, 3];
const images = (): Tensor => tensor(new RandomState(1).randn(720), { shape });
const bits = (t: Tensor | null): string => Array.from(t?.dataSync() ?? []).join();

/** Two convolutions with relu between and after them. */
class Net extends Module {
  one = new Conv2d(3, 4, 3, { padding: 1 });
  two = new Conv2d(4, 2, 3, { padding: 1 });
  constructor(readonly inPlace: boolean) {
    super();
  }
  forward(x: Tensor): Tensor {
    const h = relu(this.one.forward(x), { inPlace: this.inPlace });
    return relu(this.two.forward(h), { inPlace: this.inPlace });
  }
}
function trained(on: Device, inPlace: boolean, wrap: (step: () => Tensor) => () => Tensor): string[] {
  setDefaultDevice(on);
  manualSeed(3);
  const net = new Net(inPlace);
  const x = images();
  const optimizer = new Adam(net.parameters(), { lr: 0.01 });
  const step = wrap(() => {
    optimizer.zeroGrad();
    const loss = net.forward(x).square().mean();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const losses = Array.from({ length: 5 }, () => bits(step()));
  return [...losses, ...net.parameters().map(bits), ...net.parameters().map(({ grad }) => bits(grad))];
}

test('training gives the same bits with it, also compiled', () => {
  for (const on of [reference, wasm]) {
    const want = trained(on, false, (step) => step);
    assert.equal(new Set(want.slice(0, 5)).size, 5);
    assert.equal(
      trained(on, true, (step) => step),
      want,
    );
    assert.equal(trained(on, true, compile), want);
  }
  const step = compile((x: Tensor) => relu(x.mul(2), { inPlace: true }).sum());
  for (const mode of ['eager', 'recorded', 'compiled']) {
    assert.is(step(tensor([1, -2, 3])).dataSync()[0], 8);
    assert.is(step.mode, mode);
  }
});

test('in a checkpoint it gives the same gradients', () => {
  const of = (inPlace: boolean): string => {
    const x = tensor([0.5, -1, 2, Number.NaN]).mul(1);
    const w = tensor([1, 2, 3, 4], { requiresGrad: true });
    checkpoint((h) => relu(h.mul(w), { inPlace }).exp(), x)
      .sum()
      .backward();
    return bits(w.grad);
  };
  assert.is(of(true), of(false));
});

test('the memory of x is free afterwards', () => {
  const x = images();
  const conv = new Conv2d(3, 16, 3, { padding: 1 });
  const pool = new MaxPool2d(2);
  const array = 2 * 12 * 10 * 16 * 4;
  const run = (layer: ReLU) => () => {
    const [values, indices] = pool.forward(layer.forward(conv.forward(x)));
    for (const t of [values, indices.plane]) t.release();
  };
  // The results of the convolution, of relu, and of the pool: two arrays of a quarter each.
  assert.is(peakOf(wasm, run(new ReLU())), 2.5 * array);
  assert.is(peakOf(wasm, run(new ReLU({ inPlace: true }))), 2 * array);
});

test('reading x afterwards is an error that says why', () => {
  const x = tensor([1, -2]).mul(2);
  const view = x.reshape([2, 1]);
  const y = relu(x, { inPlace: true });
  assert.equal([...y.dataSync()], [2, 0]);
  assert.throws(
    () => x.add(1),
    (e: Error) => e instanceof GraphError && /relu with inPlace has taken its memory/.test(e.message),
  );
  assert.equal([...view.dataSync()], [2, -4]);
});

test('a gradient that needs x says so', () => {
  const w = tensor([1, -2], { requiresGrad: true });
  const x = w.mul(2);
  const loss = x
    .square()
    .add(relu(x, { inPlace: true }))
    .sum();
  assert.throws(
    () => loss.backward(),
    (e: Error) => e instanceof GraphError && /relu with inPlace has taken its memory/.test(e.message),
  );
});

test('a leaf that requires a gradient, and wrong options, are refused', async () => {
  const leaf = tensor([1], { requiresGrad: true });
  await refuses(['relu', () => relu(leaf, { inPlace: true }), GraphError, /must not change in place/], undefined);
  assert.equal([...noGrad(() => relu(leaf.mul(1), { inPlace: true })).dataSync()], [1]);
  await refuses(['relu', () => relu(leaf, { inplace: true } as never), ValueError, /inPlace/], undefined);
  await refuses(['ReLU', () => new ReLU({ inPlace: 1 } as never), ValueError, /inPlace/], undefined);
  await refuses(['relu', () => relu(leaf, 0 as never), ValueError, /options/], undefined);
});

test('a layer prints it', () => {
  assert.match(String(new Sequential(new ReLU({ inPlace: true }), new ReLU())), /ReLU\(inPlace=true\)\n.*ReLU\(\)/);
});

test.run();
