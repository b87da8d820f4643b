/**
 * Where the windows of a pool and their maxima lie, in words and in numbers. Not here: how they are
 * drawn (unpool-view.tsx).
 */
import type { Unpooling } from '../protocol.js';

/** A window by its row and column among all windows, from 0. */
export interface Cell {
  readonly row: number;
  readonly column: number;
}

/** A rectangle. @units pixels of the pool's input, from its upper left corner */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Windows = Pick<Unpooling, 'width' | 'height' | 'rows' | 'columns' | 'kernelSize' | 'stride' | 'padding'>;

/** A window without what reaches outside of the pool's input. */
export function windowAt({ width, height, kernelSize, stride, padding }: Windows, { row, column }: Cell): Rectangle {
  const y = row * stride[0] - padding[0];
  const x = column * stride[1] - padding[1];
  const [top, left] = [Math.max(0, y), Math.max(0, x)];
  return {
    x: left,
    y: top,
    width: Math.min(width, x + kernelSize[1]) - left,
    height: Math.min(height, y + kernelSize[0]) - top,
  };
}

/** The position of a window's maximum. */
export function maximumAt({ width, columns, indices }: Unpooling, { row, column }: Cell): { x: number; y: number } {
  const index = indices[row * columns + column];
  return { x: index % width, y: Math.floor(index / width) };
}

/** The window whose place is at x and y. With overlaps it is the last of them. */
export function cellAt({ rows, columns, stride, padding }: Windows, x: number, y: number): Cell {
  const inside = (value: number, count: number): number => Math.min(count - 1, Math.max(0, Math.floor(value)));
  return { row: inside((y + padding[0]) / stride[0], rows), column: inside((x + padding[1]) / stride[1], columns) };
}

/** The index of a window's maximum, in words. Rows and columns count from 0, as in the index. */
export function describe(level: Unpooling, cell: Cell): string {
  const { x, y } = maximumAt(level, cell);
  return (
    `Window in row ${cell.row}, column ${cell.column}: its maximum is in row ${y}, column ${x}. ` +
    `Index ${y * level.width + x} = ${y} · ${level.width} + ${x}.`
  );
}
