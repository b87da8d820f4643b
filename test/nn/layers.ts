/** Layers against the functional operations and against loops by hand; constructor checks. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../../src/index.js';
import {
  AdaptiveAvgPool1d,
  AdaptiveAvgPool2d,
  AdaptiveMaxPool1d,
  AdaptiveMaxPool2d,
  AvgPool2d,
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  avgPool2d,
  BatchNorm2d,
  BCEWithLogitsLoss,
  bceWithLogits,
  Conv2d,
  ConvTranspose2d,
  CrossEntropyLoss,
  conv2d,
  conv2dTranspose,
  crossEntropy,
  Dropout,
  defaultDevice,
  ELU,
  FixedUnpool2d,
  Flatten,
  fixedUnpool2d,
  GELU,
  GroupNorm,
  gradcheck,
  InstanceNorm2d,
  L1Loss,
  LayerNorm,
  LeakyReLU,
  Linear,
  l1,
  layerNorm,
  MaxPool2d,
  MaxPool2dWithArgmaxAndMask,
  MaxUnpool2d,
  MSELoss,
  manualSeed,
  maxPool2d,
  maxPool2dWithArgmaxAndMask,
  maxUnpool2d,
  mse,
  noGrad,
  type Parameter,
  PixelShuffle,
  PixelUnshuffle,
  pixelShuffle,
  pixelUnshuffle,
  RandomState,
  ReLU,
  Resize2d,
  randn,
  resize2d,
  Sequential,
  SGD,
  ShapeError,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
  type Tensor,
  tensor,
  UnpoolByMask,
  Upsample2d,
  unPooling2x2ZeroFilled,
  unpoolByMask,
  unpoolLike,
  upsample2d,
  ValueError,
  zeros,
} from '../../src/index.js';
import { closeTo } from '../helpers/close.js';
import { collected } from '../helpers/collect.js';

const test = suite('nn/layers');
const same = (a: Tensor, b: Tensor): void => {
  assert.equal(a.shape, b.shape);
  assert.equal([...a.dataSync()], [...b.dataSync()]);
};

test('Conv2d is conv2d of its weights', () => {
  const x = randn([2, 7, 6, 4]);
  const layer = new Conv2d(4, 6, [3, 2], {
    stride: [2, 1],
    padding: [
      [1, 0],
      [0, 1],
    ],
    dilation: [1, 2],
    groups: 2,
  });
  assert.equal(layer.weight.shape, [3, 2, 2, 6]);
  same(
    layer.forward(x),
    conv2d(x, layer.weight, {
      bias: layer.bias,
      stride: [2, 1],
      padding: [
        [1, 0],
        [0, 1],
      ],
      dilation: [1, 2],
      groups: 2,
    }),
  );
  assert.is(new Conv2d(1, 1, 1, { bias: false }).bias, null);
  layer.forward(x).sum().backward();
  assert.equal(layer.weight.grad?.shape, layer.weight.shape);
});

test('ConvTranspose2d is conv2dTranspose of its weights', () => {
  const x = randn([2, 4, 3, 4]);
  const layer = new ConvTranspose2d(4, 6, 3, { stride: 2, padding: 1, outputPadding: 1, groups: 2 });
  assert.equal(layer.weight.shape, [3, 3, 3, 4]);
  const common = { bias: layer.bias, stride: 2, padding: 1, groups: 2 };
  same(layer.forward(x), conv2dTranspose(x, layer.weight, { ...common, outputPadding: 1 }));
  same(layer.forward(x, { outputSize: [7, 5] }), conv2dTranspose(x, layer.weight, { ...common, outputSize: [7, 5] }));
});

test('weights are drawn as PyTorch draws them: U(±1/√fanIn), weight first', () => {
  manualSeed(5);
  const layer = new Conv2d(4, 8, 3);
  const random = new RandomState(5);
  const bound = 1 / Math.sqrt(36);
  closeTo(layer.weight.dataSync(), random.uniform(-bound, bound, 288), 1e-7);
  closeTo((layer.bias as Parameter).dataSync(), random.uniform(-bound, bound, 8), 1e-7);
  // PyTorch's fan of a transposed weight is that of its output channels.
  manualSeed(5);
  const transposed = new ConvTranspose2d(4, 8, 3);
  const again = new RandomState(5);
  const wide = 1 / Math.sqrt(72);
  closeTo(transposed.weight.dataSync(), again.uniform(-wide, wide, 288), 1e-7);
  closeTo((transposed.bias as Parameter).dataSync(), again.uniform(-wide, wide, 8), 1e-7);
  manualSeed(5);
  closeTo(new Linear(4, 2).weight.dataSync(), new RandomState(5).uniform(-0.5, 0.5, 8), 1e-7);
});

test('a layer leaves nothing on its device but its parameters', () => {
  const { tensors } = defaultDevice().memory();
  const layers = [new Linear(4, 3), new Conv2d(2, 4, 3), new BatchNorm2d(4)];
  assert.is(defaultDevice().memory().tensors, tensors + 6 + 2, 'six parameters and two running statistics');
  // Nothing else holds a parameter's array.
  for (const layer of layers) for (const parameter of layer.parameters()) parameter.unkeep().release();
  assert.is(defaultDevice().memory().tensors, tensors + 2);
});

test('Linear multiplies the last axis by [in,out]', () => {
  const layer = new Linear(3, 2);
  noGrad(() => {
    layer.weight.assign(
      tensor([
        [1, 2],
        [3, 4],
        [5, 6],
      ]),
    );
    layer.bias?.assign(tensor([10, 20]));
  });
  assert.equal(
    [
      ...layer
        .forward(
          tensor([
            [1, 1, 1],
            [0, 1, 0],
          ]),
        )
        .dataSync(),
    ],
    [19, 32, 13, 24],
  );
  assert.equal([...layer.forward(tensor([1, 1, 1])).dataSync()], [19, 32]);
  assert.equal(layer.forward(zeros([2, 4, 3])).shape, [2, 4, 2]);
  assert.throws(
    () => layer.forward(zeros([2, 2])),
    (e: Error) =>
      e instanceof ShapeError &&
      e.message === 'Linear: input must have rank 1 or more and 3 channels on its last axis; got input=[2,2]',
  );
});

test('pools and unpooling are their operations', () => {
  const x = randn([1, 5, 5, 2]);
  const options = { kernelSize: 3, stride: 2, padding: 1 } as const;
  const [values, indices] = new MaxPool2d(3, { stride: 2, padding: 1 }).forward(x);
  const [want, at] = maxPool2d(x, options);
  same(values, want);
  same(indices.plane, at.plane);
  same(new MaxUnpool2d().forward(values, indices), maxUnpool2d(want, at));
  const [half, where] = new MaxPool2d(2).forward(x);
  assert.equal(new MaxUnpool2d({ outputSize: [5, 5] }).forward(half, where).shape, [1, 5, 5, 2]);
  assert.throws(
    () => new MaxUnpool2d().forward(half, where, { outputSize: [9, 9] }),
    (e: Error) => e instanceof ShapeError,
  );
  same(
    new AvgPool2d(3, { stride: 2, padding: 1, countIncludePad: false }).forward(x),
    avgPool2d(x, { ...options, countIncludePad: false }),
  );
  same(new AdaptiveAvgPool2d([2, null]).forward(x), adaptiveAvgPool2d(x, [2, 5]));
  const [parts, places] = new AdaptiveMaxPool2d(2, { nan: 'ignore' }).forward(x);
  const [largest, cellsOf] = adaptiveMaxPool2d(x, 2, { nan: 'ignore' });
  same(parts, largest);
  same(places.plane, cellsOf.plane);
  const line = x.reshape([5, 5, 2]);
  same(new AdaptiveAvgPool1d(3).forward(line), adaptiveAvgPool1d(line, 3));
  same(new AdaptiveMaxPool1d(3).forward(line)[0], adaptiveMaxPool1d(line, 3)[0]);
  const ceil = { kernelSize: 3, stride: 3, ceilMode: true } as const;
  same(
    new AvgPool2d(3, { ceilMode: true, divisorOverride: 7 }).forward(x),
    avgPool2d(x, { ...ceil, divisorOverride: 7 }),
  );
  const dilated = { kernelSize: 2, stride: 2, ceilMode: true, dilation: [2, 1] } as const;
  const [found, cells] = new MaxPool2d(2, { stride: 2, ceilMode: true, dilation: [2, 1] }).forward(x);
  same(found, maxPool2d(x, dilated)[0]);
  assert.equal(found.shape, [1, 2, 3, 2]);
  same(new MaxUnpool2d().forward(found, cells), maxUnpool2d(...maxPool2d(x, dilated)));
});

test('unpooling layers are their operations, in every form', () => {
  const x = randn([2, 5, 7, 2]);
  const [values, indices] = new MaxPool2d([2, 3], { stride: [2, 3], nan: 'tf' }).forward(x);
  const want = maxUnpool2d(values, indices);
  same(new MaxUnpool2d([2, 3], { outputSize: [5, 7] }).forward(values, indices), want);
  same(new MaxUnpool2d([2, 3]).forward(values, indices.dataSync(), { outputSize: [5, 7] }), want);
  same(
    new MaxUnpool2d({ poolSize: [2, 3], padding: 'valid' }).forward(values, indices.to('tf').dataSync(), {
      outputSize: [5, 7],
    }),
    want,
  );
  const overlapping = new MaxPool2dWithArgmaxAndMask(3, { stride: 2, padding: 'same' });
  const mirror = unpoolLike(overlapping, { duplicates: 'mean' });
  const [pooled, argmax, mask] = overlapping.forward(x);
  const [, at, counts] = maxPool2dWithArgmaxAndMask(x, { kernelSize: 3, stride: 2, padding: 'same' });
  same(argmax.plane, at.plane);
  same(mask, counts);
  same(
    new UnpoolByMask(3, { stride: 2, padding: 'same' }).forward(pooled, mask),
    unpoolByMask(pooled, mask, { kernelSize: 3, stride: 2, padding: 'same' }),
  );
  same(
    new UnpoolByMask(3, { stride: 2, padding: 'same' }).forward(pooled, mask, argmax),
    unpoolByMask(pooled, mask, { argmax }),
  );
  same(
    new MaxUnpool2d({ duplicates: 'max' }).forward(pooled, argmax),
    maxUnpool2d(pooled, argmax, { duplicates: 'max' }),
  );
  same(mirror.forward(pooled), maxUnpool2d(pooled, argmax, { duplicates: 'mean' }));
  assert.is(String(new MaxPool2d(2, { nan: 'ignore' })), 'MaxPool2d(kernelSize=[2,2], nan=ignore)');
  assert.is(String(new MaxUnpool2d(3, { stride: 2 })), 'MaxUnpool2d(stride=2, kernelSize=3)');
  assert.is(String(new MaxUnpool2d()), 'MaxUnpool2d()');
  assert.is(String(mirror), 'UnpoolLike(kernelSize=[3,3], duplicates=mean)');
});

test('a pool and the level tied to it share nothing that is trained or saved, and stand in a Sequential', () => {
  const pool = new MaxPool2d(2);
  const net = new Sequential(
    new Conv2d(1, 2, 3, { padding: 'same' }),
    pool,
    unpoolLike(pool),
    new ConvTranspose2d(2, 1, 3, { padding: 'same' }),
  );
  assert.equal(Object.keys(net.stateDict()), ['0.weight', '0.bias', '3.weight', '3.bias']);
  assert.equal(net.namedModules().length, 5);
  const x = randn([1, 6, 6, 1]);
  const y = net.forward(x);
  assert.equal(y.shape, x.shape);
  y.sum().backward();
  assert.ok(net.parameters().every((p) => p.grad !== null));
});

test('layers that change the size are their operations', () => {
  const x = randn([1, 4, 6, 8]);
  same(new Upsample2d([3, 2]).forward(x), upsample2d(x, { scale: [3, 2] }));
  same(new Upsample2d(2, { fill: 'zeros' }).forward(x), unPooling2x2ZeroFilled(x));
  same(new Resize2d({ size: [5, 9] }).forward(x), resize2d(x, { size: [5, 9] }));
  for (const options of [{ method: 'nearest' }, { alignCorners: true }, { halfPixelCenters: false }] as const)
    same(new Resize2d({ scale: [1.5, 0.5], ...options }).forward(x), resize2d(x, { scale: [1.5, 0.5], ...options }));
  same(new PixelShuffle(2).forward(x), pixelShuffle(x, 2));
  same(new PixelShuffle(2, { order: 'tf' }).forward(x), pixelShuffle(x, 2, { order: 'tf' }));
  same(new PixelUnshuffle(2).forward(x), pixelUnshuffle(x, 2));
  same(new PixelUnshuffle(2, { order: 'tf' }).forward(x), pixelUnshuffle(x, 2, { order: 'tf' }));
  assert.is(String(new Upsample2d(2, { fill: 'zeros' })), 'Upsample2d(scale=[2,2], fill=zeros)');
  assert.is(String(new Resize2d({ size: [5, 9] })), 'Resize2d(size=[5,9])');
  assert.is(
    String(new Resize2d({ scale: 2, method: 'nearest', halfPixelCenters: false })),
    'Resize2d(scale=2, method=nearest, halfPixelCenters=false)',
  );
  const onnx = {
    scale: 0.8,
    method: 'bicubic',
    coordinateTransformation: 'asymmetric',
    cubicCoefficient: -0.5,
    excludeOutside: true,
    recomputeScaleFactor: false,
  } as const;
  same(new Resize2d(onnx).forward(x), resize2d(x, onnx));
  assert.is(
    String(new Resize2d(onnx)),
    'Resize2d(scale=0.8, method=bicubic, coordinateTransformation=asymmetric, cubicCoefficient=-0.5, ' +
      'excludeOutside=true, recomputeScaleFactor=false)',
  );
  assert.is(String(new Resize2d({ scale: 2, alignCorners: true })), 'Resize2d(scale=2, alignCorners=true)');
  assert.is(String(new PixelShuffle(3)), 'PixelShuffle(factor=3)');
  assert.is(String(new PixelUnshuffle(3, { order: 'tf' })), 'PixelUnshuffle(factor=3, order=tf)');
});

test('FixedUnpool2d: zeros, a kept matrix, or a learned one', () => {
  const x = randn([2, 2, 3, 2]);
  const matrix = [[0.5, 0.25, -1]];
  const none = new FixedUnpool2d(2);
  same(none.forward(x), unPooling2x2ZeroFilled(x));
  assert.equal(Object.keys(none.stateDict()), []);

  const fixed = new FixedUnpool2d([1, 3], { matrix });
  same(fixed.forward(x), fixedUnpool2d(x, { matrix }));
  assert.equal(Object.keys(fixed.stateDict()), ['matrix']);
  assert.equal(fixed.parameters(), []);

  const start = tensor(matrix, { requiresGrad: true });
  const learned = new FixedUnpool2d([1, 3], { matrix: start, learnable: true });
  assert.equal(
    learned.namedParameters().map(([name]) => name),
    ['matrix'],
  );
  learned.forward(x).sum().backward();
  const total = x.sum().itemSync();
  closeTo((learned.parameters()[0].grad as Tensor).dataSync(), [total, total, total], 1e-6);
  const optimizer = new SGD(learned.parameters(), { lr: 0.1 });
  optimizer.step();
  assert.equal([...start.dataSync()], [0.5, 0.25, -1]);
  closeTo((learned.matrix as Tensor).dataSync(), [0.5 - 0.1 * total, 0.25 - 0.1 * total, -1 - 0.1 * total], 1e-6);

  const corner = new FixedUnpool2d([2, 3], { learnable: true });
  assert.equal([...(corner.matrix as Tensor).dataSync()], [1, 0, 0, 0, 0, 0]);
  same(
    corner.to('float64').forward(x.cast('float64')),
    upsample2d(x, { scale: [2, 3], fill: 'zeros' }).cast('float64'),
  );
  assert.is(String(corner), 'FixedUnpool2d(size=[2,3], learnable=true)');
  assert.is(String(fixed), 'FixedUnpool2d(size=[1,3])');
  assert.is(corner.multiplyAdds([1, 1, 1, 1], [1, 2, 3, 1]), 6);
  assert.throws(
    () => new FixedUnpool2d(2, { matrix }),
    (e: Error) =>
      e instanceof ShapeError &&
      e.message === 'FixedUnpool2d: matrix must be of the size asked for; got matrix=[1,3], size=[2,2]',
  );
});

test('a pool keeps its places, and the graph they hold, only for a level that mirrors it', () => {
  const pool = new MaxPool2d(2);
  const x = randn([1, 4, 4, 1]);
  pool.forward(x);
  pool.mirror();
  assert.throws(() => pool.lastIndices, /the pool must have run/);
  pool.forward(x);
  assert.equal(pool.lastIndices.shape, [1, 2, 2, 1]);
});

test("unpoolLike takes the pool's latest places, or those it is given", () => {
  const [a, b] = [randn([1, 4, 4, 2]), randn([1, 4, 4, 2])];
  const pool = new MaxPool2d(2);
  const unpool = unpoolLike(pool);
  const [values, there] = pool.forward(a);
  same(unpool.forward(values, there), maxUnpool2d(values, there));
  const [, latest] = pool.forward(b);
  same(unpool.forward(values), maxUnpool2d(values, latest));
  same(unpool.forward(values, there), maxUnpool2d(values, there));
  // Given places need no pool that has run.
  same(unpoolLike(new MaxPool2d(2)).forward(values, there), maxUnpool2d(values, there));
});

test('activations are their operations', () => {
  const x = randn([2, 3]);
  same(new ReLU().forward(x), x.relu());
  same(new LeakyReLU(0.2).forward(x), x.leakyRelu(0.2));
  same(new ELU(0.5).forward(x), x.elu(0.5));
  same(new GELU().forward(x), x.gelu());
  same(new SiLU().forward(x), x.silu());
  same(new Sigmoid().forward(x), x.sigmoid());
  same(new Tanh().forward(x), x.tanh());
  same(new Softplus().forward(x), x.softplus());
  same(new Softmax(0).forward(x), x.softmax(0));
});

test('layers that add borders', () => {
  const x = c.tensor([1, 2, 3, 4, 5, 6], { shape: [1, 2, 3, 1] });
  const border = [
    [1, 0],
    [0, 2],
  ] as const;
  // By hand, of [[1, 2, 3], [4, 5, 6]]: a row above, two columns on the right.
  for (const [layer, want] of [
    [new c.ZeroPad2d(border), [0, 0, 0, 0, 0, 1, 2, 3, 0, 0, 4, 5, 6, 0, 0]],
    [new c.ConstantPad2d(border, 9), [9, 9, 9, 9, 9, 1, 2, 3, 9, 9, 4, 5, 6, 9, 9]],
    [new c.ReflectionPad2d(border), [4, 5, 6, 5, 4, 1, 2, 3, 2, 1, 4, 5, 6, 5, 4]],
    [new c.ReplicationPad2d(border), [1, 2, 3, 3, 3, 1, 2, 3, 3, 3, 4, 5, 6, 6, 6]],
    [new c.CircularPad2d(border), [4, 5, 6, 4, 5, 1, 2, 3, 1, 2, 4, 5, 6, 4, 5]],
  ] as const) {
    const y = layer.forward(x);
    assert.equal(y.shape, [1, 3, 5, 1], `${layer}`);
    assert.equal([...y.dataSync()], [...want], `${layer}`);
  }
  assert.equal(new c.ZeroPad2d([1, 2]).forward(x).shape, [1, 4, 7, 1]);
  const line = x.reshape([1, 6, 1]);
  for (const [layer, want] of [
    [new c.ZeroPad1d([1, -2]), [0, 1, 2, 3, 4]],
    [new c.ConstantPad1d(1, 7), [7, 1, 2, 3, 4, 5, 6, 7]],
    [new c.ReflectionPad1d([2, 0]), [3, 2, 1, 2, 3, 4, 5, 6]],
    [new c.ReplicationPad1d([0, 2]), [1, 2, 3, 4, 5, 6, 6, 6]],
    [new c.CircularPad1d([2, 1]), [5, 6, 1, 2, 3, 4, 5, 6, 1]],
  ] as const)
    assert.equal([...layer.forward(line).dataSync()], [...want], `${layer}`);
});

test('layers print what they were made with', () => {
  for (const [layer, text] of [
    [new LeakyReLU(0.2), 'LeakyReLU(0.2)'],
    [new ELU(0.5), 'ELU(0.5)'],
    [new Softmax(1), 'Softmax(axis=1)'],
    [
      new Conv2d(2, 4, 3, { stride: 2, padding: 'same', bias: false }),
      'Conv2d(2, 4, kernelSize=[3,3], stride=[2,2], padding=same, bias=false)',
    ],
    [
      new ConvTranspose2d(4, 2, 3, { stride: 2, outputPadding: 1 }),
      'ConvTranspose2d(4, 2, kernelSize=[3,3], stride=[2,2], outputPadding=[1,1])',
    ],
    [new AvgPool2d(2, { stride: 1 }), 'AvgPool2d(kernelSize=[2,2], stride=[1,1])'],
    [new AvgPool2d(2, { countIncludePad: false }), 'AvgPool2d(kernelSize=[2,2], countIncludePad=false)'],
    [
      new AvgPool2d(2, { ceilMode: true, divisorOverride: 3 }),
      'AvgPool2d(kernelSize=[2,2], ceilMode=true, divisorOverride=3)',
    ],
    [
      new MaxPool2d(3, { stride: 2, dilation: [2, 1], ceilMode: true }),
      'MaxPool2d(kernelSize=[3,3], stride=[2,2], ceilMode=true, dilation=[2,1])',
    ],
    [new AdaptiveAvgPool2d(1), 'AdaptiveAvgPool2d(outputSize=[1,1])'],
    [new AdaptiveMaxPool2d([null, 3], { nan: 'ignore' }), 'AdaptiveMaxPool2d(outputSize=[null,3], nan=ignore)'],
    [new AdaptiveAvgPool1d(2), 'AdaptiveAvgPool1d(outputSize=2)'],
    [new AdaptiveMaxPool1d(2), 'AdaptiveMaxPool1d(outputSize=2)'],
    [
      new c.ReflectionPad2d([
        [0, 1],
        [2, 3],
      ]),
      'ReflectionPad2d(padding=[[0,1],[2,3]])',
    ],
    [new c.ConstantPad1d(2, 0.5), 'ConstantPad1d(padding=[2,2], value=0.5)'],
    [new Dropout(0.3), 'Dropout(0.3)'],
    [new Linear(2, 3, { bias: false }), 'Linear(2, 3, bias=false)'],
    [new BatchNorm2d(4, { affine: false }), 'BatchNorm2d(4, eps=0.00001, momentum=0.1, affine=false)'],
    [new GroupNorm(2, 4), 'GroupNorm(2, 4, eps=0.00001)'],
    [new InstanceNorm2d(4), 'InstanceNorm2d(4, eps=0.00001)'],
    [
      new InstanceNorm2d(4, { affine: true, trackRunningStats: true }),
      'InstanceNorm2d(4, eps=0.00001, momentum=0.1, affine=true, trackRunningStats=true)',
    ],
    [new BatchNorm2d(4, { trackRunningStats: false }), 'BatchNorm2d(4, eps=0.00001, trackRunningStats=false)'],
    [new LayerNorm(4, { bias: false }), 'LayerNorm([4], eps=0.00001, bias=false)'],
    [new MSELoss({ reduction: 'sum' }), 'MSELoss(reduction=sum)'],
    [new CrossEntropyLoss({ ignoreIndex: 255 }), 'CrossEntropyLoss(ignoreIndex=255)'],
  ] as const)
    assert.is(String(layer), text);
});

test('Flatten merges axes', () => {
  const x = zeros([2, 3, 4, 5]);
  assert.equal(new Flatten().forward(x).shape, [2, 60]);
  assert.equal(new Flatten(0, 1).forward(x).shape, [6, 4, 5]);
  assert.equal(new Flatten().forward(zeros([0, 3, 4])).shape, [0, 12]);
  assert.throws(() => new Flatten(2, 1).forward(x), /startAxis must not come after endAxis/);
});

test('losses are their operations', () => {
  const [a, b] = [
    randn([3, 2]),
    tensor([
      [0, 1],
      [1, 1],
      [0, 0],
    ]),
  ];
  same(
    new BCEWithLogitsLoss({ posWeight: 10, reduction: 'sum' }).forward(a, b),
    bceWithLogits(a, b, { posWeight: 10, reduction: 'sum' }),
  );
  same(new MSELoss().forward(a, b), mse(a, b));
  same(new L1Loss({ reduction: 'none' }).forward(a, b), l1(a, b, { reduction: 'none' }));
  const classes = tensor([0, 1, 1], { dtype: 'int32' });
  same(new CrossEntropyLoss().forward(a, classes), crossEntropy(a, classes));
  const weighted = new BCEWithLogitsLoss({ posWeight: tensor([10, 2]) });
  assert.equal(Object.keys(weighted.stateDict()), ['posWeight']);
  closeTo(weighted.forward(a, b).dataSync(), bceWithLogits(a, b, { posWeight: tensor([10, 2]) }).dataSync(), 1e-7);
  assert.throws(
    () => new MSELoss({ reduction: 'avg' as 'mean' }),
    /MSELoss: reduction must be 'mean', 'sum' or 'none'; got reduction=avg/,
  );
});

/** A norm layer as a function of its input and parameters, for gradcheck. */
const withParameters =
  (layer: BatchNorm2d | GroupNorm) =>
  (x: Tensor, weight: Tensor, bias: Tensor): Tensor =>
    Object.assign(layer, { weight, bias }).forward(x);

test('LayerNorm has a scale and a shift, either without the shift, or neither', () => {
  const x = randn([2, 4]);
  const [both, scale, none] = [{}, { bias: false }, { affine: false, bias: true }].map((o) => new LayerNorm(4, o));
  for (const [layer, names] of [
    [both, ['weight', 'bias']],
    [scale, ['weight']],
    [none, []],
  ] as const) {
    assert.equal(Object.keys(layer.stateDict()), names);
    same(layer.forward(x), layerNorm(x, [4], { weight: layer.weight, bias: layer.bias }));
  }
});

/** A generator that hands out given numbers. */
class Given extends RandomState {
  #values: number[];
  constructor(values: number[]) {
    super(0);
    this.#values = values;
  }
  override random(): number {
    return this.#values.shift() as number;
  }
}

test('Dropout keeps where u ≥ rate and scales; the identity in eval mode and at rate 0', () => {
  const x = tensor([1, 1, 1, 1, 1, 1]);
  const layer = new Dropout(0.5, { random: new Given([0, 0.2, 0.49, 0.5, 0.75, 0.999]) });
  assert.equal([...layer.forward(x).dataSync()], [0, 0, 0, 2, 2, 2]);
  assert.is(layer.eval().forward(x), x);
  assert.is(new Dropout(0).forward(x), x);
  for (const rate of [1, -0.1, Number.NaN])
    assert.throws(
      () => new Dropout(rate),
      (e: Error) =>
        e instanceof ValueError && e.message.startsWith(`Dropout: rate must be in [0, 1); got rate=${rate}`),
    );
});

test('BatchNorm2d normalises by the batch while training and keeps running statistics', () => {
  const layer = new BatchNorm2d(2, { eps: 0 });
  const x = tensor([1, 10, 2, 20, 3, 30, 6, 60], { shape: [1, 2, 2, 2] });
  const y = layer.forward(x);
  // Channel 0: mean 3, biased variance 3.5, unbiased 14/3.
  const s = Math.sqrt(3.5);
  closeTo(y.dataSync(), [-2 / s, -2 / s, -1 / s, -1 / s, 0, 0, 3 / s, 3 / s], 1e-6);
  closeTo((layer.runningMean as Tensor).dataSync(), [0.3, 3], 1e-6);
  closeTo((layer.runningVar as Tensor).dataSync(), [0.9 + 14 / 30, 0.9 + 140 / 3], 1e-6);
  layer.eval();
  const [m, v] = [(layer.runningMean as Tensor).dataSync(), (layer.runningVar as Tensor).dataSync()];
  closeTo(
    layer.forward(x).dataSync(),
    [...x.dataSync()].map((value, i) => (value - m[i % 2]) / Math.sqrt(v[i % 2])),
    1e-6,
  );
  assert.equal([...(layer.runningMean as Tensor).dataSync()], [...m]);
  assert.equal(Object.keys(layer.stateDict()), ['weight', 'bias', 'runningMean', 'runningVar']);
});

test('BatchNorm2d: gradients, affine, and inputs that do not fit', () => {
  const layer = new BatchNorm2d(3).to('float64');
  noGrad(() => {
    layer.weight?.assign(tensor([1, 2, -1], { dtype: 'float64' }));
    layer.bias?.assign(tensor([0.5, 0, 1], { dtype: 'float64' }));
  });
  const x = tensor(new RandomState(1).randn(24), { shape: [2, 2, 2, 3], dtype: 'float64', requiresGrad: true });
  assert.ok(gradcheck(withParameters(layer), [x, layer.weight as Tensor, layer.bias as Tensor]));
  layer.eval();
  assert.ok(gradcheck(withParameters(layer), [x, layer.weight as Tensor, layer.bias as Tensor]));
  assert.equal(new BatchNorm2d(3, { affine: false }).parameters(), []);
  assert.throws(
    () => new BatchNorm2d(3).forward(zeros([1, 1, 1, 3])),
    /BatchNorm2d: training needs more than one value per channel/,
  );
  assert.throws(() => new BatchNorm2d(3).forward(zeros([2, 3])), /rank 4/);
  assert.throws(() => new BatchNorm2d(3).forward(zeros([2, 2, 2, 4])), /3 channels/);
  assert.throws(() => new BatchNorm2d(3, { momentum: 2 }), /BatchNorm2d: momentum must be in \[0, 1\]; got momentum=2/);
});

test('BatchNorm2d inside a network leaves no device memory behind', async () => {
  const [conv, layer] = [new Conv2d(1, 2, 1), new BatchNorm2d(2)];
  const x = randn([2, 2, 2, 1]);
  const counts: number[] = [];
  for (let i = 1; i <= 300; i++) {
    layer.forward(conv.forward(x)).sum().backward();
    conv.zeroGrad();
    layer.zeroGrad();
    if (i % 100 > 0) continue;
    // Single elements are left to the collector.
    await collected();
    counts.push(defaultDevice().memory().tensors);
  }
  assert.ok(Math.max(...counts) - Math.min(...counts) < 10, `arrays after 100, 200 and 300 steps: ${counts}`);
});

test('GroupNorm agrees with loops by hand', () => {
  const [n, h, w, c, groups, eps] = [2, 2, 3, 4, 2, 1e-5];
  const values = new RandomState(3).randn(n * h * w * c);
  const layer = new GroupNorm(groups, c, { eps }).to('float64');
  noGrad(() => {
    layer.weight?.assign(tensor([1, 2, 3, 4], { dtype: 'float64' }));
    layer.bias?.assign(tensor([0, 1, 0, -1], { dtype: 'float64' }));
  });
  const want = new Float64Array(values.length);
  for (let b = 0; b < n; b++)
    for (let g = 0; g < groups; g++) {
      const places: number[] = [];
      for (let p = 0; p < h * w; p++)
        for (let k = 0; k < c / groups; k++) places.push((b * h * w + p) * c + g * (c / groups) + k);
      const mean = places.reduce((s, i) => s + values[i], 0) / places.length;
      const variance = places.reduce((s, i) => s + (values[i] - mean) ** 2, 0) / places.length;
      for (const i of places)
        want[i] = ((values[i] - mean) / Math.sqrt(variance + eps)) * [1, 2, 3, 4][i % c] + [0, 1, 0, -1][i % c];
    }
  const x = tensor(values, { shape: [n, h, w, c], dtype: 'float64', requiresGrad: true });
  closeTo(layer.forward(x).dataSync(), want, 1e-12);
  assert.ok(gradcheck(withParameters(layer), [x, layer.weight as Tensor, layer.bias as Tensor]));
  assert.throws(
    () => new GroupNorm(3, 4),
    /GroupNorm: channels must be a multiple of groups; got channels=4, groups=3/,
  );
});

test('bad constructor arguments are errors that name them', () => {
  const rejects = (make: () => unknown, message: string): void =>
    assert.throws(
      make,
      (e: Error) => e instanceof ValueError && (e.message === message || assert.unreachable(e.message)),
    );
  rejects(() => new Conv2d(0, 1, 3), 'Conv2d: inChannels must be whole and at least 1; got inChannels=0');
  rejects(() => new Conv2d(1, 1.5, 3), 'Conv2d: outChannels must be whole and at least 1; got outChannels=1.5');
  rejects(
    () => new Conv2d(4, 6, 3, { groups: 4 }),
    'Conv2d: inChannels and outChannels must be multiples of groups; got inChannels=4, outChannels=6, groups=4',
  );
  rejects(() => new Conv2d(1, 1, 0), 'Conv2d: kernelSize must be whole and at least 1; got kernelSize=[0,0]');
  rejects(
    () => new ConvTranspose2d(1, 1, 3, { stride: 0 }),
    'ConvTranspose2d: stride must be whole and at least 1; got stride=[0,0]',
  );
  rejects(() => new Linear(-1, 1), 'Linear: inFeatures must be whole and at least 1; got inFeatures=-1');
  assert.throws(() => new MaxPool2d(0), /MaxPool2d: kernelSize/);
  assert.throws(() => new AvgPool2d(2, { padding: -1 }), /AvgPool2d: padding/);
  rejects(() => new Upsample2d(0), 'Upsample2d: scale must be whole and at least 1; got scale=[0,0]');
  rejects(
    () => new Upsample2d(2, { fill: 'zero' as 'zeros' }),
    "Upsample2d: fill must be 'copy' or 'zeros'; got fill=zero",
  );
  rejects(() => new Resize2d({}), 'Resize2d: one of size and scale must be given; got neither');
  rejects(() => new Resize2d({ size: [2, -1] }), 'Resize2d: size must be whole and at least 1; got size=[2,-1]');
  assert.throws(
    () => new Resize2d({ scale: 2, alignCorners: true, halfPixelCenters: true }),
    /Resize2d: alignCorners and halfPixelCenters exclude each other/,
  );
  rejects(() => new FixedUnpool2d([1, 0]), 'FixedUnpool2d: size must be whole and at least 1; got size=[1,0]');
  rejects(() => new PixelShuffle(1.5), 'PixelShuffle: factor must be whole and at least 1; got factor=1.5');
  rejects(
    () => new PixelUnshuffle(2, { order: 'onnx' as 'tf' }),
    "PixelUnshuffle: order must be 'torch' or 'tf'; got order=onnx",
  );
});

test.run();
