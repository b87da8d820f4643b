/**
 * Convolution and transposed convolution. Three kernels are closed under differentiation. The
 * convolution y(x, w) is linear in x and in w. Its input gradient dx(g, w) is the transposed
 * convolution. Its weight gradient is dw(x, g). The gradients of each kernel are the other two.
 * Not here: convolution of series (conv1d.ts), the checks that both share (conv-checks.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import { imageSizes, rank4, type Shape } from '../../values/shape.js';
import {
  type Conv2dGeometry,
  type Padding,
  type Pair,
  pair,
  parsePadding,
  transposedAxis,
  window2d,
  windowExtent,
} from '../../values/window.js';
import { apply, applyAll, call, isTracking, type Op } from '../graph.js';
import {
  checkChannels,
  checkCommon,
  checkOneSize,
  checkOperands,
  checkTransposedChannels,
  transposedSize,
} from './conv-checks.js';

interface ConvAttrs {
  readonly geometry: Conv2dGeometry;
}
const inputShape = (g: Conv2dGeometry): Shape => [g.batch, g.height.input, g.width.input, g.inChannels];
const outputShape = (g: Conv2dGeometry): Shape => [g.batch, g.height.output, g.width.output, g.outChannels];
const weightShape = (g: Conv2dGeometry): Shape => [
  g.height.kernel,
  g.width.kernel,
  g.inChannels / g.groups,
  g.outChannels,
];
const overPixels = [0, 1, 2];

export const conv2dOp: Op<ConvAttrs> = {
  name: 'conv2d',
  lower: ([x], { geometry }) => call('conv2d', { geometry }, { shape: outputShape(geometry), dtype: x.dtype }),
  saves: [0, 1],
  backward: ({ grad, inputs: [x, weight], attrs, needs }) => [
    needs[0] ? apply(inputGradOp, [grad, weight], attrs) : null,
    ...parameterGrads(x, grad, grad, attrs, needs),
  ],
};

export const inputGradOp: Op<ConvAttrs> = {
  name: 'conv2dTranspose',
  lower: ([g], { geometry }) => call('conv2dInputGrad', { geometry }, { shape: inputShape(geometry), dtype: g.dtype }),
  saves: [0, 1],
  backward: ({ grad, inputs: [g, weight], attrs, needs }) => [
    needs[0] ? apply(conv2dOp, [grad, weight], attrs) : null,
    ...parameterGrads(grad, g, grad, attrs, needs),
  ],
};

const weightGradOp: Op<ConvAttrs> = {
  name: 'conv2dWeightGrad',
  lower: ([x], { geometry }) =>
    call('conv2dWeightGrad', { geometry }, { shape: weightShape(geometry), dtype: x.dtype }),
  saves: [0, 1],
  backward: ({ grad, inputs: [x, g], attrs, needs }) => [
    needs[0] ? apply(inputGradOp, [g, grad], attrs) : null,
    needs[1] ? apply(conv2dOp, [x, grad], attrs) : null,
  ],
};

const parameterGradsOp: Op<ConvAttrs & { biasFrom: 'x' | 'g' }> = {
  name: 'conv2dParameterGrads',
  lower: ([x, g], attrs) => {
    const { geometry, biasFrom } = attrs;
    const channels = biasFrom === 'x' ? geometry.inChannels : geometry.outChannels;
    return call(
      'conv2dParameterGrads',
      attrs,
      { shape: weightShape(geometry), dtype: x.dtype },
      { shape: [channels], dtype: g.dtype },
    );
  },
};

/**
 * Gradients of weight and bias. The bias gradient is a sum over `grad`, which is x or g. One kernel
 * computes both, unless the gradient itself is recorded.
 */
function parameterGrads(
  x: Tensor,
  g: Tensor,
  grad: Tensor,
  attrs: ConvAttrs,
  needs: readonly boolean[],
): (Tensor | null)[] {
  if (needs[1] && needs[2] && !isTracking())
    return applyAll(parameterGradsOp, [x, g], { ...attrs, biasFrom: grad === x ? 'x' : 'g' });
  return [needs[1] ? apply(weightGradOp, [x, g], attrs) : null, needs[2] ? grad.sum(overPixels) : null];
}

export interface Conv2dOptions {
  /** [outChannels]. */
  bias?: Tensor | null;
  /** Default 1. */
  stride?: Pair;
  /** Default 0, as in PyTorch. */
  padding?: Padding;
  /** Default 1. */
  dilation?: Pair;
  /**
   * Number of separate channel groups. Equal to inChannels for a depthwise convolution. Default 1.
   */
  groups?: number;
}

const conv2dOptions: OptionNames<Conv2dOptions> = {
  bias: 'value',
  stride: 'value',
  padding: 'value',
  dilation: 'value',
  groups: 'value',
};

/**
 * Two-dimensional convolution (cross-correlation), channels last.
 * @shape x [N,H,W,C], weight [kh,kw,C/groups,D], bias [D] → y [N,H′,W′,D]
 * @gradient x: the transposed convolution of g; weight: x correlated with g; bias: Σ g
 * @throws ShapeError for ranks, channels or a kernel that do not fit, or an empty batch; ValueError
 * for a stride, padding, dilation, groups or dtype out of range
 * @source torch.nn.functional.conv2d; tf.nn.conv2d
 */
export function conv2d(x: Tensor, weight: Tensor, options: Conv2dOptions = {}): Tensor {
  const op = 'conv2d';
  knownOptions(op, options, conv2dOptions);
  const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
  const bias = checkOperands(op, x, weight, options);
  const [batch, height, width, inChannels] = imageSizes(op, x.shape);
  const [kernelHeight, kernelWidth, , outChannels] = rank4(op, 'weight', weight.shape, '[kh,kw,in/groups,out]');
  checkCommon(op, x, weight, bias, groups, outChannels);
  checkChannels(op, x, weight, groups, 'images are [N,H,W,C], weights [kh,kw,in/groups,out]');
  const window = window2d(op, height, width, {
    kernelSize: [kernelHeight, kernelWidth],
    stride: pair(op, 'stride', stride),
    dilation: pair(op, 'dilation', dilation),
    padding,
  });
  return apply(conv2dOp, bias === undefined ? [x, weight] : [x, weight, bias], {
    geometry: { batch, inChannels, outChannels, groups, ...window },
  });
}

export interface Conv2dTransposeOptions extends Conv2dOptions {
  /** [H′, W′]. It must be a size whose convolution gives the input's size. */
  outputSize?: readonly [number, number];
  /**
   * Added to the smallest possible size, at the bottom and right, as in PyTorch. Excludes
   * outputSize.
   */
  outputPadding?: Pair;
}

const conv2dTransposeOptions: OptionNames<Conv2dTransposeOptions> = {
  ...conv2dOptions,
  outputSize: 'value',
  outputPadding: 'value',
};

/**
 * Transposed convolution: the gradient of conv2d with respect to its input, as a layer. Without
 * outputSize, 'same' gives H·stride. Other paddings give PyTorch's (H−1)·stride − pads +
 * dilation·(kh−1) + 1 + outputPadding.
 * @shape x [N,H,W,C], weight [kh,kw,D/groups,C] (HWOI), bias [D] → y [N,H′,W′,D]
 * @gradient x: the convolution of g; weight: g correlated with x; bias: Σ g
 * @throws ShapeError for ranks, channels or an impossible size (with the valid range); ValueError
 * for a stride, padding, dilation, groups or dtype out of range
 * @source torch.nn.functional.conv_transpose2d; tf.nn.conv2d_transpose
 */
export function conv2dTranspose(x: Tensor, weight: Tensor, options: Conv2dTransposeOptions = {}): Tensor {
  const op = 'conv2dTranspose';
  knownOptions(op, options, conv2dTransposeOptions);
  const { groups = 1, outputSize, outputPadding } = options;
  const bias = checkOperands(op, x, weight, options);
  const [batch, height, width, channels] = imageSizes(op, x.shape);
  const [kernelHeight, kernelWidth, groupOut] = rank4(op, 'weight', weight.shape, '[kh,kw,out/groups,in]');
  const out = groupOut * groups;
  checkCommon(op, x, weight, bias, groups, out);
  checkTransposedChannels(op, x, weight, groups, 'transposed weights are [kh,kw,out/groups,in]');
  checkOneSize(op, outputSize, outputPadding);
  if (outputSize !== undefined) pair(op, 'outputSize', outputSize);
  const stride = pair(op, 'stride', options.stride ?? 1);
  const dilation = pair(op, 'dilation', options.dilation ?? 1);
  const extra = outputPadding === undefined ? undefined : pair(op, 'outputPadding', outputPadding, 0);
  const padding = parsePadding(op, options.padding ?? 0);
  const pads = typeof padding === 'string' ? ([padding, padding] as const) : padding;
  windowExtent(op, 'height', kernelHeight, dilation[0]);
  windowExtent(op, 'width', kernelWidth, dilation[1]);
  const sizes = [
    transposedSize(op, 'height', height, kernelHeight, stride[0], dilation[0], pads[0], outputSize?.[0], extra?.[0]),
    transposedSize(op, 'width', width, kernelWidth, stride[1], dilation[1], pads[1], outputSize?.[1], extra?.[1]),
  ] as const;
  const axis = (i: 0 | 1, small: number, kernel: number) =>
    transposedAxis(small, sizes[i], kernel, stride[i], dilation[i], pads[i]);
  const geometry: Conv2dGeometry = {
    batch,
    inChannels: out,
    outChannels: channels,
    groups,
    height: axis(0, height, kernelHeight),
    width: axis(1, width, kernelWidth),
  };
  return apply(inputGradOp, bias === undefined ? [x, weight] : [x, weight, bias], { geometry });
}
