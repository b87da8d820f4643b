/**
 * Pools that are told the size of their output. The windows divide the input: window i of n begins
 * at ⌊i·input/n⌋ and ends before ⌈(i+1)·input/n⌉, so that their sizes differ by at most one, and
 * neighbours may share a cell. Where n divides the input this is an ordinary pool. Otherwise the
 * cells of all windows are gathered, padded to one size, and pooled without overlap. An output of
 * size 1 is a global pool. Not here: pools with a given kernel (pool.ts, pool1d.ts).
 */
import { knownOptions, type OptionNames } from '../../arguments.js';
import type { NanPolicy } from '../../device/device.js';
import { ShapeError, show } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { checkShape, floatImageSizes, floatSeriesSizes } from '../../values/shape.js';
import { type Pool2dGeometry, pair, type WindowAxis } from '../../values/window.js';
import { lengthOf } from '../../values/window1d.js';
import { apply, applyAll, checkTensor, type Op, withTracking } from '../graph.js';
import { endWith } from '../lifetimes.js';
import { type AvgAttrs, avgPoolOp, checkNanPolicy, maxPoolOp } from './pool.js';
import { PoolIndices } from './pool-indices.js';
import { asRows, fromRows } from './rows.js';

/** A number for height and width, or [h, w]. null keeps the size of the input. */
export type AdaptiveSize = number | readonly [height: number | null, width: number | null];

export interface AdaptiveMaxPoolOptions {
  /** How NaN is treated: 'propagate' as PyTorch (default), 'tf' as TensorFlow, or 'ignore'. */
  nan?: NanPolicy;
}
export const adaptiveMaxPoolOptions: OptionNames<AdaptiveMaxPoolOptions> = { nan: 'value' };

/** Checks an output size without an image. A layer calls it in its constructor. */
export function checkAdaptiveSize(op: string, size: AdaptiveSize): readonly [number | null, number | null] {
  if (!Array.isArray(size)) return pair(op, 'outputSize', size as number);
  const [height, width] = size as readonly [number | null, number | null];
  // 1 stands for a size that is kept, so that the rest is checked as a pair.
  pair(op, 'outputSize', size.map((side: number | null) => side ?? 1) as unknown as readonly [number, number]);
  return [height, width];
}

/** The windows along one axis. */
interface Split {
  readonly input: number;
  readonly output: number;
  /** The size of the largest window. */
  readonly kernel: number;
  /** The first cell of each window and the first one after it, if the sizes differ. */
  readonly spans: readonly (readonly [first: number, end: number])[] | null;
}

function split(input: number, output: number): Split {
  if (input % output === 0) return { input, output, kernel: input / output, spans: null };
  const spans = Array.from({ length: output }, (_, i): [number, number] => [
    Math.floor((i * input) / output),
    Math.ceil(((i + 1) * input) / output),
  ]);
  return { input, output, kernel: Math.max(...new Set(spans.map(([first, end]) => end - first))), spans };
}

/** The axis of the pool over the gathered windows. */
const axisOf = ({ output, kernel }: Split): WindowAxis => ({
  input: output * kernel,
  output,
  kernel,
  stride: kernel,
  dilation: 1,
  before: 0,
  after: 0,
});

/** The cell of each gathered place. `beyond` stands for a place after the end of a window. */
const cellsOf = ({ output, kernel, spans }: Split, beyond: (end: number) => number): Int32Array<ArrayBuffer> =>
  Int32Array.from({ length: output * kernel }, (_, at) => {
    if (spans === null) return at;
    const [first, end] = spans[Math.floor(at / kernel)];
    const cell = first + (at % kernel);
    return cell < end ? cell : beyond(end);
  });

/** The windows of images side by side, those of the same size without a copy. */
function gathered(x: Tensor, sides: readonly [Split, Split], beyond: (end: number) => number): Tensor {
  return sides.reduce((image, side, i) => {
    if (side.spans === null) return image;
    const cells = image.upload(cellsOf(side, beyond), 'int32');
    return endWithin(endWith(image.indexSelect(cells, i + 1), cells), x, image);
  }, x);
}

/** Ends an image that is neither the input nor part of a graph with the result. */
const endWithin = (result: Tensor, x: Tensor, image: Tensor): Tensor =>
  image !== x && image.node === null && image.owner === null ? endWith(result, image) : result;

const geometryOf = (x: Tensor, sides: readonly [Split, Split]): Pool2dGeometry => ({
  batch: x.shape[0],
  channels: x.shape[3],
  height: axisOf(sides[0]),
  width: axisOf(sides[1]),
});

function average(op: Op<AvgAttrs>, x: Tensor, sides: readonly [Split, Split]): Tensor {
  const geometry = geometryOf(x, sides);
  const [height, width] = sides;
  if (height.spans === null && width.spans === null)
    return apply(op, [x], { geometry, divisor: height.kernel * width.kernel });
  // An index out of range selects zeros, which add nothing to a sum.
  const windows = gathered(x, sides, () => -1);
  const counts = ({ output, kernel, spans }: Split): number[] =>
    Array.from({ length: output }, (_, i) => (spans === null ? kernel : spans[i][1] - spans[i][0]));
  const columns = counts(width);
  const products = counts(height).flatMap((rows) => columns.map((taps) => rows * taps));
  const numbers = x.dtype === 'float64' ? Float64Array.from(products) : Float32Array.from(products);
  const divisors = x.upload(numbers, x.dtype, [height.output, width.output, 1]);
  const sums = endWithin(apply(op, [windows], { geometry, divisor: 1 }), x, windows);
  return endWithin(endWith(sums.div(divisors), divisors), x, sums);
}

/** Values, and plane indices into x. */
function maximum(
  op: typeof maxPoolOp,
  x: Tensor,
  sides: readonly [Split, Split],
  nan: NanPolicy,
): { readonly values: Tensor; readonly plane: Tensor; readonly geometry: Pool2dGeometry | null } {
  const geometry = geometryOf(x, sides);
  const [height, width] = sides;
  // A repeated last cell never takes the place of the first maximum. If NaN wins, the last one
  // does, whose repetitions are the same cell.
  const last = (end: number): number => end - 1;
  const windows = gathered(x, sides, last);
  const [pooled, found] = applyAll(op, [windows], { geometry, nan });
  const values = endWithin(pooled, x, windows);
  if (windows === x) return { values, plane: found, geometry };
  const columns = cellsOf(width, last);
  const cells = Array.from(cellsOf(height, last)).flatMap((row) =>
    Array.from(columns, (column) => row * width.input + column),
  );
  const plane = withTracking(false, () => {
    const table = x.upload(Int32Array.from(cells), 'int32');
    const places = found.reshape([found.size]);
    const flat = endWith(table.indexSelect(places), table, places);
    return endWithin(flat.reshape(found.shape), x, flat);
  });
  return { values, plane, geometry: null };
}

/** Checks images and computes their windows. */
function imageSplits(op: string, x: Tensor, outputSize: AdaptiveSize): [Split, Split] {
  checkTensor(op, 'input', x);
  const [batch, height, width, channels] = floatImageSizes(op, x);
  if (height === 0 || width === 0) throw new ShapeError(op, 'the image must not be empty', `input=${show(x.shape)}`);
  const [h, w] = checkAdaptiveSize(op, outputSize);
  checkShape(op, [batch, h ?? height, w ?? width, channels], 'result');
  return [split(height, h ?? height), split(width, w ?? width)];
}

/** Checks series and computes their windows, as images of one row. */
function seriesSplits(op: string, x: Tensor, outputSize: number): [Split, Split] {
  checkTensor(op, 'input', x);
  const [batch, length, channels] = floatSeriesSizes(op, x);
  if (length === 0) throw new ShapeError(op, 'the series must not be empty', `input=${show(x.shape)}`);
  const output = lengthOf(op, 'outputSize', outputSize);
  checkShape(op, [batch, output, channels], 'result');
  return [split(1, 1), split(length, output)];
}

// They have names of their own for messages.
const avg2dOp = { ...avgPoolOp, name: 'adaptiveAvgPool2d' };
const avg1dOp = { ...avgPoolOp, name: 'adaptiveAvgPool1d' };
const max2dOp = { ...maxPoolOp, name: 'adaptiveMaxPool2d' };
const max1dOp = { ...maxPoolOp, name: 'adaptiveMaxPool1d' };

/**
 * Means over windows that divide the image into H′ × W′ parts. Size 1 is the mean of the image.
 * @shape x [N,H,W,C] → y [N,H′,W′,C], of outputSize
 * @gradient g/n, spread over the window of n cells
 * @throws ShapeError for a wrong rank, or an empty batch or image; ValueError for sizes out of
 * range
 * @source torch.nn.functional.adaptive_avg_pool2d; keras.layers.GlobalAveragePooling2D (size 1)
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: AdaptiveSize): Tensor {
  return average(avg2dOp, x, imageSplits('adaptiveAvgPool2d', x, outputSize));
}

/**
 * The largest values of windows that divide the image into H′ × W′ parts, and their indices. Ties
 * take the first. The indices serve maxUnpool2d.
 * @shape x [N,H,W,C] → values [N,H′,W′,C], indices [N,H′,W′,C], of outputSize
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ShapeError for a wrong rank, or an empty batch or image; ValueError for sizes out of
 * range or an unknown policy
 * @source torch.nn.functional.adaptive_max_pool2d with return_indices;
 * keras.layers.GlobalMaxPooling2D (size 1)
 */
export function adaptiveMaxPool2d(
  x: Tensor,
  outputSize: AdaptiveSize,
  options: AdaptiveMaxPoolOptions = {},
): [values: Tensor, indices: PoolIndices] {
  const op = 'adaptiveMaxPool2d';
  const nan = nanOf(op, options);
  const { values, plane, geometry } = maximum(max2dOp, x, imageSplits(op, x, outputSize), nan);
  return [values, new PoolIndices(plane, x.shape, geometry)];
}

function nanOf(op: string, options: AdaptiveMaxPoolOptions): NanPolicy {
  knownOptions(op, options, adaptiveMaxPoolOptions);
  const { nan = 'propagate' } = options;
  checkNanPolicy(op, nan);
  return nan;
}

/**
 * Means over windows that divide the series into L′ parts. Size 1 is the mean of the series.
 * @shape x [N,L,C] → y [N,L′,C], of outputSize
 * @gradient g/n, spread over the window of n values
 * @throws ShapeError for a wrong rank, or an empty batch or series; ValueError for a size out of
 * range
 * @source torch.nn.functional.adaptive_avg_pool1d; keras.layers.GlobalAveragePooling1D (size 1)
 */
export function adaptiveAvgPool1d(x: Tensor, outputSize: number): Tensor {
  const op = 'adaptiveAvgPool1d';
  const sides = seriesSplits(op, x, outputSize);
  const rows = asRows(x);
  return fromRows(op, average(avg1dOp, rows, sides), rows);
}

/**
 * The largest values of windows that divide the series into L′ parts, and their indices. Ties take
 * the first. The indices serve maxUnpool1d.
 * @shape x [N,L,C] → values [N,L′,C], indices [N,L′,C], of outputSize
 * @units indices: see IndexConvention
 * @gradient g added at the maxima
 * @throws ShapeError for a wrong rank, or an empty batch or series; ValueError for a size out of
 * range or an unknown policy
 * @source torch.nn.functional.adaptive_max_pool1d with return_indices;
 * keras.layers.GlobalMaxPooling1D (size 1)
 */
export function adaptiveMaxPool1d(
  x: Tensor,
  outputSize: number,
  options: AdaptiveMaxPoolOptions = {},
): [values: Tensor, indices: PoolIndices] {
  const op = 'adaptiveMaxPool1d';
  const nan = nanOf(op, options);
  const sides = seriesSplits(op, x, outputSize);
  const rows = asRows(x);
  const { values, plane, geometry } = maximum(max1dOp, rows, sides, nan);
  const indices = fromRows(op, plane);
  return [fromRows(op, values, rows), new PoolIndices(indices, x.shape, geometry)];
}
