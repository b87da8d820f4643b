/** Batched matrix product. Each output accumulates in double precision and is rounded once. */
import type { TypedArray } from '../../values/dtype.js';
import { broadcastStrides } from '../../values/shape.js';
import { type Family, offsets } from './array.js';

/**
 * Computes one row of c as Σ a[l]·b[l, …]. It adds row by row of b, so that b is read in memory
 * order.
 */
function rowByRows(
  a: TypedArray,
  aAt: number,
  aStep: number,
  b: TypedArray,
  bAt: number,
  depth: number,
  sums: Float64Array,
): void {
  const columns = sums.length;
  sums.fill(0);
  for (let l = 0; l < depth; l++) {
    const value = a[aAt + l * aStep];
    const row = bAt + l * columns;
    for (let j = 0; j < columns; j++) sums[j] += value * b[row + j];
  }
}

/**
 * Computes one row of c for a transposed b. Each element is the dot product of a's row with a row
 * of b.
 */
function rowByDots(
  a: TypedArray,
  aAt: number,
  aStep: number,
  b: TypedArray,
  bAt: number,
  depth: number,
  sums: Float64Array,
): void {
  for (let j = 0; j < sums.length; j++) {
    const row = bAt + j * depth;
    let sum = 0;
    for (let l = 0; l < depth; l++) sum += a[aAt + l * aStep] * b[row + l];
    sums[j] = sum;
  }
}

export const matmul: Family<'matmul'> = {
  matmul([a, b], { transposeA, transposeB }, [c]) {
    const batch = c.shape.slice(0, -2);
    const [rows, columns] = c.shape.slice(-2);
    const depth = a.shape[a.shape.length - (transposeA ? 2 : 1)];
    const aAt = offsets(batch, broadcastStrides(a.shape.slice(0, -2), batch));
    const bAt = offsets(batch, broadcastStrides(b.shape.slice(0, -2), batch));
    const [aRow, aStep] = transposeA ? [1, rows] : [depth, 1];
    const row = transposeB ? rowByDots : rowByRows;
    const sums = new Float64Array(columns);
    for (let n = 0; n < aAt.length; n++)
      for (let i = 0; i < rows; i++) {
        row(a.data, aAt[n] * rows * depth + i * aRow, aStep, b.data, bAt[n] * depth * columns, depth, sums);
        c.data.set(sums, (n * rows + i) * columns);
      }
  },
};
