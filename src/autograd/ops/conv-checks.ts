/**
 * Checks that convolutions of images and of series share. Both have the channels on their last
 * axis, and the weight's last two axes are channels. Not here: the windows (values/window.ts).
 */
import { shown } from '../../arguments.js';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { transposedRange } from '../../values/window.js';
import { checkTensor } from '../graph.js';

/**
 * Checks that input, weight and bias are tensors. Returns the bias, or undefined if there is none.
 */
export function checkOperands(
  op: string,
  x: Tensor,
  weight: Tensor,
  { bias }: { readonly bias?: Tensor | null },
): Tensor | undefined {
  checkTensor(op, 'input', x);
  checkTensor(op, 'weight', weight);
  if (bias == null) return undefined;
  checkTensor(op, 'bias', bias);
  return bias;
}

/**
 * Checks the types of the operands, the number of groups, and the shape of the bias.
 */
export function checkCommon(
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

/** Checks that the channels of a convolution's input and weight fit. `layouts` is the hint. */
export function checkChannels(op: string, x: Tensor, weight: Tensor, groups: number, layouts: string): void {
  const [groupChannels, outChannels] = weight.shape.slice(-2);
  const got = `input ${show(x.shape)}, weight ${show(weight.shape)}`;
  if (groupChannels * groups !== x.shape[x.rank - 1])
    throw new ShapeError(
      op,
      `input channels must equal weight's${groups === 1 ? '' : ' times groups'}`,
      groups === 1 ? got : `${got}, groups ${groups}`,
      layouts,
    );
  if (outChannels % groups !== 0)
    throw new ShapeError(
      op,
      'output channels must be a multiple of groups',
      `weight ${show(weight.shape)}, groups ${groups}`,
    );
}

/** Checks that the channels of a transposed convolution's input and weight fit. */
export function checkTransposedChannels(op: string, x: Tensor, weight: Tensor, groups: number, layout: string): void {
  const channels = x.shape[x.rank - 1];
  if (weight.shape[weight.rank - 1] !== channels)
    throw new ShapeError(
      op,
      "input channels must equal weight's",
      `input ${show(x.shape)}, weight ${show(weight.shape)}`,
      layout,
    );
  if (channels % groups !== 0)
    throw new ShapeError(op, 'input channels must be a multiple of groups', `input ${show(x.shape)}, groups ${groups}`);
}

/** Checks that outputSize and outputPadding are not both given. */
export function checkOneSize(op: string, outputSize: unknown, outputPadding: unknown): void {
  if (outputSize !== undefined && outputPadding !== undefined)
    throw new ValueError(
      op,
      'give outputSize or outputPadding, not both',
      `outputSize ${shown(outputSize)}, outputPadding ${shown(outputPadding)}`,
    );
}

/** The output size of a transposed convolution along one axis. */
export function transposedSize(
  op: string,
  axis: string,
  input: number,
  kernel: number,
  stride: number,
  dilation: number,
  padding: 'same' | 'valid' | readonly [number, number],
  asked: number | undefined,
  extra: number | undefined,
): number {
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
