/**
 * The positions of pooled maxima, with the input's shape and the pool's geometry, so that unpooling
 * needs no sizes again. They are stored as plane indices (y·W + x), which stay small on devices
 * that represent integers as floats. Other conventions are converted on input and output. Indices
 * in a wrong convention cause an error there, never a wrong picture.
 */

import type { NdArray } from 'ndarray';
import type { Device } from '../../device/device.js';
import { DeviceError, ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TypedArray } from '../../values/dtype.js';
import { type Nested, parse, type TensorData, toNdarray, toNested } from '../../values/nested.js';
import { checkShape, ownShape, rank4, type Shape, sizeOf } from '../../values/shape.js';
import type { Pool2dGeometry, WindowAxis } from '../../values/window.js';
import { isTensor, uploadTensor } from '../graph.js';

const conventions = ['torch', 'tf', 'tf-batch', 'onnx', 'window'] as const;
/**
 * How indices count cells.
 * - 'torch': y·W + x, in the plane of one image and channel.
 * - 'tf': (y·W + x)·C + c, in one image.
 * - 'tf-batch': ((n·H + y)·W + x)·C + c, in the batch.
 * - 'onnx': ((n·C + c)·H + y)·W + x, in the batch with channels first.
 * - 'window': row·kernelWidth + column, in the element's own window with its padding.
 */
export type IndexConvention = (typeof conventions)[number];

function checkConvention(op: string, convention: IndexConvention, geometry: Pool2dGeometry | null): void {
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
interface Coordinates {
  readonly n: number;
  readonly y: number;
  readonly x: number;
  readonly c: number;
}
const coordinatesOf = (i: number, [, height, width, channels]: Shape): Coordinates => ({
  n: Math.floor(i / (height * width * channels)),
  y: Math.floor(i / (width * channels)) % height,
  x: Math.floor(i / channels) % width,
  c: i % channels,
});
const showCoordinates = ({ n, y, x, c }: Coordinates): string => `(n ${n}, y ${y}, x ${x}, c ${c})`;

/**
 * Conversion between a convention's indices and plane indices. It may depend on the element's
 * coordinates `at`.
 */
interface Counting {
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
      (Math.floor(plane / width.input) - start(height, y)) * width.kernel + (plane % width.input) - start(width, x),
    read: (value, at) => {
      const y = start(height, at.y) + Math.floor(value / width.kernel);
      const x = start(width, at.x) + (value % width.kernel);
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

function countingOf(
  convention: IndexConvention,
  [, height, width, channels]: Shape,
  geometry: Pool2dGeometry | null,
): Counting {
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
const covers = (axis: WindowAxis, o: number, i: number): boolean =>
  i >= start(axis, o) && i < start(axis, o) + axis.kernel;
const isInWindow = (plane: number, { y, x }: Coordinates, { height, width }: Pool2dGeometry): boolean =>
  covers(height, y, Math.floor(plane / width.input)) && covers(width, x, plane % width.input);
/** The cells that a window covers, in words. */
const span = (axis: WindowAxis, o: number): string =>
  `${Math.max(start(axis, o), 0)} to ${Math.min(start(axis, o) + axis.kernel, axis.input) - 1}`;

/** Checks indices from outside the library and converts them to plane indices. */
function planeOf(
  op: string,
  data: ArrayLike<number>,
  shape: Shape,
  convention: IndexConvention,
  inputShape: Shape,
  geometry: Pool2dGeometry | null,
): Int32Array<ArrayBuffer> {
  const counting = countingOf(convention, inputShape, geometry);
  const got = (i: number): string =>
    `${data[i]} at ${showCoordinates(coordinatesOf(i, shape))} for inputShape ${show(inputShape)}`;
  const outside = (i: number, index: number, { height, width }: Pool2dGeometry): ValueError => {
    const { y, x } = coordinatesOf(i, shape);
    return new ValueError(
      op,
      `an index must lie in its own window, rows ${span(height, y)} and columns ${span(width, x)}`,
      `${got(i)}, which is row ${Math.floor(index / width.input)}, column ${index % width.input}`,
      "was the pool's input of another size? name it by outputSize; for indices that no pool made, check: 'shape', or poolIndices() without a pool",
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

/**
 * A tensor's values. If the device cannot be read synchronously, the DeviceError says what to do
 * instead.
 */
function readNow(op: string, t: Tensor, rule: string, hint: string): TypedArray {
  try {
    return t.dataSync();
  } catch (error) {
    throw error instanceof DeviceError && t.device.alive ? new DeviceError(op, rule, error.got, hint) : error;
  }
}

/**
 * Looks for repeated indices while their values are on the host, which avoids reading them back
 * later.
 */
let lookForRepeats: (indices: PoolIndices, plane: ArrayLike<number>) => void;

/**
 * Indices of maxima, [N,H′,W′,C], into an input [N,H,W,C]. maxPool2d creates them, and
 * poolIndices() wraps indices from other sources.
 */
export class PoolIndices {
  static {
    lookForRepeats = (indices, plane) => indices.#look(plane);
  }
  /**
   * The first two elements with the same index. Null if no index repeats, undefined if that is not
   * known yet.
   */
  #repeat: Repeat | null | undefined;

  constructor(
    /** Plane indices on the device, int32. */
    readonly plane: Tensor,
    readonly inputShape: Shape,
    /** The pool that created the indices. Null if it is not known. */
    readonly geometry: Pool2dGeometry | null,
    /** The convention of the indices returned by data(), array() and ndarray(). */
    readonly convention: IndexConvention = 'torch',
  ) {
    if (geometry !== null && apart(geometry.height) && apart(geometry.width)) this.#repeat = null;
  }

  /** @shape [N,H′,W′,C] */
  get shape(): Shape {
    return this.plane.shape;
  }

  get dtype(): 'int32' {
    return 'int32';
  }

  /**
   * The same indices in another convention. The conversion is lossless.
   * @throws ValueError for an unknown convention, or for 'window' if the pool is not known
   */
  to(convention: IndexConvention): PoolIndices {
    checkConvention('PoolIndices', convention, this.geometry);
    const other = new PoolIndices(this.plane, this.inputShape, this.geometry, convention);
    other.#repeat = this.#repeat;
    return other;
  }

  #counting(): Counting {
    return countingOf(this.convention, this.inputShape, this.geometry);
  }
  #convert(plane: TypedArray): Int32Array<ArrayBuffer> {
    const counting = this.#counting();
    return Int32Array.from(plane, (p, i) => counting.write(p, coordinatesOf(i, this.shape)));
  }

  /** The indices, row-major. @units counted as `convention` says */
  async data(): Promise<Int32Array<ArrayBuffer>> {
    return this.#convert(await this.plane.data());
  }
  /**
   * The indices, read synchronously.
   * @throws DeviceError if the device cannot be read synchronously
   */
  dataSync(): Int32Array<ArrayBuffer> {
    return this.#convert(this.plane.dataSync());
  }
  /** The indices as nested arrays. */
  async array(): Promise<Nested> {
    return toNested(await this.data(), this.shape, 'int32');
  }
  /**
   * The indices as npm's ndarray.
   * @throws DeviceError if the device cannot be read synchronously
   */
  ndarray(): NdArray {
    return toNdarray(this.dataSync(), this.shape);
  }

  /** Whether an index may repeat, for example because windows overlap. */
  get mayRepeat(): boolean {
    return this.#repeat !== null;
  }
  /**
   * Reads the indices once and checks that none repeats. Call it before using `duplicates: 'error'`
   * on a device that cannot be read synchronously.
   * @throws ValueError with the two elements that have the same index
   */
  async checkUnique(): Promise<this> {
    if (this.#repeat === undefined) this.#look(await this.plane.data());
    return this.#refuseRepeat('checkUnique');
  }
  /**
   * Like checkUnique, but synchronous.
   * @throws DeviceError if the device cannot be read synchronously
   */
  checkUniqueSync(op = 'checkUnique'): this {
    if (this.#repeat === undefined)
      this.#look(
        readNow(op, this.plane, "duplicates 'error' must read the indices", 'await indices.checkUnique() before'),
      );
    return this.#refuseRepeat(op);
  }
  #refuseRepeat(op: string): this {
    if (this.#repeat == null) return this;
    const { elements, plane } = this.#repeat;
    const [first, second] = elements.map((i) => coordinatesOf(i, this.shape));
    throw new ValueError(
      op,
      "no index may repeat under duplicates 'error'",
      `${this.#counting().write(plane, second)} at ${showCoordinates(first)} and at ${showCoordinates(second)}`,
      "choose 'add', 'first', 'last', 'max' or 'mean'",
    );
  }
  #look(plane: ArrayLike<number>): void {
    const [, height, width] = this.inputShape;
    const [batch, , , channels] = this.shape;
    const perImage = plane.length / batch;
    const taken = new Int32Array(batch * height * width * channels).fill(-1);
    this.#repeat = null;
    for (let i = 0; i < plane.length; i++) {
      const cell = (Math.floor(i / perImage) * height * width + plane[i]) * channels + (i % channels);
      if (taken[cell] >= 0) {
        this.#repeat = { elements: [taken[cell], i], plane: plane[i] };
        return;
      }
      taken[cell] = i;
    }
  }

  /** Shapes and convention. The indices themselves are read by data(). */
  toString(): string {
    return `PoolIndices(${show(this.shape)} into ${show(this.inputShape)}, '${this.convention}')`;
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }

  /** Exempts the indices from release, like Tensor.keep. */
  keep(): this {
    this.plane.keep();
    return this;
  }
  /** The tensors that noGrad keeps alive if the indices are its result. */
  tensors(): readonly Tensor[] {
    return [this.plane];
  }
}

/** Two elements of one image and channel with the same index. */
interface Repeat {
  readonly elements: readonly [number, number];
  readonly plane: number;
}

/** Whether windows share no cell along this axis. */
const apart = ({ stride, kernel }: WindowAxis): boolean => stride >= kernel;

/**
 * Checks indices from outside the library and uploads them to a device. `shape` defaults to the
 * shape of the data.
 */
export function indicesFrom(
  op: string,
  raw: TensorData | Tensor,
  shape: Shape | undefined,
  {
    convention,
    inputShape,
    geometry,
    device,
  }: { convention: IndexConvention; inputShape: Shape; geometry: Pool2dGeometry | null; device: Device },
): PoolIndices {
  const source = isTensor(raw)
    ? {
        data: readNow(op, raw, 'raw indices are checked, so they must be read', 'pass numbers: await tensor.data()'),
        shape: [...raw.shape],
      }
    : parse(op, raw);
  const own = ownShape(op, shape ?? source.shape);
  checkShape(op, inputShape, 'inputShape');
  const [batch, , , channels] = rank4(op, 'inputShape', inputShape);
  const [n, , , c] = rank4(op, 'shape', own);
  if (n !== batch || c !== channels)
    throw new ShapeError(
      op,
      "batch and channels must be the input's",
      `shape=${show(own)}, inputShape=${show(inputShape)}`,
    );
  // Devices derive the positions of indices from the geometry, so with another shape they would
  // read beyond the array.
  if (geometry !== null && (own[1] !== geometry.height.output || own[2] !== geometry.width.output))
    throw new ShapeError(
      op,
      "shape must be the pool's output shape",
      `shape=${show(own)}, inputShape=${show(inputShape)}`,
      `the pool gives ${show([batch, geometry.height.output, geometry.width.output, channels])}`,
    );
  if (source.data.length !== sizeOf(own))
    throw new ShapeError(
      op,
      'there must be one index per element',
      `${source.data.length} indices, shape=${show(own)}`,
    );
  checkConvention(op, convention, geometry);
  const plane = planeOf(op, source.data, own, convention, inputShape, geometry);
  const indices = new PoolIndices(uploadTensor(device, plane, 'int32', own), [...inputShape], geometry, convention);
  if (indices.mayRepeat) lookForRepeats(indices, plane);
  return indices;
}
