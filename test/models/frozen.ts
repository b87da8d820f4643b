/** A frozen encoder: what is not computed and not kept for it. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { compile, device, manualSeed, RandomState, setDefaultDevice, type Tensor, tensor } from '../../src/index.js';
import { Cedn, Vgg16 } from '../../src/models/index.js';
import { observe, peakOf } from '../helpers/observe.js';

const test = suite('frozen encoders');
const wasm = await device('wasm', { threads: 2 });
setDefaultDevice(wasm);
test.after(() => wasm.close());

const images = (): Tensor => tensor(new RandomState(2).rand(2 * 64 * 64 * 3), { shape: [2, 64, 64, 3] });
/** With 4, 8, 16, 32 and 32 channels by level. */
function network(frozen: boolean): Cedn {
  manualSeed(1);
  const model = new Cedn({ width: 1 / 16, dropout: 0 });
  model.features.requireGrad(!frozen);
  return model;
}
const lossOf = (model: Cedn, x: Tensor): Tensor => model.forward(x).square().mean();

test('backward computes no gradient of the encoder, and none below the first trained layer', () => {
  for (const [frozen, parameters, inputs] of [
    // 13 convolutions of the encoder and 8 others. The images need no gradient.
    [false, 21, 20],
    // The encoder's result needs none either.
    [true, 8, 7],
  ] as const) {
    const loss = lossOf(network(frozen), images());
    const counts: Record<string, number> = {};
    observe(
      wasm,
      () => loss.backward(),
      (kernel) => {
        counts[kernel] = (counts[kernel] ?? 0) + 1;
      },
    );
    assert.is(counts.conv2dParameterGrads, parameters);
    assert.is(counts.conv2dInputGrad, inputs);
    assert.is(counts.conv2dWeightGrad, undefined);
  }
});

/** Bytes of the first array, 2 × 64 × 64 × 4 numbers. */
const first = 2 * 64 * 64 * 4 * 4;

test('the forward pass keeps its result and the places of the maxima, and nothing else', () => {
  const model = network(true);
  const x = images();
  const before = wasm.memory();
  const [features, where] = model.features.encode(x);
  // Each level has a quarter of the pixels of the one above, with these channels.
  const numbers = 2 * (32 * 32 * 4 + 16 * 16 * 8 + 8 * 8 * 16 + 4 * 4 * 32 + 2 * 2 * 32);
  assert.is(wasm.memory().tensors - before.tensors, 6);
  assert.is(wasm.memory().bytes - before.bytes, 4 * (numbers + 2 * 2 * 2 * 32));
  assert.is(where.length, 5);
  const reference = network(false).features.encode(x)[0];
  assert.equal(features.dataSync(), reference.dataSync());
  // A convolution or relu with its input.
  assert.is(
    peakOf(wasm, () => void model.features.encode(x)),
    2 * first,
  );
  const unfrozen = network(false);
  assert.ok(peakOf(wasm, () => void unfrozen.features.encode(x)) > 3 * first);
});

test('features without the places keep their result only', () => {
  const model = new Vgg16({ width: 1 / 16, size: 64, classes: 2 });
  model.features.requireGrad(false);
  const x = images();
  const before = wasm.memory();
  const y = model.features.forward(x);
  assert.is(wasm.memory().tensors - before.tensors, 1);
  assert.equal([...y.shape], [2, 2, 2, 32]);
});

test('a compiled step gives the same bits', () => {
  const run = (wrap: (step: (x: Tensor) => Tensor) => (x: Tensor) => Tensor): string[] => {
    const model = network(true);
    const step = wrap((x) => {
      for (const p of model.parameters()) p.clearGrad();
      const loss = lossOf(model, x);
      loss.backward();
      return loss;
    });
    const losses = Array.from({ length: 3 }, () => String(step(images()).dataSync()[0]));
    return [...losses, ...model.parameters().map(({ grad }) => String(grad?.dataSync()))];
  };
  assert.equal(
    run(compile),
    run((step) => step),
  );
});

test.run();
