/**
 * Shape arithmetic: sizes, strides, axes, broadcasting. All arrays are row-major. Not here: window
 * arithmetic (window.ts).
 */
import { shown } from '../arguments.js';
import { ShapeError, show } from '../errors.js';
import { checkFloat, type DType } from './dtype.js';

export type Shape = readonly number[];

export const sizeOf = (shape: Shape): number => {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i];
  return size;
};

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

/** The number of elements before an axis, along it and after it. */
export function aroundAxis(shape: Shape, axis: number): { outer: number; length: number; inner: number } {
  let outer = 1;
  let inner = 1;
  for (let i = 0; i < axis; i++) outer *= shape[i];
  for (let i = axis + 1; i < shape.length; i++) inner *= shape[i];
  return { outer, length: shape[axis], inner };
}

/**
 * The maximum number of elements of a tensor, and the maximum size of an axis. Kernels use 32-bit
 * integers.
 */
export const mostElements = 2 ** 31 - 1;

/** Checks that a shape or a list of axes is an array. */
export function checkList(op: string, name: string, list: unknown): asserts list is readonly number[] {
  if (!Array.isArray(list))
    throw new ShapeError(
      op,
      `${name} must be an array of numbers`,
      `${name}=${shown(list)}`,
      typeof list === 'number' ? `write [${list}]` : '',
    );
}

/**
 * Checks that a shape is a list of whole, non-negative sizes with no more elements than a tensor
 * can have. Every tensor's shape is checked here, and kernels rely on it.
 */
export function checkShape(op: string, shape: Shape, name = 'shape'): void {
  checkList(op, name, shape);
  let size = 1;
  // Uses indices, because array methods such as `every` skip holes.
  for (let i = 0; i < shape.length; i++) {
    const n = shape[i];
    if (!Number.isInteger(n) || n < 0)
      throw new ShapeError(op, 'sizes must be whole and not negative', `${name}=${shown(shape)}`);
    if (n > mostElements) throw tooLarge(op, shape, name);
    size *= n;
  }
  if (size > mostElements) throw tooLarge(op, shape, name);
}

const tooLarge = (op: string, shape: Shape, name: string): ShapeError =>
  new ShapeError(op, `a tensor must have at most ${mostElements} elements`, `${name}=${show(shape)}`);

/** A checked copy of a caller's shape, because the caller may change the original later. */
export function ownShape(op: string, shape: Shape, name = 'shape'): Shape {
  checkShape(op, shape, name);
  return [...shape];
}

/**
 * Converts an axis to a non-negative one. A negative axis counts from the end. Throws if it is out
 * of range.
 */
export function normalizeAxis(op: string, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || a < 0 || a >= rank)
    throw new ShapeError(
      op,
      `axis must be whole and in [${-rank}, ${rank - 1}]`,
      `axis=${shown(axis)}`,
      `the tensor has rank ${rank}`,
    );
  return a;
}

/**
 * One axis or a list of axes as a list. A hole in it becomes undefined, which is not a valid axis.
 */
export function axisList(op: string, axes: number | readonly number[]): number[] {
  if (typeof axes === 'number') return [axes];
  checkList(op, 'axes', axes);
  return Array.from(axes);
}

/** Sorted, distinct, non-negative axes. undefined means all axes. */
export function normalizeAxes(op: string, axes: number | readonly number[] | undefined, rank: number): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, i) => i);
  const list = axisList(op, axes).map((a) => normalizeAxis(op, a, rank));
  if (new Set(list).size !== list.length) throw new ShapeError(op, 'axes must be distinct', `axes=${show(list)}`);
  return list.sort((a, b) => a - b);
}

/** numpy's broadcasting of two shapes. */
export function broadcastShapes(op: string, a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 0; i < rank; i++) {
    const m = a[i - rank + a.length] ?? 1;
    const n = b[i - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1)
      throw new ShapeError(
        op,
        'shapes must broadcast (equal, or 1, from the right)',
        `${show(a)} and ${show(b)}`,
        `axis ${i - rank} differs`,
      );
    out[i] = m === 1 ? n : m;
  }
  return out;
}

/** Strides that read `from` as if it had shape `to`. They are 0 along broadcast axes. */
export function broadcastStrides(from: Shape, to: Shape): number[] {
  const own = stridesOf(from);
  return to.map((_, i) => {
    const j = i - to.length + from.length;
    return j < 0 || from[j] === 1 ? 0 : own[j];
  });
}

/** Axes of `to` along which `from` was broadcast. A gradient is summed over them. */
export function broadcastAxes(from: Shape, to: Shape): number[] {
  const axes: number[] = [];
  for (let i = 0; i < to.length; i++) {
    const j = i - to.length + from.length;
    if (j < 0 || (from[j] === 1 && to[i] !== 1)) axes.push(i);
  }
  return axes;
}

/** A loop over an index space: its sizes, and for each array the stride of each axis. */
export interface Walk {
  readonly sizes: number[];
  readonly strides: number[][];
}

/**
 * Drops axes of size 1 and merges neighbouring axes that are contiguous in every array. At least
 * one axis remains.
 */
export function collapse(shape: Shape, strides: readonly (readonly number[])[]): Walk {
  const sizes: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (let i = 0; i < shape.length; i++) {
    if (shape[i] === 1) continue;
    const last = sizes.length - 1;
    if (last >= 0 && strides.every((s, k) => out[k][last] === s[i] * shape[i])) {
      sizes[last] *= shape[i];
      strides.forEach((s, k) => {
        out[k][last] = s[i];
      });
    } else {
      sizes.push(shape[i]);
      strides.forEach((s, k) => {
        out[k].push(s[i]);
      });
    }
  }
  if (sizes.length === 0) {
    sizes.push(1);
    for (const s of out) s.push(0);
  }
  return { sizes, strides: out };
}

/**
 * The loops of a reduction: the kept axes (in output order), then the reduced ones, each with the
 * input's strides.
 */
export interface ReduceWalk {
  readonly kept: { sizes: number[]; strides: number[] };
  readonly reduced: { sizes: number[]; strides: number[] };
}

export function reduceWalk(shape: Shape, axes: readonly number[]): ReduceWalk {
  const strides = stridesOf(shape);
  const part = (keep: boolean) => {
    const picked = shape.map((_, i) => i).filter((i) => axes.includes(i) !== keep);
    const walk = collapse(
      picked.map((i) => shape[i]),
      [picked.map((i) => strides[i])],
    );
    return { sizes: walk.sizes, strides: walk.strides[0] };
  };
  return { kept: part(true), reduced: part(false) };
}

/** The shape after reducing `axes`. */
export const reducedShape = (shape: Shape, axes: readonly number[], keepDims: boolean): number[] =>
  keepDims ? shape.map((n, i) => (axes.includes(i) ? 1 : n)) : shape.filter((_, i) => !axes.includes(i));

/** Replaces one −1 in a shape and checks that the number of elements stays the same. */
export function resolveReshape(op: string, from: Shape, to: Shape): number[] {
  checkList(op, 'shape', to);
  const size = sizeOf(from);
  let holes = 0;
  let known = 1;
  for (let i = 0; i < to.length; i++) {
    if (to[i] === -1) holes++;
    else known *= to[i];
  }
  const out = Array.from(to, (n) => (n === -1 ? size / known : n));
  if (holes > 1 || !out.every((n) => Number.isInteger(n) && n >= 0) || sizeOf(out) !== size)
    throw new ShapeError(
      op,
      'the number of elements must stay',
      `${show(from)} to ${shown(to)}`,
      `${size} elements; at most one size may be -1`,
    );
  return out;
}

function checkRank(op: string, name: string, shape: Shape, rank: number, layout: string): void {
  if (shape.length !== rank)
    throw new ShapeError(
      op,
      `${name} must have rank ${rank}, ${layout}`,
      `${name}=${show(shape)}`,
      'add a batch or channel axis with reshape',
    );
}

/** Checks that a shape has rank 4 and returns its sizes, so that callers can name them. */
export function rank4(
  op: string,
  name: string,
  shape: Shape,
  layout = '[N,H,W,C]',
): readonly [number, number, number, number] {
  checkRank(op, name, shape, 4, layout);
  return [shape[0], shape[1], shape[2], shape[3]];
}

/** Checks that a shape has rank 3 and returns its sizes. */
export function rank3(op: string, name: string, shape: Shape, layout = '[N,L,C]'): readonly [number, number, number] {
  checkRank(op, name, shape, 3, layout);
  return [shape[0], shape[1], shape[2]];
}

function checkBatch(op: string, shape: Shape): void {
  if (shape[0] === 0)
    throw new ShapeError(
      op,
      'the batch must not be empty',
      `input=${show(shape)}`,
      'skip the step when there is no data',
    );
}

/** The sizes of a batch of images. The batch must not be empty. */
export function imageSizes(op: string, shape: Shape): readonly [number, number, number, number] {
  const sizes = rank4(op, 'input', shape);
  checkBatch(op, shape);
  return sizes;
}

/** The sizes of a batch of series. The batch must not be empty. */
export function seriesSizes(op: string, shape: Shape): readonly [number, number, number] {
  const sizes = rank3(op, 'input', shape);
  checkBatch(op, shape);
  return sizes;
}

/**
 * The shape as that of images, [N,H,W,C]. A batch of series, [N,L,C], is one of images of one row.
 */
export const imageShape = (shape: Shape): Shape => (shape.length === 3 ? [shape[0], 1, shape[1], shape[2]] : shape);

/** The sizes of a batch of images of a float dtype. */
export function floatImageSizes(
  op: string,
  { shape, dtype }: { shape: Shape; dtype: DType },
): readonly [number, number, number, number] {
  const sizes = imageSizes(op, shape);
  checkFloat(op, dtype);
  return sizes;
}

/** The sizes of a batch of series of a float dtype. */
export function floatSeriesSizes(
  op: string,
  { shape, dtype }: { shape: Shape; dtype: DType },
): readonly [number, number, number] {
  const sizes = seriesSizes(op, shape);
  checkFloat(op, dtype);
  return sizes;
}
