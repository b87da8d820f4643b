/**
 * Reductions over axes. Sums accumulate in double precision and are rounded once, when they are
 * stored.
 */
import { aroundAxis, reduceWalk } from '../../values/shape.js';
import { type Family, offsets } from './array.js';

const folds: Record<'sum' | 'max' | 'min', { start: number; fold: (a: number, b: number) => number }> = {
  sum: { start: 0, fold: (a, b) => a + b },
  max: { start: -Infinity, fold: Math.max },
  min: { start: Infinity, fold: Math.min },
};

export const reduce: Family<'reduce' | 'argReduce'> = {
  reduce([{ data: x, shape }], { fn, axes }, [{ data: y }]) {
    const { start, fold } = folds[fn];
    const { kept, reduced } = reduceWalk(shape, axes);
    const from = offsets(kept.sizes, kept.strides);
    const along = offsets(reduced.sizes, reduced.strides);
    for (let i = 0; i < y.length; i++) {
      const base = from[i];
      let value = start;
      for (let j = 0; j < along.length; j++) value = fold(value, x[base + along[j]]);
      y[i] = value;
    }
  },

  argReduce([{ data: x, shape }], { fn, axis }, [{ data: y }]) {
    const { outer, length, inner } = aroundAxis(shape, axis);
    const flip = fn === 'argmax' ? 1 : -1;
    for (let o = 0; o < outer; o++)
      for (let i = 0; i < inner; i++) {
        const base = o * length * inner + i;
        let best = flip * x[base];
        let index = 0;
        for (let j = 1; j < length && !Number.isNaN(best); j++) {
          const value = flip * x[base + j * inner];
          if (value > best || Number.isNaN(value)) {
            best = value;
            index = j;
          }
        }
        y[o * inner + i] = index;
      }
  },
};
