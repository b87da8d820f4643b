/**
 * Operations on series: pool indices in every convention (PyTorch's numbers and values looked up in
 * arrays, test/fixtures/one-d.json), no work or memory beyond that of images of one row, and
 * messages. Not here: values and gradients of each option (helpers/known.ts), devices and gradient
 * checks (helpers/op-table.ts), layers (test/nn/one-d.ts).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../../src/index.js';
import stored from '../fixtures/one-d.json' with { type: 'json' };

const test = suite('ops/one-d');
const { pool } = stored;
const options = { kernelSize: 3, stride: 2, padding: 1 };
const input = (): c.Tensor => c.tensor(pool.input, { shape: pool.shape });

// ---- pool indices

test('pool indices of series convert to every convention', async () => {
  const [values, indices] = c.maxPool1d(input(), options);
  assert.equal(values.shape, pool.outputShape);
  assert.equal(indices.shape, pool.outputShape);
  assert.equal(indices.inputShape, pool.shape);
  for (const convention of ['torch', 'tf', 'tf-batch', 'onnx'] as const)
    assert.equal([...(await indices.to(convention).data())], pool[convention], convention);
  assert.equal(indices.ndarray().shape, pool.outputShape);
  assert.is(String(indices), "PoolIndices([2,4,3] into [2,8,3], 'torch')");
  // Within a window that begins at 2·o − 1, by hand.
  const [, one] = c.maxPool1d(c.tensor([5, 1, 2, 9, 3, 4], { shape: [1, 6, 1] }), options);
  assert.equal([...one.dataSync()], [0, 3, 3]);
  assert.equal([...one.to('window').dataSync()], [1, 2, 0]);
});

test('indices of every convention unpool as those of the pool', () => {
  const [values, own] = c.maxPool1d(input(), options);
  const want = [...c.maxUnpool1d(values, own).dataSync()];
  assert.is(want.filter((v) => v !== 0).length, new Set(pool['tf-batch']).size);
  for (const convention of ['torch', 'tf', 'tf-batch', 'onnx', 'window'] as const) {
    const raw = convention === 'window' ? own.to('window').dataSync() : Int32Array.from(pool[convention]);
    const wrapped = c.poolIndices(raw, {
      shape: pool.outputShape,
      convention,
      inputShape: pool.shape,
      pool: options,
    });
    assert.equal([...wrapped.dataSync()], [...raw], convention);
    assert.equal([...wrapped.to('torch').dataSync()], pool.torch, convention);
    assert.equal([...c.maxUnpool1d(values, wrapped).dataSync()], want, convention);
    assert.equal([...c.maxUnpool1d(values, raw, { ...options, convention, outputSize: 8 }).dataSync()], want);
  }
  assert.equal(
    [
      ...c
        .maxUnpool1d(values, c.tensor(Int32Array.from(pool.torch), { shape: values.shape }), {
          ...options,
          outputSize: 8,
        })
        .dataSync(),
    ],
    want,
  );
});

test('repeated indices of series are found, and named by their place', () => {
  const [values, indices] = c.maxPool1d(c.tensor([1, 9, 2, 3], { shape: [1, 4, 1] }), { kernelSize: 2, stride: 1 });
  assert.ok(indices.mayRepeat);
  assert.throws(
    () => c.maxUnpool1d(values, indices, { duplicates: 'error' }),
    (e: Error) =>
      e.message ===
      "maxUnpool1d: no index may repeat under duplicates 'error'; got 1 at (n 0, l 0, c 0) and at (n 0, l 1, c 0); choose 'add', 'first', 'last', 'max' or 'mean'",
  );
  assert.not.ok(c.maxPool1d(c.zeros([1, 4, 1]), { kernelSize: 2 })[1].mayRepeat);
});

// ---- no more work than for images of one row

/** One value and its gradients, with the kernels, uploads and bytes that they took. */
async function cost(make: () => c.Tensor): Promise<{ kernels: number; uploads: number; bytes: number }> {
  const on = c.defaultDevice();
  await on.sync();
  const before = { ...on.counters, bytes: on.memory().bytes };
  const y = make();
  const bytes = on.memory().bytes - before.bytes;
  y.backward(c.onesLike(y));
  await on.sync();
  return { kernels: on.counters.kernels - before.kernels, uploads: on.counters.uploads - before.uploads, bytes };
}

test('a series costs the kernels and the memory of an image of one row', async () => {
  const leaf = (...shape: number[]): c.Tensor => c.randn(shape, { requiresGrad: true });
  const pairs: [string, () => c.Tensor, () => c.Tensor][] = [
    [
      'conv1d',
      () => c.conv1d(leaf(2, 9, 3), leaf(3, 3, 4), { padding: 1 }),
      () => c.conv2d(leaf(2, 1, 9, 3), leaf(1, 3, 3, 4), { padding: [0, 1] }),
    ],
    [
      'conv1dTranspose',
      () => c.conv1dTranspose(leaf(2, 9, 3), leaf(3, 4, 3), { stride: 2 }),
      () => c.conv2dTranspose(leaf(2, 1, 9, 3), leaf(1, 3, 4, 3), { stride: [1, 2] }),
    ],
    [
      'maxPool1d and maxUnpool1d',
      () => c.maxUnpool1d(...c.maxPool1d(leaf(2, 9, 3), { kernelSize: 3 })),
      () => c.maxUnpool2d(...c.maxPool2d(leaf(2, 1, 9, 3), { kernelSize: [1, 3] })),
    ],
    [
      'avgPool1d',
      () => c.avgPool1d(leaf(2, 9, 3), { kernelSize: 3 }),
      () => c.avgPool2d(leaf(2, 1, 9, 3), { kernelSize: [1, 3] }),
    ],
  ];
  for (const [name, series, image] of pairs) assert.equal(await cost(series), await cost(image), name);
});

test('a released input is free at once, although the result of a view of it lives', async () => {
  const on = c.defaultDevice();
  const weight = c.randn([3, 2, 4], { requiresGrad: true });
  const input = c.randn([2, 50, 2]);
  const calls: [string, (x: c.Tensor) => c.Tensor][] = [
    ['conv1d', (x) => c.noGrad(() => c.conv1d(x, weight))],
    ['conv1d of a frozen weight', (x) => c.conv1d(x, weight.detach())],
    ['avgPool1d', (x) => c.avgPool1d(x, { kernelSize: 2 })],
    ['maxPool1d', (x) => c.maxPool1d(x, { kernelSize: 2 })[0]],
  ];
  for (const [name, call] of calls) {
    const x = input.clone();
    const y = call(x);
    const before = on.memory().bytes;
    x.release();
    assert.is(before - on.memory().bytes, 4 * 200, name);
    y.release();
  }
});

// ---- messages

const x = c.zeros([2, 8, 3]);
const image = c.zeros([2, 8, 8, 3]);
const weight = c.zeros([3, 3, 4]);
const pooled = c.maxPool1d(x, { kernelSize: 2 });
const raw = new Int32Array(24);
const bad = <T>(value: unknown): T => value as T;
const torchForm = { kernelSize: 2 };

const messages: [call: () => unknown, kind: new (...args: never[]) => Error, message: string][] = [
  [
    () => c.conv1d(x, c.zeros([3, 4, 8])),
    c.ShapeError,
    "conv1d: input channels must equal weight's; got input [2,8,3], weight [3,4,8]; series are [N,L,C], weights [k,in/groups,out]",
  ],
  [() => c.conv1d(image, weight), c.ShapeError, 'conv1d: input must have rank 3, [N,L,C]; got input=[2,8,8,3]'],
  [
    () => c.conv1d(x, c.zeros([1, 3, 3, 4])),
    c.ShapeError,
    'conv1d: weight must have rank 3, [k,in/groups,out]; got weight=[1,3,3,4]',
  ],
  [
    () => c.conv1d(x, weight, { groups: 3 }),
    c.ShapeError,
    "conv1d: input channels must equal weight's times groups; got input [2,8,3], weight [3,3,4], groups 3",
  ],
  [
    () => c.conv1d(x, c.zeros([3, 1, 4]), { groups: 3 }),
    c.ShapeError,
    'conv1d: output channels must be a multiple of groups; got weight [3,1,4], groups 3',
  ],
  [
    () => c.conv1d(x, weight, { bias: c.zeros([3]) }),
    c.ShapeError,
    'conv1d: bias must have one element per output channel; got bias=[3]; expected [4]',
  ],
  [
    () => c.conv1d(c.zeros([2, 2, 3]), weight),
    c.ShapeError,
    'conv1d: the kernel must fit into the padded input; got length: input 2, padding 0+0, kernel 3, dilation 1; it spans 3 of 2',
  ],
  [() => c.conv1d(c.zeros([0, 8, 3]), weight), c.ShapeError, 'conv1d: the batch must not be empty; got input=[0,8,3]'],
  [
    () => c.conv1d(x, weight, { stride: bad([1, 2]) }),
    c.ValueError,
    'conv1d: stride must be a number; got stride=[1,2]; a series has one axis, its length',
  ],
  [() => c.conv1d(x, weight, { stride: 0 }), c.ValueError, 'conv1d: stride must be whole and at least 1; got stride=0'],
  [
    () => c.conv1d(x, weight, { dilation: 2 ** 25 }),
    c.ValueError,
    'conv1d: dilation must be at most 16777216; got dilation=33554432',
  ],
  [
    () => c.conv1d(x, weight, { dilation: 2 ** 24, padding: 'same' }),
    c.ValueError,
    'conv1d: a window must span at most 16777216 cells; got length: kernel 3, dilation 16777216',
  ],
  [
    () => c.conv1d(x, weight, { padding: bad([1, 2, 3]) }),
    c.ValueError,
    "conv1d: padding must be 'same', 'valid', a whole number or [before, after], none negative; got padding=[1,2,3]",
  ],
  [() => c.conv1d(x, weight, { padding: -1 }), c.ValueError, "conv1d: padding must be 'same', 'valid', a whole"],
  [
    () => c.conv1d(x, weight, { padding: bad('SAME') }),
    c.ValueError,
    "conv1d: padding must be 'same', 'valid', a whole",
  ],
  [() => c.conv1d(x, weight, { padding: bad([[0, 1], 1]) }), c.ValueError, "conv1d: padding must be 'same', 'valid'"],
  [() => c.conv1d(x, weight, { padding: 2 ** 25 }), c.ValueError, 'conv1d: padding must be at most 16777216; got'],
  [
    () => c.conv1d(x, c.zeros([3, 3, 4], { dtype: 'float64' })),
    c.ValueError,
    'conv1d: input, weight and bias must share a float dtype; got input float32, weight float64; convert with cast()',
  ],
  [
    () => c.conv1dTranspose(x, c.zeros([3, 4, 2])),
    c.ShapeError,
    "conv1dTranspose: input channels must equal weight's; got input [2,8,3], weight [3,4,2]; transposed weights are [k,out/groups,in]",
  ],
  [
    () => c.conv1dTranspose(x, c.zeros([3, 4, 3]), { groups: 2 }),
    c.ShapeError,
    'conv1dTranspose: input channels must be a multiple of groups; got input [2,8,3], groups 2',
  ],
  [
    () => c.conv1dTranspose(x, weight, { outputSize: 17, stride: 2, padding: 'same' }),
    c.ShapeError,
    "conv1dTranspose: input channels must equal weight's; got input [2,8,3], weight [3,3,4]",
  ],
  [
    () => c.conv1dTranspose(x, c.zeros([3, 4, 3]), { outputSize: 17, stride: 2, padding: 'same' }),
    c.ShapeError,
    'conv1dTranspose: outputSize must be one whose convolution gives the input\'s size; got length 17; length may be 15 to 16 for input 8, kernel 3, stride 2, dilation 1, padding "same"',
  ],
  [
    () => c.conv1dTranspose(x, c.zeros([3, 4, 3]), { stride: 2, outputPadding: 2 }),
    c.ValueError,
    'conv1dTranspose: outputPadding must be smaller than stride or dilation; got length: outputPadding 2, stride 2, dilation 1',
  ],
  [
    () => c.conv1dTranspose(x, c.zeros([3, 4, 3]), { outputSize: 9, outputPadding: 1 }),
    c.ValueError,
    'conv1dTranspose: give outputSize or outputPadding, not both; got outputSize 9, outputPadding 1',
  ],
  [
    () => c.conv1dTranspose(x, c.zeros([3, 4, 3]), { padding: 'same', outputPadding: 0 }),
    c.ValueError,
    "conv1dTranspose: outputPadding goes with explicit or 'valid' padding; got outputPadding 0, padding 'same'",
  ],
  [
    () => c.conv1dTranspose(c.zeros([2, 1, 3]), c.zeros([3, 4, 3]), { padding: 2 }),
    c.ShapeError,
    'conv1dTranspose: the padding must leave an output; got length: input 1, kernel 3, stride 1, padding [2,2]',
  ],
  [() => c.maxPool1d(image, { kernelSize: 2 }), c.ShapeError, 'maxPool1d: input must have rank 3, [N,L,C]; got'],
  [() => c.maxPool1d(x, bad({})), c.ValueError, 'maxPool1d: kernelSize must be a number; got no kernelSize'],
  [
    () => c.maxPool1d(x, { kernelSize: bad([2, 2]) }),
    c.ValueError,
    'maxPool1d: kernelSize must be a number; got kernelSize=[2,2]; a series has one axis, its length',
  ],
  [
    () => c.maxPool1d(x, { kernelSize: 2, padding: 2 }),
    c.ValueError,
    'maxPool1d: padding must be smaller than the kernel; got length: padding 2+2, kernel 2',
  ],
  [() => c.maxPool1d(x, { kernelSize: 9 }), c.ShapeError, 'maxPool1d: the kernel must fit into the padded input'],
  [() => c.maxPool1d(x, { kernelSize: 2, nan: bad('no') }), c.ValueError, "maxPool1d: nan must be 'propagate'"],
  [() => c.maxPool1d(x.cast('int32'), { kernelSize: 2 }), c.ValueError, 'maxPool1d: '],
  [() => c.avgPool1d(x, { kernelSize: 0 }), c.ValueError, 'avgPool1d: kernelSize must be whole and at least 1'],
  [
    () => c.maxUnpool1d(c.zeros([2, 5, 3]), pooled[1]),
    c.ShapeError,
    "maxUnpool1d: input must have the indices' shape; got input=[2,5,3], indices=[2,4,3]",
  ],
  [
    () => c.maxUnpool1d(pooled[0], c.maxPool2d(image, { kernelSize: 2 })[1]),
    c.ShapeError,
    "maxUnpool1d: input must have the indices' shape; got input=[2,4,3], indices=[2,4,4,3]",
  ],
  [
    () => c.maxUnpool2d(c.zeros([2, 1, 4, 3]), pooled[1]),
    c.ShapeError,
    "maxUnpool2d: input must have the indices' shape; got input=[2,1,4,3], indices=[2,4,3]",
  ],
  [
    () => c.maxUnpool1d(pooled[0], pooled[1], { outputSize: 7 }),
    c.ShapeError,
    "maxUnpool1d: outputSize must cover the pool's input and reach less than a stride beyond its windows; got length 7; length may be 8 to 9",
  ],
  [
    () => c.maxUnpool1d(pooled[0], pooled[1], { outputSize: bad([8, 8]) }),
    c.ValueError,
    'maxUnpool1d: outputSize must be a number; got outputSize=[8,8]',
  ],
  [
    () => c.maxUnpool1d(pooled[0], pooled[1], { kernelSize: 3 }),
    c.ShapeError,
    "maxUnpool1d: the indices' input size must be less than a stride away from (L−1)·stride − 2·padding + kernelSize; got length 8; length may be 10 to 14",
  ],
  [
    () => c.maxUnpool1d(pooled[0], pooled[1], { kernelSize: 3, stride: 2, padding: 1 }),
    c.ValueError,
    "maxUnpool1d: the options must describe the pool that made the indices; got windows of 3, stride 2, padding before 1, the indices' of 2, stride 2, padding before 0",
  ],
  [
    () => c.maxUnpool1d(pooled[0], raw),
    c.ValueError,
    'maxUnpool1d: indices must be PoolIndices; got raw ones without a pool',
  ],
  [
    () => c.maxUnpool1d(pooled[0], raw, { kernelSize: 3, padding: 2 }),
    c.ValueError,
    'maxUnpool1d: padding must be at most half the kernel; got padding=2, kernelSize=3',
  ],
  [
    () => c.maxUnpool1d(pooled[0], raw, { kernelSize: 3, padding: bad<number>('same') }),
    c.ValueError,
    "maxUnpool1d: kernelSize's padding must be a number; got padding=same; 'same' and 'valid' go with poolSize",
  ],
  [
    () => c.maxUnpool1d(pooled[0], raw, { poolSize: 2, outputSize: 9 }),
    c.ShapeError,
    "maxUnpool1d: outputSize must be one that pools to the input's size; got length 9; length may be 7 to 8 for input 4, poolSize 2, strides 2, padding 'same'",
  ],
  [
    () => c.maxUnpool1d(pooled[0], raw, torchForm),
    c.ValueError,
    'maxUnpool1d: an index must lie in its own window, positions 2 to 3; got 0 at (n 0, l 1, c 0) for inputShape [2,8,3], which is position 0',
  ],
  [
    () =>
      c.maxUnpool1d(
        pooled[0],
        Int32Array.from(raw, () => 8),
        torchForm,
      ),
    c.ValueError,
    "maxUnpool1d: an index must be in [0, 7] under 'torch'; got 8 at (n 0, l 0, c 0) for inputShape [2,8,3]",
  ],
  [
    () => c.poolIndices([0], { shape: [1, 1, 1, 1], convention: 'torch', inputShape: [1, 2, 1] }),
    c.ShapeError,
    'poolIndices: shape must have rank 3, [N,L,C]; got shape=[1,1,1,1]',
  ],
  [
    () => c.poolIndices([0], { shape: [1, 1, 1], convention: 'torch', inputShape: [1, 8, 1], pool: { kernelSize: 2 } }),
    c.ShapeError,
    "poolIndices: shape must be the pool's output shape; got shape=[1,1,1], inputShape=[1,8,1]; the pool gives [1,4,1]",
  ],
  [
    () =>
      c.poolIndices([0], {
        shape: [1, 1, 1],
        convention: 'torch',
        inputShape: [1, 2, 1],
        pool: { kernelSize: [1, 2] },
      }),
    c.ValueError,
    'poolIndices: kernelSize must be a number; got kernelSize=[1,2]',
  ],
  [
    () => c.upsample1d(x, { scale: 1.5 }),
    c.ValueError,
    'upsample1d: scale must be whole and at least 1; got scale=1.5',
  ],
  [() => c.upsample1d(x, { scale: 2, fill: bad('zero') }), c.ValueError, "upsample1d: fill must be 'copy' or 'zeros'"],
  [() => c.upsample1d(image, { scale: 2 }), c.ShapeError, 'upsample1d: input must have rank 3, [N,L,C]; got input='],
  [() => c.resize1d(x, {}), c.ValueError, 'resize1d: one of size and scale must be given; got neither'],
  [
    () => c.resize1d(x, { size: 2, scale: 3 }),
    c.ValueError,
    'resize1d: one of size and scale must be given; got size=2',
  ],
  [() => c.resize1d(x, { size: bad([2]) }), c.ValueError, 'resize1d: size must be a number; got size=[2]'],
  [
    () => c.resize1d(x, { scale: 0.1 }),
    c.ShapeError,
    'resize1d: the result must not be empty; got length 8, scale=0.1',
  ],
  [() => c.resize1d(x, { scale: Infinity }), c.ValueError, 'resize1d: scale must be positive and finite; got'],
  [() => c.resize1d(x, { scale: bad([2]) }), c.ValueError, 'resize1d: scale must be a number; got scale=[2]'],
  [() => c.resize1d(x, { size: 4, method: bad('bilinear') }), c.ValueError, "resize1d: method must be one of 'linear'"],
  [
    () => c.resize1d(x, { size: 4, alignCorners: true, halfPixelCenters: true }),
    c.ValueError,
    'resize1d: alignCorners and halfPixelCenters exclude each other; got both true',
  ],
  [() => c.resize1d(c.zeros([1, 0, 1]), { size: 2 }), c.ShapeError, 'resize1d: the series must not be empty'],
  [() => new c.Conv1d(2, 2, bad([3, 3])), c.ValueError, 'Conv1d: kernelSize must be a number; got kernelSize=[3,3]'],
  [() => new c.Conv1d(2, 3, 3, { groups: 2 }), c.ValueError, 'Conv1d: inChannels and outChannels must be multiples'],
  [() => new c.ConvTranspose1d(2, 2, 3, { outputPadding: -1 }), c.ValueError, 'ConvTranspose1d: outputPadding must be'],
  [() => new c.MaxPool1d(0), c.ValueError, 'MaxPool1d: kernelSize must be whole and at least 1; got kernelSize=0'],
  [() => new c.MaxUnpool1d(bad([2])), c.ValueError, 'MaxUnpool1d: options must be an object; got [2]'],
  [() => new c.Upsample1d(0), c.ValueError, 'Upsample1d: scale must be whole and at least 1; got scale=0'],
  [() => new c.Resize1d({}), c.ValueError, 'Resize1d: one of size and scale must be given; got neither'],
];

test('messages speak of series, never of the images that they are to the kernels', () => {
  for (const [call, kind, message] of messages) {
    let error: unknown;
    try {
      call();
    } catch (e) {
      error = e;
    }
    assert.instance(error, kind, `${message}: ${error}`);
    const text = (error as Error).message;
    assert.ok(text.startsWith(message), `'${text}' should begin with '${message}'`);
    assert.not.match(text, /height|width|rows|columns|\[h, w\]|\[N,H,W,C\]/);
  }
});

test('errors of the graph name the operation and its own shapes', async () => {
  const weight = new c.Parameter(c.zeros([3, 3, 4]));
  const loss = c.conv1d(c.zeros([2, 8, 3], { requiresGrad: true }), weight).sum();
  c.noGrad(() => weight.assign(c.ones([3, 3, 4])));
  assert.throws(
    () => loss.backward(),
    (e: Error) => e instanceof c.GraphError && e.message.includes("got conv1d's saved input 1 of shape [3,3,4] at"),
  );
  const y = c.conv1d(x, weight);
  y.release();
  assert.throws(
    () => y.dataSync(),
    (e: Error) => e instanceof c.GraphError && e.message.includes('conv1d') && e.message.includes('[2,6,4]'),
  );
  const other = await c.device('reference');
  const elsewhere = c.defaultDevice() === other ? await c.device('wasm') : other;
  assert.throws(
    () => c.conv1d(x, c.zeros([3, 3, 4], { device: elsewhere })),
    (e: Error) => e instanceof c.DeviceError && e.message.startsWith('conv1d: all inputs must be on one device'),
  );
});

test.run();
