/**
 * Operands of elementwise kernels. A broadcast operand is copied chunk by chunk into scratch
 * memory, in the order of the output, so that the loops read consecutive elements. A single element
 * becomes a vector that is read again and again.
 */
import { OperandWord } from '../protocol/elementwise';
import { OperandMode } from '../protocol/functions';
import { address, arg } from './core';

/** The address of the words after an operand. */
@inline
export function after(p: usize): usize {
  return p + <usize>((OperandWord.sizes << 2) + (arg(p, OperandWord.rank) << 3));
}

/** Copies elements from `start` on into the order of the output. Up to 3 more are written. */
function layOut(p: usize, to: usize, start: i32, count: i32): void {
  const from = address(p, OperandWord.at);
  const rank = arg(p, OperandWord.rank);
  const sizes = p + (OperandWord.sizes << 2);
  const strides = sizes + ((<usize>rank) << 2);
  const inner = arg(sizes, rank - 1);
  const runs = arg(strides, rank - 1) != 0;
  let row = start / inner;
  let column = start % inner;
  for (; count > 0; row++, column = 0) {
    let offset = 0;
    let rest = row;
    for (let k = rank - 2; k > 0; k--) {
      const size = arg(sizes, k);
      offset += (rest % size) * arg(strides, k);
      rest /= size;
    }
    if (rank > 1) offset += rest * arg(strides, 0);
    const take = min(inner - column, count);
    const end = to + ((<usize>take) << 2);
    let at = from + ((<usize>offset) << 2);
    if (runs) {
      at += (<usize>column) << 2;
      for (let t = to; t < end; t += 16, at += 16) v128.store(t, v128.load(at));
    } else {
      const v = v128.load32_splat(at);
      for (let t = to; t < end; t += 16) v128.store(t, v);
    }
    to = end;
    count -= take;
  }
}

/**
 * The address of an operand's elements from `start` on. `aside` is the operand's scratch memory.
 * `fresh` is true for the first chunk of a thread.
 */
export function locate(p: usize, start: i32, count: i32, aside: usize, fresh: bool): usize {
  const mode = arg(p, OperandWord.mode);
  if (mode == OperandMode.plain) return address(p, OperandWord.at) + ((<usize>start) << 2);
  if (mode == OperandMode.spread) layOut(p, aside, start, count);
  else if (fresh) {
    if (mode == OperandMode.repeated) layOut(p, aside, start, count);
    else
      v128.store(
        aside,
        i32x4.splat(mode == OperandMode.value ? arg(p, OperandWord.at) : load<i32>(address(p, OperandWord.at))),
      );
  }
  return aside;
}

/** The step in bytes from one vector of an operand to the next. */
@inline
export function step(p: usize): usize {
  const mode = arg(p, OperandWord.mode);
  return mode == OperandMode.single || mode == OperandMode.value ? 0 : 16;
}
