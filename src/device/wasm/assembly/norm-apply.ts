/** Normalisation by given statistics. */
import { ApplyColumnsWord, ApplyRowsWord, CoefficientsWord } from '../protocol/norm';
import { address, arg, next, number } from './core';
import { splat } from './math';
import { element, four, wideOf } from './norm-common';
import { madd, storeLanes } from './tiles';

/** Computes the mean, factor and shift of each column from statistics, scale and shift. */
export function coefficients(p: usize): void {
  const groups = arg(p, CoefficientsWord.groups);
  const inner = arg(p, CoefficientsWord.inner);
  const epsilon = number(p, CoefficientsWord.epsilon);
  const wide = (<usize>wideOf(groups * inner)) << 2;
  for (let o = next(); o < arg(p, CoefficientsWord.outer); o = next()) {
    let to = address(p, CoefficientsWord.to) + <usize>o * 3 * wide;
    for (let g = 0; g < groups; g++) {
      const i = o * groups + g;
      const mean = element(address(p, CoefficientsWord.mean), i, 0);
      const lost = element(address(p, CoefficientsWord.lost), i, 0);
      const inverse: f32 = 1 / sqrt(load<f32>(address(p, CoefficientsWord.variance) + ((<usize>i) << 2)) + epsilon);
      for (let j = g * inner; j < g * inner + inner; j++, to += 4) {
        const factor = inverse * element(address(p, CoefficientsWord.scale), j, 1);
        store<f32>(to, mean);
        store<f32>(to + wide, factor);
        store<f32>(to + 2 * wide, element(address(p, CoefficientsWord.shift), j, 0) - lost * factor);
      }
    }
  }
}

/** (x − mean)·factor + shift, by columns. */
export function applyColumns(p: usize): void {
  const positions = arg(p, ApplyColumnsWord.positions);
  const columns = arg(p, ApplyColumnsWord.columns);
  const block = arg(p, ApplyColumnsWord.block);
  const wide = (<usize>wideOf(columns)) << 2;
  const blocks = (positions + block - 1) / block;
  const step = (<usize>columns) << 2;
  for (let c = next(); c < arg(p, ApplyColumnsWord.outer) * blocks; c = next()) {
    const o = c / blocks;
    const row = (c % blocks) * block;
    const bytes = <usize>min(block, positions - row) * step;
    const offset = (<usize>((o * positions + row) * columns)) << 2;
    const to = address(p, ApplyColumnsWord.to) + offset;
    const from = address(p, ApplyColumnsWord.x) + offset;
    const list = address(p, ApplyColumnsWord.coefficients) + <usize>o * 3 * wide;
    let j = 0;
    for (; j + 16 <= columns; j += 16) {
      const k = list + ((<usize>j) << 2);
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
      const y = to + ((<usize>j) << 2);
      const x = from + ((<usize>j) << 2);
      for (let i: usize = 0; i < bytes; i += step) {
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i), m0), a0, b0));
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i, 16), m1), a1, b1), 16);
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i, 32), m2), a2, b2), 32);
        v128.store(y + i, madd(f32x4.sub(v128.load(x + i, 48), m3), a3, b3), 48);
      }
    }
    for (; j < columns; j += 4) {
      const k = list + ((<usize>j) << 2);
      const m = v128.load(k);
      const a = v128.load(k + wide);
      const b = v128.load(k + 2 * wide);
      const y = to + ((<usize>j) << 2);
      const x = from + ((<usize>j) << 2);
      for (let i: usize = 0; i < bytes; i += step)
        storeLanes(y + i, madd(f32x4.sub(v128.load(x + i), m), a, b), columns - j);
    }
  }
}

/** (x − mean)·scale/√(variance + ε) + shift, by rows. */
export function applyRows(p: usize): void {
  const rows = arg(p, ApplyRowsWord.rows);
  const groups = arg(p, ApplyRowsWord.groups);
  const length = arg(p, ApplyRowsWord.length);
  const share = arg(p, ApplyRowsWord.share);
  const epsilon = number(p, ApplyRowsWord.epsilon);
  for (let c = next(); c * share < rows; c = next())
    for (let r = c * share; r < min(c * share + share, rows); r++) {
      const offset = (<usize>(r * length)) << 2;
      let to = address(p, ApplyRowsWord.to) + offset;
      let from = address(p, ApplyRowsWord.x) + offset;
      const own = (<usize>((r % groups) * length)) << 2;
      const m = splat(element(address(p, ApplyRowsWord.mean), r, 0));
      const lost = element(address(p, ApplyRowsWord.lost), r, 0);
      const inverse: f32 = 1 / sqrt(load<f32>(address(p, ApplyRowsWord.variance) + ((<usize>r) << 2)) + epsilon);
      const a = splat(inverse);
      const rest = splat(-lost * inverse);
      const scale = address(p, ApplyRowsWord.scale);
      const shift = address(p, ApplyRowsWord.shift);
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
