/**
 * Errors of operations: every message has the form `op: rule; got …; hint`, and the class says the
 * kind of error. Not here: the valid ranges of sizes and indices in detail (test/semantics.ts),
 * errors of modules, optimizers and files (their own tests).
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as c from '../src/index.js';
import {
  CedarError,
  DeviceError,
  GraphError,
  ShapeError,
  type Tensor,
  tensor,
  ValueError,
  zeros,
} from '../src/index.js';

const test = suite('errors');

/** Runs `fn`; checks class, form, the op that speaks, and that each of `says` is in the message. */
function fails(
  fn: () => unknown,
  kind: new (...args: never[]) => CedarError,
  op: string,
  ...says: (string | RegExp)[]
): void {
  let error: unknown;
  try {
    fn();
  } catch (e) {
    error = e;
  }
  if (!(error instanceof CedarError)) throw new Error(`${op}: a ${kind.name} was expected, got ${error}`);
  const { message } = error;
  assert.ok(error instanceof kind, `${kind.name} expected, got ${error.name}: ${message}`);
  assert.is(error.name, kind.name);
  assert.is(error.op, op, message);
  assert.is(message, `${op}: ${error.rule}; got ${error.got}${error.hint === '' ? '' : `; ${error.hint}`}`);
  assert.ok(error.rule !== '' && error.got !== '', message);
  assert.not.match(message, /undefined|\[object/);
  for (const part of says)
    assert.ok(
      typeof part === 'string' ? message.includes(part) : part.test(message),
      `'${message}' should contain ${part}`,
    );
}
const leaf = (values: number[], shape: number[] = [values.length]): Tensor =>
  tensor(values, { shape, requiresGrad: true });
const image = zeros([1, 4, 4, 2]);
const kernel = zeros([3, 3, 2, 5]);

test('the whole message, word for word', () => {
  assert.throws(
    () => c.conv2d(zeros([2, 8, 8, 3]), zeros([3, 3, 4, 8])),
    (e: Error) =>
      e.message ===
      "conv2d: input channels must equal weight's; got input [2,8,8,3], weight [3,3,4,8]; images are [N,H,W,C], weights [kh,kw,in/groups,out]",
  );
  assert.throws(
    () => leaf([1, 2]).mul(2).backward(),
    (e: Error) =>
      e.message ===
      'backward: a gradient is needed unless the tensor is a scalar; got shape=[2]; reduce it with sum() or mean(), or pass a gradient of that shape',
  );
});

// ---- shapes

test('wrong channels', () => {
  fails(() => c.conv2d(image, zeros([3, 3, 3, 5])), ShapeError, 'conv2d', '[1,4,4,2]', '[3,3,3,5]');
  fails(() => c.conv2d(image, kernel, { groups: 2 }), ShapeError, 'conv2d', 'groups 2');
  fails(
    () => c.conv2d(image, zeros([3, 3, 1, 5]), { groups: 2 }),
    ShapeError,
    'conv2d',
    'output channels must be a multiple of groups',
  );
  fails(() => c.conv2d(image, kernel, { bias: zeros([4]) }), ShapeError, 'conv2d', 'bias=[4]', 'expected [5]');
  fails(() => c.conv2dTranspose(image, zeros([3, 3, 5, 3])), ShapeError, 'conv2dTranspose', '[3,3,5,3]');
  fails(
    () => c.conv2dTranspose(image, zeros([3, 3, 5, 2]), { groups: 3 }),
    ShapeError,
    'conv2dTranspose',
    'multiple of groups',
  );
  fails(() => c.matmul(zeros([2, 3]), zeros([4, 2])), ShapeError, 'matmul', 'a has 3 columns, b 4 rows');
});
test('wrong rank', () => {
  fails(
    () => c.conv2d(zeros([4, 4, 2]), kernel),
    ShapeError,
    'conv2d',
    'input must have rank 4, [N,H,W,C]',
    'input=[4,4,2]',
  );
  fails(() => c.conv2d(image, zeros([3, 3])), ShapeError, 'conv2d', 'weight must have rank 4');
  fails(() => c.conv2dTranspose(zeros([4]), kernel), ShapeError, 'conv2dTranspose', 'rank 4');
  fails(() => c.maxPool2d(zeros([4, 4]), { kernelSize: 2 }), ShapeError, 'maxPool2d', 'rank 4');
  fails(() => c.avgPool2d(zeros([4, 4]), { kernelSize: 2 }), ShapeError, 'avgPool2d', 'rank 4');
  fails(() => c.matmul(zeros([]), zeros([2])), ShapeError, 'matmul', 'mul()');
});
test('shapes that do not broadcast or fit', () => {
  fails(() => zeros([2, 3]).add(zeros([2])), ShapeError, 'add', '[2,3] and [2]');
  fails(() => zeros([2, 3]).reshape([4, -1]), ShapeError, 'reshape', '6 elements');
  fails(() => zeros([2, 3]).reshape([-1, -1]), ShapeError, 'reshape', 'at most one');
  fails(() => zeros([2, 3]).sum(2), ShapeError, 'sum', 'axis=2');
  fails(() => zeros([2, 3]).sum([1, -1]), ShapeError, 'sum', 'distinct');
  fails(() => zeros([2, 3]).permute([0, 0]), ShapeError, 'permute', '[0,0]');
  fails(() => zeros([2, 3]).squeeze(0), ShapeError, 'squeeze', '[2,3]');
  fails(() => zeros([2, 3]).expand([4, 3]), ShapeError, 'expand', '[4,3]');
  fails(() => zeros([2]).slice(null, null), ShapeError, 'slice', '2 ranges');
  fails(() => zeros([2]).slice([0, 1, 0]), ValueError, 'slice', 'step not 0');
  const padded = (pads: [number, number][], options?: unknown) => () =>
    zeros([2, 3]).pad(pads, options as c.PadOptions);
  const [none, wide] = [
    [0, 0],
    [0, 3],
  ] as [[number, number], [number, number]];
  fails(padded([[0, 0.5], none]), ValueError, 'pad', 'pads must be whole', '[0,0.5]');
  fails(padded([[-1, -2], none]), ShapeError, 'pad', 'must not cut more than there is', 'axis 0');
  fails(padded([none, wide], { mode: 'reflect' }), ShapeError, 'pad', 'must be narrower than the axis', 'axis 1');
  fails(padded([wide, none], { mode: 'circular' }), ShapeError, 'pad', 'must not be wider', 'axis 0');
  fails(padded([none, none], { mode: 'edge' }), ValueError, 'pad', "mode='edge'", "numpy's 'edge' is 'replicate'");
  fails(padded([none, none], { mode: 'wrap' }), ValueError, 'pad', "numpy's 'wrap' is 'circular'");
  fails(padded([none, none], { mode: 'reflect', value: 1 }), ValueError, 'pad', "value goes with mode 'constant'");
  fails(() => zeros([0]).pad([[1, 0]], { mode: 'replicate' }), ShapeError, 'pad', 'something to repeat');
  fails(
    () => new c.ReflectionPad2d([1, 1, 2, 2] as unknown as [number, number]),
    ValueError,
    'ReflectionPad2d',
    'padding=[1,1,2,2]',
    "PyTorch's (left, right, top, bottom) is [[top, bottom], [left, right]] here",
  );
  fails(() => new c.ZeroPad1d(0.5), ValueError, 'ZeroPad1d', 'a whole number or [before, after]', 'padding=0.5');
  fails(() => new c.ConstantPad2d(1, '2' as never), ValueError, 'ConstantPad2d', 'value must be a number');
  fails(() => new c.ReplicationPad2d(1).forward(zeros([2, 3])), ShapeError, 'ReplicationPad2d', 'input=[2,3]');
  fails(() => new c.CircularPad1d(1).forward(zeros([2, 3])), ShapeError, 'CircularPad1d', 'input=[2,3]');
  fails(() => c.concat([zeros([2, 3]), zeros([2, 4])]), ShapeError, 'concat', '[2,3] and [2,4]');
  fails(() => c.concat([]), ValueError, 'concat', 'none');
  fails(() => c.stack([zeros([2]), zeros([3])]), ShapeError, 'stack', '[2] and [3]');
  fails(() => c.mse(zeros([2, 1]), zeros([2])), ShapeError, 'mse', 'prediction=[2,1], target=[2]');
  fails(() => c.crossEntropy(zeros([2, 3]), tensor(Int32Array.of(1))), ShapeError, 'crossEntropy', 'target=[1]');
  fails(() => zeros([0, 3]).max(0), ShapeError, 'max', 'not be empty');
  fails(() => zeros([2]).var(0, { correction: 2 }), ShapeError, 'var', 'n=2, correction=2');
  fails(() => zeros([2, 3]).indexSelect([0, 2]), ValueError, 'indexSelect', '[0, 1]', 'indices[1]=2');
  fails(() => zeros([2.5]), ShapeError, 'zeros', 'shape=[2.5]');
  fails(() => zeros([-1]), ShapeError, 'zeros', 'shape=[-1]');
});
test('a kernel larger than the padded input', () => {
  fails(
    () => c.conv2d(image, zeros([5, 3, 2, 5])),
    ShapeError,
    'conv2d',
    'the kernel must fit into the padded input',
    'height',
    'it spans 5 of 4',
  );
  fails(
    () => c.conv2d(image, zeros([3, 3, 2, 5]), { dilation: 3, padding: 1 }),
    ShapeError,
    'conv2d',
    'it spans 7 of 6',
  );
  fails(() => c.maxPool2d(image, { kernelSize: [2, 5] }), ShapeError, 'maxPool2d', 'width', 'it spans 5 of 4');
  // On any one side: a window there would hold nothing but padding.
  const [none, near, far] = [
    [0, 0],
    [2, 0],
    [0, 2],
  ] as const;
  for (const padding of [2, [near, none], [far, none], [none, near], [none, far]] as const)
    fails(
      () => c.maxPool2d(image, { kernelSize: 2, padding }),
      ValueError,
      'maxPool2d',
      'padding must be smaller than the kernel',
    );
  assert.equal(c.maxPool2d(image, { kernelSize: 2, padding: 1 })[0].shape, [1, 3, 3, 2]);
  fails(
    () => c.maxPool2d(image, { kernelSize: 2, padding: 3, dilation: 2 }),
    ValueError,
    'maxPool2d',
    'padding must be smaller than the dilated kernel',
    'height: padding 3+3, kernel 2, dilation 2',
  );
  fails(
    () => c.maxPool2d(image, { kernelSize: 2, padding: 1, dilation: 5 }),
    ValueError,
    'maxPool2d',
    'each window must hold a cell of the input',
    'height: input 4, padding 1+1, kernel 2, dilation 5',
    'window 0 holds nothing but padding',
  );
  const adapted = (size: unknown) => () => c.adaptiveAvgPool2d(image, size as c.AdaptiveSize);
  fails(adapted(0), ValueError, 'adaptiveAvgPool2d', 'outputSize must be whole and at least 1');
  fails(adapted([2, 1.5]), ValueError, 'adaptiveAvgPool2d', 'outputSize must be whole and at least 1');
  fails(adapted([2]), ValueError, 'adaptiveAvgPool2d', 'outputSize must be a number or [h, w]');
  fails(adapted(undefined), ValueError, 'adaptiveAvgPool2d', 'no outputSize');
  fails(
    () => c.adaptiveMaxPool2d(c.zeros([1, 0, 2, 1]), 1),
    ShapeError,
    'adaptiveMaxPool2d',
    'the image must not be empty',
    'input=[1,0,2,1]',
  );
  fails(
    () => c.adaptiveAvgPool1d(c.zeros([1, 0, 2]), 1),
    ShapeError,
    'adaptiveAvgPool1d',
    'the series must not be empty',
    'input=[1,0,2]',
  );
  fails(() => c.maxPool2d(image, { kernelSize: 2, dilation: 0 }), ValueError, 'maxPool2d', 'dilation', 'at least 1');
  fails(
    () => c.avgPool2d(image, { kernelSize: 2, divisorOverride: 0 }),
    ValueError,
    'avgPool2d',
    'divisorOverride must be whole, not 0 and at most 16777216',
    'divisorOverride=0',
  );
  fails(
    () => c.maxPool2d(image, { kernelSize: [2, 7], stride: 2, ceilMode: true }),
    ShapeError,
    'maxPool2d',
    'width',
    'it spans 7 of 4',
  );
});
test('clamp takes one number for both ends, and no range the wrong way round', () => {
  assert.equal([...c.clamp(tensor([1, 2, 3]), 2, 2).dataSync()], [2, 2, 2]);
  fails(() => c.clamp(tensor([1]), 2, 1), ValueError, 'clamp', 'min must not exceed max', 'min=2, max=1');
});
test('an extreme over an empty axis', () => {
  for (const [op, run] of Object.entries({ max: c.max, min: c.min })) {
    fails(() => run(zeros([0])), ShapeError, op, 'the reduced axes must not be empty', 'input=[0]');
    fails(() => run(zeros([2, 0, 3]), [0, 1]), ShapeError, op, 'the reduced axes must not be empty', 'input=[2,0,3]');
    assert.equal(run(zeros([2, 0, 3]), 2).shape, [2, 0]);
  }
});
test('geometry out of range', () => {
  fails(
    () => c.conv2d(image, kernel, { stride: -1 }),
    ValueError,
    'conv2d',
    'stride must be whole and at least 1',
    'stride=[-1,-1]',
  );
  fails(() => c.conv2d(image, kernel, { stride: [1, 0] }), ValueError, 'conv2d', 'stride=[1,0]');
  fails(() => c.conv2d(image, kernel, { dilation: 0.5 }), ValueError, 'conv2d', 'dilation=[0.5,0.5]');
  fails(() => c.conv2d(image, kernel, { padding: -1 }), ValueError, 'conv2d', 'padding=-1');
  fails(() => c.conv2d(image, kernel, { padding: 'SAME' as 'same' }), ValueError, 'conv2d', "'same'", "padding='SAME'");
  fails(() => c.conv2d(image, kernel, { groups: 0 }), ValueError, 'conv2d', 'groups=0');
  fails(() => c.maxPool2d(image, { kernelSize: 0 }), ValueError, 'maxPool2d', 'kernelSize=[0,0]');
  fails(() => c.maxPool2d(image, { kernelSize: 2, stride: -2 }), ValueError, 'maxPool2d', 'stride=[-2,-2]');
  // TensorFlow's four numbers, and a whole shape, would otherwise be read as their first two.
  const four = [1, 2, 2, 1] as unknown as [number, number];
  fails(
    () => c.maxPool2d(image, { kernelSize: four }),
    ValueError,
    'maxPool2d',
    'kernelSize must be a number or [h, w]',
    'kernelSize=[1,2,2,1]',
  );
  fails(
    () => c.maxPool2d(image, { kernelSize: 2, stride: four }),
    ValueError,
    'maxPool2d',
    'stride=[1,2,2,1]',
    'no batch, no channels',
  );
  fails(
    () => c.resize2d(image, { size: [1, 4, 4, 2] as unknown as [number, number] }),
    ValueError,
    'resize2d',
    'size=[1,4,4,2]',
  );
  fails(() => c.maxPool2d(image, {} as c.Pool2dOptions), ValueError, 'maxPool2d', 'got no kernelSize');
  const fourPads = [
    [0, 0],
    [1, 1],
    [1, 1],
    [0, 0],
  ] as unknown as c.Padding;
  fails(
    () => c.maxPool2d(image, { kernelSize: 3, padding: fourPads }),
    ValueError,
    'maxPool2d',
    'padding=[[0,0],[1,1],[1,1],[0,0]]',
  );
  fails(
    () => c.maxPool2d(image, { kernelSize: 3, padding: [[0, 0, 1], 1] as unknown as c.Padding }),
    ValueError,
    'maxPool2d',
    'padding=[[0,0,1],1]',
  );
});
test('an impossible size of a transposed convolution', () => {
  const weight = zeros([3, 3, 1, 2]);
  fails(
    () => c.conv2dTranspose(image, weight, { stride: 2, padding: 'same', outputSize: [9, 8] }),
    ShapeError,
    'conv2dTranspose',
    'height 9',
    'height may be 7 to 8',
  );
  fails(
    () => c.conv2dTranspose(image, weight, { stride: 2, outputPadding: 2 }),
    ValueError,
    'conv2dTranspose',
    'smaller than stride',
  );
  fails(
    () => c.conv2dTranspose(image, weight, { stride: 2, padding: 'same', outputPadding: 1 }),
    ValueError,
    'conv2dTranspose',
    'name the outputSize',
  );
  fails(
    () => c.conv2dTranspose(image, weight, { stride: 2, outputPadding: 1, outputSize: [9, 9] }),
    ValueError,
    'conv2dTranspose',
    'not both',
  );
  fails(
    () => c.conv2dTranspose(zeros([1, 1, 1, 2]), weight, { padding: 2 }),
    ShapeError,
    'conv2dTranspose',
    'the padding must leave an output',
  );
});
test('an empty batch', () => {
  const none = zeros([0, 4, 4, 2]);
  fails(() => c.conv2d(none, kernel), ShapeError, 'conv2d', 'the batch must not be empty', 'input=[0,4,4,2]');
  fails(
    () => c.conv2dTranspose(none, zeros([3, 3, 5, 2])),
    ShapeError,
    'conv2dTranspose',
    'the batch must not be empty',
  );
  fails(() => c.maxPool2d(none, { kernelSize: 2 }), ShapeError, 'maxPool2d', 'the batch must not be empty');
  fails(() => c.avgPool2d(none, { kernelSize: 2 }), ShapeError, 'avgPool2d', 'the batch must not be empty');
  fails(
    () => c.maxPool2dWithArgmaxAndMask(none, { kernelSize: 2 }),
    ShapeError,
    'maxPool2dWithArgmaxAndMask',
    'the batch must not be empty',
  );
  fails(
    () => c.maxUnpool2d(none, new Int32Array(0), { kernelSize: 2 }),
    ShapeError,
    'maxUnpool2d',
    'the batch must not be empty',
  );
  fails(
    () => c.unpooling(none, [0, 8, 8, 2], new Int32Array(0)),
    ShapeError,
    'unpooling',
    'the batch must not be empty',
  );
  fails(
    () => c.unpoolByMask(none, zeros([0, 8, 8, 2]), { kernelSize: 2 }),
    ShapeError,
    'unpoolByMask',
    'the batch must not be empty',
  );
  fails(() => zeros([0, 3]).mean(), ShapeError, 'mean', 'not be empty');
});
test('images to another size', () => {
  const none = zeros([0, 4, 4, 4]);
  const ints = zeros([1, 4, 4, 4], { dtype: 'int32' });
  for (const [op, run] of Object.entries({
    upsample2d: (x: Tensor) => c.upsample2d(x, { scale: 2 }),
    fixedUnpool2d: (x: Tensor) => c.fixedUnpool2d(x, { size: 2 }),
    resize2d: (x: Tensor) => c.resize2d(x, { size: [2, 2] }),
    pixelShuffle: (x: Tensor) => c.pixelShuffle(x, 2),
    pixelUnshuffle: (x: Tensor) => c.pixelUnshuffle(x, 2),
  })) {
    fails(() => run(none), ShapeError, op, 'the batch must not be empty', 'input=[0,4,4,4]');
    fails(() => run(ints), ValueError, op, 'dtype=int32');
    fails(() => run(zeros([4, 4, 4])), ShapeError, op, 'input must have rank 4, [N,H,W,C]', 'input=[4,4,4]');
  }
  fails(
    () => c.upsample2d(image, { scale: 0 }),
    ValueError,
    'upsample2d',
    'scale must be whole and at least 1',
    'scale=[0,0]',
  );
  fails(() => c.upsample2d(image, { scale: [2, 1.5] }), ValueError, 'upsample2d', 'scale=[2,1.5]');
  fails(
    () => c.upsample2d(image, { scale: 2, fill: 'zero' as 'zeros' }),
    ValueError,
    'upsample2d',
    "'copy' or 'zeros'",
    'fill=zero',
  );
  fails(() => c.fixedUnpool2d(image, {}), ValueError, 'fixedUnpool2d', 'size or matrix must be given', 'neither');
  fails(
    () => c.fixedUnpool2d(image, { matrix: [1, 2] }),
    ShapeError,
    'fixedUnpool2d',
    'matrix must have rank 2',
    'matrix=[2]',
  );
  fails(() => c.fixedUnpool2d(image, { matrix: [[]] }), ShapeError, 'fixedUnpool2d', 'not be empty', 'matrix=[1,0]');
  fails(() => c.fixedUnpool2d(image, { matrix: [[1, 2], [3]] }), ShapeError, 'fixedUnpool2d', 'equal lengths');
  fails(
    () => c.fixedUnpool2d(image, { matrix: [[1, 2]], size: 2 }),
    ShapeError,
    'fixedUnpool2d',
    'matrix=[1,2], size=[2,2]',
  );
  fails(
    () => c.fixedUnpool2d(image, { matrix: zeros([2, 2], { dtype: 'float64' }) }),
    ValueError,
    'fixedUnpool2d',
    'input float32, matrix float64',
    'cast()',
  );
  fails(() => c.resize2d(image, {}), ValueError, 'resize2d', 'one of size and scale', 'neither');
  fails(() => c.resize2d(image, { size: [2, 2], scale: 2 }), ValueError, 'resize2d', 'size=[2,2], scale=2');
  fails(
    () => c.resize2d(image, { size: [2, 0] }),
    ValueError,
    'resize2d',
    'size must be whole and at least 1',
    'size=[2,0]',
  );
  fails(
    () => c.resize2d(image, { scale: [1, Number.NaN] }),
    ValueError,
    'resize2d',
    'scale must be positive and finite',
    'scale=[1,NaN]',
  );
  fails(
    () => c.resize2d(image, { scale: 0.2 }),
    ShapeError,
    'resize2d',
    'the result must not be empty',
    'size [4,4], scale=[0.2,0.2]',
  );
  fails(() => c.resize2d(zeros([1, 0, 2, 1]), { size: [2, 2] }), ShapeError, 'resize2d', 'the image must not be empty');
  fails(
    () => c.resize2d(image, { scale: 2, method: 'cubic' as 'nearest' }),
    ValueError,
    'resize2d',
    "method must be one of 'bilinear', 'nearest', 'bicubic', 'area'",
    "method='cubic'",
  );
  const resized = (options: Partial<c.Resize2dOptions>) => () => c.resize2d(image, { scale: 2, ...options });
  fails(
    resized({ coordinateTransformation: 'tf_crop_and_resize' as 'asymmetric' }),
    ValueError,
    'resize2d',
    "coordinateTransformation must be one of 'half_pixel', 'pytorch_half_pixel', 'align_corners', 'asymmetric'",
    "coordinateTransformation='tf_crop_and_resize'",
  );
  fails(
    resized({ coordinateTransformation: 'asymmetric', alignCorners: false }),
    ValueError,
    'resize2d',
    'stands in place of alignCorners and halfPixelCenters',
  );
  fails(resized({ nearestMode: 'ceil' }), ValueError, 'resize2d', "nearestMode goes with method 'nearest'");
  fails(
    resized({ method: 'nearest', nearestMode: 'round' as 'ceil' }),
    ValueError,
    'resize2d',
    'nearestMode must be one of',
    "nearestMode='round'",
  );
  fails(resized({ excludeOutside: true }), ValueError, 'resize2d', "excludeOutside goes with method 'bicubic'");
  fails(
    resized({ method: 'bicubic', cubicCoefficient: Number.NaN }),
    ValueError,
    'resize2d',
    'cubicCoefficient must be a finite number',
  );
  fails(resized({ method: 'area', alignCorners: true }), ValueError, 'resize2d', "method 'area' has no alignCorners");
  fails(
    () => c.resize1d(zeros([1, 3, 1]), { size: 2, recomputeScaleFactor: false }),
    ValueError,
    'resize1d',
    'recomputeScaleFactor goes with a scale',
    'size=2',
  );
  fails(
    () => c.resize2d(image, { scale: 2, alignCorners: true, halfPixelCenters: true }),
    ValueError,
    'resize2d',
    'exclude each other',
    'both true',
  );
  fails(
    () => c.pixelShuffle(image, 2),
    ShapeError,
    'pixelShuffle',
    'channels must be a multiple of factor²',
    'input=[1,4,4,2], factor=2',
  );
  fails(() => c.pixelShuffle(image, 0), ValueError, 'pixelShuffle', 'factor must be whole and at least 1', 'factor=0');
  fails(
    () => c.pixelUnshuffle(image, 3),
    ShapeError,
    'pixelUnshuffle',
    'height and width must be multiples of factor',
    'input=[1,4,4,2], factor=3',
  );
  fails(
    () => c.pixelUnshuffle(image, 2, { order: 'onnx' as 'tf' }),
    ValueError,
    'pixelUnshuffle',
    "'torch' or 'tf'",
    'order=onnx',
  );
});

// ---- types and values

test('wrong dtype', () => {
  const ints = tensor(Int32Array.of(1, 2));
  fails(
    () => c.conv2d(image, c.zeros([3, 3, 2, 5], { dtype: 'float64' })),
    ValueError,
    'conv2d',
    'input float32, weight float64',
    'cast()',
  );
  fails(
    () => c.maxPool2d(zeros([1, 2, 2, 1], { dtype: 'int32' }), { kernelSize: 2 }),
    ValueError,
    'maxPool2d',
    'dtype=int32',
  );
  fails(() => ints.exp(), ValueError, 'exp', 'dtype=int32', "cast('float32')");
  fails(() => ints.mean(), ValueError, 'mean', 'dtype=int32');
  fails(() => c.matmul(ints, ints), ValueError, 'matmul', 'int32 and int32');
  fails(() => c.where(ints, 1, ints), ValueError, 'where', 'condition must be bool');
  fails(
    () => c.bceWithLogits(zeros([2]), zeros([2], { dtype: 'float64' })),
    ValueError,
    'bceWithLogits',
    'float32 and float64',
  );
  fails(() => c.concat([zeros([2]), ints]), ValueError, 'concat', 'float32 and int32');
  fails(() => tensor(Int32Array.of(1), { requiresGrad: true }), ValueError, 'requiresGrad', 'only float tensors');
  fails(() => tensor([1.5], { dtype: 'int32' }), ValueError, 'tensor', 'element 0=1.5');
});
test('ragged arrays, and what is no data', () => {
  fails(() => tensor([[1, 2], [3]]), ShapeError, 'tensor');
  fails(() => tensor([[1, 2], 3] as number[]), ShapeError, 'tensor');
  fails(() => tensor('1' as unknown as number), ValueError, 'tensor', "got '1'");
  fails(() => tensor([1, 2, 3], { shape: [2, 2] }), ShapeError, 'tensor', '[3] to [2,2]');
  fails(() => tensor(['1'] as unknown as number[]), ValueError, 'tensor');
});
test('NaN and out-of-range rates and weights', () => {
  const x = zeros([2]);
  for (const rate of [Number.NaN, -0.5, 1])
    fails(
      () => c.dropout(x, { rate }),
      ValueError,
      'dropout',
      'rate must be in [0, 1)',
      `rate=${rate}`,
      'probability to drop',
    );
  fails(() => c.bceWithLogits(x, x, { posWeight: Number.NaN }), ValueError, 'bceWithLogits', 'posWeight=NaN');
  fails(() => c.bceWithLogits(x, x, { posWeight: -1 }), ValueError, 'bceWithLogits', 'posWeight=-1');
  fails(() => c.bceWithLogits(x, x, { reduction: 'total' as 'sum' }), ValueError, 'bceWithLogits', 'reduction=total');
  fails(() => x.clamp(2, 1), ValueError, 'clamp', 'min=2, max=1');
  fails(() => x.clamp(Number.NaN), ValueError, 'clamp', 'min=NaN');
  fails(() => x.leakyRelu(Number.NaN), ValueError, 'leakyRelu', 'slope=NaN');
  fails(() => c.add(1, 2), ValueError, 'add', 'two numbers');
  fails(() => c.arange(0, 1, 0), ValueError, 'arange', 'step=0');
  fails(() => new c.RandomState(-1), ValueError, 'RandomState', 'seed=-1');
});

// ---- indices

const inputShape = [2, 4, 4, 2];
const pooled = { shape: [2, 2, 2, 2], inputShape };
test('indices of the wrong convention, naming the element and the likely cause', () => {
  const [, indices] = c.maxPool2d(c.randn(inputShape), { kernelSize: 2 });
  fails(
    () => c.poolIndices(indices.to('tf-batch').dataSync(), { ...pooled, convention: 'tf' }),
    ValueError,
    'poolIndices',
    /got \d+ at \(n 1, y 0, x 0, c 0\)/,
    "legal as 'tf-batch'",
  );
  fails(
    () => c.poolIndices(indices.to('tf').dataSync(), { ...pooled, convention: 'tf-batch' }),
    ValueError,
    'poolIndices',
    '(n 1, y 0, x 0, c 0)',
    'in steps of 2',
    "or 'tf': wrong convention?",
  );
  fails(
    () => c.poolIndices(new Int32Array(16).fill(30), { ...pooled, convention: 'torch' }),
    ValueError,
    'poolIndices',
    'must be in [0, 15]',
    "legal as 'tf'",
  );
});
test('indices out of range, or of another input', () => {
  const with99 = Int32Array.from({ length: 16 }, (_, i) => (i === 5 ? 99 : 0));
  fails(
    () => c.poolIndices(with99, { ...pooled, convention: 'torch' }),
    ValueError,
    'poolIndices',
    'got 99 at (n 0, y 1, x 0, c 1) for inputShape [2,4,4,2]',
  );
  fails(
    () => c.poolIndices([-1], { shape: [1, 1, 1, 1], inputShape: [1, 2, 2, 1], convention: 'torch' }),
    ValueError,
    'poolIndices',
    'another inputShape',
  );
  fails(
    () => c.poolIndices([0.5], { shape: [1, 1, 1, 1], inputShape: [1, 2, 2, 1], convention: 'torch' }),
    ValueError,
    'poolIndices',
    'got 0.5',
  );
  fails(() => c.poolIndices([0], { ...pooled, convention: 'torch' }), ShapeError, 'poolIndices', '1 indices');
  fails(
    () => c.poolIndices(with99, { ...pooled, shape: [1, 4, 2, 2], convention: 'torch' }),
    ShapeError,
    'poolIndices',
    "batch and channels must be the input's",
  );
  fails(
    () => c.poolIndices([0], { inputShape: [1, 2, 2, 1], convention: 'torch' }),
    ShapeError,
    'poolIndices',
    'rank 4',
  );
  fails(
    () => c.poolIndices(with99, { ...pooled, inputShape: [2, 4.5, 4, 2], convention: 'torch' }),
    ShapeError,
    'poolIndices',
    'inputShape=[2,4.5,4,2]',
  );
  fails(
    () => c.poolIndices(with99, { ...pooled, convention: 'keras' as 'tf' }),
    ValueError,
    'poolIndices',
    'must be one of',
    "'onnx'",
    'convention=keras',
  );
  fails(
    () => c.maxPool2d(image, { kernelSize: 2 })[1].to('keras' as 'tf'),
    ValueError,
    'PoolIndices',
    'convention=keras',
  );
});
test("raw tensors as indices, and another level's indices", () => {
  const [values, indices] = c.maxPool2d(c.randn(inputShape), { kernelSize: 2 });
  fails(
    () => c.maxUnpool2d(values, indices.plane as unknown as c.PoolIndices),
    ValueError,
    'maxUnpool2d',
    'indices must be PoolIndices',
    'poolIndices(data, { shape, convention, inputShape })',
  );
  fails(
    () => c.maxUnpool2d(zeros([2, 4, 4, 2]), indices),
    ShapeError,
    'maxUnpool2d',
    'input=[2,4,4,2], indices=[2,2,2,2]',
    'this level mirrors',
  );
  fails(
    () => c.maxUnpool2d(values, indices, { outputSize: [8, 4] }),
    ShapeError,
    'maxUnpool2d',
    'height may be 4 to 5',
  );
  fails(
    () => c.maxUnpool2d(values, indices, { duplicates: 'sum' as 'add' }),
    ValueError,
    'maxUnpool2d',
    "'mean', 'error'",
    'duplicates=sum',
  );
});
test("the window convention needs the pool, and counts within the window's cells", () => {
  const options = { shape: [1, 2, 2, 1], inputShape: [1, 3, 3, 1], convention: 'window' } as const;
  const pool = { kernelSize: 2, padding: 'same' } as const;
  fails(
    () => c.poolIndices([0, 0, 0, 0], options),
    ValueError,
    'poolIndices',
    "'window' needs the pool",
    'pool: { kernelSize, stride, padding }',
  );
  fails(
    () => c.poolIndices([0, 0, 0, 4], { ...options, pool }),
    ValueError,
    'poolIndices',
    'in [0, 3] and not in the padding',
    '(n 0, y 1, x 1, c 0)',
  );
  // Column 1 of the window at column 2 is padding.
  fails(
    () => c.poolIndices([0, 1, 0, 0], { ...options, pool }),
    ValueError,
    'poolIndices',
    'got 1 at (n 0, y 0, x 1, c 0)',
  );
  const elsewhere = c.poolIndices([0, 0, 0, 0], { ...options, convention: 'torch' });
  fails(() => elsewhere.to('window'), ValueError, 'PoolIndices', "'window' needs the pool");
});
test('an index outside of its own window names the window, and where it really stands', () => {
  // The indices of a 3 × 3 image, read as those of the 4 × 4 image that windows of 2 × 2 give by
  // default.
  const [values, indices] = c.maxPool2d(c.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], { shape: [1, 3, 3, 1] }), {
    kernelSize: 2,
    padding: 'same',
  });
  fails(
    () => c.maxUnpool2d(values, indices.to('tf').dataSync(), { poolSize: 2 }),
    ValueError,
    'maxUnpool2d',
    'an index must lie in its own window, rows 0 to 1 and columns 2 to 3',
    'got 5 at (n 0, y 0, x 1, c 0) for inputShape [1,4,4,1], which is row 1, column 1',
    'name it by outputSize',
  );
  fails(
    () =>
      c.poolIndices([8], {
        shape: [1, 1, 1, 1],
        inputShape: [1, 3, 3, 1],
        convention: 'torch',
        pool: { kernelSize: 2 },
      }),
    ValueError,
    'poolIndices',
    'rows 0 to 1 and columns 0 to 1',
    'row 2, column 2',
  );
});
test('fewer indices than the pool gives', () => {
  fails(
    () =>
      c.poolIndices([5, 6], {
        shape: [1, 1, 2, 1],
        inputShape: [1, 4, 4, 1],
        convention: 'torch',
        pool: { kernelSize: 3, stride: 1 },
      }),
    ShapeError,
    'poolIndices',
    "shape must be the pool's output shape",
    'shape=[1,1,2,1]',
    'the pool gives [1,2,2,1]',
  );
});
test('forms of unpooling that do not fit', () => {
  const [values, indices] = c.maxPool2d(c.randn(inputShape), { kernelSize: 2 });
  const raw = indices.dataSync();
  fails(
    () => c.maxUnpool2d(values, raw),
    ValueError,
    'maxUnpool2d',
    'indices must be PoolIndices',
    'kernelSize (as PyTorch) or poolSize (as TensorFlow Addons)',
  );
  fails(() => c.maxUnpool2d(values, raw, { kernelSize: 2, poolSize: 2 }), ValueError, 'maxUnpool2d', 'not both');
  fails(
    () => c.maxUnpool2d(values, raw, { kernelSize: 2, strides: 1 }),
    ValueError,
    'maxUnpool2d',
    'must be named stride',
    'got strides',
  );
  fails(
    () => c.maxUnpool2d(values, raw, { poolSize: 2, stride: 1 }),
    ValueError,
    'maxUnpool2d',
    'must be named strides',
    'got stride;',
  );
  fails(() => new c.MaxUnpool2d({ poolSize: 2, stride: 1 }), ValueError, 'MaxUnpool2d', 'got stride;');
  fails(() => c.maxUnpool2d(values, raw, { kernelSize: 0 }), ValueError, 'maxUnpool2d', 'kernelSize=[0,0]');
  fails(
    () => c.maxUnpool2d(values, raw, { kernelSize: 2, padding: 2 }),
    ValueError,
    'maxUnpool2d',
    'at most half the kernel',
    'padding=[2,2]',
  );
  for (const padding of [
    [2, 0],
    [0, 2],
  ] as const)
    fails(
      () => c.maxUnpool2d(values, raw, { kernelSize: 2, padding }),
      ValueError,
      'maxUnpool2d',
      'at most half the kernel',
      `padding=[${padding}]`,
    );
  fails(
    () => c.maxUnpool2d(values, raw, { kernelSize: 2, outputSize: [6, 4] }),
    ShapeError,
    'maxUnpool2d',
    'got height 6',
    'height may be 3 to 5',
  );
  fails(
    () => c.maxUnpool2d(values, raw, { kernelSize: 2, outputSize: [4, 2] }),
    ShapeError,
    'maxUnpool2d',
    'got width 2',
    'width may be 3 to 5',
  );
  fails(
    () => c.maxUnpool2d(values, raw, { poolSize: 2, outputSize: [5, 4] }),
    ShapeError,
    'maxUnpool2d',
    'height 5',
    "height may be 3 to 4 for input 2, poolSize 2, strides 2, padding 'same'",
  );
  fails(
    () => c.maxUnpool2d(values, raw, { poolSize: 2, padding: 'full' as 'same' }),
    ValueError,
    'maxUnpool2d',
    "padding must be 'same' or 'valid'",
    'padding=full',
  );
  fails(
    () => c.maxUnpool2d(values, raw.slice(1), { kernelSize: 2 }),
    ShapeError,
    'maxUnpool2d',
    'one index per element',
    '15 indices',
  );
  fails(
    () => c.maxUnpool2d(values, [[[[0]]]], { kernelSize: 2 }),
    ShapeError,
    'maxUnpool2d',
    "batch and channels must be the input's",
    'shape=[1,1,1,1]',
  );
  fails(
    () => c.maxUnpool2d(values, indices, { kernelSize: 3, stride: 2 }),
    ValueError,
    'maxUnpool2d',
    'the options must describe the pool that made the indices',
    'windows 3×3, stride [2,2]',
    "the indices' 2×2",
  );
  fails(
    () => c.maxUnpool2d(values, indices, { kernelSize: 4 }),
    ShapeError,
    'maxUnpool2d',
    'got height 4',
    'height may be 5 to 11',
  );
  fails(
    () => c.maxUnpool2d(values, indices, { kernelSize: 2, padding: 1, stride: 2, outputSize: [3, 3] }),
    ShapeError,
    'maxUnpool2d',
    "the indices' input size must be less than a stride away",
    'height may be 1 to 3',
  );
  fails(
    () => c.maxUnpool2d(values, indices, { kernelSize: 2, padding: 'same' as unknown as number }),
    ValueError,
    'maxUnpool2d',
    "'same' and 'valid' go with poolSize",
  );
  fails(
    () => c.maxUnpool2d(values, indices, { poolSize: 2, padding: 0 as unknown as 'same' }),
    ValueError,
    'maxUnpool2d',
    'numbers go with kernelSize',
  );
  fails(
    () => c.maxUnpool2d(values, indices, { stride: 2, duplicates: 'add' } as c.MaxUnpool2dOptions),
    ValueError,
    'maxUnpool2d',
    'kernelSize or poolSize must be given',
    'stride alone',
  );
  fails(() => c.maxUnpool2d(values.cast('int32'), indices), ValueError, 'maxUnpool2d', 'dtype=int32');
  fails(
    () => c.unpooling(values, [2, 5, 4, 2], indices),
    ShapeError,
    'unpooling',
    "the output must have the shape of the pool's input",
    'tilt',
  );
  fails(
    () => c.unpooling(values, [2, 4, 4, 2], indices.to('tf-batch').dataSync()),
    ValueError,
    'unpooling',
    "legal as 'tf-batch'",
  );
  fails(() => c.unpooling(values, [4, 4, 2], raw), ShapeError, 'unpooling', 'outputShape must have rank 4');
  for (const bad of [-4, 4.5, Number.NaN])
    fails(
      () => c.unpooling(values, [2, bad, 4, 2], raw),
      ShapeError,
      'unpooling',
      'sizes must be whole and not negative',
      `outputShape=[2,${bad},4,2]`,
    );
});
test('masks that do not fit', () => {
  const [values, argmax, mask] = c.maxPool2dWithArgmaxAndMask(c.randn(inputShape), { kernelSize: 2 });
  fails(() => c.unpoolByMask(values, mask, {}), ValueError, 'unpoolByMask', 'argmax or kernelSize must be given');
  fails(
    () => c.unpoolByMask(values, zeros([2, 4, 4, 1]), { kernelSize: 2 }),
    ShapeError,
    'unpoolByMask',
    "batch and channels must be the mask's",
  );
  fails(
    () => c.unpoolByMask(values, zeros([2, 7, 4, 2]), { kernelSize: 2 }),
    ShapeError,
    'unpoolByMask',
    "pooling the mask's shape must give the input's",
    '3×2',
  );
  fails(
    () => c.unpoolByMask(values, zeros([2, 5, 4, 2]), { argmax }),
    ShapeError,
    'unpoolByMask',
    'output=[2,5,4,2]',
    'inputShape=[2,4,4,2]',
    'tilt',
  );
  fails(
    () => c.unpoolByMask(values, mask, { argmax: new Int32Array(16).fill(33) }),
    ValueError,
    'unpoolByMask',
    '(n 0, y 0, x 0, c 0)',
  );
  fails(
    () => c.unpoolByMask(values, mask, { kernelSize: 2, duplicates: 'max' }),
    ValueError,
    'unpoolByMask',
    'duplicates and convention go with argmax',
  );
  fails(
    () => c.unpoolByMask(values, mask.reshape([2, 16, 2]), { kernelSize: 2 }),
    ShapeError,
    'unpoolByMask',
    'mask must have rank 4',
  );
});
test('unknown NaN policies, and pools that have not run', () => {
  fails(
    () => c.maxPool2d(image, { kernelSize: 2, nan: 'skip' as 'tf' }),
    ValueError,
    'maxPool2d',
    "nan must be 'propagate', 'tf' or 'ignore'",
    'nan=skip',
  );
  fails(() => new c.MaxPool2d(2, { nan: 'skip' as 'tf' }), ValueError, 'MaxPool2d', 'nan=skip');
  fails(() => new c.MaxPool2dWithArgmaxAndMask(0), ValueError, 'MaxPool2dWithArgmaxAndMask', 'kernelSize=[0,0]');
  fails(
    () => c.unpoolLike(new c.MaxPool2d(2)).forward(image),
    GraphError,
    'lastIndices',
    'the pool must have run',
    'forward()',
  );
  const pool = new c.MaxPool2d(2);
  const unpool = c.unpoolLike(pool);
  const alone = c.noGrad(() => pool.forward(image)[0]);
  fails(
    () => unpool.forward(alone),
    GraphError,
    'lastIndices',
    "PoolIndices([1,2,2,2] into [1,4,4,2], 'torch')",
    'in one step or one noGrad()',
  );
  fails(
    () => c.unpoolLike(new c.MaxPool2d(2), { duplicates: 'sum' as 'add' }),
    ValueError,
    'unpoolLike',
    'duplicates=sum',
  );
  fails(() => new c.MaxUnpool2d({ poolSize: 2, padding: 'full' as 'same' }), ValueError, 'MaxUnpool2d', 'padding=full');
  fails(() => new c.MaxUnpool2d(0), ValueError, 'MaxUnpool2d', 'kernelSize=[0,0]');
});
test('index vectors', () => {
  const x = zeros([2, 3, 4]);
  const outside = [
    [
      [0, 0],
      [1, 2],
    ],
    [
      [1, 3],
      [0, 1],
    ],
  ];
  fails(
    () => c.gatherNd(x, outside),
    ValueError,
    'gatherNd',
    'an index vector must be whole and in [0, 1] × [0, 2]; got indices[1,0]=[1,3]; axis 1 has size 3',
  );
  fails(() => c.gatherNd(x, [-1]), ValueError, 'gatherNd', 'in [0, 1]', 'got indices=[-1]');
  fails(() => c.gatherNd(x, [[0.5]]), ValueError, 'gatherNd', 'got indices[0]=[0.5]');
  fails(() => c.gatherNd(x, [[Number.NaN, 0]]), ValueError, 'gatherNd', 'got indices[0]=[NaN,0]');
  fails(() => c.gatherNd(x, [[0, 0, 0, 0]]), ShapeError, 'gatherNd', '1 to 3 numbers', 'indices=[1,4], input=[2,3,4]');
  fails(() => c.gatherNd(x, [[]]), ShapeError, 'gatherNd', 'indices=[1,0]');
  fails(() => c.gatherNd(x, 1), ShapeError, 'gatherNd', 'indices=[]');
  fails(() => c.gatherNd(x, [[0, 1], [1]]), ShapeError, 'gatherNd', 'equal lengths');
  fails(
    () => c.gatherNd(x, zeros([1, 2])),
    ValueError,
    'gatherNd',
    'indices must be int32',
    'dtype=float32',
    "cast('int32')",
  );
  fails(() => c.scatterNd(outside, zeros([2, 2, 4]), [2, 3, 4]), ValueError, 'scatterNd', 'got indices[1,0]=[1,3]');
  fails(
    () => c.scatterNd([[1]], zeros([2]), [2, 3]),
    ShapeError,
    'scatterNd',
    'updates=[2], shape=[2,3]; expected [1,3]',
  );
  fails(() => c.scatterNd([[1]], zeros([1]), [-2]), ShapeError, 'scatterNd', 'shape=[-2]');
  fails(() => c.scatterNd([[1, 1]], zeros([1]), [4]), ShapeError, 'scatterNd', 'indices=[1,2], shape=[4]');
  fails(
    () => c.scatterNd([[1]], zeros([1], { dtype: 'bool' }), [4]),
    ValueError,
    'scatterNd',
    'updates must be float or int32',
    'dtype=bool',
  );
  fails(() => c.scatterNd(zeros([1, 1]), zeros([1]), [4]), ValueError, 'scatterNd', 'indices must be int32');
});

// ---- the graph

test('released tensors name the op that made them and the remedy', () => {
  let inside: Tensor | undefined;
  c.noGrad(() => {
    inside = leaf([1, 2]).mul(2).exp();
    return null;
  });
  const released = inside as Tensor;
  fails(
    () => released.dataSync(),
    GraphError,
    'tensor',
    'a released tensor cannot be read',
    "exp's result of shape [2]",
    'keep() or clone()',
  );
  fails(() => released.add(1), GraphError, 'tensor', "exp's result");
  fails(() => released.keep(), GraphError, 'tensor', "exp's result");
  assert.is(released.toString(), 'tensor(released, shape=[2])');
});
test('reading a released tensor asynchronously rejects', async () => {
  const t = zeros([2]).add(1);
  t.release();
  let error: unknown;
  await t.data().catch((e) => {
    error = e;
  });
  assert.instance(error, GraphError);
});
test('backward of what is no scalar, or depends on nothing', () => {
  fails(() => leaf([1, 2]).mul(2).backward(), GraphError, 'backward', 'shape=[2]');
  fails(
    () =>
      leaf([1, 2])
        .mul(2)
        .backward(zeros([3])),
    ShapeError,
    'backward',
    'grad=[3], tensor=[2]',
  );
  fails(() => zeros([1]).mul(2).backward(), GraphError, 'backward', "mul's result", 'requiresGrad: true');
  fails(() => c.noGrad(() => leaf([1]).mul(2)).backward(), GraphError, 'backward', 'outside noGrad');
});
test('a second backward', () => {
  const x = leaf([1, 2]);
  const y = x.exp();
  const loss = y.sum();
  loss.backward();
  fails(
    () => loss.backward(),
    GraphError,
    'backward',
    'a graph can be used once',
    'a second backward through sum',
    'retainGraph: true',
  );
  fails(() => y.mean().backward(), GraphError, 'backward', 'a graph can be used once');
  fails(() => c.grad(loss, [x]), GraphError, 'backward', 'a graph can be used once');
});
test('a saved value changed in place', () => {
  const x = leaf([1, 2]);
  const loss = x.mul(x).sum();
  c.noGrad(() => void x.assign(zeros([2])));
  fails(
    () => loss.backward(),
    GraphError,
    'backward',
    'must not change in place',
    "mul's saved input 0 of shape [2] at version 1, saved at version 0",
    'clone()',
  );
  const y = leaf([1, 2]);
  const out = y.exp();
  const total = out.sum();
  c.noGrad(() => void out.assign(zeros([2])));
  fails(() => total.backward(), GraphError, 'backward', "exp's saved output");
  fails(() => y.assign(zeros([2])), GraphError, 'assign', 'noGrad()');
  fails(() => zeros([2]).assign(zeros([3])), ShapeError, 'assign', 'source=[3], this=[2]');
  fails(
    () => zeros([2]).assign(zeros([2], { dtype: 'float64' })),
    ValueError,
    'assign',
    'source float64, this float32',
  );
});
test('a change of what no gradient needs is no error', () => {
  const x = leaf([1, 2]);
  const loss = x.add(1).sum();
  c.noGrad(() => void x.assign(zeros([2])));
  loss.backward();
  assert.equal([...(x.grad as Tensor).dataSync()], [1, 1]);
});
test('noGrad refuses asynchronous functions; requiresGrad of a result; item of many', () => {
  fails(() => c.noGrad(async () => 1), GraphError, 'noGrad', 'a Promise');
  fails(
    () => {
      leaf([1]).mul(2).requiresGrad = false;
    },
    GraphError,
    'requiresGrad',
    'detach()',
  );
  fails(() => zeros([2]).itemSync(), ShapeError, 'item', 'shape=[2]');
});

// ---- devices

test('mixed devices, and float64 on gpu', async () => {
  const gpu = await c.device('gpu', { mode: 'cpu' });
  const there = zeros([2], { device: gpu });
  fails(() => there.add(zeros([2])), DeviceError, 'add', 'one device', 'gpu and reference', 'to(device)');
  fails(
    () => zeros([2], { device: gpu, dtype: 'float64' }),
    DeviceError,
    'gpu',
    'dtype must be one of float32, int32, bool',
    'float64',
  );
  fails(() => there.cast('float64'), DeviceError, 'cast', 'gpu device', 'float64');
  assert.equal([...there.to(c.defaultDevice()).add(1).dataSync()], [1, 1]);
  await gpu.close();
});
test('where only asynchronous reads exist, the others say so', async () => {
  const gpu = await c.device('gpu', { mode: 'cpu', asyncMode: true });
  const x = tensor([1, 2], { device: gpu }).add(1);
  let error: unknown;
  try {
    x.dataSync();
  } catch (e) {
    error = e;
  }
  assert.instance(error, DeviceError);
  assert.match((error as Error).message, /await/);
  assert.equal([...(await x.data())], [2, 3]);
  await gpu.close();
});
test('LayerNorm of what is no shape', () => {
  for (const shape of [null, 'ab', {}])
    fails(
      () => new c.LayerNorm(shape as unknown as number),
      ShapeError,
      'LayerNorm',
      'shape must be an array of numbers',
    );
});
test('an unknown device', async () => {
  let error: unknown;
  await c.device('tpu' as 'gpu').catch((e) => {
    error = e;
  });
  assert.instance(error, DeviceError);
  assert.match(
    (error as Error).message,
    /^device: name must be one of reference, wasm, gpu, webgpu, webgl2, webgl, headlessgl, auto; got 'tpu'/,
  );
  fails(() => c.setDefaultDevice('gpu' as unknown as c.Device), DeviceError, 'setDefaultDevice', "await device('gpu')");
});

test.run();
