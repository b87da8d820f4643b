/** Pools and their transposes, all gathers: a cell looks through the windows that cover it, in row-major order. */
import { sizeOf } from '../../tensor/shape.js';
import type { Pool2dGeometry } from '../../tensor/window.js';
import { floorDiv, inputs, isNumber, launch, type Planners, split } from './launch.js';

/** Code around a body that sees each input cell (py, px) of window (c1, c2). */
const overWindow = ({ height: h, width: w }: Pool2dGeometry, body: string): string =>
  `for (let ky = 0; ky < ${h.kernel}; ky++) { const py = c1 * ${h.stride} + ky - ${h.before}; if (py >= 0 && py < ${h.input}) {
    for (let kx = 0; kx < ${w.kernel}; kx++) { const px = c2 * ${w.stride} + kx - ${w.before}; if (px >= 0 && px < ${w.input}) { ${body} } } } }`;

/** Code around a body that sees each window (oy, ox) over input cell (c1, c2), in row-major order. */
const overCell = ({ height: h, width: w }: Pool2dGeometry, body: string): string => {
  // The windows over a cell are the last `most` up to the one that begins at it or before.
  const most = (a: typeof h): number => Math.ceil(a.kernel / a.stride);
  const last = (c: string, a: typeof h): string => floorDiv(`(${c} + ${a.before})`, a.stride);
  const covers = (o: string, c: string, a: typeof h): string => `${o} >= 0 && ${o} < ${a.output} && ${c} + ${a.before} - ${o} * ${a.stride} < ${a.kernel}`;
  return `const lastY = ${last('c1', h)}; const lastX = ${last('c2', w)};
    for (let ty = 0; ty < ${most(h)}; ty++) { const oy = lastY - ${most(h) - 1} + ty; if (${covers('oy', 'c1', h)}) {
      for (let tx = 0; tx < ${most(w)}; tx++) { const ox = lastX - ${most(w) - 1} + tx; if (${covers('ox', 'c2', w)}) { ${body} } } } }`;
};

const inputAt = ({ height, width, channels }: Pool2dGeometry): string => `((c0 * ${height.input} + py) * ${width.input} + px) * ${channels} + c3`;
const outputAt = ({ height, width, channels }: Pool2dGeometry): string => `((c0 * ${height.output} + oy) * ${width.output} + ox) * ${channels} + c3`;

/** Code: how many cells window (y, x) averages over. */
function divisor({ height: h, width: w }: Pool2dGeometry, countIncludePad: boolean, y: string, x: string): string {
  if (countIncludePad) return String(h.kernel * w.kernel);
  const count = (o: string, a: typeof h): string =>
    `(Math.min(${o} * ${a.stride} - ${a.before} + ${a.kernel}, ${a.input}) - Math.max(${o} * ${a.stride} - ${a.before}, 0))`;
  return `(${count(y, h)} * ${count(x, w)})`;
}

export const pool: Planners<'maxPool2d' | 'maxUnpool2d' | 'planeGather' | 'avgPool2d' | 'avgPool2dGrad'> = {
  // Both outputs in one launch: values, then indices.
  maxPool2d: (_, { geometry }, [values]) => {
    const size = sizeOf(values.shape);
    // A NaN beats everything and the last NaN stays; else only something larger does, so the first of equals stays.
    const look = `const v = a[${inputAt(geometry)}]; if (k < 0 || v > best || !${isNumber('v')}) { best = v; k = py * ${geometry.width.input} + px; }`;
    const body = `const o = (i < ${size} ? i : i - ${size}); ${split(values.shape, 'c', 'o')} let best = 0; let k = -1; ${overWindow(geometry, look)}`;
    return [launch(2 * size, inputs('a'), body, `(i < ${size} ? best : k)`)];
  },
  maxUnpool2d: ([v], { geometry }, [y]) => {
    const [, height, width, channels] = v.shape;
    const own = `const own = c1 * ${y.shape[2]} + c2; let acc = 0;`;
    const add = (at: string): string => `const p = ${at}; if (x[p] === own) { acc += v[p]; }`;
    const body =
      geometry === null
        ? `for (let o = 0; o < ${height * width}; o++) { ${add(`(c0 * ${height * width} + o) * ${channels} + c3`)} }`
        : overCell(geometry, add(outputAt(geometry)));
    const unpool = launch(sizeOf(y.shape), inputs('v', 'x'), `${split(y.shape, 'c')} ${own} ${body}`, 'acc');
    return [geometry === null ? { ...unpool, turns: height * width } : unpool];
  },
  planeGather: ([a], _, [y]) => [
    launch(sizeOf(y.shape), inputs('a', 'x'), split(y.shape, 'c'), `a[(c0 * ${a.shape[1] * a.shape[2]} + x[i]) * ${a.shape[3]} + c3]`),
  ],
  avgPool2d: (_, { geometry, countIncludePad }, [y]) => [
    launch(
      sizeOf(y.shape),
      inputs('a'),
      `${split(y.shape, 'c')} let acc = 0; ${overWindow(geometry, `acc += a[${inputAt(geometry)}];`)}`,
      `acc / ${divisor(geometry, countIncludePad, 'c1', 'c2')}`,
    ),
  ],
  avgPool2dGrad: (_, { geometry, countIncludePad }, [x]) => [
    launch(
      sizeOf(x.shape),
      inputs('g'),
      `${split(x.shape, 'c')} let acc = 0; ${overCell(geometry, `acc += g[${outputAt(geometry)}] / ${divisor(geometry, countIncludePad, 'oy', 'ox')};`)}`,
      'acc',
    ),
  ],
};
