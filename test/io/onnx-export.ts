/**
 * The graphs that exportOnnx writes, read back by the packages for ONNX files. That other programs
 * compute the same with them is judged by npm run onnx-check.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, type NodeProto } from 'onnx-buf';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { encoders } from '../../src/device/wasm/kernels.js';
import {
  Conv2d,
  Dropout,
  Linear,
  MaxPool2d,
  MaxUnpool2d,
  Module,
  relu,
  Sequential,
  scatter,
  type Tensor,
  tensor,
} from '../../src/index.js';
import { exportOnnx, type OnnxExportOptions } from '../../src/io/index.js';
import { exporters } from '../../src/io/onnx/operators/index.js';
import { ConvAutoencoder } from '../../src/models/index.js';
import { closeTo } from '../helpers/close.js';
import { throws } from '../helpers/refusals.js';
import { networks } from '../onnx/networks.js';

const test = suite('onnx export');

async function graphOf(model: Module, options: OnnxExportOptions) {
  const { graph, opsetImport } = fromBinary(ModelProtoSchema, await exportOnnx(model, options));
  if (graph === undefined) throw new Error('no graph');
  return { graph, opset: opsetImport[0]?.version };
}
const operators = (nodes: readonly NodeProto[]): string[] =>
  nodes.map(({ opType }) => opType).filter((name) => name !== 'Constant');

class Of extends Module {
  fn: (x: Tensor) => unknown;
  constructor(fn: (x: Tensor) => unknown) {
    super();
    this.fn = fn;
  }
  forward(x: Tensor): unknown {
    return this.fn(x);
  }
}

test('an autoencoder is convolutions, pools and unpools, without a Transpose', async () => {
  const model = new ConvAutoencoder({ size: [16, 20], channels: 3, widths: [4, 8], norm: true, dropout: 0.5 });
  const { graph, opset } = await graphOf(model, { input: [2, 3, 16, 20] });
  assert.is(opset, 17n);
  const level = ['Conv', 'BatchNormalization', 'Relu', 'MaxPool'];
  assert.equal(operators(graph.node).slice(0, 8), [...level, ...level]);
  assert.equal(
    operators(graph.node).filter((name) => name.endsWith('pool') || name === 'Transpose' || name === 'Reshape'),
    ['MaxUnpool', 'MaxUnpool'],
  );
  const sizes = (i: 'input' | 'output') => {
    const type = graph[i][0]?.type?.value;
    return type?.case === 'tensorType' ? type.value.shape?.dim.map((d) => Number(d.value.value)) : undefined;
  };
  assert.equal(sizes('input'), [2, 3, 16, 20]);
  assert.equal(sizes('output'), [2, 3, 16, 20]);
});

test('initialisers have the names of the parameters and the layouts of PyTorch', async () => {
  const model = new Sequential(new Conv2d(2, 3, [1, 2]));
  const { weight } = model.layers[0] as Conv2d;
  const { graph } = await graphOf(model, { input: [1, 2, 4, 4] });
  assert.equal(
    graph.initializer.map(({ name, dims }) => [name, dims.map(Number)]),
    [
      ['0.weight', [3, 2, 1, 2]],
      ['0.bias', [3]],
    ],
  );
  const stored = new Float32Array(graph.initializer[0]?.rawData.slice().buffer as ArrayBuffer);
  // Output channel 1, input channel 0, column 1 of a weight HWIO.
  assert.is(stored[1 * 4 + 0 * 2 + 1], weight.dataSync()[1 * 6 + 0 * 3 + 1]);
  assert.equal(graph.node[0]?.name, '/0/Conv');
});

test('a linear layer is one Gemm with the weight [out, in]', async () => {
  const { graph } = await graphOf(new Sequential(new Linear(4, 3)), { input: [2, 4] });
  assert.equal(operators(graph.node), ['Gemm']);
  assert.equal(graph.initializer[0]?.dims.map(Number), [3, 4]);
});

test('NHWC keeps the order of the model, and costs a Transpose at both ends', async () => {
  const { graph } = await graphOf(new Sequential(new Conv2d(2, 3, 1)), { input: [1, 4, 5, 2], layout: 'NHWC' });
  assert.equal(operators(graph.node), ['Transpose', 'Conv', 'Transpose']);
});

test('the model keeps its modes, and dropout is left out', async () => {
  const model = new Sequential(new Dropout(0.5), new Conv2d(1, 1, 1));
  model.layers[0]?.eval();
  const { graph } = await graphOf(model, { input: [1, 1, 2, 2] });
  assert.equal(operators(graph.node), ['Conv']);
  assert.equal(
    model.layers.map(({ training }) => training),
    [false, true],
  );
  assert.is(model.training, true);
});

test('outputs that are inputs, repeated or without a Transpose get their names', async () => {
  const { graph } = await graphOf(
    new Of((x) => {
      const y = relu(x);
      return { same: x, once: y, twice: y, turned: y.permute([0, 3, 1, 2]) };
    }),
    { input: { picture: [1, 2, 3, 4] } },
  );
  assert.equal(
    graph.output.map(({ name }) => name),
    ['same', 'once', 'twice', 'turned'],
  );
  assert.equal(graph.input[0]?.name, 'picture');
  const made = graph.node.flatMap(({ output }) => output);
  for (const { name } of graph.output) assert.is(made.filter((own) => own === name).length, 1, name);
});

test('numbers in forward are constants of the graph', async () => {
  const { graph } = await graphOf(new Of((x) => x.mul(tensor([1, 2])).add(0.5)), { input: [3, 2] });
  const values = graph.node
    .filter(({ opType }) => opType === 'Constant')
    .map(({ attribute }) => [...new Float32Array(attribute[0]?.t?.rawData.slice().buffer as ArrayBuffer)]);
  assert.equal(values, [[1, 2], [0.5]]);
  closeTo([graph.initializer.length], [0], 0);
});

/** Kernels that only gradients and optimizers call, and those that ONNX has nothing for. */
const notExported = [
  'adam',
  'avgPool2dGrad',
  'bceWithLogits',
  'bceWithLogitsGrad',
  'conv2dParameterGrads',
  'conv2dWeightGrad',
  'gate',
  'normalizeGrad',
  'unaryGrad',
  'unpoolPick',
];
test('every kernel is exported, or listed here', () => {
  const kernelNames = Object.keys(encoders);
  const missing = kernelNames.filter((name) => !Object.hasOwn(exporters, name));
  assert.equal(missing.toSorted(), notExported);
});

const unpooled = (duplicates: 'max' | 'add') =>
  class extends Module {
    pool = new MaxPool2d(3, { stride: 2 });
    unpool = new MaxUnpool2d({ duplicates });
    forward(x: Tensor): Tensor {
      return this.unpool.forward(...this.pool.forward(x));
    }
  };
const Max = unpooled('max');
const Add = unpooled('add');

const refusals: readonly (readonly [name: string, make: () => Promise<unknown>, message: RegExp])[] = [
  [
    'an operation that ONNX lacks',
    () => exportOnnx(new Sequential(new Conv2d(1, 1, 1), new Max() as never), { input: [1, 1, 5, 5] }),
    /^exportOnnx: ONNX must have the operations; got unpooling overlapping windows with duplicates 'first', 'last' or 'max' in the module '1\.unpool'; they/,
  ],
  [
    'choosing among values with one index',
    () => exportOnnx(new Of((x) => scatter(x, [[0, 0]], x.slice(null, [0, 2]), 1)), { input: [1, 3] }),
    /^exportOnnx: ONNX must have the operations; got choosing among values with one index, as scatter and .* in the model/,
  ],
  [
    'an opset that is too old',
    () => exportOnnx(new Add(), { input: [1, 1, 5, 5], opset: 13 }),
    /^exportOnnx: ONNX must have the operation; got unpooling where windows overlap at opset 13, of maxUnpool2d in the module 'unpool'; it needs opset 16 or newer$/,
  ],
  [
    'reading values',
    () => exportOnnx(new Of((x) => x.mul(x.max().itemSync())), { input: [2] }),
    /^exportOnnx: a graph has nothing for what forward does; got reading values.* in the model/,
  ],
  [
    'a change in place',
    () => exportOnnx(new Of((x) => x.add(tensor([1]).assign(tensor([2])))), { input: [2] }),
    /got cast, which changes a tensor in place in the model/,
  ],
  [
    'a result that is no tensor',
    () => exportOnnx(new Of(() => 3), { input: [2] }),
    /^exportOnnx: forward must return a tensor, or an array or object of tensors/,
  ],
  [
    'float64',
    () => exportOnnx(new Sequential(new Conv2d(1, 1, 1)).to('float64'), { input: [1, 1, 2, 2] }),
    /float64|float dtype/,
  ],
  ['no model', () => exportOnnx({} as Module, { input: [1] }), /^exportOnnx: model must be a Module/],
  [
    'no input',
    () => exportOnnx(new Of((x) => x), {} as never),
    /^exportOnnx: input must be a shape, or shapes by name/,
  ],
  [
    'an unknown option',
    () => exportOnnx(new Of((x) => x), { input: [1], opsetVersion: 9 } as never),
    /^exportOnnx: options are input, layout, opset; got opsetVersion=9/,
  ],
  [
    'an opset out of range',
    () => exportOnnx(new Of((x) => x), { input: [1], opset: 10 }),
    /opset must be whole and in/,
  ],
  [
    'an unknown layout',
    () => exportOnnx(new Of((x) => x), { input: [1], layout: 'CHW' as never }),
    /layout must be 'NCHW' or 'NHWC'/,
  ],
  [
    'an input of another dtype',
    () => exportOnnx(new Of((x) => x), { input: { x: { shape: [1], dtype: 'int64' as never } } }),
    /an input must be float32, int32 or bool; got x: dtype=/,
  ],
];
for (const [name, make, message] of refusals)
  test(`${name} is refused`, async () => {
    await throws(make, message);
  });

test('every network of the check exports at its oldest opset', async () => {
  for (const { name, make, inputs, since = 11 } of networks) {
    const input = Object.fromEntries(inputs.map((shape, i) => [`x${i}`, shape]));
    const { graph } = await graphOf(make(), { input, opset: since });
    const known = new Set(['', ...graph.input.map((i) => i.name), ...graph.initializer.map((i) => i.name)]);
    for (const node of graph.node) {
      for (const used of node.input) assert.ok(known.has(used), `${name}: ${used} is used before it is made`);
      for (const made of node.output) {
        assert.not(known.has(made), `${name}: ${made} is made twice`);
        known.add(made);
      }
    }
    for (const output of graph.output) assert.ok(known.has(output.name), `${name}: ${output.name}`);
  }
});

test.run();
