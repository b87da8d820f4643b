/** The weight gradient by Winograd's algorithm, from transformed tiles (winograd.ts). */
import { WinogradWeightGradWord } from '../protocol/winograd';
import { address, arg, next, scratch } from './core';
import { outer2x16 } from './outer-tiles';
import { storeLanes } from './tiles';
import { planeBytes } from './winograd';
import { weightGradTransform } from './winograd-transform';

/** The sides of the parts of the weight that a chunk of the weight gradient has. */
const side = 32;

/** Weight gradient by transformed tiles. A chunk is a part of inner by a part of the columns. */
export function winogradWeightGrad(p: usize, thread: i32): void {
  const tiles = address(p, WinogradWeightGradWord.tiles);
  const gradients = address(p, WinogradWeightGradWord.gradients);
  const to = address(p, WinogradWeightGradWord.to);
  const kept = address(p, WinogradWeightGradWord.sums);
  const inner = arg(p, WinogradWeightGradWord.inner);
  const columns = arg(p, WinogradWeightGradWord.columns);
  const pitch = (<usize>arg(p, WinogradWeightGradWord.pitch)) << 2;
  const gradientPitch = (<usize>arg(p, WinogradWeightGradWord.gradientPitch)) << 2;
  const tileCount = arg(p, WinogradWeightGradWord.count);
  const block = arg(p, WinogradWeightGradWord.block);
  const isFirst = arg(p, WinogradWeightGradWord.isFirst) != 0;
  const isLast = arg(p, WinogradWeightGradWord.isLast) != 0;
  const across = (columns + side - 1) / side;
  const down = (inner + side - 1) / side;
  const plane: usize = side * side * 4;
  const tilePlane = planeBytes(block, pitch);
  const gradientPlane = planeBytes(block, gradientPitch);
  const rowBytes = (<usize>columns) << 2;
  const tap = <usize>inner * rowBytes;
  const transformed = scratch(thread);
  const results = transformed + 18 * 16;
  const own = results + 9 * 16;
  for (let c = next(); c < down * across; c = next()) {
    const row = (c / across) * side;
    const column = (c % across) * side;
    const rows = min(side, inner - row);
    const lanes = min(side, columns - column);
    const sums = kept == 0 ? own : kept + <usize>c * 36 * plane;
    if (isFirst) memory.fill(sums, 0, 36 * plane);
    for (let first = 0; first < tileCount; first += block) {
      const count = min(block, tileCount - first);
      const at = <usize>(first / block) * 36;
      const x = tiles + at * tilePlane + ((<usize>row) << 2);
      const g = gradients + at * gradientPlane + ((<usize>column) << 2);
      for (let k: usize = 0; k < 36; k++)
        for (let j = 0; j < lanes; j += 16)
          for (let i = 0; i < rows; i += 2)
            outer2x16(
              x + k * tilePlane + ((<usize>i) << 2),
              4,
              pitch,
              0,
              g + k * gradientPlane + ((<usize>j) << 2),
              gradientPitch,
              0,
              1,
              count,
              sums + k * plane + ((<usize>(i * side + j)) << 2),
              side * 4,
            );
    }
    if (!isLast) continue;
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < lanes; j += 4) {
        const from = sums + ((<usize>(i * side + j)) << 2);
        for (let r: usize = 0; r < 6; r++)
          weightGradTransform(from + r * 6 * plane, plane, transformed + r * 48, 16);
        for (let s: usize = 0; s < 3; s++) weightGradTransform(transformed + s * 16, 48, results + s * 16, 48);
        const out = to + <usize>(row + i) * rowBytes + ((<usize>(column + j)) << 2);
        for (let t: usize = 0; t < 9; t++) storeLanes(out + t * tap, v128.load(results + (t << 4)), lanes - j);
      }
  }
}
