/**
 * ConvAutoencoder against the same network in PyTorch (fixtures/gen_models.py), and its counts,
 * sizes, gradients and checks.
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { gradcheck, manualSeed, mse, noGrad, type Tensor, tensor } from '../../src/index.js';
import { autoencoderFor, ConvAutoencoder, type ConvAutoencoderOptions } from '../../src/models/index.js';
import { RandomState } from '../../src/values/random.js';

const test = suite('ConvAutoencoder');

interface Stored {
  readonly shape: number[];
  readonly data: number[];
}
interface Case {
  readonly name: string;
  readonly decoder: 'unpool' | 'upsample';
  readonly norm: boolean;
  readonly weights: Record<string, Stored>;
  readonly x: Stored;
  readonly y: Stored;
  readonly code: Stored;
  readonly logits: Stored;
  readonly loss: number;
  readonly gradients: Record<string, Stored>;
}
const { cases } = JSON.parse(readFileSync(new URL('../fixtures/models.json', import.meta.url), 'utf8')) as {
  cases: Case[];
};
const double = ({ shape, data }: Stored): Tensor => tensor(data, { shape, dtype: 'float64' });

function isClose(actual: Tensor, { shape, data }: Stored, what: string): void {
  assert.equal([...actual.shape], shape, what);
  const values = actual.dataSync();
  data.forEach((value, i) => {
    assert.ok(Math.abs(values[i] - value) < 1e-9 + 1e-7 * Math.abs(value), `${what}[${i}]: ${values[i]}, not ${value}`);
  });
}

for (const { name, decoder, norm, weights, x, y, code, logits, loss, gradients } of cases)
  test(`${name}: code, logits and gradients are PyTorch's`, () => {
    const options = { size: [7, 6], channels: 2, outChannels: 1, widths: [3, 4], code: 2, decoder, norm } as const;
    const model = new ConvAutoencoder(options).to('float64');
    const named = Object.fromEntries(Object.entries(weights).map(([key, w]) => [key, double(w)]));
    assert.equal(
      model
        .namedParameters()
        .map(([key]) => key)
        .sort(),
      Object.keys(weights).sort(),
    );
    model.loadStateDict(named, { strict: false });
    const [made, levels] = model.encode(double(x));
    isClose(made, code, 'code');
    isClose(model.decodeLogits(made, levels), logits, 'logits');
    // Batch norm would count the batch once more in its running statistics, but not in its output.
    const result = mse(model.decode(made, levels), double(y));
    assert.ok(Math.abs(result.itemSync() - loss) < 1e-10);
    result.backward();
    for (const [key, parameter] of model.namedParameters())
      isClose(parameter.grad as Tensor, gradients[key], `gradient of ${key}`);
  });

const count = (options: ConvAutoencoderOptions): number =>
  new ConvAutoencoder(options).parameters().reduce((n, p) => n + p.size, 0);

test('the number of parameters is that of its layers', () => {
  // Convolutions: (3·3·3 + 1)·16 and (3·3·16 + 1)·32; code (32 + 1)·8; widen (8 + 1)·32;
  // decoder (3·3·32 + 1)·16 and (3·3·16 + 1)·3.
  const plain = { size: [32, 32], channels: 3, widths: [16, 32] } as const;
  assert.is(count(plain), 448 + 4640 + 264 + 288 + 4624 + 435);
  // Batch norm has two numbers a channel, and takes the place of the bias.
  assert.is(count({ ...plain, norm: true }), count(plain) + 16 + 32 + 32 + 16);
  assert.is(count({ ...plain, code: 2 }), 448 + 4640 + 66 + 96 + 4624 + 435);
  assert.is(count({ ...plain, outChannels: 1 }), count(plain) - 2 * 145);
});

test('outputs have the size of the inputs, odd sizes too, and lie in 0 … 1', () => {
  for (const decoder of ['unpool', 'upsample'] as const)
    for (const size of [
      [16, 16],
      [17, 19],
      [5, 40],
    ] as const) {
      manualSeed(1);
      const model = new ConvAutoencoder({ size, channels: 3, outChannels: 2, widths: [4, 6], decoder, dropout: 0.2 });
      const x = tensor(new RandomState(1).rand(2 * size[0] * size[1] * 3), { shape: [2, ...size, 3] });
      noGrad(() => {
        const [code] = model.eval().encode(x);
        assert.equal([...code.shape], [2, Math.floor(size[0] / 4), Math.floor(size[1] / 4), 2]);
        const y = model.forward(x);
        assert.equal([...y.shape], [2, ...size, 2]);
        assert.ok(y.dataSync().every((v) => v > 0 && v < 1));
        // An image of another size than the option.
        assert.equal([...model.forward(x.slice([0, 1], [0, 4])).shape], [1, 4, size[1], 2]);
      });
    }
});

test('a code alone is decoded by copies, and refused by unpooling', () => {
  const options = { size: [9, 8], channels: 1, widths: [2, 2], code: 1 } as const;
  const code = tensor([0, 1, 2, 3], { shape: [1, 2, 2, 1] });
  assert.equal([...new ConvAutoencoder({ ...options, decoder: 'upsample' }).decode(code).shape], [1, 9, 8, 1]);
  const unpooling = new ConvAutoencoder(options);
  assert.throws(
    () => unpooling.decode(code),
    /^ConvAutoencoder.decode: a decoder 'unpool' needs the levels that encode returned; got levels=undefined/,
  );
  assert.throws(() => unpooling.decode(code, []), /levels must be the 2 that encode returned; got levels=\[\]/);
});

/** Puts tensors in the place of a model's parameters, which is how gradcheck moves them. */
function place(model: ConvAutoencoder, names: readonly string[], tensors: readonly Tensor[]): void {
  names.forEach((name, i) => {
    const path = name.split('.');
    const field = path.pop() as string;
    type Fields = Record<string, unknown>;
    const owner = path.reduce((from, key) => from[key] as Fields, model as unknown as Fields);
    owner[field] = tensors[i];
  });
}

test('gradcheck, for images and parameters', () => {
  for (const decoder of ['unpool', 'upsample'] as const) {
    manualSeed(6);
    const model = new ConvAutoencoder({ size: [5, 4], channels: 1, widths: [3, 4], code: 2, decoder }).to('float64');
    const x = tensor(new RandomState(4).rand(20), { shape: [1, 5, 4, 1], dtype: 'float64', requiresGrad: true });
    const named = model.namedParameters();
    const names = named.map(([name]) => name);
    const fn = (image: Tensor, ...tensors: Tensor[]): Tensor => {
      place(model, names, tensors);
      return model.forward(image);
    };
    const inputs = [x, ...named.map(([, parameter]) => parameter)];
    assert.ok(gradcheck(fn, inputs));
    // The check would be empty if all relus were silent.
    fn(...(inputs as [Tensor, ...Tensor[]]))
      .sum()
      .backward();
    assert.ok(x.grad?.dataSync().some((g) => Math.abs(g) > 1e-6));
  }
});

test('dropout is on the code, while training only', () => {
  manualSeed(5);
  const model = new ConvAutoencoder({ size: [8, 8], channels: 1, widths: [4], code: 4, dropout: 0.5 });
  const x = tensor(new RandomState(1).rand(64), { shape: [1, 8, 8, 1] });
  const values = (): number[] => Array.from(noGrad(() => model.forward(x)).dataSync());
  assert.not.equal(values(), values());
  model.eval();
  assert.equal(values(), values());
});

test('the options for a size', () => {
  const widthsFor = (...size: [number, number]): readonly number[] => autoencoderFor(size, 3).widths;
  assert.equal(widthsFor(2, 9), [16]);
  assert.equal(widthsFor(16, 16), [16]);
  assert.equal(widthsFor(27, 27), [16]);
  assert.equal(widthsFor(28, 28), [16, 32]);
  assert.equal(widthsFor(32, 100), [16, 32]);
  assert.equal(widthsFor(64, 64), [16, 32, 64]);
  assert.equal(widthsFor(1000, 112), [16, 32, 64, 128]);
  for (const size of [
    [2, 2],
    [5, 31],
    [200, 64],
  ] as const) {
    const x = tensor(new Float32Array(size[0] * size[1]), { shape: [1, ...size, 1] });
    assert.equal([...new ConvAutoencoder(autoencoderFor(size, 1)).forward(x).shape], [1, ...size, 1]);
  }
});

test('bad options are refused by name', () => {
  const sound = { size: [8, 8], channels: 1, widths: [2] };
  for (const [change, message] of [
    [{ size: 8 }, /^ConvAutoencoder: size must be \[height, width\], whole and in \[1, 65536\]; got size=8$/],
    [{ size: [8, 0] }, /size must be .*; got size=\[8,0\]/],
    [{ channels: 0 }, /channels must be whole and in \[1, 65536\]; got channels=0/],
    [{ outChannels: 1.5 }, /outChannels must be whole/],
    [{ widths: [] }, /widths must list the channels of each level; got widths=\[\]; as in \[16, 32\]/],
    [{ widths: [2, -1] }, /widths\[1\] must be whole and in .*; got widths\[1\]=-1/],
    [
      { widths: [2, 2, 2, 2] },
      /size must be at least 16, because each of the 4 widths halves it; got size=\[8,8\]; list fewer/,
    ],
    [{ code: '4' }, /code must be whole/],
    [{ decoder: 'deconv' }, /decoder must be 'unpool' or 'upsample'; got decoder='deconv'/],
    [{ norm: 1 }, /norm must be true or false; got norm=1/],
    [{ dropout: 1 }, /rate/],
    [{ width: 3 }, /options are size, .*; got width=3; did you mean widths\?/],
  ] as const)
    assert.throws(() => new ConvAutoencoder({ ...sound, ...change } as never), message);
  assert.throws(
    () => autoencoderFor([1, 8], 3),
    /^autoencoderFor: size must be at least 2, because a level halves it; got size=\[1,8\]/,
  );
  assert.throws(() => autoencoderFor([8, 8], 0), /autoencoderFor: channels must be whole/);
  const model = new ConvAutoencoder(sound as never);
  const grey = tensor(new Float32Array(192), { shape: [1, 8, 8, 3] });
  assert.throws(() => model.forward(grey), /^ConvAutoencoder.forward: input must have rank 4 or more and 1 channels/);
});

test('a copy has the same outputs and its own weights', () => {
  const model = new ConvAutoencoder({ size: [8, 8], channels: 1, widths: [2, 3] });
  const x = tensor(
    Float32Array.from({ length: 64 }, (_, i) => i / 64),
    { shape: [1, 8, 8, 1] },
  );
  const copy = model.clone();
  assert.equal(copy.forward(x).dataSync(), model.forward(x).dataSync());
  assert.is.not(copy.parameters()[0], model.parameters()[0]);
});

test.run();
