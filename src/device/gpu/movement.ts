/**
 * Kernels that move elements, and indexAdd. Each thread computes the source of its output element
 * and copies it.
 */
import { aroundAxis, broadcastStrides, collapse, sizeOf, stridesOf } from '../../values/shape.js';
import type { MovementKernel, Spec } from '../device.js';
import { type Arg, dot, floorDiv, input, inputs, type Launch, type LaunchRules, launch, unravel } from './launch.js';

/** y[…] = x[offset + Σ index·stride]. */
function gather(y: Spec, strides: readonly number[], offset = 0): Launch[] {
  const walk = collapse(y.shape, [strides]);
  return [launch(sizeOf(y.shape), inputs('a'), unravel(walk.sizes, 'c'), `a[${dot('c', walk.strides[0], offset)}]`)];
}

/**
 * The maximum number of input arrays of a launch. WebGPU guarantees eight arrays with the output.
 */
export const mostArrays = 7;

/** Consecutive parts of equal length along an axis. One formula finds an element in all of them. */
interface Stretch {
  readonly start: number;
  readonly length: number;
  parts: number;
}
/** The maximum number of stretches in a launch, so that the text of a kernel stays short. */
const mostStretches = 32;

export const movement: LaunchRules<MovementKernel> = {
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
    const axes = x.shape.map((n, a) => {
      const step = Math.abs(steps[a]);
      const way = steps[a] > 0 ? `c${a} - (${starts[a]})` : `${starts[a]} - c${a}`;
      return `const d${a} = ${way}; const q${a} = ${floorDiv(`d${a}`, step)};
        if (q${a} < 0 || q${a} >= ${n} || q${a} * ${step} !== d${a}) { hit = 0; }`;
    });
    const body = `${unravel(y.shape, 'c')} let hit = 1; ${axes.join(' ')}
      let r = s; if (hit === 1) { r = a[${dot('q', strides)}]; }`;
    return [launch(sizeOf(y.shape), { a: input(0), s: Math.fround(value) }, body, 'r')];
  },
  concat: (operands, { axis }, [y]) => {
    const launches: Launch[] = [];
    const { inner, outer } = aroundAxis(y.shape, axis);
    const rest: { arg: Arg; along: number }[] = operands
      .map((t, k) => ({ arg: input(k), along: t.shape[axis] }))
      .filter((p) => p.along > 0);
    // The first launch concatenates as many operands as it can read. Each further launch appends
    // more operands to the last result.
    do {
      const parts = rest.splice(0, mostArrays);
      const total = parts.reduce((n, p) => n + p.along, 0);
      let start = 0;
      const choices = parts.map(({ along }, k) => {
        const choice = `if (c1 >= ${start} && c1 < ${start + along}) {
          r = a${k}[(c0 * ${along} + c1 - ${start}) * ${inner} + c2]; }`;
        start += along;
        return choice;
      });
      const args = Object.fromEntries(parts.map((p, k) => [`a${k}`, p.arg]));
      launches.push(
        launch(
          outer * total * inner,
          args,
          `${unravel([outer, total, inner], 'c')} let r = 0; ${choices.join(' ')}`,
          'r',
        ),
      );
      rest.unshift({ arg: { result: launches.length - 1 }, along: total });
    } while (rest.length > 1);
    return launches;
  },
  split: ([x], { axis, starts }, outputs) => {
    const { outer, length: along, inner } = aroundAxis(x.shape, axis);
    const stretches: Stretch[] = [];
    for (const [k, { shape }] of outputs.entries()) {
      const length = shape[axis];
      const last = stretches.at(-1);
      if (last?.length === length && last.start + last.parts * length === starts[k]) last.parts++;
      else if (length > 0) stretches.push({ start: starts[k], length, parts: 1 });
    }
    const launches: Launch[] = [];
    let made = 0;
    while (stretches.length > 0) {
      const args: Record<string, Arg> = { a: input(0) };
      let body = 'let r = 0;';
      // The result begins with the elements that the last launch computed.
      if (launches.length > 0) {
        args.b = { result: launches.length - 1 };
        body += ` if (i < ${made}) { r = b[i]; }`;
      }
      for (const [k, { start, length, parts }] of stretches.splice(0, mostStretches).entries()) {
        const [c, sizes] = [`run${k}c`, [parts, outer, length, inner]];
        const from = dot(c, [length * inner, along * inner, inner, 1], start * inner);
        const end = made + sizeOf(sizes);
        const find = `const j${k} = i - ${made}; ${unravel(sizes, c, `j${k}`)}`;
        body += ` if (i >= ${made} && i < ${end}) { ${find} r = a[${from}]; }`;
        made = end;
      }
      launches.push(launch(made, args, body, 'r'));
    }
    return launches;
  },
  indexSelect: ([x], { axis }, [y]) => {
    const { outer, length, inner } = aroundAxis(x.shape, axis);
    const take = `const row = x[c1]; let r = 0;
      if (row >= 0 && row < ${length}) { r = a[(c0 * ${length} + row) * ${inner} + c2]; }`;
    return [launch(sizeOf(y.shape), inputs('a', 'x'), `${unravel([outer, y.shape[axis], inner], 'c')} ${take}`, 'r')];
  },
  indexAdd: ([g], { axis }, [y]) => {
    const { outer, length: n, inner } = aroundAxis(g.shape, axis);
    const body = `${unravel([outer, y.shape[axis], inner], 'c')} let acc = 0;
      for (let j = 0; j < ${n}; j++) { if (x[j] === c1) { acc += g[(c0 * ${n} + j) * ${inner} + c2]; } }`;
    return [{ ...launch(sizeOf(y.shape), inputs('g', 'x'), body, 'acc'), iterations: n }];
  },
};
