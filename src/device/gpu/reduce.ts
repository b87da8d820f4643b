/** Reductions: one thread per output walks its elements in order. */
import { reduceWalk, type Shape, sizeOf } from '../../tensor/shape.js';
import { dot, input, loops, type Planners, source, split } from './launch.js';

/** Sizes before, along and after an axis. */
export const around = (shape: Shape, axis: number): { outer: number; along: number; inner: number } => ({
  outer: sizeOf(shape.slice(0, axis)),
  along: shape[axis],
  inner: sizeOf(shape.slice(axis + 1)),
});

export const reduce: Pick<Planners, 'reduce' | 'argReduce'> = {
  reduce: ([x], { fn, axes }, [y]) => {
    const { kept, reduced } = reduceWalk(x.shape, axes);
    const start = `${split(kept.sizes, 'c')} const base = ${dot('c', kept.strides)};`;
    const at = `a[base + ${dot('r', reduced.strides)}]`;
    const step = fn === 'sum' ? `acc += ${at};` : `const v = ${at}; if (v !== v || v ${fn === 'max' ? '>' : '<'} acc) { acc = v; }`;
    return [
      {
        source: source('a', `${start} let acc = ${fn === 'sum' ? '0' : 'a[base]'}; ${loops(reduced.sizes, 'r', step)} return acc;`),
        size: sizeOf(y.shape),
        args: [input(0)],
      },
    ];
  },
  argReduce: ([x], { fn, axis }, [y]) => {
    const { along, inner } = around(x.shape, axis);
    const body = `const base = Math.floor(i / ${inner}) * ${along * inner} + i % ${inner}; let best = a[base]; let k = 0;
      for (let j = 1; j < ${along}; j++) { const v = a[base + j * ${inner}]; if (best === best && (v !== v || v ${fn === 'argmax' ? '>' : '<'} best)) { best = v; k = j; } } return k;`;
    return [{ source: source('a', body), size: sizeOf(y.shape), args: [input(0)] }];
  },
};
