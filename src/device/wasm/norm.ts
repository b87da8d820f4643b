/**
 * Commands for normalisation. Groups with several positions are processed by columns, groups with
 * one position by rows. The division into blocks depends on the sizes alone.
 */
import { sizeOf } from '../../values/shape.js';
import type { Grouping } from '../device.js';
import { bits, type Encoder, type Family, grainOf, type WasmOperand, worthSharing } from './commands.js';
import { Opcode } from './protocol/command.js';

/** Elements per chunk. About this much data fits into the cache nearest to a core. */
const chunk = 8192;
/**
 * The maximum number of rows per chunk, because the parameter gradients of a chunk are summed in
 * single precision.
 */
const mostRows = 256;

const wideOf = (columns: number): number => (columns + 3) & ~3;
const columnsOf = ({ groups, inner }: Grouping): number => groups * inner;
/** The number of positions in a block. */
const blockOf = (grouping: Grouping): number => Math.max(1, Math.floor(chunk / columnsOf(grouping)));
const rowsOf = ({ inner }: Grouping): number => Math.min(mostRows, Math.max(1, Math.floor(chunk / inner)));
const isRows = ({ positions }: Grouping): boolean => positions === 1;

/** The address of an operand, or 0 if there is none. */
const at = (list: WasmOperand | undefined): number => list?.buffer.address ?? 0;
/**
 * The address of the mean's rounding errors (its second row), or 0 if the mean has only one row.
 */
const lostOf = ({ shape, buffer }: WasmOperand, { outer, groups }: Grouping): number =>
  shape[0] === 2 ? buffer.address + outer * groups : 0;

/** Writes a command whose chunks each process a part of all elements. */
function share(to: Encoder, opcode: Opcode, grouping: Grouping, chunks: number, words: readonly number[]): void {
  const elements = grouping.outer * grouping.positions * columnsOf(grouping);
  to.emit(opcode, elements > worthSharing && chunks > 1, words, grainOf(elements, chunks));
}

/**
 * Writes the command that computes column sums per block. Returns the address of the temporary that
 * holds them.
 */
function columnSums(to: Encoder, grouping: Grouping, g: WasmOperand | undefined, x: WasmOperand, mean: number): number {
  const { outer, positions, groups, inner } = grouping;
  const block = blockOf(grouping);
  const blocks = Math.ceil(positions / block);
  const columns = columnsOf(grouping);
  const partials = to.temporary(outer * blocks * 2 * wideOf(columns) * 8);
  const words = [partials, at(g), at(x), mean, outer, positions, groups, inner, block];
  share(to, Opcode.columnSums, grouping, outer * blocks * Math.ceil(columns / 256), words);
  return partials;
}

/**
 * Writes the commands for (x − mean)·scale/√(variance + eps) + shift. The addresses of mean, scale
 * and shift may be 0, for none.
 */
function apply(
  to: Encoder,
  grouping: Grouping,
  eps: number,
  [into, x, mean, lost, variance, scale, shift]: readonly number[],
): void {
  const { outer, positions, groups, inner } = grouping;
  if (isRows(grouping)) {
    const rows = outer * groups;
    const each = rowsOf(grouping);
    const words = [into, x, mean, lost, variance, scale, shift, rows, groups, inner, each, bits(eps)];
    share(to, Opcode.applyRows, grouping, Math.ceil(rows / each), words);
    return;
  }
  const columns = columnsOf(grouping);
  const block = blockOf(grouping);
  const list = to.temporary(outer * 3 * wideOf(columns) * 4);
  const words = [list, mean, lost, variance, scale, shift, outer, groups, inner, bits(eps)];
  to.emit(Opcode.coefficients, outer > 1 && outer * columns > worthSharing, words);
  const chunks = outer * Math.ceil(positions / block);
  share(to, Opcode.applyColumns, grouping, chunks, [into, x, list, outer, positions, columns, block]);
}

export const norm: Family<'moments' | 'normalize' | 'normalizeGrad'> = {
  moments(to, [x], { grouping }, [mean, variance]) {
    if (sizeOf(x.shape) === 0) return;
    const { outer, positions, groups, inner } = grouping;
    const [into, spread] = [at(mean), at(variance)];
    if (isRows(grouping)) {
      const rows = outer * groups;
      const each = rowsOf(grouping);
      share(to, Opcode.rowMoments, grouping, Math.ceil(rows / each), [into, spread, at(x), rows, inner, each]);
      return;
    }
    const partials = columnSums(to, grouping, undefined, x, 0);
    const block = blockOf(grouping);
    const work = outer * Math.ceil(positions / block) * columnsOf(grouping);
    const words = [into, spread, partials, at(x), outer, positions, groups, inner, block];
    to.emit(Opcode.joinMoments, work > worthSharing, words, grainOf(work, outer * groups));
  },

  normalize(to, [x, mean, variance, scale, shift], { grouping, eps }, [y]) {
    if (sizeOf(x.shape) === 0) return;
    apply(to, grouping, eps, [y, x, mean].map(at).concat(lostOf(mean, grouping), [variance, scale, shift].map(at)));
  },

  normalizeGrad(to, [g, x, mean, variance, scale], { grouping, eps, fixed }, [dx, dScale, dShift]) {
    if (sizeOf(x.shape) === 0) {
      for (const { buffer } of dScale === undefined ? [] : [dScale, dShift])
        to.emit(Opcode.fill, false, [buffer.address, columnsOf(grouping), 0]);
      return;
    }
    const { outer, positions, groups, inner } = grouping;
    const columns = columnsOf(grouping);
    const wide = wideOf(columns);
    const lost = lostOf(mean, grouping);
    if (isRows(grouping)) {
      const rows = outer * groups;
      const each = rowsOf(grouping);
      const chunks = Math.ceil(rows / each);
      const partials = dScale === undefined ? 0 : to.temporary(chunks * 2 * wide * 4);
      const inputs = [dx, g, x, mean].map(at).concat(lost, [variance, scale].map(at), partials);
      const words = [...inputs, rows, groups, inner, each, bits(eps), Number(fixed)];
      share(to, Opcode.rowGrad, grouping, chunks, words);
      for (const [k, list] of dScale === undefined ? [] : [dScale, dShift].entries())
        to.emit(Opcode.rowParameterGrads, chunks * columns > worthSharing, [
          at(list),
          partials + k * wide,
          chunks,
          wide,
          columns,
        ]);
      return;
    }
    const block = blockOf(grouping);
    const blocks = Math.ceil(positions / block);
    const factors = [variance, scale].map(at);
    if (!fixed || dScale !== undefined) {
      const partials = columnSums(to, grouping, g, x, at(mean));
      const list = to.temporary(outer * 4 * wide * 4);
      const words = [list, partials, at(mean), lost, ...factors, outer, positions, groups, inner, block, bits(eps)];
      to.emit(Opcode.joinGrad, outer > 1 && outer * blocks * columns > worthSharing, words);
      if (dScale !== undefined) {
        const sums = [at(dScale), at(dShift), partials, lost, at(variance), outer, blocks, groups, inner, bits(eps)];
        to.emit(Opcode.parameterGrads, outer * columns > worthSharing, sums);
      }
      if (!fixed) {
        const inputs = [dx, g, x].map(at).concat(list, outer, positions, columns, block);
        share(to, Opcode.applyGrad, grouping, outer * blocks, inputs);
        return;
      }
    }
    apply(to, grouping, eps, [at(dx), at(g), 0, 0, ...factors, 0]);
  },
};
