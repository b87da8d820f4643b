/**
 * Resizing and rotating the pixels of an image. Arguments are not checked. Not here: what is drawn
 * at random, and the transforms' options (geometry.ts).
 */
import type { HostArray } from '../host-array.js';
import { arrayLike, type Interpolation } from './step.js';

/** For each output position the inputs that it is made of, and their weights. */
interface Taps {
  /** The first input. @shape [outputs] */
  readonly first: Int32Array;
  /** The weights of the inputs from the first on. @shape [outputs, most] */
  readonly weights: Float64Array;
  /** The number of weights of an output, the last of which may be 0. */
  readonly most: number;
}

/**
 * The weights of linear interpolation from `from` to `to` positions, whose corners coincide. With
 * antialias, each output that stands for several inputs is their mean under a triangle.
 * @source torch.nn.functional.interpolate, align_corners=False, with antialias
 */
function linearTaps(from: number, to: number, antialias: boolean): Taps {
  const scale = from / to;
  const support = antialias ? Math.max(scale, 1) : 1;
  const most = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const weights = new Float64Array(to * most);
  for (let i = 0; i < to; i++) {
    const center = scale * (i + 0.5);
    const begin = Math.max(Math.floor(center - support + 0.5), 0);
    const end = Math.min(Math.floor(center + support + 0.5), from);
    let sum = 0;
    for (let j = begin; j < end; j++) sum += Math.max(0, 1 - Math.abs((j + 0.5 - center) / support));
    for (let j = begin; j < end; j++)
      weights[i * most + j - begin] = Math.max(0, 1 - Math.abs((j + 0.5 - center) / support)) / sum;
    first[i] = begin;
  }
  return { first, weights, most };
}

/** Resizes one axis: [outer, from, inner] → [outer, to, inner]. */
function resizeAxis(
  data: HostArray['data'],
  outer: number,
  from: number,
  inner: number,
  to: number,
  antialias: boolean,
): HostArray['data'] {
  if (from === to) return data;
  const { first, weights, most } = linearTaps(from, to, antialias);
  const out = arrayLike(data, outer * to * inner);
  const sums = new Float64Array(inner);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < to; i++) {
      sums.fill(0);
      const begin = first[i] as number;
      const count = Math.min(most, from - begin);
      for (let j = 0; j < count; j++) {
        const weight = weights[i * most + j] as number;
        if (weight === 0) continue;
        const at = (o * from + begin + j) * inner;
        for (let k = 0; k < inner; k++) sums[k] = (sums[k] as number) + weight * (data[at + k] as number);
      }
      const at = (o * to + i) * inner;
      for (let k = 0; k < inner; k++) out[at + k] = sums[k] as number;
    }
  return out;
}

/** Takes rows and columns by their indices. An index of −1 gives `fill`. */
export function pick(
  { data, shape }: HostArray,
  rows: ArrayLike<number>,
  columns: ArrayLike<number>,
  fill = 0,
): HostArray {
  const [, width, channels] = shape as unknown as [number, number, number];
  const out = arrayLike(data, rows.length * columns.length * channels);
  let to = 0;
  for (let y = 0; y < rows.length; y++) {
    const row = rows[y] as number;
    for (let x = 0; x < columns.length; x++) {
      const column = columns[x] as number;
      const from = (row * width + column) * channels;
      if (row < 0 || column < 0) for (let c = 0; c < channels; c++) out[to++] = fill;
      else for (let c = 0; c < channels; c++) out[to++] = data[from + c] as number;
    }
  }
  return { data: out, shape: [rows.length, columns.length, channels] };
}

/** The nearest input of each output, centre to centre. @source torch 'nearest-exact' */
const nearest = (from: number, to: number): Int32Array =>
  Int32Array.from({ length: to }, (_, i) => Math.min(Math.floor(((i + 0.5) * from) / to), from - 1));

export function resized(
  image: HostArray,
  height: number,
  width: number,
  interpolation: Interpolation,
  antialias: boolean,
): HostArray {
  const [fromHeight, fromWidth, channels] = image.shape as unknown as [number, number, number];
  if (interpolation === 'nearest') return pick(image, nearest(fromHeight, height), nearest(fromWidth, width));
  // The axis that shrinks most goes first.
  const rowsFirst = fromHeight / height > fromWidth / width;
  let { data } = image;
  if (rowsFirst) data = resizeAxis(data, 1, fromHeight, fromWidth * channels, height, antialias);
  data = resizeAxis(data, rowsFirst ? height : fromHeight, fromWidth, channels, width, antialias);
  if (!rowsFirst) data = resizeAxis(data, 1, fromHeight, width * channels, height, antialias);
  return { data: data === image.data ? data.slice() : data, shape: [height, width, channels] };
}

/**
 * Turns an image about its centre, counter-clockwise. Its size stays, and what comes from outside
 * is `fill`.
 * @units degrees
 */
export function rotated(image: HostArray, degrees: number, interpolation: Interpolation, fill: number): HostArray {
  const { data } = image;
  const [height, width, channels] = image.shape as unknown as [number, number, number];
  const turn = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const [middleY, middleX] = [(height - 1) / 2, (width - 1) / 2];
  const out = arrayLike(data, data.length);
  const isInside = (y: number, x: number): boolean => y >= 0 && y < height && x >= 0 && x < width;
  const at = (y: number, x: number, c: number): number =>
    isInside(y, x) ? (data[(y * width + x) * channels + c] as number) : fill;
  let to = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [dy, dx] = [y - middleY, x - middleX];
      const fromX = middleX + cos * dx - sin * dy;
      const fromY = middleY + sin * dx + cos * dy;
      if (interpolation === 'nearest') {
        const [row, column] = [Math.round(fromY), Math.round(fromX)];
        for (let c = 0; c < channels; c++) out[to++] = at(row, column, c);
        continue;
      }
      const [top, left] = [Math.floor(fromY), Math.floor(fromX)];
      const [low, right] = [fromY - top, fromX - left];
      for (let c = 0; c < channels; c++) {
        const above = at(top, left, c) * (1 - right) + at(top, left + 1, c) * right;
        const below = at(top + 1, left, c) * (1 - right) + at(top + 1, left + 1, c) * right;
        out[to++] = above * (1 - low) + below * low;
      }
    }
  return { data: out, shape: image.shape };
}
