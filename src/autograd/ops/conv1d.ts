/**
 * Convolution and transposed convolution of series, by the kernels of images of one row. Not here:
 * the gradients, which are those of images (conv.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { Tensor } from '../../tensor/tensor.js';
import { rank3, seriesSizes } from '../../values/shape.js';
import { type Conv2dGeometry, transposedAxis, windowAxis, windowExtent } from '../../values/window.js';
import { lengthOf, oneRow, type Padding1d, parsePadding1d } from '../../values/window1d.js';
import { apply, type Op } from '../graph.js';
import { conv2dOp, inputGradOp } from './conv.js';
import {
  checkChannels,
  checkCommon,
  checkOneSize,
  checkOperands,
  checkTransposedChannels,
  transposedSize,
} from './conv-checks.js';
import { asRows, fromRows } from './rows.js';

// They have names of their own for messages.
const conv1dOp = { ...conv2dOp, name: 'conv1d' };
const conv1dTransposeOp = { ...inputGradOp, name: 'conv1dTranspose' };

export interface Conv1dOptions {
  /** [outChannels]. */
  bias?: Tensor | null;
  /** Default 1. */
  stride?: number;
  /** Default 0, as in PyTorch. */
  padding?: Padding1d;
  /** Default 1. */
  dilation?: number;
  /**
   * Number of separate channel groups. Equal to inChannels for a depthwise convolution. Default 1.
   */
  groups?: number;
}

const conv1dOptions: OptionNames<Conv1dOptions> = {
  bias: 'value',
  stride: 'value',
  padding: 'value',
  dilation: 'value',
  groups: 'value',
};

/** Runs a convolution of images of one row on series. */
function overRows(
  op: Op<{ geometry: Conv2dGeometry }>,
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  geometry: Conv2dGeometry,
): Tensor {
  const rows = asRows(x);
  const kernel = weight.reshape([1, ...weight.shape]);
  const y = apply(op, bias === undefined ? [rows, kernel] : [rows, kernel, bias], { geometry });
  return fromRows(op.name, y, rows, kernel);
}

/**
 * One-dimensional convolution (cross-correlation), channels last.
 * @shape x [N,L,C], weight [k,C/groups,D], bias [D] → y [N,L′,D]
 * @gradient x: the transposed convolution of g; weight: x correlated with g; bias: Σ g
 * @throws ShapeError for ranks, channels or a kernel that do not fit, or an empty batch; ValueError
 * for a stride, padding, dilation, groups or dtype out of range
 * @source torch.nn.functional.conv1d; tf.nn.conv1d
 */
export function conv1d(x: Tensor, weight: Tensor, options: Conv1dOptions = {}): Tensor {
  const op = 'conv1d';
  knownOptions(op, options, conv1dOptions);
  const { groups = 1 } = options;
  const bias = checkOperands(op, x, weight, options);
  const [batch, length, inChannels] = seriesSizes(op, x.shape);
  const [kernel, , outChannels] = rank3(op, 'weight', weight.shape, '[k,in/groups,out]');
  checkCommon(op, x, weight, bias, groups, outChannels);
  checkChannels(op, x, weight, groups, 'series are [N,L,C], weights [k,in/groups,out]');
  const stride = lengthOf(op, 'stride', options.stride ?? 1);
  const dilation = lengthOf(op, 'dilation', options.dilation ?? 1);
  const padding = parsePadding1d(op, options.padding ?? 0);
  const width = windowAxis(op, 'length', length, kernel, stride, dilation, padding);
  return overRows(conv1dOp, x, weight, bias, { batch, inChannels, outChannels, groups, height: oneRow, width });
}

export interface Conv1dTransposeOptions extends Conv1dOptions {
  /** L′. It must be a size whose convolution gives the input's length. */
  outputSize?: number;
  /** Added to the smallest possible size, at the end, as in PyTorch. Excludes outputSize. */
  outputPadding?: number;
}

const conv1dTransposeOptions: OptionNames<Conv1dTransposeOptions> = {
  ...conv1dOptions,
  outputSize: 'value',
  outputPadding: 'value',
};

/**
 * Transposed convolution: the gradient of conv1d with respect to its input, as a layer. Without
 * outputSize, 'same' gives L·stride. Other paddings give PyTorch's (L−1)·stride − pads +
 * dilation·(k−1) + 1 + outputPadding.
 * @shape x [N,L,C], weight [k,D/groups,C], bias [D] → y [N,L′,D]
 * @gradient x: the convolution of g; weight: g correlated with x; bias: Σ g
 * @throws ShapeError for ranks, channels or an impossible size (with the valid range); ValueError
 * for a stride, padding, dilation, groups or dtype out of range
 * @source torch.nn.functional.conv_transpose1d; tf.nn.conv1d_transpose
 */
export function conv1dTranspose(x: Tensor, weight: Tensor, options: Conv1dTransposeOptions = {}): Tensor {
  const op = 'conv1dTranspose';
  knownOptions(op, options, conv1dTransposeOptions);
  const { groups = 1, outputSize, outputPadding } = options;
  const bias = checkOperands(op, x, weight, options);
  const [batch, length, channels] = seriesSizes(op, x.shape);
  const [kernel, groupOut] = rank3(op, 'weight', weight.shape, '[k,out/groups,in]');
  const out = groupOut * groups;
  checkCommon(op, x, weight, bias, groups, out);
  checkTransposedChannels(op, x, weight, groups, 'transposed weights are [k,out/groups,in]');
  checkOneSize(op, outputSize, outputPadding);
  const asked = outputSize === undefined ? undefined : lengthOf(op, 'outputSize', outputSize);
  const extra = outputPadding === undefined ? undefined : lengthOf(op, 'outputPadding', outputPadding, 0);
  const stride = lengthOf(op, 'stride', options.stride ?? 1);
  const dilation = lengthOf(op, 'dilation', options.dilation ?? 1);
  const padding = parsePadding1d(op, options.padding ?? 0);
  windowExtent(op, 'length', kernel, dilation);
  const size = transposedSize(op, 'length', length, kernel, stride, dilation, padding, asked, extra);
  const width = transposedAxis(length, size, kernel, stride, dilation, padding);
  return overRows(conv1dTransposeOp, x, weight, bias, {
    batch,
    inChannels: out,
    outChannels: channels,
    groups,
    height: oneRow,
    width,
  });
}
