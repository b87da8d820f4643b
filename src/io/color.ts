/** Colors of pictures. */
import { shown } from '../arguments.js';
import { ValueError } from '../errors.js';

/** Red, green, blue. @units 0 … 255 */
export type Color = readonly [number, number, number];

export const black: Color = [0, 0, 0];
export const white: Color = [255, 255, 255];

/** Checks that a value has three numbers in [0, 255]. */
export function checkColor(op: string, name: string, color: Color): void {
  const isList = Array.isArray(color) || ArrayBuffer.isView(color);
  const isLevel = (v: unknown): boolean => typeof v === 'number' && v >= 0 && v <= 255;
  if (!isList || color.length !== 3 || !Array.from(color).every(isLevel))
    throw new ValueError(op, `${name} must be three numbers in [0, 255]`, `${name}=${shown(color)}`);
}
