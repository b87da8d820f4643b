/**
 * Mean and variance of the groups of an array [outer, positions, groups, inner]. With several
 * positions, the columns (groups·inner) are side by side, and sums run down the rows, one block of
 * rows at a time. With one position, each group is a row.
 * Short sums are kept in single precision and longer ones in double. They are sums of differences
 * from a nearby number, so that a large mean does not cancel the digits of the variance. The order
 * of every sum depends on the sizes alone.
 */
import { ColumnSumsWord, JoinMomentsWord, RowMomentsWord } from '../protocol/norm';
import { address, arg, next, scratch } from './core';
import { splat } from './math';
import { addTo, finite, finite4, shortRun, total, wideOf } from './norm-common';
import { madd } from './tiles';

/** The maximum number of columns per chunk. */
const columnBlock = 256;

/**
 * Adds Σv to the doubles at `sums` and Σv·d to those at `products`, for each column. d is x −
 * shift. v is d if `own` is true, else an element of g.
 */
@inline
function sumDown(
  g: usize,
  x: usize,
  shift: usize,
  rows: i32,
  step: usize,
  columns: i32,
  sums: usize,
  products: usize,
  own: bool,
): void {
  const apart = g - x;
  let j = 0;
  for (; j + 16 <= columns; j += 16) {
    const offset = (<usize>j) << 2;
    const m0 = v128.load(shift + offset);
    const m1 = v128.load(shift + offset, 16);
    const m2 = v128.load(shift + offset, 32);
    const m3 = v128.load(shift + offset, 48);
    let at = x + offset;
    for (let first = 0; first < rows; first += shortRun) {
      let s0 = splat(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      let p0 = s0;
      let p1 = s0;
      let p2 = s0;
      let p3 = s0;
      for (const end = at + <usize>min(shortRun, rows - first) * step; at < end; at += step) {
        let d = f32x4.sub(v128.load(at), m0);
        let v = own ? d : v128.load(at + apart);
        s0 = f32x4.add(s0, v);
        p0 = madd(v, d, p0);
        d = f32x4.sub(v128.load(at, 16), m1);
        v = own ? d : v128.load(at + apart, 16);
        s1 = f32x4.add(s1, v);
        p1 = madd(v, d, p1);
        d = f32x4.sub(v128.load(at, 32), m2);
        v = own ? d : v128.load(at + apart, 32);
        s2 = f32x4.add(s2, v);
        p2 = madd(v, d, p2);
        d = f32x4.sub(v128.load(at, 48), m3);
        v = own ? d : v128.load(at + apart, 48);
        s3 = f32x4.add(s3, v);
        p3 = madd(v, d, p3);
      }
      const to = sums + (offset << 1);
      addTo(to, s0);
      addTo(to + 32, s1);
      addTo(to + 64, s2);
      addTo(to + 96, s3);
      const too = products + (offset << 1);
      addTo(too, p0);
      addTo(too + 32, p1);
      addTo(too + 64, p2);
      addTo(too + 96, p3);
    }
  }
  for (; j < columns; j += 4) {
    const offset = (<usize>j) << 2;
    const m = v128.load(shift + offset);
    let at = x + offset;
    for (let first = 0; first < rows; first += shortRun) {
      let s = splat(0);
      let p = s;
      for (const end = at + <usize>min(shortRun, rows - first) * step; at < end; at += step) {
        const d = f32x4.sub(v128.load(at), m);
        const v = own ? d : v128.load(at + apart);
        s = f32x4.add(s, v);
        p = madd(v, d, p);
      }
      addTo(sums + (offset << 1), s);
      addTo(products + (offset << 1), p);
    }
  }
}

/**
 * Sums over each block and column. Without g, they are the sums of d and d², where d is the
 * difference from the first row of the block. With g, they are the sums of g and g·(x − mean).
 */
export function columnSums(p: usize, thread: i32): void {
  const g = address(p, ColumnSumsWord.g);
  const mean = address(p, ColumnSumsWord.mean);
  const positions = arg(p, ColumnSumsWord.positions);
  const groups = arg(p, ColumnSumsWord.groups);
  const inner = arg(p, ColumnSumsWord.inner);
  const block = arg(p, ColumnSumsWord.block);
  const columns = groups * inner;
  const wide = <usize>wideOf(columns);
  const blocks = (positions + block - 1) / block;
  const cuts = (columns + columnBlock - 1) / columnBlock;
  const chunks = arg(p, ColumnSumsWord.outer) * blocks * cuts;
  const shift = scratch(thread);
  const step = (<usize>columns) << 2;
  for (let c = next(); c < chunks; c = next()) {
    const column = (c % cuts) * columnBlock;
    const width = min(columnBlock, columns - column);
    const part = c / cuts;
    const o = part / blocks;
    const row = (part % blocks) * block;
    const rows = min(block, positions - row);
    const offset = (<usize>((o * positions + row) * columns + column)) << 2;
    const x = address(p, ColumnSumsWord.x) + offset;
    const sums = address(p, ColumnSumsWord.to) + ((<usize>part * 2 * wide + <usize>column) << 3);
    const products = sums + (wide << 3);
    const bytes = (<usize>wideOf(width)) << 3;
    memory.fill(sums, 0, bytes);
    memory.fill(products, 0, bytes);
    if (g == 0) {
      for (let i: usize = 0; i < (<usize>width) << 2; i += 16) v128.store(shift + i, finite4(v128.load(x + i)));
      sumDown(x, x, shift, rows, step, width, sums, products, true);
    } else {
      for (let i = 0; i < width; i++)
        store<f32>(shift + ((<usize>i) << 2), load<f32>(mean + ((<usize>(o * groups + (column + i) / inner)) << 2)));
      sumDown(g + offset, x, shift, rows, step, width, sums, products, false);
    }
  }
}

/** Stores a mean, its rounding error and a variance. */
@inline
function putMoments(mean: usize, variance: usize, count: i32, i: i32, value: f64, spread: f64): void {
  const at = (<usize>i) << 2;
  const rounded = <f32>value;
  store<f32>(mean + at, rounded);
  store<f32>(mean + ((<usize>count) << 2) + at, finite(<f32>(value - <f64>rounded)));
  store<f32>(variance + at, <f32>(spread < 0 ? 0 : spread));
}

/** Joins the sums of columnSums to the mean and variance of each group. */
export function joinMoments(p: usize): void {
  const partials = address(p, JoinMomentsWord.partials);
  const x = address(p, JoinMomentsWord.x);
  const positions = arg(p, JoinMomentsWord.positions);
  const groups = arg(p, JoinMomentsWord.groups);
  const inner = arg(p, JoinMomentsWord.inner);
  const block = arg(p, JoinMomentsWord.block);
  const columns = groups * inner;
  const wide = <usize>wideOf(columns);
  const blocks = (positions + block - 1) / block;
  const count = arg(p, JoinMomentsWord.outer) * groups;
  const elements = <f64>positions * <f64>inner;
  for (let c = next(); c < count; c = next()) {
    const o = c / groups;
    const first = (c % groups) * inner;
    let sum: f64 = 0;
    for (let b = 0; b < blocks; b++) {
      const rows = <f64>min(block, positions - b * block);
      const sums = partials + ((<usize>(o * blocks + b) * 2 * wide) << 3);
      const row = x + ((<usize>((o * positions + b * block) * columns)) << 2);
      for (let j = first; j < first + inner; j++)
        sum += rows * <f64>finite(load<f32>(row + ((<usize>j) << 2))) + load<f64>(sums + ((<usize>j) << 3));
    }
    const mean = sum / elements;
    let spread: f64 = 0;
    for (let b = 0; b < blocks; b++) {
      const rows = <f64>min(block, positions - b * block);
      const sums = partials + ((<usize>(o * blocks + b) * 2 * wide) << 3);
      const row = x + ((<usize>((o * positions + b * block) * columns)) << 2);
      for (let j = first; j < first + inner; j++) {
        const s = load<f64>(sums + ((<usize>j) << 3));
        const own = s / rows;
        const apart = <f64>finite(load<f32>(row + ((<usize>j) << 2))) + own - mean;
        spread += load<f64>(sums + ((wide + <usize>j) << 3)) - s * own + rows * apart * apart;
      }
    }
    putMoments(
      address(p, JoinMomentsWord.mean),
      address(p, JoinMomentsWord.variance),
      count,
      c,
      mean,
      spread / elements,
    );
  }
}

/** The mean and variance of each row. */
export function rowMoments(p: usize): void {
  const rows = arg(p, RowMomentsWord.rows);
  const length = arg(p, RowMomentsWord.length);
  const share = arg(p, RowMomentsWord.share);
  const whole = (<usize>(length & ~3)) << 2;
  for (let c = next(); c * share < rows; c = next())
    for (let r = c * share; r < min(c * share + share, rows); r++) {
      const from = address(p, RowMomentsWord.x) + ((<usize>(r * length)) << 2);
      const start = finite(load<f32>(from));
      const m = splat(start);
      const end = from + whole;
      let at = from;
      let sum: f64 = 0;
      let squares: f64 = 0;
      while (at < end) {
        let s = splat(0);
        let q = s;
        for (const stop = min(at + shortRun * 16, end); at < stop; at += 16) {
          const d = f32x4.sub(v128.load(at), m);
          s = f32x4.add(s, d);
          q = madd(d, d, q);
        }
        sum += total(s);
        squares += total(q);
      }
      for (; at < from + ((<usize>length) << 2); at += 4) {
        const d = <f64>load<f32>(at) - <f64>start;
        sum += d;
        squares += d * d;
      }
      const mean = sum / <f64>length;
      putMoments(
        address(p, RowMomentsWord.mean),
        address(p, RowMomentsWord.variance),
        rows,
        r,
        <f64>start + mean,
        squares / <f64>length - mean * mean,
      );
    }
}
