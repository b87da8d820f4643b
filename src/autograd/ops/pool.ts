/** Pooling and unpooling. max-pool's gradient is unpooling by `add`; unpooling's is a gather; the gather's is unpooling again. */
import { ShapeError, show, ValueError } from '../../errors.js';
import { checkFloat } from '../../tensor/dtype.js';
import { rank4, type Shape, sameShape } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type Padding, type Pair, type Pool2dGeometry, pair, window2d } from '../../tensor/window.js';
import type { NanPolicy } from '../../device/device.js';
import { apply, applyAll, call, type Op } from '../graph.js';
import { PoolIndices } from './pool-indices.js';

export interface Pool2dOptions {
  kernelSize: Pair;
  /** Default kernelSize. */
  stride?: Pair;
  /** Default 0. */
  padding?: Padding;
}

export interface MaxPool2dOptions extends Pool2dOptions {
  /** What NaN does: 'propagate' as PyTorch (default), 'tf' as TensorFlow, 'ignore'. */
  nan?: NanPolicy;
}

function poolGeometry(op: string, x: Tensor, options: Pool2dOptions): Pool2dGeometry {
  const [batch, height, width, channels] = rank4(op, 'input', x.shape);
  if (batch === 0) throw new ShapeError(op, 'the batch must not be empty', `input=${show(x.shape)}`, 'skip the step when there is no data');
  checkFloat(op, x.dtype);
  const kernelSize = pair(op, 'kernelSize', options.kernelSize);
  const stride = options.stride === undefined ? kernelSize : pair(op, 'stride', options.stride);
  const window = window2d(op, height, width, { kernelSize, stride, dilation: [1, 1], padding: options.padding ?? 0 });
  for (const [name, { kernel, before, after }] of Object.entries(window))
    if (before >= kernel || after >= kernel)
      throw new ValueError(
        op,
        'padding must be smaller than the kernel',
        `${name}: padding ${before}+${after}, kernel ${kernel}`,
        'a window would hold nothing but padding',
      );
  return { batch, channels, ...window };
}
const pooledShape = ({ batch, height, width, channels }: Pool2dGeometry): Shape => [batch, height.output, width.output, channels];
const sourceShape = ({ batch, height, width, channels }: Pool2dGeometry): Shape => [batch, height.input, width.input, channels];

const maxPoolOp: Op<{ geometry: Pool2dGeometry; nan: NanPolicy }> = {
  name: 'maxPool2d',
  plan: ([x], { geometry, nan }) =>
    call('maxPool2d', { geometry, nan }, { shape: pooledShape(geometry), dtype: x.dtype }, { shape: pooledShape(geometry), dtype: 'int32' }),
  backward: ({ grad, outputs: [, indices], inputs: [x], attrs: { geometry } }) => [apply(maxUnpoolOp, [grad, indices], { geometry, shape: x.shape })],
};

const maxUnpoolOp: Op<{ geometry: Pool2dGeometry | null; shape: Shape }> = {
  name: 'maxUnpool2d',
  plan: ([v], { geometry, shape }) => call('maxUnpool2d', { geometry }, { shape, dtype: v.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [, indices], attrs }) => [apply(planeGatherOp, [grad, indices], { ...attrs }), null],
};

const planeGatherOp: Op<{ geometry: Pool2dGeometry | null; shape: Shape }> = {
  name: 'planeGather',
  plan: ([x, indices]) => call('planeGather', {}, { shape: indices.shape, dtype: x.dtype }),
  saves: [1],
  backward: ({ grad, inputs: [, indices], attrs }) => [apply(maxUnpoolOp, [grad, indices], attrs), null],
};

/**
 * Largest of each window, and where it stood: first in row-major order on ties; any NaN wins, with the last NaN's index (PyTorch's rule). Padding never wins.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], indices [N,H′,W′,C]
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ShapeError for a wrong rank, an empty batch or a kernel that does not fit; ValueError for sizes out of range
 * @source torch.nn.functional.max_pool2d with return_indices; tf.nn.max_pool_with_argmax
 */
export function maxPool2d(x: Tensor, options: MaxPool2dOptions): [values: Tensor, indices: PoolIndices] {
  const geometry = poolGeometry('maxPool2d', x, options);
  const [values, indices] = applyAll(maxPoolOp, [x], { geometry, nan: options.nan ?? 'propagate' });
  return [values, new PoolIndices(indices, x.shape, geometry)];
}

export interface MaxUnpool2dOptions {
  /** [H, W]; the indices' own input size by default. A larger one is allowed where the pool would give the same number of windows. */
  outputSize?: readonly [number, number];
  /** What happens where an index repeats: 'add' sums, as TensorFlow's scatter. */
  duplicates?: 'add';
}

/**
 * Puts each value back where its index says; zeros elsewhere. Values of equal indices add.
 * @shape x [N,H′,W′,C], indices [N,H′,W′,C] → y [N,H,W,C]
 * @gradient g gathered at the indices
 * @throws ShapeError when shapes differ or outputSize is impossible; ValueError for raw indices or an unknown policy
 * @source torch.nn.functional.max_unpool2d; Zeiler & Fergus 2014
 */
export function maxUnpool2d(x: Tensor, indices: PoolIndices, { outputSize, duplicates = 'add' }: MaxUnpool2dOptions = {}): Tensor {
  const op = 'maxUnpool2d';
  if (!(indices instanceof PoolIndices))
    throw new ValueError(op, 'indices must be PoolIndices', 'something else', 'wrap raw indices with poolIndices(data, { shape, convention, inputShape })');
  rank4(op, 'input', x.shape);
  if (!sameShape(x.shape, indices.shape))
    throw new ShapeError(
      op,
      "input must have the indices' shape",
      `input=${show(x.shape)}, indices=${show(indices.shape)}`,
      'pass the indices of the pool that this level mirrors',
    );
  checkFloat(op, x.dtype);
  if (duplicates !== 'add') throw new ValueError(op, "duplicates must be 'add'", `duplicates=${duplicates}`);
  const [batch, height, width, channels] = indices.inputShape;
  const y = apply(maxUnpoolOp, [x, indices.plane], { geometry: indices.geometry, shape: [batch, height, width, channels] });
  if (outputSize === undefined) return y;
  const [h, w] = pair(op, 'outputSize', outputSize);
  checkOutputSize(op, 'height', h, height, indices.geometry?.height);
  checkOutputSize(op, 'width', w, width, indices.geometry?.width);
  return h === height && w === width
    ? y
    : y.pad([
        [0, 0],
        [0, h - height],
        [0, w - width],
        [0, 0],
      ]);
}

/** Every value must keep its place: the output covers the pool's input, and reaches less than one window further. */
function checkOutputSize(op: string, axis: string, asked: number, own: number, window: Pool2dGeometry['height'] | undefined): void {
  const most = window === undefined ? Infinity : Math.max(own, (window.output - 1) * window.stride + window.kernel - window.before + window.stride - 1);
  if (asked < own || asked > most)
    throw new ShapeError(op, "outputSize must cover the pool's input and give the same windows", `${axis} ${asked}`, `${axis} may be ${own} to ${most}`);
}

export interface AvgPool2dOptions extends Pool2dOptions {
  /** Divide by the whole kernel, padding included. Default: true for explicit padding (PyTorch), false for 'same' (TensorFlow). */
  countIncludePad?: boolean;
}
interface AvgAttrs {
  readonly geometry: Pool2dGeometry;
  readonly countIncludePad: boolean;
}
const avgPoolOp: Op<AvgAttrs> = {
  name: 'avgPool2d',
  plan: ([x], attrs) => call('avgPool2d', attrs, { shape: pooledShape(attrs.geometry), dtype: x.dtype }),
  backward: ({ grad, attrs }) => [apply(avgPoolGradOp, [grad], attrs)],
};
const avgPoolGradOp: Op<AvgAttrs> = {
  name: 'avgPool2dGrad',
  plan: ([g], attrs) => call('avgPool2dGrad', attrs, { shape: sourceShape(attrs.geometry), dtype: g.dtype }),
  backward: ({ grad, attrs }) => [apply(avgPoolOp, [grad], attrs)],
};

/**
 * Mean of each window.
 * @shape x [N,H,W,C] → y [N,H′,W′,C]
 * @gradient g/n, spread over the window
 * @throws ShapeError for a wrong rank, an empty batch or a kernel that does not fit; ValueError for sizes out of range
 * @source torch.nn.functional.avg_pool2d; tf.nn.avg_pool2d
 */
export function avgPool2d(x: Tensor, options: AvgPool2dOptions): Tensor {
  const geometry = poolGeometry('avgPool2d', x, options);
  return apply(avgPoolOp, [x], { geometry, countIncludePad: options.countIncludePad ?? options.padding !== 'same' });
}
