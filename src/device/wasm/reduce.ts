/** Commands for reductions. The division into blocks depends on the sizes alone. */
import { aroundAxis, reduceWalk, sizeOf } from '../../values/shape.js';
import { bits, type Encoder, type Family, worthSharing } from './commands.js';
import { Opcode } from './protocol/command.js';
import { ReduceCode } from './protocol/functions.js';

/** Element visits per chunk. About this much data fits into the caches nearest to a core. */
const chunk = 16384;
const empty = { sum: 0, max: -Infinity, min: Infinity } as const;

/** Reduces the middle axis of [outer, length, columns]. */
function reduceMiddle(
  to: Encoder,
  from: number,
  into: number,
  outer: number,
  length: number,
  columns: number,
  code: ReduceCode,
  ints: number,
): void {
  const across = Math.min(columns, 256);
  const block =
    columns === 1
      ? length > 4096 && outer < 64
        ? 4096
        : length
      : outer * columns < 16 * 256
        ? Math.max(32, Math.floor(chunk / across))
        : length;
  const blocks = Math.ceil(length / block);
  const share = blocks > 1 ? 1 : Math.max(1, Math.floor(chunk / (length * across)));
  const target = blocks > 1 ? to.temporary(outer * blocks * columns * 8) : into;
  to.emit(Opcode.reduce, outer * length * columns > worthSharing, [
    target,
    from,
    outer,
    length,
    columns,
    block,
    share,
    code,
    ints,
  ]);
  if (blocks > 1)
    to.emit(Opcode.reduceParts, outer > 1 && outer * blocks * columns > worthSharing, [
      into,
      target,
      outer,
      blocks,
      columns,
      code,
      ints,
    ]);
}

export const reduce: Family<'reduce' | 'argReduce'> = {
  reduce(to, [x], { fn, axes }, [y]) {
    const from = x.buffer.address;
    const into = y.buffer.address;
    const count = sizeOf(y.shape);
    if (count === 0) return;
    const ints = x.dtype === 'float32' ? 0 : 1;
    const length = axes.reduce((n, axis) => n * x.shape[axis], 1);
    if (length === 0) {
      to.emit(Opcode.fill, count > worthSharing, [into, count, ints === 1 ? 0 : bits(empty[fn])]);
      return;
    }
    const { kept, reduced } = reduceWalk(x.shape, axes);
    const columns = reduced.strides[0];
    // A single reduced axis, with the axes outside and inside it merged.
    if (reduced.sizes.length === 1 && (columns > 0 || length === 1)) {
      reduceMiddle(to, from, into, count / Math.max(columns, 1), length, Math.max(columns, 1), ReduceCode[fn], ints);
      return;
    }
    const share = Math.max(1, Math.floor(chunk / length));
    const outer = length / reduced.sizes[reduced.sizes.length - 1];
    const words = [into, from, count, share, ReduceCode[fn], ints, kept.sizes.length, reduced.sizes.length, outer];
    words.push(...kept.sizes, ...kept.strides, ...reduced.sizes, ...reduced.strides);
    to.emit(Opcode.reduceWalk, count > share && count * length > worthSharing, words);
  },

  argReduce(to, [x], { fn, axis }, [y]) {
    const count = sizeOf(y.shape);
    if (count === 0) return;
    const { length, inner } = aroundAxis(x.shape, axis);
    const share = Math.max(1, Math.floor(chunk / Math.max(length, 1)));
    const words = [
      y.buffer.address,
      x.buffer.address,
      count / inner,
      length,
      inner,
      share,
      fn === 'argmin' ? 1 : 0,
      x.dtype === 'float32' ? 0 : 1,
    ];
    to.emit(Opcode.argReduce, count > share && count * length > worthSharing, words);
  },
};
