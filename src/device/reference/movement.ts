/** Kernels that move elements without computing, and indexAdd, the adjoint of indexSelect. */
import type { TypedArray } from '../../values/dtype.js';
import { aroundAxis, broadcastStrides, type Shape, stridesOf } from '../../values/shape.js';
import type { MovementKernel } from '../device.js';
import { type Family, offsets } from './array.js';

/** The offsets in an array of `shape` of the positions `starts + i·steps`, i in `window`. */
function strided(shape: Shape, window: Shape, starts: readonly number[], steps: readonly number[]): Int32Array {
  const strides = stridesOf(shape);
  const start = strides.reduce((sum, stride, i) => sum + starts[i] * stride, 0);
  return offsets(
    window,
    strides.map((stride, i) => steps[i] * stride),
    start,
  );
}

function gather(x: TypedArray, from: Int32Array, y: TypedArray): void {
  for (let i = 0; i < y.length; i++) y[i] = x[from[i]];
}

export const movement: Family<MovementKernel> = {
  permute([x], { axes }, [y]) {
    const strides = stridesOf(x.shape);
    const permuted = axes.map((axis) => strides[axis]);
    gather(x.data, offsets(y.shape, permuted), y.data);
  },

  expand([x], _attrs, [y]) {
    gather(x.data, offsets(y.shape, broadcastStrides(x.shape, y.shape)), y.data);
  },

  slice([x], { starts, steps }, [y]) {
    gather(x.data, strided(x.shape, y.shape, starts, steps), y.data);
  },

  embed([{ data: x, shape }], { starts, steps, value }, [{ data: y, shape: whole }]) {
    const to = strided(whole, shape, starts, steps);
    y.fill(value);
    for (let i = 0; i < x.length; i++) y[to[i]] = x[i];
  },

  concat(inputs, { axis }, [y]) {
    const { outer, length, inner } = aroundAxis(y.shape, axis);
    let start = 0;
    for (const { data, shape } of inputs) {
      const block = shape[axis] * inner;
      for (let o = 0; o < outer; o++) y.data.set(data.subarray(o * block, (o + 1) * block), o * length * inner + start);
      start += block;
    }
  },

  split([x], { axis, starts }, outputs) {
    const { outer, length, inner } = aroundAxis(x.shape, axis);
    for (const [i, { data, shape }] of outputs.entries()) {
      const block = shape[axis] * inner;
      for (let o = 0; o < outer; o++) {
        const from = (o * length + starts[i]) * inner;
        data.set(x.data.subarray(from, from + block), o * block);
      }
    }
  },

  indexSelect([x, { data: indices }], { axis }, [{ data: y }]) {
    const { outer, length, inner } = aroundAxis(x.shape, axis);
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < indices.length; j++) {
        if (indices[j] < 0 || indices[j] >= length) continue;
        const from = (o * length + indices[j]) * inner;
        y.set(x.data.subarray(from, from + inner), (o * indices.length + j) * inner);
      }
  },

  indexAdd([{ data: g }, { data: indices }], { axis }, [y]) {
    const { outer, length, inner } = aroundAxis(y.shape, axis);
    const sums = new Float64Array(y.data.length);
    for (let o = 0; o < outer; o++)
      for (let j = 0; j < indices.length; j++) {
        if (indices[j] < 0 || indices[j] >= length) continue;
        const from = (o * indices.length + j) * inner;
        const to = (o * length + indices[j]) * inner;
        for (let i = 0; i < inner; i++) sums[to + i] += g[from + i];
      }
    y.data.set(sums);
  },
};
