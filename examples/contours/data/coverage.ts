/**
 * How much of each pixel a shape covers, exactly, and the contours of a map of objects. Not here:
 * which shapes there are (outlines.ts), their colors (textures.ts).
 */

/** A point of an outline. Pixel (i, j) is the square [i, i + 1] × [j, j + 1]. @units pixels */
export type Point = readonly [y: number, x: number];

/** The part of an image that a shape touches, and how much of each of its pixels is covered. */
export interface Region {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
  /** @shape [height · width] @units 0 … 1 */
  readonly data: Float32Array;
}

/**
 * Adds what an edge contributes to the sums of a row. The edge crosses the row from `x0` to `x1`
 * and rises by `rise` of a pixel there. All pixels right of it gain `rise`, and a pixel that it
 * crosses gains the share of its area that is right of the edge.
 */
function addEdge(sums: Float64Array, row: number, width: number, x0: number, x1: number, rise: number): void {
  const [from, to] = x0 < x1 ? [x0, x1] : [x1, x0];
  if (from >= width) return;
  if (to <= 0) {
    sums[row] += rise;
    return;
  }
  for (let x = from; x < width; ) {
    const column = Math.floor(x);
    const next = Math.min(column + 1, to);
    const part = to === from ? rise : (rise * (next - x)) / (to - from);
    const left = column < 0 ? 0 : (x + next) / 2 - column;
    sums[row + Math.max(column, 0)] += part * (1 - left);
    sums[row + Math.max(column, 0) + 1] += part * left;
    if (next >= to) return;
    x = next;
  }
}

/**
 * The share of each pixel's area that is inside a polygon that does not cross itself. What lies
 * outside the image is left out.
 * @shape points [n,2] → at most [height · width]
 * @units pixels → 0 … 1
 * @source Levien 2016, "Inside the fastest font renderer in the world" (accumulation of areas)
 */
export function coverage(points: readonly Point[], height: number, width: number): Region {
  const bounds = (axis: 0 | 1, most: number): [number, number] => {
    const list = points.map((point) => point[axis]);
    const within = (n: number): number => Math.min(Math.max(n, 0), most);
    return [within(Math.floor(Math.min(...list))), within(Math.ceil(Math.max(...list)))];
  };
  const [top, bottom] = bounds(0, height);
  const [left, right] = bounds(1, width);
  const columns = right - left;
  const sums = new Float64Array((bottom - top) * (columns + 1));
  points.forEach(([y1, x1], i) => {
    const [y0, x0] = points[(i + points.length - 1) % points.length];
    const [low, high] = y0 < y1 ? [y0, y1] : [y1, y0];
    const xAt = (y: number): number => x0 + ((y - y0) * (x1 - x0)) / (y1 - y0) - left;
    for (let row = Math.max(Math.floor(low), top); row < Math.min(high, bottom); row++) {
      const [from, to] = [Math.max(low, row), Math.min(high, row + 1)];
      const rise = y0 < y1 ? to - from : from - to;
      if (rise !== 0) addEdge(sums, (row - top) * (columns + 1), columns, xAt(from), xAt(to), rise);
    }
  });
  const data = new Float32Array((bottom - top) * columns);
  for (let row = 0; row < bottom - top; row++) {
    let sum = 0;
    for (let x = 0; x < columns; x++) {
      sum += sums[row * (columns + 1) + x];
      data[row * columns + x] = Math.min(Math.abs(sum), 1);
    }
  }
  return { top, left, height: bottom - top, width: columns, data };
}

/**
 * Writes an object's label where it covers at least half of a pixel.
 * @shape labels [height · width]
 */
export function addLabel(labels: Int32Array, width: number, region: Region, label: number): void {
  for (let row = 0; row < region.height; row++)
    for (let column = 0; column < region.width; column++)
      if (region.data[row * region.width + column] >= 0.5)
        labels[(region.top + row) * width + region.left + column] = label;
}

/**
 * The contours of objects: each pixel of which one of the four neighbours belongs to an object
 * further behind, or to the background. So a contour is one pixel wide, and lies on the object in
 * front. The border of the image is no contour.
 * @shape labels [height · width] → [height · width]
 * @units labels 0 for the background, and a greater number for an object further in front → 0 or 1
 */
export function contourOf(labels: Int32Array, height: number, width: number): Float32Array {
  const contour = new Float32Array(height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const label = labels[at];
      const isFront =
        (y > 0 && labels[at - width] < label) ||
        (y < height - 1 && labels[at + width] < label) ||
        (x > 0 && labels[at - 1] < label) ||
        (x < width - 1 && labels[at + 1] < label);
      if (isFront) contour[at] = 1;
    }
  return contour;
}
