/** Movement: every output element finds its source. */
import { broadcastStrides, collapse, sizeOf, stridesOf } from '../../tensor/shape.js';
import type { Spec } from '../device.js';
import { type Arg, dot, input, type Launch, type Planners, source, split } from './launch.js';
import { around } from './reduce.js';

/** y[…] = x[offset + Σ index·stride]. */
function gather(y: Spec, strides: readonly number[], offset = 0): Launch[] {
  const walk = collapse(y.shape, [strides]);
  return [{ source: source('a', `${split(walk.sizes, 'c')} return a[${dot('c', walk.strides[0], offset)}];`), size: sizeOf(y.shape), args: [input(0)] }];
}

/** Arrays per launch: WebGPU binds eight with the output. */
const most = 7;

export const movement: Pick<Planners, 'permute' | 'expand' | 'slice' | 'embed' | 'concat' | 'indexSelect' | 'indexAdd'> = {
  permute: ([x], { axes }, [y]) => {
    const strides = stridesOf(x.shape);
    return gather(
      y,
      axes.map((a) => strides[a]),
    );
  },
  expand: ([x], _, [y]) => gather(y, broadcastStrides(x.shape, y.shape)),
  slice: ([x], { starts, steps }, [y]) => {
    const strides = stridesOf(x.shape);
    return gather(
      y,
      strides.map((s, a) => s * steps[a]),
      strides.reduce((n, s, a) => n + s * starts[a], 0),
    );
  },
  embed: ([x], { starts, steps, value }, [y]) => {
    const strides = stridesOf(x.shape);
    const axes = x.shape.map(
      (n, a) => `const q${a} = (c${a} - (${starts[a]})) / (${steps[a]}); if (q${a} < 0 || q${a} >= ${n} || q${a} !== Math.floor(q${a})) { hit = 0; }`,
    );
    const body = `${split(y.shape, 'c')} let hit = 1; ${axes.join(' ')} let r = s; if (hit === 1) { r = a[${dot('q', strides)}]; } return r;`;
    return [{ source: source('a, s', body), size: sizeOf(y.shape), args: [input(0), Math.fround(value)] }];
  },
  concat: (inputs, { axis }, [y]) => {
    const launches: Launch[] = [];
    const { inner, outer } = around(y.shape, axis);
    const waiting: { arg: Arg; along: number }[] = inputs.map((t, k) => ({ arg: input(k), along: t.shape[axis] })).filter((p) => p.along > 0);
    // Joins the first few, then the result with the next, so that no launch binds too many.
    do {
      const parts = waiting.splice(0, most);
      const total = parts.reduce((n, p) => n + p.along, 0);
      let start = 0;
      const choices = parts.map(({ along }, k) => {
        const choice = `if (t >= ${start} && t < ${start + along}) { r = a${k}[(o * ${along} + t - ${start}) * ${inner} + n]; }`;
        start += along;
        return choice;
      });
      const body = `const n = i % ${inner}; const t = Math.floor(i / ${inner}) % ${total}; const o = Math.floor(i / ${inner * total}); let r = 0; ${choices.join(' ')} return r;`;
      launches.push({ source: source(parts.map((_, k) => `a${k}`).join(', '), body), size: outer * total * inner, args: parts.map((p) => p.arg) });
      waiting.unshift({ arg: { result: launches.length - 1 }, along: total });
    } while (waiting.length > 1);
    return launches;
  },
  indexSelect: ([x], { axis }, [y]) => {
    const { along, inner } = around(x.shape, axis);
    const n = y.shape[axis];
    const body = `const k = i % ${inner}; const j = Math.floor(i / ${inner}) % ${n}; const o = Math.floor(i / ${inner * n}); return a[(o * ${along} + x[j]) * ${inner} + k];`;
    return [{ source: source('a, x', body), size: sizeOf(y.shape), args: [input(0), input(1)] }];
  },
  indexAdd: ([g], { axis }, [y]) => {
    const { along: n, inner } = around(g.shape, axis);
    const along = y.shape[axis];
    const body = `const k = i % ${inner}; const t = Math.floor(i / ${inner}) % ${along}; const o = Math.floor(i / ${inner * along}); let acc = 0;
      for (let j = 0; j < ${n}; j++) { if (x[j] === t) { acc += g[(o * ${n} + j) * ${inner} + k]; } } return acc;`;
    return [{ source: source('g, x', body), size: sizeOf(y.shape), args: [input(0), input(1)] }];
  },
};
