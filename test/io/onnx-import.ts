/**
 * Models from ONNX files: round trips of exports, graphs that are wrong, and damaged files. That
 * each operator computes what ONNX says is judged by npm run onnx-check with the official cases.
 */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  Adam,
  CedarError,
  Conv2d,
  compile,
  FormatError,
  Linear,
  type Module,
  manualSeed,
  mse,
  PoolIndices,
  RandomState,
  randn,
  Sequential,
  Tensor,
} from '../../src/index.js';
import { exportOnnx, importOnnx } from '../../src/io/index.js';
import { encodeGraph } from '../../src/io/onnx/file.js';
import { channelsFirst, channelsLast, Float, type Graph, type GraphNode } from '../../src/io/onnx/graph.js';
import { ConvAutoencoder } from '../../src/models/index.js';
import { closeTo } from '../helpers/close.js';
import { throws } from '../helpers/refusals.js';
import { examples } from '../onnx/examples.js';
import { drawInputs, type Network, networks } from '../onnx/networks.js';
import { operatorsOf } from '../onnx/operators-of.js';
import { published } from '../onnx/published.js';

const test = suite('onnx import');
const folder = mkdtempSync(join(tmpdir(), 'onnx-'));
test.after(() => rmSync(folder, { recursive: true }));

const tensorsOf = (result: unknown): Tensor[] => {
  if (result instanceof Tensor) return [result];
  return result instanceof PoolIndices ? [] : Object.values(result as object).flatMap(tensorsOf);
};
const forward = (model: Module, inputs: readonly Tensor[]): Tensor[] =>
  tensorsOf(Reflect.apply(model.forward, model, [...inputs]));
const inputOf = ({ inputs }: Network) => Object.fromEntries(inputs.map((shape, i) => [`x${i}`, shape]));

/** Every element within tolerance of the largest. */
function alike(got: Tensor, want: Tensor, tolerance: number, what: string): void {
  const numbers = want.dataSync();
  let most = 0;
  for (const v of numbers) most = Math.max(most, Math.abs(v));
  assert.ok(Number.isFinite(most), `${what}: the largest is ${most}`);
  if (most === 0) most = 1;
  const parts = (list: ArrayLike<number>): Float64Array => Float64Array.from(list, (v) => v / most);
  closeTo(parts(got.dataSync()), parts(numbers), tolerance, what);
}

/** Networks whose graphs change on the way, and why. */
const changed: Readonly<Record<string, string>> = {
  'unpooling where windows overlap': 'ScatterElements is composed here',
  'unpooling where windows overlap, mean': 'ScatterElements is composed here',
  'pools, and indices as outputs': 'indices are numbers after an import',
  'series, unpooled': 'a Reshape of a Reshape is one',
  'example series': 'a Reshape of a Reshape is one',
  resizing: 'spreading pixels permutes eight axes',
  'running sums, sorting, products': 'indices of the file may count from the end',
  'embedding, gathering, arranging': 'indices of the file may count from the end',
  'scattering sums': 'indices of the file may count from the end',
};

for (const network of [...networks, ...published, ...examples]) {
  const { name, make, since = 11 } = network;
  test(`${name}: an import of an export has its outputs, its gradients and its graph`, async () => {
    const model = make();
    const opset = Math.max(since, 17);
    const bytes = await exportOnnx(model, { input: inputOf(network), opset });
    const back = (await importOnnx(bytes, { layout: 'NHWC' })).eval();
    const given = drawInputs(network, 5);
    const leaves = [0, 1].map(() =>
      given.map((x) => {
        const t = (x.rank === 3 || x.rank === 4 ? x.permute(channelsLast(x.rank)) : x).clone();
        t.requiresGrad = true;
        return t;
      }),
    );
    const [ours, theirs] = [forward(model, leaves[0] as Tensor[]), forward(back, leaves[1] as Tensor[])];
    for (const [i, y] of ours.entries()) {
      assert.equal((theirs[i] as Tensor).shape, y.shape);
      alike(theirs[i] as Tensor, y, 1e-6, `output ${i}`);
    }
    const factors = ours.map(({ shape }) => randn(shape));
    for (const list of [ours, theirs]) {
      const products = list.flatMap((y, i) => (y.requiresGrad ? [y.mul(factors[i] as Tensor).sum()] : []));
      if (products.length > 0) products.reduce((a, b) => a.add(b)).backward();
    }
    for (const [i, x] of (leaves[0] as Tensor[]).entries()) {
      const other = leaves[1]?.[i]?.grad ?? null;
      assert.is(other === null, x.grad === null);
      if (x.grad !== null) alike(other as Tensor, x.grad, 2e-6, `gradient of input ${i}`);
    }
    const parameters = new Map(model.namedParameters());
    for (const [parameter, p] of back.namedParameters()) {
      const own = parameters.get(parameter);
      // What is read in two shapes is written twice, and each has a part of the gradient.
      if (own === undefined || name === 'a parameter used twice') continue;
      // A vector that is added to images is written with their rank.
      assert.is(p.size, own.size, parameter);
      alike(p.grad as Tensor, own.grad as Tensor, 2e-6, `gradient of ${parameter}`);
    }
    if (Object.hasOwn(changed, name)) return;
    const again = await exportOnnx(back, { input: inputOf(network), opset });
    assert.equal(await operatorsOf(again), await operatorsOf(bytes));
  });
}

test('a model trains, freezes, compiles and takes the weights of its original', async () => {
  manualSeed(2);
  const original = new ConvAutoencoder({ size: [8, 8], channels: 1, widths: [4, 4], norm: true });
  const model = await importOnnx(await exportOnnx(original, { input: [2, 1, 8, 8] }));
  assert.equal(Object.keys(model.stateDict()).toSorted(), Object.keys(original.stateDict()).toSorted());
  assert.equal(
    model
      .namedBuffers()
      .map(([name]) => name)
      .toSorted(),
    original
      .namedBuffers()
      .map(([name]) => name)
      .toSorted(),
  );
  model.loadStateDict(original.stateDict());
  model.requireGrad(false);
  assert.equal(
    model.parameters().map(({ requiresGrad }) => requiresGrad),
    model.parameters().map(() => false),
  );
  model.requireGrad();
  const x = randn([2, 1, 8, 8]);
  const target = x.sigmoid();
  const optimizer = new Adam(model.parameters(), { lr: 0.02 });
  const step = compile((images: Tensor) => {
    const loss = mse(model.forward(images) as Tensor, target);
    loss.backward();
    optimizer.step();
    optimizer.zeroGrad();
    return loss;
  });
  const losses: number[] = [];
  for (let i = 0; i < 30; i++) losses.push(await step(x).item());
  assert.ok((losses.at(-1) as number) < 0.5 * (losses[0] as number), losses.join());
  const copy = model.clone();
  closeTo((copy.forward(x) as Tensor).dataSync(), (model.forward(x) as Tensor).dataSync(), 0);
});

test('NCHW is the order of the file, and layers show in the summary', async () => {
  const original = new Sequential(new Conv2d(2, 3, 3, { padding: 1 }));
  const bytes = await exportOnnx(original, { input: [1, 2, 4, 5] });
  const model = await importOnnx(bytes);
  const x = randn([1, 2, 4, 5]);
  const y = original.forward(x.permute(channelsLast(4))).permute(channelsFirst(4));
  closeTo((model.forward(x) as Tensor).dataSync(), y.dataSync(), 0);
  assert.match(model.summary([1, 2, 4, 5]), /0 OnnxLayer +\[1,4,5,3\] +57/);
  assert.match(String(model), /\(0\): OnnxLayer\(Conv\)/);
  const shapes = await exportOnnx(model, { input: [1, 4, 5, 2], layout: 'NHWC' });
  assert.equal(await operatorsOf(shapes), ['Transpose', 'Conv', 'Transpose']);
  await throws(() => model.forward(x, x), /OnnxModel: there must be 1 inputs; got 2/);
  await throws(
    () => model.forward(randn([1, 2, 5, 5])),
    /OnnxModel: the input 'input' must have the shape \[1,2,4,5\]/,
  );
});

// ---- wrong graphs

const node = (
  operator: string,
  inputs: string[],
  outputs: string[],
  attributes: [string, never][] = [],
): GraphNode => ({
  operator,
  name: '',
  inputs,
  outputs,
  attributes: new Map(attributes),
});
const x = { name: 'x', type: 'float32' as const, shape: [1, 2, 4, 4] };
const y = { name: 'y', type: 'float32' as const, shape: undefined };
const graph = (nodes: GraphNode[], more: Partial<Graph> = {}): Promise<Uint8Array> =>
  encodeGraph({ name: 'g', opset: 17, nodes, initializers: new Map(), inputs: [x], outputs: [y], ...more });
const weight = (...shape: number[]) => ({
  type: 'float32' as const,
  shape,
  data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
});

const wrong: readonly (readonly [what: string, bytes: () => Promise<Uint8Array>, says: RegExp])[] = [
  [
    'unknown operators, all at once',
    () => graph([node('Foo', ['x'], ['a']), node('If', ['a'], ['b']), node('Foo', ['b'], ['y'])]),
    /^importOnnx: all operators must be known; got 2 × Foo, 1 × If/,
  ],
  [
    'a circle',
    () => graph([node('Add', ['x', 'b'], ['a']), node('Relu', ['a'], ['b']), node('Relu', ['a'], ['y'])]),
    /^importOnnx: nodes must not wait for each other in a circle; got Add 'a'/,
  ],
  ['a missing input', () => graph([node('Relu', ['z'], ['y'])]), /every input of a node must be made; got 'z' of Relu/],
  ['a missing output', () => graph([node('Relu', ['x'], ['a'])]), /every output must be made by a node; got 'y'/],
  [
    'two outputs of one name',
    () => graph([node('Relu', ['x'], ['y']), node('Abs', ['x'], ['y'])]),
    /names must differ; got the output 'y' of Abs 'y', which is taken/,
  ],
  [
    'sizes that do not fit',
    () => graph([node('Conv', ['x', 'w'], ['y'])], { initializers: new Map([['w', weight(3, 5, 1, 1)]]) }),
    /^importOnnx: Conv 'y': input channels must equal weight's; got input \[1,4,4,2\]/,
  ],
  [
    'sizes that do not fit, behind others',
    () =>
      graph([node('Relu', ['x'], ['a']), node('MatMul', ['a', 'w'], ['y'])], {
        initializers: new Map([['w', weight(3, 2)]]),
      }),
    /^importOnnx: MatMul 'y': inner sizes must agree/,
  ],
  ['too few inputs', () => graph([node('Add', ['x'], ['y'])]), /Add 'y': there must be 2 inputs; got 1/],
  [
    'an unknown attribute',
    () => graph([node('Relu', ['x'], ['y'], [['slope', new Float(1) as never]])]),
    /Relu 'y': attributes are none; got slope/,
  ],
  [
    'an attribute of another kind',
    () => graph([node('LeakyRelu', ['x'], ['y'], [['alpha', 1 as never]])]),
    /LeakyRelu 'y': alpha must be a number; got alpha=1/,
  ],
  ['no opset', () => graph([node('Relu', ['x'], ['y'])], { opset: 0 }), /the opset must be in \[1, 25\]; got 0/],
  [
    'a tensor of another size',
    () => graph([node('Add', ['x', 'w'], ['y'])], { initializers: new Map([['w', { ...weight(2), shape: [3] }]]) }),
    /a tensor must have as many numbers as its sizes say; got initialiser 'w': 2, \[3\]/,
  ],
  [
    'no graph',
    async () => toBinary(ModelProtoSchema, create(ModelProtoSchema, {})),
    /the file must be a model of ONNX/,
  ],
  ['no bytes', async () => new Uint8Array(), /the file must be a model of ONNX/],
];
for (const [what, bytes, says] of wrong)
  test(`${what}: refused before a kernel runs`, async () => {
    await throws(async () => importOnnx(await bytes()), says);
  });

test('names such as __proto__ and forward are names like others', async () => {
  const names = ['__proto__', 'constructor', 'forward', 'training', 'a.__proto__', ''];
  const initializers = new Map(names.filter((name) => name !== '').map((name) => [name, weight(4)]));
  const sums = [...initializers.keys()].map((name, i) => node('Add', [i === 0 ? 'x' : `s${i}`, name], [`s${i + 1}`]));
  const last = node('Relu', [`s${sums.length}`], ['y']);
  const model = await importOnnx(await graph([...sums, last], { initializers }));
  assert.is(model.parameters().length, 5);
  assert.equal(Object.keys(model.stateDict()), ['__proto___', 'constructor_', 'forward_', 'training_', 'a.__proto__']);
  assert.equal(({} as { shape?: unknown }).shape, undefined);
  assert.ok(model.forward(randn([1, 2, 4, 4])) instanceof Tensor);
});

// ---- external data

/** A model whose weight is in another file. */
async function withExternal(location: string): Promise<Uint8Array> {
  const { fromBinary } = await import('@bufbuild/protobuf');
  const bytes = await graph([node('Add', ['x', 'w'], ['y'])], { initializers: new Map([['w', weight(4)]]) });
  const model = fromBinary(ModelProtoSchema, bytes);
  const [w] = model.graph?.initializer ?? [];
  if (w === undefined) throw new Error('no initialiser');
  w.rawData = new Uint8Array();
  w.dataLocation = 1;
  const entry = (key: string, value: string) => ({ $typeName: 'onnx.StringStringEntryProto' as const, key, value });
  w.externalData = [entry('location', location), entry('offset', '4'), entry('length', '16')];
  return toBinary(ModelProtoSchema, model);
}

test("external data is read in the model's own folder only", async () => {
  const inside = join(folder, 'inside');
  mkdirSync(inside);
  const data = new Uint8Array(Float32Array.of(9, 1, 2, 3, 4).buffer);
  writeFileSync(join(inside, 'weights.bin'), data);
  writeFileSync(join(folder, 'outside.bin'), data);
  symlinkSync(join(folder, 'outside.bin'), join(inside, 'link.bin'));
  const at = async (location: string) => {
    const path = join(inside, 'model.onnx');
    writeFileSync(path, await withExternal(location));
    return importOnnx(path);
  };
  const [w] = (await at('weights.bin')).parameters();
  assert.equal([...(w as Tensor).dataSync()], [1, 2, 3, 4]);
  for (const location of [
    '../outside.bin',
    join(folder, 'outside.bin'),
    'link.bin',
    'a/../../outside.bin',
    'file:///x',
  ])
    await throws(() => at(location), /external data must be in the model's own folder/);
  await throws(() => at('none.bin'), /external data must exist; got location='none.bin'/);
  await throws(async () => importOnnx(await withExternal('weights.bin')), /must be read from a path/);
});

// ---- damaged files

const mutations = Number(process.env.MUTATIONS ?? 10_000);
test(`${mutations} damaged files are refused, or models of what they say`, async () => {
  manualSeed(3);
  const models = [
    [new ConvAutoencoder({ size: [4, 4], channels: 1, widths: [2] }), [1, 1, 4, 4]],
    [new Sequential(new Linear(3, 2)), [1, 3]],
  ] as const;
  const files = await Promise.all(models.map(([model, input]) => exportOnnx(model as Module, { input })));
  const random = new RandomState(11);
  const below = (n: number): number => Math.floor((random.rand(1)[0] as number) * n);
  let refused = 0;
  for (let i = 0; i < mutations; i++) {
    const whole = files[i % files.length] as Uint8Array;
    const bytes = whole.slice();
    if (i % 5 === 0) {
      const cut = bytes.subarray(0, below(bytes.length));
      await importOnnx(cut).catch((error) => check(error));
      continue;
    }
    for (let k = 0; k <= below(3); k++) bytes[below(bytes.length)] = below(256);
    try {
      const model = await importOnnx(bytes);
      const [shape] = model.contents.inputs.map((input) => input.shape);
      const isSmall = shape?.every((size) => typeof size === 'number' && size < 100) === true;
      if (isSmall && model.contents.inputs.length === 1) model.forward(randn(shape as number[]));
    } catch (error) {
      check(error);
      refused++;
    }
  }
  function check(error: unknown): void {
    assert.instance(error, CedarError, `${(error as Error).stack}`);
  }
  assert.ok(refused > mutations / 10, `${refused} refused`);
  assert.is(Object.keys(Object.prototype).length, 0);
  assert.ok(FormatError);
});

test.run();
