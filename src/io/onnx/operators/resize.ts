/**
 * Resizing by interpolation. It is exported as the kernels that it is composed of, and copies of
 * whole blocks as a Resize (movement.ts). On import the numbers of every rule of ONNX are computed
 * here, because each rule is only a list of the pixels that are read and their weights.
 */
import { where } from '../../../autograd/ops/arithmetic.js';
import { upsample2d } from '../../../autograd/ops/resize.js';
import { cubicWeight } from '../../../autograd/ops/sampling.js';
import type { Tensor } from '../../../tensor/tensor.js';
import { channelsLast } from '../graph.js';
import type { Node } from '../run.js';
import type { Held } from '../values.js';
import type { Importers } from './table.js';

/** The position of output pixel i in the input. `scale` is output/input, as the file says it. */
type Rule = (i: number, input: number, output: number, scale: number) => number;
const halfPixel: Rule = (i, input, output, scale) =>
  output === input * scale ? ((2 * i + 1) * input - output) / (2 * output) : (i + 0.5) / scale - 0.5;
const rules = {
  half_pixel: halfPixel,
  pytorch_half_pixel: (i, input, output, scale) => (output > 1 ? halfPixel(i, input, output, scale) : 0),
  half_pixel_symmetric: (i, input, output, scale) => {
    const adjusted = output / (scale * input);
    return (input / 2) * (1 - adjusted) + halfPixel(i, input, output, scale);
  },
  align_corners: (i, input, output) => (output === 1 ? 0 : (i * (input - 1)) / (output - 1)),
  asymmetric: (i, input, output, scale) => (output === input * scale ? (i * input) / output : i / scale),
  tf_half_pixel_for_nn: (i, input, output, scale) =>
    output === input * scale ? ((2 * i + 1) * input) / (2 * output) : (i + 0.5) / scale,
  tf_crop_and_resize: () => 0,
} satisfies Record<string, Rule>;

/** Of the part [start, end] of an axis, as shares of it. What lies outside has another value. */
const cropped =
  (start: number, end: number): Rule =>
  (i, input, output) =>
    (input - 1) * (output > 1 ? start + (i * (end - start)) / (output - 1) : (start + end) / 2);

const rounding = {
  round_prefer_floor: (p: number): number => Math.ceil(p - 0.5),
  round_prefer_ceil: (p: number): number => Math.floor(p + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** The pixels that one output pixel reads, and their weights. */
interface Tap {
  readonly at: number;
  readonly weight: number;
}

function tapsOf(node: Node, mode: string, position: number, input: number): Tap[] {
  const low = Math.floor(position);
  const t = position - low;
  const inside = (at: number): number => Math.min(Math.max(at, 0), input - 1);
  if (mode === 'nearest') {
    const round = rounding[node.text('nearest_mode', 'round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil')];
    return [{ at: inside(round(position)), weight: 1 }];
  }
  const coefficient = node.float('cubic_coeff_a', -0.75);
  const weights =
    mode === 'linear' ? [1 - t, t] : [1 + t, t, 1 - t, 2 - t].map((distance) => cubicWeight(distance, coefficient));
  const from = mode === 'linear' ? low : low - 1;
  const outside = node.flag('exclude_outside');
  const used = weights.map((weight, k) => (outside && (from + k < 0 || from + k >= input) ? 0 : weight));
  const total = outside ? used.reduce((sum, weight) => sum + weight, 0) : 1;
  return used.map((weight, k) => ({ at: inside(from + k), weight: weight / total }));
}

/** Resizes one axis of a tensor: a weighted sum of rows. */
function alongAxis(
  node: Node,
  x: Tensor,
  axis: number,
  output: number,
  scale: number,
  mode: string,
  rule: Rule,
): Tensor {
  const input = x.shape[axis] as number;
  const taps = Array.from({ length: output }, (_, i) => tapsOf(node, mode, rule(i, input, output, scale), input));
  const rows = (k: number): Tensor =>
    x.indexSelect(
      taps.map((list) => (list[k] as Tap).at),
      axis,
    );
  if (mode === 'nearest') return rows(0);
  const shape = [output, ...x.shape.slice(axis + 1).map(() => 1)];
  const parts = (taps[0] as Tap[]).map((_, k) => {
    const weights = Float64Array.from(taps, (list) => (list[k] as Tap).weight);
    const data = x.dtype === 'float64' ? weights : Float32Array.from(weights);
    return rows(k).mul(x.upload(data, x.dtype, shape));
  });
  return parts.slice(1).reduce((sum, part) => sum.add(part), parts[0] as Tensor);
}

/** Puts extrapolation_value where an axis was read outside of the input. */
function withOutside(node: Node, y: Tensor, axis: number, input: number, rule: Rule): Tensor {
  const output = y.shape[axis] as number;
  const isInside = Uint8Array.from({ length: output }, (_, i) => {
    const position = rule(i, input, output, 1);
    return Number(position >= 0 && position <= input - 1);
  });
  if (isInside.every((inside) => inside === 1)) return y;
  const shape = [output, ...y.shape.slice(axis + 1).map(() => 1)];
  return where(y.upload(isInside, 'bool', shape), y, node.float('extrapolation_value', 0));
}

/** The sizes of the result, and the scales, of the graph's axes. */
function sizesOf(node: Node, x: Held, isUpsample: boolean): { sizes: readonly number[]; scales: readonly number[] } {
  const axes = node.given('axes')
    ? node.ints('axes', null).map((axis) => node.axis(axis, x.rank))
    : x.shape.map((_, i) => i);
  const scaleInput = isUpsample || node.opset < 11 ? 1 : 2;
  const hasSizes = !isUpsample && node.has(3) && node.numbers(3).length > 0;
  const given = hasSizes
    ? node.numbers(3)
    : isUpsample && node.opset < 9
      ? node.floats('scales', [])
      : node.numbers(scaleInput);
  if (given.length !== axes.length) node.refuse('there must be a number per axis', `${given}`);
  const all = (numbers: readonly number[], rest: readonly number[]): number[] =>
    x.shape.map((_, axis) => (axes.includes(axis) ? numbers[axes.indexOf(axis)] : rest[axis]) as number);
  const ones = x.shape.map(() => 1);
  if (!hasSizes) {
    const scales = all(given, ones);
    return { sizes: x.shape.map((size, axis) => Math.floor(size * (scales[axis] as number))), scales };
  }
  const policy = node.text('keep_aspect_ratio_policy', 'stretch', 'not_larger', 'not_smaller');
  const asked = all(given, x.shape);
  const ratios = axes.map((axis) => (asked[axis] as number) / (x.shape[axis] as number));
  if (policy === 'stretch')
    return { sizes: asked, scales: x.shape.map((size, axis) => (asked[axis] as number) / size) };
  const scale = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  const scales = x.shape.map((_, axis) => (axes.includes(axis) ? scale : 1));
  return { sizes: x.shape.map((size, axis) => Math.round(size * (scales[axis] as number))), scales };
}

const resizing =
  (isUpsample: boolean) =>
  (node: Node): Held => {
    const x = node.on(0);
    const mode = node.text('mode', 'nearest', 'linear', 'cubic');
    if (node.flag('antialias')) node.refuse('antialias must be 0', '1');
    const isOld = isUpsample || node.opset < 11;
    const name = isOld
      ? 'asymmetric'
      : node.text('coordinate_transformation_mode', 'half_pixel', ...(Object.keys(rules) as (keyof typeof rules)[]));
    const { sizes, scales } = sizesOf(node, x, isUpsample);
    if (sizes.some((size) => !Number.isInteger(size) || size < 1))
      node.refuse('sizes must be whole and positive', `${sizes}`);
    const isFloor =
      isOld || node.text('nearest_mode', 'round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil') === 'floor';
    const isCopy =
      mode === 'nearest' &&
      name === 'asymmetric' &&
      isFloor &&
      x.rank === 4 &&
      sizes[0] === x.shape[0] &&
      sizes[1] === x.shape[1];
    const factors = [2, 3].map((axis) => (sizes[axis] as number) / (x.shape[axis] as number));
    if (isCopy && factors.every((factor, i) => Number.isInteger(factor) && factor === scales[i + 2]))
      return node.held(upsample2d(x.last, { scale: factors as [number, number] }), channelsLast(4));
    const { order } = x;
    let y = x.in(order);
    const isCrop = name === 'tf_crop_and_resize';
    const roi = isCrop ? node.numbers(1) : [];
    if (isCrop && roi.length !== 2 * x.rank) node.refuse('roi must have a start and an end per axis', `${roi}`);
    for (const [at, axis] of order.entries()) {
      const [input, output] = [x.shape[axis] as number, sizes[axis] as number];
      const rule = isCrop ? cropped(roi[axis] as number, roi[axis + x.rank] as number) : rules[name];
      if (isCrop || output !== input || scales[axis] !== 1)
        y = alongAxis(node, y, at, output, scales[axis] as number, mode, rule);
      if (isCrop) y = withOutside(node, y, at, input, rule);
    }
    return node.held(y, order);
  };

export const resizeImports: Importers = {
  Resize: {
    run: resizing(false),
    attributes: [
      ...['antialias', 'axes', 'coordinate_transformation_mode', 'cubic_coeff_a', 'exclude_outside'],
      ...['extrapolation_value', 'keep_aspect_ratio_policy', 'mode', 'nearest_mode'],
    ],
    inputs: [1, 4],
    fixed: [1, 2, 3],
  },
  Upsample: { run: resizing(true), attributes: ['mode', 'scales'], inputs: [1, 2], fixed: [1] },
};
