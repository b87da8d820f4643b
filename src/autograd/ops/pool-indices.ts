/**
 * Where each maximum stood, with the input's shape and the pool's geometry, so that unpooling needs no sizes again. Held as plane indices (y·W + x),
 * which stay small on devices that count in floats; other conventions are computed at the border, where a wrong one is an error, never a wrong picture.
 */

import type { NdArray } from 'ndarray';
import { ShapeError, show, ValueError } from '../../errors.js';
import type { TypedArray } from '../../tensor/dtype.js';
import { type Nested, toNdarray, toNested } from '../../tensor/nested.js';
import { rank4, type Shape, sizeOf } from '../../tensor/shape.js';
import type { Tensor } from '../../tensor/tensor.js';
import type { Pool2dGeometry } from '../../tensor/window.js';

/**
 * How an index counts. `'torch'`: y·W + x in the image's plane. `'tf'`: (y·W + x)·C + c in the image. `'tf-batch'`: ((n·H + y)·W + x)·C + c in the batch.
 */
export type IndexConvention = 'torch' | 'tf' | 'tf-batch';

/** Offset and factor: index = base(n) + plane·factor + c·channel. */
function layout(convention: IndexConvention, [, height, width, channels]: Shape): { image: number; factor: number; channel: number } {
  switch (convention) {
    case 'torch':
      return { image: 0, factor: 1, channel: 0 };
    case 'tf':
      return { image: 0, factor: channels, channel: 1 };
    case 'tf-batch':
      return { image: height * width * channels, factor: channels, channel: 1 };
    default:
      throw new ValueError('PoolIndices', "convention must be 'torch', 'tf' or 'tf-batch'", `convention=${convention}`);
  }
}

/** Indices of maxima, [N,H′,W′,C], into an input [N,H,W,C]. */
export class PoolIndices {
  constructor(
    /** Plane indices on the device, int32. */
    readonly plane: Tensor,
    readonly inputShape: Shape,
    /** The pool that made them; null for indices from elsewhere. */
    readonly geometry: Pool2dGeometry | null,
    /** What data(), array() and ndarray() give. */
    readonly convention: IndexConvention = 'torch',
  ) {}

  /** @shape [N,H′,W′,C] */
  get shape(): Shape {
    return this.plane.shape;
  }

  get dtype(): 'int32' {
    return 'int32';
  }

  /** The same indices in another convention; lossless. @throws ValueError for an unknown convention */
  to(convention: IndexConvention): PoolIndices {
    layout(convention, this.inputShape);
    return new PoolIndices(this.plane, this.inputShape, this.geometry, convention);
  }

  #convert(plane: TypedArray): Int32Array<ArrayBuffer> {
    const { image, factor, channel } = layout(this.convention, this.inputShape);
    const channels = this.shape[3];
    const perImage = this.plane.size / this.shape[0];
    return Int32Array.from(plane, (p, i) => Math.floor(i / perImage) * image + p * factor + (i % channels) * channel);
  }

  /** The indices, row-major. @units counted as `convention` says */
  async data(): Promise<Int32Array<ArrayBuffer>> {
    return this.#convert(await this.plane.data());
  }
  /** The same at once. @throws DeviceError where the device cannot read at once */
  dataSync(): Int32Array<ArrayBuffer> {
    return this.#convert(this.plane.dataSync());
  }
  /** As nested arrays. */
  async array(): Promise<Nested> {
    return toNested(await this.data(), this.shape, 'int32');
  }
  /** As npm's ndarray. @throws DeviceError where the device cannot read at once */
  ndarray(): NdArray {
    return toNdarray(this.dataSync(), this.shape);
  }
  /** Exempts the indices from release, as Tensor.keep. */
  keep(): this {
    this.plane.keep();
    return this;
  }
  /** What noGrad keeps alive when the indices are its result. */
  tensors(): readonly Tensor[] {
    return [this.plane];
  }
}

/** Checks indices from elsewhere and turns them into plane indices. */
export function planeOf(op: string, data: ArrayLike<number>, shape: Shape, convention: IndexConvention, inputShape: Shape): Int32Array<ArrayBuffer> {
  const [batch, height, width, channels] = rank4(op, 'inputShape', inputShape);
  const [n0, h0, w0, c0] = rank4(op, 'shape', shape);
  if (n0 !== batch || c0 !== channels)
    throw new ShapeError(op, "batch and channels must be the input's", `shape=${show(shape)}, inputShape=${show(inputShape)}`);
  if (data.length !== sizeOf(shape)) throw new ShapeError(op, 'there must be one index per element', `${data.length} indices, shape=${show(shape)}`);
  const plane = height * width;
  /** Legal range of an element's index under a convention, and the plane index it means, or null. */
  const meaning = (as: IndexConvention, value: number, n: number, c: number) => {
    const { image, factor, channel } = layout(as, inputShape);
    const low = n * image + c * channel;
    const p = (value - low) / factor;
    const legal = Number.isInteger(value) && Number.isInteger(p) && p >= 0 && p < plane;
    return { low, high: low + (plane - 1) * factor, factor, index: legal ? p : null };
  };
  return Int32Array.from({ length: data.length }, (_, i) => {
    const c = i % c0;
    const n = Math.floor(i / (h0 * w0 * c0));
    const value = data[i];
    const { low, high, factor, index } = meaning(convention, value, n, c);
    if (index !== null) return index;
    const place = `(n ${n}, y ${Math.floor(i / (w0 * c0)) % h0}, x ${Math.floor(i / c0) % w0}, c ${c})`;
    const others = (['torch', 'tf', 'tf-batch'] as const).filter((as) => as !== convention && meaning(as, value, n, c).index !== null);
    const cause =
      others.length > 0 ? `it is legal as ${others.map((k) => `'${k}'`).join(' or ')}: wrong convention?` : 'do the indices belong to another inputShape?';
    const every = factor === 1 ? '' : ` in steps of ${factor}`;
    throw new ValueError(
      op,
      `an index must be in [${low}, ${high}]${every} under '${convention}'`,
      `${value} at ${place} for inputShape ${show(inputShape)}`,
      cause,
    );
  });
}
