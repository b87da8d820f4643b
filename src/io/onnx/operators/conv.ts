/** Convolution and transposed convolution. */
import type { WindowAxis } from '../../../values/window.js';
import type { Builder } from '../builder.js';
import { channelsFirst } from '../graph.js';
import type { Call } from '../record.js';
import type { Exporters } from './table.js';

const first = channelsFirst(4);
/** Of weights HWIO, which become OIHW, and of those of transposed convolutions, HWOI. */
const weightOrder = [3, 2, 0, 1];

const windowOf = ({ height, width }: { height: WindowAxis; width: WindowAxis }) => ({
  kernel_shape: [height.kernel, width.kernel],
  strides: [height.stride, width.stride],
  dilations: [height.dilation, width.dilation],
});

function convolve(graph: Builder, { attrs: { geometry }, inputs, outputs }: Call<'conv2d'>): void {
  const { height, width, groups: group } = geometry;
  const [x, weight, bias] = inputs as [Call['inputs'][0], Call['inputs'][0], Call['inputs'][0] | undefined];
  if (Math.min(height.after, width.after) < 0) graph.refuse('a convolution with a negative padding');
  const y = graph.one('Conv', [graph.get(x, first), graph.get(weight, weightOrder), bias ? graph.get(bias) : ''], {
    ...windowOf(geometry),
    pads: [height.before, width.before, height.after, width.after],
    group,
  });
  graph.set(outputs[0] as Call['inputs'][0], first, y);
}

function convolveTransposed(graph: Builder, { attrs: { geometry }, inputs, outputs }: Call<'conv2dInputGrad'>): void {
  const { height, width, groups: group } = geometry;
  const [x, weight, bias] = inputs as [Call['inputs'][0], Call['inputs'][0], Call['inputs'][0] | undefined];
  const axes = [height, width];
  // A window that does not reach the last cells has a negative pad at its end.
  const y = graph.one(
    'ConvTranspose',
    [graph.get(x, first), graph.get(weight, weightOrder), bias ? graph.get(bias) : ''],
    {
      ...windowOf(geometry),
      pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => Math.max(after, 0))],
      output_padding: axes.map(({ after }) => Math.max(-after, 0)),
      group,
    },
  );
  graph.set(outputs[0] as Call['inputs'][0], first, y);
}

export const convExports: Exporters = { conv2d: convolve, conv2dInputGrad: convolveTransposed };
