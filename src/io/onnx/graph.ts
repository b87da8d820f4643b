/**
 * An ONNX graph as plain data, and arithmetic on the order of its axes. Export builds such a graph,
 * and import checks and runs one. Not here: the bytes of a file (file.ts).
 */
import type { Shape } from '../../values/shape.js';

/** The element types that the library reads and writes. int64 is read as numbers. */
export type ElementType = 'float32' | 'float64' | 'int32' | 'int64' | 'bool';

/** Numbers by name in a graph. int64 is kept in float64, which is exact up to 2^53. */
export interface GraphTensor {
  readonly type: ElementType;
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** A number that is written as a float. Others are written as whole numbers. */
export class Float {
  constructor(readonly value: number) {}
}
/** Numbers that are written as floats. */
export class Floats {
  constructor(readonly values: readonly number[]) {}
}
/** An attribute of a kind that no operator here has, such as a graph. */
export class Other {}
/** The value of a node's attribute. */
export type Attribute = number | readonly number[] | string | readonly string[] | Float | Floats | Other | GraphTensor;

export interface GraphNode {
  readonly operator: string;
  readonly name: string;
  /** '' for an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

/** The name, element type and sizes of an input or output. A size that is not fixed is a name. */
export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  /** Undefined if the file does not say it. */
  readonly shape: readonly (number | string)[] | undefined;
}

export interface Graph {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly GraphNode[];
  readonly initializers: ReadonlyMap<string, GraphTensor>;
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

// ---- orders of axes

/** An order of axes: the stored array's axis i is the value's axis order[i]. */
export type Order = readonly number[];

export const plainOrder = (rank: number): Order => Array.from({ length: rank }, (_, i) => i);
/** Batch, channels, positions, for a value whose channels are last. Below rank 3 it is plain. */
export const channelsFirst = (rank: number): Order =>
  rank < 3 ? plainOrder(rank) : [0, rank - 1, ...plainOrder(rank - 2).map((i) => i + 1)];
/** Batch, positions, channels, for a value whose channels are second. Below rank 3 it is plain. */
export const channelsLast = (rank: number): Order =>
  rank < 3 ? plainOrder(rank) : [0, ...plainOrder(rank - 2).map((i) => i + 2), 1];
export const sameOrder = (a: Order, b: Order): boolean => a.length === b.length && a.every((axis, i) => axis === b[i]);
export const isPlain = (order: Order): boolean => order.every((axis, i) => axis === i);
/** The axes by which an array in the order `from` is permuted to the order `to`. */
export const between = (from: Order, to: Order): Order => to.map((axis) => from.indexOf(axis));
export const arranged = <T>(list: readonly T[], order: Order): T[] => order.map((axis) => list[axis] as T);

/** Whether a permutation leaves the elements where they are: it moves only axes of size 1. */
export const keepsElements = (shape: Shape, order: Order): boolean => {
  const long = order.filter((axis) => shape[axis] !== 1);
  return long.every((axis, i) => i === 0 || axis > (long[i - 1] as number));
};

/** The order of the axes that a reduction keeps. With `keepDims` it is the same. */
export const orderAfterReduction = (order: Order, axes: readonly number[], keepDims: boolean): Order =>
  keepDims
    ? order
    : order
        .filter((axis) => !axes.includes(axis))
        .map((axis) => axis - axes.filter((reduced) => reduced < axis).length);

/**
 * The order of a reshaped value whose elements lie as those of an array of `shape` in `order` do,
 * or null if there is none. Axes of size 1 may come and go, and the positions between batch and
 * channels may be divided otherwise.
 */
export function orderAfterReshape(shape: Shape, order: Order, to: Shape): Order | null {
  if (keepsElements(shape, order)) return plainOrder(to.length);
  const long = (sizes: Shape): number[] => sizes.flatMap((size, axis) => (size === 1 ? [] : [axis]));
  const [before, after] = [long(shape), long(to)];
  if (before.length === after.length && before.every((axis, i) => shape[axis] === to[after[i] as number])) {
    const wanted = order.filter((axis) => shape[axis] !== 1).map((axis) => after[before.indexOf(axis)] as number);
    const isWanted = (candidate: Order): boolean =>
      sameOrder(
        candidate.filter((axis) => to[axis] !== 1),
        wanted,
      );
    const rest = plainOrder(to.length).filter((axis) => to[axis] === 1);
    const candidates = [plainOrder(to.length), channelsFirst(to.length), channelsLast(to.length)];
    return candidates.find(isWanted) ?? [...wanted, ...rest];
  }
  const usesFirst = shape.length >= 3 && to.length >= 3 && sameOrder(order, channelsFirst(shape.length));
  if (usesFirst && shape[0] === to[0] && shape.at(-1) === to.at(-1)) return channelsFirst(to.length);
  const usesLast = shape.length >= 3 && to.length >= 3 && sameOrder(order, channelsLast(shape.length));
  return usesLast && shape[0] === to[0] && shape[1] === to[1] ? channelsLast(to.length) : null;
}

/** Numbers of an array in another order of its axes. */
export function permuted<T extends { [i: number]: number; readonly length: number }>(
  data: ArrayLike<number>,
  shape: Shape,
  order: Order,
  into: T,
): T {
  const rank = shape.length;
  const strides = new Array<number>(rank).fill(1);
  for (let i = rank - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  const sizes = arranged(shape, order);
  const steps = arranged(strides, order);
  const at = new Array<number>(rank).fill(0);
  let from = 0;
  for (let i = 0; i < into.length; i++) {
    into[i] = data[from] as number;
    for (let axis = rank - 1; axis >= 0; axis--) {
      at[axis] = (at[axis] as number) + 1;
      from += steps[axis] as number;
      if ((at[axis] as number) < (sizes[axis] as number)) break;
      from -= (steps[axis] as number) * (sizes[axis] as number);
      at[axis] = 0;
    }
  }
  return into;
}
