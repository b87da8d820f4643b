/** Reductions: one thread per output walks its elements in order. */
import { reduceWalk, type Shape, sizeOf } from '../../tensor/shape.js';
import { dot, input, loops, type Planners, source, split } from './launch.js';

/** Sizes before, along and after an axis. */
export const around = (shape: Shape, axis: number): { outer: number; along: number; inner: number } => ({
  outer: sizeOf(shape.slice(0, axis)),
  along: shape[axis],
  inner: sizeOf(shape.slice(axis + 1)),
});

/** Sums are made of sums of this many: in float32 one long running sum loses a digit for every tenfold of its length. */
const block = 512;

export const reduce: Pick<Planners, 'reduce' | 'argReduce'> = {
  reduce: ([x], { fn, axes }, [y]) => {
    const { kept, reduced } = reduceWalk(x.shape, axes);
    const last = reduced.sizes.length - 1;
    const size = reduced.sizes[last];
    const sum = loops(
      [...reduced.sizes.slice(0, last), Math.ceil(size / block)],
      'r',
      `let part = 0; for (let k = 0; k < ${Math.min(block, size)}; k++) { const t = r${last} * ${block} + k; if (t < ${size}) { part += a[base + ${dot('r', reduced.strides.slice(0, last))} + t * ${reduced.strides[last]}]; } } acc += part;`,
    );
    const extreme = loops(
      reduced.sizes,
      'r',
      `const v = a[base + ${dot('r', reduced.strides)}]; if (v !== v || v ${fn === 'max' ? '>' : '<'} acc) { acc = v; }`,
    );
    const walk = fn === 'sum' ? `let acc = 0; ${sum}` : `let acc = a[base]; ${extreme}`;
    return [
      { source: source('a', `${split(kept.sizes, 'c')} const base = ${dot('c', kept.strides)}; ${walk} return acc;`), size: sizeOf(y.shape), args: [input(0)] },
    ];
  },
  argReduce: ([x], { fn, axis }, [y]) => {
    const { along, inner } = around(x.shape, axis);
    const body = `const base = Math.floor(i / ${inner}) * ${along * inner} + i % ${inner}; let best = a[base]; let k = 0;
      for (let j = 1; j < ${along}; j++) { const v = a[base + j * ${inner}]; if (best === best && (v !== v || v ${fn === 'argmax' ? '>' : '<'} best)) { best = v; k = j; } } return k;`;
    return [{ source: source('a', body), size: sizeOf(y.shape), args: [input(0)] }];
  },
};
