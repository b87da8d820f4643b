/**
 * Layers of series: PyTorch's numbers for values, gradients, running statistics and initialisers
 * (test/fixtures/one-d.json, made by gen_one_d.py), and models made of them. Not here: the
 * operations (test/ops/one-d.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../../src/index.js';
import stored from '../fixtures/one-d.json' with { type: 'json' };
import { closeTo } from '../helpers/close.js';
import { seedOf } from '../helpers/known.js';

const test = suite('nn/one-d');
const dtype = 'float64';

interface StoredLayer {
  readonly shape: readonly number[];
  readonly input: readonly number[];
  readonly outputShape: readonly number[];
  readonly value: readonly number[];
  readonly gradient: readonly number[];
  readonly parameters: Readonly<Record<string, readonly number[]>>;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
  readonly buffers?: { readonly running_mean: readonly number[]; readonly running_var: readonly number[] };
  readonly evaluated?: readonly number[];
}
type OneToOne = c.Module & { forward(x: c.Tensor): c.Tensor | [c.Tensor, c.PoolIndices] };
const made: Record<keyof typeof stored.layers, () => OneToOne> = {
  Conv1d: () => new c.Conv1d(4, 6, 3, { stride: 2, padding: 2, dilation: 2, groups: 2 }),
  'Conv1d without bias': () => new c.Conv1d(2, 3, 4, { bias: false }),
  ConvTranspose1d: () => new c.ConvTranspose1d(4, 2, 3, { stride: 3, padding: 1, outputPadding: 1, groups: 2 }),
  MaxPool1d: () => new c.MaxPool1d(3, { stride: 2, padding: 1 }),
  AvgPool1d: () => new c.AvgPool1d(3, { stride: 2, padding: 1, countIncludePad: false }),
  BatchNorm1d: () => new c.BatchNorm1d(2, { eps: 0.01, momentum: 0.3 }),
  'BatchNorm1d of samples': () => new c.BatchNorm1d(4, { momentum: 0.3 }),
};
for (const [name, make] of Object.entries(made))
  test(`${name} computes as PyTorch's`, () => {
    const want: StoredLayer = stored.layers[name as keyof typeof made];
    const layer = make().to('float64') as OneToOne;
    layer.loadStateDict(
      Object.fromEntries(
        Object.entries(want.parameters).map(([key, values]) => [
          key,
          c.tensor([...values], { shape: layer.stateDict()[key].shape, dtype }),
        ]),
      ),
      { strict: false },
    );
    const x = c.tensor([...want.input], { shape: [...want.shape], dtype, requiresGrad: true });
    const forward = (): c.Tensor => {
      const out = layer.forward(x);
      return Array.isArray(out) ? out[0] : out;
    };
    const y = forward();
    assert.equal(y.shape, want.outputShape);
    closeTo(y.dataSync(), want.value, 1e-12, 'value');
    y.backward(c.tensor(seedOf(y.size), { shape: y.shape, dtype }));
    closeTo((x.grad as c.Tensor).dataSync(), want.gradient, 1e-11, 'gradient');
    assert.equal(
      layer.namedParameters().map(([key]) => key),
      Object.keys(want.gradients),
    );
    for (const [key, p] of layer.namedParameters())
      closeTo((p.grad as c.Tensor).dataSync(), want.gradients[key], 1e-11, key);
    if (want.buffers === undefined) return;
    const { runningMean, runningVar } = layer as unknown as c.BatchNorm1d;
    closeTo(runningMean?.dataSync() ?? [], want.buffers.running_mean, 1e-12, 'running mean');
    closeTo(runningVar?.dataSync() ?? [], want.buffers.running_var, 1e-12, 'running variance');
    layer.eval();
    closeTo(forward().dataSync(), want.evaluated ?? [], 1e-12, 'value in evaluation');
  });

for (const [name, Layer] of Object.entries({ Conv1d: c.Conv1d, ConvTranspose1d: c.ConvTranspose1d }))
  test(`${name} draws weight and bias from PyTorch's bounds, weight first`, () => {
    c.manualSeed(5);
    const { weight, bias } = new Layer(6, 4, 5, { groups: 2 });
    assert.equal(weight.shape, name === 'Conv1d' ? [5, 3, 4] : [5, 2, 6]);
    const random = new c.RandomState(5);
    const [forWeight, forBias] = stored.drawn[name as keyof typeof stored.drawn];
    closeTo(weight.dataSync(), random.uniform(forWeight[0], forWeight[1], weight.size), 1e-7, 'weight');
    closeTo((bias as c.Parameter).dataSync(), random.uniform(forBias[0], forBias[1], 4), 1e-7, 'bias');
  });

test("initialisers have PyTorch's fans for weights of series", () => {
  const shape = [3, 2, 4];
  const random = () => new c.RandomState(7);
  const { init } = stored;
  const weight = () => c.zeros(shape, { dtype });
  const normals = {
    kaimingNormal: c.init.kaimingNormal(weight(), { random: random() }),
    xavierNormal: c.init.xavierNormal(weight(), { random: random() }),
  };
  for (const [name, filled] of Object.entries(normals)) {
    const [mean, std] = init[name as keyof typeof normals];
    closeTo(
      filled.dataSync(),
      random()
        .randn(24)
        .map((v) => mean + std * v),
      1e-12,
      name,
    );
  }
  const uniforms = {
    kaimingUniform: c.init.kaimingUniform(weight(), { random: random() }),
    'kaimingUniform fanOut': c.init.kaimingUniform(weight(), { mode: 'fanOut', random: random() }),
    xavierUniform: c.init.xavierUniform(weight(), { random: random() }),
  };
  for (const [name, filled] of Object.entries(uniforms)) {
    const [low, high] = init[name as keyof typeof uniforms];
    closeTo(filled.dataSync(), random().uniform(low, high, 24), 1e-12, name);
  }
  assert.equal(c.init.fans(weight()), { fanIn: 6, fanOut: 12 });
  assert.equal(c.init.fans(weight(), 'HWOI'), { fanIn: 12, fanOut: 6 });
});

test('layers print what differs from their defaults', () => {
  const lines: [c.Module, string][] = [
    [new c.Conv1d(2, 4, 3), 'Conv1d(2, 4, kernelSize=3)'],
    [
      new c.Conv1d(2, 4, 5, { stride: 2, padding: [2, 1], dilation: 3, groups: 2, bias: false }),
      'Conv1d(2, 4, kernelSize=5, stride=2, padding=[2,1], dilation=3, groups=2, bias=false)',
    ],
    [
      new c.ConvTranspose1d(2, 4, 3, { stride: 2, padding: 1, outputPadding: 1 }),
      'ConvTranspose1d(2, 4, kernelSize=3, stride=2, padding=1, outputPadding=1)',
    ],
    [new c.MaxPool1d(2), 'MaxPool1d(kernelSize=2)'],
    [
      new c.MaxPool1d(3, { stride: 2, padding: 'same', nan: 'tf' }),
      'MaxPool1d(kernelSize=3, stride=2, padding=same, nan=tf)',
    ],
    [new c.AvgPool1d(2, { countIncludePad: false }), 'AvgPool1d(kernelSize=2, countIncludePad=false)'],
    [new c.AvgPool1d(2, { ceilMode: true }), 'AvgPool1d(kernelSize=2, ceilMode=true)'],
    [new c.MaxPool1d(2, { ceilMode: true, dilation: 3 }), 'MaxPool1d(kernelSize=2, ceilMode=true, dilation=3)'],
    [new c.MaxUnpool1d(2, { stride: 1 }), 'MaxUnpool1d(stride=1, kernelSize=2)'],
    [c.unpoolLike(new c.MaxPool1d(2), { duplicates: 'max' }), 'UnpoolLike(kernelSize=2, duplicates=max)'],
    [new c.BatchNorm1d(3), 'BatchNorm1d(3, eps=0.00001, momentum=0.1)'],
    [new c.Upsample1d(2, { fill: 'zeros' }), 'Upsample1d(scale=2, fill=zeros)'],
    [new c.Resize1d({ size: 7, method: 'nearest' }), 'Resize1d(size=7, method=nearest)'],
  ];
  for (const [layer, line] of lines) assert.is(layer.toString(), line);
});

/** A stack of two levels, whose decoder unpools to where the encoder's maxima were. */
class Autoencoder extends c.Module {
  conv1 = new c.Conv1d(1, 4, 5, { padding: 'same' });
  norm1 = new c.BatchNorm1d(4);
  pool1 = new c.MaxPool1d(2);
  conv2 = new c.Conv1d(4, 6, 3, { padding: 'same', groups: 2 });
  pool2 = new c.MaxPool1d(3, { stride: 2, padding: 'same' });
  unpool2 = c.unpoolLike(this.pool2);
  deconv2 = new c.ConvTranspose1d(6, 4, 3, { padding: 'same' });
  unpool1 = new c.MaxUnpool1d();
  deconv1 = new c.ConvTranspose1d(4, 1, 5, { padding: 2 });

  forward(x: c.Tensor): c.Tensor {
    const [h1, where1] = this.pool1.forward(c.relu(this.norm1.forward(this.conv1.forward(x))));
    const [h2] = this.pool2.forward(c.relu(this.conv2.forward(h1)));
    const d2 = c.relu(this.deconv2.forward(this.unpool2.forward(h2)));
    return this.deconv1.forward(this.unpool1.forward(d2, where1));
  }
}

test('summary counts parameters and multiply-adds', () => {
  const rows = new Autoencoder().summary([2, 12, 1]).split('\n');
  const find = (name: string): string[] => (rows.find((r) => r.startsWith(name)) as string).split(/ {2,}/);
  // Parameters: weight and bias. Multiply-adds: each of the weight's numbers once per position.
  assert.equal(find('conv1 Conv1d').slice(1), ['[2,12,4]', '24', String(2 * 12 * 20)]);
  assert.equal(find('conv2 Conv1d').slice(1), ['[2,6,6]', '42', String(2 * 6 * 36)]);
  assert.equal(find('pool2 MaxPool1d').slice(1), ['[2,3,6]', '0', '0']);
  assert.equal(find('unpool2 UnpoolLike').slice(1), ['[2,6,6]', '0', '0']);
  assert.equal(find('deconv2 ConvTranspose1d').slice(1), ['[2,6,4]', '76', String(2 * 6 * 72)]);
  assert.equal(find('deconv1 ConvTranspose1d').slice(1), ['[2,12,1]', '21', String(2 * 12 * 20)]);
});

test('a Sequential passes on the values of a pool', () => {
  const model = new c.Sequential(
    new c.Conv1d(1, 3, 3, { padding: 'same' }),
    new c.MaxPool1d(2),
    new c.AvgPool1d(2),
    new c.Upsample1d(2),
    new c.Resize1d({ scale: 2 }),
  );
  assert.equal(model.forward(c.randn([2, 8, 1])).shape, [2, 8, 3]);
});

test('a compiled step trains to the same bits', async () => {
  const train = async (isCompiled: boolean): Promise<number[]> => {
    c.manualSeed(3);
    const model = new Autoencoder();
    const optimizer = new c.Adam(model.parameters(), { lr: 0.01 });
    const body = (x: c.Tensor): c.Tensor => {
      optimizer.zeroGrad();
      const loss = c.mse(model.forward(x), x);
      loss.backward();
      optimizer.step();
      return loss;
    };
    const step = isCompiled ? c.compile(body) : body;
    const data = new c.RandomState(4).randn(40);
    const losses: number[] = [];
    for (let i = 0; i < 6; i++) {
      const x = c.tensor(data, { shape: [2, 20, 1], dtype: 'float32' });
      losses.push(await step(x).item());
      x.release();
    }
    return [...losses, ...model.parameters().flatMap((p) => [...p.dataSync()])];
  };
  const plain = await train(false);
  assert.equal(await train(true), plain);
  assert.ok(plain[5] < plain[0], `loss ${plain[0]} to ${plain[5]}`);
});

test('batch normalisation refuses images, other channels, and a single value per channel', () => {
  const norm = new c.BatchNorm1d(2);
  const says = (x: c.Tensor, text: string): void => {
    assert.throws(
      () => norm.forward(x),
      (e: Error) => e instanceof c.ShapeError && e.message.startsWith(`BatchNorm1d: ${text}`),
    );
  };
  says(c.zeros([1, 2, 2, 2]), 'input must have rank 3, [N,L,C], or rank 2, [N,C]; got input=[1,2,2,2]');
  says(c.zeros([2]), 'input must have rank 3');
  says(c.zeros([2, 4, 3]), 'input must have rank 3 or more and 2 channels on its last axis; got input=[2,4,3]');
  says(c.zeros([1, 2]), 'training needs more than one value per channel; got input=[1,2]');
  assert.equal(norm.eval().forward(c.zeros([1, 2])).shape, [1, 2]);
});

test.run();
