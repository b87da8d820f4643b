/**
 * The types and checks in which layers over images, with sizes [height, width], differ from layers
 * over series, with one length.
 */
import { type Padding, type Pair, pair, parsePadding } from '../values/window.js';
import { lengthOf, type Padding1d, parsePadding1d } from '../values/window1d.js';

/** Sizes as users give them and as layers keep them, and paddings. */
export interface OverImages {
  given: Pair;
  size: readonly [height: number, width: number];
  padding: Padding;
}
export interface OverSeries {
  given: number;
  size: number;
  padding: Padding1d;
}

export interface Axes<K extends OverImages | OverSeries> {
  /** Checks a size of at least `least`, by default 1. */
  readonly size: (op: string, name: string, value: K['given'] | number, least?: number) => K['size'];
  readonly checkPadding: (op: string, padding: K['padding'] | number) => void;
}

export const imageAxes: Axes<OverImages> = { size: pair, checkPadding: parsePadding };
export const seriesAxes: Axes<OverSeries> = { size: lengthOf, checkPadding: parsePadding1d };

/** The sizes along each axis. */
export const eachAxis = (size: number | readonly number[]): readonly number[] =>
  typeof size === 'number' ? [size] : size;
