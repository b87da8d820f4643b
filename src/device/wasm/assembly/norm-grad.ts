/** The gradient of normalisation. */
import { ApplyGradWord, JoinGradWord, ParameterGradsWord, RowGradWord, RowParameterGradsWord } from '../protocol/norm';
import { address, arg, next, number } from './core';
import { splat } from './math';
import { element, four, shortRun, total, wideOf } from './norm-common';
import { madd, storeLanes } from './tiles';

/**
 * Computes four coefficients of each column for applyGrad: the factor of g, the mean, the factor of
 * x − mean (slope) and the constant (level). Also adds the partial sums of all blocks of an outer
 * element to those of its first block.
 */
export function joinGrad(p: usize): void {
  const lost = address(p, JoinGradWord.lost);
  const scale = address(p, JoinGradWord.scale);
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
    const sums = address(p, JoinGradWord.partials) + ((<usize>(o * blocks) * 2 * wide) << 3);
    for (let b = 1; b < blocks; b++)
      for (let j: usize = 0; j < wide * 2; j++) {
        const at = sums + (j << 3);
        store<f64>(at, load<f64>(at) + load<f64>(at + ((<usize>b * 2 * wide) << 3)));
      }
    let to = address(p, JoinGradWord.to) + ((<usize>o * 4 * wide) << 2);
    for (let g = 0; g < groups; g++) {
      const i = o * groups + g;
      const mean = load<f32>(address(p, JoinGradWord.mean) + ((<usize>i) << 2));
      const rest = <f64>element(lost, i, 0);
      const inverse =
        1 / Math.sqrt(<f64>load<f32>(address(p, JoinGradWord.variance) + ((<usize>i) << 2)) + <f64>epsilon);
      let plain: f64 = 0;
      let product: f64 = 0;
      for (let j = g * inner; j < g * inner + inner; j++) {
        const s = load<f64>(sums + ((<usize>j) << 3));
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

/** The gradients of scale and shift, from the partial sums that joinGrad has added. */
export function parameterGrads(p: usize): void {
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
      const at = address(p, ParameterGradsWord.partials) + ((<usize>(o * blocks) * 2 * wide + <usize>j) << 3);
      const i = o * groups + j / inner;
      const s = load<f64>(at);
      const product = load<f64>(at + (wide << 3)) - <f64>element(address(p, ParameterGradsWord.lost), i, 0) * s;
      byScale +=
        product /
        Math.sqrt(<f64>load<f32>(address(p, ParameterGradsWord.variance) + ((<usize>i) << 2)) + <f64>epsilon);
      byShift += s;
    }
    store<f32>(address(p, ParameterGradsWord.scaleGrad) + ((<usize>j) << 2), <f32>byScale);
    store<f32>(address(p, ParameterGradsWord.shiftGrad) + ((<usize>j) << 2), <f32>byShift);
  }
}

/** The gradient of x by columns: g·factor + (x − mean)·slope + level. */
export function applyGrad(p: usize): void {
  const positions = arg(p, ApplyGradWord.positions);
  const columns = arg(p, ApplyGradWord.columns);
  const block = arg(p, ApplyGradWord.block);
  const wide = (<usize>wideOf(columns)) << 2;
  const blocks = (positions + block - 1) / block;
  const step = (<usize>columns) << 2;
  for (let c = next(); c < arg(p, ApplyGradWord.outer) * blocks; c = next()) {
    const o = c / blocks;
    const row = (c % blocks) * block;
    const bytes = <usize>min(block, positions - row) * step;
    const offset = (<usize>((o * positions + row) * columns)) << 2;
    const list = address(p, ApplyGradWord.coefficients) + <usize>o * 4 * wide;
    let j = 0;
    for (; j + 8 <= columns; j += 8) {
      const at = (<usize>j) << 2;
      const k = list + at;
      const f0 = v128.load(k);
      const f1 = v128.load(k, 16);
      const m0 = v128.load(k + wide);
      const m1 = v128.load(k + wide, 16);
      const s0 = v128.load(k + 2 * wide);
      const s1 = v128.load(k + 2 * wide, 16);
      const l0 = v128.load(k + 3 * wide);
      const l1 = v128.load(k + 3 * wide, 16);
      const to = address(p, ApplyGradWord.to) + offset + at;
      const g = address(p, ApplyGradWord.g) + offset + at;
      const x = address(p, ApplyGradWord.x) + offset + at;
      for (let i: usize = 0; i < bytes; i += step) {
        v128.store(to + i, madd(v128.load(g + i), f0, madd(f32x4.sub(v128.load(x + i), m0), s0, l0)));
        v128.store(to + i, madd(v128.load(g + i, 16), f1, madd(f32x4.sub(v128.load(x + i, 16), m1), s1, l1)), 16);
      }
    }
    for (; j < columns; j += 4) {
      const at = (<usize>j) << 2;
      const k = list + at;
      const f = v128.load(k);
      const m = v128.load(k + wide);
      const s = v128.load(k + 2 * wide);
      const l = v128.load(k + 3 * wide);
      const to = address(p, ApplyGradWord.to) + offset + at;
      const g = address(p, ApplyGradWord.g) + offset + at;
      const x = address(p, ApplyGradWord.x) + offset + at;
      for (let i: usize = 0; i < bytes; i += step)
        storeLanes(to + i, madd(v128.load(g + i), f, madd(f32x4.sub(v128.load(x + i), m), s, l)), columns - j);
    }
  }
}

/**
 * The gradient of x in a row: scale·g·a + normal·slope + level. If mean and variance are fixed, it
 * is scale·g·a.
 */
@inline
function rowSlope(
  g: usize,
  x: usize,
  scale: v128,
  m: v128,
  a: v128,
  rest: v128,
  level: v128,
  slope: v128,
  fixed: bool,
): v128 {
  const own = f32x4.mul(f32x4.mul(v128.load(g), scale), a);
  if (fixed) return own;
  return f32x4.add(own, madd(madd(f32x4.sub(v128.load(x), m), a, rest), slope, level));
}

/**
 * The gradient of x by rows. With `partials`, it also sums g·normal and g over the rows of each
 * chunk, where normal is the normalised x.
 */
export function rowGrad(p: usize): void {
  const scale = address(p, RowGradWord.scale);
  const partials = address(p, RowGradWord.partials);
  const rows = arg(p, RowGradWord.rows);
  const groups = arg(p, RowGradWord.groups);
  const length = arg(p, RowGradWord.length);
  const share = arg(p, RowGradWord.share);
  const epsilon = number(p, RowGradWord.epsilon);
  const fixed = arg(p, RowGradWord.fixed) != 0;
  const wide = (<usize>wideOf(groups * length)) << 2;
  const whole = (<usize>length) << 2;
  for (let c = next(); c * share < rows; c = next()) {
    const products = partials + <usize>c * 2 * wide;
    const sums = products + wide;
    if (partials != 0) memory.fill(products, 0, wide * 2);
    for (let r = c * share; r < min(c * share + share, rows); r++) {
      const offset = <usize>r * whole;
      const g = address(p, RowGradWord.g) + offset;
      const x = address(p, RowGradWord.x) + offset;
      const to = address(p, RowGradWord.to) + offset;
      const own = <usize>(r % groups) * whole;
      const m = splat(load<f32>(address(p, RowGradWord.mean) + ((<usize>r) << 2)));
      const inverse: f32 = 1 / sqrt(load<f32>(address(p, RowGradWord.variance) + ((<usize>r) << 2)) + epsilon);
      const a = splat(inverse);
      const rest = splat(-element(address(p, RowGradWord.lost), r, 0) * inverse);
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
        // The lanes past the end of the row belong to the next row.
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
      if (left != 0)
        storeLanes(
          to + fours,
          rowSlope(g + fours, x + fours, four(scale, own + fours, splat(1)), m, a, rest, level, slope, fixed),
          left,
        );
    }
  }
}

/** The gradient of scale or of shift: the sum of every second list over the chunks. */
export function rowParameterGrads(p: usize): void {
  const wide = (<usize>arg(p, RowParameterGradsWord.wide)) << 2;
  for (let j = next(); j < arg(p, RowParameterGradsWord.columns); j = next()) {
    let sum: f64 = 0;
    let at = address(p, RowParameterGradsWord.partials) + ((<usize>j) << 2);
    for (let c = arg(p, RowParameterGradsWord.chunks); c > 0; c--, at += 2 * wide) sum += <f64>load<f32>(at);
    store<f32>(address(p, RowParameterGradsWord.to) + ((<usize>j) << 2), <f32>sum);
  }
}
