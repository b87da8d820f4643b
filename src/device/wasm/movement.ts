/**
 * Commands that move elements. Most kernels here are strided walks over two arrays. indexSelect and
 * indexAdd follow indices, and concat and split may treat several arrays in one pass.
 */
import { aroundAxis, broadcastStrides, collapse, type Shape, sizeOf, stridesOf } from '../../values/shape.js';
import type { MovementKernel } from '../device.js';
import { bits, type Encoder, type Family, grainOf, type WasmOperand, worthSharing } from './commands.js';
import { Opcode } from './protocol/command.js';

/** Elements per chunk. */
const chunk = 16384;

/**
 * into[Σ index·toStrides] = from[Σ index·fromStrides] for every index in `shape`. Addresses are in
 * words, strides in elements.
 */
export function move(
  to: Encoder,
  shape: Shape,
  into: number,
  toStrides: readonly number[],
  from: number,
  fromStrides: readonly number[],
): void {
  const size = sizeOf(shape);
  if (size === 0) return;
  const { sizes, strides } = collapse(shape, [toStrides, fromStrides]);
  if (sizes.length === 1) for (const list of [sizes, ...strides]) list.unshift(list === sizes ? 1 : 0);
  const inner = sizes[sizes.length - 1];
  const rows = size / inner;
  // A multiple of 16 rows, because the kernel transposes four rows at a time.
  const share = Math.max(1, Math.ceil(Math.floor(chunk / inner) / 16) * 16);
  to.emit(Opcode.move, size > worthSharing, [
    into,
    from,
    rows,
    share,
    sizes.length,
    ...sizes,
    ...strides[0],
    ...strides[1],
  ]);
}

/**
 * The positions starts + i·steps of an array, as the address of the first one and the strides in
 * elements.
 */
function strided(
  { shape, buffer }: WasmOperand,
  starts: readonly number[],
  steps: readonly number[],
): { at: number; strides: number[] } {
  const own = stridesOf(shape);
  return {
    at: own.reduce((at, stride, i) => at + starts[i] * stride, buffer.address),
    strides: own.map((stride, i) => stride * steps[i]),
  };
}

/**
 * Elements of the wide array per chunk of moveColumns. They fill a page of memory. With chunks
 * twice as large, the command took 1.5 times as long.
 */
const page = 1024;
/**
 * With more narrow arrays than this, or with longer rows on average, one move per array is at least
 * as fast.
 */
const mostNarrow = 4;
const longRow = 1024;

/**
 * Copies narrow arrays into a wide one, or out of it if the wide one `isRead`. Each narrow array
 * begins at its start along the axis.
 */
function moveColumns(
  to: Encoder,
  wide: WasmOperand,
  axis: number,
  narrow: readonly WasmOperand[],
  starts: readonly number[],
  isRead: boolean,
): void {
  const size = sizeOf(wide.shape);
  if (size === 0) return;
  const { inner } = aroundAxis(wide.shape, axis);
  const columns = wide.shape[axis] * inner;
  const rows = size / columns;
  if (rows > 1 && narrow.length > 1 && narrow.length <= mostNarrow && columns <= narrow.length * longRow) {
    const share = Math.max(1, Math.floor(page / columns));
    const list = narrow.flatMap(({ shape, buffer }, i) => [buffer.address, starts[i] * inner, shape[axis] * inner]);
    const words = [wide.buffer.address, columns, rows, share, Number(isRead), narrow.length, ...list];
    to.emit(Opcode.moveColumns, size > worthSharing, words, grainOf(size, Math.ceil(rows / share)));
    return;
  }
  const strides = stridesOf(wide.shape);
  for (const [i, { shape, buffer }] of narrow.entries()) {
    const at = wide.buffer.address + starts[i] * inner;
    if (isRead) move(to, shape, buffer.address, stridesOf(shape), at, strides);
    else move(to, shape, at, strides, buffer.address, stridesOf(shape));
  }
}

export const movement: Family<MovementKernel> = {
  permute(to, [x], { axes }, [y]) {
    const own = stridesOf(x.shape);
    const strides = axes.map((axis) => own[axis]);
    move(to, y.shape, y.buffer.address, stridesOf(y.shape), x.buffer.address, strides);
  },

  expand(to, [x], _attrs, [y]) {
    move(to, y.shape, y.buffer.address, stridesOf(y.shape), x.buffer.address, broadcastStrides(x.shape, y.shape));
  },

  slice(to, [x], { starts, steps }, [y]) {
    const { at, strides } = strided(x, starts, steps);
    move(to, y.shape, y.buffer.address, stridesOf(y.shape), at, strides);
  },

  embed(to, [x], { starts, steps, value }, [y]) {
    const size = sizeOf(y.shape);
    const word = y.dtype === 'float32' ? bits(value) : y.dtype === 'bool' ? Number(value !== 0) : value;
    if (size > sizeOf(x.shape)) to.emit(Opcode.fill, size > worthSharing, [y.buffer.address, size, word]);
    const { at, strides } = strided(y, starts, steps);
    move(to, x.shape, at, strides, x.buffer.address, stridesOf(x.shape));
  },

  concat(to, inputs, { axis }, [y]) {
    let start = 0;
    const starts = inputs.map(({ shape }) => {
      start += shape[axis];
      return start - shape[axis];
    });
    moveColumns(to, y, axis, inputs, starts, false);
  },

  split(to, [x], { axis, starts }, outputs) {
    moveColumns(to, x, axis, outputs, starts, true);
  },

  indexSelect(to, [x, indices], { axis }, [y]) {
    const size = sizeOf(y.shape);
    if (size === 0) return;
    const { inner } = aroundAxis(x.shape, axis);
    const count = y.shape[axis];
    const outer = size / (count * inner);
    const share = Math.max(1, Math.floor(chunk / inner));
    const words = [
      y.buffer.address,
      x.buffer.address,
      indices.buffer.address,
      outer,
      x.shape[axis],
      count,
      inner,
      share,
    ];
    to.emit(Opcode.indexSelect, size > worthSharing, words);
  },

  indexAdd(to, [g, indices], { axis }, [y]) {
    const size = sizeOf(y.shape);
    if (size === 0) return;
    const { inner } = aroundAxis(y.shape, axis);
    const length = y.shape[axis];
    const count = sizeOf(indices.shape);
    const outer = size / (length * inner);
    const words = [
      y.buffer.address,
      g.buffer.address,
      indices.buffer.address,
      outer,
      length,
      count,
      inner,
      64,
      g.dtype === 'float32' ? 0 : 1,
    ];
    to.emit(Opcode.indexAdd, size + outer * count * inner > worthSharing, words);
  },
};
