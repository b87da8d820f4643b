/**
 * Normalisation of an array [outer, positions, groups, inner] by the mean and variance of its groups: statistics, application, gradient. Where there are several positions,
 * the columns (groups·inner) lie side by side and sums run down the rows, a block of rows at a time; where there is one, each group is a row of its own.
 * Sums are kept in single precision for a few rows and in double from there on, of differences from a number nearby, so that a large mean does not swallow the variance.
 * Every sum's order follows from sizes alone.
 */
import { Opcode } from '../protocol/command';
import {
  ApplyColumnsWord,
  ApplyGradWord,
  ApplyRowsWord,
  CoefficientsWord,
  ColumnSumsWord,
  JoinGradWord,
  JoinMomentsWord,
  ParameterGradsWord,
  RowGradWord,
  RowMomentsWord,
  RowParameterGradsWord,
} from '../protocol/norm';
import { arg, next, number, scratch } from './core';
import { splat } from './math';
import { madd, storeLanes } from './tiles';

/** Rows, or vectors of a row, that are summed in single precision. */
const shortRun = 64;
/** Columns that one chunk takes at most. */
const columnBlock = 256;
const largest: f32 = 3.4028234663852886e38;

// @ts-ignore: decorator
@inline
function upper(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i32>(v, v, 2, 3, 2, 3));
}
/** Adds four numbers to four doubles. */
// @ts-ignore: decorator
@inline
function addTo(at: usize, v: v128): void {
  v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(v)));
  v128.store(at, f64x2.add(v128.load(at, 16), upper(v)), 16);
}
/** The four numbers' sum in double. */
// @ts-ignore: decorator
@inline
function total(v: v128): f64 {
  const pair = f64x2.add(f64x2.promote_low_f32x4(v), upper(v));
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}
// @ts-ignore: decorator
@inline
function finite(x: f32): f32 {
  return abs(x) <= largest ? x : 0;
}
// @ts-ignore: decorator
@inline
function finite4(x: v128): v128 {
  return v128.and(x, f32x4.le(f32x4.abs(x), splat(largest)));
}
// @ts-ignore: decorator
@inline
function wideOf(columns: i32): i32 {
  return (columns + 3) & ~3;
}
/** A number of a list, or another where there is no list. */
// @ts-ignore: decorator
@inline
function element(list: usize, i: i32, other: f32): f32 {
  return list == 0 ? other : load<f32>(list + (<usize>i << 2));
}
// @ts-ignore: decorator
@inline
function four(list: usize, offset: usize, other: v128): v128 {
  return list == 0 ? other : v128.load(list + offset);
}

/** Adds, for each of `columns` columns, Σv to the doubles at `sums` and Σv·d to those at `products`: d = x − shift; v = d (own), or the numbers at `g`. */
// @ts-ignore: decorator
@inline
function sumDown(g: usize, x: usize, shift: usize, rows: i32, step: usize, columns: i32, sums: usize, products: usize, own: bool): void {
  const apart = g - x;
  let j = 0;
  for (; j + 16 <= columns; j += 16) {
    const offset = <usize>j << 2;
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
    const offset = <usize>j << 2;
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
 * partials, g (0: none), x, mean (0: none), outer, positions, groups, inner, rows of a block. Partials [outer, blocks, 2, columns rounded up to fours] doubles: without g the
 * sums of d and d², d counted from the block's first row; with g those of g and g·(x − mean).
 */
function columnSums(p: usize, thread: i32): void {
  const g = <usize>arg(p, ColumnSumsWord.g);
  const mean = <usize>arg(p, ColumnSumsWord.mean);
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
  const step = <usize>columns << 2;
  for (let c = next(); c < chunks; c = next()) {
    const column = (c % cuts) * columnBlock;
    const width = min(columnBlock, columns - column);
    const part = c / cuts;
    const o = part / blocks;
    const row = (part % blocks) * block;
    const rows = min(block, positions - row);
    const offset = <usize>((o * positions + row) * columns + column) << 2;
    const x = <usize>arg(p, ColumnSumsWord.x) + offset;
    const sums = <usize>arg(p, ColumnSumsWord.to) + ((<usize>part * 2 * wide + <usize>column) << 3);
    const products = sums + (wide << 3);
    const bytes = <usize>wideOf(width) << 3;
    memory.fill(sums, 0, bytes);
    memory.fill(products, 0, bytes);
    if (g == 0) {
      for (let i: usize = 0; i < <usize>width << 2; i += 16) v128.store(shift + i, finite4(v128.load(x + i)));
      sumDown(x, x, shift, rows, step, width, sums, products, true);
    } else {
      for (let i = 0; i < width; i++) store<f32>(shift + (<usize>i << 2), load<f32>(mean + (<usize>(o * groups + (column + i) / inner) << 2)));
      sumDown(g + offset, x, shift, rows, step, width, sums, products, false);
    }
  }
}

/** mean, variance, outer·groups, at `to`, from a double mean and the sum of squared differences. */
// @ts-ignore: decorator
@inline
function putMoments(mean: usize, variance: usize, count: i32, i: i32, value: f64, spread: f64): void {
  const at = <usize>i << 2;
  const rounded = <f32>value;
  store<f32>(mean + at, rounded);
  store<f32>(mean + (<usize>count << 2) + at, finite(<f32>(value - <f64>rounded)));
  store<f32>(variance + at, <f32>(spread < 0 ? 0 : spread));
}

/** mean, variance, partials of columnSums, x, outer, positions, groups, inner, rows of a block. */
function joinMoments(p: usize): void {
  const partials = <usize>arg(p, JoinMomentsWord.partials);
  const x = <usize>arg(p, JoinMomentsWord.x);
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
      const row = x + (<usize>((o * positions + b * block) * columns) << 2);
      for (let j = first; j < first + inner; j++) sum += rows * <f64>finite(load<f32>(row + (<usize>j << 2))) + load<f64>(sums + (<usize>j << 3));
    }
    const mean = sum / elements;
    let spread: f64 = 0;
    for (let b = 0; b < blocks; b++) {
      const rows = <f64>min(block, positions - b * block);
      const sums = partials + ((<usize>(o * blocks + b) * 2 * wide) << 3);
      const row = x + (<usize>((o * positions + b * block) * columns) << 2);
      for (let j = first; j < first + inner; j++) {
        const s = load<f64>(sums + (<usize>j << 3));
        const own = s / rows;
        const apart = <f64>finite(load<f32>(row + (<usize>j << 2))) + own - mean;
        spread += load<f64>(sums + ((wide + <usize>j) << 3)) - s * own + rows * apart * apart;
      }
    }
    putMoments(<usize>arg(p, JoinMomentsWord.mean), <usize>arg(p, JoinMomentsWord.variance), count, c, mean, spread / elements);
  }
}

/** mean, variance, x, rows, length, rows of a chunk. */
function rowMoments(p: usize): void {
  const rows = arg(p, RowMomentsWord.rows);
  const length = arg(p, RowMomentsWord.length);
  const share = arg(p, RowMomentsWord.share);
  const whole = <usize>(length & ~3) << 2;
  for (let c = next(); c * share < rows; c = next())
    for (let r = c * share; r < min(c * share + share, rows); r++) {
      const from = <usize>arg(p, RowMomentsWord.x) + (<usize>(r * length) << 2);
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
      for (; at < from + (<usize>length << 2); at += 4) {
        const d = <f64>load<f32>(at) - <f64>start;
        sum += d;
        squares += d * d;
      }
      const mean = sum / <f64>length;
      putMoments(<usize>arg(p, RowMomentsWord.mean), <usize>arg(p, RowMomentsWord.variance), rows, r, <f64>start + mean, squares / <f64>length - mean * mean);
    }
}

/** to [outer, 3, columns rounded up to fours], mean (0: none), what its rounding lost (0: none), variance, scale, shift (0: none), outer, groups, inner, ε: the mean, factor and shift of each column. */
function coefficients(p: usize): void {
  const groups = arg(p, CoefficientsWord.groups);
  const inner = arg(p, CoefficientsWord.inner);
  const epsilon = number(p, CoefficientsWord.epsilon);
  const wide = <usize>wideOf(groups * inner) << 2;
  for (let o = next(); o < arg(p, CoefficientsWord.outer); o = next()) {
    let to = <usize>arg(p, CoefficientsWord.to) + <usize>o * 3 * wide;
    for (let g = 0; g < groups; g++) {
      const i = o * groups + g;
      const mean = element(<usize>arg(p, CoefficientsWord.mean), i, 0);
      const lost = element(<usize>arg(p, CoefficientsWord.lost), i, 0);
      const inverse: f32 = 1 / sqrt(load<f32>(<usize>arg(p, CoefficientsWord.variance) + (<usize>i << 2)) + epsilon);
      for (let j = g * inner; j < g * inner + inner; j++, to += 4) {
        const factor = inverse * element(<usize>arg(p, CoefficientsWord.scale), j, 1);
        store<f32>(to, mean);
        store<f32>(to + wide, factor);
        store<f32>(to + 2 * wide, element(<usize>arg(p, CoefficientsWord.shift), j, 0) - lost * factor);
      }
    }
  }
}

/** to, x, coefficients, outer, positions, columns, rows of a block: (x − mean)·factor + shift. */
function applyColumns(p: usize): void {
  const positions = arg(p, ApplyColumnsWord.positions);
  const columns = arg(p, ApplyColumnsWord.columns);
  const block = arg(p, ApplyColumnsWord.block);
  const wide = <usize>wideOf(columns) << 2;
  const blocks = (positions + block - 1) / block;
  const step = <usize>columns << 2;
  for (let c = next(); c < arg(p, ApplyColumnsWord.outer) * blocks; c = next()) {
    const o = c / blocks;
    const row = (c % blocks) * block;
    const bytes = <usize>min(block, positions - row) * step;
    const offset = <usize>((o * positions + row) * columns) << 2;
    const to = <usize>arg(p, ApplyColumnsWord.to) + offset;
    const from = <usize>arg(p, ApplyColumnsWord.x) + offset;
    const list = <usize>arg(p, ApplyColumnsWord.coefficients) + <usize>o * 3 * wide;
    let j = 0;
    for (; j + 16 <= columns; j += 16) {
      const k = list + (<usize>j << 2);
      const m0 = v128.load(k);
      const m1 = v128.load(k, 16);
      const m2 = v128.load(k, 32);
      const m3 = v128.load(k, 48);
      const a0 = v128.load(k + wide);
      const a1 = v128.load(k + wide, 16);
      const a2 = v128.load(k + wide, 32);
      const a3 = v128.load(k + wide, 48);
      const b0 = v128.load(k + 2 * wide);
      const b1 = v128.load(k + 2 * wide, 16);
      const b2 = v128.load(k + 2 * wide, 32);
      const b3 = v128.load(k + 2 * wide, 48);
      const y = to + (<usize>j << 2);
      const x = from + (<usize>j << 2);
      for (let i: usize = 0; i < bytes; i += step) {
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i), m0), a0, b0));
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i, 16), m1), a1, b1), 16);
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i, 32), m2), a2, b2), 32);
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i, 48), m3), a3, b3), 48);
      }
    }
    for (; j < columns; j += 4) {
      const k = list + (<usize>j << 2);
      const m = v128.load(k);
      const a = v128.load(k + wide);
      const b = v128.load(k + 2 * wide);
      const y = to + (<usize>j << 2);
      const x = from + (<usize>j << 2);
      for (let i: usize = 0; i < bytes; i += step) storeLanes(y + i, madd(f32x4.sub(v128.load(x + i), m), a, b), columns - j);
    }
  }
}

/** to, x, mean (0: none), what its rounding lost (0: none), variance, scale, shift (0: none), rows, groups, length, rows of a chunk, ε: (x − mean)·scale/√(variance + ε) + shift. */
function applyRows(p: usize): void {
  const rows = arg(p, ApplyRowsWord.rows);
  const groups = arg(p, ApplyRowsWord.groups);
  const length = arg(p, ApplyRowsWord.length);
  const share = arg(p, ApplyRowsWord.share);
  const epsilon = number(p, ApplyRowsWord.epsilon);
  for (let c = next(); c * share < rows; c = next())
    for (let r = c * share; r < min(c * share + share, rows); r++) {
      const offset = <usize>(r * length) << 2;
      let to = <usize>arg(p, ApplyRowsWord.to) + offset;
      let from = <usize>arg(p, ApplyRowsWord.x) + offset;
      const own = <usize>((r % groups) * length) << 2;
      const m = splat(element(<usize>arg(p, ApplyRowsWord.mean), r, 0));
      const lost = element(<usize>arg(p, ApplyRowsWord.lost), r, 0);
      const inverse: f32 = 1 / sqrt(load<f32>(<usize>arg(p, ApplyRowsWord.variance) + (<usize>r << 2)) + epsilon);
      const a = splat(inverse);
      const rest = splat(-lost * inverse);
      const scale = <usize>arg(p, ApplyRowsWord.scale);
      const shift = <usize>arg(p, ApplyRowsWord.shift);
      let left = length;
      let i = own;
      for (; left >= 4; left -= 4, i += 16, to += 16, from += 16) {
        const y = madd(f32x4.sub(v128.load(from), m), a, rest);
        v128.store(to, madd(y, four(scale, i, splat(1)), four(shift, i, splat(0))));
      }
      if (left == 0) continue;
      const y = madd(f32x4.sub(v128.load(from), m), a, rest);
      storeLanes(to, madd(y, four(scale, i, splat(1)), four(shift, i, splat(0))), left);
    }
}

/**
 * to [outer, 4, columns rounded up to fours], partials of columnSums with g, mean, what its rounding lost (0: none), variance, scale (0: none), outer, positions, groups, inner, rows of a block, ε:
 * the factor of g, the mean, the factor of x − mean and the rest of each column. The partials of a sample's blocks are added up into the first.
 */
function joinGrad(p: usize): void {
  const lost = <usize>arg(p, JoinGradWord.lost);
  const scale = <usize>arg(p, JoinGradWord.scale);
  const positions = arg(p, JoinGradWord.positions);
  const groups = arg(p, JoinGradWord.groups);
  const inner = arg(p, JoinGradWord.inner);
  const block = arg(p, JoinGradWord.block);
  const epsilon = number(p, JoinGradWord.epsilon);
  const columns = groups * inner;
  const wide = <usize>wideOf(columns);
  const blocks = (positions + block - 1) / block;
  const elements = <f64>positions * <f64>inner;
  for (let o = next(); o < arg(p, JoinGradWord.outer); o = next()) {
    const sums = <usize>arg(p, JoinGradWord.partials) + ((<usize>(o * blocks) * 2 * wide) << 3);
    for (let b = 1; b < blocks; b++)
      for (let j: usize = 0; j < wide * 2; j++) {
        const at = sums + (j << 3);
        store<f64>(at, load<f64>(at) + load<f64>(at + ((<usize>b * 2 * wide) << 3)));
      }
    let to = <usize>arg(p, JoinGradWord.to) + ((<usize>o * 4 * wide) << 2);
    for (let g = 0; g < groups; g++) {
      const i = o * groups + g;
      const mean = load<f32>(<usize>arg(p, JoinGradWord.mean) + (<usize>i << 2));
      const rest = <f64>element(lost, i, 0);
      const inverse = 1 / Math.sqrt(<f64>load<f32>(<usize>arg(p, JoinGradWord.variance) + (<usize>i << 2)) + <f64>epsilon);
      let plain: f64 = 0;
      let product: f64 = 0;
      for (let j = g * inner; j < g * inner + inner; j++) {
        const s = load<f64>(sums + (<usize>j << 3));
        const factor = <f64>element(scale, j, 1);
        plain += s * factor;
        product += (load<f64>(sums + ((wide + <usize>j) << 3)) - rest * s) * factor;
      }
      const slope = (-inverse * inverse * inverse * product) / elements;
      const level = (-inverse * plain) / elements - rest * slope;
      for (let j = g * inner; j < g * inner + inner; j++, to += 4) {
        store<f32>(to, <f32>(inverse * <f64>element(scale, j, 1)));
        store<f32>(to + (wide << 2), mean);
        store<f32>(to + (wide << 3), <f32>slope);
        store<f32>(to + wide * 12, <f32>level);
      }
    }
  }
}

/** by scale, by shift, partials after joinGrad, what the mean's rounding lost (0: none), variance, outer, blocks, groups, inner, ε. */
function parameterGrads(p: usize): void {
  const outer = arg(p, ParameterGradsWord.outer);
  const blocks = arg(p, ParameterGradsWord.blocks);
  const groups = arg(p, ParameterGradsWord.groups);
  const inner = arg(p, ParameterGradsWord.inner);
  const epsilon = number(p, ParameterGradsWord.epsilon);
  const columns = groups * inner;
  const wide = <usize>wideOf(columns);
  for (let j = next(); j < columns; j = next()) {
    let byScale: f64 = 0;
    let byShift: f64 = 0;
    for (let o = 0; o < outer; o++) {
      const at = <usize>arg(p, ParameterGradsWord.partials) + ((<usize>(o * blocks) * 2 * wide + <usize>j) << 3);
      const i = o * groups + j / inner;
      const s = load<f64>(at);
      const product = load<f64>(at + (wide << 3)) - <f64>element(<usize>arg(p, ParameterGradsWord.lost), i, 0) * s;
      byScale += product / Math.sqrt(<f64>load<f32>(<usize>arg(p, ParameterGradsWord.variance) + (<usize>i << 2)) + <f64>epsilon);
      byShift += s;
    }
    store<f32>(<usize>arg(p, ParameterGradsWord.scaleGrad) + (<usize>j << 2), <f32>byScale);
    store<f32>(<usize>arg(p, ParameterGradsWord.shiftGrad) + (<usize>j << 2), <f32>byShift);
  }
}

/** to, g, x, the coefficients of joinGrad, outer, positions, columns, rows of a block: g·factor + (x − mean)·slope + level. */
function applyGrad(p: usize): void {
  const positions = arg(p, ApplyGradWord.positions);
  const columns = arg(p, ApplyGradWord.columns);
  const block = arg(p, ApplyGradWord.block);
  const wide = <usize>wideOf(columns) << 2;
  const blocks = (positions + block - 1) / block;
  const step = <usize>columns << 2;
  for (let c = next(); c < arg(p, ApplyGradWord.outer) * blocks; c = next()) {
    const o = c / blocks;
    const row = (c % blocks) * block;
    const bytes = <usize>min(block, positions - row) * step;
    const offset = <usize>((o * positions + row) * columns) << 2;
    const list = <usize>arg(p, ApplyGradWord.coefficients) + <usize>o * 4 * wide;
    let j = 0;
    for (; j + 8 <= columns; j += 8) {
      const at = <usize>j << 2;
      const k = list + at;
      const f0 = v128.load(k);
      const f1 = v128.load(k, 16);
      const m0 = v128.load(k + wide);
      const m1 = v128.load(k + wide, 16);
      const s0 = v128.load(k + 2 * wide);
      const s1 = v128.load(k + 2 * wide, 16);
      const l0 = v128.load(k + 3 * wide);
      const l1 = v128.load(k + 3 * wide, 16);
      const to = <usize>arg(p, ApplyGradWord.to) + offset + at;
      const g = <usize>arg(p, ApplyGradWord.g) + offset + at;
      const x = <usize>arg(p, ApplyGradWord.x) + offset + at;
      for (let i: usize = 0; i < bytes; i += step) {
        v128.store(to + i, madd(v128.load(g + i), f0, madd(f32x4.sub(v128.load(x + i), m0), s0, l0)));
        v128.store(to + i, madd(v128.load(g + i, 16), f1, madd(f32x4.sub(v128.load(x + i, 16), m1), s1, l1)), 16);
      }
    }
    for (; j < columns; j += 4) {
      const at = <usize>j << 2;
      const k = list + at;
      const f = v128.load(k);
      const m = v128.load(k + wide);
      const s = v128.load(k + 2 * wide);
      const l = v128.load(k + 3 * wide);
      const to = <usize>arg(p, ApplyGradWord.to) + offset + at;
      const g = <usize>arg(p, ApplyGradWord.g) + offset + at;
      const x = <usize>arg(p, ApplyGradWord.x) + offset + at;
      for (let i: usize = 0; i < bytes; i += step)
        storeLanes(to + i, madd(v128.load(g + i), f, madd(f32x4.sub(v128.load(x + i), m), s, l)), columns - j);
    }
  }
}

/** (scale·g + level′ + normal·slope′)·a, level and slope being these times a; without the last two terms where mean and variance are fixed. */
// @ts-ignore: decorator
@inline
function rowSlope(g: usize, x: usize, scale: v128, m: v128, a: v128, rest: v128, level: v128, slope: v128, fixed: bool): v128 {
  const own = f32x4.mul(f32x4.mul(v128.load(g), scale), a);
  if (fixed) return own;
  return f32x4.add(own, madd(madd(f32x4.sub(v128.load(x), m), a, rest), slope, level));
}

/**
 * to, g, x, mean, what its rounding lost (0: none), variance, scale (0: none), partials (0: none), rows, groups, length, rows of a chunk, ε, whether mean and variance are fixed: the gradient by x of each
 * row, and [chunks, 2, columns rounded up to fours] numbers, the sums over a chunk's rows of g·(what was normalised) and g.
 */
function rowGrad(p: usize): void {
  const scale = <usize>arg(p, RowGradWord.scale);
  const partials = <usize>arg(p, RowGradWord.partials);
  const rows = arg(p, RowGradWord.rows);
  const groups = arg(p, RowGradWord.groups);
  const length = arg(p, RowGradWord.length);
  const share = arg(p, RowGradWord.share);
  const epsilon = number(p, RowGradWord.epsilon);
  const fixed = arg(p, RowGradWord.fixed) != 0;
  const wide = <usize>wideOf(groups * length) << 2;
  const whole = <usize>length << 2;
  for (let c = next(); c * share < rows; c = next()) {
    const products = partials + <usize>c * 2 * wide;
    const sums = products + wide;
    if (partials != 0) memory.fill(products, 0, wide * 2);
    for (let r = c * share; r < min(c * share + share, rows); r++) {
      const offset = <usize>r * whole;
      const g = <usize>arg(p, RowGradWord.g) + offset;
      const x = <usize>arg(p, RowGradWord.x) + offset;
      const to = <usize>arg(p, RowGradWord.to) + offset;
      const own = <usize>(r % groups) * whole;
      const m = splat(load<f32>(<usize>arg(p, RowGradWord.mean) + (<usize>r << 2)));
      const inverse: f32 = 1 / sqrt(load<f32>(<usize>arg(p, RowGradWord.variance) + (<usize>r << 2)) + epsilon);
      const a = splat(inverse);
      const rest = splat(-element(<usize>arg(p, RowGradWord.lost), r, 0) * inverse);
      const fours = whole & ~15;
      let plain: f64 = 0;
      let product: f64 = 0;
      for (let i: usize = 0; i < fours; ) {
        let s = splat(0);
        let q = s;
        for (const stop = min(i + shortRun * 16, fours); i < stop; i += 16) {
          const slope = v128.load(g + i);
          const normal = madd(f32x4.sub(v128.load(x + i), m), a, rest);
          if (partials != 0) {
            v128.store(products + own + i, madd(slope, normal, v128.load(products + own + i)));
            v128.store(sums + own + i, f32x4.add(slope, v128.load(sums + own + i)));
          }
          const v = f32x4.mul(slope, four(scale, own + i, splat(1)));
          s = f32x4.add(s, v);
          q = madd(v, normal, q);
        }
        plain += total(s);
        product += total(q);
      }
      const left = length & 3;
      if (left != 0) {
        // Lanes beyond the row belong to another.
        const mask = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(left));
        const slope = v128.and(v128.load(g + fours), mask);
        const normal = v128.and(madd(f32x4.sub(v128.load(x + fours), m), a, rest), mask);
        if (partials != 0) {
          const at = own + fours;
          storeLanes(products + at, madd(slope, normal, v128.load(products + at)), left);
          storeLanes(sums + at, f32x4.add(slope, v128.load(sums + at)), left);
        }
        const v = f32x4.mul(slope, v128.and(four(scale, own + fours, splat(1)), mask));
        plain += total(v);
        product += total(f32x4.mul(v, normal));
      }
      const level = splat(fixed ? 0 : <f32>(-plain / <f64>length) * inverse);
      const slope = splat(fixed ? 0 : <f32>(-product / <f64>length) * inverse);
      for (let i: usize = 0; i < fours; i += 16)
        v128.store(to + i, rowSlope(g + i, x + i, four(scale, own + i, splat(1)), m, a, rest, level, slope, fixed));
      if (left != 0) storeLanes(to + fours, rowSlope(g + fours, x + fours, four(scale, own + fours, splat(1)), m, a, rest, level, slope, fixed), left);
    }
  }
}

/** to, partials of rowGrad, chunks, columns rounded up to fours, columns: the sums over chunks of every second list. */
function rowParameterGrads(p: usize): void {
  const wide = <usize>arg(p, RowParameterGradsWord.wide) << 2;
  for (let j = next(); j < arg(p, RowParameterGradsWord.columns); j = next()) {
    let sum: f64 = 0;
    let at = <usize>arg(p, RowParameterGradsWord.partials) + (<usize>j << 2);
    for (let c = arg(p, RowParameterGradsWord.chunks); c > 0; c--, at += 2 * wide) sum += <f64>load<f32>(at);
    store<f32>(<usize>arg(p, RowParameterGradsWord.to) + (<usize>j << 2), <f32>sum);
  }
}

export function dispatchNorm(opcode: i32, p: usize, thread: i32): void {
  switch (opcode) {
    case Opcode.columnSums:
      return columnSums(p, thread);
    case Opcode.joinMoments:
      return joinMoments(p);
    case Opcode.rowMoments:
      return rowMoments(p);
    case Opcode.coefficients:
      return coefficients(p);
    case Opcode.applyColumns:
      return applyColumns(p);
    case Opcode.applyRows:
      return applyRows(p);
    case Opcode.joinGrad:
      return joinGrad(p);
    case Opcode.parameterGrads:
      return parameterGrads(p);
    case Opcode.applyGrad:
      return applyGrad(p);
    case Opcode.rowGrad:
      return rowGrad(p);
    case Opcode.rowParameterGrads:
      return rowParameterGrads(p);
    default:
      unreachable();
  }
}
