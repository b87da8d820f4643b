/**
 * Forms of operators for which ONNX has no official case, each as a graph of one node. The numbers
 * that they must give were computed by ONNX Runtime 1.30. Not here: the official cases
 * (npm run onnx-check), whole graphs (onnx-import.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Tensor, tensor } from '../../src/index.js';
import { importOnnx } from '../../src/io/index.js';
import { encodeGraph } from '../../src/io/onnx/file.js';
import type { Attribute, GraphTensor } from '../../src/io/onnx/graph.js';
import { closeTo } from '../helpers/close.js';
import { throws } from '../helpers/refusals.js';

const test = suite('onnx operators');

const ints = (shape: readonly number[], ...data: number[]): GraphTensor => ({ type: 'int64', shape, data });
const floats = (shape: readonly number[], ...data: number[]): GraphTensor => ({ type: 'float32', shape, data });

interface Form {
  readonly operator: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** The shape of the first input. */
  readonly shape: readonly number[];
  /** The other inputs. */
  readonly others?: readonly GraphTensor[];
  readonly opset?: number;
  readonly outputs?: number;
}

/** The outputs of a graph of one node. Its input is −4, 3, −1, 6, 2, −2, 5, 1, −3, 4, 0, −4, … */
async function run({ operator, attributes = {}, shape, others = [], opset = 17, outputs = 1 }: Form) {
  const names = others.map((_, i) => `c${i}`);
  const made = Array.from({ length: outputs }, (_, i) => `y${i}`);
  const bytes = await encodeGraph({
    name: 'g',
    opset,
    nodes: [
      { operator, name: '', inputs: ['x', ...names], outputs: made, attributes: new Map(Object.entries(attributes)) },
    ],
    initializers: new Map(others.map((value, i) => [`c${i}`, value])),
    inputs: [{ name: 'x', type: 'float32', shape }],
    outputs: made.map((name) => ({ name, type: 'float32', shape: undefined })),
  });
  const size = shape.reduce((a, b) => a * b, 1);
  const x = tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * 7) % 11) - 4),
    { shape },
  );
  return [(await importOnnx(bytes)).forward(x)].flat() as Tensor[];
}

type Result = readonly [shape: readonly number[], data: readonly number[]];
const scatter = (reduction: string): Form => ({
  operator: 'ScatterElements',
  shape: [2, 4],
  attributes: { axis: 1, reduction },
  others: [ints([2, 3], 1, 1, -1, 0, 2, 0), floats([2, 3], 2, 3, reduction === 'mul' ? 4 : -4, 5, 6, 7)],
  opset: 18,
});
const known: readonly (readonly [name: string, form: Form, results: readonly Result[]])[] = [
  [
    'Pad wrap',
    { operator: 'Pad', shape: [2, 3], attributes: { mode: 'wrap' }, others: [ints([4], 0, 2, 1, 1)], opset: 19 },
    [
      [
        [3, 6],
        [3, -1, -4, 3, -1, -4, 2, -2, 6, 2, -2, 6, 3, -1, -4, 3, -1, -4],
      ],
    ],
  ],
  [
    'Pad wrap, which cuts before it repeats',
    { operator: 'Pad', shape: [2, 4], attributes: { mode: 'wrap' }, others: [ints([4], 0, -1, 0, 2)], opset: 19 },
    [
      [
        [2, 5],
        [3, -1, 6, 3, -1, -2, 5, 1, -2, 5],
      ],
    ],
  ],
  [
    'Pad edge, which cuts and repeats',
    { operator: 'Pad', shape: [2, 4], attributes: { mode: 'edge' }, others: [ints([4], 1, -1, 0, 2)] },
    [
      [
        [3, 5],
        [3, -1, 6, 6, 6, 3, -1, 6, 6, 6, -2, 5, 1, 1, 1],
      ],
    ],
  ],
  [
    'Pad reflect, which cuts and mirrors',
    { operator: 'Pad', shape: [2, 4], attributes: { mode: 'reflect' }, others: [ints([4], 0, 2, 0, -1)] },
    [
      [
        [2, 5],
        [-1, 3, -4, 3, -1, 5, -2, 2, -2, 5],
      ],
    ],
  ],
  [
    'Pad of a constant, which cuts',
    { operator: 'Pad', shape: [2, 4], others: [ints([4], 1, -1, -1, 2), floats([], 7)] },
    [
      [
        [2, 5],
        [7, 7, 7, 7, 7, 3, -1, 6, 7, 7],
      ],
    ],
  ],
  [
    'ScatterElements mul',
    scatter('mul'),
    [
      [
        [2, 4],
        [-4, 18, -1, 24, 70, -2, 30, 1],
      ],
    ],
  ],
  [
    'ScatterElements max',
    scatter('max'),
    [
      [
        [2, 4],
        [-4, 3, -1, 6, 7, -2, 6, 1],
      ],
    ],
  ],
  [
    'ScatterElements min',
    scatter('min'),
    [
      [
        [2, 4],
        [-4, 2, -1, -4, 2, -2, 5, 1],
      ],
    ],
  ],
  [
    'ScatterElements of repeated indices',
    {
      operator: 'ScatterElements',
      shape: [2, 4],
      attributes: { axis: 1 },
      others: [ints([1, 3], 1, 1, 0), floats([1, 3], 20, 30, 40)],
    },
    [
      [
        [2, 4],
        [40, 30, -1, 6, 2, -2, 5, 1],
      ],
    ],
  ],
  [
    'ScatterND max',
    {
      operator: 'ScatterND',
      shape: [2, 4],
      attributes: { reduction: 'max' },
      others: [ints([2, 1], 1, 1), floats([2, 4], 2, 3, 4, 5, 60, 7, 8, 9)],
      opset: 18,
    },
    [
      [
        [2, 4],
        [-4, 3, -1, 6, 60, 7, 8, 9],
      ],
    ],
  ],
  [
    'AveragePool, rounded up, with pads counted',
    {
      operator: 'AveragePool',
      shape: [1, 1, 4, 4],
      attributes: { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1], ceil_mode: 1, count_include_pad: 1 },
    },
    [
      [
        [1, 1, 3, 3],
        [-0.1111, 1.3333, 1.1667, 0.3333, 1.2222, -0.1667, 0.3333, 1.1667, 0.5],
      ],
    ],
  ],
  [
    'AveragePool, rounded up',
    {
      operator: 'AveragePool',
      shape: [1, 1, 5, 4],
      attributes: { kernel_shape: [2, 2], strides: [2, 3], ceil_mode: 1 },
    },
    [
      [
        [1, 1, 3, 2],
        [-0.25, 3.5, 0.75, -1, 1.5, -3],
      ],
    ],
  ],
  [
    'MaxPool, rounded up and dilated, with indices',
    {
      operator: 'MaxPool',
      shape: [1, 1, 4, 6],
      attributes: { kernel_shape: [2, 2], strides: [2, 2], dilations: [1, 2], ceil_mode: 1 },
      outputs: 2,
    },
    [
      [
        [1, 1, 2, 3],
        [5, 2, 2, 6, 6, -2],
      ],
      [
        [1, 1, 2, 3],
        [6, 4, 4, 14, 14, 16],
      ],
    ],
  ],
  [
    'MaxPool of a series, dilated',
    {
      operator: 'MaxPool',
      shape: [1, 1, 7],
      attributes: { kernel_shape: [3], strides: [2], dilations: [2], pads: [1, 1] },
      outputs: 2,
    },
    [
      [
        [1, 1, 3],
        [6, 6, 6],
      ],
      [
        [1, 1, 3],
        [3, 3, 3],
      ],
    ],
  ],
  [
    'MaxPool by columns, without indices',
    {
      operator: 'MaxPool',
      shape: [1, 1, 4, 6],
      attributes: { kernel_shape: [2, 2], strides: [2, 2], storage_order: 1 },
    },
    [
      [
        [1, 1, 2, 3],
        [5, 6, 2, 3, 6, 5],
      ],
    ],
  ],
  [
    // By hand: maxima at (0, 1), (0, 3), and in the second plane (0, 1), (1, 2), of columns of two.
    'MaxPool by columns, with indices',
    {
      operator: 'MaxPool',
      shape: [1, 2, 2, 4],
      attributes: { kernel_shape: [2, 2], strides: [2, 2], storage_order: 1 },
      outputs: 2,
    },
    [
      [
        [1, 2, 1, 2],
        [3, 6, 4, 6],
      ],
      [
        [1, 2, 1, 2],
        [2, 6, 10, 13],
      ],
    ],
  ],
  [
    'TopK along the first axis, the smallest',
    { operator: 'TopK', shape: [2, 4], attributes: { axis: 0, largest: 0 }, others: [ints([1], 1)], outputs: 2 },
    [
      [
        [1, 4],
        [-4, -2, -1, 1],
      ],
      [
        [1, 4],
        [0, 1, 0, 1],
      ],
    ],
  ],
  [
    'Einsum without an arrow',
    { operator: 'Einsum', shape: [2, 4], attributes: { equation: 'zj,ji' }, others: [floats([4, 1], 1, 2, 3, 4)] },
    [
      [
        [1, 2],
        [23, 17],
      ],
    ],
  ],
  [
    'IsInf of neither sign',
    { operator: 'IsInf', shape: [4], attributes: { detect_negative: 0, detect_positive: 0 } },
    [[[4], [0, 0, 0, 0]]],
  ],
];
for (const [name, form, results] of known)
  test(`${name}: as ONNX Runtime`, async () => {
    const got = await run(form);
    assert.is(got.length, results.length);
    for (const [i, [shape, data]] of results.entries()) {
      assert.equal((got[i] as Tensor).shape, shape);
      closeTo((got[i] as Tensor).dataSync(), data, 1e-4, `output ${i}`);
    }
  });

const refused: readonly (readonly [form: Form, says: RegExp])[] = [
  [
    {
      operator: 'AveragePool',
      shape: [1, 1, 5, 5],
      attributes: { kernel_shape: [2, 2], dilations: [2, 1] },
      opset: 19,
    },
    /AveragePool 'y0': dilations must be 1; got dilations=2,1/,
  ],
  [{ operator: 'Mod', shape: [2], others: [floats([2], 1, 2)] }, /Mod 'y0': fmod must be 1 for floats; got fmod=0/],
  [{ operator: 'Einsum', shape: [2, 2] }, /Einsum 'y0': equation must be a text/],
  [
    { operator: 'Tile', shape: [2, 2], others: [ints([1], 2)] },
    /Tile 'y0': there must be one repeat for each axis; got 2, \[2,2\]/,
  ],
  [
    { operator: 'Pad', shape: [2], attributes: { mode: 'symmetric' }, others: [ints([2], 1, 1)] },
    /Pad 'y0': mode must be one of constant, reflect, edge, wrap/,
  ],
];
for (const [form, says] of refused)
  test(`${form.operator}: what the library lacks is refused`, async () => {
    await throws(() => run(form), says);
  });

test.run();
