/**
 * Convolution and its two gradients, computed directly. Images are NHWC, weights [kernelH, kernelW,
 * inChannels/groups, outChannels].
 * Along an axis, output o reads input i at kernel position k if i = o·stride + k·dilation − before.
 * Each kernel solves this equation for the index that it loops over, lists the products of one
 * output, and passes them to `addRows`.
 * Every sum accumulates in double precision and is rounded once. Zeros are not skipped, because
 * 0·NaN is NaN.
 */
import type { TypedArray } from '../../values/dtype.js';
import type { Conv2dGeometry, WindowAxis } from '../../values/window.js';
import type { Family } from './array.js';
import { reduce } from './reduce.js';

/** The input at kernel position `k` of `output`, or −1 if it is in the padding. */
function inputAt({ before, dilation, stride, input }: WindowAxis, output: number, k: number): number {
  const i = output * stride + k * dilation - before;
  return i < input ? i : -1;
}

/** The output whose kernel position `k` is at `input`, or −1 if there is none. */
function outputAt({ before, dilation, stride, output }: WindowAxis, input: number, k: number): number {
  const reach = input + before - k * dilation;
  if (reach < 0 || reach % stride !== 0) return -1;
  const o = reach / stride;
  return o < output ? o : -1;
}

/** A list of factors, and of the matrix rows that they multiply. */
class Products {
  readonly factors: Float64Array;
  readonly rows: Int32Array;
  count = 0;

  constructor(capacity: number) {
    this.factors = new Float64Array(capacity);
    this.rows = new Int32Array(capacity);
  }
}

/**
 * sums[to + j] += Σ factor · matrix[row + column + j], j < width. Every convolution is reduced to
 * this sum. It handles four rows at a time, because loading and storing a sum costs as much as a
 * product.
 */
function addRows(
  { factors, rows, count }: Products,
  matrix: Float64Array,
  column: number,
  width: number,
  sums: Float64Array,
  to: number,
): void {
  let t = 0;
  for (; t + 4 <= count; t += 4) {
    const f0 = factors[t];
    const f1 = factors[t + 1];
    const f2 = factors[t + 2];
    const f3 = factors[t + 3];
    const r0 = rows[t] + column;
    const r1 = rows[t + 1] + column;
    const r2 = rows[t + 2] + column;
    const r3 = rows[t + 3] + column;
    for (let j = 0; j < width; j++)
      sums[to + j] += f0 * matrix[r0 + j] + f1 * matrix[r1 + j] + f2 * matrix[r2 + j] + f3 * matrix[r3 + j];
  }
  for (; t < count; t++) {
    const factor = factors[t];
    const row = rows[t] + column;
    for (let j = 0; j < width; j++) sums[to + j] += factor * matrix[row + j];
  }
}

/** Stores one pixel's sums, with the bias if there is one. */
function store(sums: Float64Array, bias: TypedArray | undefined, y: TypedArray, to: number): void {
  for (let c = 0; c < sums.length; c++) y[to + c] = bias === undefined ? sums[c] : sums[c] + bias[c];
}

function forward(
  x: TypedArray,
  weight: Float64Array,
  bias: TypedArray | undefined,
  y: TypedArray,
  geometry: Conv2dGeometry,
): void {
  const { batch, height, width, inChannels, outChannels, groups } = geometry;
  const inGroup = inChannels / groups;
  const outGroup = outChannels / groups;
  const products = new Products(height.kernel * width.kernel * inGroup);
  const { factors, rows } = products;
  const sums = new Float64Array(outChannels);
  let to = 0;
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < height.output; oy++)
      for (let ox = 0; ox < width.output; ox++, to += outChannels) {
        sums.fill(0);
        for (let group = 0; group < groups; group++) {
          let count = 0;
          for (let ky = 0; ky < height.kernel; ky++) {
            const iy = inputAt(height, oy, ky);
            if (iy < 0) continue;
            for (let kx = 0; kx < width.kernel; kx++) {
              const ix = inputAt(width, ox, kx);
              if (ix < 0) continue;
              const xAt = ((n * height.input + iy) * width.input + ix) * inChannels + group * inGroup;
              const row = (ky * width.kernel + kx) * inGroup;
              for (let i = 0; i < inGroup; i++) {
                factors[count] = x[xAt + i];
                rows[count++] = (row + i) * outChannels;
              }
            }
          }
          products.count = count;
          addRows(products, weight, group * outGroup, outGroup, sums, group * outGroup);
        }
        store(sums, bias, y, to);
      }
}

/**
 * The weight as [kernelH, kernelW, outChannels, inChannels/groups], so that its rows run along the
 * input channels that the input gradient writes.
 */
function swapChannels(weight: TypedArray, { inChannels, outChannels, groups }: Conv2dGeometry): Float64Array {
  const inGroup = inChannels / groups;
  const swapped = new Float64Array(weight.length);
  for (let tap = 0; tap < weight.length; tap += inGroup * outChannels)
    for (let i = 0; i < inGroup; i++)
      for (let o = 0; o < outChannels; o++) swapped[tap + o * inGroup + i] = weight[tap + i * outChannels + o];
  return swapped;
}

function inputGrad(
  g: TypedArray,
  swapped: Float64Array,
  bias: TypedArray | undefined,
  x: TypedArray,
  geometry: Conv2dGeometry,
): void {
  const { batch, height, width, inChannels, outChannels, groups } = geometry;
  const inGroup = inChannels / groups;
  const outGroup = outChannels / groups;
  const products = new Products(height.kernel * width.kernel * outGroup);
  const { factors, rows } = products;
  const sums = new Float64Array(inChannels);
  let to = 0;
  for (let n = 0; n < batch; n++)
    for (let iy = 0; iy < height.input; iy++)
      for (let ix = 0; ix < width.input; ix++, to += inChannels) {
        sums.fill(0);
        for (let group = 0; group < groups; group++) {
          let count = 0;
          for (let ky = 0; ky < height.kernel; ky++) {
            const oy = outputAt(height, iy, ky);
            if (oy < 0) continue;
            for (let kx = 0; kx < width.kernel; kx++) {
              const ox = outputAt(width, ix, kx);
              if (ox < 0) continue;
              const gAt = ((n * height.output + oy) * width.output + ox) * outChannels + group * outGroup;
              const row = (ky * width.kernel + kx) * outChannels + group * outGroup;
              for (let o = 0; o < outGroup; o++) {
                factors[count] = g[gAt + o];
                rows[count++] = (row + o) * inGroup;
              }
            }
          }
          products.count = count;
          addRows(products, swapped, 0, inGroup, sums, group * inGroup);
        }
        store(sums, bias, x, to);
      }
}

function weightGrad(x: TypedArray, g: Float64Array, weight: TypedArray, geometry: Conv2dGeometry): void {
  const { batch, height, width, inChannels, outChannels, groups } = geometry;
  const inGroup = inChannels / groups;
  const outGroup = outChannels / groups;
  const products = new Products(height.output * width.output);
  const { factors, rows } = products;
  const pixels = new Int32Array(rows.length);
  const sums = new Float64Array(inGroup * outChannels);
  for (let ky = 0; ky < height.kernel; ky++)
    for (let kx = 0; kx < width.kernel; kx++) {
      sums.fill(0);
      for (let n = 0; n < batch; n++) {
        let count = 0;
        for (let oy = 0; oy < height.output; oy++) {
          const iy = inputAt(height, oy, ky);
          if (iy < 0) continue;
          for (let ox = 0; ox < width.output; ox++) {
            const ix = inputAt(width, ox, kx);
            if (ix < 0) continue;
            pixels[count] = ((n * height.input + iy) * width.input + ix) * inChannels;
            rows[count++] = ((n * height.output + oy) * width.output + ox) * outChannels;
          }
        }
        products.count = count;
        for (let i = 0; i < inChannels; i++) {
          const column = Math.floor(i / inGroup) * outGroup;
          for (let t = 0; t < count; t++) factors[t] = x[pixels[t] + i];
          addRows(products, g, column, outGroup, sums, (i % inGroup) * outChannels + column);
        }
      }
      weight.set(sums, (ky * width.kernel + kx) * sums.length);
    }
}

export const conv: Family<'conv2d' | 'conv2dInputGrad' | 'conv2dWeightGrad' | 'conv2dParameterGrads'> = {
  conv2d([x, weight, bias], { geometry }, [y]) {
    forward(x.data, new Float64Array(weight.data), bias?.data, y.data, geometry);
  },
  conv2dInputGrad([g, weight, bias], { geometry }, [x]) {
    inputGrad(g.data, swapChannels(weight.data, geometry), bias?.data, x.data, geometry);
  },
  conv2dWeightGrad([x, g], { geometry }, [weight]) {
    weightGrad(x.data, new Float64Array(g.data), weight.data, geometry);
  },
  conv2dParameterGrads([x, g], { geometry, biasFrom }, [weight, bias]) {
    conv.conv2dWeightGrad([x, g], { geometry }, [weight]);
    reduce.reduce([biasFrom === 'x' ? x : g], { fn: 'sum', axes: [0, 1, 2] }, [bias]);
  },
};
