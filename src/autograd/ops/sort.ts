/**
 * Sorting along an axis. The indices are sorted on the tensor's own device by a bitonic network
 * (Batcher 1968): log₂² n / 2 rounds of elementwise ops, the same for all values, so nothing is
 * read. The values are then gathered, and gradients flow through that gather.
 * Not here: the index of one extreme (argmax in reduce.ts).
 */
import { checkNumber, knownOptions, type OptionNames } from '../../arguments.js';
import { ShapeError, show } from '../../errors.js';
import type { Tensor } from '../../tensor/tensor.js';
import { isFloat } from '../../values/dtype.js';
import { aroundAxis, normalizeAxis } from '../../values/shape.js';
import { checkTensor, withTracking } from '../graph.js';
import { scoped } from '../lifetimes.js';
import { where } from './arithmetic.js';
import { gather } from './gather.js';
import { concat } from './movement.js';
import { cut } from './rearrange.js';

export interface SortOptions {
  /** Largest first. Default false. */
  descending?: boolean;
}
const sortOptions: OptionNames<SortOptions> = { descending: 'flag' };
export interface TopkOptions {
  /** Largest or smallest elements. Default true. */
  largest?: boolean;
}
const topkOptions: OptionNames<TopkOptions> = { largest: 'flag' };

/** Keys with their order among equal keys. Both have the shape [outer, n, inner]. */
interface Keys {
  readonly keys: Tensor;
  readonly order: Tensor;
}
const both = ({ keys, order }: Keys, fn: (t: Tensor) => Tensor): Keys => ({ keys: fn(keys), order: fn(order) });
const joined = (a: Keys, b: Keys, axis: number): Keys => ({
  keys: concat([a.keys, b.keys], axis),
  order: concat([a.order, b.order], axis),
});

/** Compares the elements of two halves, and exchanges those in the wrong order. */
function exchange(a: Keys, b: Keys, descending: boolean): readonly [Keys, Keys] {
  const isAfter = descending ? a.keys.less(b.keys) : a.keys.greater(b.keys);
  const swaps = where(a.keys.equal(b.keys), a.order.greater(b.order).cast('int32'), isAfter.cast('int32')).cast('bool');
  const choose = (yes: Keys, no: Keys): Keys => ({
    keys: where(swaps, yes.keys, no.keys),
    order: where(swaps, yes.order, no.order),
  });
  return [choose(b, a), choose(a, b)];
}

/**
 * One round: pairs at a distance of `stride`, or, with `mirrored`, at mirrored places of a block.
 */
function round(all: Keys, stride: number, mirrored: boolean, descending: boolean): Keys {
  const [outer, n, inner] = all.keys.shape;
  const blocks = both(all, (t) => t.reshape([outer, n / (2 * stride), 2, stride, inner]));
  const first = both(blocks, (t) => cut(t, 2, 0, 1));
  const turned = (t: Tensor): Tensor => (mirrored ? t.flip(3) : t);
  const second = both(blocks, (t) => turned(cut(t, 2, 1, 2)));
  const [low, high] = exchange(first, second, descending);
  return both(joined(low, both(high, turned), 2), (t) => t.reshape([outer, n, inner]));
}

/**
 * The keys of a sort. NaN becomes an infinity whose order is after that of all real ones, or
 * before them if the largest comes first. What fills up n to a power of 2 comes after everything.
 */
function keysOf(x: Tensor, n: number, descending: boolean): Keys {
  const [outer, length, inner] = x.shape;
  const numbers = x.upload(
    Int32Array.from({ length }, (_, i) => i),
    'int32',
    [1, length, 1],
  );
  const own = x.dtype === 'bool' ? x.cast('int32') : x;
  const last = isFloat(own.dtype) ? (descending ? -Infinity : Infinity) : descending ? -(2 ** 31) : 2 ** 31 - 1;
  const filled = (t: Tensor, value: number): Tensor =>
    t.pad(
      [
        [0, 0],
        [0, n - length],
        [0, 0],
      ],
      value,
    );
  const places = numbers.expand([outer, length, inner]);
  if (!isFloat(own.dtype)) return { keys: filled(own, last), order: filled(places, 4 * n) };
  const nan = own.isNaN();
  const order = where(nan, places.add(descending ? -2 * n : 2 * n), places);
  return { keys: filled(where(nan, Infinity, own), last), order: filled(order, 4 * n) };
}

/** The indices that sort x along an axis, of the same shape. */
function sortedIndices(x: Tensor, axis: number, descending: boolean): Tensor {
  const { outer, length, inner } = aroundAxis(x.shape, axis);
  let n = 1;
  while (n < length) n *= 2;
  const keep = ({ keys, order }: Keys): Tensor[] => [keys, order];
  return withTracking(false, () =>
    scoped(
      () => {
        let all = scoped(() => keysOf(x.detach().reshape([outer, length, inner]), n, descending), keep);
        for (let size = 2; size <= n; size *= 2)
          for (let stride = size / 2; stride >= 1; stride /= 2) {
            const before = all;
            all = scoped(() => round(before, stride, stride === size / 2, descending), keep);
            for (const t of keep(before)) t.release();
          }
        const order = cut(all.order, 1, 0, length);
        const offset = where(order.less(0), 2 * n, where(order.greaterEqual(2 * n), order.zerosLike().sub(2 * n), 0));
        return order.add(offset).reshape(x.shape);
      },
      (result) => [result],
    ),
  );
}

function indicesFor(op: string, x: Tensor, axis: number, descending: boolean): { indices: Tensor; axis: number } {
  checkTensor(op, 'input', x);
  if (x.rank === 0) throw new ShapeError(op, 'input must have an axis', 'input=[]');
  const a = normalizeAxis(op, axis, x.rank);
  return { indices: sortedIndices(x, a, descending), axis: a };
}

/**
 * The indices that sort x along an axis. Equal elements stay in their order. NaN counts as larger
 * than all numbers.
 * @shape x [any] → y, as x, int32
 * @units indices count from 0
 * @gradient none
 * @throws ShapeError for a bad axis
 * @source torch.argsort with stable=True
 */
export function argsort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  knownOptions('argsort', options, sortOptions);
  return indicesFor('argsort', x, axis, options.descending ?? false).indices;
}

/**
 * x sorted along an axis, and the indices of its elements in x. Equal elements stay in their order.
 * NaN counts as larger than all numbers.
 * @shape x [any] → values, indices (int32), both as x
 * @units indices count from 0
 * @gradient g of the values, at the places that they come from
 * @throws ShapeError for a bad axis
 * @source torch.sort with stable=True
 */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): [values: Tensor, indices: Tensor] {
  knownOptions('sort', options, sortOptions);
  const { indices, axis: a } = indicesFor('sort', x, axis, options.descending ?? false);
  return [gather(x, indices, a), indices];
}

/**
 * The k largest elements along an axis, or the smallest, in order, and their indices in x. Of equal
 * ones the first come first. NaN counts as larger than all numbers.
 * @shape x [any] → values, indices (int32), both with k elements along the axis
 * @units indices count from 0
 * @gradient g of the values, at the places that they come from
 * @throws ShapeError for a bad axis; ValueError unless k is whole and in [0, the axis's size]
 * @source torch.topk; ONNX TopK
 */
export function topk(x: Tensor, k: number, axis = -1, options: TopkOptions = {}): [values: Tensor, indices: Tensor] {
  knownOptions('topk', options, topkOptions);
  checkTensor('topk', 'input', x);
  const size = x.shape[normalizeAxis('topk', axis, x.rank)];
  const rule = `whole and in [0, ${size}]`;
  checkNumber('topk', 'k', k, (n) => Number.isInteger(n) && n >= 0 && n <= size, rule, `input=${show(x.shape)}`);
  const { indices: all, axis: a } = indicesFor('topk', x, axis, options.largest ?? true);
  const indices = withTracking(false, () => cut(all, a, 0, k));
  all.release();
  return [gather(x, indices, a), indices];
}
