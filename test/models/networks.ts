/**
 * The published networks: numbers of parameters, names, outputs and gradients as in PyTorch
 * (fixtures/gen_networks.py), at odd sizes. Not here: ConvAutoencoder (autoencoder.ts).
 */
import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Module, RandomState, type Tensor, tensor, zeros } from '../../src/index.js';
import { encodeSafetensors, loadTorch, type StoredTensor } from '../../src/io/index.js';
import { Cedn, DeconvNet, ENet, SegNet, Swwae, UNet, Vgg16 } from '../../src/models/index.js';
import { throws } from '../helpers/refusals.js';

const test = suite('networks');

interface Case {
  readonly seed: number;
  /** The least scale of a norm. */
  readonly low: number;
  /** Shapes in PyTorch's layouts, by PyTorch's names, in order. */
  readonly state: Readonly<Record<string, readonly number[]>>;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly every: number;
  readonly values: readonly number[];
  readonly inputGradient: number;
  readonly gradients: Readonly<Record<string, number>>;
}
type Network = Module & { forward(x: Tensor): Tensor };
const cases = JSON.parse(readFileSync(new URL('../fixtures/networks.json', import.meta.url), 'utf8')) as Record<
  string,
  Case
>;
const networks: Readonly<Record<string, () => Network>> = {
  Vgg16: () => new Vgg16({ width: 1 / 32, classes: 3, size: [33, 65] }),
  SegNet: () => new SegNet({ width: 1 / 32, classes: 3 }),
  DeconvNet: () => new DeconvNet({ width: 1 / 32, classes: 3, size: [33, 65] }),
  Cedn: () => new Cedn({ width: 1 / 32 }),
  Swwae: () => new Swwae({ layers: '(3)5c-2p-(4)3c-2p' }),
  UNet: () => new UNet({ width: 1 / 32, channels: 2, classes: 3, norm: true }),
  ENet: () => new ENet({ classes: 3 }),
};
/** 'ext_conv1.0.running_mean' is 'extConv1.0.runningMean'. Names such as regular1_2 stay. */
const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The numbers that the generator drew, as a file of PyTorch's, and the generator for more. */
function drawn({ seed, low, state }: Case): [Uint8Array, RandomState] {
  const random = new RandomState(seed);
  const dict: Record<string, StoredTensor> = {};
  for (const [name, shape] of Object.entries(state)) {
    const size = shape.reduce((a, b) => a * b, 1);
    const fan = size / shape[0];
    const least = /running_var$|weight$/.test(name) ? low : -0.25;
    const data = Float64Array.from(random.rand(size), (u) =>
      shape.length > 1 ? (u - 0.5) * 2 * Math.sqrt(6 / fan) : u * 0.5 + least,
    );
    dict[name] = { dtype: 'float64', shape, data };
  }
  return [encodeSafetensors(dict), random];
}

const norm = (x: Tensor): number => Math.hypot(...x.dataSync());
function isClose(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 1e-11 + 1e-8 * Math.abs(expected), `${what}: ${actual}, not ${expected}`);
}

for (const [name, one] of Object.entries(cases))
  test(`${name}: names, output and gradients are PyTorch's`, async () => {
    const model = networks[name]().to('float64').eval();
    const [file, random] = drawn(one);
    await loadTorch(model, file, name === 'Vgg16' ? { flatten: { 'classifier.0': [16, 1, 2] } } : {});
    const [batch, channels, height, width] = one.x;
    const pixels = tensor(random.rand(batch * channels * height * width), { shape: one.x, dtype: 'float64' });
    const x = tensor(pixels.permute([0, 2, 3, 1]).dataSync(), {
      shape: [batch, height, width, channels],
      dtype: 'float64',
      requiresGrad: true,
    });
    const y = model.forward(x);
    assert.equal([...y.shape], [one.y[0], ...one.y.slice(2), one.y[1]]);
    const values = y.dataSync();
    one.values.forEach((value, i) => {
      isClose(values[i * one.every], value, `output ${i * one.every}`);
    });
    y.mul(y).mean().backward();
    isClose(norm(x.grad as Tensor), one.inputGradient, 'gradient of the input');
    for (const [key, p] of model.namedParameters()) {
      const theirs = Object.entries(one.gradients).find(([k]) => camel(k) === key);
      isClose(norm(p.grad as Tensor), theirs?.[1] as number, `gradient of ${key}`);
    }
  });

const count = (model: Network): number => model.parameters().reduce((sum, p) => sum + p.size, 0);

test('the numbers of parameters are the published ones', () => {
  // (5·5·1 + 1)·16 + (3·3·16 + 1)·32, then 3·3·32·16 + 16 and 5·5·16 + 1.
  assert.is(count(new Swwae()), 10_081);
  // Counted in the implementations that the documentation names.
  assert.is(count(new ENet()), 351_804);
  assert.is(count(new ENet({ classes: 12 })), 350_652);
  // VGG16's features by torchvision, and 100·(7·7·2·2 + 2·2) of a width that leaves 2 channels.
  assert.is(
    count(new Vgg16({ width: 1 / 256, size: 32, classes: 1 }).features as Network),
    vggFeatures([1, 1, 1, 2, 2]),
  );
});

/** The numbers of VGG16's convolutions, with these channels by level: weights and biases. */
function vggFeatures([a, b, c, d, e]: readonly number[]): number {
  const conv = (from: number, to: number): number => 9 * from * to + to;
  const three = (from: number, to: number): number => conv(from, to) + 2 * conv(to, to);
  return conv(3, a) + conv(a, a) + conv(a, b) + conv(b, b) + three(b, c) + three(c, d) + three(d, e);
}

test("a U-Net of 'valid' convolutions gives 184 pixels less, and takes the middle of the encoder's features", () => {
  const model = new UNet({ channels: 1, width: 1 / 32, padding: 'valid' });
  assert.equal([...model.forward(zeros([1, 188, 204, 1])).shape], [1, 4, 20, 2]);
});

test('Swwae: the states mirror the inputs of all layers', () => {
  const model = new Swwae({ channels: 2, layers: '(3)3c-2p-(4)3c-(5)1c-3p' });
  const { what, where } = model.encode(zeros([1, 12, 13, 2]));
  assert.equal(
    what.map(({ shape }) => [...shape]),
    [
      [1, 12, 13, 3],
      [1, 6, 6, 3],
      [1, 6, 6, 4],
      [1, 6, 6, 5],
      [1, 2, 2, 5],
    ],
  );
  assert.equal(
    where.map((indices) => indices !== undefined),
    [false, true, false, false, true],
  );
  assert.equal(
    model.decode(what.at(-1) as Tensor, where).map(({ shape }) => [...shape]),
    [
      [1, 12, 13, 2],
      [1, 12, 13, 3],
      [1, 6, 6, 3],
      [1, 6, 6, 4],
      [1, 6, 6, 5],
    ],
  );
});

test('mistakes are refused by name', async () => {
  const image = (...shape: number[]): Tensor => zeros(shape);
  const small = { width: 1 / 64 };
  const mistakes: [() => unknown, RegExp][] = [
    [() => new Vgg16({ widht: 1 } as never), /Vgg16: .*did you mean width/],
    [() => new SegNet({ width: 0 }), /SegNet: width must be in \(0, 16\]; got width=0/],
    [() => new Cedn({ channels: 0 }), /Cedn: channels must be whole and in \[1, 65536\]/],
    [() => new DeconvNet({ size: 16 }), /DeconvNet: size must be .* at least 32/],
    [() => new ENet({ width: 1 / 16 }), /ENet: width must give the first block more channels than the image/],
    [() => new UNet({ padding: 'zeros' as never }), /UNet: padding must be 'same' or 'valid'; got padding='zeros'/],
    [() => new Swwae({ layers: '(16)5c-(32)4c' }), /Swwae: layers must be convolutions of odd sizes.*got '\(32\)4c'/],
    [() => new Swwae({ layers: '' }), /Swwae: layers must be/],
    [
      () => new Vgg16({ ...small, size: 32 }).forward(image(1, 64, 32, 3)),
      /Vgg16.forward: images must be of size \[32,32\]/,
    ],
    [() => new SegNet(small).forward(image(1, 31, 64, 3)), /SegNet.forward: input must be .* at least 32 × 32 pixels/],
    [() => new Cedn(small).forward(image(1, 64, 64, 1)), /Cedn.forward: input must have .* 3 channels/],
    [
      () => new UNet({ ...small, padding: 'valid' }).forward(image(1, 187, 188, 3)),
      /UNet.forward: padding 'valid' needs/,
    ],
  ];
  for (const [call, says] of mistakes) await throws(call, says);
});

test.run();
