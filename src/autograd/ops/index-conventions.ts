/**
 * The conventions by which frameworks count the cells of an image in indices of pooled maxima.
 * Inside the library an index counts within one plane (y·W + x). This file converts the other
 * conventions to plane indices and back, and checks indices from outside the library. Series count
 * as images of one row: y is 0 and H is 1, so that 'torch' is the position in the series.
 * Not here: the tensor of indices (pool-indices.ts).
 */
import { show, ValueError } from '../../errors.js';
import { imageShape, type Shape } from '../../values/shape.js';
import { extentOf, type Pool2dGeometry, type WindowAxis } from '../../values/window.js';

const conventions = ['torch', 'tf', 'tf-batch', 'onnx', 'window'] as const;
/**
 * How indices count cells.
 * - 'torch': y·W + x, in the plane of one image and channel.
 * - 'tf': (y·W + x)·C + c, in one image.
 * - 'tf-batch': ((n·H + y)·W + x)·C + c, in the batch.
 * - 'onnx': ((n·C + c)·H + y)·W + x, in the batch with channels first.
 * - 'window': row·kernelWidth + column, in the element's own window with its padding.
 *
 * A series is an image of one row: y is 0, H is 1, and x is the position.
 */
export type IndexConvention = (typeof conventions)[number];

export function checkConvention(op: string, convention: IndexConvention, geometry: Pool2dGeometry | null): void {
  if (!conventions.includes(convention))
    throw new ValueError(
      op,
      `convention must be one of ${conventions.map((c) => `'${c}'`).join(', ')}`,
      `convention=${convention}`,
    );
  if (convention === 'window' && geometry === null)
    throw new ValueError(
      op,
      "'window' needs the pool that made the indices",
      'indices without one',
      'pass pool: { kernelSize, stride, padding } to poolIndices()',
    );
}

/**
 * The first row or column of a window in the input. Negative if the window begins in the padding.
 */
const start = ({ stride, before }: WindowAxis, o: number): number => o * stride - before;

/** The coordinates of an element in the array of indices. */
export interface Coordinates {
  readonly n: number;
  readonly y: number;
  readonly x: number;
  readonly c: number;
}
export function coordinatesOf(i: number, shape: Shape): Coordinates {
  const [, height, width, channels] = imageShape(shape);
  return {
    n: Math.floor(i / (height * width * channels)),
    y: Math.floor(i / (width * channels)) % height,
    x: Math.floor(i / channels) % width,
    c: i % channels,
  };
}
/** The coordinates of element i of indices of this shape, for messages. */
export function showElement(i: number, shape: Shape): string {
  const { n, y, x, c } = coordinatesOf(i, shape);
  return shape.length === 3 ? `(n ${n}, l ${x}, c ${c})` : `(n ${n}, y ${y}, x ${x}, c ${c})`;
}

/**
 * Conversion between a convention's indices and plane indices. It may depend on the element's
 * coordinates `at`.
 */
export interface Counting {
  /** Converts a plane index to the convention's index. */
  write(plane: number, at: Coordinates): number;
  /** Converts the convention's index to a plane index. Null if the value is not a valid index. */
  read(value: number, at: Coordinates): number | null;
  /** The valid values, in words. */
  legal(at: Coordinates): string;
}

/** index = n·image + plane·factor + c·channel. */
function flatCounting(pixels: number, image: number, factor: number, channel: number): Counting {
  const low = ({ n, c }: Coordinates): number => n * image + c * channel;
  return {
    write: (plane, at) => low(at) + plane * factor,
    read: (value, at) => {
      const plane = (value - low(at)) / factor;
      return Number.isInteger(value) && Number.isInteger(plane) && plane >= 0 && plane < pixels ? plane : null;
    },
    legal: (at) => `in [${low(at)}, ${low(at) + (pixels - 1) * factor}]${factor === 1 ? '' : ` in steps of ${factor}`}`,
  };
}

/** Indices that count from the corner of the element's own window. */
function windowCounting({ height, width }: Pool2dGeometry): Counting {
  const cells = height.kernel * width.kernel;
  return {
    write: (plane, { y, x }) =>
      ((Math.floor(plane / width.input) - start(height, y)) / height.dilation) * width.kernel +
      ((plane % width.input) - start(width, x)) / width.dilation,
    read: (value, at) => {
      const y = start(height, at.y) + Math.floor(value / width.kernel) * height.dilation;
      const x = start(width, at.x) + (value % width.kernel) * width.dilation;
      const inside =
        Number.isInteger(value) &&
        value >= 0 &&
        value < cells &&
        y >= 0 &&
        y < height.input &&
        x >= 0 &&
        x < width.input;
      return inside ? y * width.input + x : null;
    },
    legal: () => `in [0, ${cells - 1}] and not in the padding`,
  };
}

export function countingOf(convention: IndexConvention, inputShape: Shape, geometry: Pool2dGeometry | null): Counting {
  const [, height, width, channels] = imageShape(inputShape);
  const pixels = height * width;
  switch (convention) {
    case 'torch':
      return flatCounting(pixels, 0, 1, 0);
    case 'tf':
      return flatCounting(pixels, 0, channels, 1);
    case 'tf-batch':
      return flatCounting(pixels, pixels * channels, channels, 1);
    case 'onnx':
      return flatCounting(pixels, pixels * channels, 1, pixels);
    case 'window':
      return windowCounting(geometry as Pool2dGeometry);
  }
}

/** Whether a window covers a cell. */
const covers = (axis: WindowAxis, o: number, i: number): boolean => {
  const offset = i - start(axis, o);
  return offset >= 0 && offset < extentOf(axis) && offset % axis.dilation === 0;
};
const isInWindow = (plane: number, { y, x }: Coordinates, { height, width }: Pool2dGeometry): boolean =>
  covers(height, y, Math.floor(plane / width.input)) && covers(width, x, plane % width.input);
/** The cells that a window covers, in words. */
function span(axis: WindowAxis, o: number): string {
  const [first, end] = [start(axis, o), Math.min(start(axis, o) + extentOf(axis), axis.input)];
  if (axis.dilation === 1) return `${Math.max(first, 0)} to ${end - 1}`;
  const cells = Array.from({ length: axis.kernel }, (_, k) => first + k * axis.dilation);
  return cells.filter((cell) => cell >= 0 && cell < end).join(', ');
}

/** Checks indices from outside the library and converts them to plane indices. */
export function planeOf(
  op: string,
  data: ArrayLike<number>,
  shape: Shape,
  convention: IndexConvention,
  inputShape: Shape,
  geometry: Pool2dGeometry | null,
): Int32Array<ArrayBuffer> {
  const counting = countingOf(convention, inputShape, geometry);
  const got = (i: number): string => `${data[i]} at ${showElement(i, shape)} for inputShape ${show(inputShape)}`;
  const outside = (i: number, index: number, { height, width }: Pool2dGeometry): ValueError => {
    const { y, x } = coordinatesOf(i, shape);
    const [row, column] = [Math.floor(index / width.input), index % width.input];
    const [places, place] =
      shape.length === 3
        ? [`positions ${span(width, x)}`, `position ${column}`]
        : [`rows ${span(height, y)} and columns ${span(width, x)}`, `row ${row}, column ${column}`];
    return new ValueError(
      op,
      `an index must lie in its own window, ${places}`,
      `${got(i)}, which is ${place}`,
      "was the pool's input of another size? name it by outputSize; " +
        "for indices that no pool made, check: 'shape', or poolIndices() without a pool",
    );
  };
  const illegal = (i: number): ValueError => {
    const at = coordinatesOf(i, shape);
    const others = conventions.filter(
      (as) => as !== convention && as !== 'window' && countingOf(as, inputShape, null).read(data[i], at) !== null,
    );
    const cause =
      others.length > 0
        ? `it is legal as ${others.map((k) => `'${k}'`).join(' or ')}: wrong convention?`
        : 'do the indices belong to another inputShape?';
    return new ValueError(op, `an index must be ${counting.legal(at)} under '${convention}'`, got(i), cause);
  };
  return Int32Array.from({ length: data.length }, (_, i) => {
    const at = coordinatesOf(i, shape);
    const index = counting.read(data[i], at);
    if (index === null) throw illegal(i);
    if (geometry !== null && !isInWindow(index, at, geometry)) throw outside(i, index, geometry);
    return index;
  });
}
