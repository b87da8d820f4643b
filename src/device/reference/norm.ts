/**
 * Moments of groups, normalisation by them, and its gradient. Sums accumulate in double precision.
 */
import type { TypedArray } from '../../values/dtype.js';
import type { Grouping } from '../device.js';
import type { Family, HostArray } from './array.js';

/**
 * Calls `visit` with every element's index, the index of its group in the statistics, and its
 * column, which is the index into scale and shift.
 */
function walk(
  { outer, positions, groups, inner }: Grouping,
  visit: (index: number, group: number, column: number) => void,
): void {
  let index = 0;
  for (let o = 0; o < outer; o++)
    for (let p = 0; p < positions; p++)
      for (let g = 0; g < groups; g++) for (let i = 0; i < inner; i++) visit(index++, o * groups + g, g * inner + i);
}

/** (x − mean)/√(variance + eps) of every element, and 1/√(variance + eps) of every group. */
function normalized(
  x: TypedArray,
  mean: HostArray,
  variance: HostArray,
  grouping: Grouping,
  eps: number,
): { values: Float64Array; inverse: Float64Array } {
  const count = variance.data.length;
  const inverse = Float64Array.from(variance.data, (v) => 1 / Math.sqrt(v + eps));
  const correction = (group: number): number => (mean.data.length > count ? mean.data[count + group] : 0);
  const values = new Float64Array(x.length);
  walk(grouping, (i, group) => {
    values[i] = (x[i] - mean.data[group] - correction(group)) * inverse[group];
  });
  return { values, inverse };
}

export const norm: Family<'moments' | 'normalize' | 'normalizeGrad'> = {
  moments([{ data: x }], { grouping }, [{ data: mean }, { data: variance }]) {
    const { positions, inner } = grouping;
    const count = positions * inner;
    const sums = new Float64Array(variance.length);
    walk(grouping, (i, group) => {
      sums[group] += x[i];
    });
    const means = sums.map((sum) => sum / count);
    const squares = new Float64Array(variance.length);
    walk(grouping, (i, group) => {
      squares[group] += (x[i] - means[group]) ** 2;
    });
    means.forEach((value, group) => {
      mean[group] = value;
      // The rounding error of the mean. An infinite mean has none.
      mean[variance.length + group] = Number.isFinite(value) ? value - mean[group] : 0;
      variance[group] = squares[group] / count;
    });
  },

  normalize([{ data: x }, mean, variance, scale, shift], { grouping, eps }, [{ data: y }]) {
    const { values } = normalized(x, mean, variance, grouping, eps);
    walk(grouping, (i, _, column) => {
      y[i] = scale === undefined ? values[i] : values[i] * scale.data[column] + shift.data[column];
    });
  },

  normalizeGrad([{ data: g }, { data: x }, mean, variance, scale], { grouping, eps, fixed }, [dx, dScale, dShift]) {
    const { values, inverse } = normalized(x, mean, variance, grouping, eps);
    const count = grouping.positions * grouping.inner;
    const factor = (column: number): number => (scale === undefined ? 1 : scale.data[column]);
    /** For every group, the means of scale·g and of scale·g·(normalised x). */
    const plain = new Float64Array(inverse.length);
    const product = new Float64Array(inverse.length);
    const byScale = new Float64Array(dScale?.data.length ?? 0);
    const byShift = new Float64Array(dShift?.data.length ?? 0);
    walk(grouping, (i, group, column) => {
      plain[group] += (g[i] * factor(column)) / count;
      product[group] += (g[i] * factor(column) * values[i]) / count;
      byScale[column] += g[i] * values[i];
      byShift[column] += g[i];
    });
    walk(grouping, (i, group, column) => {
      const through = fixed ? 0 : plain[group] + values[i] * product[group];
      dx.data[i] = (g[i] * factor(column) - through) * inverse[group];
    });
    dScale?.data.set(byScale);
    dShift?.data.set(byShift);
  },
};
