/**
 * The rules that fill a border from the cells inside. Not here: padding itself
 * (autograd/ops/pad.ts).
 */

/**
 * 'reflect' mirrors at the edge cells, which are not repeated. 'replicate' repeats the edge cells.
 * 'circular' continues at the other end.
 */
export type BorderMode = 'reflect' | 'replicate' | 'circular';

/**
 * The cell of an axis that place `at` of its border shows, or `at` itself inside the axis. A
 * mirrored border must be narrower than the axis, a circular one at most as wide.
 */
export function borderCell(at: number, length: number, mode: BorderMode): number {
  if (at >= 0 && at < length) return at;
  switch (mode) {
    case 'reflect':
      return at < 0 ? -at : 2 * (length - 1) - at;
    case 'replicate':
      return at < 0 ? 0 : length - 1;
    case 'circular':
      return at < 0 ? at + length : at - length;
  }
}
