/**
 * Normalisation. Each kernel first sums over groups, and then computes all results in one launch.
 * Moments take two passes: the first sums the differences from the group's first element, the
 * second sums the squared differences from the mean. With squares of the elements themselves, a
 * small variance would be lost to rounding in float32. Several threads share a long group.
 */
import { sizeOf } from '../../values/shape.js';
import type { Grouping, Spec } from '../device.js';
import { maxFloat32 } from './functions.js';
import { type Arg, floorDiv, input, inputs, type Launch, type LaunchRules, launch, readAt, unravel } from './launch.js';

/** Several threads share a longer group if there are fewer sums than `fewSums`. */
const longGroup = 1024;
const fewSums = 4096;
/** The length of the partial sums that make up a sum, as in reduce.ts. */
const block = 512;

/**
 * The launches that compute `sums` sums of `length` terms each, as one array. `prelude` is code
 * that computes what the terms of number `sum` need. `term` is code that sets `v` to its term `k`.
 * `first` is the number of the first launch's result.
 */
function totals(
  args: Readonly<Record<string, Arg>>,
  sums: number,
  length: number,
  prelude: string,
  term: string,
  first: number,
): Launch[] {
  const parts = length > longGroup && sums < fewSums ? Math.ceil(Math.sqrt(length)) : 1;
  const each = Math.ceil(length / parts);
  const start =
    parts === 1
      ? 'const sum = i; const part = 0;'
      : `${unravel([sums, parts], 'at')} const sum = at0; const part = at1;`;
  const body = `${start} ${prelude} let acc = 0;
    for (let n = 0; n < ${Math.ceil(each / block)}; n++) { let few = 0;
      for (let m = 0; m < ${Math.min(block, each)}; m++) {
        const turn = n * ${block} + m; const k = turn * ${parts} + part;
        if (turn < ${each} && k < ${length}) { ${term} few += v; } }
      acc += few; }`;
  const shares = { ...launch(sums * parts, args, body, 'acc'), iterations: each };
  if (parts === 1) return [shares];
  const total = `let acc = 0; for (let k = 0; k < ${parts}; k++) { acc += a[i * ${parts} + k]; }`;
  return [shares, launch(sums, { a: { result: first } }, total, 'acc')];
}

/** Code that sets `j` to the index of element `k` of group `s`, and `c` to its column. */
function elementOf({ outer, positions, groups, inner }: Grouping): { prelude: string; element: string } {
  return {
    prelude: `${unravel([outer, groups], 'group', 's')}
      const base = (group0 * ${positions * groups} + group1) * ${inner};`,
    element: `const p = ${floorDiv('k', inner)}; const e = k - p * ${inner};
      const j = base + p * ${groups * inner} + e; const c = group1 * ${inner} + e;`,
  };
}
/**
 * Code that sets `o` to the number that is subtracted first: the group's first element, or 0 if
 * that is not finite.
 */
const origin = `const o = (Math.abs(x[base]) <= ${maxFloat32} ? x[base] : 0);`;

/**
 * Code that sets `w` to element `j` minus the mean of its group `s`, and `r` to the reciprocal of
 * the group's standard deviation.
 */
const centred = (mean: Spec, count: number): string =>
  `const w = x[j] - mean[s]${mean.shape[0] === 2 ? ` - mean[s + ${count}]` : ''};
   const r = 1 / Math.sqrt(variance[s] + e0);`;

/**
 * Code that sets `s` to the group and `c` to the column of element `i`. It also sets `j` to `i`,
 * because `centred` reads element `j`.
 */
const ofElement = ({ outer, positions, groups, inner }: Grouping): string =>
  `const j = i; ${unravel([outer, positions, groups, inner], 'at')}
   const s = at0 * ${groups} + at2; const c = at2 * ${inner} + at3;`;

export const norm: LaunchRules<'moments' | 'normalize' | 'normalizeGrad'> = {
  moments: (_, { grouping }) => {
    const { outer, positions, groups, inner } = grouping;
    const count = outer * groups;
    const length = positions * inner;
    const { prelude, element } = elementOf(grouping);
    const sums = totals(
      inputs('x'),
      count,
      length,
      `const s = sum; ${prelude} ${origin}`,
      `${element} const v = x[j] - o;`,
      0,
    );
    const shift = { result: sums.length - 1 };
    const squares = totals(
      { x: input(0), moved: shift },
      count,
      length,
      `const s = sum; ${prelude} ${origin} const d = moved[s] * ${1 / length};`,
      `${element} const w = x[j] - o - d; const v = w * w;`,
      sums.length,
    );
    // The mean is the number that was subtracted plus the mean of the differences.
    const body = `const row = ${floorDiv('i', count)}; const s = i - row * ${count}; ${prelude} ${origin}
      let r = o; if (row === 1) { r = moved[s] * ${1 / length}; } if (row === 2) { r = square[s] * ${1 / length}; }`;
    const args = { x: input(0), moved: shift, square: { result: sums.length + squares.length - 1 } };
    return [...sums, ...squares, launch(3 * count, args, body, 'r')];
  },

  normalize: ([x, mean, variance, scale], { grouping, eps }) => {
    const names = scale === undefined ? ['x', 'mean', 'variance'] : ['x', 'mean', 'variance', 'scale', 'shift'];
    const body = `${ofElement(grouping)} ${centred(mean, sizeOf(variance.shape))}`;
    const value = scale === undefined ? 'w * r' : 'w * (r * scale[c]) + shift[c]';
    return [launch(sizeOf(x.shape), { ...inputs(...names), e0: eps }, body, value)];
  },

  normalizeGrad: ([g, x, mean, variance, scale], { grouping, eps, fixed }) => {
    const { outer, positions, groups, inner } = grouping;
    const count = outer * groups;
    const length = positions * inner;
    const columns = groups * inner;
    const size = sizeOf(x.shape);
    const names = ['g', 'x', 'mean', 'variance', ...(scale === undefined ? [] : ['scale'])];
    const args = { ...inputs(...names), e0: eps };
    const unscaled = readAt('g', g, 'j');
    const scaled = scale === undefined ? unscaled : `${unscaled} * scale[c]`;
    const normal = centred(mean, sizeOf(variance.shape));
    const launches: Launch[] = [];
    const extra: Record<string, Arg> = {};
    if (!fixed) {
      // For each group, the sums of scale·g, then the sums of scale·g·(normalised x).
      const { prelude, element } = elementOf(grouping);
      const select = `const which = ${floorDiv('sum', count)}; const s = sum - which * ${count};`;
      const term = `${element} ${normal} let v = ${scaled}; if (which === 1) { v = v * w * r; }`;
      launches.push(...totals(args, 2 * count, length, `${select} ${prelude}`, term, 0));
      extra.sums = { result: launches.length - 1 };
    }
    if (scale !== undefined) {
      // For each column, the sums of g·(normalised x), then the sums of g.
      const select = `const which = ${floorDiv('sum', columns)}; const c = sum - which * ${columns};`;
      const element = `const q = ${floorDiv('k', positions)};
        const s = q * ${groups} + ${floorDiv('c', inner)}; const j = k * ${columns} + c;`;
      const term = `${element} ${normal} let v = ${unscaled}; if (which === 0) { v = v * w * r; }`;
      launches.push(...totals(args, 2 * columns, outer * positions, select, term, launches.length));
      extra.columns = { result: launches.length - 1 };
    }
    const through = fixed ? '' : ` - (sums[s] + w * r * sums[s + ${count}]) * ${1 / length}`;
    const byInput = `${ofElement(grouping)} ${normal} y = (${scaled}${through}) * r;`;
    if (scale === undefined) return [...launches, launch(size, { ...args, ...extra }, `let y = 0; ${byInput}`, 'y')];
    const body = `let y = 0; if (i < ${size}) { ${byInput} } else { y = columns[i - ${size}]; }`;
    return [...launches, launch(size + 2 * columns, { ...args, ...extra }, body, 'y')];
  },
};
