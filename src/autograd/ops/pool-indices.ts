/**
 * The positions of pooled maxima, with the input's shape and the pool's geometry, so that unpooling
 * needs no sizes again. They are stored as plane indices (y·W + x), which stay small on devices
 * that represent integers as floats. Other conventions are converted on input and output
 * (index-conventions.ts). Indices in a wrong convention cause an error there, never a wrong
 * picture.
 */

import type { NdArray } from 'ndarray';
import type { Device } from '../../device/device.js';
import { DeviceError, ShapeError, show, ValueError } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { TypedArray } from '../../values/dtype.js';
import { type Nested, parse, type TensorData, toNdarray, toNested } from '../../values/nested.js';
import { checkShape, imageShape, ownShape, rank3, rank4, type Shape, sizeOf } from '../../values/shape.js';
import { extentOf, type Pool2dGeometry, type WindowAxis } from '../../values/window.js';
import { isTensor, uploadTensor } from '../graph.js';
import {
  type Counting,
  checkConvention,
  coordinatesOf,
  countingOf,
  type IndexConvention,
  planeOf,
  showElement,
} from './index-conventions.js';

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
 * Indices of maxima, [N,H′,W′,C], into an input [N,H,W,C], or of series, [N,L′,C] into [N,L,C].
 * maxPool2d and maxPool1d create them, and poolIndices() wraps indices from other sources.
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
    /**
     * The pool that created the indices; for series, as a pool over images of one row. Null if it
     * is not known.
     */
    readonly geometry: Pool2dGeometry | null,
    /** The convention of the indices returned by data(), array() and ndarray(). */
    readonly convention: IndexConvention = 'torch',
  ) {
    if (geometry !== null && apart(geometry.height) && apart(geometry.width)) this.#repeat = null;
  }

  /** @shape [N,H′,W′,C], of series [N,L′,C] */
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
    const [first, second] = elements.map((i) => showElement(i, this.shape));
    const index = this.#counting().write(plane, coordinatesOf(elements[1], this.shape));
    throw new ValueError(
      op,
      "no index may repeat under duplicates 'error'",
      `${index} at ${first} and at ${second}`,
      "choose 'add', 'first', 'last', 'max' or 'mean'",
    );
  }
  #look(plane: ArrayLike<number>): void {
    const [, height, width] = imageShape(this.inputShape);
    const [batch, , , channels] = imageShape(this.shape);
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
const apart = (axis: WindowAxis): boolean => axis.stride >= extentOf(axis);

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
  const isSeries = inputShape.length === 3;
  const ranked = isSeries ? rank3 : rank4;
  ranked(op, 'inputShape', inputShape);
  ranked(op, 'shape', own);
  const [batch, , , channels] = imageShape(inputShape);
  const [n, height, width, c] = imageShape(own);
  if (n !== batch || c !== channels)
    throw new ShapeError(
      op,
      "batch and channels must be the input's",
      `shape=${show(own)}, inputShape=${show(inputShape)}`,
    );
  // Devices derive the positions of indices from the geometry, so with another shape they would
  // read beyond the array.
  if (geometry !== null && (height !== geometry.height.output || width !== geometry.width.output)) {
    const sides = isSeries ? [geometry.width.output] : [geometry.height.output, geometry.width.output];
    throw new ShapeError(
      op,
      "shape must be the pool's output shape",
      `shape=${show(own)}, inputShape=${show(inputShape)}`,
      `the pool gives ${show([batch, ...sides, channels])}`,
    );
  }
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
