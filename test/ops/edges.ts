/**
 * Values and gradients at the edges of their ranges: large logits, infinities, NaN, ties, limits,
 * numbers that an integer type cannot hold. The numbers are PyTorch 1.13.1's, in float64, for a
 * gradient of ones; where they are not, the case says whose. Every case runs on every device.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  add,
  type CrossEntropyOptions,
  clamp,
  compile,
  conv2dTranspose,
  crossEntropy,
  type Device,
  type DType,
  device,
  dropout,
  elu,
  full,
  leakyRelu,
  logSoftmax,
  maximum,
  minimum,
  mul,
  ones,
  pad,
  pow,
  relu,
  type Shape,
  softmax,
  std,
  type Tensor,
  tensor,
  ValueError,
  where,
} from '../../src/index.js';
import { closeTo } from '../helpers/close.js';

const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;

interface Case {
  readonly name: string;
  readonly fn: (...inputs: Tensor[]) => Tensor;
  readonly inputs: readonly (readonly number[])[];
  readonly shape?: Shape;
  readonly values: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}
/** Weighs the two columns, so that a gradient of ones is not one that softmax turns into 0. */
const weighted = (fn: (x: Tensor) => Tensor) => (x: Tensor) =>
  fn(x).mul(tensor([1, 2], { device: x.device, dtype: x.dtype }));
const two = [0.2689414213699951, 1.4621171572600098];
const twoLog = [-1.3132616875182228, -0.6265233750364456];

const cases: Case[] = [
  ...[100, 1e4, 1e6, 1e7].flatMap((a): Case[] => [
    {
      name: `softmax of ${a} and one more`,
      fn: weighted(softmax),
      inputs: [[a, a + 1]],
      values: two,
      gradients: [[-0.19661193324148185, 0.19661193324148185]],
    },
    {
      name: `logSoftmax of ${a} and one more`,
      fn: weighted(logSoftmax),
      inputs: [[a, a + 1]],
      values: twoLog,
      gradients: [[0.19317573589001473, -0.19317573589001473]],
    },
  ]),
  ...(
    [
      [
        [3e38, 3e38],
        [0.5, 1],
        [-0.25, 0.25],
        [-0.6931471805599453, -1.3862943611198906],
        [-0.5, 0.5],
      ],
      [
        [-infinity, 1],
        [0, 2],
        [0, 0],
        [-infinity, 0],
        [1, -1],
      ],
      [
        [-infinity, -infinity],
        [nan, nan],
        [nan, nan],
        [nan, nan],
        [nan, nan],
      ],
      [
        [infinity, 1],
        [nan, nan],
        [nan, nan],
        [nan, nan],
        [nan, nan],
      ],
      [
        [nan, 1],
        [nan, nan],
        [nan, nan],
        [nan, nan],
        [nan, nan],
      ],
    ] as const
  ).flatMap(([input, values, gradient, logs, logGradient]): Case[] => [
    { name: `softmax of ${input}`, fn: weighted(softmax), inputs: [input], values, gradients: [gradient] },
    {
      name: `logSoftmax of ${input}`,
      fn: weighted(logSoftmax),
      inputs: [input],
      values: logs,
      gradients: [logGradient],
    },
  ]),
  {
    name: 'std of equal elements, and of others',
    fn: (x) => std(x, 1),
    inputs: [[1, 1, 1, 1, 2, 4]],
    shape: [2, 3],
    values: [0, 1.5275252316519465],
    gradients: [[0, 0, 0, -0.43643578047198484, -0.10910894511799625, 0.5455447255899809]],
  },
  {
    name: 'pow at 0',
    fn: pow,
    inputs: [
      [0, 0, 0, -0, -0, 2],
      [-1, 0, 2, -3, -2, -1],
    ],
    values: [infinity, 1, 0, -infinity, infinity, 0.5],
    gradients: [
      [-infinity, 0, 0, -infinity, infinity, -0.25],
      [-infinity, 0, 0, infinity, -infinity, 0.34657359027997264],
    ],
  },
  {
    name: 'pow of the number 0',
    fn: (b) => pow(0, b),
    inputs: [[-1, 0, 2]],
    values: [infinity, 1, 0],
    gradients: [[-infinity, 0, 0]],
  },
  {
    name: 'relu of NaN',
    fn: (x) => relu(x),
    inputs: [[nan, -1, 0, 1]],
    values: [nan, 0, 0, 1],
    gradients: [[1, 0, 0, 1]],
  },
  {
    name: 'leakyRelu of NaN',
    fn: (x) => leakyRelu(x, 0.25),
    inputs: [[nan, -1, 0, 1]],
    values: [nan, -0.25, 0, 1],
    gradients: [[0.25, 0.25, 0.25, 1]],
  },
  { name: 'elu of NaN', fn: (x) => elu(x), inputs: [[nan, 0]], values: [nan, 0], gradients: [[1, 1]] },
  {
    name: 'clamp at its limits',
    fn: (x) => clamp(x, -1, 1),
    inputs: [[nan, -1, 1, 2, -2]],
    values: [nan, -1, 1, 1, -1],
    gradients: [[0, 1, 1, 0, 0]],
  },
  {
    name: 'maximum of NaN and ties',
    fn: maximum,
    inputs: [
      [nan, 1, 1, 2],
      [1, nan, 1, 1],
    ],
    values: [nan, nan, 1, 2],
    gradients: [
      [1, 1, 0.5, 1],
      [1, 1, 0.5, 0],
    ],
  },
  {
    name: 'minimum of NaN and ties',
    fn: minimum,
    inputs: [
      [nan, 1, 1, 2],
      [1, nan, 1, 1],
    ],
    values: [nan, nan, 1, 1],
    gradients: [
      [1, 1, 0.5, 0],
      [1, 1, 0.5, 1],
    ],
  },
];

/** Four rows of logits, of which PyTorch's default ignores the second and the last. */
const logits = [1, 2, 4, 0, 1, 2, 3, 1, 2, 5, 5, 5];
const labels = [2, -100, 0, -100];
const rowLosses = [0.16984601955628567, 0, 0.4076059644443804, 0];
const ofSum = [
  0.04201006613406605, 0.11419519938459448, -0.15620526551866054, 0, 0, 0, -0.3347590442251782, 0.09003057317038043,
  0.24472847105479764, 0, 0, 0,
];
const losses: [string, number[], CrossEntropyOptions, number[], number[]][] = [
  ['mean', labels, {}, [0.28872599200033305], ofSum.map((g) => g / 2)],
  ['sum', labels, { reduction: 'sum' }, [0.5774519840006661], ofSum],
  ['none', labels, { reduction: 'none' }, rowLosses, ofSum],
  ['a class of its own ignored', [2, 1, 0, 1], { ignoreIndex: 1 }, [0.28872599200033305], ofSum.map((g) => g / 2)],
  ['255 ignored', [2, 255, 0, 255], { ignoreIndex: 255, reduction: 'none' }, rowLosses, ofSum],
  ['all ignored', [1, 1, 1, 1], { ignoreIndex: 1 }, [nan], logits.map(() => 0)],
];

const places: [string, () => Promise<Device>, DType, number][] = [
  ['reference float64', () => device('reference'), 'float64', 1e-12],
  ['reference', () => device('reference'), 'float32', 3e-7],
  ['wasm', () => device('wasm', { threads: 1 }), 'float32', 3e-7],
  ['gpu cpu', () => device('gpu', { mode: 'cpu' }), 'float32', 3e-7],
  ['gpu cpu asynchronous', () => device('gpu', { mode: 'cpu', asyncMode: true }), 'float32', 3e-7],
];
for (const [place, open, dtype, tolerance] of places) {
  const test = suite(`edges on ${place}`);
  let on: Device;
  test.before(async () => {
    on = await open();
  });
  test.after(() => on?.close());
  const int32 = (values: ArrayLike<number>): Tensor => tensor([...Array.from(values)], { dtype: 'int32', device: on });

  for (const { name, fn, inputs, shape, values, gradients } of cases)
    test(name, async () => {
      const leaves = inputs.map((input) => tensor([...input], { shape, dtype, device: on, requiresGrad: true }));
      const y = fn(...leaves);
      y.backward(y.onesLike());
      closeTo(await y.data(), values, tolerance, 'values');
      for (const [i, gradient] of gradients.entries())
        closeTo(await (leaves[i].grad as Tensor).data(), gradient, tolerance, `gradient of input ${i}`);
    });

  for (const [name, numbers, options, values, gradient] of losses)
    test(`crossEntropy, ${name}`, async () => {
      const x = tensor(logits, { shape: [4, 3], dtype, device: on, requiresGrad: true });
      const loss = crossEntropy(x, int32(numbers), options);
      loss.backward(loss.onesLike());
      closeTo(await loss.data(), values, tolerance, 'loss');
      closeTo(await (x.grad as Tensor).data(), gradient, tolerance, 'gradient');
    });

  // By hand: a whole number is cut at the limits, NaN is 0. gpu has whole numbers in float32.
  test('cast to int32 beyond its limits', async () => {
    const x = tensor([3e9, nan, -3e9, infinity, -infinity, 1.9, -1.9], { dtype, device: on });
    const most = on.name === 'gpu' ? 2 ** 31 - 128 : 2 ** 31 - 1;
    assert.equal([...(await x.cast('int32').data())], [most, 0, -(2 ** 31), most, -(2 ** 31), 1, -1]);
  });
  // By hand.
  test('int32 with a number beyond int32 is float32; comparisons are exact', async () => {
    const x = int32([3, -5]);
    const far = 2 ** 40;
    for (const [y, want] of [
      [add(x, far), [far, far]],
      [mul(2 ** 31, x), [3 * 2 ** 31, -5 * 2 ** 31]],
      [where(x.greater(0), x, far), [3, far]],
      [x.maximum(far), [far, far]],
    ] as const) {
      assert.is(y.dtype, 'float32');
      assert.equal([...(await y.data())], want);
    }
    assert.is(x.add(2 ** 31 - 1).dtype, 'int32');
    assert.equal([...(await x.less(far).data())], [1, 1]);
    assert.equal([...(await x.equal(2 ** 32 + 3).data())], [0, 0]);
  });
  test('numbers that a dtype cannot hold are refused', () => {
    for (const value of [2, 256, 0.5, -1, nan])
      for (const [op, make] of Object.entries({
        full: () => full([2], value, { dtype: 'bool', device: on }),
        fullLike: () => int32([1]).cast('bool').fullLike(value),
        pad: () => pad(int32([1]).cast('bool'), [[1, 1]], value),
      }))
        assert.throws(make, (e: Error) => e instanceof ValueError && e.message.startsWith(`${op}: bool holds 0 and 1`));
    for (const value of [1.5, 3e9, nan, -infinity])
      for (const [op, make] of Object.entries({
        full: () => full([2], value, { dtype: 'int32', device: on }),
        fullLike: () => int32([1]).fullLike(value),
        pad: () => pad(int32([1]), [[1, 1]], value),
      }))
        assert.throws(make, (e: Error) => e instanceof ValueError && e.message.startsWith(`${op}: int32 holds whole`));
  });
  test('dropout refuses whole numbers', () => {
    for (const dtype of ['int32', 'bool'] as const)
      for (const rate of [0, 0.5])
        assert.throws(
          () => dropout(int32([1, 2]).cast(dtype), { rate }),
          /dropout: the input must be float32 or float64/,
        );
  });
  test('crossEntropy refuses class numbers out of range', () => {
    const x = tensor(logits, { shape: [4, 3], dtype, device: on });
    for (const [wrong, at] of [
      [[0, 1, 3, 2], 'element 2=3'],
      [[-1, 1, 0, 2], 'element 0=-1'],
      [[0, -100, 2, 255], 'element 3=255'],
    ] as const)
      assert.throws(
        () => crossEntropy(x, int32(wrong)),
        (e: Error) =>
          e instanceof ValueError && e.message.includes('class numbers must be in [0, 3)') && e.message.includes(at),
      );
    assert.throws(() => crossEntropy(x, int32(labels), { ignoreIndex: 0.5 }), /ignoreIndex must be a whole number/);
    assert.throws(() => crossEntropy(x, x, { ignoreIndex: 1 }), /ignoreIndex goes with class numbers/);
  });
  if (place.endsWith('asynchronous'))
    test('where class numbers cannot be read at once, one out of range makes its loss NaN', async () => {
      const x = tensor(logits, { shape: [4, 3], device: on });
      const made = (values: number[]): Tensor => int32(values).add(0);
      assert.throws(() => made([1]).dataSync());
      const rows = await crossEntropy(x, made([2, 3, 0, -1]), { reduction: 'none' }).data();
      closeTo(rows, [rowLosses[0], nan, rowLosses[2], nan], tolerance);
      closeTo(await crossEntropy(x, made(labels)).data(), [0.28872599200033305], tolerance);
      assert.ok(Number.isNaN(await crossEntropy(x, made([2, 3, 0, 1])).item()));
    });

  // Sizes by PyTorch's formula: (H − 1)·stride − pads + dilation·(kernel − 1) + 1 + outputPadding.
  for (const [input, kernel, stride, dilation, padding, outputPadding, size] of [
    [1, 2, 3, 1, 1, 2, 2],
    [1, 2, 1, 3, 2, 2, 2],
    [1, 1, 2, 1, 1, 1, 0],
    [1, 2, 3, 1, 1, 0, 0],
    [2, 3, 2, 1, 1, 1, 4],
  ])
    test(`conv2dTranspose from ${input} by kernel ${kernel}, stride ${stride}, dilation ${dilation}, padding ${padding}+${outputPadding} gives ${size}`, async () => {
      const x = ones([1, input, input, 1], { device: on });
      const w = ones([kernel, kernel, 1, 1], { device: on });
      const make = (): Tensor => conv2dTranspose(x, w, { stride, dilation, padding, outputPadding });
      if (size > 0) assert.equal(make().shape, [1, size, size, 1]);
      else assert.throws(make, /the padding must leave an output; got height: .*; the size would be 0/);
    });
  test('conv2dTranspose leaves 0 where only outputPadding reaches', async () => {
    const x = ones([1, 1, 1, 1], { device: on });
    const w = tensor([1, 2, 3, 4], { shape: [2, 2, 1, 1], device: on });
    const y = conv2dTranspose(x, w, { stride: 3, padding: 1, outputPadding: 2 });
    assert.equal([...(await y.data())], [4, 0, 0, 0]);
  });
  test.run();
}

const compiled = suite('edges in a compiled step');
compiled('crossEntropy checks the class numbers of every call', async () => {
  const on = await device('wasm', { threads: 1 });
  const x = tensor(logits, { shape: [4, 3], device: on });
  const step = compile((k: Tensor) => crossEntropy(x, k));
  const of = (values: number[]): Tensor => tensor(values, { dtype: 'int32', device: on });
  for (const numbers of [labels, [2, 1, 0, 1], labels, [2, -100, -100, -100]]) {
    const want = await crossEntropy(x, of(numbers)).item();
    assert.is(await step(of(numbers)).item(), want);
  }
  assert.is(step.mode, 'compiled', step.reason);
  assert.throws(() => step(of([2, 3, 0, 1])), /element 1=3/);
  await on.close();
});
compiled.run();
