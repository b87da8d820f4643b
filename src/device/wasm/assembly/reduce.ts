/**
 * Reductions. Sums, maxima and minima are kept in double precision, so that one accumulator serves
 * float32 and int32. The order of a sum depends on the sizes alone. Long reductions are divided
 * into blocks, whose partial results a second command joins.
 */
import { Opcode } from '../protocol/command';
import { ReduceCode } from '../protocol/functions';
import { ArgReduceWord, ReducePartsWord, ReduceWalkWord, ReduceWord } from '../protocol/reduce';
import { address, arg, next } from './core';
import { storeLanes } from './tiles';

/** The maximum number of columns per chunk. */
const columnBlock = 256;

@inline
function start(fn: i32): f64 {
  return fn == ReduceCode.sum ? 0 : fn == ReduceCode.max ? -Infinity : Infinity;
}
@inline
function fold(a: f64, b: f64, fn: i32): f64 {
  return fn == ReduceCode.sum ? a + b : fn == ReduceCode.max ? max<f64>(a, b) : min<f64>(a, b);
}
@inline
function fold2(a: v128, b: v128, fn: i32): v128 {
  return fn == ReduceCode.sum ? f64x2.add(a, b) : fn == ReduceCode.max ? f64x2.max(a, b) : f64x2.min(a, b);
}
@inline
function element(at: usize, ints: bool): f64 {
  return ints ? <f64>load<i32>(at) : <f64>load<f32>(at);
}
/** The first two of four elements as doubles. */
@inline
function low(v: v128, ints: bool): v128 {
  return ints ? f64x2.convert_low_i32x4_s(v) : f64x2.promote_low_f32x4(v);
}
@inline
function high(v: v128, ints: bool): v128 {
  return low(i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15), ints);
}

/** Stores a result of 4 bytes. An integer wraps. */
@inline
function put(at: usize, value: f64, ints: bool): void {
  if (ints) store<i32>(at, <i32>(<i64>value));
  else store<f32>(at, <f32>value);
}

@inline
function alongWith(at: usize, count: i32, fn: i32, ints: bool): f64 {
  let s0 = f64x2.splat(start(fn));
  let s1 = s0;
  let s2 = s0;
  let s3 = s0;
  const end = at + ((<usize>count) << 2);
  for (; at + 32 <= end; at += 32) {
    const v = v128.load(at);
    const w = v128.load(at, 16);
    s0 = fold2(s0, low(v, ints), fn);
    s1 = fold2(s1, high(v, ints), fn);
    s2 = fold2(s2, low(w, ints), fn);
    s3 = fold2(s3, high(w, ints), fn);
  }
  s0 = fold2(fold2(s0, s1, fn), fold2(s2, s3, fn), fn);
  let all = fold(f64x2.extract_lane(s0, 0), f64x2.extract_lane(s0, 1), fn);
  for (; at < end; at += 4) all = fold(all, element(at, ints), fn);
  return all;
}

/** Reduces `count` consecutive elements. */
function along(at: usize, count: i32, fn: i32, ints: bool): f64 {
  return fn == ReduceCode.sum && !ints ? alongWith(at, count, ReduceCode.sum, false) : alongWith(at, count, fn, ints);
}

@inline
function put2(to: usize, v: v128, lanes: i32): void {
  if (lanes >= 2) v128.store(to, v);
  else if (lanes == 1) store<f64>(to, f64x2.extract_lane(v, 0));
}

/** Stores the first `lanes` of four results. Partial results are stored as doubles. */
function put4(to: usize, a: v128, b: v128, lanes: i32, ints: bool, partial: bool): void {
  if (partial) {
    put2(to, a, lanes);
    put2(to + 16, b, lanes - 2);
  } else if (ints) {
    put(to, f64x2.extract_lane(a, 0), true);
    if (lanes > 1) put(to + 4, f64x2.extract_lane(a, 1), true);
    if (lanes > 2) put(to + 8, f64x2.extract_lane(b, 0), true);
    if (lanes > 3) put(to + 12, f64x2.extract_lane(b, 1), true);
  } else
    storeLanes(
      to,
      i8x16.shuffle(
        f32x4.demote_f64x2_zero(a),
        f32x4.demote_f64x2_zero(b),
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        16,
        17,
        18,
        19,
        20,
        21,
        22,
        23,
      ),
      lanes,
    );
}

@inline
function downWith(
  from: usize,
  rows: i32,
  step: usize,
  columns: i32,
  to: usize,
  partial: bool,
  fn: i32,
  ints: bool,
): void {
  const size: usize = partial ? 8 : 4;
  const first = f64x2.splat(start(fn));
  let j = 0;
  for (; j + 16 <= columns; j += 16, from += 64, to += 16 * size) {
    let s0 = first;
    let s1 = first;
    let s2 = first;
    let s3 = first;
    let s4 = first;
    let s5 = first;
    let s6 = first;
    let s7 = first;
    for (let r = 0, at = from; r < rows; r++, at += step) {
      let v = v128.load(at);
      s0 = fold2(s0, low(v, ints), fn);
      s1 = fold2(s1, high(v, ints), fn);
      v = v128.load(at, 16);
      s2 = fold2(s2, low(v, ints), fn);
      s3 = fold2(s3, high(v, ints), fn);
      v = v128.load(at, 32);
      s4 = fold2(s4, low(v, ints), fn);
      s5 = fold2(s5, high(v, ints), fn);
      v = v128.load(at, 48);
      s6 = fold2(s6, low(v, ints), fn);
      s7 = fold2(s7, high(v, ints), fn);
    }
    put4(to, s0, s1, 4, ints, partial);
    put4(to + 4 * size, s2, s3, 4, ints, partial);
    put4(to + 8 * size, s4, s5, 4, ints, partial);
    put4(to + 12 * size, s6, s7, 4, ints, partial);
  }
  for (; j < columns; j += 4, from += 16, to += 4 * size) {
    let s0 = first;
    let s1 = first;
    for (let r = 0, at = from; r < rows; r++, at += step) {
      const v = v128.load(at);
      s0 = fold2(s0, low(v, ints), fn);
      s1 = fold2(s1, high(v, ints), fn);
    }
    put4(to, s0, s1, columns - j, ints, partial);
  }
}

/**
 * Reduces each column of `rows` rows. Of the last four columns, those past the end are read, but
 * not stored.
 */
function down(from: usize, rows: i32, step: usize, columns: i32, to: usize, partial: bool, fn: i32, ints: bool): void {
  if (fn == ReduceCode.sum && !ints) downWith(from, rows, step, columns, to, partial, ReduceCode.sum, false);
  else downWith(from, rows, step, columns, to, partial, fn, ints);
}

/**
 * Reduces the middle axis of an array [outer, length, columns]. With several blocks, it writes
 * partial results.
 */
function reduce(p: usize): void {
  const to = address(p, ReduceWord.to);
  const from = address(p, ReduceWord.from);
  const outer = arg(p, ReduceWord.outer);
  const length = arg(p, ReduceWord.length);
  const columns = arg(p, ReduceWord.columns);
  const block = arg(p, ReduceWord.block);
  const share = arg(p, ReduceWord.share);
  const fn = arg(p, ReduceWord.fn);
  const ints = arg(p, ReduceWord.ints) != 0;
  const blocks = (length + block - 1) / block;
  const cuts = (columns + columnBlock - 1) / columnBlock;
  const partial = blocks > 1;
  const shift: usize = partial ? 3 : 2;
  const chunks = ((outer + share - 1) / share) * blocks * cuts;
  for (let c = next(); c < chunks; c = next()) {
    const column = (c % cuts) * columnBlock;
    const b = (c / cuts) % blocks;
    const first = (c / (cuts * blocks)) * share;
    const rows = min(block, length - b * block);
    for (let o = first; o < min(first + share, outer); o++) {
      const source = from + ((<usize>((o * length + b * block) * columns + column)) << 2);
      const target = to + ((<usize>((o * blocks + b) * columns + column)) << shift);
      if (columns > 1)
        down(source, rows, (<usize>columns) << 2, min(columnBlock, columns - column), target, partial, fn, ints);
      else if (partial) store<f64>(target, along(source, rows, fn, ints));
      else put(target, along(source, rows, fn, ints), ints);
    }
  }
}

/** Joins the partial results of blocks. */
function reduceParts(p: usize): void {
  const blocks = arg(p, ReducePartsWord.blocks);
  const columns = arg(p, ReducePartsWord.columns);
  const fn = arg(p, ReducePartsWord.fn);
  const ints = arg(p, ReducePartsWord.ints) != 0;
  const step = (<usize>columns) << 3;
  for (let o = next(); o < arg(p, ReducePartsWord.outer); o = next())
    for (let j = 0; j < columns; j++) {
      let at = address(p, ReducePartsWord.from) + ((<usize>(o * blocks * columns + j)) << 3);
      let all = load<f64>(at);
      for (let b = 1; b < blocks; b++) all = fold(all, load<f64>((at += step)), fn);
      put(address(p, ReducePartsWord.to) + ((<usize>(o * columns + j)) << 2), all, ints);
    }
}

/** The offset of a position by strides. `rank` sizes are at `p`. */
function offset(p: usize, rank: i32, strides: usize, position: i32): i32 {
  let sum = 0;
  for (let d = rank - 1; d >= 0; d--) {
    const size = arg(p, d);
    sum += (position % size) * arg(strides, d);
    position /= size;
  }
  return sum;
}

/** Reduces several axes by their strides. */
function reduceWalk(p: usize): void {
  const count = arg(p, ReduceWalkWord.count);
  const share = arg(p, ReduceWalkWord.share);
  const fn = arg(p, ReduceWalkWord.fn);
  const ints = arg(p, ReduceWalkWord.ints) != 0;
  const keptRank = arg(p, ReduceWalkWord.keptRank);
  const reducedRank = arg(p, ReduceWalkWord.reducedRank);
  const outer = arg(p, ReduceWalkWord.outer);
  const kept = p + (ReduceWalkWord.sizes << 2);
  const keptStrides = kept + ((<usize>keptRank) << 2);
  const reduced = keptStrides + ((<usize>keptRank) << 2);
  const reducedStrides = reduced + ((<usize>reducedRank) << 2);
  const inner = arg(reduced, reducedRank - 1);
  const step = (<usize>arg(reducedStrides, reducedRank - 1)) << 2;
  for (let c = next(); c * share < count; c = next())
    for (let i = c * share; i < min(c * share + share, count); i++) {
      const base = offset(kept, keptRank, keptStrides, i);
      let all = start(fn);
      for (let r = 0; r < outer; r++) {
        let at =
          address(p, ReduceWalkWord.from) +
          ((<usize>(base + offset(reduced, reducedRank - 1, reducedStrides, r))) << 2);
        if (step == 4) all = fold(all, along(at, inner, fn, ints), fn);
        else for (let j = 0; j < inner; j++, at += step) all = fold(all, element(at, ints), fn);
      }
      put(address(p, ReduceWalkWord.to) + ((<usize>i) << 2), all, ints);
    }
}

/**
 * The index of the largest or smallest element along the middle axis of an array [outer, length,
 * inner]. The first NaN wins.
 */
function argReduce(p: usize): void {
  const length = arg(p, ArgReduceWord.length);
  const inner = arg(p, ArgReduceWord.inner);
  const count = arg(p, ArgReduceWord.outer) * inner;
  const share = arg(p, ArgReduceWord.share);
  const flip: f64 = arg(p, ArgReduceWord.least) != 0 ? -1 : 1;
  const ints = arg(p, ArgReduceWord.ints) != 0;
  for (let c = next(); c * share < count; c = next())
    for (let i = c * share; i < min(c * share + share, count); i++) {
      let at = address(p, ArgReduceWord.from) + ((<usize>((i / inner) * length * inner + (i % inner))) << 2);
      let best = flip * element(at, ints);
      let index = 0;
      for (let j = 1; j < length && best == best; j++) {
        const value = flip * element((at += (<usize>inner) << 2), ints);
        if (value > best || value != value) {
          best = value;
          index = j;
        }
      }
      store<i32>(address(p, ArgReduceWord.to) + ((<usize>i) << 2), index);
    }
}

export function dispatchReduce(opcode: i32, p: usize): void {
  switch (opcode) {
    case Opcode.reduce:
      return reduce(p);
    case Opcode.reduceParts:
      return reduceParts(p);
    case Opcode.reduceWalk:
      return reduceWalk(p);
    case Opcode.argReduce:
      return argReduce(p);
    default:
      unreachable();
  }
}
