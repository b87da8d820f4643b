/**
 * Non-maximum suppression: of the wide ridges of a map of probabilities it leaves the highest line.
 * Not here: thinning, which knows only sets of pixels (thin.ts).
 */
import { ValueError } from 'cedargrad';
import { correlate, derivative, type Plane, sample, triangle } from './filters.js';
import { type ContourMap, checkMap } from './maps.js';

/** Options of `suppress`. The defaults but that of `blur` are those of edgesDetect.m. */
export interface SuppressOptions {
  /**
   * Radius of the triangle that blurs the map first, which joins ragged lines. Default: 0, no blur.
   * edgesDetect.m has 1.
   */
  readonly blur?: number;
  /** How many places on each side a pixel is compared with, one pixel apart. Default: 1. */
  readonly radius?: number;
  /** How many rows and columns at the border are damped. Default: 5. */
  readonly border?: number;
  /** By how much a pixel may be multiplied before it is compared. Default: 1.01. */
  readonly factor?: number;
}

/**
 * The direction across the ridges of a map, as an angle from the x axis to the y axis, which points
 * down. The map is blurred by a triangle of radius 4. Then the angle is
 * atan(fyy · sign(−fxy) / (fxx + 10⁻⁵)).
 */
function acrossRidges(plane: Plane): Float64Array {
  const smooth = correlate(plane, triangle(4));
  const [fx, fy] = [derivative(smooth, 'x'), derivative(smooth, 'y')];
  const fxx = derivative(fx, 'x').data;
  const fxy = derivative(fy, 'x').data;
  const fyy = derivative(fy, 'y').data;
  // A sign of 0 would turn a horizontal ridge by 90°, because there fxy is 0.
  return fxx.map((xx, i) => Math.atan((fyy[i] * (fxy[i] > 0 ? -1 : 1)) / (xx + 1e-5)));
}

/**
 * Keeps the pixels that are largest across their ridge, and sets the others to 0.
 *
 * A pixel is set to 0 if `factor` times its value is less than a value at −radius … radius pixels
 * across the ridge, found between pixels by the four around. Then the outer `border` rows and
 * columns are damped, because detectors are unsure there: those at distance d from the border are
 * multiplied by d / border. In a small map `border` is at most half its height and width.
 *
 * @throws ShapeError if the map's sizes are wrong
 * @throws ValueError if a number is not finite, or an option is out of range
 * @source P. Dollár's structured edges: edgesDetect.m (orientation) and edgesNmsMex.cpp
 */
export function suppress(map: ContourMap, options: SuppressOptions = {}): ContourMap {
  checkMap('suppress', 'map', map);
  const { blur = 0, radius = 1, border = 5, factor = 1.01 } = options;
  for (const [name, value] of Object.entries({ blur, radius, border }))
    if (!Number.isInteger(value) || value < 0)
      throw new ValueError('suppress', `${name} must be a whole number from 0 on`, `${name}=${value}`);
  if (!(factor >= 1 && factor < Infinity))
    throw new ValueError('suppress', 'factor must be at least 1 and finite', `factor=${factor}`);

  const { height, width } = map;
  const plane = correlate({ height, width, data: Float64Array.from(map.data) }, triangle(blur));
  const angles = acrossRidges(plane);
  const damping = Math.min(border, Math.floor(height / 2), Math.floor(width / 2));
  const damped = (i: number, length: number): number => Math.min(i, length - 1 - i, damping) / damping;
  const out = Float32Array.from(plane.data, (value, p) => {
    if (value === 0) return 0;
    const [y, x] = [Math.floor(p / width), p % width];
    const [dy, dx] = [Math.sin(angles[p]), Math.cos(angles[p])];
    for (let d = 1; d <= radius; d++) {
      const highest = Math.max(sample(plane, y + d * dy, x + d * dx), sample(plane, y - d * dy, x - d * dx));
      if (value * factor < highest) return 0;
    }
    return damping === 0 ? value : value * damped(y, height) * damped(x, width);
  });
  return { height, width, data: out };
}
