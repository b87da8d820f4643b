/**
 * Convolution and transposed convolution. Three kernels are closed under differentiation. The
 * convolution y(x, w) is linear in x and in w. Its input gradient dx(g, w) is the transposed
 * convolution. Its weight gradient is dw(x, g). The gradients of each kernel are the other two.
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { imageSizes, rank4, type Shape } from '../../values/shape.js';
import {
  type Conv2dGeometry,
  type Padding,
  type Pair,
  pair,
  parsePadding,
  transposedAxis,
  transposedRange,
  window2d,
  windowExtent,
} from '../../values/window.js';
import { apply, applyAll, call, checkTensor, isTracking, type Op } from '../graph.js';

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

const conv2dOp: Op<ConvAttrs> = {
  name: 'conv2d',
  lower: ([x], { geometry }) => call('conv2d', { geometry }, { shape: outputShape(geometry), dtype: x.dtype }),
  saves: [0, 1],
  backward: ({ grad, inputs: [x, weight], attrs, needs }) => [
    needs[0] ? apply(inputGradOp, [grad, weight], attrs) : null,
    ...parameterGrads(x, grad, grad, attrs, needs),
  ],
};

const inputGradOp: Op<ConvAttrs> = {
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

function checkCommon(
  op: string,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  groups: number,
  outChannels: number,
): void {
  const odd = [weight, ...(bias === undefined ? [] : [bias])].find((t) => t.dtype !== x.dtype);
  if (odd !== undefined || x.dtype === 'int32' || x.dtype === 'bool')
    throw new ValueError(
      op,
      'input, weight and bias must share a float dtype',
      `input ${x.dtype}, weight ${weight.dtype}${bias === undefined ? '' : `, bias ${bias.dtype}`}`,
      'convert with cast()',
    );
  if (!Number.isInteger(groups) || groups < 1)
    throw new ValueError(op, 'groups must be whole and at least 1', `groups=${groups}`);
  if (bias !== undefined && (bias.rank !== 1 || bias.shape[0] !== outChannels))
    throw new ShapeError(
      op,
      'bias must have one element per output channel',
      `bias=${show(bias.shape)}`,
      `expected [${outChannels}]`,
    );
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
 * Checks that input, weight and bias are tensors. Returns the bias, or undefined if there is none.
 */
function checkOperands(op: string, x: Tensor, weight: Tensor, { bias }: Conv2dOptions): Tensor | undefined {
  checkTensor(op, 'input', x);
  checkTensor(op, 'weight', weight);
  if (bias == null) return undefined;
  checkTensor(op, 'bias', bias);
  return bias;
}

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
  const [kernelHeight, kernelWidth, groupChannels, outChannels] = rank4(
    op,
    'weight',
    weight.shape,
    '[kh,kw,in/groups,out]',
  );
  checkCommon(op, x, weight, bias, groups, outChannels);
  if (groupChannels * groups !== inChannels)
    throw new ShapeError(
      op,
      `input channels must equal weight's${groups === 1 ? '' : ' times groups'}`,
      `input ${show(x.shape)}, weight ${show(weight.shape)}${groups === 1 ? '' : `, groups ${groups}`}`,
      'images are [N,H,W,C], weights [kh,kw,in/groups,out]',
    );
  if (outChannels % groups !== 0)
    throw new ShapeError(
      op,
      'output channels must be a multiple of groups',
      `weight ${show(weight.shape)}, groups ${groups}`,
    );
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

/** The output size of one axis. */
function transposedSize(
  axis: 'height' | 'width',
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid' | readonly [number, number],
  asked: number | undefined,
  extra: number | undefined,
): number {
  const op = 'conv2dTranspose';
  const [least, greatest] = transposedRange(input, kernel, stride, dilation, padding);
  const mustBePositive = (size: number): number => {
    if (size >= 1) return size;
    throw new ShapeError(
      op,
      'the padding must leave an output',
      `${axis}: input ${input}, kernel ${kernel}, stride ${stride}, padding ${JSON.stringify(padding)}`,
      `the size would be ${size}`,
    );
  };
  if (asked !== undefined) {
    mustBePositive(greatest);
    const smallest = Math.max(least, 1);
    if (!Number.isInteger(asked) || asked < smallest || asked > greatest)
      throw new ShapeError(
        op,
        "outputSize must be one whose convolution gives the input's size",
        `${axis} ${asked}`,
        `${axis} may be ${smallest} to ${greatest} for input ${input}, kernel ${kernel}, stride ${stride}, ` +
          `dilation ${dilation}, padding ${JSON.stringify(padding)}`,
      );
    return asked;
  }
  if (padding === 'same') {
    if (extra === undefined) return greatest;
    throw new ValueError(
      op,
      "outputPadding goes with explicit or 'valid' padding",
      `outputPadding ${extra}, padding 'same'`,
      'name the outputSize',
    );
  }
  if (extra !== undefined && extra >= stride && extra >= dilation)
    throw new ValueError(
      op,
      'outputPadding must be smaller than stride or dilation',
      `${axis}: outputPadding ${extra}, stride ${stride}, dilation ${dilation}`,
    );
  return mustBePositive(least + (extra ?? 0));
}

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
  const [kernelHeight, kernelWidth, groupOut, weightIn] = rank4(op, 'weight', weight.shape, '[kh,kw,out/groups,in]');
  const out = groupOut * groups;
  checkCommon(op, x, weight, bias, groups, out);
  if (weightIn !== channels)
    throw new ShapeError(
      op,
      "input channels must equal weight's",
      `input ${show(x.shape)}, weight ${show(weight.shape)}`,
      'transposed weights are [kh,kw,out/groups,in]',
    );
  if (channels % groups !== 0)
    throw new ShapeError(op, 'input channels must be a multiple of groups', `input ${show(x.shape)}, groups ${groups}`);
  if (outputSize !== undefined && outputPadding !== undefined)
    throw new ValueError(
      op,
      'give outputSize or outputPadding, not both',
      `outputSize ${show(outputSize)}, outputPadding ${outputPadding}`,
    );
  if (outputSize !== undefined) pair(op, 'outputSize', outputSize);
  const stride = pair(op, 'stride', options.stride ?? 1);
  const dilation = pair(op, 'dilation', options.dilation ?? 1);
  const extra = outputPadding === undefined ? undefined : pair(op, 'outputPadding', outputPadding, 0);
  const padding = parsePadding(op, options.padding ?? 0);
  const pads = typeof padding === 'string' ? ([padding, padding] as const) : padding;
  windowExtent(op, 'height', kernelHeight, dilation[0]);
  windowExtent(op, 'width', kernelWidth, dilation[1]);
  const sizes = [
    transposedSize('height', height, kernelHeight, stride[0], dilation[0], pads[0], outputSize?.[0], extra?.[0]),
    transposedSize('width', width, kernelWidth, stride[1], dilation[1], pads[1], outputSize?.[1], extra?.[1]),
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
