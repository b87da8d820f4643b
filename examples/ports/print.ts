/**
 * Prints arrays as the posts show them. Not here: the form of today's numpy and PyTorch, which is
 * String(tensor).
 */
import { type PoolIndices, Tensor } from 'cedargrad';

/** Where a port's lines go. */
export type Print = (line?: string) => void;

/**
 * A port's last line, the source of its numbers. '*' marks a line whose numbers were not posted,
 * but only the code that computes them.
 */
export const source = {
  posted: 'numbers as posted',
  mixed: 'numbers as posted; where marked *, numbers derived from the posted code',
  derived: 'numbers derived from the posted code',
} as const;

/**
 * One number as numpy up to 1.13 printed it: up to 8 decimals, as many as any value of the array
 * needs, with trailing zeros as blanks, and a column for the sign.
 */
function oldPrinter(values: readonly number[], whole: boolean): (v: number) => string {
  if (whole) {
    const width = Math.max(...values.map((v) => String(v).length));
    return (v) => String(v).padStart(width);
  }
  const decimals = Math.max(...values.map((v) => v.toFixed(8).replace(/0+$/, '').split('.')[1].length));
  const width = String(Math.trunc(Math.max(...values.map(Math.abs)))).length + decimals + 2;
  return (v) => {
    const [before, after = ''] = v.toFixed(decimals).split('.');
    return `${before}.${after.replace(/0+$/, '').padEnd(decimals)}`.padStart(width);
  };
}

/** As `print(array)` wrote it in the years of the posts. @shape any but a scalar */
export function numpy(x: Tensor | PoolIndices): string {
  const values = [...x.dataSync()];
  const { shape } = x;
  const print = oldPrinter(values, !(x instanceof Tensor) || x.dtype === 'int32');
  const write = (axis: number, from: number, size: number): string => {
    if (axis === shape.length) return print(values[from]);
    const part = size / shape[axis];
    const parts = Array.from({ length: shape[axis] }, (_, i) => write(axis + 1, from + i * part, part));
    return axis === shape.length - 1
      ? `[${parts.join(' ')}]`
      : `[${parts.join('\n'.repeat(shape.length - 1 - axis) + ' '.repeat(axis + 1))}]`;
  };
  return write(0, 0, values.length);
}

/** One channel of one image on a line, rows apart by slashes. @shape x [N,H,W,C] */
export function picture(x: Tensor | PoolIndices, image = 0, channel = 0): string {
  const [, height, width, channels] = x.shape;
  const values = x.dataSync();
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from(
      { length: width },
      (_, i) => +values[((image * height + y) * width + i) * channels + channel].toFixed(4),
    ).join(' '),
  );
  return rows.join(' / ');
}

/** All numbers on a line, row-major. */
export const flat = (x: Tensor | PoolIndices): string => [...x.dataSync()].join(' ');

/** Whether two tensors are equal, shapes and all. */
export const same = (a: Tensor, b: Tensor): boolean =>
  String(a.shape) === String(b.shape) && a.equal(b).cast('int32').sum().itemSync() === a.size;

/** What a call refuses, and why. */
export function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  throw new Error('nothing was refused');
}
