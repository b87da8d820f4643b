/**
 * Maps of contours: one number for each pixel of an image. Not here: filters of maps (filters.ts)
 * and the files that hold them.
 */
import { ShapeError, ValueError } from 'cedargrad';

/** One number for each pixel, row by row. */
export interface PixelMap {
  readonly height: number;
  readonly width: number;
  /** @shape [height·width] */
  readonly data: Float32Array | Uint8Array;
}

/** The probability of a contour at each pixel, 0 … 1. */
export interface ContourMap extends PixelMap {
  readonly data: Float32Array;
}

/** A set of pixels: 1 in the set, 0 outside of it. */
export interface BinaryMap extends PixelMap {
  readonly data: Uint8Array;
}

const sizeOf = ({ height, width }: PixelMap): string => `${height}×${width}`;

/**
 * Checks that a map has at least one pixel, and one finite number for each pixel.
 *
 * @throws ShapeError if the sizes are not whole numbers from 1 on, or do not fit the data
 * @throws ValueError if a number is not finite
 */
export function checkMap(op: string, name: string, map: PixelMap): void {
  const { height, width, data } = map;
  if (!Number.isInteger(height) || !Number.isInteger(width) || height < 1 || width < 1)
    throw new ShapeError(op, `${name} must have whole sizes of at least 1`, `${name}=${sizeOf(map)}`);
  if (data.length !== height * width)
    throw new ShapeError(
      op,
      `${name} must have one number for each pixel`,
      `${data.length} numbers, ${name}=${sizeOf(map)}`,
    );
  const wrong = data instanceof Uint8Array ? -1 : data.findIndex((v) => !Number.isFinite(v));
  if (wrong >= 0) throw new ValueError(op, `${name} must be finite`, `${name}[${wrong}]=${data[wrong]}`);
}

/**
 * Checks that `b` has the size of `a`.
 *
 * @throws ShapeError if not
 */
export function checkSameSize(op: string, nameA: string, a: PixelMap, nameB: string, b: PixelMap): void {
  if (a.height !== b.height || a.width !== b.width)
    throw new ShapeError(
      op,
      `${nameA} and ${nameB} must have the same size`,
      `${nameA}=${sizeOf(a)}, ${nameB}=${sizeOf(b)}`,
    );
}
