/** Convolution and transposed convolution. */
import { conv2d, conv2dTranspose } from '../../../autograd/ops/conv.js';
import { conv1d, conv1dTranspose } from '../../../autograd/ops/conv1d.js';
import type { WindowAxis } from '../../../values/window.js';
import type { Builder } from '../builder.js';
import { channelsFirst, channelsLast } from '../graph.js';
import type { Call } from '../record.js';
import type { Node } from '../run.js';
import type { Held } from '../values.js';
import type { Exporters, Importer, Importers } from './table.js';

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

// ---- import

/** Of the library's weights, HWIO or HWOI, seen from ONNX's OIHW or IOHW. For series without H. */
export const filterOrder = (rank: number): readonly number[] => [
  ...Array.from({ length: rank - 2 }, (_, i) => i + 2),
  1,
  0,
];

/** Pads before and after each axis. `sizes` are of the input. */
export function padsOf(
  node: Node,
  sizes: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
): [before: number, after: number][] {
  const auto = node.text('auto_pad', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER');
  const axes = sizes.length;
  if (auto === 'VALID') return sizes.map(() => [0, 0]);
  if (auto === 'NOTSET') {
    const pads = node.ints('pads', new Array<number>(2 * axes).fill(0), 2 * axes);
    return sizes.map((_, i) => [pads[i] as number, pads[i + axes] as number]);
  }
  return sizes.map((size, i) => {
    const [k, s, d] = [kernel[i] as number, strides[i] as number, dilations[i] as number];
    return halves(Math.max((Math.ceil(size / s) - 1) * s + (k - 1) * d + 1 - size, 0), auto === 'SAME_UPPER');
  });
}
const halves = (total: number, isUpper: boolean): [number, number] => {
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return isUpper ? [less, more] : [more, less];
};

/** The window of a convolution of images or series. */
function geometryOf(node: Node) {
  const [x, weight] = [node.on(0), node.on(1)];
  const axes = x.rank - 2;
  if (axes !== 1 && axes !== 2) node.refuse('input must have rank 3 or 4', `rank ${x.rank}`);
  if (weight.rank !== x.rank) node.refuse("weight must have the input's rank", `rank ${weight.rank}`);
  const kernel = weight.shape.slice(2);
  const said = node.ints('kernel_shape', kernel, axes);
  if (said.some((size, i) => size !== kernel[i]))
    node.refuse("kernel_shape must be the weight's", `kernel_shape=${said}, weight=${weight.shape}`);
  const strides = node.ints('strides', new Array<number>(axes).fill(1), axes);
  const dilations = node.ints('dilations', new Array<number>(axes).fill(1), axes);
  const bias = node.has(2) ? node.on(2).plain : null;
  return {
    x,
    axes,
    kernel,
    strides,
    dilations,
    bias,
    weight: weight.in(filterOrder(x.rank)),
    groups: node.int('group', 1),
  };
}

/** Numbers and pads of both axes of images. */
export type PairOf = readonly [number, number];
export type PadsOf = readonly [PairOf, PairOf];

function importConv(node: Node): Held {
  const { x, axes, kernel, strides, dilations, bias, weight, groups } = geometryOf(node);
  const pads = padsOf(node, x.shape.slice(2), kernel, strides, dilations);
  const y =
    axes === 2
      ? conv2d(x.last, weight, {
          bias,
          groups,
          stride: strides as unknown as PairOf,
          dilation: dilations as unknown as PairOf,
          padding: pads as unknown as PadsOf,
        })
      : conv1d(x.last, weight, {
          bias,
          groups,
          stride: strides[0],
          dilation: dilations[0],
          padding: pads[0] as PairOf,
        });
  return node.held(y, channelsLast(x.rank));
}

function importTransposed(node: Node): Held {
  const { x, axes, kernel, strides, dilations, bias, weight, groups } = geometryOf(node);
  const extra = node.ints('output_padding', new Array<number>(axes).fill(0), axes);
  const auto = node.text('auto_pad', 'NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER');
  const isSame = auto.startsWith('SAME');
  const sizes = x.shape.slice(2);
  const asked = node.given('output_shape')
    ? node.ints('output_shape', null).slice(-axes)
    : isSame
      ? sizes.map((size, i) => size * (strides[i] as number))
      : undefined;
  const full = sizes.map(
    (size, i) => (size - 1) * (strides[i] as number) + ((kernel[i] as number) - 1) * (dilations[i] as number) + 1,
  );
  // What the pads do not take away at the end is added there.
  const pads =
    asked === undefined
      ? padsOf(node, sizes, kernel, strides, dilations)
      : asked.map((size, i) => halves((full[i] as number) + (extra[i] as number) - size, auto === 'SAME_UPPER'));
  const ends = pads.map(([before, after], i) => [before, after - (extra[i] as number)] as const);
  const padding = ends.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)] as const);
  if (ends.some(([before]) => before < 0)) node.refuse('pads must not be negative', JSON.stringify(ends));
  const outputPadding = ends.map(([, after]) => Math.max(-after, 0));
  const y =
    axes === 2
      ? conv2dTranspose(x.last, weight, {
          bias,
          groups,
          stride: strides as unknown as PairOf,
          dilation: dilations as unknown as PairOf,
          padding: padding as unknown as PadsOf,
          outputPadding: outputPadding as unknown as PairOf,
        })
      : conv1dTranspose(x.last, weight, {
          bias,
          groups,
          stride: strides[0],
          dilation: dilations[0],
          padding: padding[0] as PairOf,
          outputPadding: outputPadding[0],
        });
  return node.held(y, channelsLast(x.rank));
}

const filter: Importer['stored'] = (_, input, rank) => (input === 1 && rank > 2 ? filterOrder(rank) : null);
const convAttributes = ['auto_pad', 'dilations', 'group', 'kernel_shape', 'pads', 'strides'];
export const convImports: Importers = {
  Conv: { run: importConv, attributes: convAttributes, inputs: [2, 3], stored: filter },
  ConvTranspose: {
    run: importTransposed,
    attributes: [...convAttributes, 'output_padding', 'output_shape'],
    inputs: [2, 3],
    stored: filter,
  },
};
