/**
 * Pooling kernels and their adjoints. All of them gather. A pooled element visits the cells of its
 * window, and a cell visits the windows that cover it, both in row-major order.
 */
import { type Shape, sizeOf } from '../../values/shape.js';
import { extentOf, type Pool2dGeometry } from '../../values/window.js';
import type { NanPolicy, PickPolicy } from '../device.js';
import { floorDiv, input, inputs, isNumber, type LaunchRules, launch, unravel } from './launch.js';

/** Code that runs a body for each input cell (py, px) of window (c1, c2). */
const overWindow = ({ height: h, width: w }: Pool2dGeometry, body: string): string =>
  `for (let ky = 0; ky < ${h.kernel}; ky++) {
    const py = c1 * ${h.stride} + ky * ${h.dilation} - ${h.before}; if (py >= 0 && py < ${h.input}) {
    for (let kx = 0; kx < ${w.kernel}; kx++) {
      const px = c2 * ${w.stride} + kx * ${w.dilation} - ${w.before}; if (px >= 0 && px < ${w.input}) { ${body} } } } }`;

/**
 * Code that runs a body for each window (oy, ox) that covers input cell (y, x), in row-major order.
 * A cell between those of a dilated window counts as covered. No index points to it, and no average
 * pool is dilated.
 */
const overCell = ({ height: h, width: w }: Pool2dGeometry, body: string, y = 'c1', x = 'c2'): string => {
  // The last window that can cover a cell is the last one that begins at or before it. Only the
  // `most` windows up to that one can cover it.
  const most = (a: typeof h): number => Math.ceil(extentOf(a) / a.stride);
  const last = (c: string, a: typeof h): string => floorDiv(`(${c} + ${a.before})`, a.stride);
  const covers = (o: string, c: string, a: typeof h): string =>
    `${o} >= 0 && ${o} < ${a.output} && ${c} + ${a.before} - ${o} * ${a.stride} < ${extentOf(a)}`;
  return `const lastY = ${last(y, h)}; const lastX = ${last(x, w)};
    for (let ty = 0; ty < ${most(h)}; ty++) { const oy = lastY - ${most(h) - 1} + ty; if (${covers('oy', y, h)}) {
      for (let tx = 0; tx < ${most(w)}; tx++) { const ox = lastX - ${most(w) - 1} + tx;
        if (${covers('ox', x, w)}) { ${body} } } } }`;
};

const inputAt = ({ height, width, channels }: Pool2dGeometry): string =>
  `((c0 * ${height.input} + py) * ${width.input} + px) * ${channels} + c3`;
const outputAt = ({ height, width, channels }: Pool2dGeometry): string =>
  `((c0 * ${height.output} + oy) * ${width.output} + ox) * ${channels} + c3`;

/** Code for the number by which the sum of window (y, x) is divided. */
function divisorOf({ height: h, width: w }: Pool2dGeometry, divisor: number, y: string, x: string): string {
  if (divisor !== 0) return divisor > 0 ? String(divisor) : `(${divisor})`;
  const count = (o: string, a: typeof h): string => {
    const start = `${o} * ${a.stride} - ${a.before}`;
    return `(Math.min(${start} + ${a.kernel}, ${a.input}) - Math.max(${start}, 0))`;
  };
  return `(${count(y, h)} * ${count(x, w)})`;
}

/**
 * Code that runs a body for each pooled position `p` of image c0 and channel c3 whose index may be
 * `own`. These are the windows that cover the cell, or all positions if the geometry is not known.
 */
const overRivals = (
  geometry: Pool2dGeometry | null,
  [, height, width, channels]: Shape,
  body: string,
  y?: string,
  x?: string,
): string =>
  geometry === null
    ? `for (let o = 0; o < ${height * width}; o++) {
        const p = (c0 * ${height * width} + o) * ${channels} + c3; ${body} }`
    : overCell(geometry, `const p = ${outputAt(geometry)}; ${body}`, y, x);
/** The iterations per thread of `overRivals`, if there may be many. */
const iterationsOf = (geometry: Pool2dGeometry | null, [, height, width]: Shape): { iterations?: number } =>
  geometry === null ? { iterations: height * width } : {};

/** Code that tests whether an integer lies in [0, size). */
const inRange = (x: string, size: number): string => `(${x} >= 0 && ${x} < ${size})`;

/**
 * Code for each NaN policy: the condition under which cell `v` replaces the window's `best`, and
 * the value that stands for the window's first cell. NaN is never compared.
 */
const nanPolicies: Readonly<Record<NanPolicy, { readonly takes: string; readonly first: string }>> = {
  // A NaN replaces everything, so the last NaN stays. Otherwise only a larger value replaces, so
  // the first of equal values stays.
  propagate: { takes: `v > best || !${isNumber('v')}`, first: 'v' },
  tf: { takes: `${isNumber('v')} && ${isNumber('best')} && v > best`, first: 'v' },
  ignore: { takes: `${isNumber('v')} && v > best`, first: `(${isNumber('v')} ? v : lowest)` },
};

/**
 * Code for the condition under which the value at p is picked for a cell rather than the value at
 * i.
 */
const beats: Readonly<Record<PickPolicy, string>> = {
  first: 'p < i',
  last: 'p > i',
  max: `(${isNumber('mine')} ? (!${isNumber('v[p]')} || v[p] > mine || (p < i && v[p] === mine))
    : (p < i && !${isNumber('v[p]')}))`,
};

export const pool: LaunchRules<
  'maxPool2d' | 'maxUnpool2d' | 'planeGather' | 'unpoolPick' | 'avgPool2d' | 'avgPool2dGrad'
> = {
  // One launch computes both outputs, values and then indices.
  maxPool2d: (_, { geometry, nan }, [values]) => {
    const size = sizeOf(values.shape);
    const { takes, first } = nanPolicies[nan];
    const here = `k = py * ${geometry.width.input} + px;`;
    const look = `const v = a[${inputAt(geometry)}];
      if (k < 0) { best = ${first}; ${here} } else { if (${takes}) { best = v; ${here} } }`;
    const body = `const o = (i < ${size} ? i : i - ${size}); ${unravel(values.shape, 'c', 'o')}
      let best = 0; let k = -1; ${overWindow(geometry, look)}`;
    const args = nan === 'ignore' ? { ...inputs('a'), lowest: Number.NEGATIVE_INFINITY } : inputs('a');
    return [launch(2 * size, args, body, `(i < ${size} ? best : k)`)];
  },
  maxUnpool2d: ([v], { geometry }, [y]) => {
    const own = `const own = c1 * ${y.shape[2]} + c2; let acc = 0;`;
    const body = overRivals(geometry, v.shape, 'if (x[p] === own) { acc += v[p]; }');
    const unpool = launch(sizeOf(y.shape), inputs('v', 'x'), `${unravel(y.shape, 'c')} ${own} ${body}`, 'acc');
    return [{ ...unpool, ...iterationsOf(geometry, v.shape) }];
  },
  planeGather: ([a], _, [y]) => {
    const plane = a.shape[1] * a.shape[2];
    const take = `const own = x[i]; let r = 0;
      if (${inRange('own', plane)}) { r = a[(c0 * ${plane} + own) * ${a.shape[3]} + c3]; }`;
    return [launch(sizeOf(y.shape), inputs('a', 'x'), `${unravel(y.shape, 'c')} ${take}`, 'r')];
  },
  unpoolPick: ([v], { pick, geometry, pixels }) => {
    const cell = geometry === null ? '' : unravel([geometry.height.input, geometry.width.input], 'd', 'own');
    const look = `if (x[p] === own) { if (${beats[pick]}) { taken = 0; } }`;
    const body = `${unravel(v.shape, 'c')}
      const own = x[i]; ${pick === 'max' ? 'const mine = v[i];' : ''} let taken = 0;
      if (${inRange('own', pixels)}) { taken = 1; ${cell} ${overRivals(geometry, v.shape, look, 'd0', 'd1')} }`;
    const args = pick === 'max' ? inputs('v', 'x') : { x: input(1) };
    return [{ ...launch(sizeOf(v.shape), args, body, 'taken'), ...iterationsOf(geometry, v.shape) }];
  },
  avgPool2d: (_, { geometry, divisor }, [y]) => [
    launch(
      sizeOf(y.shape),
      inputs('a'),
      `${unravel(y.shape, 'c')} let acc = 0; ${overWindow(geometry, `acc += a[${inputAt(geometry)}];`)}`,
      `acc / ${divisorOf(geometry, divisor, 'c1', 'c2')}`,
    ),
  ],
  avgPool2dGrad: (_, { geometry, divisor }, [x]) => {
    const take = `acc += g[${outputAt(geometry)}] / ${divisorOf(geometry, divisor, 'oy', 'ox')};`;
    const body = `${unravel(x.shape, 'c')} let acc = 0; ${overCell(geometry, take)}`;
    return [launch(sizeOf(x.shape), inputs('g'), body, 'acc')];
  },
};
