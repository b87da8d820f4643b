/** Pools and their transposes, all gathers: a cell looks through the windows that cover it, in row-major order. */
import { sizeOf } from '../../tensor/shape.js';
import type { Pool2dGeometry } from '../../tensor/window.js';
import { input, type Planners, source, split } from './launch.js';

/** Code around a body that sees each input cell (py, px) of window (c1, c2). */
const overWindow = ({ height: h, width: w }: Pool2dGeometry, body: string): string =>
  `for (let ky = 0; ky < ${h.kernel}; ky++) { const py = c1 * ${h.stride} + ky - ${h.before}; if (py >= 0 && py < ${h.input}) {
    for (let kx = 0; kx < ${w.kernel}; kx++) { const px = c2 * ${w.stride} + kx - ${w.before}; if (px >= 0 && px < ${w.input}) { ${body} } } } }`;

/** Code around a body that sees each window (oy, ox) over input cell (c1, c2), in row-major order: taps run backwards. */
const overCell = ({ height: h, width: w }: Pool2dGeometry, body: string): string =>
  `for (let ty = 0; ty < ${h.kernel}; ty++) { const oy = (c1 + ${h.before} - ${h.kernel - 1} + ty) / ${h.stride}; if (oy >= 0 && oy < ${h.output} && oy === Math.floor(oy)) {
    for (let tx = 0; tx < ${w.kernel}; tx++) { const ox = (c2 + ${w.before} - ${w.kernel - 1} + tx) / ${w.stride}; if (ox >= 0 && ox < ${w.output} && ox === Math.floor(ox)) { ${body} } } } }`;

const inputAt = ({ height, width, channels }: Pool2dGeometry): string => `((c0 * ${height.input} + py) * ${width.input} + px) * ${channels} + c3`;
const outputAt = ({ height, width, channels }: Pool2dGeometry): string => `((c0 * ${height.output} + oy) * ${width.output} + ox) * ${channels} + c3`;

/** Code: how many cells window (y, x) averages over. */
function divisor({ height: h, width: w }: Pool2dGeometry, countIncludePad: boolean, y: string, x: string): string {
  if (countIncludePad) return String(h.kernel * w.kernel);
  const count = (o: string, a: typeof h): string =>
    `(Math.min(${o} * ${a.stride} - ${a.before} + ${a.kernel}, ${a.input}) - Math.max(${o} * ${a.stride} - ${a.before}, 0))`;
  return `(${count(y, h)} * ${count(x, w)})`;
}

export const pool: Pick<Planners, 'maxPool2d' | 'maxUnpool2d' | 'planeGather' | 'avgPool2d' | 'avgPool2dGrad'> = {
  maxPool2d: (_, { geometry }, [values, indices]) => {
    // A NaN beats everything and the last NaN stays; else only something larger does, so the first of equals stays.
    const search = (result: string): string =>
      source(
        'a',
        `${split(values.shape, 'c')} let best = 0; let k = -1; ${overWindow(geometry, `const v = a[${inputAt(geometry)}]; if (k < 0 || v !== v || v > best) { best = v; k = py * ${geometry.width.input} + px; }`)} return ${result};`,
      );
    return [
      { source: search('best'), size: sizeOf(values.shape), args: [input(0)] },
      { source: search('k'), size: sizeOf(indices.shape), args: [input(0)] },
    ];
  },
  maxUnpool2d: ([v], { geometry }, [y]) => {
    const [, height, width, channels] = v.shape;
    const own = `const own = c1 * ${y.shape[2]} + c2; let acc = 0;`;
    const add = (at: string): string => `const p = ${at}; if (x[p] === own) { acc += v[p]; }`;
    const body =
      geometry === null
        ? `for (let o = 0; o < ${height * width}; o++) { ${add(`(c0 * ${height * width} + o) * ${channels} + c3`)} }`
        : overCell(geometry, add(outputAt(geometry)));
    return [{ source: source('v, x', `${split(y.shape, 'c')} ${own} ${body} return acc;`), size: sizeOf(y.shape), args: [input(0), input(1)] }];
  },
  planeGather: ([a], _, [y]) => [
    {
      source: source('a, x', `${split(y.shape, 'c')} return a[(c0 * ${a.shape[1] * a.shape[2]} + x[i]) * ${a.shape[3]} + c3];`),
      size: sizeOf(y.shape),
      args: [input(0), input(1)],
    },
  ],
  avgPool2d: (_, { geometry, countIncludePad }, [y]) => [
    {
      source: source(
        'a',
        `${split(y.shape, 'c')} let acc = 0; ${overWindow(geometry, `acc += a[${inputAt(geometry)}];`)} return acc / ${divisor(geometry, countIncludePad, 'c1', 'c2')};`,
      ),
      size: sizeOf(y.shape),
      args: [input(0)],
    },
  ],
  avgPool2dGrad: (_, { geometry, countIncludePad }, [x]) => [
    {
      source: source(
        'g',
        `${split(x.shape, 'c')} let acc = 0; ${overCell(geometry, `acc += g[${outputAt(geometry)}] / ${divisor(geometry, countIncludePad, 'oy', 'ox')};`)} return acc;`,
      ),
      size: sizeOf(x.shape),
      args: [input(0)],
    },
  ],
};
