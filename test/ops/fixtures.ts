/**
 * Convolution, pooling, unpooling, loss and dropout compared with PyTorch 1.13.1's numbers
 * (test/fixtures/README.md), through the public API, on every device.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  bceWithLogits,
  conv2d,
  conv2dTranspose,
  type Device,
  type DType,
  device,
  type IndexConvention,
  maxPool2d,
  maxUnpool2d,
  mul,
  poolIndices,
  type Tensor,
  type TypedArray,
  tensor,
} from '../../src/index.js';
import { closeTo } from '../helpers/close.js';
import { type FixtureCase, type FixtureTensor, readFixtures } from '../helpers/fixtures.js';

type Sides = [number, number];
interface ConvAttrs {
  readonly stride: Sides;
  readonly padding: 'SAME' | 'VALID';
  readonly dilation: number;
  readonly pads: { readonly top: number; readonly bottom: number; readonly left: number; readonly right: number };
}
interface TransposeAttrs {
  readonly stride: Sides;
  readonly padding: 'SAME' | 'VALID';
  readonly output_shape: readonly [number, number, number, number];
}
interface PoolAttrs {
  readonly ksize: Sides;
  readonly stride: Sides;
  readonly padding: 'SAME' | 'VALID';
}

const conv = readFixtures<ConvAttrs>('conv2d');
const convTranspose = readFixtures<TransposeAttrs>('conv_transpose2d');
const pools = readFixtures<PoolAttrs>('max_pool2d');
const unpools = readFixtures<{ readonly output_shape: readonly number[] }>('max_unpool2d');
const bces = readFixtures<unknown>('bce_with_logits');
const dropouts = readFixtures<{ readonly keep_prob: number }>('dropout_mask');
const conventions: [IndexConvention, string][] = [
  ['torch', 'argmax_plane'],
  ['tf', 'argmax_tf'],
  ['tf-batch', 'argmax_tf_batch'],
];
const same = (padding: 'SAME' | 'VALID') => (padding === 'SAME' ? 'same' : 'valid');

interface Place {
  readonly name: string;
  readonly open: () => Promise<Device>;
  readonly dtype: DType;
}
const places: Place[] = [
  { name: 'reference float64', open: () => device('reference'), dtype: 'float64' },
  { name: 'reference float32', open: () => device('reference'), dtype: 'float32' },
  { name: 'gpu cpu float32', open: () => device('gpu', { mode: 'cpu' }), dtype: 'float32' },
  { name: 'gpu webasm float32', open: () => device('gpu', { mode: 'webasm' }), dtype: 'float32' },
];

for (const { name: place, open, dtype } of places) {
  const test = suite(`fixtures on ${place}`);
  let on: Device;
  test.before(async () => {
    on = await open();
  });
  test.after(() => on?.close());

  /** An input; a leaf that wants a gradient. */
  const leaf = ({ shape, data }: FixtureTensor): Tensor =>
    tensor(data as Float32Array, { shape, dtype, device: on, requiresGrad: true });
  const plain = ({ shape, data }: FixtureTensor): Tensor => tensor(data as Float32Array, { shape, dtype, device: on });
  /** Compares with the oracle's float64 numbers. */
  const check = async (
    what: string,
    got: Tensor | null,
    { tensors }: FixtureCase<unknown>,
    key = what,
  ): Promise<void> => {
    assert.ok(got !== null, `${what} is missing`);
    const want = tensors[`${key}_f64`];
    assert.equal(
      got.shape.reduce((a, b) => a * b, 1),
      want.data.length,
      what,
    );
    const values = await got.data();
    assert.is(got.dtype, dtype);
    if (dtype === 'float64') closeTo(values, want.data, 1e-10, what);
    else withinScale(what, values, want.data);
  };
  const withinScale = (what: string, got: TypedArray, want: ArrayLike<number>): void => {
    let scale = 1;
    for (let i = 0; i < want.length; i++) scale = Math.max(scale, Math.abs(want[i]));
    for (let i = 0; i < want.length; i++)
      assert.ok(
        Math.abs(got[i] - want[i]) <= 2e-6 * scale,
        `${what}: element ${i} is ${got[i]}, expected ${want[i]} (scale ${scale})`,
      );
  };

  for (const one of conv) {
    const { stride, padding, dilation, pads } = one.attrs;
    const explicit = [
      [pads.top, pads.bottom],
      [pads.left, pads.right],
    ] as const;
    for (const way of ['named', 'explicit'] as const)
      test(`conv2d ${one.name}, ${way} padding`, async () => {
        const { x, w, b, dy } = one.tensors;
        const [input, weight, bias] = [leaf(x), leaf(w), b === undefined ? undefined : leaf(b)];
        const y = conv2d(input, weight, {
          bias,
          stride,
          dilation,
          padding: way === 'named' ? same(padding) : explicit,
        });
        assert.equal(y.shape, dy.shape);
        y.backward(plain(dy));
        await check('y', y, one);
        await check('dx', input.grad, one);
        await check('dw', weight.grad, one);
        if (bias !== undefined) await check('db', bias.grad, one);
      });
  }

  for (const one of convTranspose)
    test(`conv2dTranspose ${one.name}`, async () => {
      const { stride, padding, output_shape } = one.attrs;
      const { x, w, b, dy } = one.tensors;
      const [input, weight, bias] = [leaf(x), leaf(w), leaf(b)];
      const y = conv2dTranspose(input, weight, {
        bias,
        stride,
        padding: same(padding),
        outputSize: [output_shape[1], output_shape[2]],
      });
      assert.equal(y.shape, output_shape);
      y.backward(plain(dy));
      await check('y', y, one);
      await check('dx', input.grad, one);
      await check('dw', weight.grad, one);
      await check('db', bias.grad, one);
    });

  for (const one of pools)
    test(`maxPool2d ${one.name}`, async () => {
      const { ksize, stride, padding } = one.attrs;
      const x = leaf(one.tensors.x);
      const [y, indices] = maxPool2d(x, { kernelSize: ksize, stride, padding: same(padding) });
      y.backward(plain(one.tensors.dy));
      await check('y', y, one);
      await check('dx', x.grad, one);
      for (const [convention, key] of conventions) {
        assert.equal([...(await indices.to(convention).data())], [...one.tensors[key].data], convention);
        assert.equal(indices.shape, one.tensors[key].shape);
      }
    });

  for (const one of unpools)
    for (const [convention, key] of conventions)
      test(`maxUnpool2d ${one.name}, indices '${convention}'`, async () => {
        const v = leaf(one.tensors.v);
        const { shape, data } = one.tensors[key];
        const indices = poolIndices(data as Int32Array, {
          shape,
          convention,
          inputShape: one.attrs.output_shape,
          device: on,
        });
        const y = maxUnpool2d(v, indices);
        assert.equal(y.shape, one.attrs.output_shape);
        y.backward(plain(one.tensors.dy));
        await check('y', y, one, 'y_sum');
        await check('dv', v.grad, one);
        assert.equal([...(await indices.data())], [...data], 'indices come back as they were given');
        for (const [other, otherKey] of conventions)
          assert.equal([...(await indices.to(other).data())], [...one.tensors[otherKey].data], `as '${other}'`);
      });

  for (const one of bces)
    test(`bceWithLogits ${one.name}`, async () => {
      const [z, target] = [leaf(one.tensors.z), plain(one.tensors.y)];
      const total = bceWithLogits(z, target, { reduction: 'sum' });
      total.backward();
      await check('loss', bceWithLogits(z.detach(), target, { reduction: 'none' }), one);
      await check('sum', total, one);
      await check('mean', bceWithLogits(z.detach(), target), one);
      await check('dz_of_sum', z.grad, one);
    });

  for (const one of dropouts)
    test(`dropout ${one.name}, as a product with a given mask`, async () => {
      const x = leaf(one.tensors.x);
      const { shape, data } = one.tensors.mask;
      const mask = tensor(
        Float64Array.from(data, (m) => m / one.attrs.keep_prob),
        { shape, dtype, device: on },
      );
      const y = mul(x, mask);
      y.backward(plain(one.tensors.dy));
      await check('y', y, one);
      await check('dx', x.grad, one);
    });

  test.run();
}
