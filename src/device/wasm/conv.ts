/**
 * The kernels of convolution. The input gradient is also computed by convolutions. Input positions
 * are grouped by their residue modulo the stride. Each group is one convolution of stride 1 with
 * the flipped taps that reach it. Not here: the commands of a convolution (convolution.ts) and of
 * the weight gradient (weight-gradient.ts).
 */
import type { WindowAxis } from '../../values/window.js';
import type { Family } from './commands.js';
import { type Axis, convolution } from './convolution.js';
import { reduce } from './reduce.js';
import { sparseWeightGradient, weightGradient } from './weight-gradient.js';

const forwardAxis = ({ input, output, kernel, stride, dilation, before }: WindowAxis): Axis => ({
  input,
  output,
  stride,
  before,
  taps: kernel,
  dilation,
  firstTap: 0,
  tapStep: 1,
});

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/**
 * One axis of the convolution that computes the input gradient at positions residue, residue +
 * stride, ….
 */
function gradientAxis({ input, output, kernel, stride, dilation, before }: WindowAxis, residue: number): Axis {
  const common = gcd(stride, dilation);
  const tapStep = stride / common;
  const reach = (k: number): number => residue + before - k * dilation;
  let first = 0;
  while (first < Math.min(tapStep, kernel) && reach(first) % stride !== 0) first++;
  const taps = first < Math.min(tapStep, kernel) ? Math.floor((kernel - 1 - first) / tapStep) + 1 : 0;
  const last = first + (taps - 1) * tapStep;
  return {
    input: output,
    output: Math.max(0, Math.ceil((input - residue) / stride)),
    stride: 1,
    before: taps === 0 ? 0 : -reach(last) / stride,
    taps,
    dilation: dilation / common,
    firstTap: taps === 0 ? 0 : last,
    tapStep: -tapStep,
  };
}

export const conv: Family<'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad' | 'conv2dParameterGrads'> = {
  conv2d(to, [x, weight, bias], { geometry }, [y]) {
    const { batch, height, width, inChannels, outChannels, groups } = geometry;
    convolution(to, {
      x: x.buffer.address,
      density: x.buffer.density,
      y: y.buffer.address,
      weight: weight.buffer.address,
      weightBuffer: weight.buffer,
      bias: bias?.buffer.address ?? 0,
      batch,
      height: forwardAxis(height),
      width: forwardAxis(width),
      groups,
      inner: inChannels / groups,
      columns: outChannels / groups,
      yImage: height.output * width.output * outChannels,
      yRow: width.output * outChannels,
      yColumn: outChannels,
      kernelWidth: width.kernel,
      tapStep: (inChannels / groups) * outChannels,
      innerStep: outChannels,
      columnStep: 1,
      groupStep: outChannels / groups,
    });
  },

  conv2dInputGrad(to, [g, weight, bias], { geometry }, [x]) {
    const { batch, height, width, inChannels, outChannels, groups } = geometry;
    for (let ry = 0; ry < height.stride; ry++)
      for (let rx = 0; rx < width.stride; rx++)
        convolution(to, {
          x: g.buffer.address,
          density: g.buffer.density,
          y: x.buffer.address + (ry * width.input + rx) * inChannels,
          weight: weight.buffer.address,
          weightBuffer: weight.buffer,
          bias: bias?.buffer.address ?? 0,
          batch,
          height: gradientAxis(height, ry),
          width: gradientAxis(width, rx),
          groups,
          inner: outChannels / groups,
          columns: inChannels / groups,
          yImage: height.input * width.input * inChannels,
          yRow: height.stride * width.input * inChannels,
          yColumn: width.stride * inChannels,
          kernelWidth: width.kernel,
          tapStep: (inChannels / groups) * outChannels,
          innerStep: 1,
          columnStep: outChannels,
          groupStep: outChannels / groups,
        });
  },

  conv2dWeightGrad(to, [x, g], { geometry }, [weight]) {
    if (!sparseWeightGradient(to, x.buffer, g.buffer, weight.buffer.address, geometry))
      weightGradient(to, x.buffer.address, g.buffer.address, weight.buffer.address, geometry);
  },

  conv2dParameterGrads(to, [x, g], { geometry, biasFrom }, [weight, bias]) {
    conv.conv2dWeightGrad(to, [x, g], { geometry }, [weight]);
    reduce.reduce(to, [biasFrom === 'x' ? x : g], { fn: 'sum', axes: [0, 1, 2] }, [bias]);
  },
};
