/**
 * Contours without learning, to compare a network with: Sobel's gradient and Canny's detector. Not
 * here: how good they are (measures/).
 */
import { ShapeError, ValueError } from 'cedargrad';
import { type HostArray, transforms } from 'cedargrad/data';
import { checkThresholds, defaultThresholds } from './measures/evaluate.js';
import { correlate, gaussian, type Plane, sample } from './measures/filters.js';
import type { ContourMap } from './measures/maps.js';
import { type SuppressOptions, suppress } from './measures/suppress.js';

/** Options of `sobel`, and those of the suppression. */
export interface SobelOptions extends SuppressOptions {
  /** Standard deviation of the blur. Default: √2. @units pixels */
  readonly sigma?: number;
}

/** Options of `canny`. */
export interface CannyOptions {
  /** Standard deviation of the blur. Default: √2, as in MATLAB's edge. @units pixels */
  readonly sigma?: number;
  /** The values that the map can have besides 0, rising. Default: 0.01, 0.02 … 0.99. */
  readonly levels?: readonly number[];
}

/** The gradient of an image's grey values. */
interface Gradient {
  readonly x: Plane;
  readonly y: Plane;
  /** Its length. */
  readonly magnitude: Plane;
}

/**
 * Sobel's gradient of the blurred grey values. It is divided by 4, so that a step from 0 to 1 has
 * the gradient 1 without the blur, and less with it.
 */
function gradientOf(op: string, image: HostArray, sigma: number): Gradient {
  const { shape } = image;
  if (shape.length !== 3 || shape[2] !== 3)
    throw new ShapeError(op, 'the image must have the shape [height,width,3]', `[${shape.join(',')}]`);
  if (!(sigma > 0 && sigma <= 20)) throw new ValueError(op, 'sigma must be above 0 and at most 20', `sigma=${sigma}`);
  const wrong = image.data.findIndex((v) => !(v >= 0 && v <= 1));
  if (wrong >= 0) throw new ValueError(op, 'the image must be in 0 … 1', `element ${wrong} is ${image.data[wrong]}`);
  const [height, width] = shape;
  const grey = { height, width, data: Float64Array.from(transforms.grayscale()(image).data) };
  const smooth = correlate(grey, gaussian(sigma));
  const x = correlate(smooth, [0.25, 0.5, 0.25], [-1, 0, 1]);
  const y = correlate(smooth, [-1, 0, 1], [0.25, 0.5, 0.25]);
  return { x, y, magnitude: { height, width, data: x.data.map((v, p) => Math.hypot(v, y.data[p])) } };
}

/**
 * Sobel's gradient as a map of contours, with non-maximum suppression. A value is the square root
 * of the gradient's length, at most 1. Most gradients are short, so the root spreads them over more
 * of the benchmark's thresholds. It does not change the order of the pixels.
 *
 * @param image gets grey as by `transforms.grayscale` @shape [height,width,3] @units 0 … 1
 * @throws ShapeError if the image has another shape
 * @throws ValueError if a value or an option is out of range
 */
export function sobel(image: HostArray, { sigma = Math.SQRT2, ...options }: SobelOptions = {}): ContourMap {
  const { height, width, data } = gradientOf('sobel', image, sigma).magnitude;
  const lengths = Float32Array.from(data, (v) => Math.min(v, 1));
  const thin = suppress({ height, width, data: lengths }, options);
  return { height, width, data: thin.data.map(Math.sqrt) };
}

/**
 * The lengths of the gradient where they are largest along the gradient, and 0 elsewhere. A pixel
 * must exceed the place one pixel before it and reach the one after it. So of two equal pixels at a
 * step one is left.
 */
function ridgesOf({ x, y, magnitude }: Gradient): Plane {
  const { height, width } = magnitude;
  const data = magnitude.data.map((length, p) => {
    if (length === 0) return 0;
    const [row, column] = [Math.floor(p / width), p % width];
    const [dy, dx] = [y.data[p] / length, x.data[p] / length];
    const isRidge =
      length > sample(magnitude, row - dy, column - dx) && length >= sample(magnitude, row + dy, column + dx);
    return isRidge ? length : 0;
  });
  return { height, width, data };
}

/**
 * Canny's detector for all thresholds at once. For a threshold `high` its contours are the pixels
 * whose gradient is at least 0.4·high and the largest in its direction, if such pixels connect them
 * with one of at least `high`. The map's value is the highest of `levels` at which a pixel
 * is a contour. A level v stands for the threshold high = v², as in `sobel`. So the map at a
 * threshold of the benchmark is Canny's result for this `high`.
 *
 * @param image @shape [height,width,3] @units 0 … 1
 * @throws ShapeError if the image has another shape
 * @throws ValueError if a value or an option is out of range
 * @source J. Canny, A computational approach to edge detection, IEEE Transactions on Pattern
 * Analysis and Machine Intelligence 8 (1986); the ratio 0.4 and σ = √2 from MATLAB's edge
 */
export function canny(image: HostArray, options: CannyOptions = {}): ContourMap {
  const { sigma = Math.SQRT2, levels = defaultThresholds } = options;
  checkThresholds('canny', 'levels', levels);
  const { height, width, data: lengths } = ridgesOf(gradientOf('canny', image, sigma));
  const out = new Float32Array(height * width);
  /** For each pixel one more than the index of the last level at which it was a contour. */
  const seen = new Uint16Array(height * width);
  levels.forEach((level, k) => {
    const high = level ** 2;
    const stack: number[] = [];
    const visit = (p: number, least: number): void => {
      if (lengths[p] < least || seen[p] === k + 1) return;
      seen[p] = k + 1;
      out[p] = level;
      stack.push(p);
    };
    for (let p = 0; p < lengths.length; p++) visit(p, high);
    for (let p = stack.pop(); p !== undefined; p = stack.pop()) {
      const [row, column] = [Math.floor(p / width), p % width];
      for (let y = Math.max(row - 1, 0); y <= Math.min(row + 1, height - 1); y++)
        for (let x = Math.max(column - 1, 0); x <= Math.min(column + 1, width - 1); x++)
          visit(y * width + x, 0.4 * high);
    }
  });
  return { height, width, data: out };
}
