/**
 * Filters of grey images and maps, in float64: blurs, derivatives and values between pixels. Not
 * here: what is done with them (suppress.ts, baselines.ts).
 */

/** One number for each pixel, row by row. */
export interface Plane {
  readonly height: number;
  readonly width: number;
  /** @shape [height·width] */
  readonly data: Float64Array;
}

/**
 * The triangle [1 … r, r + 1, r … 1] / (r + 1)².
 *
 * @source convTri.m of P. Dollár's toolbox
 */
export const triangle = (r: number): number[] =>
  Array.from({ length: 2 * r + 1 }, (_, i) => (r + 1 - Math.abs(i - r)) / (r + 1) ** 2);

/** A Gaussian from −3σ to 3σ, rounded up to whole pixels, with sum 1. @units sigma: pixels */
export function gaussian(sigma: number): number[] {
  const r = Math.ceil(3 * sigma);
  const values = Array.from({ length: 2 * r + 1 }, (_, i) => Math.exp(-((i - r) ** 2) / (2 * sigma ** 2)));
  const sum = values.reduce((a, b) => a + b, 0);
  return values.map((v) => v / sum);
}

/** The index in 0 … n − 1 that `i` has when the row is continued by its mirror image: b a | a b. */
function mirrored(i: number, n: number): number {
  const at = ((i % (2 * n)) + 2 * n) % (2 * n);
  return at < n ? at : 2 * n - 1 - at;
}

/** Correlates along one axis: the rows if `isAlongRows`, otherwise the columns. */
function alongAxis({ height, width, data }: Plane, kernel: readonly number[], isAlongRows: boolean): Plane {
  const r = (kernel.length - 1) / 2;
  const [length, step] = isAlongRows ? [width, 1] : [height, width];
  const [lines, lineStep] = isAlongRows ? [height, width] : [width, 1];
  const out = new Float64Array(data.length);
  const sources = kernel.map((_, k) => Array.from({ length }, (_, i) => step * mirrored(i + k - r, length)));
  for (let line = 0; line < lines; line++) {
    const from = line * lineStep;
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += kernel[k] * data[from + sources[k][i]];
      out[from + i * step] = sum;
    }
  }
  return { height, width, data: out };
}

/**
 * Correlates a plane with a kernel along columns and another one along rows. Beyond its border the
 * plane continues as its mirror image, with the pixels of the border twice.
 *
 * @param down the kernel along columns, of odd length
 * @param across the kernel along rows, of odd length
 */
export const correlate = (plane: Plane, down: readonly number[], across: readonly number[] = down): Plane =>
  alongAxis(alongAxis(plane, down, false), across, true);

/**
 * The derivative along rows (x) or columns (y): half the difference of the neighbours, and at the
 * border the difference to the one neighbour. It is 0 along an axis of one pixel.
 *
 * @source MATLAB's gradient
 */
export function derivative({ height, width, data }: Plane, axis: 'x' | 'y'): Plane {
  const [length, step] = axis === 'x' ? [width, 1] : [height, width];
  const out = data.map((_, p) => {
    const i = axis === 'x' ? p % width : Math.floor(p / width);
    const before = i > 0 ? p - step : p;
    const after = i < length - 1 ? p + step : p;
    return before === after ? 0 : (data[after] - data[before]) / ((after - before) / step);
  });
  return { height, width, data: out };
}

/**
 * The value at a place between pixels, from the four around it. Places outside move to the border.
 */
export function sample({ height, width, data }: Plane, y: number, x: number): number {
  const [cy, cx] = [Math.min(Math.max(y, 0), height - 1), Math.min(Math.max(x, 0), width - 1)];
  const [y0, x0] = [Math.floor(cy), Math.floor(cx)];
  const [y1, x1] = [Math.min(y0 + 1, height - 1), Math.min(x0 + 1, width - 1)];
  const [dy, dx] = [cy - y0, cx - x0];
  const above = data[y0 * width + x0] * (1 - dx) + data[y0 * width + x1] * dx;
  const below = data[y1 * width + x0] * (1 - dx) + data[y1 * width + x1] * dx;
  return above * (1 - dy) + below * dy;
}
