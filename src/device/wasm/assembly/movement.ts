/** Kernels that move elements of 4 bytes of any dtype, and indexAdd. */
import { Opcode } from '../protocol/command';
import { IndexAddWord, IndexSelectWord, MoveColumnsWord, MoveWord, NarrowWord } from '../protocol/movement';
import { address, arg, isInside, next } from './core';
import { storeLanes } from './tiles';

/** The maximum number of elements of a row per chunk. */
const rowBlock = 16384;

/** From this number of elements on, memory.copy is faster. */
const longRun = 128;

/**
 * With fewer columns than this, the copy runs column by column. A call of copyRun per row would
 * take longer than the copy.
 */
const fewColumns = 6;

/** Copies `count` consecutive elements. */
function copyRun(to: usize, from: usize, count: i32): void {
  if (count >= longRun) {
    memory.copy(to, from, (<usize>count) << 2);
    return;
  }
  for (; count >= 4; count -= 4, to += 16, from += 16) v128.store(to, v128.load(from));
  for (; count > 0; count--, to += 4, from += 4) store<i32>(to, load<i32>(from));
}

/** Transposes four by four elements. Steps are in bytes. */
@inline
function transpose(to: usize, toNext: usize, from: usize, fromNext: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + fromNext);
  const c = v128.load(from + fromNext * 2);
  const d = v128.load(from + fromNext * 3);
  const ab = v128.shuffle<i32>(a, b, 0, 4, 1, 5);
  const cd = v128.shuffle<i32>(c, d, 0, 4, 1, 5);
  const AB = v128.shuffle<i32>(a, b, 2, 6, 3, 7);
  const CD = v128.shuffle<i32>(c, d, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<i64>(ab, cd, 0, 2));
  v128.store(to + toNext, v128.shuffle<i64>(ab, cd, 1, 3));
  v128.store(to + toNext * 2, v128.shuffle<i64>(AB, CD, 0, 2));
  v128.store(to + toNext * 3, v128.shuffle<i64>(AB, CD, 1, 3));
}

/**
 * Copies rows whose length is a multiple of 16. For short rows, a call of copyRun per row would
 * take longer than the copy.
 */
function copyRows(to: usize, toRow: usize, from: usize, fromRow: usize, rows: i32, count: i32): void {
  const bytes = (<usize>count) << 2;
  for (; rows > 0; rows--, to += toRow, from += fromRow)
    for (let i: usize = 0; i < bytes; i += 64) {
      const a = v128.load(from + i);
      const b = v128.load(from + i, 16);
      const c = v128.load(from + i, 32);
      const d = v128.load(from + i, 48);
      v128.store(to + i, a);
      v128.store(to + i, b, 16);
      v128.store(to + i, c, 32);
      v128.store(to + i, d, 48);
    }
}

/** Copies `rows` × `count` elements. Steps are in bytes. */
function movePlane(
  to: usize,
  toRow: usize,
  toStep: usize,
  from: usize,
  fromRow: usize,
  fromStep: usize,
  rows: i32,
  count: i32,
): void {
  let r = 0;
  if (toStep == 4 && fromRow == 4 && fromStep != 4)
    for (; r + 4 <= rows; r += 4, to += toRow * 4, from += 16) {
      let t = to;
      let f = from;
      let i = 0;
      for (; i + 4 <= count; i += 4, t += 16, f += fromStep * 4) transpose(t, toRow, f, fromStep);
      for (; i < count; i++, t += 4, f += fromStep)
        for (let k: usize = 0; k < 4; k++) store<i32>(t + k * toRow, load<i32>(f + (k << 2)));
    }
  if (toStep == 4 && fromStep == 4 && count < longRun && (count & 15) == 0) {
    copyRows(to, toRow, from, fromRow, rows, count);
    return;
  }
  for (; r < rows; r++, to += toRow, from += fromRow) {
    if (toStep == 4 && fromStep == 4) {
      copyRun(to, from, count);
      continue;
    }
    let t = to;
    let f = from;
    let i = 0;
    if (toStep == 4 && fromStep == 0) {
      const v = v128.load32_splat(from);
      for (; i + 4 <= count; i += 4, t += 16) v128.store(t, v);
    }
    for (; i < count; i++, t += toStep, f += fromStep) store<i32>(t, load<i32>(f));
  }
}

/** Copies elements between two arrays with strides. A row runs along the last axis. */
function move(p: usize): void {
  const rows = arg(p, MoveWord.rows);
  const share = arg(p, MoveWord.share);
  const rank = arg(p, MoveWord.rank);
  // The last two axes.
  const size = arg(p, MoveWord.sizes - 2 + rank);
  const count = arg(p, MoveWord.sizes - 1 + rank);
  const toRow = (<usize>arg(p, MoveWord.sizes - 2 + 2 * rank)) << 2;
  const toStep = (<usize>arg(p, MoveWord.sizes - 1 + 2 * rank)) << 2;
  const fromRow = (<usize>arg(p, MoveWord.sizes - 2 + 3 * rank)) << 2;
  const fromStep = (<usize>arg(p, MoveWord.sizes - 1 + 3 * rank)) << 2;
  const cuts = (count + rowBlock - 1) / rowBlock;
  const chunks = ((rows + share - 1) / share) * cuts;
  for (let c = next(); c < chunks; c = next()) {
    const column = (c % cuts) * rowBlock;
    const width = min(rowBlock, count - column);
    let row = (c / cuts) * share;
    const last = min(row + share, rows);
    while (row < last) {
      const i = row % size;
      const run = min(size - i, last - row);
      let to = address(p, MoveWord.to) + <usize>i * toRow + <usize>column * toStep;
      let from = address(p, MoveWord.from) + <usize>i * fromRow + <usize>column * fromStep;
      let position = row / size;
      for (let d = rank - 3; d >= 0; d--) {
        const n = arg(p, MoveWord.sizes + d);
        to += (<usize>((position % n) * arg(p, MoveWord.sizes + rank + d))) << 2;
        from += (<usize>((position % n) * arg(p, MoveWord.sizes + 2 * rank + d))) << 2;
        position /= n;
      }
      movePlane(to, toRow, toStep, from, fromRow, fromStep, run, width);
      row += run;
    }
  }
}

/**
 * Copies each narrow array into its columns of the wide array, or out of them if the wide array is
 * read. A chunk is small and handles all narrow arrays in turn, so that the wide array passes
 * through the cache once, in order.
 */
function moveColumns(p: usize): void {
  const wide = arg(p, MoveColumnsWord.columns);
  const rows = arg(p, MoveColumnsWord.rows);
  const share = arg(p, MoveColumnsWord.share);
  const isRead = arg(p, MoveColumnsWord.isRead) != 0;
  const wideRow = (<usize>wide) << 2;
  for (let c = next(); c * share < rows; c = next()) {
    const r = c * share;
    const count = min(share, rows - r);
    for (let i = 0; i < arg(p, MoveColumnsWord.count); i++) {
      const n = p + (MoveColumnsWord.narrow << 2) + <usize>i * (NarrowWord.length << 2);
      const columns = arg(n, NarrowWord.columns);
      const row = (<usize>columns) << 2;
      const narrow = address(n, NarrowWord.at) + <usize>r * row;
      const part = address(p, MoveColumnsWord.wide) + <usize>r * wideRow + ((<usize>arg(n, NarrowWord.start)) << 2);
      if (columns < fewColumns) {
        if (isRead) movePlane(narrow, 4, row, part, 4, wideRow, columns, count);
        else movePlane(part, 4, wideRow, narrow, 4, row, columns, count);
      } else if (isRead) movePlane(narrow, row, 4, part, wideRow, 4, count, columns);
      else movePlane(part, wideRow, 4, narrow, row, 4, count, columns);
    }
  }
}

/** Copies rows by index. An index out of range gives zeros. */
function indexSelect(p: usize): void {
  const length = arg(p, IndexSelectWord.length);
  const count = arg(p, IndexSelectWord.count);
  const inner = arg(p, IndexSelectWord.inner);
  const share = arg(p, IndexSelectWord.share);
  const rows = arg(p, IndexSelectWord.outer) * count;
  for (let c = next(); c * share < rows; c = next())
    for (let r = c * share; r < min(c * share + share, rows); r++) {
      const index = load<i32>(address(p, IndexSelectWord.indices) + ((<usize>(r % count)) << 2));
      const to = address(p, IndexSelectWord.to) + ((<usize>(r * inner)) << 2);
      if (!isInside(index, length)) {
        memory.fill(to, 0, (<usize>inner) << 2);
        continue;
      }
      copyRun(
        to,
        address(p, IndexSelectWord.from) + ((<usize>(((r / count) * length + index) * inner)) << 2),
        inner,
      );
    }
}

/** Adds rows by index, in the order of the indices. An index out of range is skipped. */
function indexAdd(p: usize): void {
  const length = arg(p, IndexAddWord.length);
  const count = arg(p, IndexAddWord.count);
  const inner = arg(p, IndexAddWord.inner);
  const share = arg(p, IndexAddWord.share);
  const ints = arg(p, IndexAddWord.ints) != 0;
  const cuts = (inner + share - 1) / share;
  for (let c = next(); c < arg(p, IndexAddWord.outer) * cuts; c = next()) {
    const column = (c % cuts) * share;
    const width = min(share, inner - column);
    const to = address(p, IndexAddWord.to) + ((<usize>((c / cuts) * length * inner + column)) << 2);
    for (let i = 0; i < length; i++) memory.fill(to + ((<usize>(i * inner)) << 2), 0, (<usize>width) << 2);
    let from = address(p, IndexAddWord.from) + ((<usize>((c / cuts) * count * inner + column)) << 2);
    for (let j = 0; j < count; j++, from += (<usize>inner) << 2) {
      const index = load<i32>(address(p, IndexAddWord.indices) + ((<usize>j) << 2));
      if (!isInside(index, length)) continue;
      const at = to + ((<usize>(index * inner)) << 2);
      for (let i = 0; i < width; i += 4) {
        const a = v128.load(at + ((<usize>i) << 2));
        const b = v128.load(from + ((<usize>i) << 2));
        storeLanes(at + ((<usize>i) << 2), ints ? i32x4.add(a, b) : f32x4.add(a, b), width - i);
      }
    }
  }
}

export function dispatchMovement(opcode: i32, p: usize): void {
  switch (opcode) {
    case Opcode.move:
      return move(p);
    case Opcode.indexSelect:
      return indexSelect(p);
    case Opcode.indexAdd:
      return indexAdd(p);
    case Opcode.moveColumns:
      return moveColumns(p);
    default:
      unreachable();
  }
}
