/**
 * The matrix product as a convolution with one tap. Rows are pixels, and the depth is the input's
 * channels. For a large depth, aᵀ·b is computed as a weight gradient whose pixels are the depth. It
 * is summed in parts, which more threads can share and which lose less to rounding. For a small
 * depth, adding the parts would dominate, so a is transposed instead.
 */
import { broadcastStrides, sizeOf } from '../../values/shape.js';
import type { WindowAxis } from '../../values/window.js';
import { type Encoder, type Family, worthSharing } from './commands.js';
import { convolution } from './convolution.js';
import { suitsFewPixelsGradient } from './few-pixels.js';
import { move } from './movement.js';
import { Opcode } from './protocol/command.js';
import { weightGradient } from './weight-gradient.js';

const axis = (size: number) => ({ input: size, output: size, stride: 1, before: 0, dilation: 1 });
const tap = { taps: 1, firstTap: 0, tapStep: 0 };
const window = (size: number): WindowAxis => ({ ...axis(size), kernel: 1, after: 0 });

/** The greatest divisor of n that is at most `most`. */
function divisor(n: number, most: number): number {
  let d = Math.min(n, Math.max(1, Math.floor(most)));
  while (n % d !== 0) d--;
  return d;
}

/**
 * The number of rows in a line of pixels, the smallest unit of work of a thread. Lines are short if
 * there are few rows.
 */
const lineOf = (rows: number): number =>
  [64, 32, 16, 8].find((n) => rows % n === 0 && (n === 8 || rows / n >= 8)) ?? rows;

/**
 * An encoder that hands out the same temporaries again after `again()`. The products of a batch run
 * one after another, so they can share them.
 */
function reusing(to: Encoder): Encoder & { again(): void } {
  const taken: { address: number; bytes: number }[] = [];
  let next = 0;
  return {
    emit: (opcode, parallel, words, grain, condition) => to.emit(opcode, parallel, words, grain, condition),
    temporary(bytes) {
      const i = next++;
      if (taken[i] === undefined || taken[i].bytes < bytes) taken[i] = { address: to.temporary(bytes), bytes };
      return taken[i].address;
    },
    derived: (from, bytes) => to.derived(from, bytes),
    again() {
      next = 0;
    },
  };
}

/**
 * c [rows, columns] = a [rows, depth] · b. Element [l, j] of b is at l·innerStep + j·columnStep.
 */
function product(
  to: Encoder,
  a: number,
  b: number,
  c: number,
  rows: number,
  depth: number,
  columns: number,
  innerStep: number,
  columnStep: number,
): void {
  const line = lineOf(rows);
  convolution(to, {
    x: a,
    y: c,
    weight: b,
    bias: 0,
    batch: 1,
    height: { ...axis(rows / line), ...tap },
    width: { ...axis(line), ...tap },
    groups: 1,
    inner: depth,
    columns,
    yImage: 0,
    yRow: line * columns,
    yColumn: columns,
    kernelWidth: 1,
    tapStep: 0,
    innerStep,
    columnStep,
    groupStep: 0,
  });
}

/** c [rows, columns] = aᵀ · b for a [depth, rows] and b [depth, columns]. */
function transposedProduct(
  to: Encoder,
  a: number,
  b: number,
  c: number,
  rows: number,
  depth: number,
  columns: number,
): void {
  const batch = divisor(depth, 8);
  const width = divisor(depth / batch, 64);
  const height = depth / batch / width;
  // Lines would be too short for their loop, so one long line is used.
  const sizes =
    width < 8 ? { height: window(1), width: window(height * width) } : { height: window(height), width: window(width) };
  weightGradient(to, a, b, c, { batch, ...sizes, inChannels: rows, outChannels: columns, groups: 1 });
}

export const matmul: Family<'matmul'> = {
  matmul(to, [a, b], { transposeA, transposeB }, [c]) {
    const size = sizeOf(c.shape);
    if (size === 0) return;
    const [rows, columns] = c.shape.slice(-2);
    const batch = c.shape.slice(0, -2);
    const depth = a.shape[a.shape.length - (transposeA ? 2 : 1)];
    if (depth === 0) {
      to.emit(Opcode.fill, size > worthSharing, [c.buffer.address, size, 0]);
      return;
    }
    const aBatch = a.shape.slice(0, -2);
    const bBatch = b.shape.slice(0, -2);
    const count = sizeOf(batch);
    const [innerStep, columnStep] = transposeB ? [1, depth] : [columns, 1];
    // With a single b, the batch is treated as more rows.
    if (!transposeA && sizeOf(bBatch) === 1 && sizeOf(aBatch) === count) {
      product(
        to,
        a.buffer.address,
        b.buffer.address,
        c.buffer.address,
        rows * count,
        depth,
        columns,
        innerStep,
        columnStep,
      );
      return;
    }
    const aStrides = broadcastStrides(aBatch, batch);
    const bStrides = broadcastStrides(bBatch, batch);
    const shared = reusing(to);
    for (let n = 0; n < count; n++) {
      let aAt = 0;
      let bAt = 0;
      for (let d = batch.length - 1, rest = n; d >= 0; rest = Math.floor(rest / batch[d]), d--) {
        aAt += (rest % batch[d]) * aStrides[d];
        bAt += (rest % batch[d]) * bStrides[d];
      }
      const from = a.buffer.address + aAt * rows * depth;
      const other = b.buffer.address + bAt * depth * columns;
      const into = c.buffer.address + n * rows * columns;
      shared.again();
      const large = depth >= Math.max(256, rows) || suitsFewPixelsGradient(rows, columns, depth);
      if (transposeA && !transposeB && large) transposedProduct(shared, from, other, into, rows, depth, columns);
      else {
        let left = from;
        if (transposeA) {
          left = shared.temporary(rows * depth * 4);
          move(shared, [rows, depth], left, [depth, 1], from, [1, rows]);
        }
        product(shared, left, other, into, rows, depth, columns, innerStep, columnStep);
      }
    }
  },
};
